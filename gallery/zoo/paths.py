"""Where the gallery keeps and finds its files; every folder can be moved by an environment variable."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

PROJECT = Path(__file__).resolve().parents[2]
REGISTRY = PROJECT / "models" / "registry.json"
PACKAGED_MODELS = PROJECT / "models"
SAMPLES = PROJECT / "samples"


def cache_dir() -> Path:
    """Downloads and exports; safe to delete (``GALLERY_CACHE``, else the user's cache folder)."""
    named = os.environ.get("GALLERY_CACHE")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("deep-learning-gallery", False))


def models_dir() -> Path | None:
    """A folder of weights that the user names and that is looked in first (``GALLERY_MODELS``), or None."""
    named = os.environ.get("GALLERY_MODELS")
    return Path(named).expanduser() if named else None


def weights_cache() -> Path:
    """Verified weights, one folder a model."""
    return cache_dir() / "models"


def exports_cache() -> Path:
    """Networks converted for a runtime, made from verified weights on this machine."""
    return cache_dir() / "exports"


def samples_cache() -> Path:
    """Samples that were fetched on demand."""
    return cache_dir() / "samples"
