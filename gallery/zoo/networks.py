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
    """One batch in; the network's one output, float32, out. Safe to call from several threads.

    What goes in is float32, NxCxHxW, or, for a network made for ``pixels``, uint8, NxHxWx3, which is scaled to 0 to 1.
    """

    def ready(self, shape: tuple[int, ...]) -> None:
        """Get ready for input of this shape, so that the time of the next call is that of the network alone."""

    def __call__(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]: ...


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

    Args:
        path: of the model.
        pixels: take uint8, NxHxWx3, and scale it to 0 to 1; OpenVINO does so faster than code before it could.
        streams: calls that run beside each other. One uses all cores for each call, which answers soonest; more of
            them share the cores and get more done in all, as frames of a video need.
    """

    def __init__(self, path: Path, pixels: bool = False, streams: int = 1) -> None:
        import openvino

        _settle(openvino)
        self._core = openvino.Core()
        self._path = path
        self._pixels = pixels
        self._settings = (
            {"PERFORMANCE_HINT": "LATENCY"}
            if streams == 1
            else {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": str(streams)}
        )
        self._compiled: Shared[_RequestPool] = Shared(_COMPILED_SHAPES)

    def ready(self, shape: tuple[int, ...]) -> None:
        """Compile for this shape, unless that was done; callers of other shapes do not wait."""
        self._compiled.get(shape, lambda: self._compile(shape))

    def _compile(self, shape: tuple[int, ...]) -> _RequestPool:
        model = self._core.read_model(self._path)
        if self._pixels:
            count, height, width, channels = shape
            model.reshape([count, channels, height, width])
            model = _from_pixels(model)
        else:
            model.reshape(list(shape))
        return _RequestPool(self._core.compile_model(model, "CPU", self._settings))

    def __call__(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        return self._compiled.get(batch.shape, lambda: self._compile(batch.shape))(batch)


_first = threading.Lock()
_settled = False


def _settle(openvino: Any) -> None:
    """Have OpenVINO's table of types made by one thread.

    It is made by whichever call needs it first, which lets go of the interpreter's lock half-way: a second thread that
    needs it at that moment takes that lock and waits for the table, and neither goes on for ever.
    """
    global _settled
    with _first:
        if not _settled:
            openvino.Type.u8.to_dtype()
            openvino.Tensor(np.zeros(1, np.uint8), shared_memory=True)
            _settled = True


def _from_pixels(model: Any) -> Any:
    """The model with a first step that turns uint8, NHWC into float32, NCHW from 0 to 1."""
    from openvino import Layout, Type
    from openvino.preprocess import PrePostProcessor

    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
    steps.input().model().set_layout(Layout("NCHW"))
    steps.input().preprocess().convert_element_type(Type.f32).scale(255.0)
    return steps.build()


class FromPixels:
    """A network of floats that takes uint8, NxHxWx3."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def ready(self, shape: tuple[int, ...]) -> None:
        """Get the network ready for pictures of this shape."""
        count, height, width, channels = shape
        self._network.ready((count, channels, height, width))

    def __call__(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        import cv2

        return self._network(np.asarray(cv2.dnn.blobFromImages(list(batch), 1 / 255), np.float32))


class _RequestPool:
    """Infer requests of one compiled model, lent out one a caller and taken back, so that no more are made than run."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: list[Any] = []

    def __call__(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        try:
            request = self._idle.pop()  # list.pop and append are atomic
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            found = request.infer({0: batch}, share_inputs=True, share_outputs=True)
            return next(iter(found.values())).copy()  # the request's own memory is used again by the next call
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
