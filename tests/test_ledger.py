"""Who was there from when to when, and who came too close to whom."""

from __future__ import annotations

import pytest

from gallery import ledger
from gallery.ledger import Encounters, Tally, distinct
from gallery.results import Alert, Detection


def seen(label: str, track: int | None, score: float = 0.9) -> Detection:
    return Detection(label, score, (0.0, 0.0, 9.0, 9.0), attributes={} if track is None else {"track_id": track})


def near(person: int | None, machine: int | None, distance: float, label: str = "truck") -> Alert:
    members = (seen("person", person), seen(label, machine))
    return Alert("too close", f"{distance} from a {label}", members, distance, 1.0, "person heights")


def test_objects_are_counted_once_and_named_by_their_usual_label() -> None:
    tally = Tally()
    tally.add(0.0, (seen("car", 1, 0.5), seen("person", 2), seen("person", None)))
    tally.add(0.5, (seen("truck", 1, 0.8),))
    tally.add(1.0, (seen("car", 1, 0.6), seen("person", 3)))
    first, second, third = tally.tracks()
    assert (first.id, first.label, first.first_s, first.last_s, first.frames, first.score) == (1, "car", 0, 1, 3, 0.8)
    assert (second.id, second.label, third.id) == (2, "person", 3)
    assert tally.labels() == {
        "person": {"tracks": 2, "most": 2, "frames": 2},
        "car": {"tracks": 1, "most": 1, "frames": 2},
        "truck": {"tracks": 0, "most": 1, "frames": 1},
    }


def test_what_is_told_is_bounded_and_what_is_counted_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST_TOLD", 3)
    tally, encounters = Tally(), Encounters()
    for number in range(1, 8):
        tally.add(float(number), (seen("car", number),))
        encounters.add(10.0 * number, (near(number, 100 + number, 0.5),))
    assert [track.id for track in tally.tracks()] == [1, 2, 3]
    assert tally.labels()["car"]["tracks"] == 7 == tally.count
    assert len(encounters.all()) == 3 and encounters.count == 7


def test_an_encounter_lasts_while_it_alerts_and_ends_after_a_second() -> None:
    encounters = Encounters()
    for at, distance in ((0.0, 0.9), (0.5, 0.2), (1.4, 0.7)):
        encounters.add(at, (near(1, 2, distance),))
    lasting = encounters.so_far()
    assert [(each.time_s, each.end_s, each.distance) for each in lasting] == [(0.0, 1.4, 0.2)]
    encounters.add(3.0, ())
    encounters.add(3.5, (near(1, 2, 0.8),))
    both = encounters.all()
    assert [(each.time_s, each.end_s, each.distance) for each in both] == [(0.0, 1.4, 0.2), (3.5, 3.5, 0.8)]
    assert both[0].message == "0.2 from a truck" and both[0].tracks == (1, 2)


def test_two_at_a_time_are_two_encounters() -> None:
    encounters = Encounters()
    for at in (0.0, 0.3):
        encounters.add(at, (near(1, 9, 0.5), near(2, 9, 0.6)))
    assert [each.tracks for each in encounters.all()] == [(1, 9), (2, 9)]


#: (seconds between frames, seconds of the alerts, encounters)
STEPS = [
    (0.0, (0.0, 0.9, 2.0), [(0.0, 0.9), (2.0, 2.0)]),
    (0.1, (0.0, 0.9, 2.0), [(0.0, 0.9), (2.0, 2.0)]),
    (2.0, (0.0, 2.0, 4.0, 8.0, 14.0), [(0.0, 8.0), (14.0, 14.0)]),
]


@pytest.mark.parametrize(("step", "times", "expected"), STEPS)
def test_frames_that_are_far_apart_make_one_encounter_too(step, times, expected) -> None:
    encounters = Encounters(step)
    for at in times:
        encounters.add(at, (near(1, 2, 0.5),))
    assert [(each.time_s, each.end_s) for each in encounters.all()] == expected


#: (persons that alert beside machine 4 in each frame, None without a track; encounters by their persons)
TOGETHER = [
    ([[None, None]], [None, None]),
    ([[None, None], [None, None]], [None, None]),
    ([[None, None], [7, None], [8, 7]], [7, 8]),
    ([[7], [None, 7]], [7, None]),
    ([[7], [None]], [7]),
]


@pytest.mark.parametrize(("frames", "expected"), TOGETHER)
def test_two_alerts_of_one_frame_are_never_one_encounter(frames, expected) -> None:
    encounters = Encounters()
    for number, persons in enumerate(frames):
        encounters.add(number / 10, tuple(near(person, 4, 0.5) for person in persons))
    assert sorted(str(each.tracks[0]) for each in encounters.all()) == sorted(map(str, expected))


def test_there_were_at_least_as_many_as_at_once() -> None:
    assert distinct({"tracks": 3, "most": 2, "frames": 9}) == (3, True)
    assert distinct({"tracks": 2, "most": 2, "frames": 9}) == (2, True)
    assert distinct({"tracks": 1, "most": 4, "frames": 2}) == (4, False)


def test_a_track_that_gets_its_number_late_belongs_to_the_same_encounter() -> None:
    encounters = Encounters()
    encounters.add(0.0, (near(None, 4, 0.5),))
    encounters.add(0.1, (near(7, 4, 0.4),))
    (only,) = encounters.all()
    assert only.tracks == (7, 4) and only.time_s == 0.0
