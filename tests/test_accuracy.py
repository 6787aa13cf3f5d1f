"""The figures that the model cards state, measured again on the labelled reference data."""

from __future__ import annotations

import pytest

from benchmarks import accuracy

pytestmark = pytest.mark.reference


def test_road_signs(reference_data):
    measured = accuracy.road_signs(reference_data)
    assert measured["AP50 stop sign"] >= 0.95
    assert measured["AP50 traffic light"] >= 0.83


@pytest.mark.parametrize("model", ["yolov8n-obb", "yolo26n-obb"])
def test_cars_from_above(reference_data, model):
    assert accuracy.orthophotos(reference_data, model)["AP50 Car"] >= 0.74


@pytest.mark.parametrize("model", ["whisper-base", "whisper-tiny.en"])
def test_english_words(reference_data, model):
    measured = accuracy.english_words(reference_data, model)
    assert measured["words"] >= 100
    assert measured["wrong words"] <= 9
