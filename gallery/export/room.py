"""A full disk, said in a sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from gallery.errors import DiskFull

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def room_for(what: str) -> Iterator[None]:
    """Turn the operating system's words for a full disk, or a used-up quota, into a person's.

    Args:
        what: what is being written, for example ``the results``.

    Raises:
        DiskFull: in place of an OSError that says so; any other passes through.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL and not isinstance(error, DiskFull):
            raise DiskFull(
                f"There is no room left on the disk for {what}.", "Free some space, or choose another folder."
            ) from error
        raise
