"""Speech to text on real models: right words, honest silence, languages, long recordings, a person's own models."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gallery.domains import speech
from gallery.domains.speech import Options, analyse
from gallery.errors import CheckpointRefused, ModelUnavailable, OptionError, UnknownModel, WrongLanguage
from gallery.media.audio import read_audio
from gallery.media.types import Recording
from gallery.results import Analysis
from gallery.zoo import store, whisper
from gallery.zoo.whisper_conversion import convert

ROOT = Path(__file__).resolve().parents[2]
RATE = Recording.RATE
TINY, BASE = "whisper-tiny.en", "whisper-base"


@dataclass(frozen=True)
class Clip:
    """One clip of the reference data; ``words`` is empty where no transcript is given."""

    path: Path
    language: str
    words: str

    def recording(self) -> Recording:
        return read_audio(self.path, self.path.name)


def _normal(text: str) -> str:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()(text)


def _wrong(said: str, found: str) -> int:
    """Words that are wrong, missing or too many."""
    import jiwer

    result = jiwer.process_words(_normal(said), _normal(found) or " ")
    return result.substitutions + result.deletions + result.insertions


@pytest.fixture(scope="session")
def clips(reference_data: Path) -> list[Clip]:
    folder = reference_data / "speech"
    with (folder / "transcripts.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        Clip(folder / row["file"], row["language"], "" if row["text"].startswith("(") else row["text"]) for row in rows
    ]


@pytest.fixture(scope="session")
def english(clips: list[Clip]) -> list[Clip]:
    """The clips with English words that are known."""
    return [clip for clip in clips if clip.language == "en" and clip.words]


@pytest.fixture
def only_tiny(tmp_path, monkeypatch) -> None:
    """A machine that has no other model than whisper-tiny.en."""
    resolved = store.ensure(TINY)
    folder = tmp_path / "models" / TINY
    folder.mkdir(parents=True)
    for name, path in resolved.files.items():
        shutil.copyfile(path, folder / name)
    monkeypatch.setenv("GALLERY_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "cache"))


def _check_shape(analysis: Analysis, recording: Recording) -> None:
    """What holds for every transcript."""
    assert analysis.domain == "speech" and analysis.file == recording.name
    assert analysis.duration_s == pytest.approx(recording.duration_s, abs=0.001)
    assert set(analysis.timings_ms) == {"decode", "prepare", "infer", "post"}
    assert all(value >= 0 for value in analysis.timings_ms.values())
    latest = 0.0
    for segment in analysis.segments:
        assert latest <= segment.start <= segment.end <= recording.duration_s
        assert segment.text and segment.text == segment.text.strip()
        assert 0 <= segment.score <= 1
        at = segment.start
        for word in segment.words:
            assert at <= word.start <= word.end <= segment.end
            assert word.text and 0 <= word.score <= 1
            at = word.end
        latest = segment.end
    assert Analysis.from_json(analysis.to_json()) == analysis
    json.dumps(analysis.to_json())


# --- right words ------------------------------------------------------------------------------------------------------


@pytest.mark.reference
@pytest.mark.parametrize(("model", "most"), [(BASE, 3), (TINY, 8)])
def test_english_words_at_the_shipped_defaults(english, model, most):
    wrong = 0
    for clip in english:
        recording = clip.recording()
        analysis = analyse(recording, replace(Options(), model=model))
        _check_shape(analysis, recording)
        assert analysis.language == "en"
        assert analysis.model.id == model and analysis.model.verified
        assert not analysis.warnings and not analysis.cut
        assert len(analysis.text.split()) == sum(len(segment.words) for segment in analysis.segments)
        wrong += _wrong(clip.words, analysis.text)
    assert wrong <= most


@pytest.mark.reference
def test_every_language_is_recognised(clips):
    spoken = [clip for clip in clips if clip.language]
    assert len({clip.language for clip in spoken}) == 9
    for clip in spoken:
        recording = clip.recording()
        analysis = analyse(recording)
        _check_shape(analysis, recording)
        assert (clip.path.name, analysis.language) == (clip.path.name, clip.language)
        assert analysis.text and analysis.language_score > 0.5


@pytest.mark.reference
def test_text_of_a_script_without_blanks_gets_none(reference_data):
    analysis = analyse(read_audio(reference_data / "speech" / "test_ja.wav", "test_ja.wav"))
    assert " " not in analysis.text and analysis.text.startswith("客観的")


# --- silence ----------------------------------------------------------------------------------------------------------


def _chord() -> np.ndarray:
    time = np.arange(60 * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * f * k * time) / k for f in (261.6, 329.6, 392.0) for k in range(1, 6))
    return tones / np.abs(tones).max() * 0.5


SILENT = {
    "silence": np.zeros(60 * RATE),
    "white noise": np.random.default_rng(0).normal(0, 0.2, 60 * RATE).clip(-1, 1),
    "a chord": _chord(),
    "a tenth of a second": np.zeros(RATE // 10),
    "one sample": np.zeros(1),
}


@pytest.mark.parametrize("model", [BASE, TINY])
@pytest.mark.parametrize("sound", SILENT.values(), ids=SILENT.keys())
def test_without_a_voice_there_are_no_words_and_no_language(sound, model):
    recording = Recording((sound * 32767).astype(np.int16), "quiet.wav")
    analysis = analyse(recording, Options(model=model))
    _check_shape(analysis, recording)
    assert (analysis.text, analysis.segments) == ("", ())
    assert (analysis.language, analysis.language_score) == (None, None)
    assert analysis.warnings == ("No speech was found.",)


@pytest.mark.reference
@pytest.mark.parametrize("language", [None, "fr"])
def test_the_recording_without_speech(reference_data, language):
    recording = read_audio(reference_data / "speech" / "no_speech.wav", "no_speech.wav")
    analysis = analyse(recording, Options(language=language))
    assert (analysis.text, analysis.language) == ("", None)
    assert any(sentence.startswith("No speech was found") for sentence in analysis.warnings)


# --- a model that knows only English ----------------------------------------------------------------------------------


@pytest.mark.reference
def test_other_languages_are_refused_by_an_english_model(clips):
    store.ensure(BASE)
    for clip in clips:
        if clip.language not in ("", "en"):
            with pytest.raises(WrongLanguage, match=BASE) as caught:
                analyse(clip.recording(), Options(model=TINY))
            assert "knows only English" in caught.value.problem


@pytest.mark.reference
@pytest.mark.usefixtures("only_tiny")
def test_french_is_refused_without_the_model_that_tells_languages(reference_data):
    with pytest.raises(WrongLanguage, match="does not seem to be in English"):
        analyse(read_audio(reference_data / "speech" / "test_fr.wav", "test_fr.wav"), Options(model=TINY))


@pytest.mark.reference
@pytest.mark.usefixtures("only_tiny")
def test_english_is_never_refused_and_the_missing_check_is_said(clips):
    noise = np.random.default_rng(0)
    for clip in (clip for clip in clips if clip.language == "en"):
        clear = clip.recording()
        loudness = float(np.sqrt(np.mean(np.square(clear.samples.astype(np.float64)))))
        noisy = clear.samples + noise.normal(0, loudness / 2, len(clear.samples))
        for recording in (clear, replace(clear, samples=noisy.clip(-32768, 32767).astype(np.int16))):
            analysis = analyse(recording, Options(model=TINY))
            assert analysis.language == "en" and analysis.language_score is None and analysis.text
            assert any("could not be checked" in sentence for sentence in analysis.warnings)


@pytest.mark.parametrize("language", ["fr", "ja"])
def test_an_english_model_refuses_to_be_asked_for_another_language(language):
    with pytest.raises(WrongLanguage, match="knows only English"):
        analyse(Recording(np.zeros(RATE, np.int16), "a.wav"), Options(model=TINY, language=language))


@pytest.mark.reference
def test_a_person_who_says_it_is_english_is_believed(reference_data):
    recording = read_audio(reference_data / "speech" / "test_fr.wav", "test_fr.wav")
    analysis = analyse(recording, Options(model=TINY, language="en"))
    assert analysis.language == "en" and analysis.language_score is None


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "exception"),
    [
        (Options(score=-0.1), OptionError),
        (Options(score=1.1), OptionError),
        (Options(score=float("nan")), OptionError),
        (Options(beam=0), OptionError),
        (Options(beam=11), OptionError),
        (Options(runtime="onnxruntime"), OptionError),
        (Options(language="french"), OptionError),
        (Options(language=""), OptionError),
        (Options(model="yolo26n"), OptionError),
        (Options(model="whisper-enormous"), UnknownModel),
        (Options(model=""), UnknownModel),
        (Options(model="nobody/no-such-model"), ModelUnavailable),
    ],
)
def test_settings_out_of_range(options, exception):
    with pytest.raises(exception):
        analyse(Recording(np.zeros(RATE, np.int16), "a.wav"), options)


@pytest.mark.reference
@pytest.mark.parametrize("options", [Options(model=TINY, beam=5), Options(model=TINY, vad=False)])
def test_other_settings_find_the_same_words(english, options):
    clip = english[0]
    analysis = analyse(clip.recording(), options)
    assert _wrong(clip.words, analysis.text) <= 1
    assert analysis.settings["beam"] == options.beam and analysis.settings["vad"] is options.vad


@pytest.mark.reference
def test_without_words(english):
    recording = english[0].recording()
    analysis = analyse(recording, Options(model=TINY, words=False))
    _check_shape(analysis, recording)
    assert analysis.segments and all(segment.words == () for segment in analysis.segments)


@pytest.mark.reference
def test_what_is_too_unsure_is_left_out_and_counted(english):
    recording = english[0].recording()
    everything = analyse(recording, Options(model=TINY))
    nothing = analyse(recording, Options(model=TINY, score=1.0))
    assert nothing.segments == () and nothing.text == "" and nothing.language is None
    assert nothing.cut == (f"{len(everything.segments)} segments of less confidence than 1 were left out.",)


# --- long recordings --------------------------------------------------------------------------------------------------


def _together(clips: list[Clip], gap_s: float) -> Recording:
    gap = np.zeros(int(gap_s * RATE), np.int16)
    return Recording(np.concatenate([part for clip in clips for part in (clip.recording().samples, gap)]), "all.wav")


@pytest.mark.reference
@pytest.mark.parametrize("window_s", [12.0, 25.0])
def test_no_word_is_lost_where_windows_meet(english, monkeypatch, window_s):
    recording = _together(english, 0.6)
    words = " ".join(clip.words for clip in english)
    whole = analyse(recording)
    assert recording.duration_s < whisper.Whisper.window_s  # one window
    monkeypatch.setattr(whisper.Whisper, "window_s", window_s)
    parts = analyse(recording)
    _check_shape(parts, recording)
    assert _wrong(words, whole.text) <= 1
    assert _wrong(words, parts.text) <= 2


@pytest.mark.reference
def test_progress_and_segments_arrive_on_the_way(english, monkeypatch):
    monkeypatch.setattr(whisper.Whisper, "window_s", 20.0)
    recording = _together(english[:4], 1.0)
    seen, fractions = [], []
    analysis = analyse(
        recording,
        Options(model=TINY),
        progress=lambda fraction, _: fractions.append((fraction, len(seen))),
        on_segment=seen.append,
    )
    assert tuple(seen) == analysis.segments and len(seen) > 2
    values = [fraction for fraction, _ in fractions]
    assert values == sorted(values) and values[0] == 0 and values[-1] == 1
    assert any(0 < fraction < 1 and count < len(seen) for fraction, count in fractions)


@pytest.mark.reference
def test_a_run_can_be_stopped(english):
    recording = _together(english, 1.0)
    seen = []
    analysis = analyse(recording, Options(model=TINY), cancelled=lambda: len(seen) >= 2, on_segment=seen.append)
    _check_shape(analysis, recording)
    assert len(analysis.segments) == 2
    assert len(analysis.cut) == 1 and analysis.cut[0].startswith("Stopped on request after 0:00:")
    assert analysis.warnings == ()


def test_a_run_that_is_stopped_at_once():
    analysis = analyse(Recording(np.zeros(RATE, np.int16), "a.wav"), Options(model=TINY), cancelled=lambda: True)
    assert analysis.segments == () and analysis.warnings == ()
    assert analysis.cut == ("Stopped on request after 0:00:00 of 0:00:01.",)


@pytest.mark.reference
def test_two_viewers_at_once(english):
    recordings = [clip.recording() for clip in english[:2]]
    found: dict[int, Analysis] = {}

    def view(number: int) -> None:
        found[number] = analyse(recordings[number], Options(model=TINY))

    threads = [threading.Thread(target=view, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, clip in enumerate(english[:2]):
        assert _wrong(clip.words, found[number].text) <= 1


# --- libraries and a person's own models ------------------------------------------------------------------------------


@pytest.mark.reference
@pytest.mark.parametrize("model", [BASE, TINY])
def test_a_run_never_imports_torch(reference_data, model):
    code = f"""
import sys
from pathlib import Path
from gallery.zoo import offline
offline.apply()
from gallery.domains.speech import Options, analyse
from gallery.media.audio import read_audio
said = analyse(read_audio(Path({str(reference_data)!r}) / "speech/jfk.flac", "jfk.flac"), Options(model={model!r}))
assert "ask not what your country" in said.text, said.text
print(*sorted({{"torch", "transformers", "ultralytics", "openvino", "cv2", "scipy", "streamlit"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.fixture
def new_cache(tmp_path, monkeypatch) -> None:
    """An empty cache for notes and conversions, while the models of the registry stay at hand."""
    store.ensure(BASE)
    monkeypatch.setenv("GALLERY_MODELS", str(store.ensure(TINY).folder.parent))
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def own_folder(tmp_path, new_cache) -> Path:
    """A person's own checkpoint of Whisper, in the form of transformers, never used before."""
    folder = tmp_path / "my whisper"
    folder.mkdir()
    convert(store.ensure(TINY).folder, folder)
    return folder


@pytest.mark.reference
def test_a_folder_of_ones_own_is_used_and_said_to_be_unverified(own_folder, english):
    analysis = analyse(english[0].recording(), Options(model=str(own_folder)))
    assert _wrong(english[0].words, analysis.text) <= 1
    assert analysis.model.id == str(own_folder) and analysis.model.runtime == "transformers"
    assert not analysis.model.verified
    assert analysis.model.sha256 == hashlib.sha256((own_folder / "model.safetensors").read_bytes()).hexdigest()
    with pytest.raises(WrongLanguage):
        analyse(read_audio(english[0].path.parent / "test_fr.wav", "test_fr.wav"), Options(model=str(own_folder)))


def test_a_folder_of_ones_own_without_its_tokenizer(own_folder):
    (own_folder / "tokenizer.json").unlink()
    with pytest.raises(CheckpointRefused, match=r"no vocabulary \(tokenizer\.json\)"):
        analyse(Recording(np.zeros(RATE, np.int16), "a.wav"), Options(model=str(own_folder)))


@pytest.mark.reference
@pytest.mark.usefixtures("new_cache")
def test_the_same_words_from_transformers(english):
    recording = english[1].recording()
    other = analyse(recording, Options(model=TINY, runtime="transformers"))
    _check_shape(other, recording)
    assert other.model.runtime == "transformers" and other.model.verified
    assert other.model.sha256 == store.ensure(TINY).sha256
    same = analyse(recording, Options(model=TINY))
    assert _normal(other.text) == _normal(same.text)
    for mine, theirs in zip(
        (word for segment in same.segments for word in segment.words),
        (word for segment in other.segments for word in segment.words),
        strict=True,
    ):
        assert abs(mine.start - theirs.start) < 0.5


@pytest.mark.reference
@pytest.mark.usefixtures("new_cache")
def test_french_is_refused_through_transformers_too(reference_data):
    recording = read_audio(reference_data / "speech" / "test_fr.wav", "test_fr.wav")
    with pytest.raises(WrongLanguage):
        analyse(recording, Options(model=TINY, runtime="transformers"))


@pytest.mark.reference
def test_loading_the_model_that_tells_languages_is_in_no_stage(english, monkeypatch):
    """On a clock that stands still but for an hour in which that model is loaded."""
    store.ensure(BASE)
    hours = [0]
    load = whisper.load_if_present

    def slow(model_id: str) -> whisper.Whisper | None:
        hours.append(hours[-1] + 1)
        return load(model_id)

    monkeypatch.setattr(whisper, "load_if_present", slow)
    monkeypatch.setattr(speech, "time", SimpleNamespace(perf_counter=lambda: 3600.0 * hours[-1]))
    analysis = analyse(english[0].recording(), Options(model=TINY))
    assert hours == [0, 1] and analysis.language_score > 0.5
    assert [analysis.timings_ms[stage] for stage in ("prepare", "infer", "post")] == [0, 0, 0]
