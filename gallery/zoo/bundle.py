"""Models in one file, for a machine without a network.

A bundle is a plain zip: ``gallery-bundle.json`` with what it holds, and ``models/<id>/<file>``. Nothing in it is taken
on trust: names, sizes and hashes must be those of this gallery's own registry, whatever the bundle says of itself.
"""

from __future__ import annotations

import json
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gallery.errors import BundleError, GalleryError, WeightsMismatch
from gallery.zoo import paths, registry, store
from gallery.zoo.integrity import (
    CHUNK,
    FileSpec,
    Progress,
    disk_errors,
    locked,
    publish,
    require_space,
    staging,
    sweep,
    temporary,
    write_stream,
)
from gallery.zoo.registry import ModelEntry

MANIFEST = "gallery-bundle.json"
FORMAT = 1
_MANIFEST_BYTES = 1 << 20
_ELSEWHERE = "Name a file in a folder that you may write to."
_REMEDY = "Make a new bundle with 'python -m gallery models bundle FILE' on a machine that has the models."

Report = Callable[[Progress], None]


def bundle(file: Path, model_ids: Sequence[str] = (), *, progress: Report | None = None) -> list[str]:
    """Write models into one file, in one step: an interrupted run leaves no file of that name.

    Models that this machine lacks are fetched first. Models that come with the gallery are left out.

    Args:
        file: the zip to write; a file of that name is replaced.
        model_ids: which models; all where empty.

    Returns:
        Ids of the models in the bundle.

    Raises:
        UnknownModel, ModelUnavailable, WeightsMismatch, DiskFull: as :func:`gallery.zoo.store.ensure`.
        BundleError: the file cannot be written.
    """
    known = registry.load()
    entries = [known.get(model_id) for model_id in dict.fromkeys(model_ids or known.ids())]
    entries = [entry for entry in entries if not entry.packaged]
    if not entries:
        raise BundleError(
            "There is nothing to bundle: the chosen models come with the gallery.", "Choose other models."
        )
    _check_destination(file)  # before what can be a long download
    models = [store.ensure(entry.id, progress=progress) for entry in entries]
    require_space(file.parent, sum(entry.bytes for entry in entries))
    part = temporary(file)
    with disk_errors(file.parent, BundleError, _ELSEWHERE):
        try:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                archive.writestr(_plain(MANIFEST), json.dumps(_manifest(entries), indent=2) + "\n")
                for model in models:
                    for spec in model.entry.files:
                        _pack(archive, model, spec, progress)
            with part.open("r+b") as written:
                os.fsync(written.fileno())
            publish(part, file)
        finally:
            part.unlink(missing_ok=True)
    return [entry.id for entry in entries]


def unbundle(file: Path, *, progress: Report | None = None) -> list[str]:
    """Bring the models of a bundle into the user's cache.

    The whole bundle is checked before the first file appears in the cache: one wrong member and nothing is taken.

    Returns:
        Ids of the models that the bundle holds.

    Raises:
        BundleError: not a bundle, or one with names, sizes, hashes or kinds of members that do not belong in it.
        DiskFull: no room.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = _admit(archive)
            cache = paths.weights_cache()
            with locked(cache / ".bundle.lock"):
                with disk_errors(cache):
                    sweep(cache)
                require_space(cache, sum(entry.bytes for entry in entries))
                with staging(cache) as place:
                    for entry in entries:
                        _unpack(archive, entry, place / entry.id, progress)
                    for entry in entries:
                        store.adopt(entry, place / entry.id, f"bundle {file.name}")
    except WeightsMismatch as error:
        raise BundleError(f"The bundle was refused: {error.problem}", _REMEDY) from error
    except GalleryError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeError, NotImplementedError) as error:
        raise BundleError(f"{file.name} is not a bundle, or it is damaged.", _REMEDY) from error
    except FileNotFoundError as error:
        raise BundleError(f"There is no file {file}.", "Name the bundle that you copied to this machine.") from error
    except OSError as error:
        raise BundleError(f"{file.name} cannot be read: {error.strerror or error}.", _REMEDY) from error
    return [entry.id for entry in entries]


# --- writing ----------------------------------------------------------------------------------------------------------


def _check_destination(file: Path) -> None:
    """Refuse a place where no bundle can be written."""
    with disk_errors(file.parent, BundleError, _ELSEWHERE):
        if file.is_dir():
            raise BundleError(f"{file} is a folder.", "Name the file to write, for example models.zip in that folder.")
        if not file.parent.is_dir():
            raise BundleError(f"There is no folder {file.parent}.", "Name a file in a folder that exists.")
        part = temporary(file)
        part.touch()
        part.unlink()


def _manifest(entries: Sequence[ModelEntry]) -> dict[str, object]:
    return {
        "format": FORMAT,
        "models": {
            entry.id: {
                "licence": entry.licence,
                "licence_note": entry.licence_note,
                "credit": entry.credit,
                "files": [{"name": spec.name, "bytes": spec.bytes, "sha256": spec.sha256} for spec in entry.files],
            }
            for entry in entries
        },
    }


def _plain(name: str) -> zipfile.ZipInfo:
    """A member with a fixed date, so that the same models make the same bundle."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o644 << 16
    return info


def _pack(archive: zipfile.ZipFile, model: store.ResolvedModel, spec: FileSpec, progress: Report | None) -> None:
    info = _plain(_member(model.entry, spec))
    info.file_size = spec.bytes
    done = 0
    with model.files[spec.name].open("rb") as stream, archive.open(info, "w") as out:
        while chunk := stream.read(CHUNK):
            out.write(chunk)
            done += len(chunk)
            if progress:
                progress(Progress(model.entry.id, spec.name, done, spec.bytes, "this machine"))


def _member(entry: ModelEntry, spec: FileSpec) -> str:
    return f"models/{entry.id}/{spec.name}"


# --- reading ----------------------------------------------------------------------------------------------------------


def _admit(archive: zipfile.ZipFile) -> list[ModelEntry]:
    """The models in a bundle whose every member is one that this gallery expects."""
    allowed = {
        _member(entry, spec): (entry, spec) for entry in registry.load() if not entry.packaged for spec in entry.files
    }
    found: dict[str, set[str]] = {}
    seen: set[str] = set()
    for info in archive.infolist():
        name = info.orig_filename
        if name != info.filename or name in seen:
            raise _refuse(name, "stands in it twice or under two names")
        seen.add(name)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or info.is_dir():
            raise _refuse(name, "is a link or a folder")
        if info.flag_bits & 0x1:
            raise _refuse(name, "is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refuse(name, "is compressed in a way that bundles are not")
        if name == MANIFEST:
            continue
        if name not in allowed:
            raise _refuse(name, "is no file of a model that this gallery knows")
        entry, spec = allowed[name]
        if info.file_size != spec.bytes:
            raise _refuse(name, f"has {info.file_size:,} bytes instead of {spec.bytes:,}")
        found.setdefault(entry.id, set()).add(spec.name)
    if MANIFEST not in seen:
        raise BundleError(f"The bundle holds no {MANIFEST}.", _REMEDY)
    _check_manifest(archive, found)
    entries = [entry for entry in registry.load() if entry.id in found]
    for entry in entries:
        lacking = [spec.name for spec in entry.files if spec.name not in found[entry.id]]
        if lacking:
            raise BundleError(f"The bundle lacks {', '.join(lacking)} of the model {entry.id}.", _REMEDY)
    if not entries:
        raise BundleError("The bundle holds no model.", _REMEDY)
    return entries


def _check_manifest(archive: zipfile.ZipFile, found: dict[str, set[str]]) -> None:
    with archive.open(MANIFEST) as stream:
        text = stream.read(_MANIFEST_BYTES + 1)
    if len(text) > _MANIFEST_BYTES:
        raise _refuse(MANIFEST, "is too large")
    try:
        data = json.loads(text)
        version, models = data["format"], set(data["models"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refuse(MANIFEST, "cannot be read") from error
    if version != FORMAT:
        raise BundleError(f"The bundle has the format {version!r}, and this gallery reads {FORMAT}.", _REMEDY)
    if models != set(found):
        raise _refuse(MANIFEST, "does not name the models that the bundle holds")


def _unpack(archive: zipfile.ZipFile, entry: ModelEntry, folder: Path, progress: Report | None) -> None:
    for spec in entry.files:

        def report(done: int, total: int, name: str = spec.name) -> None:
            if progress:
                progress(Progress(entry.id, name, done, total, "the bundle"))

        write_stream(_stream(archive, _member(entry, spec)), folder / spec.name, spec, "The bundle", report)


def _stream(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    with archive.open(member) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _refuse(name: str, why: str) -> BundleError:
    return BundleError(f"The bundle was refused: {name[:100]!r} {why}.", _REMEDY)
