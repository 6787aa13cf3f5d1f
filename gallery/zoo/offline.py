"""Switches that keep the libraries from reaching for the network on their own."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from gallery.errors import GalleryError
from gallery.zoo import paths
from gallery.zoo.integrity import write_text


def online() -> bool:
    """Whether the user lets the libraries use the network themselves (``GALLERY_ONLINE=1``)."""
    return os.environ.get("GALLERY_ONLINE") == "1"


def apply() -> None:
    """Set the libraries' own switches in this process, before any of them is imported.

    Values that the user has set stay, unless ultralytics would then report its use to its makers. The gallery's own
    downloads (``models pull``) are not touched by these: they name their host and check what arrives.
    """
    os.environ.setdefault("YOLO_AUTOINSTALL", "False")
    os.environ.setdefault("YOLO_CONFIG_DIR", str(_own_settings()))
    os.environ.setdefault("YOLO_VERBOSE", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime reports each import to Microsoft without it
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
    if os.environ.get("YOLO_OFFLINE") != "1" and not _ultralytics_is_silent():
        os.environ["YOLO_OFFLINE"] = "1"  # its only other switch; the gallery fetches weights without it


def _own_settings() -> Path:
    return paths.cache_dir() / "ultralytics"


def _ultralytics_is_silent() -> bool:
    """Whether its settings say that it does not report its use; said now, unless the file is the user's own.

    The setting is called ``sync``, and is on in the settings that the library makes for itself. It completes a file
    that lacks other settings, and keeps what is there. https://docs.ultralytics.com/help/privacy/
    """
    folder = Path(os.environ["YOLO_CONFIG_DIR"]).expanduser()
    file = folder / "Ultralytics" / "settings.json"
    try:
        settings = dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # none yet, or damaged
        settings = {}
    if settings.get("sync") is False:
        return True
    if folder != _own_settings():
        return False
    with contextlib.suppress(OSError, GalleryError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(json.dumps({**settings, "sync": False}, indent=2) + "\n", file)
        return True
    return False
