"""Workers that visitors share: a bounded line, work that survives a rerun, work that is dropped."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from gallery.errors import Busy, EmptyMedia
from gallery.ui import work
from gallery.ui.work import Cancelled, Job, Workers


def _blocked(workers: Workers, count: int) -> tuple[threading.Event, list[Job]]:
    go = threading.Event()
    return go, [workers.submit(n, "s", lambda job: go.wait(30)) for n in range(count)]


def test_work_is_done_and_its_result_kept() -> None:
    job = Workers("t", 1, 1).submit("key", "s", lambda job: 7)
    assert job.wait(10) and job.result == 7 and job.error is None


def test_who_comes_when_the_line_is_full_is_told_so() -> None:
    workers = Workers("t", places=1, line=2)
    go, jobs = _blocked(workers, 3)
    with pytest.raises(Busy) as refused:
        workers.submit("one more", "s", lambda job: None)
    assert "try again" in str(refused.value)
    go.set()
    assert all(job.wait(10) for job in jobs)
    assert workers.submit("later", "s", lambda job: 1).wait(10)


def test_the_line_is_first_come_first_served_and_told() -> None:
    workers = Workers("t", places=1, line=5)
    go, jobs = _blocked(workers, 1)
    done: list[int] = []
    waiting = [workers.submit(n, "s", lambda job, n=n: done.append(n)) for n in range(3)]
    while not jobs[0].started:
        threading.Event().wait(0.01)
    assert [workers.ahead(job) for job in waiting] == [0, 1, 2]
    go.set()
    assert all(job.wait(10) for job in waiting) and done == [0, 1, 2]


def test_cancelled_work_leaves_its_place_in_the_line() -> None:
    workers = Workers("t", places=1, line=1)
    go, jobs = _blocked(workers, 2)
    jobs[1].cancel()
    assert jobs[1].wait(10) and isinstance(jobs[1].error, Cancelled)  # at once, not when its turn would come
    third = workers.submit("third", "s", lambda job: 3)
    go.set()
    assert third.wait(10) and third.result == 3


def test_who_went_away_loses_the_place_and_nobody_waits_for_that_work(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    here = {"s", "new"}
    monkeypatch.setattr(work.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(work, "session_is_open", here.__contains__)
    workers = Workers("t", places=1, line=1)
    go, jobs = _blocked(workers, 2)
    here.discard("s")
    assert jobs[1].wanted()
    now[0] += work.GRACE_S + 1
    third = workers.submit("third", "new", lambda job: 3)
    assert jobs[1].wait(10) and isinstance(jobs[1].error, Cancelled)
    go.set()
    assert third.wait(10) and third.result == 3


def test_a_reload_after_minutes_in_line_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    here = {"s"}
    monkeypatch.setattr(work.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(work, "session_is_open", here.__contains__)
    job = Job("key", "s", lambda job: 1)
    now[0] += 300
    here.clear()
    assert job.wanted()
    now[0] += 1
    assert job.wanted()
    here.add("s")
    assert job.wanted()
    now[0] += 300
    here.clear()
    assert job.wanted()
    now[0] += work.GRACE_S
    assert not job.wanted()


def test_what_was_found_is_counted_and_only_the_last_is_kept() -> None:
    def talk(job: Job) -> None:
        for number in range(1000):
            job.say(str(number))

    job = Workers("t", 1, 1).submit("key", "s", talk)
    assert job.wait(10) and job.said == 1000
    assert job.lines[-1] == "999" and len(job.lines) < 50


def test_an_error_keeps_nothing_of_the_run_alive() -> None:
    class Pixels:
        pass

    kept: list[weakref.ref[Pixels]] = []

    def fail(job: Job) -> None:
        pixels = Pixels()
        kept.append(weakref.ref(pixels))
        try:
            raise ValueError("inside")
        except ValueError as error:
            raise EmptyMedia("Nothing inside.", "Choose another.") from error

    job = Workers("t", 1, 1).submit("key", "s", fail)
    assert job.wait(10) and isinstance(job.error, EmptyMedia)
    gc.collect()
    assert kept[0]() is None


def test_running_work_stops_at_its_next_report() -> None:
    at_work, go = threading.Event(), threading.Event()

    def stay(job: Job) -> None:
        at_work.set()
        go.wait(30)
        job.report(0.5, "half")

    job = Workers("t", 1, 1).submit("key", "s", stay)
    assert at_work.wait(10)
    job.cancel()
    go.set()
    assert job.wait(10) and isinstance(job.error, Cancelled)


def test_errors_are_kept_for_the_page(caplog: pytest.LogCaptureFixture) -> None:
    def fail(job: Job) -> None:
        raise EmptyMedia("Nothing inside.", "Choose another.")

    job = Workers("t", 1, 1).submit("key", "s", fail)
    assert job.wait(10) and isinstance(job.error, EmptyMedia)
    assert not caplog.records


def test_a_worker_survives_what_nobody_expected(caplog: pytest.LogCaptureFixture) -> None:
    workers = Workers("t", 1, 1)
    job = workers.submit("key", "s", lambda job: 1 / 0)
    assert job.wait(10) and isinstance(job.error, ZeroDivisionError)
    assert "ZeroDivisionError" in caplog.text
    assert workers.submit("key", "s", lambda job: 5).wait(10)
