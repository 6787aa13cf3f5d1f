"""Networks converted for a runtime on this machine: made once, recorded with their own sha256, checked at every load.

A conversion starts from verified weights, so its key holds their hash, the versions of the libraries that convert, and
what was asked of them. The folder is written under a temporary name and renamed when it is whole.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from gallery.errors import DiskFull
from gallery.zoo import paths

_MANIFEST = "export.json"


def cached(name: str, key: Mapping[str, str], build: Callable[[Path], None]) -> Path:
    """Folder of a conversion, made by ``build`` unless a whole and unchanged one is there.

    Args:
        name: readable part of the folder's name, for example ``yolo26n-openvino``.
        key: everything that the conversion depends on (hash of the weights, versions, shape).
        build: writes the converted files into the empty folder that it is given.

    Raises:
        DiskFull: when there is no room for the files.
    """
    digest = hashlib.sha256(json.dumps(dict(key), sort_keys=True).encode()).hexdigest()[:16]
    root = paths.exports_cache()
    folder = root / f"{name}-{digest}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{folder.name}.lock"):
            if _whole(folder, key):
                return folder
            shutil.rmtree(folder, ignore_errors=True)
            for left_over in root.glob(f".{folder.name}.*.part"):  # a process was killed while it converted
                shutil.rmtree(left_over, ignore_errors=True)
            part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=root))
            try:
                build(part)
                files = {p.relative_to(part).as_posix(): _sha256(p) for p in sorted(part.rglob("*")) if p.is_file()}
                record = {"key": dict(key), "files": files}
                (part / _MANIFEST).write_text(json.dumps(record, indent=1), encoding="utf-8")
                os.replace(part, folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(
                f"There is no room left to prepare {name} in {root}.",
                "Free some space, or set GALLERY_CACHE to a folder on a larger disk.",
            ) from error
        raise
    return folder


def sha256s(folder: Path) -> dict[str, str]:
    """Recorded hash of every file of a conversion, by its path inside the folder."""
    return json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))["files"]


def _whole(folder: Path, key: Mapping[str, str]) -> bool:
    """Whether the folder holds exactly what was recorded when it was made, for this key."""
    try:
        record = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if record["key"] != dict(key):
            return False
        return all(_sha256(folder / path) == sha256 for path, sha256 in record["files"].items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
