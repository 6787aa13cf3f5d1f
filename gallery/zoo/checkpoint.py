"""A person's own checkpoint, by folder or by id of the Hugging Face hub.

Only weights in safetensors are read (or a Whisper folder in CTranslate2's form), and code that comes with a
checkpoint never runs. At first use the sha256 of each file, and the revision of a hub id, are noted; content that
changed since is refused until the person says so (:func:`forget`). Results of such a checkpoint say that nobody has
verified it. https://huggingface.co/docs/transformers/main_classes/pipelines
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gallery.errors import CheckpointRefused, ModelError, ModelUnavailable
from gallery.results import ModelUse, Segment, Word
from gallery.zoo import exports, offline, paths, store, whisper
from gallery.zoo.integrity import Progress, locked, sha256_of, write_text
from gallery.zoo.shared import Shared
from gallery.zoo.turns import Turns
from gallery.zoo.whisper_conversion import convert

#: What transformers may read of a checkpoint; nothing else is downloaded, hashed or looked at.
_READ = (".json", ".safetensors", ".txt", ".model", ".jinja")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack")
#: Settings by which a checkpoint asks for code or weights from elsewhere.
_REACHING = ("auto_map", "custom_pipelines", "use_pretrained_backbone")
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
#: Words that are further apart than this, seconds, stand in segments of their own; and so many make a segment.
_PAUSE = 0.8
_MOST_WORDS = 30

_loaded: Shared[Any] = Shared(capacity=2)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A checkpoint whose content is that of its first use.

    Attributes:
        model: as the person named it.
        folder: where its files lie.
        files: sha256 by name.
        revision: commit of the hub repository; empty for a folder.
        source: where it comes from, in words.
    """

    model: str
    folder: Path
    files: Mapping[str, str]
    revision: str
    source: str

    @property
    def sha256(self) -> str:
        """Hash of the file of weights; of the list of their names and hashes where there are several."""
        weights = [name for name in sorted(self.files) if name.endswith((".safetensors", ".bin"))]
        if len(weights) == 1:
            return self.files[weights[0]]
        listing = "".join(f"{self.files[name]}  {name}\n" for name in weights)
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def key(self) -> tuple[Any, ...]:
        """What a loaded copy depends on."""
        return (self.folder, *sorted(self.files.items()))

    def use(self, runtime: str) -> ModelUse:
        """What to say of it in a result."""
        return ModelUse(self.model, self.sha256, runtime, self.source, verified=False)


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

    def classify(self, pixels: npt.NDArray[np.uint8]) -> list[tuple[str, float]]:
        """Every class with its probability in [0, 1], best first.

        Args:
            pixels: uint8, HxWx3, RGB.
        """
        from PIL import Image

        with self._turns.take():
            found = self._pipeline(Image.fromarray(np.ascontiguousarray(pixels)), top_k=len(self.labels))
        return [(str(each["label"]), round(float(each["score"]), 6)) for each in found]


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


def speech_recogniser(model: str) -> whisper.Whisper | SpeechRecogniser:
    """The shared recogniser of a person's own checkpoint: safetensors, or a Whisper folder in CTranslate2's form.

    Args:
        model: a folder, or an id of the Hugging Face hub.

    Raises:
        ModelUnavailable: it is not on this machine and may not be fetched.
        CheckpointRefused: it could run code, changed since its first use, is damaged, or is no recogniser of speech.
    """
    pinned = resolve(model)
    key = ("speech", *pinned.key)
    if "model.bin" in pinned.files:
        return _loaded.get(key, lambda: whisper.Whisper(pinned.folder, pinned.use("ctranslate2")))
    return _loaded.get(key, lambda: SpeechRecogniser(pinned.folder, pinned.use("transformers")))


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


def resolve(model: str) -> Pinned:
    """Find a checkpoint, refuse what could run code, and hold it against its first use, which is noted now if new.

    Args:
        model: a folder, or an id of the Hugging Face hub.

    Raises:
        ModelUnavailable: it is not on this machine and may not be fetched.
        CheckpointRefused: it could run code, or changed since its first use.
    """
    folder = _folder(model)
    if folder is not None:
        return _held(Pinned(model, folder, _hashes(folder), "", f"folder {folder}"), str(folder))
    if not _HUB_ID.fullmatch(model):
        raise ModelUnavailable(
            f"There is no folder {model}.", "Name a folder that holds a checkpoint, or a hub id like owner/name."
        )
    known = _pins().get(model, {})
    folder = _hub_folder(model, known.get("revision") or None)
    revision = folder.name
    return _held(
        Pinned(model, folder, _hashes(folder), revision, f"Hugging Face hub, {model} at {revision[:7]}"), model
    )


def could_be(model: str) -> bool:
    """Whether the name is that of a folder on this machine, or has the form of a hub id."""
    return _folder(model) is not None or _HUB_ID.fullmatch(model) is not None


def forget(model: str) -> bool:
    """Forget the first use of a checkpoint, so that its content of now is noted the next time.

    Args:
        model: the folder or hub id, as it was named.

    Returns:
        Whether it was known.
    """
    with locked(_pins_lock()):
        pins = _pins()
        known = [key for key in (model, _absolute(model)) if pins.pop(key, None) is not None]
        if known:
            _write_pins(pins)
    return bool(known)


def pinned_models() -> list[str]:
    """The folders and hub ids that were used so far."""
    return sorted(_pins())


def _absolute(model: str) -> str:
    """The name as a full path; as it is, where it cannot be one."""
    try:
        return str(Path(model).expanduser().resolve()) if model.strip() else model
    except (OSError, RuntimeError, ValueError):  # no such user after ~, a loop of links, a zero byte
        return model


def _folder(model: str) -> Path | None:
    """The folder of that name, if there is one."""
    try:
        folder = Path(_absolute(model))
        return folder if model.strip() and folder.is_dir() else None
    except (OSError, ValueError):  # a name that is too long
        return None


# --- what may be read -------------------------------------------------------------------------------------------------

#: No code that comes with a checkpoint runs, and nothing is fetched while one is loaded.
_SAFELY: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}


def _hashes(folder: Path) -> dict[str, str]:
    """The sha256 of every file that may be read, by name; CheckpointRefused if one must not be."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    names = {path.name for path in files}
    weights = {name for name in names if name.endswith(".safetensors")}
    readable: tuple[str, ...] = _READ
    if not weights and {"model.bin", "config.json"} <= names and names & {"vocabulary.txt", "vocabulary.json"}:
        readable = (*_READ, "model.bin")  # CTranslate2's own format, which holds no code
    elif not weights and any(name.endswith(_PICKLES) for name in names):
        raise CheckpointRefused(
            f"The checkpoint in {folder} holds its weights only in a form that can run code when it is opened.",
            "Save it in safetensors, as save_pretrained of the current transformers does.",
        )
    elif not weights:
        raise CheckpointRefused(
            f"There are no weights in {folder}.", "Choose a folder that holds config.json and model.safetensors."
        )
    if "adapter_config.json" in names:
        raise CheckpointRefused(
            f"{folder} holds an adapter to another model.", "Merge it into its model and save the whole checkpoint."
        )
    if "config.json" not in names:
        raise CheckpointRefused(f"The checkpoint in {folder} has no config.json.", "Copy the whole folder again.")
    for path in files:
        if path.name.endswith((".index.json", "config.json")):
            _refuse_reaching(path)
    return {path.name: sha256_of(path) for path in files if path.name.endswith(readable)}


def _refuse_reaching(path: Path) -> None:
    """Refuse settings that name code, or weights of another form or place."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise CheckpointRefused(f"{path} is damaged.", "Copy the whole folder again.") from error
    reaching = sorted(_keys(settings) & set(_REACHING))
    if reaching:
        raise CheckpointRefused(
            f"{path.name} of the checkpoint in {path.parent} asks for code or weights from elsewhere ({reaching[0]}).",
            "Choose a checkpoint of an architecture that is part of transformers itself.",
        )
    shards = settings.get("weight_map", {}) if isinstance(settings, dict) else {}
    if not isinstance(shards, dict) or not all(
        isinstance(name, str) and name.endswith(".safetensors") and (path.parent / name).parent == path.parent
        for name in shards.values()
    ):
        raise CheckpointRefused(
            f"{path} names weights that are not safetensors.", "Save the checkpoint in safetensors."
        )


def _keys(settings: Any) -> set[str]:
    """All keys with a value, at any depth."""
    if isinstance(settings, dict):
        return {key for key, value in settings.items() if value} | {k for v in settings.values() for k in _keys(v)}
    if isinstance(settings, list):
        return {key for value in settings for key in _keys(value)}
    return set()


def _hub_folder(model: str, revision: str | None) -> Path:
    """The files of a hub repository: of the cache of the hub's library, or fetched where the person allows it."""
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                model,
                revision=revision,
                allow_patterns=[f"*{suffix}" for suffix in _READ],
                ignore_patterns=["*/*"],
                local_files_only=not offline.online(),
                etag_timeout=5,
            )
        )
    except Exception as error:  # the hub's library raises errors of its own and of the HTTP library
        if offline.online():
            raise ModelUnavailable(
                f"The checkpoint {model} could not be fetched ({type(error).__name__}).",
                "Check the id and the network, or name a folder on this machine.",
            ) from error
        raise ModelUnavailable(
            f"The checkpoint {model} is not on this machine, and the gallery does not go online by itself.",
            "Start it with GALLERY_ONLINE=1 to have it fetched, or name a folder on this machine.",
        ) from error


# --- first use --------------------------------------------------------------------------------------------------------


def _held(found: Pinned, key: str) -> Pinned:
    """Hold content against the first use, or note it as that."""
    with locked(_pins_lock()):
        pins = _pins()
        if key not in pins:
            when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            pins[key] = {"revision": found.revision, "files": dict(found.files), "first_used": when}
            _write_pins(pins)
            return found
        first = pins[key]
    then, now = first["files"], dict(found.files)
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if changed:
        raise CheckpointRefused(
            f"The checkpoint {found.model} changed since its first use on {first['first_used'][:10]} "
            f"({', '.join(changed[:3])}{' and more' if len(changed) > 3 else ''}).",
            f"If that is what you want, run 'python -m gallery models forget {found.model}' and use it again.",
        )
    return found


def _pins_path() -> Path:
    return paths.cache_dir() / "checkpoints.json"


def _pins_lock() -> Path:
    return paths.cache_dir() / ".checkpoints.lock"


def _pins() -> dict[str, dict[str, Any]]:
    path = _pins_path()
    try:
        pins = json.loads(path.read_text(encoding="utf-8"))["checkpoints"]
        if not all(isinstance(pin["files"], dict) and isinstance(pin["first_used"], str) for pin in pins.values()):
            raise ValueError("fields are missing")
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"The list of the checkpoints that were used, {path}, is damaged.",
            "Delete it; the next use of each checkpoint then counts as its first.",
        ) from error
    return pins


def _write_pins(pins: Mapping[str, Any]) -> None:
    write_text(json.dumps({"format": 1, "checkpoints": pins}, indent=1) + "\n", _pins_path())


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
