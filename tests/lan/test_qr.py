"""QR codes that a reader reads."""

from __future__ import annotations

import base64
import re

import cv2
import numpy as np
import pytest

from gallery.lan import qr

ADDRESS = "https://192.168.178.120:8501"


def _read(modules: np.ndarray) -> str:
    """What a reader sees: light is true."""
    picture = np.kron(np.pad(modules, 4, constant_values=True), np.ones((8, 8))).astype(np.uint8) * 255
    text, *_ = cv2.QRCodeDetector().detectAndDecode(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    return text


@pytest.mark.parametrize("colours", [False, True])
def test_the_terminals_code_can_be_read(colours: bool) -> None:
    text = qr.terminal(ADDRESS, "utf-8", colours)
    assert ("\x1b[97;40m" in text) is colours
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n")
    upper = [[c in "█▀" for c in line] for line in lines]
    lower = [[c in "█▄" for c in line] for line in lines]
    rows = [row for pair in zip(upper, lower, strict=True) for row in pair]
    assert _read(np.array(rows[: len(rows[0])])) == ADDRESS


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "no such encoding"])
def test_a_terminal_without_the_blocks_gets_none(encoding: str) -> None:
    assert qr.terminal(ADDRESS, encoding) == ""


def test_the_pages_code_brings_its_own_white() -> None:
    svg = qr.svg(ADDRESS)
    assert svg.startswith("<svg") and 'xmlns="http://www.w3.org/2000/svg"' in svg and "viewBox" in svg
    assert "#fff" in svg and "#000" in svg
    assert base64.b64encode(svg.encode())
