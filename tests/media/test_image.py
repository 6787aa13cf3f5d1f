"""The image door: every kind of file a person may bring, and every kind nobody should."""

from __future__ import annotations

import importlib
import io
import itertools
import os
import random
import struct
import sys
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from gallery.errors import EmptyMedia, MediaError, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from gallery.media import pixels as pixels_module
from gallery.media.image import OVERHEAD, PHOTO, ImageLimits, read_image
from gallery.media.types import Picture
from tests.photos import ANIMATED, BUS, CHELSEA, PAGES, RETINA

Make = Callable[[], bytes]


# --- making files ---------------------------------------------------------------------------------------------------


def noise(height: int = 48, width: int = 64, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Random uint8 values, HxWxC (HxW for one channel)."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def saved(image: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def heic(image: Image.Image, **options: object) -> bytes:
    import pillow_heif

    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, **options)
    return out.getvalue()


def photo(size: tuple[int, int] = (320, 240)) -> Image.Image:
    return Image.open(BUS).convert("RGB").resize(size)


def oriented(image: Image.Image, format_: str, orientation: int, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image, format_, exif=exif, **options)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes, *extra: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG whose header says what it is told to, around any pixel data."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + b"".join(extra) + png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + png_chunk(b"IEND", b"")


def tiff_of(array: np.ndarray, bits: int, sample_format: int = 1, photometric: int = 1, **more: int) -> bytes:
    """An uncompressed little-endian TIFF of any array, HxW or HxWxC."""
    height, width = array.shape[:2]
    channels = array.shape[2] if array.ndim == 3 else 1
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    # (tag, type, values): 3 is SHORT, 4 is LONG
    entries = [
        (256, 4, [more.get("width", width)]),
        (257, 4, [more.get("height", height)]),
        (258, 3, [bits] * channels),
        (259, 3, [more.get("compression", 1)]),
        (262, 3, [photometric]),
        (273, 4, [8]),
        (277, 3, [channels]),
        (278, 4, [height]),
        (279, 4, [len(data)]),
        (339, 3, [sample_format] * channels),
    ]
    entries += [(int(k[1:]), 4, [v]) for k, v in more.items() if k.startswith("t")]
    entries.sort()
    directory_at = 8 + len(data)
    overflow_at = directory_at + 2 + 12 * len(entries) + 4
    directory, overflow = struct.pack("<H", len(entries)), b""
    for tag, kind, values in entries:
        packed = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            value = struct.pack("<I", overflow_at + len(overflow))
            overflow += packed
        else:
            value = packed.ljust(4, b"\0")
        directory += struct.pack("<HHI", tag, kind, len(values)) + value
    return b"II*\0" + struct.pack("<I", directory_at) + data + directory + struct.pack("<I", 0) + overflow


def webp_saying(width: int, height: int) -> bytes:
    header = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (width - 1).to_bytes(3, "little")
    body = b"WEBP" + header + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_saying(width: int, height: int, frame: tuple[int, int] | None = None) -> bytes:
    w, h = frame or (width, height)
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    return screen + b"," + struct.pack("<HHHHB", 0, 0, w, h, 0) + b"\x02\x02\x4c\x01\x00;"


def gif_of(frames: int) -> bytes:
    first = saved(Image.new("L", (2, 2)), "GIF", optimize=False)
    at = first.index(b",\0\0\0\0\2\0\2\0")
    return first[:at] + first[at:-1] * frames + b";"


def bmp_saying(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


def jpeg_saying(width: int, height: int) -> bytes:
    data = saved(photo((64, 48)), "JPEG")
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def heic_saying(width: int, height: int) -> bytes:
    data = heic(photo((64, 64)))
    at = data.index(b"ispe")
    return data[: at + 8] + struct.pack(">II", width, height) + data[at + 16 :]


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


# --- what is refused ------------------------------------------------------------------------------------------------

MP4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(64)

REFUSED: list[tuple[str, str, bytes | Make, type[MediaError], str]] = [
    ("zero bytes", "a.jpg", b"", EmptyMedia, "no bytes"),
    ("random bytes", "a.jpg", random.Random(1).randbytes(5000), UnreadableMedia, "not a picture"),
    ("nulls", "a.png", bytes(5000), UnreadableMedia, "not a picture"),
    ("one byte", "a.png", b"\xff", UnreadableMedia, "not a picture"),
    ("text named jpg", "a.jpg", b"Dear all,\nplease find attached", UnreadableMedia, "is a text file, not a picture"),
    ("text that begins BM", "a.bmp", b"BMW is a maker of cars and motorcycles.", UnreadableMedia, "is a text file"),
    ("text in UTF-16", "a.jpg", "Grüße aus Köln".encode("utf-16"), UnreadableMedia, "is a text file"),
    ("SVG", "a.svg", b'<?xml version="1.0"?><svg xmlns="x"></svg>', UnsupportedMedia, "Export it as PNG"),
    ("SVG that reads a file", "a.png", b'<svg><image href="file:///etc/passwd"/></svg>', UnsupportedMedia, "no pixels"),
    ("HTML", "a.jpg", b"<!DOCTYPE html><html><script>alert(1)</script>", UnreadableMedia, "a web page"),
    ("PDF", "a.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", UnsupportedMedia, "Save the page you need"),
    ("PostScript", "a.jpg", b"%!PS-Adobe-3.0\n(x) run", UnreadableMedia, "PostScript"),
    ("video", "a.mp4", MP4, UnsupportedMedia, "Save one frame"),
    ("video named jpg", "a.jpg", b"\x1a\x45\xdf\xa3" + bytes(90), UnsupportedMedia, "Matroska"),
    ("sound", "a.wav", b"RIFF\x24\0\0\0WAVEfmt " + bytes(20), UnsupportedMedia, "Open it on the Speech page"),
    ("archive", "a.zip", b"PK\x03\x04" + bytes(40), UnsupportedMedia, "Unpack it"),
    ("Photoshop", "a.psd", b"8BPS\0\x01" + bytes(40), UnsupportedMedia, "Save it as PNG or JPEG"),
    ("JPEG 2000", "a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), UnsupportedMedia, "JPEG 2000"),
    ("camera raw", "a.cr2", b"II*\0\x10\0\0\0CR\x02\0" + bytes(40), UnsupportedMedia, "camera raw"),
    ("camera raw DNG", "a.dng", lambda: tiff_of(noise(4, 4, 1), 8, t50706=1), UnsupportedMedia, "camera raw"),
    ("icon", "a.ico", b"\0\0\x01\0\x01\0" + bytes(40), UnsupportedMedia, "icon"),
    # incomplete
    ("truncated JPEG", "a.jpg", lambda: cut(BUS.read_bytes(), 0.5), UnreadableMedia, "incomplete"),
    ("JPEG, last tenth missing", "a.jpg", lambda: cut(BUS.read_bytes(), 0.9), UnreadableMedia, "incomplete"),
    ("JPEG, header only", "a.jpg", lambda: BUS.read_bytes()[:300], UnreadableMedia, "a.jpg"),
    ("truncated PNG", "a.png", lambda: cut(CHELSEA.read_bytes(), 0.5), UnreadableMedia, "incomplete"),
    ("truncated WebP", "a.webp", lambda: cut(saved(photo(), "WEBP"), 0.5), UnreadableMedia, "a.webp"),
    ("truncated GIF", "a.gif", lambda: cut(saved(photo(), "GIF"), 0.5), UnreadableMedia, "incomplete"),
    ("truncated BMP", "a.bmp", lambda: cut(saved(photo(), "BMP"), 0.5), UnreadableMedia, "incomplete"),
    ("truncated TIFF", "a.tif", lambda: cut(saved(photo(), "TIFF"), 0.5), UnreadableMedia, "a.tif"),
    (
        "truncated LZW TIFF",
        "a.tif",
        lambda: cut(saved(photo(), "TIFF", compression="tiff_lzw"), 0.5),
        UnreadableMedia,
        "",
    ),
    ("truncated HEIC", "a.heic", lambda: cut(heic(photo()), 0.6), UnreadableMedia, "a.heic"),
    ("truncated AVIF", "a.avif", lambda: cut(saved(photo(), "AVIF"), 0.6), UnreadableMedia, "a.avif"),
    # larger than they may be, or than they are
    ("PNG 30000x30000", "a.png", lambda: png(30_000, 30_000, b""), MediaTooLarge, "(900 megapixels); the limit is 100"),
    ("PNG of 2^31", "a.png", lambda: png(2**31 - 1, 2**31 - 1, b""), MediaTooLarge, "the limit is 100 megapixels"),
    ("PNG long and thin", "a.png", lambda: png(40_000, 1, b""), MediaTooLarge, "30,000 pixels along a side"),
    ("PNG of no size", "a.png", lambda: png(0, 0, b""), UnreadableMedia, "a.png"),
    ("PNG that lies", "a.png", lambda: png(5_000, 5_000, bytes(100)), UnreadableMedia, "a.png"),
    ("WebP 16384x16384", "a.webp", lambda: webp_saying(16384, 16384), MediaTooLarge, "268 megapixels"),
    ("WebP of 2^24", "a.webp", lambda: webp_saying(2**24, 2**24), MediaTooLarge, "limit is 100 megapixels"),
    ("WebP that lies", "a.webp", lambda: webp_saying(9_000, 9_000), UnreadableMedia, "a.webp"),
    ("GIF 65535x65535", "a.gif", lambda: gif_saying(65535, 65535), MediaTooLarge, "4,295 megapixels"),
    ("GIF, frame 65535", "a.gif", lambda: gif_saying(8, 8, (65535, 65535)), MediaTooLarge, "a.gif"),
    ("BMP 20000x20000", "a.bmp", lambda: bmp_saying(20_000, 20_000), MediaTooLarge, "Satellite page"),
    ("BMP that lies", "a.bmp", lambda: bmp_saying(5_000, 5_000), UnreadableMedia, "incomplete"),
    ("JPEG 65000x65000", "a.jpg", lambda: jpeg_saying(65_000, 65_000), MediaTooLarge, "4,225 megapixels"),
    ("JPEG that lies", "a.jpg", lambda: jpeg_saying(9_000, 9_000), UnreadableMedia, "a.jpg"),
    ("HEIC 30000x30000", "a.heic", lambda: heic_saying(30_000, 30_000), MediaError, "a.heic"),
    ("HEIC that lies", "a.heic", lambda: heic_saying(9_000, 9_000), MediaError, "a.heic"),
    (
        "TIFF 60000x60000",
        "a.tif",
        lambda: tiff_of(noise(8, 8, 1), 8, width=60_000, height=60_000),
        MediaTooLarge,
        "3,600 megapixels",
    ),
    (
        "TIFF with tiles of 2^20",
        "a.tif",
        lambda: tiff_of(noise(8, 8, 1), 8, t322=2**20, t323=2**20),
        MediaTooLarge,
        "a.tif",
    ),
    (
        "TIFF that lies",
        "a.tif",
        lambda: tiff_of(noise(8, 8, 1), 8, width=5_000, height=5_000),
        UnreadableMedia,
        "a.tif",
    ),
    (
        "PNG text bomb",
        "a.png",
        lambda: png(1, 1, bytes(4), png_chunk(b"zTXt", b"a\0\0" + BOMB)),
        UnreadableMedia,
        "a.png",
    ),
    (
        "PNG profile bomb",
        "a.png",
        lambda: png(1, 1, bytes(4), png_chunk(b"iCCP", b"a\0\0" + BOMB)),
        UnreadableMedia,
        "",
    ),
    ("JPEG of 300 passes", "a.jpg", lambda: many_scans(300), UnreadableMedia, "200 passes"),
    # kinds of pixels that are not read
    ("TIFF of 7 bands", "a.tif", lambda: tiff_of(noise(8, 8, 7), 8, photometric=2), UnsupportedMedia, "8-bit RGB"),
    (
        "TIFF of 3 fractions",
        "a.tif",
        lambda: tiff_of(noise(8, 8).astype(np.float32), 32, 3, 2),
        UnsupportedMedia,
        "8-bit RGB",
    ),
    (
        "TIFF of 16 bits in planes",
        "a.tif",
        lambda: tiff_of(noise(8, 8).astype(np.uint16), 16, 1, 2, t284=2),
        UnsupportedMedia,
        "8-bit RGB",
    ),
]

BOMB = zlib.compress(bytes(80_000_000))


def many_scans(count: int) -> bytes:
    data = saved(photo((64, 48)), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * count + data[-2:]


@pytest.mark.parametrize(("case", "name", "data", "error", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(case: str, name: str, data: bytes | Make, error: type[MediaError], words: str) -> None:
    content = data if isinstance(data, bytes) else data()
    with pytest.raises(error) as caught:
        read_image(content, name)
    said = caught.value
    assert words in str(said)
    assert name in said.problem
    assert said.remedy.endswith(".") and said.problem.endswith(".")
    assert "Traceback" not in str(said) and "PIL" not in str(said) and "0x" not in str(said)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (PHOTO, MediaTooLarge),
        (OVERHEAD, UnreadableMedia),  # let in by its header, then found to be empty
        (ImageLimits(10, 10**9, 10**9), MediaTooLarge),
    ],
)
def test_limits_of_a_page(limits: ImageLimits, expected: type[MediaError]) -> None:
    with pytest.raises(expected):
        read_image(png(11_000, 10_000, b"", colour=0), "big.png", limits)


def test_more_bytes_than_the_limit() -> None:
    with pytest.raises(MediaTooLarge, match=r"has 100 kB; the limit is 50 kB\."):
        read_image(bytes(100_000), "a.bin", ImageLimits(50_000, 100, 100))


# --- paths ----------------------------------------------------------------------------------------------------------


def test_path_and_bytes_give_the_same() -> None:
    by_path, by_bytes = read_image(BUS, BUS.name), read_image(BUS.read_bytes(), BUS.name)
    assert np.array_equal(by_path.pixels, by_bytes.pixels)
    assert by_path.info == by_bytes.info


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match=r"There is no file “gone\.jpg”"):
        read_image(tmp_path / "gone.jpg", "gone.jpg")


def test_path_with_a_null_character(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        read_image(Path(f"{tmp_path}/a\0b.jpg"), "a.jpg")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMedia, match="is a folder"):
        read_image(tmp_path, tmp_path.name)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_device_and_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(UnsupportedMedia, match="not an ordinary file"):
            read_image(path, "a.jpg")


def test_size_of_a_path_is_checked_before_reading(tmp_path: Path) -> None:
    sparse = tmp_path / "huge.jpg"
    with sparse.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(MediaTooLarge, match=r"has 1,?000 GB; the limit is 64 MB"):
        read_image(sparse, "huge.jpg")


# --- what is read ---------------------------------------------------------------------------------------------------

CORNERS = np.zeros((32, 48, 3), np.uint8)
CORNERS[:16, :24] = (255, 0, 0)  # red top left
CORNERS[:16, 24:] = (0, 255, 0)  # green top right
CORNERS[16:, :24] = (0, 0, 255)  # blue bottom left
CORNERS[16:, 24:] = (255, 255, 0)  # yellow bottom right

# Colours of the four corners (top left, top right, bottom left, bottom right) once upright: EXIF 2.3, tag 0x0112.
UPRIGHT = {
    1: "RGBY",
    2: "GRYB",
    3: "YBGR",
    4: "BYRG",
    5: "RBGY",
    6: "BRYG",
    7: "YGBR",
    8: "GYRB",
}


def corner_colours(pixels: np.ndarray) -> str:
    names = {(1, 0, 0): "R", (0, 1, 0): "G", (0, 0, 1): "B", (1, 1, 0): "Y"}
    h, w = pixels.shape[:2]
    spots = [pixels[y, x] > 127 for y, x in ((4, 4), (4, w - 5), (h - 5, 4), (h - 5, w - 5))]
    return "".join(names[tuple(int(v) for v in spot)] for spot in spots)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("rows", [None, 5], ids=["one band", "many bands"])
def test_upright(format_: str, orientation: int, rows: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if rows:
        monkeypatch.setattr(pixels_module, "_BAND_PIXELS", 48 * rows)
    picture = read_image(oriented(Image.fromarray(CORNERS), format_, orientation), "a.jpg")
    assert (picture.width, picture.height) == ((48, 32) if orientation < 5 else (32, 48))
    assert corner_colours(picture.pixels) == UPRIGHT[orientation]
    assert picture.info["exif_orientation"] == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_heic(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(CORNERS)
    picture = read_image(heic(image, exif=exif.tobytes()), "a.heic")
    assert picture.format == "HEIF"
    assert corner_colours(picture.pixels) == UPRIGHT[orientation]


def test_upright_png_whose_orientation_stands_behind_the_pixels() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.fromarray(CORNERS), "PNG")
    chunk = png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    assert corner_colours(read_image(data[:-12] + chunk + data[-12:], "a.png").pixels) == UPRIGHT[6]


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_orientation_that_does_not_exist(orientation: int) -> None:
    picture = read_image(oriented(Image.fromarray(CORNERS), "JPEG", orientation), "a.jpg")
    assert corner_colours(picture.pixels) == "RGBY"
    assert picture.info["exif_orientation"] == 1


def test_damaged_exif_does_not_matter() -> None:
    data = oriented(Image.fromarray(CORNERS), "JPEG", 1)
    at = data.index(b"Exif\0\0") + 14
    broken = data[:at] + b"\xff" * 12 + data[at + 12 :]
    assert corner_colours(read_image(broken, "a.jpg").pixels) == "RGBY"


def rgb(value: tuple[int, int, int]) -> np.ndarray:
    return np.full((32, 32, 3), value, np.uint8)


def transparent_palette() -> bytes:
    image = Image.new("P", (32, 32), 0)
    image.putpalette([255, 0, 0, 0, 0, 255] + [0] * 762)
    return saved(image, "PNG", transparency=0)


def cmyk(format_: str = "JPEG", **options: object) -> bytes:
    # Full magenta and full yellow, no cyan, no black: red.
    return saved(Image.merge("CMYK", [Image.new("L", (32, 32), v) for v in (0, 255, 255, 0)]), format_, **options)


RED, WHITE, GREY, BLACK = (255, 0, 0), (255, 255, 255), (128, 128, 128), (0, 0, 0)

#: (case, file, colour everywhere, largest difference, words in the warnings)
COLOURS: list[tuple[str, Make, tuple[int, int, int], int, str]] = [
    ("JPEG", lambda: saved(Image.new("RGB", (32, 32), RED), "JPEG"), RED, 3, ""),
    ("JPEG, progressive", lambda: saved(Image.new("RGB", (32, 32), RED), "JPEG", progressive=True), RED, 3, ""),
    ("JPEG, grey", lambda: saved(Image.new("L", (32, 32), 128), "JPEG"), GREY, 1, ""),
    ("JPEG, CMYK of Adobe, inverted", cmyk, RED, 3, "without a colour profile"),
    ("TIFF, CMYK", lambda: cmyk("TIFF"), RED, 0, "without a colour profile"),
    ("PNG", lambda: saved(Image.new("RGB", (32, 32), RED), "PNG"), RED, 0, ""),
    ("PNG, opaque RGBA", lambda: saved(Image.new("RGBA", (32, 32), (*RED, 255)), "PNG"), RED, 0, ""),
    ("PNG, transparent RGBA", lambda: saved(Image.new("RGBA", (32, 32), (*RED, 0)), "PNG"), WHITE, 0, "on white"),
    ("PNG, half RGBA", lambda: saved(Image.new("RGBA", (32, 32), (*BLACK, 127)), "PNG"), GREY, 1, "on white"),
    ("PNG, LA", lambda: saved(Image.new("LA", (32, 32), (0, 0)), "PNG"), WHITE, 0, "on white"),
    ("PNG, palette", lambda: saved(Image.new("RGB", (32, 32), RED).quantize(4), "PNG"), RED, 0, ""),
    ("PNG, palette with transparency", transparent_palette, WHITE, 0, "on white"),
    ("PNG, 1 bit", lambda: saved(Image.new("1", (32, 32), 1), "PNG"), WHITE, 0, ""),
    ("PNG, one grey clear", lambda: saved(Image.new("L", (32, 32), 7), "PNG", transparency=7), WHITE, 0, "on white"),
    ("PNG, interlaced", lambda: INTERLACED, RED, 0, ""),
    ("WebP", lambda: saved(Image.new("RGB", (32, 32), RED), "WEBP", lossless=True), RED, 0, ""),
    ("WebP, transparent", lambda: saved(Image.new("RGBA", (32, 32), (*RED, 0)), "WEBP"), WHITE, 0, "on white"),
    ("GIF", lambda: saved(Image.new("RGB", (32, 32), RED), "GIF"), RED, 0, ""),
    ("GIF, transparent", lambda: saved(Image.new("P", (32, 32), 0), "GIF", transparency=0), WHITE, 0, "on white"),
    ("BMP", lambda: saved(Image.new("RGB", (32, 32), RED), "BMP"), RED, 0, ""),
    ("TIFF", lambda: saved(Image.new("RGB", (32, 32), RED), "TIFF"), RED, 0, ""),
    ("TIFF, LZW", lambda: saved(Image.new("RGB", (32, 32), RED), "TIFF", compression="tiff_lzw"), RED, 0, ""),
    ("TIFF, JPEG inside", lambda: saved(Image.new("RGB", (32, 32), RED), "TIFF", compression="jpeg"), RED, 4, ""),
    ("TIFF, big", lambda: saved(Image.new("RGB", (32, 32), RED), "TIFF", big_tiff=True), RED, 0, ""),
    ("TIFF, LAB", lambda: saved(Image.new("LAB", (32, 32), (255, 128, 128)), "TIFF"), WHITE, 2, ""),
    ("HEIC", lambda: heic(Image.new("RGB", (32, 32), RED), quality=100), RED, 4, ""),
    ("HEIC, transparent", lambda: heic(Image.new("RGBA", (32, 32), (*RED, 0))), WHITE, 2, "on white"),
    ("AVIF", lambda: saved(Image.new("RGB", (32, 32), RED), "AVIF", quality=95), RED, 6, ""),
    ("MPO", lambda: two_reds("MPO"), RED, 3, ""),
    # more than 8 bits
    ("PNG, 16-bit grey", lambda: grey16(0x8000, 0xFFFF), GREY, 0, "0 to 65,535 became 0 to 255"),
    ("PNG, 12 bits in 16", lambda: grey16(2048, 4095), GREY, 0, "0 to 4,095 became 0 to 255"),
    ("PNG, 8 bits in 16", lambda: grey16(128, 200), GREY, 0, "0 to 255 became 0 to 255"),
    ("PNG, 16-bit colour", lambda: colour16(0x8000, 0xFFFF, "PNG"), GREY, 0, "0 to 65,535"),
    ("PNG, 12-bit colour in 16", lambda: colour16(2048, 4095, "PNG"), GREY, 0, "0 to 4,095"),
    ("TIFF, 16-bit colour", lambda: colour16(0x8000, 0xFFFF, "TIFF"), GREY, 0, "0 to 65,535"),
    ("TIFF, 12-bit colour in 16", lambda: colour16(2048, 4095, "TIFF"), GREY, 0, "0 to 4,095"),
    ("TIFF, 16-bit grey", lambda: tiff_of(plane(np.uint16, 512, 1000), 16), GREY, 1, "0 to 1,023"),
    ("TIFF, signed", lambda: tiff_of(plane(np.int16, 0, 100, -100), 16, 2), GREY, 1, "-100 to 100"),
    ("TIFF, 32-bit", lambda: tiff_of(plane(np.int32, 500_000, 1_000_000, 0), 32, 2), GREY, 1, "more than 8 bits"),
    ("TIFF, fractions to 1", lambda: tiff_of(plane(np.float32, 0.5, 0.9), 32, 3), GREY, 1, "0 to 1 became"),
    ("TIFF, fractions to 255", lambda: tiff_of(plane(np.float32, 128, 200), 32, 3), GREY, 0, "0 to 255 became"),
    ("TIFF, any fractions", lambda: tiff_of(plane(np.float32, 0, 1e6, -1e6), 32, 3), GREY, 1, "-1e+06 to 1e+06"),
    ("TIFF, not numbers", lambda: tiff_of(plane(np.float32, np.nan, np.inf), 32, 3), BLACK, 0, "not numbers"),
]  # fmt: skip


def two_reds(format_: str) -> bytes:
    image = Image.new("RGB", (32, 32), RED)
    return saved(image, format_, save_all=True, append_images=[image])


def plane(kind: type, value: float, corner: float, other: float | None = None) -> np.ndarray:
    """32x32 of one value, with another in one corner (and the least in the next) to set the range."""
    array = np.full((32, 32), value, kind)
    array[0, 0] = corner
    array[0, 1] = value if other is None else other
    return array


def grey16(value: int, corner: int) -> bytes:
    return saved(Image.fromarray(plane(np.uint16, value, corner)), "PNG")


def colour16(value: int, corner: int, format_: str) -> bytes:
    array = np.repeat(plane(np.uint16, value, corner)[..., None], 3, axis=2)
    if format_ == "TIFF":
        return tiff_of(array, 16, photometric=2)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    return png(32, 32, rows, depth=16, colour=2)


def interlaced() -> bytes:
    """An interlaced red 32x32 PNG (Pillow reads these but does not write them)."""
    rows = b""
    for x0, y0, dx, dy in (
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ):  # fmt: skip
        rows += (b"\0" + b"\xff\0\0" * len(range(x0, 32, dx))) * len(range(y0, 32, dy))
    header = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 1)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


INTERLACED = interlaced()


@pytest.mark.parametrize(("case", "make", "colour", "margin", "words"), COLOURS, ids=[row[0] for row in COLOURS])
def test_colours(case: str, make: Make, colour: tuple[int, int, int], margin: int, words: str) -> None:
    picture = read_image(make(), "a.picture")
    assert picture.pixels.shape == (32, 32, 3)
    assert picture.pixels.dtype == np.uint8
    assert not picture.pixels.flags.writeable
    inner = picture.pixels[2:].astype(int)  # the corner of some cases sets the range
    assert np.abs(inner - np.array(colour)).max() <= margin
    assert picture.format == ("HEIF" if case.startswith("HEIC") else case.split(",")[0].upper())
    if words:
        assert words in " ".join(picture.warnings)
    else:
        assert picture.warnings == ()


@pytest.mark.parametrize("make", [lambda: colour16(2048, 4095, "PNG"), lambda: grey16(2048, 4095)])
def test_16_bits_keep_their_precision(make: Make) -> None:
    assert read_image(make(), "a.png").pixels[0, 0].tolist() == [255, 255, 255]


def test_16_bit_colour_in_compressed_tiff() -> None:
    import cv2

    array = np.repeat(plane(np.uint16, 2048, 4095)[..., None], 3, axis=2)
    array[..., 0] //= 2  # blue, as OpenCV writes it
    for compression in (1, 5, 8):
        ok, data = cv2.imencode(".tif", array, [cv2.IMWRITE_TIFF_COMPRESSION, compression])
        assert ok
        picture = read_image(data.tobytes(), "a.tif")
        assert np.abs(picture.pixels[9, 9].astype(int) - (128, 128, 64)).max() <= 1
        assert "0 to 4,095" in picture.warnings[0]


def cmyk_profile() -> bytes:
    """A printing profile (ICC.1:2001-04): paper is white, black ink is black, all other inks are the same grey."""
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    ramp = bytes(range(256))
    inks = itertools.product((0, 1), repeat=4)  # cyan, magenta, yellow, black
    lightness = [0 if black else 128 if any(others) else 255 for *others, black in inks]
    colours = b"".join(bytes((value, 128, 128)) for value in lightness)
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + colours + ramp * 3
    texts = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78),
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061),
        b"cprt": b"text\0\0\0\0none\0",
        b"A2B0": table,
    }
    tags, body = b"", b""
    at = 128 + 4 + 12 * len(texts)
    for name, content in texts.items():
        content += bytes(-len(content) % 4)
        tags += name + struct.pack(">II", at + len(body), len(content))
        body += content
    size = at + len(body)
    header = struct.pack(">I4xI", size, 0x02400000) + b"prtrCMYKLab " + bytes(12) + b"acsp" + bytes(28)
    header += struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", len(texts)) + tags + body


def test_cmyk_goes_through_its_profile() -> None:
    # L is 50 (128 of 255), a and b are 0: medium grey, 119 in sRGB, where the plain formula gives red
    picture = read_image(cmyk(icc_profile=cmyk_profile()), "a.jpg")
    assert np.abs(picture.pixels.astype(int) - 119).max() <= 3
    assert picture.warnings == ("Printing colours (CMYK) were converted with the colour profile in the file.",)


def test_cmyk_with_a_useless_profile() -> None:
    for profile in (b"not a profile", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        picture = read_image(cmyk(icc_profile=profile), "a.jpg")
        assert np.abs(picture.pixels.astype(int) - RED).max() <= 3
        assert "approximate" in picture.warnings[0]


def test_tiled_tiff(tmp_path: Path) -> None:
    tifffile = importlib.import_module("tifffile")  # scikit-image needs it, so it is there
    array = noise(200, 300)
    for compression in (None, "zlib"):
        path = tmp_path / "tiled.tif"
        tifffile.imwrite(path, array, tile=(64, 64), compression=compression, photometric="rgb")
        picture = read_image(path, path.name)
        assert np.array_equal(picture.pixels, array)


def test_photograph_is_what_pillow_decodes() -> None:
    for path in (BUS, RETINA, CHELSEA):
        with Image.open(path) as image:
            expected = np.asarray(image.convert("RGB"))
        picture = read_image(path, path.name)
        assert np.array_equal(picture.pixels, expected)
        assert picture.warnings == ()
        assert picture.info == {"mode": "RGB", "exif_orientation": 1, "frames": 1, "bytes": path.stat().st_size}
        assert picture.decode_ms > 0


def frames_of(count: int, format_: str, **options: object) -> bytes:
    first, *rest = [Image.fromarray(noise(16, 16, seed=seed)) for seed in range(count)]
    return saved(first, format_, save_all=True, append_images=rest, **options)


@pytest.mark.parametrize(
    ("make", "frames", "words"),
    [
        (lambda: frames_of(12, "GIF"), 12, "Only the first one of 12 frames was used."),
        (lambda: frames_of(1, "GIF"), 1, None),
        (lambda: frames_of(5, "PNG"), 5, "Only the first one of 5 frames was used."),
        (lambda: frames_of(4, "WEBP", lossless=True), 4, "Only the first one of 4 frames was used."),
        (lambda: frames_of(3, "TIFF"), 3, "Only the first one of 3 pages was used."),
        (lambda: frames_of(3, "TIFF", big_tiff=True), 3, "Only the first one of 3 pages was used."),
        (lambda: ANIMATED.read_bytes(), 24, "Only the first one of 24 frames was used."),
        (lambda: PAGES.read_bytes(), 2, "Only the first one of 2 pages was used."),
        (lambda: gif_of(1200), 1001, "Only the first one of more than 1,000 frames was used."),
    ],
)
def test_first_frame(make: Make, frames: int, words: str | None) -> None:
    picture = read_image(make(), "a.gif")
    assert picture.info["frames"] == frames
    assert picture.warnings == ((words,) if words else ())


@pytest.mark.parametrize("big", [False, True])
def test_smaller_copies_in_a_tiff_are_not_pages(big: bool, tmp_path: Path) -> None:
    tifffile = importlib.import_module("tifffile")  # scikit-image needs it, so it is there
    path = tmp_path / "overview.tif"
    with tifffile.TiffWriter(path, bigtiff=big) as writer:
        writer.write(noise(64, 64), photometric="rgb")
        writer.write(noise(32, 32), photometric="rgb", subfiletype=1)
        writer.write(noise(16, 16), photometric="rgb", subfiletype=1)
    picture = read_image(path, path.name)
    assert picture.pixels.shape == (64, 64, 3)
    assert picture.info["frames"] == 1 and picture.warnings == ()


def test_first_frame_is_the_first() -> None:
    picture = read_image(frames_of(4, "WEBP", lossless=True), "a.webp")
    assert np.array_equal(picture.pixels, noise(16, 16, seed=0))


def test_main_picture_of_a_heic_with_several() -> None:
    import pillow_heif

    container = pillow_heif.from_pillow(Image.new("RGB", (32, 32), RED))
    container.add_from_pillow(Image.new("RGB", (32, 32), BLACK))
    out = io.BytesIO()
    container.save(out, primary_index=1)
    picture = read_image(out.getvalue(), "a.heic")
    assert picture.pixels.max() < 8
    assert picture.warnings == ("Only the main one of 2 pictures was used.",)


def test_preview_in_a_phone_photo_is_not_worth_a_warning() -> None:
    data = frames_of(2, "MPO")
    assert read_image(data, "a.jpg").warnings == ()


def test_pages_that_form_a_circle() -> None:
    data = bytearray(frames_of(2, "TIFF"))
    at = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, at)[0]
    struct.pack_into("<I", data, at + 2 + 12 * entries, at)  # the next page is this page
    assert read_image(bytes(data), "a.tif").info["frames"] == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("a\nb\x00c.png", "a bc.png"),
        ("", "unnamed file"),
    ],
)
def test_name_is_for_showing_only(name: str, shown: str) -> None:
    assert read_image(saved(photo(), "PNG"), name).name == shown


def test_type_is_told_by_content() -> None:
    assert read_image(saved(photo(), "PNG"), "photo.jpg").format == "PNG"
    assert read_image(saved(photo(), "JPEG"), "notes.txt").format == "JPEG"


# --- many at once, and at random ------------------------------------------------------------------------------------


def test_threads_do_not_disturb_each_other() -> None:
    files = [
        oriented(Image.fromarray(CORNERS), format_, orientation)
        for format_ in ("JPEG", "PNG", "TIFF", "WEBP")
        for orientation in range(1, 9)
    ]
    start = threading.Barrier(8)

    def work(_: int) -> list[str]:
        start.wait()
        return [corner_colours(read_image(data, "a.jpg").pixels) for data in files]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))
    assert all(result == [UPRIGHT[o] for _ in range(4) for o in range(1, 9)] for result in results)


def big_endian_png16() -> bytes:
    return colour16(2048, 4095, "PNG")


FUZZED: list[tuple[str, Make]] = [
    ("JPEG", lambda: oriented(photo(), "JPEG", 6)),
    ("JPEG, progressive", lambda: saved(photo(), "JPEG", progressive=True)),
    ("JPEG, CMYK", lambda: saved(photo().convert("CMYK"), "JPEG")),
    ("PNG", lambda: oriented(photo((80, 60)), "PNG", 3)),
    ("PNG, 16-bit", big_endian_png16),
    ("PNG, animated", lambda: frames_of(3, "PNG")),
    ("WebP", lambda: saved(photo(), "WEBP")),
    ("WebP, animated", lambda: frames_of(3, "WEBP")),
    ("GIF", lambda: frames_of(3, "GIF")),
    ("BMP", lambda: saved(photo((40, 30)), "BMP")),
    ("TIFF", lambda: saved(photo((40, 30)), "TIFF")),
    ("TIFF, deflate", lambda: saved(photo((80, 60)), "TIFF", compression="tiff_adobe_deflate")),
    ("TIFF, fractions", lambda: tiff_of(noise(20, 20, 1).astype(np.float32), 32, 3)),
    ("HEIC", lambda: heic(photo((160, 120)))),
    ("AVIF", lambda: saved(photo((160, 120)), "AVIF")),
    ("MPO", lambda: frames_of(2, "MPO")),
]


@pytest.mark.parametrize(("case", "make"), FUZZED, ids=[row[0] for row in FUZZED])
def test_damage_at_random(case: str, make: Make) -> None:
    """Whatever the damage, the answer is a picture or a sentence."""
    data = make()
    chance = random.Random(case)
    small = ImageLimits(10_000_000, 4_000_000, 10_000)
    outcomes = {Picture: 0, MediaError: 0}
    for turn in range(200):
        damaged = bytearray(data)
        # Half of the damage goes to the first 200 bytes, where headers are.
        at = chance.randrange(min(len(data), 200) if turn % 2 else len(data))
        if turn % 4 == 3:
            del damaged[at:]
        else:
            damaged[at] = chance.randrange(256)
        try:
            picture = read_image(bytes(damaged), "a.jpg", small)
        except MediaError as error:
            assert "a.jpg" in error.problem and error.remedy
            outcomes[MediaError] += 1
        else:
            assert picture.pixels.dtype == np.uint8 and picture.pixels.ndim == 3 and picture.pixels.shape[2] == 3
            outcomes[Picture] += 1
    assert outcomes[MediaError] > 0
