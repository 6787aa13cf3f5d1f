"""The panel for a shared gallery: which address it shows."""

from __future__ import annotations

import pytest

from gallery.lan import sharing
from gallery.lan.sharing import Sharing
from gallery.ui import share
from gallery.ui.text import TEXTS

NAMES = frozenset({"localhost", "127.0.0.1", "192.168.1.20", "10.0.0.7", "laptop.local"})


@pytest.mark.parametrize(
    ("addresses", "host", "expected"),
    [
        (("192.168.1.20", "10.0.0.7"), "10.0.0.7:8501", "https://10.0.0.7:8501"),
        (("192.168.1.20", "10.0.0.7"), "laptop.local:8501", "https://laptop.local:8501"),
        (("192.168.1.20", "10.0.0.7"), "localhost:8501", "https://192.168.1.20:8501"),
        (("192.168.1.20", "10.0.0.7"), "127.0.0.1:8501", "https://192.168.1.20:8501"),
        (("192.168.1.20",), "evil.example", "https://192.168.1.20:8501"),
        (("192.168.1.20",), "", "https://192.168.1.20:8501"),
        ((), "localhost:8501", None),
    ],
)
def test_the_address_that_works_for_this_visitor(addresses: tuple[str, ...], host: str, expected: str | None) -> None:
    assert share._address(Sharing(8501, addresses, NAMES, "AB"), host) == expected


def test_a_gallery_for_this_computer_only_says_so() -> None:
    assert sharing.current() is None
    assert share.where() == "app.local" and share.where() in TEXTS


def test_the_usual_port_of_https_is_not_written() -> None:
    assert Sharing(443, ("192.168.1.20",), NAMES, "AB").urls() == ("https://192.168.1.20",)
