"""From a model id to files on this machine that are, byte for byte, those of the registry.

Looked for in this order: the folder that the user names (``GALLERY_MODELS``), what comes with the gallery, the user's
cache, then each source of the registry entry. No file leaves here unchecked: each process hashes each file before its
first use.
"""

from __future__ import annotations

import datetime
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gallery.errors import ModelError, ModelUnavailable, WeightsMismatch
from gallery.zoo import paths, registry, sources
from gallery.zoo.integrity import FileSpec, Progress, disk_errors, fault, locked, remove, sweep, write_text
from gallery.zoo.registry import ModelEntry, PackagedSource

log = logging.getLogger(__name__)

RECORD = "source.json"


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model whose files were checked.

    Attributes:
        entry: what the registry says of it.
        folder: where all its files lie.
        files: path of each file, by the name in the registry.
        source: which source served the files, in words.
    """

    entry: ModelEntry
    folder: Path
    files: dict[str, Path]
    source: str

    @property
    def sha256(self) -> str:
        """Hash of the weights (the first file)."""
        return self.entry.sha256

    @property
    def path(self) -> Path:
        """The file of the weights (the first file)."""
        return self.files[self.entry.main.name]


@dataclass(frozen=True, slots=True)
class Status:
    """What is on this machine of one model.

    Attributes:
        state: ``present``, ``missing`` or ``damaged``.
        folder: where it was found or would be kept.
        source: which source served it, in words; empty unless present.
        problems: one sentence for each file that is not as it should be.
    """

    entry: ModelEntry
    state: str
    folder: Path
    source: str = ""
    problems: tuple[str, ...] = ()


def ensure(model_id: str, *, progress: Callable[[Progress], None] | None = None) -> ResolvedModel:
    """The checked files of a model, fetched where this machine lacks them.

    Safe to call from several threads and processes at once: one fetches, the others wait and use what it fetched.

    Args:
        progress: called while bytes arrive.

    Raises:
        UnknownModel: no such id.
        ModelUnavailable: no source served the files; the problem says why for each.
        WeightsMismatch: all that sources served had other bytes than the registry names.
        DiskFull: no room for the download.
    """
    entry = registry.load().get(model_id)
    found = _at_hand(entry, say=_warn)
    if found:
        return found
    if entry.packaged:
        problems = _problems(entry, _packaged_folder(entry))
        raise WeightsMismatch(
            f"The file of the model {entry.id} that comes with the gallery is not as it should be: {problems[0]}",
            "Restore the folder models/ from the project's repository.",
        )
    folder = _cache_folder(entry)
    with locked(folder.parent / f".{entry.id}.lock"):
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            sweep(folder)
            _discard_damaged(entry, folder)
        if not _complete(entry, folder):  # else another process fetched it while this one waited
            _fetch(entry, folder, progress)
    return _resolved(entry, folder, _recorded_source(entry, folder))


def find(model_id: str) -> ResolvedModel | None:
    """The checked files of a model where they are on this machine already, else None. Never fetches."""
    return _at_hand(registry.load().get(model_id), say=lambda _: None)


def status(entry: ModelEntry, *, fresh: bool = False) -> Status:
    """What is on this machine of a model. Never fetches; ``fresh`` hashes every file again."""
    notes: list[str] = []
    found = _at_hand(entry, say=notes.append, fresh=fresh)
    if found:
        return Status(entry, "present", found.folder, found.source, tuple(notes))
    folder = _packaged_folder(entry) if entry.packaged else _cache_folder(entry)
    problems = tuple(notes) + tuple(_problems(entry, folder))
    some = any((folder / spec.name).exists() for spec in entry.files)
    return Status(entry, "damaged" if some else "missing", folder, "", problems)


def adopt(entry: ModelEntry, staged: Path, source: str) -> None:
    """Move files that were already checked from ``staged`` (on the same disk) into the cache, under the lock."""
    folder = _cache_folder(entry)
    with locked(folder.parent / f".{entry.id}.lock"), disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        for spec in entry.files:
            if fault(folder / spec.name, spec):
                (staged / spec.name).replace(folder / spec.name)
                _record(folder, [spec], source)


# --- what is at hand --------------------------------------------------------------------------------------------------


def _at_hand(entry: ModelEntry, *, say: Callable[[str], None], fresh: bool = False) -> ResolvedModel | None:
    for folder in _named_folders(entry, say):
        problems = _problems(entry, folder, fresh=fresh)
        if not problems:
            return _resolved(entry, folder, f"folder {folder}")
        for problem in problems:
            say(f"{problem} The folder that GALLERY_MODELS names was skipped for the model {entry.id}.")
    if entry.packaged:
        folder = _packaged_folder(entry)
        if _complete(entry, folder, fresh=fresh):
            return _resolved(entry, folder, PackagedSource().label)
        return None
    folder = _cache_folder(entry)
    if _complete(entry, folder, fresh=fresh):
        return _resolved(entry, folder, _recorded_source(entry, folder))
    return None


def _named_folders(entry: ModelEntry, say: Callable[[str], None]) -> Iterator[Path]:
    """The places inside the folder of the user where the model may lie: ``DIR/<id>/<file>`` and ``DIR/<file>``."""
    named = paths.models_dir()
    if named is None:
        return
    if not named.is_dir():
        say(f"GALLERY_MODELS names {named}, which is not a folder.")
        return
    if (named / entry.id / entry.main.name).exists():
        yield named / entry.id
    flat = named / entry.main.name
    if flat.exists() and not _is_of_another(entry, flat):
        yield named


def _is_of_another(entry: ModelEntry, path: Path) -> bool:
    """Whether a file of a general name (``model.bin``) is, by its size, that of another model."""
    size = path.stat().st_size
    same_name = [spec for other in registry.load() if other.id != entry.id for spec in other.files]
    return any(spec.name == path.name and spec.bytes == size for spec in same_name)


def _problems(entry: ModelEntry, folder: Path, *, fresh: bool = False) -> list[str]:
    wrong = [(spec, fault(folder / spec.name, spec, fresh=fresh)) for spec in entry.files]
    found = [f"{folder / spec.name} {what}." for spec, what in wrong if what]
    return found + [f"{path} is no file of this model." for path in _foreign(entry, folder)]


def _complete(entry: ModelEntry, folder: Path, *, fresh: bool = False) -> bool:
    return not _problems(entry, folder, fresh=fresh)


def _foreign(entry: ModelEntry, folder: Path) -> list[Path]:
    """Files that a library would read along with a model folder though the registry does not name them.

    A model that is one file is loaded by its path, so its neighbours do not matter.
    """
    if len(entry.files) == 1 or not folder.is_dir():
        return []
    known = {spec.name for other in registry.load() for spec in other.files} | {RECORD}
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name not in known and not path.name.startswith(".") and path.suffix != ".md" and not path.is_dir()
    ]


def _packaged_folder(entry: ModelEntry) -> Path:
    source = next(source for source in entry.sources if isinstance(source, PackagedSource))
    return paths.PACKAGED_MODELS / source.folder


def _cache_folder(entry: ModelEntry) -> Path:
    return paths.weights_cache() / entry.id


def _resolved(entry: ModelEntry, folder: Path, source: str) -> ResolvedModel:
    return ResolvedModel(entry, folder, {spec.name: folder / spec.name for spec in entry.files}, source)


# --- fetching ---------------------------------------------------------------------------------------------------------


def _discard_damaged(entry: ModelEntry, folder: Path) -> None:
    for spec in entry.files:
        path = folder / spec.name
        problem = fault(path, spec)
        if problem and (path.exists() or path.is_symlink()):
            _warn(f"The cached file {path} {problem}; it was removed and is fetched again.")
            remove(path)
    for path in _foreign(entry, folder):
        _warn(f"The file {path} does not belong in the cache of the model {entry.id}; it was removed.")
        remove(path)


def _fetch(entry: ModelEntry, folder: Path, progress: Callable[[Progress], None] | None) -> None:
    failures: list[ModelError] = []
    for source in entry.sources:
        missing = [spec for spec in entry.files if fault(folder / spec.name, spec)]
        label = source.label

        def report(name: str, done: int, total: int, label: str = label) -> None:
            if progress:
                progress(Progress(entry.id, name, done, total, label))

        try:
            sources.fetch(source, missing, folder, report)
        except (ModelUnavailable, WeightsMismatch) as error:
            log.info("%s: %s", entry.id, error.problem)
            failures.append(error)
        now_there = [spec for spec in missing if fault(folder / spec.name, spec) is None]
        _record(folder, now_there, label)
        if len(now_there) == len(missing):
            return
    reasons = "; ".join(error.problem.rstrip(".") for error in failures)
    if all(isinstance(error, WeightsMismatch) for error in failures):
        raise WeightsMismatch(
            f"No source has the files of the model {entry.id} as the registry names them: {reasons}.",
            "Nothing was loaded; copy the model from another machine with 'python -m gallery models bundle'.",
        )
    raise ModelUnavailable(
        f"The model {entry.id} is not on this machine and no source served it: {reasons}.",
        f"Run 'python -m gallery models pull {entry.id}' when the network is there, or bring it from another machine "
        "with 'python -m gallery models unbundle FILE'.",
    )


# --- who served what --------------------------------------------------------------------------------------------------


def _read_record(folder: Path) -> dict[str, dict[str, str]]:
    try:
        data = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return {str(name): dict(item) for name, item in data["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # the record only says where the files came from; what they are is known by their hash


def _record(folder: Path, specs: list[FileSpec], source: str) -> None:
    if not specs:
        return
    files = _read_record(folder)
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    for spec in specs:
        files[spec.name] = {"sha256": spec.sha256, "source": source, "fetched": when}
    write_text(json.dumps({"files": files}, indent=2) + "\n", folder / RECORD)


def _recorded_source(entry: ModelEntry, folder: Path) -> str:
    files = _read_record(folder)
    labels = [
        str(files[spec.name].get("source", ""))
        for spec in entry.files
        if spec.name in files and files[spec.name].get("sha256") == spec.sha256
    ]
    return " and ".join(dict.fromkeys(label for label in labels if label)) or "the user's cache"


_said: set[str] = set()


def _warn(message: str) -> None:
    """Log a warning, once a process."""
    if message not in _said:
        _said.add(message)
        log.warning(message)
