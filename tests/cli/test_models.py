"""``python -m gallery models``, as it is typed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gallery.cli.models import ProgressLine
from gallery.zoo import paths, registry, store
from gallery.zoo.integrity import Progress


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with one good model."""
    good = store.ensure("yolov8n").path.read_bytes()
    path = tmp_path / "cache" / "models" / "yolov8n" / "yolov8n.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(good)
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GALLERY_MODELS", raising=False)
    return tmp_path / "cache"


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gallery", *map(str, arguments)],
        cwd=paths.PROJECT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )


def test_list(cache: Path) -> None:
    done = _run("models", "list")
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert done.returncode == 0
    assert set(registry.load().ids()) < set(rows)
    assert rows["yolov8n"].split() == ["yolov8n", "detect", "6.5", "MB", "AGPL-3.0", "yes", "the", "user's", "cache"]
    assert rows["yolo26n"].split()[-1] == "no"
    assert "(academic use)" in rows["yolo26n-obb"]


def test_pull_goes_on_after_a_failure(cache: Path) -> None:
    (cache / "models" / "yolov8n" / "yolov8n.pt").write_bytes(b"damaged")
    done = _run("models", "pull", "yolo99", "yolov8n")
    assert done.returncode == 1
    assert "yolo99: There is no model called 'yolo99'." in done.stderr
    assert "yolov8n.pt from " in done.stderr  # progress, one line a file
    assert done.stdout.startswith("yolov8n: fetched, 6.5 MB, from ")
    again = _run("models", "pull", "yolov8n")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith("yolov8n: is here, 6.5 MB, from ")


def test_verify(cache: Path) -> None:
    good = _run("models", "verify")
    assert good.returncode == 0
    assert "yolov8n: good, 1 file(s)" in good.stdout
    assert "yolo26n: not on this machine" in good.stdout
    path = cache / "models" / "yolov8n" / "yolov8n.pt"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    bad = _run("models", "verify")
    assert bad.returncode == 1
    assert "yolov8n: damaged." in bad.stderr
    assert path.exists()  # looking changes nothing


def test_bundle_and_unbundle(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "b.zip"
    done = _run("models", "bundle", file, "yolov8n")
    assert (done.returncode, done.stdout) == (0, f"{file}: 6.6 MB with yolov8n\n")
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "laptop"))
    done = _run("models", "unbundle", file)
    assert (done.returncode, done.stdout) == (0, f"{file}: brought yolov8n\n")
    assert "yes" in _run("models", "list").stdout


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_folder_named_by_a_flag(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    folder = cache / "models"
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "empty"))
    flag = ["--models", str(folder)]
    done = _run(*flag, "models", "list") if place == "before" else _run("models", "list", *flag)
    row = next(line for line in done.stdout.splitlines() if line.startswith("yolov8n "))
    assert row.endswith(f"yes   folder {folder / 'yolov8n'}")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["unbundle", "nothing.zip"], "There is no file nothing.zip."),
        (["unbundle", "README.md"], "is not a bundle"),
        (["bundle", "no/such/folder/b.zip", "yolov8n"], "There is no folder no/such/folder."),
        (["bundle", "b.zip", "yolo99"], "no model called 'yolo99'"),
        (["bundle", "docs", "yolov8n"], "docs is a folder."),
        (["unbundle", "docs"], "docs cannot be read"),
    ],
)
def test_errors_are_sentences(cache: Path, arguments: list[str], words: str) -> None:
    if arguments[-1] == "README.md":
        arguments = [arguments[0], str(paths.PACKAGED_MODELS / "README.md")]
    done = _run("models", *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_forget(cache: Path, tmp_path: Path) -> None:
    assert _run("models", "forget").stdout == "No checkpoint of your own was used so far.\n"
    notes = {"files": {}, "revision": "", "first_used": "2026-01-01"}
    (cache / "checkpoints.json").write_text(json.dumps({"format": 1, "checkpoints": {"b/c": notes, "a": notes}}))
    assert _run("models", "forget").stdout == "a\nb/c\n"
    assert _run("models", "forget", "b/c").returncode == 0
    assert _run("models", "forget", "b/c").returncode == 1
    assert _run("models", "forget").stdout == "a\n"


def test_doctor(cache: Path) -> None:
    done = _run("models", "doctor")
    assert done.returncode == 1  # models are missing
    assert "ok       model yolov8n:" in done.stdout
    assert "problem  model yolo26n: missing" in done.stdout
    assert "models pull yolo26n" in done.stdout
    assert done.stderr == ""


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        (_Screen(), "\rm: a.bin from S: 1 kB of 2 kB 50%\rm: a.bin from S: 2 kB of 2 kB 100%\n"),
        (io.StringIO(), "m: a.bin from S, 2 kB\n"),
    ],
    ids=["terminal", "file"],
)
def test_progress_takes_one_line(out: io.StringIO, expected: str) -> None:
    line = ProgressLine(out)
    for done in (1000, 1001, 2000):  # the second comes too soon after the first to be worth a rewrite
        line(Progress("m", "a.bin", done, 2000, "S"))
    line.end()
    assert out.getvalue() == expected
