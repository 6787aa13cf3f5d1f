from __future__ import annotations

import numpy as np
import pytest

from gallery.domains import signs
from gallery.errors import OptionError
from gallery.media.image import read_image
from gallery.media.types import Picture
from tests.photos import BUS, CHELSEA


def test_a_bus_and_its_passengers():
    """What a person sees in this photograph: one bus, four people (one cut by the left edge)."""
    analysis = signs.analyse(read_image(BUS, "bus.jpg"), signs.Options(score=0.4))
    assert analysis.counts() == {"person": 4, "bus": 1}
    assert (analysis.width, analysis.height) == (810, 1080)
    assert set(analysis.timings_ms) == {"decode", "prepare", "infer", "post"}
    assert analysis.model.id == "yolo26n" and len(analysis.model.sha256) == 64 and analysis.model.verified


def test_a_cat_is_no_traffic():
    """The network knows cats; the page is about roads."""
    assert signs.analyse(read_image(CHELSEA, "cat.png")).detections == ()


def test_nothing_in_nothing():
    grey = Picture(np.full((480, 640, 3), 127, np.uint8), "grey.png")
    assert signs.analyse(grey).detections == ()


@pytest.mark.parametrize("score", [0.0, 0.009, 1.01, -1, float("nan")])
def test_a_threshold_out_of_range_is_refused(score):
    with pytest.raises(OptionError, match="threshold"):
        signs.analyse(read_image(BUS, "bus.jpg"), signs.Options(score=score))
