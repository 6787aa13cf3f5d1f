"""The web server for the local network: uvicorn behind :mod:`gallery.lan.front`, the app behind the gate."""

from __future__ import annotations

import functools
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any, cast

from gallery.lan import screens
from gallery.lan.addresses import Address, neighbour
from gallery.lan.certificate import Certificate
from gallery.lan.front import Desk, Front
from gallery.lan.gate import ASGIApp, Gate
from gallery.lan.hosts import host_of, safe_path
from gallery.lan.passcode import Passcode
from gallery.lan.sharing import Sharing

#: All of IPv4 on this machine. Home routers let nothing in from outside there, unlike with IPv6.
EVERYWHERE = "0.0.0.0"
#: Open files that a process may have: a system's own bound can be as low as 256.
_FILES = 4096


def serve(
    app: ASGIApp,
    listening: socket.socket,
    sharing: Sharing,
    certificate: Certificate,
    passcode: Passcode,
    addresses: tuple[Address, ...],
    *,
    most_message_bytes: int,
    ready: Callable[[], None],
) -> None:
    """Serve an application until Ctrl-C or a request to end.

    Args:
        app: an ASGI application.
        listening: a socket that is bound.
        sharing: under which names and port.
        certificate: to show.
        passcode: to ask for.
        addresses: of this machine.
        most_message_bytes: of one message of a web socket.
        ready: called once connections are accepted.
    """
    import uvicorn

    _allow_files()
    desk = Desk(
        certificate.context(),
        welcomes=lambda peer: neighbour(peer, addresses),
        explain=functools.partial(explain, sharing),
    )
    cookie = f"__Host-gallery-{sharing.port}"
    gate = Gate(app, passcode, hosts=sharing.names, authority=certificate.authority, cookie=cookie)
    config = uvicorn.Config(
        cast(Any, gate),
        http=cast(Any, functools.partial(Front, desk)),
        ws="websockets-sansio",
        loop="asyncio",
        interface="asgi3",
        lifespan="on",
        ws_max_size=most_message_bytes,
        ws_ping_interval=30,
        ws_ping_timeout=30,
        ws_per_message_deflate=False,
        proxy_headers=False,  # there is no proxy: whoever says so wants to be taken for somebody else
        server_header=False,
        access_log=False,
        log_level="error",
        use_colors=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_tell, args=(server, ready), name="announce", daemon=True).start()
    # uvicorn ends by sending itself the signal that it got; here both are a normal end.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def explain(sharing: Sharing, host: str, path: str) -> bytes:
    """The page for somebody who came over plain http, with the link to the same place over https."""
    name = host_of(host)
    if name not in sharing.names:
        name = sharing.addresses[0] if sharing.addresses else "localhost"
    return screens.plain(sharing.url(name) + safe_path(path), sharing.fingerprint)


def _tell(server: Any, ready: Callable[[], None]) -> None:
    pause = threading.Event()
    while not server.started:
        if server.should_exit:
            return
        pause.wait(0.05)
    ready()


def _allow_files() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such bound
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
