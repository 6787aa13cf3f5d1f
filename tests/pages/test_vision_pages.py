"""The pages of the vision applications, through Streamlit's test runner, on the real models."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from gallery.domains import DOMAINS
from gallery.domains.cells import UNKNOWN
from gallery.errors import ModelUnavailable
from gallery.samples import fetch, samples
from gallery.ui.text import t
from gallery.ui.work import PICTURES
from gallery.wording import percent
from tests.pages.app_driver import analyses, errors, read_by_a_person, store, upload

Visit = Callable[..., AppTest]
DETECTING = ("signs", "satellite", "proximity")


@pytest.mark.parametrize("domain", [*DETECTING, "cells"])
def test_the_first_visit_shows_a_sample_and_its_result(visit: Visit, domain: str) -> None:
    app = visit(domain)
    assert errors(app) == []
    assert [title.value for title in app.title] == [DOMAINS[domain].title]
    assert len(app.image) == 1
    credits = [each.value for each in app.caption if each.value.startswith("**Sample:**")]
    assert len(credits) == 1
    first = samples(domain)[0]
    assert ("Synthetic" in credits[0]) == first.synthetic
    assert len(analyses(app)) == 1


@pytest.mark.parametrize("domain", DETECTING)
def test_moving_the_sliders_does_not_run_the_model(visit: Visit, count_runs: Callable[[], int], domain: str) -> None:
    app = visit(domain)
    first, runs = analyses(app)[0], count_runs()
    assert runs >= 1
    for score in (0.9, 0.2, 0.05):
        app.slider(key=f"{domain}.score").set_value(score).run()
        assert errors(app) == []
        shown = app.dataframe[-1].value if app.dataframe else []
        assert len(shown) == len(first.filtered(score).detections)
    label = first.detections[0].label
    app.multiselect(key=f"{domain}.labels").set_value([label]).run()
    assert set(app.dataframe[-1].value["Class"]) == {label}
    assert count_runs() == runs
    assert analyses(app)[0] is first


def test_the_distance_of_alerts_does_not_run_the_model(visit: Visit, bus: bytes, count_runs: Callable[[], int]) -> None:
    app = upload(visit("proximity"), "proximity", ("bus.jpg", bus))
    runs = count_runs()
    alerts = {}
    for limit in (0.1, 5.0):
        app.slider(key="proximity.limit").set_value(limit).run()
        alerts[limit] = int(next(m.value for m in app.metric if m.label == "Alerts"))
    assert alerts[0.1] < alerts[5.0]
    assert alerts[5.0] >= 3
    assert count_runs() == runs


@pytest.mark.parametrize("labels", [["person"], ["bus"], ["car"]])
def test_what_is_not_shown_still_sets_off_alerts(visit: Visit, bus: bytes, labels: list[str]) -> None:
    app = upload(visit("proximity"), "proximity", ("bus.jpg", bus))
    app.slider(key="proximity.limit").set_value(5.0).run()
    before = next(m.value for m in app.metric if m.label == "Alerts")
    said = [each.value for each in app.warning]
    assert int(before) >= 3 and said
    app.multiselect(key="proximity.labels").set_value(labels).run()
    assert errors(app) == []
    assert next(m.value for m in app.metric if m.label == "Alerts") == before
    assert [each.value for each in app.warning] == said
    app.slider(key="proximity.limit").set_value(0.1).run()
    assert not any("was found" in each.value for each in app.info if "confidence" not in each.value)


def test_every_result_is_kept_under_what_tells_it_from_every_other(visit: Visit, bus: bytes) -> None:
    app = upload(visit("signs"), "signs", ("bus.jpg", bus))
    app.radio(key="signs.runtime").set_value("torch").run()
    kept = store(app).results
    assert len(kept) == 3 and all(outcome.key == key for key, outcome in kept.items())
    assert store(app).drawn["signs"][0][0][0] == list(kept)[-1]


def test_an_upload_takes_over_from_the_sample(visit: Visit, bus: bytes) -> None:
    app = upload(visit("signs"), "signs", ("bus.jpg", bus))
    assert errors(app) == []
    found = analyses(app)[-1]
    assert found.file == "bus.jpg"
    counts = {metric.label: metric.value for metric in app.metric}
    assert counts == {"person": "4", "bus": "1"}
    assert next(iter(app.dataframe[-1].value["Class"])) == found.detections[0].label


def test_an_upload_is_still_there_after_another_page(visit: Visit, bus: bytes) -> None:
    app = upload(visit("signs"), "signs", ("bus.jpg", bus))
    visit("satellite")
    app = visit("signs")
    assert any("bus" in read_by_a_person(each.value) for each in app.markdown if "Your file" in each.value)
    assert {metric.label for metric in app.metric} == {"person", "bus"}


def _png(size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("L", size).save(stream, "PNG")
    return stream.getvalue()


BAD: dict[str, Callable[[bytes], bytes]] = {
    "nothing.jpg": lambda _: b"",
    "noise.jpg": lambda _: np.random.default_rng(1).bytes(5000),
    "text.jpg": lambda _: b"This is no picture.\n" * 40,
    "cut.jpg": lambda good: good[: len(good) // 2],
    "huge.png": lambda _: _png((30_001, 30_001)),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_upload_gets_one_sentence_and_the_page_stays_usable(visit: Visit, bus: bytes, name: str) -> None:
    app = upload(visit("signs"), "signs", (name, BAD[name](bus)))
    said = [read_by_a_person(each) for each in errors(app)]
    assert len(said) == 1 and name in said[0] and "Traceback" not in said[0]
    app = app.file_uploader[0].set_value([("bus.jpg", bus, "image/jpeg")]).run()
    assert errors(app) == []
    assert {metric.label for metric in app.metric} == {"person", "bus"}


def test_one_bad_file_among_several_does_not_stop_the_others(visit: Visit, bus: bytes) -> None:
    app = upload(visit("signs"), "signs", ("a.jpg", bus), ("bad.jpg", b"no picture"), ("c.jpg", bus))
    assert errors(app) == []
    assert [each.file for each in analyses(app)[-2:]] == ["a.jpg", "c.jpg"]
    assert any("1 of 3 files" in read_by_a_person(each.value) for each in app.warning)
    app.button(key="signs.next").click().run()
    assert len(errors(app)) == 1
    app.button(key="signs.next").click().run()
    assert errors(app) == []
    table = app.dataframe[0].value
    assert list(table["File"]) == ["a.jpg", "bad.jpg", "c.jpg"]
    assert [bool(problem) for problem in table["Problem"]] == [False, True, False]
    downloads = {each.proto.label for each in app.get("download_button")}
    assert {"JSON, all files", "CSV, all files"} <= downloads


def test_names_of_files_are_shown_as_text(visit: Visit) -> None:
    name = "![x](c.png)<img src=x>:red[**b**]$e$`.jpg"
    app = upload(visit("signs"), "signs", (name, b"no picture"))
    said = errors(app)
    assert len(said) == 1
    # every character that Markdown or Streamlit acts on stands behind a backslash
    for mark in "![](<>:*$`":
        assert mark in said[0]
        assert all(said[0][i - 1] == "\\" for i, c in enumerate(said[0]) if c == mark), mark


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"score": "0.6"}, {"score": 0.6}),
        ({"model": "yolov8n"}, {"model": "yolov8n"}),
        ({"labels": "person,bus"}, {"labels": ["person", "bus"]}),
        ({"runtime": "torch"}, {"runtime": "torch"}),
    ],
)
def test_an_address_reopens_the_same_settings(visit: Visit, parameters: dict[str, str], expected: Any) -> None:
    app = visit("signs", sample=samples("signs")[-1].id, **parameters)
    assert errors(app) == [] and not app.warning
    state = store(app).pages["signs"]
    assert state.sample == samples("signs")[-1].id
    for name, value in expected.items():
        assert getattr(state, name) == value
    for name, value in parameters.items():
        assert app.query_params[name] == value


@pytest.mark.parametrize(
    "parameters",
    [
        {"sample": "no-such"},
        {"model": "../../etc/passwd"},
        {"score": "nan"},
        {"score": "7"},
        {"labels": "car,<script>"},
        {"runtime": "tensorflow"},
    ],
)
def test_what_an_address_asks_for_and_is_not_known_is_said_and_left_out(
    visit: Visit, parameters: dict[str, str]
) -> None:
    app = visit("signs", **parameters)
    assert errors(app) == []
    assert len(app.warning) == 1 and "<script>" not in app.warning[0].value
    assert len(analyses(app)) == 1
    app.run()
    assert not app.warning


def test_all_that_an_address_asks_for_in_vain_is_said_in_one_notice(visit: Visit) -> None:
    app = visit("signs", score="7", model="/no/such", labels="<b>x</b>")
    assert errors(app) == []
    assert len(app.warning) == 1
    said = read_by_a_person(app.warning[0].value)
    assert all(part in said for part in ("“7”", "0.05 to 0.95", "“/no/such”", "“<b>x</b>”"))


@pytest.mark.parametrize("domain", ["signs", "proximity", "cells"])
def test_what_must_be_known_first_stands_above_the_result(visit: Visit, domain: str) -> None:
    app = visit(domain)
    assert app.info[0].value == t(f"{domain}.notice")


def test_what_was_stopped_is_no_error_and_can_be_started_again(
    visit: Visit, bus: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit("signs")
    with monkeypatch.context() as cancelled:
        cancelled.setattr("gallery.ui.work.Job.wanted", lambda job: False)
        app = upload(app, "signs", ("bus.jpg", bus))
    assert errors(app) == []
    assert any("Stopped before it was done" in each.value for each in app.info)
    app.button(key="signs.again").click().run()
    assert errors(app) == []
    assert {metric.label for metric in app.metric} == {"person", "bus"}


def test_a_sample_that_cannot_be_fetched_is_a_short_sentence(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise ModelUnavailable("host.example does not answer.", "")

    away = next(sample for sample in samples("cells") if sample.kind in ("wheel", "remote"))
    monkeypatch.setattr("gallery.samples._cached", lambda sample: tmp_path / sample.id / sample.file)
    monkeypatch.setattr("gallery.zoo.sources.fetch_url", unreachable)
    monkeypatch.setattr("gallery.zoo.sources.fetch_wheel_member", unreachable)
    app = visit("cells", sample=away.id)
    assert [read_by_a_person(each) for each in errors(app)] == [
        "This sample lies on the internet and could not be fetched. Choose another sample, or connect and try again."
    ]
    offered = app.selectbox(key="cells.sample").options if len(samples("cells")) > 4 else []
    asked = [title.endswith("needs the internet the first time") for title in offered]
    assert asked == sorted(asked)


def test_a_checkpoint_of_ones_own_is_not_written_into_the_address(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gallery.ui.inputs.from_this_computer", lambda: True)
    app = visit("cells")
    assert app.query_params["model"] == DOMAINS["cells"].default_model
    assert [radio.key for radio in app.radio] == ["cells.runtime"]
    # Typed on an earlier visit of the page; the test runner cannot type a new option.
    visit("home")
    app.query_params.clear()
    app.session_state["cells.model"] = store(app).pages["cells"].model = str(tmp_path)
    app = visit("cells")
    assert len(errors(app)) == 1  # the folder holds no checkpoint
    assert "model" not in app.query_params and "runtime" not in app.query_params
    assert not app.radio


def test_the_address_follows_the_settings(visit: Visit) -> None:
    app = visit("signs")
    app.slider(key="signs.score").set_value(0.5).run()
    app.multiselect(key="signs.labels").set_value(["car", "bus"]).run()
    assert app.query_params["score"] == "0.5"
    assert app.query_params["labels"] == "car,bus"


def test_clear_my_data_forgets_everything(visit: Visit, bus: bytes) -> None:
    app = upload(visit("signs"), "signs", ("mine.jpg", bus))
    app.slider(key="signs.score").set_value(0.8).run()
    app.button(key="clear").click().run()
    assert errors(app) == []
    assert analyses(app) and "mine.jpg" not in [each.file for each in analyses(app)]
    assert store(app).pages["signs"].given == []
    assert app.slider(key="signs.score").value == DOMAINS["signs"].default_score
    assert not app.file_uploader


def test_an_error_that_nobody_expected_is_one_sentence(
    visit: Visit, bus: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = visit("signs")
    with monkeypatch.context() as broken:
        broken.setattr("gallery.detecting.load_detector", lambda *_, **__: {}["a secret path"])
        app = upload(app, "signs", ("bus.jpg", bus))
        said = errors(app)
        assert len(said) == 1 and "secret" not in said[0] and "KeyError" not in said[0]
    assert "a secret path" in caplog.text
    app.run()
    assert errors(app) == []
    assert {metric.label for metric in app.metric} == {"person", "bus"}


def test_the_same_picture_is_analysed_once(visit: Visit, bus: bytes, count_runs: Callable[[], int]) -> None:
    upload(visit("signs"), "signs", ("bus.jpg", bus))
    runs = count_runs()
    visit("satellite")
    between = count_runs()
    visit("signs")
    assert count_runs() == between > runs >= 2  # the sample, the bus, and the sample of the page between


def test_cells_say_that_they_are_no_cancer_test(visit: Visit) -> None:
    app = visit("cells")
    assert any("not a cancer test" in each.value for each in app.info)


def test_cells_give_no_name_to_what_is_no_cell(visit: Visit, bus: bytes) -> None:
    app = upload(visit("cells"), "cells", ("bus.jpg", bus))
    assert errors(app) == []
    assert ["does not look like" in each.value for each in app.warning] == [True]
    assert [each.value for each in app.header] == ["Not a blood cell as known"]


def test_several_cells_are_tabled_with_their_answers(visit: Visit, bus: bytes) -> None:
    cell = fetch(samples("cells")[0]).read_bytes()
    app = upload(visit("cells"), "cells", ("cell.jpg", cell), ("bus.jpg", bus))
    assert errors(app) == []
    table = app.dataframe[0].value
    assert list(table["File"]) == ["cell.jpg", "bus.jpg"]
    first = analyses(app)[-2].classes[0]
    assert list(table["Found"]) == [f"{first.label} {percent(first.score)}", UNKNOWN]


def test_satellite_says_academic_use(visit: Visit) -> None:
    app = visit("satellite")
    assert any("academic use" in each.value.lower() for each in app.caption)


def test_who_comes_when_all_places_are_taken_is_told_so_and_can_try_again(visit: Visit, bus: bytes) -> None:
    app = visit("signs")
    go = threading.Event()
    jobs = [
        PICTURES.submit(n, "another visitor", lambda job: go.wait(60)) for n in range(PICTURES.places + PICTURES.line)
    ]
    try:
        app = upload(app, "signs", ("bus.jpg", bus))
        said = errors(app)
        assert len(said) == 1 and "More people are using the gallery" in said[0]
    finally:
        go.set()
    assert all(job.wait(10) for job in jobs)
    app.button(key="retry").click().run()
    assert errors(app) == []
    assert {metric.label for metric in app.metric} == {"person", "bus"}


def test_a_missing_model_is_a_sentence_and_is_not_asked_for_again_and_again(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def unavailable(*_: object, **__: object) -> None:
        asked.append(1)
        raise ModelUnavailable("The model is not here.", "Fetch it.")

    monkeypatch.setattr("gallery.domains.satellite.load_detector", unavailable)
    app = visit("satellite")
    for score in (0.2, 0.3):
        assert errors(app) == [r"The model is not here\. Fetch it\."]
        app.slider(key="satellite.score").set_value(score).run()
    assert len(asked) == 1
    monkeypatch.undo()
    app.button(key="retry").click().run()
    assert errors(app) == []


def test_a_photo_from_the_camera(visit: Visit, bus: bytes) -> None:
    app = visit("signs")
    app.segmented_control(key="signs.mode").set_value("camera").run()
    assert errors(app) == [] and len(app.image) == 1  # the sample stays until there is a photo
    app.camera_input[0].set_value(("photo.jpg", bus, "image/jpeg")).run()
    assert errors(app) == []
    assert {metric.label for metric in app.metric} == {"person", "bus"}


def test_a_path_on_this_computer_is_opened_where_it_is(
    visit: Visit, bus: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the test runner has no browser, so no address that it comes from
    monkeypatch.setattr("gallery.ui.inputs.from_this_computer", lambda: True)
    (tmp_path / "a bus.jpg").write_bytes(bus)
    app = visit("signs")
    app.segmented_control(key="signs.mode").set_value("path").run()
    app.text_input[0].set_value(str(tmp_path / "a bus.jpg")).run()
    assert errors(app) == []
    assert analyses(app)[-1].file == "a bus.jpg"
    for wrong in (str(tmp_path), str(tmp_path / "none.jpg"), "a bus.jpg", "\0", "~nosuchuser/x"):
        app.text_input[0].set_value(wrong).run()
        said = errors(app)
        assert len(said) == 1 and said[0].startswith("There is no file"), wrong


def test_a_bad_path_takes_the_error_of_the_file_before_away(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gallery.ui.inputs.from_this_computer", lambda: True)
    (tmp_path / "bad.jpg").write_text("no picture")
    app = visit("signs")
    app.segmented_control(key="signs.mode").set_value("path").run()
    app.text_input[0].set_value(str(tmp_path / "bad.jpg")).run()
    assert len(errors(app)) == 1
    app.text_input[0].set_value(str(tmp_path / "none.jpg")).run()
    said = errors(app)
    assert len(said) == 1 and said[0].startswith("There is no file")
