"""A person's own checkpoint: real ones made on disk, loaded through the real pipelines, refused when they must be."""

from __future__ import annotations

import ast
import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gallery.errors import CheckpointRefused, ModelError, ModelUnavailable
from gallery.media.audio import read_audio
from gallery.media.windows import as_float
from gallery.zoo import checkpoint, store
from gallery.zoo.checkpoint import image_classifier, speech_recogniser
from gallery.zoo.pins import forget, pinned_models, resolve
from gallery.zoo.whisper_conversion import convert

ROOT = Path(__file__).resolve().parents[2]
LABELS = {0: "round", 1: "long", 2: "=odd"}
HUB = "someone/tiny-vit"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def own_notes(tmp_path, monkeypatch) -> Path:
    """Notes on first use that no other test sees; the models of the registry stay at hand."""
    at_hand = store.ensure("whisper-tiny.en").folder.parent
    monkeypatch.setenv("GALLERY_MODELS", str(at_hand))
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GALLERY_ONLINE", raising=False)
    return tmp_path / "cache" / "checkpoints.json"


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> dict[str, Path]:
    """Checkpoints of random weights, made and saved by transformers itself."""
    import torch
    from transformers import (
        ConvNextImageProcessor,
        ResNetConfig,
        ResNetForImageClassification,
        ViTConfig,
        ViTForImageClassification,
        ViTImageProcessor,
        ViTModel,
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
    )

    root = tmp_path_factory.mktemp("checkpoints")
    torch.manual_seed(0)
    names = {"id2label": LABELS, "label2id": {label: number for number, label in LABELS.items()}}
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    vit = ViTConfig(**small, image_size=32, patch_size=8, **names)
    resnet = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", **names)
    ctc = Wav2Vec2Config(
        **small,
        vocab_size=8,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        pad_token_id=0,
    )
    vit_sizes = ViTImageProcessor(size={"height": 32, "width": 32})
    for name, parts in {
        "vit": (ViTForImageClassification(vit), vit_sizes),
        "resnet": (ResNetForImageClassification(resnet), ConvNextImageProcessor(size={"shortest_edge": 32})),
        "headless": (ViTModel(vit), vit_sizes),
        "ctc": (Wav2Vec2ForCTC(ctc), Wav2Vec2FeatureExtractor(sampling_rate=16_000, return_attention_mask=True)),
        "ctc-8k": (Wav2Vec2ForCTC(ctc), Wav2Vec2FeatureExtractor(sampling_rate=8_000, return_attention_mask=True)),
    }.items():
        for part in parts:
            part.save_pretrained(root / name)
    letters = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "A": 5, "B": 6, "C": 7}
    (root / "vocab.json").write_text(json.dumps(letters))
    for name in ("ctc", "ctc-8k"):
        Wav2Vec2CTCTokenizer(str(root / "vocab.json")).save_pretrained(root / name)
    return {path.name: path for path in root.iterdir() if path.is_dir()}


@pytest.fixture
def folder(made, tmp_path) -> Path:
    """A copy of the small vision transformer, to change."""
    return Path(shutil.copytree(made["vit"], tmp_path / "my vit"))


PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


# --- images -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_an_image_checkpoint_gives_what_its_network_gives(made, kind):
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    classifier = image_classifier(str(made[kind]))
    ranking = classifier.classify(PICTURE)
    found = ranking.classes
    model = AutoModelForImageClassification.from_pretrained(made[kind])
    inputs = AutoImageProcessor.from_pretrained(made[kind])(
        PICTURE, return_tensors="pt", input_data_format="channels_last"
    )
    with torch.inference_mode():
        chances = model(**inputs).logits.softmax(-1)[0].tolist()
    expected = sorted(zip(LABELS.values(), chances, strict=True), key=lambda item: -item[1])
    assert [label for label, _ in found] == [label for label, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-4)
    assert sum(score for _, score in found) == pytest.approx(1, abs=1e-4)
    assert classifier.labels == tuple(LABELS.values())
    assert min(ranking.prepare_ms, ranking.infer_ms, ranking.post_ms) > 0


def test_what_is_said_of_it(made):
    classifier = image_classifier(str(made["vit"]))
    assert image_classifier(str(made["vit"])) is classifier
    use = classifier.use
    assert (use.id, use.runtime, use.verified) == (str(made["vit"]), "transformers", False)
    import hashlib

    assert use.sha256 == hashlib.sha256((made["vit"] / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize("pixels", [PICTURE[::2, ::-1], PICTURE[:1, :1], np.zeros((300, 20, 3), np.uint8)])
def test_pictures_of_any_shape(made, pixels):
    assert len(image_classifier(str(made["vit"])).classify(pixels).classes) == 3


# --- what must be refused ---------------------------------------------------------------------------------------------


def _only_pickle(folder: Path, name: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps({"weights": [1, 2, 3]}))


def _setting(folder: Path, file: str, **values: object) -> None:
    path = folder / file
    settings = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(settings | values))


REFUSED = {
    "pickle bin": (lambda f: _only_pickle(f, "pytorch_model.bin"), "can run code"),
    "pickle pt": (lambda f: _only_pickle(f, "weights.pt"), "can run code"),
    "pickle pkl": (lambda f: _only_pickle(f, "weights.pkl"), "can run code"),
    "nothing": (lambda f: (f / "model.safetensors").unlink(), "no weights"),
    "code": (lambda f: _setting(f, "config.json", auto_map={"AutoModel": "evil.Model"}), "auto_map"),
    "code of the processor": (
        lambda f: _setting(f, "preprocessor_config.json", auto_map={"AutoImageProcessor": "evil.P"}),
        "auto_map",
    ),
    "code, deeper": (lambda f: _setting(f, "config.json", sub=[{"auto_map": {"A": "b"}}]), "auto_map"),
    "a pipeline of its own": (
        lambda f: _setting(f, "config.json", custom_pipelines={"x": {"impl": "evil.P"}}),
        "custom_pipelines",
    ),
    "weights from elsewhere": (
        lambda f: _setting(f, "config.json", use_pretrained_backbone=True),
        "use_pretrained_backbone",
    ),
    "an adapter": (lambda f: _setting(f, "adapter_config.json", base_model_name_or_path="a/b"), "adapter"),
    "shards that are pickles": (
        lambda f: _setting(f, "model.safetensors.index.json", weight_map={"a": "pytorch_model-1.bin"}),
        "not safetensors",
    ),
    "shards outside": (
        lambda f: _setting(f, "model.safetensors.index.json", weight_map={"a": "../model.safetensors"}),
        "not safetensors",
    ),
    "no config": (lambda f: (f / "config.json").unlink(), r"no config\.json"),
    "a damaged config": (lambda f: (f / "config.json").write_text("{"), "damaged"),
    "damaged weights": (lambda f: (f / "model.safetensors").write_bytes(b"x" * 100), "cannot be loaded"),
    "weights cut short": (
        lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:-100]),
        "cannot be loaded",
    ),
    "an unknown kind": (lambda f: _setting(f, "config.json", model_type="nonsense"), "cannot be loaded"),
    "other sizes": (lambda f: _setting(f, "config.json", hidden_size=32), "cannot be loaded|lacks weights"),
    "no processor": (lambda f: (f / "preprocessor_config.json").unlink(), "cannot be loaded"),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_a_sentence(folder, change, sentence):
    change(folder)
    with pytest.raises(CheckpointRefused, match=sentence) as caught:
        image_classifier(str(folder))
    assert caught.value.problem.endswith(".") and caught.value.remedy
    assert "\n" not in str(caught.value)


def test_a_pickle_beside_safetensors_is_not_opened(folder):
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (folder / "exploded",))

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    assert len(image_classifier(str(folder)).classify(PICTURE).classes) == 3
    assert not (folder / "exploded").exists()


@pytest.mark.parametrize(
    ("kind", "load", "sentence"),
    [
        ("headless", image_classifier, "lacks weights"),
        ("ctc", image_classifier, "cannot be loaded as an image classifier"),
        ("vit", speech_recogniser, "cannot be loaded as a recogniser of speech"),
        ("ctc-8k", speech_recogniser, "8000 samples a second"),
    ],
)
def test_a_checkpoint_for_another_task(made, kind, load, sentence):
    with pytest.raises(CheckpointRefused, match=sentence):
        load(str(made[kind]))


@pytest.mark.parametrize("name", ["", " ", "no such folder", "/no/such/folder", "~nosuchuser/x", "a" * 5000, "a\0b"])
def test_no_such_folder(name):
    with pytest.raises(ModelUnavailable):
        resolve(name)


# --- first use --------------------------------------------------------------------------------------------------------


def test_the_first_use_is_noted(folder, own_notes):
    image_classifier(str(folder))
    notes = json.loads(own_notes.read_text())["checkpoints"]
    assert list(notes) == [str(folder)] == pinned_models()
    assert set(notes[str(folder)]["files"]) == {"config.json", "model.safetensors", "preprocessor_config.json"}
    assert not [path for path in own_notes.parent.iterdir() if path.name.endswith(".part")]


CHANGES = {
    "weights": lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:-1] + b"\x01"),
    "settings": lambda f: _setting(f, "config.json", id2label={"0": "x", "1": "y", "2": "z"}),
    "a new file": lambda f: (f / "tokenizer.json").write_text("{}"),
    "one less": lambda f: (f / "preprocessor_config.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_changed_since_is_refused_until_forgotten(folder, change):
    first = resolve(str(folder))
    change(folder)
    for _ in range(2):
        with pytest.raises(CheckpointRefused, match="changed since its first use") as caught:
            image_classifier(str(folder))
        assert "models forget" in caught.value.remedy
    assert forget(str(folder))
    assert resolve(str(folder)).files != first.files


def test_what_transformers_does_not_read_may_change(folder):
    resolve(str(folder))
    (folder / "README.md").write_text("hello")
    (folder / "optimizer.pt").write_bytes(b"x")
    resolve(str(folder))


def test_new_labels_are_used_once_the_old_are_forgotten(folder):
    assert image_classifier(str(folder)).labels == tuple(LABELS.values())
    CHANGES["settings"](folder)
    forget(str(folder))
    assert image_classifier(str(folder)).labels == ("x", "y", "z")


def test_a_folder_has_one_note_however_it_is_named(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    resolve(folder.name)
    resolve(str(folder))
    assert pinned_models() == [str(folder)]
    assert forget(f"./{folder.name}") and pinned_models() == []
    assert not forget(folder.name)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"checkpoints": {"a": 1}}', '{"checkpoints": {"a": {}}}'])
def test_damaged_notes_are_not_taken_for_none(folder, own_notes, content):
    own_notes.parent.mkdir(parents=True, exist_ok=True)
    own_notes.write_text(content)
    with pytest.raises(ModelError, match="is damaged"):
        resolve(str(folder))


def test_several_processes_note_at_once(made, tmp_path):
    folders = [Path(shutil.copytree(made["vit"], tmp_path / f"copy {n}")) for n in range(4)]
    code = "import sys; from gallery.zoo.pins import resolve; resolve(sys.argv[1])"
    running = [subprocess.Popen([sys.executable, "-c", code, str(each)], cwd=ROOT) for each in folders]
    assert [process.wait() for process in running] == [0] * len(folders)
    assert pinned_models() == sorted(map(str, folders))


# --- the hub ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(made, tmp_path, monkeypatch) -> Path:
    """A cache of the hub's library that holds one repository, laid out as that library does."""
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    repo = cache / f"models--{HUB.replace('/', '--')}"
    snapshot = repo / "snapshots" / COMMIT
    shutil.copytree(made["vit"], snapshot)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    return snapshot


def test_a_hub_id_in_the_cache_is_used_and_pinned_to_its_revision(hub, own_notes):
    classifier = image_classifier(HUB)
    assert len(classifier.classify(PICTURE).classes) == 3
    assert classifier.use.id == HUB and not classifier.use.verified
    assert COMMIT[:7] in classifier.use.source
    assert json.loads(own_notes.read_text())["checkpoints"][HUB]["revision"] == COMMIT


def test_a_pinned_hub_id_stays_at_its_revision(hub):
    resolve(HUB)
    other = "f" * 40
    shutil.copytree(hub, hub.parent / other)
    _setting(hub.parent / other, "config.json", id2label={"0": "x", "1": "y", "2": "z"})
    (hub.parents[1] / "refs" / "main").write_text(other)
    assert resolve(HUB).revision == COMMIT
    assert forget(HUB)
    assert resolve(HUB).revision == other


def test_a_hub_id_whose_cached_files_changed_is_refused(hub):
    resolve(HUB)
    CHANGES["settings"](hub)
    with pytest.raises(CheckpointRefused, match="changed since"):
        resolve(HUB)


@pytest.mark.parametrize(("online", "sentence"), [("", "GALLERY_ONLINE=1"), ("1", "could not be fetched")])
def test_a_hub_id_that_is_not_here_says_what_to_do(hub, monkeypatch, online, sentence):
    monkeypatch.setenv("GALLERY_ONLINE", online)  # the switches of the libraries, set for all tests, stay offline
    with pytest.raises(ModelUnavailable, match=sentence):
        image_classifier("someone/else")


# --- speech -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def converted(tmp_path_factory) -> Path:
    """whisper-tiny.en as a checkpoint of transformers."""
    folder = tmp_path_factory.mktemp("converted") / "whisper"
    folder.mkdir()
    convert(store.ensure("whisper-tiny.en").folder, folder)
    return folder


@pytest.mark.reference
@pytest.mark.parametrize("words", [True, False])
def test_a_converted_whisper_hears_the_right_words(converted, reference_data, words):
    recogniser = speech_recogniser(str(converted))
    assert recogniser.languages == ("en",) and not recogniser.use.verified
    sound = as_float(read_audio(reference_data / "speech" / "jfk.flac", "jfk.flac").samples)
    segments = list(recogniser.transcribe(sound, language="en", words=words))
    text = "".join(segment.text for segment in segments).strip().lower().replace(",", "")
    assert text.startswith("and so my fellow americans ask not what your country can do for you")
    assert all(0 <= segment.start <= segment.end <= len(sound) / 16_000 for segment in segments)
    assert all(bool(segment.words) is words for segment in segments)


@pytest.mark.reference
def test_a_multilingual_checkpoint_knows_the_language(tmp_path, reference_data):
    folder = tmp_path / "base"
    folder.mkdir()
    convert(store.ensure("whisper-base").folder, folder)
    recogniser = speech_recogniser(str(folder))
    assert len(recogniser.languages) == 99
    sound = as_float(read_audio(reference_data / "speech" / "test_fr.wav", "test_fr.wav").samples)
    heard = recogniser.detect_language(sound)
    assert heard.code == "fr" and heard.score > 0.9 and sum(heard.scores.values()) == pytest.approx(1, abs=1e-3)
    (text,) = {"".join(s.text for s in recogniser.transcribe(sound, language="fr", words=False)).strip()}
    assert text.startswith("Sous le consulat")


def test_a_ctc_checkpoint_gives_letters_with_times(made):
    recogniser = speech_recogniser(str(made["ctc"]))
    assert recogniser.languages == ()
    sound = np.random.default_rng(1).normal(0, 0.1, 3 * 16_000).astype(np.float32)
    segments = list(recogniser.transcribe(sound, language=None))
    assert segments
    for segment in segments:
        assert 0 <= segment.start <= segment.end <= 3.01
        assert set(segment.text) <= set("ABC <unk></s>")
        assert segment.words


def test_a_folder_of_ctranslate2_is_refused(tmp_path, own_notes):
    folder = shutil.copytree(store.ensure("whisper-tiny.en").folder, tmp_path / "ct2")
    with pytest.raises(CheckpointRefused, match=r"CTranslate2's form .*only safetensors are read") as caught:
        speech_recogniser(str(folder))
    assert "saved in safetensors" in caught.value.remedy
    assert not own_notes.exists()


def test_importing_is_cheap():
    heavy = "{'torch', 'transformers', 'huggingface_hub', 'faster_whisper', 'PIL'}"
    code = f"import sys, gallery.zoo.checkpoint, gallery.zoo.pins; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_nothing_is_loaded_another_way():
    """Every call that loads a part of a checkpoint forbids its code, and every network is one of safetensors."""
    calls = [
        {keyword.arg or ast.unparse(keyword.value): ast.unparse(keyword.value) for keyword in node.keywords}
        for node in ast.walk(ast.parse(Path(checkpoint.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("from_pretrained")
    ]
    assert len(calls) >= 4 and all("_SAFELY" in call for call in calls)
    assert [call.get("use_safetensors") for call in calls if "output_loading_info" in call] == ["True"]
    assert checkpoint._SAFELY["trust_remote_code"] is False
