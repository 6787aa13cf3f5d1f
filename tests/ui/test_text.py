"""Texts of the interface: every key that is used exists, and what is filled in is harmless."""

from __future__ import annotations

import re
import string

import pytest

from gallery.domains.cells import NOT_A_TEST
from gallery.ui.text import TEXTS, Trusted, t
from gallery.zoo import paths


def test_every_text_that_the_interface_asks_for_exists() -> None:
    asked = set()
    for path in (paths.PROJECT / "gallery" / "ui").glob("*.py"):
        asked |= set(re.findall(r"""\b(?:t|plain|_button)\(\s*"([a-z_.0-9]+)\"""", path.read_text(encoding="utf-8")))
    assert asked and asked <= set(TEXTS)


@pytest.mark.parametrize("key", TEXTS)
def test_no_text_is_empty_or_malformed(key: str) -> None:
    assert TEXTS[key].strip()
    list(string.Formatter().parse(TEXTS[key]))


def test_the_notice_of_cells_is_the_sentence_of_their_results() -> None:
    assert TEXTS["cells.notice"] == NOT_A_TEST


def test_values_are_escaped_unless_they_are_our_own() -> None:
    assert t("value", value="<b>*x*") == r"\<b\>\*x\*"
    assert t("value", value=Trusted("**x**")) == "**x**"
