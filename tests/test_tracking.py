"""Objects keep their numbers."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gallery.domains import satellite, signs
from gallery.media.types import Picture
from gallery.media.video import open_video
from gallery.results import Detection
from gallery.tracking import Tracker
from tests.films import pan

Frames = list[list[Detection]]


def _box(x: float, y: float = 50, side: float = 40, label: str = "car", score: float = 0.9) -> Detection:
    return Detection(label, score, (x, y, x + side, y + side))


def _turned(x: float, y: float, angle: float, score: float = 0.9) -> Detection:
    """An oriented box of 60 x 20 around a centre, corners in the order in which the detector gives them."""
    across = (30 * math.cos(angle), 30 * math.sin(angle))
    down = (-10 * math.sin(angle), 10 * math.cos(angle))
    corners = tuple(
        (x + i * across[0] + j * down[0], y + i * across[1] + j * down[1])
        for i, j in ((1, 1), (1, -1), (-1, -1), (-1, 1))
    )
    xs, ys = [c[0] for c in corners], [c[1] for c in corners]
    return Detection("ship", score, (min(xs), min(ys), max(xs), max(ys)), corners)


def _ids(frames: Frames, rate: float = 10, start: float = 0.35) -> list[list[int | None]]:
    tracker = Tracker(rate, start)
    return [[d.attributes.get("track_id") for d in tracker.update(frame)] for frame in frames]


#: (case, detections by frame, ids by frame)
CASES: list[tuple[str, Frames, list[list[int | None]]]] = [
    ("nothing", [[], []], [[], []]),
    ("one that moves", [[_box(10 + 4 * i)] for i in range(4)], [[1]] * 4),
    ("two that swap places in the list", [[_box(10), _box(200)], [_box(200), _box(10)]], [[1, 2], [2, 1]]),
    ("a new one is confirmed by its second frame", [[], [_box(10)], [_box(11)], [_box(12)]], [[], [None], [1], [1]]),
    ("away for half a second", [[_box(10)], [_box(10)], *[[]] * 5, [_box(10)]], [[1], [1], *[[]] * 5, [1]]),
    ("away for two seconds", [[_box(10)], [_box(10)], *[[]] * 20, [_box(10)], [_box(10)]],
     [[1], [1], *[[]] * 20, [None], [2]]),
    ("a weak find goes on", [[_box(10)], [_box(11)], [_box(12, score=0.15)], [_box(13)]], [[1]] * 4),
    ("a weak find begins nothing", [[_box(10, score=0.3)]] * 4, [[None]] * 4),
    ("another label for a moment", [[_box(10)], [_box(11)], [_box(12, label="truck")], [_box(13)]], [[1]] * 4),
    ("a rider is not the bicycle", [[_box(10, 30, label="person")]] * 2 + [[_box(10, 50, label="bicycle")]],
     [[1], [1], [None]]),
    ("no height", [[Detection("car", 0.9, (5, 5, 5, 5))], [_box(10)]], [[None], [None]]),
    ("oriented", [[_turned(100 + 3 * i, 80, 0.5 + 0.05 * i), _turned(300, 80, 1.5)] for i in range(4)], [[1, 2]] * 4),
]  # fmt: skip


@pytest.mark.parametrize(("case", "frames", "expected"), CASES, ids=[row[0] for row in CASES])
def test_numbers(case, frames, expected):
    assert _ids(frames) == expected


def test_detections_come_back_as_they_were():
    given = [
        _box(10),
        _box(200, score=0.2),
        Detection("person", 0.8, (5.5, 6.5, 20.5, 60.5), None, {"ground_point": [1, 2]}),
    ]
    tracker = Tracker()
    found = tracker.update(given)
    assert [(d.label, d.score, d.box) for d in found] == [(d.label, d.score, d.box) for d in given]
    assert found[2].attributes == {"ground_point": [1, 2], "track_id": 2}
    assert found[1] is given[1]
    assert given[0].attributes == {}


def test_two_trackers_in_turn_do_not_disturb_each_other():
    one, other = Tracker(10), Tracker(10)
    for i in range(10):
        here = one.update([_box(10 + i), _box(200)])
        there = other.update([_box(500 - i)])
        assert [d.attributes["track_id"] for d in here] == [1, 2]
        assert [d.attributes["track_id"] for d in there] == [1]


def test_trackers_in_threads_do_not_disturb_each_other():
    """New objects all the time, in four threads at once: each counts for itself, without a gap."""

    def run(_: int) -> list[int]:
        tracker = Tracker(10)
        seen: list[int] = []
        for i in range(200):
            for d in tracker.update([_box(100 * (i // 4 % 50), 100 * (i // 4))]):
                if "track_id" in d.attributes:
                    seen.append(d.attributes["track_id"])
        return seen

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(run, range(4)))
    assert all(seen == runs[0] for seen in runs)
    assert sorted(set(runs[0])) == list(range(1, 51))


@pytest.mark.parametrize(("rate", "start"), [(0, 0.5), (-1, 0.5), (math.nan, 0.5), (math.inf, 0.5), (30, 0), (30, 1.5)])
def test_what_makes_no_sense_is_refused(rate, start):
    with pytest.raises(ValueError):
        Tracker(rate, start)


def test_people_and_a_bus_keep_their_numbers_while_the_camera_moves():
    """A pan over a photograph: whoever is found in many frames is one and the same."""
    tracker = Tracker(10)
    labels: dict[int, Counter[str]] = {}
    for pixels in pan(24, 480, 480):
        found = signs.analyse(Picture(pixels, "pan"), signs.Options(score=0.1))
        numbered = tracker.update(found.detections)
        numbers = [d.attributes["track_id"] for d in numbered if "track_id" in d.attributes]
        assert len(numbers) == len(set(numbers))
        for d in numbered:
            if "track_id" in d.attributes:
                labels.setdefault(d.attributes["track_id"], Counter())[d.label] += 1
    lasting = {number: tally for number, tally in labels.items() if tally.total() >= 20}
    usual = Counter(tally.most_common(1)[0][0] for tally in lasting.values())
    assert usual["bus"] == 1
    assert usual["person"] >= 2
    assert all(tally.most_common(1)[0][1] == tally.total() for tally in lasting.values())


@pytest.mark.reference
def test_who_comes_by_in_the_car_park(reference_data: Path):
    """Watched frame by frame: two cars, one who walks, two on bicycles, never two of a kind in view but people.

    The riders are small and seen from above; the network loses each for more than a second, and each comes back as a
    new person. The cars, the bicycles and the one who walks are never lost.
    """
    tracker = Tracker(12)
    seen: dict[int, list[tuple[float, Detection]]] = {}
    with open_video(reference_data / "video" / "person-bicycle-car-detection.mp4", "park.mp4") as video:
        for frame in video.frames():
            found = signs.analyse(Picture(frame.pixels, "park.mp4"), signs.Options(score=0.1))
            numbered = [d for d in tracker.update(found.detections) if d.score >= 0.35 and "track_id" in d.attributes]
            numbers = [d.attributes["track_id"] for d in numbered]
            assert len(numbers) == len(set(numbers))
            for d in numbered:
                seen.setdefault(d.attributes["track_id"], []).append((frame.time_s, d))
    usual = {n: Counter(d.label for _, d in track).most_common(1)[0][0] for n, track in seen.items()}
    count = Counter(usual.values())
    assert count["car"] == 2
    assert count["bicycle"] == 2
    assert 3 <= count["person"] <= 5
    assert set(count) == {"car", "bicycle", "person"}
    walker = max((t for n, t in seen.items() if usual[n] == "person"), key=len)
    assert len(walker) >= 60
    xs = [(d.box[0] + d.box[2]) / 2 for _, d in walker]
    assert all(abs(b - a) < 40 for a, b in itertools.pairwise(xs))  # a step, not a jump to somebody else


@pytest.mark.reference
def test_planes_seen_from_above_keep_their_numbers(reference_data: Path):
    """A drone's view, made by moving over a still picture: the same planes all the time."""
    from gallery.media.image import OVERHEAD, read_image

    folder = reference_data / "overhead" / "airport"
    path = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".png"))[0]
    whole = read_image(path, path.name, OVERHEAD).pixels
    tracker = Tracker(10)
    lasting: Counter[int] = Counter()
    most = 0
    for i in range(8):
        view = whole[4 * i : 4 * i + 540, 4 * i : 4 * i + 540]
        found = satellite.analyse(Picture(view.copy(), "drone"), satellite.Options(score=0.1))
        strong = [d for d in tracker.update(found.detections) if d.score >= 0.35]
        most = max(most, len(strong))
        numbers = [d.attributes["track_id"] for d in strong if "track_id" in d.attributes]
        assert len(numbers) == len(set(numbers))
        lasting.update(numbers)
    assert most >= 1
    assert sum(count >= 7 for count in lasting.values()) >= max(1, most // 2)
    assert len(lasting) <= 2 * most
