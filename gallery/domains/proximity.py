"""Worker proximity: people who stand too close to a vehicle, counted in person heights on the picture.

A first measure that needs no calibration. Each person's feet are the middle of the lower edge of the box; a vehicle
stands on the lowest part of its own. The gap between them, in pixels, is counted in the heights of that person's box.
It is a distance on the picture and not on the ground: it holds where both stand about equally far from the camera. A
gap that points away from the camera looks shorter than it is, so an alert may come without need; feet hidden behind
something, or a long vehicle seen from high above, can make a gap look longer, so an alert may be missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from gallery import detecting
from gallery.domains import Progress, fetching
from gallery.errors import OptionError
from gallery.media.types import Picture
from gallery.results import Alert, Analysis, Detection, Point

PERSON = "person"
#: The classes of COCO that count as machines.
MACHINES = ("car", "truck", "bus", "motorcycle", "train")
UNIT = "person heights"
_DISTANCE = "distance_person_heights"
#: Share of a vehicle's box, from below, that is taken for the ground it stands on.
_FOOTPRINT = 0.3


@dataclass(frozen=True, slots=True)
class Options:
    """How to look, and what is too close.

    Attributes:
        model: registry id of a detector with COCO's classes.
        runtime: ``openvino``, ``onnxruntime`` or ``torch``.
        score: keep what scores at least this, 0.01 to 1.
        limit: alert when a person is closer than this, in person heights, above 0 to 20.
        machines: labels that count as machines.
    """

    model: str = "yolo26n"
    runtime: str = "openvino"
    score: float = 0.35
    limit: float = 1.0
    machines: tuple[str, ...] = MACHINES


def analyse(
    picture: Picture, options: Options | None = None, *, progress: Progress | None = None, streams: int = 1
) -> Analysis:
    """Find people and machines, and alert where they are too close.

    Args:
        streams: pictures that are analysed beside each other, as the frames of a video are.

    Raises:
        OptionError: a setting out of range, or a rule that could never alert.
        ModelError: the model cannot be had.
    """
    options = options or Options()
    _check_rule(options.limit, options.machines)
    labels = (PERSON, *options.machines)
    found = detecting.look(picture, "proximity", labels, asdict(options), fetching(progress), streams)
    if progress:
        progress(1.0, "done")
    return with_alerts(found, options.limit, options.machines)


def with_alerts(analysis: Analysis, limit: float, machines: Sequence[str] = MACHINES) -> Analysis:
    """The analysis with distances and alerts for its present detections; no model runs.

    Every person and machine gets ``attributes.ground_point``, every person also the distance to the nearest machine,
    and an alert when that is below ``limit``.

    Raises:
        OptionError: a rule that could never alert.
    """
    _check_rule(limit, machines)
    placed = [
        replace(d, attributes={**d.attributes, "ground_point": list(ground_point(d))}) for d in analysis.detections
    ]
    vehicles = [d for d in placed if d.label in machines]
    detections = []
    alerts = []
    for detection in placed:
        if detection.label == PERSON:
            gaps = [(*gap(detection, vehicle), vehicle) for vehicle in vehicles]
            nearest = min(gaps, key=lambda g: g[0], default=None)
            attributes = {key: value for key, value in detection.attributes.items() if key != _DISTANCE}
            if nearest:
                attributes[_DISTANCE] = round(nearest[0], 2)
            detection = replace(detection, attributes=attributes)
            # one alert a person: a lorry that is also found as a cab must not count twice
            if nearest and nearest[0] < limit:
                distance, link, vehicle = nearest
                alerts.append(_alert(detection, vehicle, distance, link, limit))
        detections.append(detection)
    alerts.sort(key=lambda alert: alert.distance)
    return replace(
        analysis,
        detections=tuple(detections),
        alerts=tuple(alerts),
        settings={**analysis.settings, "limit": limit, "machines": list(machines)},
    )


def ground_point(detection: Detection) -> Point:
    """Where the object stands: the middle of its box's lower edge, pixels."""
    x1, _, x2, y2 = detection.box
    return round((x1 + x2) / 2, 2), y2


def gap(person: Detection, vehicle: Detection) -> tuple[float, tuple[Point, Point]]:
    """Distance in person heights from a person's feet to the ground a vehicle stands on, and its two ends in pixels."""
    x, y = ground_point(person)
    x1, _, x2, y2 = vehicle.box
    nearest = (min(max(x, x1), x2), min(max(y, y2 - _FOOTPRINT * vehicle.height), y2))
    pixels = ((nearest[0] - x) ** 2 + (nearest[1] - y) ** 2) ** 0.5
    return pixels / max(person.height, 1.0), ((x, y), nearest)


def _alert(person: Detection, vehicle: Detection, distance: float, link: tuple[Point, Point], limit: float) -> Alert:
    return Alert(
        kind="too close",
        message=f"A person is {distance:.1f} person heights from a {vehicle.label}; at least {limit:g} is asked for.",
        members=(person, vehicle),
        distance=round(distance, 3),
        limit=limit,
        unit=UNIT,
        link=link,
    )


def _check_rule(limit: float, machines: Sequence[str]) -> None:
    if not 0 < limit <= 20:
        raise OptionError(
            f"A limit of {limit:g} person heights would alert never or always.", "Choose more than 0 and at most 20."
        )
    unknown = [label for label in machines if label not in MACHINES]
    if unknown or not machines:
        raise OptionError(
            f"A rule for {', '.join(unknown) or 'no machines'} could never alert.",
            f"Choose from: {', '.join(MACHINES)}.",
        )
