from __future__ import annotations

import math

import pytest

from benchmarks.average_precision import average_precision

A = (0.0, 0.0, 10.0, 10.0)
B = (20.0, 0.0, 30.0, 10.0)
C = (50.0, 50.0, 60.0, 60.0)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([([(0.9, A), (0.8, B)], [A, B])], 1.0),
        ([([], [A])], 0.0),
        ([([(0.9, C), (0.8, A)], [A])], 0.5),  # a false alarm first: precision 1/2 at full recall
        ([([(0.9, A), (0.8, C)], [A])], 1.0),  # a false alarm last costs nothing
        ([([(0.9, A), (0.8, A)], [A, B])], 0.5),  # the second find of one object is a false alarm
        ([([(0.9, A)], [A]), ([(0.95, A)], [])], 0.5),  # a find where there is nothing
        ([([(0.9, A), (0.7, B)], [A]), ([(0.8, C)], [C, A])], 2 / 3),
    ],
)
def test_area_under_the_curve(images, expected):
    assert average_precision(images) == pytest.approx(expected)


def test_nothing_to_find_is_no_number():
    assert math.isnan(average_precision([([(0.9, A)], [])]))
