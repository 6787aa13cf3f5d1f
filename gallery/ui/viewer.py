"""Finds in the picture that can be pointed at and chosen; the table below follows, and the other way round."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import streamlit as st

from gallery.results import Analysis, Detection
from gallery.wording import percent

#: More shapes than this would make the page slow; the table has all of them.
MOST_SHAPES = 400

_HTML = '<div class="layer"><svg preserveAspectRatio="none"></svg></div>'
_CSS = """
.layer { position: relative; height: 0; }
svg { position: absolute; overflow: visible; pointer-events: none; }
polygon { fill: transparent; stroke: transparent; stroke-width: 3; vector-effect: non-scaling-stroke;
  pointer-events: all; cursor: pointer; outline: none; }
polygon:hover { fill: rgba(255, 255, 255, 0.22); stroke: #fff; }
polygon:focus-visible { stroke: #fff; stroke-width: 5; stroke-dasharray: 9 5; }
"""
_layer: Any = None


def show(analysis: Analysis, chosen: Collection[int], key: str, picked: Callable[[int], None]) -> None:
    """Lay shapes over the picture in the same container.

    Args:
        analysis: what the picture shows, in pixels of that picture.
        chosen: positions in ``analysis.detections`` that stand out.
        key: of the component.
        picked: called with the position of a find that a person pressed.
    """
    global _layer
    if not analysis.detections or analysis.width is None or analysis.height is None:
        return
    if _layer is None:
        script = (Path(__file__).parent / "assets" / "boxes.js").read_text(encoding="utf-8")
        _layer = st.components.v2.component("gallery_boxes", html=_HTML, css=_CSS, js=script)

    def pressed() -> None:
        number = st.session_state[key].picked
        if isinstance(number, int) and 0 <= number < min(len(analysis.detections), MOST_SHAPES):
            picked(number)

    _layer(
        key=key,
        data={
            "width": analysis.width,
            "height": analysis.height,
            "shapes": [
                {
                    "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in _corners(detection)),
                    "label": f"{detection.label}, {percent(detection.score)}",
                    "area": detection.width * detection.height,
                    "chosen": number in chosen,
                }
                for number, detection in enumerate(analysis.detections[:MOST_SHAPES])
            ],
        },
        on_picked_change=pressed,
    )


def _corners(detection: Detection) -> tuple[tuple[float, float], ...]:
    x1, y1, x2, y2 = detection.box
    return detection.polygon or ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
