"""Video files in a real browser: uploaded, followed on their way, played, taken along, stopped."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import TIMEOUT_MS
from tests.films import film, pan, pan_file

pytestmark = pytest.mark.browser

FRAMES = 240
SIZE = (320, 320)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few seconds, long enough that a run can be watched."""
    return pan_file(tmp_path_factory.mktemp("clips") / "my street.mp4", FRAMES, rate=25)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute and a half, which nobody waits for here."""
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    path.write_bytes(film(frames=pan(54) * 50, rate=25, options={"preset": "ultrafast"}))
    return path


def _upload(page: Page, *files: Path) -> None:
    page.locator(".st-key-input").get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(list(files))


def _runs(page: Page) -> None:
    """Wait until a run is on its way, with its picture."""
    told = re.compile(r"\d+%, [\d,]+ of about [\d,]+ frames")
    expect(page.get_by_test_id("stProgress")).to_contain_text(told, timeout=TIMEOUT_MS)
    page.locator("[class*=st-key-clip-look] img").wait_for()


def test_an_uploaded_video_is_watched_played_and_taken_along(visitor, clip: Path, tmp_path: Path) -> None:
    import av

    page = visitor.open("signs")
    _upload(page, clip)
    _runs(page)
    # what stood there before does not stay below for the minutes that a video may take
    expect(page.locator(".st-key-picture img")).not_to_be_visible()
    video = page.locator(".st-key-clip video")
    video.wait_for()
    visitor.settled()
    page.wait_for_function("document.querySelector('.st-key-clip video').readyState >= 2")
    assert video.evaluate("video => [video.videoWidth, video.videoHeight]") == list(SIZE)
    assert video.evaluate("video => video.currentTime") == 0
    assert video.evaluate("video => video.duration") == pytest.approx(FRAMES / 25, abs=0.1)
    video.evaluate("video => { video.muted = true; return video.play(); }")
    page.wait_for_function("document.querySelector('.st-key-clip video').currentTime > 0.3")
    video.evaluate("video => video.pause()")
    video.evaluate("video => { video.currentTime = 7; }")  # it can be wound forward
    page.wait_for_function("!document.querySelector('.st-key-clip video').seeking")

    saved = visitor.saved("Marked video (MP4)", tmp_path)
    with av.open(str(saved)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        shapes = {(frame.width, frame.height) for frame in container.decode(video=0)}
        assert shapes == {SIZE} and container.streams.video[0].frames == FRAMES
    document = json.loads(visitor.saved("Every frame (JSON)", tmp_path).read_text(encoding="utf-8"))
    assert document["file"] == clip.name and len(document["frames"]) == FRAMES
    table = visitor.saved("Every frame (CSV)", tmp_path).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == sum(len(frame["detections"]) for frame in document["frames"])
    expect(page.locator(".st-key-counts").get_by_text("bus", exact=True)).to_be_visible()


def test_a_run_is_stopped_and_what_there_is_is_kept(visitor, long: Path, tmp_path: Path) -> None:
    page = visitor.open("signs?every=2")
    _upload(page, long)
    _runs(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("What was found until then is shown.")).to_be_visible()
    page.locator(".st-key-clip video").wait_for()
    visitor.settled()
    document = json.loads(visitor.saved("Every frame (JSON)", tmp_path).read_text(encoding="utf-8"))
    assert document["stopped"] is True and 0 < len(document["frames"]) < 1350
    page.get_by_role("button", name="Start again").click()
    _runs(page)
    page.get_by_role("button", name="Clear my data").click()
    expect(page.get_by_text("Sample:", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stProgress")).to_have_count(0)
    visitor.settled()


def _done(page: Page) -> int:
    text = page.get_by_test_id("stProgress").inner_text()
    found = re.search(r"([\d,]+) of about", text)
    assert found, text
    return int(found[1].replace(",", ""))


def test_a_run_goes_on_when_settings_are_moved_and_while_another_page_is_open(visitor, long: Path) -> None:
    page = visitor.open("proximity")
    _upload(page, long)
    _runs(page)
    before = _done(page)
    page.get_by_role("slider").first.press("ArrowRight")
    expect(page.get_by_text("are different now")).to_be_visible()
    expect(page.get_by_role("button", name="Run again with these settings")).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Deep Learning Gallery")
    page.get_by_role("link", name="Worker proximity").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Worker proximity")
    _runs(page)
    assert _done(page) > before
    page.get_by_role("button", name="Clear my data").click()
    expect(page.get_by_test_id("stProgress")).to_have_count(0)
    visitor.settled()


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_with_a_video_is_wider_than_the_screen(visitor, clip: Path, width: int) -> None:
    visitor.page.set_viewport_size({"width": width, "height": 900})
    page = visitor.open("proximity?every=10")
    _upload(page, clip)
    page.locator(".st-key-clip video").wait_for()
    visitor.settled()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth - element.clientWidth") <= 0
