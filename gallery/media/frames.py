"""How many frames or pages a file holds, counted without decoding one and only up to a bound.

Pillow counts by visiting every frame, which takes minutes on a small file that was made to hold millions.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from gallery.media.source import size_of

#: Counting ends here; a count of one more means "more than".
MOST = 1000

# Blocks of a GIF that are looked at before counting is given up: about a second's worth.
_MOST_BLOCKS = 1_000_000


def in_gif(file: BinaryIO) -> int:
    """Frames of a GIF (at least 1, at most ``MOST + 1``); the file's position is left where it was."""
    here = file.tell()
    try:
        return max(1, min(_gif(file), MOST + 1))
    except (IndexError, struct.error):  # the file ends early: what was counted so far cannot be known any better
        return 1
    finally:
        file.seek(here)


def _gif(file: BinaryIO) -> int:
    file.seek(10)
    flags = file.read(1)[0]
    file.seek(13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0))
    count = blocks = 0
    while count <= MOST and blocks <= _MOST_BLOCKS:
        blocks += 1
        mark = file.read(1)
        if mark == b",":
            count += 1
            flags = file.read(9)[8]
            file.seek((3 << (flags & 7) + 1 if flags & 0x80 else 0) + 1, 1)
        elif mark == b"!":
            file.seek(1, 1)
        elif mark in (b";", b""):
            break
        else:
            continue  # Pillow, too, skips bytes between blocks
        while blocks <= _MOST_BLOCKS and (size := file.read(1)) not in (b"", b"\x00"):
            file.seek(size[0], 1)
            blocks += 1
    return count


def in_tiff(file: BinaryIO) -> int:
    """Pages of a TIFF or BigTIFF (at least 1, at most ``MOST + 1``); the file's position is left where it was.

    Smaller copies of a page and masks, which large pictures from above often carry, are not pages.
    """
    here = file.tell()
    try:
        return max(1, _tiff(file, size_of(file)))
    finally:
        file.seek(here)


def _tiff(file: BinaryIO, size: int) -> int:
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = b"+" in head[2:4]
    entry_count, entry_size, pointer, first = ("Q", 20, "Q", 8) if big else ("H", 12, "I", 4)
    (at,) = struct.unpack_from(order + pointer, head, first)
    seen: set[int] = set()
    pages = 0
    while 0 < at < size and at not in seen and len(seen) < 2 * MOST and pages <= MOST:
        seen.add(at)
        file.seek(at)
        field = file.read(struct.calcsize(order + entry_count))
        if len(field) < struct.calcsize(order + entry_count):
            break
        (entries,) = struct.unpack(order + entry_count, field)
        first_entry = file.read(entry_size)  # entries are sorted, and no common tag is lower than 254
        pages += not _is_copy_or_mask(first_entry, order)
        end = at + len(field) + entries * entry_size
        if end > size:
            break
        file.seek(end)
        field = file.read(struct.calcsize(order + pointer))
        if len(field) < struct.calcsize(order + pointer):
            break
        (at,) = struct.unpack(order + pointer, field)
    return pages


def _is_copy_or_mask(entry: bytes, order: str) -> bool:
    """Whether an entry is NewSubfileType (TIFF 6.0, tag 254) with the bit of a reduced copy (1) or a mask (4)."""
    if len(entry) < 12:
        return False
    tag, kind = struct.unpack_from(order + "HH", entry)
    at = len(entry) - (8 if len(entry) == 20 else 4)
    (value,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), entry, at)
    return tag == 254 and bool(value & 5)
