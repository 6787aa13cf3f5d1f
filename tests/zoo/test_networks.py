"""Networks on their runtimes: pictures and floats give the same, and the first calls may come from any thread."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gallery.zoo.detector import load_detector
from gallery.zoo.networks import FromPixels, OnnxNetwork, OpenVinoNetwork
from tests.photos import BUS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model() -> Path:
    """The converted network of yolo26n."""
    detector = load_detector("yolo26n")
    assert isinstance(detector._network, OpenVinoNetwork)
    return detector._network._path


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """A photograph, 1x320x320x3."""
    with Image.open(BUS) as image:
        return np.asarray(image.convert("RGB").resize((320, 320)))[None]


def test_pixels_are_scaled_inside_as_they_are_outside(model: Path, picture: np.ndarray) -> None:
    inside = OpenVinoNetwork(model, pixels=True)(picture)
    outside = OpenVinoNetwork(model)(np.ascontiguousarray(picture.transpose(0, 3, 1, 2), np.float32) / 255)
    reference = FromPixels(OnnxNetwork(model))(picture)
    assert inside.shape == outside.shape == reference.shape
    # OpenVINO counts in bfloat16 where the processor has it; both ways are equally near to the exact numbers
    assert np.abs(inside[:, 4:] - reference[:, 4:]).max() < 0.1
    assert np.abs(inside[:, 4:] - reference[:, 4:]).mean() < 2 * np.abs(outside[:, 4:] - reference[:, 4:]).mean() + 1e-5


def test_streams_change_the_pace_and_not_the_answer(model: Path, picture: np.ndarray) -> None:
    one, two = OpenVinoNetwork(model, pixels=True), OpenVinoNetwork(model, pixels=True, streams=2)
    expected = one(picture)
    answers: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: answers.append(two(picture))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    for answer in answers:
        assert np.abs(answer[:, 4:] - expected[:, 4:]).max() < 0.05
        assert np.array_equal(answer, answers[0])


def test_the_first_calls_of_a_process_may_come_from_several_threads(model: Path) -> None:
    """OpenVINO hangs when two threads need its table of types first; without care nearly every such run does."""
    code = f"""
import sys, threading, os
sys.setswitchinterval(1e-7)
from pathlib import Path
from gallery.zoo.networks import OpenVinoNetwork
import openvino
together = threading.Barrier(8)
def run():
    together.wait()
    OpenVinoNetwork(Path({str(model)!r}), pixels=True)
    openvino.Type.u8.to_dtype()
threads = [threading.Thread(target=run) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("done", flush=True)
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip().endswith("done"), done.stderr
