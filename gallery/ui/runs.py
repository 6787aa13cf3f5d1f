"""From what a person gave to an analysis: looked up among the results of this visit, or run once and remembered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from gallery.domains import Domain
from gallery.errors import Busy, GalleryError, MediaError
from gallery.media.names import display_name
from gallery.media.types import Picture
from gallery.samples import Sample
from gallery.ui.inputs import Chosen
from gallery.ui.session import Given, Outcome, PageState, Store, session_id
from gallery.ui.shelf import SHELF
from gallery.ui.text import t
from gallery.ui.work import PICTURES, SPEECH, Cancelled, Job

#: The score at which pages run the detectors; sliders filter what was found above it.
FLOOR = 0.05
#: A run that is done sooner shows no progress bar, which would only flicker.
_QUIET_S = 0.4
_STEP_S = 0.15


def options_of(domain: Domain, state: PageState) -> Any:
    """The options of a run: only what the model has to know; what merely filters its result is left at the floor."""
    values = {"model": state.model, "runtime": state.runtime, "score": FLOOR, "language": state.language}
    kind = domain.module().Options
    known = {field.name for field in dataclasses.fields(kind)}
    if domain.id in ("cells", "speech"):
        values.pop("score")
    return kind(**{name: value for name, value in values.items() if name in known})


def source_key(item: Sample | Given) -> str:
    """What tells one input from every other."""
    return item.key if isinstance(item, Given) else f"sample:{item.id}"


def analyse_all(store: Store, domain: Domain, state: PageState, chosen: Chosen) -> list[Outcome]:
    """An outcome for everything that was chosen, in order. A bad file gets its sentence and the others go on.

    Raises:
        GalleryError: what concerns all files, such as a missing model or a busy computer.
    """
    items: list[Sample | Given] = [chosen.sample] if chosen.sample else list(chosen.given)
    options = options_of(domain, state)
    outcomes: list[Outcome] = []
    place = st.empty()
    for number, item in enumerate(items, 1):
        label = t("run.start")
        if len(items) > 1:
            label = t("run.many", number=number, count=len(items), name=display_name(item.name))  # type: ignore[union-attr]
        outcomes.append(_outcome(store, domain, item, options, label, place, (number - 1, len(items))))
    place.empty()
    return outcomes


def _outcome(
    store: Store, domain: Domain, item: Sample | Given, options: Any, label: str, place: Any, part: tuple[int, int]
) -> Outcome:
    key = (domain.id, source_key(item), options)
    if key in store.results:
        return store.results[key]
    name = item.title if isinstance(item, Sample) else item.name
    job = job_for(store, domain, item, options)
    follow(job, domain, place, label, part)
    store.jobs.pop(domain.id, None)
    if isinstance(job.error, MediaError):
        outcome = Outcome(name, source_key(item), None, str(job.error))
    elif job.error is not None and len_of(part) > 1 and not isinstance(job.error, GalleryError):
        return Outcome(name, source_key(item), None, t("error.unexpected"))
    elif job.error is not None:
        raise job.error
    else:
        outcome = Outcome(name, source_key(item), job.result)
    store.keep(key, outcome)
    return outcome


def len_of(part: tuple[int, int]) -> int:
    """How many inputs there are in all."""
    return part[1]


def job_for(store: Store, domain: Domain, item: Sample | Given, options: Any) -> Job:
    """The job that runs for this input already, or a new one; another one of the same page is cancelled.

    Raises:
        Busy: the line is full.
    """
    key = (domain.id, source_key(item), options)
    job = store.jobs.get(domain.id)
    if job is not None and job.key == key and not job.cancelled:
        return job
    if job is not None:
        job.cancel()
    workers = SPEECH if domain.media == "audio" else PICTURES
    job = workers.submit(key, session_id(), _work(domain, item, options, session_id()))
    store.jobs[domain.id] = job
    return job


def follow(job: Job, domain: Domain, place: Any, label: str, part: tuple[int, int] = (0, 1)) -> None:
    """Wait for a job and show how far it is. A rerun of the page ends the wait, not the job."""
    if job.wait(_QUIET_S if part[1] == 1 else 0.01):
        return
    workers = SPEECH if domain.media == "audio" else PICTURES
    while True:
        ahead = workers.ahead(job) if not job.started else 0
        done = (part[0] + job.fraction) / part[1]
        place.progress(min(done, 1.0), text=t("run.wait", count=ahead) if ahead else label)
        if job.wait(_STEP_S):
            return


def _work(domain: Domain, item: Sample | Given, options: Any, session: str) -> Callable[[Job], Any]:
    def work(job: Job) -> Any:
        media = SHELF.get(session, source_key(item)) if domain.media == "image" else None
        if media is None:
            media = read(domain, item)
        if isinstance(media, Picture):
            SHELF.put(session, source_key(item), media)
        return domain.module().analyse(media, options, progress=job.report)

    return work


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

    path = fetch(item)
    return path, path.name


def picture_of(domain: Domain, item: Sample | Given) -> Picture:
    """The picture of an input, read again if it was pushed out of memory."""
    picture = SHELF.get(session_id(), source_key(item))
    if picture is None:
        picture = read(domain, item)
        SHELF.put(session_id(), source_key(item), picture)
    return picture


__all__ = ["FLOOR", "Busy", "Cancelled", "analyse_all", "follow", "job_for", "options_of", "picture_of", "source"]
