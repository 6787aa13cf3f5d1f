"""Networks converted for a runtime on this machine: made once, recorded with their own sha256, checked at every load.

A conversion starts from verified weights, so its key holds their hash, the versions of the libraries that convert, and
what was asked of them. The folder is written under a temporary name and renamed when it is whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from gallery.zoo import paths
from gallery.zoo.integrity import disk_errors, locked, publish, remove, sha256_of, sweep, temporary

_MANIFEST = "export.json"


def cached(name: str, key: Mapping[str, str], build: Callable[[Path], None]) -> Path:
    """Folder of a conversion, made by ``build`` unless a whole and unchanged one is there.

    Args:
        name: readable part of the folder's name, for example ``yolo26n-onnx``.
        key: everything that the conversion depends on (hash of the weights, versions, shape).
        build: writes the converted files into the empty folder that it is given.

    Raises:
        DiskFull: when there is no room for the files.
        ModelUnavailable: when the cache cannot be written.
    """
    digest = hashlib.sha256(json.dumps(dict(key), sort_keys=True).encode()).hexdigest()[:16]
    root = paths.exports_cache()
    folder = root / f"{name}-{digest}"
    if _whole(folder, key):
        return folder
    with locked(root / f".{folder.name}.lock"):
        if _whole(folder, key):  # another process made it while this one waited
            return folder
        part = temporary(folder)
        with disk_errors(root):
            remove(folder)
            sweep(root, f".{folder.name}.")
            try:
                part.mkdir()
                build(part)
                record = {"key": dict(key), "files": {path: sha256_of(part / path) for path in sorted(_files(part))}}
                (part / _MANIFEST).write_text(json.dumps(record, indent=1), encoding="utf-8")
                publish(part, folder)
            finally:
                remove(part)
    return folder


def sha256s(folder: Path) -> dict[str, str]:
    """Recorded hash of every file of a conversion, by its path inside the folder."""
    return json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))["files"]


def _files(folder: Path) -> set[str]:
    """Paths of all files of a conversion, inside its folder."""
    paths_inside = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    return paths_inside - {_MANIFEST}


def _whole(folder: Path, key: Mapping[str, str]) -> bool:
    """Whether the folder holds exactly what was recorded when it was made, for this key."""
    try:
        record = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if record["key"] != dict(key) or set(record["files"]) != _files(folder):
            return False
        return all(sha256_of(folder / path) == sha256 for path, sha256 in record["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
