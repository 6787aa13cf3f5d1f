"""The source of the running version, for everyone who uses it over a network (AGPL-3.0, section 13)."""

from __future__ import annotations

import io
import os
import re
import zipfile
from pathlib import Path

import streamlit as st

from gallery import __version__
from gallery.domains import DOMAINS
from gallery.media.names import in_markdown
from gallery.samples import samples
from gallery.ui.session import store
from gallery.ui.text import t
from gallery.zoo import paths, registry
from gallery.zoo.registry import PackagedSource

#: The project's own files; nothing else that may lie in its folder is handed out.
PARTS = (
    ".ci", ".streamlit/config.toml", "app.py", "benchmarks", "docs", "gallery", "LICENSE", "models", "pages",
    "pyproject.toml", "README.md", "requirements.txt", "samples", "tests", "training",
)  # fmt: skip
_LEFT_OUT = {"__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache"}
#: Endings of source; "" for scripts such as ``.ci/run``.
_SOURCE = {"", ".cfg", ".css", ".html", ".js", ".json", ".md", ".py", ".svg", ".toml", ".txt", ".yaml", ".yml"}
#: Folders that a person may put files of their own into: only what is named in the project's lists belongs.
_OPEN = ("models", "samples")
_SECRET = re.compile(r"(?i)secret|credential|passw|^\.|^id_|\.(pem|key|env)$")


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
    # Not strict, because a file may bear a time before 1980, which a ZIP cannot hold.
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for path in source_files():
            archive.write(path, Path("deep-learning-gallery") / path.relative_to(paths.PROJECT))
    return stream.getvalue()


def source_files() -> list[Path]:
    """The project's own files.

    Left out are links that lead out of the project, what is no source, what a person put into ``models/`` or
    ``samples/``, and what looks like a secret.
    """
    found: list[Path] = []
    for part in PARTS:
        top = paths.PROJECT / part
        found += [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())
    root = paths.PROJECT.resolve()
    return [path for path in found if _belongs(path.relative_to(paths.PROJECT)) and path.resolve().is_relative_to(root)]


def _belongs(path: Path) -> bool:
    """Whether a path, seen from the project's folder, is the project's own."""
    if set(path.parts) & _LEFT_OUT or (_SECRET.search(path.name) and path.parts[0] not in (".ci", ".streamlit")):
        return False
    return path in _listed() if path.parts[0] in _OPEN else path.suffix in _SOURCE


def _listed() -> set[Path]:
    """What belongs into the folders that a person may put files into."""
    models, kept = Path("models"), Path("samples")
    found = {models / "README.md", models / "registry.json", kept / "README.md", kept / "manifest.json"}
    for entry in registry.load():
        for source in entry.sources:
            if isinstance(source, PackagedSource):
                found |= {models / source.folder / file.name for file in entry.files}
                found |= {models / source.folder / f"{Path(file.name).stem}.split.json" for file in entry.files}
    for domain in DOMAINS:
        found |= {kept / sample.file for sample in samples(domain) if sample.kind == "file"}
        found |= {kept / "results" / f"{domain}{ending}" for ending in (".jpg", ".json")}
    found.add(kept / "make_results.py")
    found |= {path.relative_to(paths.PROJECT) for path in (paths.PROJECT / kept / "make").glob("*.py")}
    return found
