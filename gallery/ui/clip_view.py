"""What a page shows of a video: the marked video, who and what was seen and when, and files to take along."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from gallery.clips import STAGES, Clip
from gallery.domains import Domain
from gallery.draw.palette import colour
from gallery.errors import UnreadableMedia
from gallery.ledger import distinct
from gallery.media.names import display_name, download_name, in_markdown
from gallery.results import Analysis
from gallery.ui import clip_runs, model_card, results_view
from gallery.ui.clip_runs import ClipSettings
from gallery.ui.model_card import runtime_name, title_of
from gallery.ui.session import Outcome, PageState, Store
from gallery.ui.text import Trusted, plain, t
from gallery.wording import clock, percent

#: Larger videos are not handed to the browser's player, which would take them whole into memory.
PLAYER_BYTES = 200_000_000
#: Lines and points that are shown; the files have all of them.
_MOST_ALERTS = 50
_MOST_TRACKS = 2_000
_MOST_POINTS = 240
#: Lines in the chart, as many as can be told apart.
_MOST_LINES = 6


def offer_changed(
    domain: Domain, state: PageState, key: object, settings: ClipSettings, *, under_way: int | None = None
) -> None:
    """Where the page's settings are not those of a run any more, say so and offer to run again.

    Args:
        key: of the run.
        settings: its settings.
        under_way: while it still runs, its number among the files of the page.
    """
    now = clip_runs.set_now(domain, state)
    if now == settings:
        return
    source = clip_runs.domain_and_input(key)[1]

    def again() -> None:
        state.asked[source] = now

    text, place = ("clip.changed", "") if under_way is None else ("clip.changed.running", f".{under_way}")
    with st.container(border=True):
        st.markdown(t(text, settings=said(domain, settings)))
        st.button(t("clip.again"), key=f"{domain.id}.clip.again{place}", on_click=again, icon=":material/replay:")


def said(domain: Domain, settings: ClipSettings) -> Trusted:
    """The settings of a run in words, as Markdown."""
    options = settings.options
    parts = [t("clip.set.score", score=percent(options.score))]
    if domain.id == "proximity":
        parts.append(t("clip.set.limit", limit=f"{options.limit:g}"))
    parts.append(t("clip.set.labels", labels=", ".join(settings.labels)) if settings.labels else t("clip.set.all"))
    parts.append(t(f"clip.set.every.{settings.every}"))
    parts.append(t("clip.set.model", model=title_of(options.model), runtime=runtime_name(options.runtime)))
    return Trusted(", ".join(parts))


def show(
    kept: Store,
    domain: Domain,
    state: PageState,
    outcome: Outcome,
    outcomes: Sequence[Outcome],
    analyses: Sequence[Analysis | None],
    numbers: Any,
    below: Any,
) -> None:
    """The result of a video.

    Args:
        outcome: of the video.
        outcomes: of all files, in order.
        analyses: of the pictures among them, as the page shows them.
        numbers: container for the figures.
        below: container for tables.
    """
    clip = outcome.clip
    assert clip is not None
    settings = state.asked.get(clip_runs.domain_and_input(outcome.key)[1])
    if isinstance(settings, ClipSettings):
        offer_changed(domain, state, outcome.key, settings)
    _player(kept, domain, clip, outcome)
    results_view.swatches({label: colour(label) for label in clip.labels})
    if domain.id == "proximity":
        _alerts(domain, clip)
    if isinstance(settings, ClipSettings):
        st.caption(f":material/tune: {t('clip.settings', settings=said(domain, settings))}")
    _timings(clip)
    results_view.sentences(clip)
    files = _files(domain, clip)
    results_view.downloads_of_files(domain, files, outcomes, analyses)
    if files:
        st.caption(f":material/lock: {t('clip.kept')}")
    with numbers:
        _numbers(domain, clip)
    with below:
        results_view.all_files(outcomes, analyses)
        _chart(kept, domain, clip)
        _tracks(clip)
        model_card.show(clip.model)


def folder_of(clip: Clip) -> Path:
    """The folder that a run wrote its files into."""
    return next(iter(clip.files.values())).parent


def _player(kept: Store, domain: Domain, clip: Clip, outcome: Outcome) -> None:
    video = clip.files["video"]
    try:
        size = video.stat().st_size
    except OSError:
        st.info(t("clip.gone"), icon=":material/auto_delete:")

        def anew() -> None:
            kept.results.pop(outcome.key, None)

        st.button(t("clip.anew"), key=f"{domain.id}.clip.anew", on_click=anew, icon=":material/replay:")
        return
    if size > PLAYER_BYTES:
        st.info(t("clip.large"), icon=":material/download:")
        return
    found = ", ".join(f"{different(tally)} {label}" for label, tally in clip.labels.items())
    with st.container(key="clip"):
        st.video(
            video,
            format="video/mp4",
            alt=plain("clip.alt", title=plain(f"{clip.domain}.title"), name=display_name(outcome.name), counts=found),
        )


def _alerts(domain: Domain, clip: Clip) -> None:
    module = domain.module()
    if clip.alerts:
        st.warning(t("clip.alerts", count=f"{len(clip.alerts):,}"), icon=":material/warning:")
        shown = clip.alerts[:_MOST_ALERTS]
        st.dataframe(
            pd.DataFrame(
                {
                    plain("clip.from"): [clock(alert.time_s, tenths=True) for alert in shown],
                    plain("clip.to"): [clock(alert.end_s, tenths=True) for alert in shown],
                    plain("clip.alert"): [alert.message for alert in shown],
                }
            ),
            hide_index=True,
            alt=t("clip.alerts.alt"),
            height=min(260, 38 + 35 * len(shown)),
            column_config={
                plain("clip.from"): st.column_config.TextColumn(width=70),
                plain("clip.to"): st.column_config.TextColumn(width=70),
            },
        )
        if len(clip.alerts) > _MOST_ALERTS:
            st.caption(t("alert.more", count=f"{len(clip.alerts) - _MOST_ALERTS:,}"))
        return
    # With a filter of classes, nothing can be said of those that were not kept.
    unfiltered = not clip.settings.get("labels")
    if unfiltered and module.PERSON not in clip.labels:
        st.info(t("alert.none.people"), icon=":material/person_off:")
    elif unfiltered and not any(label in clip.labels for label in module.MACHINES):
        st.info(t("alert.none.machines"), icon=":material/no_crash:")
    else:
        st.success(t("alert.none", limit=f"{clip.settings['limit']:g}"), icon=":material/check_circle:")


def _timings(clip: Clip) -> None:
    mean = ", ".join(
        t(f"clip.time.{stage}", ms=results_view.milliseconds(clip.timings_ms[stage]))
        for stage in STAGES
        if stage in clip.timings_ms
    )
    times = [t("clip.time.line", frames=f"{clip.frames:,}", fps=_speed(clip.speed_fps), parts=Trusted(mean))]
    if clip.rate:
        times.append(t("clip.time.real", factor=_speed(clip.speed_fps * clip.every / clip.rate)))
    times.append(t("clip.time.runtime", runtime=runtime_name(clip.model.runtime)))
    st.caption(f":material/timer: {' '.join(times)}")


def _speed(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 0.1 else f"{value:.2f}"


def _files(domain: Domain, clip: Clip) -> list[tuple[str, Callable[[], bytes], str, str]]:
    name = clip.file
    kinds = (("video", "down.mp4", "mp4", "video/mp4"), ("csv", "down.frames.csv", "csv", "text/csv"),
             ("json", "down.frames.json", "json", "application/json"))  # fmt: skip
    return [
        (key, partial(_contents, clip.files[kind]), download_name(name, domain.id, ending), mime)
        for kind, key, ending, mime in kinds
        if clip.files[kind].is_file()
    ]


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableMedia(plain("clip.gone")) from error


def _numbers(domain: Domain, clip: Clip) -> None:
    if domain.id == "proximity":
        with st.container(horizontal=True, gap="small"):
            st.metric(t("alert.count"), f"{len(clip.alerts):,}", border=True, width="stretch")
            if clip.alerts:
                closest = min(alert.distance for alert in clip.alerts)
                st.metric(
                    t("alert.closest"),
                    plain("alert.closest.value", distance=f"{closest:.1f}"),
                    border=True,
                    width="stretch",
                )
    if not clip.labels:
        st.info(f"{t('result.none')} {t('clip.none.help')}", icon=":material/search_off:")
        return
    with st.container(key="counts"):
        for label, tally in list(clip.labels.items())[:_MOST_LINES]:
            st.metric(
                in_markdown(label),
                different(tally),
                t("clip.most", count=f"{tally['most']:,}"),
                delta_color="off",
                delta_arrow="off",
                border=True,
            )
    left_out = list(clip.labels)[_MOST_LINES:]
    if left_out:
        st.caption(t("clip.others", labels=", ".join(left_out)))
    st.caption(t("clip.counts.help"))


def different(tally: Mapping[str, int]) -> str:
    """How many different objects of a label there were, in words."""
    count, sure = distinct(tally)
    return f"{count:,}" if sure else plain("clip.at_least", count=f"{count:,}")


def _tracks(clip: Clip) -> None:
    st.subheader(t("clip.tracks"), anchor=False)
    if not clip.tracks:
        st.caption(t("clip.tracks.none" if clip.labels else "result.none"))
        return
    shown = clip.tracks[:_MOST_TRACKS]
    st.dataframe(
        pd.DataFrame(
            {
                plain("result.number"): [track.id for track in shown],
                plain("result.label"): [track.label for track in shown],
                plain("clip.first"): [clock(track.first_s, tenths=True) for track in shown],
                plain("clip.last"): [clock(track.last_s, tenths=True) for track in shown],
                plain("clip.best"): [results_view.whole_percent(track.score) for track in shown],
            }
        ),
        hide_index=True,
        alt=t("clip.tracks.alt"),
        height=min(420, 38 + 35 * len(shown)),
        column_config={
            plain("result.number"): st.column_config.NumberColumn(width=50),
            plain("clip.best"): st.column_config.ProgressColumn(format="%d%%", min_value=0, max_value=100),
        },
    )
    if len(clip.tracks) > _MOST_TRACKS:
        st.caption(t("clip.tracks.more", shown=f"{_MOST_TRACKS:,}", count=f"{len(clip.tracks):,}"))


def _chart(kept: Store, domain: Domain, clip: Clip) -> None:
    """How many were in view over time."""
    slot, table = f"{domain.id}.chart", clip.files["csv"]
    known = kept.drawn.get(slot)
    if known is None or known[0] != table:
        try:
            kept.drawn[slot] = known = (table, over_time(table, clip.duration_s, list(clip.labels)[:_MOST_LINES]))
        except OSError:
            return
    points = known[1]
    if len(points) < 3 or points.columns.empty:
        return
    st.subheader(t("clip.chart"), anchor=False)
    st.line_chart(
        points,
        x_label=plain("clip.chart.x"),
        y_label=plain("clip.chart.y"),
        color=["#{:02x}{:02x}{:02x}".format(*colour(label)) for label in points.columns],
        height=220,
    )


def over_time(table: Path, duration_s: float, labels: Sequence[str], most: int = _MOST_POINTS) -> pd.DataFrame:
    """The most of each label that were in view at once, by second or longer stretch.

    Args:
        table: a run's ``frames.csv``.
        duration_s: seconds of the video.
        labels: the columns that are wanted.
        most: rows of the answer at the most.

    Returns:
        One row a stretch, indexed by the seconds at which it begins.

    Raises:
        OSError: the file is not there any more.
    """
    step = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, float("inf")) if duration_s / s <= most)
    rows = max(1, math.ceil(duration_s / step - 1e-6))
    counts = {label: [0] * rows for label in labels}
    frame, seen, row = "", dict.fromkeys(labels, 0), 0
    # Line by line: an hour's table is larger than what is worth keeping of it.
    with table.open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file):
            if line["frame"] != frame:
                frame, seen = line["frame"], dict.fromkeys(labels, 0)
                row = min(rows - 1, int(float(line["time_s"]) / step))
            if line["label"] in seen:
                seen[line["label"]] += 1
                counts[line["label"]][row] = max(counts[line["label"]][row], seen[line["label"]])
    return pd.DataFrame(counts, index=[round(number * step, 1) for number in range(rows)])
