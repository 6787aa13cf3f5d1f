"""Live speech with real models: the words of the file, honest silence, bounded memory, threads that end.

Sound is fed in order and worked through piece by piece; nothing here waits for the clock.
"""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from gallery import samples
from gallery.domains import speech
from gallery.errors import Busy, OptionError, UnknownModel
from gallery.export.subtitles import to_srt, to_text, to_vtt
from gallery.live import microphone
from gallery.live.lines import LONG_PAUSE, LONGEST_S, MARGIN, PAUSE, first_line
from gallery.live.microphone import GONE_S, MOST_WAITING, MOST_WINDOW, Listener, Options, believable
from gallery.live.sound import MicrophoneSink
from gallery.live.transcript import MOST_S, Transcript
from gallery.media.audio import read_audio
from gallery.media.types import Recording
from gallery.results import Analysis, Segment
from gallery.ui.live_microphone import Microphone

RATE = Recording.RATE
TINY, BASE = "whisper-tiny.en", "whisper-base"
WAIT_S = 120


def _sample(sample_id: str) -> Recording:
    path = samples.fetch(samples.get(sample_id))
    return read_audio(path, path.name)


@pytest.fixture(scope="module")
def order() -> Recording:
    """An order in English, spoken by a program."""
    return _sample("coffee-order")


@pytest.fixture
def listeners() -> Iterator[list[Listener]]:
    """Listeners that are ended with the test, and must have freed their threads and places then."""
    opened: list[Listener] = []
    yield opened
    for each in opened:
        each.close()
        assert each.join(WAIT_S)
    assert microphone.free_places() == microphone.places()
    assert not [thread for thread in threading.enumerate() if thread.name == "microphone"]


def _feed(listener: Listener, sound: np.ndarray, piece: int = RATE // 5) -> int:
    """Feed sound piece by piece, each worked through before the next; the most samples that were in memory."""
    most = 0
    for start in range(0, len(sound), piece):
        listener.feed(sound[start : start + piece])
        most = max(most, listener.held())
        assert listener.settle(WAIT_S)
    return most


def _finish(listener: Listener) -> Analysis | None:
    listener.finish()
    assert listener.join(WAIT_S)
    state = listener.state()
    assert state.closed and state.problem is None and not state.partial and listener.held() == 0
    return listener.transcript.analysis()


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.int16)


def _words(text: str | None) -> list[str]:
    return "".join(c for c in (text or "").lower() if c.isalnum() or c.isspace()).split()


def _wrong(said: str, found: str) -> int:
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    normal = EnglishTextNormalizer()
    result = jiwer.process_words(normal(said), normal(found) or " ")
    return result.substitutions + result.deletions + result.insertions


# --- where lines end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "seconds", "expected"),
    [
        ([], 3.0, None),
        ([(1.0, 2.0)], 2.5, (1.0, 2.0, False)),
        ([(1.0, 2.0)], 2.0 + LONG_PAUSE / RATE, (1.0, 2.0, True)),  # a short line waits for more
        ([(1.0, 7.0)], 7.0 + PAUSE / RATE, (1.0, 7.0, True)),
        ([(1.0, 2.0), (3.0, 4.0)], 4.5, (1.0, 4.0, False)),
        ([(1.0, 7.0), (8.0, 9.0)], 9.5, (1.0, 7.0, True)),  # the first of two
        ([(1.0, 7.0), (7.5, 9.0)], 9.5, (1.0, 9.0, False)),
    ],
)
def test_a_line_ends_at_a_pause(spans, seconds, expected):
    line = first_line(_silence(seconds), lambda _: [(int(a * RATE), int(b * RATE)) for a, b in spans])
    found = line and (line.start / RATE, line.end / RATE, line.done)
    assert found == (expected and pytest.approx(expected))
    if line:
        assert 0 <= line.first <= line.start < line.end <= line.last <= seconds * RATE
        assert line.start - line.first <= MARGIN and line.last - line.end <= MARGIN and line.rest == line.last


def test_a_line_without_a_pause_is_cut_where_it_is_quietest():
    sound = np.full(25 * RATE, 3000, np.int16)
    quiet = slice(int(16.5 * RATE), int(16.7 * RATE))
    sound[quiet] = 0
    line = first_line(sound, lambda block: [(0, len(block))])
    assert line is not None and line.done
    assert quiet.start <= line.rest <= quiet.stop and line.last == line.rest <= LONGEST_S * RATE


@pytest.mark.parametrize(("sudden", "expected"), [(True, None), (False, 0)])
def test_the_sudden_start_of_a_tone_is_no_word(sudden, expected):
    line = first_line(_silence(1), lambda _: [(0, RATE // 5)], sudden=sudden)
    assert (line and line.start) == expected


@pytest.mark.parametrize(
    ("texts", "score", "expected"),
    [
        (["Two coffees, please."], 0.9, True),
        (["No, no, no."], 0.9, True),
        ([], 1.0, False),
        ([" "], 1.0, False),
        (["I'm sorry."] * 3, 0.9, False),
        (["thank you " * 20], 0.9, False),
        (["This is a very good video."], 0.1, False),
    ],
)
def test_what_whisper_makes_up_is_not_believed(texts, score, expected):
    assert believable([Segment(0, 1, text, (), score) for text in texts]) is expected


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [RATE // 50, RATE // 3, 5 * RATE])
def test_live_words_are_those_of_the_file(order, listeners, piece):
    expected = _words(speech.analyse(order, speech.Options(model=TINY)).text)
    listeners.append(listener := Listener(Options(TINY)))
    _feed(listener, np.concatenate([order.samples, _silence(2)]), piece)
    state = listener.state()
    assert state.ready and not state.speaking and not state.partial  # the pause made the last line final
    assert state.latency_s is not None and state.heard_s == pytest.approx(order.duration_s + 2)
    analysis = _finish(listener)
    assert _words(analysis.text) == expected


def test_partial_lines_come_before_the_final_one(order, listeners):
    listeners.append(listener := Listener(Options(TINY)))
    partial: list[str] = []
    for start in range(0, len(order.samples), RATE // 2):
        _feed(listener, order.samples[start : start + RATE // 2])
        state = listener.state()
        if not len(listener.transcript) and state.partial:
            assert state.speaking
            partial.append(state.partial)
    assert partial
    final = _words(_finish(listener).text)
    assert set(_words(partial[-1])) & set(final)


def test_a_transcript_has_the_form_of_a_file(order, listeners):
    listeners.append(listener := Listener(Options(TINY, "en")))
    _feed(listener, np.concatenate([_silence(1), order.samples, _silence(2)]))
    analysis = _finish(listener)
    assert analysis.file == listener.transcript.name and analysis.file.endswith(".wav")
    assert (analysis.domain, analysis.model.id, analysis.language) == ("speech", TINY, "en")
    assert analysis.duration_s == pytest.approx(order.duration_s + 3, abs=0.001)
    assert set(analysis.timings_ms) == {"decode", "prepare", "infer", "post"}
    file = speech.analyse(order, speech.Options(model=TINY, language="en"))
    assert analysis.to_json().keys() == file.to_json().keys()
    assert dict(analysis.settings) == dict(file.settings)
    latest = 0.0
    for segment in analysis.segments:
        assert latest <= segment.start <= segment.end <= analysis.duration_s and segment.words
        for word in segment.words:
            assert latest <= word.start <= word.end <= segment.end and word.text == word.text.strip()
            latest = word.end
    # The clock counts the silence before the speech.
    assert analysis.segments[0].start == pytest.approx(file.segments[0].start + 1, abs=0.5)
    assert Analysis.from_json(analysis.to_json()) == analysis
    assert to_text(analysis) and "-->" in to_srt(analysis.segments) and to_vtt(analysis.segments).startswith("WEBVTT")


@pytest.mark.reference
@pytest.mark.parametrize("model", [TINY, BASE])
def test_a_speech_with_pauses_is_at_most_one_word_worse_than_its_file(reference_data, listeners, model):
    path = reference_data / "speech" / "jfk.flac"
    said = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
    recording = read_audio(path, path.name)
    file = speech.analyse(recording, speech.Options(model=model))
    listeners.append(listener := Listener(Options(model)))
    _feed(listener, np.concatenate([recording.samples, _silence(2)]))
    analysis = _finish(listener)
    assert _wrong(said, analysis.text) <= _wrong(said, file.text) + 1
    assert analysis.language == "en"


# --- nothing to hear --------------------------------------------------------------------------------------------------


def _tune() -> np.ndarray:
    time = np.arange(10 * RATE) / RATE
    pitch = np.cumsum(220 * 2 ** (np.floor(time / 0.5) % 7 / 6)) / RATE
    tune = sum(np.sin(2 * np.pi * k * pitch) / k**1.5 for k in range(1, 8)) * np.exp(-(time % 0.5) * 6)
    return (tune / np.abs(tune).max() * 16000).astype(np.int16)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(_silence(10), id="silence"),
        pytest.param(np.random.default_rng(1).normal(0, 4000, 10 * RATE).astype(np.int16), id="noise"),
        pytest.param(_tune(), id="tune"),
    ],
)
@pytest.mark.parametrize("model", [TINY, BASE])
def test_what_is_not_speech_gives_no_words(sound, model, listeners):
    listeners.append(listener := Listener(Options(model)))
    most = _feed(listener, sound)
    assert listener.state().partial == ""
    assert most <= 5 * RATE  # what is not speech is not kept
    assert _finish(listener) is None


@pytest.mark.reference
def test_a_recording_without_speech_gives_no_words(reference_data, listeners):
    path = reference_data / "speech" / "no_speech.wav"
    listeners.append(listener := Listener(Options(TINY)))
    _feed(listener, read_audio(path, path.name).samples)
    assert _finish(listener) is None


@pytest.mark.parametrize(
    ("sound", "expected"), [(_silence(1), -90.0), (np.full(RATE, 32767, np.int16), 0.0), (np.full(RATE, 3277), -20.0)]
)
def test_level(sound, expected, listeners):
    listeners.append(listener := Listener(Options(TINY)))
    listener.feed(sound.astype(np.int16))
    assert listener.state().level == pytest.approx(expected, abs=0.01)


# --- pause, clear, on again -------------------------------------------------------------------------------------------


def test_nothing_is_heard_in_a_pause(order, listeners):
    listeners.append(listener := Listener(Options(TINY)))
    _feed(listener, order.samples)
    listener.pause()
    assert listener.settle(WAIT_S)
    before = listener.transcript.lines()
    assert before and listener.state().paused  # a pause ends the line
    _feed(listener, order.samples)
    assert listener.state().heard_s == pytest.approx(order.duration_s)
    assert listener.transcript.lines() == before
    listener.resume()
    _feed(listener, order.samples)
    _finish(listener)
    after = listener.transcript.lines()
    assert after[: len(before)] == before and len(after) > len(before)
    assert after[len(before)].start >= order.duration_s


def test_on_again_goes_on_with_the_same_text(order, listeners):
    transcript = Transcript()
    listeners.append(first := Listener(Options(TINY), transcript))
    _feed(first, order.samples)
    _finish(first)
    before, heard = transcript.lines(), transcript.heard
    listeners.append(second := Listener(Options(TINY), transcript))
    _feed(second, order.samples)
    analysis = _finish(second)
    assert transcript.lines()[: len(before)] == before
    assert transcript.lines()[len(before)].start >= heard / RATE
    assert analysis.duration_s == pytest.approx(2 * order.duration_s, abs=0.001)


def test_clear_begins_at_zero(order, listeners):
    listeners.append(listener := Listener(Options(TINY)))
    _feed(listener, order.samples[: 3 * RATE])
    listener.clear()
    assert listener.settle(WAIT_S)
    assert not listener.transcript.lines() and listener.state().heard_s == 0
    _feed(listener, order.samples)
    analysis = _finish(listener)
    assert _words(analysis.text) == _words(speech.analyse(order, speech.Options(model=TINY)).text)
    assert analysis.duration_s == pytest.approx(order.duration_s, abs=0.001)


@pytest.mark.parametrize("again", [False, True])
def test_cleared_text_does_not_come_back(order, listeners, again):
    said = Microphone(options=Options(TINY))
    listeners.append(before := Listener(said.options, said.transcript))
    before.feed(order.samples)
    before.finish()  # its last words are not written down yet
    said.before = before
    if again:  # the microphone was switched on again meanwhile
        listeners.append(now := Listener(said.options, said.transcript))
        said.end().listener = now
    said.clear()
    assert before.join(WAIT_S)
    assert said.transcript.lines() == () and said.transcript.heard == 0
    if again:
        _feed(now, order.samples)
        analysis = _finish(now)
        assert _words(analysis.text) == _words(speech.analyse(order, speech.Options(model=TINY)).text)


def test_close_ends_all_who_listen_and_the_connection(order, listeners):
    said = Microphone(options=Options(TINY))
    listeners.append(before := Listener(said.options, said.transcript))
    listeners.append(now := Listener(said.options, said.transcript))
    said.before = before
    sink = said.end()
    sink.listener = now
    for each in (before, now):
        each.feed(order.samples)
    said.close()
    assert microphone.free_places() == microphone.places()
    assert before.join(WAIT_S) and now.join(WAIT_S) and sink.stopped
    assert said.transcript.lines() == () and said.transcript.heard == 0
    assert said.listener is now  # who is closed


def test_a_listener_follows_a_transcript_that_begins_anew(order, listeners):
    listeners.append(listener := Listener(Options(TINY)))
    _feed(listener, order.samples[: 3 * RATE])
    listener.transcript.reset()
    _feed(listener, order.samples)
    analysis = _finish(listener)
    assert _words(analysis.text) == _words(speech.analyse(order, speech.Options(model=TINY)).text)


def test_a_connection_that_ended_stays_while_the_browser_is_on():
    said = Microphone()
    first = said.end()
    assert said.end() is first and not first.stopped
    first.stop()
    assert first.stopped and first.ended_at is not None
    assert said.end(on=True) is first
    second = said.end()
    assert second is not first and isinstance(second, MicrophoneSink)
    said.stop()  # another page
    assert second.stopped and said.end(on=True) not in (first, second)


def test_another_model_from_the_next_line_on(order, listeners):
    listeners.append(listener := Listener(Options(TINY)))
    _feed(listener, np.concatenate([order.samples, _silence(2)]))
    listener.choose(Options(BASE))
    _feed(listener, order.samples)
    analysis = _finish(listener)
    assert analysis.model.id == BASE
    assert any(TINY in warning and BASE in warning for warning in analysis.warnings)


# --- languages --------------------------------------------------------------------------------------------------------


def test_the_language_is_found(listeners):
    recording = _sample("phrase-de")
    listeners.append(listener := Listener(Options(BASE)))
    _feed(listener, recording.samples)
    analysis = _finish(listener)
    assert analysis.text and analysis.language == "de"
    expected = set(_words(speech.analyse(recording, speech.Options(model=BASE)).text))
    assert len(expected & set(_words(analysis.text))) >= 0.7 * len(expected)


@pytest.mark.reference
def test_an_english_model_warns_of_another_language(reference_data, listeners):
    recording = read_audio(reference_data / "speech" / "test_fr.wav", "test_fr.wav")
    listeners.append(listener := Listener(Options(TINY)))
    _feed(listener, recording.samples)
    listener.finish()
    assert listener.join(WAIT_S) and listener.state().problem is None
    (warning,) = listener.transcript.warnings()
    assert "French" in warning and BASE in warning


@pytest.mark.parametrize(
    ("options", "error"), [(Options("whisper-huge"), UnknownModel), (Options("yolo26n"), OptionError),
                           (Options(TINY, "xx"), OptionError)],
)  # fmt: skip
def test_settings_that_cannot_be(options, error):
    with pytest.raises(error):
        Listener(options)


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_memory_is_bounded_and_what_is_left_out_is_said(order, listeners):
    listeners.append(listener := Listener(Options(TINY)))
    lots = np.concatenate([order.samples] * 30)
    for start in range(0, len(lots), RATE):  # much faster than it can be listened to
        listener.feed(lots[start : start + RATE])
        assert listener.held() <= MOST_WAITING + MOST_WINDOW + RATE
    assert listener.settle(WAIT_S)
    skipped = listener.state().skipped_s
    analysis = _finish(listener)
    assert skipped > 0 and analysis.cut == (
        f"{skipped:.1f} seconds were left out, because this computer could not keep up.",
    )
    assert analysis.duration_s == pytest.approx(len(lots) / RATE, abs=0.001)
    assert analysis.segments[-1].end > analysis.duration_s - 20  # the newest sound was kept


def test_a_transcript_is_full_after_two_hours(listeners):
    transcript = Transcript()
    transcript.hear(int(MOST_S * RATE) - RATE // 2)
    listeners.append(listener := Listener(Options(TINY), transcript))
    listener.feed(_silence(1))
    listener.feed(_silence(1))
    assert transcript.full and listener.state().heard_s == pytest.approx(MOST_S + 0.5)
    assert microphone.free_places() == microphone.places()  # although the sound goes on
    assert listener.join(WAIT_S) and listener.state().problem is None
    listeners.append(another := Listener(Options(TINY), transcript))
    another.feed(_silence(1))
    assert another.join(WAIT_S) and another.state().heard_s == pytest.approx(MOST_S + 0.5)


def test_places_are_bounded(monkeypatch, listeners):
    monkeypatch.setenv(microphone.PLACES_VARIABLE, "1")
    listeners.append(first := Listener(Options(TINY)))
    assert microphone.free_places() == 0
    with pytest.raises(Busy):
        Listener(Options(TINY))
    first.close()
    assert first.join(WAIT_S)
    listeners.append(Listener(Options(TINY)))


def test_last_words_take_no_place(order, monkeypatch, listeners):
    monkeypatch.setenv(microphone.PLACES_VARIABLE, "1")
    listeners.append(first := Listener(Options(TINY)))
    first.feed(order.samples)
    first.finish()
    listeners.append(Listener(Options(TINY), first.transcript))
    assert microphone.free_places() == 0
    assert first.join(WAIT_S) and first.transcript.lines()
    assert microphone.free_places() == 0  # the place is the second's


# --- the end ----------------------------------------------------------------------------------------------------------


def test_close_lets_thread_sound_and_model_go(order, listeners):
    listener = Listener(Options(TINY))
    _feed(listener, order.samples[: 2 * RATE])
    model = weakref.ref(listener._recogniser)
    whisper_loaded = model()
    assert whisper_loaded is not None
    held = len(gc.get_referrers(whisper_loaded))
    listener.close()
    assert listener.join(WAIT_S)
    assert len(gc.get_referrers(whisper_loaded)) < held
    listener.feed(order.samples)  # ignored
    assert listener.held() == 0 and listener.state().closed
    listeners.append(listener)


def test_a_microphone_that_is_gone_ends_its_listener(order, listeners):
    now = [0.0]
    listeners.append(listener := Listener(Options(TINY), clock=lambda: now[0]))
    _feed(listener, order.samples)
    now[0] += GONE_S + 1
    assert listener.join(WAIT_S)
    assert listener.state().closed and listener.transcript.lines()  # what was said is kept


def test_two_listeners_share_a_model_and_do_not_mix(order, listeners):
    other = _sample("announcement")
    expected = [_words(speech.analyse(each, speech.Options(model=TINY)).text) for each in (order, other)]
    pair = [Listener(Options(TINY)), Listener(Options(TINY))]
    listeners.extend(pair)
    for start in range(0, max(len(order.samples), len(other.samples)), RATE // 4):
        for listener, recording in zip(pair, (order, other), strict=True):
            listener.feed(recording.samples[start : start + RATE // 4])
        assert all(listener.settle(WAIT_S) for listener in pair)
    assert pair[0]._recogniser is pair[1]._recogniser
    for listener, words in zip(pair, expected, strict=True):
        found = _words(_finish(listener).text)
        assert len(set(found) & set(words)) >= 0.8 * len(set(words))
