"""What an analysis found, typed, to and from JSON.

Boxes are ``xyxy`` in pixels of the upright image, polygons are four ``(x, y)`` corners in order, scores lie in
``[0, 1]``, times are seconds from the start of the recording, timings are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

Box = tuple[float, float, float, float]
Point = tuple[float, float]

#: The stages that a run is timed by, in the order in which they happen.
STAGES = ("decode", "prepare", "infer", "post", "draw")


@dataclass(frozen=True, slots=True)
class Detection:
    """One object found in an image.

    Attributes:
        label: class name, as the model card lists it.
        score: confidence in [0, 1].
        box: enclosing box, xyxy, pixels of the upright image.
        polygon: four corners in order for an oriented box, else None.
        attributes: what else is known of the object (JSON values).
    """

    label: str
    score: float
    box: Box
    polygon: tuple[Point, ...] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return self.box[3] - self.box[1]


@dataclass(frozen=True, slots=True)
class Classification:
    """One class and its probability in [0, 1]."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word: seconds from the start, and the recogniser's confidence in [0, 1]."""

    start: float
    end: float
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of speech: seconds from the start, its text, its words, and a confidence in [0, 1]."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Alert:
    """Two or more things that are too close.

    Attributes:
        kind: what is wrong, for example ``too close``.
        message: the same in a sentence.
        members: the detections concerned, as ``label`` and ``box``.
        distance: how far apart they are, in ``unit``.
        limit: the distance that was set, in ``unit``.
        unit: what distances are counted in, for example ``person heights``.
        link: the two ground points that are closest, pixels.
    """

    kind: str
    message: str
    members: tuple[Detection, ...]
    distance: float
    limit: float
    unit: str
    link: tuple[Point, Point] | None = None


@dataclass(frozen=True, slots=True)
class ModelUse:
    """The model that made a result.

    Attributes:
        id: registry id, or the folder or hub id of a person's own checkpoint.
        sha256: hash of the weights that were loaded.
        runtime: what ran them (``openvino``, ``onnxruntime``, ``torch``, ``ctranslate2``, ``transformers``).
        source: which source served the weights.
        verified: whether the hash is the registry's.
        licence_note: what must be said beside every result, or an empty string.
    """

    id: str
    sha256: str
    runtime: str
    source: str = ""
    verified: bool = True
    licence_note: str = ""


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that one run found in one file.

    Attributes:
        file: name of the file, without folders.
        domain: ``signs``, ``satellite``, ``cells``, ``proximity`` or ``speech``.
        model: the model that made it.
        timings_ms: milliseconds by stage (see :data:`STAGES`).
        warnings: sentences a person should read beside the result.
        cut: sentences on what was left out (frames, tiles, seconds, detections beyond a bound).
        settings: the options of the run, as JSON values.
        width, height: pixels of the upright image, or None.
        duration_s: seconds of the recording, or None.
        detections: objects, best first.
        classes: classes of a whole image, best first.
        segments, text, language, language_score: speech; ``language`` is None where nothing was said.
        alerts: what is too close (proximity).
    """

    file: str
    domain: str
    model: ModelUse
    timings_ms: Mapping[str, float]
    warnings: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    detections: tuple[Detection, ...] = ()
    classes: tuple[Classification, ...] = ()
    segments: tuple[Segment, ...] = ()
    text: str | None = None
    language: str | None = None
    language_score: float | None = None
    alerts: tuple[Alert, ...] = ()

    def filtered(self, score: float = 0.0, labels: Iterable[str] | None = None) -> Analysis:
        """Keep detections of at least ``score`` and, when given, of these ``labels``; no model runs."""
        wanted = None if labels is None else set(labels)
        kept = tuple(d for d in self.detections if d.score >= score and (wanted is None or d.label in wanted))
        return replace(self, detections=kept)

    def counts(self) -> dict[str, int]:
        """Number of detections a label, most frequent first."""
        tally: dict[str, int] = {}
        for detection in self.detections:
            tally[detection.label] = tally.get(detection.label, 0) + 1
        return dict(sorted(tally.items(), key=lambda item: (-item[1], item[0])))

    def with_timing(self, stage: str, milliseconds: float) -> Analysis:
        """The same analysis with one more timed stage."""
        return replace(self, timings_ms={**self.timings_ms, stage: round(milliseconds, 3)})

    def to_json(self) -> dict[str, Any]:
        """The analysis as JSON values; only the fields that its domain fills (see docs/schema.md)."""
        data = asdict(self)
        if self.domain == "speech":
            unused = ["width", "height", "detections", "classes", "alerts"]
        else:
            unused = ["duration_s", "segments", "text", "language", "language_score"]
            unused += [] if self.domain == "cells" else ["classes"]
            unused += [] if self.domain == "proximity" else ["alerts"]
        for name in unused:
            del data[name]
        for detection in data.get("detections", ()):
            if detection["polygon"] is None:
                del detection["polygon"]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Analysis:
        """Read what :meth:`to_json` wrote.

        Raises:
            KeyError, TypeError: when fields are missing or of another shape.
        """
        values = dict(data)
        values["model"] = ModelUse(**values["model"])
        values["detections"] = tuple(_detection(d) for d in values.get("detections", ()))
        values["classes"] = tuple(Classification(**c) for c in values.get("classes", ()))
        values["segments"] = tuple(
            Segment(**{**s, "words": tuple(Word(**w) for w in s.get("words", ()))}) for s in values.get("segments", ())
        )
        values["alerts"] = tuple(
            Alert(
                **{
                    **a,
                    "members": tuple(_detection(d) for d in a["members"]),
                    "link": tuple((p[0], p[1]) for p in a["link"]) if a.get("link") else None,
                }
            )
            for a in values.get("alerts", ())
        )
        values["warnings"] = tuple(values.get("warnings", ()))
        values["cut"] = tuple(values.get("cut", ()))
        return cls(**values)


def _detection(data: Mapping[str, Any]) -> Detection:
    polygon = data.get("polygon")
    return Detection(
        label=data["label"],
        score=data["score"],
        box=tuple(data["box"]),
        polygon=tuple((x, y) for x, y in polygon) if polygon else None,
        attributes=dict(data.get("attributes", {})),
    )
