"""What the live path and the file path cost around the bare network, on the frames of one video.

    python -m benchmarks.live DATA [--browser] [--loops 10]

DATA is the folder of the reference data (``video/person-bicycle-car-detection.mp4`` in it), or a video. Bare network
and live worker take turns on the same frames in short stretches, so that a noisy machine disturbs both alike. With
``--browser`` one and then two browsers watch through WebRTC, where browsers and codecs share the cores with the model.

Goals: the live worker, fed directly, at least 0.8 of the bare network; memory after all loops at most 5 % above that
after the first. Exits with 1 when one of them is missed.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from gallery.clips import analyse_clip
from gallery.domains import signs
from gallery.live.camera import STREAMS, Camera
from gallery.media.video import open_video
from gallery.zoo import offline

CLIP = "video/person-bicycle-car-detection.mp4"
LEAST_RATIO, MOST_GROWTH = 0.8, 0.05
OPTIONS = signs.Options(score=0.05)
SHOWN = 0.35
_STRETCH = 46


def main() -> int:
    """Measure, print one line of JSON a measurement, and tell by the exit status whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--browser", action="store_true", help="measure through WebRTC too")
    parser.add_argument("--loops", type=int, default=10)
    args = parser.parse_args()
    offline.apply()
    path = args.data / CLIP if args.data.is_dir() else args.data
    frames = decoded(path)
    direct = directly(frames, args.loops)
    print(json.dumps(direct), flush=True)
    print(json.dumps(latency(frames)), flush=True)
    print(json.dumps(from_file(path)), flush=True)
    if args.browser:
        for viewers in (1, 2):
            print(json.dumps(through_webrtc(path, viewers)), flush=True)
    met = direct["ratio"] >= LEAST_RATIO and direct["memory_growth"] <= MOST_GROWTH
    return 0 if met else 1


def decoded(path: Path) -> list[Any]:
    """All frames as a camera gives them (``av.VideoFrame``)."""
    import av

    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def directly(frames: list[Any], loops: int) -> dict[str, Any]:
    """The live worker, given the next frame whenever it takes one, against the bare network on prepared input."""
    from gallery.zoo.detector import load_detector

    bare = load_detector(
        OPTIONS.model
    )  # all cores for each call, as soon as possible: the fastest that one caller gets
    inputs = [np.asarray(bare._letterbox(image=frame.to_ndarray(format="rgb24")))[None] for frame in frames]
    bare._network.ready(inputs[0].shape)
    camera = Camera(lambda picture: signs.analyse(picture, OPTIONS, streams=STREAMS), lambda a: a.filtered(SHOWN))

    def network(part: list[Any]) -> float:
        started = time.perf_counter()
        for batch in part:
            bare._network(batch)
        return time.perf_counter() - started

    def worker(part: list[Any]) -> float:
        started, before = time.perf_counter(), camera.figures().shown
        for frame in part:
            while camera._box._item is not None:  # as soon as the one before was taken, so that none is dropped
                time.sleep(0.0002)
            camera.offer(frame)
        while camera.figures().shown < before + len(part):
            time.sleep(0.0002)
        return time.perf_counter() - started

    network(inputs[:20])
    worker(frames[:20])
    memory: list[int] = []
    ratios: list[float] = []
    spent = {"network": 0.0, "worker": 0.0}
    for _ in range(loops):
        for start in range(0, len(frames), _STRETCH):
            took = {
                "network": network(inputs[start : start + _STRETCH]),
                "worker": worker(frames[start : start + _STRETCH]),
            }
            ratios.append(took["network"] / took["worker"])
            for who, seconds in took.items():
                spent[who] += seconds
        gc.collect()
        memory.append(psutil.Process().memory_info().rss)
    figures = camera.figures()
    camera.close()
    assert figures.dropped == 0 and camera.join(10)
    count = loops * len(frames)
    return {
        "measured": "live worker, fed directly",
        "frames": count,
        "bare_fps": round(count / spent["network"], 1),
        "live_fps": round(count / spent["worker"], 1),
        "ratio": round(spent["network"] / spent["worker"], 3),
        "ratio_of_stretches_median": round(statistics.median(ratios), 3),
        "memory_mb_first_loop": round(memory[0] / 1e6),
        "memory_mb_last_loop": round(memory[-1] / 1e6),
        "memory_growth": round(memory[-1] / memory[0] - 1, 4),
        "loops": loops,
    }


def latency(frames: list[Any], rate: float = 30.0) -> dict[str, Any]:
    """Milliseconds from the coming of a frame to its being marked, at the pace of a camera."""
    camera = Camera(lambda picture: signs.analyse(picture, OPTIONS, streams=STREAMS), lambda a: a.filtered(SHOWN))
    taken: list[float] = []
    camera.tell(lambda: camera.shown and taken.append((time.monotonic() - camera.shown.arrived) * 1e3))  # type: ignore
    began = time.perf_counter()
    for number, frame in enumerate(frames):
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        camera.offer(frame)
    time.sleep(0.5)
    figures = camera.figures()
    camera.close()
    return {
        "measured": f"live worker at a camera's {rate:g} frames a second",
        "latency_ms_median": round(statistics.median(taken), 1),
        "latency_ms_95th": round(float(np.percentile(taken, 95)), 1),
        "dropped": round(figures.dropped, 4),
    }


def from_file(path: Path) -> dict[str, Any]:
    """The whole way of a video file: decode, analyse, follow, draw, encode, tables."""
    with tempfile.TemporaryDirectory() as folder, open_video(path, path.name) as video:
        clip = analyse_clip(
            video,
            lambda picture: signs.analyse(picture, OPTIONS, streams=STREAMS),
            Path(folder),
            narrow=lambda analysis: analysis.filtered(SHOWN),
        )
    return {
        "measured": "video file",
        "frames": clip.frames,
        "fps": clip.speed_fps,
        "ms_a_frame": dict(clip.timings_ms),
        "tracks": {label: counts["tracks"] for label, counts in clip.labels.items()},
    }


def through_webrtc(path: Path, viewers: int, seconds: float = 12.0) -> dict[str, Any]:
    """Frames a second that browsers show, each with the video as its camera."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, _served() as address, sync_playwright() as play:
        film = Path(folder) / "camera.mjpeg"
        as_camera(path, film)
        pages, browsers = [], []
        for _ in range(viewers):
            browser = play.chromium.launch(
                executable_path=os.environ.get("GALLERY_CHROMIUM") or shutil.which("chromium"),
                args=[
                    "--headless", "--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}",
                    "--disable-features=WebRtcHideLocalIpsWithMdns",
                ],
            )  # fmt: skip
            browsers.append(browser)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{address}/signs")
            page.locator(".st-key-input").get_by_text("Live", exact=True).click()
            stream = page.frame_locator(".st-key-live iframe")
            stream.get_by_role("button", name="Start the camera").click()
            pages.append(stream.locator("video"))
        shown = "video => video.getVideoPlaybackQuality().totalVideoFrames"
        for video in pages:
            while not video.evaluate(shown):
                time.sleep(0.2)
        time.sleep(3)
        before, began = [video.evaluate(shown) for video in pages], time.perf_counter()
        time.sleep(seconds)
        after, took = [video.evaluate(shown) for video in pages], time.perf_counter() - began
        for browser in browsers:
            browser.close()
    each = [round((late - early) / took, 1) for early, late in zip(before, after, strict=True)]
    return {"measured": f"WebRTC, {viewers} browser{'s' if viewers > 1 else ''}", "fps": each, "together": sum(each)}


def as_camera(path: Path, film: Path, width: int = 640) -> None:
    """A video as a file that chromium takes for a camera (pictures in JPEG, one after another)."""
    from PIL import Image

    with film.open("wb") as out:
        for frame in decoded(path)[:200]:
            image: Any = frame.to_image()
            stream = io.BytesIO()
            image.resize((width, width * image.height // image.width), Image.Resampling.BILINEAR).save(stream, "JPEG")
            out.write(stream.getvalue())


@contextmanager
def _served() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gallery", "serve", "--offline", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    sys.exit(main())
