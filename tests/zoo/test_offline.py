from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from gallery.zoo import store
from tests.photos import BUS

ROOT = Path(__file__).resolve().parents[2]


def test_a_run_leaves_nothing_in_the_home_folder(tmp_path):
    """Libraries that report home write an id there; the gallery writes to its cache only."""
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("YOLO_", "XDG_")) and k != "CI"},
        "HOME": str(home),
        "GALLERY_CACHE": str(cache),
        "GALLERY_MODELS": str(store.ensure("yolo26n").folder),
    }
    command = [sys.executable, "-m", "gallery", "analyse", "signs", str(BUS)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [p.name for p in home.rglob("*") if p.is_file()] == []
    assert (cache / "exports").is_dir()
