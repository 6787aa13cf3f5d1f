"""Live speech against the same speech as a file: words, delays and load.

    python -m benchmarks.streaming DATA [--model MODEL ...] [--quick]

DATA is the folder of the labelled reference data. The sound is fed to the listener of the live page in real time, in
pieces of 20 ms by the clock. Words are compared with ``speech/transcripts.csv`` after the normaliser of the Whisper
authors (package whisper-normalizer). Goals for ``jfk.flac``: at most one word worse than the file, and with
whisper-tiny.en on two cores the first words within 3 seconds of being spoken. Exits with 1 when one is missed, or when
silence, noise or music gives a word.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gallery.domains import speech
from gallery.live.microphone import Listener, Options
from gallery.media.audio import read_audio
from gallery.media.types import Recording
from gallery.media.windows import as_float
from gallery.zoo import offline, whisper

RATE = Recording.RATE
PIECE = RATE // 50
MOST_WORSE, MOST_FIRST_S = 1, 3.0
MODELS = ("whisper-tiny.en", "whisper-base")

Samples = npt.NDArray[np.int16]


@dataclass
class Heard:
    """What came out of one stretch of sound that was fed in real time."""

    text: str = ""
    first_s: float | None = None
    latencies: list[float] = field(default_factory=list)
    cpu: float = 0.0
    load: float = 0.0
    skipped_s: float = 0.0
    partials: int = 0


def stream(samples: Samples, model: str, language: str | None = None) -> Heard:
    """Feed sound by the clock.

    ``first_s`` is the time from the beginning of the first speech until the first word is shown; ``cpu`` counts
    seconds of all processors a second of sound.
    """
    whisper.load_whisper(model)  # the page has it loaded ahead
    spans = whisper.find_speech(as_float(samples[: 60 * RATE]))
    begins_s = spans[0][0] / RATE if spans else 0.0
    heard, listener, partial, lines = Heard(), Listener(Options(model, language)), "", 0
    while not listener.state().ready:
        time.sleep(0.01)
    cpu, began = time.process_time(), time.monotonic()
    for start in range(0, len(samples), PIECE):
        piece = samples[start : start + PIECE]
        time.sleep(max(0.0, began + (start + len(piece)) / RATE - time.monotonic()))
        listener.feed(piece)
        state = listener.state()
        if heard.first_s is None and (state.partial or len(listener.transcript)):
            heard.first_s = time.monotonic() - began - begins_s
        if state.partial and state.partial != partial:
            partial, heard.partials = state.partial, heard.partials + 1
        if len(listener.transcript) > lines:
            lines = len(listener.transcript)
            heard.latencies.append(state.latency_s or 0.0)
        heard.load = state.load
    heard.cpu = (time.process_time() - cpu) / (len(samples) / RATE)
    heard.skipped_s = listener.state().skipped_s
    listener.finish()
    listener.join()
    analysis = listener.transcript.analysis()
    heard.text = (analysis.text or "") if analysis else ""
    return heard


def wrong(said: str, found: str) -> int:
    """Words that are wrong, missing or too many."""
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    normal = EnglishTextNormalizer()
    result = jiwer.process_words(normal(said), normal(found) or " ")
    return result.substitutions + result.deletions + result.insertions


def material(data: Path, quick: bool) -> list[tuple[str, str, Samples]]:
    """Name, words and sound: English clips, all of them with pauses between, and all without any."""
    with (data / "speech" / "transcripts.csv").open(encoding="utf-8") as stream_:
        rows = [row for row in csv.DictReader(stream_) if row["language"] == "en" and not row["text"].startswith("(")]
    clips = [(row["file"], row["text"], _read(data / "speech" / row["file"])) for row in rows]
    # Every recording is followed by silence, as when somebody stops speaking.
    silence = np.zeros(3 * RATE, np.int16)
    chosen = [(name, words, np.concatenate([sound, silence])) for name, words, sound in clips]
    if quick:
        return chosen[:1]
    words = " ".join(each for _, each, _ in clips)
    apart = np.concatenate([part for _, _, sound in clips for part in (sound, silence[:RATE])])
    close = np.concatenate([_spoken(sound) for _, _, sound in clips])
    return [
        *chosen,
        ("all, a second apart", words, np.concatenate([apart, silence])),
        ("all, without pauses", words, np.concatenate([close, silence])),
    ]


def no_words(data: Path) -> list[tuple[str, Samples]]:
    """Sounds in which nobody speaks."""
    time_s = np.arange(12 * RATE) / RATE
    noise = np.random.default_rng(1).normal(size=len(time_s))
    tones = [np.sin(2 * np.pi * f * k * time_s) / k for f in (261.6, 329.6, 392.0) for k in range(1, 6)]
    pitch = np.cumsum(220 * 2 ** (np.floor(time_s / 0.5) % 7 / 6)) / RATE
    tune = sum(np.sin(2 * np.pi * k * pitch) / k**1.5 for k in range(1, 8)) * np.exp(-(time_s % 0.5) * 6)
    knocks = np.exp(-(time_s % 0.5) * 60) * noise
    made = {"white noise": noise, "chord": sum(tones), "tune": tune, "knocks": knocks, "tune and knocks": tune + knocks}
    return [
        ("no_speech.wav", _read(data / "speech" / "no_speech.wav")),
        ("digital silence", np.zeros(12 * RATE, np.int16)),
        *((name, (sound / np.abs(sound).max() * 16000).astype(np.int16)) for name, sound in made.items()),
    ]


def _read(path: Path) -> Samples:
    return read_audio(path, path.name).samples


def _spoken(samples: Samples) -> Samples:
    spans = whisper.find_speech(as_float(samples))
    return np.concatenate([samples[max(0, a - RATE // 20) : b + RATE // 20] for a, b in spans])


def main() -> int:
    """Measure and print; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", action="append", help=f"default: {', '.join(MODELS)}")
    parser.add_argument("--quick", action="store_true", help="jfk.flac only")
    arguments = parser.parse_args()
    offline.apply()
    missed: list[str] = []
    for model in arguments.model or MODELS:
        for name, words, samples in material(arguments.data, arguments.quick):
            file = speech.analyse(Recording(samples, name), speech.Options(model=model)).text or ""
            live = stream(samples, model)
            in_file, in_live = wrong(words, file), wrong(words, live.text)
            first = "never" if live.first_s is None else f"{live.first_s:.2f} s"
            mean = f"{np.mean(live.latencies):.2f} s" if live.latencies else "-"
            print(f"{model}, {name}, {len(samples) / RATE:.1f} s", flush=True)
            print(f"  file ({in_file} wrong): {file}")
            print(f"  live ({in_live} wrong): {live.text}")
            print(
                f"  first words after {first}, {live.partials} partial lines, {len(live.latencies)} times final, "
                f"{mean} after the speech on average; {live.cpu:.2f} processors, load {live.load:.2f}, "
                f"{live.skipped_s:.1f} s left out",
                flush=True,
            )
            if name == "jfk.flac":
                missed += [f"{model}: {in_live} wrong, file {in_file}"] if in_live > in_file + MOST_WORSE else []
                late = live.first_s is None or live.first_s > MOST_FIRST_S
                missed += [f"{model}: first words after {first}"] if late and model == MODELS[0] else []
        if not arguments.quick:
            for name, samples in no_words(arguments.data):
                found = stream(samples, model).text
                print(f"{model}, {name}: {found!r}", flush=True)
                missed += [f"{model}: {name} became {found!r}"] if found else []
    for sentence in missed:
        print(f"MISSED: {sentence}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
