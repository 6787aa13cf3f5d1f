"""Decide, before any training, which photos are kept away from it.

    python training/blood_cells/split.py DATA models/blood_cells.split.json

``DATA`` is the folder with one folder a class. Of every class 20 % go to ``test`` (all photos named in ``whole.txt``
first, because they are the only ones at the size that a person would upload), 10 % to ``validation``, the rest to
``train``. The file holds names only.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

SEED = 20251123
TEST, VALIDATION = 0.20, 0.10


def split(data: Path) -> dict[str, list[str]]:
    """File names (``class/file.jpg``) of the three parts, sorted."""
    whole = set((data / "whole.txt").read_text(encoding="utf-8").split())
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        names = sorted(f"{folder.name}/{path.name}" for path in folder.glob("*.jpg"))
        kept = [name for name in names if name in whole]
        crops = [name for name in names if name not in whole]
        random.Random(f"{SEED} {folder.name}").shuffle(crops)
        test = round(TEST * len(names)) - len(kept)
        validation = round(VALIDATION * len(names))
        parts["test"] += kept + crops[:test]
        parts["validation"] += crops[test : test + validation]
        parts["train"] += crops[test + validation :]
    return {name: sorted(files) for name, files in parts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Split the blood-cell photos; names only.")
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    parts = split(arguments.data)
    document = {
        "data": "PBC dataset, Acevedo et al. 2020, doi 10.1016/j.dib.2020.105474, CC BY 4.0",
        "rule": "by class: all whole photos and a random rest make 20 % test, 10 % validation, 70 % train",
        "seed": SEED,
        **parts,
    }
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print({name: len(files) for name, files in parts.items()})


if __name__ == "__main__":
    main()
