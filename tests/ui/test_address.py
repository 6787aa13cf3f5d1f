"""What an address asks for, and what is said of it when it cannot be had."""

from __future__ import annotations

import pytest

from gallery.ui import address
from gallery.ui.session import PageState
from tests.pages.app_driver import read_by_a_person


def _apply(**asked: str) -> tuple[PageState, list[str]]:
    state = PageState(model="m", score=0.35)
    said = address.apply(state, asked, samples=["a"], models=["m"], runtimes=["r"], labels=["car", "bus"])
    return state, [read_by_a_person(sentence) for sentence in said]


@pytest.mark.parametrize("value", ["7", "-1", "nan", "inf", "much"])
def test_a_number_out_of_range_is_answered_with_the_range(value: str) -> None:
    state, said = _apply(score=value)
    assert state.score == 0.35
    assert said == [f"The address asked for score = “{value}”; it must be a number from 0.05 to 0.95 and was left out."]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/home/me/a model", "“/home/me/a model”"),
        ("../../etc/passwd", "“../../etc/passwd”"),
        ("", "“”"),
        ("a\u202eb\x00c", "“abc”"),
        ("x" * 200, f"“{'x' * 79}…”"),
    ],
)
def test_a_value_is_shown_whole_and_harmless(value: str, shown: str) -> None:
    state, said = _apply(model=value)
    assert state.model == "m"
    assert said == [f"The address asked for model = {shown}, which is not known here; it was left out."]


def test_what_is_known_is_taken_beside_what_is_not() -> None:
    state, said = _apply(score="0.5", labels="car,tank", sample="a")
    assert (state.score, state.labels, state.sample) == (0.5, ["car"], "a")
    assert len(said) == 1 and "“tank”" in said[0]
