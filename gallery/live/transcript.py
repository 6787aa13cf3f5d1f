"""What was said since a microphone was first switched on: lines that are final, and how they came about."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime

from gallery.domains import speech
from gallery.media.types import Recording
from gallery.results import Analysis, ModelUse, Segment
from gallery.wording import clock
from gallery.zoo.whisper import Language

#: Seconds of sound after which a transcript is full.
MOST_S = 2 * 3600.0


class Transcript:
    """Lines on one clock: seconds of sound since the start, pauses left out. Safe to share between threads.

    It outlives the microphone's being switched off: switched on again, the same transcript goes on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._round = self._changes = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything and begin at 0."""
        with self._lock:
            self._round += 1
            self._changes += 1
            self.started = datetime.now()
            self._segments: list[Segment] = []
            self._texts: list[str] = []
            self._heard = 0
            self._skipped = 0
            self._ms = {"prepare": 0.0, "infer": 0.0, "post": 0.0}
            self._uses: dict[str, ModelUse] = {}
            self._use: ModelUse | None = None
            self._settings: speech.Options | None = None
            self._language: Language | None = None
            self._code: str | None = None
            self._warnings: list[str] = []

    @property
    def name(self) -> str:
        """The name of a file that would hold this."""
        return f"microphone {self.started:%Y-%m-%d %H-%M}.wav"

    @property
    def round(self) -> int:
        """How often it began at 0. What belongs to an earlier round is not taken any more."""
        return self._round

    @property
    def changes(self) -> int:
        """How often the text, the language or the warnings changed."""
        return self._changes

    @property
    def heard(self) -> int:
        """Samples of sound since the start."""
        return self._heard

    @property
    def full(self) -> bool:
        """Whether nothing more is taken."""
        return self._heard >= MOST_S * Recording.RATE

    @property
    def language(self) -> Language | None:
        """The language that was found, once it is sure enough."""
        return self._language

    def lines(self) -> tuple[Segment, ...]:
        """The final lines, in order."""
        with self._lock:
            return tuple(self._segments)

    def __len__(self) -> int:
        return len(self._segments)

    def hear(self, samples: int) -> None:
        """So much more sound came in."""
        with self._lock:
            self._heard += samples

    def skip(self, samples: int) -> None:
        """So much of the sound could not be listened to."""
        with self._lock:
            self._skipped += samples

    def spend(self, stage: str, milliseconds: float) -> None:
        """So much time went into a stage (see :data:`gallery.results.STAGES`)."""
        with self._lock:
            self._ms[stage] += milliseconds

    def settle(self, language: Language, number: int) -> None:
        """This is the language from now on, unless that was found in an earlier round."""
        with self._lock:
            if number == self._round:
                self._language = language
                self._changes += 1

    def warn(self, sentence: str, number: int) -> None:
        """A sentence that a person should read beside the text, unless it is about an earlier round."""
        with self._lock:
            if number == self._round and sentence not in self._warnings:
                self._warnings.append(sentence)
                self._changes += 1

    def warnings(self) -> tuple[str, ...]:
        """The sentences so far."""
        with self._lock:
            return tuple(self._warnings)

    def add(
        self,
        raw: Sequence[Segment],
        offset: float,
        use: ModelUse,
        settings: speech.Options,
        code: str | None,
        number: int,
    ) -> None:
        """Keep a line, unless it was said in an earlier round.

        Args:
            raw: what the recogniser wrote, times counted from the start of what it heard.
            offset: where that begins on the clock, seconds.
            use, settings: how it was written.
            code: of the language that it was written in.
            number: the round (see :attr:`round`) that it was said in.
        """
        with self._lock:
            if number != self._round:
                return
            self._changes += 1
            self._use, self._settings, self._code = use, settings, code
            self._uses.setdefault(use.id, use)
            for each in raw:
                latest = self._segments[-1].end if self._segments else 0.0
                segment = _placed(each, offset, latest, self._heard / Recording.RATE)
                if segment.text:
                    self._segments.append(segment)
                    self._texts.append(each.text)

    def analysis(self) -> Analysis | None:
        """All that was said so far, as of a file of that length; None before the first line."""
        with self._lock:
            if self._use is None or self._settings is None or not self._segments:
                return None
            warnings, cut = list(self._warnings), []
            if len(self._uses) > 1:
                warnings.append(f"These lines were written by several models: {', '.join(self._uses)}.")
            skipped = self._skipped / Recording.RATE
            if skipped:
                cut.append(f"{skipped:.1f} seconds were left out, because this computer could not keep up.")
            if self.full:
                cut.append(f"After {clock(MOST_S)} nothing more was taken.")
            found = self._language
            return Analysis(
                file=self.name,
                domain="speech",
                model=self._use,
                timings_ms={"decode": 0.0, **{stage: round(value, 3) for stage, value in self._ms.items()}},
                warnings=tuple(warnings),
                cut=tuple(cut),
                settings=asdict(self._settings),
                duration_s=round(self._heard / Recording.RATE, 3),
                segments=tuple(self._segments),
                text="".join(self._texts).strip(),
                language=self._code,
                language_score=round(found.score, 4) if found and found.code == self._code else None,
            )


def _placed(raw: Segment, offset: float, latest: float, heard: float) -> Segment:
    """A segment on the clock of the transcript, after the one before it and not beyond what was heard."""
    words = []
    for word in speech.whole_words(raw.words):
        start = round(min(max(offset + word.start, latest), heard), 3)
        latest = round(min(max(offset + word.end, start), heard), 3)
        words.append(replace(word, start=start, end=latest, text=word.text.strip()))
    if words:
        start, end = words[0].start, words[-1].end
    else:
        start = round(min(max(offset + raw.start, latest), heard), 3)
        end = round(min(max(offset + raw.end, start), heard), 3)
    return Segment(start, end, raw.text.strip(), tuple(words), raw.score)
