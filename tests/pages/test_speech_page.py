"""The speech page, through Streamlit's test runner, on the real recogniser."""

from __future__ import annotations

import struct
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gallery.media.audio import read_audio
from gallery.samples import fetch, samples
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
