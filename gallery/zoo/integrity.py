"""Files that are what they should be: hashes, temporary names, atomic renames, locks.

Everything that the gallery downloads goes through here. A file appears under its own name only when all its bytes
have arrived, were counted, hashed and flushed to the disk; what a killed process leaves behind has a name that begins
with a dot and ends in ``.part``, and is swept by the next process that holds the lock.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gallery.errors import DiskFull, GalleryError, ModelError, ModelUnavailable, WeightsMismatch
from gallery.wording import human_bytes

CHUNK = 1 << 20
PART = ".part"

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
#: How a system says that a place is not one to write to.
_NO_PLACE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENOTEMPTY,
    errno.EINVAL,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)


@dataclass(frozen=True, slots=True)
class FileSpec:
    """One file by name, size in bytes and sha256 (64 lower-case hex digits)."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is.

    Attributes:
        model_id: registry id, or an empty string where no model is concerned.
        file: name of the file on its way.
        done_bytes, total_bytes: bytes so far and in all; ``total_bytes`` is 0 where it is not known.
        source: where the bytes come from, in words.
    """

    model_id: str
    file: str
    done_bytes: int
    total_bytes: int
    source: str


Report = Callable[[int, int], None]


def safe_name(name: str) -> bool:
    """Whether ``name`` is a plain relative file name with forward slashes: no dots, drives, or hidden parts."""
    if not name or len(name) > 200 or "\\" in name or ":" in name or not name.isprintable():
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and str(path) == name and not any(part.startswith(".") for part in path.parts)


def is_sha256(text: object) -> bool:
    """Whether ``text`` is 64 lower-case hex digits."""
    return isinstance(text, str) and len(text) == 64 and set(text) <= set("0123456789abcdef")


# --- hashes -----------------------------------------------------------------------------------------------------------

_known: dict[tuple[str, int, int, int, int], str] = {}
_known_guard = threading.Lock()


def sha256_of(path: Path, *, fresh: bool = False) -> str:
    """The sha256 of a file, as hex.

    Within one process a file is hashed once for each path, size, inode and time of change; ``fresh`` hashes it again.

    Raises:
        OSError: the file cannot be read.
    """
    state = path.stat()
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
    if not fresh:
        with _known_guard:
            if key in _known:
                return _known[key]
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    with _known_guard:
        _known[key] = digest.hexdigest()
    return digest.hexdigest()


def fault(path: Path, spec: FileSpec, *, fresh: bool = False) -> str | None:
    """What is wrong with the file at ``path``, as the end of a sentence, or None when it is the one of ``spec``."""
    try:
        if not path.is_file():
            return "is missing"
        size = path.stat().st_size
        if size != spec.bytes:
            return f"has {size:,} bytes instead of {spec.bytes:,}"
        if sha256_of(path, fresh=fresh) != spec.sha256:
            return "has another sha256 than the registry names"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return None


# --- writing ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def disk_errors(
    folder: Path,
    refused: type[ModelError] = ModelUnavailable,
    remedy: str = "Name another folder in the environment variable GALLERY_CACHE.",
) -> Iterator[None]:
    """Turn a full disk into :class:`DiskFull`, and a folder that cannot be written into ``refused`` with ``remedy``."""
    try:
        yield
    except GalleryError:
        raise
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise disk_full(folder) from error
        if error.errno in _NO_PLACE:
            raise refused(f"The folder {folder} cannot be written ({error.strerror}).", remedy) from error
        raise


def disk_full(folder: Path, needed: int = 0) -> DiskFull:
    """The error for a disk without room for ``needed`` more bytes (0: not known)."""
    amount = f" for {human_bytes(needed)}" if needed else ""
    return DiskFull(
        f"The disk that holds {folder} has no room left{amount}; nothing was changed.",
        "Free some space, or name a folder on another disk in the environment variable GALLERY_CACHE.",
    )


def require_space(folder: Path, needed: int) -> None:
    """Refuse to begin what cannot end.

    Raises:
        DiskFull: fewer than ``needed`` bytes are free where ``folder`` (or its nearest parent that exists) lies.
    """
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    if shutil.disk_usage(place).free < needed:
        raise disk_full(folder, needed)


def write_stream(
    chunks: Iterable[bytes], destination: Path, spec: FileSpec, origin: str, report: Report | None = None
) -> None:
    """Write ``chunks`` to a temporary name beside ``destination``, check them, flush them, and rename.

    Args:
        origin: where the bytes come from, for the message.
        report: called with bytes so far and bytes in all.

    Raises:
        WeightsMismatch: the bytes are too many, too few, or others than ``spec`` says; nothing is left behind.
        DiskFull: no room; nothing is left behind.
    """
    part = temporary(destination)
    digest, done = hashlib.sha256(), 0
    with disk_errors(destination.parent):
        destination.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as out:
                for chunk in chunks:
                    done += len(chunk)
                    if done > spec.bytes:
                        raise mismatch(spec, origin, f"more than the {spec.bytes:,} bytes expected")
                    digest.update(chunk)
                    out.write(chunk)
                    if report:
                        report(done, spec.bytes)
                if done != spec.bytes:
                    raise mismatch(spec, origin, f"{done:,} bytes instead of {spec.bytes:,}")
                if digest.hexdigest() != spec.sha256:
                    raise mismatch(spec, origin, "bytes with another sha256")
                out.flush()
                os.fsync(out.fileno())
            publish(part, destination)
        finally:
            part.unlink(missing_ok=True)


def mismatch(spec: FileSpec, origin: str, what: str) -> WeightsMismatch:
    """The error for bytes that are not those of ``spec``."""
    return WeightsMismatch(
        f"{origin} delivered {what} for {spec.name}, so the file was thrown away.",
        "Try again later, or take the file from another source.",
    )


def read_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, in pieces."""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def temporary(destination: Path) -> Path:
    """A name beside ``destination`` that no one else uses."""
    return destination.with_name(f".{destination.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}{PART}")


def publish(part: Path, destination: Path) -> None:
    """Give a finished file its own name in one step, and flush the folder that lists it."""
    part.replace(destination)
    if os.name == "posix":
        handle = os.open(destination.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError:  # some network file systems cannot flush a folder; the rename itself is done
            pass
        finally:
            os.close(handle)


def write_text(text: str, destination: Path) -> None:
    """Write a small text file in one step."""
    with disk_errors(destination.parent):
        part = temporary(destination)
        try:
            part.write_text(text, encoding="utf-8")
            publish(part, destination)
        finally:
            part.unlink(missing_ok=True)


# --- locks ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Hold a lock against the other threads and processes of this machine, for as long as the block runs."""
    from filelock import FileLock

    with disk_errors(lock.parent):
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(str(lock))
        held.acquire()
    try:
        yield
    finally:
        held.release()


def sweep(folder: Path, prefix: str = ".") -> None:
    """Remove what killed processes left in ``folder``. Call it only while holding the lock of that folder."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.name.startswith(prefix) and path.name.startswith(".") and path.name.endswith(PART):
            remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all in it; nothing happens where it is gone already."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A folder of its own inside ``folder``, on the same disk, that is gone afterwards."""
    with disk_errors(folder):
        place = temporary(folder / "fetch")
        place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
