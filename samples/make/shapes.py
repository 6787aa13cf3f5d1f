"""Meshes of simple bodies, and meshes of what a distance function says is inside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from raster import Array, Mesh, join

Colour = tuple[float, float, float]
GREY: Colour = (0.5, 0.5, 0.5)


def _mesh(points: Array, normals: Array, faces: Array, shader: int, colour: Colour, local: Array | None = None) -> Mesh:
    points = np.asarray(points, np.float32)
    return Mesh(
        points,
        np.asarray(normals, np.float32),
        points.copy() if local is None else np.asarray(local, np.float32),
        np.broadcast_to(np.asarray(colour, np.float32), points.shape).copy(),
        np.asarray(faces, np.int32),
        np.full(len(faces), shader, np.int16),
    )


def quads(corners: Array, shader: int, colour: Colour = GREY, local: Array | None = None) -> Mesh:
    """Qx4x3 corners in order, flat."""
    corners = np.asarray(corners, np.float32)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    start = np.arange(len(corners))[:, None] * 4
    faces = np.concatenate([start + [0, 1, 2], start + [0, 2, 3]])
    local = None if local is None else np.asarray(local, np.float32).reshape(-1, 3)
    return _mesh(corners.reshape(-1, 3), np.repeat(normal, 4, 0), faces, shader, colour, local)


def box(size: Colour, at: Colour, shader: int, colour: Colour = GREY) -> Mesh:
    """A box of ``size`` whose base is centred on ``at``."""
    sx, sy, sz = size[0] / 2, size[1] / 2, size[2]
    low, high = np.array([-sx, -sy, 0]), np.array([sx, sy, sz])
    c = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    c = low + c * (high - low) + np.asarray(at)
    order = [[0, 4, 5, 1], [6, 2, 3, 7], [2, 0, 1, 3], [4, 6, 7, 5], [1, 5, 7, 3], [2, 6, 4, 0]]
    return quads(c[np.array(order)], shader, colour)


def ground(x: tuple[float, float], y: tuple[float, float], step: float, z: float, shader: int) -> Mesh:
    """A level plane in squares, so that those behind the eye can be left out."""
    xs, ys = np.arange(x[0], x[1] + step, step), np.arange(y[0], y[1] + step, step)
    gx, gy = np.meshgrid(xs, ys)
    points = np.stack([gx.ravel(), gy.ravel(), np.full(gx.size, z)], 1)
    n = len(xs)
    i = (np.arange(len(ys) - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate([np.stack([i, i + 1, i + n + 1], 1), np.stack([i, i + n + 1, i + n], 1)])
    return _mesh(points, np.broadcast_to([0, 0, 1], points.shape), faces, shader, GREY)


def tube(path: Array, radius: Array | float, shader: int, colour: Colour = GREY, sides: int = 16) -> Mesh:
    """A round bar along Px3 points with a radius at each."""
    path = np.asarray(path, np.float64)
    radius = np.broadcast_to(np.asarray(radius, np.float64), (len(path),))
    ahead = np.gradient(path, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    other = np.array([0, 0, 1.0]) if abs(ahead[:, 2]).max() < 0.9 else np.array([1.0, 0, 0])
    u = np.cross(ahead, other)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = np.cross(ahead, u)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    out = u[:, None] * np.cos(angle)[:, None] + v[:, None] * np.sin(angle)[:, None]
    points = path[:, None] + out * radius[:, None, None]
    i = np.arange(len(path) - 1)[:, None] * sides
    j, k = np.arange(sides), (np.arange(sides) + 1) % sides
    faces = np.concatenate(
        [np.stack([i + j, i + k, i + sides + k], 2), np.stack([i + j, i + sides + k, i + sides + j], 2)]
    )
    side = _mesh(points.reshape(-1, 3), out.reshape(-1, 3), faces.reshape(-1, 3), shader, colour)
    caps = []
    for end, sign in ((0, -1), (-1, 1)):
        if radius[end] > 1e-3:
            rim = np.concatenate([path[[end]], points[end]])
            fan = np.stack([np.zeros(sides, int), j + 1, k + 1], 1)
            caps.append(_mesh(rim, np.broadcast_to(ahead[end] * sign, rim.shape), fan, shader, colour))
    return join([side, *caps])


def disc(
    centre: Colour, normal: Colour, radius: float, shader: int, colour: Colour = GREY, sides: int = 32, spin: float = 0
) -> Mesh:
    """A flat plate of many sides, its first corner at ``spin`` degrees; ``local`` holds the place on it in radii."""
    n = np.asarray(normal, float) / np.linalg.norm(normal)
    other = np.array([0, 0, 1.0]) if abs(n[2]) < 0.9 else np.array([1.0, 0, 0])
    u = np.cross(other, n)
    u /= np.linalg.norm(u)
    v = np.cross(n, u)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False) + np.radians(spin)
    place = np.concatenate([[[0, 0]], np.stack([np.cos(angle), np.sin(angle)], 1)])
    points = np.asarray(centre) + radius * (place[:, :1] * u + place[:, 1:] * v)
    j = np.arange(sides)
    faces = np.stack([np.zeros(sides, int), j + 1, (j + 1) % sides + 1], 1)
    local = np.concatenate([place, np.zeros((len(place), 1))], 1)
    return _mesh(points, np.broadcast_to(n, points.shape), faces, shader, colour, local)


def prism(outline: Array, z: tuple[float, float], shader: int, colour: Colour = GREY) -> Mesh:
    """A flat-topped body over Px2 outline points (any simple polygon)."""
    outline = np.asarray(outline, np.float64)
    n = len(outline)
    top = np.concatenate([outline, np.full((n, 1), z[1])], 1)
    base = np.concatenate([outline, np.full((n, 1), z[0])], 1)
    nxt = (np.arange(n) + 1) % n
    walls = quads(np.stack([base, base[nxt], top[nxt], top], 1), shader, colour)
    lid = _mesh(top, np.broadcast_to([0, 0, 1], top.shape), ears(outline), shader, colour)
    return join([walls, lid])


def ears(outline: Array) -> Array:
    """Triangles of a simple polygon by cutting ears."""
    points = [tuple(p) for p in np.asarray(outline, float)]
    turn = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1], strict=True))
    left = list(range(len(points))) if turn > 0 else list(range(len(points)))[::-1]
    cross = lambda o, a, b: (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])  # noqa: E731
    faces = []
    while len(left) > 3:
        for i in range(len(left)):
            p, q, r = left[i - 1], left[i], left[(i + 1) % len(left)]
            a, b, c = points[p], points[q], points[r]
            if cross(a, b, c) <= 0:
                continue
            rest = (points[k] for k in left if k not in (p, q, r))
            if not any(cross(a, b, o) >= 0 and cross(b, c, o) >= 0 and cross(c, a, o) >= 0 for o in rest):
                faces.append((p, q, r))
                left.pop(i)
                break
        else:
            break
    return np.array([*faces, tuple(left[:3])])


def solid(
    inside: Callable[[Array], Array], low: Colour, high: Colour, step: float, shader: int, colour: Colour = GREY
) -> Mesh:
    """The surface where a distance function of Kx3 points is zero."""
    from skimage.measure import marching_cubes

    axes = [np.arange(a - 2 * step, b + 3 * step, step) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3).astype(np.float32)
    value = inside(grid).reshape([len(a) for a in axes])
    points, faces, _, _ = marching_cubes(value, 0.0, spacing=(step, step, step))
    points = (points + [a[0] for a in axes]).astype(np.float32)
    reach = np.float32(step * 0.5)
    slope = [inside(points + reach * axis) - inside(points - reach * axis) for axis in np.eye(3, dtype=np.float32)]
    normals = np.stack(slope, 1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return _mesh(points, normals, faces, shader, colour)


# --- distance functions ---------------------------------------------------------------------------------------------


def soft_max(a: Array, b: Array, radius: float) -> Array:
    """The larger, with the edge rounded."""
    blend = np.clip(0.5 - 0.5 * (b - a) / radius, 0, 1)
    return b + (a - b) * blend + radius * blend * (1 - blend)


def soft_min(a: Array, b: Array, radius: float) -> Array:
    """The smaller, with the crease filled."""
    return -soft_max(-a, -b, radius)


def polygon_distance(p: Array, outline: Array) -> Array:
    """Signed distance of Kx2 points to a polygon, negative inside."""
    outline = np.asarray(outline, np.float32)
    best = np.full(len(p), np.inf, np.float32)
    odd = np.zeros(len(p), bool)
    for a, b in zip(outline, np.roll(outline, -1, 0), strict=True):
        edge, rel = b - a, p - a
        t = np.clip((rel @ edge) / (edge @ edge), 0, 1)
        best = np.minimum(best, ((rel - t[:, None] * edge) ** 2).sum(1))
        crosses = (a[1] > p[:, 1]) != (b[1] > p[:, 1])
        slope = edge[1] if abs(edge[1]) > 1e-9 else 1e-9
        odd ^= crosses & (p[:, 0] < a[0] + (p[:, 1] - a[1]) / slope * edge[0])
    return np.sqrt(best) * np.where(odd, -1, 1)


def capsule(p: Array, a: Array, b: Array, ra: float, rb: float) -> Array:
    """Distance to a rod whose radius goes from ``ra`` at ``a`` to ``rb`` at ``b``."""
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    t = np.clip(((p - a) @ (b - a)) / max(float((b - a) @ (b - a)), 1e-9), 0, 1)
    return np.linalg.norm(p - a - t[:, None] * (b - a), axis=1) - (ra + (rb - ra) * t)


def ellipsoid(p: Array, centre: Colour, radii: Colour) -> Array:
    """Near enough the distance to an ellipsoid."""
    r = np.asarray(radii, np.float32)
    q = p - np.asarray(centre, np.float32)
    k0, k1 = np.linalg.norm(q / r, axis=1), np.linalg.norm(q / (r * r), axis=1)
    return k0 * (k0 - 1) / np.maximum(k1, 1e-6)
