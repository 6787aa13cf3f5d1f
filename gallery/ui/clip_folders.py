"""Private folders on disk for what runs on videos write: bounded, and gone with the visit that they belong to.

A marked video can be too large for memory, so it is the one thing of a visitor that the gallery writes down. Every run
has a folder that only this user account may open. It goes when newer runs need the room, when the visitor clears the
data, when the tab was closed, and at the latest when the gallery ends; what a killed gallery left is removed by the
next one.
"""

from __future__ import annotations

import atexit
import errno
import logging
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gallery.errors import DiskFull
from gallery.ui.text import plain
from gallery.ui.work import session_is_open

_log = logging.getLogger(__name__)

#: Runs of one visitor whose files are kept, and bytes of all of them; the newest stays however large it is.
MOST_RUNS = 5
MOST_BYTES = 3_000_000_000
#: A run does not begin, and does not go on, with less room than this on the disk.
LEAST_FREE = 500_000_000
#: Seconds that a browser may be unreachable before its files go; Streamlit forgets the visit after 60.
GONE_S = 120.0

_PREFIX = "gallery-clips-"
_SWEEP_S = 30.0
#: A folder without a lock may be one that another gallery is just making.
_YOUNG_S = 60.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

_making = threading.Lock()
_root: tuple[Path, Any] | None = None
_tidied = threading.Lock()


class Folders:
    """The folders of one visit, the oldest first.

    Args:
        most: how many are kept.
        most_bytes: how large all of them may be together.
    """

    def __init__(self, most: int = MOST_RUNS, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: list[Path] = []
        self._closed = False
        self._lock = threading.RLock()  # the end of a visit may be noticed by any thread, in the middle of anything
        self._session = ""
        self._gone_since: float | None = None

    @contextmanager
    def new(self, session: str) -> Iterator[Path]:
        """A folder for one run. It is kept when the block ends without an error and the visit still goes on.

        Args:
            session: Streamlit's name for the visit.

        Raises:
            DiskFull: there is no room, at the beginning or later.
        """
        self._session = session
        with disk_sentences():
            require_room(root())
            folder = Path(tempfile.mkdtemp(dir=root()))
        _watch(self)
        try:
            with disk_sentences():
                yield folder
        except BaseException:
            _remove(folder)
            raise
        with self._lock:
            self._kept.append(folder)
            out = self._kept[:] if self._closed else self._too_much()
            self._kept = [each for each in self._kept if each not in out]
        for each in out:
            _remove(each)

    def drop(self, folder: Path) -> None:
        """Remove one folder, if it is of this visit."""
        with self._lock:
            known = folder in self._kept
            if known:
                self._kept.remove(folder)
        if known:
            _remove(folder)

    def close(self) -> None:
        """Remove everything; a run that is under way leaves nothing behind either."""
        with self._lock:
            self._closed = True
            out, self._kept = self._kept, []
        for each in out:
            _remove(each)

    def close_if_gone(self) -> None:
        """Close when the visitor's browser has not been reachable for a while."""
        if not self._session or session_is_open(self._session):
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = time.monotonic()
        elif time.monotonic() - self._gone_since >= GONE_S:
            self.close()

    def _too_much(self) -> list[Path]:
        """The oldest, as many as have to go; never the newest."""
        sizes = [_bytes_in(each) for each in self._kept]
        number = max(0, len(sizes) - self._most)
        while number < len(sizes) - 1 and sum(sizes[number:]) > self._most_bytes:
            number += 1
        return self._kept[:number]


def root() -> Path:
    """The folder of this process in the system's temporary folder; open to this user account only."""
    global _root
    with _making:
        if _root is None or not _root[0].is_dir():  # a cleaner of temporary files may have taken it
            from filelock import FileLock

            folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            lock = FileLock(str(folder / "lock"), thread_local=False)
            lock.acquire(timeout=0)  # held until the process ends, however it ends
            atexit.register(_remove, folder)
            _root = folder, lock
        return _root[0]


def require_room(folder: Path) -> None:
    """See that the disk of a folder has room to go on.

    Raises:
        DiskFull: it has not.
    """
    if shutil.disk_usage(folder).free < LEAST_FREE:
        raise _full()


@contextmanager
def disk_sentences() -> Iterator[None]:
    """Turn a full disk into :class:`DiskFull`."""
    try:
        yield
    except OSError as error:
        if not isinstance(error, DiskFull) and error.errno in _NO_ROOM:
            raise _full() from error
        raise


def tidy() -> None:
    """Remove what killed galleries left behind; once a process, however often it is called."""
    if _tidied.acquire(blocking=False):
        threading.Thread(target=remove_leftovers, name="tidy", daemon=True).start()


def remove_leftovers() -> None:
    """Remove the folders of this user account whose process does not hold its lock any more."""
    from filelock import FileLock, Timeout

    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            about = folder.lstat()
            if not folder.is_dir() or folder.is_symlink() or (_root and folder == _root[0]):
                continue
            if hasattr(os, "getuid") and about.st_uid != os.getuid():
                continue
            lock = folder / "lock"
            if lock.exists():
                held = FileLock(str(lock), thread_local=False)
                try:
                    held.acquire(timeout=0)
                except Timeout:
                    continue  # another gallery is running
                held.release()
            elif time.time() - about.st_mtime < _YOUNG_S:
                continue
            _remove(folder)


_watched: weakref.WeakSet[Folders] = weakref.WeakSet()
_sweeping = threading.Lock()


def _watch(folders: Folders) -> None:
    _watched.add(folders)
    if _sweeping.acquire(blocking=False):
        threading.Thread(target=_sweep, name="sweep", daemon=True).start()


def _sweep() -> None:
    """What a closed tab held goes even if something still holds on to the visit in memory."""
    while True:
        time.sleep(_SWEEP_S)
        for folders in list(_watched):
            folders.close_if_gone()


def _full() -> DiskFull:
    return DiskFull(plain("clip.disk"), plain("clip.disk.remedy", folder=tempfile.gettempdir()))


def _bytes_in(folder: Path) -> int:
    total = 0
    with suppress(OSError):
        total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return total


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
