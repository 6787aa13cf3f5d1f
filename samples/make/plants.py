"""Trees and hedges as heaps of small sheets, lit as the round body they make."""

from __future__ import annotations

import numpy as np
from raster import Mesh, join
from shapes import quads, tube


def leaves(
    shader: int, rng: np.random.Generator, centres: list[tuple[float, float, float, float]], count: int, size: float,
    tint: tuple[float, float, float],
) -> Mesh:  # fmt: skip
    """Leaves in balls, each ball given as x, y, z, radius."""
    balls = np.array(centres)
    share = balls[:, 3] ** 2 / (balls[:, 3] ** 2).sum()
    owner = rng.choice(len(balls), count, p=share)
    out = rng.normal(size=(count, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    reach = rng.uniform(0.25, 1.0, (count, 1)) ** 0.5
    place = balls[owner, :3] + out * balls[owner, 3:] * reach
    u = rng.normal(size=(count, 3))
    u -= (u * out).sum(1, keepdims=True) * out * 0.5
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = np.cross(out, u)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    half = size * rng.uniform(0.5, 1.0, (count, 1))
    corners = np.stack([place - u * half, place + v * half * 0.6, place + u * half, place - v * half * 0.6], 1)
    mesh = quads(corners, shader)
    middle = balls[:, :3].mean(0)
    whole = place - middle
    whole /= np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-6)
    normal = np.repeat(0.5 * out + 0.5 * whole, 4, 0) + mesh.normals * 0.35
    mesh.normals[:] = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    shade = np.array(tint) * rng.uniform(0.6, 1.35, (count, 1)) * (1 + rng.normal(size=(count, 3)) * 0.06)
    mesh.colour[:] = np.repeat(np.clip(shade, 0, 1), 4, 0)
    return mesh


def street_tree(leaf: int, bark: int, rng: np.random.Generator, height: float, count: int = 5200) -> Mesh:
    """A tree with a trunk, as planted along streets."""
    crown = height * 0.62
    balls = [(0.0, 0.0, height * 0.66, crown * 0.36)]
    parts = []
    trunk = np.array([(0, 0, 0), (0.04, 0.02, height * 0.25), (0.02, -0.03, height * 0.45), (0, 0, height * 0.75)])
    parts.append(tube(trunk, np.array([0.17, 0.13, 0.11, 0.05]), bark, (0.11, 0.085, 0.065), 10))
    for k in range(11):
        angle, up = k * 2.399, rng.uniform(0.46, 0.9)
        wide = crown * 0.34 * np.sin(np.pi * (up - 0.30) / 0.75)
        x, y, z = wide * np.cos(angle), wide * np.sin(angle), height * up
        balls.append((x, y, z, crown * rng.uniform(0.15, 0.23)))
        path = np.array([(0, 0, z * 0.55), (x * 0.5, y * 0.5, z * 0.8), (x, y, z)])
        parts.append(tube(path, np.array([0.06, 0.045, 0.02]), bark, (0.10, 0.08, 0.06), 6))
    parts.append(leaves(leaf, rng, balls, count, 0.16, (0.075, 0.125, 0.03)))
    return join(parts)
