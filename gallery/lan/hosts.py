"""What stands in ``Host`` and in the path of a request, and whether it may be used in an answer."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

_LONGEST = 2048


def host_of(header: str) -> str:
    """The name or address in a ``Host`` header, in lower case and without port; empty when it is not a host."""
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port  # raises when it is no number
    except ValueError:
        return ""
    if parts.username is not None or parts.password is not None or parts.path or parts.query or parts.fragment:
        return ""
    return (parts.hostname or "").rstrip(".")


def known(header: str, hosts: Collection[str]) -> bool:
    """Whether a ``Host`` header names this machine. Another web site could otherwise give itself our address."""
    return host_of(header) in hosts


def safe_path(text: str) -> str:
    """A path of this server to send a browser to, or ``/`` for whatever could lead elsewhere.

    Args:
        text: path and query as they were sent, percent-encoded.
    """
    if not text.startswith("/") or text[1:2] in ("/", "\\") or len(text) > _LONGEST or "\\" in text:
        return "/"
    if any(not "!" <= character <= "~" for character in text):  # no line ends, no blanks, nothing beyond ASCII
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    # A path with dots is shortened by the browser and may begin with // afterwards.
    dotted = any(step.lower().replace("%2e", ".") in (".", "..") for step in parts.path.split("/"))
    return "/" if parts.scheme or parts.netloc or dotted else text
