"""The source of the running version, for everyone who uses it over a network (AGPL-3.0, section 13)."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import streamlit as st

from gallery import __version__
from gallery.media.names import in_markdown
from gallery.ui.session import store
from gallery.ui.text import t
from gallery.zoo import paths, registry

#: The project's own files; nothing else that may lie in its folder is handed out.
PARTS = (
    ".ci", ".streamlit", "app.py", "benchmarks", "docs", "gallery", "LICENSE", "models", "pages", "pyproject.toml",
    "README.md", "requirements.txt", "samples", "tests", "training",
)  # fmt: skip
_LEFT_OUT = {"__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", "secrets.toml"}


def show() -> None:
    """The page."""
    store().entered = "source"
    st.title(t("source.title"), anchor=False)
    st.markdown(t("source.text"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            t("source.zip"),
            source_zip,
            file_name=f"deep-learning-gallery-{__version__}.zip",
            mime="application/zip",
            icon=":material/download:",
            type="primary",
            on_click="ignore",
        )
        url = os.environ.get("GALLERY_SOURCE_URL", "")
        if url.startswith(("https://", "http://")):
            st.link_button(t("source.url"), url, icon=":material/open_in_new:")
    st.markdown(t("source.third"))
    with st.expander(t("source.models")):
        st.markdown(
            "\n".join(
                f"- **{in_markdown(entry.title)}**: {in_markdown(entry.licence)}. {in_markdown(entry.licence_note)} "
                f"{in_markdown(entry.credit)}"
                for entry in registry.load()
            )
        )
    licence = paths.PROJECT / "LICENSE"
    if licence.is_file():
        with st.expander(t("source.licence")):
            st.text(licence.read_text(encoding="utf-8"))


def source_zip() -> bytes:
    """The project's own files as they lie on the disk now, in one ZIP."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in source_files():
            archive.write(path, Path("deep-learning-gallery") / path.relative_to(paths.PROJECT))
    return stream.getvalue()


def source_files() -> list[Path]:
    """The project's own files; links that lead out of the project are left out."""
    found: list[Path] = []
    for part in PARTS:
        top = paths.PROJECT / part
        found += [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())
    root = paths.PROJECT.resolve()
    return [
        path
        for path in found
        if not set(path.relative_to(paths.PROJECT).parts) & _LEFT_OUT
        and path.suffix != ".pyc"
        and path.resolve().is_relative_to(root)
    ]
