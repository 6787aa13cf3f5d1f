"""The page of the recogniser: what was said, line by line, as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from gallery import languages
from gallery.domains import DOMAINS, Domain
from gallery.export.subtitles import to_srt, to_text, to_vtt
from gallery.media.names import display_name, download_name, in_markdown
from gallery.results import Analysis, Segment
from gallery.samples import Sample, samples
from gallery.ui import address, frame, inputs, live_microphone, model_card, results_view, settings
from gallery.ui.runs import analyse_all, offer_again, source
from gallery.ui.session import Given, Outcome, PageState, store
from gallery.ui.text import Trusted, plain, t
from gallery.wording import clock, percent

#: Words below this confidence are shaded.
UNSURE = 0.5
_PAUSE_S = 2.0
_MOST_LINES = 8
#: Larger recordings are not handed to the browser's player, which would take them whole into memory.
_PLAYER_BYTES = 200_000_000


def show() -> None:
    """The page."""
    domain = DOMAINS["speech"]
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
        languages=list(languages.NAMES),
    )
    frame.heading(domain.id)
    frame.notices(state.notices)
    chosen = inputs.choose(kept, domain, state, offered)
    left, right = st.columns([7, 3], gap="medium")
    with right:
        numbers = st.container()
        settings.score(domain, state)
        _language(state)
        settings.advanced(domain, state, own_checkpoint=inputs.from_this_computer())
    address.write(domain, state, settings.runtimes_for(domain))
    if state.mode == "live":
        with left, frame.guard():
            live_microphone.show(kept, domain, state, narrowed)
        results_view.how(domain)
        return
    live_microphone.leave(kept)
    items = chosen.items()
    below = st.container()
    with left, frame.guard():
        outcomes = analyse_all(kept, domain, state, chosen)
        shown = results_view.pick(domain, state, outcomes)
        if outcomes[shown].analysis is None:
            results_view.problem(outcomes[shown])
        offer_again(kept, domain, state, outcomes)
        if outcomes[shown].analysis is not None:
            # Not before: a path may name any file, and only what was read as a recording goes to the browser.
            _player(items[shown])
        _result(domain, state, outcomes, shown, numbers, below)
    results_view.how(domain)


def _language(state: PageState) -> None:
    codes = ["", *sorted(languages.NAMES, key=languages.NAMES.__getitem__)]
    code = st.selectbox(
        t("set.language"),
        codes,
        codes.index(state.language or ""),
        format_func=lambda code: languages.NAMES[code] if code else t("set.language.auto"),
        key="speech.language",
    )
    state.language = code or None


def _player(item: Sample | Given) -> None:
    data, name = source(item)
    try:
        size = data.stat().st_size if isinstance(data, Path) else len(data)
        if size > _PLAYER_BYTES:
            st.caption(t("speech.player.large"))
            return
        sound = data.read_bytes() if isinstance(data, Path) else data
    except OSError:
        st.caption(t("speech.player.gone", name=display_name(name)))
        return
    if sound:
        st.audio(sound, format=_mime(sound[:16]))


def _mime(head: bytes) -> str:
    kinds = ((b"fLaC", "audio/flac"), (b"OggS", "audio/ogg"), (b"ID3", "audio/mpeg"), (b"\x1aE\xdf\xa3", "audio/webm"))
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    if head[:1] == b"\xff":
        return "audio/mpeg"
    return next((mime for mark, mime in kinds if head.startswith(mark)), "audio/wav")


def narrowed(analysis: Analysis, score: float) -> Analysis:
    """The analysis without the stretches that the recogniser was less sure of; no model runs."""
    if not score:
        return analysis
    segments = tuple(segment for segment in analysis.segments if segment.score >= score)
    kept = replace(analysis, segments=segments, settings={**analysis.settings, "score": score})
    return replace(kept, text=to_text(kept).strip())


def _result(
    domain: Domain, state: PageState, outcomes: Sequence[Outcome], shown: int, numbers: Any, below: Any
) -> None:
    narrow = [each.analysis and narrowed(each.analysis, state.score) for each in outcomes]
    outcome, analysis = outcomes[shown], narrow[shown]
    if analysis is None or outcome.analysis is None:
        results_view.downloads_of_all(domain, outcomes, narrow)
        results_view.all_files(outcomes, narrow)
        return
    hidden = len(outcome.analysis.segments) - len(analysis.segments)
    st.subheader(t("speech.text"), anchor=False)
    with st.container(key="transcript"):
        if analysis.segments:
            st.markdown("\n\n".join(paragraphs(analysis.segments)))
        elif hidden:
            st.info(t("speech.all_hidden"), icon=":material/filter_alt:")
        else:
            st.info(t("speech.none"), icon=":material/voice_over_off:")
    if any(word.score < UNSURE for segment in analysis.segments for word in segment.words):
        st.caption(t("speech.unsure", limit=percent(UNSURE)))
    if hidden:
        st.caption(t("speech.hidden", count=f"{hidden:,}"))
    results_view.timings(analysis)
    results_view.sentences(analysis)
    _downloads(domain, analysis, outcomes, narrow)
    with numbers:
        _numbers(analysis, whole=not outcome.stopped)
    with below:
        results_view.all_files(outcomes, narrow)
        if analysis.segments:
            _lines(analysis)
        model_card.show(analysis.model)


def paragraphs(segments: Sequence[Segment]) -> list[str]:
    """The text as Markdown, with a new paragraph where the speaker paused, and at the latest after some lines."""
    found: list[list[str]] = []
    latest = 0.0
    for segment in segments:
        if not found or segment.start - latest >= _PAUSE_S or len(found[-1]) >= _MOST_LINES:
            found.append([])
        found[-1].append(words(segment))
        latest = segment.end
    return [" ".join(each) for each in found]


def words(segment: Segment) -> Trusted:
    """The text of a segment as Markdown, with the words shaded that the recogniser was not sure of."""
    if not segment.words:
        return Trusted(in_markdown(segment.text))
    return Trusted(
        " ".join(
            f":orange-background[{in_markdown(word.text.strip())}]"
            if word.score < UNSURE
            else in_markdown(word.text.strip())
            for word in segment.words
        )
    )


def _numbers(analysis: Analysis, whole: bool) -> None:
    with st.container(key="counts"):
        if analysis.language:
            name = languages.NAMES.get(analysis.language, analysis.language)
            sure = analysis.language_score
            st.metric(
                t("speech.language"),
                name,
                border=True,
                help=t("speech.language.sure", score=percent(sure)) if sure is not None else None,
            )
        st.metric(t("speech.duration"), clock(analysis.duration_s or 0.0), border=True)
        st.metric(t("speech.words"), f"{len((analysis.text or '').split()):,}", border=True)
        took = sum(analysis.timings_ms.values()) / 1e3
        if whole and analysis.segments and took > 0 and analysis.duration_s:
            factor = analysis.duration_s / took
            st.metric(
                t("speech.speed"), plain("speech.speed.value", factor=f"{factor:.0f}" if factor >= 10 else
                f"{factor:.1f}"), border=True, help=t("speech.speed.help"),
            )  # fmt: skip


def _lines(analysis: Analysis) -> None:
    st.subheader(t("speech.segments"), anchor=False)
    st.dataframe(
        pd.DataFrame(
            {
                plain("speech.start"): [clock(segment.start, tenths=True) for segment in analysis.segments],
                plain("speech.end"): [clock(segment.end, tenths=True) for segment in analysis.segments],
                plain("speech.line"): [segment.text for segment in analysis.segments],
                plain("result.score"): [results_view.whole_percent(segment.score) for segment in analysis.segments],
            }
        ),
        hide_index=True,
        alt=t("speech.segments.alt"),
        height=min(420, 38 + 35 * len(analysis.segments)),
        column_config={
            plain("speech.start"): st.column_config.TextColumn(width=70),
            plain("speech.end"): st.column_config.TextColumn(width=70),
            plain("result.score"): st.column_config.ProgressColumn(
                format="%d%%", min_value=0, max_value=100, width=110
            ),
        },
    )


def _downloads(
    domain: Domain, analysis: Analysis, outcomes: Sequence[Outcome], analyses: Sequence[Analysis | None]
) -> None:
    name = analysis.file
    extra = [
        ("down.txt", lambda: to_text(analysis), download_name(name, "transcript", "txt"), "text/plain"),
        (
            "down.srt",
            lambda: to_srt(analysis.segments),
            download_name(name, "subtitles", "srt"),
            "application/x-subrip",
        ),
        ("down.vtt", lambda: to_vtt(analysis.segments), download_name(name, "subtitles", "vtt"), "text/vtt"),
    ]
    results_view.downloads(domain, name, analysis, outcomes, analyses, None, extra=extra)
