"""The side bar's panel for a gallery that is shared on the local network: its address, and a QR code of it."""

from __future__ import annotations

import base64
import functools
from html import escape

import streamlit as st

from gallery.lan import qr, sharing
from gallery.lan.hosts import host_of
from gallery.ui.text import Trusted, plain, t


def where() -> str:
    """Key of the sentence that says where everything runs: a phone is not the computer that does the work."""
    return "share.where" if sharing.current() else "app.local"


def panel() -> None:
    """Show how others open the gallery; nothing when this computer serves itself only."""
    shared = sharing.current()
    if shared is None:
        return
    with st.expander(t("share.title"), icon=":material/qr_code_2:"):
        address = _address(shared, st.context.headers.get("Host") or "")
        if address is None:
            st.markdown(t("share.nowhere"))
            return
        # As a picture with a white ground of its own, so that a dark theme leaves it readable.
        st.html(
            f'<img src="{_picture(address)}" alt="{escape(plain("share.alt", address=address))}" '
            'style="display: block; width: 100%; max-width: 14rem; border-radius: 0.45rem;">'
        )
        st.markdown(t("share.address", address=Trusted(address)))
        st.markdown(t("share.passcode"))


def _address(shared: sharing.Sharing, host: str) -> str | None:
    """The address to show: the one that this very visitor came by when others can use it, else the best known."""
    name = host_of(host)
    if name in shared.names and name not in ("localhost", "127.0.0.1"):
        return shared.url(name)
    return next(iter(shared.urls()), None)


@functools.lru_cache(maxsize=16)
def _picture(address: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(qr.svg(address).encode()).decode()
