from __future__ import annotations

import itertools

import numpy as np
import pytest

from gallery.tiling import Tile, tiles


@pytest.mark.parametrize(
    ("width", "height", "size", "overlap", "expected"),
    [
        (100, 50, 100, 20, [Tile(0, 0, 100, 50)]),
        (30, 30, 100, 20, [Tile(0, 0, 30, 30)]),
        (180, 100, 100, 20, [Tile(0, 0, 100, 100), Tile(80, 0, 180, 100)]),
        (101, 1, 100, 0, [Tile(0, 0, 100, 1), Tile(1, 0, 101, 1)]),
    ],
)
def test_windows(width, height, size, overlap, expected):
    assert tiles(width, height, size, overlap) == expected


@pytest.mark.parametrize(("width", "height"), [(1000, 1000), (6000, 4321), (20000, 257), (769, 768)])
def test_every_pixel_is_covered_and_neighbours_overlap(width, height):
    size, overlap = 768, 150
    windows = tiles(width, height, size, overlap)
    covered = np.zeros((height, width), bool)
    for w in windows:
        assert w.x2 - w.x1 <= size and w.y2 - w.y1 <= size
        covered[w.y1 : w.y2, w.x1 : w.x2] = True
    assert covered.all()
    columns = sorted({(w.x1, w.x2) for w in windows})
    assert all(a[1] - b[0] >= overlap for a, b in itertools.pairwise(columns))


@pytest.mark.parametrize("arguments", [(0, 10, 10, 1), (10, 10, 0, 0), (10, 10, 10, 10), (10, 10, 10, -1)])
def test_impossible_windows_are_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        tiles(*arguments)
