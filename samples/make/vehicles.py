"""Cars, lorries and buses: bodies from distance functions, painted by place. Local axes: x ahead, y left, z up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from noise import cloudy
from raster import Array, Hit, Mesh, Scene, Shader, Surface, join
from shapes import Colour, box, disc, polygon_distance, soft_max, solid, tube

WHEEL = 0.33


@dataclass(frozen=True)
class Shape:
    """Side view of a car: the body, the side windows, wheel places, half width and the height where glass begins."""

    body: tuple[tuple[float, float], ...]
    glass: tuple[tuple[float, float], ...]
    axles: tuple[float, float]
    half_width: float
    belt: float
    roof: float
    lean: float
    screen: tuple[float, float]
    rear: tuple[float, float]
    pillars: tuple[float, ...]


SALOON = Shape(
    body=(
        (2.16, 0.24), (2.22, 0.42), (2.19, 0.62), (2.02, 0.74), (1.55, 0.84), (0.98, 0.93), (0.22, 1.38),
        (-0.15, 1.44), (-0.75, 1.42), (-1.22, 1.30), (-1.72, 1.02), (-2.14, 0.98), (-2.22, 0.80), (-2.2, 0.45),
        (-2.12, 0.25), (-1.0, 0.2), (1.0, 0.2),
    ),
    glass=((0.80, 0.97), (0.16, 1.35), (-0.15, 1.385), (-0.72, 1.37), (-1.10, 1.26), (-1.42, 1.02), (-0.4, 0.96)),
    axles=(1.36, -1.34), half_width=0.9, belt=0.93, roof=1.44, lean=0.24,
    screen=(0.24, 0.96), rear=(-1.70, -1.14), pillars=(-0.32,),
)  # fmt: skip
ESTATE = Shape(
    body=(
        (2.10, 0.26), (2.16, 0.48), (2.12, 0.74), (1.95, 0.88), (1.45, 0.98), (0.98, 1.06), (0.38, 1.56),
        (-0.1, 1.64), (-1.2, 1.63), (-1.80, 1.55), (-2.08, 1.10), (-2.16, 0.92), (-2.14, 0.5), (-2.06, 0.28),
        (-1.0, 0.24), (1.0, 0.24),
    ),
    glass=((0.84, 1.10), (0.33, 1.53), (-0.1, 1.585), (-1.2, 1.57), (-1.66, 1.50), (-1.84, 1.16), (-0.4, 1.08)),
    axles=(1.30, -1.32), half_width=0.92, belt=1.06, roof=1.64, lean=0.20,
    screen=(0.40, 0.96), rear=(-2.04, -1.80), pillars=(-0.28, -1.22),
)  # fmt: skip


def _half_width(shape: Shape, x: Array, z: Array) -> Array:
    taper = 1 - 0.13 * np.clip(np.abs(x) / 2.2, 0, 1.1) ** 5
    above = np.clip((z - shape.belt) / (shape.roof - shape.belt), 0, 1.1)
    below = np.clip((0.55 - z) / 0.4, 0, 1)
    return (shape.half_width - shape.lean * above - 0.05 * below**2) * taper


def _car_solid(shape: Shape, step: float, shader: int) -> Mesh:
    outline = np.asarray(shape.body)

    def inside(p: Array) -> Array:
        x, y, z = p[:, 0], np.abs(p[:, 1]), p[:, 2]
        profile = polygon_distance(p[:, [0, 2]], outline)
        side = (y - _half_width(shape, x, z)) * 0.93
        # A crease below the windows catches the light, as on real doors.
        side = side + 0.012 * np.exp(-(((z - shape.belt + 0.20) / 0.05) ** 2))
        body = soft_max(profile, side, 0.13)
        for axle in shape.axles:
            arch = np.maximum(np.hypot(x - axle, z - WHEEL) - 0.385, 0.58 - y)
            body = soft_max(body, -arch, 0.02)
        return body

    return solid(inside, (-2.3, -1.0, 0.15), (2.3, 1.0, shape.roof + 0.05), step, shader)


def _paint(shape: Shape) -> Shader:
    glass_outline = np.asarray(shape.glass)

    def shade(hit: Hit) -> Surface:
        x, y, z = hit.local[:, 0], np.abs(hit.local[:, 1]), hit.local[:, 2]
        albedo = hit.colour.copy()
        mirror = np.full(len(x), 0.045, np.float32)
        glow = np.zeros_like(albedo)
        side = y > _half_width(shape, x, z) - 0.10
        in_glass = polygon_distance(np.stack([x, z], 1), glass_outline)
        panes = side & (in_glass < 0)
        for at in shape.pillars:
            panes &= np.abs(x - at) > 0.045
        low = shape.belt + 0.03
        edge = _half_width(shape, x, z)
        windscreen = (x > shape.screen[0]) & (x < shape.screen[1]) & (z > low) & (y < edge - 0.11)
        windscreen &= z < shape.roof - 0.06
        back = (x > shape.rear[0]) & (x < shape.rear[1]) & (z > low + 0.05) & (y < edge - 0.13) & (z < shape.roof - 0.1)
        frame = side & (in_glass < 0.035) & ~panes
        albedo[frame] = 0.015
        for at in shape.pillars[:1]:
            seam = side & (np.abs(x - at) < 0.008) & (z > 0.32) & (z < low)
            seam |= side & (np.abs(x - at - 1.0) < 0.008) & (z > 0.45) & (z < low)
            seam |= side & (np.abs(x - at + 0.95 + 0.1 * (z - 0.6)) < 0.008) & (z > 0.62) & (z < low)
            albedo[seam] *= 0.25
            handle = side & (np.abs(z - low + 0.10) < 0.018)
            handle &= (np.abs(x - at - 0.13) < 0.09) | (np.abs(x - at + 0.80) < 0.09)
            albedo[handle] = albedo[handle] * 0.4 + 0.12
        all_glass = panes | windscreen | back
        # Seats and the far windows shimmer through; without them glass looks like paint.
        depth = 0.5 + 0.5 * np.sin(x * 5.1 + 1.3)
        inner = 0.012 + 0.03 * np.clip((z - low) / 0.4, 0, 1) * depth
        albedo[all_glass] = inner[all_glass, None] * np.array([0.9, 1.0, 1.05])
        mirror[all_glass] = 0.11
        trim = (z < 0.29) | ((np.abs(x) < 1.9) & side & (z < 0.34))
        albedo[trim], mirror[trim] = 0.02, 0.01
        ends = np.abs(x) > 2.02
        front, tail = x > 1.86, x < -1.86
        top = shape.body[2][1]
        lamp = front & (y > 0.46) & (np.abs(z - top - 0.015 - 0.10 * (y - 0.6)) < 0.055)
        albedo[lamp] = [0.75, 0.78, 0.8]
        glow[lamp] = [0.30, 0.30, 0.28]
        mirror[lamp] = 0.15
        grille = front & ends & (y < 0.52) & (np.abs(z - top + 0.06) < 0.045)
        grille |= front & ends & (y < 0.66) & (np.abs(z - 0.37) < 0.06)
        albedo[grille] = 0.012
        bumper_slot = tail & (y < 0.62) & (np.abs(z - 0.34) < 0.05)
        albedo[bumper_slot] = 0.02
        back_lamp = tail & (y > 0.50) & (np.abs(z - shape.belt + 0.07) < 0.075)
        if shape.roof > 1.5:
            back_lamp = tail & (y > 0.60) & (np.abs(z - shape.belt + 0.02) < 0.14)
        albedo[back_lamp] = [0.42, 0.012, 0.015]
        glow[back_lamp] = [0.16, 0.003, 0.004]
        mirror[back_lamp] = 0.08
        boot = tail & (y < 0.78) & (np.abs(z - shape.belt + 0.19) < 0.006)
        boot |= tail & (np.abs(y - 0.76) < 0.008) & (z > 0.5) & (z < shape.belt - 0.15)
        albedo[boot] *= 0.3
        plate_z = 0.60 if shape.roof < 1.5 else 0.66
        plate = ends & (y < 0.26) & (np.abs(z - plate_z) < 0.058) & (tail | front)
        plate &= tail | (np.abs(z - 0.50) < 0.06)
        albedo[plate] = [0.62, 0.63, 0.58]
        letters = plate & (np.abs(z - plate_z) < 0.032) & (np.sin(hit.local[:, 1] * 105) > 0.0) & (y < 0.21)
        albedo[letters] = 0.06
        dust = 1 - 0.25 * np.clip((0.5 - z) / 0.3, 0, 1)
        return Surface(albedo * dust[:, None], mirror, glow, sharp=0.9)

    return shade


def _wheel_shader(hit: Hit) -> Surface:
    x, y = hit.local[:, 0], hit.local[:, 1]
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    metal = (radius < 0.70) & ((np.abs(((angle * 5 / np.pi / 2) % 1) - 0.5) < 0.24) | (radius < 0.2) | (radius > 0.60))
    albedo = np.full((len(x), 3), 0.018, np.float32)
    albedo[metal] = 0.38
    albedo[radius < 0.07] = 0.1
    return Surface(albedo, np.where(metal, 0.12, 0.01).astype(np.float32), sharp=0.3)


def _plain(hit: Hit) -> Surface:
    return Surface(hit.colour, 0.02, sharp=0.2)


class Garage:
    """Meshes of vehicles for one scene, built once each and placed often."""

    def __init__(self, scene: Scene, step: float = 0.04) -> None:
        self.step = step
        self.plain = scene.shader(_plain)
        self.wheel = scene.shader(_wheel_shader)
        self.saloon_paint = scene.shader(_paint(SALOON))
        self.estate_paint = scene.shader(_paint(ESTATE))
        self.bus_paint = scene.shader(_bus_paint)
        self.cab_paint = scene.shader(_cab_paint)
        self.load_paint = scene.shader(_load_paint)
        self._kept: dict[str, tuple[Mesh, Mesh]] = {}

    def _wheels(self, axles: tuple[float, ...], track: float, radius: float, width: float = 0.21) -> list[Mesh]:
        parts = []
        for axle in axles:
            for sign in (-1, 1):
                outer = sign * track
                inner = outer - sign * width
                path = [(axle, inner, radius), (axle, outer - sign * 0.03, radius), (axle, outer, radius)]
                radii = [radius, radius, radius * 0.94]
                parts.append(tube(np.array(path), np.array(radii), self.plain, (0.016, 0.016, 0.017), 28))
                face = (axle, outer + sign * 0.004, radius)
                parts.append(disc(face, (0, sign, 0), radius * 0.94, self.wheel, sides=28))
        return parts

    def _car(self, name: str, shape: Shape, paint: int, colour: Colour) -> Mesh:
        if name not in self._kept:
            body = _car_solid(shape, self.step, paint)
            parts = self._wheels(shape.axles, shape.half_width - 0.02, WHEEL)
            dark = (0.012, 0.012, 0.013)
            parts.append(box((3.4, 1.3, 0.35), (0, 0, 0.2), self.plain, dark))
            for axle in shape.axles:  # what is seen inside the arches
                parts.append(box((0.7, 1.25, 0.4), (axle, 0, 0.25), self.plain, dark))
            self._kept[name] = body, join(parts)
        body, rest = self._kept[name]
        mirrors = []
        for sign in (-1, 1):
            at = (shape.screen[1] - 0.28, sign * (shape.half_width + 0.05), shape.belt + 0.02)
            mirrors.append(box((0.10, 0.18, 0.12), at, self.plain, colour))
        return join([body.tinted(colour), rest, *mirrors])

    def saloon(self, colour: Colour) -> Mesh:
        """A four-door car, 4.4 m."""
        return self._car("saloon", SALOON, self.saloon_paint, colour)

    def estate(self, colour: Colour) -> Mesh:
        """A tall five-door car, 4.3 m."""
        return self._car("estate", ESTATE, self.estate_paint, colour)

    def bus(self, colour: Colour) -> Mesh:
        """A city bus, 11.5 m."""

        def inside(p: Array) -> Array:
            x, y, z = np.abs(p[:, 0]), np.abs(p[:, 1]), p[:, 2]
            long = soft_max(x - 5.75 + 0.10 * np.clip((z - 1.2) / 1.9, 0, 1) ** 2, y - 1.26, 0.35)
            body = soft_max(long, np.abs(z - 1.68) - 1.40, 0.28)
            for axle in (3.1, -2.9):
                arch = np.maximum(np.hypot(p[:, 0] - axle, z - 0.5) - 0.58, 0.8 - y)
                body = soft_max(body, -arch, 0.03)
            return body

        shell = solid(inside, (-5.9, -1.4, 0.2), (5.9, 1.4, 3.2), self.step * 1.6, self.bus_paint).tinted(colour)
        dark = (0.012, 0.012, 0.012)
        parts = [shell, *self._wheels((3.1, -2.9), 1.22, 0.49, 0.3)]
        parts.append(box((10, 1.7, 0.7), (0, 0, 0.3), self.plain, dark))
        parts.append(box((2.2, 1.6, 0.22), (-2.5, 0, 3.05), self.plain, (0.5, 0.5, 0.5)))
        for sign in (-1, 1):
            parts.append(box((0.12, 0.22, 0.42), (5.95, sign * 1.42, 1.9), self.plain, dark))
        return join(parts)

    def lorry(self, cab: Colour, load: Colour, length: float = 7.6) -> Mesh:
        """A box lorry: cab in front, load behind."""
        front, back = length / 2, -length / 2
        nose = front - 2.0

        def inside(p: Array) -> Array:
            x, y, z = p[:, 0], np.abs(p[:, 1]), p[:, 2]
            slope = x - front + 0.30 * np.clip((z - 1.35) / 1.2, 0, 1) ** 1.5
            body = soft_max(soft_max(slope, nose - x, 0.08), y - 1.12 + 0.08 * np.clip((z - 1.4) / 1.2, 0, 1), 0.16)
            body = soft_max(body, np.abs(z - 1.5) - 1.08, 0.18)
            arch = np.maximum(np.hypot(x - front + 1.15, z - 0.46) - 0.56, 0.7 - y)
            return soft_max(body, -arch, 0.03)

        local = solid(inside, (nose - 0.1, -1.3, 0.3), (front + 0.1, 1.3, 2.7), self.step * 1.2, self.cab_paint)
        local.local[:, 0] -= front  # the paint counts from the front
        dark = (0.02, 0.02, 0.022)
        parts = [local.tinted(cab), *self._wheels((front - 1.15, back + 1.6), 1.14, 0.46, 0.32)]
        parts.append(box((length - 0.9, 0.9, 0.3), (-0.2, 0, 0.55), self.plain, dark))
        hold = box((length - 2.2, 2.4, 2.25), (-1.1, 0, 0.98), self.load_paint, load)
        hold.local[:, 2] -= 0.98
        parts.append(hold)
        parts.append(box((0.1, 2.3, 0.14), (back + 0.05, 0, 0.45), self.plain, dark))
        for sign in (-1, 1):
            parts.append(box((0.14, 0.1, 0.14), (back - 0.02, sign * 0.95, 0.72), self.plain, (0.4, 0.01, 0.01)))
            parts.append(box((0.10, 0.2, 0.42), (front - 0.35, sign * 1.28, 1.5), self.plain, dark))
        return join(parts)


def _bus_paint(hit: Hit) -> Surface:
    x, y, z = hit.local[:, 0], hit.local[:, 1], hit.local[:, 2]
    albedo = hit.colour.copy()
    mirror = np.full(len(x), 0.045, np.float32)
    glow = np.zeros_like(albedo)
    side = np.abs(y) > 1.16
    white = side & (z > 1.12) & (z < 1.26)
    albedo[white] = 0.7
    band = side & (z > 1.40) & (z < 2.55) & (np.abs(x) < 5.35)
    albedo[band] = 0.02
    pane = band & (np.abs(((x + 0.75) % 1.5) - 0.75) > 0.05) & (z > 1.46) & (z < 2.49)
    door = side & (y < 0) & (((x > 3.9) & (x < 5.1)) | ((x > -0.6) & (x < 0.7))) & (z > 0.45) & (z < 2.5)
    albedo[door] = 0.03
    pane |= door & (np.abs(((x + 0.05) % 0.62) - 0.31) > 0.04) & (z > 0.6)
    front = (x > 5.45) & (np.abs(y) < 1.12) & (z > 1.15) & (z < 2.6)
    back = (x < -5.5) & (np.abs(y) < 0.95) & (z > 1.6) & (z < 2.5)
    sign = (x > 5.35) & (np.abs(y) < 0.85) & (z > 2.68) & (z < 2.92)
    albedo[sign] = 0.015
    text = sign & (cloudy(y * 1.0, z, 0.06, 9, 0.8) > 0.1) & (np.abs(z - 2.80) < 0.08)
    glow[text] = [0.9, 0.5, 0.06]
    glass = pane | front | back
    inner = 0.02 + 0.05 * np.clip(cloudy(x, z, 1.2, 3, 1.0) * 0.4, 0, 1)
    albedo[glass] = inner[glass, None]
    mirror[glass] = 0.10
    lamp = (x > 5.4) & (np.abs(np.abs(y) - 0.92) < 0.2) & (np.abs(z - 0.78) < 0.10)
    albedo[lamp], mirror[lamp] = 0.75, 0.15
    glow[lamp] = 0.4
    red = (x < -5.5) & (np.abs(np.abs(y) - 1.0) < 0.1) & (np.abs(z - 1.1) < 0.2)
    albedo[red] = [0.4, 0.01, 0.01]
    trim = z < 0.42
    albedo[trim] = 0.03
    return Surface(albedo, mirror, glow, sharp=0.8)


def _cab_paint(hit: Hit) -> Surface:
    x, y, z = hit.local[:, 0], np.abs(hit.local[:, 1]), hit.local[:, 2]  # x = 0 is the front
    albedo = hit.colour.copy()
    mirror = np.full(len(x), 0.04, np.float32)
    glow = np.zeros_like(albedo)
    front = (x > -0.55) & (y < 0.98)
    glass = front & (z > 1.48) & (z < 2.32)
    side = y > 0.92
    glass |= side & (z > 1.48 + 0.1 * (x < -0.9)) & (z < 2.22) & (x > -1.45) & (x < -0.32 - 0.25 * (z - 1.48))
    albedo[glass] = 0.025
    mirror[glass] = 0.11
    seam = side & (z > 0.6) & (z < 2.3) & ((np.abs(x + 1.55) < 0.01) | (np.abs(x + 0.26) < 0.01))
    albedo[seam] *= 0.3
    grille = (x > -0.25) & (y < 0.72) & (z > 0.92) & (z < 1.34)
    albedo[grille] = np.where(np.sin(z[grille, None] * 75) > 0, 0.03, 0.10)
    lamp = (x > -0.3) & (np.abs(y - 0.84) < 0.16) & (np.abs(z - 0.74) < 0.085)
    albedo[lamp], mirror[lamp] = 0.75, 0.15
    glow[lamp] = 0.3
    bumper = z < 0.60
    albedo[bumper & ~lamp] = 0.05
    return Surface(albedo, mirror, glow, sharp=0.8)


def _load_paint(hit: Hit) -> Surface:
    x, y, z = hit.local[:, 0], hit.local[:, 1], hit.local[:, 2]
    ribs = 1 - 0.10 * (np.abs(((x + 0.3) % 0.6) - 0.3) < 0.012)
    stain = 1 + 0.03 * cloudy(x + y, z, 0.8, 5)
    albedo = hit.colour * (ribs * stain)[:, None]
    rim = (z < 0.10) | (z > 2.15)
    albedo[rim] = albedo[rim] * 0.75
    door = (np.abs(hit.normals[:, 2]) < 0.5) & (np.abs(y) < 1.19) & (np.abs(y) < 0.012)
    albedo[door] *= 0.4
    return Surface(albedo, 0.02, sharp=0.15)
