"""A street with a stop sign and traffic lights, rendered: no real place, nobody real.

Run: python samples/make/street.py --out samples/
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from noise import cloudy, speckle
from people import Clothes, person
from plants import leaves, street_tree
from raster import Camera, Hit, Scene, Surface, developed, render
from shapes import ground, tube
from town import Builder, day_sky
from vehicles import Garage

SIZE = (1280, 720)
LEFT, RIGHT = -7.6, 4.3  # kerbs
MIDDLE = -1.75
CROSSWALK = (12.6, 15.4)
JUNCTION = (30.0, 41.0)


def _asphalt(hit: Hit) -> Surface:
    x, y = hit.points[:, 0], hit.points[:, 1]
    grain = speckle(x, y, 0.012, 1) - 0.5
    reach = np.clip(1.4 - np.hypot(x, y) / 12, 0, 1)  # what is finer than a pixel is left out
    tone = 1 + 0.07 * cloudy(x, y, 3.0, 2) + 0.06 * cloudy(x, y, 0.5, 3, 0.9) + 0.45 * grain * reach
    in_lane = (x - MIDDLE) % 3.5
    track = np.exp(-(((in_lane - 0.95) / 0.35) ** 2)) + np.exp(-(((in_lane - 2.55) / 0.35) ** 2))
    tone *= 1 - 0.10 * track - 0.08 * np.exp(-(((in_lane - 1.75) / 0.4) ** 2))
    albedo = np.array([0.105, 0.105, 0.108]) * tone[:, None]
    patch = (x > 0.4) & (x < 2.6) & (y > 7.2) & (y < 10.4)
    patch |= (x > -5.0) & (x < -3.6) & (y > 19) & (y < 30)
    albedo[patch] *= 0.72
    crack = np.abs(cloudy(x, y, 5.0, 5, 1.9)) < 0.014
    albedo[crack] *= 0.55
    cover = np.hypot(x + 0.6, y - 10.9) < 0.34
    ring = cover & (np.hypot(x + 0.6, y - 10.9) > 0.30)
    albedo[cover] = albedo[cover] * 0.55
    albedo[ring] = 0.03
    worn = np.clip(0.93 + 0.12 * cloudy(x, y, 0.7, 6, 0.8), 0.25, 1.05) * np.clip(1 - 0.25 * track, 0, 1)
    crossing = (y > JUNCTION[0]) & (y < JUNCTION[1])
    open_road = ~crossing & ~((y > CROSSWALK[0] - 1.6) & (y < CROSSWALK[1] + 0.4)) & (y < JUNCTION[0] - 5.0) | (y > 50)
    yellow = open_road & ((np.abs(x - MIDDLE - 0.13) < 0.055) | (np.abs(x - MIDDLE + 0.13) < 0.055))
    white = open_road & (np.abs(x + 5.25) < 0.06) & (y % 6 < 3)
    white |= open_road & (np.abs(x - 1.85) < 0.06) & (y % 6 < 3)
    zebra = (y > CROSSWALK[0]) & (y < CROSSWALK[1]) & (((x + 0.2) % 1.2) < 0.6) & (x > LEFT + 0.4) & (x < RIGHT - 0.3)
    white |= zebra
    white |= (np.abs(y - CROSSWALK[0] + 1.15) < 0.22) & (x > MIDDLE + 0.2) & (x < 1.8)
    white |= (np.abs(y - JUNCTION[0] + 4.4) < 0.22) & (x > MIDDLE + 0.2) & (x < 1.8)
    far_zebra = (np.abs(y - JUNCTION[0] + 2.2) < 1.2) & (((x + 0.2) % 1.2) < 0.6) & (x > LEFT + 0.4) & (x < RIGHT - 0.3)
    white |= far_zebra
    for where, tint in ((white, (0.60, 0.60, 0.59)), (yellow, (0.52, 0.34, 0.04))):
        share = worn[where, None]
        albedo[where] = albedo[where] * (1 - share) + np.array(tint) * share
    gutter = np.exp(-np.abs(x - RIGHT) / 0.18) + np.exp(-np.abs(x - LEFT) / 0.18)
    albedo *= (1 - 0.35 * np.clip(gutter, 0, 1))[:, None]
    return Surface(np.maximum(albedo, 0.01), 0.012, sharp=0.0)


def _paving(hit: Hit) -> Surface:
    x, y = hit.points[:, 0], hit.points[:, 1]
    slab = 1 + 0.16 * (speckle(x, y, 1.2, 8) - 0.5)
    tone = 1 + 0.07 * cloudy(x, y, 2.5, 9) + 0.06 * cloudy(x, y, 0.4, 10, 0.8)
    joint = ((x % 1.2) < 0.02) | ((y % 1.2) < 0.02)
    albedo = np.array([0.30, 0.29, 0.275]) * (slab * tone * np.where(joint, 0.6, 1.0))[:, None]
    kerb = (np.abs(x - RIGHT - 0.09) < 0.09) | (np.abs(x - LEFT + 0.09) < 0.09)
    albedo[kerb] = np.array([0.36, 0.355, 0.345]) * tone[kerb, None]
    return Surface(albedo, 0.01)


def _leaf(hit: Hit) -> Surface:
    return Surface(hit.colour, 0.008, hit.colour * 0.10)


def _cloth(hit: Hit) -> Surface:
    weave = 1 + 0.05 * cloudy(hit.local[:, 1], hit.local[:, 2], 0.2, 15)
    return Surface(hit.colour * weave[:, None], 0.012)


def scene() -> Scene:
    """The street; the eye is in the right-hand lane and looks along +y."""
    rng = np.random.default_rng(5)
    view = Scene(sky=day_sky(), sun=(-0.46, -0.50, 0.72), sun_light=(2.55, 2.35, 2.0), sky_gain=0.62, haze=0.0016)
    view.haze_colour = (0.66, 0.74, 0.84)
    asphalt, paving = view.shader(_asphalt), view.shader(_paving)
    leaf, bark, cloth = view.shader(_leaf), view.shader(lambda hit: Surface(hit.colour, 0.005)), view.shader(_cloth)
    build, garage = Builder(view), Garage(view, 0.045)
    view.add(ground((-70, 70), (-30, 170), 2, 0, asphalt))
    for y in ((-6.0, JUNCTION[0]), (JUNCTION[1], 150.0)):
        view.add(build.pavement((RIGHT, RIGHT + 4.0), y, paving), build.pavement((LEFT - 4.0, LEFT), y, paving))
    for x in ((RIGHT + 4.0, 70.0), (-70.0, LEFT - 4.0)):
        view.add(build.pavement(x, (JUNCTION[0] - 3.0, JUNCTION[0]), paving))
        view.add(build.pavement(x, (JUNCTION[1], JUNCTION[1] + 3.0), paving))

    red, sand, cream, grey, pale = (
        (0.30, 0.115, 0.075),
        (0.46, 0.36, 0.24),
        (0.56, 0.52, 0.43),
        (0.33, 0.34, 0.35),
        (0.50, 0.44, 0.40),
    )
    x0 = RIGHT + 4.0
    view.add(build.house((x0, 22), (-4, 8), 3, red, rng, fronts="w", awning=(0.10, 0.20, 0.14)))
    view.add(build.house((x0, 22), (8, 19), 4, cream, rng, fronts="w", awning=(0.36, 0.06, 0.05)))
    view.add(build.house((x0, 24), (19, JUNCTION[0] - 3), 3, red, rng, fronts="wn", awning=(0.06, 0.12, 0.24)))
    view.add(build.house((x0, 30), (JUNCTION[1] + 3, 66), 5, sand, rng, fronts="ws", awning=(0.30, 0.22, 0.10)))
    view.add(build.house((x0, 30), (66, 84), 4, grey, rng, fronts="w"))
    view.add(build.house((x0, 30), (84, 110), 6, red, rng, fronts="w"))
    view.add(build.house((30, 60), (JUNCTION[1] + 3, 70), 4, red, rng, fronts="s"))
    x1 = LEFT - 4.0
    view.add(build.house((-26, x1), (-4, 10), 4, pale, rng, fronts="e", awning=(0.08, 0.16, 0.28)))
    view.add(build.house((-26, x1), (10, 21), 3, red, rng, fronts="e", awning=(0.34, 0.26, 0.14)))
    view.add(build.house((-28, x1), (21, JUNCTION[0] - 3), 4, sand, rng, fronts="en", awning=(0.28, 0.06, 0.06)))
    view.add(build.house((-34, x1), (JUNCTION[1] + 3, 68), 4, red, rng, fronts="es", awning=(0.08, 0.2, 0.14)))
    view.add(build.house((-34, x1), (68, 90), 6, cream, rng, fronts="e"))
    view.add(build.house((-34, x1), (90, 120), 4, grey, rng, fronts="e"))
    view.add(build.house((-64, -34), (JUNCTION[1] + 3, 66), 3, cream, rng, fronts="s"))
    view.add(build.house((-30, 30), (150, 160), 3, (0.36, 0.38, 0.41), rng, fronts="s", bay=4))

    trees = [street_tree(leaf, bark, rng, h) for h in (7.0, 7.8, 6.4)]
    for k, (x, y) in enumerate(
        ((-8.7, 10.0), (-8.7, 19.5), (-8.8, 26.0), (5.6, 48), (5.5, 58), (-8.7, 48), (-8.7, 58), (5.3, 78), (-8.7, 76))
    ):
        view.add(trees[k % 3].placed((x, y, 0.14), 67.0 * k, 0.86 + 0.05 * (k % 4)))
    row = [
        (float(x), 138 + float(rng.normal()), float(rng.uniform(2, 4)), float(rng.uniform(2.5, 4.5)))
        for x in np.arange(-16, 16, 3.0)
    ]
    view.add(leaves(leaf, rng, row, 4000, 0.5, (0.07, 0.12, 0.03)))

    view.add(build.stop_sign((RIGHT + 0.55, 11.3, 0.14), across=0.95, centre=2.25))
    # The mast beyond the junction's near edge: two heads over the lanes, one on the post.
    mast_y, mast_x = 27.6, RIGHT + 0.7
    steel = (0.20, 0.205, 0.21)
    view.add(
        tube(np.array([(mast_x, mast_y, 0.1), (mast_x, mast_y, 5.9)]), np.array([0.15, 0.11]), build.plain, steel, 14)
    )
    arm = np.array([(mast_x, mast_y, 5.5), (1.0, mast_y, 5.72), (-4.6, mast_y, 5.82)])
    view.add(tube(arm, np.array([0.10, 0.075, 0.05]), build.plain, steel, 12))
    view.add(build.signal((0.1, mast_y - 0.2, 5.45), "red"), build.signal((-3.4, mast_y - 0.2, 5.5), "red"))
    view.add(build.signal((mast_x, mast_y - 0.32, 3.3), "red", plate=False))
    for x, y, turn in (
        (RIGHT + 0.6, 20.0, 180),
        (LEFT - 0.6, 15.0, 0),
        (LEFT - 0.6, 55.0, 0),
        (RIGHT + 0.6, 58.0, 180),
    ):
        view.add(build.street_lamp().placed((x, y, 0.14), turn))
    bin_at = (RIGHT + 0.9, 16.6, 0.14)
    view.add(tube(np.array([bin_at, (bin_at[0], bin_at[1], 1.05)]), 0.27, build.plain, (0.03, 0.07, 0.05), 18))
    for y in (6.0, 8.2, 10.4):  # bollards
        view.add(
            tube(np.array([(LEFT - 0.5, y, 0.14), (LEFT - 0.5, y, 1.05)]), 0.07, build.plain, (0.02, 0.02, 0.022), 12)
        )
    wire = np.array([(LEFT - 4, 26.0, 9.5), (-1.6, 26.0, 8.7), (RIGHT + 4, 26.0, 9.6)])
    view.add(tube(wire, 0.012, build.plain, (0.02, 0.02, 0.02), 4))

    view.add(garage.saloon((0.30, 0.31, 0.33)).placed((0.1, 22.8, 0), 90))
    view.add(garage.estate((0.03, 0.085, 0.24)).placed((-3.55, 19.0, 0), -90.8))
    view.add(garage.saloon((0.62, 0.62, 0.60)).placed((-3.5, 52, 0), -90))
    for x, y, kind, tint in (
        (3.15, 19.2, "estate", (0.36, 0.03, 0.03)), (3.1, 24.6, "saloon", (0.60, 0.60, 0.58)),
        (-6.45, 15.6, "saloon", (0.03, 0.03, 0.034)), (-6.5, 22.0, "estate", (0.55, 0.55, 0.53)),
        (-6.4, 27.6, "saloon", (0.06, 0.14, 0.12)),
        (3.1, 55, "saloon", (0.05, 0.06, 0.08)), (3.1, 61, "estate", (0.5, 0.5, 0.5)),
    ):  # fmt: skip
        view.add(getattr(garage, kind)(tint).placed((x, y, 0), 90 if x > 0 else -90))
    view.add(garage.bus((0.50, 0.055, 0.035)).placed((-5.2, 37.8, 0), 180))

    walker = person(cloth, Clothes(top=(0.05, 0.09, 0.20), legs=(0.035, 0.04, 0.06)), stride=0.33, swing=0.26)
    view.add(walker.placed((-4.4, 14.0, 0), 0))
    second = person(
        cloth,
        Clothes(top=(0.46, 0.36, 0.22), legs=(0.05, 0.05, 0.055), skin=(0.25, 0.13, 0.08)),
        stride=0.24,
        swing=0.2,
    )
    view.add(second.placed((7.4, 15.6, 0.14), 96))
    view.add(second.placed((7.0, 27, 0.14), -90))
    return view


def main() -> None:
    """Render and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--passes", type=int, default=32)
    args = parser.parse_args()
    from PIL import Image

    camera = Camera(SIZE, eye=(0.15, 0.0, 1.5), yaw=0.0, pitch=3.2, fov=62)
    light = render(scene(), camera, passes=args.passes, shadow=5000)
    Image.fromarray(developed(light, exposure=1.0)).save(args.out / "street.jpg", quality=91, subsampling=0)


if __name__ == "__main__":
    main()
