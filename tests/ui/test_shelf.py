"""Decoded pictures are kept within a bound, and each visitor's are their own."""

from __future__ import annotations

import numpy as np

from gallery.media.types import Picture
from gallery.ui.shelf import Shelf


def _picture(side: int) -> Picture:
    return Picture(np.zeros((side, side, 3), np.uint8), "p")


def test_the_oldest_go_when_the_bound_is_reached() -> None:
    shelf = Shelf(budget=250)
    for name in "abc":
        shelf.put("s", name, _picture(10))
    assert shelf.get("s", "a") is None
    assert shelf.get("s", "b") is not None and shelf.get("s", "c") is not None
    assert shelf.pixels() <= 250


def test_one_picture_above_the_bound_is_kept_alone() -> None:
    shelf = Shelf(budget=250)
    shelf.put("s", "small", _picture(10))
    shelf.put("s", "large", _picture(40))
    assert shelf.get("s", "small") is None and shelf.get("s", "large") is not None


def test_visitors_do_not_see_and_do_not_clear_each_others() -> None:
    shelf = Shelf()
    shelf.put("me", "a", _picture(4))
    shelf.put("you", "a", _picture(5))
    assert shelf.get("me", "a").width == 4
    shelf.drop("me")
    assert shelf.get("me", "a") is None and shelf.get("you", "a") is not None


def test_pictures_of_closed_tabs_go() -> None:
    here = {"me", "you"}
    shelf = Shelf(is_open=here.__contains__)
    shelf.put("you", "a", _picture(4))
    here.discard("you")
    shelf.put("me", "b", _picture(4))
    assert shelf.get("you", "a") is None and shelf.get("me", "b") is not None
    assert shelf.pixels() == 16
    shelf.put("you", "late", _picture(4))  # read while the tab was being closed
    assert shelf.get("you", "late") is None
