"""Bytes or a path in, mono sound at 16 kHz out; whatever is hostile or damaged stops here.

The kind of a file is told by its content and given to FFmpeg, which may neither guess another nor use any demuxer or
decoder that is not listed here. It reads from an object without a name: a file that asks for others (playlists, lists
of parts, external tracks) is refused, so that nothing reaches the network or the rest of the disk.

Sound is decoded bit by bit into 16-bit samples: three hours take 345 MB. Lengths that a file announces are not
believed; decoding ends when the limit is passed. Channels are mixed to one by FFmpeg's rules (5.1 loses its bass
channel); channels of unknown position are averaged. Values that are not numbers become silence. Time stamps are not
used: the samples follow each other as they stand in the file.
"""

from __future__ import annotations

import io
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from gallery.errors import EmptyMedia, GalleryError, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from gallery.media.container import Outside, open_container
from gallery.media.names import display_name, quoted
from gallery.media.sniff import HEAD, Kind, sniff
from gallery.media.source import human_bytes, opened, size_of
from gallery.media.types import Recording

if TYPE_CHECKING:
    import av


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """What is refused.

    Attributes:
        max_bytes: bytes of the file, checked before it is opened.
        max_seconds: length of the sound, checked while it is decoded.
    """

    max_bytes: int
    max_seconds: float


#: Long recordings: 2 GB, 3 hours.
LONG = AudioLimits(max_bytes=2_000_000_000, max_seconds=3 * 3600)

#: A shorter recording than this, in seconds, holds no sound to speak of.
SHORTEST = 0.1

# FFmpeg's names of what may be opened. Playlists and lists of parts (hls, concat, dash) are not among them.
_DEMUXERS = {
    "wav", "w64", "flac", "ogg", "mp3", "aac", "ac3", "au", "caf", "amr", "aiff",
    "matroska", "mov", "avi", "asf", "flv", "mpeg", "mpegts",
}  # fmt: skip

_DECODERS = {
    "aac", "ac3", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "adpcm_swf", "adpcm_yamaha", "alac", "amrnb", "amrwb",
    "eac3", "flac", "g722", "g726", "gsm", "gsm_ms", "libopencore_amrnb", "libopencore_amrwb", "libopus", "mp2",
    "mp2float", "mp3", "mp3float", "opus", "pcm_alaw", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le",
    "pcm_mulaw", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_s8", "pcm_u8",
    "speex", "vorbis", "wmapro", "wmav1", "wmav2",
}  # fmt: skip

# Samples a second that sound is recorded at. Below, each sample would be blown up to many.
_RATES = range(2_000, 768_001)

_AGAIN = "Copy or record it again, or save it anew as WAV or MP3."
_OTHER = "Save it as WAV or MP3 and open that."


def read_audio(source: bytes | Path, name: str, limits: AudioLimits = LONG) -> Recording:
    """Read a recording, or the sound of a video.

    WAV, FLAC, MP3, Ogg (Opus, Vorbis), AAC, M4A, MP4, QuickTime, WebM, Matroska, AIFF, AU, CAF, AMR, AC-3, AVI,
    Windows Media, Flash and MPEG are opened.

    Args:
        source: the bytes of the file, or its path.
        name: what a person calls the file; only shown, never believed.
        limits: what is refused.

    Returns:
        Mono sound at 16 kHz. A file that ends early or is damaged in places gives what can be decoded, with a
        warning.

    Raises:
        EmptyMedia: there are no bytes, no sound in the file, or less than a tenth of a second of it.
        UnreadableMedia: the file is missing, damaged, or no recording at all.
        UnsupportedMedia: the file is something else, or sound of a kind that is not opened.
        MediaTooLarge: the file has more bytes or seconds than ``limits``, or more than memory holds.
    """
    begin = time.perf_counter()
    with opened(source, name, limits.max_bytes) as file:
        kind = _kind(file)
        _check_kind(kind, name)
        try:
            sound = _decode(file, kind, name, limits)
        except GalleryError:
            raise
        except MemoryError as error:
            raise MediaTooLarge(f"{quoted(name)} needs more memory than there is.", "Cut it into parts.") from error
        except Exception as error:  # a decoder given hostile bytes may raise anything
            raise _damaged(kind, name) from error
    samples = np.frombuffer(sound.samples, np.int16)
    samples.setflags(write=False)
    return Recording(
        samples=samples,
        name=display_name(name),
        format=sound.format,
        decode_ms=(time.perf_counter() - begin) * 1000,
        warnings=tuple(sound.warnings),
    )


def recording_wav(recording: Recording) -> bytes:
    """The recording as a WAV file: 16-bit, mono, 16 kHz."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(Recording.RATE)
        file.writeframes(recording.samples.astype("<i2", copy=False).tobytes())
    return out.getvalue()


# --- what is refused ------------------------------------------------------------------------------------------------


def _kind(file: BinaryIO) -> Kind:
    """What the file is; behind an ID3 tag, which MP3, AAC and FLAC may carry, it is looked at again."""
    head = file.read(HEAD)
    kind = sniff(head)
    if head.startswith(b"ID3") and len(head) >= 10:
        length = 0
        for seven_bits in head[6:10]:
            length = length << 7 | seven_bits & 0x7F
        file.seek(10 + length)
        behind = sniff(file.read(HEAD))
        if behind.family == "audio":
            return behind
    return kind


def _check_kind(kind: Kind, name: str) -> None:
    """Raise unless the kind is one that is opened, saying what to do instead."""
    if kind.family in ("audio", "video") and kind.format in _DEMUXERS:
        return
    what = f"{quoted(name)} is {kind.title}"
    if kind.family in ("audio", "video"):
        raise UnsupportedMedia(f"{what}, which the gallery does not open.", _OTHER)
    if kind.format == "PLAYLIST":
        raise UnsupportedMedia(f"{what}.", "Open the recordings themselves.")
    if kind.family == "image":
        raise UnsupportedMedia(f"{what}; this page takes recordings.", "Open it on one of the pages for pictures.")
    if kind.family == "archive":
        raise UnsupportedMedia(f"{what}, not a recording.", "Unpack it and open the recordings in it.")
    if kind.family in ("document", "text"):
        raise UnreadableMedia(f"{what}, not a recording.", "Open a recording such as WAV, MP3 or M4A.")
    raise UnreadableMedia(
        f"{quoted(name)} is not a recording: its content is of no kind that the gallery knows.",
        "Open a recording such as WAV, MP3 or M4A.",
    )


def _damaged(kind: Kind, name: str) -> UnreadableMedia:
    return UnreadableMedia(
        f"{quoted(name)} is damaged or incomplete: it begins like {kind.title} but cannot be decoded.", _AGAIN
    )


def _too_long(name: str, limits: AudioLimits) -> MediaTooLarge:
    return MediaTooLarge(
        f"{quoted(name)} is longer than the limit of {human_seconds(limits.max_seconds)}.",
        "Cut it into parts and open them one after the other.",
    )


def human_seconds(seconds: float) -> str:
    """A length of time for people: ``3 hours``, ``90 seconds``, ``1.5 hours``, ``0.04 seconds``."""
    for factor, unit in ((3600, "hour"), (60, "minute")):
        if seconds >= 2 * factor or seconds == factor:
            value = seconds / factor
            return f"{value:.3g} {unit}" + ("" if value == 1 else "s")
    return "1 second" if seconds == 1 else f"{seconds:.3g} seconds"


# --- decoding -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sound:
    samples: bytearray
    format: str
    warnings: list[str]


def _decode(file: BinaryIO, kind: Kind, name: str, limits: AudioLimits) -> _Sound:
    try:
        container = open_container(file, kind.format, _DECODERS)
    except Outside as error:
        raise UnsupportedMedia(f"{quoted(name)} only points to other files.", "Open those.") from error
    with container:
        tracks = container.streams.audio
        if not tracks:
            what = "it is a video without a sound track" if container.streams.video else "there is none in it"
            raise EmptyMedia(f"{quoted(name)} has no sound: {what}.", "Open a recording, or a video with sound.")
        track = tracks[0]
        decoder = track.codec_context
        if decoder is None or decoder.codec.name not in _DECODERS:
            raise UnsupportedMedia(f"{quoted(name)} holds sound of a kind that the gallery does not open.", _OTHER)
        reader = _Reader(container, track)
        samples = bytearray()
        most = int(limits.max_seconds * Recording.RATE) * 2
        for piece in reader.pieces():
            samples += piece
            if len(samples) > most:
                raise _too_long(name, limits)
        seconds = len(samples) / 2 / Recording.RATE
        if not samples and reader.damaged:
            raise _damaged(kind, name)
        if not samples:
            raise EmptyMedia(f"{quoted(name)} has no sound: there is a header, but nothing behind it.", _AGAIN)
        if seconds < SHORTEST:
            raise EmptyMedia(f"{quoted(name)} holds only {human_seconds(seconds)} of sound.", "Record it again.")
        said = []
        if len(tracks) > 1:
            said.append(f"Only the first of {len(tracks)} sound tracks was used.")
        if reader.damaged:
            said.append("Parts of the sound are damaged and were left out.")
        if reader.strange:
            said.append("Values that are not numbers were replaced by silence.")
        announced = _announced(container, track)
        if announced is not None and seconds < announced - max(0.15, 0.02 * announced):
            said.append(
                f"The file may be incomplete: it announces {human_seconds(announced)} of sound and holds "
                f"{human_seconds(seconds)}."
            )
        elif kind.format == "wav" and (missing := _wav_announces(file)):
            said.append(
                f"The file may be incomplete: it announces {human_bytes(missing)} and has {human_bytes(size_of(file))}."
            )
        elif kind.format == "ogg" and not _ogg_is_complete(file):
            said.append("The file may be incomplete: the mark at its end is missing.")
        return _Sound(samples, f"{container.format.name}/{decoder.codec.canonical_name}", said)


def _announced(container: av.container.InputContainer, track: av.AudioStream) -> float | None:
    """Seconds of sound that the file says it has, or None where it does not say."""
    if track.duration is not None and track.time_base is not None and track.duration > 0:
        return float(track.duration * track.time_base)
    if container.duration is not None and container.duration > 0 and len(container.streams) == 1:
        return (container.duration - max(0, container.start_time or 0)) / 1e6  # some count from zero
    return None


def _wav_announces(file: BinaryIO) -> int:
    """Bytes that the header of a WAV file promises, or 0 where the file has them or the header makes no promise."""
    file.seek(0)
    head = file.read(8)
    promised = int.from_bytes(head[4:8], "big" if head[:4] == b"RIFX" else "little") + 8
    streamed = head[:4] not in (b"RIFF", b"RIFX") or promised > 0x7FFF_0000  # programs write such sizes into pipes
    return 0 if streamed or promised <= size_of(file) + 1 else promised


def _ogg_is_complete(file: BinaryIO) -> bool:
    """Whether the last page of an Ogg file carries the mark of the end (RFC 3533, section 6)."""
    size = size_of(file)
    file.seek(max(0, size - 70_000))  # a page has at most 65,307 bytes
    tail = file.read()
    at = tail.rfind(b"OggS")
    return at >= 0 and len(tail) > at + 5 and bool(tail[at + 5] & 4)


class _Reader:
    """Decodes one track into pieces of 16-bit mono sound, and remembers what was wrong with it."""

    def __init__(self, container: av.container.InputContainer, track: av.AudioStream) -> None:
        self._container = container
        self._track = track
        self._resampler: av.AudioResampler | None = None
        self._setup: tuple[str, str, int] | None = None
        self.damaged = False
        self.strange = False

    def pieces(self) -> Iterator[memoryview]:
        """Yield samples, native int16, in order."""
        for frame in self._frames():
            yield from self._resampled(frame)
        if self._resampler is not None:
            yield from _samples(self._resampler.resample(None))

    def _frames(self) -> Iterator[av.AudioFrame]:
        import av

        packets = self._container.demux(self._track)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, Outside):
                self.damaged = True
                return
            try:
                yield from packet.decode()
            except av.FFmpegError as error:
                if isinstance(error, EOFError):
                    return
                self.damaged = True

    def _resampled(self, frame: av.AudioFrame) -> Iterator[memoryview]:
        import av

        if frame.samples == 0:
            return
        if frame.sample_rate not in _RATES:
            self.damaged = True
            return
        if frame.format.name.startswith(("flt", "dbl")):
            self._make_finite(frame)
        if not frame.layout.name or frame.layout.name.endswith("channels"):
            frame = _averaged(frame)
        frame.pts = None
        setup = (frame.format.name, frame.layout.name, frame.sample_rate)
        if setup != self._setup:  # the first frame, or a recording that changes on the way
            if self._resampler is not None:
                yield from _samples(self._resampler.resample(None))
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=Recording.RATE)
            self._setup = setup
        assert self._resampler is not None
        yield from _samples(self._resampler.resample(frame))

    def _make_finite(self, frame: av.AudioFrame) -> None:
        kind = np.float32 if frame.format.name.startswith("flt") else np.float64
        for plane in frame.planes:
            values = np.frombuffer(memoryview(plane), kind)
            wrong = ~np.isfinite(values)
            if wrong.any():
                self.strange = True
                values[wrong] = 0


def _samples(frames: list[av.AudioFrame]) -> Iterator[memoryview]:
    for frame in frames:
        if frame.samples:
            yield memoryview(frame.planes[0])[: frame.samples * 2]  # a plane may be longer than what it holds


def _averaged(frame: av.AudioFrame) -> av.AudioFrame:
    """One channel that is the mean of channels of which nobody knows where they belong."""
    import av

    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    mean = values.mean(axis=0, dtype=np.float64)
    if values.dtype.kind == "u":
        mean = (mean - 128) / 128
    elif values.dtype.kind == "i":
        mean /= 2.0 ** (8 * values.itemsize - 1)
    mixed = av.AudioFrame.from_ndarray(mean.astype(np.float32)[None, :], format="fltp", layout="mono")
    mixed.sample_rate = frame.sample_rate
    return mixed
