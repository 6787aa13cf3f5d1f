"""What the gallery knows of its models: ``models/registry.json``, read strictly.

An entry that is not exactly as described here is refused with a sentence that names the entry and the field, so that
a slip in the data is found when the gallery starts and not when a model is loaded.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gallery.errors import ModelError, UnknownModel
from gallery.zoo import paths
from gallery.zoo.integrity import FileSpec, is_sha256, safe_name

TASKS = ("detect", "obb", "classify-cells", "transcribe")
FIGURE_KINDS = ("published", "measured")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number on how good a model is.

    Attributes:
        name: what is counted, with its unit.
        value: the number.
        data: on which data.
        kind: ``published`` by the authors, or ``measured`` by this project.
        source: page or paper (published).
        command: what to run to get the number again (measured).
        interval: 95 % interval as (low, high), or None.
    """

    name: str
    value: float
    data: str
    kind: str
    source: str = ""
    command: str = ""
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class UltralyticsSource:
    """A release asset of Ultralytics."""

    asset: str
    release: str
    kind: str = "ultralytics"

    @property
    def label(self) -> str:
        """The source in words, as recorded and shown."""
        return f"Ultralytics release {self.release}"


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository of the Hugging Face hub, pinned to a commit."""

    repo: str
    revision: str
    kind: str = "hub"

    @property
    def label(self) -> str:
        """The source in words, as recorded and shown."""
        return f"Hugging Face hub, {self.repo} at {self.revision[:7]}"


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel of a package index, pinned by sha256.

    Attributes:
        bytes: its size, to bound the download.
        tag: ``python-abi-platform`` for a wheel that is not ``py3-none-any``, else an empty string.
    """

    project: str
    version: str
    sha256: str
    bytes: int
    tag: str = ""

    @property
    def pin(self) -> str:
        """``project==version``."""
        return f"{self.project}=={self.version}"


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a wheel that is a file, or one piece of it."""

    project: str
    member: str


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Files that lie inside wheels; a file of several parts is their concatenation, in order."""

    wheels: tuple[Wheel, ...]
    members: Mapping[str, tuple[Part, ...]]
    kind: str = "wheel"

    @property
    def label(self) -> str:
        """The source in words, as recorded and shown."""
        return "wheel " + " + ".join(wheel.pin for wheel in self.wheels)


@dataclass(frozen=True, slots=True)
class PackagedSource:
    """Files that come with the gallery, in the folder ``models/`` or ``folder`` inside it."""

    folder: str = ""
    kind: str = "packaged"

    @property
    def label(self) -> str:
        """The source in words, as recorded and shown."""
        return "packaged with the gallery"


Source = UltralyticsSource | HubSource | WheelSource | PackagedSource


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """All that is known of one model (the fields are described in ``models/README.md``)."""

    id: str
    title: str
    task: str
    architecture: str
    classes: tuple[str, ...]
    input_size: int
    licence: str
    licence_note: str
    credit: str
    training_data: str
    limits: tuple[str, ...]
    figures: tuple[Figure, ...]
    files: tuple[FileSpec, ...]
    sources: tuple[Source, ...]

    @property
    def main(self) -> FileSpec:
        """The file that holds the weights: the first one."""
        return self.files[0]

    @property
    def sha256(self) -> str:
        """Hash of the weights."""
        return self.main.sha256

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(spec.bytes for spec in self.files)

    @property
    def packaged(self) -> bool:
        """Whether the weights come with the gallery."""
        return any(isinstance(source, PackagedSource) for source in self.sources)


class Registry:
    """The models by id, in the order of the file."""

    def __init__(self, entries: tuple[ModelEntry, ...]) -> None:
        self._entries = {entry.id: entry for entry in entries}

    def __iter__(self) -> Iterator[ModelEntry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._entries

    def ids(self) -> list[str]:
        """All ids, in the order of the file."""
        return list(self._entries)

    def get(self, model_id: str) -> ModelEntry:
        """The entry of one model.

        Raises:
            UnknownModel: no such id.
        """
        try:
            return self._entries[model_id]
        except KeyError:
            raise UnknownModel(
                f"There is no model called {model_id!r}.", f"Choose one of: {', '.join(self._entries)}."
            ) from None

    def for_task(self, task: str) -> list[ModelEntry]:
        """The models of one task, in the order of the file; the first is the default."""
        return [entry for entry in self if entry.task == task]


@functools.cache
def load() -> Registry:
    """The registry of the gallery, read once a process.

    Raises:
        ModelError: the file is missing or not as it should be.
    """
    return read(paths.REGISTRY)


def read(path: Path) -> Registry:
    """Read and check a registry file.

    Raises:
        ModelError: the file is missing or not as it should be; the sentence names the entry and the field.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_no_repeats)
    except (OSError, ValueError) as error:
        raise ModelError(f"The list of models {path} cannot be read: {error}.", _RESTORE) from error
    return parse(data)


def parse(data: Any) -> Registry:
    """Check the contents of a registry file.

    Raises:
        ModelError: with the entry and the field that are wrong.
    """
    if not isinstance(data, dict) or data.get("format") != 1 or not data.get("models"):
        raise ModelError("The list of models holds no field 'models' with a list of entries.", _RESTORE)
    entries = tuple(_entry(item, number) for number, item in enumerate(data["models"], 1))
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise _Fields({}, entry.id).error("id", "is used by two entries")
        seen.add(entry.id)
    return Registry(entries)


_RESTORE = "Restore models/registry.json from the project's repository."


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        repeated = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise ValueError(f"the field {repeated!r} stands twice in one object")
    return result


class _Fields:
    """Takes fields out of an object of the file, checking each, and complains with the path to it."""

    def __init__(self, data: Any, where: str, path: str = "") -> None:
        self.where, self.path = where, path
        if not isinstance(data, dict):
            raise self.error("", "must be an object")
        self.data = dict(data)

    def error(self, field: str, problem: str) -> ModelError:
        name = ".".join(part for part in (self.path, field) if part)
        return ModelError(f"In the list of models, entry {self.where!r}, the field {name!r} {problem}.", _RESTORE)

    def take(self, field: str, check: Callable[[Any], bool], meaning: str, default: Any = ...) -> Any:
        if field not in self.data:
            if default is ...:
                raise self.error(field, "is missing")
            return default
        value = self.data.pop(field)
        if not check(value):
            raise self.error(field, f"must be {meaning}")
        return value

    def text(self, field: str, default: Any = ...) -> str:
        empty = default == ""
        return self.take(
            field,
            lambda v: isinstance(v, str) and v == v.strip() and (bool(v) or empty),
            "a text without blanks around it" if empty else "a text that is not empty",
            default,
        )

    def choice(self, field: str, among: tuple[str, ...]) -> str:
        return self.take(field, lambda v: v in among, f"one of {', '.join(among)}")

    def count(self, field: str) -> int:
        return self.take(field, lambda v: type(v) is int and v > 0, "a whole number above 0")

    def sha256(self, field: str) -> str:
        return self.take(field, is_sha256, "64 lower-case hex digits")

    def name(self, field: str, default: Any = ...) -> str:
        def check(value: Any) -> bool:
            return isinstance(value, str) and (safe_name(value) or value == default)

        return self.take(field, check, "a relative file name without dots at its front", default)

    def texts(self, field: str) -> tuple[str, ...]:
        def check(value: Any) -> bool:
            return isinstance(value, list) and all(isinstance(v, str) and v.strip() for v in value)

        return tuple(self.take(field, check, "a list of texts"))

    def many(self, field: str, least: int = 1) -> list[_Fields]:
        items = self.take(field, lambda v: isinstance(v, list) and len(v) >= least, f"a list of at least {least}")
        base = ".".join(part for part in (self.path, field) if part)
        return [_Fields(item, self.where, f"{base}[{number}]") for number, item in enumerate(items)]

    def done(self) -> None:
        if self.data:
            raise self.error(next(iter(self.data)), "is not known")


def _entry(item: Any, number: int) -> ModelEntry:
    named = item.get("id") if isinstance(item, dict) else None
    fields = _Fields(item, named if isinstance(named, str) and named else f"number {number}")
    model_id = fields.take("id", lambda v: isinstance(v, str) and safe_name(v) and "/" not in v, "a plain name")
    files = tuple(_file(each) for each in fields.many("files"))
    names = [spec.name for spec in files]
    if len({name.lower() for name in names}) != len(names):
        raise fields.error("files", "names a file twice")
    entry = ModelEntry(
        id=model_id,
        title=fields.text("title"),
        task=fields.choice("task", TASKS),
        architecture=fields.text("architecture"),
        classes=fields.texts("classes"),
        input_size=fields.count("input_size"),
        licence=fields.text("licence"),
        licence_note=fields.text("licence_note", ""),
        credit=fields.text("credit"),
        training_data=fields.text("training_data"),
        limits=fields.texts("limits"),
        figures=tuple(_figure(each) for each in fields.many("figures", 0)),
        files=files,
        sources=tuple(_source(each, names) for each in fields.many("sources")),
    )
    if entry.task != "transcribe" and not entry.classes:
        raise fields.error("classes", "must not be empty for this task")
    if len(set(entry.classes)) != len(entry.classes):
        raise fields.error("classes", "names a class twice")
    if not entry.limits:
        raise fields.error("limits", "must say at least one thing that the model cannot do")
    fields.done()
    return entry


def _file(fields: _Fields) -> FileSpec:
    spec = FileSpec(name=fields.name("name"), bytes=fields.count("bytes"), sha256=fields.sha256("sha256"))
    fields.done()
    return spec


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and value == value and abs(value) != float("inf")


def _figure(fields: _Fields) -> Figure:
    interval = fields.take(
        "interval",
        lambda v: v is None or (isinstance(v, list) and len(v) == 2 and all(map(_is_number, v)) and v[0] <= v[1]),
        "two numbers, the lower first",
        None,
    )
    figure = Figure(
        name=fields.text("name"),
        value=fields.take("value", _is_number, "a number"),
        data=fields.text("data"),
        kind=fields.choice("kind", FIGURE_KINDS),
        source=fields.text("source", ""),
        command=fields.text("command", ""),
        interval=(interval[0], interval[1]) if interval else None,
    )
    if figure.kind == "published" and not figure.source:
        raise fields.error("source", "is missing: a published figure names its page or paper")
    if figure.kind == "measured" and not figure.command:
        raise fields.error("command", "is missing: a measured figure names what to run to get it again")
    fields.done()
    return figure


def _source(fields: _Fields, names: list[str]) -> Source:
    kind = fields.choice("kind", ("ultralytics", "hub", "wheel", "packaged"))
    source: Source
    if kind == "ultralytics":
        source = UltralyticsSource(asset=fields.name("asset"), release=fields.text("release"))
        if names != [source.asset]:
            raise fields.error("asset", "must be the one file of the entry")
    elif kind == "hub":
        repo = fields.take("repo", lambda v: isinstance(v, str) and v.count("/") == 1 and safe_name(v), "owner/name")
        source = HubSource(repo=repo, revision=fields.take("revision", _is_commit, "a commit of 40 hex digits"))
    elif kind == "packaged":
        source = PackagedSource(folder=fields.name("folder", ""))
    else:
        source = _wheel_source(fields, names)
    fields.done()
    return source


def _is_commit(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 40 and set(value) <= set("0123456789abcdef")


def _wheel_source(fields: _Fields, names: list[str]) -> WheelSource:
    wheels = []
    for each in fields.many("wheels"):
        wheels.append(
            Wheel(
                project=each.take("project", lambda v: isinstance(v, str) and safe_name(v) and "/" not in v, "a name"),
                version=each.text("version"),
                sha256=each.sha256("sha256"),
                bytes=each.count("bytes"),
                tag=each.text("tag", ""),
            )
        )
        each.done()
    projects = {wheel.project for wheel in wheels}
    listed = fields.take("members", lambda v: isinstance(v, dict) and sorted(v) == sorted(names), "the files by name")
    members: dict[str, tuple[Part, ...]] = {}
    for name, parts in listed.items():
        holder = _Fields({name: parts}, fields.where, f"{fields.path}.members")
        taken = []
        for part in holder.many(name):
            project = part.take("project", lambda v: v in projects, "one of the wheels")
            taken.append(Part(project=project, member=part.name("member")))
            part.done()
        members[name] = tuple(taken)
    return WheelSource(wheels=tuple(wheels), members=members)
