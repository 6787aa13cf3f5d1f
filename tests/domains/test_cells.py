from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from PIL import Image

from gallery.domains import cells
from gallery.errors import OptionError
from gallery.media.image import read_image
from gallery.media.types import Picture
from gallery.results import Analysis, Classification, ModelUse
from gallery.zoo import paths
from tests.photos import BUS, CHELSEA, RETINA

LABELS = {"basophil", "eosinophil", "erythroblast", "ig", "lymphocyte", "monocyte", "neutrophil", "platelet"}


def held_out() -> list[str]:
    """Names of the cells that training never saw."""
    return json.loads((paths.PACKAGED_MODELS / "blood_cells.split.json").read_text(encoding="utf-8"))["test"]


def picture(pixels: np.ndarray, name: str = "cell.png") -> Picture:
    return Picture(np.ascontiguousarray(pixels, dtype=np.uint8), name)


# --- what part of a picture is looked at ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "framing", "box", "rule", "warns"),
    [
        (128, 128, "auto", (0, 0, 128, 128), "crop", False),
        (256, 256, "auto", (0, 0, 256, 256), "crop", False),
        (360, 363, "auto", (52, 53, 308, 309), "photo", False),
        (366, 369, "auto", (55, 56, 311, 312), "photo", False),
        (320, 400, "auto", (32, 72, 288, 328), "photo", False),
        (319, 360, "auto", (0, 20, 319, 339), "crop", True),
        (1200, 1200, "auto", (0, 0, 1200, 1200), "crop", True),
        (640, 480, "auto", (80, 0, 560, 480), "crop", True),
        (20, 20, "auto", (0, 0, 20, 20), "crop", True),
        (1, 1, "auto", (0, 0, 1, 1), "crop", True),
        (1, 1, "photo", (0, 0, 1, 1), "photo", False),
        (360, 363, "crop", (0, 1, 360, 361), "crop", False),
        (720, 726, "photo", (104, 107, 616, 619), "photo", False),
    ],
)
def test_the_part_that_is_looked_at_follows_from_the_size(width, height, framing, box, rule, warns):
    seen = cells.frame(width, height, framing)
    assert (seen.box, seen.rule, bool(seen.warning)) == (box, rule, warns)


def test_what_was_assumed_is_said():
    analysis = cells.analyse(picture(np.full((1200, 1200, 3), 230)))
    assert any("1200 x 1200" in warning and "all of it" in warning for warning in analysis.warnings)
    assert analysis.settings["framed"] == {"rule": "crop", "box": [0, 0, 1200, 1200]}


# --- what every result carries ----------------------------------------------------------------------------------------


def test_a_result_is_whole_and_goes_through_json():
    told = []
    analysis = cells.analyse(read_image(CHELSEA, "cat.png"), progress=lambda part, what: told.append(part))
    assert {each.label for each in analysis.classes} == LABELS
    scores = [each.score for each in analysis.classes]
    assert scores == sorted(scores, reverse=True)
    assert math.isclose(sum(scores), 1, abs_tol=1e-4)
    assert analysis.warnings[-1] == cells.NOT_A_TEST
    assert set(analysis.timings_ms) == {"decode", "prepare", "infer", "post"}
    assert analysis.model.id == "blood-cells" and analysis.model.verified and len(analysis.model.sha256) == 64
    assert told == [1.0]
    assert Analysis.from_json(json.loads(json.dumps(analysis.to_json()))) == analysis


@pytest.mark.parametrize("path", [BUS, CHELSEA, RETINA], ids=["street", "cat", "retina"])
def test_pictures_of_other_things_are_flagged(path):
    analysis = cells.analyse(read_image(path, path.name))
    assert analysis.settings["answer"] == cells.UNKNOWN and analysis.settings["familiar"] is False
    assert cells.NOT_A_CELL in analysis.warnings
    assert not cells.verdict(analysis).certain


def heart_trace() -> np.ndarray:
    """A pulse on pink squared paper."""
    pixels = np.full((400, 600, 3), (255, 235, 235), np.uint8)
    pixels[::20], pixels[:, ::20] = (240, 170, 170), (240, 170, 170)
    across = np.arange(600)
    down = (220 - 150 * np.exp(-(((across % 120 - 60) / 4) ** 2))).astype(int)
    for x, y in zip(across, down, strict=True):
        pixels[y : y + 3, x] = 20
    return pixels


@pytest.mark.parametrize(
    "pixels",
    [
        heart_trace(),
        np.zeros((128, 128, 3)),
        np.full((128, 128, 3), 255),
        np.full((360, 363, 3), (225, 205, 205)),
        np.random.default_rng(3).integers(0, 256, (128, 128, 3)),
        np.full((1, 1, 3), 90),
        np.full((5, 3000, 3), 200),
    ],
    ids=["heart trace", "black", "white", "empty slide", "noise", "one pixel", "strip"],
)
def test_pictures_without_a_cell_are_flagged(pixels):
    assert cells.analyse(picture(pixels)).settings["answer"] == cells.UNKNOWN


@pytest.mark.parametrize("score", [0.0, 0.009, 1.01, -1, float("nan")])
def test_a_threshold_out_of_range_is_refused(score):
    with pytest.raises(OptionError, match="threshold"):
        cells.analyse(picture(np.zeros((128, 128, 3))), cells.Options(score=score))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (cells.Options(framing="middle"), "framing"),
        (cells.Options(runtime="abacus"), "runtime"),
        (cells.Options(model="whisper-base"), "not classify cells"),
    ],
)
def test_a_setting_that_is_not_there_is_refused(options, match):
    with pytest.raises(OptionError, match=match):
        cells.analyse(picture(np.zeros((128, 128, 3))), options)


@pytest.mark.parametrize(
    ("familiar", "score", "answer"),
    [(True, 0.5, "monocyte"), (True, 0.7, cells.NOT_SURE), (False, 0.01, cells.UNKNOWN), (None, 0.5, "monocyte")],
)
def test_a_verdict_needs_no_second_run(familiar, score, answer):
    analysis = Analysis(
        file="a.jpg",
        domain="cells",
        model=ModelUse("blood-cells", "0" * 64, "openvino"),
        timings_ms={},
        settings={"score": 0.5, "familiar": familiar},
        classes=(Classification("monocyte", 0.6), Classification("ig", 0.4)),
    )
    verdict = cells.verdict(analysis, score)
    assert (verdict.answer, verdict.label, verdict.score) == (answer, "monocyte", 0.6)
    assert verdict.certain == (answer == "monocyte")


# --- a checkpoint of one's own ----------------------------------------------------------------------------------------


def test_a_checkpoint_of_ones_own(tmp_path, monkeypatch):
    """A real, tiny network written to disk and loaded through transformers; its words become the classes."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "mine"
    config = ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=16
    )
    config.id2label = {0: "left", 1: "right", 2: "neither"}
    config.label2id = {label: number for number, label in config.id2label.items()}
    ViTForImageClassification(config).save_pretrained(folder, safe_serialization=True)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    analysis = cells.analyse(picture(np.full((50, 70, 3), 90)), cells.Options(model=str(folder), score=0.99))
    assert {each.label for each in analysis.classes} == {"left", "right", "neither"}
    assert analysis.settings["answer"] == cells.NOT_SURE and analysis.settings["familiar"] is None
    assert not analysis.model.verified and analysis.warnings[-1] == cells.NOT_A_TEST
    assert all(analysis.timings_ms[stage] > 0 for stage in ("prepare", "infer", "post"))
    json.dumps(analysis.to_json())


# --- cells that training never saw ------------------------------------------------------------------------------------


@pytest.mark.reference
def test_held_out_cells_are_named(reference_data):
    """Every fourth held-out cell; training/blood_cells/evaluate.py measures all of them."""
    files = held_out()[::4]
    results = [cells.analyse(read_image(reference_data / "blood_cells" / f, f)) for f in files]
    right = [each.classes[0].label == f.split("/")[0] for each, f in zip(results, files, strict=True)]
    assert len(files) > 350
    assert np.mean(right) >= 0.96
    assert np.mean([each.settings["familiar"] for each in results]) >= 0.97


@pytest.mark.reference
def test_whole_photos_are_named(reference_data):
    data = reference_data / "blood_cells"
    files = (data / "whole.txt").read_text(encoding="utf-8").split()
    assert set(files) <= set(held_out())
    results = [cells.analyse(read_image(data / f, f)) for f in files]
    assert all(each.settings["framed"]["rule"] == "photo" for each in results)
    assert np.mean([each.classes[0].label == f.split("/")[0] for each, f in zip(results, files, strict=True)]) >= 0.95
    assert np.mean([each.settings["familiar"] for each in results]) >= 0.95


@pytest.mark.reference
def test_a_photo_and_the_crop_of_it_get_one_answer(reference_data):
    """The crop is made as the data set's note says: the central 256 pixels, halved, as a JPEG of quality 90."""
    data = reference_data / "blood_cells"
    for file in (data / "whole.txt").read_text(encoding="utf-8").split()[::5]:
        whole = Image.open(data / file).convert("RGB")
        left, top = (whole.width - 256) // 2, (whole.height - 256) // 2
        small = whole.crop((left, top, left + 256, top + 256)).resize((128, 128), Image.Resampling.LANCZOS)
        stream = io.BytesIO()
        small.save(stream, "JPEG", quality=90)
        of_photo = cells.analyse(read_image(data / file, file))
        of_crop = cells.analyse(read_image(stream.getvalue(), file))
        assert of_photo.classes[0].label == of_crop.classes[0].label


@pytest.mark.reference
def test_a_cell_without_colour_is_told(reference_data):
    stream = io.BytesIO()
    Image.open(reference_data / "blood_cells" / held_out()[0]).convert("L").save(stream, "PNG")
    analysis = cells.analyse(read_image(stream.getvalue(), "grey.png"))
    assert any("no colour" in warning for warning in analysis.warnings)


@pytest.mark.reference
@pytest.mark.parametrize("folder", ["road_signs", "worker_forklift", "overhead"])
def test_other_data_is_flagged(reference_data, folder):
    suffixes = {".jpg", ".jpeg", ".png"}
    paths_ = sorted(path for path in (reference_data / folder).rglob("*") if path.suffix.lower() in suffixes)[::12][:25]
    flagged = [not cells.analyse(read_image(path, path.name)).settings["familiar"] for path in paths_]
    assert len(flagged) > 5 and np.mean(flagged) >= 0.95
