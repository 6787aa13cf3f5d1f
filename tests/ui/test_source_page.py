"""The running source that anybody may take along."""

from __future__ import annotations

import io
import zipfile

from gallery.ui.source_page import source_zip


def test_the_zip_holds_the_project_and_nothing_else() -> None:
    with zipfile.ZipFile(io.BytesIO(source_zip())) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert {f"deep-learning-gallery/{n}" for n in ("app.py", "gallery/results.py", "pages/signs.py")} <= set(names)
    assert "deep-learning-gallery/.streamlit/config.toml" in names
    assert not [n for n in names if "__pycache__" in n or "/.git/" in n or ".venv" in n or n.endswith(".pyc")]
