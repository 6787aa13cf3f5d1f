"""Real photographs that installed packages carry, found without importing those packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def packaged(package: str, path: str) -> Path:
    """Path of a file inside an installed package."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None, f"{package} is not installed"
    return Path(spec.origin).parent / path


BUS = packaged("ultralytics", "assets/bus.jpg")
CHELSEA = packaged("skimage", "data/chelsea.png")
RETINA = packaged("skimage", "data/retina.jpg")
ANIMATED = packaged("skimage", "data/no_time_for_that_tiny.gif")
PAGES = packaged("skimage", "data/multipage.tif")
