"""Who may open a file by its path: only a browser on the computer that serves."""

from __future__ import annotations

import pytest

from gallery.ui.inputs import local

HERE = {"Host": "127.0.0.1:8501", "Origin": "http://127.0.0.1:8501"}


@pytest.mark.parametrize(
    ("headers", "address", "expected"),
    [
        ({}, None, True),  # Streamlit's test runner has no browser
        (HERE, None, True),
        (HERE, "127.0.0.1", True),
        ({"Host": "localhost:8501", "Origin": "http://localhost:8501"}, None, True),
        ({"Host": "[::1]:8501", "Origin": "http://[::1]:8501"}, "::1", True),
        ({"Host": "127.0.0.1"}, None, True),
        (HERE, "192.168.1.7", False),
        ({"Host": "gallery.example:8501"}, None, False),
        # a proxy on the same computer that does not pass the name on
        ({**HERE, "Origin": "https://gallery.example"}, None, False),
        ({**HERE, "Origin": "https://127.0.0.1.gallery.example"}, None, False),
        ({**HERE, "Origin": "null"}, None, False),
        ({**HERE, "Origin": "http://[broken"}, None, False),
        *(({**HERE, name: "x"}, None, False) for name in (
            "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-IP",
        )),
    ],
)  # fmt: skip
def test_only_a_browser_on_this_computer(headers: dict[str, str], address: str | None, expected: bool) -> None:
    assert local(headers, address) is expected
