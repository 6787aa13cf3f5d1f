from __future__ import annotations

import json

import numpy as np
import pytest

from gallery.domains import satellite
from gallery.errors import OptionError
from gallery.media.image import OVERHEAD, read_image
from gallery.media.types import Picture


@pytest.mark.parametrize(("tile", "overlap"), [(100, 0), (4096, 100), (768, 500), (768, -1)])
def test_impossible_tiles_are_refused(tile, overlap):
    picture = Picture(np.zeros((10, 10, 3), np.uint8), "x.png")
    with pytest.raises(OptionError, match="Tiles"):
        satellite.analyse(picture, satellite.Options(tile=tile, overlap=overlap))


def test_nothing_on_an_empty_sea():
    sea = Picture(np.full((1500, 1500, 3), (20, 40, 60), np.uint8), "sea.png")
    result = satellite.analyse(sea)
    assert result.detections == ()
    assert result.settings["tiles"] == 9


@pytest.fixture(scope="module")
def orthophotos(reference_data):
    folder = reference_data / "overhead" / "estonia_20cm"
    names = sorted(i["file_name"] for i in json.loads((folder.parent / "estonia_20cm.json").read_text())["images"])
    return [read_image(folder / name, name, OVERHEAD) for name in names[:4]]


def _countable(analysis):
    """Things with an outline of their own; a quay is called one harbour or several, whatever the tiles."""
    return sum(count for label, count in analysis.counts().items() if label != "harbor")


@pytest.mark.reference
def test_no_object_twice_at_the_seams(orthophotos):
    """Four photographs side by side hold what they hold apart: a seam neither doubles nor loses."""
    top = np.concatenate([orthophotos[0].pixels, orthophotos[1].pixels], axis=1)
    bottom = np.concatenate([orthophotos[2].pixels, orthophotos[3].pixels], axis=1)
    mosaic = Picture(np.concatenate([top, bottom]), "mosaic.png")
    options = satellite.Options(score=0.5)
    apart = sum(_countable(satellite.analyse(p, options)) for p in orthophotos)
    together = satellite.analyse(mosaic, options)
    assert apart > 50
    assert abs(_countable(together) - apart) <= 0.05 * apart
    assert all(len(d.polygon) == 4 for d in together.detections)
    assert all(0 <= d.box[0] < d.box[2] <= 2000 and 0 <= d.box[1] < d.box[3] <= 2000 for d in together.detections)


@pytest.mark.reference
def test_one_tile_and_many_agree(orthophotos):
    """At the same scale (768 pixels become 1024 either way) a window alone and in a larger picture finds the same."""
    window = Picture(orthophotos[0].pixels[:768, :768], "window.png")
    alone = satellite.analyse(window, satellite.Options(score=0.5))
    whole = satellite.analyse(orthophotos[0], satellite.Options(score=0.5))
    inside = [d for d in whole.detections if d.box[2] < 620 and d.box[3] < 620]
    expected = [d for d in alone.detections if d.box[2] < 620 and d.box[3] < 620]
    assert expected
    assert abs(len(inside) - len(expected)) <= max(1, 0.03 * len(expected))
