"""Patterns that nature makes: smooth noise that can be asked at any place."""

from __future__ import annotations

from functools import cache

import numpy as np
from raster import Array

_SIZE = 512


@cache
def _sheet(seed: int, slope: float) -> Array:
    """A tile of noise whose power falls with frequency, mean 0, deviation 1; no blot is larger than a fifth of it."""
    rng = np.random.default_rng(seed)
    fy, fx = np.meshgrid(np.fft.fftfreq(_SIZE), np.fft.fftfreq(_SIZE), indexing="ij")
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1
    spectrum = np.fft.fft2(rng.normal(size=(_SIZE, _SIZE))) / radius**slope
    spectrum[radius < 5 / _SIZE] = 0  # so that the repeat of the tile does not show
    tile = np.fft.ifft2(spectrum).real
    return (tile / tile.std()).astype(np.float32)


def cloudy(x: Array, y: Array, scale: float, seed: int = 0, slope: float = 1.4) -> Array:
    """Noise at points; its largest blots are about ``scale`` across."""
    tile = _sheet(seed, slope)
    c, s = np.cos(0.5 + seed), np.sin(0.5 + seed)
    u, v = (c * x - s * y) * (_SIZE / (10 * scale)), (s * x + c * y) * (_SIZE / (10 * scale))
    i, j = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    fu, fv = (u - i).astype(np.float32), (v - j).astype(np.float32)
    i0, j0, i1, j1 = i % _SIZE, j % _SIZE, (i + 1) % _SIZE, (j + 1) % _SIZE
    top = tile[j0, i0] * (1 - fu) + tile[j0, i1] * fu
    low = tile[j1, i0] * (1 - fu) + tile[j1, i1] * fu
    return top * (1 - fv) + low * fv


def speckle(x: Array, y: Array, cell: float, seed: int = 0) -> Array:
    """One random number in [0, 1) a cell."""
    i, j = np.floor(x / cell).astype(np.int64), np.floor(y / cell).astype(np.int64)
    h = (i * 374761393 + j * 668265263 + seed * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFF).astype(np.float32) / 65536
