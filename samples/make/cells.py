"""Three painted blood cells among red cells: no real person's blood.

Run: python samples/make/cells.py --out samples/
The look is that of a May-Gruenwald-Giemsa stain at 100x: violet chromatin, pale or granular cytoplasm.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from noise import cloudy
from raster import Array
from shapes import capsule, soft_min

SIZE = (360, 363)
OVER = 3  # painted three times as large, then reduced


def _grid() -> tuple[Array, Array]:
    width, height = SIZE
    x = (np.arange(width * OVER, dtype=np.float32) + 0.5) / OVER
    y = (np.arange(height * OVER, dtype=np.float32) + 0.5) / OVER
    gx, gy = np.meshgrid(x, y)
    return gx, gy


def _cover(distance: Array, soft: float = 0.9) -> Array:
    """Share of a pixel that lies inside, with the softness of the lens (pixels)."""
    return np.clip(0.5 - distance / (2 * soft), 0, 1)


def _lay(picture: Array, tint: Array | tuple[float, float, float], share: Array) -> None:
    picture += (np.asarray(tint, np.float32) - picture) * share[..., None]


def _red_cell(
    picture: Array, x: Array, y: Array, at: tuple[float, float], size: float, rng: np.random.Generator
) -> None:
    """A red cell: a pale pink disc, paler in the middle, darker at its rim; where two lie over each other both stay."""
    angle = np.arctan2(y - at[1], x - at[0])
    wobble = sum(
        rng.normal() * s * np.cos(k * angle + rng.uniform(0, 6.3)) for k, s in ((2, 0.05), (3, 0.02), (5, 0.008))
    )
    radius = np.hypot(x - at[0], y - at[1]) / (1 + wobble)
    inside = _cover(radius - size, 1.3)
    r = np.clip(radius / size, 0, 1)
    hollow = rng.uniform(0.05, 0.6)
    thick = 1 - hollow * np.exp(-((r / 0.42) ** 2.6)) + 0.10 * np.exp(-(((r - 0.93) / 0.07) ** 2))
    shade = 1 + 0.012 * cloudy(x, y, 22, int(rng.integers(90)))
    absorb = np.array([0.20, 0.335, 0.215], np.float32)
    picture *= np.exp(-absorb * (inside * thick * shade * rng.uniform(0.88, 1.08))[..., None])


def _platelet(picture: Array, x: Array, y: Array, at: tuple[float, float], size: float, seed: int) -> None:
    rough = 1 + 0.16 * cloudy(x, y, 7, seed, 2.2)
    share = _cover(np.hypot(x - at[0], y - at[1]) - size * rough, 1.2)
    grains = np.clip(0.5 + 0.45 * cloudy(x, y, 2.6, seed + 1, 2.0), 0, 1)
    _lay(picture, (0.60, 0.45, 0.72), share * 0.75)
    _lay(picture, (0.30, 0.13, 0.42), share * grains * 0.85)


def _blobs(
    x: Array, y: Array, rods: list[tuple[tuple[float, float], tuple[float, float], float, float]], soft: float
) -> Array:
    p = np.stack([x.ravel(), y.ravel()], 1)
    value = np.full(len(p), 1e3, np.float32)
    for a, b, ra, rb in rods:
        value = soft_min(value, capsule(p, a, b, ra, rb), soft)
    return value.reshape(x.shape)


def _nucleus(picture: Array, x: Array, y: Array, distance: Array, seed: int, dark: float = 1.0) -> None:
    """Chromatin: deep violet clumps with paler gaps, darkest at the rim."""
    distance = distance + 0.9 * cloudy(x, y, 14, seed, 2.6)
    share = _cover(distance, 1.1)
    clumps = 0.62 + 0.26 * cloudy(x, y, 7.0, seed + 1, 2.4) + 0.07 * cloudy(x, y, 2.2, seed + 2, 1.8)
    rim = np.exp(-((distance + 2.2) ** 2) / 6)
    density = np.clip(clumps + 0.30 * rim, 0, 1.2) * dark
    pale, deep = np.array([0.36, 0.25, 0.52]), np.array([0.125, 0.055, 0.30])
    tint = pale + (deep - pale) * np.clip(density, 0, 1)[..., None]
    _lay(picture, tint, share)


def _field(rng: np.random.Generator, middle: float) -> tuple[Array, Array, Array]:
    x, y = _grid()
    picture = np.empty((*x.shape, 3), np.float32)
    picture[:] = (0.992, 0.915, 0.815)
    picture *= (1 + 0.006 * cloudy(x, y, 120, 3))[..., None]
    placed: list[tuple[float, float, float]] = [(SIZE[0] / 2, SIZE[1] / 2, middle)]
    for _ in range(900):
        size = float(rng.uniform(33, 40))
        at = (float(rng.uniform(-25, SIZE[0] + 25)), float(rng.uniform(-25, SIZE[1] + 25)))
        slack = rng.uniform(-6, 10)
        if all(
            np.hypot(at[0] - p, at[1] - q) > s + size + max(slack, 1 if i == 0 else -9)
            for i, (p, q, s) in enumerate(placed)
        ):
            placed.append((*at, size))
            _red_cell(picture, x, y, at, size, rng)
        if len(placed) > 14:
            break
    return picture, x, y


def _body(x: Array, y: Array, radius: float, seed: int, stretch: float = 0.04) -> Array:
    angle = np.arctan2(y - SIZE[1] / 2, x - SIZE[0] / 2)
    edge = radius * (
        1 + stretch * np.cos(2 * angle + seed) + 0.02 * np.cos(3 * angle + 2 * seed) + 0.008 * np.cos(7 * angle)
    )
    return np.hypot(x - SIZE[0] / 2, y - SIZE[1] / 2) - edge + 0.8 * cloudy(x, y, 10, seed + 40, 2.4)


def neutrophil() -> Array:
    """Pale, finely dotted cytoplasm; a nucleus of four lobes joined by threads."""
    picture, x, y = _field(np.random.default_rng(21), 78)
    body = _body(x, y, 75, 4)
    share = _cover(body, 1.4)
    _lay(picture, (0.90, 0.79, 0.80), share * 0.93)
    rim = np.exp(-((body + 2) ** 2) / 10) * share
    _lay(picture, (0.80, 0.68, 0.74), rim * 0.45)
    dots = np.clip(cloudy(x, y, 2.6, 61, 1.7) - 0.7, 0, 1.2) * (0.6 + 0.4 * np.clip(cloudy(x, y, 20, 62, 2.0), -1, 1))
    _lay(picture, (0.66, 0.40, 0.52), np.clip(dots, 0, 1) * share)
    lobes = [
        ((146, 158), (154, 146), 21, 18), ((166, 138), (176, 133), 8, 7), ((188, 134), (203, 142), 18, 20),
        ((216, 160), (218, 168), 7, 6), ((219, 184), (212, 202), 19, 21), ((196, 212), (188, 214), 7, 7),
        ((170, 212), (158, 204), 18, 16),
    ]  # fmt: skip
    _nucleus(picture, x, y, _blobs(x, y, lobes, 5), 70)
    return picture


def lymphocyte() -> Array:
    """A round nucleus that nearly fills the cell; a thin sky-blue seam around it."""
    picture, x, y = _field(np.random.default_rng(33), 66)
    body = _body(x, y, 63, 9, 0.05)
    share = _cover(body, 1.3)
    tone = 0.35 + 0.3 * cloudy(x, y, 9, 81, 2.2)
    blue = np.array([0.80, 0.83, 0.90]) + np.array([-0.14, -0.13, -0.05]) * np.clip(tone, 0, 1)[..., None]
    _lay(picture, blue, share)
    rods = [((168, 172), (186, 190), 42, 46), ((182, 168), (190, 172), 42, 42)]
    _nucleus(picture, x, y, _blobs(x, y, rods, 14), 84, 0.52)
    _platelet(picture, x, y, (262, 96), 9, 5)
    return picture


def eosinophil() -> Array:
    """Two lobes like spectacles, and a body packed with orange-red grains."""
    picture, x, y = _field(np.random.default_rng(47), 80)
    body = _body(x, y, 76, 2)
    share = _cover(body + 1.5 * cloudy(x, y, 5, 95, 1.8), 1.3)
    _lay(picture, (0.87, 0.68, 0.66), share)
    rng = np.random.default_rng(6)
    # Grains are laid one by one, as balls with a light side.
    for _ in range(1500):
        angle, reach = rng.uniform(0, 2 * np.pi), 74 * np.sqrt(rng.random())
        gx, gy, r = SIZE[0] / 2 + reach * np.cos(angle), SIZE[1] / 2 + reach * np.sin(angle), rng.uniform(1.9, 3.0)
        c0, c1 = int((gx - r - 2) * OVER), int((gx + r + 2) * OVER)
        r0, r1 = int((gy - r - 2) * OVER), int((gy + r + 2) * OVER)
        px, py = x[r0:r1, c0:c1], y[r0:r1, c0:c1]
        dot = _cover(np.hypot(px - gx, py - gy) - r, 0.8) * share[r0:r1, c0:c1]
        light = np.clip(1 - np.hypot(px - gx + 0.6, py - gy + 0.6) / r, 0, 1)[..., None]
        tint = np.array([0.76, 0.44, 0.42]) * rng.uniform(0.86, 1.08) + light * [0.12, 0.13, 0.11]
        patch = picture[r0:r1, c0:c1]
        patch += (tint.astype(np.float32) - patch) * dot[..., None] * 0.85
    lobes = [((196, 132), (216, 146), 25, 26), ((224, 172), (222, 182), 6, 6), ((216, 206), (194, 220), 26, 25)]
    _nucleus(picture, x, y, _blobs(x, y, lobes, 7), 98)
    _platelet(picture, x, y, (78, 286), 10, 15)
    return picture


def main() -> None:
    """Paint and save the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1])
    args = parser.parse_args()
    from PIL import Image

    for paint in (neutrophil, lymphocyte, eosinophil):
        picture = cv2.GaussianBlur(paint(), (0, 0), 0.55 * OVER)  # the lens
        picture = cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)
        noise = np.random.default_rng(8).normal(size=picture.shape).astype(np.float32)
        picture = picture + cv2.GaussianBlur(noise, (0, 0), 0.7) * 0.010
        shown = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
        Image.fromarray(shown).save(args.out / f"{paint.__name__}.jpg", quality=92, subsampling=0)


if __name__ == "__main__":
    main()
