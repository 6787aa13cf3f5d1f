"""The sound door: every kind of recording a person may bring, and every kind nobody should."""

from __future__ import annotations

import io
import math
import random
import struct
import subprocess
import sys
import threading
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from gallery.errors import EmptyMedia, MediaError, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from gallery.media import container
from gallery.media.audio import AudioLimits, human_seconds, read_audio, recording_wav
from gallery.media.types import Recording

Make = Callable[[], bytes]

RATE = 16_000


# --- making files ---------------------------------------------------------------------------------------------------


def tone(seconds: float = 1.0, rate: int = RATE, hertz: float = 440.0) -> np.ndarray:
    """A sine of half the full scale, float64 in [-0.5, 0.5]."""
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate) / 2


def wav(samples: np.ndarray, rate: int = RATE, tag: int | None = None) -> bytes:
    """A WAV file of an array: N or NxC, of uint8, int16, int32, float32 or float64 (24 bits: Nx3 bytes, see wav24)."""
    channels = samples.shape[1] if samples.ndim == 2 else 1
    if tag is None:
        tag = 3 if samples.dtype.kind == "f" else 1
    return riff(samples.tobytes(), channels, rate, samples.itemsize, tag)


def riff(data: bytes, channels: int, rate: int, width: int, tag: int = 1, size: int | None = None) -> bytes:
    size = len(data) if size is None else size
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * channels * width, channels * width, 8 * width)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size & 0xFFFFFFFF) + data
    return b"RIFF" + struct.pack("<I", (28 + 8 + size) & 0xFFFFFFFF) + body


def int16(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 32767).astype("<i2")


def encoded(
    container: str,
    codec: str,
    values: np.ndarray | None,
    rate: int = 48_000,
    layout: str = "mono",
    tracks: int = 1,
    picture: bool = False,
    start: int = 0,
) -> bytes:
    """A file that FFmpeg writes: the same sound on every channel of every track, perhaps beside moving pictures."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        sounds = [file.add_stream(codec, rate=rate, layout=layout) for _ in range(tracks)] if values is not None else []
        video = file.add_stream("mpeg4", rate=10) if picture else None
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for sound in sounds:
            planes = np.repeat(values.astype(np.float32)[None], sound.layout.nb_channels, axis=0)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            size = sound.codec_context.frame_size or 1024
            cutter = av.AudioResampler(sound.codec_context.format, layout, rate, frame_size=size)
            for part in [*cutter.resample(frame), *cutter.resample(None)]:
                file.mux(sound.encode(part))
            file.mux(sound.encode(None))
        if video is not None:
            for index in range(10):
                image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
                image.pts = index
                file.mux(video.encode(image))
            file.mux(video.encode(None))
    return out.getvalue()


def cut(data: bytes, share: float = 0.5) -> bytes:
    return data[: int(len(data) * share)]


def loudness(recording: Recording) -> float:
    """Root mean square of the middle half, as a share of full scale."""
    n = len(recording.samples)
    middle = recording.samples[n // 4 : -n // 4].astype(float) / 32768
    return float(np.sqrt(np.mean(middle**2)))


def pitch(recording: Recording) -> float:
    """The strongest frequency in hertz."""
    spectrum = np.abs(np.fft.rfft(recording.samples.astype(float) * np.hanning(len(recording.samples))))
    return float(np.argmax(spectrum)) * RATE / len(recording.samples)


# --- what is refused ------------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)

REFUSED: list[tuple[str, str, bytes | Make, type[MediaError], str]] = [
    ("zero bytes", "a.wav", b"", EmptyMedia, "no bytes"),
    ("random bytes", "a.wav", random.Random(5).randbytes(5000), UnreadableMedia, "not a recording"),
    ("nulls", "a.wav", bytes(5000), UnreadableMedia, "not a recording"),
    ("text named wav", "a.wav", b"Dear all,\nplease listen to this", UnreadableMedia, "is a text file"),
    ("PDF", "a.pdf", b"%PDF-1.7\n", UnreadableMedia, "a PDF document, not a recording"),
    ("picture", "a.png", PNG, UnsupportedMedia, "one of the pages for pictures"),
    ("archive", "a.zip", b"PK\x03\x04" + bytes(40), UnsupportedMedia, "Unpack it"),
    ("WavPack", "a.wv", b"wvpk" + bytes(40), UnsupportedMedia, "Save it as WAV or MP3"),
    ("random bytes behind RIFF", "a.wav", b"RIFF\xff\xff\0\0WAVE" + random.Random(2).randbytes(4000), MediaError, ""),
    ("random bytes behind ID3", "a.mp3", b"ID3\4\0\0\0\0\0\0" + random.Random(2).randbytes(4000), MediaError, ""),
    ("random bytes behind fLaC", "a.flac", b"fLaC" + random.Random(2).randbytes(4000), MediaError, ""),
    ("random bytes behind OggS", "a.ogg", b"OggS" + random.Random(2).randbytes(4000), MediaError, ""),
    ("random bytes behind EBML", "a.webm", b"\x1a\x45\xdf\xa3" + random.Random(2).randbytes(4000), MediaError, ""),
    # nothing in it
    ("header-only WAV", "a.wav", lambda: wav(np.zeros(0, "<i2")), EmptyMedia, "nothing behind it"),
    ("RIFF only", "a.wav", b"RIFF\4\0\0\0WAVE", MediaError, "a.wav"),
    ("a twentieth of a second", "a.wav", lambda: wav(int16(tone(0.05))), EmptyMedia, "only 0.05 seconds"),
    ("video without sound", "a.mp4", lambda: encoded("mp4", "", None, picture=True), EmptyMedia, "without a sound"),
    # incomplete beyond use
    ("truncated M4A", "a.m4a", lambda: cut(encoded("ipod", "aac", tone(2, 48_000))), UnreadableMedia, "incomplete"),
    # would reach for other files
    ("playlist", "a.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", UnsupportedMedia, "a playlist"),
    ("playlist named mp3", "a.mp3", b"\xef\xbb\xbf#EXTM3U\nhttp://127.0.0.1/x\n", UnsupportedMedia, "a playlist"),
    ("list of parts", "a.wav", b"ffconcat version 1.0\nfile /etc/passwd\n", UnsupportedMedia, "a playlist"),
    ("DASH", "a.mpd", b'<?xml version="1.0"?><MPD><BaseURL>file:///</BaseURL></MPD>', UnsupportedMedia, "a playlist"),
    ("XML", "a.wav", b'<?xml version="1.0"?><playlist/>', UnreadableMedia, "a text file"),
    # rates that nobody records at
    ("1 sample a second", "a.wav", lambda: wav(int16(tone(1)), rate=1), UnreadableMedia, "a.wav"),
    ("0 samples a second", "a.wav", lambda: wav(int16(tone(1)), rate=0), MediaError, "a.wav"),
    ("2^32 samples a second", "a.wav", lambda: riff(bytes(4000), 1, 2**32 - 1, 0), MediaError, "a.wav"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "name", "data", "error", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(case: str, name: str, data: bytes | Make, error: type[MediaError], words: str) -> None:
    content = data if isinstance(data, bytes) else data()
    with pytest.raises(error) as caught:
        read_audio(content, name)
    said = caught.value
    assert words in str(said)
    assert name in said.problem
    assert said.remedy.endswith(".") and said.problem.endswith(".")
    assert "Errno" not in str(said) and "av" not in str(said).split()


def test_more_bytes_than_the_limit() -> None:
    with pytest.raises(MediaTooLarge, match=r"has 32\.0 kB; the limit is 10 kB\."):
        read_audio(wav(int16(tone(1))), "a.wav", AudioLimits(10_000, 60))


@pytest.mark.parametrize("announced", [None, 0, 1000])
def test_more_seconds_than_the_limit(announced: int | None) -> None:
    """Whatever the header says of the length, decoding ends at the limit."""
    data = riff(int16(tone(3)).tobytes(), 1, RATE, 2, size=announced)
    limits = AudioLimits(10**7, 2)
    if announced == 1000:  # what stands behind the announced end is not sound
        with pytest.raises(EmptyMedia):
            read_audio(data, "a.wav", limits)
        return
    with pytest.raises(MediaTooLarge, match=r"longer than the limit of 2 seconds\. Cut it into parts"):
        read_audio(data, "a.wav", limits)


def test_exactly_the_limit_is_let_in() -> None:
    assert read_audio(wav(int16(tone(2))), "a.wav", AudioLimits(10**7, 2)).duration_s == 2


def test_external_files_are_not_opened() -> None:
    with pytest.raises(container.Outside):
        container.refuse("file:///etc/passwd", 1, {})


def test_quicktime_track_that_lies_in_another_file(tmp_path: Path) -> None:
    """A data reference to another file: its sound must not come out."""
    secret = tmp_path / "secret.mov"
    secret.write_bytes(encoded("mov", "pcm_s16le", tone(1, 48_000)))
    data = encoded("mov", "pcm_s16le", tone(1, 48_000))
    at = data.index(b"url \0\0\0\1")  # "in this file"
    outside = data[:at] + b"alis\0\0\0\0" + data[at + 8 :]
    try:
        recording = read_audio(outside, "a.mov")
    except MediaError:
        return
    assert recording.duration_s <= 1.01  # its own bytes, by the offsets in it


# --- paths ----------------------------------------------------------------------------------------------------------


def test_path_and_bytes_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "héllo %d ; file|x.wav"  # characters that mean something to FFmpeg in a path
    path.write_bytes(wav(int16(tone(1))))
    assert np.array_equal(read_audio(path, path.name).samples, read_audio(path.read_bytes(), "a.wav").samples)


def test_folder_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMedia, match="is a folder"):
        read_audio(tmp_path, "folder")
    with pytest.raises(UnreadableMedia, match=r"There is no file “gone\.wav”"):
        read_audio(tmp_path / "gone.wav", "gone.wav")


# --- what is read ---------------------------------------------------------------------------------------------------


def wav24(values: np.ndarray, rate: int) -> bytes:
    whole = np.rint(values * (2**23 - 1)).astype("<i4")
    return riff(whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes(), 1, rate, 3)


def stereo(rate: int = RATE) -> np.ndarray:
    return np.stack([int16(tone(1, rate))] * 2, axis=1)


#: (case, file, format, words in the warnings): one second of a sine of 440 Hz and half the full scale.
READ: list[tuple[str, Make, str, str]] = [
    ("WAV", lambda: wav(int16(tone())), "wav/pcm_s16le", ""),
    ("WAV, 8-bit", lambda: wav(np.rint(tone() * 127 + 128).astype(np.uint8)), "wav/pcm_u8", ""),
    ("WAV, 24-bit", lambda: wav24(tone(1, 44_100), 44_100), "wav/pcm_s24le", ""),
    ("WAV, 32-bit", lambda: wav(np.rint(tone() * 2**31 - 1).astype("<i4")), "wav/pcm_s32le", ""),
    ("WAV, float", lambda: wav(tone().astype("<f4")), "wav/pcm_f32le", ""),
    ("WAV, double", lambda: wav(tone().astype("<f8")), "wav/pcm_f64le", ""),
    ("WAV, 96 kHz", lambda: wav(int16(tone(1, 96_000)), 96_000), "wav/pcm_s16le", ""),
    ("WAV, 8 kHz", lambda: wav(int16(tone(1, 8_000)), 8_000), "wav/pcm_s16le", ""),
    ("WAV, 11 kHz", lambda: wav(int16(tone(1, 11_025)), 11_025), "wav/pcm_s16le", ""),
    ("WAV, stereo", lambda: wav(stereo()), "wav/pcm_s16le", ""),
    ("WAV, size unknown", lambda: riff(int16(tone()).tobytes(), 1, RATE, 2, size=0xFFFFFFFF - 40), "wav/pcm_s16le", ""),
    ("WAV, not numbers", lambda: wav(with_nan()), "wav/pcm_f32le", "replaced by silence"),
    ("FLAC", lambda: encoded("flac", "flac", tone(1, 44_100), 44_100), "flac/flac", ""),
    ("FLAC behind ID3", lambda: b"ID3\4\0\0\0\0\0\1x" + encoded("flac", "flac", tone(1, 48_000)), "flac/flac", ""),
    ("MP3", lambda: encoded("mp3", "libmp3lame", tone(1, 44_100), 44_100), "mp3/mp3", ""),
    ("Opus", lambda: encoded("ogg", "libopus", tone(1, 48_000)), "ogg/opus", ""),
    ("WebM", lambda: encoded("webm", "libopus", tone(1, 48_000)), "matroska/opus", ""),
    ("AAC", lambda: encoded("adts", "aac", tone(1, 48_000)), "aac/aac", ""),
    ("M4A", lambda: encoded("ipod", "aac", tone(1, 48_000)), "mov/aac", ""),
    ("AIFF", lambda: encoded("aiff", "pcm_s16be", tone(1, 48_000)), "aiff/pcm_s16be", ""),
    ("MP4 with pictures", lambda: encoded("mp4", "aac", tone(1, 48_000), picture=True), "mov/aac", ""),
    ("Matroska, 5.1", lambda: encoded("matroska", "flac", tone(1, 48_000), layout="5.1"), "matroska/flac", ""),
    ("Matroska, two tracks", lambda: encoded("matroska", "flac", tone(1, 48_000), tracks=2), "matroska/flac", "of 2"),
    ("Matroska, begins late", lambda: encoded("matroska", "flac", tone(1, 48_000), start=480_000), "matroska/flac", ""),
    ("MPEG", lambda: encoded("mpeg", "mp2", tone(1, 48_000)), "mpeg/mp2", ""),
    ("transport stream", lambda: encoded("mpegts", "aac", tone(1, 48_000)), "mpegts/aac", ""),
    ("AVI", lambda: encoded("avi", "libmp3lame", tone(1, 48_000)), "avi/mp3", ""),
]  # fmt: skip


def with_nan() -> np.ndarray:
    values = tone().astype("<f4")
    values[100:110] = np.nan
    values[200] = np.inf
    values[201] = -np.inf
    return values


@pytest.mark.parametrize(("case", "make", "format_", "words"), READ, ids=[row[0] for row in READ])
def test_read(case: str, make: Make, format_: str, words: str) -> None:
    recording = read_audio(make(), "a.wav")
    assert recording.samples.dtype == np.int16 and recording.samples.ndim == 1
    assert not recording.samples.flags.writeable
    assert recording.format == format_
    assert recording.duration_s == pytest.approx(1, abs=0.07)  # codecs pad to whole frames
    assert pitch(recording) == pytest.approx(440, abs=2)
    level = 0.5 / math.sqrt(2)
    # 5.1 is mixed with weights whose sum FFmpeg keeps at one, the bass channel left out
    assert loudness(recording) == pytest.approx(level, rel=0.06)
    assert recording.decode_ms > 0
    if words:
        assert words in " ".join(recording.warnings)
    else:
        assert recording.warnings == ()


@pytest.mark.parametrize("channels", [3, 5, 7, 9, 16])
def test_channels_of_unknown_position_are_averaged(channels: int) -> None:
    silent = np.zeros((RATE, channels), "<i2")
    silent[:, 0] = int16(tone())
    all_same = np.stack([int16(tone())] * channels, axis=1)
    assert loudness(read_audio(wav(all_same), "a.wav")) == pytest.approx(0.5 / math.sqrt(2), rel=0.02)
    if channels in (9, 16):  # no usual layout has so many
        assert loudness(read_audio(wav(silent), "a.wav")) == pytest.approx(0.5 / math.sqrt(2) / channels, rel=0.02)


def test_times_before_zero_are_cut_off() -> None:
    """A tenth of a second before zero is what an editor of MP4 files means to leave out."""
    recording = read_audio(encoded("mp4", "flac", tone(1, 48_000), start=-4_800), "a.mp4")
    assert recording.duration_s == pytest.approx(0.9, abs=0.01)
    assert recording.warnings == ()


def test_16_khz_mono_comes_through_unchanged() -> None:
    values = np.random.default_rng(0).integers(-32768, 32768, RATE).astype("<i2")
    assert np.array_equal(read_audio(wav(values), "a.wav").samples, values)


def test_values_beyond_full_scale_are_cut_not_wrapped() -> None:
    samples = read_audio(wav((tone() * 8).astype("<f4")), "a.wav").samples
    assert samples.max() == 32767 and samples.min() == -32768
    assert np.abs(np.diff(samples.astype(int))).max() < 32768


def xing_free_halves() -> list[tuple[str, Make]]:
    long = tone(4, 48_000)
    return [
        ("WAV", lambda: cut(wav(int16(tone(4))))),
        ("MP3", lambda: cut(encoded("mp3", "libmp3lame", long))),
        ("Opus", lambda: cut(encoded("ogg", "libopus", long))),
        ("WebM", lambda: cut(encoded("webm", "libopus", long))),
        ("FLAC", lambda: cut(encoded("flac", "flac", long))),
        ("AIFF", lambda: cut(encoded("aiff", "pcm_s16be", long))),
    ]


@pytest.mark.parametrize(("case", "make"), xing_free_halves(), ids=[row[0] for row in xing_free_halves()])
def test_file_that_ends_early_gives_what_there_is(case: str, make: Make) -> None:
    recording = read_audio(make(), "a.wav")
    assert 1 < recording.duration_s < 3
    assert pitch(recording) == pytest.approx(440, abs=2)
    assert "incomplete" in " ".join(recording.warnings)


def test_damage_in_the_middle_is_left_out() -> None:
    data = bytearray(encoded("flac", "flac", tone(4, 48_000)))
    middle = len(data) // 2
    data[middle : middle + 3000] = random.Random(0).randbytes(3000)
    recording = read_audio(bytes(data), "a.flac")
    assert recording.duration_s > 2
    assert recording.duration_s < 4
    assert any(word in " ".join(recording.warnings) for word in ("damaged", "incomplete"))


def test_wav_of_a_recording_reads_back() -> None:
    recording = read_audio(encoded("mp3", "libmp3lame", tone(1, 44_100), 44_100), "a.mp3")
    data = recording_wav(recording)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
    assert np.array_equal(read_audio(data, "a.wav").samples, recording.samples)


def test_name_is_for_showing_only() -> None:
    assert read_audio(wav(int16(tone())), "../../my\nvoice.wav").name == "my voice.wav"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (10_800, "3 hours"),
        (5_400, "90 minutes"),
        (3_600, "1 hour"),
        (90, "90 seconds"),
        (60, "1 minute"),
        (1, "1 second"),
        (0.05, "0.05 seconds"),
    ],
)
def test_lengths_in_words(seconds: float, words: str) -> None:
    assert human_seconds(seconds) == words


# --- many at once, at random, and cheaply ---------------------------------------------------------------------------


def test_threads_do_not_disturb_each_other() -> None:
    files = {
        440: encoded("mp3", "libmp3lame", tone(1, 44_100, 440), 44_100),
        880: encoded("ogg", "libopus", tone(1, 48_000, 880)),
        1320: wav(int16(tone(1, 8_000, 1320)), 8_000),
    }
    start = threading.Barrier(6)

    def work(_: int) -> list[float]:
        start.wait()
        return [pitch(read_audio(data, "a.wav")) - hertz for hertz, data in files.items()]

    with ThreadPoolExecutor(6) as pool:
        for off in pool.map(work, range(6)):
            assert np.abs(off).max() < 3


FUZZED: list[tuple[str, Make]] = [
    ("WAV", lambda: wav(int16(tone(0.5)))),
    ("WAV, float", lambda: wav(tone(0.5).astype("<f4"))),
    ("FLAC", lambda: encoded("flac", "flac", tone(0.5, 44_100), 44_100)),
    ("MP3", lambda: encoded("mp3", "libmp3lame", tone(0.5, 44_100), 44_100)),
    ("Opus", lambda: encoded("ogg", "libopus", tone(0.5, 48_000))),
    ("WebM", lambda: encoded("webm", "libopus", tone(0.5, 48_000))),
    ("MP4", lambda: encoded("mp4", "aac", tone(0.5, 48_000), picture=True)),
]


@pytest.mark.parametrize(("case", "make"), FUZZED, ids=[row[0] for row in FUZZED])
def test_damage_at_random(case: str, make: Make) -> None:
    """Whatever the damage, the answer is a recording or a sentence."""
    data = make()
    chance = random.Random(case)
    refused = 0
    for turn in range(80):
        damaged = bytearray(data)
        # Half of the damage goes to the first 200 bytes, where headers are.
        at = chance.randrange(min(len(data), 200) if turn % 2 else len(data))
        if turn % 4 == 3:
            del damaged[at:]
        else:
            damaged[at] = chance.randrange(256)
        try:
            recording = read_audio(bytes(damaged), "a.wav", AudioLimits(10**7, 60))
        except MediaError as error:
            assert "a.wav" in error.problem and error.remedy
            refused += 1
        else:
            assert recording.duration_s >= 0.1
    assert refused > 0


def test_importing_the_doors_loads_no_decoder() -> None:
    code = (
        "import sys, gallery.media.audio, gallery.media.image; "
        "print([m for m in ('av', 'pillow_heif', 'cv2', 'torch', 'skimage') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
