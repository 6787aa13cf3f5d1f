from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gallery import samples
from gallery.zoo import store
from tests.photos import BUS

ROOT = Path(__file__).resolve().parents[2]


def _commands() -> dict[str, list[str]]:
    speech = next(s for s in samples.samples("speech") if samples.offline(s))
    return {
        "openvino": ["analyse", "signs", str(BUS)],
        "onnxruntime": ["analyse", "cells", str(BUS), "--runtime", "onnxruntime"],
        "torch": ["analyse", "proximity", str(BUS), "--runtime", "torch"],
        "speech": ["analyse", "speech", str(samples.fetch(speech)), "--model", "whisper-tiny.en"],
        "doctor": ["models", "doctor"],
    }


@pytest.mark.parametrize("command", ["openvino", "onnxruntime", "torch", "speech", "doctor"])
def test_a_run_leaves_nothing_in_the_home_folder(tmp_path, command):
    """Libraries that report home write an id there; the gallery writes to its cache only."""
    home, cache, named = tmp_path / "home", tmp_path / "cache", tmp_path / "named"
    home.mkdir()
    named.mkdir()
    for model in ("yolo26n", "whisper-tiny.en"):
        shutil.copytree(store.ensure(model).folder, named / model)
    private = ("YOLO_", "XDG_", "HF_", "ORT_", "MPL")
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(private) and k not in ("CI", "DO_NOT_TRACK")},
        "HOME": str(home),
        "GALLERY_CACHE": str(cache),
        "GALLERY_MODELS": str(named),
    }
    run = [sys.executable, "-m", "gallery", *_commands()[command]]
    done = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == (1 if command == "doctor" else 0), done.stderr  # the other models are missing there
    assert [str(p.relative_to(home)) for p in home.rglob("*") if p.is_file()] == []


_ASK = """
import os
from gallery.zoo import offline
offline.apply()
from ultralytics.utils import SETTINGS
print(SETTINGS["sync"], len(SETTINGS) > 10, os.environ.get("YOLO_OFFLINE"))
"""


def _ask(environment: dict[str, str]) -> list[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("YOLO_")}
    command = [sys.executable, "-c", _ASK]
    done = subprocess.run(command, cwd=ROOT, env=given | environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    "there", [None, "", "{", "[]", '{"sync": true}', '{"sync": true, "runs_dir": "mine"}', '{"sync": false}']
)
def test_ultralytics_does_not_report_its_use_online(tmp_path, there):
    settings = tmp_path / "ultralytics" / "Ultralytics" / "settings.json"
    if there is not None:
        settings.parent.mkdir(parents=True)
        settings.write_text(there)
    environment = {"GALLERY_CACHE": str(tmp_path), "GALLERY_ONLINE": "1"}
    assert _ask(environment) == ["False", "True", "None"]
    kept = json.loads(settings.read_text())  # ultralytics has filled in the rest
    assert kept["sync"] is False
    assert ("mine" in (there or "")) == (kept["runs_dir"] == "mine")
    assert _ask(environment) == ["False", "True", "None"]


@pytest.mark.parametrize(("there", "offline"), [(None, "1"), ('{"sync": true}', "1"), ('{"sync": false}', "None")])
def test_settings_of_the_users_own_are_not_changed(tmp_path, there, offline):
    """Where they let ultralytics report its use, it stays offline instead."""
    settings = tmp_path / "mine" / "Ultralytics" / "settings.json"
    if there is not None:
        settings.parent.mkdir(parents=True)
        settings.write_text(there)
    environment = {"GALLERY_CACHE": str(tmp_path), "GALLERY_ONLINE": "1", "YOLO_CONFIG_DIR": str(tmp_path / "mine")}
    assert _ask(environment) == [str(there != '{"sync": false}'), "True", offline]


def test_a_cache_that_cannot_be_written_keeps_ultralytics_offline(tmp_path):
    (tmp_path / "file").write_text("in the way")
    code = "import os; from gallery.zoo import offline; offline.apply(); print(os.environ['YOLO_OFFLINE'])"
    given = {name: value for name, value in os.environ.items() if not name.startswith("YOLO_")}
    environment = {**given, "GALLERY_CACHE": str(tmp_path / "file"), "GALLERY_ONLINE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
