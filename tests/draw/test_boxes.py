from __future__ import annotations

import numpy as np
import pytest

from gallery.draw import palette
from gallery.draw.boxes import annotate, legend
from gallery.results import Alert, Analysis, Detection, ModelUse

GREY = np.full((360, 480, 3), 128, np.uint8)
CAR = Detection("car", 0.9, (100.0, 100.0, 200.0, 160.0))
TURNED = Detection("ship", 0.8, (250.0, 60.0, 410.0, 220.0), polygon=((330, 60), (410, 140), (330, 220), (250, 140)))


def _analysis(*detections: Detection, **more) -> Analysis:
    return Analysis("x.png", "signs", ModelUse("m", "0" * 64, "torch"), {}, detections=detections, **more)


def _changed(drawn: np.ndarray) -> np.ndarray:
    return (drawn != GREY).any(axis=2)


def test_the_picture_itself_is_untouched_and_keeps_its_size():
    before = GREY.copy()
    drawn = annotate(GREY, _analysis(CAR))
    assert (before == GREY).all()
    assert drawn.shape == GREY.shape and drawn.dtype == np.uint8


def test_lines_lie_on_the_box_and_not_inside():
    changed = _changed(annotate(GREY, _analysis(CAR), labels=False))
    assert changed[100, 100:200].all() and changed[160, 100:200].all()
    assert changed[100:160, 100].all() and changed[100:160, 200].all()
    assert not changed[108:152, 108:192].any()
    assert not changed[170:].any()


def test_a_turned_box_is_drawn_along_its_polygon():
    changed = _changed(annotate(GREY, _analysis(TURNED), labels=False))
    assert changed[100, 290] and changed[180, 370]  # half-way along two sides
    assert not changed[62, 252] and not changed[140, 330]  # the corner of the enclosing box, and the middle


def test_labels_move_aside_and_are_left_out_where_no_place_is_free():
    one, two, many, more = (_changed(annotate(GREY, _analysis(*[CAR] * n))).sum() for n in (1, 2, 8, 60))
    assert one < two < many
    assert many == more


def test_no_score_is_shown_as_certain():
    sure = annotate(GREY, _analysis(Detection("car", 0.9999, CAR.box)))
    assert (sure == annotate(GREY, _analysis(Detection("car", 0.996, CAR.box)))).all()
    assert not (sure == annotate(GREY, _analysis(Detection("car", 0.99, CAR.box)))).all()


def test_the_chosen_one_stands_out():
    other = Detection("car", 0.5, (300.0, 250.0, 400.0, 330.0))
    both = annotate(GREY, _analysis(CAR, other), labels=False)
    chosen = annotate(GREY, _analysis(CAR, other), chosen=[0], labels=False)
    assert _changed(chosen)[95:170, 95:210].sum() > _changed(both)[95:170, 95:210].sum()
    assert _changed(chosen)[240:].sum() < _changed(both)[240:].sum()


def test_an_alert_draws_its_link():
    alert = Alert("too close", "m", (CAR, CAR), 0.4, 1.0, "person heights", ((220.0, 300.0), (420.0, 300.0)))
    drawn = annotate(GREY, _analysis(alerts=(alert,)))
    assert tuple(drawn[300, 250]) == palette.ALARM


@pytest.mark.parametrize("box", [(-50.0, -50.0, 20.0, 20.0), (470.0, 350.0, 900.0, 900.0), (10.0, 10.0, 10.0, 10.0)])
def test_boxes_at_and_beyond_the_edge(box):
    assert annotate(GREY, _analysis(Detection("car", 1.0, box))).shape == GREY.shape


def test_a_label_keeps_its_colour():
    assert legend(_analysis(CAR, TURNED)) == {"car": palette.colour("car"), "ship": palette.colour("ship")}


@pytest.mark.parametrize("colour", palette.COLOURS)
def test_ink_is_readable_on_every_colour(colour):
    def luminance(c):
        linear = [v / 255 / 12.92 if v / 255 <= 0.04045 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in c]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(colour), luminance(palette.ink(colour))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG AA
