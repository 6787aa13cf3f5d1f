"""Who was there from when to when, and who came too close to whom: counted frame by frame, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gallery.results import Alert, Analysis, Detection
from gallery.tracking import TRACK_ID

#: Tracks and encounters that are told one by one; beyond it they are only counted.
MOST_TOLD = 10_000
#: An encounter is over when it has not alerted for so many seconds, or for two frames where these are further apart.
ENCOUNTER_ENDS = 1.0


@dataclass(frozen=True, slots=True)
class Track:
    """One object that was followed.

    Attributes:
        id: its number, from 1.
        label: the label it had most often.
        first_s, last_s: seconds from the start, when it was first and last seen.
        frames: number of analysed frames in which it was found.
        score: its best score, in [0, 1].
    """

    id: int
    label: str
    first_s: float
    last_s: float
    frames: int
    score: float


@dataclass(frozen=True, slots=True)
class Encounter:
    """One stretch of time in which the same two were too close.

    Attributes:
        time_s, end_s: seconds from the start, first and last alert.
        message: what was wrong, in a sentence, when they were closest.
        distance: how far apart they were when closest, in ``unit``.
        limit: the distance that was set, in ``unit``.
        unit: what distances are counted in.
        tracks: numbers of the two, in the order of the alert's members; None for one that no track claimed.
        labels: their labels, in the same order.
    """

    time_s: float
    end_s: float
    message: str
    distance: float
    limit: float
    unit: str
    tracks: tuple[int | None, ...]
    labels: tuple[str, ...]


def with_tracks(analysis: Analysis, tracked: tuple[Detection, ...]) -> Analysis:
    """The analysis with these detections, which stand for its own in the same order, in its alerts too."""
    if not analysis.alerts:
        return replace(analysis, detections=tracked)
    new = {(d.label, d.score, d.box): t for d, t in zip(analysis.detections, tracked, strict=True)}
    alerts = tuple(
        replace(a, members=tuple(new.get((m.label, m.score, m.box), m) for m in a.members)) for a in analysis.alerts
    )
    return replace(analysis, detections=tracked, alerts=alerts)


@dataclass(slots=True)
class _Followed:
    labels: Counter[str]
    first_s: float
    last_s: float
    frames: int = 0
    score: float = 0.0


class Tally:
    """Objects by label and by track; bounded."""

    def __init__(self) -> None:
        self._followed: dict[int, _Followed] = {}
        self._beyond: Counter[str] = Counter()
        self._most: Counter[str] = Counter()
        self._with: Counter[str] = Counter()
        self._highest = 0
        self.count = 0

    def add(self, time_s: float, detections: tuple[Detection, ...]) -> None:
        """Count one frame."""
        for label, together in Counter(d.label for d in detections).items():
            self._most[label] = max(self._most[label], together)
            self._with[label] += 1
        for d in detections:
            number = d.attributes.get(TRACK_ID)
            if number is None:
                continue
            # Numbers are given in order, but what is not shown at first can make one appear later than the next.
            if number not in self._followed and (len(self._followed) < MOST_TOLD or number > self._highest):
                self.count += 1
                if len(self._followed) < MOST_TOLD:
                    self._followed[number] = _Followed(Counter(), time_s, time_s)
                else:
                    self._beyond[d.label] += 1
            self._highest = max(self._highest, number)
            track = self._followed.get(number)
            if track is not None:
                track.labels[d.label] += 1
                track.last_s = time_s
                track.frames += 1
                track.score = max(track.score, d.score)

    def tracks(self) -> tuple[Track, ...]:
        """One by one, in the order in which they came."""
        return tuple(
            Track(number, _usual(t.labels), round(t.first_s, 3), round(t.last_s, 3), t.frames, t.score)
            for number, t in self._followed.items()
        )

    def labels(self) -> dict[str, dict[str, int]]:
        """By label, most tracks first."""
        tracks = self._beyond + Counter(_usual(t.labels) for t in self._followed.values())
        order = sorted(self._most, key=lambda label: (-tracks[label], -self._most[label], label))
        return {
            label: {"tracks": tracks[label], "most": self._most[label], "frames": self._with[label]} for label in order
        }


def distinct(tally: Mapping[str, int]) -> tuple[int, bool]:
    """How many different objects of a label there were, of one value of :meth:`Tally.labels`.

    Returns:
        The number, and whether that is all: False when more were in one frame than were followed, so that there were
        at least so many.
    """
    return max(tally["tracks"], tally["most"]), tally["tracks"] >= tally["most"]


def _usual(labels: Counter[str]) -> str:
    return max(labels, key=lambda label: labels[label])


class Encounters:
    """Alerts of the same two, while they last, as one.

    Args:
        step_s: seconds between two frames, where that is known.
    """

    def __init__(self, step_s: float = 0.0) -> None:
        self._ends = max(ENCOUNTER_ENDS, 2 * step_s)
        self._number = 0
        self._open: dict[tuple[Any, ...], Encounter] = {}
        self._closed: list[Encounter] = []
        self.count = 0

    def add(self, time_s: float, alerts: tuple[Alert, ...]) -> None:
        """Take the alerts of one frame."""
        for key in [k for k, e in self._open.items() if time_s - e.end_s > self._ends]:
            self._close(self._open.pop(key))
        taken: set[tuple[Any, ...]] = set()  # by another alert of this frame: two at the same time are two
        for alert in sorted(alerts, key=self._doubt):
            tracks = _tracks(alert)
            labels = tuple(m.label for m in alert.members)
            key = self._key(tracks, labels, taken)
            known = self._open.pop(key, None)
            closer = known is None or alert.distance < known.distance
            key = self._better(key, tracks)
            taken.add(key)
            self._open[key] = Encounter(
                time_s=time_s if known is None else known.time_s,
                end_s=time_s,
                message=alert.message if closer or known is None else known.message,
                distance=alert.distance if closer or known is None else known.distance,
                limit=alert.limit,
                unit=alert.unit,
                tracks=tracks if known is None or None not in tracks else known.tracks,
                labels=labels,
            )

    def all(self) -> tuple[Encounter, ...]:
        """In the order in which they began, also those that last to the end."""
        for encounter in self._open.values():
            self._close(encounter)
        self._open.clear()
        return tuple(sorted(self._closed, key=lambda e: e.time_s))

    def so_far(self) -> tuple[Encounter, ...]:
        """In the order in which they began, without ending those that last."""
        return tuple(sorted((*self._closed, *self._open.values()), key=lambda e: e.time_s))

    def _close(self, encounter: Encounter) -> None:
        self.count += 1
        if len(self._closed) < MOST_TOLD:
            self._closed.append(replace(encounter, time_s=round(encounter.time_s, 3), end_s=round(encounter.end_s, 3)))

    def _doubt(self, alert: Alert) -> int:
        """Whose encounter is known comes first, so that none whose tracks are not known takes it."""
        tracks = _tracks(alert)
        return 2 if None in tracks else 0 if tracks in self._open else 1

    def _key(
        self, tracks: tuple[int | None, ...], labels: tuple[str, ...], taken: Collection[tuple[Any, ...]]
    ) -> tuple[Any, ...]:
        """The open encounter that an alert belongs to; a track that is not known yet fits any of its label."""
        if None not in tracks and tracks in self._open and tracks not in taken:
            return tracks
        for key, encounter in self._open.items():
            if key in taken:
                continue
            pairs = zip(tracks, encounter.tracks, strict=False)
            unknown = labels == encounter.labels and None in (*tracks, *encounter.tracks)
            if unknown and all(a == b or a is None or b is None for a, b in pairs):
                return key
        self._number += 1
        return (*tracks, *labels, self._number)

    def _better(self, key: tuple[Any, ...], tracks: tuple[int | None, ...]) -> tuple[Any, ...]:
        """The key under which an encounter is kept: its tracks, once they are known."""
        return tracks if None not in tracks and tracks not in self._open else key


def _tracks(alert: Alert) -> tuple[int | None, ...]:
    return tuple(m.attributes.get(TRACK_ID) for m in alert.members)
