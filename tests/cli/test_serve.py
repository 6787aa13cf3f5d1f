"""``python -m gallery serve``: the port, the address, Ctrl-C."""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from gallery.__main__ import parser
from gallery.cli import serve
from gallery.errors import DiskFull, PortInUse
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
