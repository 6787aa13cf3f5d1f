"""The five applications: for each, its options and one pure function from checked media to a typed result."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

from gallery.wording import human_bytes
from gallery.zoo.integrity import Progress as Download

Progress = Callable[[float, str], None]
"""Told how far a run is (0 to 1) and what it is doing, in words."""


def fetching(progress: Progress | None) -> Callable[[Download], None] | None:
    """Tells ``progress`` how far a download is, for a model that this machine lacks."""
    if progress is None:
        return None

    def report(download: Download) -> None:
        share = download.done_bytes / download.total_bytes if download.total_bytes else 0.0
        progress(share, f"fetching {download.file} ({human_bytes(download.done_bytes)})")

    return report


@dataclass(frozen=True, slots=True)
class Domain:
    """One application of the gallery.

    Attributes:
        id: name on the command line, in addresses and in results.
        title: name on the screen.
        media: what it takes.
        summary: one sentence on what it is for.
        tasks: registry tasks whose models it can run.
        default_model: registry id.
        default_score: threshold that is set when nothing is chosen.
    """

    id: str
    title: str
    media: Literal["image", "audio"]
    summary: str
    tasks: tuple[str, ...]
    default_model: str
    default_score: float

    def module(self) -> ModuleType:
        """The module that holds ``Options`` and ``analyse``; imported on first use."""
        return importlib.import_module(f"gallery.domains.{self.id}")


DOMAINS: dict[str, Domain] = {
    domain.id: domain
    for domain in (
        Domain(
            id="signs",
            title="Traffic signs",
            media="image",
            summary="Finds stop signs, traffic lights, pedestrians and vehicles in a street scene.",
            tasks=("detect",),
            default_model="yolo26n",
            default_score=0.35,
        ),
        Domain(
            id="satellite",
            title="Satellite",
            media="image",
            summary="Finds planes, ships, vehicles and installations in pictures from above, each in a turned box.",
            tasks=("obb",),
            default_model="yolov8n-obb",
            default_score=0.35,
        ),
        Domain(
            id="cells",
            title="Cells",
            media="image",
            summary="Names the kind of a blood cell, and says how sure it is.",
            tasks=("classify-cells",),
            default_model="blood-cells",
            default_score=0.5,
        ),
        Domain(
            id="proximity",
            title="Worker proximity",
            media="image",
            summary="Warns when a person stands too close to a vehicle or machine.",
            tasks=("detect",),
            default_model="yolo26n",
            default_score=0.35,
        ),
        Domain(
            id="speech",
            title="Speech",
            media="audio",
            summary="Writes down what is said, with times, in many languages.",
            tasks=("transcribe",),
            default_model="whisper-base",
            default_score=0.0,
        ),
    )
}
