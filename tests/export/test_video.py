"""Videos that are written: they decode again, and a browser can play them."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import av
import numpy as np
import pytest

from gallery.export.video import VideoWriter
from tests.films import CORNERS, corners, pan, quarters


def _boxes(data: bytes) -> list[str]:
    """Names of an MP4's outer boxes, in order."""
    names, at = [], 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8].decode())
        at += size if size >= 8 else len(data)
    return names


def _written(path: Path) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as file:
        frames = [(f.to_ndarray(format="rgb24"), float(f.time)) for f in file.decode(video=0)]
    return [f[0] for f in frames], [f[1] for f in frames]


#: (width, height, width and height in the file)
SIZES = [((64, 48), (64, 48)), ((33, 17), (34, 18)), ((2, 2), (2, 2)), ((1, 1), (2, 2)), ((640, 3), (640, 4))]


@pytest.mark.parametrize(("size", "expected"), SIZES)
def test_what_is_written_is_read_again(size, expected, tmp_path):
    path = tmp_path / "a.mp4"
    with VideoWriter(path, *size, rate=10) as writer:
        for index in range(10):
            writer.write(quarters(*size), index / 10)
        assert not path.exists()
        assert writer.frames == 10
        assert writer.duration_s == pytest.approx(1)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert writer.bytes_written == path.stat().st_size > 0
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == expected
        assert float(stream.duration * stream.time_base) == pytest.approx(1, abs=0.001)
    pictures, times = _written(path)
    assert times == pytest.approx([i / 10 for i in range(10)], abs=1e-4)
    if min(size) > 8:
        assert corners(pictures[-1][: size[1], : size[0]]) == list(CORNERS)


def test_it_begins_to_play_before_it_is_all_there(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", 64, 48) as writer:
        for index in range(50):
            writer.write(quarters(), index / 30)
    order = _boxes((tmp_path / "a.mp4").read_bytes())
    assert order.index("moov") < order.index("mdat")


#: (times given, times in the file)
TIMES = [
    ([0.0, 0.04, 1.0, 1.01, 3600.0], [0.0, 0.04, 1.0, 1.01, 3600.0]),
    ([5.0, 5.5, 6.0], [0.0, 0.5, 1.0]),
    ([0.0, 0.5, 0.5, 0.2, 0.6], [0.0, 0.5, 0.5, 0.5, 0.6]),  # moved on by a 90,000th of a second each
]


@pytest.mark.parametrize(("given", "expected"), TIMES)
def test_each_frame_has_its_own_time_and_times_rise(given, expected, tmp_path):
    with VideoWriter(tmp_path / "a.mp4", 64, 48, rate=25) as writer:
        for time_s in given:
            writer.write(quarters(), time_s)
    _, times = _written(tmp_path / "a.mp4")
    assert times == pytest.approx(expected, abs=1e-4)
    assert all(a < b for a, b in itertools.pairwise(times))


def test_a_photograph_stays_itself(tmp_path):
    frames = pan(5)
    with VideoWriter(tmp_path / "a.mp4", 320, 320, rate=10) as writer:
        for index, frame in enumerate(frames):
            writer.write(frame, index / 10)
    pictures, _ = _written(tmp_path / "a.mp4")
    for frame, picture in zip(frames, pictures, strict=True):
        error = np.mean((frame.astype(float) - picture.astype(float)) ** 2)
        assert 10 * math.log10(255**2 / error) > 28  # decibels; colours wrong by a matrix would be below 25
        assert np.abs(frame.mean(axis=(0, 1)) - picture.mean(axis=(0, 1))).max() < 3


def test_after_an_error_nothing_is_left(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"an older video")
    with pytest.raises(RuntimeError, match="stop"), VideoWriter(path, 64, 48) as writer:
        writer.write(quarters(), 0)
        raise RuntimeError("stop")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert path.read_bytes() == b"an older video"


def test_without_a_frame_there_is_no_file(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", 64, 48) as writer:
        pass
    assert list(tmp_path.iterdir()) == []
    assert writer.duration_s == 0


def test_frames_of_another_size_and_after_the_end_are_refused(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", 64, 48)
    with pytest.raises(ValueError, match="shape"):
        writer.write(quarters(48, 64), 0)
    writer.write(quarters(), 0)
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="finished"):
        writer.write(quarters(), 1)
    assert len(_written(tmp_path / "a.mp4")[0]) == 1
