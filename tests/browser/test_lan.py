"""The gallery shared on the local network, in real browsers: the passcode, https, and visitors kept apart."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from gallery.lan import certificate
from gallery.lan.addresses import local_addresses
from gallery.lan.text import TEXTS
from gallery.ui.text import t
from gallery.zoo import paths
from tests.photos import BUS, CHELSEA

pytestmark = pytest.mark.browser

TIMEOUT_MS = 60_000


@dataclass(frozen=True)
class Shared:
    """A gallery that is shared.

    Attributes:
        host: this machine's address on the local network, or 127.0.0.1 where it has none.
        port: that it listens on.
        passcode: as it was printed.
        fingerprint: as it was printed.
    """

    host: str
    port: int
    passcode: str
    fingerprint: str

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """Started as the README says, from another folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("elsewhere")
    log = folder / "log.txt"
    environment = {**os.environ}
    environment.pop("GALLERY_PASSCODE", None)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(paths.PROJECT), os.environ.get("PYTHONPATH", ""))))
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "gallery", "serve", "--lan", "--offline", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while "Ctrl-C" not in (said := log.read_text()):
            assert process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.1)
        passcode = re.search(r"Passcode: (\d{4} \d{4})", said)
        fingerprint = re.search(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", said)
        assert passcode and fingerprint
        found = local_addresses()
        host = str(found[0].ip) if found else "127.0.0.1"
        assert f"https://{host}:{port}" in said
        yield Shared(host, port, passcode[1], fingerprint[0])
        assert "Traceback" not in log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()


Newcomer = Callable[[], Page]


@pytest.fixture
def newcomer(browser: Browser) -> Iterator[Newcomer]:
    """Opens a browser window of somebody who was never here. Other hosts must not be asked for anything."""
    outside: list[str] = []
    with ExitStack() as stack:

        def open_window() -> Page:
            context = browser.new_context(
                viewport={"width": 1280, "height": 900}, accept_downloads=True, ignore_https_errors=True
            )
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(TIMEOUT_MS)
            page.on("pageerror", lambda error: outside.append(str(error)))
            allowed = {"127.0.0.1", *(str(address.ip) for address in local_addresses())}

            def asked(route: Route) -> None:
                host = re.sub(r"^\w+://([^:/]+).*$", r"\1", route.request.url, flags=re.DOTALL)
                if host not in allowed and not route.request.url.startswith(("data:", "blob:")):
                    outside.append(route.request.url)
                route.continue_()

            context.route("**/*", asked)
            return page

        yield open_window
    assert outside == []


def enter(page: Page, shared: Shared, path: str) -> Page:
    """Type the passcode and wait for the page that was asked for."""
    page.goto(f"{shared.url}/{path}")
    page.get_by_label("Passcode").fill(shared.passcode)
    page.get_by_role("button", name=TEXTS["ask.enter"]).click()
    page.get_by_test_id("stApp").wait_for()
    return settled(page)


def settled(page: Page) -> Page:
    """Wait until the page's script has ended."""
    page.locator("h1").first.wait_for()
    page.wait_for_timeout(300)
    page.wait_for_function("document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'")
    return page


def upload(page: Page, file: Path) -> None:
    """Give the page a picture and wait for its result."""
    page.locator(".st-key-input").get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(file)
    page.locator(f".st-key-picture img[alt*='{file.name}']").wait_for()
    settled(page)


def test_the_passcode_opens_the_page_that_was_asked_for_with_camera_and_microphone(
    newcomer: Newcomer, shared: Shared
) -> None:
    page = newcomer()
    page.goto(f"{shared.url}/proximity")
    expect(page.get_by_label("Passcode")).to_be_focused()
    assert shared.passcode not in page.content()
    assert not page.get_by_test_id("stApp").count()
    page.get_by_label("Passcode").fill("1111 111")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(TEXTS["ask.wrong"])
    assert page.context.cookies() == []
    page.get_by_label("Passcode").fill(shared.passcode.replace(" ", ""))
    page.keyboard.press("Enter")
    settled(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(t("proximity.title"))
    assert page.evaluate("isSecureContext && typeof navigator.mediaDevices.getUserMedia") == "function"
    assert all(cookie["secure"] for cookie in page.context.cookies())
    assert any(cookie["httpOnly"] and cookie["name"].startswith("__Host-") for cookie in page.context.cookies())
    page.reload()
    settled(page)
    assert not page.get_by_label("Passcode").count()


def test_over_plain_http_the_page_says_why_and_leads_on(newcomer: Newcomer, shared: Shared) -> None:
    page = newcomer()
    page.goto(f"http://{shared.host}:{shared.port}/signs?score=0.5")
    expect(page.get_by_role("heading", level=1)).to_have_text(TEXTS["plain.title"])
    expect(page.get_by_text(shared.fingerprint)).to_be_visible()
    if shared.host != "127.0.0.1":  # a browser trusts this computer itself
        assert page.evaluate("[isSecureContext, typeof navigator.mediaDevices]") == [False, "undefined"]
    page.get_by_role("link", name=TEXTS["plain.link"]).click()
    page.get_by_label("Passcode").wait_for()
    assert page.url == f"{shared.url}/signs?score=0.5"


def test_the_side_bar_shows_the_way_in_but_not_the_passcode(newcomer: Newcomer, shared: Shared) -> None:
    page = enter(newcomer(), shared, "")
    page.get_by_test_id("stSidebar").get_by_text(t("share.title")).click()
    code = page.get_by_alt_text(f"QR code of the address {shared.url}")
    expect(code).to_be_visible()
    assert code.evaluate("image => image.complete && image.naturalWidth > 20")
    expect(page.get_by_role("link", name=shared.url)).to_be_visible()
    expect(page.get_by_text(t("share.where"))).to_be_visible()
    content = page.content()
    assert shared.passcode not in content and shared.passcode.replace(" ", "") not in content


def test_nobody_may_name_a_path_of_the_computer_that_shares(newcomer: Newcomer, shared: Shared) -> None:
    for host in (shared.host, "127.0.0.1"):  # not even on that computer itself
        page = enter(newcomer(), Shared(host, shared.port, shared.passcode, ""), "signs")
        modes = page.locator(".st-key-input").get_by_role("radiogroup").first.inner_text()
        assert "Upload" in modes and "Path" not in modes


def test_two_visitors_never_see_each_others_files_results_and_settings(
    newcomer: Newcomer, shared: Shared, tmp_path: Path
) -> None:
    hers, his = tmp_path / f"hers{BUS.suffix}", tmp_path / f"his{CHELSEA.suffix}"
    hers.write_bytes(BUS.read_bytes())
    his.write_bytes(CHELSEA.read_bytes())

    first = enter(newcomer(), shared, "signs?score=0.6")
    expect(first.get_by_role("slider").first).to_have_value("0.6")
    upload(first, hers)

    second = newcomer()
    second.goto(f"{shared.url}/signs")
    expect(second.get_by_label("Passcode")).to_be_visible()  # asked again, though at the same address
    enter(second, shared, "signs")
    expect(second.get_by_text("Sample:", exact=True)).to_be_visible()
    expect(second.get_by_role("slider").first).not_to_have_value("0.6")
    assert hers.name not in second.content()
    upload(second, his)
    assert hers.name not in second.content()

    settled(first)
    assert his.name not in first.content()
    expect(first.locator(f".st-key-picture img[alt*='{hers.name}']")).to_be_visible()
    first.get_by_test_id("stSidebarNavLink").get_by_text(t("proximity.title")).click()
    first.get_by_test_id("stSidebarNavLink").get_by_text(t("signs.title")).click()
    first.locator(f".st-key-picture img[alt*='{hers.name}']").wait_for()
    second.get_by_role("button", name=t("nav.clear")).click()
    second.get_by_text("Sample:", exact=True).wait_for()
    settled(first)
    expect(first.locator(f".st-key-picture img[alt*='{hers.name}']")).to_be_visible()


def test_a_stranger_reaches_no_file_and_a_false_cookie_opens_nothing(newcomer: Newcomer, shared: Shared) -> None:
    page = enter(newcomer(), shared, "")
    page.locator(".st-key-cards img").last.wait_for()
    page.wait_for_load_state("networkidle")
    files = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    parts = {re.sub(r"^https://[^/]+/(_stcore/[a-z-]+|[a-z]+).*$", r"\1", file, flags=re.DOTALL) for file in files}
    assert {"static", "media"} <= parts
    stranger = newcomer().context
    cookie = next(c for c in page.context.cookies() if c["httpOnly"])
    stranger.add_cookies([{"name": cookie["name"], "value": "forged", "url": shared.url, "secure": True}])
    for file in files:
        if file.startswith("https:") and not file.endswith("/_stcore/health"):
            assert page.context.request.get(file).status in (200, 404), file
            assert stranger.request.get(file).status == 401, file
    trusting = ssl.create_default_context(cafile=str(certificate.folder() / "certificate.pem"))
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"wss://{shared.host}:{shared.port}/_stcore/stream", ssl=trusting, subprotocols=["streamlit"]),
    ):
        pass
    assert refused.value.response.status_code == 403
