"""A live camera in a real browser: photographs play the camera, and the marked picture comes back by WebRTC."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import av
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from gallery.samples import fetch, samples
from tests.browser import live
from tests.browser.conftest import TIMEOUT_MS
from tests.photos import BUS

pytestmark = pytest.mark.browser

#: Seconds from pressing start to the first marked picture, on this computer and with the model loaded.
FIRST_S = 5.0
#: As behind a firewall that lets no UDP through: only a relay would do, and there is none.
_BEHIND_A_FIREWALL = """
const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(settings) { super({ ...settings, iceTransportPolicy: "relay" }); }
};
"""


@pytest.fixture(scope="module")
def with_camera(browser: Browser, chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera looks at a bus and people."""
    film = live.film(tmp_path_factory.mktemp("film") / "bus.mjpeg", BUS)
    arguments = (*live.FAKE, live.GRANTED, f"--use-file-for-fake-video-capture={film}")
    with live.launched(browser, chromium_path, *arguments) as another:
        yield another


@pytest.fixture
def page(with_camera: Browser, server: str) -> Iterator[Page]:
    """Traffic signs with Live chosen."""
    opened = live.open_live(with_camera, server, "signs")
    elsewhere: list[str] = []
    opened.on("request", lambda request: None if request.url.startswith((server, "data:", "blob:")) else
              elsewhere.append(request.url))  # fmt: skip
    yield opened
    opened.context.close()
    assert not elsewhere, "an outside server was asked"


def counts(page: Page) -> dict[str, int]:
    """The figures below the live picture."""
    found = {}
    for figure in page.locator(".st-key-counts-live [data-testid=stMetric]").all_inner_texts():
        label, number = (line.strip() for line in figure.split("\n") if line.strip())
        found[label] = int(number)
    return found


def threads_of(server: str) -> int:
    """How many threads the gallery at this address has."""
    port = server.rsplit(":", 1)[1]
    for process in psutil.Process().children(recursive=True):
        if "serve" in process.cmdline() and port in process.cmdline():
            return process.num_threads()
    raise AssertionError("the server is not a child of this process")


def fall_to(most: int, page: Page, server: str) -> bool:
    """Whether the gallery comes down to so many threads within two minutes; others come and go meanwhile."""
    for _ in range(240):
        if threads_of(server) <= most:
            return True
        page.wait_for_timeout(500)
    return False


def test_marked_pictures_arrive_with_the_right_labels(page: Page) -> None:
    live.start(page)
    live.wait_for_frames(page)
    expect(page.locator(".st-key-counts-live")).to_contain_text("bus", timeout=TIMEOUT_MS)
    found = counts(page)
    # written down from the photograph: one bus, three people in full view and one at the edge
    assert found.get("bus") == 1 and 3 <= found.get("person", 0) <= 5, found
    assert set(found) <= {"bus", "person", "stop sign", "traffic light", "car"}
    shape = live.video(page).evaluate("video => [video.videoWidth, video.videoHeight]")
    assert abs(shape[0] / shape[1] - 4 / 3) < 0.02
    expect(page.get_by_text("marked pictures a second")).to_be_visible()
    # what is below changes while the stream goes on
    before = live.frames(page)
    page.wait_for_timeout(2500)
    assert live.frames(page) > before
    expect(page.get_by_text("Log:")).to_be_visible()


@pytest.mark.parametrize("domain", ["proximity", "cells"])
def test_the_other_pages_with_a_camera(
    browser: Browser, chromium_path: str, server: str, tmp_path: Path, domain: str
) -> None:
    photo = BUS if domain == "proximity" else fetch(samples("cells")[0])
    film = live.film(tmp_path / "film.mjpeg", photo, (480, 480) if domain == "cells" else (640, 480))
    arguments = (*live.FAKE, live.GRANTED, f"--use-file-for-fake-video-capture={film}")
    with live.launched(browser, chromium_path, *arguments) as another:
        page = live.open_live(another, server, domain)
        live.start(page)
        live.wait_for_frames(page)
        if domain == "proximity":
            expect(page.get_by_text("A person is").first).to_be_visible(timeout=TIMEOUT_MS)
        else:
            expect(page.get_by_role("heading", level=2).first).to_be_visible(timeout=TIMEOUT_MS)


def test_stop_leave_come_back_and_a_second_viewer(page: Page, with_camera: Browser, server: str) -> None:
    waited = []
    for _ in range(3):  # a busy machine may be slow once; it is not three times
        began = time.monotonic()
        live.start(page)
        live.wait_for_frames(page)
        waited.append(time.monotonic() - began)
        if waited[-1] < FIRST_S:
            break
        live.stream(page).get_by_role("button", name="Stop").click()
        expect(page.get_by_text("The camera is off.")).to_be_visible()
    assert min(waited) < FIRST_S, waited
    live.stream(page).get_by_role("button", name="Stop").click()
    expect(page.get_by_text("The camera is off.")).to_be_visible()
    # another page ends the stream; the first page is as it was left
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Home").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Deep Learning Gallery")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Traffic signs").click()
    page.locator(".st-key-live iframe").wait_for()
    expect(page.get_by_text("The camera is off.")).to_be_visible()
    live.start(page)
    live.wait_for_frames(page)
    alone = threads_of(server)
    # a second viewer has a camera of its own; when the window closes, its threads go
    second = live.open_live(with_camera, server, "signs")
    live.start(second)
    live.wait_for_frames(second)
    before = live.frames(page)
    live.wait_for_frames(page, before + 5)
    both = threads_of(server)
    assert both > alone
    second.context.close()
    assert fall_to(both - 3, page, server), "a closed window keeps its threads"
    before = live.frames(page)
    live.wait_for_frames(page, before + 5)


def test_stop_and_start_at_once(page: Page) -> None:
    live.start(page)
    live.wait_for_frames(page)
    for _ in range(3):
        live.stream(page).get_by_role("button", name="Stop").click()
        live.start(page)
    live.wait_for_frames(page)
    before = live.frames(page)
    live.wait_for_frames(page, before + 10)


def test_sliders_stay_where_they_were_when_live_is_pressed_early(with_camera: Browser, server: str) -> None:
    for _ in range(3):
        context = with_camera.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(f"{server}/proximity")
        page.locator(".st-key-input").get_by_text("Live", exact=True).click()
        page.locator(".st-key-live iframe").wait_for()
        expect(page.get_by_role("slider").first).to_have_value("0.35")
        expect(page.get_by_role("slider").nth(1)).to_have_value("1")
        context.close()


def test_another_input_switches_the_camera_off(page: Page, server: str) -> None:
    live.start(page)
    live.wait_for_frames(page)
    on = threads_of(server)
    page.locator(".st-key-input").get_by_text("Sample", exact=True).click()
    page.locator(".st-key-picture img").wait_for()
    assert fall_to(on - 3, page, server)
    live.choose_live(page)
    expect(page.get_by_text("The camera is off.")).to_be_visible()
    live.start(page)
    live.wait_for_frames(page)


def test_pause_snapshot_and_recording(page: Page, tmp_path: Path) -> None:
    live.start(page)
    live.wait_for_frames(page)
    page.get_by_role("button", name="Record", exact=True).click()
    stop = page.get_by_role("button", name="Stop recording")
    stop.wait_for()
    page.wait_for_timeout(2500)
    stop.click()
    save = page.get_by_role("button", name="Recording (MP4)")
    save.wait_for()
    for _ in range(4):  # the page refreshes itself all the time meanwhile
        with page.expect_download() as download:
            save.click()
        download.value.save_as(tmp_path / "camera.mp4")
    with av.open(str(tmp_path / "camera.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert len(list(container.decode(video=0))) > 3
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: the picture is held.")).to_be_visible()
    page.wait_for_timeout(1500)  # a person looks before pressing the next button
    page.get_by_role("button", name="Snapshot").click()
    page.locator(".st-key-picture img[alt*=camera]").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    download.value.save_as(tmp_path / "camera.json")
    entry = json.loads((tmp_path / "camera.json").read_text(encoding="utf-8"))[0]
    assert entry["file"].startswith("camera ") and entry["domain"] == "signs"
    assert sum(d["label"] == "bus" for d in entry["detections"]) == 1
    page.get_by_role("button", name="Go on").click()
    before = live.frames(page)
    live.wait_for_frames(page, before + 3)


def test_clear_my_data_switches_the_camera_off(page: Page) -> None:
    live.start(page)
    live.wait_for_frames(page)
    page.get_by_role("button", name="Snapshot").click()
    page.locator(".st-key-picture img[alt*=camera]").wait_for()
    page.get_by_role("button", name="Clear my data").click()
    expect(page.get_by_text("Sample:", exact=True)).to_be_visible()
    live.choose_live(page)
    expect(page.get_by_text("Press Start the camera.")).to_be_visible()
    assert not page.locator(".st-key-picture img").count()
    live.start(page)
    live.wait_for_frames(page)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--use-fake-device-for-media-stream", "--deny-permission-prompts"), "was told not to give its camera"),
        ((live.GRANTED,), "No camera was found."),
    ],
    ids=["denied", "none"],
)
def test_no_camera_is_explained(
    browser: Browser, chromium_path: str, server: str, arguments: tuple[str, ...], sentence: str
) -> None:
    with live.launched(browser, chromium_path, *arguments) as another:
        page = live.open_live(another, server, "signs")
        if "--deny-permission-prompts" in arguments:
            live.start(page)
        expect(page.get_by_test_id("stAlertContentError").filter(has_text=sentence)).to_be_visible()
        # everything else still works
        page.locator(".st-key-input").get_by_text("Sample", exact=True).click()
        page.locator(".st-key-picture img").wait_for()


def test_without_a_connection_a_photo_is_offered(
    browser: Browser, chromium_path: str, server: str, tmp_path: Path
) -> None:
    film = live.film(tmp_path / "film.mjpeg", BUS)
    arguments = (*live.FAKE, live.GRANTED, f"--use-file-for-fake-video-capture={film}")
    with live.launched(browser, chromium_path, *arguments) as another:
        page = live.open_live(another, server, "signs", script=_BEHIND_A_FIREWALL)
        live.start(page)
        expect(page.get_by_text("did not connect within 10 seconds")).to_be_visible(timeout=TIMEOUT_MS)
        page.get_by_role("button", name="Take photo").click()
        page.locator(".st-key-picture img").wait_for()
        expect(page.locator(".st-key-counts")).to_contain_text("bus")
