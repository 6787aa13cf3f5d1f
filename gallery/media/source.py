"""Bytes or a path, opened for reading: the checks that come before any decoder sees a file."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gallery.errors import EmptyMedia, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from gallery.media.names import quoted
from gallery.wording import human_bytes as human_bytes  # found here too by those who show sizes of media

_AGAIN = "Copy or download the file again."


@contextmanager
def opened(source: bytes | Path, name: str, max_bytes: int) -> Iterator[BinaryIO]:
    """Open bytes or an ordinary file for reading, without reading it.

    Args:
        source: the bytes themselves, or the path of a file.
        name: name of the file, for sentences.
        max_bytes: a larger file is refused.

    Raises:
        EmptyMedia: there are no bytes.
        MediaTooLarge: there are more than ``max_bytes``.
        UnreadableMedia: there is no such file, or it may not be read.
        UnsupportedMedia: the path is a folder, a device or a pipe.
    """
    if isinstance(source, bytes):
        _check_size(len(source), name, max_bytes)
        yield io.BytesIO(source)  # shares the memory of the bytes
        return
    with _open_path(source, name) as file:
        _check_size(os.fstat(file.fileno()).st_size, name, max_bytes)
        yield file


def size_of(file: BinaryIO) -> int:
    """Bytes in an open file; its position is left where it was."""
    here = file.tell()
    try:
        return file.seek(0, io.SEEK_END)
    finally:
        file.seek(here)


def _open_path(path: Path, name: str) -> BinaryIO:
    # Opened first and looked at afterwards, so that nobody can change the one for the other in between. Without
    # O_NONBLOCK the opening of a pipe would wait for its other end.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    odd = UnsupportedMedia(f"{quoted(name)} is not an ordinary file.", "Open a picture or a recording.")
    try:
        folder = path.is_dir()  # Windows answers the opening of a folder with a refusal of permission
        special = path.exists() and not path.is_file()  # the opening of a device can already have effects
        descriptor = -1 if folder or special else os.open(path, flags)
    except FileNotFoundError as error:
        raise UnreadableMedia(f"There is no file {quoted(name)}.", "Check the path.") from error
    except PermissionError as error:
        raise UnreadableMedia(
            f"{quoted(name)} may not be read by this program.", "Change the permissions of the file, or copy it."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise UnreadableMedia(f"{quoted(name)} cannot be opened.", "Check the path.") from error
    if folder:
        raise UnsupportedMedia(f"{quoted(name)} is a folder.", "Open one of the files in it.")
    if special:
        raise odd
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise odd
    return os.fdopen(descriptor, "rb")


def _check_size(size: int, name: str, max_bytes: int) -> None:
    if size == 0:
        raise EmptyMedia(f"{quoted(name)} is empty: it has no bytes.", _AGAIN)
    if size > max_bytes:
        raise MediaTooLarge(
            f"{quoted(name)} has {human_bytes(size)}; the limit is {human_bytes(max_bytes)}.",
            "Make it smaller, or cut out the part that matters.",
        )
