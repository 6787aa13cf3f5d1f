"""The newest item wins, and nobody waits."""

from __future__ import annotations

import threading

from gallery.live.newest import Newest, Pace


def test_what_nobody_took_is_replaced_and_counted() -> None:
    box: Newest[int] = Newest()
    for number in (1, 2, 3):
        box.put(number)
    assert box.take() == 3
    assert (box.received, box.dropped) == (3, 2)
    assert box.take(timeout=0.01) is None


def test_close_lets_everybody_go_and_takes_nothing_more() -> None:
    box: Newest[int] = Newest()
    taken: list[int | None] = []
    waiting = [threading.Thread(target=lambda: taken.append(box.take())) for _ in range(3)]
    for thread in waiting:
        thread.start()
    box.close()
    for thread in waiting:
        thread.join(10)
    box.put(1)
    assert taken == [None, None, None]
    assert box.closed and box.received == 0 and box.take() is None


def test_pace_is_of_the_last_seconds() -> None:
    now = 0.0
    pace = Pace(seconds=3.0, clock=lambda: now)
    assert pace.per_second() == 0 and pace.mean() == 0
    for tenth in range(100):  # ten a second for ten seconds, ever slower
        now = tenth / 10
        pace.add(tenth)
    assert abs(pace.per_second() - 10) < 0.5
    assert pace.mean() == sum(range(69, 100)) / 31
    now += 60
    assert pace.per_second() == 0 and pace.mean() == 0
