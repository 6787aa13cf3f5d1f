"""Whisper on CTranslate2 through faster-whisper: speech to text with times, and which language is spoken.

A loaded model is shared by all viewers, who take turns at it. Voice is told from silence, noise and music by Silero
VAD, whose network comes inside faster-whisper and runs on onnxruntime. torch is never imported here.
https://github.com/SYSTRAN/faster-whisper
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gallery.errors import CheckpointRefused, ModelError, RuntimeUnavailable
from gallery.results import ModelUse, Segment, Word
from gallery.zoo import store
from gallery.zoo.integrity import Progress
from gallery.zoo.shared import Shared
from gallery.zoo.turns import Turns
from gallery.zoo.whisper_conversion import PARTS, WeightsFile

#: Samples a second that Whisper takes.
RATE = 16_000
#: More threads than this make one decoding slower, not faster.
_MOST_THREADS = 8
#: Whisper hears 30 seconds at a time; that much speech also tells the language.
HEARD_AT_ONCE = 30 * RATE
#: A pause of this length parts two stretches of speech.
_SHORTEST_SILENCE_MS = 300
_SHORTEST_SPEECH_MS = 100

_loaded: Shared[Whisper] = Shared(capacity=2)


@dataclass(frozen=True, slots=True)
class Language:
    """Which language is spoken.

    Attributes:
        code: the likeliest, for example ``fr``.
        score: its probability in [0, 1].
        scores: the probability of every language that the model knows.
    """

    code: str
    score: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure a model is of what it wrote, both means over the text: natural log of a token's probability (at most
    0), and a word's probability in [0, 1]."""

    token_log: float
    word: float


class Whisper:
    """One Whisper model. Safe to share between threads: they take turns, one stretch of up to 30 seconds at a time.

    Attributes:
        use: what to say of it in a result.
        languages: codes of the languages that it writes down.
        window_s: the longest stretch of speech to give it at once, seconds; bounds the memory that it takes.
        warnings: sentences that belong to each of its results.
    """

    window_s = 120.0
    warnings: tuple[str, ...] = ()

    def __init__(self, folder: Path, use: ModelUse) -> None:
        _check_parts(folder)
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise RuntimeUnavailable(
                f"faster-whisper cannot be loaded ({error}).", "Install what requirements.txt names."
            ) from error
        threads = max(1, min(_cores(), _MOST_THREADS))
        try:
            self._model = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except Exception as error:  # the tokenizer library raises bare Exception, CTranslate2 ValueError and others
            raise ModelError(
                f"The speech model in {folder} cannot be loaded ({error}).",
                "Copy the folder again from where it came from, or choose another model.",
            ) from error
        self.use = use
        self.languages: tuple[str, ...] = tuple(self._model.supported_languages)
        self._turns = Turns()

    def detect_language(self, speech: npt.NDArray[np.float32]) -> Language:
        """The language of the first 30 seconds; an unsure answer is settled by up to 90 seconds more.

        Args:
            speech: float32, mono, 16 kHz, silence left out.
        """
        with self._turns.take():
            code, score, scores = self._model.detect_language(
                speech[: 4 * HEARD_AT_ONCE], language_detection_segments=4, language_detection_threshold=0.5
            )
        return Language(code, float(score), {each: float(value) for each, value in scores})

    def transcribe(
        self,
        speech: npt.NDArray[np.float32],
        *,
        language: str | None,
        beam: int = 1,
        words: bool = True,
        once: bool = False,
    ) -> Iterator[Segment]:
        """What is said, as it is recognised; times are seconds from the start of ``speech``.

        Each text begins with a blank where the language puts one between words. The score of a segment is the mean
        probability of its words, or without words the exponential of its mean token log probability, which Whisper
        gives for 30 seconds at a time.

        Args:
            speech: float32, mono, 16 kHz.
            language: a code of :attr:`languages`, or None to find out.
            beam: hypotheses that are followed; more is slower and at times better.
            words: also find the time of each word.
            once: take the first try also where it is poor; for what is shown for a moment only.
        """
        tries = {"temperature": 0.0} if once else {}
        with self._turns.take():
            found, _ = self._model.transcribe(
                speech,
                language=language,
                beam_size=beam,
                word_timestamps=words,
                **tries,
                # What was said before makes long files more fluent, and makes a slip repeat itself to their end.
                condition_on_previous_text=False,
                vad_filter=False,
            )
        segments = iter(found)
        while True:
            with self._turns.take():
                raw = next(segments, None)
            if raw is None:
                return
            yield _segment(raw)

    def certainty(self, speech: npt.NDArray[np.float32]) -> Certainty | None:
        """How sure the model is of its text for the first 30 seconds, at its first try; None when it writes nothing.

        Whisper gives a poor text several tries, with chance; this is the first, without.
        """
        with self._turns.take():
            found, _ = self._model.transcribe(
                speech[:HEARD_AT_ONCE],
                beam_size=1,
                word_timestamps=True,
                temperature=0.0,
                log_prob_threshold=None,
                no_speech_threshold=None,
                condition_on_previous_text=False,
            )
            segments = list(found)
        words = [word.probability for segment in segments for word in segment.words or ()]
        if not words:
            return None
        return Certainty(float(np.mean([segment.avg_logprob for segment in segments])), float(np.mean(words)))


def load_whisper(model_id: str, progress: Callable[[Progress], None] | None = None) -> Whisper:
    """The shared recogniser of a registry model; its files are fetched where this machine lacks them.

    Raises:
        ModelError: the model cannot be had (see :func:`gallery.zoo.store.ensure`), or not loaded.
        DiskFull: no room for the download.
    """

    def build() -> Whisper:
        resolved = store.ensure(model_id, progress=progress)
        use = ModelUse(
            id=model_id,
            sha256=resolved.sha256,
            runtime="ctranslate2",
            source=resolved.source,
            verified=True,
            licence_note=resolved.entry.licence_note,
        )
        return Whisper(resolved.folder, use)

    return _loaded.get(model_id, build)


def load_if_present(model_id: str) -> Whisper | None:
    """The shared recogniser of a registry model that is on this machine, else None. Never fetches."""
    return load_whisper(model_id) if store.find(model_id) else None


def find_speech(samples: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Stretches of voice, as (first sample, sample after the last), in order; pauses of 0.3 s and more part them.

    Args:
        samples: float32, mono, 16 kHz; a few minutes at most.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        min_silence_duration_ms=_SHORTEST_SILENCE_MS, min_speech_duration_ms=_SHORTEST_SPEECH_MS, speech_pad_ms=0
    )
    return [(int(span["start"]), int(span["end"])) for span in get_speech_timestamps(samples, options)]


def _check_parts(folder: Path) -> None:
    """Refuse a folder that is not whole, before a library looks for the missing part on the network."""
    for names in PARTS:
        if not any((folder / name).is_file() for name in names):
            raise CheckpointRefused(
                f"The speech model in {folder} has no {' or '.join(names)}.",
                "Copy the whole folder again from where it came from, or choose another model.",
            )
    for name in ("config.json", "tokenizer.json"):
        try:
            json.loads((folder / name).read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise CheckpointRefused(
                f"{name} of the speech model in {folder} is damaged.",
                "Copy the whole folder again from where it came from, or choose another model.",
            ) from error
    WeightsFile(folder / "model.bin")


def _cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _segment(raw: Any) -> Segment:
    words = tuple(
        Word(float(word.start), float(word.end), word.word, _probability(word.probability)) for word in raw.words or ()
    )
    score = float(np.mean([word.score for word in words])) if words else math.exp(min(0.0, raw.avg_logprob))
    return Segment(float(raw.start), float(raw.end), raw.text, words, _probability(score))


def _probability(value: float) -> float:
    return round(min(1.0, max(0.0, float(value))), 4)
