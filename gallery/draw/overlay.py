"""A line of figures in a corner of a moving picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def status(canvas: npt.NDArray[np.uint8], text: str) -> None:
    """Write a line into the upper left corner, in place, on a dark ground; feet and their distances are below.

    Args:
        canvas: HxWx3 uint8 RGB, writeable.
        text: ASCII only, which is all that OpenCV's stroke fonts hold.
    """
    import cv2

    height, width = canvas.shape[:2]
    size = max(0.4, min(height, width) / 900)
    thick = max(1, round(size * 1.6))
    (wide, high), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, thick)
    pad = max(3, round(high / 2))
    corner = canvas[: min(height, high + below + 2 * pad), : min(width, wide + 2 * pad)]
    corner //= 4
    cv2.putText(canvas, text, (pad, high + pad), cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), thick, cv2.LINE_AA)
