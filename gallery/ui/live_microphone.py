"""The live microphone on the speech page: words appear while somebody speaks, and stay when the page is left."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from gallery.domains import Domain
from gallery.errors import Busy, GalleryError
from gallery.export.documents import columns, json_bytes, rows
from gallery.export.subtitles import to_srt, to_text, to_vtt
from gallery.export.tables import csv_bytes
from gallery.live import ice
from gallery.live.microphone import SILENCE_DB, Listener, Options, State, free_places
from gallery.live.sound import MicrophoneSink, broken_off
from gallery.live.transcript import MOST_S, Transcript
from gallery.media.names import download_name, in_markdown
from gallery.media.types import Recording
from gallery.results import Analysis, Segment
from gallery.ui import devices, model_card
from gallery.ui.model_card import title_of
from gallery.ui.session import Given, PageState, Store
from gallery.ui.text import plain, t
from gallery.wording import clock
from gallery.zoo import registry

#: Seconds between two looks at what was said.
_STEP_S = 0.4
#: A connection that brings no sound within so many seconds is not waited for any longer.
PATIENCE_S = 10.0
#: The browser says so within this time when it was the one to end a connection.
_GRACE_S = 2.0
#: Lines that are on the page at a time.
_SHOWN = 60
#: Words below this confidence are shaded, as in a recording.
_UNSURE = 0.5
#: The quietest sound that the meter shows, decibels.
_FLOOR_DB = -60.0

_HTML = """
<div class="head"><span class="dot"></span><span class="status" role="status"></span>
<span class="meter" role="meter" aria-valuemin="0" aria-valuemax="100"><span></span></span></div>
<div class="box" tabindex="0">
<div class="lines" role="log" aria-live="polite"></div><p class="partial"></p><p class="empty"></p></div>
"""
_CSS = """
.head { display: flex; align-items: center; gap: 0.6rem; min-height: 2rem; font-size: 0.95rem; }
.dot { width: 0.75rem; height: 0.75rem; border-radius: 50%; flex: none; border: 2px solid currentColor; opacity: 0.6; }
.dot.on { background: #D1242F; border-color: #D1242F; opacity: 1; }
.status { flex: 1 1 auto; }
.meter { flex: none; width: min(30%, 12rem); height: 0.6rem; border-radius: 0.3rem; overflow: hidden;
  background: color-mix(in srgb, currentColor 15%, transparent); }
.meter > span { display: block; height: 100%; background: var(--st-primary-color); }
.box { min-height: 8rem; max-height: 60vh; overflow-y: auto; border-radius: 0.6rem; padding: 0.4rem 1rem 0.9rem;
  background: color-mix(in srgb, currentColor 5%, transparent); }
p { font-size: 1.3rem; line-height: 1.6; max-width: 60rem; margin: 0.35rem 0 0; overflow-wrap: anywhere; }
p:empty { display: none; }
.time { font-size: 0.8rem; opacity: 0.75; font-variant-numeric: tabular-nums; margin-right: 0.3rem; }
.partial { color: color-mix(in srgb, currentColor 68%, transparent); font-style: italic; }
.empty { font-size: 1.05rem; opacity: 0.75; }
mark { color: inherit; background: color-mix(in srgb, #E69F00 32%, transparent); border-radius: 0.2rem; }
"""
_component: Any = None
#: The page that has a microphone.
_PAGE = "speech"


@dataclass(frozen=True, slots=True)
class File:
    """A file to download: the key of its label, its bytes, its name and its MIME type."""

    key: str
    data: bytes
    name: str
    mime: str


@dataclass
class Microphone:
    """What one visitor has said, and the connection that it comes through.

    Attributes:
        transcript: what was said.
        options: how to listen.
        sink: the connection that is, or that comes next.
        before: who listened at the connection before; it may still be writing down the last words.
        waiting_since: when the browser's microphone was found to be on.
        lost: whether the last one was given up.
        broken: whether the last one worked and then broke off.
        offered: whether there is something to download.
        refused: the connection whose refusal the page has seen.
        made: the files to download, and what they were made of.
    """

    transcript: Transcript = field(default_factory=Transcript)
    options: Options = field(default_factory=Options)
    sink: MicrophoneSink | None = None
    before: Listener | None = None
    waiting_since: float | None = None
    lost: bool = False
    broken: bool = False
    offered: bool = False
    refused: MicrophoneSink | None = None
    made: tuple[object, list[File]] | None = None

    def end(self, on: bool = False) -> MicrophoneSink:
        """The sink for the present connection, or for the next. One that has ended stays while the browser is on."""
        if self.sink is None or (self.sink.stopped and not on):
            self.before = self.listener
            self.sink = MicrophoneSink(lambda: Listener(self.options, self.transcript))
        return self.sink

    @property
    def listener(self) -> Listener | None:
        """Who listens, or listened last."""
        return (self.sink.listener if self.sink else None) or self.before

    def choose(self, options: Options) -> None:
        """How to listen from now on."""
        if options != self.options:
            self.options = options
            if self.listener is not None:
                self.listener.choose(options)

    def clear(self) -> None:
        """Forget what was said."""
        self.offered, self.made = False, None
        listener = self.listener
        if self.before is not None and self.before is not listener:
            self.before.close()
        if listener is not None and not listener.state().closed:
            listener.clear()
        else:
            self.transcript.reset()

    def stop(self) -> None:
        """End the connection; what was said is kept."""
        if self.sink is not None:
            self.sink.stop()
            self.before, self.sink = self.listener, None

    def close(self) -> None:
        """End, and forget everything."""
        earlier = self.before
        self.stop()
        for each in (earlier, self.before):
            if each is not None:
                each.close()
        self.made = None
        self.transcript.reset()


def leave(kept: Store) -> None:
    """Switch the microphone off, because the page shows something else."""
    microphone = kept.live.get(_PAGE)
    if isinstance(microphone, Microphone):
        microphone.stop()


def show(kept: Store, domain: Domain, state: PageState, narrowed: Callable[[Analysis, float], Analysis]) -> None:
    """The panel.

    Args:
        narrowed: leaves out what is less sure than a score.

    Raises:
        GalleryError: a setting cannot be used.
    """
    known = kept.live.get(_PAGE)
    microphone = known if isinstance(known, Microphone) else Microphone()
    kept.live[_PAGE] = microphone
    model = state.model if state.model in registry.load() else domain.default_model
    microphone.choose(Options(model, state.language))
    st.markdown(t("mic.lead"))
    problem = devices.problem(devices.look("microphone", key=f"microphone.devices.{kept.round}"), "microphone")
    if problem:
        st.warning(problem, icon=":material/mic_off:")
    on = _connection(kept, microphone)
    again = on or (microphone.listener is not None and not microphone.listener.state().closed)
    microphone.offered = bool(len(microphone.transcript))

    def downloads() -> None:
        if microphone.offered:
            _downloads(domain, microphone, narrowed, state.score, again)

    st.fragment(_follow, run_every=_STEP_S if again else None)(microphone, state.score, on, again, downloads)
    other = model != state.model or state.runtime not in ("", "ctranslate2")
    st.caption(t("mic.model.own" if other else "mic.model", model=title_of(model)))
    if microphone.lost:
        _record(kept, domain, state)
    analysis = microphone.transcript.analysis()
    if analysis is not None:
        model_card.show(analysis.model)


def _connection(kept: Store, microphone: Microphone) -> bool:
    """The button that starts and stops; whether the browser's microphone is on, or about to be."""
    from streamlit_webrtc import WebRtcMode, webrtc_streamer

    key = f"stream.microphone.{kept.round}"
    was_on = _is_on(key)
    sink = microphone.end(was_on)
    over = was_on and (microphone.lost or _over(sink))
    if sink.offered_at is None and not free_places():
        _problem(Busy(t("busy.problem"), t("busy.remedy")))
        st.button(t("mic.retry"), key="microphone.retry", icon=":material/replay:")
        return False
    with st.container(key="microphone"):
        context = webrtc_streamer(
            key=key,
            mode=WebRtcMode.SENDONLY,
            rtc_configuration=ice.configuration(),
            media_stream_constraints={
                "audio": {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": True},
                "video": False,
            },
            # A connection that was refused or brings nothing is ended from here; the button is hidden meanwhile.
            desired_playing_state=False if over else None,
            sink_audio_track=sink,
            media_toggle_controls=False,
            translations={
                "start": plain("mic.start"),
                "stop": plain("mic.stop"),
                "select_device": plain("mic.select"),
                "select_microphone": plain("mic.select"),
                "media_api_not_available": plain("mic.unable"),
                "device_ask_permission": plain("mic.asks"),
                "device_not_available": plain("mic.absent"),
                "device_access_denied": plain("mic.denied"),
            },
        )
    on = bool(context.state.playing or context.state.signalling)
    if not on:
        microphone.waiting_since = None
        microphone.end()
    elif microphone.waiting_since is None:
        microphone.waiting_since = time.monotonic()
        microphone.lost = microphone.broken = False
    elif over and not microphone.lost and sink.problem is None and not microphone.transcript.full:
        if not sink.connected:
            microphone.lost = True
        elif sink.listener is not None and sink.listener.state().problem is None:
            microphone.broken = True
    return on


def _is_on(key: str) -> bool:
    """Whether the browser's microphone is on, or about to be, as the browser said before this run of the page."""
    context = st.session_state.get(key)
    return context is not None and bool(context.state.playing or context.state.signalling)


def _follow(microphone: Microphone, score: float, on: bool, again: bool, downloads: Callable[[], None]) -> None:
    """What changes by itself: the text, the level, the figures and the files."""
    listener = microphone.listener
    now = listener.state() if listener is not None else None
    _text(microphone, now, score, on)
    with st.container(horizontal=True):
        if now is not None and not now.closed and on:
            label, icon = ("mic.resume", "play_arrow") if now.paused else ("mic.pause", "pause")
            turn = listener.resume if listener is not None and now.paused else listener.pause if listener else None
            st.button(t(label), key="microphone.pause", icon=f":material/{icon}:", on_click=turn)
        if len(microphone.transcript):
            st.button(t("mic.clear"), key="microphone.clear", icon=":material/delete:", on_click=microphone.clear)
    _figures(microphone, now, score)
    _complaints(microphone, now)
    downloads()
    _changes(microphone, now, on, again)


def _text(microphone: Microphone, now: State | None, score: float, on: bool) -> None:
    global _component
    if _component is None:
        script = (Path(__file__).parent / "assets" / "transcript.js").read_text(encoding="utf-8")
        _component = st.components.v2.component("gallery_transcript", html=_HTML, css=_CSS, js=script)
    number = microphone.transcript.round
    lines = [
        (f"{number}.{place}", line) for place, line in enumerate(microphone.transcript.lines()) if line.score >= score
    ]
    level = now.level if now is not None and not now.closed else SILENCE_DB
    _component(
        key="microphone.text",
        data={
            "lines": [_line(name, line) for name, line in lines[-_SHOWN:]],
            "partial": now.partial if now is not None else "",
            "empty": plain("mic.empty"),
            "status": plain(_status(microphone, now, on)),
            "on": bool(on and now is not None and now.ready and not now.paused),
            "level": round(100 * min(1.0, max(0.0, 1 - level / _FLOOR_DB))),
            "level_label": plain("mic.level"),
        },
    )
    if len(lines) > _SHOWN:
        st.caption(t("mic.earlier", count=f"{len(lines) - _SHOWN:,}"))


def _line(name: str, segment: Segment) -> dict[str, Any]:
    words = [[word.text, word.score < _UNSURE] for word in segment.words] or [[segment.text, False]]
    return {"id": name, "at": clock(int(segment.start)), "words": words}


def _status(microphone: Microphone, now: State | None, on: bool) -> str:
    sink = microphone.sink
    if not on:
        return "mic.ending" if now is not None and not now.closed else "mic.off"
    if sink is None or sink.listener is None or now is None or not sink.connected:
        return "mic.connecting"
    if now.closed:
        return "mic.off"
    if now.paused:
        return "mic.paused"
    if not now.ready:
        return "mic.loading"
    return "mic.speaking" if now.speaking else "mic.listening"


def _figures(microphone: Microphone, now: State | None, score: float) -> None:
    if not microphone.transcript.heard:
        return
    lines = [line for line in microphone.transcript.lines() if line.score >= score]
    with st.container(key="counts"):
        heard = microphone.transcript.heard / Recording.RATE
        st.metric(t("mic.heard"), clock(int(heard)), border=True, help=t("mic.heard.help"))
        st.metric(t("mic.words"), f"{sum(len(line.text.split()) for line in lines):,}", border=True)
        if now is not None and now.latency_s is not None:
            st.metric(
                t("mic.delay"),
                plain("mic.delay.value", seconds=f"{now.latency_s:.1f}"),
                border=True,
                help=t("mic.delay.help"),
            )


def _complaints(microphone: Microphone, now: State | None) -> None:
    """Sentences about what goes wrong."""
    sink = microphone.sink
    if sink is not None and sink.problem is not None:
        _problem(sink.problem)
    if now is not None and now.problem is not None:
        _problem(now.problem)
    if microphone.broken:
        _problem(broken_off())
    if now is not None and now.skipped_s:
        st.warning(t("mic.late", seconds=f"{now.skipped_s:.0f}"), icon=":material/speed:")
    for sentence in microphone.transcript.warnings():
        st.warning(in_markdown(sentence), icon=":material/info:")
    if microphone.transcript.full:
        st.warning(t("mic.full", limit=clock(MOST_S)), icon=":material/info:")


def _changes(microphone: Microphone, now: State | None, on: bool, again: bool) -> None:
    """Run the whole page again when more than the text has changed."""
    sink = microphone.sink
    since = microphone.waiting_since
    silent = sink is not None and not sink.connected and not _over(sink)
    if on and silent and since is not None and not microphone.lost and time.monotonic() - since > PATIENCE_S:
        microphone.lost = True
        st.rerun()
    failed = on and sink is not None and _over(sink) and microphone.refused is not sink
    if failed:
        microphone.refused = sink
    ended = again and not on and now is not None and now.closed
    if bool(len(microphone.transcript)) != microphone.offered or failed or ended:
        st.rerun()


def _over(sink: MicrophoneSink) -> bool:
    """Whether nobody listens any more, although the browser counts as on."""
    if sink.problem is not None:
        return True
    if sink.ended_at is not None:
        return time.monotonic() - sink.ended_at > _GRACE_S
    return sink.listener is not None and sink.listener.state().closed


def _problem(error: GalleryError) -> None:
    st.error(in_markdown(str(error)), icon=":material/error:")


def _record(kept: Store, domain: Domain, state: PageState) -> None:
    """The way without a connection: record first, then have it written down."""
    st.warning(t("mic.lost", seconds=f"{PATIENCE_S:.0f}"), icon=":material/mic_off:")
    key = f"microphone.record.{kept.round}"

    def recorded() -> None:
        file = st.session_state.get(key)
        if file is not None:
            data = file.getvalue()
            state.given = [Given(file.name, f"{hashlib.sha256(data).hexdigest()}:{file.name}", data)]
            state.picked = 0
            state.mode = st.session_state[f"{domain.id}.mode"] = "record"

    st.audio_input(t("mic.lost.record"), key=key, on_change=recorded)


def _downloads(
    domain: Domain,
    microphone: Microphone,
    narrowed: Callable[[Analysis, float], Analysis],
    score: float,
    listening: bool,
) -> None:
    """The same files as of a recording, of what was said until now."""
    transcript = microphone.transcript
    # The length goes on with every piece of sound; while somebody listens, the files follow the text only.
    source = transcript.round, transcript.changes, score, None if listening else transcript.heard
    if microphone.made is None or microphone.made[0] != source:
        analysis = transcript.analysis()
        if analysis is None:
            return
        microphone.made = source, _files(domain, narrowed(analysis, score))
    with st.container(horizontal=True, key="downloads"):
        for file in microphone.made[1]:
            # Not a function that makes it: Streamlit drops what that gives after two steps of this page.
            st.download_button(
                t(file.key),
                file.data,
                file_name=file.name,
                mime=file.mime,
                key=f"microphone.{file.key}",
                icon=":material/download:",
                on_click="ignore",
            )


def _files(domain: Domain, analysis: Analysis) -> list[File]:
    def named(part: str, ending: str) -> str:
        return download_name(analysis.file, part, ending)

    srt, vtt = to_srt(analysis.segments).encode(), to_vtt(analysis.segments).encode()
    table = csv_bytes(rows(analysis), columns(domain.id))
    return [
        File("down.txt", to_text(analysis).encode(), named("transcript", "txt"), "text/plain"),
        File("down.srt", srt, named("subtitles", "srt"), "application/x-subrip"),
        File("down.vtt", vtt, named("subtitles", "vtt"), "text/vtt"),
        File("down.json", json_bytes([analysis]), named(domain.id, "json"), "application/json"),
        File("down.csv", table, named(domain.id, "csv"), "text/csv"),
    ]
