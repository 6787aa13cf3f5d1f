"""How numbers are said."""

from __future__ import annotations

import pytest

from gallery.wording import percent


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (0.0, "0%"),
        (0.0001, "under 1%"),
        (0.005, "under 1%"),
        (0.006, "1%"),
        (0.05, "5%"),
        (0.834, "83%"),
        (0.994, "99%"),
        (0.995, "over 99%"),
        (1.0, "over 99%"),
    ],
)
def test_a_probability(score: float, said: str) -> None:
    assert percent(score) == said
