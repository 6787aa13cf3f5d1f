"""Speech: what is said in a recording, when, and in which language."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gallery import languages
from gallery.domains import Progress, fetching
from gallery.errors import OptionError, WrongLanguage
from gallery.media.types import Recording
from gallery.media.windows import Timeline, Window, windows
from gallery.results import Analysis, ModelUse, Segment, Word
from gallery.zoo import checkpoint, pins, registry, whisper

RUNTIMES = ("ctranslate2", "transformers")

#: The model that tells languages apart for those that know only English, where it is on this machine.
JUDGE = "whisper-base"
#: A recording is taken for English unless :data:`JUDGE` gives English less than this. Measured over 84 stretches of
#: English speech, of one second and with noise as loud as the voice too: 0.50 and more. Over the 12 clips of people
#: who speak another language: 0.002 and less.
LEAST_ENGLISH = 0.2
#: Without :data:`JUDGE`, an English model must be less sure than both of these for a recording to be refused.
#: Measured over the same: English is never below both, 7 of the 12 clips in other languages are.
LEAST_CERTAINTY = whisper.Certainty(token_log=-1.1, word=0.42)

_MOST_BEAMS = 10


@dataclass(frozen=True, slots=True)
class Options:
    """How to listen.

    Attributes:
        model: registry id of a Whisper model; or a person's own: a folder, or an id of the Hugging Face hub.
        runtime: ``ctranslate2``, or ``transformers`` (slower, the same weights), on which a person's own checkpoint
            always runs.
        score: leave out segments of less confidence than this, 0 to 1.
        language: code of the language that is spoken, for example ``fr``; None to find out.
        vad: listen only where there is a voice; without it silence and noise can turn into invented words.
        beam: hypotheses that are followed, 1 to 10.
        words: also give the time of each word.
    """

    model: str = "whisper-base"
    runtime: str = "ctranslate2"
    score: float = 0.0
    language: str | None = None
    vad: bool = True
    beam: int = 1
    words: bool = True


class Recogniser(Protocol):
    """What turns speech into text (see :class:`gallery.zoo.whisper.Whisper`)."""

    window_s: float
    warnings: tuple[str, ...]
    use: ModelUse

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that it writes down; empty where that is not known."""

    def detect_language(self, speech: npt.NDArray[np.float32]) -> whisper.Language:
        """Which language is spoken; only asked of one that knows several."""

    def transcribe(
        self, speech: npt.NDArray[np.float32], *, language: str | None, beam: int = 1, words: bool = True
    ) -> Iterator[Segment]:
        """What is said, as it is recognised; times are seconds from the start of ``speech``."""


def analyse(
    recording: Recording,
    options: Options | None = None,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    on_segment: Callable[[Segment], None] | None = None,
) -> Analysis:
    """Write down what is said.

    The recording is worked through in windows that end in silences, so memory does not grow with its length. The time
    for fetching and loading the model is not among the timings.

    Args:
        cancelled: asked between segments; True ends the run with what there is by then, and ``cut`` says so.
        on_segment: called with each segment as soon as it is known.

    Raises:
        OptionError: a setting out of range.
        WrongLanguage: the recording is in another language than the model's only one.
        ModelError: the model cannot be had.
    """
    options = options or Options()
    _check(options)
    recogniser = _recogniser(options, progress)
    _check_language(options, recogniser)
    run = _Run(recording, options, recogniser, progress, cancelled or (lambda: False), on_segment)
    for window in run.windows():
        run.listen(window)
        if run.stopped:
            break
    if progress:
        progress(1.0, "done")
    return run.analysis()


class _Run:
    """One recording on its way through one recogniser."""

    def __init__(
        self,
        recording: Recording,
        options: Options,
        recogniser: Recogniser,
        progress: Progress | None,
        cancelled: Callable[[], bool],
        on_segment: Callable[[Segment], None] | None,
    ) -> None:
        self._recording, self._options, self._recogniser = recording, options, recogniser
        self._progress, self._cancelled, self._on_segment = progress, cancelled, on_segment
        self._segments: list[Segment] = []
        self._texts: list[str] = []
        self._language: whisper.Language | None = None
        self._warnings: list[str] = [*recording.warnings, *recogniser.warnings]
        self._heard = False
        self._left_out = 0
        self._reached = 0.0
        self._ms = dict.fromkeys(("prepare", "infer", "post"), 0.0)
        self.stopped = False

    def windows(self) -> Iterator[Window]:
        """The windows of the recording, each found when it is asked for."""
        finder = whisper.find_speech if self._options.vad else None
        found = windows(self._recording.samples, self._recogniser.window_s, finder)
        while True:
            self._report("listening for speech")
            began = time.perf_counter()
            window = next(found, None)
            self._ms["prepare"] += _since(began)
            if window is None:
                return
            self.stopped = self._cancelled()
            if self.stopped:
                return
            yield window

    def listen(self, window: Window) -> None:
        """Transcribe one window."""
        if not window.spans:
            self._reached = window.end / Recording.RATE
            return
        first, self._heard = not self._heard, True
        judge = self._judge() if first else None
        began = time.perf_counter()
        speech = window.gather(self._recording.samples)
        if first:
            self._settle_language(speech, judge)
        self._ms["prepare"] += _since(began)
        timeline = Timeline(window.spans)
        language = self._language.code if self._language else self._options.language
        began = time.perf_counter()
        for raw in self._recogniser.transcribe(
            speech, language=language, beam=self._options.beam, words=self._options.words
        ):
            self._ms["infer"] += _since(began)
            began = time.perf_counter()
            self._keep(raw, timeline)
            self._ms["post"] += _since(began)
            self.stopped = self._cancelled()
            if self.stopped:
                return
            began = time.perf_counter()
        self._ms["infer"] += _since(began)
        self._reached = window.end / Recording.RATE

    def analysis(self) -> Analysis:
        """All that was found so far."""
        recording, options = self._recording, self._options
        warnings, cut = list(self._warnings), []
        if not self._segments and not self._left_out and not self.stopped:
            warnings.append(
                "No speech was found: something sounds like a voice, but no words could be made out."
                if self._heard
                else "No speech was found."
            )
        if self._left_out:
            cut.append(f"{self._left_out} segments of less confidence than {options.score:g} were left out.")
        if self.stopped:
            cut.append(f"Stopped on request after {_clock(self._reached)} of {_clock(recording.duration_s)}.")
        code, score = options.language, None
        if self._language:
            code, score = self._language.code, self._language.score
        elif len(self._recogniser.languages) == 1:
            code = self._recogniser.languages[0]
        return Analysis(
            file=recording.name,
            domain="speech",
            model=self._recogniser.use,
            timings_ms={
                "decode": round(recording.decode_ms, 3),
                **{stage: round(value, 3) for stage, value in self._ms.items()},
            },
            warnings=tuple(dict.fromkeys(warnings)),
            cut=tuple(cut),
            settings=asdict(options),
            duration_s=round(recording.duration_s, 3),
            segments=tuple(self._segments),
            text="".join(self._texts).strip(),
            language=code if self._segments else None,
            language_score=round(score, 4) if self._segments and score is not None else None,
        )

    def _judge(self) -> whisper.Whisper | None:
        """The model that tells whether this is English, where that must be told and it is on this machine."""
        if self._options.language or self._recogniser.languages != ("en",):
            return None
        return whisper.load_if_present(JUDGE)

    def _settle_language(self, speech: npt.NDArray[np.float32], judge: whisper.Whisper | None) -> None:
        """Find out the language, once, from the first speech; refuse what an English model cannot know."""
        known = self._recogniser.languages
        if self._options.language:
            return
        if len(known) > 1:
            self._language = self._recogniser.detect_language(speech)
        elif known == ("en",):
            self._language, warning = _check_english(self._recogniser, judge, speech)
            self._warnings += [warning] if warning else []

    def _keep(self, raw: Segment, timeline: Timeline) -> None:
        """Put a segment at its place in the recording, after the one before it, and pass it on."""
        latest = self._segments[-1].end if self._segments else 0.0
        words = []
        for word in whole_words(raw.words):
            start, end = timeline.word(word.start, word.end)
            start = max(start, latest)
            latest = max(start, end)
            words.append(replace(word, start=start, end=latest, text=word.text.strip()))
        if words:
            start, end = words[0].start, words[-1].end
        else:
            start, end = timeline.stretch(raw.start, raw.end)
            start = max(start, latest)
            end = max(start, end)
        self._reached = max(self._reached, end)
        if not raw.text.strip():
            return
        if raw.score < self._options.score:
            self._left_out += 1
            return
        segment = Segment(start, end, raw.text.strip(), tuple(words), raw.score)
        self._segments.append(segment)
        self._texts.append(raw.text)
        if self._on_segment:
            self._on_segment(segment)
        self._report("transcribing")

    def _report(self, doing: str) -> None:
        if self._progress:
            self._progress(min(1.0, self._reached / max(self._recording.duration_s, 1e-9)), doing)


def _check(options: Options) -> None:
    """Refuse settings that are out of range, before anything is loaded."""
    if not 0 <= options.score <= 1:
        raise OptionError(f"The least confidence is {options.score}.", "Choose a value from 0 to 1.")
    if not 1 <= options.beam <= _MOST_BEAMS:
        raise OptionError(f"The beam is {options.beam} wide.", f"Choose a width from 1 to {_MOST_BEAMS}.")
    if options.runtime not in RUNTIMES:
        raise OptionError(f"There is no runtime called {options.runtime!r}.", f"Choose one of: {', '.join(RUNTIMES)}.")
    if options.language is not None and options.language not in languages.NAMES:
        raise OptionError(
            f"There is no language with the code {options.language!r}.",
            "Use a code like en, fr or zh, or leave it out to have the language found.",
        )


def _recogniser(options: Options, progress: Progress | None) -> Recogniser:
    """The recogniser of the options: of the registry, or a person's own."""

    known = registry.load()
    if options.model in known:
        entry = known.get(options.model)
        if entry.task != "transcribe":
            ids = ", ".join(each.id for each in known.for_task("transcribe"))
            raise OptionError(f"The model {entry.id} does not listen to speech.", f"Choose one of: {ids}.")
        if options.runtime == "ctranslate2":
            return whisper.load_whisper(options.model, fetching(progress))
        return checkpoint.converted_whisper(options.model, fetching(progress))
    if not pins.could_be(options.model):
        known.get(options.model)  # says which there are
    return checkpoint.speech_recogniser(options.model)


def _check_language(options: Options, recogniser: Recogniser) -> None:
    """Refuse a language that is asked for and that the model does not know."""
    known = recogniser.languages
    if options.language and known and options.language not in known:
        asked = languages.name(options.language)
        if known == ("en",):
            raise WrongLanguage(
                f"{recogniser.use.id} knows only English and cannot write down {asked}.",
                f"Choose the model {JUDGE}, which knows {asked} and many other languages.",
            )
        raise WrongLanguage(f"{recogniser.use.id} does not know {asked}.", "Choose another model.")


def _check_english(
    recogniser: Recogniser, judge: whisper.Whisper | None, speech: npt.NDArray[np.float32]
) -> tuple[whisper.Language | None, str | None]:
    """Whether the speech is English, for a model that knows nothing else and would make up English words.

    Args:
        judge: the model :data:`JUDGE`, or None where it is not on this machine.

    Returns:
        What :data:`JUDGE` says, or None where it is not on this machine, and a sentence for the person or None.

    Raises:
        WrongLanguage: it is not.
    """
    remedy = f"Choose the model {JUDGE}, which knows many languages, or set the language to English if you are sure."
    if judge is not None:
        heard = judge.detect_language(speech)
        english = heard.scores.get("en", 0.0)
        if english < LEAST_ENGLISH:
            raise WrongLanguage(
                f"The recording seems to be in {languages.name(heard.code)}, and {recogniser.use.id} knows only "
                "English: it would make up English words.",
                remedy,
            )
        unsure = "The language may not be English; if it is not, these words are made up." if english < 0.5 else None
        return whisper.Language("en", english, heard.scores), unsure
    certainty = recogniser.certainty(speech) if isinstance(recogniser, whisper.Whisper) else None
    if certainty and certainty.token_log < LEAST_CERTAINTY.token_log and certainty.word < LEAST_CERTAINTY.word:
        raise WrongLanguage(
            f"The recording does not seem to be in English, and {recogniser.use.id} knows nothing else: it would make "
            "up English words.",
            remedy,
        )
    return None, (
        f"The language could not be checked, because {JUDGE} is not on this machine; if it is not English, these "
        "words are made up."
    )


def whole_words(words: Sequence[Word]) -> list[Word]:
    """Words as a reader counts them: ``ill`` and ``-disposed`` become one, in scripts that have blanks."""
    whole: list[Word] = []
    blanks = any(word.text.startswith(" ") for word in words[1:])
    for word in words:
        if whole and blanks and not word.text.startswith(" "):
            last = whole[-1]
            text, score = last.text + word.text, min(last.score, word.score)
            whole[-1] = Word(last.start, max(last.end, word.end), text, score)
        else:
            whole.append(word)
    return whole


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
