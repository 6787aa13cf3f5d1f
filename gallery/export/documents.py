"""Analyses as JSON documents and as table rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from gallery.results import Analysis

#: Columns of the table of what was found, in order, by kind of result.
DETECTION_COLUMNS = ("file", "number", "label", "score", "x1", "y1", "x2", "y2", "polygon", "attributes")
CLASS_COLUMNS = ("file", "answer", "label", "score")
SEGMENT_COLUMNS = ("file", "number", "start", "end", "text", "score")


def json_bytes(analyses: Iterable[Analysis]) -> bytes:
    """A JSON list with one object a file (docs/schema.md)."""
    return json_entries(a.to_json() for a in analyses)


def json_entries(entries: Iterable[dict[str, Any]]) -> bytes:
    """The same for entries that are JSON values already, among them those of files that failed (``error``)."""
    return (json.dumps(list(entries), indent=2, ensure_ascii=False) + "\n").encode()


def columns(domain: str) -> Sequence[str]:
    """Columns of a domain's table."""
    return {"cells": CLASS_COLUMNS, "speech": SEGMENT_COLUMNS}.get(domain, DETECTION_COLUMNS)


def rows(analysis: Analysis) -> list[dict[str, Any]]:
    """One row for each thing found, with the columns of :func:`columns`."""
    if analysis.domain == "cells":
        # the answer stands in every row, so that a refusal cannot be mistaken for the class with the best score
        answer = analysis.settings.get("answer", "")
        return [{"file": analysis.file, "answer": answer, "label": c.label, "score": c.score} for c in analysis.classes]
    if analysis.domain == "speech":
        return [
            {
                "file": analysis.file,
                "number": number,
                "start": segment.start,
                "end": segment.end,
                "text": segment.text,
                "score": segment.score,
            }
            for number, segment in enumerate(analysis.segments, 1)
        ]
    return [
        {
            "file": analysis.file,
            "number": number,
            "label": d.label,
            "score": d.score,
            **dict(zip(("x1", "y1", "x2", "y2"), d.box, strict=True)),
            "polygon": "" if d.polygon is None else json.dumps([list(p) for p in d.polygon]),
            "attributes": json.dumps(dict(d.attributes)) if d.attributes else "",
        }
        for number, d in enumerate(analysis.detections, 1)
    ]
