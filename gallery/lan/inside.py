"""The web server's side of an encrypted connection: uvicorn's own protocol, with bounds on idle senders."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gallery.lan.front import HEAD_S, Seat


class Inside(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it. Somebody who does not finish the head of a request is cut off.

    Args:
        seat: of this connection; given back at its end, or when it has become a web socket.
        **uvicorn: what uvicorn's protocol takes.
    """

    def __init__(self, seat: Seat, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._seat = seat

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and wait for the first request only so long."""
        super().connection_made(transport)
        self._seat.hurry(HEAD_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Read on; the clock runs from the first byte of a head to its last."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._seat.relax()
        elif not self._seat.hurried:
            self._seat.hurry(HEAD_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and give the seat back."""
        self._seat.leave()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand over to the web socket, which the gate lets in or ends at once."""
        super().handle_websocket_upgrade(event)
        self._seat.leave()
