"""Home: five ways in, and what is on this computer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gallery.domains import DOMAINS
from gallery.ui import home_pictures
from gallery.zoo import registry
from gallery.zoo.store import status
from tests.pages.app_driver import read_by_a_person


def test_every_application_has_a_card_with_a_way_in(app: AppTest) -> None:
    assert not app.exception and not app.error
    links = {link.proto.page for link in app.get("page_link") if link.proto.label == "Try it"}
    assert links == set(DOMAINS)
    headings = " ".join(each.value for each in app.subheader)
    assert all(domain.title in headings for domain in DOMAINS.values())


def test_it_says_what_is_here_and_that_nothing_leaves(app: AppTest) -> None:
    entries = list(registry.load())
    missing = [entry for entry in entries if status(entry).state != "present"]
    text = " ".join(read_by_a_person(each.value) for each in app.markdown)
    if missing:
        assert f"{len(entries) - len(missing)} of {len(entries)} models are here" in text
        assert all(entry.title in text.split("Missing:")[1] for entry in missing)
    else:
        assert f"All {len(entries)} models are here" in text and "Missing" not in text
    assert any("Nothing leaves the machine" in each.value for each in app.subheader)


def test_a_model_that_is_not_here_is_named(
    visit: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path))  # nothing but what comes with the gallery
    app = visit("home")
    text = " ".join(read_by_a_person(each.value) for each in app.markdown)
    gone = [entry for entry in registry.load() if status(entry).state != "present"]
    assert gone and f"of {len(list(registry.load()))} models are here" in text
    assert all(entry.title in text.split("Missing:")[1] for entry in gone)


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
