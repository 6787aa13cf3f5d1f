"""Turns are taken one at a time, in the order of arrival, whatever happens in them."""

from __future__ import annotations

import threading
import time

from gallery.zoo.turns import Turns


def test_one_at_a_time_in_order_of_arrival():
    turns, served, inside = Turns(), [], []
    first_in, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with turns.take():
            first_in.set()
            go_on.wait(10)
        with turns.take():  # comes back at once, and has to queue behind those who waited
            served.append("first again")

    def other(name: int) -> None:
        with turns.take():
            inside.append(name)
            assert len(inside) == 1
            served.append(name)
            inside.remove(name)

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert first_in.wait(10)
    for name in range(5):
        threads.append(threading.Thread(target=other, args=(name,)))
        threads[-1].start()
        while len(turns._line) < name + 2:
            time.sleep(0.001)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert served == [0, 1, 2, 3, 4, "first again"]


def test_an_error_ends_a_turn():
    turns = Turns()
    for _ in range(3):
        try:
            with turns.take():
                raise ValueError
        except ValueError:
            pass
    assert not turns._line
