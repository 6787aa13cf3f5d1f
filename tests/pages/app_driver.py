"""What a person does on a page and reads from it, for the tests of the pages."""

from __future__ import annotations

import re
from typing import Any

from streamlit.testing.v1 import AppTest


def upload(app: AppTest, domain: str, *files: tuple[str, bytes]) -> AppTest:
    """Choose Upload and give files, as a person does."""
    app.segmented_control(key=f"{domain}.mode").set_value("upload").run()
    return app.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files]).run()


def errors(app: AppTest) -> list[str]:
    """What stands in red on the page; and no exception was shown."""
    assert not app.exception
    return [error.value for error in app.error]


def read_by_a_person(markdown: str) -> str:
    """Markdown that consists of escaped text only, as it is shown."""
    return re.sub(r"\\(.)", r"\1", markdown).replace("\u2060", "")


def store(app: AppTest) -> Any:
    """What the gallery remembers of this visit."""
    return app.session_state["gallery.store"]


def analyses(app: AppTest) -> list[Any]:
    """The analyses of this visit, oldest first."""
    return [outcome.analysis for outcome in store(app).results.values() if outcome.analysis]
