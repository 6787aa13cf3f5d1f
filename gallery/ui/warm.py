"""Loads the models that the pages start with while the person still reads Home, so that the first result is quick."""

from __future__ import annotations

import logging
import os
import threading

from gallery.domains import DOMAINS
from gallery.errors import GalleryError

_log = logging.getLogger(__name__)
_started = threading.Lock()


def start() -> None:
    """Start once a process, when ``GALLERY_WARM=1`` (``python -m gallery`` sets it); returns at once."""
    if os.environ.get("GALLERY_WARM") == "1" and _started.acquire(blocking=False):
        threading.Thread(target=_warm, name="warm", daemon=True).start()


def _warm() -> None:
    from gallery.zoo import store

    for domain in DOMAINS.values():
        try:
            # Nothing is fetched here: a person who came without a network should not wait for its timeout.
            if store.find(domain.default_model):
                _load(domain.tasks[0], domain.default_model)
        except GalleryError as error:
            _log.info("%s was not loaded ahead: %s", domain.default_model, error)
        except Exception:
            _log.exception("%s was not loaded ahead", domain.default_model)


def _load(task: str, model_id: str) -> None:
    if task in ("detect", "obb"):
        import numpy as np

        from gallery.zoo.detector import load_detector

        # the first picture pays for compiling its shape; a wide photograph and a square tile are the commonest
        height = 720 if task == "detect" else 1280
        load_detector(model_id).predict(np.zeros((height, 1280, 3), np.uint8), 0.5)
    elif task == "classify-cells":
        from gallery.zoo.classifier import load_classifier

        load_classifier(model_id)
    elif task == "transcribe":
        from gallery.zoo.whisper import load_whisper

        load_whisper(model_id)
