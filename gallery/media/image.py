"""Bytes or a path in, an upright RGB picture out; whatever is hostile or damaged stops here.

The kind of a file is told by its content. Its size is read from its header and checked before any pixel is decoded.
Only the ten or so Pillow plugins named below ever see a byte. Any failure of a decoder becomes one sentence.

How pictures of other kinds become 8-bit RGB stands in :mod:`gallery.media.pixels`.

Memory: Pillow's own copy (4 bytes a pixel of a colour picture) and the result (3 bytes a pixel). A picture of
20,000 x 20,000 pixels therefore needs 2.8 GB while it is decoded and 1.2 GB afterwards.
"""

from __future__ import annotations

import logging
import re
import struct
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

from PIL import Image, ImageFile, PngImagePlugin, TiffImagePlugin
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile, jpeg_factory
from PIL.MpoImagePlugin import MpoImageFile
from PIL.WebPImagePlugin import WebPImageFile

from gallery.errors import GalleryError, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from gallery.media import frames
from gallery.media.names import display_name, quoted
from gallery.media.pixels import Pixels, keeps_upper_byte, upright_rgb, upright_rgb_of_16_bits
from gallery.media.sniff import HEAD, Kind, sniff
from gallery.media.source import opened, size_of
from gallery.media.types import Picture


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is refused before it is decoded.

    Attributes:
        max_bytes: bytes of the file.
        max_pixels: width times height.
        max_side: width, and height, in pixels.
    """

    max_bytes: int
    max_pixels: int
    max_side: int


#: Photographs: 64 MB, 100 megapixels.
PHOTO = ImageLimits(max_bytes=64_000_000, max_pixels=100_000_000, max_side=30_000)

#: Pictures from above: 2 GB, 400 megapixels (20,000 x 20,000).
OVERHEAD = ImageLimits(max_bytes=2_000_000_000, max_pixels=400_000_000, max_side=60_000)

# Pillow's own guard must let the largest permitted picture through. Set once, here; the limits above are checked for
# every file by this module and are the ones that count.
Image.MAX_IMAGE_PIXELS = OVERHEAD.max_pixels

# A progressive JPEG of 64 MB can hold a million passes over all its pixels. Encoders write about ten.
_MAX_SCANS = 200

_AGAIN = "Copy or download it again, or save it anew as PNG or JPEG."
_CONVERT = "Save it as PNG or JPEG and open that."
_SMALLER = "Make it smaller, or cut out the part that matters."


def read_image(source: bytes | Path, name: str, limits: ImageLimits = PHOTO) -> Picture:
    """Read a picture: JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF or MPO.

    Args:
        source: the bytes of the file, or its path.
        name: what a person calls the file; only shown, never believed.
        limits: what is refused before it is decoded.

    Returns:
        An upright RGB picture. ``info`` holds ``mode`` (Pillow's name of the pixels in the file),
        ``exif_orientation`` (1 to 8; 1 is upright) and ``frames`` (frames, pages or pictures in the file; 1,001
        stands for more than a thousand).

    Raises:
        EmptyMedia: the file has no bytes.
        UnreadableMedia: the file is missing, damaged, incomplete, or no picture at all.
        UnsupportedMedia: the file is something else (a video, a PDF), or a picture of a kind that is not opened.
        MediaTooLarge: the file has more bytes or pixels than ``limits``, or more than memory holds.
    """
    begin = time.perf_counter()
    with opened(source, name, limits.max_bytes) as file:
        head = file.read(HEAD)
        kind = sniff(head)
        _check_kind(kind, name)
        if kind.format == "WEBP" and (size := _webp_size(head)):
            _check_size(size, name, limits)  # its decoder takes memory for the pixels when it is created
        _silence_pillow()
        try:
            decoded = _decode(file, kind, name, limits)
        except GalleryError:
            raise
        except (MemoryError, Image.DecompressionBombError) as error:
            raise MediaTooLarge(f"{quoted(name)} needs more memory than there is.", _SMALLER) from error
        except Exception as error:  # a decoder given hostile bytes may raise anything
            raise _unreadable(error, kind, name) from error
    pixels = decoded.pixels
    pixels.setflags(write=False)
    return Picture(
        pixels=pixels,
        name=display_name(name),
        format=decoded.format,
        decode_ms=(time.perf_counter() - begin) * 1000,
        warnings=tuple(decoded.warnings),
        info=decoded.info,
    )


# --- what is refused ------------------------------------------------------------------------------------------------


def _check_kind(kind: Kind, name: str) -> None:
    """Raise unless the kind is one that is opened, saying what to do instead."""
    if kind.family == "image" and kind.format in _OPENERS:
        return
    what = f"{quoted(name)} is {kind.title}"
    if kind.family == "image":
        raise UnsupportedMedia(f"{what}, which the gallery does not open.", _CONVERT)
    if kind.family == "video":
        raise UnsupportedMedia(
            f"{what}; this page takes still pictures.",
            "Save one frame of it as a picture; the Speech page takes its sound.",
        )
    if kind.family == "audio":
        raise UnsupportedMedia(f"{what}; this page takes pictures.", "Open it on the Speech page.")
    if kind.format == "PDF":
        raise UnsupportedMedia(f"{what}, not a picture.", "Save the page you need as PNG or JPEG and open that.")
    if kind.format == "SVG":
        raise UnsupportedMedia(f"{what}, which has no pixels.", "Export it as PNG and open that.")
    if kind.family == "archive":
        raise UnsupportedMedia(f"{what}, not a picture.", "Unpack it and open the pictures in it.")
    if kind.family in ("document", "text"):
        raise UnreadableMedia(f"{what}, not a picture.", "Open a picture such as JPEG, PNG or TIFF.")
    raise UnreadableMedia(
        f"{quoted(name)} is not a picture: its content is of no kind that the gallery knows.",
        "Open a picture such as JPEG, PNG or TIFF.",
    )


def _check_size(size: tuple[int, int], name: str, limits: ImageLimits) -> None:
    """Raise when a picture of this width and height is over the limits."""
    width, height = size
    if width < 1 or height < 1:
        raise UnreadableMedia(f"{quoted(name)} is damaged: it says that it has no pixels.", _AGAIN)
    if width * height <= limits.max_pixels and max(size) <= limits.max_side:
        return
    measures = f"{quoted(name)} measures {width:,} × {height:,} pixels"
    if width * height > limits.max_pixels:
        problem = f"{measures} ({_mega(width * height)}); the limit is {_mega(limits.max_pixels)}."
    else:
        problem = f"{measures}; the limit is {limits.max_side:,} pixels along a side."
    remedy = _SMALLER
    if limits is PHOTO and width * height <= OVERHEAD.max_pixels and max(size) <= OVERHEAD.max_side:
        remedy = f"{_SMALLER} The Satellite page takes up to {_mega(OVERHEAD.max_pixels)}."
    raise MediaTooLarge(problem, remedy)


def _mega(pixels: int) -> str:
    millions = pixels / 1e6
    return f"{millions:,.0f} megapixels" if millions >= 10 else f"{millions:.1f} megapixels"


# What Pillow says of a TIFF that may be sound but whose pixels it does not read.
_ODD_TIFF = ("unknown pixel mode", "data organization", "samples per pixel")


def _unreadable(error: Exception, kind: Kind, name: str) -> GalleryError:
    text = str(error).lower()
    if kind.format == "TIFF" and any(words in text for words in _ODD_TIFF):
        return UnsupportedMedia(
            f"{quoted(name)} is a TIFF whose pixels are stored in a way that the gallery does not read.",
            "Save it as an 8-bit RGB TIFF or PNG and open that.",
        )
    if "truncated" in text or "end of file" in text or isinstance(error, EOFError):
        return UnreadableMedia(f"{quoted(name)} is incomplete: the file ends before the picture does.", _AGAIN)
    return UnreadableMedia(f"{quoted(name)} is damaged: it begins like {kind.title} but cannot be decoded.", _AGAIN)


def _webp_size(head: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP picture from its header (RFC 9649), or None where the header is cut off."""
    chunk = head[12:16]
    if chunk == b"VP8X" and len(head) >= 30:
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if chunk == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and len(head) >= 30:
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


# --- opening --------------------------------------------------------------------------------------------------------


def _open_heif(file: IO[bytes], filename: str) -> ImageFile.ImageFile:
    from pillow_heif import HeifImageFile  # loads an HEVC decoder, so only when there is a use for it

    return HeifImageFile(file, filename)


#: The plugins that may see a file, by kind. They are called directly: ``Image.open`` would refuse by its own limit.
_OPENERS: dict[str, Callable[[IO[bytes], str], ImageFile.ImageFile]] = {
    "JPEG": jpeg_factory,  # also MPO, which begins like a JPEG
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "AVIF": AvifImageFile,
    "HEIF": _open_heif,
}


# Without a handler of its own, what Pillow logs of damaged files would be printed.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Pillow warns of damaged metadata and the like; what matters of that is said here in other words.
_QUIET = ("ignore", None, UserWarning, re.compile(r"PIL\."), 0)


def _silence_pillow() -> None:
    """Keep Pillow's warnings about files off the terminal.

    ``warnings.catch_warnings`` would change the filters of all other threads for the while. This entry is the same
    for all of them, is added when it is not the first, and stays.
    """
    if not warnings.filters or warnings.filters[0] != _QUIET:
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(slots=True)
class _Decoded:
    pixels: Pixels
    format: str
    warnings: list[str] = field(default_factory=list)
    info: dict[str, Any] = field(default_factory=dict)


def _open(file: BinaryIO, kind: Kind, name: str, limits: ImageLimits) -> ImageFile.ImageFile:
    """Read the header and check what it says; no pixel is decoded."""
    file.seek(0)
    image = _OPENERS[kind.format](file, "")
    _check_size(image.size, name, limits)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_tiff(image, name, limits)
    if isinstance(image, JpegImageFile):
        _check_jpeg(image, file, name)
    return image


def _check_tiff(image: TiffImagePlugin.TiffImageFile, name: str, limits: ImageLimits) -> None:
    tags = image.tag_v2
    tile = (tags.get(322), tags.get(323))
    if isinstance(tile[0], int) and isinstance(tile[1], int):
        _check_size((tile[0], tile[1]), name, limits)  # one tile is unpacked whole, however small the picture
    if 50706 in tags or (330 in tags and tags.get(254) == 1):  # DNG version; a preview that stands before the picture
        raise UnsupportedMedia(
            f"{quoted(name)} is a camera raw picture, which the gallery does not open.",
            "Save it as JPEG, PNG or TIFF with the program of the camera.",
        )
    bits = tags.get(258, (1,))
    if tags.get(284) == 2 and tags.get(259, 1) == 1 and max(bits) > 8:
        raise SyntaxError("unknown data organization")  # Pillow would read wrong values here


def _check_jpeg(image: JpegImageFile, file: BinaryIO, name: str) -> None:
    progressive = bool(image.info.get("progressive"))
    if progressive and _scans(file) > _MAX_SCANS:
        raise UnreadableMedia(
            f"{quoted(name)} is built of more than {_MAX_SCANS} passes, which no camera or program writes.", _CONVERT
        )
    # Every block of 8x8 values takes at least one bit, and one more unless progressive. The decoder would fill what
    # is missing with grey and not say so.
    sides = [(h, v) for _, h, v, _ in image.layer if h and v]
    if sides:
        per_block = 8 * max(h for h, _ in sides) * 8 * max(v for _, v in sides)
        blocks = image.width * image.height * sum(h * v for h, v in sides) // per_block
        if blocks * (1 if progressive else 2) > 8 * size_of(file):
            raise OSError("truncated")


def _scans(file: BinaryIO) -> int:
    """Start-of-scan markers in a JPEG (a few more where it holds a preview)."""
    here = file.tell()
    file.seek(0)
    count, last = 0, b""
    while block := file.read(1 << 20):
        count += block.count(b"\xff\xda") + (last == b"\xff" and block[:1] == b"\xda")
        last = block[-1:]
    file.seek(here)
    return count


def _decode(file: BinaryIO, kind: Kind, name: str, limits: ImageLimits) -> _Decoded:
    image = _open(file, kind, name, limits)
    mode, format_ = image.mode, image.format or kind.format
    sixteen = keeps_upper_byte(image)
    count, noun = _frames(image, file, kind)
    orientation = 1 if kind.format == "PNG" else _orientation(image)  # loading a TIFF turns it and forgets
    image.load()
    _check_size(image.size, name, limits)  # HEIC and GIF can be larger than they said
    if kind.format == "PNG":
        orientation = _orientation(image)  # in a PNG it may stand behind the pixels
    turned = orientation if kind.format not in ("TIFF", "HEIF") else 1  # these two come upright from their decoders

    said: list[str] = []
    if count > 1:
        total = f"more than {frames.MOST:,}" if count > frames.MOST else f"{count:,}"
        which = "main" if kind.format == "HEIF" else "first"
        said.append(f"Only the {which} one of {total} {noun} was used.")
    if sixteen:
        pixels = upright_rgb_of_16_bits(image, lambda: _open(file, kind, name, limits), turned, said)
    else:
        pixels = upright_rgb(image, turned, said)
    info = {"mode": mode, "exif_orientation": orientation, "frames": count, "bytes": size_of(file)}
    return _Decoded(pixels, format_, said, info)


def _frames(image: ImageFile.ImageFile, file: BinaryIO, kind: Kind) -> tuple[int, str]:
    """Frames, pages or pictures in the file and what to call them; counted without decoding any, up to a bound."""
    if kind.format == "GIF":
        return frames.in_gif(file), "frames"
    if kind.format == "TIFF":
        return frames.in_tiff(file), "pages"
    count = min(int(getattr(image, "n_frames", 1)), frames.MOST + 1)
    if isinstance(image, MpoImageFile):
        # Many phones add a preview or a brightness map to a photo. Only views of their own are worth a word.
        entries = (image.mpinfo or {}).get(0xB002, [])
        views = sum("Multi-Frame" in str(entry.get("Attribute", {}).get("MPType")) for entry in entries)
        return (count, "pictures") if views else (1, "pictures")
    return count, "pictures" if kind.format == "HEIF" else "frames"


def _orientation(image: ImageFile.ImageFile) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it cannot be read."""
    original = image.info.get("original_orientation")  # pillow-heif has turned the picture already
    if original is None:
        try:
            original = image.getexif().get(0x0112, 1)
        except Exception:  # damaged metadata are no reason to refuse a picture
            return 1
    return original if isinstance(original, int) and 1 <= original <= 8 else 1
