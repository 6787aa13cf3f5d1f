"""The blood-cell classifier: one checked file becomes a predictor that all viewers share.

The file holds the network in half precision, what its output is divided by to make honest probabilities (temperature
scaling, Guo et al. 2017), and the few directions in which the features of cells vary: a picture whose features lie
far from all mixtures of these is of something else (as in ViM, Wang et al. 2022). ``training/blood_cells`` makes it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gallery.errors import OptionError, WeightsMismatch
from gallery.results import ModelUse
from gallery.zoo import cells_network, exports, offline, registry, store
from gallery.zoo.integrity import Progress as Download
from gallery.zoo.networks import Network, OnnxNetwork, OpenVinoNetwork, TorchNetwork, check_runtime
from gallery.zoo.shared import Shared

if TYPE_CHECKING:
    import torch

#: Prefix of the tensors in the file that are not part of the network.
STATISTICS = "cells."
#: Ways in which a picture is shown to the network, see :func:`views`.
VIEWS = 8
_OPSET = 17
_loaded: Shared[Classifier] = Shared(capacity=3)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the classifier says of one picture.

    Attributes:
        scores: one calibrated probability a class, in the order of the labels; they sum to 1.
        distance: how unlike the training cells the picture is, in units of the limit: above 1 it is something else.
        prepare_ms, infer_ms, post_ms: milliseconds by stage.
    """

    scores: npt.NDArray[np.float64]
    distance: float
    prepare_ms: float
    infer_ms: float
    post_ms: float

    @property
    def familiar(self) -> bool:
        """Whether the picture looks like those that the network learned from."""
        return self.distance <= 1.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns the network's output into probabilities and a distance.

    Attributes:
        labels: class names, in the order of the network's output.
        temperature: what logits are divided by.
        mean: middle of the training features, ``F``.
        basis: the directions in which these features vary most, orthonormal, ``F x K``.
        limit: length of what the directions leave unexplained that nearly all validation cells stay under.
    """

    labels: tuple[str, ...]
    temperature: float
    mean: npt.NDArray[np.float64]
    basis: npt.NDArray[np.float64]
    limit: float

    def probabilities(self, logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Calibrated probabilities from logits, both ``N x classes``."""
        scaled = logits.astype(np.float64) / self.temperature
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def distances(self, features: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """How far features, ``N x F``, lie from all mixtures of cells; ``N``, in units of the limit."""
        centred = features.astype(np.float64) - self.mean
        unexplained = centred - centred @ self.basis @ self.basis.T
        return np.linalg.norm(unexplained, axis=1) / self.limit


def views(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """A square picture in all eight ways to turn and mirror it, as a batch for the network.

    A cell on a slide has no up or down, so the mean over these views is the better answer, and it does not depend on
    how the photo was turned.

    Args:
        pixels: ``S x S x 3`` uint8 RGB.

    Returns:
        ``8 x 3 x S x S`` float32, 0 to 255.
    """
    planes = pixels.transpose(2, 0, 1)
    turned = [np.rot90(planes, quarter, (1, 2)) for quarter in range(4)]
    return np.stack([*turned, *(view[:, :, ::-1] for view in turned)]).astype(np.float32)


class Classifier:
    """A network with the steps around it. Safe to share between threads."""

    def __init__(self, network: Network, calibration: Calibration, use: ModelUse) -> None:
        self._network = network
        self.calibration = calibration
        self.labels = calibration.labels
        self.size = cells_network.INPUT_SIZE
        self.use = use
        network.ready((VIEWS, 3, self.size, self.size))  # belongs to loading, not to the first picture

    def predict(self, pixels: npt.NDArray[np.uint8]) -> Prediction:
        """Classify one picture.

        Args:
            pixels: ``size x size x 3`` uint8 RGB, the cell in the middle.
        """
        started = time.perf_counter()
        batch = views(pixels)
        prepared = time.perf_counter()
        output = self._network(batch)
        inferred = time.perf_counter()
        classes = len(self.labels)
        mean = output.mean(axis=0, keepdims=True, dtype=np.float64)
        scores = self.calibration.probabilities(mean[:, :classes])[0]
        distance = float(self.calibration.distances(mean[:, classes:])[0])
        finished = time.perf_counter()
        return Prediction(
            scores=scores,
            distance=distance,
            prepare_ms=(prepared - started) * 1e3,
            infer_ms=(inferred - prepared) * 1e3,
            post_ms=(finished - inferred) * 1e3,
        )


def load_classifier(
    model_id: str = "blood-cells", runtime: str = "openvino", progress: Callable[[Download], None] | None = None
) -> Classifier:
    """The shared classifier of a registry id on a runtime; weights are fetched and checked if they are not there.

    Args:
        model_id: registry id of the task ``classify-cells``.
        runtime: ``openvino``, ``onnxruntime`` or ``torch``.
        progress: called while weights arrive.

    Raises:
        UnknownModel, ModelUnavailable, WeightsMismatch, DiskFull: see :func:`gallery.zoo.store.ensure`.
        OptionError: no such runtime, or the model is no classifier of cells.
    """
    check_runtime(runtime)
    return _loaded.get((model_id, runtime), lambda: _build(model_id, runtime, progress))


def _build(model_id: str, runtime: str, progress: Callable[[Download], None] | None) -> Classifier:
    offline.apply()
    entry = registry.load().get(model_id)
    if entry.task != "classify-cells":  # before anything is fetched
        raise OptionError(f"{entry.id} does not classify cells.", "Choose a model of the task classify-cells.")
    resolved = store.ensure(model_id, progress=progress)
    data = _verified(resolved.path, resolved.sha256)
    calibration = _calibration(data)
    network: Network
    if runtime == "torch":
        network = TorchNetwork(_joined(data, len(calibration.labels)))
    else:
        # OpenVINO reads ONNX as it is, so one conversion serves both (and its own converter, which would report its
        # use to the makers, is never called)
        key = {
            "weights": resolved.sha256,
            "shape": f"Nx3x{cells_network.INPUT_SIZE}x{cells_network.INPUT_SIZE}",
            "opset": str(_OPSET),
            "torch": version("torch"),
            "onnx": version("onnx"),
        }
        build = functools.partial(_export, data, len(calibration.labels))
        model = exports.cached(f"{entry.id}-onnx", key, build) / "model.onnx"
        network = OpenVinoNetwork(model) if runtime == "openvino" else OnnxNetwork(model)
    use = ModelUse(
        id=entry.id,
        sha256=resolved.sha256,
        runtime=runtime,
        source=resolved.source,
        verified=True,
        licence_note=entry.licence_note,
    )
    return Classifier(network, calibration, use)


def _verified(path: Path, sha256: str) -> bytes:
    """The bytes of the weights, which are the ones that were hashed and not a file that changed in between.

    Raises:
        WeightsMismatch: they are not those that the registry names.
    """
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WeightsMismatch(
            f"The file {path.name} is not the one that the gallery was made with, so it was not loaded.",
            "Restore it from the gallery's own files.",
        )
    return data


def read_metadata(data: bytes) -> dict[str, str]:
    """The notes in the header of a safetensors file: its first 8 bytes count the header, which is JSON."""
    length = int.from_bytes(data[:8], "little")
    return dict(json.loads(data[8 : 8 + length])["__metadata__"])


def _calibration(data: bytes) -> Calibration:
    from safetensors.numpy import load

    notes, tensors = read_metadata(data), load(data)
    return Calibration(
        labels=tuple(json.loads(notes["classes"])),
        temperature=float(notes["temperature"]),
        mean=tensors[f"{STATISTICS}mean"].astype(np.float64),
        basis=tensors[f"{STATISTICS}basis"].astype(np.float64),
        limit=float(notes["limit"]),
    )


def _joined(data: bytes, classes: int) -> torch.nn.Module:
    """The network with its weights; one output, the logits and then the features."""
    import torch
    from safetensors.torch import load

    network = cells_network.build(classes)
    wanted = network.state_dict()
    tensors = {name: value.float() for name, value in load(data).items() if not name.startswith(STATISTICS)}
    counters = {name: value for name, value in wanted.items() if name.endswith("num_batches_tracked")}
    network.load_state_dict({**counters, **tensors})

    class Joined(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat(self.network(x), 1)

    return Joined().eval()


def _export(data: bytes, classes: int, part: Path) -> None:
    """Convert verified weights to ``part/model.onnx`` for any number of pictures at once."""
    import torch

    example = torch.zeros(1, 3, cells_network.INPUT_SIZE, cells_network.INPUT_SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs a further package and makes the same graph
        torch.onnx.export(
            _joined(data, classes),
            (example,),
            str(part / "model.onnx"),
            dynamo=False,
            opset_version=_OPSET,
            input_names=["pixels"],
            output_names=["logits_features"],
            dynamic_axes={"pixels": {0: "n"}, "logits_features": {0: "n"}},
        )
