from __future__ import annotations

import json

import pytest

from gallery.results import Alert, Analysis, Classification, Detection, ModelUse, Segment, Word

USE = ModelUse("m", "0" * 64, "torch")
CAR = Detection("car", 0.9, (0.0, 1.0, 2.0, 3.0), attributes={"ground_point": [1.0, 3.0]})
PERSON = Detection("person", 0.4, (5.0, 1.0, 6.0, 4.0))
SHIP = Detection("ship", 0.8, (0.0, 0.0, 4.0, 4.0), polygon=((0.0, 2.0), (2.0, 0.0), (4.0, 2.0), (2.0, 4.0)))
EXAMPLES = [
    Analysis("a.jpg", "signs", USE, {"infer": 1.0}, width=10, height=8, detections=(CAR, PERSON)),
    Analysis("a.tif", "satellite", USE, {}, ("w",), ("c",), {"tile": 768}, 10, 8, detections=(SHIP,)),
    Analysis("a.png", "cells", USE, {}, width=3, height=3, classes=(Classification("ig", 0.7),)),
    Analysis(
        "a.jpg",
        "proximity",
        USE,
        {},
        width=10,
        height=8,
        detections=(CAR, PERSON),
        alerts=(Alert("too close", "m", (PERSON, CAR), 0.5, 1.0, "person heights", ((5.5, 4.0), (2.0, 3.0))),),
    ),
    Analysis(
        "a.wav",
        "speech",
        USE,
        {},
        duration_s=2.0,
        segments=(Segment(0.0, 1.0, "hi", (Word(0.0, 0.5, "hi", 0.9),), 0.9),),
        text="hi",
        language="en",
        language_score=0.99,
    ),
]


@pytest.mark.parametrize("analysis", EXAMPLES, ids=lambda a: a.domain)
def test_json_and_back(analysis):
    assert Analysis.from_json(json.loads(json.dumps(analysis.to_json()))) == analysis


@pytest.mark.parametrize("analysis", EXAMPLES, ids=lambda a: a.domain)
def test_json_has_the_fields_of_its_domain_only(analysis):
    data = analysis.to_json()
    assert ("segments" in data) == (analysis.domain == "speech")
    assert ("classes" in data) == (analysis.domain == "cells")
    assert ("alerts" in data) == (analysis.domain == "proximity")
    assert ("detections" in data) == (analysis.domain != "speech")
    assert all(("polygon" in d) == (analysis.domain == "satellite") for d in data.get("detections", []))


@pytest.mark.parametrize(
    ("score", "labels", "expected"),
    [(0.0, None, [CAR, PERSON]), (0.5, None, [CAR]), (0.4, ["person"], [PERSON]), (0.0, [], []), (0.95, None, [])],
)
def test_filtering_keeps_at_least_the_score_and_the_labels(score, labels, expected):
    assert list(EXAMPLES[0].filtered(score, labels).detections) == expected


def test_counts_most_frequent_first():
    assert list(EXAMPLES[0].filtered().counts().items()) == [("car", 1), ("person", 1)]
