"""Pixels of every mode that Pillow decodes, as one upright RGB array of 8 bits.

* transparency is placed on white;
* CMYK goes through the colour profile in the file where there is one, else through the plain formula;
* whole numbers of more than 8 bits are scaled linearly from zero. The smallest of 8, 10, 12, 14 and 16 bits that
  holds the brightest value becomes 0 to 255, so that 12-bit pictures in 16-bit files are not black;
* negative or longer whole numbers are scaled from their smallest to their largest value;
* fractions between 0 and 1 become 0 to 255, between 0 and 255 they are rounded, and otherwise scaled from their
  smallest to their largest value; what is not a number becomes black.

What was changed is said in sentences. The result is filled band by band, so that it and Pillow's own copy are the
only two of the whole picture.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageFile

Pixels = npt.NDArray[np.uint8]

# Pixels that are converted at a time: large enough to be quick, small enough to cost no memory to speak of.
_BAND_PIXELS = 4_000_000

_Band = tuple[int, int]  # first row, row after the last


def upright_rgb(image: Image.Image, orientation: int, said: list[str]) -> Pixels:
    """A loaded picture of any mode as RGB.

    Args:
        image: a picture whose pixels are decoded.
        orientation: EXIF orientation that is still to be applied, 1 to 8.
        said: sentences about what was changed are appended here.

    Returns:
        uint8, HxWx3, RGB, upright; perhaps not writeable.
    """
    width, height = image.size
    plain = image.mode == "RGB" and "transparency" not in image.info
    if plain and orientation == 1 and width * height <= _BAND_PIXELS:
        return np.asarray(image)  # the quick way for a photograph: one copy
    convert = _converter(image, said)
    pixels = _assemble(image.size, orientation, lambda rows: convert(image.crop((0, rows[0], width, rows[1]))))
    if isinstance(convert, _OnWhite) and convert.seen:
        said.append("Transparent parts were placed on white.")
    return pixels


def keeps_upper_byte(image: ImageFile.ImageFile) -> bool:
    """Whether this unloaded picture has colours of 16 bits a channel, of which Pillow keeps the upper 8."""
    return any(";16" in _raw_mode(tile.args) for tile in image.tile) and not image.mode.startswith("I")


def upright_rgb_of_16_bits(
    image: Image.Image, again: Callable[[], ImageFile.ImageFile], orientation: int, said: list[str]
) -> Pixels:
    """A loaded picture for which :func:`keeps_upper_byte` held, as RGB.

    Where the brightest value fills the range, the upper bytes that Pillow kept are the picture. Where it does not, as
    in 12-bit pictures from above, they are almost black. The file is then decoded a second time with the other byte
    order, which gives the lower bytes by the same decoder.

    Args:
        image: a picture whose pixels are decoded.
        again: opens the same file once more, without decoding it.
        orientation, said: as in :func:`upright_rgb`.
    """
    brightest = max(image.getchannel(c).getextrema()[1] for c in image.getbands() if c not in "Aa")
    assert isinstance(brightest, int)
    if brightest >= 0x80 or image.mode not in ("RGB", "L") or "transparency" in image.info:
        said.append("16-bit values were scaled to 8 bits: 0 to 65,535 became 0 to 255.")
        return upright_rgb(image, orientation, said)
    lower = again()
    lower.tile = [tile._replace(args=_other_byte(tile.args)) for tile in lower.tile]
    lower.load()
    full = _full_scale(brightest << 8 | 0xFF)
    said.append(f"16-bit values were scaled to 8 bits: 0 to {full:,} became 0 to 255.")
    table = np.rint(np.arange(full + 1) * (255.0 / full)).astype(np.uint8)

    def band(rows: _Band) -> Pixels:
        box = (0, rows[0], image.width, rows[1])
        high, low = (np.asarray(part.crop(box).convert("RGB"), np.uint16) for part in (image, lower))
        return table[high << 8 | low]

    return _assemble(image.size, orientation, band)


def _assemble(size: tuple[int, int], orientation: int, band: Callable[[_Band], Pixels]) -> Pixels:
    """Fill an upright HxWx3 array band by band.

    Args:
        size: width and height as stored.
        orientation: EXIF orientation, 1 to 8.
        band: gives rows ``first`` to ``last`` as stored, (last-first)xWx3.
    """
    width, height = size
    upright = (width, height, 3) if orientation >= 5 else (height, width, 3)
    pixels = np.empty(upright, np.uint8)
    stored = _as_stored(pixels, orientation)
    for first, last in _bands(size):
        stored[first:last] = band((first, last))
    return pixels


def _bands(size: tuple[int, int]) -> Iterator[_Band]:
    rows = max(1, _BAND_PIXELS // size[0])
    for first in range(0, size[1], rows):
        yield first, min(first + rows, size[1])


def _as_stored(pixels: Pixels, orientation: int) -> Pixels:
    """A view of upright pixels in which row and column are those of the file (EXIF 2.3, tag 0x0112)."""
    view = pixels.swapaxes(0, 1) if orientation >= 5 else pixels
    rows = slice(None, None, -1) if orientation in (3, 4, 7, 8) else slice(None)
    columns = slice(None, None, -1) if orientation in (2, 3, 6, 7) else slice(None)
    # With the axes swapped, 6 is a turn whose stored rows run along upright columns from right to left.
    if orientation in (6, 8):
        rows, columns = columns, rows
    return view[rows, columns]


def _converter(image: Image.Image, said: list[str]) -> Callable[[Image.Image], Pixels]:
    """What turns a band of this image into RGB, by its mode; sentences on what is lost go into ``said``."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _scaler(image, said)
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _OnWhite()
    if mode in ("CMYK", "LAB"):
        return _through_profile(image, said)
    return lambda band: np.asarray(band.convert("RGB"))


class _OnWhite:
    """Places a band with transparency on white, and remembers whether any pixel was not opaque."""

    def __init__(self) -> None:
        self.seen = False

    def __call__(self, band: Image.Image) -> Pixels:
        rgba = band.convert("RGBA")
        alpha = rgba.getchannel("A")
        if alpha.getextrema()[0] == 255:
            return np.asarray(rgba.convert("RGB"))
        self.seen = True
        white = Image.new("RGB", band.size, (255, 255, 255))
        white.paste(rgba, mask=alpha)
        return np.asarray(white)


def _through_profile(image: Image.Image, said: list[str]) -> Callable[[Image.Image], Pixels]:
    """CMYK through the profile in the file, or the plain formula; LAB through Little CMS."""
    target = ImageCms.createProfile("sRGB")
    if image.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), target, "LAB", "RGB")
        return lambda band: np.asarray(ImageCms.applyTransform(band, transform))
    profile = image.info.get("icc_profile")
    if profile:
        try:
            by_profile = ImageCms.buildTransform(ImageCms.ImageCmsProfile(io.BytesIO(profile)), target, "CMYK", "RGB")
            said.append("Printing colours (CMYK) were converted with the colour profile in the file.")
            return lambda band: np.asarray(ImageCms.applyTransform(band, by_profile))
        except Exception:  # a damaged profile, or one of another colour space: the plain formula remains
            profile = None
    said.append("Printing colours (CMYK) were converted without a colour profile, so they are approximate.")
    return lambda band: np.asarray(band.convert("RGB"))


# --- more than 8 bits -----------------------------------------------------------------------------------------------


def _scaler(image: Image.Image, said: list[str]) -> Callable[[Image.Image], Pixels]:
    """Grey values of 16 or 32 bits or fractions to RGB, by the rules at the top of this module."""
    low, high, strange = np.inf, -np.inf, False
    for first, last in _bands(image.size):
        values = np.asarray(image.crop((0, first, image.width, last)))
        if values.dtype.kind == "f":
            finite = values[np.isfinite(values)]
            strange = strange or finite.size < values.size
            values = finite
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if strange:
        said.append("Values that are not numbers were shown as black.")
    if not high >= low:
        low = high = 0.0
    if image.mode == "F":
        kind = "Fractional values"
        if low >= 0 and high <= 1:
            low, high = 0.0, 1.0
        elif low >= 0 and high <= 255:
            low, high = 0.0, 255.0
    else:
        kind = "Values of more than 8 bits" if image.mode == "I" else "16-bit values"
        if low >= 0 and high <= 0xFFFF:
            low, high = 0.0, float(_full_scale(int(high)))
    said.append(f"{kind} were scaled to 8 bits: {low:,.6g} to {high:,.6g} became 0 to 255.")
    factor = 255.0 / (high - low) if high > low else 0.0

    def convert(band: Image.Image) -> Pixels:
        values = np.nan_to_num(np.asarray(band, np.float64), nan=low, posinf=low, neginf=low)
        grey = np.rint((values - low) * factor).astype(np.uint8)
        return np.broadcast_to(grey[..., None], (*grey.shape, 3))

    return convert


def _full_scale(brightest: int) -> int:
    """The largest value of the smallest common bit depth that holds ``brightest``."""
    return next((1 << bits) - 1 for bits in (8, 10, 12, 14, 16) if brightest < 1 << bits)


def _raw_mode(args: Any) -> str:
    raw = args[0] if isinstance(args, tuple) and args else args
    return raw if isinstance(raw, str) else ""


def _other_byte(args: Any) -> Any:
    """Decoder arguments with the byte order of 16-bit values reversed."""
    if isinstance(args, tuple):
        return (_other_byte(args[0]), *args[1:])
    swap = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
    return args[:-1] + swap[args[-1]] if ";16" in args else args
