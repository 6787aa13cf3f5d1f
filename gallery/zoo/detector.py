"""YOLO detectors, with upright or oriented boxes: a model id becomes a predictor that all viewers share.

The steps around the network (letterbox, non-maximum suppression, scaling back) are ultralytics' own; the network
itself runs on OpenVINO, onnxruntime or torch. https://docs.ultralytics.com/
"""

from __future__ import annotations

import hashlib
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gallery.errors import OptionError, WeightsMismatch
from gallery.results import Detection, ModelUse
from gallery.zoo import exports, offline, store
from gallery.zoo.integrity import Progress as Download
from gallery.zoo.networks import FromPixels, Network, OnnxNetwork, OpenVinoNetwork, TorchNetwork, check_runtime
from gallery.zoo.shared import Shared

#: Boxes of the same label that overlap more than this are one object (ultralytics' default).
IOU = 0.7
#: Most objects that are kept for one image unless more are asked for (ultralytics' default).
MOST = 300
_STRIDE = 32
_loaded: Shared[Detector] = Shared(capacity=6)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a detector found in one image, best first.

    Attributes:
        boxes: N x 4, xyxy, pixels of the image given, clipped to it.
        scores: N, in [0, 1].
        classes: N, index into the model's labels.
        oriented: N x 5, centre x, centre y, width, height in pixels and angle in radians, or None for upright boxes.
        prepare_ms, infer_ms, post_ms: milliseconds by stage.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]
    oriented: npt.NDArray[np.float32] | None
    prepare_ms: float
    infer_ms: float
    post_ms: float


class Detector:
    """A YOLO network with the steps around it. Safe to share between threads."""

    def __init__(self, network: Network, labels: Sequence[str], size: int, oriented: bool, use: ModelUse) -> None:
        from ultralytics.data.augment import LetterBox
        from ultralytics.utils import nms, ops

        self._network = network
        self._letterbox = LetterBox((size, size), auto=True, stride=_STRIDE)
        self._nms = nms.non_max_suppression
        self._ops = ops
        self.labels = tuple(labels)
        self.size = size
        self.oriented = oriented
        self.use = use

    def predict(
        self,
        pixels: npt.NDArray[np.uint8],
        score: float,
        labels: Sequence[str] | None = None,
        most: int = MOST,
    ) -> Prediction:
        """Find objects.

        Args:
            pixels: HxWx3 uint8 RGB.
            score: keep what scores at least this, in (0, 1).
            labels: keep these labels only (all when None).
            most: keep at most this many, the best ones.
        """
        started = time.perf_counter()
        batch = np.asarray(self._letterbox(image=pixels))[None]
        self._network.ready(batch.shape)
        prepared = time.perf_counter()
        raw = self._network(batch)[0]
        inferred = time.perf_counter()
        wanted = None if labels is None else [i for i, label in enumerate(self.labels) if label in set(labels)]
        places, classes = _candidates(raw, len(self.labels), score, wanted)
        shape = batch.shape[1:3]
        oriented = None
        if self.oriented:
            rows = self._turned(places, score, most)
            oriented = np.concatenate([rows[:, :4], rows[:, -1:]], axis=1)
            oriented[:, :4] = self._ops.scale_boxes(shape, oriented[:, :4], pixels.shape, xywh=True)
            boxes = enclosing(self._ops.xywhr2xyxyxyxy(oriented))
            boxes[:, 0::2] = boxes[:, 0::2].clip(0, pixels.shape[1])
            boxes[:, 1::2] = boxes[:, 1::2].clip(0, pixels.shape[0])
        else:
            rows = _upright(places, classes, most)
            boxes = np.asarray(self._ops.scale_boxes(shape, rows[:, :4].copy(), pixels.shape))
        finished = time.perf_counter()
        return Prediction(
            boxes=boxes,
            scores=rows[:, 4],
            classes=rows[:, 5].astype(np.int64),
            oriented=oriented,
            prepare_ms=(prepared - started) * 1e3,
            infer_ms=(inferred - prepared) * 1e3,
            post_ms=(finished - inferred) * 1e3,
        )

    def _turned(self, places: npt.NDArray[np.float32], score: float, most: int) -> npt.NDArray[np.float32]:
        """Oriented boxes without their duplicates: N x 7, centre, size, score, class, angle."""
        import torch

        if places.shape[1] == 6:  # six places would be taken for the output of another kind of network
            places = np.pad(places, ((0, 0), (0, 1)))
        bound = float(np.nextafter(np.float32(score), np.float32(0)))  # the library keeps what scores more than it
        kept = self._nms(torch.from_numpy(places[None]), bound, IOU, max_det=most, nc=len(self.labels), rotated=True)
        return kept[0].numpy()

    def detections(self, prediction: Prediction) -> tuple[Detection, ...]:
        """The prediction as detections, best first."""
        corners = None if prediction.oriented is None else self._ops.xywhr2xyxyxyxy(prediction.oriented)
        found = []
        for i in np.argsort(-prediction.scores, kind="stable"):
            x1, y1, x2, y2 = (round(float(v), 2) for v in prediction.boxes[i])
            found.append(
                Detection(
                    label=self.labels[prediction.classes[i]],
                    score=round(float(prediction.scores[i]), 4),
                    box=(x1, y1, x2, y2),
                    polygon=None
                    if corners is None
                    else tuple((round(float(x), 2), round(float(y), 2)) for x, y in corners[i]),
                )
            )
        return tuple(found)


def _candidates(
    raw: npt.NDArray[np.float32], kinds: int, score: float, wanted: Sequence[int] | None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The places of a network's output where something may be, and the best class of each.

    Most of the thousands of places hold nothing, and what follows is spared them.

    Args:
        raw: (4 + kinds + more) x places: centre, size, a score for each class, and what else there is.
        score: a place counts when its best class scores at least this.
        wanted: and when that class is among these (all when None).
    """
    scores = raw[4 : 4 + kinds]
    chosen = np.flatnonzero(scores.max(axis=0) >= score)
    classes = scores[:, chosen].argmax(axis=0)
    if wanted is not None:
        among = np.isin(classes, wanted)
        chosen, classes = chosen[among], classes[among]
    return np.ascontiguousarray(raw[:, chosen]), classes


def _upright(places: npt.NDArray[np.float32], classes: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.float32]:
    """Upright boxes without their duplicates, best first: N x 6, xyxy, score, class."""
    import cv2

    if not len(classes):
        return np.zeros((0, 6), np.float32)
    scores = places[4 + classes, np.arange(len(classes))]
    corner, size = places[:2] - places[2:4] / 2, places[2:4]
    boxes = np.concatenate([corner, size]).T
    suppress: Any = cv2.dnn.NMSBoxesBatched  # its hints know lists only
    kept = np.asarray(suppress(boxes, scores, classes.astype(np.int32), 0.0, IOU), np.int64)[:most]
    best = boxes[kept]
    best[:, 2:] += best[:, :2]
    return np.column_stack([best, scores[kept], classes[kept]]).astype(np.float32)


def enclosing(polygons: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Upright boxes, N x 4 xyxy, around polygons, N x 4 x 2."""
    return np.concatenate([polygons.min(axis=1), polygons.max(axis=1)], axis=1)


def load_detector(
    model_id: str,
    runtime: str = "openvino",
    progress: Callable[[Download], None] | None = None,
    streams: int = 1,
) -> Detector:
    """The shared detector of a registry id on a runtime; weights are fetched and checked if they are not there.

    Args:
        progress: called while weights arrive.
        streams: calls that are to run beside each other, as for the frames of a video (see
            :class:`~gallery.zoo.networks.OpenVinoNetwork`; the other runtimes do as they do).

    Raises:
        UnknownModel, ModelUnavailable, WeightsMismatch, DiskFull: see :func:`gallery.zoo.store.ensure`.
        OptionError: no such runtime, or the model is no detector.
    """
    check_runtime(runtime)
    streams = streams if runtime == "openvino" else 1
    return _loaded.get((model_id, runtime, streams), lambda: _build(model_id, runtime, progress, streams))


def check_score(score: float) -> float:
    """The score threshold, if it is one that a detector can use.

    Raises:
        OptionError: outside 0.01 to 1.
    """
    if not 0.01 <= score <= 1:
        raise OptionError(f"The score threshold {score:g} is out of range.", "Choose one from 0.01 to 1.")
    return score


def _build(model_id: str, runtime: str, progress: Callable[[Download], None] | None, streams: int) -> Detector:
    offline.apply()
    resolved = store.ensure(model_id, progress=progress)
    entry = resolved.entry
    if entry.task not in ("detect", "obb"):
        raise OptionError(f"{entry.id} does not find objects.", "Choose a model of the tasks detect or obb.")
    oriented = entry.task == "obb"
    size = int(entry.input_size)
    if runtime == "torch":
        with tempfile.TemporaryDirectory(prefix="gallery-") as private:
            weights = _checked_copy(resolved, Path(private))
            network: Network = FromPixels(TorchNetwork(_yolo(weights, entry.task).model.fuse(verbose=False)))
    else:
        # one conversion serves both runtimes: OpenVINO reads ONNX, with the same output to the last bit as after its
        # own converter, which would report its use to its makers
        folder = exports.cached(
            f"{entry.id}-onnx",
            {
                "weights": resolved.sha256,
                "shape": "1x3xHxW",
                "ultralytics": version("ultralytics"),
                "torch": version("torch"),
                "onnx": version("onnx"),
            },
            lambda part: _export(resolved, size, part),
        )
        model = folder / "model.onnx"
        openvino = runtime == "openvino"
        network = OpenVinoNetwork(model, pixels=True, streams=streams) if openvino else FromPixels(OnnxNetwork(model))
    return Detector(
        network,
        labels=entry.classes,
        size=size,
        oriented=oriented,
        use=ModelUse(
            id=entry.id,
            sha256=resolved.sha256,
            runtime=runtime,
            source=resolved.source,
            verified=True,
            licence_note=entry.licence_note,
        ),
    )


def _yolo(weights: Path, task: str) -> Any:
    from ultralytics import YOLO

    return YOLO(str(weights), task=task, verbose=False)


def _checked_copy(resolved: store.ResolvedModel, folder: Path) -> Path:
    """A copy of the weights in a private folder: the bytes that are hashed here are those that are loaded.

    The weights are a pickle, which runs code when it is loaded, and the folder they lie in may be shared.
    """
    data = resolved.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != resolved.sha256:
        raise WeightsMismatch(
            f"{resolved.path} changed while it was being loaded.", "Run: python -m gallery models verify"
        )
    copy = folder / "model.pt"
    copy.write_bytes(data)
    return copy


def _export(resolved: store.ResolvedModel, size: int, part: Path) -> None:
    """Convert the weights into ``part`` with free height and width."""
    copy = _checked_copy(resolved, part)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's notes on shapes say nothing to a person who opens a picture
        # the shape simplifier needs a package of its own and gains nothing on these networks
        model = _yolo(copy, resolved.entry.task)
        model.export(format="onnx", dynamic=True, imgsz=size, simplify=False, verbose=False)
    copy.unlink()
