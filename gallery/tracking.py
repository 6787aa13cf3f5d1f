"""The same object keeps its number from frame to frame: ByteTrack over detections of any detector.

The tracker is ultralytics' (https://docs.ultralytics.com/modes/track/). It predicts where each object will be next and
matches by overlap, first finds that score high, then, for objects that found no match, those that score low (a find
that is weak because the object is half hidden still continues it). Only finds that score high begin a track, and only
when the next frame confirms them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gallery.results import Detection

#: Name of the attribute that carries a track's number.
TRACK_ID = "track_id"
#: Seconds for which an object that is not found keeps its number.
PATIENCE = 1.0
#: Finds below this score are too uncertain even to continue a track.
_LOWEST = 0.1
#: How much worse than equal labels a match of different labels counts, in shares of overlap. A car that is taken for
#: a lorry for a moment stays itself; a rider does not become the bicycle.
_OTHER_LABEL = 0.3
#: Matches that cost more than this, 1 less overlap times score, are none (ultralytics' default).
_MATCH = 0.8


class Tracker:
    """Follows objects through one video. Not shared between threads; each has numbers of its own, from 1.

    Args:
        rate: frames a second that will be given, about.
        start: score from which a find may begin a track, in (0, 1].
    """

    def __init__(self, rate: float = 30.0, start: float = 0.35) -> None:
        if not math.isfinite(rate) or rate <= 0:
            raise ValueError("a rate is above 0")
        if not 0 < start <= 1:
            raise ValueError("a score lies in (0, 1]")
        self._start = start
        self._buffer = max(1, round(rate * PATIENCE))
        self._tracker: Any = None
        self._oriented: bool | None = None
        self._labels: dict[str, int] = {}
        self._numbers: dict[int, int] = {}
        self._count = 0

    def update(self, detections: Sequence[Detection]) -> tuple[Detection, ...]:
        """The detections of the next frame, each with ``attributes["track_id"]`` where a track claims it.

        Args:
            detections: what was found in the frame, also nothing; upright or oriented boxes.

        Returns:
            The same detections in the same order.
        """
        if self._tracker is None:
            self._tracker = _tracker(self._start, self._buffer)
        if self._oriented is None and detections:
            self._oriented = any(d.polygon is not None for d in detections)
        tracked = self._tracker.update(self._rows(detections))
        claimed: dict[int, int] = {}
        for row in tracked:
            claimed[int(row[-1])] = self._number(int(row[-4]))
        self._forget()
        return tuple(
            replace(d, attributes={**d.attributes, TRACK_ID: claimed[i]}) if i in claimed else d
            for i, d in enumerate(detections)
        )

    def _number(self, inner: int) -> int:
        """The number that is shown: 1, 2, 3 in the order in which tracks are confirmed."""
        if inner not in self._numbers:
            self._count += 1
            self._numbers[inner] = self._count
        return self._numbers[inner]

    def _forget(self) -> None:
        """Drop the numbers of tracks that are over, so that memory does not grow."""
        if len(self._numbers) > 1000:
            alive = {t.track_id for t in (*self._tracker.tracked_stracks, *self._tracker.lost_stracks)}
            self._numbers = {inner: shown for inner, shown in self._numbers.items() if inner in alive}

    def _rows(self, detections: Sequence[Detection]) -> Any:
        from ultralytics.engine.results import OBB, Boxes

        side = (1, 1)  # only used for relative coordinates, which nobody asks for
        classes = [self._labels.setdefault(d.label, len(self._labels)) for d in detections]
        if self._oriented:
            rows = np.array(
                [(*_turned(d), d.score, c) for d, c in zip(detections, classes, strict=True)], np.float32
            ).reshape(-1, 7)
            return OBB(rows, side)
        rows = np.array([(*d.box, d.score, c) for d, c in zip(detections, classes, strict=True)], np.float32)
        return Boxes(rows.reshape(-1, 6), side)


def _turned(detection: Detection) -> tuple[float, float, float, float, float]:
    """Centre x, centre y, width, height in pixels, and angle in radians."""
    if detection.polygon is None:
        x1, y1, x2, y2 = detection.box
        return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, 0.0
    corners: npt.NDArray[np.float64] = np.asarray(detection.polygon, np.float64)
    across, down = corners[1] - corners[2], corners[0] - corners[1]
    centre = corners.mean(axis=0)
    return (
        float(centre[0]),
        float(centre[1]),
        float(np.hypot(*across)),
        float(np.hypot(*down)),
        float(np.arctan2(across[1], across[0])),
    )


def _tracker(start: float, patience: int) -> Any:
    from ultralytics.trackers.byte_tracker import BYTETracker
    from ultralytics.utils import IterableSimpleNamespace

    class ByLabel(BYTETracker):
        """Prefers matches of equal labels."""

        def get_dists(self, tracks: list[Any], detections: list[Any]) -> npt.NDArray[np.float32]:
            costs = super().get_dists(tracks, detections)
            if costs.size:
                differ = np.array([t.cls for t in tracks])[:, None] != np.array([d.cls for d in detections])[None, :]
                costs = costs + np.float32(_OTHER_LABEL) * differ
            return costs

    return ByLabel(
        IterableSimpleNamespace(
            track_high_thresh=start,
            track_low_thresh=min(_LOWEST, start),
            new_track_thresh=start,
            track_buffer=patience,
            match_thresh=_MATCH,
            fuse_score=True,
        )
    )
