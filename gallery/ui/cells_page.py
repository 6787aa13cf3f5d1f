"""The page of the cell classifier: one verdict, how likely each kind is, and when no name should be given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from gallery.domains import DOMAINS, Domain
from gallery.draw.boxes import annotate
from gallery.media.names import display_name, in_markdown
from gallery.results import Analysis, Detection
from gallery.samples import Sample, samples
from gallery.ui import address, frame, inputs, live_camera, model_card, results_view, settings
from gallery.ui.runs import analyse_all, offer_again, picture_of
from gallery.ui.session import Given, Outcome, PageState, Store, session_id, store
from gallery.ui.text import TEXTS, plain, t
from gallery.wording import percent


def show() -> None:
    """The page."""
    domain = DOMAINS["cells"]
    kept = store()
    state = kept.page(domain)
    offered = samples(domain.id)
    address.enter(
        kept,
        domain,
        state,
        samples=[sample.id for sample in offered],
        models=settings.models_for(domain),
        runtimes=settings.runtimes_for(domain),
        labels=(),
    )
    frame.heading(domain.id)
    frame.notices(state.notices)
    chosen = inputs.choose(kept, domain, state, offered)
    left, right = st.columns([1, 1], gap="large")
    with right:
        answer = st.container(key="verdict")
        settings.score(domain, state)
        settings.advanced(domain, state, own_checkpoint=inputs.from_this_computer())
    address.write(domain, state, settings.runtimes_for(domain))
    if state.mode == "live":
        with left, frame.guard():
            _live(kept, domain, state)
        if not chosen.given:
            results_view.how(domain)
            return
        with left:
            st.subheader(t("live.shots"), anchor=False)
            answer = st.container(key="verdict-shot")
    else:
        live_camera.leave(kept, domain)
    items = chosen.items()
    card = st.container()
    with left, frame.guard():
        outcomes = analyse_all(kept, domain, state, chosen)
        shown = results_view.pick(domain, state, outcomes)
        if outcomes[shown].analysis is None:
            results_view.problem(outcomes[shown])
        offer_again(kept, domain, state, outcomes)
        _result(kept, domain, state, items[shown], outcomes, shown, answer, card)
    results_view.how(domain)


def _live(kept: Store, domain: Domain, state: PageState) -> None:
    """The camera, for a microscope's eyepiece or its own; what it sees is named as a picture is."""

    def annotated(pixels: npt.NDArray[np.uint8], analysis: Analysis) -> npt.NDArray[np.uint8]:
        marked, certain = seen(domain, analysis, state.score)
        return annotate(pixels, marked, labels=certain)

    live_camera.show(
        kept,
        domain,
        state,
        lambda analysis: narrowed(domain, analysis, state.score),
        lambda analysis: _answer(domain, analysis, state),
        annotated,
    )


def _result(
    kept: Store,
    domain: Domain,
    state: PageState,
    item: Sample | Given,
    outcomes: list[Outcome],
    shown: int,
    answer: Any,
    card: Any,
) -> None:
    decided = [each.analysis and narrowed(domain, each.analysis, state.score) for each in outcomes]
    outcome, analysis = outcomes[shown], decided[shown]
    if analysis is None:
        results_view.downloads_of_all(domain, outcomes, decided)
        results_view.all_files(outcomes, decided)
        return
    marked, certain = seen(domain, analysis, state.score)
    session = session_id()
    picture = picture_of(domain, item, session)
    drawing = results_view.draw(kept, domain, (outcome.key, state.score), picture, marked, (), labels=certain)
    analysis = analysis.with_timing("draw", drawing.ms)
    results_view.show_picture(picture, drawing, plain("result.alt.cells", name=display_name(outcome.name)))
    if marked.detections:
        st.caption(t("cells.seen"))
    results_view.timings(analysis)
    results_view.sentences(analysis, (domain.module().NOT_A_CELL, domain.module().NOT_A_TEST))
    results_view.downloads(
        domain,
        analysis.file,
        analysis,
        outcomes,
        decided,
        drawing.jpeg,
        lambda: annotate(picture_of(domain, item, session).pixels, marked, labels=certain),
    )
    results_view.all_files(outcomes, decided)
    with answer:
        _answer(domain, analysis, state)
    with card:
        model_card.show(analysis.model)


def narrowed(domain: Domain, analysis: Analysis, score: float) -> Analysis:
    """The analysis with the answer at a threshold; no model runs."""
    answer = domain.module().verdict(analysis, score).answer
    return replace(analysis, settings={**analysis.settings, "score": score, "answer": answer})


def seen(domain: Domain, analysis: Analysis, score: float) -> tuple[Analysis, bool]:
    """The analysis with a frame around the part that the network saw, and whether the frame bears the answer."""
    framed = analysis.settings.get("framed")
    if not framed:
        return analysis, False
    verdict = domain.module().verdict(analysis, score)
    frame_of = Detection(verdict.label, verdict.score, tuple(framed["box"]))
    return replace(analysis, detections=(frame_of,)), verdict.certain


def _answer(domain: Domain, analysis: Analysis, state: PageState) -> None:
    module = domain.module()
    verdict = module.verdict(analysis, state.score)
    if verdict.answer == module.UNKNOWN:
        st.header(t("cells.unknown"), anchor=False)
        st.warning(in_markdown(module.NOT_A_CELL), icon=":material/do_not_disturb_on:")
    elif verdict.certain:
        st.caption(t("cells.result"))
        st.header(in_markdown(name_of(verdict.label)), anchor=False)
        st.markdown(t("cells.sure", score=percent(verdict.score)))
    else:
        st.caption(t("cells.result"))
        st.header(t("cells.unsure"), anchor=False)
        st.markdown(
            t(
                "cells.unsure.line",
                label=name_of(verdict.label),
                score=percent(verdict.score),
                limit=percent(state.score),
            )
        )
    # Numbers that mean nothing step back.
    unknown = verdict.answer == module.UNKNOWN
    with st.expander(t("cells.bars"), expanded=not unknown):
        for each in analysis.classes[:12]:
            st.progress(
                min(max(each.score, 0.0), 1.0), text=f"{in_markdown(name_of(each.label))} · {percent(each.score)}"
            )


def name_of(label: str) -> str:
    """A class's name for people."""
    return plain(f"cells.kind.{label}") if f"cells.kind.{label}" in TEXTS else label
