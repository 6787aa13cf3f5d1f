"""Accuracy on labelled data, through the same functions that the pages and the command line call.

    python -m benchmarks.accuracy DATA [signs] [satellite] [speech]

DATA is the folder of the labelled reference data. The figures on the model cards come from here; the classifier of
blood cells has its own, ``training/blood_cells/evaluate.py``.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable
from pathlib import Path

from benchmarks.average_precision import Image, average_precision
from gallery.domains import satellite, signs, speech
from gallery.media.audio import read_audio
from gallery.media.image import OVERHEAD, read_image
from gallery.results import Analysis, Box
from gallery.zoo import offline


def _found(analysis: Analysis, label: str) -> list[tuple[float, Box]]:
    return [(d.score, d.box) for d in analysis.detections if d.label == label]


def road_signs(data: Path, model: str = "yolo26n") -> dict[str, float]:
    """AP50 of ``stop sign`` and ``traffic light`` on the validation photographs of ``road_signs``."""
    folder = data / "road_signs"
    names = (folder / "classes.txt").read_text().split()
    images: dict[str, list[Image]] = {"stop sign": [], "traffic light": []}
    labels = {"stop sign": names.index("stop"), "traffic light": names.index("trafficlight")}
    for name in (folder / "val.txt").read_text().split():
        path = folder / "images" / Path(name).name
        analysis = signs.analyse(read_image(path, path.name), signs.Options(model=model, score=0.01))
        truth = _yolo_boxes(folder / "labels" / f"{path.stem}.txt", analysis)
        for label, number in labels.items():
            images[label].append((_found(analysis, label), truth.get(number, [])))
    return {f"AP50 {label}": round(average_precision(of), 4) for label, of in images.items()}


def _yolo_boxes(path: Path, analysis: Analysis) -> dict[int, list[Box]]:
    assert analysis.width is not None and analysis.height is not None
    boxes: dict[int, list[Box]] = {}
    for line in path.read_text().splitlines():
        number, *values = line.split()
        x, y, w, h = (float(v) for v in values)
        box = (
            (x - w / 2) * analysis.width,
            (y - h / 2) * analysis.height,
            (x + w / 2) * analysis.width,
            (y + h / 2) * analysis.height,
        )
        boxes.setdefault(int(number), []).append(box)
    return boxes


def orthophotos(data: Path, model: str = "yolo26n-obb") -> dict[str, float]:
    """AP50 of enclosing boxes on ``overhead/estonia_20cm``: cars, boats and planes."""
    labels = json.loads((data / "overhead" / "estonia_20cm.json").read_text())
    names = {"Car": "small vehicle", "Watercraft": "ship", "Airplane": "plane"}
    numbers = {c["name"]: c["id"] for c in labels["categories"] if c["name"] in names}
    images: dict[str, list[Image]] = {name: [] for name in names}
    for image in labels["images"]:
        path = data / "overhead" / "estonia_20cm" / image["file_name"]
        options = satellite.Options(model=model, score=0.01)
        analysis = satellite.analyse(read_image(path, path.name, OVERHEAD), options)
        for name, label in names.items():
            truth = [
                (a["bbox"][0], a["bbox"][1], a["bbox"][0] + a["bbox"][2], a["bbox"][1] + a["bbox"][3])
                for a in labels["annotations"]
                if a["image_id"] == image["id"] and a["category_id"] == numbers[name]
            ]
            images[name].append((_found(analysis, label), truth))
    return {f"AP50 {name}": round(average_precision(of), 4) for name, of in images.items()}


def english_words(data: Path, model: str = "whisper-base") -> dict[str, float]:
    """Wrong words (substituted, left out, put in) on the English clips with a transcript, in Whisper's own spelling."""
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    normal = EnglishTextNormalizer()
    wrong = words = 0
    with (data / "speech" / "transcripts.csv").open(encoding="utf-8", newline="") as stream:
        clips = [c for c in csv.DictReader(stream) if c["language"] == "en" and not c["text"].startswith("(")]
    for clip in clips:
        path = data / "speech" / clip["file"]
        analysis = speech.analyse(read_audio(path, path.name), speech.Options(model=model))
        measured = jiwer.process_words(normal(clip["text"]), normal(analysis.text or ""))
        wrong += measured.substitutions + measured.deletions + measured.insertions
        words += measured.substitutions + measured.deletions + measured.hits
    return {"wrong words": wrong, "words": words}


MEASUREMENTS: dict[str, tuple[Callable[..., dict[str, float]], tuple[str, ...]]] = {
    "signs": (road_signs, ("yolo26n", "yolov8n")),
    "satellite": (orthophotos, ("yolo26n-obb", "yolov8n-obb")),
    "speech": (english_words, ("whisper-base", "whisper-tiny.en")),
}


def main() -> None:
    """Measure and print, one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("which", nargs="*", choices=[[], *MEASUREMENTS], default=list(MEASUREMENTS))
    args = parser.parse_args()
    offline.apply()
    for which in args.which:
        measure, models = MEASUREMENTS[which]
        for model in models:
            print(json.dumps({"measured": which, "model": model, **measure(args.data, model)}), flush=True)


if __name__ == "__main__":
    main()
