"""The first bytes of every connection: encrypted ones go on to the web server, plain ones get one explaining page.

Both kinds arrive at the same port. One byte is looked at without taking it: a TLS connection begins with 0x16, a
plain one with the name of an HTTP method. The application itself is never reached without TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_HANDSHAKE = b"\x16"
#: Seconds for the first byte, for the encryption, and for a whole plain request together.
PATIENCE_S = 10.0
#: Seconds for the head of a request inside of an encrypted connection.
HEAD_S = 15.0
_LONGEST_HEAD = 16_384
#: A plain sender is listened to for so long after the answer, because closing at once could lose the answer.
_LINGER_S = 2.0


@dataclass(slots=True)
class Desk:
    """What all connections share: the certificate, whom to welcome, and how many there may be.

    Attributes:
        context: settings of the encryption.
        welcomes: whether an address may connect at all.
        explain: the page for a plain request, from its ``Host`` header and its path.
        most: connections at a time. Those of pages that were let in (web sockets) do not count.
        most_each: connections at a time from one address; a browser opens six.
    """

    context: ssl.SSLContext
    welcomes: Callable[[str], bool]
    explain: Callable[[str, str], bytes]
    most: int = 512
    most_each: int = 48
    count: Counter[str] = field(default_factory=Counter)

    def seat(self, address: str) -> Seat | None:
        """A seat for a connection, or None when there is none left or the address is not welcome."""
        if not self.welcomes(address) or self.count.total() >= self.most or self.count[address] >= self.most_each:
            return None
        self.count[address] += 1
        return Seat(self, address)


class Seat:
    """One connection's place among the bounded number, and the clock that ends it when nothing comes."""

    def __init__(self, desk: Desk, address: str) -> None:
        self._desk = desk
        self._address = address
        self._clock: asyncio.TimerHandle | None = None
        self._left = False

    def hurry(self, seconds: float, end: Callable[[], object]) -> None:
        """Call ``end`` after so many seconds, unless something happens before; replaces what was set before."""
        self.relax()
        if not self._left:
            self._clock = asyncio.get_running_loop().call_later(seconds, end)

    @property
    def hurried(self) -> bool:
        """Whether a clock runs."""
        return self._clock is not None

    def relax(self) -> None:
        """Stop the clock."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def leave(self) -> None:
        """Give the seat back; may be called more than once."""
        self.relax()
        if not self._left:
            self._left = True
            self._desk.count[self._address] -= 1
            if not self._desk.count[self._address]:
                del self._desk.count[self._address]


class Front(asyncio.Protocol):
    """The protocol that uvicorn makes for each connection (its option ``http``), with the desk put before.

    Args:
        desk: what all connections share.
        config: uvicorn's settings.
        server_state: uvicorn's list of connections.
        app_state: what the application's start left.
        _loop: as uvicorn passes it.
    """

    def __init__(
        self,
        desk: Desk,
        config: Any,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._desk = desk
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._transport: asyncio.Transport
        self._seat: Seat | None = None
        self._task: asyncio.Task[None] | None = None
        self._plain = False
        self._answered = False
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a seat and look at the first byte."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._seat = self._desk.seat(str(peer[0]) if peer else "")
        if self._seat is None:
            transport.abort()
            return
        transport.pause_reading()
        self._server_state.connections.add(self)
        self._seat.hurry(PATIENCE_S, self.shutdown)
        self._task = asyncio.get_running_loop().create_task(self._sort())

    def data_received(self, data: bytes) -> None:
        """Gather a plain request; or keep what came right behind the handshake for the web server."""
        if self._answered:
            return
        self._received += data
        if not self._plain:
            return
        if b"\r\n\r\n" in self._received or b"\n\n" in self._received:
            self._answer()
        elif len(self._received) > _LONGEST_HEAD:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the seat back."""
        self._release()
        if self._task is not None:
            self._task.cancel()

    def shutdown(self) -> None:
        """End the connection: the server stops, or nothing came in time."""
        if self._task is not None:
            self._task.cancel()
        self._release()
        self._transport.abort()

    def _release(self) -> None:
        self._server_state.connections.discard(self)
        if self._seat is not None:
            self._seat.leave()

    async def _sort(self) -> None:
        try:
            first = await _peek(self._transport.get_extra_info("socket"))
            if first == _HANDSHAKE:
                await self._encrypt()
            elif b"A" <= first <= b"Z":
                self._plain = True
                self._transport.resume_reading()
            else:
                self.shutdown()
        except OSError:  # who left, a certificate that was refused, no TLS after all, too slow
            self._release()
            self._transport.abort()

    async def _encrypt(self) -> None:
        """Put the web server's protocol behind TLS in the place of this one."""
        from gallery.lan.inside import Inside

        loop = asyncio.get_running_loop()
        # Not the web server's protocol yet: data may arrive in the same moment as the end of the handshake, before
        # the transport is known that answers to it.
        encrypted = await loop.start_tls(
            self._transport,
            self,
            self._desk.context,
            server_side=True,
            ssl_handshake_timeout=PATIENCE_S,
            ssl_shutdown_timeout=_LINGER_S,
        )
        if encrypted is None or encrypted.is_closing():
            self._release()
            return
        assert self._seat is not None
        inside = Inside(self._seat, config=self._config, server_state=self._server_state, app_state=self._app_state)
        self._server_state.connections.discard(self)
        self._task = None
        encrypted.set_protocol(inside)
        inside.connection_made(encrypted)
        if self._received:
            inside.data_received(bytes(self._received))
            self._received.clear()

    def _answer(self) -> None:
        """Explain, whatever was asked for, and close."""
        from gallery.lan.screens import HEADERS

        self._answered = True
        head, *lines = bytes(self._received).replace(b"\r\n", b"\n").split(b"\n\n")[0].split(b"\n")
        self._received.clear()
        words = head.decode("latin-1").split(" ")
        hosts = [line.split(b":", 1)[1] for line in lines if line.lower().startswith(b"host:")]
        host = hosts[0].decode("latin-1").strip() if len(hosts) == 1 else ""
        page = self._desk.explain(host, words[1] if len(words) > 1 else "/")
        sent = [("Content-Length", str(len(page))), ("Connection", "close")]
        answer = "HTTP/1.1 403 Forbidden\r\n" + "".join(f"{name}: {value}\r\n" for name, value in (*HEADERS, *sent))
        self._transport.write(answer.encode("latin-1") + b"\r\n" + (b"" if words[0] == "HEAD" else page))
        with contextlib.suppress(OSError):
            self._transport.write_eof()
        assert self._seat is not None
        self._seat.hurry(_LINGER_S, self._transport.abort)


async def _peek(shared: Any) -> bytes:
    """The first byte of a connection, left where it is; empty when the other side has closed.

    Args:
        shared: the transport's socket. A duplicate is used, because its own number belongs to the event loop.
    """
    own: socket.socket = shared.dup()
    try:
        own.setblocking(False)
        while True:
            try:
                return own.recv(1, socket.MSG_PEEK)
            except (BlockingIOError, InterruptedError):
                await _readable(own)
    finally:
        own.close()


async def _readable(own: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    number = own.fileno()
    try:
        loop.add_reader(number, _once, ready)
    except NotImplementedError:  # the event loop of Windows
        await asyncio.sleep(0.02)
        return
    try:
        await ready
    finally:
        loop.remove_reader(number)


def _once(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
