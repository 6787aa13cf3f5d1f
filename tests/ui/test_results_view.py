"""What is drawn and tabled of a result."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from PIL import Image

from gallery.domains import DOMAINS
from gallery.domains.cells import NOT_SURE, UNKNOWN
from gallery.media.types import Picture
from gallery.results import Analysis, Classification, Detection, ModelUse
from gallery.ui import results_view
from gallery.ui.session import Outcome, Store

USE = ModelUse("m", "0" * 64, "torch")


@pytest.mark.parametrize(
    ("answer", "shown"), [("lymphocyte", "lymphocyte 91%"), (NOT_SURE, NOT_SURE), (UNKNOWN, UNKNOWN)]
)
def test_the_table_of_files_gives_the_answer_and_not_merely_the_best_class(answer: str, shown: str) -> None:
    classes = (Classification("lymphocyte", 0.91), Classification("monocyte", 0.09))
    analysis = Analysis("a.jpg", "cells", USE, {}, settings={"answer": answer}, classes=classes)
    assert results_view._found(analysis) == shown


def test_a_large_picture_is_made_smaller_once_and_its_file_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_view, "MOST_PIXELS_SHOWN", 5_000)
    store, picture = Store(), Picture(np.zeros((100, 200, 3), np.uint8), "p")
    analysis = Analysis("p", "signs", USE, {}, width=200, height=100, detections=(Detection("car", 0.9, (5, 5, 9, 9)),))
    first = results_view.draw(store, DOMAINS["signs"], "key", picture, analysis, ())
    assert first.width == 100
    sizes = [Image.open(io.BytesIO(data)).size for data in (first.jpeg, first.shown)]
    assert sizes == [(200, 100), (100, 50)]
    assert results_view.draw(store, DOMAINS["signs"], "key", picture, analysis, ()) is first
    assert results_view.draw(store, DOMAINS["signs"], "other", picture, analysis, ()) is not first


def test_what_is_taken_along_of_several_files_names_those_that_failed() -> None:
    good = Analysis("a.jpg", "signs", USE, {}, detections=(Detection("car", 0.9, (5, 5, 9, 9)),))
    outcomes = [Outcome("bad.jpg", 1, None, "It is no picture."), Outcome("a.jpg", 2, good)]
    failed = {"file": "bad.jpg", "domain": "signs", "error": "It is no picture."}
    assert results_view.entries(DOMAINS["signs"], outcomes, [None, good]) == [failed, good.to_json()]
    table = results_view.table_of_all(DOMAINS["signs"], outcomes, [None, good]).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(row["file"], row["label"], row["error"]) for row in rows] == [
        ("bad.jpg", "", "It is no picture."),
        ("a.jpg", "car", ""),
    ]
    alone = results_view.table_of_all(DOMAINS["signs"], outcomes[1:], [good]).decode("utf-8-sig")
    assert "error" not in alone.splitlines()[0]


@pytest.mark.parametrize(("score", "whole"), [(0.0, 0), (0.834, 83), (0.996, 99), (1.0, 99)])
def test_the_bar_of_a_table_never_says_certain(score: float, whole: int) -> None:
    assert results_view.whole_percent(score) == whole


def test_a_picture_that_a_browser_takes_is_shown_as_it_is() -> None:
    picture = Picture(np.zeros((30, 40, 3), np.uint8), "p")
    drawing = results_view.draw(Store(), DOMAINS["signs"], "key", picture, Analysis("p", "signs", USE, {}), ())
    assert drawing.shown is drawing.jpeg and drawing.width == 40
