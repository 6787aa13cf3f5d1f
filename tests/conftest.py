"""What every test shares: where the reference data and the browser are, and what to do when they are absent.

Tests that need either carry a marker. Where it is absent they are deselected and the summary says so; with
``GALLERY_REQUIRE_ALL=1`` (as in continuous integration) an absent one ends the run instead.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gallery.zoo import offline

offline.apply()

_DESELECTED = pytest.StashKey[dict[str, int]]()


def _reference_data() -> Path | None:
    folder = os.environ.get("GALLERY_REFERENCE_DATA", "")
    return Path(folder).resolve() if folder and Path(folder).is_dir() else None


def chromium() -> str | None:
    """Path of a Chromium browser on this machine, or None."""
    named = os.environ.get("GALLERY_CHROMIUM")
    if named:
        return named if Path(named).is_file() else None
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


_NEEDS = {
    "reference": (_reference_data, "set GALLERY_REFERENCE_DATA to the folder of the labelled reference data"),
    "browser": (chromium, "install Chromium, or set GALLERY_CHROMIUM to its path"),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = {marker for marker, (present, _) in _NEEDS.items() if present() is None}
    kept, dropped = [], []
    tally: dict[str, int] = {}
    for item in items:
        absent = [marker for marker in missing if item.get_closest_marker(marker)]
        for marker in absent:
            tally[marker] = tally.get(marker, 0) + 1
        (dropped if absent else kept).append(item)
    if dropped and os.environ.get("GALLERY_REQUIRE_ALL") == "1":
        raise pytest.UsageError("; ".join(f"{n} tests need '{m}': {_NEEDS[m][1]}" for m, n in tally.items()))
    config.stash[_DESELECTED] = tally
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for marker, count in config.stash.get(_DESELECTED, {}).items():
        terminalreporter.write_line(f"{count} tests marked '{marker}' were left out: {_NEEDS[marker][1]}.", yellow=True)


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of the labelled reference data."""
    folder = _reference_data()
    assert folder is not None, _NEEDS["reference"][1]
    return folder


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of the browser."""
    path = chromium()
    assert path is not None, _NEEDS["browser"][1]
    return path
