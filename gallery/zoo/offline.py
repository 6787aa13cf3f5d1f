"""Switches that keep the libraries from reaching for the network on their own."""

from __future__ import annotations

import os
import sys

from gallery.zoo import paths


def online() -> bool:
    """Whether the user lets the libraries use the network themselves (``GALLERY_ONLINE=1``)."""
    return os.environ.get("GALLERY_ONLINE") == "1"


def apply() -> None:
    """Set the libraries' own switches in this process, before any of them is imported.

    Values that the user has set stay. The gallery's own downloads (``models pull``) are not touched by these: they
    name their host and check what arrives.
    """
    os.environ.setdefault("YOLO_AUTOINSTALL", "False")
    os.environ.setdefault("YOLO_CONFIG_DIR", str(paths.cache_dir() / "ultralytics"))
    os.environ.setdefault("YOLO_VERBOSE", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # OpenVINO reports each start to its makers unless this module is missing, and has no setting for it; it has a
    # stand-in of its own for that case
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    if not online():
        os.environ.setdefault("YOLO_OFFLINE", "1")
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
