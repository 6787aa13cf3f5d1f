"""A real server, started as the README says, and a real browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from gallery.zoo import paths

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
#: What Streamlit itself asks for at a wrong place when a page other than Home is opened first.
_OWN_404 = ("/_stcore/health", "/_stcore/host-config")
TIMEOUT_MS = 60_000


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a gallery that was started from another folder, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("elsewhere")
    log = folder / "log.txt"
    path = os.pathsep.join(filter(None, (str(paths.PROJECT), os.environ.get("PYTHONPATH", ""))))
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gallery", "serve", "--offline", "--port", str(port)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
                break
            except OSError:
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
        yield address
        assert "Traceback" not in log.read_text()
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Debian's chromium, or whichever is on this machine."""
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=chromium_path, args=list(ARGUMENTS))
        yield started
        started.close()


@dataclass
class Visitor:
    """A browser window of its own on the gallery."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Open a page by its address and wait for it to be done."""
        self.page.goto(f"{self.address}/{path}")
        self.page.locator("h1").first.wait_for(timeout=TIMEOUT_MS)
        return self.settled()

    def settled(self) -> Page:
        """Wait until the page's script has ended."""
        self.page.wait_for_timeout(300)
        self.page.wait_for_function(
            "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'",
            timeout=TIMEOUT_MS,
        )
        return self.page

    def saved(self, label: str, folder: Path) -> Path:
        """Press a download button and keep the file."""
        with self.page.expect_download(timeout=TIMEOUT_MS) as download:
            self.page.get_by_role("button", name=label, exact=True).click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path


@pytest.fixture
def visitor(browser: Browser, server: str) -> Iterator[Visitor]:
    """A new visitor; at the end the browser's console must be free of errors and no other host asked for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    visitor = Visitor(page, server)

    def heard(message: ConsoleMessage) -> None:
        path = urlsplit(message.location.get("url", "")).path
        deep = path.count("/") == 3 and path.endswith(_OWN_404)
        if message.type == "error" and not (deep and "404" in message.text):
            visitor.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def asked(request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https", "ws", "wss") and not request.url.startswith(server):
            visitor.complaints.append(f"asked {request.url}")

    page.on("console", heard)
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    page.on("request", asked)
    yield visitor
    context.close()
    assert visitor.complaints == []
