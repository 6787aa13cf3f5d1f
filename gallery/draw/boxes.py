"""Boxes, labels, ground points and links onto a picture, at its full resolution."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from gallery.draw.palette import ALARM, Colour, colour, ink
from gallery.results import Alert, Analysis, Detection, Point
from gallery.wording import percent

_LABELS_UP_TO = 150  # more labels than this cover the picture they explain
_SHIFT = 3  # cv2 draws on 1/8 pixels, so that thin turned boxes do not jitter


def annotate(
    pixels: npt.NDArray[np.uint8], analysis: Analysis, chosen: Collection[int] = (), labels: bool | None = None
) -> npt.NDArray[np.uint8]:
    """A copy of the picture with everything that was found drawn on it.

    Args:
        pixels: HxWx3 uint8 RGB, the upright picture that was analysed.
        analysis: what was found; boxes and polygons in pixels of that picture.
        chosen: positions in ``analysis.detections`` to stand out; the others step back.
        labels: write labels beside boxes; when None, only while there are few enough to read.
    """
    canvas = np.array(pixels, copy=True)
    unit = _unit(canvas)
    written = len(analysis.detections) <= _LABELS_UP_TO if labels is None else labels
    order = sorted(range(len(analysis.detections)), key=lambda i: analysis.detections[i].score)
    for i in order:
        faded = bool(chosen) and i not in chosen
        _outline(canvas, analysis.detections[i], unit, faded, strong=i in chosen)
    for alert in analysis.alerts:
        _link(canvas, alert, unit)
    tags = [
        (detection, _tag(detection), colour(detection.label))
        for i in reversed(order)
        if (detection := analysis.detections[i]) and ((written and not chosen) or i in chosen)
    ]
    centres = [((d.box[0] + d.box[2]) / 2, (d.box[1] + d.box[3]) / 2) for d in analysis.detections]
    notes = [(alert.link, f"{alert.distance:.1f} {alert.unit}") for alert in analysis.alerts if alert.link]
    sizes = [_short_side(d) for d in analysis.detections] or [0.0]
    unit = min(unit, max(1.0, float(np.median(sizes)) / 10))  # small things get small labels
    return _written(canvas, tags, notes, centres, unit) if tags or notes else canvas


def _tag(detection: Detection) -> str:
    """What is written beside a box: its label, its number where it is followed from frame to frame, and its score."""
    number = detection.attributes.get("track_id")
    followed = f" #{number}" if isinstance(number, int) else ""
    return f"{detection.label}{followed} {percent(detection.score)}"


def _unit(canvas: npt.NDArray[np.uint8]) -> float:
    """Line width that looks the same on a thumbnail and on a poster."""
    return max(1.0, min(canvas.shape[:2]) / 360)


def _fixed_point(points: Any) -> npt.NDArray[np.int32]:
    return np.round(np.asarray(points, np.float64) * (1 << _SHIFT)).astype(np.int32)


def _outline(canvas: npt.NDArray[np.uint8], detection: Detection, unit: float, faded: bool, strong: bool) -> None:
    import cv2

    x1, y1, x2, y2 = detection.box
    points = _fixed_point(detection.polygon or ((x1, y1), (x2, y1), (x2, y2), (x1, y2)))
    # a line may take a tenth of what it surrounds, or a car seen from above would be all line
    unit = min(unit, max(0.6, _short_side(detection) / 18))
    width = max(1, round(unit * (2.6 if strong else 1.0 if faded else 1.8)))
    if not faded:
        cv2.polylines(canvas, [points], True, (0, 0, 0), width + max(1, round(unit)), cv2.LINE_AA, _SHIFT)
    cv2.polylines(canvas, [points], True, colour(detection.label), width, cv2.LINE_AA, _SHIFT)
    foot = detection.attributes.get("ground_point")
    if foot:
        _dot(canvas, (foot[0], foot[1]), unit, colour(detection.label))


def _short_side(detection: Detection) -> float:
    if detection.polygon is None:
        return min(detection.width, detection.height)
    (ax, ay), (bx, by), (cx, cy), *_ = detection.polygon
    return min(float(np.hypot(bx - ax, by - ay)), float(np.hypot(cx - bx, cy - by)))


def _dot(canvas: npt.NDArray[np.uint8], point: Point, unit: float, fill: Colour) -> None:
    import cv2

    centre = tuple(int(v) for v in _fixed_point(point))
    cv2.circle(canvas, centre, round(unit * 3.4 * (1 << _SHIFT)), (0, 0, 0), -1, cv2.LINE_AA, _SHIFT)
    cv2.circle(canvas, centre, round(unit * 2.4 * (1 << _SHIFT)), fill, -1, cv2.LINE_AA, _SHIFT)


def _link(canvas: npt.NDArray[np.uint8], alert: Alert, unit: float) -> None:
    import cv2

    if not alert.link:
        return
    a, b = (tuple(int(v) for v in _fixed_point(point)) for point in alert.link)
    cv2.line(canvas, a, b, (0, 0, 0), max(2, round(unit * 4.5)), cv2.LINE_AA, _SHIFT)
    cv2.line(canvas, a, b, ALARM, max(1, round(unit * 2.6)), cv2.LINE_AA, _SHIFT)
    for point in alert.link:
        _dot(canvas, point, unit, ALARM)


@lru_cache(maxsize=16)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _written(
    canvas: npt.NDArray[np.uint8],
    tags: list[tuple[Detection, str, Colour]],
    notes: list[tuple[tuple[Point, Point], str]],
    centres: list[Point],
    unit: float,
) -> npt.NDArray[np.uint8]:
    """Labels on the canvas, best first and kept inside it; one that would cover another, or a find, is left out."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(canvas)
    pen = ImageDraw.Draw(image)
    font = _font(max(11, round(unit * 10.5)))
    pad = max(2, round(unit * 2.2))
    taken: list[tuple[float, float, float, float]] = []

    def label(text: str, fill: Colour, places: list[Point], own: Point | None = None) -> None:
        """Write at the first of the places that is free; where none is, leave the label out."""
        left, top, right, bottom = font.getbbox(text)
        w, h = right - left + 2 * pad, bottom - top + 2 * pad
        for x, y in places:
            x = min(max(0, x), max(0, image.width - w))
            y = min(max(0, y), max(0, image.height - h))
            if any(x < c and x + w > a and y < d and y + h > b for a, b, c, d in taken):
                continue
            if any(x < cx < x + w and y < cy < y + h for cx, cy in centres if (cx, cy) != own):
                continue
            taken.append((x, y, x + w, y + h))
            pen.rounded_rectangle((x, y, x + w, y + h), pad, fill=fill)
            pen.text((x + pad - left, y + pad - top), text, fill=ink(fill), font=font)
            return

    height = font.getbbox("Ag")[3] - font.getbbox("Ag")[1] + 2 * pad
    for (a, b), text in notes:
        x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2 - height / 2
        label(text, ALARM, [(x, y), (x, y + height), (x, y - height)])
    for detection, text, fill in tags:
        x1, y1, x2, y2 = detection.box
        width = font.getbbox(text)[2] + 2 * pad
        above, below = y1 - height - unit, y2 + unit
        places = [(x1 - unit, above), (x2 - width, above), (x1 - unit, below), (x2 - width, below)]
        if above < 0 or detection.height > 3 * height:  # inside, where there is room to spare
            places.insert(0 if above < 0 else 2, (x1 + unit, y1 + unit))
        label(text, fill, places, own=((x1 + x2) / 2, (y1 + y2) / 2))
    return np.asarray(image)


def legend(analysis: Analysis) -> dict[str, Colour]:
    """Colour of each label that was found, most frequent first."""
    return {label: colour(label) for label in analysis.counts()}
