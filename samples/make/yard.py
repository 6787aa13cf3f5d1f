"""A loading yard with a lorry, a car and people on foot, rendered: no real place, nobody real.

Run: python samples/make/yard.py --out samples/
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from noise import cloudy, speckle
from people import Clothes, person
from plants import street_tree
from raster import Camera, Hit, Scene, Surface, developed, render
from shapes import box, ground, tube
from town import Builder, day_sky
from vehicles import Garage

SIZE = (1280, 720)
WALL = 27.0  # the front of the hall


def _floor(hit: Hit) -> Surface:
    x, y = hit.points[:, 0], hit.points[:, 1]
    reach = np.clip(1.5 - np.hypot(x, y) / 16, 0, 1)
    tone = 1 + 0.07 * cloudy(x, y, 4.0, 1) + 0.06 * cloudy(x, y, 0.6, 2, 0.9)
    tone += 0.22 * (speckle(x, y, 0.015, 3) - 0.5) * reach + 0.10 * (speckle(x, y, 5.0, 4) - 0.5)
    albedo = np.array([0.27, 0.262, 0.245]) * tone[:, None]
    albedo[((x % 5.0) < 0.03) | ((y % 5.0) < 0.03)] *= 0.55
    stain = np.clip(cloudy(x, y, 2.2, 5, 1.6) - 1.1, 0, 1)
    albedo *= (1 - 0.35 * stain)[:, None]
    crack = np.abs(cloudy(x, y, 7.0, 6, 1.9)) < 0.010
    albedo[crack] *= 0.6
    worn = np.clip(0.9 + 0.16 * cloudy(x, y, 0.8, 7, 0.8), 0.2, 1.0)
    path = (x > 3.6) & (x < 5.8)
    edge = (np.abs(x - 3.6) < 0.06) | (np.abs(x - 5.8) < 0.06)
    green = path & ~edge
    albedo[green] = albedo[green] * 0.35 + (np.array([0.07, 0.20, 0.12]) * (0.65 * worn * tone)[:, None])[green]
    yellow = edge | (y > WALL - 2.2) & (y < WALL - 2.05)
    for at in (-10.6, -6.2, -1.8, 2.6):
        yellow |= (np.abs(x - at) < 0.06) & (y > WALL - 8.0) & (y < WALL - 2.0)
    share = (worn * yellow)[:, None]
    albedo = albedo * (1 - share) + np.array([0.52, 0.36, 0.04]) * share
    return Surface(np.maximum(albedo, 0.01), 0.01)


def _sheet(hit: Hit) -> Surface:
    x, z = hit.points[:, 0] + hit.points[:, 1] * 0.7, hit.points[:, 2]
    phase = x * 2 * np.pi / 0.30
    bend = hit.normals.copy()
    bend[:, 0] += 0.45 * np.sin(phase) * (np.abs(hit.normals[:, 1]) > 0.5)
    bend[:, 1] += 0.45 * np.sin(phase) * (np.abs(hit.normals[:, 0]) > 0.5)
    bend /= np.linalg.norm(bend, axis=1, keepdims=True)
    stain = 1 + 0.05 * cloudy(x, z, 3.0, 11) - 0.12 * np.exp(-z / 0.7)
    return Surface(hit.colour * stain[:, None], 0.02, normals=bend.astype(np.float32), sharp=0.1)


def _door(hit: Hit) -> Surface:
    z = hit.points[:, 2]
    slat = 1 - 0.25 * (((z % 0.32) / 0.32) < 0.10) + 0.06 * np.sin(z * 2 * np.pi / 0.32)
    return Surface(hit.colour * slat[:, None], 0.02, sharp=0.2)


def _leaf(hit: Hit) -> Surface:
    return Surface(hit.colour, 0.008, hit.colour * 0.10)


def _cloth(hit: Hit) -> Surface:
    weave = 1 + 0.05 * cloudy(hit.local[:, 1], hit.local[:, 2], 0.2, 15)
    bright = (hit.colour.max(1) > 0.45) & (hit.colour.min(1) < 0.2)
    return Surface(hit.colour * weave[:, None], 0.012, np.where(bright[:, None], hit.colour * 0.15, 0))


def scene() -> Scene:
    """The yard; the eye is that of a camera on a mast, and looks along +y."""
    rng = np.random.default_rng(9)
    view = Scene(sky=day_sky(), sun=(-0.62, -0.42, 0.66), sun_light=(2.5, 2.3, 1.95), sky_gain=0.62, haze=0.0012)
    view.haze_colour = (0.66, 0.74, 0.84)
    floor, sheet, door = view.shader(_floor), view.shader(_sheet), view.shader(_door)
    leaf, bark, cloth = view.shader(_leaf), view.shader(lambda hit: Surface(hit.colour, 0.005)), view.shader(_cloth)
    build, garage = Builder(view), Garage(view, 0.04)
    view.add(ground((-60, 70), (-12, 120), 2, 0, floor))

    # The hall with its doors.
    view.add(box((36, 30, 8.2), (-8, WALL + 15, 0), sheet, (0.30, 0.34, 0.37)))
    view.add(box((36.3, 0.3, 0.5), (-8, WALL - 0.05, 8.0), build.plain, (0.10, 0.14, 0.18)))
    view.add(box((36.05, 0.06, 0.9), (-8, WALL - 0.02, 0), build.plain, (0.22, 0.22, 0.215)))
    for k, at in enumerate((-15.0, -8.4, -4.0, 0.4)):
        view.add(box((3.9, 0.10, 4.4), (at, WALL - 0.02, 0), build.plain, (0.07, 0.075, 0.08)))
        view.add(box((3.5, 0.06, 4.1), (at, WALL - 0.09, 0.0), door, (0.46, 0.46, 0.44)))
        view.add(box((0.9, 0.05, 0.7), (at, WALL - 0.08, 4.75), build.plain, (0.06, 0.12, 0.30)))
        for sign in (-1, 1):
            view.add(
                tube(
                    np.array([(at + sign * 2.15, WALL - 0.5, 0), (at + sign * 2.15, WALL - 0.5, 1.1)]),
                    0.09,
                    build.plain,
                    (0.50, 0.34, 0.03),
                    12,
                )
            )
        if k % 2 == 0:
            view.add(box((0.5, 0.25, 0.18), (at + 2.9, WALL - 0.2, 5.6), build.plain, (0.6, 0.6, 0.6)))
    view.add(box((1.1, 0.08, 2.15), (4.7, WALL - 0.02, 0), build.plain, (0.08, 0.16, 0.28)))
    view.add(box((2.2, 1.3, 0.12), (4.7, WALL - 0.65, 2.75), build.plain, (0.12, 0.12, 0.12)))
    for at in (-17.0, -11.7, 2.9, 8.6):
        view.add(tube(np.array([(at, WALL - 0.12, 0), (at, WALL - 0.12, 8)]), 0.06, build.plain, (0.20, 0.21, 0.22), 8))

    # Beyond: a second hall, trees, a fence.
    view.add(box((40, 20, 7), (38, 62, 0), sheet, (0.42, 0.36, 0.28)))
    trees = [street_tree(leaf, bark, rng, h, 4200) for h in (7.5, 8.6)]
    for k, x in enumerate((12.5, 16.5, 20.5, 25.5, 30.5, 36)):
        view.add(trees[k % 2].placed((x, 46 + 2 * (k % 3), 0), 70.0 * k, 0.95 + 0.06 * (k % 3)))
    posts = []
    for x in np.arange(11, 60, 2.5):
        posts.append(tube(np.array([(x, 40, 0), (x, 40, 2.0)]), 0.03, build.plain, (0.16, 0.18, 0.17), 6))
    for z in np.arange(0.2, 2.0, 0.22):
        posts.append(tube(np.array([(11, 40, z), (60, 40, z)]), 0.008, build.plain, (0.16, 0.18, 0.17), 4))
    view.add(*posts)

    # Pallets, a container, cones.
    wood = (0.30, 0.21, 0.12)
    for x, y, n in ((7.4, 25.2, 9), (8.9, 25.4, 6), (7.6, 23.7, 4)):
        for k in range(n):
            z = k * 0.15
            for off in (-0.5, 0, 0.5):
                view.add(box((1.2, 0.1, 0.09), (x, y + off * 0.8, z), build.plain, tuple(np.array(wood) * 0.8)))
            for off in np.linspace(-0.53, 0.53, 7):
                view.add(
                    box(
                        (0.12, 0.85, 0.022),
                        (x + float(off), y, z + 0.1),
                        build.plain,
                        tuple(np.array(wood) * rng.uniform(0.8, 1.15)),
                    )
                )
    view.add(
        box((2.44, 6.1, 2.6), (15.6, 25.5, 0), sheet, (0.07, 0.16, 0.26)),
        box((2.44, 6.1, 2.6), (18.6, 26.0, 0), sheet, (0.34, 0.10, 0.05)),
    )
    for x, y in ((0.4, 10.9), (1.7, 10.2)):
        cone = np.array([(x, y, 0.03), (x, y, 0.26), (x, y, 0.27), (x, y, 0.42), (x, y, 0.43), (x, y, 0.68)])
        view.add(tube(cone, np.array([0.15, 0.105, 0.105, 0.075, 0.075, 0.025]), build.plain, (0.55, 0.10, 0.015), 20))
        view.add(tube(cone[2:4], np.array([0.107, 0.078]), build.plain, (0.65, 0.65, 0.65), 20))
        view.add(box((0.36, 0.36, 0.035), (x, y, 0), build.plain, (0.04, 0.04, 0.04)))

    # The vehicles: a lorry that stands across, a parked car, a van at a door.
    view.add(garage.lorry((0.045, 0.13, 0.30), (0.60, 0.60, 0.58), 7.4).placed((-3.3, 16.6, 0), -24))
    view.add(garage.saloon((0.30, 0.03, 0.035)).placed((12.0, 20.6, 0), -128))
    view.add(garage.lorry((0.07, 0.12, 0.26), (0.50, 0.51, 0.52), 7.4).placed((-15.0, 21.5, 0), 90))

    # The people: one close to the lorry, two well clear of everything.
    lime, orange = (0.50, 0.66, 0.03), (0.70, 0.20, 0.02)
    navy, grey = (0.03, 0.045, 0.09), (0.085, 0.085, 0.09)
    close = person(
        cloth, Clothes(navy, navy, vest=orange, helmet=(0.66, 0.66, 0.64)), stride=0.14, swing=0.10, bend=0.32
    )
    view.add(close.placed((-2.3, 13.1, 0), 112))
    walking = person(
        cloth, Clothes(grey, (0.04, 0.045, 0.06), vest=lime, helmet=(0.60, 0.42, 0.03)), stride=0.32, swing=0.24
    )
    view.add(walking.placed((4.7, 12.4, 0), 96))
    other = person(
        cloth,
        Clothes((0.10, 0.12, 0.16), grey, vest=orange, helmet=(0.60, 0.42, 0.03), skin=(0.22, 0.12, 0.075)),
        stride=0.28,
        swing=0.2,
    )
    view.add(other.placed((4.6, 19.6, 0), -84))
    return view


def main() -> None:
    """Render and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--passes", type=int, default=18)
    args = parser.parse_args()
    from PIL import Image

    camera = Camera(SIZE, eye=(1.6, 0.0, 3.4), yaw=0.0, pitch=-6.5, fov=60)
    light = render(scene(), camera, passes=args.passes, shadow=5000)
    Image.fromarray(developed(light, exposure=0.95)).save(args.out / "yard.jpg", quality=91, subsampling=0)


if __name__ == "__main__":
    main()
