"""Speech to text while somebody speaks: sound goes in piece by piece, lines of text come out.

A :class:`Listener` has one thread. It looks for speech in a short window of the newest sound, writes down again and
again what is said at the moment (the partial line), and once for good when the speaker pauses (a final line). What is
not speech is dropped. When the thread is late, the partial lines become rarer first; only then is sound left out, and
the transcript says so.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gallery import languages
from gallery.domains import speech
from gallery.errors import Busy, GalleryError, ModelError, OptionError
from gallery.live.lines import LONGEST_S, MARGIN, Line, first_line
from gallery.live.transcript import Transcript
from gallery.media.types import Recording
from gallery.media.windows import as_float
from gallery.results import Segment
from gallery.zoo import registry, whisper

_log = logging.getLogger(__name__)

RATE = Recording.RATE
#: How many may listen at a time, unless the variable below says otherwise: each takes a good part of two cores.
PLACES = 2
PLACES_VARIABLE = "GALLERY_MICROPHONE_PLACES"
#: The level of silence, in decibels below the loudest there can be.
SILENCE_DB = -90.0
#: Sound without speech that is kept, so that the beginning of a line is not lost.
LEAD_IN = RATE
#: Sound that waits for the thread; the oldest goes first.
MOST_WAITING = 20 * RATE
#: The window that is listened to: the longest line, and what came in while it was written down.
MOST_WINDOW = int(LONGEST_S * RATE) + 4 * RATE
#: A microphone that gives nothing for so many seconds, not even silence, is gone.
GONE_S = 15.0

#: The thread looks at the sound in steps of this length.
_STEP = RATE // 5
#: Less speech than this is not worth a partial line: Whisper guesses.
_LEAST_PARTIAL = int(0.7 * RATE)
#: Partial lines follow each other after this much sound, or half as long again as one takes.
_PARTIAL_STEP_S = 0.5
#: Partial lines pause when so much sound waits.
_LATE = 2 * RATE
#: Shorter sounds than this are no words.
_LEAST_SPEECH = RATE // 4
#: Text that packs better than this repeats itself, as Whisper does when it is lost (the bound of its authors).
_MOST_REPETITION = 2.4
#: A line whose words are all less likely than this is made up; spoken lines of the reference data have 0.5 and more.
_LEAST_SCORE = 0.2
#: Speech that tells a language.
_TELLING = 3 * RATE
_LEVEL = RATE // 5
_LOAD_S = 30.0

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Options:
    """How to listen: a Whisper model of the registry, and the language spoken, or None to find out."""

    model: str = "whisper-base"
    language: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """How a listener is at the moment.

    Attributes:
        ready: whether its model is loaded.
        paused: whether it was asked not to listen.
        closed: whether it has ended.
        speaking: whether somebody is in the middle of a line.
        partial: what is said at the moment; may still change.
        level: loudness of the last 0.2 seconds, decibels below the loudest there can be.
        heard_s: seconds of sound since the start of the transcript.
        latency_s: seconds from the end of the last line's speech until the line was final; None before the first.
        load: seconds of work for each second of sound, of late; it keeps up below 1.
        behind_s: seconds of sound that wait.
        skipped_s: seconds of sound that were left out, because the work did not keep up.
        problem: why it ended before its time, or None.
    """

    ready: bool
    paused: bool
    closed: bool
    speaking: bool
    partial: str
    level: float
    heard_s: float
    latency_s: float | None
    load: float
    behind_s: float
    skipped_s: float
    problem: GalleryError | None


class _Places:
    """Those who listen at the moment; who only writes down the last words does not count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[int] = set()

    def take(self, who: int) -> None:
        """Take a place.

        Raises:
            Busy: there is none.
        """
        with self._lock:
            if len(self._open) >= places():
                raise Busy(
                    "As many people are speaking to the gallery as this computer can listen to.",
                    "Please try again when one of them has stopped, or record what you say and have it written down.",
                )
            self._open.add(who)

    def leave(self, who: int) -> None:
        """Give the place back; nothing happens when it was given back before."""
        with self._lock:
            self._open.discard(who)

    def free(self) -> int:
        """Places that are left."""
        with self._lock:
            return max(0, places() - len(self._open))


_places = _Places()


def places() -> int:
    """How many may listen at a time."""
    try:
        return max(1, int(os.environ.get(PLACES_VARIABLE, PLACES)))
    except ValueError:
        return PLACES


def free_places() -> int:
    """How many more may listen now."""
    return _places.free()


class Listener:
    """Writes down what comes in, in a thread of its own. All methods may be called from any thread; none waits for
    the model, except :meth:`settle` and :meth:`join`.

    Args:
        options: how to listen.
        transcript: where final lines go; it may hold some already.
        clock: seconds, as :func:`time.monotonic`.

    Raises:
        Busy: too many listen already.
        OptionError, UnknownModel: there is no such model, or no such language.
    """

    def __init__(
        self,
        options: Options | None = None,
        transcript: Transcript | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options or Options()
        _check(self._options)
        self.transcript = Transcript() if transcript is None else transcript
        self._clock = clock
        self._change = threading.Condition()
        self._round = self.transcript.round
        # Sound with its place on the transcript's clock; None ends the line.
        self._waiting: deque[tuple[int, Samples | None]] = deque()
        self._fed = self.transcript.heard
        self._fed_at = clock()
        self._skipped = 0
        self._tail = np.zeros(0, np.int16)
        self._paused = self._finishing = self._closing = self._closed = self._idle = self._ready = False
        self._problem: GalleryError | None = None
        # The thread's own.
        self._recogniser: whisper.Whisper | None = None
        self._loaded: str | None = None
        self._window = np.zeros(0, np.int16)
        self._begin = self._fed
        self._begun = self._round
        self._sudden = True
        self._partial = ""
        self._partial_at = 0
        self._partial_took = 0.0
        self._speaking = False
        self._known: tuple[int, int, list[Segment]] | None = None
        self._written: str | None = None
        self._checked_english = False
        self._latency: float | None = None
        self._work: deque[tuple[int, float]] = deque()
        _places.take(id(self))
        self._thread = threading.Thread(target=self._serve, name="microphone", daemon=True)
        self._thread.start()

    # --- from outside -------------------------------------------------------------------------------------------------

    def feed(self, samples: Samples) -> None:
        """More sound: int16, mono, 16 kHz, any length. Returns at once; ignored while paused and after the end.

        A transcript that is full ends the listener.
        """
        with self._change:
            self._fed_at = self._clock()
            if self._closing or self._finishing:
                return
            self._follow()
            if self.transcript.full:
                self._finish()
                return
            if self._paused or not len(samples):
                return
            self._tail = np.concatenate([self._tail, samples])[-_LEVEL:]
            self._waiting.append((self._fed, samples))
            self._fed += len(samples)
            self.transcript.hear(len(samples))
            if self.transcript.full:
                self._finish()
            late = self._late() - MOST_WAITING
            while late > 0 and len(self._waiting) > 1:
                _, oldest = self._waiting.popleft()
                if oldest is not None:
                    late -= len(oldest)
                    self._skipped += len(oldest)
                    self.transcript.skip(len(oldest))
            if self._late() >= _STEP:
                self._change.notify_all()

    def pause(self) -> None:
        """End the line and listen no more until :meth:`resume`."""
        with self._change:
            if not self._paused:
                self._paused = True
                self._tail = self._tail[:0]
                self._waiting.append((self._fed, None))
                self._change.notify_all()

    def resume(self) -> None:
        """Listen again."""
        with self._change:
            self._paused = False

    def choose(self, options: Options) -> None:
        """Another model or language, from the next line on.

        Raises:
            OptionError, UnknownModel: there is no such model, or no such language.
        """
        _check(options)
        with self._change:
            self._options = options

    def clear(self) -> None:
        """Forget what was said, and go on at 0."""
        with self._change:
            self.transcript.reset()
            self._follow()
            self._change.notify_all()

    def finish(self) -> None:
        """Take no more sound, write down what there is, then end."""
        with self._change:
            self._finish()

    def close(self) -> None:
        """End, and drop what is not written down yet."""
        with self._change:
            self._closing = True
            self._waiting.clear()
            self._partial = ""
            self._change.notify_all()
        _places.leave(id(self))

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until all sound is worked through (up to a rest of 0.2 seconds), or the listener has ended."""
        with self._change:
            return self._change.wait_for(lambda: self._closed or (self._idle and not self._due()), timeout)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end of the thread after :meth:`finish` or :meth:`close`; whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def state(self) -> State:
        """How it is now."""
        with self._change:
            return State(
                ready=self._ready,
                paused=self._paused,
                closed=self._closed,
                speaking=self._speaking,
                partial=self._partial,
                level=_decibels(self._tail),
                heard_s=self.transcript.heard / RATE,
                latency_s=self._latency,
                load=self._load(),
                behind_s=self._late() / RATE,
                skipped_s=self._skipped / RATE,
                problem=self._problem,
            )

    def held(self) -> int:
        """Samples of sound in memory."""
        with self._change:
            return self._late() + len(self._window)

    def _finish(self) -> None:
        """Take no more sound, and leave the place to another. Called with the lock held."""
        self._finishing = True
        self._change.notify_all()
        _places.leave(id(self))

    def _follow(self) -> None:
        """Begin anew when the transcript has. Called with the lock held."""
        if self._round != self.transcript.round:
            self._round = self.transcript.round
            self._waiting.clear()
            self._fed, self._skipped = self.transcript.heard, 0
            self._partial, self._latency = "", None

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        problem: GalleryError | None = None
        try:
            self._listen()
        except GalleryError as error:
            problem = error
        except Exception:
            _log.exception("A listener failed")
            problem = ModelError("What was said could not be written down.", "Press start again.")
        finally:
            if problem is not None:
                problem.__traceback__ = problem.__cause__ = problem.__context__ = None
            with self._change:
                self._problem = problem
                self._recogniser = self._known = None
                self._window = self._tail = np.zeros(0, np.int16)
                self._waiting.clear()
                self._partial, self._speaking = "", False
                self._closed = self._closing = True
                self._change.notify_all()
            _places.leave(id(self))

    def _listen(self) -> None:
        self._load_model()
        while True:
            piece = self._next()
            if piece is None:
                return
            began = time.perf_counter()
            self._hear(*piece)
            with self._change:
                self._work.append((self._begin + len(self._window), time.perf_counter() - began))
                while len(self._work) > 2 and self._work[-1][0] - self._work[0][0] > _LOAD_S * RATE:
                    self._work.popleft()

    def _next(self) -> tuple[int, int, list[Samples], bool] | None:
        """Wait for sound: which round it belongs to, where it begins, its pieces, and whether it ends the line."""
        with self._change:
            self._idle = True
            self._change.notify_all()
            while not self._due():
                if self._finishing and len(self._window) and self._begun == self._round:
                    return self._round, self._begin + len(self._window), [], True
                if self._finishing:
                    return None
                if self._clock() - self._fed_at > GONE_S:
                    self._finish()
                else:
                    self._change.wait(0.5)
            if self._closing:
                return None
            self._idle = False
            room = MOST_WINDOW - len(self._window)
            start, pieces, taken, ends = self._waiting[0][0], [], 0, False
            while self._waiting and not ends and taken < room:
                place, samples = self._waiting[0]
                if place != start + taken:
                    break  # something was left out in between
                self._waiting.popleft()
                if samples is None:
                    ends = True
                    break
                part, rest = samples[: room - taken], samples[room - taken :]
                if len(rest):
                    self._waiting.appendleft((place + len(part), rest))
                pieces.append(part)
                taken += len(part)
            return self._round, start, pieces, ends

    def _due(self) -> bool:
        """Whether there is something to do for the thread. Called with the lock held."""
        ends = self._finishing or any(samples is None for _, samples in self._waiting)
        return self._closing or (bool(self._waiting) if ends else self._late() >= _STEP)

    def _hear(self, number: int, start: int, pieces: Sequence[Samples], ends: bool) -> None:
        """Take sound into the window, and write down what can be written down."""
        if number != self._begun or start != self._begin + len(self._window):
            if number == self._begun:
                self._advance(ends=True)  # what was said before the gap
            else:
                self._begun, self._checked_english = number, False
                self._work.clear()
            self._drop(len(self._window), start)
            self._sudden = True
        window = np.concatenate([self._window, *pieces])
        with self._change:
            self._window = window
        self._advance(ends)

    def _drop(self, samples: int, begin: int | None = None) -> None:
        """Let go of the first samples of the window, which then begins at a place of the clock."""
        with self._change:
            self._window = self._window[samples:].copy()
            self._begin = self._begin + samples if begin is None else begin
            self._known = None
            self._partial, self._speaking, self._partial_at = "", False, 0

    def _advance(self, ends: bool) -> None:
        """Write down every line that has ended, and the one that has not as it is now."""
        while not self._closing:
            began = time.perf_counter()
            line = self._first_line()
            self.transcript.spend("prepare", _since(began))
            if line is None:
                unneeded = max(0, len(self._window) - (0 if ends else LEAD_IN))
                if unneeded:
                    self._drop(unneeded)
                    self._sudden = True
                return
            self._speaking = not line.done
            if not line.done and not ends:
                self._guess(line)
                return
            self._keep(line)
            self._drop(line.rest)
            self._sudden = line.rest > line.end

    def _first_line(self) -> Line | None:
        return first_line(self._window, whisper.find_speech, sudden=self._sudden) if len(self._window) else None

    def _guess(self, line: Line) -> None:
        """The partial line, when it is time for one."""
        heard = self._begin + len(self._window)
        with self._change:
            late = self._late() > _LATE
        if late or line.end - line.start < _LEAST_SPEECH:
            return
        quiet = len(self._window) - line.end >= MARGIN
        if quiet:
            # Perhaps the line is done: heard once as it will be if nothing follows, and not again.
            self._show(self._words(line))
            return
        since = (heard - self._partial_at) / RATE
        if line.end - line.start < _LEAST_PARTIAL or since < max(_PARTIAL_STEP_S, 1.5 * self._partial_took):
            return
        began = time.perf_counter()
        found = self._transcribe(self._window[line.first :], line, once=True)
        self._partial_took = time.perf_counter() - began
        self._partial_at = heard
        self._show(found)

    def _show(self, found: Sequence[Segment]) -> None:
        text = "".join(segment.text for segment in found).strip()
        with self._change:
            if self._begun == self._round:
                # Whisper ends with dots where the sound ends in the middle of a word.
                self._partial = text.rstrip(" .…") if text.endswith(("..", "…")) else text

    def _keep(self, line: Line) -> None:
        """Write a line down for good."""
        found = self._words(line) if line.end - line.start >= _LEAST_SPEECH else []
        with self._change:
            use = self._recogniser.use if self._recogniser else None
            if self._begun != self._round or self._closing or use is None or not found:
                return
            settings = replace(speech.Options(), model=use.id, language=self._options.language)
            self.transcript.add(found, (self._begin + line.first) / RATE, use, settings, self._written, self._begun)
            if self._begin + line.end <= self._fed:
                spoken = self._fed_at - (self._fed - self._begin - line.end) / RATE
                self._latency = max(0.0, self._clock() - spoken)
            self._partial = ""

    def _words(self, line: Line) -> list[Segment]:
        """The text of a line, heard once only."""
        key = self._begin + line.first, self._begin + line.last
        if self._known is None or self._known[:2] != key:
            self._known = (*key, self._transcribe(self._window[line.first : line.last], line, once=False))
        return self._known[2]

    def _transcribe(self, samples: Samples, line: Line, once: bool) -> list[Segment]:
        """What the model writes; nothing where it only repeats itself."""
        self._load_model()
        assert self._recogniser is not None
        began = time.perf_counter()
        sound = as_float(samples)
        self._written = self._language(sound, line.end - line.start, once)
        found = list(self._recogniser.transcribe(sound, language=self._written, once=once))
        self.transcript.spend("infer", _since(began))
        return found if believable(found) else []

    def _language(self, sound: npt.NDArray[np.float32], spoken: int, once: bool) -> str | None:
        """The language to write down; found out with the first speech that is long enough, then kept."""
        assert self._recogniser is not None
        known, asked = self._recogniser.languages, self._options.language
        if len(known) == 1:
            self._doubt(sound, spoken)
            return known[0]
        if asked in known:
            return asked
        settled = self.transcript.language
        if settled is not None and settled.code in known:
            return settled.code
        if once:
            return None  # Whisper finds it out by the way, which takes half the time
        found = self._recogniser.detect_language(sound)
        if spoken >= _TELLING and found.score >= 0.5 and self._begun == self._round:
            self.transcript.settle(found, self._begun)
        return found.code

    def _doubt(self, sound: npt.NDArray[np.float32], spoken: int) -> None:
        """Warn, once, when a model that knows only English is spoken to in another language."""
        assert self._recogniser is not None
        asked = self._options.language
        if self._checked_english or asked == "en" or (asked is None and spoken < _TELLING):
            return
        self._checked_english = True
        name = asked
        if asked is None:
            judge = whisper.load_if_present(speech.JUDGE)
            if judge is None:
                return
            heard = judge.detect_language(sound)
            if heard.scores.get("en", 0.0) >= speech.LEAST_ENGLISH:
                return
            name = heard.code
        self.transcript.warn(
            f"This seems to be {languages.name(name or '')}, and {self._recogniser.use.id} knows only English: its "
            f"words are made up. Choose the model {speech.JUDGE}, which knows many languages.",
            self._begun,
        )

    def _load_model(self) -> None:
        model = self._options.model
        if self._loaded == model:
            return
        recogniser = whisper.load_whisper(model)
        with self._change:
            self._recogniser, self._loaded, self._ready = recogniser, model, True
            self._known, self._checked_english = None, False

    def _late(self) -> int:
        """Samples that wait. Called with the lock held."""
        return sum(len(samples) for _, samples in self._waiting if samples is not None)

    def _load(self) -> float:
        """Seconds of work a second of sound. Called with the lock held."""
        if len(self._work) < 2:
            return 0.0
        sound = (self._work[-1][0] - self._work[0][0]) / RATE
        return sum(took for _, took in list(self._work)[1:]) / sound if sound > 0 else 0.0


def believable(segments: Sequence[Segment]) -> bool:
    """Whether a line could have been said: not one thing over and over, nor words that are all guesses."""
    texts = [segment.text.strip() for segment in segments]
    packed = " ".join(texts).encode()
    if not packed or len(packed) / len(zlib.compress(packed)) > _MOST_REPETITION:
        return False
    if any(a == b == c for a, b, c in zip(texts, texts[1:], texts[2:], strict=False)):
        return False
    return float(np.mean([segment.score for segment in segments])) >= _LEAST_SCORE


def _check(options: Options) -> None:
    entry = registry.load().get(options.model)
    if entry.task != "transcribe":
        raise OptionError(f"The model {entry.id} does not listen to speech.", "Choose a Whisper model.")
    if options.language is not None and options.language not in languages.NAMES:
        raise OptionError(
            f"There is no language with the code {options.language!r}.",
            "Use a code like en, fr or zh, or leave it out to have the language found.",
        )


def _decibels(samples: Samples) -> float:
    if not len(samples):
        return SILENCE_DB
    power = float(np.mean(np.square(samples.astype(np.float32) / 32768)))
    return max(SILENCE_DB, 10 * float(np.log10(power))) if power > 0 else SILENCE_DB


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
