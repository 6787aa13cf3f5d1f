"""Runs of the models outside the page's own script, on a bounded number of workers that all visitors share.

A page hands in a piece of work and waits for it. The wait may be interrupted (another widget was moved, the page was
left) without losing the work: the next script run finds the same job again. When more people come than there are
places, they are told so at once instead of waiting without end. The work of a person who closed the tab is dropped.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gallery.errors import Busy, GalleryError
from gallery.ui.text import t

_log = logging.getLogger(__name__)

#: Seconds after which the work of a visitor who is found unreachable is dropped (a reload takes less).
GRACE_S = 15.0
#: What a job has found so far that is kept for the page to show.
_LINES = 12


class Cancelled(Exception):
    """The person pressed Cancel or went away; raised inside the work at its next report."""


class Job:
    """One piece of work: how far it is, and what came of it.

    Attributes:
        key: what the work is, so that a later script run finds it again.
        session: whose it is.
        fraction: how much is done, 0 to 1.
        doing: what it does at the moment, in words.
        lines: the last of what it has found so far, newest last.
        said: how much it has found so far, also what is no longer among ``lines``.
        picture: what it looks like at the moment, as JPEG; empty for work that has nothing to show.
        pictures: how many of these there were.
        result: what it returned, or None.
        error: what it raised, or None; :class:`Cancelled` when it was dropped.
        abandoned: whether nobody wants what there is of it.
    """

    def __init__(self, key: object, session: str, work: Callable[[Job], Any]) -> None:
        self.key = key
        self.session = session
        self.fraction = 0.0
        self.doing = ""
        self.lines: deque[str] = deque(maxlen=_LINES)
        self.said = 0
        self.picture = b""
        self.pictures = 0
        self.abandoned = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.started = False
        self._work: Callable[[Job], Any] | None = work
        self._finished = threading.Event()
        self._cancel = threading.Event()
        self._gone_since: float | None = None

    def note(self, fraction: float, message: str = "") -> None:
        """Called by work that asks :meth:`wanted` itself: say how far it is."""
        self.fraction = min(max(float(fraction), 0.0), 1.0)
        self.doing = message

    def say(self, line: str) -> None:
        """Called by the work: one more line that it has found."""
        self.lines.append(line)
        self.said += 1

    def look(self, jpeg: bytes) -> None:
        """Called by the work: what it looks like at the moment."""
        self.picture = jpeg
        self.pictures += 1

    def report(self, fraction: float, message: str = "") -> None:
        """Called by the work: say how far it is.

        Raises:
            Cancelled: when nobody waits for the result any more.
        """
        self.note(fraction, message)
        if not self.wanted():
            raise Cancelled

    def wanted(self) -> bool:
        """Whether somebody still waits for this."""
        if session_is_open(self.session):
            self._gone_since = None
        elif self._gone_since is None:
            # Not the time of the last look, which may be minutes ago for a job in line: it may be only a reload.
            self._gone_since = time.monotonic()
        gone = self._gone_since
        return not self._cancel.is_set() and (gone is None or time.monotonic() - gone < GRACE_S)

    def cancel(self) -> None:
        """Ask the work to stop at its next report; what still waits in line ends at once."""
        self._cancel.set()
        if not self.started:
            self.drop()

    def abandon(self) -> None:
        """Ask the work to stop, and to keep nothing of what there is."""
        self.abandoned = True
        self.cancel()

    def drop(self) -> None:
        """End work that never began, so that nobody waits for it for ever."""
        self._work = None
        self.error = Cancelled()
        self._finished.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._cancel.is_set()

    @property
    def finished(self) -> bool:
        """Whether there is a result or an error."""
        return self._finished.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; whether it has ended."""
        return self._finished.wait(seconds)

    def run(self) -> None:
        """Do the work in this thread."""
        work, self._work = self._work, None
        self.started = True
        try:
            if not self.wanted() or work is None:
                raise Cancelled
            self.result = work(self)
        except (Cancelled, GalleryError) as error:
            self.error = _without_frames(error)
        except Exception as error:
            _log.exception("A run failed")
            self.error = _without_frames(error)
        finally:
            self._finished.set()


class Workers:
    """A fixed number of threads, and a bounded line in front of them.

    Args:
        name: for the names of the threads.
        places: how many pieces of work run at a time.
        line: how many more may wait.
    """

    def __init__(self, name: str, places: int, line: int) -> None:
        self.name = name
        self.places = places
        self.line = line
        self._waiting: deque[Job] = deque()
        self._running: list[Job] = []
        self._threads: list[threading.Thread] = []
        self._change = threading.Condition()

    def submit(self, key: object, session: str, work: Callable[[Job], Any]) -> Job:
        """Put work in the line.

        Raises:
            Busy: when the line is full.
        """
        job = Job(key, session, work)
        with self._change:
            unwanted = [other for other in self._waiting if not other.wanted()]
            self._waiting = deque(other for other in self._waiting if other not in unwanted)
            for other in unwanted:
                other.drop()
            if len(self._running) + len(self._waiting) >= self.places + self.line:
                raise Busy(t("busy.problem"), t("busy.remedy"))
            self._waiting.append(job)
            if len(self._threads) < self.places:
                number = len(self._threads) + 1
                thread = threading.Thread(target=self._serve, name=f"{self.name}-{number}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._change.notify()
        return job

    def ahead(self, job: Job) -> int:
        """How many wait in front of this job; 0 when it runs or is next."""
        with self._change:
            place = next((place for place, other in enumerate(self._waiting) if other is job), 0)
            return sum(1 for other in list(self._waiting)[:place] if not other.finished)

    def _serve(self) -> None:
        while True:
            with self._change:
                while not self._waiting:
                    self._change.wait()
                job = self._waiting.popleft()
                self._running.append(job)
            try:
                job.run()
            finally:
                with self._change:
                    self._running.remove(job)
                del job


def _without_frames(error: BaseException) -> BaseException:
    """The same error without its traceback, which would keep every picture of the run in memory."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


def session_is_open(session: str) -> bool:
    """Whether the browser of this session is connected."""
    from streamlit import runtime

    return not runtime.exists() or bool(runtime.get_instance().is_active_session(session))


def places(variable: str, default: int) -> int:
    """How many of something run at a time: what the environment says, at least 1, or the default."""
    try:
        return max(1, int(os.environ.get(variable, default)))
    except ValueError:
        return default


#: Pictures take milliseconds, recordings and videos take minutes: none waits for another kind.
PICTURES = Workers("pictures", places=places("GALLERY_PICTURE_PLACES", 2), line=places("GALLERY_LINE", 12))
SPEECH = Workers("speech", places=places("GALLERY_SPEECH_PLACES", 1), line=places("GALLERY_LINE", 12))
VIDEO = Workers("video", places=places("GALLERY_VIDEO_PLACES", 1), line=places("GALLERY_LINE", 12))
