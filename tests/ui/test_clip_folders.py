"""What runs on videos write is private, bounded, and goes with the visit."""

from __future__ import annotations

import errno
import gc
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from gallery.errors import DiskFull, EmptyMedia
from gallery.ui import clip_folders
from gallery.ui.clip_folders import Folders
from gallery.ui.session import Store
from gallery.zoo import paths


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the test's own, and a process that has not begun with any."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(clip_folders, "_root", None)
    return tmp_path


def _run(folders: Folders, size: int = 10) -> Path:
    with folders.new("s") as folder:
        (folder / "annotated.mp4").write_bytes(bytes(size))
    return folder


def test_a_folder_is_for_this_user_only() -> None:
    folder = _run(Folders())
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o077 == 0 and folder.parent.stat().st_mode & 0o077 == 0


def test_the_oldest_go_when_there_are_too_many() -> None:
    folders = Folders(most=2)
    made = [_run(folders) for _ in range(4)]
    assert [folder.exists() for folder in made] == [False, False, True, True]


def test_the_oldest_go_when_they_are_too_large_together_but_never_the_newest() -> None:
    folders = Folders(most_bytes=100)
    made = [_run(folders, 40), _run(folders, 40), _run(folders, 40)]
    assert [folder.exists() for folder in made] == [False, True, True]
    large = _run(folders, 400)
    assert [folder.exists() for folder in (*made, large)] == [False, False, False, True]


def test_a_run_that_failed_leaves_nothing() -> None:
    folders = Folders()
    with pytest.raises(EmptyMedia), folders.new("s") as folder:
        (folder / "frames.csv").write_text("half")
        raise EmptyMedia("Nothing.", "")
    assert not folder.exists()


def test_one_can_be_dropped_and_only_ones_own(tmp_path: Path) -> None:
    mine, yours = Folders(), Folders()
    first, second = _run(mine), _run(yours)
    mine.drop(second)
    mine.drop(tmp_path)
    assert second.exists() and tmp_path.exists()
    mine.drop(first)
    assert not first.exists()


def test_a_run_that_ends_after_the_visit_leaves_nothing() -> None:
    folders = Folders()
    with folders.new("s") as folder:
        folders.close()
        (folder / "annotated.mp4").write_bytes(b"late")
    assert not folder.exists()


def test_the_files_go_with_the_visit_in_memory() -> None:
    store = Store()
    folder = _run(store.folders)
    assert folder.exists()
    del store
    gc.collect()
    assert not folder.exists()


def test_the_end_of_a_visit_may_come_in_the_middle_of_a_change() -> None:
    folders = Folders()
    folder = _run(folders)
    done = threading.Event()

    def end() -> None:
        with folders._lock:
            folders.close()  # as the collector of garbage may
        done.set()

    threading.Thread(target=end, daemon=True).start()
    assert done.wait(10) and not folder.exists()


def test_a_tab_that_stays_closed_loses_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    now, here = [1000.0], {"s"}
    monkeypatch.setattr(clip_folders.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(clip_folders, "session_is_open", here.__contains__)
    folders = Folders()
    folder = _run(folders)
    for seconds, is_open, kept in ((500, True, True), (1, False, True), (60, False, True), (1, True, True),
                                   (1, False, True), (clip_folders.GONE_S, False, False)):  # fmt: skip
        now[0] += seconds
        (here.add if is_open else here.discard)("s")
        folders.close_if_gone()
        assert folder.exists() is kept


@pytest.mark.parametrize("number", sorted(clip_folders._NO_ROOM))
def test_a_disk_that_fills_up_is_a_sentence(number: int) -> None:
    with pytest.raises(DiskFull, match="no room left"), Folders().new("s") as folder:
        raise OSError(number, "full")
    assert not folder.exists()


def test_another_error_of_the_disk_stays_what_it_is() -> None:
    with pytest.raises(OSError, match="broken") as raised, Folders().new("s"):
        raise OSError(errno.EIO, "broken")
    assert not isinstance(raised.value, DiskFull)


def test_no_run_begins_on_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_folders, "LEAST_FREE", 1 << 62)
    with pytest.raises(DiskFull), Folders().new("s"):
        raise AssertionError("it began")
    assert list(clip_folders.root().iterdir()) == [clip_folders.root() / "lock"]


def test_what_a_killed_gallery_left_is_removed_and_a_running_ones_is_not(tmp_path: Path) -> None:
    code = (
        "import os, sys, tempfile\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        "from gallery.ui.clip_folders import root\n"
        "(root() / 'run').mkdir(); print(root(), flush=True)\n"
        "sys.stdin.read(); os._exit(9)"
    )
    start = lambda: subprocess.Popen(  # noqa: E731
        [sys.executable, "-c", code], cwd=paths.PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with start() as killed, start() as running:
        assert killed.stdout and running.stdout and killed.stdin and running.stdin
        old, new = Path(killed.stdout.readline().strip()), Path(running.stdout.readline().strip())
        killed.stdin.close()
        assert killed.wait(30) == 9
        mine, other = _run(Folders()), tmp_path / "something else"
        other.mkdir()
        young = tmp_path / "gallery-clips-young"  # another gallery makes it, and has not locked it yet
        young.mkdir()
        assert old.is_dir() and new.is_dir()
        clip_folders.remove_leftovers()
        assert not old.exists()
        assert new.is_dir() and mine.is_dir() and other.is_dir() and young.is_dir()
        running.stdin.close()
        assert running.wait(30) == 9
    clip_folders.remove_leftovers()
    assert not new.exists() and mine.is_dir()
