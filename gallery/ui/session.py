"""What the gallery remembers of one visitor: bounded, in memory, gone with the browser tab or at one click."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import streamlit as st

from gallery.domains import Domain
from gallery.errors import GalleryError
from gallery.results import Analysis
from gallery.ui import clip_folders
from gallery.ui.shelf import SHELF
from gallery.ui.work import Job

if TYPE_CHECKING:
    from gallery.clips import Clip

#: Results of one visitor that are kept; the oldest go first.
MOST_RESULTS = 120
#: Files of one visitor that a page takes at a time.
MOST_FILES = 40

_STORE = "gallery.store"


@dataclass(frozen=True, slots=True)
class Given:
    """A file that a person opened.

    Attributes:
        name: as the person knows it; foreign text.
        key: tells it from every other file of the visit.
        data: its bytes, or its path on this computer.
    """

    name: str
    key: str
    data: bytes | Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file: an analysis, for a video a clip, or a sentence on why there is neither.

    ``stopped`` when it was cancelled; a clip then holds what there was until then. ``key`` tells the run from every
    other: domain, input and options.
    """

    name: str
    key: object
    analysis: Analysis | None
    error: str = ""
    stopped: bool = False
    clip: Clip | None = None

    @property
    def failed(self) -> bool:
        """Whether there is nothing to show of it but a sentence."""
        return self.analysis is None and self.clip is None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that is kept: its sentences without the frames of the run, which would keep its pictures alive."""

    kind: type[GalleryError]
    problem: str
    remedy: str

    @classmethod
    def of(cls, error: GalleryError) -> Refusal:
        """What is kept of an error."""
        return cls(type(error), error.problem, error.remedy)

    def error(self) -> GalleryError:
        """The error, made anew."""
        return self.kind(self.problem, self.remedy)


@dataclass
class PageState:
    """The choices of one visitor on one page. They outlive the page's widgets, which Streamlit drops when it is left.

    Attributes:
        mode: ``sample``, ``upload``, ``live``, ``camera`` (or ``record``) or ``path``.
        sample: id of the sample, or None for the first.
        model, runtime, score, labels, limit, language: settings; ``labels`` empty for all.
        every: every how many frames of a video one is analysed.
        given: the person's own files.
        shots: pictures that were taken from the live camera.
        picked: which of them is shown.
        notices: sentences to show once (Markdown).
        away: ids of samples that had to be fetched when the page was opened; None before it was.
        stopped: the runs that the person cancelled, until they are started again.
        asked: the settings that each video was last asked to be run with, by input.
    """

    model: str
    score: float
    mode: str = "sample"
    sample: str | None = None
    runtime: str = ""
    labels: list[str] = field(default_factory=list)
    limit: float = 1.0
    language: str | None = None
    every: int = 1
    given: list[Given] = field(default_factory=list)
    shots: list[Given] = field(default_factory=list)
    picked: int = 0
    notices: list[str] = field(default_factory=list)
    away: frozenset[str] | None = None
    stopped: set[object] = field(default_factory=set)
    asked: dict[str, object] = field(default_factory=dict)


class Live(Protocol):
    """A camera or a microphone of one visitor."""

    def close(self) -> None:
        """Switch it off, and forget what it brought."""


@dataclass
class Store:
    """Everything of one visitor.

    Attributes:
        pages: choices by page.
        results: what came of each input and its options, oldest first.
        jobs: the run under way, by page.
        refused: runs that could not be made (a model is missing), until the person tries again.
        drawn: the picture drawn last, by page, with what it was drawn from.
        entered: the page that was opened last.
        round: how often everything was cleared; part of the keys of widgets that hold files.
        cleared: whether that is still to be said.
        folders: what runs on videos wrote to disk; gone with this object.
        live: cameras and microphones, by page.
    """

    pages: dict[str, PageState] = field(default_factory=dict)
    results: OrderedDict[object, Outcome] = field(default_factory=OrderedDict)
    jobs: dict[str, Job] = field(default_factory=dict)
    refused: dict[object, Refusal] = field(default_factory=dict)
    drawn: dict[str, tuple[object, Any]] = field(default_factory=dict)
    entered: str = ""
    round: int = 0
    cleared: bool = False
    folders: clip_folders.Folders = field(default_factory=clip_folders.Folders)
    live: dict[str, Live] = field(default_factory=dict)

    def __post_init__(self) -> None:
        weakref.finalize(self, self.folders.close)

    def page(self, domain: Domain) -> PageState:
        """The choices made on a domain's page."""
        if domain.id not in self.pages:
            self.pages[domain.id] = PageState(model=domain.default_model, score=domain.default_score)
        return self.pages[domain.id]

    def keep(self, key: object, outcome: Outcome) -> None:
        """Remember a result."""
        self.results[key] = outcome
        self.results.move_to_end(key)
        while len(self.results) > MOST_RESULTS:
            self.results.popitem(last=False)


def store() -> Store:
    """The store of the present visitor."""
    if _STORE not in st.session_state:
        clip_folders.tidy()
        st.session_state[_STORE] = Store()
    return st.session_state[_STORE]


def session_id() -> str:
    """Streamlit's name for the present visit."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


def clear() -> None:
    """Forget everything of the present visitor: files, results, settings. Meant as the callback of a button."""
    from streamlit import runtime

    old = store()
    for job in old.jobs.values():
        job.cancel()
    for live in old.live.values():
        live.close()
    old.folders.close()
    SHELF.drop(session_id())
    if runtime.exists():
        runtime.get_instance().uploaded_file_mgr.remove_session_files(session_id())
    entered = old.entered
    for key in list(st.session_state):
        # A browser's camera or microphone reports that it was switched off by this click, and is looked for then.
        if not str(key).startswith("stream."):
            del st.session_state[key]
    # A higher round gives every widget for files a new key, so that the browser shows it empty.
    st.session_state[_STORE] = Store(round=old.round + 1, entered=entered, cleared=True)
    st.query_params.clear()


def seed(key: str, value: Any) -> str:
    """Give a widget its value before it is made, unless the browser has one; the key again."""
    if key not in st.session_state:
        st.session_state[key] = value
    return key


def forget_widgets(domain: Domain) -> None:
    """Drop the values of a page's widgets, so that they are made anew from the choices in the store."""
    for key in [key for key in st.session_state if isinstance(key, str) and key.startswith(f"{domain.id}.")]:
        del st.session_state[key]
