"""The page of an application that finds objects: traffic signs, satellite, worker proximity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from gallery.domains import DOMAINS, Domain
from gallery.draw.boxes import annotate
from gallery.media.names import display_name, in_markdown
from gallery.results import Analysis
from gallery.samples import Sample, samples
from gallery.ui import (
    address,
    clip_runs,
    clip_view,
    frame,
    inputs,
    live_camera,
    model_card,
    results_view,
    settings,
    viewer,
)
from gallery.ui.runs import analyse_all, offer_again, picture_of
from gallery.ui.session import Given, Outcome, PageState, Store, session_id, store
from gallery.ui.text import plain, t
from gallery.zoo import registry

#: Alerts that are written out; the picture and the downloads have all of them.
_MOST_ALERTS = 8


def show(domain_id: str) -> None:
    """The page."""
    domain = DOMAINS[domain_id]
    kept = store()
    state = kept.page(domain)
    offered = samples(domain.id)
    models = settings.models_for(domain)
    known = labels_of(domain, state.model)
    address.enter(
        kept,
        domain,
        state,
        samples=[sample.id for sample in offered],
        models=models,
        runtimes=settings.runtimes_for(domain),
        labels=known,
    )
    frame.heading(domain.id)
    frame.notices(state.notices)
    chosen = inputs.choose(kept, domain, state, offered)
    left, right = st.columns([7, 3], gap="medium")
    with right:
        given = chosen.given
        clip = bool(given) and clip_runs.is_clip(domain, given[results_view.picked(domain, state, len(given))])
        settings.score(domain, state, clip)
        if domain.id == "proximity":
            settings.limit(domain, state, clip)
        numbers = st.container()
        settings.labels(domain, state, known, clip)
        if clip:
            settings.every(domain, state)
        settings.advanced(domain, state)
    address.write(domain, state, settings.runtimes_for(domain))
    if state.mode == "live":
        with left, frame.guard():
            live_camera.show(kept, domain, state, lambda analysis: narrowed(domain, state, analysis), _seen_live)
        if not chosen.given:
            results_view.how(domain)
            return
        with left:
            st.subheader(t("live.shots"), anchor=False)
            numbers = st.container()  # beside their picture, and not beside the live one
    else:
        live_camera.leave(kept, domain)
    items = chosen.items()
    below = st.container()
    with left, frame.guard():
        outcomes = analyse_all(kept, domain, state, chosen)
        shown = results_view.pick(domain, state, outcomes)
        if outcomes[shown].error:
            results_view.problem(outcomes[shown])
        offer_again(kept, domain, state, outcomes)
        _result(kept, domain, state, items, outcomes, shown, numbers, below)
    results_view.how(domain)


def labels_of(domain: Domain, model_id: str) -> list[str]:
    """The classes that a domain shows of a model."""
    if domain.id == "signs":
        return list(domain.module().LABELS)
    if domain.id == "proximity":
        module = domain.module()
        return [module.PERSON, *module.MACHINES]
    loaded = registry.load()
    return list(loaded.get(model_id if model_id in loaded else domain.default_model).classes)


def narrowed(domain: Domain, state: PageState, analysis: Analysis) -> Analysis:
    """The analysis as the sliders ask for it; no model runs."""
    kept = analysis.filtered(state.score)
    if domain.id == "proximity":
        # Before the classes are filtered: what is not shown must still set off alerts.
        kept = domain.module().with_alerts(kept, state.limit)
    if state.labels:
        kept = kept.filtered(labels=state.labels)
    return replace(kept, settings={**kept.settings, "score": state.score, "labels": list(state.labels)})


def _result(
    kept: Store,
    domain: Domain,
    state: PageState,
    items: list[Sample | Given],
    outcomes: list[Outcome],
    shown: int,
    numbers: Any,
    below: Any,
) -> None:
    narrow = [outcome.analysis and narrowed(domain, state, outcome.analysis) for outcome in outcomes]
    outcome, analysis = outcomes[shown], narrow[shown]
    if outcome.clip is not None:
        clip_view.show(kept, domain, state, outcome, outcomes, narrow, numbers, below)
        return
    if analysis is None or outcome.analysis is None:
        results_view.downloads_of_all(domain, outcomes, narrow)
        results_view.all_files(outcomes, narrow)
        return
    item = items[shown]
    filters = (outcome.key, state.score, tuple(state.labels), state.limit if domain.id == "proximity" else 0)
    table_key = f"{domain.id}.table.{hash(filters):x}"
    chosen = results_view.chosen_rows(table_key, len(analysis.detections))
    session = session_id()
    picture = picture_of(domain, item, session)
    drawing = results_view.draw(kept, domain, filters, picture, analysis, chosen)
    analysis = analysis.with_timing("draw", drawing.ms)
    tally = ", ".join(f"{number} {label}" for label, number in analysis.counts().items())
    results_view.show_picture(
        picture,
        drawing,
        plain(
            "result.alt",
            title=t(f"{domain.id}.title"),
            name=display_name(outcome.name),
            count=len(analysis.detections),
            counts=tally,
        ),
        lambda: viewer.show(
            analysis, chosen, f"{domain.id}.viewer", lambda row: results_view.toggle_row(table_key, row)
        ),
    )
    results_view.legend(analysis)
    if domain.id == "proximity":
        _alerts(domain, analysis, outcome.analysis.filtered(state.score).counts())
    results_view.timings(analysis)
    results_view.sentences(analysis)
    with numbers:
        if domain.id == "proximity":
            _alert_numbers(analysis)
        results_view.counts(analysis, len(outcome.analysis.detections) - len(analysis.detections))
    results_view.downloads(
        domain,
        analysis.file,
        analysis,
        outcomes,
        narrow,
        drawing.jpeg,
        lambda: annotate(picture_of(domain, item, session).pixels, analysis, chosen),
    )
    with below:
        results_view.all_files(outcomes, narrow)
        results_view.table(domain, analysis, table_key)
        model_card.show(analysis.model)


def _seen_live(analysis: Analysis) -> None:
    """What the camera sees at the moment."""
    if analysis.domain == "proximity":
        _alerts(DOMAINS[analysis.domain], analysis, analysis.counts())
    results_view.counts(analysis, 0, "counts-live")


def _alert_numbers(analysis: Analysis) -> None:
    with st.container(horizontal=True, gap="small"):
        st.metric(t("alert.count"), len(analysis.alerts), border=True, width="stretch")
        if analysis.alerts:
            closest = plain("alert.closest.value", distance=f"{analysis.alerts[0].distance:.1f}")
            st.metric(t("alert.closest"), closest, border=True, width="stretch")


def _alerts(domain: Domain, analysis: Analysis, counts: Mapping[str, int]) -> None:
    """What is too close; ``counts`` are of all classes, also of those that are not shown."""
    module = domain.module()
    people = counts.get(module.PERSON, 0)
    machines = sum(counts.get(label, 0) for label in module.MACHINES)
    if analysis.alerts:
        lines = [f"- {in_markdown(alert.message)}" for alert in analysis.alerts[:_MOST_ALERTS]]
        if len(analysis.alerts) > _MOST_ALERTS:
            lines.append(f"- {t('alert.more', count=len(analysis.alerts) - _MOST_ALERTS)}")
        st.warning("\n".join(lines), icon=":material/warning:")
    elif not people:
        st.info(t("alert.none.people"), icon=":material/person_off:")
    elif not machines:
        st.info(t("alert.none.machines"), icon=":material/no_crash:")
    else:
        st.success(t("alert.none", limit=f"{state_limit(analysis):g}"), icon=":material/check_circle:")


def state_limit(analysis: Analysis) -> float:
    """The distance that alerts were made for."""
    return float(analysis.settings["limit"])
