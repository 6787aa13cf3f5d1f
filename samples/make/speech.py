"""Spoken samples by the speech synthesiser espeak-ng: no person's voice.

Needs the program espeak-ng (Debian: apt install espeak-ng). Run: python samples/make/speech.py --out samples/
Each sentence is made by ``espeak-ng -v VOICE -s WORDS_PER_MINUTE -p PITCH -g PAUSE --stdout TEXT``, then brought to
16,000 values a second, mono, and packed without loss as FLAC.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
from pathlib import Path

import av


def spoken(text: str, voice: str, speed: int, pitch: int) -> bytes:
    """A sentence as the bytes of a WAV file."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise SystemExit("The program espeak-ng is not installed. Debian and Ubuntu: apt install espeak-ng")
    command = [program, "-v", voice, "-s", str(speed), "-p", str(pitch), "-g", "2", "-a", "120", "--stdout", text]
    return subprocess.run(command, check=True, capture_output=True).stdout


def packed(wav: bytes, target: Path) -> None:
    """Write a WAV file as FLAC, mono, 16 kHz, 16 bits, with a quarter of a second of silence at both ends."""
    import numpy as np

    resampler = av.AudioResampler(format="s16", layout="mono", rate=16000)
    with av.open(io.BytesIO(wav)) as source:
        frames = [out for frame in source.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    sound = np.concatenate([frame.to_ndarray().ravel() for frame in frames])
    rest = np.zeros(4000, np.int16)
    sound = np.concatenate([rest, sound, rest])
    with av.open(str(target), "w", format="flac") as file:
        stream = file.add_stream("flac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)


#: How each sample is said: voice, words a minute, pitch. What is said stands in the manifest.
VOICES = {
    "announcement": ("en-us", 140, 45),
    "phrase-fr": ("fr", 130, 45),
    "phrase-de": ("de", 135, 42),
    "phrase-es": ("es", 135, 45),
    "coffee-order": ("en-gb-x-rp", 125, 40),
}


def main() -> None:
    """Speak and save all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1])
    args = parser.parse_args()
    manifest = json.loads((Path(__file__).resolve().parents[1] / "manifest.json").read_text("utf-8"))
    texts = {entry["id"]: entry["transcript"] for entry in manifest["samples"] if "transcript" in entry}
    for name, (voice, speed, pitch) in VOICES.items():
        packed(spoken(texts[name], voice, speed, pitch), args.out / f"{name}.flac")


if __name__ == "__main__":
    main()
