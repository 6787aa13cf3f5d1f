"""Whether this process shares the gallery on the local network, and how it is reached. Set once, before it serves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sharing:
    """How the gallery is reached. The passcode is not here, so that no page can show it.

    Attributes:
        port: that it listens on.
        addresses: of this machine on the local network, the most useful first; empty without a network.
        names: everything that it answers to.
        fingerprint: of its certificate.
    """

    port: int
    addresses: tuple[str, ...]
    names: frozenset[str]
    fingerprint: str

    def urls(self) -> tuple[str, ...]:
        """The addresses to type on another machine."""
        return tuple(self.url(address) for address in self.addresses)

    def url(self, host: str) -> str:
        """The address for one of its names."""
        return f"https://{host}" if self.port == 443 else f"https://{host}:{self.port}"


_current: Sharing | None = None


def begin(sharing: Sharing) -> None:
    """From now on this process shares."""
    global _current
    _current = sharing


def current() -> Sharing | None:
    """How this process shares the gallery; None when it serves this computer only."""
    return _current
