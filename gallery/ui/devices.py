"""Whether the visitor's browser could give a camera or a microphone, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import streamlit as st

from gallery.ui.text import t

Kind = Literal["camera", "microphone"]
_PERMISSIONS = ("granted", "denied", "prompt")
_component: Any = None


@dataclass(frozen=True, slots=True)
class Devices:
    """What a browser says of its cameras or microphones, before one is asked for.

    Attributes:
        secure: whether the page came over https or from the computer itself; otherwise no browser gives any.
        api: whether the browser can give any at all.
        permission: ``granted``, ``denied``, ``prompt`` (it will ask) or ``unknown``.
        count: how many there are; None where the browser does not tell.
    """

    secure: bool
    api: bool
    permission: str
    count: int | None


def look(kind: Kind, key: str) -> Devices | None:
    """Ask the browser; None until it has answered, a moment after the page was opened."""
    global _component
    if _component is None:
        script = (Path(__file__).parent / "assets" / "devices.js").read_text(encoding="utf-8")
        _component = st.components.v2.component("gallery_devices", js=script)
    with st.container(key=f"{key}.devices", height=1, border=False):
        answer = _component(key=key, data={"kind": kind}, on_found_change=lambda: None)
    return read(answer.found)


def read(found: object) -> Devices | None:
    """What a browser told, checked: it comes from outside."""
    if not isinstance(found, dict):
        return None
    count = found.get("count")
    permission = found.get("permission")
    return Devices(
        secure=found.get("secure") is True,
        api=found.get("api") is True,
        permission=permission if permission in _PERMISSIONS else "unknown",
        count=count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None,
    )


def problem(devices: Devices | None, kind: Kind) -> str | None:
    """Why there will be no camera or microphone, and what to do (Markdown); None where nothing is known against it."""
    if devices is None:
        return None
    if not devices.secure or not devices.api:
        address = urlsplit(st.context.url or "")
        insecure = address.scheme == "http"
        return t(f"devices.{kind}.insecure" if insecure else f"devices.{kind}.unable")
    if devices.permission == "denied":
        return t(f"devices.{kind}.denied")
    if devices.count == 0:
        return t(f"devices.{kind}.none")
    return None
