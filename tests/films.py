"""Short videos, made on the spot."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.photos import BUS

Pixels = npt.NDArray[np.uint8]

#: Colours of the four corners of :func:`quarters`, clockwise from top left.
CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))


def quarters(width: int = 64, height: int = 48) -> Pixels:
    """Red, green, blue and white, clockwise from the top left."""
    pixels = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    for (rows, columns), colour in zip(
        (
            (slice(0, top), slice(0, left)),
            (slice(0, top), slice(left, None)),
            (slice(top, None), slice(left, None)),
            (slice(top, None), slice(0, left)),
        ),
        CORNERS,
        strict=True,
    ):
        pixels[rows, columns] = colour
    return pixels


def corners(pixels: Pixels) -> list[tuple[int, int, int]]:
    """The nearest pure colour in the middle of each quarter, clockwise from the top left."""
    height, width = pixels.shape[:2]
    y1, y2, x1, x2 = height // 4, height - 1 - height // 4, width // 4, width - 1 - width // 4
    places = ((y1, x1), (y1, x2), (y2, x2), (y2, x1))
    return [tuple(255 if v > 127 else 0 for v in pixels[place]) for place in places]  # type: ignore[misc]


def film(
    container: str = "mp4",
    codec: str = "libx264",
    frames: Sequence[Pixels] | None = None,
    *,
    rate: float = 10,
    times: Sequence[float] | None = None,
    pixel_format: str = "yuv420p",
    rotation: int = 0,
    sound: bool = False,
    options: dict[str, str] | None = None,
) -> bytes:
    """A video of these frames (ten times :func:`quarters` when None).

    Args:
        times: seconds of each frame; evenly by ``rate`` when None.
        rotation: degrees, counterclockwise, by which a player must turn the frames.
    """
    import av

    pictures = [quarters()] * 10 if frames is None else frames
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=Fraction(rate).limit_denominator(1001), options=options or {})
        if pictures:
            stream.height, stream.width = pictures[0].shape[:2]
        else:
            stream.height, stream.width = 48, 64
        stream.pix_fmt = pixel_format
        if times is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        audio: Any = file.add_stream("aac", rate=48_000, layout="mono") if sound else None
        file.start_encoding()  # a file without frames gets a header too
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
            frame.pts = index if times is None else round(times[index] * 1000)
            frame.time_base = Fraction(1, 1000) if times is not None else 1 / Fraction(rate).limit_denominator(1001)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        if audio is not None:
            for index in range(10):
                tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                tone.sample_rate, tone.pts = 48_000, index * 1024
                file.mux(audio.encode(tone))
            file.mux(audio.encode(None))
    return out.getvalue()


def pan(count: int, width: int = 320, height: int = 320, step: int = 4) -> list[Pixels]:
    """A camera that moves over a photograph of a bus and people, back and forth."""
    from PIL import Image

    with Image.open(BUS) as photo:
        wide = np.asarray(photo.convert("RGB").resize((width + width // 3, round((width + width // 3) * 4 / 3))))
    travel = wide.shape[1] - width
    top = (wide.shape[0] - height) // 2
    frames = []
    for index in range(count):
        at = index * step % (2 * travel)
        left = min(at, 2 * travel - at)
        frames.append(np.ascontiguousarray(wide[top : top + height, left : left + width]))
    return frames


def pan_file(path: Path, count: int, **arguments: Any) -> Path:
    """The same as an MP4 file."""
    path.write_bytes(film(frames=pan(count), **arguments))
    return path


def joined(parts: Iterable[bytes]) -> bytes:
    """Transport streams behind each other, as a recorder joins them."""
    return b"".join(parts)
