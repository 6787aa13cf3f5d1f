"""What stands around every page: navigation, side bar, and a net for errors that nobody expected."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from gallery.domains import DOMAINS
from gallery.errors import Busy, DiskFull, GalleryError, ModelError, SampleUnavailable
from gallery.media.names import in_markdown
from gallery.ui import look, made_files, share, warm
from gallery.ui.session import clear, store
from gallery.ui.text import TEXTS, t
from gallery.zoo import offline

_log = logging.getLogger(__name__)

_ICON = str(Path(__file__).parent / "assets" / "icon.svg")
ICONS = {
    "signs": ":material/traffic:",
    "satellite": ":material/satellite_alt:",
    "cells": ":material/biotech:",
    "proximity": ":material/social_distance:",
    "speech": ":material/graphic_eq:",
}


def page(show: Callable[[], None]) -> None:
    """Show a page of ``pages/``.

    Until ``app.py`` has run once in a server, Streamlit takes the folder ``pages/`` for a list of scripts and runs the
    one that an address names by itself, without navigation and side bar. The page then starts the app instead.
    """
    from streamlit.runtime.pages_manager import PagesManager

    if PagesManager.uses_pages_directory:
        run()
    else:
        show()


def run() -> None:
    """Register the pages and run the one that was asked for."""
    offline.apply()
    warm.start()
    made_files.keep()
    # The icon is a file of ours: for a Material icon the browser would ask an outside server.
    st.set_page_config(page_title=t("app.title"), page_icon=_ICON, layout="wide", initial_sidebar_state=250)
    look.apply()
    pages = [st.Page("pages/home.py", title=t("nav.home"), icon=":material/home:", default=True)]
    pages += [
        st.Page(f"pages/{domain}.py", title=t(f"{domain}.title"), icon=ICONS[domain], url_path=domain)
        for domain in DOMAINS
    ]
    source = st.Page(
        "pages/source.py", title=t("nav.source"), icon=":material/code:", url_path="source", visibility="hidden"
    )
    asked = st.navigation([*pages, source])
    _side_bar(source)
    with guard():
        asked.run()


def _side_bar(source: st.Page) -> None:
    with st.sidebar:
        st.caption(t(share.where()))
        st.button(
            t("nav.clear"),
            key="clear",
            on_click=clear,
            icon=":material/delete_sweep:",
            help=t("nav.clear.help"),
            width="stretch",
        )
        st.page_link(source)
        share.panel()
    kept = store()
    if kept.cleared:
        kept.cleared = False
        st.toast(t("nav.cleared"), icon=":material/check:")


@contextmanager
def guard() -> Iterator[None]:
    """Turn an error into a sentence on the page. What was not expected is told in full to the server's log only."""
    try:
        yield
    except GalleryError as error:
        st.error(in_markdown(str(error)), icon=":material/error:")
        if isinstance(error, (Busy, ModelError, SampleUnavailable, DiskFull)):
            st.button(t("busy.retry"), key="retry", on_click=store().refused.clear, icon=":material/replay:")
    except Exception:
        _log.exception("A page failed")
        st.error(t("error.unexpected"), icon=":material/error:")


def heading(domain: str) -> None:
    """The title of an application's page, and what it does in one sentence."""
    st.title(t(f"{domain}.title"), anchor=False)
    with st.container(key="lead"):
        st.markdown(t(f"{domain}.lead"))
    # What must be known before the result is believed.
    if f"{domain}.notice" in TEXTS:
        st.info(t(f"{domain}.notice"), icon=":material/info:")


def notices(sentences: list[str]) -> None:
    """Show sentences once, in one box."""
    if sentences:
        listed = sentences[0] if len(sentences) == 1 else "\n".join(f"- {sentence}" for sentence in sentences)
        st.warning(listed, icon=":material/info:")
        sentences.clear()
