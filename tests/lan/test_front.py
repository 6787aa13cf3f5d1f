"""The front, in a real server: TLS and plain connections at one port, and people who do not finish."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from websockets.sync.client import connect

from gallery.lan import certificate, front, inside
from gallery.lan.front import Desk, Front
from gallery.lan.server import explain
from gallery.lan.sharing import Sharing

HERE = "127.0.0.1"


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Says how it was reached."""
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    told = json.dumps({"scheme": scope["scheme"], "client": scope["client"][0], "path": scope["path"]})
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": told})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    size = 0
    while scope["method"] == "POST":
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            told = str(size)
            break
    body = told.encode() if scope["path"] != "/large" else b"x" * 5_000_000
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Running:
    """A server of this test."""

    port: int
    desk: Desk
    trusting: ssl.SSLContext
    server: uvicorn.Server

    def tls(self) -> ssl.SSLSocket:
        return self.trusting.wrap_socket(self.tcp(), server_hostname=HERE)

    def tcp(self) -> socket.socket:
        return socket.create_connection((HERE, self.port), timeout=10)

    def https(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(HERE, self.port, context=self.trusting, timeout=10)

    def emptied(self) -> bool:
        """Whether all seats are free again within some seconds."""
        for _ in range(200):
            if not self.desk.count:
                return True
            time.sleep(0.05)
        return False


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server with a desk of certain bounds."""
    with ExitStack() as stack:

        def begin(**bounds: Any) -> Running:
            listening = socket.socket()
            listening.bind((HERE, 0))
            port = listening.getsockname()[1]
            shown = certificate.ensure(("localhost", HERE, "192.168.1.20"), tmp_path)
            sharing = Sharing(port, ("192.168.1.20",), frozenset(shown.names), shown.fingerprint)
            bounds.setdefault("welcomes", lambda address: True)
            desk = Desk(shown.context(), explain=lambda host, path: explain(sharing, host, path), **bounds)
            config = uvicorn.Config(
                _app, http=lambda **given: Front(desk, **given), ws="websockets-sansio", loop="asyncio",
                interface="asgi3", log_level="error", proxy_headers=False, timeout_graceful_shutdown=5,
            )  # fmt: skip
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()

            def end() -> None:
                server.should_exit = True
                thread.join(20)
                assert not thread.is_alive()
                assert not desk.count

            stack.callback(end)
            while not server.started:
                time.sleep(0.01)
            return Running(port, desk, ssl.create_default_context(cafile=str(shown.path)), server)

        yield begin


def test_an_encrypted_request_reaches_the_app_with_its_true_address(start: Start) -> None:
    running = start()
    connection = running.https()
    for path in ("/a", "/b"):  # one connection, kept alive
        connection.request("GET", path)
        told = json.loads(connection.getresponse().read())
        assert told == {"scheme": "https", "client": HERE, "path": path}
    connection.close()
    assert running.emptied()


def test_large_bodies_pass_both_ways(start: Start) -> None:
    connection = start().https()
    connection.request("POST", "/", b"x" * 20_000_000)
    assert connection.getresponse().read() == b"20000000"
    connection.request("GET", "/large")
    assert len(connection.getresponse().read()) == 5_000_000
    connection.close()


def test_a_web_socket_is_encrypted_and_gives_its_seat_back(start: Start) -> None:
    running = start()
    with connect(f"wss://{HERE}:{running.port}/stream", ssl=running.trusting) as channel:
        assert json.loads(channel.recv()) == {"scheme": "wss", "client": HERE, "path": "/stream"}
        channel.send("x" * 300_000)
        assert channel.recv() == "x" * 300_000
        assert running.emptied()


def test_what_comes_right_behind_the_handshake_is_not_lost(start: Start) -> None:
    """A client that sends the end of the handshake and its request in one packet."""
    running = start()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = running.trusting.wrap_bio(incoming, outgoing, server_hostname=HERE)
    with running.tcp() as wire:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                wire.sendall(outgoing.read())
                incoming.write(wire.recv(65536))
        client.write(b"GET /now HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.sendall(outgoing.read())
        while True:
            try:
                assert client.read(65536).startswith(b"HTTP/1.1 200")
                break
            except ssl.SSLWantReadError:
                incoming.write(wire.recv(65536))


def _shown(running: Running) -> bytes:
    with running.tls() as wire:
        der = wire.getpeercert(binary_form=True)
    assert der is not None
    return der


def _plain(running: Running, request: bytes) -> bytes:
    with running.tcp() as wire:
        wire.sendall(request)
        answer = b""
        while part := wire.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize(
    ("request_", "link"),
    [
        (b"GET /signs?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "https://127.0.0.1:{port}/signs?a=b"),
        (b"GET / HTTP/1.1\r\nHost: 192.168.1.20:80\r\n\r\n", "https://192.168.1.20:{port}/"),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "https://192.168.1.20:{port}/"),
        (b"GET / HTTP/1.1\r\nHost: \"><script>\r\n\r\n", "https://192.168.1.20:{port}/"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: localhost\r\n\r\n", "https://192.168.1.20:{port}/"),
        (b"GET / HTTP/1.0\r\n\r\n", "https://192.168.1.20:{port}/"),
        (b"GET //evil.example HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "https://127.0.0.1:{port}/"),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "https://127.0.0.1:{port}/"),
        (b"GET /\"><script> HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "https://127.0.0.1:{port}/&quot;&gt;&lt;script&gt;"),
        (b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", "https://localhost:{port}/a"),
        (b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "https://localhost"),
        (b"NONSENSE\n\n", "https://192.168.1.20:{port}/"),
    ],
)  # fmt: skip
def test_a_plain_request_is_told_why_and_where(start: Start, request_: bytes, link: str) -> None:
    running = start()
    head, _, body = _plain(running, request_).partition(b"\r\n\r\n")
    page = body.decode()
    assert head.startswith(b"HTTP/1.1 403 ") and b"Connection: close" in head
    assert f"Content-Length: {len(body)}".encode() in head
    assert f'href="{link.format(port=running.port)}' in page
    assert "camera and the microphone only to pages that came over https" in page and "<script" not in page
    assert certificate.fingerprint(_shown(running)) in page
    assert '"scheme"' not in page  # nothing of the app
    assert running.emptied()


def test_a_plain_head_has_no_body(start: Start) -> None:
    assert _plain(start(), b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").endswith(b"\r\n\r\n")


@pytest.mark.parametrize("sent", [b"\x00", b"\x80\x01", b"SSH-2.0-x\r\n" + b"x" * 20_000, b"\xff" * 100, b"A" * 40_000])
def test_what_is_neither_is_cut_off(start: Start, sent: bytes) -> None:
    running = start()
    with running.tcp() as wire:
        try:
            wire.sendall(sent)
            assert wire.recv(100) == b""
        except ConnectionError:
            pass
    assert running.emptied()


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"\x16", b"\x16\x03\x01\x02\x00\x01"],
    ids=["nothing", "half a request", "one byte of TLS", "half a handshake"],
)
def test_who_does_not_go_on_is_cut_off(start: Start, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(front, "PATIENCE_S", 0.3)
    running = start()
    with running.tcp() as wire:
        if sent:
            wire.sendall(sent)
        with suppress(ConnectionError):
            assert wire.recv(100) == b""
        assert running.emptied()


@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"], ids=["at first", "after an answer"])
def test_half_a_head_inside_of_tls_is_cut_off(start: Start, monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    monkeypatch.setattr(inside, "HEAD_S", 0.3)
    running = start()
    with running.tls() as wire:
        if before:
            wire.sendall(before)
            assert wire.recv(65536).startswith(b"HTTP/1.1 200")
        wire.sendall(b"GET / HTTP/1.1\r\nHos")
        try:
            while wire.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        assert running.emptied()


def test_who_leaves_at_once_leaves_nothing_behind(start: Start) -> None:
    running = start()
    for _ in range(50):
        running.tcp().close()
    with pytest.raises(ssl.SSLError):  # a browser that does not accept the certificate
        ssl.create_default_context().wrap_socket(running.tcp(), server_hostname=HERE)
    assert running.emptied()


def test_one_address_has_so_many_connections_and_others_still_come_in(start: Start) -> None:
    running = start(most_each=3, most=5)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(running.tls())
        refused = stack.enter_context(running.tcp())
        with suppress(ConnectionError):
            assert refused.recv(1) == b""
        other = running.desk.seat("192.168.1.9")
        assert other is not None
        assert running.desk.seat("192.168.1.9") is not None
        assert running.desk.seat("192.168.1.9") is None  # five in all
        running.desk.count["192.168.1.9"] = 0
        del running.desk.count["192.168.1.9"]
    assert running.emptied()
    running.tls().close()


def test_a_seat_is_given_back_once(start: Start) -> None:
    desk = start().desk
    seat = desk.seat("192.168.1.9")
    other = desk.seat("192.168.1.9")
    assert seat is not None and other is not None
    seat.leave()
    seat.leave()
    assert desk.count == {"192.168.1.9": 1}
    other.leave()


def test_who_is_not_welcome_gets_nothing(start: Start) -> None:
    running = start(welcomes=lambda address: False)
    with running.tcp() as wire:
        try:
            wire.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert wire.recv(1) == b""
        except ConnectionError:
            pass
    assert running.emptied()


def test_the_server_stops_with_people_in_every_stage(start: Start) -> None:
    running = start()
    with ExitStack() as stack:
        _, half, _, head = (
            stack.enter_context(make()) for make in (running.tcp, running.tcp, running.tls, running.tls)
        )
        half.sendall(b"GET / HT")
        head.sendall(b"GET / HTTP/1.1\r\nHos")
        channel = stack.enter_context(connect(f"wss://{HERE}:{running.port}/", ssl=running.trusting))
        channel.recv()
        running.server.should_exit = True
        assert running.emptied()
