"""What the gallery costs around the bare network: a warm run of a photograph against the bare OpenVINO call.

    python -m benchmarks.overhead [PHOTO]

Both are timed in turn in one run, on a picture of 640x480, so that a noisy machine disturbs both alike. The goal is at
most 1.15 times the bare call plus 15 ms. Exits with 1 when it is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from gallery.domains import signs
from gallery.media.image import read_image
from gallery.zoo import offline

FACTOR, ALLOWANCE_MS = 1.15, 15.0


def photograph(path: Path | None) -> bytes:
    """A 640x480 JPEG of the picture at ``path``, or of the photograph that ultralytics carries."""
    if path is None:
        spec = importlib.util.find_spec("ultralytics")
        assert spec is not None and spec.origin is not None
        path = Path(spec.origin).parent / "assets" / "bus.jpg"
    stream = io.BytesIO()
    Image.open(path).convert("RGB").resize((640, 480)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def measure(data: bytes, runs: int = 60) -> dict[str, float]:
    """Median milliseconds of the core (decode to result) and of the bare call, alternating."""
    import openvino

    from gallery.zoo import exports, paths

    options = signs.Options()
    signs.analyse(read_image(data, "photo.jpg"), options)  # fetches, converts and compiles
    folder = max(paths.exports_cache().glob(f"{options.model}-onnx-*"), key=lambda p: p.stat().st_mtime)
    assert exports.sha256s(folder)
    core = openvino.Core()
    model = core.read_model(folder / "model.onnx")
    model.reshape([1, 3, 480, 640])
    request = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"}).create_infer_request()
    batch = np.random.default_rng(0).random((1, 3, 480, 640), np.float32)
    bare, whole = [], []
    for _ in range(runs + 10):
        started = time.perf_counter()
        request.infer({0: batch}, share_inputs=True)
        between = time.perf_counter()
        signs.analyse(read_image(data, "photo.jpg"), options)
        bare.append((between - started) * 1e3)
        whole.append((time.perf_counter() - between) * 1e3)
    bare_ms, whole_ms = statistics.median(bare[10:]), statistics.median(whole[10:])
    return {
        "bare_ms": round(bare_ms, 2),
        "core_ms": round(whole_ms, 2),
        "ratio": round(whole_ms / bare_ms, 3),
        "allowed_ms": round(FACTOR * bare_ms + ALLOWANCE_MS, 2),
    }


def main() -> int:
    """Measure, print, and tell by the exit status whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", nargs="?", type=Path)
    offline.apply()
    measured = measure(photograph(parser.parse_args().photo))
    print(json.dumps(measured))
    return 0 if measured["core_ms"] <= measured["allowed_ms"] else 1


if __name__ == "__main__":
    sys.exit(main())
