"""Results shown on Home: made beforehand by the models on synthetic samples (``samples/make_results.py``)."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path

from gallery.zoo import paths

FOLDER = paths.SAMPLES / "results"


@dataclass(frozen=True, slots=True)
class HomePicture:
    """One result made beforehand.

    Attributes:
        path: the annotated picture.
        model: title of the model that made it.
        date: when it was made.
        sample: title of the sample.
        sample_id: its id.
        synthetic: whether the sample is.
        summary: what was found, in words.
    """

    path: Path
    model: str
    date: datetime.date
    sample: str
    sample_id: str
    synthetic: bool
    summary: str


def load(domain: str, folder: Path = FOLDER) -> HomePicture | None:
    """The result of a domain, or None when it was not made or cannot be read."""
    try:
        data = json.loads((folder / f"{domain}.json").read_text(encoding="utf-8"))
        picture = HomePicture(
            path=folder / f"{domain}.jpg",
            model=str(data["model"]),
            date=datetime.date.fromisoformat(data["date"]),
            sample=str(data["sample"]),
            sample_id=str(data["sample_id"]),
            synthetic=bool(data["synthetic"]),
            summary=str(data["summary"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return picture if picture.path.is_file() else None
