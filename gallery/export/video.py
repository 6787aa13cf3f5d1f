"""Frames into an H.264 video that browsers play.

The file is MP4 with its index in front (it begins to play before it is all there), 8-bit 4:2:0 with even sides,
colours marked as BT.709, and each frame at its own time. It is written under a temporary name and gets its own when it
is complete, so nothing half-written is ever found under that.
"""

from __future__ import annotations

import contextlib
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from gallery.export.room import room_for

#: Ticks a second: the usual clock of video, which every common rate fits.
_CLOCK = 90_000
_THREADS = max(1, min(2, os.cpu_count() or 1))
_BT709 = 1
_LIMITED = 1  # 16 to 235, what players expect of H.264


class VideoWriter:
    """Writes one video, frame by frame. Not shared between threads.

    Args:
        path: where the video goes; a file that is there is replaced when the new one is complete.
        width, height: pixels of the frames that will come.
        rate: frames a second, about; says how long the last frame is shown. Times decide over the others.

    Raises:
        DiskFull: there is no room (from any method).
    """

    def __init__(self, path: Path, width: int, height: int, *, rate: float = 30.0) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        self.path = path
        self._width, self._height = width, height
        self._even = (width + width % 2, height + height % 2)
        rate = min(max(float(rate), 0.1), 240.0)
        self._step = max(1, round(_CLOCK / rate))
        self._part = path.with_name(f".{path.name}.part")
        self._first: float | None = None
        self._last = -1
        self.frames = 0
        self._size = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._container: Any = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
        try:
            stream: Any = self._container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
            stream.width, stream.height = self._even
            stream.pix_fmt = "yuv420p"
            stream.time_base = Fraction(1, _CLOCK)
            context = stream.codec_context
            context.time_base = Fraction(1, _CLOCK)
            context.gop_size = max(1, min(250, round(2 * rate)))  # a player can jump to every second second
            context.max_b_frames = 0  # with uneven times they would blur when the last frame ends
            context.thread_count = _THREADS
            context.color_range = _LIMITED
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.options = {"preset": "veryfast", "crf": "23"}
            self._stream = stream
            self._reformatter = VideoReformatter()
        except BaseException:
            self.discard()
            raise

    @property
    def bytes_written(self) -> int:
        """Bytes on the disk so far."""
        if self._container is None:
            return self._size
        try:
            return self._part.stat().st_size
        except OSError:
            return 0

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the end of the last one."""
        return 0.0 if self._last < 0 else (self._last + self._step) / _CLOCK

    def write(self, pixels: npt.NDArray[np.uint8], time_s: float) -> None:
        """Add a frame.

        Args:
            pixels: uint8, HxWx3, RGB, of the size that was announced.
            time_s: when it is shown; counted from the first frame's. A time that does not rise is moved on.

        Raises:
            ValueError: a frame of another size, or after the end.
            DiskFull: there is no room.
        """
        import av

        if self._container is None:
            raise ValueError("the video is finished")
        if pixels.shape != (self._height, self._width, 3):
            raise ValueError(f"a frame of shape {pixels.shape} in a video of {self._width} x {self._height}")
        if (self._width, self._height) != self._even:
            pixels = np.pad(pixels, ((0, self._height % 2), (0, self._width % 2), (0, 0)), mode="edge")
        if self._first is None:
            self._first = time_s
        image = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame = self._reformatter.reformat(image, format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED)
        self._last = max(round((time_s - self._first) * _CLOCK), self._last + 1)
        frame.pts = self._last
        frame.time_base = Fraction(1, _CLOCK)
        self._mux(frame)
        self.frames += 1

    def close(self) -> None:
        """Finish the file and give it its name; without a frame there will be no file."""
        if self._container is None:
            return
        if not self.frames:
            self.discard()
            return
        try:
            self._mux(None)
            with room_for("the annotated video"):
                self._container.close()
        except BaseException:
            self.discard()
            raise
        self._container = None
        self._size = self._part.stat().st_size
        self._part.replace(self.path)

    def discard(self) -> None:
        """Stop, and leave nothing behind."""
        container, self._container = self._container, None
        if container is not None:
            with contextlib.suppress(Exception):  # what it says of a file that is thrown away does not matter
                container.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _mux(self, frame: Any) -> None:
        with room_for("the annotated video"):
            for packet in self._stream.encode(frame):
                if not packet.duration:
                    packet.duration = self._step
                self._container.mux(packet)
