"""Measure the shipped classifier on the held-out cells, through the gallery's own way from file to result.

    python training/blood_cells/evaluate.py DATA models/blood_cells.split.json [--others NAME=FOLDER ...]

Prints accuracy with a 95 % bootstrap interval, macro AUC (one against the rest), expected calibration error (15 bins),
recall by class, the confusion matrix, the same for the whole photos alone, and how many cells, and how many pictures
of other things, are flagged as unlike the cells that the model knows.
"""

from __future__ import annotations

import argparse
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from gallery.domains import cells
from gallery.media.image import read_image
from gallery.results import Analysis
from gallery.zoo import offline

SEED = 11


def analyse(path: Path, options: cells.Options) -> Analysis:
    """One file, as a person would open it."""
    return cells.analyse(read_image(path, path.name), options)


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Chance that a positive scores above a negative (ties count half)."""
    ranks = rankdata(scores)
    p, n = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * n))


def calibration_error(best: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: mean gap between confidence and accuracy, by bins of equal width."""
    which = np.minimum((best * bins).astype(int), bins - 1)
    gaps = [abs(best[which == b].mean() - right[which == b].mean()) * (which == b).mean() for b in np.unique(which)]
    return float(sum(gaps))


def interval(values: np.ndarray, repeats: int = 4000) -> list[float]:
    """95 % bootstrap interval of a mean."""
    random = np.random.default_rng(SEED)
    means = values[random.integers(0, len(values), (repeats, len(values)))].mean(1)
    return [round(float(np.quantile(means, q)), 4) for q in (0.025, 0.975)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the blood-cell classifier on held-out cells.")
    parser.add_argument("data", type=Path)
    parser.add_argument("split", type=Path)
    parser.add_argument("--runtime", default="openvino")
    parser.add_argument("--framing", default="auto", choices=cells.FRAMINGS)
    parser.add_argument("--part", default="test", choices=("validation", "test"))
    parser.add_argument("--others", nargs="*", default=[], metavar="NAME=FOLDER", help="pictures of other things")
    parser.add_argument("--most", type=int, default=150, help="pictures of each other folder (default: %(default)s)")
    arguments = parser.parse_args()
    offline.apply()
    options = cells.Options(runtime=arguments.runtime, framing=arguments.framing)
    files = json.loads(arguments.split.read_text(encoding="utf-8"))[arguments.part]
    results = [analyse(arguments.data / file, options) for file in files]
    labels = sorted({each.label for each in results[0].classes})
    truth = np.array([labels.index(file.split("/")[0]) for file in files])
    scores = np.array([[{c.label: c.score for c in each.classes}[label] for label in labels] for each in results])
    guess = scores.argmax(1)
    right = guess == truth
    whole = np.array([each.width > 300 for each in results])
    flagged = np.array([not each.settings["familiar"] for each in results])
    sure = np.array([cells.verdict(each).certain for each in results])
    print(f"Python {platform.python_version()}, " + ", ".join(f"{n} {version(n)}" for n in ("torch", "openvino")))
    print(f"runtime {arguments.runtime}, weights {results[0].model.sha256}")
    print(f"{arguments.part}: n={len(files)}")
    print(f"accuracy {right.mean():.4f}, 95 % interval {interval(right.astype(float))}")
    print(f"accuracy of whole photos {right[whole].mean() if whole.any() else float('nan'):.4f}, n={whole.sum()}")
    print(f"accuracy of crops {right[~whole].mean():.4f}, n={(~whole).sum()}")
    print(f"macro AUC {np.mean([auc(scores[:, k], truth == k) for k in range(len(labels))]):.5f}")
    print(f"expected calibration error {calibration_error(scores.max(1), right):.4f}")
    print(f"given a class as answer {sure.mean():.4f}, accuracy of these {right[sure].mean():.4f}")
    print(f"flagged as unlike the known cells {flagged.mean():.4f} (whole photos {flagged[whole].mean():.4f})")
    print("recall " + ", ".join(f"{label} {right[truth == k].mean():.4f}" for k, label in enumerate(labels)))
    print("confusion (row: true, column: answered)")
    for k, label in enumerate(labels):
        row = np.bincount(guess[truth == k], minlength=len(labels))
        print(f"  {label:13s} " + " ".join(f"{count:4d}" for count in row))
    for named in arguments.others:
        name, folder = named.split("=", 1)
        suffixes = {".jpg", ".jpeg", ".png", ".tif", ".gif"}
        paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in suffixes)
        chosen = np.random.default_rng(SEED).permutation(len(paths))[: arguments.most]
        share = [not analyse(paths[i], options).settings["familiar"] for i in chosen]
        print(f"other pictures, {name}: flagged {np.mean(share):.4f}, n={len(share)}")


if __name__ == "__main__":
    main()
