"""The list of models is read strictly, and what it says is true of what lies in the repository."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gallery.errors import ModelError, UnknownModel
from gallery.zoo import paths, registry
from gallery.zoo.integrity import fault

IDS = {"yolo26n", "yolov8n", "yolo26n-obb", "yolov8n-obb", "whisper-tiny.en", "whisper-base", "blood-cells"}


@pytest.fixture
def data() -> dict[str, Any]:
    """The contents of the real list, to spoil."""
    return json.loads(paths.REGISTRY.read_text(encoding="utf-8"))


def test_the_models_of_the_gallery_are_listed() -> None:
    assert set(registry.load().ids()) == IDS


def test_every_model_is_documented() -> None:
    text = (paths.PACKAGED_MODELS / "README.md").read_text(encoding="utf-8")
    assert [model_id for model_id in registry.load().ids() if f"| `{model_id}` |" not in text] == []


def test_every_packaged_file_is_here_with_the_right_hash() -> None:
    for entry in registry.load():
        for source in entry.sources:
            if isinstance(source, registry.PackagedSource):
                folder = paths.PACKAGED_MODELS / source.folder
                assert [fault(folder / spec.name, spec) for spec in entry.files] == [None] * len(entry.files)


def test_every_entry_has_a_source_that_needs_no_publisher() -> None:
    # companies that allow only a package mirror must be able to fetch everything
    for entry in registry.load():
        assert {source.kind for source in entry.sources} & {"wheel", "packaged"}, entry.id


def test_publishers_are_tried_first() -> None:
    for entry in registry.load():
        kinds = [source.kind for source in entry.sources]
        assert kinds == sorted(kinds, key=lambda kind: kind == "wheel"), entry.id


@pytest.mark.parametrize(
    ("task", "default", "count"),
    [("detect", "yolo26n", 80), ("obb", "yolo26n-obb", 15), ("classify-cells", "blood-cells", 8)],
)
def test_the_first_of_a_task_is_its_default(task: str, default: str, count: int) -> None:
    first = registry.load().for_task(task)[0]
    assert (first.id, len(first.classes)) == (default, count)


def test_models_trained_on_dota_say_academic_use() -> None:
    assert {entry.licence_note for entry in registry.load().for_task("obb")} == {"academic use"}


def test_languages_of_the_recognisers() -> None:
    assert registry.load().get("whisper-tiny.en").classes == ("en",)
    assert len(registry.load().get("whisper-base").classes) == 99


def test_an_unknown_id_names_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match=r"'yolo99'.*yolo26n, yolov8n"):
        registry.load().get("yolo99")


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        *steps, last = path.split("/")
        place: Any = data["models"][0]
        for step in steps:
            place = place[int(step) if step.isdigit() else step]
        if value is ...:
            del place[last]
        else:
            place[int(last) if last.isdigit() else last] = value

    return change


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (_set("title", ...), "title"),
        (_set("title", ""), "title"),
        (_set("title", 3), "title"),
        (_set("id", "../yolo"), "id"),
        (_set("id", "a/b"), "id"),
        (_set("task", "dream"), "task"),
        (_set("classes", []), "classes"),
        (_set("classes", ["a", "a"]), "classes"),
        (_set("classes", "a"), "classes"),
        (_set("input_size", 0), "input_size"),
        (_set("input_size", True), "input_size"),
        (_set("input_size", 640.0), "input_size"),
        (_set("licence", ""), "licence"),
        (_set("credit", ...), "credit"),
        (_set("limits", []), "limits"),
        (_set("limits", [""]), "limits"),
        (_set("colour", "red"), "colour"),
        (_set("files", []), "files"),
        (_set("files/0/bytes", 0), "files[0].bytes"),
        (_set("files/0/bytes", "5"), "files[0].bytes"),
        (_set("files/0/sha256", "ab" * 31), "files[0].sha256"),
        (_set("files/0/sha256", "AB" * 32), "files[0].sha256"),
        (_set("files/0/name", "/etc/passwd"), "files[0].name"),
        (_set("files/0/name", "../yolo26n.pt"), "files[0].name"),
        (_set("files/0/name", "C:yolo26n.pt"), "files[0].name"),
        (_set("files/0/name", "a\\b"), "files[0].name"),
        (_set("files/0/name", ".hidden"), "files[0].name"),
        (_set("sources", []), "sources"),
        (_set("sources/0/kind", "torrent"), "sources[0].kind"),
        (_set("sources/0/asset", "other.pt"), "sources[0].asset"),
        (_set("sources/1/wheels/0/sha256", "00"), "sources[1].wheels[0].sha256"),
        (_set("sources/1/wheels/0/bytes", -1), "sources[1].wheels[0].bytes"),
        (_set("sources/1/members", {}), "sources[1].members"),
        (_set("sources/1/members/yolo26n.pt/0/member", "../x"), "sources[1].members.yolo26n.pt[0].member"),
        (_set("sources/1/members/yolo26n.pt/0/project", "x"), "sources[1].members.yolo26n.pt[0].project"),
        (_set("figures/0/value", "40.9"), "figures[0].value"),
        (_set("figures/0/source", ...), "figures[0].source"),
        (_set("figures/0/kind", "measured"), "figures[0].command"),
        (_set("figures/0/interval", [2, 1]), "figures[0].interval"),
    ],
)
def test_a_slip_is_refused_with_entry_and_field(
    data: dict[str, Any], change: Callable[[dict[str, Any]], None], field: str
) -> None:
    change(data)
    with pytest.raises(ModelError) as caught:
        registry.parse(data)
    assert repr(field) in caught.value.problem
    assert repr(data["models"][0]["id"]) in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize("data", [None, [], {}, {"models": []}, {"format": 2, "models": [{}]}, {"format": 1}])
def test_something_else_is_refused(data: Any) -> None:
    with pytest.raises(ModelError, match="list of"):
        registry.parse(data)


def test_an_entry_that_is_no_object_is_refused() -> None:
    with pytest.raises(ModelError, match="number 1"):
        registry.parse({"format": 1, "models": ["yolo26n"]})


def test_an_id_used_twice_is_refused(data: dict[str, Any]) -> None:
    data["models"].append(copy.deepcopy(data["models"][0]))
    with pytest.raises(ModelError, match=r"'yolo26n'.*'id' is used by two entries"):
        registry.parse(data)


@pytest.mark.parametrize("text", ["", "{", '{"format": 1, "format": 1, "models": []}', "\xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "registry.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=r"registry\.json cannot be read"):
        registry.read(path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"registry\.json cannot be read"):
        registry.read(tmp_path / "registry.json")
