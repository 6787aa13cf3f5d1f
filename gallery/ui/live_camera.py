"""A page's live camera: the browser's camera in, the annotated picture back, and what is seen below it."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from gallery.domains import Domain
from gallery.draw.boxes import annotate
from gallery.errors import Busy, GalleryError
from gallery.live import ice
from gallery.live.camera import STREAMS, Camera, Figures
from gallery.live.webrtc import CameraSink, annotated_track, clear_picture, waiting_in
from gallery.media.names import in_markdown
from gallery.results import Analysis
from gallery.ui import devices
from gallery.ui.inputs import given_of
from gallery.ui.runs import options_of, source_key
from gallery.ui.session import MOST_FILES, Given, Outcome, PageState, Store, session_id
from gallery.ui.text import plain, t
from gallery.ui.work import places, session_is_open
from gallery.wording import clock

Show = Callable[[Analysis], None]
"""Shows what is seen at the moment, below the picture."""

#: Cameras that may be on at the same time, of all visitors.
PLACES = places("GALLERY_LIVE_PLACES", 4)
#: Seconds after which a connection that has not come about is given up.
PATIENCE_S = 10.0
SIZES = ((640, 480), (1280, 720), (1920, 1080))
FACING = ("any", "environment", "user")
#: What the stream's own buttons and sentences are called.
_WORDS = (
    "start", "stop", "select_device", "media_api_not_available", "device_ask_permission", "device_not_available",
    "device_access_denied", "turn_camera_on", "turn_camera_off", "select_camera",
)  # fmt: skip
_MOST_LINES = 30
#: Objects that were seen in fewer frames are not told: most of them are no objects.
_LEAST_FRAMES = 5

_open: set[LiveCamera] = set()
_open_lock = threading.Lock()


class LiveCamera:
    """The camera of one visitor on one page; it outlives the page's script and is switched on and off with the stream.

    Attributes:
        camera: what is on, or was on last.
        asked_at: when a connection was last asked for, in seconds of the monotonic clock; None while there is none.
        failed: whether none came about in time.
        since: when the camera was switched on, as a clock shows it.
        offered: the recording and the snapshots that the page shows.
        trouble: why a recording could not be begun, or None.
    """

    def __init__(self, domain: Domain, kept: Store, session: str) -> None:
        self.camera: Camera | None = None
        self.asked_at: float | None = None
        self.failed = False
        self.since = ""
        self.offered: tuple[object, ...] = ()
        self.trouble: GalleryError | None = None
        self._domain = domain
        self._folders = kept.folders
        self._session = session
        self._settings: tuple[Any, ...] = ()
        self._look: Callable[[Any], Analysis] | None = None
        self._narrow: Callable[[Analysis], Analysis] | None = None
        self._annotated: Callable[..., npt.NDArray[np.uint8]] = annotate
        self._recording = ExitStack()
        self._ends: tuple[CameraSink, Any] | None = None

    def set(
        self,
        options: Any,
        narrow: Callable[[Analysis], Analysis],
        annotated: Callable[..., npt.NDArray[np.uint8]],
    ) -> None:
        """Take the page's present settings, also while the camera is on."""
        analyse = self._domain.module().analyse
        self._look = (
            partial(analyse, options=options)
            if self._domain.id == "cells"
            else partial(analyse, options=options, streams=STREAMS)
        )
        self._narrow, self._annotated = narrow, annotated
        if self.camera is not None and not self.camera.closed:
            self.camera.look, self.camera.narrow = self._look, narrow

    def ends(self) -> tuple[CameraSink, Any]:
        """Where the browser's frames go and where the annotated ones come from, for a connection that is made now."""
        if self._ends is None or self._ends[1].readyState != "live":
            from streamlit_webrtc.relay import get_global_relay

            clear_picture()
            mine: list[Camera] = []  # the camera of this connection: its end must not switch off that of the next

            def begin() -> Camera:
                mine.append(self.begin())
                return mine[-1]

            def end() -> None:
                track.stop()
                for camera in mine:
                    self._off(camera)

            track = annotated_track(lambda: mine[-1] if mine else None, waiting_in(get_global_relay()))
            self._ends = CameraSink(begin, end, self._wanted), track
        return self._ends

    @property
    def on(self) -> bool:
        """Whether the camera is on."""
        return self.camera is not None and not self.camera.closed

    def begin(self) -> Camera:
        """Switch on; called when a connection is made."""
        assert self._look is not None
        self._off(self.camera)
        camera = Camera(self._look, self._narrow, follow=self._domain.id != "cells", annotated=self._annotated)
        with _open_lock:
            full = len(_open) >= PLACES
            if not full:
                _open.add(self)
        if full:
            camera.error = Busy(plain("live.busy.problem"), plain("live.busy.remedy"))
            camera.close()
        self.since = datetime.now().strftime("%H:%M:%S")
        self.camera = camera
        return camera

    def end(self) -> None:
        """Switch off; what was seen can still be read. May be called from any thread and more than once."""
        self._off(self.camera)
        if self._ends is not None:
            self._ends[1].stop()

    def _off(self, camera: Camera | None) -> None:
        """Switch one camera off, and let go of its place if it is the present one."""
        if camera is not None:
            camera.close()
        if camera is self.camera:
            with _open_lock:
                _open.discard(self)
            self._recording.close()

    def close(self) -> None:
        """Switch off and forget."""
        self.end()
        self.camera = None

    def record(self) -> None:
        """Begin to write down the annotated picture; where there is no room, :attr:`trouble` says so."""
        self.trouble = None
        if self.camera is None or not self.on:
            return
        try:
            folder = self._recording.enter_context(self._folders.new(self._session))
        except GalleryError as error:
            self.trouble = error
        else:
            self.camera.start_recording(folder / "camera.mp4")

    def stop_recording(self) -> None:
        """End the recording; the camera knows where it is, or why there is none."""
        if self.camera is not None:
            self.camera.stop_recording()
        self._recording.close()

    def _wanted(self) -> bool:
        return session_is_open(self._session)


def show(
    kept: Store,
    domain: Domain,
    state: PageState,
    narrow: Callable[[Analysis], Analysis],
    summary: Show,
    annotated: Callable[..., npt.NDArray[np.uint8]] = annotate,
) -> None:
    """The camera and what it sees.

    Args:
        narrow: what is shown of an analysis, at the page's settings.
        summary: shows the figures of what is seen at the moment.
        annotated: draws a narrowed analysis.
    """
    live = kept.live.get(domain.id)
    if not isinstance(live, LiveCamera):
        live = kept.live[domain.id] = LiveCamera(domain, kept, session_id())
    live.set(options_of(domain, state), narrow, annotated)
    key = f"{domain.id}.live.{kept.round}"
    found = devices.look("camera", f"{key}.devices")
    trouble = devices.problem(found, "camera")
    if trouble:
        st.error(trouble, icon=":material/videocam_off:")
        if found is not None and not (found.secure and found.api):
            return
    constraints = _constraints(domain, key, live.on)
    _stream(live, f"stream.{key}", constraints)
    live.offered = _offers(live, state)
    if live.camera is not None:
        _recorded(live.camera, domain, key)
    if live.failed:
        _instead(state, domain, key)
    st.fragment(_panel, run_every=1.0)(kept, domain, state, live, key, summary)


def leave(kept: Store, domain: Domain) -> None:
    """Switch the camera off when the page shows something else; what it saw is there when the person comes back."""
    live = kept.live.get(domain.id)
    if isinstance(live, LiveCamera):
        live.asked_at = None
        live.end()


def _constraints(domain: Domain, key: str, fixed: bool) -> dict[str, Any]:
    """Which camera and how large; ``fixed`` while it is on."""
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}.choice"):
        size = st.selectbox(
            t("live.size"),
            SIZES,
            format_func=lambda size: f"{size[0]} × {size[1]}",
            key=f"{key}.size",
            disabled=fixed,
            width=170,
        )
        facing = st.segmented_control(
            t("live.facing"),
            FACING,
            format_func=lambda way: t(f"live.facing.{way}"),
            default="any" if domain.id == "cells" else "environment",
            key=f"{key}.facing",
            required=True,
            disabled=fixed,
        )
    video: dict[str, Any] = {
        "width": {"ideal": size[0]},
        "height": {"ideal": size[1]},
        "frameRate": {"ideal": 30, "max": 30},
    }
    if facing in ("environment", "user"):
        video["facingMode"] = {"ideal": facing}
    return {"video": video, "audio": False}


def _stream(live: LiveCamera, key: str, constraints: dict[str, Any]) -> None:
    from streamlit_webrtc import WebRtcMode, webrtc_streamer

    sink, track = live.ends()
    with st.container(key="live"):
        context = webrtc_streamer(
            key=key,
            mode=WebRtcMode.SENDRECV,
            rtc_configuration=ice.configuration(),
            media_stream_constraints=constraints,
            sink_video_track=sink,
            source_video_track=track,
            video_html_attrs={"autoPlay": True, "controls": False, "muted": True, "style": {"width": "100%"}},
            translations=_words(),
        )
    asked = context.state.playing or context.state.signalling
    if not asked:
        live.asked_at = None
        if live.on:  # the browser has stopped; the connection's own end may take half a minute
            live.end()
    elif live.asked_at is None:
        live.asked_at = time.monotonic()
        live.failed = False


def _words() -> Any:
    return {name: plain(f"live.stream.{name}") for name in _WORDS}


def _instead(state: PageState, domain: Domain, key: str) -> None:
    """A photo in place of the stream, with the reason."""
    st.warning(t("live.failed", seconds=f"{PATIENCE_S:g}"), icon=":material/wifi_off:")

    def taken() -> None:
        file = st.session_state.get(f"{key}.photo")
        if file is not None:
            _keep_shot(state, given_of(file))

    st.camera_input(t("input.camera.pick"), key=f"{key}.photo", on_change=taken)


def _panel(kept: Store, domain: Domain, state: PageState, live: LiveCamera, key: str, summary: Show) -> None:
    """What is seen, refreshed every second without touching the stream."""
    camera = live.camera
    shown = camera.shown if camera is not None else None
    if live.asked_at is not None and not live.failed:
        waited = time.monotonic() - live.asked_at
        received = camera.figures().received if camera is not None and live.on else 0
        if not received and waited > PATIENCE_S and (camera is None or camera.error is None):
            live.failed = True
            st.rerun()
    if camera is not None and camera.error is not None:
        st.error(in_markdown(str(camera.error)), icon=":material/error:")
    unrecorded = live.trouble or (camera.unrecorded if camera is not None else None)
    if unrecorded is not None:
        st.error(in_markdown(str(unrecorded)), icon=":material/error:")
    if camera is None or shown is None:
        st.caption(t("live.connecting") if live.asked_at is not None else t("live.idle"))
        return
    _buttons(kept, domain, state, live, camera, key)
    if camera.recording_s is not None:
        st.caption(f":material/fiber_manual_record: {t('live.recording', time=clock(camera.recording_s))}")
    if live.on:
        st.caption(f":material/timer: {_line(camera.figures(), camera.paused)}")
    else:
        st.image(shown.frame.to_ndarray(format="rgb24"), width="stretch", output_format="JPEG")
        st.caption(t("live.ended"))
    summary(shown.narrowed)
    if live.offered != _offers(live, state):  # the page shows it outside of what is refreshed here
        st.rerun()
    _log(domain, camera, live)


def _offers(live: LiveCamera, state: PageState) -> tuple[object, ...]:
    """What there is beside the stream."""
    return (live.camera and live.camera.recorded, *(shot.key for shot in state.shots))


def _buttons(kept: Store, domain: Domain, state: PageState, live: LiveCamera, camera: Camera, key: str) -> None:
    with st.container(horizontal=True, key="live-buttons"):
        if live.on:
            way = "resume" if camera.paused else "pause"
            icon = "play_arrow" if camera.paused else "pause"
            st.button(
                t(f"live.{way}"),
                key=f"{key}.pause",  # one key for both, so that its neighbours stay where they are
                on_click=camera.pause,
                args=(not camera.paused,),
                width=120,
                icon=f":material/{icon}:",
            )
        st.button(
            t("live.snapshot"),
            key=f"{key}.snapshot",
            on_click=_snapshot,
            args=(kept, domain, state, camera),
            icon=":material/photo_camera:",
        )
        seconds = camera.recording_s
        if seconds is not None:
            st.button(
                t("live.record.stop"),
                key=f"{key}.record.stop",
                on_click=live.stop_recording,
                icon=":material/stop:",
                type="primary",
            )
        elif live.on:
            st.button(
                t("live.record"), key=f"{key}.record", on_click=live.record, icon=":material/fiber_manual_record:"
            )


def _line(figures: Figures, paused: bool) -> str:
    if paused:
        return t("live.paused")
    return t(
        "live.figures",
        fps=f"{figures.fps:.0f}",
        camera=f"{figures.camera_fps:.0f}",
        infer=f"{figures.infer_ms:.0f}",
        latency=f"{figures.latency_ms:.0f}",
        dropped=f"{figures.dropped:.0%}",
        size=f"{figures.width} × {figures.height}",
    )


def _snapshot(kept: Store, domain: Domain, state: PageState, camera: Camera) -> None:
    """Keep the frame that is shown as a picture of the person's, with what was found in it."""
    from PIL import Image

    shown = camera.shown
    if shown is None:
        return
    name = f"camera {datetime.now():%Y-%m-%d %H-%M-%S}.png"
    stream = io.BytesIO()
    Image.fromarray(shown.pixels).save(stream, "PNG", compress_level=1)
    given = Given(name, f"snapshot:{time.time_ns()}", stream.getvalue())
    options = options_of(domain, state)
    if shown.analysis.model.id == options.model and shown.analysis.model.runtime == options.runtime:
        outcome_key = (domain.id, source_key(given), options)
        kept.keep(outcome_key, Outcome(name, outcome_key, replace(shown.analysis, file=name)))
    _keep_shot(state, given)


def _keep_shot(state: PageState, given: Given) -> None:
    state.shots = [*state.shots, given][-MOST_FILES:]
    state.picked = len(state.shots) - 1


def _recorded(camera: Camera, domain: Domain, key: str) -> None:
    path = camera.recorded
    if path is None or camera.recording_s is not None:
        return
    st.caption(t("live.recorded"))
    if not path.is_file():
        st.caption(t("live.recorded.gone"))
        return
    st.video(str(path))
    st.download_button(
        t("live.recorded.save"),
        partial(Path.read_bytes, path),
        file_name=f"{domain.id}-camera.mp4",
        mime="video/mp4",
        key=f"{key}.save",
        icon=":material/download:",
        on_click="ignore",
    )


def _log(domain: Domain, camera: Camera, live: LiveCamera) -> None:
    """Who came and went, the newest first."""
    lines: list[tuple[float, str, str, str]] = []
    for track in camera.tracks():
        if track.frames >= _LEAST_FRAMES:
            name = f"{track.label} #{track.id}"
            lines.append(
                (track.first_s, plain("live.log.seen"), name, clock(track.last_s - track.first_s, tenths=True))
            )
    for met in camera.met():
        what = plain("live.log.near", distance=f"{met.distance:.1f}", unit=met.unit)
        names = " – ".join(
            f"{label} #{number}" if number else label for label, number in zip(met.labels, met.tracks, strict=True)
        )
        lines.append((met.time_s, what, names, clock(met.end_s - met.time_s, tenths=True)))
    if not lines:
        return
    lines.sort(key=lambda line: -line[0])
    with st.expander(t("live.log", count=f"{len(lines):,}", since=live.since), icon=":material/list:"):
        st.dataframe(
            pd.DataFrame(
                [(clock(at, tenths=True), what, name, lasted) for at, what, name, lasted in lines[:_MOST_LINES]],
                columns=[plain(f"live.log.{column}") for column in ("time", "what", "who", "lasted")],
            ),
            hide_index=True,
        )
