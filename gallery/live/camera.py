"""A camera that is on: its newest frame is analysed, followed, drawn and shown; frames nobody has time for are dropped.

Three frames are under way at a time: two in the network, which shares the cores between them and so gets more done than
with one after the other, and one that is prepared or drawn. They are shown in the order in which they came. Frames come
from any thread through :meth:`Camera.offer`, which never waits; what is shown is fetched with :meth:`Camera.wait`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gallery.draw.boxes import annotate
from gallery.draw.overlay import status
from gallery.errors import DiskFull, GalleryError
from gallery.export.video import VideoWriter
from gallery.ledger import Encounter, Encounters, Tally, Track, with_tracks
from gallery.live.newest import Newest, Pace
from gallery.media.types import Picture
from gallery.results import Analysis
from gallery.tracking import Tracker

_log = logging.getLogger(__name__)

Look = Callable[[Picture], Analysis]
"""Finds what is in one frame; called from several threads at the same time."""
Narrow = Callable[[Analysis], Analysis]
"""What is shown of an analysis."""

#: Frames that are under way at the same time, and how many of them are in the network.
LANES = 3
STREAMS = 2
#: Larger frames are made smaller before they are sent back: encoding them would take longer than analysing them.
MOST_SHOWN = 1280
#: A recording ends by itself at this length and size.
MOST_RECORDED_S = 600.0
MOST_RECORDED_BYTES = 300_000_000
#: Frames a second that are taken for the tracker's patience until the true pace is known.
_USUAL_RATE = 15.0


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame that was analysed.

    Attributes:
        number: of the frame, counted from 1 as they came.
        frame: the annotated picture as an ``av.VideoFrame`` (yuv420p), as encoders want it.
        pixels: the frame as it came, HxWx3 uint8 RGB.
        analysis: all that was found, before it was narrowed.
        narrowed: what is drawn.
        arrived: when the frame came, in seconds of the camera's clock.
    """

    number: int
    frame: Any
    pixels: npt.NDArray[np.uint8]
    analysis: Analysis
    narrowed: Analysis
    arrived: float


@dataclass(frozen=True, slots=True)
class Figures:
    """How it goes, over the last seconds.

    Attributes:
        fps: annotated frames a second.
        camera_fps: frames a second that the camera sends.
        infer_ms: milliseconds of the network.
        latency_ms: milliseconds from the coming of a frame to the annotated one.
        dropped: share of the camera's frames that were dropped, 0 to 1, since it was switched on.
        received, shown: frames since it was switched on.
        width, height: pixels of the newest frame; 0 before there is one.
    """

    fps: float
    camera_fps: float
    infer_ms: float
    latency_ms: float
    dropped: float
    received: int
    shown: int
    width: int
    height: int


class Camera:
    """Analyses one viewer's camera. All methods may be called from any thread.

    Args:
        look: the core on one frame; may be replaced while the camera is on.
        narrow: what is drawn of what was found; may be replaced while the camera is on.
        follow: number the objects from frame to frame.
        annotated: draws the narrowed analysis on a copy of the frame.
        clock: in seconds.

    Attributes:
        error: what ended the run by itself, or None.
        recorded: the last recording that was ended, or None.
        unrecorded: why the last recording could not be written, or None.
    """

    def __init__(
        self,
        look: Look,
        narrow: Narrow | None = None,
        *,
        follow: bool = True,
        annotated: Callable[[npt.NDArray[np.uint8], Analysis], npt.NDArray[np.uint8]] = annotate,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.look = look
        self.narrow = narrow or (lambda analysis: analysis)
        self.error: GalleryError | None = None
        self.recorded: Path | None = None
        self.unrecorded: GalleryError | None = None
        self.paused = False
        self.tally = Tally()
        self.encounters = Encounters()
        self._annotated = annotated
        self._clock = clock
        self._began: float | None = None
        self._box: Newest[tuple[int, Any, float]] = Newest()
        self._tracker = Tracker(_USUAL_RATE) if follow else None
        self._order = threading.Lock()  # held by whoever follows, draws and publishes
        self._taking = threading.Lock()
        self._turn = threading.Condition()
        self._under_way: list[int] = []
        self._number = 0
        self._change = threading.Condition()
        self._shown: Shown | None = None
        self._shown_count = 0
        self._listeners: list[Callable[[], None]] = []
        self._camera_pace = Pace(clock=clock)
        self._pace = Pace(clock=clock)
        self._infer = Pace(clock=clock)
        self._latency = Pace(clock=clock)
        self._recording: _Recording | None = None
        self._threads = [
            threading.Thread(target=self._lane, name=f"camera-lane-{lane}", daemon=True) for lane in range(LANES)
        ]
        for thread in self._threads:
            thread.start()

    # --- frames in ---

    def offer(self, frame: Any) -> None:
        """Give a frame (``av.VideoFrame``, or HxWx3 uint8 RGB); never waits. Ignored while paused and after the end."""
        if self.paused or self._box.closed:
            return
        now = self._clock()
        if self._began is None:
            self._began = now
        self._number += 1
        self._camera_pace.add()
        self._box.put((self._number, frame, now))

    def pause(self, paused: bool) -> None:
        """Hold the picture, or go on."""
        self.paused = paused

    def close(self) -> None:
        """End the run; what was found stays to be read. Does not wait for the frames under way."""
        self._box.close()
        try:
            self.stop_recording()
        finally:
            with self._change:
                self._change.notify_all()
            self._call()

    @property
    def closed(self) -> bool:
        """Whether the run has ended."""
        return self._box.closed

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the threads to end after :meth:`close` (seconds); whether they have."""
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

    # --- pictures out ---

    @property
    def shown(self) -> Shown | None:
        """The newest annotated frame."""
        return self._shown

    def wait(self, after: int = 0, timeout: float | None = None) -> Shown | None:
        """The newest annotated frame that came after frame number ``after``; None when none came in time (seconds)."""
        with self._change:
            self._change.wait_for(lambda: self.closed or self._number_shown() > after, timeout)
            return self._shown if self._number_shown() > after else None

    def tell(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` (quick, from any thread) whenever a new frame was annotated, and at the end."""
        self._listeners.append(listener)

    def _number_shown(self) -> int:
        return self._shown.number if self._shown else 0

    def figures(self) -> Figures:
        """How it goes."""
        shown, received = self._shown, self._box.received
        dropped = self._box.dropped
        height, width = shown.pixels.shape[:2] if shown else (0, 0)
        return Figures(
            fps=self._pace.per_second(),
            camera_fps=self._camera_pace.per_second(),
            infer_ms=self._infer.mean(),
            latency_ms=self._latency.mean(),
            dropped=dropped / received if received else 0.0,
            received=received,
            shown=self._shown_count,
            width=width,
            height=height,
        )

    def tracks(self) -> tuple[Track, ...]:
        """Objects that were followed, in the order in which they came; seconds count from the first frame."""
        with self._order:
            return self.tally.tracks()

    def met(self) -> tuple[Encounter, ...]:
        """Who came too close to whom, in the order in which it began, also what lasts."""
        with self._order:
            return self.encounters.so_far()

    # --- recording ---

    def start_recording(self, path: Path) -> None:
        """Write the annotated frames into an H.264 video from now on, for at most ten minutes."""
        with self._order:
            if self._recording is None and not self.closed:
                self.unrecorded = None
                self._recording = _Recording(path)

    def stop_recording(self) -> Path | None:
        """End the recording, if there is one; where the last one is, or None when nothing was recorded.

        A recording that could not be written (the disk is full) ends without a file, and :attr:`unrecorded` says why.
        """
        with self._order:
            self._record(None)
            return self.recorded

    def _record(self, pixels: npt.NDArray[np.uint8] | None, at: float = 0.0) -> None:
        """Write a frame, or end the recording. Trouble with the disk ends the recording and not the camera."""
        recording = self._recording
        if recording is None:
            return
        try:
            if pixels is not None:
                recording.write(pixels, at)
            if pixels is None or recording.full:
                self._recording = None
                self.recorded = recording.close() or self.recorded
        except (GalleryError, OSError) as error:
            self._recording = None
            recording.discard()
            self.unrecorded = (
                error
                if isinstance(error, GalleryError)
                else DiskFull("The recording could not be written.", "Make room on the disk, then record again.")
            )

    @property
    def recording_s(self) -> float | None:
        """Seconds of the recording under way, or None when there is none."""
        recording = self._recording
        return recording.seconds if recording else None

    # --- inside ---

    def _lane(self) -> None:
        while (item := self._take()) is not None:
            try:
                self._one(*item)
            except GalleryError as error:
                self._fail(error)
            except Exception:
                _log.exception("A frame could not be analysed")
                self._fail(GalleryError("The camera's picture could not be analysed.", "Stop, and start it again."))
            finally:
                with self._turn:
                    self._under_way.remove(item[0])
                    self._turn.notify_all()
            del item

    def _take(self) -> tuple[int, Any, float] | None:
        with self._taking:  # so that frames are noted in the order in which they are taken
            item = self._box.take()
            if item is not None:
                with self._turn:
                    self._under_way.append(item[0])
            return item

    def _fail(self, error: GalleryError) -> None:
        error.__traceback__ = error.__cause__ = error.__context__ = None  # they would keep frames alive
        self.error = error
        self.close()

    def _one(self, number: int, frame: Any, arrived: float) -> None:
        started = time.perf_counter()
        pixels = frame if isinstance(frame, np.ndarray) else frame.to_ndarray(format="rgb24")
        decode_ms = (time.perf_counter() - started) * 1e3
        analysis = self.look(Picture(pixels, "camera", "camera", decode_ms))
        with self._turn:
            self._turn.wait_for(lambda: self._under_way[0] == number)
        with self._order:
            self._show(number, pixels, analysis, arrived)
        self._call()

    def _show(self, number: int, pixels: npt.NDArray[np.uint8], analysis: Analysis, arrived: float) -> None:
        """Follow, draw and publish one frame; frames come here one at a time and in order."""
        at = arrived - (self._began or arrived)
        if self._tracker is not None:
            analysis = with_tracks(analysis, self._tracker.update(analysis.detections))
        narrowed = self.narrow(analysis)
        self.tally.add(at, narrowed.detections)
        self.encounters.add(at, narrowed.alerts)
        self._infer.add(analysis.timings_ms.get("infer", 0.0))
        drawn = self._annotated(pixels, narrowed)
        if not drawn.flags.writeable:
            drawn = drawn.copy()
        figures = self.figures()
        status(drawn, f"{figures.fps:.0f} fps   {figures.infer_ms:.0f} ms   {figures.dropped:.0%} dropped")
        made = _video_frame(drawn)
        self._shown_count += 1
        self._pace.add()
        self._latency.add((self._clock() - arrived) * 1e3)
        self._record(drawn, arrived)
        with self._change:
            self._shown = Shown(number, made, pixels, analysis, narrowed, arrived)
            self._change.notify_all()

    def _call(self) -> None:
        for listener in tuple(self._listeners):
            listener()


class _Recording:
    """The annotated stream on its way into a file.

    Attributes:
        path: where it goes.
        seconds: length so far.
        full: whether it ended by itself, because it was long or large enough.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds = 0.0
        self.full = False
        self._writer: VideoWriter | None = None
        self._began = 0.0
        self._size = (0, 0)

    def write(self, pixels: npt.NDArray[np.uint8], at: float) -> None:
        """Add a frame (HxWx3 uint8 RGB) at a time in seconds. A camera that changes its size is fitted to the first."""
        if self.full:
            return
        if self._writer is None:
            self._size = (pixels.shape[1], pixels.shape[0])
            self._writer = VideoWriter(self.path, *self._size, rate=_USUAL_RATE)
            self._began = at
        self._writer.write(_fitted(pixels, *self._size), at - self._began)
        self.seconds = at - self._began
        if self.seconds >= MOST_RECORDED_S or self._writer.bytes_written >= MOST_RECORDED_BYTES:
            self.full = True

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._writer is not None:
            self._writer.discard()

    def close(self) -> Path | None:
        """End the file; where it is, or None when it holds nothing."""
        if self._writer is None:
            return None
        self._writer.close()
        return self.path


def _fitted(pixels: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """The frame as large as fits, in the middle of a black one."""
    if pixels.shape[:2] == (height, width):
        return pixels
    import cv2

    factor = min(width / pixels.shape[1], height / pixels.shape[0])
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    canvas = np.zeros((height, width, 3), np.uint8)
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    canvas[y : y + size[1], x : x + size[0]] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return canvas


def _video_frame(pixels: npt.NDArray[np.uint8]) -> Any:
    """A frame as encoders want it: yuv420p with even sides, at most :data:`MOST_SHOWN` wide or high."""
    import av
    import cv2

    height, width = pixels.shape[:2]
    shown: Any = pixels
    factor = min(1.0, MOST_SHOWN / max(width, height))
    size = (max(2, int(width * factor) // 2 * 2), max(2, int(height * factor) // 2 * 2))
    if size != (width, height):
        shown = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    # several times as fast as FFmpeg's own conversion, which is made ready anew for each frame
    planes: Any = cv2.cvtColor(shown, cv2.COLOR_RGB2YUV_I420)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")
