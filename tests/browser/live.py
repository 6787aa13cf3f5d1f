"""A browser with a camera that plays pictures of ours, and a gallery for it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FrameLocator, Locator, Page

from tests.browser.conftest import ARGUMENTS, TIMEOUT_MS

#: A fake camera needs these; the last one lets a browser without a network card find itself.
FAKE = ("--use-fake-device-for-media-stream", "--disable-features=WebRtcHideLocalIpsWithMdns")
GRANTED = "--use-fake-ui-for-media-stream"


def film(path: Path, photo: Path, size: tuple[int, int] = (640, 480), count: int = 30) -> Path:
    """A film of a photograph that is moved a little, as chromium takes it for a camera: JPEG after JPEG."""
    with Image.open(photo) as image, path.open("wb") as out:
        whole = image.convert("RGB")
        high = whole.width * size[1] // size[0]
        top = max(0, (whole.height - high) // 3)
        view = whole.crop((0, top, whole.width, top + high)).resize((size[0] + 16, size[1]))
        for number in range(count):
            shift = abs(number % 16 - 8)
            stream = io.BytesIO()
            view.crop((shift, 0, shift + size[0], size[1])).save(stream, "JPEG", quality=90)
            out.write(stream.getvalue())
    return path


@contextmanager
def launched(browser: Browser, chromium: str, *arguments: str) -> Iterator[Browser]:
    """Another browser of the same kind, with further arguments."""
    another = browser.browser_type.launch(executable_path=chromium, args=[*ARGUMENTS, *arguments])
    try:
        yield another
    finally:
        another.close()


def open_live(browser: Browser, address: str, domain: str, script: str = "") -> Page:
    """The page of a domain with Live chosen; ``script`` runs before any of the page's own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    if script:
        context.add_init_script(script)
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"{address}/{domain}")
    page.locator("h1").first.wait_for()
    choose_live(page)
    return page


def choose_live(page: Page) -> None:
    """Press Live and wait for the camera's panel."""
    page.locator(".st-key-input").get_by_text("Live", exact=True).click()
    page.locator(".st-key-live iframe").wait_for()


def stream(page: Page) -> FrameLocator:
    """Where the live picture and its buttons are."""
    return page.frame_locator(".st-key-live iframe")


def start(page: Page) -> None:
    """Switch the camera on."""
    stream(page).get_by_role("button", name="Start the camera").click()


def video(page: Page) -> Locator:
    """The live picture."""
    return stream(page).locator("video")


def frames(page: Page) -> int:
    """Marked pictures that the browser has shown."""
    return int(video(page).evaluate("video => video.getVideoPlaybackQuality().totalVideoFrames"))


def wait_for_frames(page: Page, more_than: int = 0) -> None:
    """Wait until marked pictures have come."""
    video(page).wait_for()
    for _ in range(TIMEOUT_MS // 100):
        if frames(page) > more_than:
            return
        page.wait_for_timeout(100)
    raise AssertionError("no marked picture came")
