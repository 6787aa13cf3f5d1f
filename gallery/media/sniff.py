"""What a file really is, told by its first bytes and never by its name."""

from __future__ import annotations

from dataclasses import dataclass

#: Bytes from the start of a file that :func:`sniff` needs to see.
HEAD = 4096


@dataclass(frozen=True, slots=True)
class Kind:
    """What the bytes are.

    Attributes:
        family: ``image``, ``audio``, ``video``, ``document``, ``text``, ``archive`` or ``unknown``.
        format: short name; for images that the gallery opens it is Pillow's, for sound and video it is FFmpeg's.
        title: the same in words, with an article, for a sentence (``a PDF document``).
    """

    family: str
    format: str
    title: str


UNKNOWN = Kind("unknown", "", "a file of unknown kind")
TEXT = Kind("text", "TEXT", "a text file")

_PLAYLIST = Kind("text", "PLAYLIST", "a playlist, which only points to other files")
_SVG = Kind("document", "SVG", "an SVG drawing")

# (bytes, offset, kind), tried in order.
_MAGIC: tuple[tuple[bytes, int, Kind], ...] = (
    (b"\xff\xd8\xff", 0, Kind("image", "JPEG", "a JPEG picture")),
    (b"\x89PNG\r\n\x1a\n", 0, Kind("image", "PNG", "a PNG picture")),
    (b"GIF87a", 0, Kind("image", "GIF", "a GIF picture")),
    (b"GIF89a", 0, Kind("image", "GIF", "a GIF picture")),
    (b"II*\x00\x10\x00\x00\x00CR", 0, Kind("image", "CR2", "a camera raw picture")),
    (b"II*\x00", 0, Kind("image", "TIFF", "a TIFF picture")),
    (b"MM\x00*", 0, Kind("image", "TIFF", "a TIFF picture")),
    (b"II+\x00", 0, Kind("image", "TIFF", "a TIFF picture")),
    (b"MM\x00+", 0, Kind("image", "TIFF", "a TIFF picture")),
    (b"8BPS", 0, Kind("image", "PSD", "a Photoshop document")),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", 0, Kind("image", "JPEG2000", "a JPEG 2000 picture")),
    (b"\xff\x4f\xff\x51", 0, Kind("image", "JPEG2000", "a JPEG 2000 picture")),
    (b"\xff\x0a", 0, Kind("image", "JPEGXL", "a JPEG XL picture")),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", 0, Kind("image", "JPEGXL", "a JPEG XL picture")),
    (b"\x00\x00\x01\x00", 0, Kind("image", "ICO", "an icon")),
    (b"%PDF-", 0, Kind("document", "PDF", "a PDF document")),
    (b"%!PS", 0, Kind("document", "POSTSCRIPT", "a PostScript document")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, Kind("document", "OLE", "an Office document")),
    (b"PK\x03\x04", 0, Kind("archive", "ZIP", "a ZIP archive or an Office document")),
    (b"Rar!\x1a\x07", 0, Kind("archive", "RAR", "a RAR archive")),
    (b"7z\xbc\xaf\x27\x1c", 0, Kind("archive", "7Z", "a 7-Zip archive")),
    (b"\x1f\x8b", 0, Kind("archive", "GZIP", "a compressed archive")),
    (b"fLaC", 0, Kind("audio", "flac", "a FLAC recording")),
    (b"OggS", 0, Kind("audio", "ogg", "an Ogg recording")),
    (b"ID3", 0, Kind("audio", "mp3", "an MP3 recording")),
    (b".snd", 0, Kind("audio", "au", "an AU recording")),
    (b"caff", 0, Kind("audio", "caf", "a CAF recording")),
    (b"#!AMR", 0, Kind("audio", "amr", "an AMR recording")),
    (b"wvpk", 0, Kind("audio", "wv", "a WavPack recording")),
    (b"MAC ", 0, Kind("audio", "ape", "a Monkey's Audio recording")),
    (b"riff\x2e\x91\xcf\x11", 0, Kind("audio", "w64", "a Wave64 recording")),
    (b"\x1a\x45\xdf\xa3", 0, Kind("video", "matroska", "a Matroska or WebM recording")),
    (b"FLV\x01", 0, Kind("video", "flv", "a Flash video")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, Kind("video", "asf", "a Windows Media recording")),
    (b"\x00\x00\x01\xba", 0, Kind("video", "mpeg", "an MPEG video")),
    (b"\x0b\x77", 0, Kind("audio", "ac3", "an AC-3 recording")),
)

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif", b"avis"}

# DIB header sizes that exist; two letters alone would take many a text for a bitmap.
_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}


def sniff(head: bytes) -> Kind:
    """Tell what a file is from its first bytes.

    Args:
        head: the first :data:`HEAD` bytes (fewer when the file is shorter).
    """
    for magic, offset, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    for rule in (_riff, _iso, _bitmap, _mpeg_audio, _transport_stream, _text):
        if (found := rule(head)) is not None:
            return found
    return UNKNOWN


def _riff(head: bytes) -> Kind | None:
    outer, inner = head[:4], head[8:12]
    if outer in (b"RIFF", b"RF64", b"BW64", b"RIFX"):
        return {
            b"WAVE": Kind("audio", "wav", "a WAV recording"),
            b"WEBP": Kind("image", "WEBP", "a WebP picture"),
            b"AVI ": Kind("video", "avi", "an AVI video"),
        }.get(inner)
    if outer == b"FORM" and inner in (b"AIFF", b"AIFC"):
        return Kind("audio", "aiff", "an AIFF recording")
    return None


def _iso(head: bytes) -> Kind | None:
    """Files of the ISO base format: HEIC, AVIF, MP4, QuickTime; told apart by the brands they list."""
    if head[4:8] == b"ftyp":
        size = int.from_bytes(head[:4], "big")
        brands = {head[at : at + 4] for at in range(16, min(size, len(head), 256) - 3, 4)} | {head[8:12]}
        if brands & _AVIF_BRANDS:
            return Kind("image", "AVIF", "an AVIF picture")
        if brands & _HEIF_BRANDS or head[8:12] in (b"mif1", b"msf1"):
            return Kind("image", "HEIF", "a HEIC picture")
        if head[8:11] in (b"M4A", b"M4B", b"M4P"):
            return Kind("audio", "mov", "an M4A recording")
        if head[8:12] == b"crx ":
            return Kind("image", "CR3", "a camera raw picture")
        return Kind("video", "mov", "an MP4 or QuickTime video")
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return Kind("video", "mov", "a QuickTime video")
    return None


def _bitmap(head: bytes) -> Kind | None:
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return Kind("image", "BMP", "a BMP picture")
    return None


def _mpeg_audio(head: bytes) -> Kind | None:
    """Frames of MP3 or AAC without any header of a file around them."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:  # ADTS: layer bits are zero
        return Kind("audio", "aac", "an AAC recording")
    layer, rate, sampling = head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3  # layer: 1 is III, 2 is II
    if head[1] & 0xE0 == 0xE0 and head[1] >> 3 & 3 != 1 and layer in (1, 2) and rate not in (0, 15) and sampling != 3:
        return Kind("audio", "mp3", "an MP3 recording")
    return None


def _transport_stream(head: bytes) -> Kind | None:
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return Kind("video", "mpegts", "an MPEG transport stream")
    return None


def _text(head: bytes) -> Kind | None:
    """Text of some kind; SVG and playlists are named because both can point at other files."""
    encoding = "utf-8"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\x00" in head:
        return None
    try:
        # A character may be cut in two by the end of the head.
        text = head.decode(encoding, errors="strict" if len(head) < HEAD else "ignore").lstrip("\ufeff \t\r\n").lower()
    except UnicodeDecodeError:
        return None
    if any(ord(c) < 32 and c not in "\t\n\r\f" for c in text):
        return None
    if not text:
        return TEXT
    if text.startswith(("#extm3u", "ffconcat", "[playlist]", "<?xml")) and "<svg" not in text:
        dash = text.startswith("<?xml")
        if not dash or "<mpd" in text:
            return _PLAYLIST
    if text.startswith("<svg") or (text.startswith(("<?xml", "<!--", "<!doctype svg")) and "<svg" in text):
        return _SVG
    if text.startswith(("<!doctype html", "<html")):
        return Kind("document", "HTML", "a web page")
    return TEXT
