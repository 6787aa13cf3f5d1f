"""What stands along a street: houses with real window recesses, lamps, traffic lights, signs; and the sky above."""

from __future__ import annotations

import itertools

import numpy as np
from noise import cloudy, speckle
from raster import Array, Hit, Mesh, Scene, Shader, Surface, join
from shapes import Colour, box, disc, ground, quads, tube


def day_sky(clouds: float = 1.0) -> Shader:
    """Radiance of a fair sky by direction; below the horizon, of a grey street."""

    def shade(rays: Array) -> Array:
        up = rays[:, 2]
        height = np.clip(up * 1.15, 0, 1)[:, None] ** 0.6
        sky = np.array([0.66, 0.79, 0.93]) * (1 - height) + np.array([0.10, 0.27, 0.66]) * height
        if clouds:
            safe = np.maximum(up, 0.02) + 0.10
            x, y = rays[:, 0] / safe, rays[:, 1] / safe
            field = cloudy(x + 1.7, y, 2.2, 43, 1.8) + 0.12 * cloudy(x, y, 0.5, 42, 1.4)
            cover = np.clip((field - 0.25) * 1.1, 0, 1) ** 1.2 * np.clip(up * 9 - 0.2, 0, 1) * 0.9 * clouds
            body = np.array([1.02, 1.01, 1.0]) - 0.15 * np.clip(field - 1.0, 0, 1.5)[:, None]
            sky = sky * (1 - cover[:, None]) + body * cover[:, None]
        street = np.array([0.20, 0.20, 0.20]) * (1 + up[:, None] * 0.5)
        low = np.clip(-up * 14, 0, 1)[:, None]
        return sky * (1 - low) + street * low

    return shade  # type: ignore[return-value]


class Builder:
    """Meshes of buildings and street furniture for one scene."""

    def __init__(self, scene: Scene) -> None:
        self.wall = scene.shader(_wall)
        self.window = scene.shader(_window)
        self.plain = scene.shader(_plain)
        self.lamp = scene.shader(_lamp)
        self.stop_face = scene.shader(_textured(_stop_face()))

    def house(
        self, x: tuple[float, float], y: tuple[float, float], floors: int, tint: Colour, rng: np.random.Generator,
        *, fronts: str, bay: float = 2.6, floor: float = 3.3, awning: Colour | None = None,
    ) -> Mesh:  # fmt: skip
        """A house on a rectangle; ``fronts`` names the sides with windows: w (facing -x), e (+x), s (-y), n (+y)."""
        base = 4.1
        top = base + floors * floor
        parts = []
        sides = {
            "w": ((x[0], y[1]), (0, -1), (-1, 0), y[1] - y[0]), "e": ((x[1], y[0]), (0, 1), (1, 0), y[1] - y[0]),
            "s": ((x[0], y[0]), (1, 0), (0, -1), x[1] - x[0]), "n": ((x[1], y[1]), (-1, 0), (0, 1), x[1] - x[0]),
        }  # fmt: skip
        for name, (start, along, out, width) in sides.items():
            if name in fronts:
                parts.append(self._front(start, along, out, width, floors, base, floor, bay, tint, rng, awning))
            else:
                s, a = np.array(start), np.array(along) * width
                corners = [(*s, 0), (*(s + a), 0), (*(s + a), top), (*s, top)]
                parts.append(quads(np.array([corners]), self.wall, tint))
        cx, cy = (x[0] + x[1]) / 2, (y[0] + y[1]) / 2
        size = (x[1] - x[0], y[1] - y[0])
        stone = tuple(float(v) for v in np.array(tint) * 0.55 + 0.22)
        parts.append(box((size[0] + 0.7, size[1] + 0.7, 0.35), (cx, cy, top - 0.15), self.wall, stone))
        parts.append(box((size[0] + 0.3, size[1] + 0.3, 0.6), (cx, cy, top + 0.2), self.wall, stone))
        parts.append(box((size[0] + 0.3, size[1] + 0.3, 0.22), (cx, cy, base - 0.2), self.wall, stone))
        return join(parts)

    def _front(
        self, start: tuple[float, float], along: tuple[int, int], out: tuple[int, int], width: float, floors: int,
        base: float, floor: float, bay: float, tint: Colour, rng: np.random.Generator, awning: Colour | None,
    ) -> Mesh:  # fmt: skip
        count = max(1, int(width / bay))
        cell = width / count
        wall: list[list[tuple[float, float, float]]] = []
        glass: list[list[tuple[float, float, float]]] = []
        frames: list[list[tuple[float, float, float]]] = []
        deep = 0.22

        def rect(u0: float, u1: float, v0: float, v1: float, d: float = 0.0) -> list[tuple[float, float, float]]:
            return [(u0, v0, d), (u1, v0, d), (u1, v1, d), (u0, v1, d)]

        def opening(u: tuple[float, float], v: tuple[float, float], within: tuple[float, float, float, float]) -> None:
            a, b, c, d = within
            wall.extend(
                [rect(a, u[0], c, d), rect(u[1], b, c, d), rect(u[0], u[1], c, v[0]), rect(u[0], u[1], v[1], d)]
            )
            for edge in (
                [(u[0], v[0], 0), (u[0], v[1], 0), (u[0], v[1], deep), (u[0], v[0], deep)],
                [(u[1], v[0], 0), (u[1], v[0], deep), (u[1], v[1], deep), (u[1], v[1], 0)],
                [(u[0], v[0], 0), (u[0], v[0], deep), (u[1], v[0], deep), (u[1], v[0], 0)],
                [(u[0], v[1], 0), (u[1], v[1], 0), (u[1], v[1], deep), (u[0], v[1], deep)],
            ):
                wall.append(edge)  # type: ignore[arg-type]
            glass.append(rect(*u, *v, deep))
            frames.append([(0, 0, 0)])

        kinds: list[float] = []
        for i in range(count):
            a, b = i * cell, (i + 1) * cell
            shop = awning is not None
            inset = 0.22 if shop else 0.30 * cell
            low = 0.45 if shop else 1.0
            opening((a + inset, b - inset), (low, 3.15 if shop else 2.9), (a, b, 0, base))
            kinds.append(1.0 if shop else 0.0)
            for k in range(floors):
                c = base + k * floor
                opening((a + cell * 0.28, b - cell * 0.28), (c + 0.75, c + 2.55), (a, b, c, c + floor))
                kinds.append(0.0)
        s, u3, o3 = np.array([*start, 0.0]), np.array([*along, 0.0]), np.array([*out, 0.0])

        def lift(cells: list[list[tuple[float, float, float]]]) -> Array:
            c = np.array(cells)
            return s + c[..., :1] * u3 + c[..., 1:2] * np.array([0, 0, 1.0]) - c[..., 2:] * o3

        pane = np.tile(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float), (len(glass), 1, 1))
        tag = np.repeat((np.array(kinds) * 10 + rng.random(len(glass)))[:, None, None], 4, 1)
        parts = [
            quads(lift(wall), self.wall, tint),
            quads(lift(glass), self.window, (0.70, 0.69, 0.66), np.concatenate([pane, tag], 2)),
        ]
        for cells, kind in zip(glass, kinds, strict=True):
            if kind == 0.0:  # a sill that throws a shadow
                u0, u1, v = cells[0][0] - 0.1, cells[1][0] + 0.1, cells[0][1]
                mid = s + (u0 + u1) / 2 * u3 + o3 * 0.06 + np.array([0, 0, v - 0.1])
                size = (u1 - u0, 0.24, 0.1) if along[0] else (0.24, u1 - u0, 0.1)
                parts.append(box(size, tuple(mid), self.wall, (0.48, 0.46, 0.43)))
        if awning is not None:
            for i in range(0, count, 2):
                u0, u1 = i * cell + 0.1, min(width, (i + 2) * cell) - 0.1
                cloth = [[(u0, 3.0, -1.3), (u1, 3.0, -1.3), (u1, 3.65, 0.0), (u0, 3.65, 0.0)],
                         [(u0, 2.78, -1.3), (u1, 2.78, -1.3), (u1, 3.0, -1.3), (u0, 3.0, -1.3)]]  # fmt: skip
                parts.append(quads(lift(cloth), self.plain, awning))
        return join(parts)

    def street_lamp(self, height: float = 7.0, reach: float = 1.8) -> Mesh:
        """A lamp on a curved arm that reaches towards +x."""
        bend = np.array(
            [
                (0, 0, 0),
                (0, 0, height * 0.8),
                (reach * 0.12, 0, height * 0.93),
                (reach * 0.45, 0, height),
                (reach, 0, height + 0.05),
            ]
        )
        pole = tube(bend, np.array([0.09, 0.065, 0.05, 0.045, 0.04]), self.plain, (0.06, 0.065, 0.065), 10)
        return join([pole, box((0.75, 0.26, 0.12), (reach + 0.25, 0, height), self.plain, (0.10, 0.10, 0.10))])

    def signal(self, at: Colour, lit: str, plate: bool = True) -> Mesh:
        """A three-lamp head that faces -y, its middle at ``at``; ``lit`` is red, amber or green."""
        x, y, z = at
        black = (0.02, 0.02, 0.02)
        parts = [box((0.42, 0.26, 1.26), (x, y, z - 0.63), self.plain, black)]
        if plate:
            parts.append(box((0.66, 0.03, 1.52), (x, y + 0.02, z - 0.76), self.plain, black))
        hues = {"red": (0.55, 0.02, 0.012), "amber": (0.5, 0.22, 0.01), "green": (0.01, 0.35, 0.16)}
        for k, (name, hue) in enumerate(hues.items()):
            zc = z + 0.41 - 0.41 * k
            lens = disc((x, y - 0.135, zc), (0, -1, 0), 0.165, self.lamp, hue, 28)
            lens.local[:, 2] = 1.0 if name == lit else 0.0
            parts.append(lens)
            arc = np.radians(np.linspace(10, 170, 12))
            rim = np.stack([x + 0.18 * np.cos(arc), 0 * arc, zc + 0.18 * np.sin(arc)], 1)
            strip = []
            for p, q in itertools.pairwise(rim):
                strip.append(
                    [(p[0], y - 0.13, p[2]), (q[0], y - 0.13, q[2]), (q[0], y - 0.30, q[2]), (p[0], y - 0.30, p[2])]
                )
            parts.append(quads(np.array(strip), self.plain, black))
        return join(parts)

    def stop_sign(self, at: Colour, across: float = 0.9, centre: float = 2.35) -> Mesh:
        """An octagonal stop sign that faces -y on a post; ``at`` is the foot."""
        x, y, z = at
        radius = across / 2 / np.cos(np.pi / 8)
        face = disc((x, y - 0.05, z + centre), (0, -1, 0), radius, self.stop_face, sides=8, spin=22.5)
        back = disc((x, y - 0.042, z + centre), (0, 1, 0), radius, self.plain, (0.35, 0.35, 0.35), 8, 22.5)
        post = box((0.06, 0.05, centre + across / 2 - 0.05), (x, y, z), self.plain, (0.22, 0.23, 0.22))
        return join([face, back, post])

    def pavement(self, x: tuple[float, float], y: tuple[float, float], shader: int, step: float = 1.0) -> Mesh:
        """A raised footway with kerbs on its four sides."""
        high = 0.14
        parts = [ground((x[0], x[1] - 1e-3), (y[0], y[1] - 1e-3), step, high, shader)]
        xe, ye = parts[0].points[:, 0].max(), parts[0].points[:, 1].max()
        walls = []
        for side in (x[0], xe):
            for a in np.arange(y[0], ye - 1e-6, step):
                walls.append([(side, a, 0), (side, a + step, 0), (side, a + step, high), (side, a, high)])
        for side in (y[0], ye):
            walls.append([(x[0], side, 0), (xe, side, 0), (xe, side, high), (x[0], side, high)])
        parts.append(quads(np.array(walls), self.plain, (0.28, 0.275, 0.265)))
        return join(parts)


def _plain(hit: Hit) -> Surface:
    return Surface(hit.colour, 0.03, sharp=0.25)


def _wall(hit: Hit) -> Surface:
    p = hit.points
    along = np.where(np.abs(hit.normals[:, 0]) > 0.5, p[:, 1], p[:, 0])
    row = np.floor(p[:, 2] / 0.085)
    mortar = ((p[:, 2] / 0.085) % 1 < 0.14) | (((along / 0.24 + 0.5 * (row % 2)) % 1) < 0.05)
    brick = 1 + 0.22 * (speckle(along + 0.12 * (row % 2), p[:, 2], 0.24, 7) - 0.5)
    stain = 1 + 0.07 * cloudy(along, p[:, 2], 3.0, 8) - 0.10 * np.exp(-p[:, 2] / 0.5)
    near = np.clip(1.6 - np.linalg.norm(hit.points[:, :2], axis=1) / 28, 0, 1)
    # Brick only where it is red enough to be brick; plaster elsewhere.
    red = np.clip((hit.colour[:, 0] / np.maximum(hit.colour[:, 2], 0.01) - 1.5) * 2, 0, 1) * near
    shade = 1 + red * (brick - 1) - red * 0.12 * mortar
    return Surface(hit.colour * (shade * stain)[:, None], 0.01)


def _window(hit: Hit) -> Surface:
    u, v, tag = hit.local[:, 0], hit.local[:, 1], hit.local[:, 2]
    shop, luck = tag > 5, tag % 1
    frame = (
        (u < 0.06)
        | (u > 0.94)
        | (v < 0.04)
        | (v > 0.96)
        | (~shop & ((np.abs(u - 0.5) < 0.025) | (np.abs(v - 0.62) < 0.02)))
    )
    frame &= ~shop | (u < 0.03) | (u > 0.97) | (v < 0.06) | (v > 0.96) | (np.abs(v - 0.8) < 0.012)
    inside = np.full((len(u), 3), 0.02, np.float32)
    curtain = ~shop & ((u < 0.16 + 0.25 * luck) | (u > 0.88 - 0.25 * luck)) & (luck < 0.75)
    folds = 0.30 + 0.06 * np.sin(u * 90)
    inside[curtain] = (folds[:, None] * np.array([0.62, 0.60, 0.55]))[curtain]
    blind = ~shop & (luck > 0.82) & (v > 0.45)
    inside[blind] = 0.24
    goods = shop & (v < 0.55) & (speckle(u * 9 + tag * 50, v * 4, 1.0, 3) > 0.35)
    tone = speckle(u * 9 + tag * 50, v * 4 + 9, 1.0, 4)[:, None] * np.array([0.16, 0.12, 0.10])
    inside[goods] = (tone + 0.02)[goods]
    inside[shop & (v > 0.55)] += 0.03
    albedo = np.where(frame[:, None], np.where(shop[:, None], 0.05, hit.colour), inside)
    # Old panes are not quite flat, which breaks up what they mirror.
    bend = hit.normals + 0.012 * np.stack(
        [cloudy(u + tag * 31, v, 1.0, 51), cloudy(v, u + tag * 17, 1.0, 52), 0 * u], 1
    )
    bend /= np.linalg.norm(bend, axis=1, keepdims=True)
    return Surface(albedo, np.where(frame, 0.02, 0.09).astype(np.float32), normals=bend.astype(np.float32), sharp=0.9)


def _lamp(hit: Hit) -> Surface:
    radius = np.hypot(hit.local[:, 0], hit.local[:, 1])
    lit = hit.local[:, 2:] > 0.5
    core = np.clip(1.15 - 0.55 * radius**2, 0, 1)[:, None]
    bright = np.maximum(hit.colour / hit.colour.max(1, keepdims=True), 0.06)
    glow = np.where(lit, bright * core * 3.2, 0)
    albedo = np.where(lit, hit.colour, hit.colour * 0.10 + 0.012)
    return Surface(albedo, 0.05, glow, sharp=0.6)


def _textured(image: Array) -> Shader:
    """Shows an image on a plate whose ``local`` goes from -1 to 1."""
    side = image.shape[0]

    def shade(hit: Hit) -> Surface:
        col = np.clip((hit.local[:, 0] * 0.5 + 0.5) * side, 0, side - 1).astype(int)
        row = np.clip((0.5 - hit.local[:, 1] * 0.5) * side, 0, side - 1).astype(int)
        albedo = image[row, col]
        dirt = 1 + 0.04 * cloudy(hit.local[:, 0], hit.local[:, 1], 0.7, 61)
        return Surface(albedo * dirt[:, None], 0.03, sharp=0.3)

    return shade


def _stop_face() -> Array:
    import cv2
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    side = 768
    turn = np.radians(np.arange(8) * 45 + 22.5)

    def octagon(scale: float) -> list[tuple[float, float]]:
        return [(side / 2 * (1 + scale * np.cos(a)), side / 2 * (1 + scale * np.sin(a))) for a in turn]

    picture = Image.new("RGB", (side, side), (235, 235, 232))
    draw = ImageDraw.Draw(picture)
    draw.polygon(octagon(1.0), fill=(236, 236, 233))
    draw.polygon(octagon(0.945), fill=(176, 18, 28))
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf", 300)
    left, top, right, bottom = font.getbbox("STOP")
    word = Image.new("L", (right - left, bottom - top), 0)
    ImageDraw.Draw(word).text((-left, -top), "STOP", font=font, fill=255)
    word = word.resize((int(side * 0.76), int(side * 0.34)), Image.Resampling.LANCZOS)
    picture.paste((240, 240, 237), ((side - word.width) // 2, (side - word.height) // 2), word)
    srgb = cv2.GaussianBlur(np.asarray(picture, np.float32) / 255, (0, 0), 1.0)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32) * 0.85
