"""The app as Streamlit's own test runner sees it: real pages, real models, real media."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gallery.zoo import paths

TIMEOUT_S = 180


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app, on Home, in a visit of its own."""
    monkeypatch.chdir(paths.PROJECT)
    return AppTest.from_file(str(paths.PROJECT / "app.py"), default_timeout=TIMEOUT_S).run()


@pytest.fixture
def visit(app: AppTest) -> Callable[..., AppTest]:
    """Open a page by its id, with query parameters."""

    def open_page(domain: str, **parameters: str) -> AppTest:
        app.switch_page(f"pages/{domain}.py")
        for name, value in parameters.items():
            app.query_params[name] = value
        return app.run()

    return open_page


@pytest.fixture(scope="session")
def bus() -> bytes:
    """The photograph of a bus and four people that ultralytics carries."""
    found = importlib.util.find_spec("ultralytics")
    assert found is not None and found.submodule_search_locations
    return (Path(found.submodule_search_locations[0]) / "assets" / "bus.jpg").read_bytes()


@pytest.fixture
def count_runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often a detector ran since the test began; the real one runs."""
    from gallery.zoo.detector import Detector

    real, runs = Detector.predict, []

    def predict(self: Detector, *args: Any, **kwargs: Any) -> Any:
        runs.append(os.getpid())
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Detector, "predict", predict)
    return lambda: len(runs)
