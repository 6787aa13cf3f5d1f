"""Videos on the pages that find objects, through Streamlit's test runner, on the real models."""

from __future__ import annotations

import csv
import io
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gallery.clips import Clip
from gallery.domains import DOMAINS
from gallery.ui import clip_folders, clip_view, results_view
from gallery.ui.session import Outcome
from gallery.ui.text import t
from gallery.ui.work import VIDEO, Job
from tests.films import film, pan
from tests.pages.app_driver import errors, read_by_a_person, store, upload

Visit = Callable[..., AppTest]
FRAMES = 12


@pytest.fixture(scope="module")
def clip() -> bytes:
    """A second of a camera that moves over a bus and people."""
    return film(frames=pan(FRAMES), rate=12)


def only_sound(path: Path) -> bytes:
    """A container of moving pictures that holds a tone and nothing else."""
    import av

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        for number in range(40):
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            tone.sample_rate, tone.pts = 48_000, number * 1024
            container.mux(stream.encode(tone))
        container.mux(stream.encode())
    return path.read_bytes()


@pytest.fixture(autouse=True)
def nothing_left(app: AppTest) -> Iterator[None]:
    """The files of a test's visit go with it."""
    yield
    store(app).folders.close()


def clips(app: AppTest) -> list[Clip]:
    """The clips of this visit, oldest first."""
    return [outcome.clip for outcome in store(app).results.values() if outcome.clip]


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def texts(app: AppTest) -> str:
    return read_by_a_person("\n".join(each.value for kind in (app.caption, app.info, app.markdown) for each in kind))


@pytest.mark.parametrize("domain", ["signs", "proximity", "satellite"])
def test_an_uploaded_video_comes_back_marked_and_counted(visit: Visit, clip: bytes, domain: str) -> None:
    app = upload(visit(domain, score="0.35"), domain, ("street.mp4", clip))
    assert errors(app) == []
    found = clips(app)[-1]
    assert found.file == "street.mp4" and found.domain == domain and found.frames == FRAMES and not found.stopped
    assert len(app.get("video")) == 1
    buttons = {each.proto.label for each in app.get("download_button")}
    assert {"Marked video (MP4)", "Every frame (CSV)", "Every frame (JSON)"} <= buttons
    assert f"{FRAMES} frames" in texts(app) and "confidence at least 35%" in texts(app)
    document = json.loads(found.files["json"].read_text(encoding="utf-8"))
    assert len(document["frames"]) == FRAMES
    if domain != "satellite":
        assert found.labels["bus"]["tracks"] == 1 and metrics(app)["bus"] == "1"
        assert list(app.dataframe[-1].value["No."]) == [track.id for track in found.tracks]
    if domain == "proximity":
        assert metrics(app)["Alerts"] == str(len(found.alerts)) != "0"
        assert list(app.dataframe[0].value["Alert"]) == [alert.message for alert in found.alerts]


def test_only_finds_of_the_chosen_score_and_classes_are_kept(visit: Visit, clip: bytes) -> None:
    app = visit("signs", score="0.6", labels="bus")
    app = upload(app, "signs", ("street.mp4", clip))
    found = clips(app)[-1]
    assert set(found.labels) == {"bus"}
    rows = list(csv.DictReader(io.StringIO(found.files["csv"].read_text(encoding="utf-8-sig"))))
    assert rows and all(row["label"] == "bus" and float(row["score"]) >= 0.6 for row in rows)
    assert found.settings["score"] == 0.6 and found.settings["labels"] == ["bus"]


def test_classes_that_are_not_shown_still_set_off_alerts(visit: Visit, clip: bytes) -> None:
    app = upload(visit("proximity", labels="bus", limit="5"), "proximity", ("street.mp4", clip))
    assert errors(app) == []
    assert set(clips(app)[-1].labels) == {"bus"} and clips(app)[-1].alerts


def test_changed_settings_do_not_run_a_video_again_until_they_are_asked_for(
    visit: Visit, clip: bytes, count_runs: Callable[[], int]
) -> None:
    app = upload(visit("signs"), "signs", ("street.mp4", clip))
    runs = count_runs()
    assert "clip.again" not in {button.key for button in app.button}
    app.slider(key="signs.score").set_value(0.6).run()
    app.selectbox(key="signs.every").set_value(3).run()
    assert errors(app) == [] and count_runs() == runs
    assert any("are different now" in each.value for each in app.markdown)
    assert clips(app)[-1].frames == FRAMES and "every frame" in texts(app)
    app.button(key="signs.clip.again").click().run()
    assert errors(app) == [] and count_runs() > runs
    assert clips(app)[-1].frames == FRAMES // 3 and clips(app)[-1].settings["score"] == 0.6
    assert not any("are different now" in each.value for each in app.markdown)
    runs = count_runs()
    app.slider(key="signs.score").set_value(0.35).run()
    app.selectbox(key="signs.every").set_value(1).run()
    assert not any("are different now" in each.value for each in app.markdown)  # that result is still there
    assert count_runs() == runs


def test_the_address_keeps_every_how_manieth_frame(visit: Visit, clip: bytes) -> None:
    app = upload(visit("signs", every="5"), "signs", ("street.mp4", clip))
    assert clips(app)[-1].every == 5 and app.query_params["every"] == "5"
    app = visit("satellite", every="4")
    assert errors(app) == [] and len(app.warning) == 1


def test_the_frames_setting_is_for_videos_only(visit: Visit, clip: bytes, bus: bytes) -> None:
    app = visit("signs")
    assert "signs.every" not in {each.key for each in app.selectbox}
    app = upload(app, "signs", ("a.jpg", bus), ("b.mp4", clip))
    assert "signs.every" not in {each.key for each in app.selectbox}
    app.button(key="signs.next").click().run()
    assert "signs.every" in {each.key for each in app.selectbox}


def test_pictures_and_videos_together_each_show_their_own(visit: Visit, clip: bytes, bus: bytes) -> None:
    app = upload(visit("signs"), "signs", ("a.jpg", bus), ("b.mp4", clip), ("bad.jpg", b"no picture"))
    assert errors(app) == [] and len(app.image) == 1 and not app.get("video")
    app.button(key="signs.next").click().run()
    assert errors(app) == [] and len(app.get("video")) == 1 and not app.image
    table = app.dataframe[0].value
    assert list(table["File"]) == ["a.jpg", "b.mp4", "bad.jpg"]
    assert "bus" in table["Found"][1] and [bool(each) for each in table["Problem"]] == [False, False, True]
    outcomes = list(store(app).results.values())[-3:]
    analyses = [outcome.analysis for outcome in outcomes]
    entries = results_view.entries(DOMAINS["signs"], outcomes, analyses)
    assert [entry["file"] for entry in entries] == ["a.jpg", "b.mp4", "bad.jpg"]
    assert entries[1]["labels"]["bus"]["tracks"] == 1 and "error" in entries[2]
    json.dumps(entries)
    lines = results_view.table_of_all(DOMAINS["signs"], outcomes, analyses).decode("utf-8-sig")
    of_clip = [row for row in csv.DictReader(io.StringIO(lines)) if row["file"] == "b.mp4"]
    assert {row["label"] for row in of_clip} == set(outcomes[1].clip.labels)
    assert json.loads(of_clip[0]["attributes"])["most"] >= 1
    app.button(key="signs.next").click().run()
    assert len(errors(app)) == 1


def test_a_new_model_for_the_picture_leaves_the_video_alone(visit: Visit, clip: bytes, bus: bytes) -> None:
    app = upload(visit("signs"), "signs", ("a.jpg", bus), ("b.mp4", clip))
    app.radio(key="signs.runtime").set_value("torch").run()
    assert errors(app) == [] and len(clips(app)) == 1
    assert store(app).results[next(reversed(store(app).results))].analysis.model.runtime == "torch"


BAD: dict[str, tuple[Callable[[Path, bytes], bytes], str]] = {
    "sound.mp4": (lambda folder, _: only_sound(folder / "s.mp4"), "only sound"),
    "cut.mp4": (lambda _, good: good[: len(good) // 3], "damaged"),
    "noise.mp4": (lambda _, good: good[:64] + b"\xff" * 5000, "damaged"),
    "song.wav": (lambda *_: b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(200), "WAV recording"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_video_that_cannot_be_used_is_one_sentence(visit: Visit, clip: bytes, tmp_path: Path, name: str) -> None:
    make, expected = BAD[name]
    app = upload(visit("signs"), "signs", (name, make(tmp_path, clip)))
    said = [read_by_a_person(each) for each in errors(app)]
    assert len(said) == 1 and name in said[0] and expected in said[0]
    app = app.file_uploader[0].set_value([("street.mp4", clip, "video/mp4")]).run()
    assert errors(app) == [] and len(clips(app)) == 1


def test_a_video_on_the_page_of_cells_is_refused_as_no_picture(visit: Visit, clip: bytes) -> None:
    app = upload(visit("cells"), "cells", ("street.mp4", clip))
    assert len(errors(app)) == 1 and "video" in errors(app)[0]


def test_a_path_is_opened_where_it_is(
    visit: Visit, clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gallery.ui.inputs.from_this_computer", lambda: True)
    (tmp_path / "a street.mp4").write_bytes(clip)
    app = visit("signs")
    app.segmented_control(key="signs.mode").set_value("path").run()
    app.text_input[0].set_value(str(tmp_path / "a street.mp4")).run()
    assert errors(app) == []
    assert clips(app)[-1].file == "a street.mp4"


def test_what_was_stopped_shows_what_there_is_and_can_be_started_again(
    visit: Visit, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = Job.wanted, []

    def wanted(job: Job) -> bool:
        asked.append(1)
        return real(job) and len(asked) < 14

    app = visit("signs")
    with monkeypatch.context() as cancelled:
        cancelled.setattr("gallery.ui.work.Job.wanted", wanted)
        app = upload(app, "signs", ("street.mp4", clip))
    assert errors(app) == []
    found = clips(app)[-1]
    assert found.stopped and 0 < found.frames < FRAMES and found.files["video"].is_file()
    assert t("clip.stopped") in texts(app) and len(app.get("video")) == 1
    app.button(key="signs.again").click().run()
    assert errors(app) == []
    assert not found.files["video"].exists()
    assert [each.stopped for each in clips(app)] == [False] and clips(app)[0].frames == FRAMES


def test_what_was_stopped_before_its_first_frame_is_no_error(
    visit: Visit, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit("signs")
    with monkeypatch.context() as cancelled:
        cancelled.setattr("gallery.ui.work.Job.wanted", lambda job: False)
        app = upload(app, "signs", ("street.mp4", clip))
    assert errors(app) == [] and not clips(app)
    assert any("Stopped before it was done" in each.value for each in app.info)
    app.button(key="signs.again").click().run()
    assert errors(app) == [] and len(clips(app)) == 1


def test_a_video_that_is_out_of_sight_goes_on_and_one_that_was_removed_does_not(
    visit: Visit, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = upload(visit("signs"), "signs", ("street.mp4", clip))
    key = next(outcome.key for outcome in store(app).results.values() if outcome.clip)
    go = threading.Event()
    job = VIDEO.submit(key, "", lambda job: go.wait(60))
    store(app).jobs["signs.clip"] = job
    app.segmented_control(key="signs.mode").set_value("sample").run()
    assert errors(app) == [] and not job.cancelled
    app = visit("satellite")
    app = visit("signs")
    assert store(app).jobs["signs.clip"] is job and not job.cancelled
    app.segmented_control(key="signs.mode").set_value("upload").run()
    app.button(key="signs.drop").click().run()
    assert job.cancelled and job.abandoned and "signs.clip" not in store(app).jobs
    go.set()
    assert job.wait(10)


def test_clear_my_data_removes_the_files_and_cancels(visit: Visit, clip: bytes) -> None:
    app = upload(visit("signs"), "signs", ("street.mp4", clip))
    folder = clip_view.folder_of(clips(app)[-1])
    assert folder.is_dir() and folder.stat().st_mode & 0o077 == 0
    go = threading.Event()
    job = VIDEO.submit("key", "", lambda job: go.wait(60))
    store(app).jobs["signs.clip"] = job
    app.button(key="clear").click().run()
    go.set()
    assert job.cancelled and not folder.exists()
    assert not clips(app) and not app.exception


def test_files_that_were_pushed_out_are_said_to_be_gone_and_nothing_runs_again(
    visit: Visit, clip: bytes, count_runs: Callable[[], int]
) -> None:
    app = upload(visit("signs"), "signs", ("street.mp4", clip))
    runs = count_runs()
    shutil.rmtree(clip_view.folder_of(clips(app)[-1]))
    store(app).drawn.clear()
    app.run()
    assert errors(app) == [] and count_runs() == runs
    assert t("clip.gone") in {each.value for each in app.info} and not app.get("video")
    assert metrics(app)["bus"] == "1"
    app.button(key="signs.clip.anew").click().run()
    assert errors(app) == [] and count_runs() > runs and len(app.get("video")) == 1


def test_a_full_disk_is_a_sentence(visit: Visit, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    app = visit("signs")
    with monkeypatch.context() as full:
        full.setattr(clip_folders, "LEAST_FREE", 1 << 62)
        app = upload(app, "signs", ("street.mp4", clip))
        said = [read_by_a_person(each) for each in errors(app)]
        assert len(said) == 1 and "no room left" in said[0] and "TMPDIR" in said[0]
    app.button(key="retry").click().run()
    assert errors(app) == [] and len(clips(app)) == 1


def test_who_comes_when_all_places_are_taken_is_told_so(visit: Visit, clip: bytes) -> None:
    app = visit("signs")
    go = threading.Event()
    jobs = [VIDEO.submit(n, "another", lambda job: go.wait(60)) for n in range(VIDEO.places + VIDEO.line)]
    try:
        app = upload(app, "signs", ("street.mp4", clip))
        said = errors(app)
        assert len(said) == 1 and "More people are using the gallery" in said[0]
    finally:
        go.set()
    assert all(job.wait(10) for job in jobs)
    app.button(key="retry").click().run()
    assert errors(app) == [] and len(clips(app)) == 1


def test_a_video_does_not_take_the_place_of_a_picture(visit: Visit, bus: bytes) -> None:
    go = threading.Event()
    jobs = [VIDEO.submit(n, "another", lambda job: go.wait(60)) for n in range(VIDEO.places + VIDEO.line)]
    try:
        app = upload(visit("signs"), "signs", ("bus.jpg", bus))
        assert errors(app) == [] and metrics(app) == {"person": "4", "bus": "1"}
    finally:
        go.set()
    assert all(job.wait(10) for job in jobs)


def test_an_outcome_with_a_clip_did_not_fail() -> None:
    some: Any = object()
    assert Outcome("a", ("signs", "a", 1), None, "bad").failed
    assert not Outcome("a", ("signs", "a", 1), None, clip=some).failed


def test_a_run_that_failed_unexpectedly_is_not_begun_again_by_itself(
    visit: Visit, clip: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    began = []

    def broken(*_: object, **__: object) -> None:
        began.append(1)
        raise ZeroDivisionError("broken")

    app = visit("signs")
    with monkeypatch.context() as context:
        context.setattr("gallery.clips.analyse_clip", broken)
        app = upload(app, "signs", ("street.mp4", clip))
        app.run()
    assert len(began) == 1 and "ZeroDivisionError" in caplog.text
    assert not app.exception and t("clip.unexpected") in texts(app)
    app.button(key="signs.again").click().run()
    assert errors(app) == [] and len(clips(app)) == 1


def test_who_waits_for_another_video_is_told_so(visit: Visit, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    go, said = threading.Event(), []
    blocking = [VIDEO.submit(n, "another", lambda job: go.wait(60)) for n in range(VIDEO.places)]

    def progress(self: object, value: float, text: str = "") -> None:
        said.append(text)
        go.set()

    app = visit("signs")
    monkeypatch.setattr("streamlit.delta_generator.DeltaGenerator.progress", progress)
    app = upload(app, "signs", ("street.mp4", clip))
    assert all(job.wait(10) for job in blocking)
    assert said[0] == t("run.wait", count=1) and errors(app) == [] and len(clips(app)) == 1
