from __future__ import annotations

import pytest

from gallery.domains import proximity
from gallery.errors import OptionError
from gallery.media.image import read_image
from gallery.results import Analysis, Detection, ModelUse
from tests.photos import BUS

PERSON = Detection("person", 0.9, (100.0, 100.0, 140.0, 200.0))  # 100 pixels high, feet at (120, 200)


def _scene(*detections: Detection) -> Analysis:
    return Analysis("x.jpg", "proximity", ModelUse("m", "0" * 64, "torch"), {}, detections=detections)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((170.0, 120.0, 300.0, 200.0), 0.5),  # 50 pixels to the right, on the same ground line
        ((0.0, 120.0, 60.0, 200.0), 0.6),  # 60 pixels to the left
        ((100.0, 130.0, 300.0, 230.0), 0.0),  # on the ground it stands on: the lower 30 of 100 pixels
        ((150.0, 100.0, 300.0, 300.0), 0.5),  # 30 to the right, 40 above the ground it stands on (240 to 300)
        ((100.0, 20.0, 300.0, 160.0), 0.4),  # 40 in front of it
        ((90.0, 50.0, 400.0, 200.0), 0.0),  # at the wheels
    ],
)
def test_distance_in_person_heights(box, expected):
    distance, (feet, nearest) = proximity.gap(PERSON, Detection("truck", 0.9, box))
    assert distance == pytest.approx(expected)
    assert feet == (120.0, 200.0)
    assert box[0] <= nearest[0] <= box[2] and box[1] < nearest[1] <= box[3]


@pytest.mark.parametrize(("limit", "expected"), [(0.4, []), (0.5, []), (0.51, [0.5]), (2.0, [0.5, 1.0])])
def test_one_alert_a_person_closest_first(limit, expected):
    """Each person is warned about the nearest machine only, however many are near."""
    near = Detection("truck", 0.9, (170.0, 120.0, 300.0, 200.0))
    far = Detection("car", 0.9, (540.0, 120.0, 600.0, 200.0))
    other = Detection("person", 0.8, (420.0, 100.0, 460.0, 200.0))  # 100 pixels from the car, 140 from the truck
    result = proximity.with_alerts(_scene(far, other, PERSON, near), limit)
    assert [a.distance for a in result.alerts] == expected
    person = next(d for d in result.detections if d.box == PERSON.box)
    assert person.attributes["distance_person_heights"] == 0.5
    assert person.attributes["ground_point"] == [120.0, 200.0]


def test_order_changes_nothing_and_a_second_pass_is_the_same():
    scene = [
        PERSON,
        Detection("truck", 0.9, (170.0, 120.0, 300.0, 200.0)),
        Detection("bus", 0.5, (0.0, 0.0, 60.0, 200.0)),
    ]
    one = proximity.with_alerts(_scene(*scene), 1.0)
    other = proximity.with_alerts(_scene(*reversed(scene)), 1.0)
    assert one.alerts == other.alerts
    assert proximity.with_alerts(one, 1.0) == one


def test_alone_there_is_nothing_to_alert_about():
    result = proximity.with_alerts(_scene(PERSON), 1.0)
    assert result.alerts == ()
    assert "distance_person_heights" not in result.detections[0].attributes


@pytest.mark.parametrize(
    ("limit", "machines"),
    [(0, ("car",)), (-1, ("car",)), (21, ("car",)), (1, ()), (1, ("cat",)), (float("nan"), ("car",))],
)
def test_a_rule_that_could_never_alert_is_refused(limit, machines):
    with pytest.raises(OptionError):
        proximity.with_alerts(_scene(PERSON), limit, machines)


def test_people_in_front_of_a_bus():
    """In this photograph three people walk right in front of the bus; a fourth is cut by the edge."""
    result = proximity.analyse(read_image(BUS, "bus.jpg"))
    close = {alert.members[0].box for alert in result.alerts}
    assert len(close) >= 3
    assert all(alert.members[1].label == "bus" and alert.distance < 1 for alert in result.alerts)
    assert result.alerts[0].message.endswith("at least 1 is asked for.")
