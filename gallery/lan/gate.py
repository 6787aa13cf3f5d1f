"""The door in front of everything: without the passcode there are no pages, files, uploads or connections.

A plain ASGI application around another one. It holds no lock and awaits nothing between looking at the throttle and
counting a try, so that tries cannot overtake each other.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gallery.lan import screens
from gallery.lan.hosts import known, safe_path
from gallery.lan.passcode import Passcode, Sessions, Throttle
from gallery.lan.text import TEXTS, duration

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Where the form is sent.
ENTRY = "/_gallery/passcode"
#: The certificate to install, which is no secret: every connection shows it.
CERTIFICATE = "/_gallery/certificate.cer"
#: Says whether the server runs, and nothing else.
_HEALTH = "/_stcore/health"
_LONGEST_FORM = 4096
_PATIENCE_S = 10.0


class Gate:
    """Lets a request through when it carries the cookie that the right passcode gives.

    Args:
        app: what is protected.
        passcode: what has to be typed.
        hosts: names and addresses of this machine; requests for others are refused.
        authority: certificate (DER) that an iPhone can install.
        cookie: name of the cookie. With ``__Host-`` browsers take it over https only, and for this very host only.
        throttle: bounds wrong tries.
        sessions: who is in.
    """

    def __init__(
        self,
        app: ASGIApp,
        passcode: Passcode,
        *,
        hosts: Collection[str],
        authority: bytes = b"",
        cookie: str = "__Host-gallery",
        throttle: Throttle | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self._app = app
        self._passcode = passcode
        self._hosts = frozenset(hosts)
        self._authority = authority
        self._cookie = cookie
        self._throttle = throttle or Throttle()
        self._sessions = sessions or Sessions()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            # a cookie counts for every port of a host, so another service there could use it without this
            if self._ours(scope) and _same_origin(scope) and self._inside(scope):
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008})  # before it was accepted: the server says 403

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        reads = scope["method"] in ("GET", "HEAD")
        if not self._ours(scope):
            await _answer(scope, send, 421, screens.other_host())
        elif reads and scope["path"] == _HEALTH:
            await self._app(scope, receive, send)
        elif reads and scope["path"] == CERTIFICATE:
            await _answer(scope, send, 200, self._authority, kind="application/x-x509-ca-cert")
        elif scope["path"] == ENTRY:
            if reads:
                await _answer(scope, send, 303, b"", [("Location", "/")])
            elif scope["method"] == "POST":
                await self._enter(scope, receive, send)
            else:
                await _answer(scope, send, 405, b"", [("Allow", "GET, HEAD, POST")])
        elif self._inside(scope):
            await self._app(scope, receive, send)
        elif reads and _for_a_person(scope):
            asked = scope.get("raw_path") or scope["path"].encode()
            query = scope.get("query_string") or b""
            going_to = asked.split(b"?")[0] + (b"?" + query if query else b"")
            await self._ask(scope, send, 200, safe_path(going_to.decode("latin-1")))
        else:
            await _answer(scope, send, 401, TEXTS["closed"].encode(), kind="text/plain; charset=utf-8")

    def _ours(self, scope: Scope) -> bool:
        """Whether a request came over TLS and for a name of this machine."""
        return scope.get("scheme") in ("https", "wss") and known(_header(scope, b"host"), self._hosts)

    def _inside(self, scope: Scope) -> bool:
        tokens = _cookies(scope, self._cookie)
        return any(self._sessions.valid(token) for token in tokens[:4])

    async def _ask(
        self, scope: Scope, send: Send, status: int, going_to: str, problem: str = "", wait: float = 0.0
    ) -> None:
        page = screens.ask(
            ENTRY,
            going_to,
            CERTIFICATE,
            digits=self._passcode.made,
            hours=self._sessions.LIFETIME_S // 3600,
            problem=problem,
        )
        more = [("Retry-After", str(math.ceil(wait)))] if wait else []
        await _answer(scope, send, status, page, more)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at a passcode that was sent."""
        sent = await _form(scope, receive) if _same_origin(scope) else None
        if sent is None:
            await self._ask(scope, send, 400, "/", TEXTS["ask.refused"])
            return
        going_to = safe_path(sent.get("next", "/"))
        typed = sent.get("passcode", "")
        address = (scope.get("client") or ("",))[0]
        wait = self._throttle.wait(address)
        if wait:
            await self._ask(scope, send, 429, going_to, TEXTS["ask.wait"].format(wait=duration(wait)), wait)
        elif not typed.strip():
            await self._ask(scope, send, 400, going_to, TEXTS["ask.empty"])
        elif self._passcode.matches(typed):
            self._throttle.right(address)
            cookie = (
                f"{self._cookie}={self._sessions.new()}; Max-Age={self._sessions.LIFETIME_S}; Path=/; Secure; "
                "HttpOnly; SameSite=Lax"  # not Strict: a link in a message would ask again
            )
            await _answer(scope, send, 303, b"", [("Location", going_to), ("Set-Cookie", cookie)])
        else:
            wait = self._throttle.wrong(address)
            said = TEXTS["ask.wrong.wait"].format(wait=duration(wait)) if wait else TEXTS["ask.wrong"]
            await self._ask(scope, send, 403, going_to, said, wait)


async def _form(scope: Scope, receive: Receive) -> dict[str, str] | None:
    """The fields of a form; None when it is none, too long, too slow, or broken off."""
    if _header(scope, b"content-type").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    length = _header(scope, b"content-length")
    if length and not (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= _LONGEST_FORM):
        return None
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > _LONGEST_FORM:
                    return None
                if not message.get("more_body", False):
                    break
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=8)
    except (TimeoutError, ValueError):
        return None
    return {name: values[0] for name, values in fields.items()}


def _same_origin(scope: Scope) -> bool:
    """Whether a form or a web socket comes from a page of ours, as far as the browser says."""
    if _header(scope, b"sec-fetch-site") not in ("", "same-origin", "none"):
        return False
    origin = _header(scope, b"origin")
    try:
        parts = urlsplit(origin)
        return not origin or (parts.scheme == "https" and parts.netloc.lower() == _header(scope, b"host").lower())
    except ValueError:
        return False


def _for_a_person(scope: Scope) -> bool:
    """Whether a browser asks for a page to show in its window, and not for a part of one."""
    mode = _header(scope, b"sec-fetch-mode")
    if mode:
        return mode == "navigate" and _header(scope, b"sec-fetch-dest") in ("", "document")
    return "text/html" in _header(scope, b"accept")


def _header(scope: Scope, name: bytes) -> str:
    """A header that must stand there once; two of the same kind count as none."""
    found = [value for key, value in scope["headers"] if key.lower() == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _cookies(scope: Scope, name: str) -> list[str]:
    """All values of a cookie. A browser sends one; another program on this host may have set a second."""
    values = []
    for key, line in scope["headers"]:
        if key.lower() == b"cookie":
            for pair in line.decode("latin-1").split(";"):
                left, _, right = pair.strip().partition("=")
                if left == name:
                    values.append(right)
    return values


async def _answer(
    scope: Scope, send: Send, status: int, body: bytes, more: Iterable[tuple[str, str]] = (), kind: str = ""
) -> None:
    headers = dict(screens.HEADERS)
    if kind:
        headers["Content-Type"] = kind
    headers["Content-Length"] = str(len(body))
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in [*headers.items(), *more]]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
