"""Average precision at one overlap, as COCO and PASCAL VOC (2010 and later) compute it: all points, interpolated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gallery.results import Box

#: One image: what was found, as (score, box), and what is there.
Image = tuple[Sequence[tuple[float, Box]], Sequence[Box]]


def average_precision(images: Sequence[Image], iou: float = 0.5) -> float:
    """Area under the precision-recall curve of one label over all images; nan when the label is nowhere.

    Finds are taken best first; each takes the free labelled box that it overlaps most, if by at least ``iou``.
    """
    total = sum(len(truth) for _, truth in images)
    if not total:
        return float("nan")
    ranked = sorted(
        ((score, number, box) for number, (found, _) in enumerate(images) for score, box in found), key=lambda f: -f[0]
    )
    free = [np.ones(len(truth), bool) for _, truth in images]
    hits = np.zeros(len(ranked))
    for rank, (_, number, box) in enumerate(ranked):
        truth = images[number][1]
        if not len(truth):
            continue
        overlap = np.where(free[number], overlaps(box, np.asarray(truth, float)), -1.0)
        best = int(overlap.argmax())
        if overlap[best] >= iou:
            free[number][best] = False
            hits[rank] = 1
    recall = np.cumsum(hits) / total
    precision = np.cumsum(hits) / np.arange(1, len(ranked) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope))


def overlaps(box: Box, others: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Intersection over union of one box with N others, xyxy."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    common = width.clip(0) * height.clip(0)
    area = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    return common / ((box[2] - box[0]) * (box[3] - box[1]) + area - common)
