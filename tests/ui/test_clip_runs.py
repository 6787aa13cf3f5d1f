"""How long a run will still take, what it shows on its way, and the chart of what it found."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gallery.ui import clip_runs
from gallery.ui.clip_runs import Pace, left_text, progress_text
from gallery.ui.clip_view import different, over_time
from gallery.ui.work import Job


class _Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def test_time_left_is_not_guessed_at_once() -> None:
    clock = _Clock()
    pace = Pace(clock)
    assert pace.left(0.1) is None  # after a model was loaded, say
    clock.now += 0.5
    assert pace.left(0.2) is None


def test_time_left_of_a_steady_run_is_right() -> None:
    clock = _Clock()
    pace, left = Pace(clock), None
    for step in range(101):
        left = pace.left(step / 400)
        clock.now += 0.1
    assert left == pytest.approx(30, rel=0.02)


def test_one_slow_moment_does_not_make_the_time_left_jump() -> None:
    clock = _Clock()
    pace = Pace(clock)
    for step in range(300):
        before = pace.left(step / 600)
        clock.now += 0.1
    clock.now += 1.0
    after = pace.left(300 / 600)
    assert before is not None and after is not None
    assert before < after < 1.35 * before


def test_a_run_that_became_slower_is_told_so_before_long() -> None:
    clock = _Clock()
    pace, left = Pace(clock), None
    for step in range(100):
        pace.left(step / 1000)
        clock.now += 0.1
    for step in range(100, 161):
        left = pace.left(step / 1000)
        clock.now += 0.5
    assert left == pytest.approx(840 * 0.5, rel=0.15)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "a few seconds left"),
        (4.9, "a few seconds left"),
        (12.4, "about 10 seconds left"),
        (47, "about 45 seconds left"),
        (51, "about a minute left"),
        (89, "about a minute left"),
        (100, "about 2 minutes left"),
        (3540, "about 59 minutes left"),
        (3600, "about 1 h 0 min left"),
        (7500, "about 2 h 5 min left"),
    ],
)
def test_time_left_in_words(seconds: float, expected: str) -> None:
    assert left_text(seconds) == expected


def test_progress_in_words() -> None:
    assert progress_text(0.339, 102, 300, 21) == "33%, 102 of about 300 frames, about 20 seconds left"
    assert progress_text(0.5, 1234, None, None) == "50%, 1,234 frames"
    assert progress_text(0.999, 305, 300, None) == "99%, 305 of about 305 frames"  # the file announced too few


def test_the_picture_of_a_run_is_bounded_and_not_made_for_each_frame() -> None:
    job = Job("key", "s", lambda job: None)
    watch = clip_runs._Watch(job, 10)
    for _ in range(5):
        watch.look(np.zeros((2160, 3840, 3), np.uint8))
    assert job.pictures == 1
    with Image.open(io.BytesIO(job.picture)) as picture:
        assert picture.format == "JPEG" and picture.size == (960, 540)


@pytest.mark.parametrize(("seconds", "rows"), [(0.04, 1), (2.0, 20), (36.0, 180), (3600.0, 180)])
def test_the_chart_is_bounded(tmp_path: Path, seconds: float, rows: int) -> None:
    table = tmp_path / "frames.csv"
    table.write_text("frame,time_s,label\r\n", encoding="utf-8-sig")
    assert over_time(table, seconds, ["car"]).shape == (rows, 1)


def test_the_chart_has_the_most_at_once(tmp_path: Path) -> None:
    lines = ["frame,time_s,label", "0,0.0,car", "0,0.0,car", "0,0.0,bus", "1,0.04,car", "9,0.36,car", "30,1.99,dog"]
    table = tmp_path / "frames.csv"
    table.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig")
    points = over_time(table, 2.0, ["car", "bus"])
    assert list(points.columns) == ["car", "bus"]
    assert list(points["car"][:5]) == [2, 0, 0, 1, 0] and points["bus"].sum() == 1
    assert list(points.index[:3]) == [0.0, 0.1, 0.2]


@pytest.mark.parametrize(
    ("tracks", "most", "expected"), [(3, 1, "3"), (2, 2, "2"), (1, 1200, "at least 1,200"), (0, 2, "at least 2")]
)
def test_more_at_once_than_were_followed_is_at_least(tracks, most, expected):
    assert different({"tracks": tracks, "most": most, "frames": 5}) == expected
