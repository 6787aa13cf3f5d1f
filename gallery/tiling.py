"""Windows over an image that is larger than a network's input, with an overlap so that nothing is cut everywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tile:
    """A window, pixels of the whole image; ``x2`` and ``y2`` are outside of it."""

    x1: int
    y1: int
    x2: int
    y2: int


def tiles(width: int, height: int, size: int, overlap: int) -> list[Tile]:
    """Windows of at most ``size`` x ``size`` that cover the image, row by row, evenly spread.

    Neighbours share at least ``overlap`` pixels; an image that fits is one tile.

    Raises:
        ValueError: when a length is not positive or the overlap is not smaller than the tile.
    """
    if width < 1 or height < 1 or size < 1:
        raise ValueError("width, height and size must be positive")
    if not 0 <= overlap < size:
        raise ValueError("overlap must be at least 0 and smaller than size")
    return [
        Tile(x, y, min(x + size, width), min(y + size, height))
        for y in _starts(height, size, overlap)
        for x in _starts(width, size, overlap)
    ]


def _starts(length: int, size: int, overlap: int) -> list[int]:
    if length <= size:
        return [0]
    count = -(-(length - overlap) // (size - overlap))
    return [round(i * (length - size) / (count - 1)) for i in range(count)]
