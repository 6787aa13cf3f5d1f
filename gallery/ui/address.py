"""The address of a page: it opens the same sample, model and settings again, on this and on another day."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from gallery.domains import Domain
from gallery.ui import settings
from gallery.ui.clip_runs import EVERY
from gallery.ui.session import PageState, Store, forget_widgets
from gallery.ui.text import t
from gallery.zoo import registry

#: Names that the gallery itself gives a meaning; others (of Streamlit, of a link's sender) are let through.
NAMES = ("sample", "model", "runtime", "score", "labels", "limit", "language", "every")

#: Characters of a value of the address that are shown.
_SHOWN = 80


def enter(
    store: Store,
    domain: Domain,
    state: PageState,
    *,
    samples: Sequence[str],
    models: Sequence[str],
    runtimes: Sequence[str],
    labels: Sequence[str],
    languages: Sequence[str] = (),
) -> None:
    """When the page is opened, take over what the address asks for. What is not known becomes a sentence.

    An address is read only when the page is entered: on later runs it is the page that writes it.
    """
    if store.entered == domain.id:
        return
    store.entered = domain.id
    asked = {name: st.query_params[name] for name in NAMES if name in st.query_params}
    if not asked:
        return
    forget_widgets(domain)
    state.notices += apply(
        state,
        asked,
        samples=samples,
        models=models,
        runtimes=runtimes,
        labels=labels,
        languages=languages,
        least_score=settings.least_score(domain),
    )


def apply(
    state: PageState,
    asked: Mapping[str, str],
    *,
    samples: Sequence[str],
    models: Sequence[str],
    runtimes: Sequence[str],
    labels: Sequence[str],
    languages: Sequence[str] = (),
    least_score: float = 0.05,
) -> list[str]:
    """Set what is asked for and known; a sentence for each value that is not."""
    notices: list[str] = []

    def take(name: str, known: Callable[[str], Any]) -> Any:
        if name not in asked:
            return None
        value = known(asked[name])
        if value is None:
            notices.append(t("error.address", name=name, value=_shown(asked[name])))
        return value

    def number(name: str, least: float, most: float) -> float | None:
        if name not in asked:
            return None
        value = _number(asked[name])
        if value is None or not least <= value <= most:
            between = {"least": f"{least:g}", "most": f"{most:g}"}
            notices.append(t("error.address.range", name=name, value=_shown(asked[name]), **between))
            return None
        return value

    if sample := take("sample", lambda v: v if v in samples else None):
        state.sample, state.mode = sample, "sample"
    if model := take("model", lambda v: v if v in models else None):
        state.model = model
    if runtime := take("runtime", lambda v: v if v in runtimes else None):
        state.runtime = runtime
    if (score := number("score", least_score, 0.95)) is not None:
        state.score = round(score, 2)
    if (limit := number("limit", 0.1, 5.0)) is not None:
        state.limit = round(limit, 1)
    if language := take("language", lambda v: v if v in languages else None):
        state.language = language
    if every := take("every", lambda v: next((n for n in EVERY if v == str(n)), None)):
        state.every = every
    if "labels" in asked:
        wanted = [label.strip() for label in asked["labels"].split(",") if label.strip()][:50]
        state.labels = [label for label in dict.fromkeys(wanted) if label in labels]
        unknown = [label for label in wanted if label not in labels]
        if unknown:
            notices.append(t("error.address", name="labels", value=_shown(", ".join(unknown))))
    return notices


def write(domain: Domain, state: PageState, runtimes: Sequence[str]) -> None:
    """Put the present choices into the address; only what differs from a fresh page, and only when it changed."""
    wanted: dict[str, str] = {}
    if state.mode == "sample" and state.sample:
        wanted["sample"] = state.sample
    # A checkpoint of one's own is left out: an address that another person made must not name one.
    known = state.model in registry.load()
    if known:
        wanted["model"] = state.model
    if known and state.runtime != runtimes[0]:
        wanted["runtime"] = state.runtime
    if state.score:
        wanted["score"] = f"{state.score:g}"
    if state.labels:
        wanted["labels"] = ",".join(state.labels)
    if domain.id == "proximity":
        wanted["limit"] = f"{state.limit:g}"
    if state.language:
        wanted["language"] = state.language
    if state.every != EVERY[0]:
        wanted["every"] = str(state.every)
    others = {name: value for name, value in st.query_params.to_dict().items() if name not in NAMES}
    if st.query_params.to_dict() != {**others, **wanted}:
        st.query_params.from_dict({**others, **wanted})


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _shown(value: str) -> str:
    """A value of the address in quotation marks, without control characters and tricks of writing direction."""
    kept = "".join(c for c in value if c.isspace() or unicodedata.category(c)[0] != "C")
    clean = " ".join(kept.split())
    return f"“{clean}”" if len(clean) <= _SHOWN else f"“{clean[: _SHOWN - 1]}…”"
