"""The running source that anybody may take along."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from gallery.ui.source_page import source_files, source_zip
from gallery.zoo import paths


def test_the_zip_holds_the_project_and_nothing_else() -> None:
    with zipfile.ZipFile(io.BytesIO(source_zip())) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert {f"deep-learning-gallery/{n}" for n in ("app.py", "gallery/results.py", "pages/signs.py")} <= set(names)
    assert "deep-learning-gallery/.streamlit/config.toml" in names
    assert not [n for n in names if "__pycache__" in n or "/.git/" in n or ".venv" in n or n.endswith(".pyc")]


def test_what_a_person_put_into_the_folders_is_not_handed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = ("app.py", ".streamlit/config.toml", "models/registry.json", "models/blood_cells.safetensors",
           "samples/manifest.json", "samples/street.jpg", "samples/make/street.py", "gallery/results.py")  # fmt: skip
    foreign = ("models/my.safetensors", "models/notes.json", "models/mine/config.json", "samples/holiday.jpg",
               "samples/letter.md", ".streamlit/secrets.toml", ".streamlit/more.toml", "gallery/.env",
               "gallery/credentials.json", "docs/id_rsa", "docs/server.pem", "docs/photo.jpg", "notes.txt")  # fmt: skip
    for name in (*own, *foreign):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    os.utime(tmp_path / "app.py", (0, 0))  # earlier than a ZIP can say
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    with zipfile.ZipFile(io.BytesIO(source_zip())) as archive:
        assert sorted(archive.namelist()) == sorted(f"deep-learning-gallery/{name}" for name in own)


@pytest.mark.skipif(not (paths.PROJECT / ".git").exists() or not shutil.which("git"), reason="needs a checkout")
def test_the_zip_holds_all_that_the_project_keeps() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached"], cwd=paths.PROJECT, capture_output=True, text=True, check=True
    )
    kept = {name for name in listed.stdout.splitlines() if (paths.PROJECT / name).is_file()}
    assert kept - {path.relative_to(paths.PROJECT).as_posix() for path in source_files()} == {".gitignore"}
