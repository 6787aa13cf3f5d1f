"""The doctor sees what is there, what is missing, and says what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gallery.zoo import doctor, paths, registry, store
from gallery.zoo.doctor import Finding


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Finding]]:
    """What the doctor finds, by subject, where one model is good, one damaged, the others missing."""
    good = store.ensure("yolov8n").path.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("machine")
        patch.setenv("GALLERY_CACHE", str(folder / "cache"))
        patch.setenv("GALLERY_MODELS", str(folder / "nowhere"))
        for model_id, data in (("yolov8n", good), ("yolov8n-obb", good)):
            path = folder / "cache" / "models" / model_id / f"{model_id}.pt"
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
        yield {finding.subject: finding for finding in doctor.examine()}


def test_this_environment_is_sound(machine: dict[str, Finding]) -> None:
    for subject in ("python", "opencv", "loading", "torch", "openvino", "faster-whisper", "disk", "offline"):
        assert machine[subject].level == "ok", machine[subject]
    assert os.environ["YOLO_OFFLINE"] == "1"
    assert "YOLO_OFFLINE=1" in machine["offline"].detail


@pytest.mark.parametrize(
    ("model_id", "level", "words"),
    [
        ("yolov8n", "ok", "6.5 MB in "),
        ("yolov8n-obb", "problem", "damaged: "),
        ("yolo26n", "problem", "missing: is not in "),
        ("whisper-base", "problem", "missing: is not in "),
        ("blood-cells", "ok", "packaged with the gallery"),
    ],
)
def test_models(machine: dict[str, Finding], model_id: str, level: str, words: str) -> None:
    finding = machine[f"model {model_id}"]
    assert finding.level == level
    assert words in finding.detail
    assert (f"models pull {model_id}" in finding.remedy) is (level == "problem")


def test_every_model_and_every_publisher_is_looked_at(machine: dict[str, Finding]) -> None:
    assert {f"model {model_id}" for model_id in registry.load().ids()} < set(machine)
    assert {"source github.com", "source huggingface.co", "source pip"} < set(machine)


def test_a_named_folder_that_is_none(machine: dict[str, Finding]) -> None:
    assert machine["GALLERY_MODELS"].level == "problem"
    assert machine["GALLERY_MODELS"].remedy


def test_every_problem_has_a_remedy(machine: dict[str, Finding]) -> None:
    assert [finding for finding in machine.values() if finding.level == "problem" and not finding.remedy] == []


def test_the_doctor_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GALLERY_MODELS", raising=False)
    list(doctor.examine())
    assert list(tmp_path.iterdir()) == []


def test_pins() -> None:
    pins = doctor.pinned(paths.PROJECT / "requirements.txt")
    assert pins["streamlit"][1] is True
    assert pins["pytest"][1] is False
    assert not any(line.startswith("#") for line in pins)
