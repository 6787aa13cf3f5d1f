"""A network, ready to run on a runtime: one batch of floats in, one array out, from any number of threads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gallery.errors import OptionError
from gallery.zoo.shared import Shared

#: Runtimes that a vision network can run on; the first is the default.
RUNTIMES = ("openvino", "onnxruntime", "torch")

_COMPILED_SHAPES = 6  # a compiled shape takes tens of MB; photographs come in few shapes


class Network(Protocol):
    """Float32 array, NxCxHxW, in; the network's one output, float32, out. Safe to call from several threads."""

    def ready(self, shape: tuple[int, ...]) -> None:
        """Get ready for input of this shape, so that the time of the next call is that of the network alone."""

    def __call__(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]: ...


def check_runtime(runtime: str) -> str:
    """The runtime's name, if there is one of that name.

    Raises:
        OptionError: naming those there are.
    """
    if runtime not in RUNTIMES:
        raise OptionError(f"There is no runtime called {runtime!r}.", f"Choose one of: {', '.join(RUNTIMES)}.")
    return runtime


class OpenVinoNetwork:
    """A model (ONNX, or OpenVINO's own form) on OpenVINO, compiled once for each shape of input that comes by.

    A fixed shape runs faster than a free one, and compiling takes a fraction of a second, so the last few shapes stay
    compiled. Each call takes a request of its own: one request must not be shared while it runs.
    """

    def __init__(self, path: Path) -> None:
        import openvino

        self._core = openvino.Core()
        self._path = path
        self._compiled: Shared[_RequestPool] = Shared(_COMPILED_SHAPES)

    def ready(self, shape: tuple[int, ...]) -> None:
        """Compile for this shape, unless that was done; callers of other shapes do not wait."""
        self._compiled.get(shape, lambda: self._compile(shape))

    def _compile(self, shape: tuple[int, ...]) -> _RequestPool:
        model = self._core.read_model(self._path)
        model.reshape(list(shape))
        return _RequestPool(self._core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"}))

    def __call__(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return self._compiled.get(batch.shape, lambda: self._compile(batch.shape))(batch)


class _RequestPool:
    """Infer requests of one compiled model, lent out one a caller and taken back, so that no more are made than run."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: list[Any] = []

    def __call__(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        try:
            request = self._idle.pop()  # list.pop and append are atomic
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            return next(iter(request.infer({0: batch}, share_inputs=True).values())).copy()
        finally:
            self._idle.append(request)


class OnnxNetwork:
    """An ONNX model on onnxruntime's CPU provider, whose sessions may be called from several threads."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def ready(self, shape: tuple[int, ...]) -> None:
        """Nothing to do: a session takes any shape."""

    def __call__(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return self._session.run(None, {self._input: batch})[0]


class TorchNetwork:
    """A torch module; callers take turns, since heads keep their anchors between calls."""

    def __init__(self, module: Any) -> None:
        self._module = module.eval()
        self._lock = threading.Lock()

    def ready(self, shape: tuple[int, ...]) -> None:
        """Nothing to do: a module takes any shape."""

    def __call__(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        import torch

        with self._lock, torch.inference_mode():
            output = self._module(torch.from_numpy(np.ascontiguousarray(batch)))
        while isinstance(output, list | tuple):
            output = output[0]
        return output.numpy()
