"""What the pages of the vision applications show of a result: picture, numbers, timings, files to take along."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from gallery.clips import Clip
from gallery.domains import Domain
from gallery.draw.boxes import annotate
from gallery.draw.boxes import legend as colours_of
from gallery.draw.palette import Colour
from gallery.export.documents import columns, json_bytes, json_entries, rows
from gallery.export.pictures import jpeg_bytes, png_bytes
from gallery.export.tables import csv_bytes
from gallery.media.names import display_name, download_name, in_html, in_markdown
from gallery.media.types import Picture
from gallery.results import STAGES, Analysis
from gallery.ui.model_card import runtime_name
from gallery.ui.session import Outcome, PageState, Store
from gallery.ui.text import Trusted, plain, t
from gallery.wording import percent

#: Browsers refuse or choke on larger pictures; the download has every pixel.
MOST_PIXELS_SHOWN = 40_000_000
_MOST_SIDE_SHOWN = 16_000
#: A picture smaller than this is shown larger, so that a person sees it.
_LEAST_WIDTH = 640


@dataclass(frozen=True, slots=True)
class Drawing:
    """An annotated picture.

    Attributes:
        jpeg: at full size.
        shown: as large as a browser takes it.
        width: of ``shown``, in pixels.
        ms: milliseconds of drawing.
    """

    jpeg: bytes
    shown: bytes
    width: int
    ms: float


def pick(domain: Domain, state: PageState, outcomes: Sequence[Outcome]) -> int:
    """Which of several files is shown: arrows, a list, and a table of all of them."""
    count = len(outcomes)
    if count < 2:
        return 0
    key = f"{domain.id}.picked"
    state.picked = picked(domain, state, count)
    if st.session_state.get(key) != state.picked:
        st.session_state[key] = state.picked

    def step(by: int) -> None:
        st.session_state[key] = (st.session_state.get(key, 0) + by) % count

    with st.container(horizontal=True, vertical_alignment="bottom"):
        state.picked = st.selectbox(
            t("input.file"),
            range(count),
            format_func=lambda i: f"{i + 1}. {display_name(outcomes[i].name)}" + (" ⚠" if outcomes[i].error else ""),
            key=key,
            width=290,
        )
        with st.container(horizontal=True, width="content", gap="small", key="steps"):
            for way, by, icon in (("previous", -1, "chevron_left"), ("next", 1, "chevron_right")):
                name = t(f"input.{way}")
                st.button(
                    name, key=f"{domain.id}.{way}", on_click=step, args=(by,), icon=f":material/{icon}:", help=name
                )
    bad = sum(1 for outcome in outcomes if outcome.error and not outcome.stopped)
    if bad:
        st.warning(t("result.bad", count=bad, all=count), icon=":material/warning:")
    return state.picked


def picked(domain: Domain, state: PageState, count: int) -> int:
    """Which of several files will be shown; known before :func:`pick` has drawn its list."""
    # The list is the truth; the arrows and the number of files move it before it is made.
    chosen = st.session_state.get(f"{domain.id}.picked")
    if count > 1 and isinstance(chosen, int) and 0 <= chosen < count:
        return chosen
    return max(0, min(state.picked, count - 1))


def problem(outcome: Outcome) -> None:
    """The sentence of a file that could not be used, or that the person stopped."""
    if outcome.stopped:
        st.info(in_markdown(outcome.error), icon=":material/stop_circle:")
    else:
        st.error(in_markdown(outcome.error), icon=":material/error:")


def draw(
    store: Store,
    domain: Domain,
    key: object,
    picture: Picture,
    analysis: Analysis,
    chosen: Collection[int],
    labels: bool | None = None,
) -> Drawing:
    """The annotated picture; the last one of a page is remembered under the key."""
    key = (key, tuple(sorted(chosen)))
    known = store.drawn.get(domain.id)
    if known and known[0] == key:
        return known[1]
    started = time.perf_counter()
    drawn = annotate(picture.pixels, analysis, chosen, labels)
    milliseconds = (time.perf_counter() - started) * 1e3
    jpeg = jpeg_bytes(drawn)
    smaller = _smaller(drawn)
    shown = jpeg if smaller is drawn else jpeg_bytes(smaller, quality=88)
    result = Drawing(jpeg, shown, smaller.shape[1], milliseconds)
    store.drawn[domain.id] = (key, result)
    return result


def show_picture(picture: Picture, drawing: Drawing, alt: str, layer: Callable[[], None] | None = None) -> None:
    """The annotated picture at full resolution, or as large as a browser takes it, and what is to lie over it."""
    width = drawing.width
    with st.container(key="picture"):
        # A number keeps Streamlit from shrinking the picture to 1,460 pixels; the page never shows it wider than it is.
        st.image(drawing.shown, width=max(width, min(_LEAST_WIDTH, 3 * width)), alt=alt)
        if layer:
            layer()
    if width < picture.width:
        st.caption(t("result.scaled", shown=f"{width:,}", full=f"{picture.width:,}"))


def _smaller(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The picture (HxWx3) as large as a browser takes it; the same one when it is no larger."""
    from PIL import Image

    height, width = pixels.shape[:2]
    factor = min(1.0, (MOST_PIXELS_SHOWN / (width * height)) ** 0.5, _MOST_SIDE_SHOWN / max(width, height))
    if factor == 1.0:
        return pixels
    size = (max(1, int(width * factor)), max(1, int(height * factor)))
    return np.asarray(Image.fromarray(pixels).resize(size, reducing_gap=2.0))


def legend(analysis: Analysis) -> None:
    """Which colour stands for which class; it helps where a picture has too many finds to be labelled."""
    swatches(colours_of(analysis))


def swatches(colours: Mapping[str, Colour]) -> None:
    """Classes with their colours."""
    entries = "".join(
        f'<span class="entry"><span class="swatch" style="background: rgb{colour}"></span>{in_html(label)}</span>'
        for label, colour in colours.items()
    )
    if entries:
        st.html(f'<div class="gallery-legend">{entries}</div>')


def counts(analysis: Analysis, hidden: int, key: str = "counts") -> None:
    """How many of each class, the most frequent first; ``key`` where a page shows more than one of these."""
    tally = list(analysis.counts().items())
    if not tally:
        st.info(f"{t('result.none')} {t('result.none.help')}", icon=":material/search_off:")
    else:
        shown = tally if len(tally) <= 6 else [*tally[:5], (t("result.others"), sum(n for _, n in tally[5:]))]
        with st.container(key=key):
            for label, number in shown:
                st.metric(in_markdown(label), f"{number:,}", border=True)
    if hidden:
        st.caption(t("result.hidden", count=f"{hidden:,}"))


def sentences(analysis: Analysis | Clip, said: Collection[str] = ()) -> None:
    """What a person should read beside the result, without what is ``said`` elsewhere on the page."""
    for text in (*analysis.warnings, *analysis.cut):
        if text in said:
            continue
        st.caption(f":material/info: {in_markdown(text)}")
    if analysis.model.licence_note:
        st.caption(f":material/gavel: {t('result.licence', note=analysis.model.licence_note.removesuffix('.'))}")


def timings(analysis: Analysis) -> None:
    """Milliseconds by stage, in one line."""
    known = {stage: analysis.timings_ms[stage] for stage in STAGES if stage in analysis.timings_ms}
    key = "time.runtime.audio" if analysis.domain == "speech" else "time.runtime"
    parts = ", ".join(t(f"time.{stage}", ms=milliseconds(value)) for stage, value in known.items())
    st.caption(
        f":material/timer: {t('time.line', total=milliseconds(sum(known.values())), parts=Trusted(parts))} "
        f"{t(key, runtime=runtime_name(analysis.model.runtime))}"
    )


def milliseconds(value: float) -> str:
    """A time for people, with a unit: ``0.4 ms``, ``35 ms``, ``2.1 s``."""
    if value >= 1_000:
        return f"{value / 1e3:.1f} s" if value < 20_000 else f"{value / 1e3:.0f} s"
    return f"{value:.0f} ms" if value >= 1 or value == 0 else f"{value:.1f} ms"


def table(domain: Domain, analysis: Analysis, key: str) -> None:
    """One row for each find; chosen rows stand out in the picture (see :func:`chosen_rows`)."""
    st.subheader(t("result.table"), anchor=False)
    if not analysis.detections:
        st.caption(t("result.none"))
        return
    st.caption(t("result.table.help"))
    data: dict[str, list[Any]] = {
        plain("result.number"): list(range(1, len(analysis.detections) + 1)),
        plain("result.label"): [d.label for d in analysis.detections],
        plain("result.score"): [whole_percent(d.score) for d in analysis.detections],
    }
    if domain.id == "proximity":
        data[plain("result.distance")] = [
            f"{distance:.1f}" if (distance := d.attributes.get("distance_person_heights")) is not None else ""
            for d in analysis.detections
        ]
    data[plain("result.position")] = [f"{d.box[0]:.0f}, {d.box[1]:.0f}" for d in analysis.detections]
    data[plain("result.size")] = [f"{d.width:.0f} × {d.height:.0f}" for d in analysis.detections]
    st.dataframe(
        pd.DataFrame(data),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key=key,
        height=min(420, 38 + 35 * len(analysis.detections)),
        alt=t("result.table.alt"),
        column_config={
            plain("result.number"): st.column_config.NumberColumn(width=50),
            plain("result.score"): st.column_config.ProgressColumn(format="%d%%", min_value=0, max_value=100),
        },
    )


def whole_percent(score: float) -> int:
    """A confidence (0 to 1) as the number of a table's bar, which has no room for words: never 100."""
    return min(99, round(100 * score))


def chosen_rows(key: str, count: int) -> tuple[int, ...]:
    """Rows that are chosen in the table of this key, which stands further down on the page."""
    state = st.session_state.get(key)
    chosen = state["selection"]["rows"] if state else []
    return tuple(row for row in chosen if 0 <= row < count)


def toggle_row(key: str, row: int) -> None:
    """Choose a row of the table of this key, or give it up when it was the only one. For callbacks."""
    now = st.session_state.get(key)
    rows = [] if now and list(now["selection"]["rows"]) == [row] else [row]
    st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def all_files(outcomes: Sequence[Outcome], analyses: Sequence[Analysis | None]) -> None:
    """A table of several files: what was found in each, or what is wrong with it."""
    if len(outcomes) < 2:
        return
    with st.expander(t("result.files"), icon=":material/list:"):
        st.dataframe(
            pd.DataFrame(
                {
                    t("input.file"): [display_name(outcome.name) for outcome in outcomes],
                    t("result.found"): [
                        _found(analysis) if outcome.clip is None else _seen(outcome.clip)
                        for outcome, analysis in zip(outcomes, analyses, strict=True)
                    ],
                    t("result.files.error"): [outcome.error for outcome in outcomes],
                }
            ),
            hide_index=True,
        )


def _found(analysis: Analysis | None) -> str:
    if analysis is None:
        return ""
    if analysis.domain == "cells":
        answer, best = str(analysis.settings["answer"]), analysis.classes[0]
        return f"{answer} {percent(best.score)}" if answer == best.label else answer
    if analysis.domain == "speech":
        return analysis.text or ""
    return ", ".join(f"{number} {label}" for label, number in analysis.counts().items())


def _seen(clip: Clip) -> str:
    """What was found in a video: distinct objects where they were followed, otherwise the most in one frame."""
    return ", ".join(f"{tally['tracks'] or tally['most']} {label}" for label, tally in clip.labels.items())


def downloads(
    domain: Domain,
    name: str,
    analysis: Analysis,
    outcomes: Sequence[Outcome],
    analyses: Sequence[Analysis | None],
    jpeg: bytes | None,
    pixels: Any = None,
    *,
    extra: Sequence[tuple[str, Any, str, str]] = (),
) -> None:
    """Files to take along: of the file that is shown, and of all files together.

    Args:
        outcomes: what came of all files, in order.
        analyses: theirs, as the page shows them; None for a file that failed.
        jpeg: the annotated picture, or None.
        pixels: function that draws the annotated picture again, for a lossless file.
        extra: further files: key of the label, function that makes the contents, name, media type.

    What has to be made first is made when it is asked for, not at every run of the page.
    """
    # In groups, so that what belongs together stays together where the line breaks.
    with st.container(horizontal=True, key="downloads"):
        if extra or jpeg is not None:
            with _group():
                for each in extra:
                    _button(*each)
                if jpeg is not None:
                    _button("down.jpeg", jpeg, download_name(name, domain.id, "jpg"), "image/jpeg")
                    _button("down.png", lambda: png_bytes(pixels()), download_name(name, domain.id, "png"), "image/png")
        with _group():
            _button(
                "down.json", lambda: json_bytes([analysis]), download_name(name, domain.id, "json"), "application/json"
            )
            _button(
                "down.csv",
                lambda: csv_bytes(rows(analysis), columns(domain.id)),
                download_name(name, domain.id, "csv"),
                "text/csv",
            )
        downloads_of_all(domain, outcomes, analyses)


def downloads_of_files(
    domain: Domain,
    files: Sequence[tuple[str, Any, str, str]],
    outcomes: Sequence[Outcome],
    analyses: Sequence[Analysis | None],
) -> None:
    """Files that are there already, such as those of a video, and those of all files together.

    Args:
        files: key of the label, function that gives the contents, name, media type.
    """
    with st.container(horizontal=True, key="downloads"):
        with _group():
            for each in files:
                _button(*each)
        downloads_of_all(domain, outcomes, analyses)


def downloads_of_all(domain: Domain, outcomes: Sequence[Outcome], analyses: Sequence[Analysis | None]) -> None:
    """One JSON and one table of all files, those that failed among them; nothing for a single file."""
    if len(outcomes) < 2:
        return
    suffix = f", {t('down.all')}"
    with _group():
        _button(
            "down.json",
            lambda: json_entries(entries(domain, outcomes, analyses)),
            f"{domain.id}-all.json",
            "application/json",
            suffix,
        )
        _button(
            "down.csv", lambda: table_of_all(domain, outcomes, analyses), f"{domain.id}-all.csv", "text/csv", suffix
        )


def entries(domain: Domain, outcomes: Sequence[Outcome], analyses: Sequence[Analysis | None]) -> list[dict[str, Any]]:
    """One JSON object a file, in order, as the command line writes them (docs/schema.md)."""
    return [
        analysis.to_json()
        if analysis is not None
        else outcome.clip.to_json()
        if outcome.clip is not None
        else _failed(domain, outcome)
        for outcome, analysis in zip(outcomes, analyses, strict=True)
    ]


def table_of_all(domain: Domain, outcomes: Sequence[Outcome], analyses: Sequence[Analysis | None]) -> bytes:
    """All rows of all files as CSV.

    A file that failed has one row, with the sentence in a column ``error``. A video has one row for each label, with
    what was counted among its ``attributes``; its frames are in a table of its own.
    """
    table: list[Mapping[str, object]] = []
    for outcome, analysis in zip(outcomes, analyses, strict=True):
        if analysis is not None:
            table += rows(analysis)
        elif outcome.clip is not None:
            table += _rows_of_clip(outcome.clip)
        else:
            table.append(_failed(domain, outcome))
    failed = any(outcome.failed for outcome in outcomes)
    return csv_bytes(table, [*columns(domain.id), *(["error"] if failed else [])])


def _rows_of_clip(clip: Clip) -> list[Mapping[str, object]]:
    found = [
        {"file": clip.file, "label": label, "attributes": json.dumps(dict(tally))}
        for label, tally in clip.labels.items()
    ]
    return [*found] or [{"file": clip.file}]


def _failed(domain: Domain, outcome: Outcome) -> dict[str, Any]:
    return {"file": outcome.name, "domain": domain.id, "error": outcome.error}


def _group() -> Any:
    return st.container(horizontal=True, width="content")


def _button(key: str, data: Any, file_name: str, mime: str, suffix: str = "") -> None:
    st.download_button(
        t(key) + suffix,
        data,
        file_name=file_name,
        mime=mime,
        key=f"{key}{suffix}",
        icon=":material/download:",
        on_click="ignore",
    )


def how(domain: Domain) -> None:
    """How the application works, in plain words."""
    with st.expander(t("how.title"), icon=":material/school:"):
        st.markdown(t(f"how.{domain.id}"))
