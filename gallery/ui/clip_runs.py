"""A video's run: the settings it was started with, the work itself, and how long it will still take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gallery.domains import Domain, fetching
from gallery.errors import EmptyMedia
from gallery.media.types import Picture
from gallery.media.video import is_video
from gallery.results import Analysis
from gallery.samples import Sample
from gallery.ui.clip_folders import Folders, require_room
from gallery.ui.session import Given, PageState
from gallery.ui.text import plain
from gallery.ui.work import Cancelled, Job

if TYPE_CHECKING:
    from gallery.clips import Clip

#: The domains whose pages take videos beside pictures.
DOMAINS_WITH = ("signs", "satellite", "proximity")
#: The choices of "every n-th frame".
EVERY = (1, 2, 3, 5, 10)
#: Weaker finds than the page shows still help to follow what was found before.
_FOLLOWED = 0.1
#: A find begins a track only from here on, or from the page's score where that is higher.
_BEGINS = 0.25
#: The domains that look at two frames beside each other; the tiles of another fill the processor already.
_BESIDE = ("signs", "proximity")

#: The picture that is shown while a run goes on: how often, how large, how fine.
_LOOK_S = 0.35
_LOOK_SIDE = 960
_LOOK_QUALITY = 78
#: Seconds between two looks at the room on the disk.
_ROOM_S = 2.0


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """What a video is run with.

    Attributes:
        options: the domain's own, with the score and the limit as the page has them.
        labels: classes that are kept; empty for all.
        every: every how many frames one is analysed.
    """

    options: Any
    labels: tuple[str, ...]
    every: int


def is_clip(domain: Domain, item: Sample | Given) -> bool:
    """Whether an input is a video, by its content, on a page that takes videos."""
    return domain.id in DOMAINS_WITH and isinstance(item, Given) and is_video(item.data)


def domain_and_input(key: object) -> tuple[str, str]:
    """Whose run it is, and of what, by the key that tells it from every other."""
    assert isinstance(key, tuple)
    return str(key[0]), str(key[1])


def set_now(domain: Domain, state: PageState) -> ClipSettings:
    """The settings as the page has them now."""
    values: dict[str, Any] = {"model": state.model, "runtime": state.runtime, "score": state.score}
    if domain.id == "proximity":
        values["limit"] = state.limit
    return ClipSettings(domain.module().Options(**values), tuple(sorted(state.labels)), state.every)


def work(
    domain: Domain, data: bytes | Path, name: str, settings: ClipSettings, folders: Folders, session: str
) -> Callable[[Job], Clip]:
    """The run of a video as a piece of work; what it finds is kept even if it is stopped.

    Args:
        data: bytes of the video, or its path.
        name: as the person knows it.
        folders: of the visit that wants it.
        session: Streamlit's name for the visit.
    """

    def run(job: Job) -> Clip:
        from gallery.clips import ClipOptions, analyse_clip
        from gallery.media.video import open_video
        from gallery.zoo import store

        with open_video(data, name) as video:
            # Here and not at the first frame, so that a download is told as what it is.
            store.ensure(settings.options.model, progress=fetching(job.report))
            frames = None if video.frame_count is None else max(1, math.ceil(video.frame_count / settings.every))
            watch = _Watch(job, frames)
            job.note(0.0, plain("clip.loading"))
            with folders.new(session) as folder:

                def progress(fraction: float, message: str) -> None:
                    watch.note(fraction)
                    watch.room(folder)

                try:
                    clip = analyse_clip(
                        video,
                        _analyse(domain, settings),
                        folder,
                        ClipOptions(every=settings.every, start=max(settings.options.score, _BEGINS)),
                        narrow=_narrow(domain, settings),
                        progress=progress,
                        cancelled=lambda: not job.wanted(),
                        preview=watch.look,
                    )
                except EmptyMedia:
                    if job.wanted():
                        raise
                    raise Cancelled from None  # before the first frame
                if job.abandoned:
                    raise Cancelled  # and its folder goes
                return clip

    return run


def _analyse(domain: Domain, settings: ClipSettings) -> Callable[[Picture], Analysis]:
    module = domain.module()
    options = replace(settings.options, score=min(settings.options.score, _FOLLOWED))
    beside = {"streams": 2} if domain.id in _BESIDE else {}
    return lambda picture: module.analyse(picture, options, **beside)


def _narrow(domain: Domain, settings: ClipSettings) -> Callable[[Analysis], Analysis]:
    """What the page shows of a frame; as for a picture."""
    score = settings.options.score

    def narrow(analysis: Analysis) -> Analysis:
        kept = analysis.filtered(score)
        if domain.id == "proximity":
            # Before the classes are filtered: what is not shown must still set off alerts.
            kept = domain.module().with_alerts(kept, settings.options.limit)
        if settings.labels:
            kept = kept.filtered(labels=settings.labels)
        return replace(kept, settings={**kept.settings, "score": score, "labels": list(settings.labels)})

    return narrow


class _Watch:
    """What a job tells of a run on its way."""

    def __init__(self, job: Job, frames: int | None) -> None:
        self._job = job
        self._frames = frames
        self._done = 0
        self._pace = Pace()
        self._looked = -math.inf
        self._measured = -math.inf

    def note(self, fraction: float) -> None:
        """How far it is after one more frame, and how long it will still take."""
        self._done += fraction < 1  # the last time it is no frame, but the end
        left = self._pace.left(fraction)
        self._job.note(fraction, progress_text(fraction, self._done, self._frames, left))

    def room(self, folder: Path) -> None:
        """See that the disk does not fill up."""
        now = time.monotonic()
        if now - self._measured >= _ROOM_S:
            self._measured = now
            require_room(folder)

    def look(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Called with an annotated frame (HxWx3 uint8 RGB) now and then."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        from PIL import Image

        from gallery.export.pictures import jpeg_bytes

        image = Image.fromarray(pixels)
        image.thumbnail((_LOOK_SIDE, _LOOK_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
        self._job.look(jpeg_bytes(np.asarray(image), _LOOK_QUALITY))


class Pace:
    """How much time is left, by how fast a run went lately; one slow moment does not make the number jump.

    Args:
        clock: tells the seconds.
    """

    #: Seconds over which the speed is averaged, until which nothing is said, and between two looks.
    OVER_S = 8.0
    QUIET_S = 1.5
    STEP_S = 0.25

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: tuple[float, float] | None = None
        self._last = (0.0, 0.0)
        self._speed = 0.0

    def left(self, fraction: float) -> float | None:
        """Seconds until the end, when this share (0 to 1) is done; None while it is too early to say."""
        now = self._clock()
        if self._began is None:
            # Not the beginning of the work: the first frame also loads the model.
            self._began = self._last = (now, fraction)
            return None
        seconds, share = now - self._last[0], fraction - self._last[1]
        since = now - self._began[0]
        if seconds >= self.STEP_S:
            # At first the plain average, later the newer the heavier.
            weight = max(1 - math.exp(-seconds / self.OVER_S), min(1.0, seconds / since))
            self._speed += weight * (share / seconds - self._speed)
            self._last = (now, fraction)
        if since < self.QUIET_S or self._speed <= 0:
            return None
        return (1 - fraction) / self._speed


def progress_text(fraction: float, done: int, frames: int | None, left: float | None) -> str:
    """Percent, frames and time left, in words."""
    parts = [plain("clip.percent", percent=int(100 * min(max(fraction, 0.0), 1.0)))]
    if frames is not None:
        parts.append(plain("clip.frames.of", done=f"{done:,}", frames=f"{max(frames, done):,}"))
    else:
        parts.append(plain("clip.frames", done=f"{done:,}"))
    if left is not None:
        parts.append(left_text(left))
    return ", ".join(parts)


def left_text(seconds: float) -> str:
    """Time that is left, in words and in steps that a person cares about."""
    if seconds < 5:
        return plain("clip.left.moment")
    if seconds < 50:
        return plain("clip.left.seconds", count=5 * round(seconds / 5))
    if seconds < 90:
        return plain("clip.left.minute")
    minutes = round(seconds / 60)
    if minutes < 60:
        return plain("clip.left.minutes", count=minutes)
    return plain("clip.left.hours", hours=minutes // 60, minutes=minutes % 60)
