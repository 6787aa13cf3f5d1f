"""A video's way through the house, with the real network."""

from __future__ import annotations

import csv
import io
import json
import threading
import tracemalloc
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from gallery import clips
from gallery.cli.analyse import clip_summary
from gallery.clips import Clip, ClipOptions, analyse_clip
from gallery.domains import proximity, signs
from gallery.errors import EmptyMedia, UnreadableMedia
from gallery.media.types import Picture
from gallery.media.video import VIDEO, VideoLimits, open_video
from gallery.results import Analysis, Detection, ModelUse
from tests.films import film, pan


@pytest.fixture(scope="module")
def bus_clip() -> bytes:
    """Twelve frames of a pan over a bus and people."""
    return film(frames=pan(12))


def _signs(picture: Picture) -> Analysis:
    return signs.analyse(picture, signs.Options(score=0.1))


def _shown(analysis: Analysis) -> Analysis:
    return analysis.filtered(0.35)


def _by_brightness(picture: Picture) -> Analysis:
    """What a frame holds, told by its first pixel: for tests of the way, not of a network."""
    value = float(picture.pixels[0, 0, 0])
    return Analysis(
        file=picture.name,
        domain="signs",
        model=ModelUse("test", "0" * 64, "none"),
        timings_ms={"decode": picture.decode_ms, "infer": 1.0},
        width=picture.width,
        height=picture.height,
        detections=(Detection("grey", 0.9, (value / 8, 4, value / 8 + 20, 24)),),
    )


def _grey(count: int, width: int = 64, height: int = 48) -> bytes:
    """Frames that get brighter, so that each can be told from the others."""
    frames = [np.full((height, width, 3), min(255, round(255 * i / max(1, count - 1))), np.uint8) for i in range(count)]
    return film("matroska", "ffv1", frames, pixel_format="bgr0")


def _run(data: bytes, folder: Path, analyse=_by_brightness, options=None, limits=VIDEO, **more) -> Clip:
    with open_video(data, "a.mp4", limits) as video:
        return analyse_clip(video, analyse, folder, options, **more)


def _table(clip: Clip) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(clip.files["csv"].read_text(encoding="utf-8-sig"))))


def _frames_of(path: Path) -> list[float]:
    with av.open(str(path)) as file:
        return [float(f.time) for f in file.decode(video=0)]


def test_a_bus_and_people_from_end_to_end(bus_clip, tmp_path):
    told: list[tuple[float, str]] = []
    shown: list[np.ndarray] = []
    folder = tmp_path / "new"
    clip = _run(
        bus_clip, folder, _signs, narrow=_shown, progress=lambda *a: told.append(a), preview=lambda p: shown.append(p)
    )
    assert (clip.file, clip.domain, clip.model.id) == ("a.mp4", "signs", "yolo26n")
    assert (clip.width, clip.height, clip.rate, clip.frames, clip.every) == (320, 320, 10, 12, 1)
    assert clip.duration_s == pytest.approx(1.2, abs=0.01)
    assert clip.labels["bus"]["tracks"] == 1 and clip.labels["bus"]["frames"] == 12
    assert clip.labels["person"]["most"] >= 2
    assert not clip.stopped and clip.cut == () and clip.warnings == ()
    assert set(clip.timings_ms) == {"decode", "prepare", "infer", "post", "track", "draw", "encode"}
    assert clip.speed_fps > 0
    assert clip.settings["every"] == 1 and clip.settings["model"] == "yolo26n"
    # files, and nothing else
    assert sorted(p.name for p in folder.iterdir()) == ["annotated.mp4", "frames.csv", "frames.json"]
    assert {kind: path.name for kind, path in clip.files.items()} == clips.NAMES
    assert _frames_of(clip.files["video"]) == pytest.approx([i / 10 for i in range(12)], abs=1e-3)
    rows = _table(clip)
    document = json.loads(clip.files["json"].read_text(encoding="utf-8"))
    assert {k: v for k, v in document.items() if k != "frames"} == json.loads(json.dumps(clip.to_json()))
    assert [f["frame"] for f in document["frames"]] == list(range(12))
    assert sum(len(f["detections"]) for f in document["frames"]) == len(rows)
    assert all(float(row["score"]) >= 0.35 for row in rows)
    first = document["frames"][0]["detections"][0]
    assert float(rows[0]["x1"]) == first["box"][0] and rows[0]["label"] == first["label"]
    assert int(rows[0]["track_id"]) == first["attributes"]["track_id"]
    # as told on the way
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert told[-1] == (1.0, "done") and told[0][1].startswith("frame 1 of about 12")
    assert shown and shown[0].shape == (320, 320, 3)
    assert len(shown) <= 1 + clip.frames / clip.speed_fps / clips.PREVIEW_EVERY


def test_order_is_kept_although_two_are_analysed_at_once(tmp_path):
    """The first of each pair waits for the second, which only ends if both run at the same time."""
    count = 40
    both = threading.Barrier(2, timeout=20)
    most = [0, 0]
    lock = threading.Lock()

    def analyse(picture: Picture) -> Analysis:
        with lock:
            most[0] += 1
            most[1] = max(most)
        both.wait()
        with lock:
            most[0] -= 1
        return _by_brightness(picture)

    clip = _run(_grey(count), tmp_path, analyse)
    document = json.loads(clip.files["json"].read_text(encoding="utf-8"))
    assert [f["frame"] for f in document["frames"]] == list(range(count))
    lefts = [f["detections"][0]["box"][0] for f in document["frames"]]
    assert lefts == sorted(lefts) and len(set(lefts)) == count
    assert most[1] == 2


#: (every, frames that are analysed)
EVERY = [(1, list(range(10))), (3, [0, 3, 6, 9]), (10, [0]), (1000, [0])]


@pytest.mark.parametrize(("every", "expected"), EVERY)
def test_every_nth_frame(every, expected, tmp_path):
    clip = _run(_grey(10), tmp_path, options=ClipOptions(every=every))
    document = json.loads(clip.files["json"].read_text(encoding="utf-8"))
    assert [f["frame"] for f in document["frames"]] == expected
    assert (clip.frames, clip.every) == (len(expected), every)
    assert clip.duration_s == pytest.approx(1.0, abs=0.01)
    assert bool(clip.warnings) == (every > 5)
    assert _frames_of(clip.files["video"]) == pytest.approx([i / 10 for i in expected], abs=1e-3)


def test_without_a_video_and_without_numbers(tmp_path):
    shown: list[np.ndarray] = []
    clip = _run(_grey(5), tmp_path, options=ClipOptions(track=False, annotate=False), preview=shown.append)
    assert set(clip.files) == {"csv", "json"} and sorted(p.name for p in tmp_path.iterdir()) == [
        "frames.csv",
        "frames.json",
    ]
    assert clip.tracks == () and clip.labels == {"grey": {"tracks": 0, "most": 1, "frames": 5}}
    assert all(row["track_id"] == "" for row in _table(clip))
    assert len(shown) >= 1


def test_a_video_in_which_nothing_is_found(tmp_path):
    clip = _run(_grey(5), tmp_path, lambda p: replace(_by_brightness(p), detections=()))
    assert clip.labels == {} and clip.tracks == () and _table(clip) == []
    assert len(json.loads(clip.files["json"].read_text())["frames"]) == 5
    assert len(_frames_of(clip.files["video"])) == 5


def test_cancelled_on_the_way_it_keeps_what_is_there(tmp_path):
    """Asked to stop while frame 5 is drawn: no further frame is taken."""
    done: list[float] = []
    clip = _run(
        _grey(200),
        tmp_path,
        progress=lambda share, doing: done.append(share) if doing != "done" else None,
        cancelled=lambda: len(done) >= 5,
    )
    assert clip.stopped and clip.frames == 5
    assert clip.cut == ("The run was stopped after 0.4 seconds of the video.",)
    assert clip.duration_s == pytest.approx(0.5, abs=0.01)
    assert len(_frames_of(clip.files["video"])) == 5
    assert len(json.loads(clip.files["json"].read_text())["frames"]) == len(_table(clip)) == 5
    assert json.loads(clip.files["json"].read_text())["stopped"] is True


def test_cancelled_before_the_first_frame_leaves_nothing(tmp_path):
    with pytest.raises(EmptyMedia, match="Nothing was analysed"):
        _run(_grey(20), tmp_path, cancelled=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_after_the_last_frame_it_is_not_stopped(tmp_path):
    """Somebody presses stop when all is done."""
    done: list[float] = []
    clip = _run(_grey(6), tmp_path, progress=lambda share, _: done.append(share), cancelled=lambda: len(done) >= 6)
    assert clip.frames == 6 and not clip.stopped and clip.cut == ()


class _Failed(Exception):
    pass


@pytest.mark.parametrize("where", ["analyse", "narrow", "progress", "preview"])
@pytest.mark.parametrize("error", [_Failed, KeyboardInterrupt])
def test_after_an_error_nothing_is_left(where, error, tmp_path):
    calls = {"count": 0}

    def fail(*_):
        calls["count"] += 1
        if calls["count"] == 3 or where == "preview":
            raise error

    def analyse(picture: Picture) -> Analysis:
        if where == "analyse":
            fail()
        return _by_brightness(picture)

    def narrow(analysis: Analysis) -> Analysis:
        if where == "narrow":
            fail()
        return analysis

    before = threading.active_count()
    (tmp_path / "annotated.mp4").write_bytes(b"an older one")
    with pytest.raises(error):
        _run(
            _grey(50),
            tmp_path,
            analyse,
            narrow=narrow,
            progress=fail if where == "progress" else None,
            preview=fail if where == "preview" else None,
        )
    assert [p.name for p in tmp_path.iterdir()] == ["annotated.mp4"]
    assert (tmp_path / "annotated.mp4").read_bytes() == b"an older one"
    assert threading.active_count() == before


def test_a_limit_that_is_met_on_the_way_ends_the_run_with_what_is_there(tmp_path):
    """The header announces five frames and half a second; the file goes on for three seconds."""
    data = bytearray(film(frames=[np.full((48, 64, 3), 8 * i, np.uint8) for i in range(30)]))
    for box, offset in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        at = data.index(box) + offset
        data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") // 6).to_bytes(4, "big")
    clip = _run(bytes(data), tmp_path, limits=VideoLimits(10**7, 3600, 10**6, 4096, 12))
    assert clip.frames == 12 and not clip.stopped
    assert "more than 12 frames, the limit" in clip.cut[0]
    assert len(_frames_of(clip.files["video"])) == 12


def test_a_damaged_video_says_so(tmp_path):
    data = bytearray(film(frames=[np.random.default_rng(i).integers(0, 255, (48, 64, 3), np.uint8) for i in range(30)]))
    at = data.index(b"mdat")
    data[at + 20_000 : at + 24_000] = bytes(4000)
    clip = _run(bytes(data), tmp_path)
    assert clip.frames < 30
    assert "Parts of the video are damaged" in clip.warnings[0]


def test_a_video_that_cannot_be_decoded_raises_its_sentence(tmp_path):
    with pytest.raises(UnreadableMedia):
        _run(film()[:900], tmp_path)


def test_labels_cannot_become_formulas(tmp_path):
    evil = Detection("=HYPERLINK(1)", 0.9, (1, 1, 9, 9))
    clip = _run(_grey(2), tmp_path, lambda p: replace(_by_brightness(p), detections=(evil,)))
    assert all(row["label"] == "'=HYPERLINK(1)" for row in _table(clip))


def test_what_narrow_hides_is_neither_drawn_nor_written_nor_counted(tmp_path):
    """Three are followed; only the second is shown, from the third frame on."""
    rows = tuple(Detection(label, 0.9, (20 * i, 4, 20 * i + 18, 40)) for i, label in enumerate(("a", "b", "c")))
    shown: list[np.ndarray] = []

    def narrow(analysis: Analysis) -> Analysis:
        late = analysis.detections[0].attributes["seen"] >= 2
        return replace(analysis, detections=tuple(d for d in analysis.detections if d.label == "b" and late))

    count = [0]
    lock = threading.Lock()

    def analyse(picture: Picture) -> Analysis:
        with lock:
            seen, count[0] = count[0], count[0] + 1
        return replace(_by_brightness(picture), detections=tuple(replace(d, attributes={"seen": seen}) for d in rows))

    clip = _run(_grey(6), tmp_path, analyse, narrow=narrow, preview=shown.append)
    assert set(clip.labels) == {"b"} and clip.labels["b"]["tracks"] == 1
    assert [(t.id, t.label) for t in clip.tracks] == [(2, "b")]
    assert {row["label"] for row in _table(clip)} == {"b"}
    assert shown[0].max() == 0  # the first frame is black, and nothing is drawn on it


def test_a_track_that_changes_its_label_is_one(tmp_path):
    """Taken for a lorry in one frame of six: one car."""

    def analyse(picture: Picture) -> Analysis:
        label = "truck" if 90 < picture.pixels[0, 0, 0] < 110 else "car"
        return replace(_by_brightness(picture), detections=(Detection(label, 0.9, (5, 5, 45, 40)),))

    clip = _run(_grey(6), tmp_path, analyse)
    assert [(t.id, t.label, t.frames) for t in clip.tracks] == [(1, "car", 6)]
    assert clip.labels == {
        "car": {"tracks": 1, "most": 1, "frames": 5},
        "truck": {"tracks": 0, "most": 1, "frames": 1},
    }


def test_encounters_by_the_pair(tmp_path):
    """A person passes a car within half a height, goes away for two seconds, and comes back."""
    places = [*range(0, 120, 10), *[-300] * 25, *range(0, 60, 10)]

    def analyse(picture: Picture) -> Analysis:
        index = round(float(picture.pixels[0, 0, 0]) / 255 * (len(places) - 1))
        car = Detection("car", 0.9, (100, 60, 200, 120))
        people = () if places[index] < 0 else (Detection("person", 0.9, (places[index], 60, places[index] + 20, 120)),)
        found = replace(_by_brightness(picture), domain="proximity", detections=(car, *people))
        return proximity.with_alerts(found, 1.0)

    clip = _run(_grey(len(places), 320, 160), tmp_path, analyse)
    first, second = clip.alerts
    assert first.labels == second.labels == ("person", "car")
    assert first.tracks[1] == second.tracks[1] == 1
    assert None not in first.tracks and first.tracks[0] != second.tracks[0]
    assert (first.time_s, first.end_s) == (pytest.approx(0.4, abs=0.11), pytest.approx(1.1, abs=0.01))
    assert first.distance == 0 and first.unit == "person heights"
    assert second.time_s == pytest.approx(4.1, abs=0.11)
    document = json.loads(clip.files["json"].read_text())
    assert len(document["alerts"]) == 2
    assert document["frames"][11]["alerts"][0]["tracks"] == list(first.tracks)
    assert all(f["alerts"] == [] for f in document["frames"][13:36])


def test_frames_too_far_apart_to_follow(tmp_path):
    """A person and a car beside each other, 2 s from frame to frame: one encounter, and a warning."""

    def analyse(picture: Picture) -> Analysis:
        people = tuple(Detection("person", 0.9, (left, 60, left + 20, 120)) for left in (80, 60))
        car = Detection("car", 0.9, (100, 60, 200, 120))
        return proximity.with_alerts(
            replace(_by_brightness(picture), domain="proximity", detections=(car, *people)), 0.2
        )

    clip = _run(_grey(100, 320, 160), tmp_path, analyse, ClipOptions(every=20))
    assert [(a.time_s, a.end_s) for a in clip.alerts] == [(0.0, 8.0)]
    assert clip.duration_s == pytest.approx(10.0, abs=0.01)
    sparse = replace(clip, labels={"person": {"tracks": 1, "most": 2, "frames": 5}, "car": clip.labels["car"]})
    assert sparse.different() == {"person": (2, False), "car": (1, True)}
    assert clip_summary(sparse).startswith("at least 2 person, 1 car; 1 alert (5 frames")
    (warning,) = clip.warnings
    assert warning.startswith("The analysed frames are 2.0 seconds apart. Objects can hardly be followed")
    assert _run(_grey(100), tmp_path, options=ClipOptions(every=20, track=False)).warnings == ()
    assert _run(_grey(20), tmp_path, options=ClipOptions(every=5)).warnings == ()


def test_memory_does_not_grow_with_length(tmp_path):
    """Ten times as many frames with as many finds in each: what Python holds at its most stays about the same."""
    many = tuple(Detection("grey", 0.9, (6 * i, 10, 6 * i + 5, 40)) for i in range(10))

    def analyse(picture: Picture) -> Analysis:
        return replace(_by_brightness(picture), detections=many)

    def peak(data: bytes, folder: Path) -> int:
        tracemalloc.start()
        try:
            _run(data, folder, analyse)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    short, long = _grey(60, 200, 150), _grey(600, 200, 150)
    peak(short, tmp_path / "warm")
    few = peak(short, tmp_path / "short")
    assert peak(long, tmp_path / "long") < 1.25 * few


@pytest.mark.reference
def test_the_car_park(reference_data, tmp_path):
    path = reference_data / "video" / "person-bicycle-car-detection.mp4"
    clip = _run(path, tmp_path, _signs, ClipOptions(every=2), narrow=_shown)
    assert clip.frames == 230
    assert clip.duration_s == pytest.approx(38.3, abs=0.2)
    assert clip.labels["car"]["tracks"] == 2 and clip.labels["car"]["most"] == 1
    assert len(clip.tracks) <= 12
