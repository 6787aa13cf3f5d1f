"""``python -m gallery serve``: the port, the address, sharing on the local network, Ctrl-C."""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from gallery.__main__ import parser
from gallery.cli import serve
from gallery.errors import DiskFull, OptionError, PortInUse
from gallery.lan.passcode import Passcode
from gallery.lan.sharing import Sharing
from gallery.zoo import paths, registry, store


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((serve.ADDRESS, 0))
        return int(probe.getsockname()[1])


def test_a_port_in_use_is_a_sentence_with_what_to_do() -> None:
    with socket.socket() as other:
        other.bind((serve.ADDRESS, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUse) as refused:
            serve.check_port(port)
    assert str(port) in str(refused.value) and f"--port {port + 1}" in str(refused.value)
    serve.check_port(port)


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        serve._port(text)


@pytest.mark.parametrize("arguments", [["--models", "a", "serve"], ["serve", "--models", "a"]])
def test_the_folder_of_models_may_stand_before_or_after_the_command(arguments: list[str]) -> None:
    assert parser().parse_args(arguments).models == Path("a")


def _opens(port: int, host: str) -> int:
    """Status of the answer to a page's connection under a name."""
    connection = http.client.HTTPConnection(serve.ADDRESS, port, timeout=10)
    connection.request(
        "GET",
        "/_stcore/stream",
        headers={
            "Host": host,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        },
    )
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_full_disk_is_said_and_the_start_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path))
    absent = [entry for entry in registry.load() if store.status(entry).state != "present"]

    def full(*_: object, **__: object) -> None:
        raise DiskFull("There is no room.", "Make some.")

    monkeypatch.setattr(store, "ensure", full)
    assert serve.pull() == len(absent) > 1
    said = capsys.readouterr().out
    assert said.count("There is no room. Make some.") == len(absent)
    assert said.count("The gallery starts without it.") == len(absent)


def test_it_serves_from_any_folder_says_where_and_stops_at_ctrl_c(free_port: int, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "gallery", "serve", "--offline", "--port", str(free_port)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(paths.PROJECT), "GALLERY_WARM": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first == f"The gallery is open at http://127.0.0.1:{free_port}\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/", timeout=10) as answer:
            assert answer.status == 200
        assert _opens(free_port, f"127.0.0.1:{free_port}") == 101
        assert _opens(free_port, "gallery.example") == 403  # a web site that gave itself this computer's address
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        assert process.returncode in (0, 130)
        assert "Traceback" not in rest
    finally:
        process.kill()
        process.wait()
    assert list(tmp_path.iterdir()) == []


FINGERPRINT = ":".join(["AB"] * 32)
NAMES = frozenset({"localhost", "127.0.0.1", "192.168.1.20"})


@pytest.mark.parametrize(
    ("addresses", "code", "qr", "said", "unsaid"),
    [
        (("192.168.1.20", "10.0.0.7"), Passcode("0482 9136", True), False,
         ["https://192.168.1.20:8501", "https://10.0.0.7:8501", "Passcode: 0482 9136", FINGERPRINT], ["\u2588"]),
        (("192.168.1.20",), Passcode("0482 9136", True), True, ["\u2588"], ["\x1b"]),
        (("192.168.1.20",), Passcode("correct horse", False), False, ["GALLERY_PASSCODE"], ["correct horse"]),
        ((), Passcode("0482 9136", True), True,
         ["no address on a local network", "https://127.0.0.1:8501", "0482 9136"], ["\u2588"]),
    ],
)  # fmt: skip
def test_how_others_come_in_is_said(
    addresses: tuple[str, ...],
    code: Passcode,
    qr: bool,
    said: list[str],
    unsaid: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    serve._invite(Sharing(8501, addresses, NAMES, FINGERPRINT), code, qr)
    text = capsys.readouterr().out
    assert [part for part in said if part not in text] == []
    assert [part for part in unsaid if part in text] == []


def test_a_passcode_that_protects_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_PASSCODE", "1234")
    with pytest.raises(OptionError) as refused:
        serve.run(parser().parse_args(["serve", "--lan", "--offline"]))
    assert "GALLERY_PASSCODE" in str(refused.value) and "1234" not in str(refused.value)


def test_sharing_at_a_port_in_use_names_the_whole_command() -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUse) as refused:
            serve._bound("0.0.0.0", port, "serve --lan").close()
    assert f"serve --lan --port {port + 1}" in str(refused.value)


def test_sharing_serves_over_https_only_asks_for_the_passcode_and_stops_at_ctrl_c(
    free_port: int, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    folder = tmp_path / "folder"
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(paths.PROJECT), "GALLERY_WARM": "0", "GALLERY_CACHE": str(cache)}
    environment.pop("GALLERY_PASSCODE", None)
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "gallery", "serve", "--lan", "--offline", "--port", str(free_port)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        assert "Passcode: " in said
        pem = cache / "lan" / "certificate.pem"
        trusting = ssl.create_default_context(cafile=str(pem))
        here = f"https://127.0.0.1:{free_port}"
        with urllib.request.urlopen(f"{here}/_stcore/health", timeout=10, context=trusting) as answer:
            assert answer.read() == b"ok"
        asked = urllib.request.Request(f"{here}/signs", headers={"Accept": "text/html"})
        with urllib.request.urlopen(asked, timeout=10, context=trusting) as answer:
            assert b"Passcode" in answer.read()
        for path in ("/_stcore/host-config", "/static/media/x.woff2"):
            with pytest.raises(urllib.error.HTTPError) as closed:
                urllib.request.urlopen(f"{here}{path}", timeout=10, context=trusting)
            with closed.value as error:
                assert error.code == 401
        with pytest.raises(urllib.error.HTTPError) as plain:
            urllib.request.urlopen(f"http://127.0.0.1:{free_port}/", timeout=10)
        with plain.value as error:
            assert error.code == 403 and b"needs https" in error.read()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert rest == ""
    finally:
        process.kill()
        process.wait()
    assert list(folder.iterdir()) == []


def test_no_outside_service_is_asked_for_this_machines_address(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit import net_util
    from streamlit.web.server import server_util

    asked: list[str] = []
    monkeypatch.setattr(net_util, "get_external_ip", net_util.get_external_ip)  # put back at the end
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda url, **more: asked.append(url))
    serve.ask_nobody()
    assert not server_util.is_url_from_allowed_origins("https://evil.example")
    assert not asked
