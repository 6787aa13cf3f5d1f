"""How numbers are said to people."""

from __future__ import annotations


def human_bytes(count: int) -> str:
    """A number of bytes for people, in decimal units: ``64 MB``, ``2 GB``, ``1.5 GB``."""
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= factor:
            value = count / factor
            return f"{value:.0f} {unit}" if value >= 100 or value == int(value) else f"{value:.1f} {unit}"
    return f"{count} bytes"


def percent(score: float) -> str:
    """A probability (0 to 1) for people: ``83%``; rounding never makes it certain (``over 99%``) or impossible."""
    if score >= 0.995:
        return "over 99%"
    if 0 < score <= 0.005:
        return "under 1%"
    return f"{score:.0%}"


def clock(seconds: float, tenths: bool = False) -> str:
    """``m:ss``, ``h:mm:ss`` from an hour on, with tenths of a second where they matter."""
    tens = round(seconds * 10)
    whole, rest = divmod(tens, 10)
    minutes, second = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"
    return f"{text}.{rest}" if tenths else text
