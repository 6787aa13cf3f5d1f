"""The video door: every kind of film a person may bring, and every kind nobody should."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gallery.errors import EmptyMedia, MediaError, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from gallery.media.video import VIDEO, Frame, VideoLimits, is_video, open_video
from tests.films import CORNERS, corners, film, joined, quarters
from tests.photos import ANIMATED, BUS

Make = Callable[[], bytes]
SMALL = VideoLimits(max_bytes=10**7, max_seconds=60, max_pixels=100_000, max_side=4096, max_frames=1000)


def _read(data: bytes, limits: VideoLimits = VIDEO, every: int = 1) -> tuple[list[Frame], tuple[str, ...]]:
    with open_video(data, "a.mp4", limits) as video:
        return list(video.frames(every)), video.warnings


def noise(count: int = 30, width: int = 64, height: int = 48) -> list[np.ndarray]:
    return [np.random.default_rng(i).integers(0, 255, (height, width, 3), np.uint8) for i in range(count)]


def sound_only(container: str = "mp4", codec: str = "aac", cover: bool = False) -> bytes:
    import av
    from av.stream import Disposition

    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        sound = file.add_stream(codec, rate=48_000, layout="mono")
        if cover:
            picture = file.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
            picture.disposition = Disposition.attached_pic
            image = av.VideoFrame.from_ndarray(quarters(), format="rgb24").reformat(format="yuvj420p")
            image.pts = 0
            file.mux([*picture.encode(image), *picture.encode(None)])
        for index in range(20):
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), format="fltp", layout="mono")
            tone.sample_rate, tone.pts = 48_000, index * 960
            file.mux(sound.encode(tone))
        file.mux(sound.encode(None))
    return out.getvalue()


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


# --- what is refused ------------------------------------------------------------------------------------------------

#: (case, file, what is raised, words that are said)
REFUSED: list[tuple[str, bytes | Make, type[MediaError], str]] = [
    ("zero bytes", b"", EmptyMedia, "no bytes"),
    ("random bytes", random.Random(5).randbytes(5000), UnreadableMedia, "is not a video"),
    ("nulls", bytes(5000), UnreadableMedia, "is not a video"),
    ("text", b"Dear all,\nplease watch this", UnreadableMedia, "a text file, not a video"),
    ("PDF", b"%PDF-1.7\n", UnreadableMedia, "a PDF document, not a video"),
    ("archive", b"PK\x03\x04" + bytes(40), UnsupportedMedia, "Unpack it"),
    ("photo", BUS.read_bytes, UnsupportedMedia, "Open it as a picture"),
    ("animated GIF", ANIMATED.read_bytes, UnsupportedMedia, "a GIF picture, animated or not"),
    ("MP3", b"ID3\4\0\0\0\0\0\0" + bytes(400), UnsupportedMedia, "Open it on the Speech page"),
    ("playlist", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", UnsupportedMedia, "only points to other files"),
    ("list of parts", b"ffconcat version 1.0\nfile /etc/passwd\n", UnsupportedMedia, "only points to other files"),
    ("DASH", b'<?xml version="1.0"?><MPD><BaseURL>file:///</BaseURL></MPD>', UnsupportedMedia, "a playlist"),
    ("random bytes behind EBML", b"\x1a\x45\xdf\xa3" + random.Random(2).randbytes(4000), MediaError, ""),
    ("random bytes behind ftyp", b"\0\0\0\x14ftypisom\0\0\2\0mp41" + random.Random(2).randbytes(4000), MediaError, ""),
    ("random bytes behind RIFF", b"RIFF\xff\xff\0\0AVI " + random.Random(2).randbytes(4000), MediaError, ""),
    ("random bytes behind a pack", b"\0\0\1\xba" + random.Random(2).randbytes(4000), MediaError, ""),
    ("random bytes behind FLV", b"FLV\1\5\0\0\0\t\0\0\0\0" + random.Random(2).randbytes(4000), MediaError, ""),
    # no moving pictures in it
    ("sound in MP4", sound_only, UnsupportedMedia, "only sound, no moving pictures. Open it on the Speech page."),
    ("sound in WebM", lambda: sound_only("webm", "libopus"), UnsupportedMedia, "only sound"),
    ("sound with a cover", lambda: sound_only(cover=True), UnsupportedMedia, "only sound and a cover picture"),
    ("MP4 without frames", lambda: film(frames=[]), EmptyMedia, "a.mp4"),
    ("Matroska without frames", lambda: film("matroska", frames=[]), MediaError, "a.mp4"),
    ("first half of an MP4", lambda: half(film()), UnreadableMedia, "damaged or incomplete"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "data", "error", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(case: str, data: bytes | Make, error: type[MediaError], words: str) -> None:
    content = data if isinstance(data, bytes) else data()
    with pytest.raises(error) as caught:
        _read(content)
    said = caught.value
    assert words in str(said)
    assert "“a.mp4”" in said.problem
    assert said.remedy.endswith(".") and said.problem.endswith(".")
    assert "Errno" not in str(said)


#: (case, file, limits that it breaks, words)
TOO_LARGE: list[tuple[str, Make, VideoLimits, str]] = [
    ("bytes", film, VideoLimits(100, 60, 10**6, 4096, 1000), "the limit is 100 bytes"),
    ("seconds", film, VideoLimits(10**7, 0.5, 10**6, 4096, 1000), "longer than the limit of 0.5 seconds"),
    ("frames", film, VideoLimits(10**7, 60, 10**6, 4096, 5), "more than 5 frames"),
    ("pixels", lambda: film(frames=[quarters(640, 480)] * 3), SMALL, "640 x 480 pixels; the limit is 0.1 million"),
    ("side", lambda: film(frames=[quarters(640, 32)] * 3), VideoLimits(10**7, 60, 10**6, 600, 99), "600 on a side"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "make", "limits", "words"), TOO_LARGE, ids=[row[0] for row in TOO_LARGE])
def test_over_a_limit(case: str, make: Make, limits: VideoLimits, words: str) -> None:
    with pytest.raises(MediaTooLarge, match=r"“a\.mp4”") as caught:
        open_video(make(), "a.mp4", limits)
    assert words in str(caught.value)


def _with_header_size(data: bytes, width: int, height: int) -> bytes:
    """An MP4 whose sample description announces another size than the H.264 stream has."""
    changed = bytearray(data)
    at = data.index(b"avc1", data.index(b"stsd"))
    changed[at + 28 : at + 32] = struct.pack(">HH", width, height)
    return bytes(changed)


@pytest.mark.parametrize("said", [(16, 16), (0, 0), (60_000, 60_000)])
def test_a_header_that_lies_about_the_size(said: tuple[int, int]) -> None:
    large = _with_header_size(film(frames=[quarters(640, 480)] * 3), *said)
    with pytest.raises(MediaTooLarge):
        _read(large, SMALL)
    frames, _ = _read(large)
    assert frames[0].pixels.shape == (480, 640, 3)


def test_a_header_that_lies_about_the_length() -> None:
    """It announces half a second and goes on for three: decoding ends at the limit."""
    data = bytearray(film(frames=noise(30)))
    for box in (b"mvhd", b"mdhd", b"tkhd"):
        at = data.index(box)
        offset = {b"mvhd": 20, b"mdhd": 20, b"tkhd": 24}[box]
        (length,) = struct.unpack_from(">I", data, at + offset)
        struct.pack_into(">I", data, at + offset, length // 6)
    with open_video(bytes(data), "a.mp4", VideoLimits(10**7, 1.0, 10**6, 4096, 1000)) as video:
        assert video.duration_s == pytest.approx(0.5, abs=0.05)
        seen = []
        with pytest.raises(MediaTooLarge, match="longer than the limit of 1 second"):
            seen.extend(video.frames())
    with open_video(bytes(data), "a.mp4", VideoLimits(10**7, 60, 10**6, 4096, 12)) as video:
        count = 0
        with pytest.raises(MediaTooLarge, match="more than 12 frames"):
            for _ in video.frames():
                count += 1
        assert count == 12


def test_millions_of_frames_announced_by_a_tiny_file() -> None:
    data = bytearray(film())
    at = data.index(b"stts")
    struct.pack_into(">I", data, at + 12, 2_000_000_000)  # samples of the only entry
    try:
        frames, _ = _read(bytes(data))
    except MediaError:
        return
    assert len(frames) <= 10


def test_a_track_that_lies_in_another_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.mov"
    secret.write_bytes(film("mov", frames=[quarters()[::-1].copy()] * 10))
    data = film("mov")
    at = data.index(b"url \0\0\0\1")  # "in this file"
    try:
        frames, _ = _read(data[:at] + b"alis\0\0\0\0" + data[at + 8 :])
    except MediaError:
        return
    assert all(corners(f.pixels) == list(CORNERS) for f in frames)  # its own frames, by the offsets in it


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("container", ["mp4", "matroska", "avi", "mpegts"])
def test_bytes_changed_at_random(container: str, seed: int) -> None:
    """Whatever comes of it, it is frames or a sentence."""
    data = bytearray(film(container, "mpeg4" if container == "avi" else "libx264", noise(12), rate=25))
    chance = random.Random(seed)
    for _ in range(chance.choice([3, 30, 300])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        frames, _ = _read(bytes(data), SMALL)
    except MediaError as error:
        assert "“a.mp4”" in error.problem
        return
    assert all(f.pixels.ndim == 3 for f in frames)
    assert [f.time_s for f in frames] == sorted({f.time_s for f in frames})


# --- what is read ---------------------------------------------------------------------------------------------------

#: (case, file, format): ten frames with four colours in the quarters.
READ: list[tuple[str, Make, str]] = [
    ("MP4", film, "mov/h264"),
    ("MP4, 4:4:4 and odd", lambda: film(frames=[quarters(33, 17)] * 10, pixel_format="yuv444p"), "mov/h264"),
    ("MP4, 10 bits", lambda: film(pixel_format="yuv420p10le"), "mov/h264"),
    ("MP4 with sound", lambda: film(sound=True), "mov/h264"),
    ("HEVC", lambda: film(codec="libx265", options={"x265-params": "log-level=none"}), "mov/hevc"),
    ("Matroska, 1 x 1", lambda: film("matroska", "ffv1", [quarters(2, 2)] * 10, pixel_format="bgr0"), "matroska/ffv1"),
    ("alpha", lambda: film("matroska", "ffv1", pixel_format="yuva420p"), "matroska/ffv1"),
    ("16 bits", lambda: film("matroska", "ffv1", pixel_format="rgb48le"), "matroska/ffv1"),
    ("10 bits 4:2:2", lambda: film("mov", "prores", pixel_format="yuv422p10le"), "mov/prores"),
    ("WebM, VP8", lambda: film("webm", "libvpx"), "matroska/vp8"),
    ("WebM, VP9 with alpha", lambda: film("webm", "libvpx-vp9", pixel_format="yuva420p"), "matroska/vp9"),
    ("QuickTime animation", lambda: film("mov", "qtrle", pixel_format="argb"), "mov/qtrle"),
    ("AVI", lambda: film("avi", "mpeg4"), "avi/mpeg4"),
    ("AVI, motion JPEG", lambda: film("avi", "mjpeg", pixel_format="yuvj420p"), "avi/mjpeg"),
    ("transport stream", lambda: film("mpegts", "libx264", rate=25), "mpegts/h264"),
    ("interlaced", lambda: film("mpegts", "mpeg2video", rate=25, options={"flags": "+ildct"}), "mpegts/mpeg2video"),
    ("MPEG", lambda: film("mpeg", "mpeg2video", rate=25), "mpeg/mpeg2video"),
    ("Flash", lambda: film("flv", "flv"), "flv/flv1"),
    ("Windows Media", lambda: film("asf", "wmv2"), "asf/wmv2"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "make", "format_"), READ, ids=[row[0] for row in READ])
def test_read(case: str, make: Make, format_: str) -> None:
    data = make()
    assert is_video(data)
    with open_video(data, "a.mp4") as video:
        assert video.format == format_
        frames = list(video.frames())
        assert [f.index for f in frames] == list(range(10))
        assert video.warnings == ()
        rate = video.rate
        assert rate in (10, 25)
        assert [f.time_s for f in frames] == pytest.approx([i / rate for i in range(10)], abs=0.002)
        for frame in frames:
            assert frame.pixels.shape == (video.height, video.width, 3)
            assert frame.pixels.dtype == np.uint8 and not frame.pixels.flags.writeable
            assert corners(frame.pixels) == list(CORNERS)


def test_what_is_known_before_the_frames() -> None:
    with open_video(film(sound=True), "folder/a.mp4") as video:
        assert (video.name, video.width, video.height) == ("a.mp4", 64, 48)
        assert (video.duration_s, video.rate, video.frame_count) == (1.0, 10.0, 10)
        assert video.has_sound and video.rotation == 0
    with open_video(film(), "a.mp4") as video:
        assert not video.has_sound


@pytest.mark.parametrize("container", ["mp4", "matroska"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_telephone_that_was_turned(container: str, degrees: int) -> None:
    upright = np.rot90(quarters(), degrees // 90)
    with open_video(film(container, rotation=degrees), "a.mp4") as video:
        assert video.rotation == degrees
        assert (video.width, video.height) == ((48, 64) if degrees != 180 else (64, 48))
        frame = next(iter(video.frames()))
        assert frame.pixels.shape == (video.height, video.width, 3)
        assert corners(frame.pixels) == corners(upright)


def test_the_matrix_of_an_iphone_held_upright() -> None:
    """x' = -y, y' = x (ISO 14496-12): what is left in the file is up on the screen."""
    data = bytearray(film())
    at = data.index(b"tkhd") + 4 + 40  # version 0: the matrix is 40 bytes behind version and flags
    data[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    with open_video(bytes(data), "a.mp4") as video:
        assert video.rotation == 270
        assert corners(next(iter(video.frames())).pixels) == corners(np.rot90(quarters(), -1))


def two_tracks() -> bytes:
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as file:
        streams = []
        for _ in range(2):
            stream = file.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            streams.append(stream)
        for number, stream in enumerate(streams):
            for index in range(3):
                picture = quarters() if number == 0 else quarters()[::-1].copy()
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
                frame.pts = index
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    return out.getvalue()


#: (case, file, words of the only warning); the frames come upright and in the right colours all the same.
WARNED: list[tuple[str, Make, str]] = [
    ("HDR", lambda: film(pixel_format="yuv420p10le", options={"color_trc": "smpte2084"}), "high dynamic range"),
    ("pixels that are not square", lambda: film(options={"x264-params": "sar=4/3"}), "not square"),
    ("tilted by 20 degrees", lambda: film(rotation=20), "nearest right angle"),
    ("two picture tracks", two_tracks, "Only the first of 2 picture tracks"),
]


@pytest.mark.parametrize(("case", "make", "words"), WARNED, ids=[row[0] for row in WARNED])
def test_warned(case: str, make: Make, words: str) -> None:
    frames, warnings = _read(make())
    assert len(warnings) == 1 and words in warnings[0]
    assert all(corners(f.pixels) == list(CORNERS) for f in frames)


#: (times as filmed, times as read, words of a warning)
TIMES = [
    ([0.0, 0.1, 0.15, 0.9, 2.5], [0.0, 0.1, 0.15, 0.9, 2.5], ""),
    ([10.0, 10.1, 10.3], [0.0, 0.1, 0.3], ""),
    ([0.0, 0.1, 500.0, 500.1], [0.0, 0.1, 500.0, 500.1], ""),  # it says how long it is, so it may be true
]


@pytest.mark.parametrize(("filmed", "read", "words"), TIMES)
def test_times_are_those_of_the_file(filmed: list[float], read: list[float], words: str) -> None:
    data = film("matroska", "mpeg4", [quarters()] * len(filmed), times=filmed)
    frames, warnings = _read(data)
    assert [f.time_s for f in frames] == pytest.approx(read, abs=0.002)
    assert words in " ".join(warnings) if words else warnings == ()


def test_times_that_begin_again_rise_all_the_same() -> None:
    """Two recordings behind each other in one transport stream; the second has another size as well."""
    parts = [film("mpegts", "libx264", [quarters(w, h)] * 10, rate=25) for w, h in ((64, 48), (96, 80))]
    frames, warnings = _read(joined(parts))
    assert len(frames) == 20
    assert [f.time_s for f in frames] == pytest.approx([i / 25 for i in range(20)], abs=0.002)
    assert {f.pixels.shape for f in frames} == {(48, 64, 3)}
    assert corners(frames[-1].pixels) == list(CORNERS)
    assert "no usable time" in " ".join(warnings) and "scaled to the first one's size" in " ".join(warnings)


def test_a_size_that_grows_over_the_limit_on_the_way() -> None:
    parts = [film("mpegts", "libx264", [quarters(w, h)] * 10, rate=25) for w, h in ((64, 48), (640, 480))]
    frames, warnings = _read(joined(parts), SMALL)
    assert len(frames) <= 10
    assert warnings


def test_every_third_frame() -> None:
    frames, _ = _read(film(), every=3)
    assert [f.index for f in frames] == [0, 3, 6, 9]
    assert [f.time_s for f in frames] == pytest.approx([0, 0.3, 0.6, 0.9])
    with open_video(film(), "a.mp4") as video, pytest.raises(ValueError, match="from 1"):
        video.frames(0)


def test_reading_stops_among_frames_that_are_passed_over() -> None:
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 5

    with open_video(film(), "a.mp4") as video:
        assert [f.index for f in video.frames(1000, stop)] == [0]
        assert len(asked) == 6
        assert video.warnings == ()


def test_frames_can_be_read_again_and_not_after_the_end() -> None:
    with open_video(film(), "a.mp4") as video:
        first = [f.pixels.copy() for f in video.frames()]
        begun = video.frames()
        next(begun)
        begun.close()
        assert video.share_read > 0
        assert all(np.array_equal(a, f.pixels) for a, f in zip(first, video.frames(), strict=True))
    with pytest.raises(ValueError, match="closed"):
        video.frames()


def test_a_hole_in_the_middle() -> None:
    data = bytearray(film(frames=noise(30), options={"g": "5"}))
    at = data.index(b"mdat")
    data[at + 20_000 : at + 24_000] = bytes(4000)
    frames, warnings = _read(bytes(data))
    assert 20 <= len(frames) < 30
    assert [f.time_s for f in frames] == sorted({f.time_s for f in frames})
    assert frames[-1].time_s == pytest.approx(2.9, abs=0.01)
    assert "damaged" in " ".join(warnings)


def test_a_file_that_ends_early_gives_what_is_there() -> None:
    frames, warnings = _read(half(film("matroska", frames=noise(60))))
    assert 20 <= len(frames) < 60
    assert "may be incomplete" in " ".join(warnings)


def test_path_and_bytes_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "héllo %d ; file|x.mp4"  # characters that mean something to FFmpeg in a path
    path.write_bytes(film())
    assert is_video(path)
    with open_video(path, path.name) as video:
        by_path = [f.pixels.copy() for f in video.frames()]
    frames, _ = _read(path.read_bytes())
    assert all(np.array_equal(a, f.pixels) for a, f in zip(by_path, frames, strict=True))


#: (content, whether it is a video by its first bytes)
KINDS: list[tuple[bytes | Make, bool]] = [
    (film, True),
    (lambda: film("webm", "libvpx"), True),
    (b"", False),
    (b"hello", False),
    (BUS.read_bytes, False),
    (ANIMATED.read_bytes, False),
    (b"RIFF\0\0\0\0WAVEfmt ", False),
]


@pytest.mark.parametrize(("data", "expected"), KINDS)
def test_is_video(data: bytes | Make, expected: bool, tmp_path: Path) -> None:
    content = data if isinstance(data, bytes) else data()
    path = tmp_path / "name.jpg"
    path.write_bytes(content)
    assert is_video(content) is expected
    assert is_video(path) is expected


def test_a_path_that_cannot_be_read_is_no_video(tmp_path: Path) -> None:
    assert not is_video(tmp_path)
    assert not is_video(tmp_path / "gone.mp4")
    with pytest.raises(UnreadableMedia, match=r"There is no file “gone\.mp4”"):
        open_video(tmp_path / "gone.mp4", "gone.mp4")
