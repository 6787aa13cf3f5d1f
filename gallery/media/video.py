"""Bytes or a path in, upright RGB frames out, one at a time; whatever is hostile or damaged stops here.

The kind of a file is told by its content and given to FFmpeg, which may neither guess another nor use any demuxer or
decoder that is not listed here, nor open anything but this one file (see :mod:`gallery.media.container`).

Bounds are checked on what the header says before anything is decoded, and again on every frame, because a header may
lie. A frame's time comes from the file (many telephones film with a rate that varies); where the file has none, or
one that cannot be, the average rate stands in and a warning says so. Frames are turned upright by the file's display
matrix. If the size changes on the way, later frames are scaled to the first one's size, so that places on them can be
compared. No more than a few frames are in memory at any time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from gallery.errors import EmptyMedia, GalleryError, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from gallery.media.audio import human_seconds
from gallery.media.container import Outside, open_container
from gallery.media.names import display_name, quoted
from gallery.media.sniff import HEAD, Kind, sniff
from gallery.media.source import opened, size_of

if TYPE_CHECKING:
    import av
    from av.container import InputContainer


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What is refused.

    Attributes:
        max_bytes: bytes of the file, checked before it is opened.
        max_seconds: length, checked on the header and while decoding.
        max_pixels: pixels of one frame, checked on the header and while decoding.
        max_side: longer side of a frame in pixels.
        max_frames: number of frames, checked on the header and while decoding.
    """

    max_bytes: int
    max_seconds: float
    max_pixels: int
    max_side: int
    max_frames: int


#: 2 GB, 1 hour, 4K in either direction (4096 x 2304), and as many frames as an hour has at 120 a second.
VIDEO = VideoLimits(
    max_bytes=2_000_000_000, max_seconds=3600, max_pixels=9_437_184, max_side=4096, max_frames=3600 * 120
)

# FFmpeg's names of what may be opened. Playlists and lists of parts (hls, concat, dash) are not among them.
_DEMUXERS = {"matroska", "mov", "avi", "asf", "flv", "mpeg", "mpegts"}

_DECODERS = {
    "av1", "cinepak", "dnxhd", "dvvideo", "ffv1", "flv", "h261", "h263", "h263i", "h263p", "h264", "hevc", "huffyuv",
    "indeo3", "indeo5", "libdav1d", "mjpeg", "mjpegb", "mpeg1video", "mpeg2video", "mpeg4", "mpegvideo", "msmpeg4",
    "msmpeg4v1", "msmpeg4v2", "msvideo1", "png", "prores", "qtrle", "rawvideo", "rpza", "svq1", "svq3", "theora",
    "utvideo", "vc1", "vp6", "vp6f", "vp8", "vp9", "wmv1", "wmv2", "wmv3",
}  # fmt: skip

_ANIMATED = {"GIF", "WEBP", "PNG", "AVIF", "HEIF"}
_THREADS = max(1, min(2, os.cpu_count() or 1))
#: Rates outside are taken for nonsense in a header.
_RATES = (0.01, 1000.0)
#: The rate that is assumed where a file does not say and frames carry no time.
_USUAL_RATE = 25.0
#: A gap between two frames longer than this, in seconds, is believed only of a file that says it is longer still.
_LONGEST_GAP = 60.0
#: Pieces of a damaged file that are tried before a first frame must have come.
_MOST_TRIED = 5_000

_AGAIN = "Copy or record it again, or save it anew as MP4."
_OTHER = "Save it as MP4 (H.264) and open that."
_SMALLER = "Save it in a smaller size, for example 1920 x 1080."
_SHORTER = "Cut it into parts and open them one after the other."


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a video.

    Attributes:
        index: number of the frame in the file, from 0; frames that were passed over are counted too.
        time_s: seconds from the first frame.
        pixels: uint8, HxWx3, RGB, upright, not writeable.
    """

    index: int
    time_s: float
    pixels: npt.NDArray[np.uint8]


def is_video(source: bytes | Path) -> bool:
    """Whether the content begins like a container of moving pictures; some of these hold sound alone.

    Cheap: at most 4 kB are read. A path that cannot be read is no video; opening it tells why.
    """
    if isinstance(source, bytes):
        return sniff(source[:HEAD]).family == "video"
    try:
        with opened(source, source.name, 1 << 62) as file:
            return sniff(file.read(HEAD)).family == "video"
    except GalleryError:
        return False


def open_video(source: bytes | Path, name: str, limits: VideoLimits = VIDEO) -> Video:
    """Open a video and look at its first frame.

    MP4, QuickTime, Matroska, WebM, AVI, Windows Media, Flash, MPEG and MPEG transport streams are opened.

    Args:
        source: the bytes of the file, or its path.
        name: what a person calls the file; only shown, never believed.
        limits: what is refused.

    Returns:
        The video, which keeps the file open until it is closed.

    Raises:
        EmptyMedia: there are no bytes, or no frame in the file.
        UnreadableMedia: the file is missing, damaged, or no video at all.
        UnsupportedMedia: the file is something else, holds only sound, or is of a kind that is not opened.
        MediaTooLarge: the file has more bytes, seconds, pixels or frames than ``limits``.
    """
    with ExitStack() as stack:
        file = stack.enter_context(opened(source, name, limits.max_bytes))
        kind = sniff(file.read(HEAD))
        _check_kind(kind, name)
        video = Video(file, kind, name, limits)
        video._keep(stack.pop_all())
        return video


def _check_kind(kind: Kind, name: str) -> None:
    """Raise unless the kind is one that is opened, saying what to do instead."""
    if kind.family == "video" and kind.format in _DEMUXERS:
        return
    what = f"{quoted(name)} is {kind.title}"
    if kind.family == "audio":
        raise UnsupportedMedia(f"{what}: only sound, no moving pictures.", "Open it on the Speech page.")
    if kind.family == "image":
        also = ", animated or not" if kind.format in _ANIMATED else ""
        raise UnsupportedMedia(f"{what}{also}; here a video is needed.", "Open it as a picture.")
    if kind.format == "PLAYLIST":
        raise UnsupportedMedia(f"{what}.", "Open the videos themselves.")
    if kind.family == "archive":
        raise UnsupportedMedia(f"{what}, not a video.", "Unpack it and open the videos in it.")
    if kind.family in ("document", "text"):
        raise UnreadableMedia(f"{what}, not a video.", "Open a video such as MP4, MOV or WebM.")
    raise UnreadableMedia(
        f"{quoted(name)} is not a video: its content is of no kind that the gallery knows.",
        "Open a video such as MP4, MOV or WebM.",
    )


class Video:
    """A video that is open; close it, or use it as a context manager. One reader at a time.

    Attributes:
        name: file name without folders, for display and export.
        format: container and codec as read, for example ``mov/h264``.
        width, height: pixels of the upright frames.
        duration_s: seconds that the file says it has, or None where it does not say.
        rate: frames a second on average, or None where the file does not say.
        frame_count: number of frames, as the file says or by length and rate; an estimate, or None.
        rotation: degrees, counterclockwise, by which frames are turned to be upright: 0, 90, 180 or 270.
        has_sound: whether there is a sound track beside the pictures.
    """

    def __init__(self, file: BinaryIO, kind: Kind, name: str, limits: VideoLimits) -> None:
        self._file = file
        self._kind = kind
        self._title = name
        self._limits = limits
        self._stack: ExitStack | None = None
        self._said: list[str] = []
        self._bytes = size_of(file)
        self._read = 0
        self.name = display_name(name)
        self._look()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know; more may be added while frames are read."""
        return tuple(self._said)

    @property
    def share_read(self) -> float:
        """Share of the file's bytes that the reader has gone through, 0 to 1: how far it is when nothing else tells."""
        return min(1.0, self._read / self._bytes)

    def frames(self, every: int = 1, stop: Callable[[], bool] | None = None) -> Iterator[Frame]:
        """Read the frames from the beginning, in order.

        Args:
            every: give the first of every so many frames; the others are decoded, because later ones build on them,
                but not turned into pictures.
            stop: asked at each frame of the file, also those passed over; when it says yes, reading ends.

        Raises:
            ValueError: ``every`` is less than 1, or the video is closed.
            MediaTooLarge: the file turned out to be longer or larger than it said, and than the limits.
            UnreadableMedia: nothing could be decoded.
        """
        if every < 1:
            raise ValueError("every counts from 1")
        if self._stack is None:
            raise ValueError("the video is closed")
        return self._frames(every, stop)

    def close(self) -> None:
        """Close the file."""
        if self._stack is not None:
            self._stack.close()
            self._stack = None

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _keep(self, stack: ExitStack) -> None:
        self._stack = stack

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.append(sentence)

    def _open(self) -> tuple[InputContainer, av.VideoStream]:
        """The container, and its first track of moving pictures.

        Raises:
            GalleryError: there is none, or it is of a kind that is not opened.
        """
        import av

        options = {"max_pixels": str(self._limits.max_pixels), "threads": "1"}
        try:
            container = open_container(self._file, self._kind.format, _DECODERS, options)
        except Outside as error:
            raise UnsupportedMedia(f"{quoted(self._title)} only points to other files.", "Open those.") from error
        except MemoryError as error:
            raise MediaTooLarge(f"{quoted(self._title)} needs more memory than there is.", _SMALLER) from error
        except (av.FFmpegError, ValueError, UnicodeError) as error:
            raise self._damaged() from error
        try:
            track = self._track(container)
        except BaseException:
            container.close()
            raise
        return container, track

    def _track(self, container: InputContainer) -> av.VideoStream:
        from av.stream import Disposition

        covers = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
        tracks = [t for t in container.streams.video if not t.disposition & covers]
        if not tracks:
            if container.streams.audio:
                cover = " and a cover picture" if container.streams.video else ""
                raise UnsupportedMedia(
                    f"{quoted(self._title)} holds only sound{cover}, no moving pictures.", "Open it on the Speech page."
                )
            raise EmptyMedia(f"{quoted(self._title)} holds no moving pictures.", _AGAIN)
        if len(tracks) > 1:
            self._say(f"Only the first of {len(tracks)} picture tracks was used.")
        track = tracks[0]
        decoder = track.codec_context
        if decoder is None or decoder.codec.name not in _DECODERS:
            raise UnsupportedMedia(
                f"{quoted(self._title)} holds moving pictures of a kind that the gallery does not open.", _OTHER
            )
        decoder.options = {"max_pixels": str(self._limits.max_pixels)}
        decoder.thread_count = _THREADS
        decoder.thread_type = "AUTO"
        return track

    def _look(self) -> None:
        """Fill in what the header and the first frame say."""
        container, track = self._open()
        with container:
            decoder = track.codec_context
            self.format = f"{self._kind.format}/{decoder.codec.canonical_name}"
            self.has_sound = bool(container.streams.audio)
            if decoder.width and decoder.height:
                self._check_size(decoder.width, decoder.height)
            self.rate = _plausible(track.average_rate) or _plausible(track.guessed_rate)
            self.duration_s = _announced(container, track)
            if self.duration_s is not None and self.duration_s > self._limits.max_seconds:
                raise self._too_long()
            self.frame_count = self._count(track)
            if self.frame_count is not None and self.frame_count > self._limits.max_frames:
                raise self._too_many()
            first = next(self._decoded(container, track, _MOST_TRIED), None)
            if first is None:
                raise EmptyMedia(
                    f"{quoted(self._title)} holds no frame: there is a header, but nothing behind it.", _AGAIN
                )
            if self._kind.format == "matroska" and self.duration_s is not None and first.pts and track.time_base:
                late = float(first.pts * track.time_base)  # this format tells when it ends, not how long it is
                if 0 < late < self.duration_s:
                    self.duration_s -= late
                    self.frame_count = self._count(track)
            self._stored = (first.width, first.height)
            self._turns, exact = _quarter_turns(first.rotation)
            if not exact:
                self._say("The camera was tilted; frames were turned by the nearest right angle.")
            self.rotation = self._turns * 90
            self.width, self.height = self._stored if self._turns % 2 == 0 else self._stored[::-1]
            if first.color_trc in (16, 18):  # perceptual quantizer, hybrid log-gamma
                self._say("The video has high dynamic range; its colours look paler here than on a screen made for it.")
            ratio = track.sample_aspect_ratio
            if ratio and not 0.95 < ratio < 1.05:
                self._say(
                    "The pixels of this video are not square; it is shown as it is stored, squeezed or stretched."
                )
        self._said = [s for s in self._said if s != _DAMAGED]  # said again when frames are read

    def _count(self, track: av.VideoStream) -> int | None:
        """Frames that the file says it has; where that cannot be, frames by length and rate."""
        by_rate = None
        if self.rate is not None and self.duration_s is not None:
            by_rate = max(1, round(self.rate * self.duration_s))
        if track.frames > 0 and (by_rate is None or track.frames <= 2 * by_rate + 10):
            return track.frames
        return by_rate

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._limits.max_pixels or max(width, height) > self._limits.max_side:
            raise MediaTooLarge(
                f"The frames of {quoted(self._title)} have {width} x {height} pixels; the limit is "
                f"{self._limits.max_pixels / 1e6:.1f} million, and {self._limits.max_side:,} on a side.",
                _SMALLER,
            )

    def _too_long(self) -> MediaTooLarge:
        return MediaTooLarge(
            f"{quoted(self._title)} is longer than the limit of {human_seconds(self._limits.max_seconds)}.", _SHORTER
        )

    def _too_many(self) -> MediaTooLarge:
        return MediaTooLarge(
            f"{quoted(self._title)} has more than {self._limits.max_frames:,} frames, the limit.", _SHORTER
        )

    def _damaged(self) -> UnreadableMedia:
        return UnreadableMedia(
            f"{quoted(self._title)} is damaged or incomplete: it begins like {self._kind.title} but cannot be decoded.",
            _AGAIN,
        )

    def _decoded(self, container: InputContainer, track: av.VideoStream, most_tried: int) -> Iterator[av.VideoFrame]:
        """Whole frames as the decoder gives them; damage is passed over and remembered.

        Args:
            most_tried: pieces of the file that may go by before the first frame.

        Raises:
            UnreadableMedia: there was damage and no frame at all.
        """
        import av

        packets = container.demux(track)
        any_frame = damaged = False
        tried = 0
        while any_frame or tried < most_tried:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except (av.FFmpegError, Outside):
                damaged = True
                break
            if packet.pos is not None:
                self._read = max(self._read, packet.pos)
            tried += 1
            if packet.size > 4 * self._limits.max_pixels + 1_000_000:
                damaged = True  # more than the same frame would take uncompressed
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                if isinstance(error, EOFError):
                    break
                damaged = True
                self._say(_DAMAGED)
                continue
            for frame in frames:
                if frame.is_corrupt or not frame.width or not frame.height:
                    damaged = True
                    self._say(_DAMAGED)
                    continue
                any_frame = True
                yield frame
        if damaged:
            self._say(_DAMAGED)
            if not any_frame:
                raise self._damaged()

    def _frames(self, every: int, stop: Callable[[], bool] | None) -> Iterator[Frame]:
        import av

        container, track = self._open()
        with container:
            clock = _Clock(track.time_base, self.rate, self.duration_s)
            index = -1
            self._read = 0
            try:
                for decoded in self._decoded(container, track, _MOST_TRIED):
                    if stop is not None and stop():
                        return
                    index += 1
                    time_s = clock.time(decoded.pts)
                    if clock.unsure:
                        self._say("Some frames carry no usable time; their times were set by the average rate.")
                    if time_s > self._limits.max_seconds:
                        raise self._too_long()
                    if index >= self._limits.max_frames:
                        raise self._too_many()
                    if index % every == 0:
                        yield Frame(index, time_s, self._upright(decoded))
            except GalleryError:  # before the others: it is a ValueError too
                raise
            except (av.FFmpegError, ValueError) as error:
                if index < 0:
                    raise self._damaged() from error
                self._say(_DAMAGED)
            except MemoryError as error:
                raise MediaTooLarge(f"{quoted(self._title)} needs more memory than there is.", _SMALLER) from error
        self._read = self._bytes
        if self.frame_count and self.duration_s and clock.last < 0.9 * self.duration_s - 2 * clock.step:
            self._say(
                f"The file may be incomplete: it announces {human_seconds(self.duration_s)} and its frames end after "
                f"{human_seconds(round(clock.last + clock.step, 1))}."
            )

    def _upright(self, decoded: av.VideoFrame) -> npt.NDArray[np.uint8]:
        size: dict[str, Any] = {}
        if (decoded.width, decoded.height) != self._stored:
            self._check_size(decoded.width, decoded.height)
            self._say("The size of the frames changes on the way; all were scaled to the first one's size.")
            size = {"width": self._stored[0], "height": self._stored[1]}
        pixels: Any = decoded.to_ndarray(format="rgb24", **size)
        if self._turns:
            import cv2

            turns = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}
            pixels = np.asarray(cv2.rotate(pixels, turns[self._turns]))
        pixels.setflags(write=False)
        return pixels


_DAMAGED = "Parts of the video are damaged; frames that could not be decoded were left out."


class _Clock:
    """Seconds from the first frame, always rising."""

    def __init__(self, time_base: Any, rate: float | None, announced: float | None) -> None:
        self._base = float(time_base) if time_base else 0.0
        self._gap = max(_LONGEST_GAP, announced or 0.0)
        self._first: int | None = None
        self.step = 1 / (rate or _USUAL_RATE)
        self.last = -1.0
        self.unsure = False

    def time(self, pts: int | None) -> float:
        """The time of the next frame, from its time stamp where that can be."""
        if self.last < 0:
            self._first = pts
            self.unsure = pts is None
            self.last = 0.0
            return 0.0
        if self._first is None:
            self._first = pts
            offset = self.last + self.step
            if pts is not None and self._base:
                self._first = pts - round(offset / self._base)
        seconds = None if pts is None or self._first is None else (pts - self._first) * self._base
        if seconds is None or not self.last < seconds <= self.last + self._gap:
            self.unsure = True
            seconds = self.last + self.step
        self.last = seconds
        return seconds


def _plausible(rate: Any) -> float | None:
    """A rate in frames a second, or None where the header talks nonsense."""
    value = float(rate) if rate else 0.0
    return value if _RATES[0] <= value <= _RATES[1] else None


def _announced(container: InputContainer, track: av.VideoStream) -> float | None:
    """Seconds that the file says it has, or None where it does not say."""
    if track.duration is not None and track.time_base is not None and track.duration > 0:
        return float(track.duration * track.time_base)
    if container.duration is not None and container.duration > 0:
        return container.duration / 1e6
    return None


def _quarter_turns(degrees: float) -> tuple[int, bool]:
    """Turns of 90 degrees, counterclockwise, 0 to 3; and whether the angle was one of these."""
    turns = round(degrees / 90)
    return turns % 4, abs(degrees - 90 * turns) < 1
