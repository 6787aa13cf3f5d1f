"""An airfield and a harbour from above, rendered: no real place. Run: python samples/make/overhead.py --out samples/"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from noise import cloudy, speckle
from raster import Array, Camera, Hit, Mesh, Scene, Surface, developed, join, render
from shapes import box, ground, prism, quads, tube
from vehicles import Garage

GSD = 0.30  # metres a pixel
SIZE = (2400, 1600)
SHORE = -62.0  # y below which there is water
WHITE = (0.70, 0.70, 0.69)


def airliner(shader: int, *, length: float = 36.0, accent: tuple[float, float, float] = (0.05, 0.10, 0.35)) -> Mesh:
    """A twin-engined airliner, nose along +x."""
    s = length / 36
    x = np.array([-18, -16.5, -13, -9, -5, 0, 6, 12, 14.5, 16.2, 17.3, 18.0]) * s
    r = np.array([0.25, 0.6, 1.25, 1.75, 1.95, 1.97, 1.97, 1.95, 1.75, 1.35, 0.85, 0.15]) * s
    z = np.array([4.6, 4.5, 4.1, 3.7, 3.5, 3.4, 3.4, 3.4, 3.35, 3.2, 3.1, 3.05]) * s
    parts = [tube(np.stack([x, 0 * x, z], 1), r, shader, WHITE, 24)]
    for sign in (-1, 1):
        wing = np.array([(5.2, 0.8), (1.0, 6.2), (-3.9, 16.6), (-5.4, 17.0), (-5.7, 16.8), (-3.2, 6.4), (-3.6, 0.8)])
        parts.append(prism(wing * [s, sign * s], (2.7 * s, 2.95 * s), shader, (0.62, 0.63, 0.65)))
        tail = np.array([(-12.2, 0.4), (-16.6, 6.2), (-17.7, 6.4), (-16.4, 0.4)])
        parts.append(prism(tail * [s, sign * s], (4.5 * s, 4.65 * s), shader, (0.66, 0.67, 0.69)))
        y = sign * 5.9 * s
        engine = np.array([(4.6 * s, y, 1.9 * s), (4.2 * s, y, 1.9 * s), (2.5 * s, y, 1.9 * s), (0.3 * s, y, 1.95 * s)])
        parts.append(tube(engine, np.array([1.0, 1.12, 1.12, 0.7]) * s, shader, WHITE, 16))
        parts.append(box((2.6 * s, 0.3 * s, 0.8 * s), (1.6 * s, y, 2.2 * s), shader, WHITE))
    fin = np.array([(-11.2, 4.8), (-14.8, 10.6), (-17.0, 10.6), (-16.2, 4.8)]) * s
    for y in (-0.16 * s, 0.16 * s):
        parts.append(quads(np.stack([fin[:, 0], np.full(4, y), fin[:, 1]], 1)[None], shader, accent))
    top = np.array([fin[1], fin[2]])
    parts.append(box((2.2 * s, 0.34 * s, 0.05), (float(top[:, 0].mean()), 0, 10.58 * s), shader, accent))
    cockpit = np.array([(16.3, 0.75), (16.75, 0.5), (16.75, -0.5), (16.3, -0.75), (16.0, -0.6), (16.0, 0.6)]) * s
    parts.append(prism(cockpit, (4.25 * s, 4.32 * s), shader, (0.03, 0.03, 0.04)))
    return join(parts)


def light_plane(shader: int, accent: tuple[float, float, float]) -> Mesh:
    """A small high-wing propeller plane."""
    x = np.array([-4.2, -3.4, -1.2, 0.5, 1.8, 2.9, 3.3])
    r = np.array([0.12, 0.22, 0.5, 0.62, 0.6, 0.5, 0.2])
    parts = [tube(np.stack([x, 0 * x, 0 * x + 1.5], 1), r, shader, WHITE, 16)]
    wing = np.array([(1.5, -5.5), (1.5, 5.5), (1.2, 5.7), (0.2, 5.6), (0.0, 0.0), (0.2, -5.6), (1.2, -5.7)])
    parts.append(prism(wing, (2.2, 2.35), shader, WHITE))
    for sign in (-1, 1):
        tip = np.array([(1.45, 4.2), (1.45, 5.5), (0.25, 5.55), (0.2, 4.2)]) * [1, sign]
        parts.append(prism(tip, (2.35, 2.37), shader, accent))
    parts.append(prism(np.array([(-3.2, -1.9), (-3.2, 1.9), (-4.1, 1.8), (-4.1, -1.8)]), (1.7, 1.78), shader, WHITE))
    parts.append(box((1.2, 0.14, 1.5), (-3.8, 0, 1.5), shader, accent))
    parts.append(box((0.08, 1.9, 0.08), (3.35, 0, 1.5), shader, (0.05, 0.05, 0.05)))
    return join(parts)


def _hull(length: float, beam: float, blunt: float = 0.25) -> Array:
    half, b = length / 2, beam / 2
    t = np.linspace(0, 1, 9)
    bow = np.stack([half - (1 - t) * length * blunt, b * (1 - t**2.2)], 1)
    right = np.concatenate([[(-half, b * 0.82), (-half + length * 0.06, b)], bow])
    return np.concatenate([right, right[-2::-1] * [1, -1]])


def cargo_ship(shader: int, rng: np.random.Generator, length: float = 110.0, beam: float = 17.0) -> Mesh:
    """A container ship, bow along +x."""
    hull = _hull(length, beam, 0.2)
    parts = [
        prism(hull, (-2, 6.2), shader, (0.20, 0.045, 0.035)),
        prism(hull * 0.975, (6.2, 6.25), shader, (0.17, 0.11, 0.085)),
    ]
    aft = -length / 2
    parts.append(box((10, beam * 0.86, 12), (aft + 10, 0, 6), shader, (0.76, 0.76, 0.73)))
    parts.append(box((5, beam * 1.05, 2.6), (aft + 12, 0, 18), shader, (0.8, 0.8, 0.78)))
    parts.append(box((3.4, 3.6, 7), (aft + 5.6, 0, 14), shader, (0.10, 0.16, 0.34)))
    parts.append(tube(np.array([(aft + 12, 0, 20.0), (aft + 12, 0, 26)]), 0.3, shader, (0.7, 0.7, 0.7), 8))
    parts.append(box((7, 5.5, 1.6), (length / 2 - 11, 0, 6.2), shader, (0.55, 0.55, 0.5)))
    parts.append(tube(np.array([(length / 2 - 8, 0, 6.2), (length / 2 - 8, 0, 17)]), 0.35, shader, (0.7, 0.7, 0.7), 8))
    paints = [
        (0.32, 0.05, 0.035),
        (0.03, 0.09, 0.24),
        (0.06, 0.17, 0.12),
        (0.46, 0.46, 0.44),
        (0.38, 0.15, 0.03),
        (0.10, 0.22, 0.33),
    ]
    x = aft + 20.0
    while x < length / 2 - 24:
        stack = rng.integers(1, 4)
        for lane in range(6):
            if rng.random() < 0.08:
                continue
            high = max(1, int(stack + rng.integers(-1, 2)))
            tint = np.array(paints[rng.integers(len(paints))]) * rng.uniform(0.75, 1.1)
            parts.append(box((12.0, 2.38, 2.55 * high), (x + 6.1, (lane - 2.5) * 2.5, 6.3), shader, tuple(tint)))
        x += 12.9
    return join(parts)


def tanker(shader: int, length: float = 84.0, beam: float = 13.0) -> Mesh:
    """A coastal tanker, bow along +x."""
    hull = _hull(length, beam, 0.22)
    parts = [
        prism(hull, (-2, 4.4), shader, (0.03, 0.04, 0.07)),
        prism(hull * 0.97, (4.4, 4.45), shader, (0.16, 0.25, 0.20)),
    ]
    aft = -length / 2
    parts.append(box((11, beam * 0.85, 9), (aft + 9.5, 0, 4.4), shader, (0.8, 0.8, 0.78)))
    parts.append(box((4, beam * 1.0, 2.4), (aft + 13, 0, 13.4), shader, (0.78, 0.78, 0.77)))
    parts.append(box((2.8, 2.8, 5), (aft + 5, 0, 11), shader, (0.45, 0.08, 0.05)))
    for y in (-1.6, -0.5, 0.5, 1.6):
        pipe = np.array([(aft + 18, y, 5.3), (length / 2 - 14, y, 5.3)])
        parts.append(tube(pipe, 0.32, shader, (0.52, 0.50, 0.44), 8))
    for x in np.arange(aft + 22, length / 2 - 16, 8.5):
        parts.append(box((0.7, beam * 0.8, 0.6), (float(x), 0, 4.5), shader, (0.35, 0.40, 0.37)))
        for y in (-4.0, 4.0):
            parts.append(tube(np.array([(x + 4, y, 4.4), (x + 4, y, 5.4)]), 1.0, shader, (0.44, 0.46, 0.42), 12))
    parts.append(box((5, 4, 1.3), (length / 2 - 8, 0, 4.4), shader, (0.5, 0.5, 0.47)))
    return join(parts)


def ferry(shader: int, length: float = 62.0, beam: float = 13.5) -> Mesh:
    """A passenger ferry, bow along +x."""
    hull = _hull(length, beam, 0.26)
    parts = [prism(hull, (-2, 5), shader, (0.05, 0.10, 0.26)), prism(hull * 0.98, (5, 5.1), shader, (0.35, 0.36, 0.35))]
    parts.append(prism(_hull(length * 0.82, beam * 0.9, 0.3) - [2.5, 0], (5, 9.5), shader, (0.78, 0.78, 0.77)))
    parts.append(prism(_hull(length * 0.6, beam * 0.72, 0.2) - [3, 0], (9.5, 12.2), shader, (0.82, 0.82, 0.81)))
    parts.append(box((5, beam * 0.8, 2.4), (length * 0.2, 0, 12.2), shader, (0.76, 0.77, 0.78)))
    parts.append(box((5, 3, 4.4), (-length * 0.2, 0, 12.2), shader, (0.45, 0.06, 0.05)))
    for x in np.arange(-length * 0.3, length * 0.2, 5.2):
        for y in (-beam * 0.39, beam * 0.39):
            parts.append(box((3.6, 1.2, 1.0), (float(x), y, 9.5), shader, (0.62, 0.24, 0.05)))
    return join(parts)


def motorboat(shader: int, length: float, tint: tuple[float, float, float]) -> Mesh:
    """A pleasure boat, bow along +x."""
    beam = length * 0.31
    hull = _hull(length, beam, 0.5)
    parts = [
        prism(hull, (-0.3, 1.0), shader, WHITE),
        prism(hull * [0.9, 0.78], (1.0, 1.04), shader, (0.70, 0.68, 0.62)),
    ]
    well = np.array(
        [
            (-length * 0.44, -beam * 0.33),
            (-length * 0.44, beam * 0.33),
            (-length * 0.1, beam * 0.33),
            (-length * 0.1, -beam * 0.33),
        ]
    )
    parts.append(prism(well, (1.04, 1.07), shader, tint))
    parts.append(box((length * 0.26, beam * 0.66, 0.9), (length * 0.04, 0, 1.0), shader, (0.83, 0.83, 0.82)))
    parts.append(box((length * 0.10, beam * 0.6, 0.5), (length * 0.20, 0, 1.0), shader, (0.04, 0.05, 0.06)))
    return join(parts)


def sailing_boat(shader: int, length: float) -> Mesh:
    """A moored sailing boat, sails furled, bow along +x."""
    hull = _hull(length, length * 0.29, 0.62)
    parts = [
        prism(hull, (-0.3, 1.1), shader, (0.78, 0.78, 0.76)),
        prism(hull * [0.94, 0.84], (1.1, 1.13), shader, (0.42, 0.29, 0.17)),
    ]
    parts.append(box((length * 0.32, length * 0.14, 0.5), (length * 0.02, 0, 1.1), shader, (0.8, 0.8, 0.8)))
    mast = np.array([(length * 0.1, 0, 1.0), (length * 0.1, 0, length * 1.15)])
    parts.append(tube(mast, 0.09, shader, (0.75, 0.75, 0.75), 6))
    boom = np.array([(length * 0.1, 0, 2.3), (-length * 0.36, 0, 2.3)])
    parts.append(tube(boom, 0.22, shader, (0.05, 0.09, 0.26), 6))
    return join(parts)


def tree(shader: int, rng: np.random.Generator, radius: float) -> Mesh:
    """A crown of leaves, as a heap of small sheets."""
    n = 420
    out = rng.normal(size=(n, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    out[:, 2] = np.abs(out[:, 2])
    lumps = 1 + 0.25 * np.sin(out[:, 0] * 5 + radius * 9) * np.cos(out[:, 1] * 5)
    centre = out * radius * lumps[:, None] * rng.uniform(0.55, 1.0, (n, 1)) + [0, 0, radius * 0.6]
    u = rng.normal(size=(n, 3))
    u -= (u * out).sum(1, keepdims=True) * out * 0.6
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = np.cross(out, u)
    half = radius * rng.uniform(0.10, 0.2, (n, 1))
    corners = np.stack([centre - u * half, centre + v * half, centre + u * half, centre - v * half], 1)
    mesh = quads(corners, shader)
    tint = np.array([0.055, 0.10, 0.028]) * rng.uniform(0.55, 1.5, (n, 1)) * rng.uniform(0.8, 1.2)
    mesh.colour[:] = np.repeat(tint, 4, 0)
    soft = np.repeat(out, 4, 0) * 0.7 + mesh.normals * 0.3
    mesh.normals[:] = soft / np.linalg.norm(soft, axis=1, keepdims=True)
    return mesh


# --- the land -------------------------------------------------------------------------------------------------------

RUNWAY = (168.0, 45.0)  # centre y, width
TAXI = (108.0, 18.0)


def _band(value: Array, low: float, high: float) -> Array:
    return (value > low) & (value < high)


def _land(hit: Hit) -> Surface:
    x, y = hit.points[:, 0], hit.points[:, 1]
    mottle = cloudy(x, y, 60, 1)
    fine = cloudy(x, y, 6, 2, 0.9)
    grain = speckle(x, y, 0.3, 4)
    grass = np.array([0.088, 0.110, 0.044]) * (1 + 0.16 * mottle + 0.13 * fine + 0.25 * (grain - 0.5))[:, None]
    dry = np.clip(0.28 * cloudy(x, y, 110, 7) - 0.05, 0, 0.55)[:, None]
    grass = grass * (1 - dry) + np.array([0.20, 0.165, 0.085]) * dry
    mown = 1 + 0.05 * np.sign(np.sin(y * 2 * np.pi / 14))
    albedo = grass * mown[:, None]
    wear = 1 + 0.06 * cloudy(x, y, 25, 5) + 0.07 * cloudy(x, y, 3, 6, 0.8) + 0.10 * (grain - 0.5)

    def paint(where: Array, tint: tuple[float, float, float] | float, rough: Array = wear) -> None:
        albedo[where] = (np.broadcast_to(tint, (len(x), 3)) * rough[:, None])[where]

    asphalt, concrete, white = (0.085, 0.087, 0.09), (0.30, 0.29, 0.27), (0.62, 0.62, 0.60)
    yellow = (0.52, 0.36, 0.05)
    cy, cw = RUNWAY
    paint(np.abs(y - cy) < cw / 2 + 5, (0.115, 0.112, 0.106))
    runway = np.abs(y - cy) < cw / 2
    paint(runway, asphalt)
    rubber = runway & (np.abs(y - cy) < 9 + 2 * fine)
    albedo[rubber] *= (1 - 0.38 * np.exp(-(((x + 200) / 130) ** 2)))[rubber, None]
    paint(runway & (np.abs(np.abs(y - cy) - 21.2) < 0.5), white)
    paint(runway & (np.abs(y - cy) < 0.5) & (x % 50 < 30) & (x > -235), white)
    piano = runway & _band(x, -330, -298) & (((np.abs(y - cy) + 0.6) % 3.6) < 1.8) & _band(np.abs(y - cy), 2, 20)
    paint(piano, white)
    aim = runway & _band(x, -180, -135) & _band(np.abs(y - cy), 7, 13)
    paint(aim, white)
    for at in (-95.0, -60.0):
        paint(runway & _band(x, at, at + 22) & _band(np.abs(y - cy), 8, 9.8), white)
        paint(runway & _band(x, at, at + 22) & _band(np.abs(y - cy), 10.6, 12.4), white)
    # Taxiway, its links to the runway, and the apron of concrete slabs.
    ty, tw = TAXI
    link = np.zeros(len(x), bool)
    for at, lean in ((-262.0, 0.0), (60.0, 0.55), (300.0, 0.0)):
        middle = at + lean * (y - ty)
        here = _band(y, ty, cy - cw / 2) & (np.abs(x - middle) < 11)
        link |= here
        paint(here, (0.10, 0.10, 0.10))
    taxi = np.abs(y - ty) < tw / 2
    paint(np.abs(y - ty) < tw / 2 + 3, (0.12, 0.118, 0.11))
    paint(taxi, (0.105, 0.105, 0.105))
    apron = _band(x, -250, 170) & _band(y, 8, ty - tw / 2)
    slab = 1 + 0.10 * (speckle(x, y, 7.5, 8) - 0.5)
    paint(apron, concrete, wear * slab)
    joint = apron & ((x % 7.5 < 0.18) | (y % 7.5 < 0.18))
    albedo[joint] *= 0.72
    oil = apron & (cloudy(x, y, 9, 12, 1.3) > 1.75)
    albedo[oil] *= 0.72
    paint(taxi & (np.abs(y - ty) < 0.22), yellow)
    for at, lean in ((-262.0, 0.0), (60.0, 0.55), (300.0, 0.0)):
        paint(link & (np.abs(x - at - lean * (y - ty)) < 0.22), yellow)
    for stand in STANDS:
        line = apron & (np.abs(x - stand) < 0.22) & _band(y, 26, ty)
        paint(line, yellow)
        stop = apron & (np.abs(x - stand) < 2.2) & (np.abs(y - 29.5) < 0.25)
        paint(stop, yellow)
        edge = apron & (np.abs(np.abs(x - stand) - 22.5) < 0.2) & _band(y, 18, 84)
        paint(edge, (0.42, 0.10, 0.08))
    # A service road, the car park, the quay.
    road = _band(y, -13, -3)
    paint(road, (0.10, 0.10, 0.102))
    paint(road & (np.abs(np.abs(y + 8) - 4.5) < 0.12), white)
    paint(road & (np.abs(y + 8) < 0.10) & (x % 9 < 3), white)
    lot = _band(x, PARK[0], PARK[1]) & _band(y, PARK[2], PARK[3])
    paint(lot, (0.095, 0.096, 0.10))
    for row in ROWS:
        bays = lot & (np.abs(y - row) < 2.5) & ((((x - PARK[0]) % 2.6) < 0.12) | (np.abs(y - row) > 5))
        paint(bays, white)
    quay = _band(y, SHORE, -18) & _band(x, -400, 120)
    paint(quay, (0.235, 0.228, 0.215), wear * (1 + 0.08 * (speckle(x, y, 10, 3) - 0.5)))
    albedo[quay & ((x % 10 < 0.15) | (y % 10 < 0.15))] *= 0.75
    paint(quay & (np.abs(y - SHORE - 9) < 0.12), (0.10, 0.09, 0.085))
    paint(quay & (np.abs(y - SHORE - 20) < 0.12), (0.10, 0.09, 0.085))
    paint(quay & (y < SHORE + 1.2), (0.34, 0.33, 0.30))
    return Surface(np.maximum(albedo, 0.01), 0.004, sharp=0.0)


def _water(hit: Hit) -> Surface:
    x, y = hit.points[:, 0], hit.points[:, 1]
    swell = cloudy(x * 1.0, y * 1.7, 14, 21, 1.1)
    ripple = cloudy(x * 1.3, y * 2.0, 3.2, 22, 0.9)
    depth = np.clip((SHORE - y) / 120, 0, 1)
    base = np.array([0.020, 0.048, 0.052]) * (1 - depth[:, None]) + np.array([0.010, 0.030, 0.042]) * depth[:, None]
    shade = 1 + 0.10 * swell + 0.13 * ripple + 0.10 * cloudy(x, y, 150, 23)
    normals = np.stack([0.035 * ripple, 0.05 * swell, np.ones(len(x))], 1).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    albedo = base * np.maximum(shade, 0.3)[:, None]
    for (wx, wy), heading, length in WAKES:
        c, s = np.cos(np.radians(heading)), np.sin(np.radians(heading))
        along, across = -((x - wx) * c + (y - wy) * s), np.abs(-(x - wx) * s + (y - wy) * c)
        inside = (along > 0) & (along < length)
        fade = np.clip(1 - along / length, 0, 1)
        arms = np.exp(-(((across - 0.20 * along - 0.8) / (0.5 + 0.035 * along)) ** 2)) * 0.45
        churn = np.exp(-((across / (0.9 + 0.016 * along)) ** 2))
        broken = np.clip(0.55 + 0.45 * cloudy(x, y, 2.4, 24, 0.8), 0, 1)
        foam = np.where(inside, (arms * broken * fade + 0.6 * churn * broken) * fade, 0)
        albedo = albedo + np.clip(foam, 0, 1)[:, None] * 0.42
    return Surface(albedo, 0.02, normals=normals, sharp=0.05)


def _matt(hit: Hit) -> Surface:
    x, y = hit.points[:, 0], hit.points[:, 1]
    return Surface(hit.colour * (1 + 0.04 * cloudy(x, y, 5, 31, 0.9))[:, None], 0.02, sharp=0.1)


def _roof(hit: Hit) -> Surface:
    x, y = hit.local[:, 0], hit.local[:, 1]
    ribs = 1 - 0.10 * (x % 1.5 < 0.35)
    dirt = 1 + 0.08 * cloudy(hit.points[:, 0], hit.points[:, 1], 18, 33) + 0.04 * cloudy(x, y, 2.5, 34, 0.8)
    return Surface(hit.colour * (ribs * dirt)[:, None], 0.02, sharp=0.1)


def _leaf(hit: Hit) -> Surface:
    return Surface(hit.colour, 0.0)


def _sky(rays: Array) -> Array:
    up = np.clip(rays[:, 2:], 0, 1)
    return np.array([0.34, 0.50, 0.80]) * (0.55 + 0.45 * up) * 0.85 + np.array([0.20, 0.17, 0.12]) * (1 - up)


STANDS = (-215.0, -160.0, -105.0, -50.0, 5.0, 60.0)
PARK = (186.0, 330.0, 14.0, 88.0)
ROWS = (20.0, 36.5, 41.5, 58.0, 63.0, 80.0)
WAKES = (((52.0, -196.0), 12.0, 95.0), ((-250.0, -215.0), 172.0, 60.0))


def scene() -> Scene:
    """The whole place; x runs to the right of the picture, y up."""
    rng = np.random.default_rng(11)
    view = Scene(sky=_sky, sun=(-0.62, 0.50, 0.95), sun_light=(2.9, 2.65, 2.25), sun_size=0.006, sky_gain=0.62)
    view.bounce = (0.05, 0.05, 0.045)
    land, water = view.shader(_land), view.shader(_water)
    matt, roof, leaf = view.shader(_matt), view.shader(_roof), view.shader(_leaf)
    garage = Garage(view, step=0.09)
    west, east = -380.0, 380.0
    view.add(ground((west, east), (SHORE, 260.0), 20, 0.0, land))
    view.add(ground((west, east), (-260.0, SHORE), 20, -2.6, water))
    view.add(
        quads(
            np.array([[(west, SHORE, -3), (east, SHORE, -3), (east, SHORE, 0), (west, SHORE, 0)]]),
            matt,
            (0.2, 0.2, 0.19),
        )
    )

    accents = [(0.05, 0.10, 0.35), (0.38, 0.05, 0.04), (0.03, 0.22, 0.20), (0.42, 0.20, 0.03), (0.10, 0.10, 0.12)]
    for stand, accent, length in zip((-215.0, -160.0, -50.0, 5.0, 60.0), accents, (37, 34, 38, 34, 37), strict=True):
        plane = airliner(matt, length=length, accent=accent)
        view.add(plane.placed((stand, 30.0 + length / 2 + 1, 0), -90))
        for dx, dy, kind in ((-9, 10, 0), (8, 16, 1), (-7, 26, 2)):  # what serves a plane on the ground
            tint = [(0.62, 0.62, 0.60), (0.55, 0.36, 0.05), (0.20, 0.26, 0.34)][kind]
            view.add(box((2.2, 4.6, 2.0), (stand + dx, 32 + dy, 0), matt, tint))
    view.add(airliner(matt, length=36, accent=accents[0]).placed((-118, TAXI[0], 0), 180))
    view.add(airliner(matt, length=37, accent=accents[1]).placed((205, RUNWAY[0], 0), 0))
    for x, y, turn, accent in (
        (118, 86, -90, 1),
        (118, 68, -90, 0),
        (136, 86, -90, 2),
        (136, 68, -90, 4),
        (154, 86, -90, 3),
        (154, 68, -90, 1),
    ):
        view.add(light_plane(matt, accents[accent]).placed((x, y, 0), turn))

    # The terminal with its piers, two hangars.
    view.add(box((300, 17, 11), (-82, 17, 0), roof, (0.50, 0.50, 0.49)))
    view.add(box((120, 11, 3), (-82, 17, 11), roof, (0.42, 0.43, 0.44)))
    for x in np.arange(-222, 60, 13.0):
        view.add(box((3.6, 3.0, 1.4), (float(x), 22, 11), matt, (0.44, 0.45, 0.45)))
    for stand in (-215.0, -160.0, -50.0, 5.0, 60.0):
        view.add(box((3.0, 14, 3), (stand - 5.0, 31, 3.6), matt, (0.46, 0.47, 0.47)))
    view.add(box((46, 30, 13), (128, 27, 0), roof, (0.34, 0.38, 0.40)))

    # Cars in their bays, vehicles on the road.
    tints = [
        (0.62, 0.62, 0.62),
        (0.04, 0.04, 0.045),
        (0.30, 0.31, 0.33),
        (0.36, 0.03, 0.03),
        (0.04, 0.09, 0.28),
        (0.72, 0.72, 0.70),
        (0.14, 0.15, 0.16),
    ]
    plain = {}
    for i, tint in enumerate(tints):
        plain[i] = (garage.saloon(tint), garage.estate(tint))
    for row in ROWS:
        for x in np.arange(PARK[0] + 1.3 + 2.6, PARK[1] - 4, 2.6):
            if rng.random() < 0.74:
                car = plain[int(rng.integers(len(tints)))][int(rng.integers(2))]
                at = (float(x) + rng.normal() * 0.08, row + rng.normal() * 0.15, 0)
                view.add(car.placed(at, 90 + 180 * int(rng.integers(2)) + rng.normal() * 1.2))
    for x, lane in (
        (-330, -10.2),
        (-240, -5.8),
        (-205, -10.2),
        (-96, -5.8),
        (-30, -10.2),
        (40, -10.2),
        (75, -5.8),
        (160, -10.2),
        (215, -5.8),
        (300, -10.2),
    ):
        car = plain[int(rng.integers(len(tints)))][int(rng.integers(2))]
        view.add(car.placed((x, lane, 0), 0 if lane < -8 else 180))
    view.add(
        garage.bus((0.50, 0.06, 0.04)).placed((120, -5.8, 0), 180),
        garage.bus((0.6, 0.6, 0.58)).placed((-150, -10.2, 0), 0),
    )
    for x, lane, tint in (
        (-285, -10.2, (0.6, 0.6, 0.58)),
        (5, -5.8, (0.10, 0.2, 0.34)),
        (250, -10.2, (0.6, 0.6, 0.58)),
    ):
        view.add(garage.lorry((0.55, 0.55, 0.53), tint, 9.5).placed((x, lane, 0), 0 if lane < -8 else 180))

    # The quay: sheds, stacks of containers, two gantry cranes, lorries.
    for x, w, tint in ((-345, 52, (0.42, 0.30, 0.25)), (-282, 60, (0.36, 0.40, 0.42))):
        view.add(box((w, 20, 9), (x, -30, 0), roof, tint))
    boxes = [(0.34, 0.06, 0.04), (0.03, 0.10, 0.26), (0.07, 0.19, 0.13), (0.46, 0.46, 0.44), (0.40, 0.17, 0.03)]
    for bx in np.arange(-236, -60, 13.5):
        for by in np.arange(-36.5, -20, 2.9):
            if rng.random() < 0.8:
                tint = np.array(boxes[rng.integers(len(boxes))]) * rng.uniform(0.75, 1.15)
                view.add(box((12.2, 2.44, 2.6 * int(rng.integers(1, 4))), (float(bx), float(by), 0), roof, tuple(tint)))
    for cx in (-210.0, -128.0):
        steel = (0.50, 0.22, 0.03)
        for dx in (-8, 8):
            for dy in (9, 20):
                view.add(box((1.3, 1.3, 30), (cx + dx, SHORE + dy, 0), matt, steel))
            view.add(box((1.2, 66, 1.6), (cx + dx * 0.35, SHORE + 2, 30), matt, steel))
        for dy in (9, 20):
            view.add(box((17, 1.3, 1.4), (cx, SHORE + dy, 30), matt, steel))
        for dy in np.arange(-30, 34, 8.0):
            view.add(box((6, 0.6, 0.6), (cx, SHORE + 2 + float(dy), 31), matt, steel))
        view.add(box((7, 8, 5), (cx, SHORE + 24, 31), matt, (0.5, 0.5, 0.48)))
    for x in (-252, -170, -88, -40, 20):
        view.add(garage.lorry((0.5, 0.08, 0.05), (0.55, 0.55, 0.53), 11).placed((x, SHORE + 14.5, 0), 0))

    # Ships and small craft.
    view.add(cargo_ship(matt, rng, 118, 18).placed((-176, SHORE - 11.5, -2.6), 0))
    view.add(tanker(matt, 84, 13).placed((-52, SHORE - 8.5, -2.6), 180))
    view.add(ferry(matt).placed((60, SHORE - 9.0, -2.6), 0))
    view.add(tanker(matt, 92, 14).placed((-170, -176, -2.6), 8))
    view.add(cargo_ship(matt, rng, 96, 15.5).placed((216, -206, -2.6), 188))
    view.add(motorboat(matt, 13, (0.06, 0.12, 0.3)).placed((52, -196, -2.6), 12))
    view.add(motorboat(matt, 11, (0.3, 0.06, 0.05)).placed((-250, -215, -2.6), 172))
    # The marina: jetties of planks with boats on both sides.
    for jetty in (150.0, 196.0, 242.0, 288.0, 334.0):
        view.add(box((2.6, 78, 0.7), (jetty, SHORE - 39, -2.4), matt, (0.26, 0.22, 0.17)))
        for y in np.arange(SHORE - 8, SHORE - 74, -5.4):
            for sign in (-1, 1):
                if rng.random() < 0.82:
                    length = float(rng.uniform(8.0, 13.5))
                    at = (jetty + sign * (2.2 + length / 2), float(y) + rng.normal() * 0.2, -2.6)
                    turn = (0 if sign > 0 else 180) + rng.normal() * 2
                    boat = (
                        sailing_boat(matt, length)
                        if rng.random() < 0.4
                        else motorboat(
                            matt,
                            length,
                            [(0.32, 0.22, 0.12), (0.06, 0.10, 0.24), (0.45, 0.44, 0.4)][int(rng.integers(3))],
                        )
                    )
                    view.add(boat.placed(at, turn))
    # Trees where nothing else is.
    crowns = [tree(leaf, rng, float(rng.uniform(2.2, 4.2))) for _ in range(10)]
    spots = [(float(rng.uniform(130, 370)), float(rng.uniform(-56, -20))) for _ in range(85)]
    spots += [(float(rng.uniform(338, 372)), float(rng.uniform(0, 92))) for _ in range(34)]
    spots += [(float(rng.uniform(-372, -262)), float(rng.uniform(4, 88))) for _ in range(70)]
    for x, y in spots:
        if -330 < x < -290 and 30 < y < 60:
            continue
        view.add(
            crowns[int(rng.integers(10))].placed((x, y, 0), float(rng.uniform(0, 360)), float(rng.uniform(0.8, 1.2)))
        )
    return view


def main() -> None:
    """Render and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--passes", type=int, default=10)
    parser.add_argument("--scale", type=float, default=1.0, help="below 1 for a quick look")
    args = parser.parse_args()
    from PIL import Image

    size = (int(SIZE[0] * args.scale), int(SIZE[1] * args.scale))
    camera = Camera(size, eye=(0, 0, 400), ortho=SIZE[0] * GSD)
    light = render(scene(), camera, passes=args.passes, shadow=max(2048, int(size[0] * 1.7)))
    picture = developed(light, exposure=0.95, bloom=0.02, vignette=0.0, grain=1.6)
    Image.fromarray(picture).save(args.out / "airfield-and-harbour.jpg", quality=88, subsampling=0)


if __name__ == "__main__":
    main()
