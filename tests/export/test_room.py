"""A full disk is said in a sentence; other troubles stay what they are."""

from __future__ import annotations

import errno

import pytest

from gallery.errors import DiskFull
from gallery.export.room import room_for

#: (what the system says, what is raised)
TROUBLES = [
    (OSError(errno.ENOSPC, "No space left on device"), DiskFull),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), DiskFull),
    (PermissionError(errno.EACCES, "Permission denied"), PermissionError),
    (ValueError("other"), ValueError),
    (DiskFull("There is no room.", "Free some."), DiskFull),
]


@pytest.mark.parametrize(("trouble", "expected"), TROUBLES)
def test_troubles(trouble, expected):
    with pytest.raises(expected) as caught, room_for("the results"):
        raise trouble
    if expected is DiskFull and not isinstance(trouble, DiskFull):
        assert str(caught.value) == (
            "There is no room left on the disk for the results. Free some space, or choose another folder."
        )
    else:
        assert caught.value is trouble
