"""Traffic signs: stop signs, traffic lights, people and vehicles in a street scene."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from gallery import detecting
from gallery.domains import Progress, fetching
from gallery.media.types import Picture
from gallery.results import Analysis

#: The classes of COCO that matter on a road; the model's other classes are not shown.
LABELS = ("stop sign", "traffic light", "person", "bicycle", "motorcycle", "car", "bus", "truck", "train")


@dataclass(frozen=True, slots=True)
class Options:
    """How to look.

    Attributes:
        model: registry id of a detector with COCO's classes.
        runtime: ``openvino``, ``onnxruntime`` or ``torch``.
        score: keep what scores at least this, 0.01 to 1.
    """

    model: str = "yolo26n"
    runtime: str = "openvino"
    score: float = 0.35


def analyse(
    picture: Picture, options: Options | None = None, *, progress: Progress | None = None, streams: int = 1
) -> Analysis:
    """Find what matters on a road.

    Args:
        streams: pictures that are analysed beside each other, as the frames of a video are.

    Raises:
        OptionError: a setting out of range.
        ModelError: the model cannot be had.
    """
    found = detecting.look(picture, "signs", LABELS, asdict(options or Options()), fetching(progress), streams)
    if progress:
        progress(1.0, "done")
    return found
