"""A person's own checkpoint, by folder or by id of the Hugging Face hub: found, refused where it must be, and pinned.

Only weights in safetensors are read, and settings that name code are refused. At first use the sha256 of each file,
and the revision of a hub id, are noted; content that changed since is refused until the person says so
(:func:`forget`). :mod:`gallery.zoo.checkpoint` loads what passed.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gallery.errors import CheckpointRefused, ModelError, ModelUnavailable
from gallery.results import ModelUse
from gallery.zoo import offline, paths
from gallery.zoo.integrity import locked, sha256_of, write_text

#: What transformers may read of a checkpoint; nothing else is downloaded, hashed or looked at.
_READ = (".json", ".safetensors", ".txt", ".model", ".jinja")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack")
#: Settings by which a checkpoint asks for code or weights from elsewhere.
_REACHING = ("auto_map", "custom_pipelines", "use_pretrained_backbone")
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")


@dataclass(frozen=True, slots=True)
class Pinned:
    """A checkpoint whose content is that of its first use.

    Attributes:
        model: as the person named it.
        folder: where its files lie.
        files: sha256 by name.
        revision: commit of the hub repository; empty for a folder.
        source: where it comes from, in words.
    """

    model: str
    folder: Path
    files: Mapping[str, str]
    revision: str
    source: str

    @property
    def sha256(self) -> str:
        """Hash of the file of weights; of the list of their names and hashes where there are several."""
        weights = [name for name in sorted(self.files) if name.endswith(".safetensors")]
        if len(weights) == 1:
            return self.files[weights[0]]
        listing = "".join(f"{self.files[name]}  {name}\n" for name in weights)
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def key(self) -> tuple[Any, ...]:
        """What a loaded copy depends on."""
        return (self.folder, *sorted(self.files.items()))

    def use(self, runtime: str) -> ModelUse:
        """What to say of it in a result."""
        return ModelUse(self.model, self.sha256, runtime, self.source, verified=False)


def resolve(model: str) -> Pinned:
    """Find a checkpoint, refuse what could run code, and hold it against its first use, which is noted now if new.

    Args:
        model: a folder, or an id of the Hugging Face hub.

    Raises:
        ModelUnavailable: it is not on this machine and may not be fetched.
        CheckpointRefused: it could run code, or changed since its first use.
    """
    folder = _folder(model)
    if folder is not None:
        return _held(Pinned(model, folder, _hashes(folder), "", f"folder {folder}"), str(folder))
    if not _HUB_ID.fullmatch(model):
        raise ModelUnavailable(
            f"There is no folder {model}.", "Name a folder that holds a checkpoint, or a hub id like owner/name."
        )
    known = _pins().get(model, {})
    folder = _hub_folder(model, known.get("revision") or None)
    revision = folder.name
    return _held(
        Pinned(model, folder, _hashes(folder), revision, f"Hugging Face hub, {model} at {revision[:7]}"), model
    )


def could_be(model: str) -> bool:
    """Whether the name is that of a folder on this machine, or has the form of a hub id."""
    return _folder(model) is not None or _HUB_ID.fullmatch(model) is not None


def forget(model: str) -> bool:
    """Forget the first use of a checkpoint, so that its content of now is noted the next time.

    Args:
        model: the folder or hub id, as it was named.

    Returns:
        Whether it was known.
    """
    with locked(_pins_lock()):
        pins = _pins()
        known = [key for key in (model, _absolute(model)) if pins.pop(key, None) is not None]
        if known:
            _write_pins(pins)
    return bool(known)


def pinned_models() -> list[str]:
    """The folders and hub ids that were used so far."""
    return sorted(_pins())


def _absolute(model: str) -> str:
    """The name as a full path; as it is, where it cannot be one."""
    try:
        return str(Path(model).expanduser().resolve()) if model.strip() else model
    except (OSError, RuntimeError, ValueError):  # no such user after ~, a loop of links, a zero byte
        return model


def _folder(model: str) -> Path | None:
    """The folder of that name, if there is one."""
    try:
        folder = Path(_absolute(model))
        return folder if model.strip() and folder.is_dir() else None
    except (OSError, ValueError):  # a name that is too long
        return None


# --- what may be read -------------------------------------------------------------------------------------------------


def _hashes(folder: Path) -> dict[str, str]:
    """The sha256 of every file that may be read, by name; CheckpointRefused if one must not be."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    names = {path.name for path in files}
    weights = {name for name in names if name.endswith(".safetensors")}
    if not weights and "model.bin" in names:  # of CTranslate2, by its name
        raise CheckpointRefused(
            f"The checkpoint in {folder} holds its weights in CTranslate2's form (model.bin), and only safetensors are "
            "read.",
            "Name the checkpoint that it was converted from, saved in safetensors.",
        )
    if not weights and any(name.endswith(_PICKLES) for name in names):
        raise CheckpointRefused(
            f"The checkpoint in {folder} holds its weights only in a form that can run code when it is opened.",
            "Save it in safetensors, as save_pretrained of the current transformers does.",
        )
    if not weights:
        raise CheckpointRefused(
            f"There are no weights in {folder}.", "Choose a folder that holds config.json and model.safetensors."
        )
    if "adapter_config.json" in names:
        raise CheckpointRefused(
            f"{folder} holds an adapter to another model.", "Merge it into its model and save the whole checkpoint."
        )
    if "config.json" not in names:
        raise CheckpointRefused(f"The checkpoint in {folder} has no config.json.", "Copy the whole folder again.")
    for path in files:
        if path.name.endswith((".index.json", "config.json")):
            _refuse_reaching(path)
    return {path.name: sha256_of(path) for path in files if path.name.endswith(_READ)}


def _refuse_reaching(path: Path) -> None:
    """Refuse settings that name code, or weights of another form or place."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise CheckpointRefused(f"{path} is damaged.", "Copy the whole folder again.") from error
    reaching = sorted(_keys(settings) & set(_REACHING))
    if reaching:
        raise CheckpointRefused(
            f"{path.name} of the checkpoint in {path.parent} asks for code or weights from elsewhere ({reaching[0]}).",
            "Choose a checkpoint of an architecture that is part of transformers itself.",
        )
    shards = settings.get("weight_map", {}) if isinstance(settings, dict) else {}
    if not isinstance(shards, dict) or not all(
        isinstance(name, str) and name.endswith(".safetensors") and (path.parent / name).parent == path.parent
        for name in shards.values()
    ):
        raise CheckpointRefused(
            f"{path} names weights that are not safetensors.", "Save the checkpoint in safetensors."
        )


def _keys(settings: Any) -> set[str]:
    """All keys with a value, at any depth."""
    if isinstance(settings, dict):
        return {key for key, value in settings.items() if value} | {k for v in settings.values() for k in _keys(v)}
    if isinstance(settings, list):
        return {key for value in settings for key in _keys(value)}
    return set()


def _hub_folder(model: str, revision: str | None) -> Path:
    """The files of a hub repository: of the cache of the hub's library, or fetched where the person allows it."""
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                model,
                revision=revision,
                allow_patterns=[f"*{suffix}" for suffix in _READ],
                ignore_patterns=["*/*"],
                local_files_only=not offline.online(),
                etag_timeout=5,
            )
        )
    except Exception as error:  # the hub's library raises errors of its own and of the HTTP library
        if offline.online():
            raise ModelUnavailable(
                f"The checkpoint {model} could not be fetched ({type(error).__name__}).",
                "Check the id and the network, or name a folder on this machine.",
            ) from error
        raise ModelUnavailable(
            f"The checkpoint {model} is not on this machine, and the gallery does not go online by itself.",
            "Start it with GALLERY_ONLINE=1 to have it fetched, or name a folder on this machine.",
        ) from error


# --- first use --------------------------------------------------------------------------------------------------------


def _held(found: Pinned, key: str) -> Pinned:
    """Hold content against the first use, or note it as that."""
    with locked(_pins_lock()):
        pins = _pins()
        if key not in pins:
            when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            pins[key] = {"revision": found.revision, "files": dict(found.files), "first_used": when}
            _write_pins(pins)
            return found
        first = pins[key]
    then, now = first["files"], dict(found.files)
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if changed:
        raise CheckpointRefused(
            f"The checkpoint {found.model} changed since its first use on {first['first_used'][:10]} "
            f"({', '.join(changed[:3])}{' and more' if len(changed) > 3 else ''}).",
            f"If that is what you want, run 'python -m gallery models forget {found.model}' and use it again.",
        )
    return found


def _pins_path() -> Path:
    return paths.cache_dir() / "checkpoints.json"


def _pins_lock() -> Path:
    return paths.cache_dir() / ".checkpoints.lock"


def _pins() -> dict[str, dict[str, Any]]:
    path = _pins_path()
    try:
        pins = json.loads(path.read_text(encoding="utf-8"))["checkpoints"]
        if not all(isinstance(pin["files"], dict) and isinstance(pin["first_used"], str) for pin in pins.values()):
            raise ValueError("fields are missing")
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"The list of the checkpoints that were used, {path}, is damaged.",
            "Delete it; the next use of each checkpoint then counts as its first.",
        ) from error
    return pins


def _write_pins(pins: Mapping[str, Any]) -> None:
    write_text(json.dumps({"format": 1, "checkpoints": pins}, indent=1) + "\n", _pins_path())
