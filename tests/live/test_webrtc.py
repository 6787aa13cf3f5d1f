"""A real WebRTC connection in one process: frames go in at one end and come back marked at the other."""

from __future__ import annotations

import asyncio
import fractions
import threading
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import MediaStreamError

from gallery.live.camera import Camera
from gallery.live.webrtc import CameraSink, annotated_track, clear_picture, waiting_in
from gallery.media.types import Picture
from gallery.results import Analysis, Detection, ModelUse
from tests import loops

WAIT_S = 30


def seen(picture: Picture) -> Analysis:
    """One box in the middle, so that it can be looked for in what comes back."""
    box = Detection("bus", 0.9, (160.0, 120.0, 480.0, 360.0))
    use = ModelUse("test", "0" * 64, "none")
    return Analysis("x", "signs", use, {"infer": 1.0}, width=640, height=480, detections=(box,))


class Film(MediaStreamTrack):
    """A grey camera, thirty frames a second."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def recv(self) -> Any:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(1 / 30)
        frame = av.VideoFrame.from_ndarray(np.full((480, 640, 3), 128, np.uint8), format="rgb24")
        frame.pts, frame.time_base = self._count * 3000, fractions.Fraction(1, 90_000)
        self._count += 1
        return frame


class Visit:
    """What the page holds for a visitor."""

    def __init__(self, wanted: Callable[[], bool] = lambda: True) -> None:
        self.camera: Camera | None = None
        self.ended = threading.Event()
        self.sink = CameraSink(self.begin, self.end, wanted)
        self.relay = MediaRelay()

    def begin(self) -> Camera:
        self.camera = Camera(seen)
        return self.camera

    def end(self) -> None:
        if self.camera:
            self.camera.close()
        self.ended.set()


async def _connect(visit: Visit) -> tuple[RTCPeerConnection, RTCPeerConnection, Any]:
    """A browser's end, the gallery's end put together as streamlit-webrtc does, and what the browser gets back."""
    browser, server = RTCPeerConnection(), RTCPeerConnection()
    back: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    answer_track = annotated_track(lambda: visit.camera, waiting_in(visit.relay))

    @server.on("track")
    def incoming(track: Any) -> None:
        visit.sink.addTrack(visit.relay.subscribe(track))
        server.addTrack(visit.relay.subscribe(answer_track))

    @browser.on("track")
    def returned(track: Any) -> None:
        back.set_result(track)

    browser.addTrack(Film())
    await browser.setLocalDescription(await browser.createOffer())
    await server.setRemoteDescription(browser.localDescription)
    visit.sink.start()
    await server.setLocalDescription(await server.createAnswer())
    await browser.setRemoteDescription(server.localDescription)
    return browser, server, await asyncio.wait_for(back, WAIT_S)


def test_marked_frames_come_back_and_nothing_stays_behind() -> None:
    clear_picture()
    visit = Visit()

    async def run() -> np.ndarray:
        browser, server, back = await _connect(visit)
        for _ in range(5):
            frame = await asyncio.wait_for(back.recv(), WAIT_S)
        visit.sink.stop()
        await browser.close()
        await server.close()
        return frame.to_ndarray(format="rgb24")

    pixels = loops.run(run())
    assert pixels.shape == (480, 640, 3)
    assert np.abs(pixels[200:280, 200:440].astype(int) - 128).mean() < 8  # grey inside the box
    edge = pixels[200:280, 150:170].astype(int)
    assert np.abs(edge - 128).max() > 60  # the line of the box
    assert visit.ended.is_set() and visit.camera is not None and visit.camera.join(WAIT_S)


def test_a_held_picture_goes_on_being_sent_and_the_stream_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gallery.live.webrtc._AGAIN_S", 0.0)  # as fast as the encoder takes them
    visit = Visit()

    async def run() -> None:
        browser, server, back = await _connect(visit)
        await asyncio.wait_for(back.recv(), WAIT_S)
        assert visit.camera is not None
        visit.camera.pause(True)
        for _ in range(40):
            await asyncio.wait_for(back.recv(), WAIT_S)
        visit.camera.pause(False)
        before = visit.camera.figures().shown
        for _ in range(40):
            await asyncio.wait_for(back.recv(), WAIT_S)
        assert visit.camera.figures().shown > before
        visit.sink.stop()
        await browser.close()
        await server.close()

    loops.run(run())


def test_a_browser_that_goes_away_ends_it() -> None:
    visit = Visit()

    async def run() -> None:
        browser, server, back = await _connect(visit)
        await asyncio.wait_for(back.recv(), WAIT_S)
        await browser.close()
        await asyncio.wait_for(asyncio.to_thread(visit.ended.wait), WAIT_S)
        await server.close()

    loops.run(run())
    assert visit.camera is not None and visit.camera.join(WAIT_S)


def test_a_camera_that_falls_silent_ends_when_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gallery.live.webrtc._SILENCE_S", 0.05)
    asked = []

    def wanted() -> bool:
        asked.append(1)
        return len(asked) < 3

    class Silent(MediaStreamTrack):
        kind = "video"

        async def recv(self) -> Any:
            await asyncio.sleep(3600)

    visit = Visit(wanted)

    async def run() -> None:
        visit.sink.addTrack(Silent())
        visit.sink.start()
        await asyncio.wait_for(asyncio.to_thread(visit.ended.wait), WAIT_S)

    loops.run(run())
    assert len(asked) == 3 and visit.camera is not None and visit.camera.closed


def test_no_frame_is_made_while_others_wait_to_be_encoded() -> None:
    relay = MediaRelay()
    camera = Camera(seen)
    track = annotated_track(lambda: camera, waiting_in(relay))
    frames = [np.full((480, 640, 3), shade, np.uint8) for shade in range(40)]

    async def run() -> int:
        reader = relay.subscribe(track)
        taken = asyncio.ensure_future(reader.recv())  # begins the relay; the encoder takes one frame and no more
        for number, frame in enumerate(frames):
            camera.offer(frame)
            await asyncio.to_thread(camera.wait, number, 1.0)
        await asyncio.wait_for(taken, WAIT_S)
        await asyncio.sleep(0.2)
        waiting = waiting_in(relay)(track)
        camera.close()
        return waiting

    assert 1 <= loops.run(run()) <= 2
    assert camera.join(WAIT_S)
