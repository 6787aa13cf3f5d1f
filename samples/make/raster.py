"""A small software renderer: triangles into buffers, many passes averaged into one picture.

Every pass moves the sampling point inside the pixel, the sun inside its disc and the few sky directions that light
the scene, so that the average has smooth edges, soft shadows and light that reaches into corners. World axes: x right,
y forward (away from the viewer), z up, metres. Colours are linear RGB, where 1.0 is a white wall in full sun.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass
class Mesh:
    """Triangles with what the shaders need at each vertex.

    Attributes:
        points: Nx3 world positions, metres.
        normals: Nx3 unit normals.
        local: Nx3 positions in the object's own frame, which shaders paint by.
        colour: Nx3 linear RGB.
        faces: Mx3 vertex numbers.
        shader: M numbers of the shader in :class:`Scene`.
    """

    points: Array
    normals: Array
    local: Array
    colour: Array
    faces: NDArray[np.int32]
    shader: NDArray[np.int16]

    def placed(self, at: tuple[float, float, float] = (0, 0, 0), turn: float = 0.0, scale: float = 1.0) -> Mesh:
        """The mesh scaled, turned counter-clockwise about z by ``turn`` degrees, and moved."""
        angle = np.radians(turn)
        c, s = np.cos(angle), np.sin(angle)
        matrix = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)
        points = (self.points * np.float32(scale)) @ matrix.T + np.asarray(at, np.float32)
        return Mesh(points, self.normals @ matrix.T, self.local, self.colour, self.faces, self.shader)

    def tinted(self, colour: tuple[float, float, float]) -> Mesh:
        """The mesh in one colour."""
        tint = np.broadcast_to(np.asarray(colour, np.float32), self.points.shape)
        return Mesh(self.points, self.normals, self.local, tint, self.faces, self.shader)


def join(meshes: list[Mesh]) -> Mesh:
    """One mesh of many."""
    offsets = np.cumsum([0] + [len(m.points) for m in meshes[:-1]])
    return Mesh(
        np.concatenate([m.points for m in meshes]).astype(np.float32),
        np.concatenate([m.normals for m in meshes]).astype(np.float32),
        np.concatenate([m.local for m in meshes]).astype(np.float32),
        np.concatenate([m.colour for m in meshes]).astype(np.float32),
        np.concatenate([m.faces + o for m, o in zip(meshes, offsets, strict=True)]).astype(np.int32),
        np.concatenate([m.shader for m in meshes]).astype(np.int16),
    )


def rasterise(
    xy: Array, nearness: Array, faces: NDArray[np.int32], size: tuple[int, int], *, want_faces: bool = True
) -> tuple[Array, NDArray[np.int32]]:
    """Nearest triangle at each pixel.

    Args:
        xy: Nx2 vertex positions in pixels.
        nearness: N values that are linear on the screen and larger for nearer points; NaN hides a vertex.
        faces: Mx3 vertex numbers.
        size: width, height.
        want_faces: also say which triangle it is.

    Returns:
        HxW nearness (-inf where nothing is) and HxW triangle numbers (-1 where nothing is).
    """
    width, height = size
    depth = np.full(width * height, -np.inf, np.float32)
    owner = np.full(width * height if want_faces else 1, -1, np.int32)
    corner, near = xy[faces], nearness[faces]
    low, high = corner.min(1), corner.max(1)
    area = (corner[:, 1, 0] - corner[:, 0, 0]) * (corner[:, 2, 1] - corner[:, 0, 1]) - (
        corner[:, 2, 0] - corner[:, 0, 0]
    ) * (corner[:, 1, 1] - corner[:, 0, 1])
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(near).all(1) & (high > 0).all(1) & (low[:, 0] < width) & (low[:, 1] < height)
        seen &= np.abs(area) > 1e-7
    number = np.flatnonzero(seen)
    first = np.clip(np.ceil(low[number] - 0.5), 0, [width - 1, height - 1]).astype(np.int32)
    last = np.clip(np.floor(high[number] - 0.5), -1, [width - 1, height - 1]).astype(np.int32)
    extent = last - first + 1
    keep = (extent > 0).all(1)
    number, first, extent = number[keep], first[keep], extent[keep]
    # Triangles of like extent are done together: the cost is the area of their boxes, not one call each.
    cls = np.ceil(np.log2(np.maximum(extent, 1))).astype(np.int32)
    key = cls[:, 0] * 32 + cls[:, 1]
    for k in np.unique(key):
        group = np.flatnonzero(key == k)
        w, h = 1 << (k // 32), 1 << (k % 32)
        step = max(1, 3_000_000 // (w * h))
        gx, gy = np.meshgrid(np.arange(w, dtype=np.int32), np.arange(h, dtype=np.int32))
        gx, gy = gx.ravel(), gy.ravel()
        for start in range(0, len(group), step):
            part = group[start : start + step]
            tri = number[part]
            a, b, c = corner[tri, 0], corner[tri, 1], corner[tri, 2]
            px = first[part, 0, None] + gx
            py = first[part, 1, None] + gy
            fx = px + np.float32(0.5) - a[:, 0, None]
            fy = py + np.float32(0.5) - a[:, 1, None]
            scale = 1 / area[tri][:, None]
            ab, ac = b - a, c - a
            u = (fx * ac[:, 1, None] - fy * ac[:, 0, None]) * scale
            v = (fy * ab[:, 0, None] - fx * ab[:, 1, None]) * scale
            n = near[tri]
            value = n[:, 0, None] + u * (n[:, 1] - n[:, 0])[:, None] + v * (n[:, 2] - n[:, 0])[:, None]
            inside = (u >= 0) & (v >= 0) & (u + v <= 1) & (px < width) & (py < height)
            spot = (py * width + px)[inside]
            value = value[inside].astype(np.float32)
            nearer = value > depth[spot]
            spot, value = spot[nearer], value[nearer]
            order = np.argsort(value)
            spot = spot[order]
            depth[spot] = value[order]  # of several at one pixel the last, the nearest, stays
            if want_faces:
                owner[spot] = np.broadcast_to(tri[:, None], inside.shape)[inside][nearer][order]
    return depth.reshape(height, width), owner.reshape((height, width) if want_faces else (1, 1))


@dataclass
class Hit:
    """What a shader sees: K visible points. ``view`` points from the surface to the eye."""

    points: Array
    normals: Array
    local: Array
    colour: Array
    view: Array


@dataclass
class Surface:
    """What a shader answers: albedo Kx3, mirror share K (0..1), glow Kx3, and normals when they were bent."""

    albedo: Array
    mirror: Array | float = 0.0
    glow: Array | float = 0.0
    normals: Array | None = None
    sharp: float = 1.0


Shader = Callable[[Hit], Surface]


@dataclass
class Camera:
    """Where the picture is taken from. ``ortho`` (metres across) makes it a view straight down, as an orthophoto."""

    size: tuple[int, int]
    eye: tuple[float, float, float] = (0.0, 0.0, 1.4)
    yaw: float = 0.0
    pitch: float = 0.0
    fov: float = 60.0
    ortho: float | None = None

    def frame(self) -> Array:
        """Rows: right, down, forward."""
        if self.ortho:
            return np.array([[1, 0, 0], [0, -1, 0], [0, 0, -1]], np.float32)
        yaw, pitch = np.radians(self.yaw), np.radians(self.pitch)
        ahead = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
        right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
        return np.stack([right, np.cross(ahead, right), ahead]).astype(np.float32)

    @property
    def focal(self) -> float:
        """Pixels a unit of slope, or pixels a metre."""
        width = self.size[0]
        return width / self.ortho if self.ortho else width / 2 / np.tan(np.radians(self.fov) / 2)

    def project(self, points: Array, jitter: Array) -> tuple[Array, Array]:
        """Pixels and nearness of points."""
        seen = (points - np.asarray(self.eye, np.float32)) @ self.frame().T
        centre = np.asarray(self.size, np.float32) / 2 + jitter
        if self.ortho:
            return seen[:, :2] * np.float32(self.focal) + centre, -seen[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.where(seen[:, 2] > 0.3, 1 / seen[:, 2], np.nan).astype(np.float32)
            return seen[:, :2] * inverse[:, None] * np.float32(self.focal) + centre, inverse

    def rays(self, jitter: Array) -> Array:
        """HxWx3 unit directions from the eye."""
        width, height = self.size
        frame = self.frame()
        if self.ortho:
            return np.broadcast_to(frame[2], (height, width, 3)).astype(np.float32)
        x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2 - jitter[0]) / self.focal
        y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2 - jitter[1]) / self.focal
        rays = x[None, :, None] * frame[0] + y[:, None, None] * frame[1] + frame[2]
        return (rays / np.linalg.norm(rays, axis=2, keepdims=True)).astype(np.float32)


@dataclass
class Scene:
    """Meshes, shaders and light."""

    sky: Callable[[Array], Array]
    sun: tuple[float, float, float] = (0.4, -0.3, 0.8)
    sun_light: tuple[float, float, float] = (2.4, 2.2, 1.9)
    sun_size: float = 0.012
    sky_gain: float = 1.0
    bounce: tuple[float, float, float] = (0.16, 0.15, 0.14)
    haze: float = 0.0
    haze_colour: tuple[float, float, float] = (0.7, 0.78, 0.88)
    shaders: list[Shader] = field(default_factory=list)
    meshes: list[Mesh] = field(default_factory=list)

    def shader(self, shade: Shader) -> int:
        """Number of a shader, for meshes to name."""
        self.shaders.append(shade)
        return len(self.shaders) - 1

    def add(self, *meshes: Mesh) -> None:
        """Put meshes into the scene."""
        self.meshes.extend(meshes)


def _lit(mesh: Mesh, points: Array, normals: Array, towards: Array, resolution: int, rng: np.random.Generator) -> Array:
    """1 where ``points`` see the light at infinity in direction ``towards``, else 0."""
    side = np.cross(towards, rng.normal(size=3))
    side /= np.linalg.norm(side)
    frame = np.stack([side, np.cross(towards, side), towards]).astype(np.float32)
    corners = mesh.points @ frame.T
    asked = (points + normals * np.float32(0.02)) @ frame.T
    low, high = asked[:, :2].min(0) - 1, asked[:, :2].max(0) + 1
    scale = np.float32((resolution - 2) / (high - low).max())
    shift = rng.random(2).astype(np.float32)
    size = tuple(int(v) + 2 for v in np.ceil((high - low) * scale))
    depth, _ = rasterise(
        (corners[:, :2] - low) * scale + shift, corners[:, 2], mesh.faces, (size[0], size[1]), want_faces=False
    )
    spot = np.clip(((asked[:, :2] - low) * scale + shift).astype(np.int32), 0, np.array(size) - 1)
    bias = 0.03 + 1.2 / scale
    return (asked[:, 2] + bias >= depth[spot[:, 1], spot[:, 0]]).astype(np.float32)


def render(
    scene: Scene, camera: Camera, *, passes: int = 24, sky_samples: int = 3, shadow: int = 4096, seed: int = 1
) -> Array:
    """HxWx3 linear light of a scene."""
    rng = np.random.default_rng(seed)
    mesh = join(scene.meshes)
    width, height = camera.size
    total = np.zeros((height, width, 3), np.float64)
    count = passes * sky_samples
    index = rng.permutation(count) + rng.random(count)
    up = (index + 0.5) / (count + 1)
    around = 2.399963 * index
    flat = np.sqrt(1 - up**2)
    dome = np.stack([flat * np.cos(around), flat * np.sin(around), up], 1).astype(np.float32)
    sun0 = np.asarray(scene.sun, np.float32) / np.linalg.norm(scene.sun)
    eye = np.asarray(camera.eye, np.float32)
    for step in range(passes):
        # A tent filter two pixels wide, stratified over the passes.
        strata = np.array([(step + 0.5) / passes, (step * 0.618034 + 0.31) % 1.0])
        jitter = np.where(strata < 0.5, np.sqrt(2 * strata) - 1, 1 - np.sqrt(2 - 2 * strata)).astype(np.float32)
        xy, near = camera.project(mesh.points, jitter)
        _depth, owner = rasterise(xy, near, mesh.faces, camera.size)
        rays = camera.rays(jitter)
        light = scene.sky(rays.reshape(-1, 3)).reshape(height, width, 3).astype(np.float32)
        rows, cols = np.nonzero(owner >= 0)
        face = owner[rows, cols]
        tri = mesh.faces[face]
        a, b, c = xy[tri[:, 0]], xy[tri[:, 1]], xy[tri[:, 2]]
        pixel = np.stack([cols, rows], 1).astype(np.float32) + 0.5 - a
        ab, ac = b - a, c - a
        area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
        u = (pixel[:, 0] * ac[:, 1] - pixel[:, 1] * ac[:, 0]) / area
        v = (pixel[:, 1] * ab[:, 0] - pixel[:, 0] * ab[:, 1]) / area
        weight = np.stack([1 - u - v, u, v], 1)
        if not camera.ortho:
            weight *= near[tri]
            weight /= weight.sum(1, keepdims=True)
        weight = np.clip(weight, 0, 1).astype(np.float32)

        def blend(values: Array, tri: NDArray[np.int32] = tri, weight: Array = weight) -> Array:
            return np.einsum("kij,ki->kj", values[tri], weight)

        points, normals = blend(mesh.points), blend(mesh.normals)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        view = -rays[rows, cols] if camera.ortho else eye - points
        view = view / np.linalg.norm(view, axis=1, keepdims=True)
        facing = np.sign((normals * view).sum(1, keepdims=True))
        normals = np.where(facing < 0, normals * facing, normals)  # thin sheets are seen from both sides
        local, colour = blend(mesh.local), blend(mesh.colour)
        albedo = np.zeros_like(points)
        glow = np.zeros_like(points)
        mirror = np.zeros(len(points), np.float32)
        sharp = np.zeros(len(points), np.float32)
        kinds = mesh.shader[face]
        for kind in np.unique(kinds):
            at = np.flatnonzero(kinds == kind)
            surface = scene.shaders[kind](Hit(points[at], normals[at], local[at], colour[at], view[at]))
            albedo[at], mirror[at], glow[at], sharp[at] = surface.albedo, surface.mirror, surface.glow, surface.sharp
            if surface.normals is not None:
                normals[at] = surface.normals
        sun = sun0 + rng.normal(size=3).astype(np.float32) * np.float32(scene.sun_size)
        sun /= np.linalg.norm(sun)
        towards_sun = np.maximum(normals @ sun, 0)
        sunlit = _lit(mesh, points, normals, sun, shadow, rng)
        arriving = (towards_sun * sunlit)[:, None] * np.asarray(scene.sun_light, np.float32)
        open_sky = np.zeros(len(points), np.float32)
        for direction in dome[step * sky_samples : (step + 1) * sky_samples]:
            cosine = np.maximum(normals @ direction, 0)
            visible = _lit(mesh, points, normals, direction, shadow // 2, rng)
            radiance = scene.sky(direction[None])[0] * np.float32(scene.sky_gain)
            arriving += (cosine * visible)[:, None] * radiance * np.float32(2 / sky_samples)
            open_sky += visible / sky_samples
        arriving += (0.6 - 0.4 * normals[:, 2:]) * np.asarray(scene.bounce, np.float32)
        cosine = np.clip((normals * view).sum(1), 0, 1)
        fresnel = mirror + (np.minimum(1, mirror * 6) - mirror) * (1 - cosine) ** 5
        back = 2 * cosine[:, None] * normals - view
        seen = scene.sky(back) * (0.35 + 0.65 * open_sky)[:, None]
        highlight = np.maximum(back @ sun, 0) ** (20 + 1200 * sharp) * sunlit * (2 + 18 * sharp)
        shine = (seen + highlight[:, None] * np.asarray(scene.sun_light, np.float32)) * fresnel[:, None]
        value = albedo * arriving * (1 - fresnel[:, None]) + shine + glow
        if scene.haze and not camera.ortho:
            share = 1 - np.exp(-np.linalg.norm(eye - points, axis=1) * scene.haze)
            value += (np.asarray(scene.haze_colour, np.float32) - value) * share[:, None]
        light[rows, cols] = value
        total += np.minimum(light, 6)
    return (total / passes).astype(np.float32)


def developed(
    light: Array,
    *,
    exposure: float = 1.0,
    bloom: float = 0.05,
    vignette: float = 0.12,
    grain: float = 1.5,
    seed: int = 3,
) -> NDArray[np.uint8]:
    """HxWx3 uint8 sRGB: exposure, bloom, vignette, a film curve, and the noise of a sensor."""
    import cv2

    light = light * np.float32(exposure)
    height, width = light.shape[:2]
    if bloom:
        bright = np.maximum(light - 1.0, 0)
        for sigma in (width / 400, width / 120):
            light = light + np.float32(bloom) * cv2.GaussianBlur(bright, (0, 0), sigma)
    if vignette:
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        radius = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) / 0.5
        light = light * (1 - np.float32(vignette) * radius[..., None])
    # The curve of Krzysztof Narkowicz's fit of the ACES reference: soft shoulders, no clipped highlights.
    x = np.maximum(light, 0) * np.float32(0.72)
    film = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    shown = np.where(film <= 0.0031308, film * 12.92, 1.055 * np.power(film, 1 / 2.4) - 0.055) * 255
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 0.6) * 1.6
    return np.clip(shown + noise * grain + 0.5, 0, 255).astype(np.uint8)
