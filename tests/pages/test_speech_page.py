"""The speech page, through Streamlit's test runner, on the real recogniser."""

from __future__ import annotations

import struct
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gallery.media.audio import read_audio
from gallery.results import Analysis, ModelUse, Segment
from gallery.samples import fetch, samples
from gallery.ui.speech_page import narrowed
from tests.pages.app_driver import analyses, errors, read_by_a_person, upload

Visit = Callable[..., AppTest]


def _header_only() -> bytes:
    fmt = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    return b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", 0)


def test_the_first_visit_writes_down_a_sample(visit: Visit) -> None:
    app = visit("speech")
    assert errors(app) == []
    found = analyses(app)[0]
    assert found.segments and found.language
    shown = {metric.label: metric.value for metric in app.metric}
    assert int(shown["Words"].replace(",", "")) == len(found.text.split())
    assert list(app.dataframe[-1].value["Text"]) == [segment.text for segment in found.segments]
    labels = {each.proto.label for each in app.get("download_button")}
    assert {"Text", "Subtitles (SRT)", "Subtitles (VTT)", "JSON", "CSV"} <= labels


@pytest.mark.parametrize(
    ("name", "data"), [("empty.wav", b""), ("header.wav", _header_only()), ("text.mp3", b"not a sound " * 99)]
)
def test_a_bad_recording_gets_one_sentence(visit: Visit, name: str, data: bytes) -> None:
    app = upload(visit("speech"), "speech", (name, data))
    said = [read_by_a_person(each) for each in errors(app)]
    assert len(said) == 1 and name in said[0]


def test_a_recording_of_ones_own(visit: Visit) -> None:
    path = fetch(samples("speech")[0])
    app = upload(visit("speech"), "speech", ("mine.wav", path.read_bytes()))
    assert errors(app) == []
    assert [each.file for each in analyses(app)].count("mine.wav") == 1


def test_the_language_is_kept_in_the_address(visit: Visit) -> None:
    app = visit("speech", language="en")
    assert errors(app) == []
    assert app.selectbox(key="speech.language").value == "en"
    assert analyses(app)[0].settings["language"] == "en"


def test_a_recording_from_the_microphone(visit: Visit, tmp_path: Path) -> None:
    wav = tmp_path / "recording.wav"
    _as_wav(fetch(samples("speech")[0]), wav)
    app = visit("speech")
    app.segmented_control(key="speech.mode").set_value("record").run()
    app.audio_input[0].set_value(("recording.wav", wav.read_bytes(), "audio/wav")).run()
    assert errors(app) == []
    assert analyses(app)[-1].segments


def _as_wav(source: Path, target: Path) -> None:
    recording = read_audio(source, source.name)
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(recording.RATE)
        file.writeframes(recording.samples.tobytes())


def test_the_confidence_hides_lines_and_does_not_run_the_model(visit: Visit) -> None:
    app = visit("speech")
    first = analyses(app)[0]
    least = min(segment.score for segment in first.segments)
    limit = min(0.95, round(least + 0.02, 2))
    kept = [segment.text for segment in first.segments if segment.score >= limit]
    app.slider(key="speech.score").set_value(limit).run()
    assert errors(app) == []
    assert app.query_params["score"] == f"{limit:g}"
    words = next(metric.value for metric in app.metric if metric.label == "Words")
    assert int(words.replace(",", "")) == len(" ".join(kept).split())
    if len(kept) < len(first.segments):
        assert any("more below the confidence" in each.value for each in app.caption)
    assert analyses(app) == [first] and analyses(app)[0] is first


@pytest.mark.parametrize(("score", "kept"), [(0.0, "One. Two. Three."), (0.5, "One. Three."), (0.9, "")])
def test_what_is_less_sure_is_left_out(score: float, kept: str) -> None:
    segments = tuple(
        Segment(start, start + 1.0, text, score=sure)
        for start, text, sure in ((0.0, "One.", 0.6), (1.0, "Two.", 0.3), (2.0, "Three.", 0.8))
    )
    whole = Analysis(
        "a.wav", "speech", ModelUse("m", "0" * 64, "x"), {}, segments=segments, text="One. Two. Three.", language="en"
    )
    assert narrowed(whole, score).text == kept


def test_a_path_to_what_is_no_recording_is_not_sent_to_the_browser(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gallery.ui.inputs.from_this_computer", lambda: True)
    sent: list[object] = []
    monkeypatch.setattr("gallery.ui.speech_page.st.audio", lambda data, **_: sent.append(data))
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"not for the browser " * 50)
    app = visit("speech")
    sent.clear()
    app.segmented_control(key="speech.mode").set_value("path").run()
    sent.clear()
    app.text_input[0].set_value(str(secret)).run()
    assert len(errors(app)) == 1
    assert sent == []
    sound = tmp_path / "sound.flac"
    sound.write_bytes(fetch(samples("speech")[0]).read_bytes())
    app.text_input[0].set_value(str(sound)).run()
    assert errors(app) == [] and sent == [sound.read_bytes()]


def test_a_recording_that_vanished_is_a_sentence(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.wav")

    def page(path: str) -> None:
        from pathlib import Path

        from gallery.ui.session import Given
        from gallery.ui.speech_page import _player

        _player(Given("gone.wav", "key", Path(path)))

    app = AppTest.from_function(page, args=(gone,)).run()
    assert errors(app) == []
    assert [read_by_a_person(each.value) for each in app.caption] == [
        "gone.wav cannot be read any more, so it cannot be played."
    ]
