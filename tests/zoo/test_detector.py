from __future__ import annotations

import threading

import numpy as np
import pytest

from benchmarks.average_precision import overlaps
from gallery.errors import OptionError, UnknownModel
from gallery.media.image import read_image
from gallery.zoo import exports, paths, store
from gallery.zoo.detector import load_detector
from gallery.zoo.networks import RUNTIMES
from tests.photos import BUS, packaged

PHOTOS = (BUS, packaged("ultralytics", "assets/zidane.jpg"))


def _pixels(path) -> np.ndarray:
    return read_image(path, path.name).pixels


@pytest.mark.parametrize("model", ["yolo26n", "yolov8n", "yolo26n-obb", "yolov8n-obb"])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_each_runtime_finds_what_the_library_finds(model, runtime):
    """The reference is ultralytics' own predict on torch; scores may differ where a runtime computes in bfloat16."""
    from ultralytics import YOLO

    detector = load_detector(model, runtime)
    library = YOLO(str(store.ensure(model).path))
    for photo in PHOTOS:
        pixels = _pixels(photo)
        found = detector.detections(detector.predict(pixels, 0.05))
        expected = library.predict(pixels[..., ::-1], conf=0.3, imgsz=detector.size, verbose=False)[0]
        boxes = expected.obb if detector.oriented else expected.boxes
        for xyxy, score, label in zip(boxes.xyxy.numpy(), boxes.conf.numpy(), boxes.cls.numpy(), strict=True):
            alike = [f for f in found if f.label == library.names[int(label)]]
            assert alike, f"{library.names[int(label)]} was not found in {photo.name}"
            overlap = overlaps(tuple(xyxy), np.array([f.box for f in alike]))
            best = alike[int(overlap.argmax())]
            # an oriented box may reach out of the picture in the library; here it is clipped
            assert overlap.max() > (0.85 if detector.oriented else 0.93)
            assert abs(best.score - score) < 0.06


def test_results_are_best_first_and_inside_the_picture():
    detector = load_detector("yolo26n")
    found = detector.detections(detector.predict(_pixels(BUS), 0.01))
    scores = [f.score for f in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.01
    assert all(0 <= f.box[0] < f.box[2] <= 810 and 0 <= f.box[1] < f.box[3] <= 1080 for f in found)


def test_a_lower_floor_only_adds():
    """Pages run at a low floor and filter: that must give what a run at the higher threshold gives."""
    detector = load_detector("yolo26n")
    low = detector.detections(detector.predict(_pixels(BUS), 0.01))
    high = detector.detections(detector.predict(_pixels(BUS), 0.4))
    assert [f for f in low if f.score >= 0.4] == list(high)


def test_two_threads_get_the_same_answers():
    detector = load_detector("yolo26n")
    assert load_detector("yolo26n") is detector
    photos = [_pixels(p) for p in PHOTOS]
    expected = [detector.detections(detector.predict(p, 0.25)) for p in photos]
    wrong = []

    def look(which: int) -> None:
        for _ in range(15):
            if detector.detections(detector.predict(photos[which], 0.25)) != expected[which]:
                wrong.append(which)

    threads = [threading.Thread(target=look, args=(i % 2,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("shape", [(1, 1), (2000, 3), (3, 2000), (33, 31)])
def test_odd_shapes_are_looked_at(shape):
    detector = load_detector("yolo26n")
    prediction = detector.predict(np.full((*shape, 3), 127, np.uint8), 0.25)
    assert prediction.boxes.shape == (len(prediction.scores), 4)


def test_an_unknown_runtime_or_model_is_named():
    with pytest.raises(OptionError, match="openvino"):
        load_detector("yolo26n", "tensorrt")
    with pytest.raises(UnknownModel):
        load_detector("yolo99n")
    with pytest.raises(OptionError, match="does not find objects"):
        load_detector("whisper-base")


def test_a_conversion_is_made_once_and_a_changed_one_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "exports_cache", lambda: tmp_path)
    made = []

    def build(folder):
        made.append(folder)
        (folder / "model.xml").write_text("network")

    key = {"weights": "0" * 64, "openvino": "1"}
    folder = exports.cached("some-model", key, build)
    assert exports.cached("some-model", key, build) == folder
    assert len(made) == 1
    assert set(exports.sha256s(folder)) == {"model.xml"}
    (folder / "model.xml").write_text("another")
    assert (exports.cached("some-model", key, build) / "model.xml").read_text() == "network"
    assert len(made) == 2
    assert exports.cached("some-model", {**key, "openvino": "2"}, build) != folder


def test_a_conversion_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "exports_cache", lambda: tmp_path)

    def build(folder):
        (folder / "half").write_text("half")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        exports.cached("some-model", {}, build)
    assert [p for p in tmp_path.iterdir() if not p.name.endswith(".lock")] == []
