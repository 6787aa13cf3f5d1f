"""A person's own checkpoint becomes a classifier of images or a recogniser of speech, run by transformers.

:mod:`gallery.zoo.pins` says which checkpoints may be loaded. Code that comes with one never runs, and its results say
that nobody has verified it. https://huggingface.co/docs/transformers/main_classes/pipelines
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gallery.errors import CheckpointRefused, ModelError
from gallery.results import ModelUse, Segment, Word
from gallery.zoo import exports, store, whisper
from gallery.zoo.integrity import Progress
from gallery.zoo.pins import Pinned, resolve
from gallery.zoo.shared import Shared
from gallery.zoo.turns import Turns
from gallery.zoo.whisper_conversion import convert

#: No code that comes with a checkpoint runs, and nothing is fetched while one is loaded.
_SAFELY: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
#: Words that are further apart than this, seconds, stand in segments of their own; and so many make a segment.
_PAUSE = 0.8
_MOST_WORDS = 30

_loaded: Shared[Any] = Shared(capacity=2)


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a classifier says of one picture.

    Attributes:
        classes: every class with its probability in [0, 1], best first.
        prepare_ms, infer_ms, post_ms: milliseconds by stage; waiting for one's turn is in none of them.
    """

    classes: tuple[tuple[str, float], ...]
    prepare_ms: float
    infer_ms: float
    post_ms: float


class ImageClassifier:
    """A classifier of whole images. Safe to share between threads, which take turns.

    Attributes:
        use: what to say of it in a result.
        labels: the classes that it knows.
    """

    def __init__(self, pinned: Pinned) -> None:
        with _loading(pinned.model, "an image classifier"):
            from transformers import AutoImageProcessor, AutoModelForImageClassification, pipeline

            model = _whole_model(AutoModelForImageClassification, pinned.folder)
            processor = AutoImageProcessor.from_pretrained(pinned.folder, **_SAFELY)
            self._pipeline = pipeline("image-classification", model=model, image_processor=processor, device="cpu")
        self.use = pinned.use("transformers")
        self.labels = tuple(str(label) for label in model.config.id2label.values())
        self._turns = Turns()

    def classify(self, pixels: npt.NDArray[np.uint8]) -> Ranking:
        """Every class with its probability, and how long that took.

        Args:
            pixels: uint8, HxWx3, RGB.
        """
        from PIL import Image

        steps: Any = self._pipeline
        with self._turns.take():
            started = time.perf_counter()
            inputs = steps.preprocess(Image.fromarray(np.ascontiguousarray(pixels)))
            prepared = time.perf_counter()
            output = steps.forward(inputs)
            inferred = time.perf_counter()
            found = steps.postprocess(output, top_k=len(self.labels))
            finished = time.perf_counter()
        classes = ((str(each["label"]), round(float(each["score"]), 6)) for each in found)
        return Ranking(
            classes=tuple(sorted(classes, key=lambda each: -each[1])),
            prepare_ms=(prepared - started) * 1e3,
            infer_ms=(inferred - prepared) * 1e3,
            post_ms=(finished - inferred) * 1e3,
        )


class SpeechRecogniser:
    """A recogniser of speech: Whisper, or a network with a CTC head such as wav2vec 2.0. Safe to share between threads,
    which take turns.

    Attributes:
        use: what to say of it in a result.
        languages: codes of the languages that it writes down; empty where that is not known.
        window_s: the longest stretch of speech to give it at once, seconds.
        warnings: sentences that belong to each of its results.
    """

    window_s = 28.0
    warnings: tuple[str, ...] = ("This model does not say how sure it is, so every confidence reads 1.",)

    def __init__(self, folder: Path, use: ModelUse) -> None:
        with _loading(use.id, "a recogniser of speech"):
            from transformers import (
                AutoConfig,
                AutoFeatureExtractor,
                AutoModelForCTC,
                AutoModelForSpeechSeq2Seq,
                AutoTokenizer,
                pipeline,
            )
            from transformers.models.auto.modeling_auto import MODEL_FOR_CTC_MAPPING_NAMES

            config = AutoConfig.from_pretrained(folder, **_SAFELY)
            self._ctc = config.model_type in MODEL_FOR_CTC_MAPPING_NAMES
            model = _whole_model(AutoModelForCTC if self._ctc else AutoModelForSpeechSeq2Seq, folder)
            features = AutoFeatureExtractor.from_pretrained(folder, **_SAFELY)
            if features.sampling_rate != whisper.RATE:
                raise CheckpointRefused(
                    f"{use.id} listens at {features.sampling_rate} samples a second.",
                    f"Choose a checkpoint that listens at {whisper.RATE}.",
                )
            _require_vocabulary(folder)
            self._pipeline = pipeline(
                "automatic-speech-recognition",
                model=model,
                tokenizer=AutoTokenizer.from_pretrained(folder, **_SAFELY),
                feature_extractor=features,
                device="cpu",
            )
        self.use = use
        self._whisper = config.model_type == "whisper"
        generation = getattr(model, "generation_config", None)
        self._language_tokens: dict[str, int] = {
            token.strip("<|>"): number for token, number in getattr(generation, "lang_to_id", {}).items()
        }
        self._tells_words = self._ctc or bool(getattr(generation, "alignment_heads", None))
        english = self._whisper and not getattr(generation, "is_multilingual", True)
        self.languages: tuple[str, ...] = ("en",) if english else tuple(self._language_tokens)
        self._turns = Turns()

    def detect_language(self, speech: npt.NDArray[np.float32]) -> whisper.Language:
        """The language of the first 30 seconds; only for a Whisper model of several languages.

        Args:
            speech: float32, mono, 16 kHz, silence left out.
        """
        import torch

        model: Any = self._pipeline.model
        listen: Any = self._pipeline.feature_extractor
        codes = list(self._language_tokens)
        with self._turns.take(), torch.inference_mode():
            features = listen(
                speech[: whisper.HEARD_AT_ONCE], sampling_rate=whisper.RATE, return_tensors="pt"
            ).input_features.to(model.dtype)
            start = torch.tensor([[model.generation_config.decoder_start_token_id]])
            logits = model(input_features=features, decoder_input_ids=start).logits[0, -1]
            chances = logits[list(self._language_tokens.values())].float().softmax(0).tolist()
        scores = dict(sorted(zip(codes, chances, strict=True), key=lambda item: -item[1]))
        code = next(iter(scores))
        return whisper.Language(code, scores[code], scores)

    def transcribe(
        self, speech: npt.NDArray[np.float32], *, language: str | None, beam: int = 1, words: bool = True
    ) -> Iterator[Segment]:
        """What is said; times are seconds from the start of ``speech``, scores are always 1.

        Args:
            speech: float32, mono, 16 kHz, at most :attr:`window_s` seconds.
            language: a code of :attr:`languages`, or None to find out.
            beam: hypotheses that are followed (not with a CTC head).
            words: also find the time of each word, where the model can tell.
        """
        settings: dict[str, Any] = {}
        by_word = self._ctc or (words and self._tells_words and self._whisper)
        if by_word or self._whisper:
            settings["return_timestamps"] = "word" if by_word else True
        if not self._ctc:
            settings["generate_kwargs"] = {"num_beams": beam}
            if self._language_tokens and language:
                settings["generate_kwargs"] |= {"language": language, "task": "transcribe"}
        with self._turns.take():
            found: Any = self._pipeline(np.ascontiguousarray(speech), **settings)
        length = len(speech) / whisper.RATE
        chunks = found.get("chunks") or [{"text": found["text"], "timestamp": (0.0, length)}]
        parts = [_word(chunk, length, " " if self._ctc else "") for chunk in chunks]
        if by_word:
            yield from _grouped(parts, words)
        else:
            yield from (Segment(part.start, part.end, part.text) for part in parts)


def image_classifier(model: str) -> ImageClassifier:
    """The shared classifier of a person's own checkpoint.

    Args:
        model: a folder, or an id of the Hugging Face hub.

    Raises:
        ModelUnavailable: it is not on this machine and may not be fetched.
        CheckpointRefused: it could run code, changed since its first use, or is no image classifier.
    """
    pinned = resolve(model)
    return _loaded.get(("image", *pinned.key), lambda: ImageClassifier(pinned))


def speech_recogniser(model: str) -> SpeechRecogniser:
    """The shared recogniser of a person's own checkpoint.

    Args:
        model: a folder, or an id of the Hugging Face hub.

    Raises:
        ModelUnavailable: it is not on this machine and may not be fetched.
        CheckpointRefused: it could run code, changed since its first use, is damaged, or is no recogniser of speech.
    """
    pinned = resolve(model)
    return _loaded.get(("speech", *pinned.key), lambda: SpeechRecogniser(pinned.folder, pinned.use("transformers")))


def converted_whisper(model_id: str, progress: Callable[[Progress], None] | None = None) -> SpeechRecogniser:
    """The shared recogniser of a Whisper model of the registry, run by transformers instead of CTranslate2.

    Raises:
        ModelError: the model cannot be had (see :func:`gallery.zoo.store.ensure`).
        DiskFull: no room for the download or the conversion.
    """

    def build() -> SpeechRecogniser:
        resolved = store.ensure(model_id, progress=progress)
        key = {"weights": resolved.sha256, "transformers": version("transformers")}
        folder = exports.cached(f"{model_id}-transformers", key, lambda part: convert(resolved.folder, part))
        note = resolved.entry.licence_note
        return SpeechRecogniser(
            folder, ModelUse(model_id, resolved.sha256, "transformers", resolved.source, licence_note=note)
        )

    return _loaded.get(("converted", model_id), build)


# --- loading ----------------------------------------------------------------------------------------------------------


class _loading:
    """Quiet loading, with what goes wrong told in a sentence."""

    def __init__(self, model: str, kind: str) -> None:
        self._model, self._kind = model, kind

    def __enter__(self) -> None:
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, ModelError):
            first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
            raise CheckpointRefused(
                f"{self._model} cannot be loaded as {self._kind}: {first.rstrip('.')}.",
                "Choose a checkpoint that transformers can load for this task.",
            ) from error


def _whole_model(kind: Any, folder: Path) -> Any:
    """A network whose every weight comes from the checkpoint; transformers would fill gaps with chance."""
    model, notes = kind.from_pretrained(folder, use_safetensors=True, output_loading_info=True, **_SAFELY)
    gaps = sorted({*notes["missing_keys"], *(str(each[0]) for each in notes["mismatched_keys"])})
    if gaps:
        raise CheckpointRefused(
            f"The checkpoint in {folder} lacks weights that this task needs ({gaps[0]}).",
            "Choose a checkpoint that was trained for this task.",
        )
    return model.eval()


def _require_vocabulary(folder: Path) -> None:
    """Refuse a checkpoint that cannot spell; transformers would make an empty vocabulary, and write nothing down."""
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json", "vocab.txt")) and not any(
        folder.glob("*.model")
    ):
        raise CheckpointRefused(
            f"The checkpoint in {folder} has no vocabulary (tokenizer.json).", "Copy the whole folder again."
        )


def _word(chunk: Mapping[str, Any], length: float, blank: str) -> Word:
    start, end = chunk["timestamp"]
    start = float(start or 0.0)
    return Word(start, float(length if end is None else max(end, start)), blank + chunk["text"], 1.0)


def _grouped(words: list[Word], keep: bool) -> Iterator[Segment]:
    """Words as segments, which end with a sentence, at a pause, or when they grow long."""
    group: list[Word] = []
    for number, word in enumerate(words):
        group.append(word)
        following = words[number + 1] if number + 1 < len(words) else None
        if (
            following is None
            or following.start - word.end > _PAUSE
            or word.text.rstrip().endswith((".", "!", "?", "。", "！", "？"))
            or len(group) >= _MOST_WORDS
        ):
            text = "".join(each.text for each in group)
            yield Segment(group[0].start, group[-1].end, text, tuple(group) if keep else ())
            group = []
