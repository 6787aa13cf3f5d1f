"""One look of a detector at one picture, as an analysis: what traffic signs and worker proximity have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gallery.media.types import Picture
from gallery.results import Analysis
from gallery.zoo.detector import MOST, check_score, load_detector
from gallery.zoo.integrity import Progress as Download


def look(
    picture: Picture,
    domain: str,
    labels: Sequence[str],
    settings: Mapping[str, Any],
    fetching: Callable[[Download], None] | None = None,
    streams: int = 1,
) -> Analysis:
    """Find the objects of these labels.

    Args:
        domain: id of the domain that the analysis is for.
        labels: what to look for, among the labels of the model.
        settings: options of the run; ``model``, ``runtime`` and ``score`` (0.01 to 1) are used here.
        fetching: told how far a download is, where this machine lacks the model.
        streams: pictures that are looked at beside each other, as the frames of a video are.

    Raises:
        OptionError: a setting out of range.
        ModelError: the model cannot be had.
    """
    score = check_score(settings["score"])
    detector = load_detector(settings["model"], settings["runtime"], fetching, streams)
    prediction = detector.predict(picture.pixels, score, labels)
    full = len(prediction.scores) >= MOST
    return Analysis(
        file=picture.name,
        domain=domain,
        model=detector.use,
        timings_ms={
            "decode": round(picture.decode_ms, 3),
            "prepare": round(prediction.prepare_ms, 3),
            "infer": round(prediction.infer_ms, 3),
            "post": round(prediction.post_ms, 3),
        },
        warnings=picture.warnings,
        cut=(f"Only the {MOST} best finds were kept; there may be more.",) if full else (),
        settings=settings,
        width=picture.width,
        height=picture.height,
        detections=detector.detections(prediction),
    )
