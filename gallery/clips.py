"""A video's way through the house: decode, analyse two frames at a time, follow objects, draw, write.

Decoding runs in a thread of its own and two analyses in two more, while the thread of the caller follows, draws and
encodes what is ready, in order. A few frames are in memory at any time; what was found goes to the disk at once, so
that an hour takes no more memory than a minute.
"""

from __future__ import annotations

import json
import queue
import shutil
import tempfile
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from gallery.draw.boxes import annotate
from gallery.errors import EmptyMedia, MediaTooLarge
from gallery.export.room import room_for
from gallery.export.tables import csv_bytes
from gallery.export.video import VideoWriter
from gallery.ledger import MOST_TOLD, Encounter, Encounters, Tally, Track, distinct, with_tracks
from gallery.media.types import Picture
from gallery.media.video import Frame, Video
from gallery.results import Alert, Analysis, Detection, ModelUse
from gallery.tracking import TRACK_ID, Tracker

Progress = Callable[[float, str], None]
Analyse = Callable[[Picture], Analysis]
Narrow = Callable[[Analysis], Analysis]
Preview = Callable[[npt.NDArray[np.uint8]], None]

#: Columns of the table, one row a detection a frame.
COLUMNS = ("frame", "time_s", "track_id", "label", "score", "x1", "y1", "x2", "y2", "polygon")
#: Names of the files in the folder.
NAMES = {"video": "annotated.mp4", "csv": "frames.csv", "json": "frames.json"}
#: Analyses that run at the same time; more do not help on the processors that the gallery is made for.
IN_FLIGHT = 2
#: Seconds between two previews.
PREVIEW_EVERY = 0.25
#: The stages of a clip, in the order in which they happen.
STAGES = ("decode", "prepare", "infer", "post", "track", "draw", "encode")

_USUAL_RATE = 25.0
#: Seconds between two questions whether a run is still wanted, while it waits for a frame.
_ASK_EVERY = 0.1
_MOST_SENTENCES = 20
#: Seconds between two analysed frames beyond which most objects have moved too far to be known again.
_HARDLY_FOLLOWED = 0.5


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """How to go through a video.

    Attributes:
        every: analyse the first of every so many frames, 1 or more.
        track: follow objects from frame to frame.
        annotate: write a video with everything drawn.
        start: score from which a find may begin a track; weaker ones only continue it.
    """

    every: int = 1
    track: bool = True
    annotate: bool = True
    start: float = 0.35


@dataclass(frozen=True, slots=True)
class Clip:
    """All that one run found in one video; its frames are in the files.

    Attributes:
        file: name of the video, without folders.
        domain: ``signs``, ``satellite`` or ``proximity``.
        model: the model that made it.
        settings: the options of the run, as JSON values.
        width, height: pixels of the upright frames.
        duration_s: seconds that were gone through: to the end of the video, or of the last frame that was analysed when
            the run ended before.
        rate: frames a second of the video on average, or None where it does not say.
        frames: frames that were analysed.
        every: every how manieth frame was analysed.
        labels: by label, most tracks first: ``tracks`` (distinct objects; 0 when none were followed), ``most`` (in one
            frame) and ``frames`` (with at least one).
        tracks: objects that were followed, in the order in which they came, at most :data:`MOST_TOLD`.
        alerts: encounters, in the order in which they began, at most :data:`MOST_TOLD`.
        timings_ms: mean milliseconds a frame by stage (see :data:`STAGES`); stages overlap.
        speed_fps: analysed frames a second, all stages together.
        warnings: sentences a person should read beside the result.
        cut: sentences on what was left out.
        stopped: whether the run was cancelled before the end.
        files: ``video``, ``csv`` and ``json``: where they are.
    """

    file: str
    domain: str
    model: ModelUse
    settings: Mapping[str, Any]
    width: int
    height: int
    duration_s: float
    rate: float | None
    frames: int
    every: int
    labels: Mapping[str, Mapping[str, int]]
    tracks: tuple[Track, ...] = ()
    alerts: tuple[Encounter, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    speed_fps: float = 0.0
    warnings: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    stopped: bool = False
    files: Mapping[str, Path] = field(default_factory=dict)

    def different(self) -> dict[str, tuple[int, bool]]:
        """By label: how many different objects there were, and whether that is all or "at least" (see ``ledger``)."""
        return {label: distinct(tally) for label, tally in self.labels.items()}

    def to_json(self) -> dict[str, Any]:
        """The clip as JSON values, without its frames and the places of its files (docs/schema.md).

        The number of frames is called ``analysed_frames``, because ``frames`` is the list of them in ``frames.json``.
        """
        values = asdict(replace(self, files={}))
        del values["files"]
        data = {"analysed_frames" if key == "frames" else key: value for key, value in values.items()}
        if self.domain != "proximity":
            del data["alerts"]
        return data


def analyse_clip(
    video: Video,
    analyse: Analyse,
    folder: Path,
    options: ClipOptions | None = None,
    *,
    narrow: Narrow | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    preview: Preview | None = None,
) -> Clip:
    """Analyse a video frame by frame and write what was found into ``folder``.

    Args:
        video: an open video; it stays open.
        analyse: finds what is in one picture; called from two threads at the same time.
        folder: where ``annotated.mp4``, ``frames.csv`` and ``frames.json`` go; made when it is not there.
        options: how to go through the video.
        narrow: applied to each analysis after objects were followed, for example to leave out weak finds that only
            help to follow. What it returns is drawn and written.
        progress: told how far the run is (0 to 1) and where.
        cancelled: asked before every frame; when it says yes, the run ends with what is there.
        preview: given an annotated frame (uint8, HxWx3, RGB) at most four times a second.

    Returns:
        The clip. Cancelled, or ended by a limit on the way, it is what was done until then, and ``cut`` says so.

    Raises:
        EmptyMedia: the run was cancelled before the first frame was done.
        GalleryError: the video or a frame of it could not be used, a model cannot be had, or the disk is full. Then,
            as after any other exception, none of the files is left.
    """
    options = options or ClipOptions()
    if options.every < 1:
        raise ValueError("every counts from 1")
    began = time.perf_counter()
    with ExitStack() as stack:
        stack.enter_context(room_for("what is found in the video"))
        folder.mkdir(parents=True, exist_ok=True)
        part = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".clip-", dir=folder)))
        run = _Run(video, options, part, narrow, preview)
        stack.callback(run.discard)
        source = stack.enter_context(_Ahead(video, options.every))
        for frame, decode_ms, analysis in _analysed(source, analyse, video, cancelled):
            run.take(frame, decode_ms, analysis)
            if progress:
                progress(*run.progress(frame, source))
        clip = run.finish(source.stopped, source.ended_by, time.perf_counter() - began)
        files = {kind: folder / NAMES[kind] for kind in run.files}
        for kind, path in run.files.items():
            path.replace(files[kind])
        if progress:
            progress(1.0, "done")
        return replace(clip, files=files)


# --- frames, ahead of time and in order -----------------------------------------------------------------------------


class _Ahead:
    """Reads frames in a thread of its own, at most two ahead."""

    def __init__(self, video: Video, every: int) -> None:
        self._video = video
        self._every = every
        self._queue: queue.Queue[tuple[Frame, float] | None] = queue.Queue(maxsize=IN_FLIGHT)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._any = False
        self.finished = False
        self.stopped = False
        self.ended_by: MediaTooLarge | None = None
        self._thread = threading.Thread(target=self._run, name="video-reader", daemon=True)

    def __enter__(self) -> _Ahead:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        while self._thread.is_alive():  # it may wait for a place in the queue
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def share_read(self) -> float:
        """How much of the file was gone through, 0 to 1."""
        return self._video.share_read

    def next(self, cancelled: Callable[[], bool] | None) -> tuple[Frame, float] | None:
        """The next frame and the milliseconds that reading it took; None at the end, or when it is no longer wanted.

        Raises:
            GalleryError: reading failed.
        """
        if self.finished:
            return None
        while True:
            if cancelled and cancelled():  # with many frames passed over, the next one may take a while
                return None
            try:
                item = self._queue.get(timeout=_ASK_EVERY)
                break
            except queue.Empty:
                continue
        if item is None:
            self.finished = True
            if isinstance(self._error, MediaTooLarge) and self._any:
                self.ended_by = self._error
            elif self._error is not None:
                raise self._error
        else:
            self._any = True
        return item

    def _run(self) -> None:
        try:
            frames = self._video.frames(self._every, self._stop.is_set)
            try:
                while not self._stop.is_set():
                    started = time.perf_counter()
                    frame = next(frames, None)
                    if frame is None:
                        break
                    self._put((frame, (time.perf_counter() - started) * 1e3))
            finally:
                frames.close()  # type: ignore[attr-defined]  # a generator: closes the container in this thread
        except BaseException as error:
            self._error = error
        self._put(None)

    def _put(self, item: tuple[Frame, float] | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return
            except queue.Full:
                continue


def _analysed(
    source: _Ahead, analyse: Analyse, video: Video, cancelled: Callable[[], bool] | None
) -> Iterator[tuple[Frame, float, Analysis]]:
    """Frames with their analyses in order, while the next ones are being analysed."""

    def one(frame: Frame, decode_ms: float) -> Analysis:
        return analyse(Picture(frame.pixels, video.name, video.format, decode_ms))

    waiting: deque[tuple[Frame, float, Future[Analysis]]] = deque()
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="clip") as pool:

        def fill() -> None:
            while len(waiting) < IN_FLIGHT:
                item = source.next(cancelled)
                if item is None:
                    return
                waiting.append((*item, pool.submit(one, *item)))

        try:
            fill()
            while waiting and not (cancelled and cancelled()):
                frame, decode_ms, future = waiting.popleft()
                analysis = future.result()
                fill()  # both places stay taken while this frame is drawn
                yield frame, decode_ms, analysis
            source.stopped = bool(waiting) or not source.finished
        finally:
            for *_, future in waiting:
                future.cancel()


# --- one run --------------------------------------------------------------------------------------------------------


class _Run:
    """What is written and counted while frames come by."""

    def __init__(
        self, video: Video, options: ClipOptions, folder: Path, narrow: Narrow | None, preview: Preview | None
    ) -> None:
        rate = (video.rate or _USUAL_RATE) / options.every
        self._video = video
        self._options = options
        self._narrow = narrow
        self._preview = preview
        self._shown_at = -1.0
        self._tracker = Tracker(rate, options.start) if options.track else None
        self._tally = Tally()
        self._encounters = Encounters(1 / rate)
        self._apart = 1 / rate  # seconds from one analysed frame to the next
        self._step = self._apart / options.every
        self._first: Analysis | None = None
        self._warnings: dict[str, None] = {}
        self._cut: dict[str, None] = {}
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._frames = 0
        self._end_s = 0.0
        self.files = {kind: folder / name for kind, name in NAMES.items() if kind != "video" or options.annotate}
        self._writer: VideoWriter | None = None
        if options.annotate:
            self._writer = VideoWriter(self.files["video"], video.width, video.height, rate=rate)
        self._head = csv_bytes([], COLUMNS)
        self._table: IO[bytes] = self.files["csv"].open("wb")
        self._table.write(self._head)
        self._rows_path = folder / "rows"
        self._rows: IO[str] = self._rows_path.open("w", encoding="utf-8")

    def discard(self) -> None:
        """Let go of all files."""
        self._table.close()
        self._rows.close()
        if self._writer is not None:
            self._writer.discard()

    def take(self, frame: Frame, decode_ms: float, analysis: Analysis) -> None:
        """Follow, draw and write one frame."""
        self._spent["decode"] += decode_ms
        for stage, milliseconds in analysis.timings_ms.items():
            if stage != "decode":
                self._spent[stage] += milliseconds
        started = time.perf_counter()
        if self._tracker is not None:
            analysis = with_tracks(analysis, self._tracker.update(analysis.detections))
        if self._narrow is not None:
            analysis = self._narrow(analysis)
        self._spent["track"] += (time.perf_counter() - started) * 1e3
        if self._first is None:
            self._first = analysis
        for said, kept in ((analysis.warnings, self._warnings), (analysis.cut, self._cut)):
            for sentence in said:
                if len(kept) < _MOST_SENTENCES:
                    kept[sentence] = None
        self._draw(frame, analysis)
        self._write(frame, analysis)
        self._tally.add(frame.time_s, analysis.detections)
        self._encounters.add(frame.time_s, analysis.alerts)
        self._frames += 1
        self._end_s = frame.time_s

    def progress(self, frame: Frame, source: _Ahead) -> tuple[float, str]:
        """How far the run is, 0 to 1, and where, in words."""
        count, length = self._video.frame_count, self._video.duration_s
        if count:
            share = (frame.index + 1) / count
        elif length:
            share = frame.time_s / length
        else:
            share = source.share_read()
        of = f" of about {count:,}" if count and frame.index < count else ""
        return min(share, 0.999), f"frame {frame.index + 1:,}{of}"

    def finish(self, stopped: bool, ended_by: MediaTooLarge | None, seconds: float) -> Clip:
        """Close the files and say what was found."""
        if self._first is None:
            raise EmptyMedia(f"Nothing was analysed in “{self._video.name}”.", "Start again and let it run for longer.")
        started = time.perf_counter()
        if self._writer is not None:
            self._writer.close()
        self._spent["encode"] += (time.perf_counter() - started) * 1e3
        cut = list(self._cut)
        if stopped:
            cut.append(f"The run was stopped after {self._end_s:.1f} seconds of the video.")
        if ended_by is not None:
            cut.append(f"The run ended after {self._end_s:.1f} seconds of the video: {ended_by.problem}")
        for what, total, told in (
            ("tracks", self._tally.count, MOST_TOLD),
            ("encounters", self._encounters.count, MOST_TOLD),
        ):
            if total > told:
                cut.append(f"Only the first {told:,} of {total:,} {what} are listed.")
        clip = Clip(
            file=self._video.name,
            domain=self._first.domain,
            model=self._first.model,
            settings={**self._first.settings, **asdict(self._options)},
            width=self._video.width,
            height=self._video.height,
            duration_s=round(self._end_s + self._step if stopped or ended_by else self._length(), 3),
            rate=None if self._video.rate is None else round(self._video.rate, 3),
            frames=self._frames,
            every=self._options.every,
            labels=self._tally.labels(),
            tracks=self._tally.tracks(),
            alerts=self._encounters.all(),
            timings_ms={stage: round(self._spent[stage] / self._frames, 3) for stage in STAGES if stage in self._spent},
            speed_fps=round(self._frames / max(seconds, 1e-9), 2),
            warnings=tuple(dict.fromkeys((*self._video.warnings, *self._warnings, *self._far_apart()))),
            cut=tuple(cut),
            stopped=stopped,
        )
        self._table.close()
        self._rows.close()
        self._write_document(clip)
        return clip

    def _length(self) -> float:
        """Seconds of a video that was gone through to its end.

        What the file announces, within what was seen: the last analysed frame was there whole, and the next one that
        would have been analysed was not there.
        """
        return min(max(self._video.duration_s or 0.0, self._end_s + self._step), self._end_s + self._apart)

    def _far_apart(self) -> list[str]:
        if not self._options.track or self._apart <= _HARDLY_FOLLOWED:
            return []
        return [
            f"The analysed frames are {self._apart:.1f} seconds apart. Objects can hardly be followed so; counts of "
            "different objects may be wrong."
        ]

    def _draw(self, frame: Frame, analysis: Analysis) -> None:
        now = time.perf_counter()
        show = self._preview is not None and now - self._shown_at >= PREVIEW_EVERY
        if self._writer is None and not show:
            return
        drawn = annotate(frame.pixels, analysis)
        finished = time.perf_counter()
        self._spent["draw"] += (finished - now) * 1e3
        if self._writer is not None:
            self._writer.write(drawn, frame.time_s)
            self._spent["encode"] += (time.perf_counter() - finished) * 1e3
        if show and self._preview is not None:
            self._shown_at = now
            self._preview(drawn)

    def _write(self, frame: Frame, analysis: Analysis) -> None:
        time_s = round(frame.time_s, 4)
        rows = [
            {
                "frame": frame.index,
                "time_s": time_s,
                "track_id": d.attributes.get(TRACK_ID),
                "label": d.label,
                "score": d.score,
                **dict(zip(("x1", "y1", "x2", "y2"), d.box, strict=True)),
                "polygon": None if d.polygon is None else json.dumps([list(p) for p in d.polygon]),
            }
            for d in analysis.detections
        ]
        if rows:
            self._table.write(csv_bytes(rows, COLUMNS)[len(self._head) :])
        entry: dict[str, Any] = {
            "frame": frame.index,
            "time_s": time_s,
            "detections": [_detection_json(d) for d in analysis.detections],
        }
        if analysis.domain == "proximity":
            entry["alerts"] = [_alert_json(a) for a in analysis.alerts]
        self._rows.write(("" if not self._frames else ",\n") + "    " + json.dumps(entry, ensure_ascii=False))

    def _write_document(self, clip: Clip) -> None:
        """The summary first, then the frames, copied from where they were gathered."""
        head = json.dumps(clip.to_json(), indent=2, ensure_ascii=False)
        with self.files["json"].open("w", encoding="utf-8") as out, self._rows_path.open(encoding="utf-8") as rows:
            out.write(head.removesuffix("\n}") + ',\n  "frames": [\n')
            shutil.copyfileobj(rows, out, 1 << 16)
            out.write("\n  ]\n}\n")
        self._rows_path.unlink()


def _detection_json(detection: Detection) -> dict[str, Any]:
    data = asdict(detection)
    if data["polygon"] is None:
        del data["polygon"]
    return data


def _alert_json(alert: Alert) -> dict[str, Any]:
    return {
        "kind": alert.kind,
        "message": alert.message,
        "distance": alert.distance,
        "limit": alert.limit,
        "unit": alert.unit,
        "tracks": [m.attributes.get(TRACK_ID) for m in alert.members],
    }
