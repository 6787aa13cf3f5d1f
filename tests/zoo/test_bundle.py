"""Bundles: what goes in comes out, and nothing else ever does."""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gallery.errors import BundleError, DiskFull, GalleryError, UnknownModel
from gallery.zoo import integrity, registry, store
from gallery.zoo.bundle import MANIFEST, bundle, unbundle
from gallery.zoo.integrity import Progress

MODEL = "yolov8n"
FILE = "yolov8n.pt"
MEMBER = f"models/{MODEL}/{FILE}"
GOOD = json.dumps({"format": 1, "models": {MODEL: {}}})


@pytest.fixture(scope="module")
def weights() -> bytes:
    """The real weights of the smallest model, out of the user's own cache."""
    return store.ensure(MODEL).path.read_bytes()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: bytes) -> Path:
    """An empty cache of this test's own."""
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GALLERY_MODELS", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def cached(cache: Path, weights: bytes) -> Path:
    """The weights in this test's cache."""
    path = cache / "models" / MODEL / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(weights)
    return path


def _files(folder: Path) -> list[str]:
    found = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if not name.endswith(".lock"))


def test_there_and_back(tmp_path: Path, cached: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "b.zip"
    seen: list[Progress] = []
    assert bundle(file, [MODEL], progress=seen.append) == [MODEL]
    assert (seen[-1].done_bytes, seen[-1].total_bytes) == (len(weights), len(weights))
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == [MANIFEST, MEMBER]
        said = json.loads(archive.read(MANIFEST))["models"][MODEL]
    assert said["licence"] == "AGPL-3.0"
    assert said["files"][0]["sha256"] == hashlib.sha256(weights).hexdigest()

    other = tmp_path / "laptop"
    monkeypatch.setenv("GALLERY_CACHE", str(other))
    assert unbundle(file, progress=seen.append) == [MODEL]
    assert _files(other) == [f"models/{MODEL}/source.json", MEMBER]
    model = store.find(MODEL)
    assert model is not None
    assert (model.path.read_bytes(), model.source) == (weights, "bundle b.zip")
    assert unbundle(file) == [MODEL]  # a second time changes nothing


def test_the_same_models_make_the_same_file(tmp_path: Path, cached: Path) -> None:
    for name in ("a.zip", "b.zip"):
        bundle(tmp_path / name, [MODEL, MODEL])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_damaged_file_in_the_cache_is_replaced(tmp_path: Path, cached: Path, weights: bytes) -> None:
    bundle(tmp_path / "b.zip", [MODEL])
    cached.write_bytes(weights[:1000])
    unbundle(tmp_path / "b.zip")
    assert cached.read_bytes() == weights


@pytest.mark.parametrize(
    ("name", "ids", "exception"),
    [
        ("b.zip", ["yolo99"], UnknownModel),
        ("no/folder/b.zip", [MODEL], BundleError),
        ("b.zip", ["blood-cells"], BundleError),
    ],
)
def test_what_cannot_be_bundled(
    tmp_path: Path, cached: Path, name: str, ids: list[str], exception: type[GalleryError]
) -> None:
    with pytest.raises(exception):
        bundle(tmp_path / name, ids)
    assert not (tmp_path / name).exists()


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (lambda folder: _folder(folder / "d"), "is a folder"),
        (lambda folder: folder / "none" / "b.zip", "There is no folder"),
        pytest.param(
            lambda folder: folder / ("b" * 300),
            "cannot be written",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows says that there is no such file"),
        ),
    ],
    ids=["a folder", "no folder", "a name that is too long"],
)
def test_a_place_for_no_bundle_is_refused_before_anything_is_fetched(
    tmp_path: Path, cache: Path, place: Callable[[Path], Path], words: str
) -> None:
    with pytest.raises(BundleError, match=words) as caught:
        bundle(place(tmp_path), [MODEL])
    assert caught.value.remedy
    assert _files(tmp_path) == []


def test_a_folder_that_may_not_be_written(tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:  # a mode would not stop the superuser
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gallery.zoo.bundle.Path.touch", refuse)
    with pytest.raises(BundleError, match="cannot be written"):
        bundle(tmp_path / "b.zip", [MODEL])


def test_a_full_disk_leaves_the_old_bundle(tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "b.zip"
    file.write_bytes(b"the old one")

    def stuck(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gallery.zoo.bundle.os.fsync", stuck)
    with pytest.raises(DiskFull):
        bundle(file, [MODEL])
    assert file.read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(integrity.PART)] == []


# --- hostile bundles --------------------------------------------------------------------------------------------------

Make = Callable[[zipfile.ZipFile, bytes], None]


def _plus(name: str, data: bytes = b"evil", manifest: str = GOOD) -> Make:
    """A good bundle with one member more."""

    def make(archive: zipfile.ZipFile, weights: bytes) -> None:
        archive.writestr(MANIFEST, manifest)
        archive.writestr(MEMBER, weights)
        archive.writestr(name, data)

    return make


def _only(data: Callable[[bytes], bytes], manifest: str | None = GOOD, method: int = zipfile.ZIP_STORED) -> Make:
    """A bundle of one member that is not quite the right one."""

    def make(archive: zipfile.ZipFile, weights: bytes) -> None:
        if manifest is not None:
            archive.writestr(MANIFEST, manifest)
        archive.writestr(MEMBER, data(weights), method)

    return make


def _kind(mode: int) -> Make:
    def make(archive: zipfile.ZipFile, weights: bytes) -> None:
        archive.writestr(MANIFEST, GOOD)
        info = zipfile.ZipInfo(MEMBER)
        info.create_system = 3
        info.external_attr = mode << 16
        archive.writestr(info, weights)

    return make


def _same(weights: bytes) -> bytes:
    return weights


@pytest.mark.filterwarnings("ignore:Duplicate name")  # zipfile notices what the test does on purpose
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_plus("../evil.pt"), "no file of a model"),
        (_plus("models/yolov8n/../../../evil.pt"), "no file of a model"),
        (_plus("/tmp/evil.pt"), "no file of a model"),
        (_plus("C:\\evil.pt"), "no file of a model"),
        (_plus("models\\yolov8n\\yolov8n.pt"), "no file of a model"),
        (_plus("models/yolov8n/other.pt"), "no file of a model"),
        (_plus("models/yolo99/yolo99.pt"), "no file of a model"),
        (_plus("models/yolov8n/source.json"), "no file of a model"),
        (_plus("models/YOLOV8N/yolov8n.pt"), "no file of a model"),
        (_plus("models/blood-cells/blood_cells.safetensors"), "no file of a model"),
        (_plus("models/yolov8n/"), "is a link or a folder"),
        (_plus(MEMBER), "stands in it twice"),
        (_plus(MANIFEST, GOOD.encode()), "stands in it twice"),
        (_plus("models/yolov8n/yolov8n.pt\0.txt"), "stands in it twice or under two names"),
        (_plus("models/yolo26n/yolo26n.pt", b"short"), "has 5 bytes instead of 5,544,453"),
        (_kind(0o120777), "is a link or a folder"),
        (_kind(0o020666), "is a link or a folder"),
        (_only(lambda data: data + b"x"), "has 6,549,797 bytes instead of 6,549,796"),
        (_only(lambda data: data[:-1]), "has 6,549,795 bytes instead of 6,549,796"),
        (_only(lambda data: data[:-1] + b"!"), "another sha256"),
        (_only(lambda data: bytes(len(data)), method=zipfile.ZIP_DEFLATED), "another sha256"),
        (_only(_same, method=zipfile.ZIP_BZIP2), "compressed in a way"),
        (_only(_same, manifest=None), f"holds no {MANIFEST}"),
        (_only(_same, manifest="{"), "cannot be read"),
        (_only(_same, manifest="[]"), "cannot be read"),
        (_only(_same, manifest="[" * 100_000), "cannot be read"),
        (_only(_same, manifest=" " * (1 << 21)), "too large"),
        (_only(_same, manifest='{"format": 99, "models": {}}'), "has the format 99"),
        (_only(_same, manifest='{"format": 1, "models": {}}'), "does not name the models"),
        (_only(_same, manifest='{"format": 1, "models": {"yolov8n": 1, "yolo26n": 1}}'), "does not name the models"),
        (lambda archive, _: archive.writestr(MANIFEST, '{"format": 1, "models": {}}'), "holds no model"),
        (lambda archive, _: None, f"holds no {MANIFEST}"),
    ],
)
def test_a_hostile_bundle_is_refused(tmp_path: Path, cache: Path, weights: bytes, make: Make, words: str) -> None:
    file = tmp_path / "in" / "b.zip"
    file.parent.mkdir()
    with zipfile.ZipFile(file, "w") as archive:
        make(archive, weights)
    with pytest.raises(BundleError, match=words) as caught:
        unbundle(file)
    assert caught.value.remedy
    assert _files(tmp_path) == ["in/b.zip"]


def _declared(data: bytearray, offset_local: int, offset_central: int, layout: str, value: int) -> None:
    """Overwrite a field of the last member, in its local header and in the directory."""
    local = data.rindex(b"PK\x03\x04", 0, data.index(b"PK\x01\x02"))
    central = data.rindex(b"PK\x01\x02")
    struct.pack_into(layout, data, local + offset_local, value)
    struct.pack_into(layout, data, central + offset_central, value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        # says it has the right size, and inflates to 200 MB
        (lambda data: _declared(data, 22, 24, "<I", 6549796), "another sha256|damaged"),
        (lambda data: _declared(data, 6, 8, "<H", 1), "is encrypted"),
        (lambda data: data.__delitem__(slice(len(data) // 2, None)), "not a bundle, or it is damaged"),
        (lambda data: data.clear(), "not a bundle, or it is damaged"),
        (lambda data: data.__setitem__(slice(None), b"random" * 1000), "not a bundle, or it is damaged"),
    ],
    ids=["bomb", "encrypted", "cut", "empty", "random"],
)
def test_a_forged_file_is_refused(tmp_path: Path, cache: Path, change: Callable[[bytearray], None], words: str) -> None:
    file = tmp_path / "b.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, GOOD)
        archive.writestr(MEMBER, bytes(200_000_000))
    data = bytearray(file.read_bytes())
    change(data)
    file.write_bytes(data)
    with pytest.raises(BundleError, match=words):
        unbundle(file)
    assert _files(tmp_path) == ["b.zip"]


def test_one_bad_model_and_none_is_taken(tmp_path: Path, cache: Path, weights: bytes) -> None:
    size = registry.load().get("yolo26n").bytes
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr(MANIFEST, '{"format": 1, "models": {"yolov8n": 1, "yolo26n": 1}}')
        archive.writestr(MEMBER, weights)
        archive.writestr("models/yolo26n/yolo26n.pt", bytes(size))
    with pytest.raises(BundleError, match="another sha256"):
        unbundle(tmp_path / "b.zip")
    assert _files(tmp_path) == ["b.zip"]


def test_half_a_model_folder_is_refused(tmp_path: Path, cache: Path) -> None:
    entry = registry.load().get("whisper-tiny.en")
    spec = entry.files[1]
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr(MANIFEST, '{"format": 1, "models": {"whisper-tiny.en": 1}}')
        archive.writestr(f"models/{entry.id}/{spec.name}", bytes(spec.bytes))
    with pytest.raises(BundleError, match=r"lacks model\.bin, tokenizer\.json, vocabulary\.txt"):
        unbundle(tmp_path / "b.zip")
    assert _files(tmp_path) == ["b.zip"]


@pytest.mark.parametrize("name", ["none.zip", "folder"])
def test_no_file(tmp_path: Path, cache: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(BundleError):
        unbundle(tmp_path / name)
