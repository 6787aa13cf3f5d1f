"""How two browsers' worth of network find each other: the one place where STUN and TURN servers are set.

By default there are none: the browser and the gallery reach each other directly, on this computer or on the local
network, and no outside server learns of it. Where a router stands between them, set ``GALLERY_ICE_SERVERS`` to a JSON
list in WebRTC's own form, for example ``[{"urls": "turn:turn.example.org", "username": "u", "credential": "p"}]``.
https://developer.mozilla.org/en-US/docs/Web/API/RTCPeerConnection/RTCPeerConnection#iceservers
"""

from __future__ import annotations

import json
import os
from typing import Any

from gallery.errors import OptionError

VARIABLE = "GALLERY_ICE_SERVERS"
_KEYS = {"urls", "username", "credential"}
_SCHEMES = ("stun:", "stuns:", "turn:", "turns:")


def servers() -> list[dict[str, Any]]:
    """The STUN and TURN servers to use, as WebRTC has them; none by default.

    Raises:
        OptionError: the setting cannot be read.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return []
    try:
        listed = json.loads(text)
    except ValueError:
        listed = None
    if not isinstance(listed, list) or not all(_is_server(server) for server in listed):
        raise OptionError(
            f"{VARIABLE} cannot be read.",
            'Set it to a JSON list such as [{"urls": "stun:stun.example.org:3478"}], or remove it.',
        )
    return listed


def configuration() -> dict[str, Any]:
    """What both ends of a connection are told; an empty list keeps the library from asking a server of its own."""
    return {"iceServers": servers()}


def _is_server(server: object) -> bool:
    if not isinstance(server, dict) or not set(server) <= _KEYS or "urls" not in server:
        return False
    urls = server["urls"] if isinstance(server["urls"], list) else [server["urls"]]
    known = all(isinstance(url, str) and url.startswith(_SCHEMES) for url in urls)
    return bool(urls) and known and all(isinstance(server.get(key, ""), str) for key in ("username", "credential"))
