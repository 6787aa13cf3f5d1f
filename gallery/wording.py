"""How numbers are said to people."""

from __future__ import annotations


def human_bytes(count: int) -> str:
    """A number of bytes for people, in decimal units: ``64 MB``, ``2 GB``, ``1.5 GB``."""
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= factor:
            value = count / factor
            return f"{value:.0f} {unit}" if value >= 100 or value == int(value) else f"{value:.1f} {unit}"
    return f"{count} bytes"
