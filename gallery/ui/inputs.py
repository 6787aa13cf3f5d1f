"""Where a page's picture or recording comes from: a sample, the person's files, the camera or microphone, a path."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from gallery.domains import Domain
from gallery.errors import SampleUnavailable
from gallery.media.names import display_name, in_markdown, quoted
from gallery.samples import Sample, offline
from gallery.ui import clip_runs
from gallery.ui.session import MOST_FILES, Given, PageState, Store, seed
from gallery.ui.text import Trusted, t

#: Megabytes of one upload, by domain. Pictures and videos have limits of their own beside these.
UPLOAD_MB = {"signs": 500, "cells": 64, "proximity": 500, "satellite": 2000, "speech": 2000}
#: Larger uploads are told apart by the browser's own id instead of a hash of all their bytes.
_HASHED_BYTES = 100_000_000

#: More samples than this are offered in a list.
_MOST_PILLS = 4

#: Headers that a browser does not send and a program between it and the gallery adds.
_OF_PROXIES = {"via", "forwarded", "x-real-ip"}

_ICONS = {
    "sample": ":material/photo_library:",
    "upload": ":material/upload:",
    "live": ":material/sensors:",
    "camera": ":material/photo_camera:",
    "record": ":material/mic:",
    "path": ":material/folder_open:",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the page analyses now.

    Attributes:
        sample: the sample, when one is shown; ``given`` is empty then.
        given: the person's files.
    """

    sample: Sample | None
    given: tuple[Given, ...] = ()

    def items(self) -> list[Sample | Given]:
        """Everything to analyse, in order.

        Raises:
            SampleUnavailable: there is neither a sample nor a file.
        """
        items: list[Sample | Given] = [self.sample] if self.sample else list(self.given)
        if not items:
            raise SampleUnavailable(t("input.none"), t("input.none.remedy"))
        return items


def choose(store: Store, domain: Domain, state: PageState, samples: Sequence[Sample]) -> Chosen:
    """Show the picker and say what is to be analysed; the sample, until the person gives something."""
    own = "record" if domain.media == "audio" else "camera"
    modes = ["sample", "upload", "live", own] + (["path"] if from_this_computer() else [])
    if domain.id == "satellite":
        modes.remove("live")  # nobody holds a camera there
    if state.mode not in modes:
        state.mode = "sample"
    if state.away is None:
        # Once a visit: a list that changes its order while it is used confuses, and looking means hashing.
        state.away = frozenset(sample.id for sample in samples if not offline(sample))
    samples = sorted(samples, key=lambda sample: sample.id in (state.away or ()))
    with st.container(key="input", border=False):
        key = seed(f"{domain.id}.mode", state.mode)
        mode = st.segmented_control(
            t("input.mode"),
            modes,
            format_func=lambda mode: f"{_ICONS[mode]} {t(f'input.{mode}')}",
            key=key,
            required=True,
            label_visibility="collapsed",
        )
        state.mode = mode or "sample"
        if state.mode == "sample":
            return _sample(domain, state, samples)
        if state.mode == "live":
            return Chosen(None, tuple(state.shots))
        _own(store, domain, state)
    if not state.given:
        sample = _of_id(samples, state.sample)
        if sample is not None:
            st.caption(t("input.until"))
        return Chosen(sample)
    given = state.given
    if len(given) > MOST_FILES:
        st.warning(t("input.too_many", limit=MOST_FILES, count=len(given)))
    return Chosen(None, tuple(given[:MOST_FILES]))


def _sample(domain: Domain, state: PageState, samples: Sequence[Sample]) -> Chosen:
    ids = [sample.id for sample in samples]
    if not ids:
        return Chosen(None)
    if state.sample not in ids:
        state.sample = ids[0]
    titles = {sample.id: _title(sample, sample.id in (state.away or ())) for sample in samples}
    if len(ids) > 1:
        key = seed(f"{domain.id}.sample", state.sample)
        if st.session_state[key] not in ids:
            st.session_state[key] = state.sample
        if len(ids) <= _MOST_PILLS:
            state.sample = st.pills(
                t("input.sample.pick"),
                ids,
                format_func=titles.__getitem__,
                key=key,
                required=True,
                label_visibility="collapsed",
            )
        else:
            state.sample = st.selectbox(
                t("input.sample.pick"),
                ids,
                format_func=titles.__getitem__,
                key=key,
                width=480,
                label_visibility="collapsed",
            )
    sample = _of_id(samples, state.sample)
    assert sample is not None
    kind = ""
    if sample.synthetic:
        kind = t("input.sample.is_synthetic_speech" if domain.media == "audio" else "input.sample.is_synthetic")
    credit = "" if not sample.credit or sample.credit.endswith((".", "!")) else "."
    line = t(
        "input.sample.line",
        title=sample.title,
        kind=Trusted(kind),
        credit=sample.credit + credit,
        licence=sample.licence,
    )
    st.caption(f"{line} {in_markdown(sample.note)}".strip())
    return Chosen(sample)


def _title(sample: Sample, away: bool) -> str:
    """A sample's title, and whether it has to be fetched first."""
    return sample.title if not away else f"{sample.title} · {t('input.sample.fetched')}"


def _of_id(samples: Sequence[Sample], sample_id: str | None) -> Sample | None:
    return next((s for s in samples if s.id == sample_id), samples[0] if samples else None)


def _own(store: Store, domain: Domain, state: PageState) -> None:
    """The widget of the chosen way in; what it brings is kept in ``state.given`` until it is replaced or removed."""
    key = f"{domain.id}.given.{state.mode}.{store.round}"

    def changed() -> None:
        value = st.session_state.get(key)
        files = value if isinstance(value, list) else [value] if value is not None else []
        state.given = [given_of(file) for file in files]
        state.picked = 0

    if state.mode == "upload":
        st.file_uploader(
            t(f"input.upload.pick.{'video' if domain.id in clip_runs.DOMAINS_WITH else domain.media}"),
            accept_multiple_files=True,
            key=key,
            on_change=changed,
            max_upload_size=UPLOAD_MB[domain.id],
        )
    elif state.mode == "camera":
        st.camera_input(t("input.camera.pick"), key=key, on_change=changed)
    elif state.mode == "record":
        st.audio_input(t("input.record.pick"), key=key, on_change=changed)
    else:
        text = st.text_input(t("input.path.pick"), key=key, help=t("input.path.help"), autocomplete="off")
        if text and text.strip():
            _open(state, text.strip().strip('"'))
    # Streamlit forgets a widget's files when another page was visited; the gallery has not.
    if state.given and not st.session_state.get(key):
        line, button = st.columns([4, 1], vertical_alignment="center")
        many = len(state.given) > 1
        line.markdown(
            t("input.yours.many", count=len(state.given))
            if many
            else t("input.yours", name=display_name(state.given[0].name))
        )
        if button.button(t("input.drop"), key=f"{domain.id}.drop", icon=":material/close:", width="stretch"):
            state.given = []
            st.rerun()


def _open(state: PageState, text: str) -> None:
    try:
        path = Path(text).expanduser()
        about = path.stat()
        known = path.is_file() and path.is_absolute()
    except (OSError, ValueError, RuntimeError):  # the last for ~ and the name of nobody
        known = False
    if not known:
        # What was shown before is not what was asked for.
        state.given = []
        st.error(t("input.path.missing", name=quoted(text)))
        return
    identity = f"path:{path}:{about.st_size}:{about.st_mtime_ns}"
    if [given.key for given in state.given] != [identity]:
        state.given = [Given(path.name, identity, path)]
        state.picked = 0


def given_of(file: st.runtime.uploaded_file_manager.UploadedFile) -> Given:
    """An uploaded file, told from every other by its bytes."""
    data = file.getvalue()  # shares the memory of the upload
    hashed = len(data) <= _HASHED_BYTES
    identity = hashlib.sha256(data).hexdigest() if hashed else f"upload:{file.file_id}"
    return Given(file.name, f"{identity}:{file.name}", data)


def from_this_computer() -> bool:
    """Whether the browser runs on the computer that serves, so that a path means the same to both."""
    return _loopback(st.get_option("server.address")) and local(st.context.headers, st.context.ip_address)


def local(headers: Mapping[str, str], address: str | None) -> bool:
    """Whether a connection comes from this computer, straight from a browser and not through a proxy.

    Args:
        headers: of the request that opened it.
        address: that it came from; None for this computer, as Streamlit has it.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    if any(name in _OF_PROXIES or name.startswith("x-forwarded-") for name in sent):
        return False
    if "origin" in sent and not _loopback(_host(sent["origin"])):
        return False
    return _loopback(_host(f"//{sent.get('host') or 'localhost'}")) and (address is None or _loopback(address))


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
