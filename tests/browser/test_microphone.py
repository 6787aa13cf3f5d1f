"""The live microphone in a real browser whose microphone plays a recording."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from gallery import samples
from gallery.media.audio import read_audio
from gallery.media.types import Recording

pytestmark = pytest.mark.browser

TIMEOUT_MS = 90_000
# A busy machine loses some of the sound between the two processes, so these tests ask for most of the words only;
# tests/live/test_microphone.py asks for all of them.
_BASIC = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-features=WebRtcHideLocalIpsWithMdns")
_FAKE = "--use-fake-device-for-media-stream"
_ALLOW = "--use-fake-ui-for-media-stream"
_DENY = "--deny-permission-prompts"
Open = Callable[..., Page]


@pytest.fixture
def launch(browser: Browser, chromium_path: str, server: str) -> Iterator[Open]:
    """Opens the live microphone in a browser of its own, which was started with these arguments."""
    started: list[Browser] = []
    complaints: list[str] = []

    def launched(*arguments: str, path: str = "speech?model=whisper-tiny.en", width: int = 1280) -> Page:
        # Of the same playwright: a second one cannot run in this thread.
        one = browser.browser_type.launch(executable_path=chromium_path, args=[*_BASIC, *arguments])
        started.append(one)
        page = one.new_context(viewport={"width": width, "height": 900}, accept_downloads=True).new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{server}/{path}")
        page.locator("h1").first.wait_for()
        page.wait_for_timeout(300)
        page.wait_for_function(
            "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
        )
        page.get_by_text("Live", exact=True).click()
        page.locator(".status").wait_for()
        return page

    expect.set_options(timeout=TIMEOUT_MS)
    yield launched
    expect.set_options(timeout=None)
    for each in started:
        for page in each.contexts[0].pages:
            page.goto("about:blank")  # says goodbye to the server, which a browser that is killed does not
            page.wait_for_timeout(500)
        each.close()
    assert complaints == []


def _play(recording: Recording, folder: Path) -> str:
    """The argument that has chromium play a recording into its microphone: once, after some silence to connect in."""
    silence = np.zeros(6 * Recording.RATE, np.int16)
    sound = np.concatenate([silence, recording.samples, silence]).astype(np.float32)
    at = np.arange(3 * len(sound)) / 3
    path = folder / "microphone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(3 * Recording.RATE)
        file.writeframes(np.interp(at, np.arange(len(sound)), sound).astype("<i2").tobytes())
    return f"--use-file-for-fake-audio-capture={path}%noloop"


def _button(page: Page, name: str):
    return page.frame_locator(".st-key-microphone iframe").get_by_role("button", name=name)


def _words(text: str) -> set[str]:
    return set("".join(c if c.isalnum() else " " for c in text.lower()).split())


def _saved(page: Page, label: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=label, exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_words_appear_while_speaking_and_stay(launch, tmp_path):
    path = samples.fetch(samples.get("coffee-order"))
    recording = read_audio(path, path.name)
    expected = _expected(recording)
    page = launch(_FAKE, _ALLOW, _play(recording, tmp_path))
    expect(page.locator(".status")).to_have_text("The microphone is off")
    _button(page, "Start").click()
    expect(page.locator(".status")).to_contain_text("Listening")
    expect(page.locator(".empty")).to_have_text("")  # a partial line, then one that is final
    expect(page.locator(".lines p").first).to_be_visible()
    expect(page.locator(".status")).to_have_text("Listening")
    assert page.locator("[role=log][aria-live=polite]").count() == 1
    page.wait_for_timeout(2000)  # the page refreshes itself several times
    for label in ("Text", "JSON"):
        assert _saved(page, label, tmp_path).stat().st_size > 10
    expect(page.locator(".status")).to_contain_text("Listening")
    _button(page, "Stop").click()
    expect(page.locator(".status")).to_have_text("The microphone is off")
    shown = page.locator(".lines").inner_text()
    assert len(expected & _words(shown)) >= 0.5 * len(expected), (expected, shown)

    text = _saved(page, "Text", tmp_path).read_text(encoding="utf-8")
    assert len(expected & _words(text)) >= 0.5 * len(expected)
    assert "-->" in _saved(page, "Subtitles (SRT)", tmp_path).read_text(encoding="utf-8")
    (analysis,) = json.loads(_saved(page, "JSON", tmp_path).read_text(encoding="utf-8"))
    assert analysis["model"]["id"] == "whisper-tiny.en" and analysis["segments"]

    # Another page and back: the text is still there, until it is cleared.
    page.get_by_role("link", name="Cells").click()
    expect(page.locator("h1")).to_have_text("Cells")
    page.get_by_role("link", name="Speech").click()
    expect(page.locator(".lines p").first).to_be_visible()
    assert _words(page.locator(".lines").inner_text()) == _words(shown)
    page.get_by_role("button", name="Clear my data").click()
    expect(page.get_by_text("are gone")).to_be_visible()
    page.get_by_text("Live", exact=True).click()
    expect(page.locator(".empty")).to_have_text("What you say will stand here.")
    assert page.locator(".lines p").count() == 0


def _expected(recording: Recording) -> set[str]:
    from gallery.domains import speech

    return _words(speech.analyse(recording, speech.Options(model="whisper-tiny.en")).text or "")


def test_clear_my_data_while_listening(launch, tmp_path):
    path = samples.fetch(samples.get("announcement"))
    page = launch(_FAKE, _ALLOW, _play(read_audio(path, path.name), tmp_path))
    _button(page, "Start").click()
    expect(page.locator(".lines p").first).to_be_visible()
    page.get_by_role("button", name="Clear my data").click()
    expect(page.get_by_text("are gone")).to_be_visible()
    expect(page.locator(".status")).to_have_count(0)  # a sample is shown
    assert "mode=live" not in page.url
    page.get_by_text("Live", exact=True).click()
    expect(page.locator(".status")).to_have_text("The microphone is off")
    expect(_button(page, "Start")).to_be_visible()
    page.wait_for_timeout(1500)
    expect(page.locator(".lines p")).to_have_count(0)
    expect(page.get_by_text("broke off")).to_have_count(0)
    _button(page, "Start").click()
    expect(page.locator(".status")).to_contain_text("Listening")


def test_lines_that_come_back_stand_where_they_were(browser: Browser):
    from gallery.ui import live_microphone

    folder = Path(live_microphone.__file__).parent
    script = (folder / "assets" / "transcript.js").read_text(encoding="utf-8")
    page = browser.new_page()
    page.set_content(f"<main>{live_microphone._HTML}</main>")
    show = f"""(ids) => {{
        const parentElement = document.querySelector("main");
        const lines = ids.map((id) => ({{ id, at: "0:00", words: [[id, false]] }}));
        const data = {{ lines, partial: "", empty: "", status: "", on: true, level: 0, level_label: "" }};
        ({script[script.index("function") :].rstrip().rstrip(";")})({{ data, parentElement }});
        return [...document.querySelectorAll(".lines p")].map((each) => each.dataset.id);
    }}"""
    for ids in (["1", "2", "3"], ["1", "3"], ["1", "2", "3"], ["2"], ["1", "2", "3", "4"], []):
        assert page.evaluate(show, ids) == ids
    page.close()


def test_pause_and_clear(launch, tmp_path):
    path = samples.fetch(samples.get("announcement"))
    page = launch(_FAKE, _ALLOW, _play(read_audio(path, path.name), tmp_path), width=390)
    _button(page, "Start").click()
    expect(page.locator(".empty")).to_have_text("")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".status")).to_have_text("Paused: nothing is listened to")
    expect(page.locator(".lines p").first).to_be_visible()  # what was said before is final
    page.get_by_role("button", name="Clear the text").click()
    expect(page.locator(".lines p")).to_have_count(0)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".status")).to_contain_text("Listening")


@pytest.mark.reference
def test_a_real_recording_through_the_microphone(launch, reference_data, tmp_path):
    path = reference_data / "speech" / "jfk.flac"
    page = launch(_FAKE, _ALLOW, _play(read_audio(path, path.name), tmp_path))
    _button(page, "Start").click()
    expect(page.locator(".lines")).to_contain_text("country")
    expect(page.locator(".status")).to_have_text("Listening")
    _button(page, "Stop").click()
    expect(page.locator(".status")).to_have_text("The microphone is off")
    said = "and so my fellow americans ask not what your country can do for you"
    assert len(_words(said) & _words(page.locator(".lines").inner_text())) >= 8


def test_a_refused_microphone_is_explained(launch):
    page = launch(_FAKE, _DENY)
    _button(page, "Start").click()
    expect(page.get_by_text("was told not to give its microphone").first).to_be_visible()


def test_a_missing_microphone_is_explained(launch):
    page = launch(_ALLOW)
    expect(page.get_by_text("No microphone was found").first).to_be_visible()


def test_a_connection_that_fails_is_explained_and_recording_is_offered(launch):
    # A browser that may send through a proxy only, and has none, finds no way to the gallery.
    page = launch(_FAKE, _ALLOW, "--webrtc-ip-handling-policy=disable_non_proxied_udp")
    _button(page, "Start").click()
    expect(page.get_by_text("No sound arrived within 10 seconds")).to_be_visible()
    expect(page.get_by_test_id("stAudioInput")).to_be_visible()
    expect(_button(page, "Start")).to_be_visible()
