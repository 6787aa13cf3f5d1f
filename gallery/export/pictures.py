"""An annotated picture as a file."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt


def jpeg_bytes(pixels: npt.NDArray[np.uint8], quality: int = 90) -> bytes:
    """A JPEG of an RGB image (HxWx3 uint8) at full resolution, colours not subsampled so that thin lines stay clean.

    Sides above 65,500 pixels, which JPEG cannot hold, are written as PNG instead.
    """
    from PIL import Image

    stream = io.BytesIO()
    image = Image.fromarray(pixels)
    if max(image.size) > 65_500:
        image.save(stream, "PNG", compress_level=1)
    else:
        image.save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


def png_bytes(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A lossless PNG of an RGB image (HxWx3 uint8)."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=4)
    return stream.getvalue()
