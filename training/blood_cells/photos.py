"""Read the crops of a part of the split into memory, and vary them for training."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional

CLASSES = ("basophil", "eosinophil", "erythroblast", "ig", "lymphocyte", "monocyte", "neutrophil", "platelet")


def names(split: Path, part: str) -> list[str]:
    """File names of one part of the split."""
    return list(json.loads(split.read_text(encoding="utf-8"))[part])


def read(data: Path, files: list[str]) -> tuple[npt.NDArray[np.uint8], torch.Tensor]:
    """Crops as ``N x 128 x 128 x 3`` and their class numbers."""
    pixels = np.stack([np.asarray(Image.open(data / file).convert("RGB")) for file in files])
    labels = torch.tensor([CLASSES.index(file.split("/")[0]) for file in files])
    return pixels, labels


def tensor(pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
    """``N x 3 x H x W`` float32, 0 to 255."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float()


def _jpeg(pixels: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def vary(pixels: npt.NDArray[np.uint8], random: np.random.Generator) -> torch.Tensor:
    """Other views of the same cells: turned, mirrored, scaled, shifted, other light and stain, blur, noise, JPEG.

    Args:
        pixels: ``N x 128 x 128 x 3``.
        random: source of chance.

    Returns:
        float32 ``N x 3 x 128 x 128``, 0 to 255.
    """
    count = len(pixels)
    squeezed = [_jpeg(p, int(random.integers(45, 95))) if random.random() < 0.25 else p for p in pixels]
    x = tensor(np.stack(squeezed))

    quarter = random.integers(0, 4, count) * (math.pi / 2)
    angle = torch.tensor(quarter + random.uniform(-0.3, 0.3, count), dtype=torch.float32)
    mirror = torch.tensor(random.choice([-1.0, 1.0], count), dtype=torch.float32)
    # above 1 the view is wider than the crop: a whole photo that was taken for a crop shows cells at 0.71
    zoom = torch.tensor(np.exp(random.uniform(math.log(0.78), math.log(1.32), count)), dtype=torch.float32)
    shift = torch.tensor(random.uniform(-0.12, 0.12, (count, 2)), dtype=torch.float32)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    matrix = torch.stack(
        [torch.stack([cos * mirror, -sin, shift[:, 0]], 1), torch.stack([sin * mirror, cos, shift[:, 1]], 1)], 1
    )
    grid = functional.affine_grid(matrix, [count, 3, 128, 128], align_corners=False)
    x = functional.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    def amounts(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.tensor(random.uniform(low, high, (count, *shape)), dtype=torch.float32)

    x = x * amounts(0.8, 1.2, 1, 1, 1) * amounts(0.93, 1.07, 3, 1, 1)  # light, and the colour of the light
    mean = x.mean((2, 3), keepdim=True)
    x = mean + (x - mean) * amounts(0.8, 1.25, 1, 1, 1)  # contrast
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * amounts(0.7, 1.3, 1, 1, 1)  # saturation

    blurred = torch.from_numpy(random.random(count) < 0.15)
    if blurred.any():
        kernel = torch.tensor([1.0, 2.0, 1.0])
        kernel = (kernel[:, None] * kernel[None] / 16).expand(3, 1, 3, 3)
        x[blurred] = functional.conv2d(functional.pad(x[blurred], (1, 1, 1, 1), "reflect"), kernel, groups=3)
    noisy = torch.from_numpy(random.random(count) < 0.15)
    if noisy.any():
        x[noisy] += torch.tensor(random.normal(0, 5, x[noisy].shape), dtype=torch.float32)
    return x.clamp(0, 255)
