"""A camera's two ends in a WebRTC connection: frames of the browser go in, annotated ones go back.

Made of aiortc's parts only (https://aiortc.readthedocs.io/), so that it runs without any web page.
"""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import time
from collections.abc import Callable
from typing import Any

from gallery.live.camera import Camera, Shown

_CLOCK = 90_000
#: aiortc's own bounds (1.5 Mbit/s for VP8) turn a room's screen into blocks; a local network carries more.
START_BITRATE = 2_000_000
MOST_BITRATE = 6_000_000
#: Seconds after which a held picture is sent again, so that a browser that lost it sees something.
_AGAIN_S = 1.0
#: Seconds without a frame after which it is asked whether anybody still looks.
_SILENCE_S = 10.0


def clear_picture() -> None:
    """Let aiortc send as many bits as a clear picture takes; call once before a connection is made."""
    from aiortc.codecs import h264, vpx

    codec: Any
    for codec in (h264, vpx):
        codec.DEFAULT_BITRATE = START_BITRATE
        codec.MAX_BITRATE = MOST_BITRATE


class CameraSink:
    """Takes the frames of the browser's camera, as ``streamlit_webrtc``'s MediaSink.

    Args:
        begin: called when a connection is made; the camera that takes its frames.
        end: called when it ends, however it ends.
        wanted: whether somebody still looks; asked when no frame came for a while, as after a tab was closed.
    """

    def __init__(self, begin: Callable[[], Camera], end: Callable[[], None], wanted: Callable[[], bool]) -> None:
        self._begin = begin
        self._end = end
        self._wanted = wanted
        self._track: Any = None
        self._task: asyncio.Task[None] | None = None

    def addTrack(self, track: Any) -> None:  # the protocol's name
        """Take the frames of this track from now on."""
        self._track = track

    def hasTrack(self) -> bool:  # the protocol's name
        """Whether there is a track."""
        return self._track is not None

    def start(self) -> None:
        """Begin to read; called on the connection's event loop."""
        self._task = asyncio.get_running_loop().create_task(self._read(self._track, self._begin()))

    def stop(self) -> None:
        """End; may be called from any thread and more than once."""
        task, self._task = self._task, None
        self._track = None
        if task is not None:
            loop = task.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)
        self._end()

    async def _read(self, track: Any, camera: Camera) -> None:
        from aiortc.mediastreams import MediaStreamError

        try:
            while not camera.closed:
                try:
                    camera.offer(await asyncio.wait_for(track.recv(), _SILENCE_S))
                except TimeoutError:
                    if not self._wanted():
                        break
        except MediaStreamError:  # the browser ended it
            pass
        finally:
            self._end()


def annotated_track(camera: Callable[[], Camera | None], queued: Callable[[Any], int]) -> Any:
    """The track of annotated frames (an aiortc ``MediaStreamTrack``) that goes back to the browser.

    Args:
        camera: what is on at the moment, or None before and after.
        queued: frames of a track that wait to be encoded.
    """
    import av
    from aiortc import MediaStreamTrack
    from aiortc.mediastreams import MediaStreamError

    class Annotated(MediaStreamTrack):
        """Sends a frame when a new one was annotated and the encoder has done with the one before."""

        kind = "video"

        def __init__(self) -> None:
            super().__init__()
            self._last = 0
            self._time = 0
            self._began = time.monotonic()
            self._source: Camera | None = None
            self._new = asyncio.Event()

        async def recv(self) -> Any:
            waited = time.monotonic()
            while self.readyState == "live":
                source = camera()
                if source is not None and source.closed:
                    break
                if source is None or queued(self) > 1:
                    # frames pile up in front of a slow encoder unless none is made for it
                    await asyncio.sleep(0.01)
                    continue
                self._listen(source)
                self._new.clear()
                shown = source.shown
                if shown is not None and (shown.number > self._last or time.monotonic() - waited > _AGAIN_S):
                    return self._stamped(shown)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._new.wait(), 0.25)
            self.stop()
            raise MediaStreamError

        def _listen(self, source: Camera) -> None:
            """Have the wait ended from the camera's threads, once for each camera."""
            if source is self._source:
                return
            self._source = source
            loop = asyncio.get_running_loop()

            def new() -> None:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(self._new.set)

            source.tell(new)

        def _stamped(self, shown: Shown) -> Any:
            frame = shown.frame
            if shown.number == self._last:
                # A held picture is sent as a copy: the one before may still wait to be encoded, and a frame that comes
                # twice with one time ends the encoder.
                frame = av.VideoFrame.from_ndarray(frame.to_ndarray(format="yuv420p"), format="yuv420p")
            self._last = shown.number
            self._time = max(self._time + 1, int((time.monotonic() - self._began) * _CLOCK))
            frame.pts = self._time
            frame.time_base = fractions.Fraction(1, _CLOCK)
            return frame

    return Annotated()


def waiting_in(relay: Any) -> Callable[[Any], int]:
    """How many frames of a track wait in an aiortc ``MediaRelay`` for the slowest of its readers.

    The relay has no public way to ask; where its inside is built differently, nothing is held to wait.
    """

    def count(track: Any) -> int:
        readers = getattr(relay, "_MediaRelay__proxies", {}).get(track, ())
        queues = [getattr(reader, "_queue", None) for reader in tuple(readers)]
        return max((queue.qsize() for queue in queues if queue is not None), default=0)

    return count
