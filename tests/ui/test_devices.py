"""What a browser says of its cameras and microphones, and what a person is told of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gallery.ui import devices
from gallery.ui.devices import Devices

GOOD = {"secure": True, "api": True, "permission": "prompt", "count": 1}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (GOOD, Devices(True, True, "prompt", 1)),
        ({**GOOD, "permission": "granted", "count": 0}, Devices(True, True, "granted", 0)),
        ({**GOOD, "count": None}, Devices(True, True, "prompt", None)),
        ({}, Devices(False, False, "unknown", None)),
        # from outside: anything may come
        ({"secure": "yes", "api": 1, "permission": "<b>", "count": -3}, Devices(False, False, "unknown", None)),
        ({**GOOD, "count": True, "permission": ["granted"]}, Devices(True, True, "unknown", None)),
        (None, None),
        ("secure", None),
        ([GOOD], None),
    ],
)
def test_what_a_browser_told_is_checked(found: object, expected: Devices | None) -> None:
    assert devices.read(found) == expected


@pytest.mark.parametrize("kind", ["camera", "microphone"])
@pytest.mark.parametrize(
    ("found", "url", "words"),
    [
        (None, "http://localhost:8501/signs", None),
        (Devices(True, True, "prompt", 1), "http://localhost:8501/signs", None),
        (Devices(True, True, "unknown", None), "https://192.168.0.9:8501/signs", None),
        (Devices(False, False, "unknown", None), "http://192.168.0.9:8501/signs", "plain http"),
        (Devices(True, False, "unknown", None), "https://192.168.0.9:8501/signs", "another browser"),
        (Devices(True, True, "denied", 1), "http://localhost:8501/signs", "was told not to give"),
        (Devices(True, True, "prompt", 0), "http://localhost:8501/signs", "was found"),
    ],
)
def test_why_there_is_none(
    monkeypatch: pytest.MonkeyPatch, kind: devices.Kind, found: Devices | None, url: str, words: str | None
) -> None:
    monkeypatch.setattr(devices.st, "context", SimpleNamespace(url=url))
    said = devices.problem(found, kind)
    if words is None:
        assert said is None
    else:
        assert said is not None and words in said and kind in said
