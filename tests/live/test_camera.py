"""A camera that is on, fed directly: what is shown, what is dropped, and that nothing stays behind."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from gallery.domains import signs
from gallery.errors import DiskFull, OptionError
from gallery.live import camera as module
from gallery.live.camera import Camera
from gallery.media.types import Picture
from gallery.results import Analysis, Detection, ModelUse
from tests.photos import BUS

WAIT_S = 60


@pytest.fixture(scope="module")
def bus() -> np.ndarray:
    """A street photograph, 640x480: a bus and people in front of it."""
    with Image.open(BUS) as image:
        width = image.width
        return np.asarray(image.convert("RGB").crop((0, 200, width, 200 + width * 3 // 4)).resize((640, 480)))


@pytest.fixture
def switch_on() -> Iterator[Callable[..., Camera]]:
    """Makes cameras and switches them off at the end; then none of their threads is left."""
    made: list[Camera] = []

    def make(*args: object, **kwargs: object) -> Camera:
        made.append(Camera(*args, **kwargs))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()
        assert each.join(WAIT_S)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("camera-lane")]


def seen(picture: Picture, *labels: str) -> Analysis:
    """An analysis of our own making, for what is not about the model."""
    boxes = tuple(Detection(label, 0.9, (10.0, 10.0, 60.0, 90.0)) for label in labels)
    use = ModelUse("test", "0" * 64, "none")
    return Analysis("x", "signs", use, {"infer": 1.0}, width=picture.width, height=picture.height, detections=boxes)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_picture_comes_back_marked(switch_on, bus) -> None:
    camera = switch_on(lambda picture: signs.analyse(picture, streams=2))
    camera.offer(bus)
    shown = camera.wait(timeout=WAIT_S)
    assert shown is not None and shown.number == 1
    # what anybody sees on the photograph
    counts = shown.narrowed.counts()
    assert counts["bus"] == 1 and counts["person"] >= 3
    assert (shown.frame.width, shown.frame.height, shown.frame.format.name) == (640, 480, "yuv420p")
    drawn = shown.frame.to_ndarray(format="rgb24").astype(int)
    assert np.abs(drawn - bus).mean() > 2 and np.array_equal(shown.pixels, bus)
    figures = camera.figures()
    assert (figures.received, figures.shown, figures.width, figures.height) == (1, 1, 640, 480)
    assert figures.infer_ms > 0 and figures.latency_ms > 0 and figures.dropped == 0


def test_objects_keep_their_numbers_and_are_told(switch_on, bus) -> None:
    camera = switch_on(lambda picture: signs.analyse(picture, streams=2))
    for shift in range(12):
        camera.offer(np.roll(bus, 2 * shift, axis=1))
        assert camera.wait(after=shift, timeout=WAIT_S)
    numbers = [d.attributes["track_id"] for d in camera.shown.narrowed.detections if "track_id" in d.attributes]
    assert len(numbers) >= 4 and len(set(numbers)) == len(numbers)
    tracks = {track.label: track for track in camera.tracks() if track.frames >= 10}
    assert {"bus", "person"} <= set(tracks)


def test_the_newest_frame_wins(switch_on, bus) -> None:
    gate = threading.Semaphore(0)
    looked: list[int] = []

    def look(picture: Picture) -> Analysis:
        looked.append(int(picture.pixels[0, 0, 0]))
        gate.acquire()
        return seen(picture)

    camera = switch_on(look)
    frames = [np.full((48, 64, 3), number, np.uint8) for number in range(100)]
    for frame in frames:
        camera.offer(frame)
        if frame[0, 0, 0] < module.LANES:  # so that each of the first ones is taken
            until(lambda: len(looked) > frame[0, 0, 0])  # noqa: B023
    for _ in range(module.LANES + 1):
        gate.release()
    assert camera.wait(after=99, timeout=WAIT_S).number == 100
    assert sorted(looked) == [*range(module.LANES), 99]
    figures = camera.figures()
    assert (figures.received, figures.shown) == (100, module.LANES + 1)
    assert figures.dropped == pytest.approx((99 - module.LANES) / 100)


def test_frames_are_shown_in_order_though_a_later_one_is_done_first(switch_on) -> None:
    first_may_end = threading.Event()
    done: list[int] = []
    shown: list[int] = []

    def look(picture: Picture) -> Analysis:
        number = int(picture.pixels[0, 0, 0])
        if number == 1:
            assert first_may_end.wait(WAIT_S)
        done.append(number)
        return seen(picture)

    camera = switch_on(look)
    camera.tell(lambda: shown.append(camera.shown.number) if camera.shown else None)
    taken = camera._under_way
    for number in (1, 2):
        camera.offer(np.full((48, 64, 3), number, np.uint8))
        until(lambda: len(taken) >= number)  # noqa: B023
    until(lambda: done == [2])
    assert camera.shown is None
    first_may_end.set()
    until(lambda: shown == [1, 2])


def test_pause_holds_the_picture(switch_on) -> None:
    camera = switch_on(seen)
    camera.offer(np.zeros((48, 64, 3), np.uint8))
    first = camera.wait(timeout=WAIT_S)
    camera.pause(True)
    camera.offer(np.ones((48, 64, 3), np.uint8))
    assert camera.wait(after=1, timeout=0.2) is None and camera.shown is first
    camera.pause(False)
    camera.offer(np.ones((48, 64, 3), np.uint8))
    assert camera.wait(after=1, timeout=WAIT_S).number == 2


def test_settings_may_change_while_it_is_on(switch_on) -> None:
    camera = switch_on(lambda picture: seen(picture, "car", "person"))
    camera.offer(np.zeros((48, 64, 3), np.uint8))
    assert camera.wait(timeout=WAIT_S).narrowed.counts() == {"car": 1, "person": 1}
    camera.narrow = lambda analysis: analysis.filtered(labels=["car"])
    camera.offer(np.zeros((48, 64, 3), np.uint8))
    after = camera.wait(after=1, timeout=WAIT_S)
    assert after.narrowed.counts() == {"car": 1} and after.analysis.counts() == {"car": 1, "person": 1}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OptionError("The score is odd.", "Choose another."), "The score is odd. Choose another."),
        (ZeroDivisionError("inside"), "The camera's picture could not be analysed. Stop, and start it again."),
    ],
)
def test_an_error_ends_the_run_with_a_sentence(switch_on, error: Exception, said: str) -> None:
    def look(picture: Picture) -> Analysis:
        raise error

    camera = switch_on(look)
    camera.offer(np.zeros((48, 64, 3), np.uint8))
    until(lambda: camera.closed)
    assert str(camera.error) == said
    assert camera.error.__traceback__ is None
    camera.offer(np.zeros((48, 64, 3), np.uint8))
    assert camera.figures().received == 1


def test_a_recording_plays_and_a_camera_that_changes_its_size_is_fitted(switch_on, tmp_path: Path) -> None:
    now = [0.0]
    camera = switch_on(seen, clock=lambda: now[0])
    camera.start_recording(tmp_path / "camera.mp4")
    sizes = [(48, 64), (48, 64), (49, 65), (96, 64), (24, 32)]
    for number, size in enumerate(sizes):
        now[0] = number / 5
        camera.offer(np.full((*size, 3), 40 * number, np.uint8))
        assert camera.wait(after=number, timeout=WAIT_S)
    assert camera.recording_s == pytest.approx(0.8)
    assert camera.stop_recording() == tmp_path / "camera.mp4" == camera.recorded
    assert camera.recording_s is None
    with av.open(str(tmp_path / "camera.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        frames = list(container.decode(stream))
    assert [(frame.width, frame.height) for frame in frames] == [(64, 48)] * 5
    assert [round(frame.time, 2) for frame in frames] == [0.0, 0.2, 0.4, 0.6, 0.8]


def test_a_recording_ends_by_itself_and_by_switching_off(switch_on, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_RECORDED_S", 1.0)
    now = [0.0]
    camera = switch_on(seen, clock=lambda: now[0])
    camera.start_recording(tmp_path / "long.mp4")
    for number in range(4):
        now[0] = number * 0.6
        camera.offer(np.zeros((48, 64, 3), np.uint8))
        assert camera.wait(after=number, timeout=WAIT_S)
    assert camera.recorded == tmp_path / "long.mp4" and camera.recording_s is None
    camera.start_recording(tmp_path / "short.mp4")
    now[0] += 1
    camera.offer(np.zeros((48, 64, 3), np.uint8))
    assert camera.wait(after=4, timeout=WAIT_S)
    camera.close()
    assert camera.recorded == tmp_path / "short.mp4" and (tmp_path / "short.mp4").stat().st_size > 0


def test_two_cameras_share_one_model_and_mix_nothing(switch_on, bus) -> None:
    empty = np.full_like(bus, 127)
    first = switch_on(lambda picture: signs.analyse(picture, streams=2))
    second = switch_on(lambda picture: signs.analyse(picture, streams=2))
    for number in range(8):
        first.offer(bus)
        second.offer(empty)
        one, two = first.wait(after=number, timeout=WAIT_S), second.wait(after=number, timeout=WAIT_S)
        assert one.narrowed.counts().get("bus") == 1 and not two.narrowed.detections
    assert first.tracks() and not second.tracks()


def test_large_frames_are_sent_back_smaller_and_even(switch_on) -> None:
    camera = switch_on(seen)
    camera.offer(np.zeros((1081, 1921, 3), np.uint8))
    shown = camera.wait(timeout=WAIT_S)
    assert (shown.frame.width, shown.frame.height) == (1280, 720)
    assert shown.pixels.shape == (1081, 1921, 3)


def test_a_full_disk_ends_the_recording_and_not_the_camera(switch_on, tmp_path: Path, monkeypatch) -> None:
    def no_room(self: object, pixels: object, time_s: float) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    camera = switch_on(seen)
    told: list[int] = []
    camera.tell(lambda: told.append(1))
    monkeypatch.setattr(module.VideoWriter, "write", no_room)
    camera.start_recording(tmp_path / "camera.mp4")
    for number in range(3):
        camera.offer(np.zeros((48, 64, 3), np.uint8))
        assert camera.wait(after=number, timeout=WAIT_S)
    assert isinstance(camera.unrecorded, DiskFull) and camera.recording_s is None
    assert camera.stop_recording() is None and not list(tmp_path.iterdir())
    assert camera.error is None and not camera.closed
    before = len(told)
    camera.close()
    assert len(told) == before + 1
