"""People without faces: bodies from distance functions, clothed by colour. Local axes: x ahead, y left, z up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from raster import Array, Mesh
from shapes import Colour, capsule, ellipsoid, soft_min, solid


@dataclass(frozen=True)
class Clothes:
    """Linear colours of what a person wears; ``vest`` and ``helmet`` are None where there is none."""

    top: Colour
    legs: Colour
    shoes: Colour = (0.03, 0.025, 0.02)
    skin: Colour = (0.42, 0.24, 0.16)
    hair: Colour = (0.03, 0.02, 0.015)
    vest: Colour | None = None
    helmet: Colour | None = None


def person(
    shader: int, clothes: Clothes, *, stride: float = 0.3, swing: float = 0.3, bend: float = 0.15, step: float = 0.018
) -> Mesh:
    """A standing or walking adult of 1.77 m.

    Args:
        shader: number of the shader.
        clothes: what is worn.
        stride: half the distance between the feet, metres; the left foot is ahead.
        swing: how far the arms swing against the legs, metres.
        bend: how far the elbows are bent, metres.
        step: size of the grid that the body is cut from.
    """
    hip, shoulder = 0.93, 1.44
    bones: list[tuple[str, object]] = []

    def rod(part: str, a: Colour, b: Colour, ra: float, rb: float) -> None:
        bones.append((part, lambda p: capsule(p, a, b, ra, rb)))

    for side, ahead in ((1, stride), (-1, -stride)):
        lift = 0.10 * max(0.0, -ahead)
        knee = (ahead * 0.55 + 0.05 + 0.05 * abs(stride), side * 0.10, 0.50 + lift * 0.3)
        ankle = (ahead - 0.04, side * 0.105, 0.09 + lift)
        rod("legs", (0, side * 0.095, hip - 0.02), knee, 0.092, 0.064)
        rod("legs", knee, ankle, 0.064, 0.049)
        rod(
            "shoes",
            (ankle[0] - 0.03, ankle[1], 0.045 + lift),
            (ankle[0] + 0.17, ankle[1], 0.035 + lift * 0.3),
            0.045,
            0.035,
        )
        arm = -swing * np.sign(ahead) if ahead else 0.05
        elbow = (arm * 0.45 - 0.05, side * 0.265, 1.15)
        hand = (arm + bend, side * 0.25, 0.90 + bend * 0.5)
        rod("top", (-0.01, side * 0.19, shoulder - 0.03), elbow, 0.062, 0.050)
        rod("top", elbow, hand, 0.050, 0.038)
        tip = (hand[0] + 0.03, hand[1], hand[2] - 0.08)
        rod("skin", hand, tip, 0.036, 0.030)
    bones.append(("top", lambda p: ellipsoid(p, (0.0, 0.0, 1.24), (0.125, 0.195, 0.30))))
    bones.append(
        ("top", lambda p: capsule(p, (-0.01, -0.15, shoulder - 0.02), (-0.01, 0.15, shoulder - 0.02), 0.072, 0.072))
    )
    bones.append(("legs", lambda p: ellipsoid(p, (-0.01, 0.0, 0.95), (0.125, 0.165, 0.14))))
    rod("skin", (0.0, 0, shoulder), (0.02, 0, 1.56), 0.055, 0.052)
    bones.append(("skin", lambda p: ellipsoid(p, (0.035, 0, 1.645), (0.093, 0.073, 0.118))))
    bones.append(("skin", lambda p: ellipsoid(p, (0.125, 0, 1.63), (0.02, 0.014, 0.025))))
    bones.append(
        (
            "hair",
            lambda p: np.maximum(
                ellipsoid(p, (0.012, 0, 1.668), (0.107, 0.084, 0.112)), -(p[:, 2] - 1.6 + 0.9 * (p[:, 0] - 0.05) * -1)
            ),
        )
    )
    if clothes.helmet:
        dome = lambda p: np.maximum(ellipsoid(p, (0.02, 0, 1.69), (0.135, 0.108, 0.115)), 1.69 - p[:, 2])  # noqa: E731
        bones.append(("helmet", dome))
        brim = lambda p: np.maximum(ellipsoid(p, (0.055, 0, 1.695), (0.165, 0.118, 0.03)), 1.685 - p[:, 2])  # noqa: E731
        bones.append(("helmet", brim))

    soft = {"legs": 0.05, "top": 0.06, "skin": 0.02, "shoes": 0.02, "hair": 0.01, "helmet": 0.01}

    def field(p: Array, part: str) -> Array:
        value = np.full(len(p), 9.0, np.float32)
        for name, bone in bones:
            if name == part:
                value = soft_min(value, bone(p), soft[part])  # type: ignore[operator]
        return value

    def inside(p: Array) -> Array:
        value = np.full(len(p), 9.0, np.float32)
        for part in soft:
            value = soft_min(value, field(p, part), 0.015)
        # Cloth hangs in folds.
        folds = 0.0035 * np.sin(p[:, 2] * 38 + 6 * np.sin(p[:, 1] * 17) + p[:, 0] * 21)
        return value + folds * ((p[:, 2] < 1.45) & (p[:, 2] > 0.1))

    mesh = solid(inside, (-0.75, -0.42, -0.02), (0.75, 0.42, 1.83), step, shader)
    paints = {
        "legs": clothes.legs, "top": clothes.top, "skin": clothes.skin, "shoes": clothes.shoes,
        "hair": clothes.hair, "helmet": clothes.helmet or clothes.hair,
    }  # fmt: skip
    distances = np.stack([field(mesh.points, part) for part in paints], 1)
    tints = np.array(list(paints.values()), np.float32)
    mesh.colour[:] = tints[distances.argmin(1)]
    if clothes.vest:
        z, y = mesh.points[:, 2], np.abs(mesh.points[:, 1])
        torso = (distances.argmin(1) == 1) & (z > 0.95) & (y < 0.20)
        mesh.colour[torso] = clothes.vest
        bands = torso & (
            (np.abs(z - 1.06) < 0.03) | (np.abs(z - 1.20) < 0.03) | ((np.abs(y - 0.12) < 0.025) & (z > 1.2))
        )
        mesh.colour[bands] = (0.72, 0.74, 0.74)
    return mesh
