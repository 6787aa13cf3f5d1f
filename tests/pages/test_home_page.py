"""Home: five ways in, and what is on this computer."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from gallery.domains import DOMAINS
from gallery.ui import home_pictures


def test_every_application_has_a_card_with_a_way_in(app: AppTest) -> None:
    assert not app.exception and not app.error
    links = {link.proto.page for link in app.get("page_link") if link.proto.label == "Try it"}
    assert links == set(DOMAINS)
    headings = " ".join(each.value for each in app.subheader)
    assert all(domain.title in headings for domain in DOMAINS.values())


def test_it_says_what_is_here_and_that_nothing_leaves(app: AppTest) -> None:
    text = " ".join(each.value for each in app.markdown)
    assert "models are here" in text
    assert any("Nothing leaves the machine" in each.value for each in app.subheader)


def test_results_shown_on_home_are_complete() -> None:
    for domain in DOMAINS:
        picture = home_pictures.load(domain)
        assert picture is not None, f"run samples/make_results.py: {domain} has no result"
        assert picture.synthetic or domain == "cells"
        assert picture.path.stat().st_size < 300_000


def test_a_result_that_is_missing_or_broken_leaves_a_card_without_picture(tmp_path) -> None:
    assert home_pictures.load("signs", tmp_path) is None
    (tmp_path / "signs.json").write_text('{"model": 1}')
    assert home_pictures.load("signs", tmp_path) is None
