"""The page of the cell classifier: one verdict, how likely each kind is, and when no name should be given."""

from __future__ import annotations

from typing import Any

import streamlit as st

from gallery.domains import DOMAINS, Domain
from gallery.errors import SampleUnavailable
from gallery.media.names import display_name, in_markdown
from gallery.results import Analysis
from gallery.samples import Sample, samples
from gallery.ui import address, frame, inputs, model_card, results_view, settings
from gallery.ui.runs import analyse_all, picture_of
from gallery.ui.session import Given, Outcome, PageState, store
from gallery.ui.text import plain, t


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
    st.info(t("cells.note"), icon=":material/health_and_safety:")
    frame.notices(state.notices)
    chosen = inputs.choose(kept, domain, state, offered)
    left, right = st.columns([1, 1], gap="large")
    with right:
        verdict = st.container(key="verdict")
        settings.score(domain, state)
        settings.advanced(domain, state, own_checkpoint=inputs.from_this_computer())
    address.write(domain, state)
    items: list[Sample | Given] = [chosen.sample] if chosen.sample else list(chosen.given)
    if not items:
        raise SampleUnavailable(t("input.none"), t("input.none.remedy"))
    below = st.container()
    with left, frame.guard():
        outcomes = analyse_all(kept, domain, state, chosen)
        shown = results_view.pick(domain, state, outcomes)
        _result(domain, state, items[shown], outcomes, shown, verdict, below)
    results_view.how(domain)


def _result(
    domain: Domain,
    state: PageState,
    item: Sample | Given,
    outcomes: list[Outcome],
    shown: int,
    verdict: Any,
    below: Any,
) -> None:
    outcome = outcomes[shown]
    analysis = outcome.analysis
    if analysis is None:
        results_view.problem(outcome)
        with below:
            results_view.all_files(outcomes, [each.analysis for each in outcomes])
        return
    picture = picture_of(domain, item)
    from gallery.export.pictures import jpeg_bytes

    results_view.show_picture(
        picture, jpeg_bytes(picture.pixels), plain("result.alt.cells", name=display_name(outcome.name))
    )
    results_view.timings(analysis)
    with verdict:
        _verdict(analysis, state)
    with below:
        results_view.sentences(analysis)
        everything = [each.analysis for each in outcomes if each.analysis is not None]
        results_view.downloads(domain, analysis.file, analysis, everything, None)
        results_view.all_files(outcomes, [each.analysis for each in outcomes])
        model_card.show(analysis.model)


def _verdict(analysis: Analysis, state: PageState) -> None:
    best = analysis.classes[0] if analysis.classes else None
    refused = refusal(analysis)
    if refused or best is None:
        st.error(in_markdown(refused or plain("cells.refused")), icon=":material/do_not_disturb_on:")
    elif best.score < state.score:
        st.caption(t("cells.result"))
        st.header(t("cells.unsure"), anchor=False)
        st.markdown(
            t("cells.unsure.line", label=best.label, score=f"{best.score:.0%}", limit=f"{state.score:.0%}")
        )
    else:
        st.caption(t("cells.result"))
        st.header(in_markdown(best.label), anchor=False)
        st.markdown(t("cells.sure", score=f"{best.score:.0%}"))
    if analysis.classes:
        st.markdown(f"**{t('cells.bars')}**")
        for each in analysis.classes[:12]:
            st.progress(
                min(max(each.score, 0.0), 1.0), text=f"{in_markdown(each.label)} · {_percent(each.score)}"
            )


def _percent(score: float) -> str:
    return f"{score:.0%}" if score >= 0.1 or score == 0 else f"{score:.1%}"


def refusal(analysis: Analysis) -> str:
    """The sentence of the core when the picture is not of a kind that the network knows; empty otherwise."""
    return ""
