"""Satellite: objects in pictures from above, each in a turned box, on images of any size.

A large image is read in overlapping tiles of the size that the network was trained on. An object on a seam is found
in two tiles; the finds are merged by non-maximum suppression of turned boxes over the whole image.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from gallery.domains import Progress, fetching
from gallery.errors import OptionError
from gallery.media.types import Picture
from gallery.results import Analysis
from gallery.tiling import Tile, tiles
from gallery.zoo.detector import Prediction, check_score, enclosing, load_detector

#: Most objects that are kept for one tile and for one image; beyond it the result says what was cut.
MOST_IN_TILE = 1_000
MOST_IN_IMAGE = 20_000
#: Turned boxes of one label that overlap more than this are one object.
MERGE_IOU = 0.5
#: Share of the smaller box inside a larger one of its label, above which a find cut by a seam is the same object.
_INSIDE = 0.6


@dataclass(frozen=True, slots=True)
class Options:
    """How to look.

    Attributes:
        model: registry id of a detector with oriented boxes.
        runtime: ``openvino``, ``onnxruntime`` or ``torch``.
        score: keep what scores at least this, 0.01 to 1.
        tile: side of a tile in pixels, 256 to 2048; it is scaled to the 1024 that the network was trained on.
        overlap: pixels that neighbouring tiles share; what is longer may be cut at a seam and found in parts.
    """

    model: str = "yolov8n-obb"
    runtime: str = "openvino"
    score: float = 0.35
    tile: int = 768
    overlap: int = 150


def analyse(picture: Picture, options: Options | None = None, *, progress: Progress | None = None) -> Analysis:
    """Find objects from above.

    Raises:
        OptionError: a setting out of range.
        ModelError: the model cannot be had.
    """
    options = options or Options()
    check_score(options.score)
    if not 256 <= options.tile <= 2048 or not 0 <= options.overlap <= options.tile // 2:
        raise OptionError(
            f"Tiles of {options.tile} pixels that overlap by {options.overlap} cannot be used.",
            "Choose tiles of 256 to 2048 pixels that overlap by at most half.",
        )
    detector = load_detector(options.model, options.runtime, fetching(progress))
    windows = tiles(picture.width, picture.height, options.tile, options.overlap)
    found: list[Prediction] = []
    full = 0
    for number, window in enumerate(windows):
        if progress:
            progress(number / len(windows), f"tile {number + 1} of {len(windows)}")
        prediction = detector.predict(
            picture.pixels[window.y1 : window.y2, window.x1 : window.x2], options.score, most=MOST_IN_TILE
        )
        full += len(prediction.scores) == MOST_IN_TILE
        found.append(prediction)
    started = time.perf_counter()
    merged, left_out = _merge(found, windows, picture.width, picture.height)
    detections = detector.detections(merged)
    merge_ms = (time.perf_counter() - started) * 1e3
    if progress:
        progress(1.0, "done")
    cut = []
    if full:
        cut.append(f"{full} of {len(windows)} tiles held more than {MOST_IN_TILE:,} finds; the weakest were left out.")
    if left_out:
        cut.append(f"{left_out:,} of the weakest finds were left out: the bound is {MOST_IN_IMAGE:,} an image.")
    return Analysis(
        file=picture.name,
        domain="satellite",
        model=detector.use,
        timings_ms={
            "decode": round(picture.decode_ms, 3),
            "prepare": round(sum(p.prepare_ms for p in found), 3),
            "infer": round(sum(p.infer_ms for p in found), 3),
            "post": round(sum(p.post_ms for p in found) + merge_ms, 3),
        },
        warnings=picture.warnings,
        cut=tuple(cut),
        settings={**asdict(options), "tiles": len(windows)},
        width=picture.width,
        height=picture.height,
        detections=detections,
    )


def _merge(found: Sequence[Prediction], windows: Sequence[Tile], width: int, height: int) -> tuple[Prediction, int]:
    """All tiles' finds in pixels of the image, each object once; and how many were left out for the bound."""
    oriented = np.concatenate([_moved(p.oriented, w) for p, w in zip(found, windows, strict=True)])
    scores = np.concatenate([p.scores for p in found])
    classes = np.concatenate([p.classes for p in found])
    order = np.argsort(-scores, kind="stable")
    order = order[_kept(oriented[order], classes[order])]
    left_out = max(0, len(order) - MOST_IN_IMAGE)
    order = order[:MOST_IN_IMAGE]
    boxes = enclosing(corners(oriented[order]))
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, width)
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, height)
    return Prediction(boxes, scores[order], classes[order], oriented[order], 0.0, 0.0, 0.0), left_out


def _moved(oriented: npt.NDArray[np.float32] | None, window: Tile) -> npt.NDArray[np.float32]:
    assert oriented is not None, "the registry's task says that this model gives oriented boxes"
    moved = oriented.copy()
    moved[:, 0] += window.x1
    moved[:, 1] += window.y1
    return moved


def corners(oriented: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Four corners, N x 4 x 2, of turned boxes, N x 5 (centre x, centre y, width, height, angle in radians)."""
    from ultralytics.utils.ops import xywhr2xyxyxyxy

    return xywhr2xyxyxyxy(oriented)


def _kept(oriented: npt.NDArray[np.float32], classes: npt.NDArray[np.int64]) -> list[int]:
    """Greedy suppression of turned boxes, best first, comparing only boxes whose surrounding circles touch."""
    import cv2
    from scipy.spatial import cKDTree

    if not len(oriented):
        return []
    radius = np.hypot(oriented[:, 2], oriented[:, 3]) / 2
    area = np.maximum(oriented[:, 2] * oriented[:, 3], 1e-6)
    dropped = np.zeros(len(oriented), bool)
    kept = []
    trees = {}
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        trees[label] = (members, cKDTree(oriented[members, :2]), float(radius[members].max()))
    for i in range(len(oriented)):
        if dropped[i]:
            continue
        kept.append(i)
        members, tree, largest = trees[classes[i]]
        for j in members[tree.query_ball_point(oriented[i, :2], radius[i] + largest)]:
            if j <= i or dropped[j] or np.hypot(*(oriented[i, :2] - oriented[j, :2])) > radius[i] + radius[j]:
                continue
            shared = cv2.rotatedRectangleIntersection(_rectangle(oriented[i]), _rectangle(oriented[j]))[1]
            if shared is None:
                continue
            common = cv2.contourArea(cv2.convexHull(shared))
            union = area[i] + area[j] - common
            dropped[j] = common > MERGE_IOU * union or common > _INSIDE * min(area[i], area[j])
    return kept


def _rectangle(box: npt.NDArray[np.float32]) -> tuple[tuple[float, float], tuple[float, float], float]:
    x, y, w, h, angle = (float(v) for v in box)
    return (x, y), (w, h), float(np.degrees(angle))
