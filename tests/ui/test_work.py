"""Workers that visitors share: a bounded line, work that survives a rerun, work that is dropped."""

from __future__ import annotations

import threading

import pytest

from gallery.errors import Busy, EmptyMedia
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
    third = workers.submit("third", "s", lambda job: 3)
    go.set()
    assert third.wait(10) and third.result == 3


def test_running_work_stops_at_its_next_report() -> None:
    at_work, go = threading.Event(), threading.Event()

    def work(job: Job) -> None:
        at_work.set()
        go.wait(30)
        job.report(0.5, "half")

    job = Workers("t", 1, 1).submit("key", "s", work)
    assert at_work.wait(10)
    job.cancel()
    go.set()
    assert job.wait(10) and isinstance(job.error, Cancelled)


def test_errors_are_kept_for_the_page(caplog: pytest.LogCaptureFixture) -> None:
    def work(job: Job) -> None:
        raise EmptyMedia("Nothing inside.", "Choose another.")

    job = Workers("t", 1, 1).submit("key", "s", work)
    assert job.wait(10) and isinstance(job.error, EmptyMedia)
    assert not caplog.records


def test_a_worker_survives_what_nobody_expected(caplog: pytest.LogCaptureFixture) -> None:
    workers = Workers("t", 1, 1)
    job = workers.submit("key", "s", lambda job: 1 / 0)
    assert job.wait(10) and isinstance(job.error, ZeroDivisionError)
    assert "ZeroDivisionError" in caplog.text
    assert workers.submit("key", "s", lambda job: 5).wait(10)
