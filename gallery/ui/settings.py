"""The settings of a page: sliders that only filter, and below them the model and the program that runs it.

Each widget is given its value as its own default. Put into the session instead, a value goes to the browser with one
message only, and when that is overtaken by the next run the browser answers with the widget's least value.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from gallery.domains import Domain
from gallery.ui.clip_runs import EVERY
from gallery.ui.model_card import runtime_name, title_of
from gallery.ui.session import PageState
from gallery.ui.text import t
from gallery.zoo import registry


def models_for(domain: Domain) -> list[str]:
    """Ids of the models that can do a domain's task, the default first."""
    ids = [entry.id for task in domain.tasks for entry in registry.load().for_task(task)]
    return sorted(ids, key=lambda model_id: model_id != domain.default_model)


def runtimes_for(domain: Domain) -> list[str]:
    """Runtimes that a domain's models have, the default first."""
    if domain.media == "audio":
        return list(domain.module().RUNTIMES)
    from gallery.zoo.networks import RUNTIMES

    return list(RUNTIMES)


def least_score(domain: Domain) -> float:
    """The lowest threshold: speech begins with all that was heard, detectors above what is mostly nothing."""
    return 0.0 if domain.media == "audio" else 0.05


def score(domain: Domain, state: PageState, clip: bool = False) -> None:
    """The threshold; ``clip`` when it is for a video, which no slider filters afterwards."""
    cells = domain.id == "cells"
    least = least_score(domain)
    state.score = st.slider(
        t("cells.score" if cells else "set.score"),
        least,
        0.95,
        min(max(state.score, least), 0.95),
        step=0.01,
        format="percent",
        key=f"{domain.id}.score",
        help=t("cells.score.help" if cells else "set.score.help.clip" if clip else "set.score.help"),
    )


def labels(domain: Domain, state: PageState, known: Sequence[str], clip: bool = False) -> None:
    """The filter of classes; empty for all."""
    kind = ".clip" if clip else ".proximity" if domain.id == "proximity" else ""
    state.labels = st.multiselect(
        t("set.labels"),
        known,
        [label for label in state.labels if label in known],
        key=f"{domain.id}.labels",
        placeholder=t("set.labels.all"),
        help=t(f"set.labels.help{kind}"),
    )


def limit(domain: Domain, state: PageState, clip: bool = False) -> None:
    """The distance below which the proximity page warns."""
    state.limit = st.slider(
        t("set.limit"),
        0.1,
        5.0,
        min(max(state.limit, 0.1), 5.0),
        step=0.1,
        format=t("set.limit.format"),
        key=f"{domain.id}.limit",
        help=t("set.limit.help.clip" if clip else "set.limit.help"),
    )


def every(domain: Domain, state: PageState) -> None:
    """Which frames of a video are analysed."""
    if state.every not in EVERY:
        state.every = EVERY[0]
    state.every = st.selectbox(
        t("set.every"),
        EVERY,
        EVERY.index(state.every),
        format_func=lambda number: t(f"set.every.{number}"),
        key=f"{domain.id}.every",
        help=t("set.every.help"),
    )


def advanced(domain: Domain, state: PageState, *, own_checkpoint: bool = False) -> None:
    """Model and runtime."""
    models, runtimes = models_for(domain), runtimes_for(domain)
    if state.model not in models and not own_checkpoint:
        state.model = domain.default_model
    with st.expander(t("set.advanced"), icon=":material/tune:"):
        options = models if state.model in models else [*models, state.model]
        chosen = st.selectbox(
            t("set.model"),
            options,
            options.index(state.model),
            format_func=title_of,
            key=f"{domain.id}.model",
            accept_new_options=own_checkpoint,
            help=t("set.model.own") if own_checkpoint else None,
        )
        state.model = chosen or domain.default_model
        if state.model not in models:
            return  # a checkpoint of one's own has one runtime only
        if state.runtime not in runtimes:
            state.runtime = runtimes[0]
        state.runtime = st.radio(
            t("set.runtime"),
            runtimes,
            runtimes.index(state.runtime),
            format_func=runtime_name,
            key=f"{domain.id}.runtime",
            horizontal=True,
            help=t("set.runtime.help"),
        )
