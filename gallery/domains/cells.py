"""Cells: which of eight kinds of blood cell a stained, single cell is, and how sure the model is.

The network learned from crops of the PBC data set (Acevedo et al. 2020): a cell in the middle, at one magnification.
A photo of that data set is about 360 pixels wide and the crop is its central 256, so what part of a picture the
network sees is decided by its size (:func:`frame`) and told in ``settings["framed"]``.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gallery.domains import Progress, fetching
from gallery.errors import OptionError
from gallery.media.types import Picture
from gallery.results import Analysis, Classification, ModelUse
from gallery.zoo import registry

#: Said beside every result.
NOT_A_TEST = "The model knows cells of healthy donors only: this is not a cancer test and not a diagnosis."

NOT_A_CELL = (
    "This does not look like a single stained blood cell as the model knows them, "
    "so the classes below say nothing about it."
)

#: Values of ``settings["answer"]`` beside the class names.
NOT_SURE = "not sure"
UNKNOWN = "not a blood cell as known"

FRAMINGS = ("auto", "photo", "crop")

#: Sides, in pixels, between which a picture is taken for a whole photo of the data set, and what is used of it.
_PHOTO_SIDES = (320, 400)
_PHOTO_CROP = 256
_CROP_SIDES = (64, 300)
_SQUARE = 1.1  # longer side by shorter side up to which a crop counts as square


@dataclass(frozen=True, slots=True)
class Options:
    """How to look.

    Attributes:
        model: registry id, or the folder or hub id of an image-classification checkpoint of one's own.
        runtime: ``openvino``, ``onnxruntime`` or ``torch`` (a checkpoint of one's own runs on transformers).
        score: the answer is "not sure" when the best class has less than this, 0.01 to 1.
        framing: ``auto`` decides by the size of the picture, ``photo`` uses the central 71 %, ``crop`` uses all.
    """

    model: str = "blood-cells"
    runtime: str = "openvino"
    score: float = 0.5
    framing: str = "auto"


@dataclass(frozen=True, slots=True)
class Frame:
    """The square of a picture that the network sees.

    Attributes:
        box: xyxy, pixels of the picture.
        rule: ``photo`` or ``crop``.
        warning: what was assumed, or an empty string.
    """

    box: tuple[int, int, int, int]
    rule: Literal["photo", "crop"]
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an analysis comes down to at a threshold.

    Attributes:
        answer: a class name, :data:`NOT_SURE` or :data:`UNKNOWN`.
        label, score: the best class and its probability, whatever the answer.
        certain: whether the answer is a class.
    """

    answer: str
    label: str
    score: float

    @property
    def certain(self) -> bool:
        return self.answer == self.label


def frame(width: int, height: int, framing: str = "auto") -> Frame:
    """Which square of a picture to look at.

    By size, because a cell has no scale of its own: both sides from 320 to 400 pixels is a whole photo of the data
    set (about 360 x 363), and the central 256 pixels are used; about square and 64 to 300 pixels is a crop, and all
    of it is used; of anything else the central square is used, and the warning says so.

    Args:
        width, height: of the picture, in pixels.
        framing: one of :data:`FRAMINGS`.

    Raises:
        OptionError: no such framing.
    """
    if framing not in FRAMINGS:
        raise OptionError(f"There is no framing called {framing!r}.", f"Choose one of: {', '.join(FRAMINGS)}.")
    short, long = sorted((width, height))
    if framing == "auto" and _PHOTO_SIDES[0] <= short and long <= _PHOTO_SIDES[1]:
        return Frame(_central(width, height, _PHOTO_CROP), "photo")
    if framing == "photo":
        side = max(1, round(short * _PHOTO_CROP / 360))
        return Frame(_central(width, height, side), "photo")
    box = _central(width, height, short)
    warning = ""
    if framing == "auto" and short < _CROP_SIDES[0]:
        warning = f"The picture is only {width} x {height} pixels, so little of the cell can be seen."
    elif framing == "auto" and (long > _CROP_SIDES[1] or long > _SQUARE * short):
        part = "all of it" if width == height else f"its central {short} x {short} pixels"
        warning = (
            f"The picture is {width} x {height} pixels, not a photo (about 360 x 363) or a crop (128 x 128) of the "
            f"kind that the model learned from, so the size of the cell is unknown: {part} was taken for a crop, in "
            "which one cell fills much of the picture."
        )
    return Frame(box, "crop", warning)


def _central(width: int, height: int, side: int) -> tuple[int, int, int, int]:
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def cut(pixels: npt.NDArray[np.uint8], box: tuple[int, int, int, int], side: int) -> npt.NDArray[np.uint8]:
    """The box of a picture as a square of ``side`` pixels; ``HxWx3`` uint8 in, ``side x side x 3`` uint8 out."""
    from PIL import Image

    left, top, right, bottom = box
    square = pixels[top:bottom, left:right]
    if square.shape[0] == side:
        return square
    # Pillow widens the filter when it shrinks, so a large picture is averaged and not sampled
    image = Image.fromarray(np.ascontiguousarray(square))
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0))


def verdict(analysis: Analysis, score: float | None = None) -> Verdict:
    """What an analysis comes down to at a threshold; no model runs.

    Args:
        analysis: made by :func:`analyse`.
        score: threshold; the one of the run when None.
    """
    best = analysis.classes[0]
    least = float(analysis.settings["score"]) if score is None else score
    answer = best.label if best.score >= least else NOT_SURE
    if analysis.settings["familiar"] is False:
        answer = UNKNOWN
    return Verdict(answer, best.label, best.score)


def analyse(picture: Picture, options: Options | None = None, *, progress: Progress | None = None) -> Analysis:
    """Name the kind of a blood cell.

    Beside the options, ``settings`` of the result holds ``answer`` (a class name, :data:`NOT_SURE` or
    :data:`UNKNOWN`), ``familiar`` (whether the picture looks like the cells that the model knows; None when that is
    not known), ``distance`` (above 1 it does not; None likewise) and ``framed`` (rule and box of what was looked at).

    Raises:
        OptionError: a setting out of range.
        ModelError: the model cannot be had.
    """
    options = options or Options()
    if not 0.01 <= options.score <= 1:
        raise OptionError(f"The score threshold {options.score:g} is out of range.", "Choose one from 0.01 to 1.")
    if options.model in registry.load():
        classes, use, timings, notes, found = _registered(picture, options, progress)
    else:
        classes, use, timings, notes, found = _own_checkpoint(picture, options)
    best = classes[0]
    if found["familiar"] is False:
        answer = UNKNOWN
        notes.append(NOT_A_CELL)
    elif best.score < options.score:
        answer = NOT_SURE
        notes.append(f"Not sure: the best class, {best.label}, has {best.score:.0%}, less than {options.score:.0%}.")
    else:
        answer = best.label
    if progress:
        progress(1.0, "done")
    return Analysis(
        file=picture.name,
        domain="cells",
        model=use,
        timings_ms={"decode": round(picture.decode_ms, 3), **{name: round(ms, 3) for name, ms in timings.items()}},
        warnings=(*picture.warnings, *notes, NOT_A_TEST),
        settings={**asdict(options), "answer": answer, **found},
        width=picture.width,
        height=picture.height,
        classes=classes,
    )


_Parts = tuple[tuple[Classification, ...], ModelUse, dict[str, float], list[str], dict[str, Any]]


def _registered(picture: Picture, options: Options, progress: Progress | None) -> _Parts:
    """Classes, model, timings, warnings and what was found out, from a model of the registry."""
    from gallery.zoo.classifier import load_classifier

    classifier = load_classifier(options.model, options.runtime, fetching(progress))
    started = time.perf_counter()
    seen = frame(picture.width, picture.height, options.framing)
    pixels = cut(picture.pixels, seen.box, classifier.size)
    notes = [seen.warning] if seen.warning else []
    if _colourless(pixels):
        notes.append("The picture has no colour. The model learned from stained, coloured cells and errs more without.")
    framed = (time.perf_counter() - started) * 1e3
    prediction = classifier.predict(pixels)
    classes = sorted(
        (
            Classification(label, round(float(p), 6))
            for label, p in zip(classifier.labels, prediction.scores, strict=True)
        ),
        key=lambda each: -each.score,
    )
    timings = {
        "prepare": framed + prediction.prepare_ms,
        "infer": prediction.infer_ms,
        "post": prediction.post_ms,
    }
    found = {
        "familiar": prediction.familiar,
        "distance": round(prediction.distance, 3),
        "framed": {"rule": seen.rule, "box": list(seen.box)},
    }
    return tuple(classes), classifier.use, timings, notes, found


def _own_checkpoint(picture: Picture, options: Options) -> _Parts:
    """The same from a person's own checkpoint, which sees the whole picture and brings its own classes."""
    from gallery.zoo.checkpoint import image_classifier

    classifier = image_classifier(options.model)
    ranking = classifier.classify(picture.pixels)
    classes = [Classification(label, score) for label, score in ranking.classes]
    timings = {"prepare": ranking.prepare_ms, "infer": ranking.infer_ms, "post": ranking.post_ms}
    notes = ["This is a model of your own. The gallery has not tested it and cannot say where it fails."]
    found = {"familiar": None, "distance": None, "framed": None}
    return tuple(classes), classifier.use, timings, notes, found


def _colourless(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether red, green and blue are nearly the same everywhere."""
    spread = pixels.max(axis=2).astype(np.int16) - pixels.min(axis=2)
    return float(spread.mean()) < 3.0
