"""The end of a browser's microphone in the gallery: sound as WebRTC brings it, made into what a listener takes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gallery.errors import GalleryError
from gallery.live.microphone import Listener
from gallery.media.types import Recording

_log = logging.getLogger(__name__)


def broken_off() -> GalleryError:
    """What to say when a connection that worked has ended without anybody's doing."""
    return GalleryError(
        "The connection to the microphone broke off.",
        "Press Start again; what was said until then is kept.",
    )


class Resampler:
    """Sound of any rate and number of channels (``av.AudioFrame``) as int16, mono, 16 kHz."""

    def __init__(self) -> None:
        self._resampler: Any = None
        self._form: tuple[str, str, int] | None = None

    def take(self, frame: Any) -> Iterator[npt.NDArray[np.int16]]:
        """The samples of a frame, as far as they are complete."""
        from av import AudioResampler

        form = frame.format.name, frame.layout.name, frame.sample_rate
        if form != self._form:
            self._resampler, self._form = AudioResampler(format="s16", layout="mono", rate=Recording.RATE), form
        frame.pts = None  # its own clock may jump where packets were lost
        for part in self._resampler.resample(frame):
            yield part.to_ndarray().reshape(-1)


class MicrophoneSink:
    """Feeds one connection's sound to a listener; a sink as streamlit-webrtc has it. Used once, for one connection.

    Args:
        listen: makes the listener when the sound comes.

    Attributes:
        listener: the listener, once there is sound.
        problem: why there is none although there is sound, or None.
        offered_at: when the browser offered its sound, as :func:`time.monotonic`, or None.
        connected: whether sound has arrived.
        ended_at: when the connection ended, as :func:`time.monotonic`, or None.
    """

    def __init__(self, listen: Callable[[], Listener]) -> None:
        self._listen = listen
        self._lock = threading.Lock()
        self._track: Any = None
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.listener: Listener | None = None
        self.problem: GalleryError | None = None
        self.offered_at: float | None = None
        self.connected = False
        self.ended_at: float | None = None

    @property
    def stopped(self) -> bool:
        """Whether the connection has ended."""
        return self.ended_at is not None

    def addTrack(self, track: Any) -> None:
        """The sound (``aiortc.MediaStreamTrack``), before :meth:`start`."""
        self.offered_at = time.monotonic()
        self._track = track

    def hasTrack(self) -> bool:
        """Whether there is sound to start with."""
        return self._track is not None

    def start(self) -> None:
        """Begin to read; called on the loop that the sound runs on."""
        with self._lock:
            if self.stopped or self._task is not None:
                return
            try:
                self.listener = self._listen()
            except GalleryError as error:
                error.__traceback__ = None
                self.problem = error
                return
            self._loop = asyncio.get_event_loop()
            self._task = self._loop.create_task(self._read(self._track, self.listener))

    def stop(self) -> None:
        """End: what was said is still written down, then the listener ends too. May be called from any thread."""
        with self._lock:
            self._end()
            task, track, loop = self._task, self._track, self._loop
            self._task = self._track = None
        if self.listener is not None:
            self.listener.finish()
        if loop is not None and task is not None:
            with contextlib.suppress(RuntimeError):  # the server is shutting down
                loop.call_soon_threadsafe(task.cancel)
                loop.call_soon_threadsafe(track.stop)

    async def _read(self, track: Any, listener: Listener) -> None:
        from aiortc.mediastreams import MediaStreamError

        resampler = Resampler()
        try:
            while True:
                frame = await track.recv()
                self.connected = True
                for samples in resampler.take(frame):
                    listener.feed(samples)
        except MediaStreamError:
            pass  # the browser has stopped
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("The sound of a microphone could not be read")
        finally:
            self._end()
            listener.finish()

    def _end(self) -> None:
        if self.ended_at is None:
            self.ended_at = time.monotonic()
