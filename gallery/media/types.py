"""A checked picture and a checked recording: the only forms in which media enter the domains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright RGB image.

    Attributes:
        pixels: uint8 array, HxWx3, RGB, turned upright, not writeable.
        name: file name without folders, for display and export.
        format: what the bytes really were, for example ``JPEG``.
        decode_ms: milliseconds spent on reading and decoding.
        warnings: what a person should know (``first of 12 frames``, ``16-bit values were scaled``).
        info: properties worth showing (JSON values), for example ``{"exif_orientation": 6}``.
    """

    pixels: npt.NDArray[np.uint8]
    name: str
    format: str = ""
    decode_ms: float = 0.0
    warnings: tuple[str, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class Recording:
    """Mono sound at 16 kHz.

    Attributes:
        samples: int16 array, N, mono, 16,000 a second (int16 because three hours of float32 would take 690 MB).
        name: file name without folders, for display and export.
        format: container and codec as read, for example ``wav/pcm_s16le``.
        decode_ms: milliseconds spent on reading and decoding.
        warnings: what a person should know (``only the first of 2 sound tracks was used``).
    """

    samples: npt.NDArray[np.int16]
    name: str
    format: str = ""
    decode_ms: float = 0.0
    warnings: tuple[str, ...] = ()

    #: Samples a second, the rate that every speech model of the gallery takes.
    RATE = 16_000

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.RATE
