"""A Whisper folder of CTranslate2 becomes a checkpoint that transformers loads.

CTranslate2 keeps the weights of Whisper in one binary file, ``model.bin`` (its layout is written by
``ctranslate2/specs/model_spec.py``): an index of named arrays, 16-bit floats as published, with the query, key and
value matrices of self-attention stacked, and those of key and value of cross-attention too. transformers wants them
apart and in safetensors. Whisper's keys have no bias, so that third of a stacked bias is zero.
"""

from __future__ import annotations

import itertools
import json
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from gallery.errors import CheckpointRefused

#: Files that a Whisper folder of CTranslate2 consists of; the vocabulary comes in either of two forms.
PARTS = (("config.json",), ("model.bin",), ("tokenizer.json",), ("vocabulary.txt", "vocabulary.json"))

_VERSIONS = range(4, 7)
_INT8, _BFLOAT16 = 1, 5
_DTYPES: tuple[Any, ...] = (np.float32, np.int8, np.int16, np.int32, np.float16, np.uint16)
_MOST_VARIABLES = 100_000
_AGAIN = "Copy the folder again from where it came from, or convert the model again."


@dataclass(frozen=True, slots=True)
class Stored:
    """Where one array lies in ``model.bin``."""

    shape: tuple[int, ...]
    kind: int
    offset: int
    size: int


class WeightsFile:
    """The index of a ``model.bin``; arrays are read one at a time.

    Raises:
        CheckpointRefused: when the file is not whole, or not a Whisper model of CTranslate2.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as stream:
                self._stored, self._aliases = _read_index(stream, path.stat().st_size)
        except (struct.error, UnicodeDecodeError, ValueError) as error:
            raise CheckpointRefused(f"{path.name} in {path.parent} is damaged or cut short.", _AGAIN) from error

    def __contains__(self, name: str) -> bool:
        return name in self._stored or name in self._aliases

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array."""
        return self._find(name).shape

    def read(self, name: str) -> npt.NDArray[Any]:
        """An array as float32 (8-bit weights are scaled back); a single number as it is stored."""
        values = self._raw(name)
        stored = self._find(name)
        if stored.kind == _BFLOAT16:
            return (values.astype(np.uint32) << 16).view(np.float32)
        if f"{name}_scale" in self:
            scale = self._raw(f"{name}_scale").astype(np.float32)
            return values.astype(np.float32) / scale.reshape(-1, *[1] * (values.ndim - 1))
        return values.astype(np.float32) if values.ndim else values

    def _find(self, name: str) -> Stored:
        stored = self._stored.get(self._aliases.get(name, name))
        if stored is None:
            raise CheckpointRefused(
                f"{self.path.name} in {self.path.parent} has no weights called {name}.",
                "Choose a folder that holds a Whisper model.",
            )
        return stored

    def _raw(self, name: str) -> npt.NDArray[Any]:
        stored = self._find(name)
        with self.path.open("rb") as stream:
            stream.seek(stored.offset)
            return np.frombuffer(stream.read(stored.size), dtype=_DTYPES[stored.kind]).reshape(stored.shape)


def convert(source: Path, target: Path) -> None:
    """Write a transformers checkpoint of the Whisper model in ``source`` into the folder ``target``.

    Weights are written as float32 in safetensors; nothing is downloaded and torch is not needed.

    Args:
        source: a Whisper folder of CTranslate2 (see :data:`PARTS`).
        target: an empty folder.

    Raises:
        CheckpointRefused: when the folder is not whole, or holds another kind of model.
    """
    from safetensors.numpy import save_file

    weights = WeightsFile(source / "model.bin")
    try:
        settings = json.loads((source / "config.json").read_text(encoding="utf-8"))
        tokens = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
        special = {token["content"]: int(token["id"]) for token in tokens}
        config = _config(weights, special)
        generation = _generation(settings, special)
    except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
        raise CheckpointRefused(f"The files of the model in {source} are damaged or do not fit.", _AGAIN) from error
    tensors = {name: np.ascontiguousarray(values) for name, values in _tensors(weights, config)}
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    end = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    tokenizer = {"tokenizer_class": "WhisperTokenizer", "model_max_length": 1024, "pad_token": "<|endoftext|>", **end}
    features = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": config["num_mel_bins"]}
    features |= {"sampling_rate": 16_000, "hop_length": 160, "chunk_length": 30, "n_fft": 400, "padding_value": 0.0}
    for name, content in (
        ("config.json", config),
        ("generation_config.json", generation),
        ("preprocessor_config.json", features),
        ("tokenizer_config.json", tokenizer),
    ):
        (target / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")


def _read_index(stream: BinaryIO, size: int) -> tuple[dict[str, Stored], dict[str, str]]:
    """Names and places of all arrays, and second names of some; ValueError or struct.error if the file is not whole."""

    def number(form: str) -> int:
        form = f"<{form}"
        return struct.unpack(form, stream.read(struct.calcsize(form)))[0]

    def text() -> str:
        return stream.read(number("H")).rstrip(b"\0").decode("utf-8")

    if number("I") not in _VERSIONS:
        raise ValueError("unknown version of the format")
    if text() != "WhisperSpec":
        raise ValueError("another kind of model")
    number("I")  # revision of the layout
    count = number("I")
    if count > _MOST_VARIABLES:
        raise ValueError("too many arrays")
    stored: dict[str, Stored] = {}
    for _ in range(count):
        name = text()
        shape = tuple(number("I") for _ in range(number("B")))
        kind, length, offset = number("B"), number("I"), 0
        offset = stream.tell()
        if kind >= len(_DTYPES) or int(np.prod(shape, dtype=object)) * np.dtype(_DTYPES[kind]).itemsize != length:
            raise ValueError("shape and size disagree")
        if offset + length > size:
            raise ValueError("cut short")
        stored[name] = Stored(shape, kind, offset, length)
        stream.seek(length, 1)
    aliases = {}
    for _ in range(number("I")):
        name, target = text(), text()
        aliases[name] = target
    return stored, aliases


def _layers(weights: WeightsFile, side: str) -> int:
    return next(n for n in itertools.count() if f"{side}/layer_{n}/ffn/linear_0/weight" not in weights)


def _config(weights: WeightsFile, special: dict[str, int]) -> dict[str, Any]:
    vocabulary, width = weights.shape("decoder/embeddings/weight")
    end, start = special["<|endoftext|>"], special["<|startoftranscript|>"]
    return {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "activation_function": "gelu",
        "d_model": width,
        "vocab_size": vocabulary,
        "num_mel_bins": weights.shape("encoder/conv1/weight")[1],
        "encoder_layers": _layers(weights, "encoder"),
        "encoder_attention_heads": int(weights.read("encoder/num_heads")),
        "encoder_ffn_dim": weights.shape("encoder/layer_0/ffn/linear_0/weight")[0],
        "decoder_layers": _layers(weights, "decoder"),
        "decoder_attention_heads": int(weights.read("decoder/num_heads")),
        "decoder_ffn_dim": weights.shape("decoder/layer_0/ffn/linear_0/weight")[0],
        "max_source_positions": weights.shape("encoder/position_encodings/encodings")[0],
        "max_target_positions": weights.shape("decoder/position_encodings/encodings")[0],
        "scale_embedding": False,
        "tie_word_embeddings": True,
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
        "decoder_start_token_id": start,
        "dtype": "float32",
    }


def _generation(settings: dict[str, Any], special: dict[str, int]) -> dict[str, Any]:
    """How text is generated: which tokens never, which begin a transcript, which heads tell the time of words."""
    end, start = special["<|endoftext|>"], special["<|startoftranscript|>"]
    multilingual = end == start - 1 == 50257  # the English models have one token less before these
    generation = {
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
        "decoder_start_token_id": start,
        "no_timestamps_token_id": special["<|notimestamps|>"],
        "prev_sot_token_id": special["<|startofprev|>"],
        "suppress_tokens": settings["suppress_ids"],
        "begin_suppress_tokens": settings["suppress_ids_begin"],
        "alignment_heads": settings["alignment_heads"],
        "max_initial_timestamp_index": 50,
        "max_length": 448,
        "is_multilingual": multilingual,
        "return_timestamps": False,
    }
    if multilingual:
        languages = set(settings["lang_ids"])
        generation["lang_to_id"] = {name: number for name, number in special.items() if number in languages}
        generation["task_to_id"] = {task: special[f"<|{task}|>"] for task in ("transcribe", "translate")}
        generation["task"] = "transcribe"
    return generation


def _tensors(weights: WeightsFile, config: dict[str, Any]) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Every weight under the name that transformers gives it."""
    width = config["d_model"]
    yield "model.decoder.embed_tokens.weight", weights.read("decoder/embeddings/weight")
    for conv in ("conv1", "conv2"):
        for part in ("weight", "bias"):
            yield f"model.encoder.{conv}.{part}", weights.read(f"encoder/{conv}/{part}")
    for side in ("encoder", "decoder"):
        yield f"model.{side}.embed_positions.weight", weights.read(f"{side}/position_encodings/encodings")
        yield from _norm(weights, f"{side}/layer_norm", f"model.{side}.layer_norm")
        for n in range(config[f"{side}_layers"]):
            old, new = f"{side}/layer_{n}", f"model.{side}.layers.{n}"
            yield from _norm(weights, f"{old}/self_attention/layer_norm", f"{new}.self_attn_layer_norm")
            yield from _linear(weights, f"{old}/self_attention/linear_0", f"{new}.self_attn", "qkv", width)
            yield from _linear(weights, f"{old}/self_attention/linear_1", f"{new}.self_attn", "o", width)
            if side == "decoder":
                yield from _norm(weights, f"{old}/attention/layer_norm", f"{new}.encoder_attn_layer_norm")
                yield from _linear(weights, f"{old}/attention/linear_0", f"{new}.encoder_attn", "q", width)
                yield from _linear(weights, f"{old}/attention/linear_1", f"{new}.encoder_attn", "kv", width)
                yield from _linear(weights, f"{old}/attention/linear_2", f"{new}.encoder_attn", "o", width)
            yield from _norm(weights, f"{old}/ffn/layer_norm", f"{new}.final_layer_norm")
            for n_linear, name in ((0, "fc1"), (1, "fc2")):
                for part in ("weight", "bias"):
                    yield f"{new}.{name}.{part}", weights.read(f"{old}/ffn/linear_{n_linear}/{part}")


def _norm(weights: WeightsFile, old: str, new: str) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    yield f"{new}.weight", weights.read(f"{old}/gamma")
    yield f"{new}.bias", weights.read(f"{old}/beta")


def _linear(
    weights: WeightsFile, old: str, new: str, parts: str, width: int
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """The stacked matrices of attention, apart: ``q``, ``k``, ``v`` and ``o`` (out); ``k`` has no bias."""
    names = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "out_proj"}
    weight, bias = weights.read(f"{old}/weight"), weights.read(f"{old}/bias")
    if weight.shape[0] != width * len(parts) or bias.shape[0] != width * len(parts):
        raise CheckpointRefused(f"{weights.path} has matrices of an unknown form.", _AGAIN)
    for n, part in enumerate(parts):
        rows = slice(n * width, (n + 1) * width)
        yield f"{new}.{names[part]}.weight", weight[rows]
        if part != "k":
            yield f"{new}.{names[part]}.bias", bias[rows]
