from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from gallery.domains import cells
from gallery.errors import OptionError, UnknownModel, WeightsMismatch
from gallery.zoo import classifier, paths, registry, store
from gallery.zoo.networks import RUNTIMES
from gallery.zoo.shared import Shared
from tests.photos import CHELSEA, RETINA


def squares(count: int = 6) -> list[np.ndarray]:
    """Pieces of real photographs at the size of the network."""
    found = []
    for path in (CHELSEA, RETINA):
        whole = np.asarray(Image.open(path).convert("RGB"))
        found += [whole[y : y + 128, x : x + 128] for y, x in ((20, 40), (60, 120), (150, 300))]
    return found[:count]


def test_it_knows_what_the_registry_says():
    entry = registry.load().get("blood-cells")
    loaded = classifier.load_classifier()
    assert loaded.labels == entry.classes
    assert loaded.size == entry.input_size
    assert loaded.use.sha256 == entry.sha256 and loaded.use.runtime == "openvino"
    assert entry.bytes <= 8_000_000
    assert "Acevedo" in entry.credit and "10.1016/j.dib.2020.105474" in entry.credit
    assert any("healthy" in limit for limit in entry.limits) and any("cancer" in limit for limit in entry.limits)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_same_picture_gives_the_same_answer_twice(runtime):
    loaded = classifier.load_classifier(runtime=runtime)
    for square in squares(2):
        first, second = loaded.predict(square), loaded.predict(square.copy())
        assert np.array_equal(first.scores, second.scores) and first.distance == second.distance
        assert np.isclose(first.scores.sum(), 1)


def test_the_answer_does_not_depend_on_how_the_photo_was_turned():
    loaded = classifier.load_classifier()
    upright = squares(1)[0]
    expected = loaded.predict(upright)
    for turned in (np.rot90(upright), np.rot90(upright, 2), upright[::-1], upright[:, ::-1]):
        found = loaded.predict(np.ascontiguousarray(turned))
        assert np.allclose(found.scores, expected.scores, atol=1e-4)
        assert found.distance == pytest.approx(expected.distance, rel=1e-3)


@pytest.mark.parametrize("runtime", [name for name in RUNTIMES if name != "torch"])
def test_runtimes_agree(runtime):
    """On pictures of other things, whose probabilities hang in the balance; OpenVINO may compute in bfloat16."""
    reference, other = classifier.load_classifier(runtime="torch"), classifier.load_classifier(runtime=runtime)
    for square in squares():
        expected, found = reference.predict(square), other.predict(square)
        assert np.abs(expected.scores - found.scores).max() < 0.05
        assert found.distance == pytest.approx(expected.distance, rel=0.05)
        assert found.familiar == expected.familiar


@pytest.mark.reference
def test_runtimes_agree_on_cells(reference_data):
    torch, openvino = classifier.load_classifier(runtime="torch"), classifier.load_classifier()
    for file in sorted((reference_data / "blood_cells" / "monocyte").glob("*.jpg"))[:20]:
        pixels = np.asarray(Image.open(file).convert("RGB"))
        square = cells.cut(pixels, cells.frame(pixels.shape[1], pixels.shape[0]).box, torch.size)
        expected, found = torch.predict(square), openvino.predict(square)
        assert expected.scores.argmax() == found.scores.argmax()
        assert np.abs(expected.scores - found.scores).max() < 0.02
        assert found.distance == pytest.approx(expected.distance, rel=0.05)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_threads_do_not_disturb_each_other(runtime):
    loaded = classifier.load_classifier(runtime=runtime)
    alone = [loaded.predict(square).scores for square in squares()]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda square: loaded.predict(square).scores, squares() * 5))
    for number, scores in enumerate(together):
        assert np.allclose(scores, alone[number % len(alone)], atol=1e-5)


def test_one_classifier_serves_everybody():
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(lambda _: classifier.load_classifier(), range(8)))
    assert len({id(each) for each in loaded}) == 1


def test_other_bytes_are_not_loaded(tmp_path):
    """Even if a file changes after the store has checked it."""
    entry = registry.load().get("blood-cells")
    copy = tmp_path / entry.main.name
    shutil.copyfile(paths.PACKAGED_MODELS / entry.main.name, copy)
    assert len(classifier._verified(copy, entry.sha256)) == entry.main.bytes
    with copy.open("r+b") as stream:
        stream.seek(-1, 2)
        last = stream.read(1)
        stream.seek(-1, 2)
        stream.write(bytes([last[0] ^ 1]))
    with pytest.raises(WeightsMismatch, match="not loaded"):
        classifier._verified(copy, entry.sha256)


@pytest.mark.parametrize(
    ("model", "runtime", "error"),
    [
        ("no-such-cells", "openvino", UnknownModel),
        ("whisper-base", "openvino", OptionError),
        ("blood-cells", "abacus", OptionError),
    ],
)
def test_what_is_not_there_is_refused(model, runtime, error):
    with pytest.raises(error):
        classifier.load_classifier(model, runtime)


def test_probabilities_follow_the_temperature():
    calm = classifier.Calibration(("a", "b"), 2.0, np.zeros(3), np.eye(3)[:, :1], 4.0)
    assert np.allclose(calm.probabilities(np.array([[2.0, 0.0]])), [[1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))]])
    assert np.allclose(calm.probabilities(np.array([[1e4, -1e4]])), [[1, 0]])
    # the first direction is explained, the others leave a length of 5
    assert np.allclose(calm.distances(np.array([[7.0, 3.0, 4.0]])), [1.25])


def test_a_first_use_tells_how_far_the_download_is(monkeypatch):
    """The one model of its kind comes with the gallery, so its download is made up here."""
    entry = registry.load().get("blood-cells")
    seen = []

    def ensure(model_id, *, progress=None):
        progress("some of it")
        return store.ensure(model_id)

    monkeypatch.setattr(classifier, "store", SimpleNamespace(ensure=ensure))
    monkeypatch.setattr(classifier, "_loaded", Shared(capacity=1))
    assert classifier.load_classifier(progress=seen.append).use.sha256 == entry.sha256
    assert seen == ["some of it"]
