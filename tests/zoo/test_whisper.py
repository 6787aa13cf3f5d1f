"""Whisper on CTranslate2: whole folders only, never the network, turns between viewers; and its conversion."""

from __future__ import annotations

import itertools
import json
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from gallery.errors import CheckpointRefused, GalleryError
from gallery.media.audio import read_audio
from gallery.media.windows import as_float
from gallery.results import ModelUse
from gallery.zoo import store
from gallery.zoo.whisper import Whisper, find_speech, load_if_present, load_whisper
from gallery.zoo.whisper_conversion import PARTS, WeightsFile, convert

RATE = 16_000
ROOT = Path(__file__).resolve().parents[2]
USE = ModelUse("mine", "0" * 64, "ctranslate2", verified=False)
JFK = "ask not what your country can do for you"


@pytest.fixture(scope="session")
def tiny() -> Path:
    """The checked folder of whisper-tiny.en."""
    return store.ensure("whisper-tiny.en").folder


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A folder of one's own with the same files; changing one does not change the original."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for names in PARTS:
        if (tiny / names[0]).is_file():
            shutil.copyfile(tiny / names[0], folder / names[0])
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every attempt to reach a host is noted and fails."""
    tried: list[object] = []

    def refuse(self: socket.socket, address: object) -> None:
        tried.append(address)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_: refuse(None, args))  # type: ignore[arg-type]
    return tried


def _cut(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2)


def _ruin(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(5000))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("name", ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"])
def test_a_missing_file_is_named_and_not_looked_for_on_the_network(copy, no_network, name):
    (copy / name).unlink()
    with pytest.raises(CheckpointRefused, match=f"no {name}"):
        Whisper(copy, USE)
    assert no_network == []


@pytest.mark.parametrize("harm", [_cut, _ruin, _empty])
@pytest.mark.parametrize("name", ["config.json", "model.bin", "tokenizer.json"])
def test_a_damaged_file_gives_a_sentence(copy, no_network, name, harm):
    harm(copy / name)
    with pytest.raises(GalleryError) as caught:
        Whisper(copy, USE)
    assert caught.value.problem.endswith(".") and caught.value.remedy
    assert no_network == []


@pytest.mark.parametrize(
    ("content", "exception"),
    [('{"a": 1}', GalleryError), ("[]", GalleryError), ('{"version": "1.0", "model": null}', GalleryError)],
)
def test_a_tokenizer_of_another_kind_gives_a_sentence(copy, no_network, content, exception):
    (copy / "tokenizer.json").write_text(content)
    with pytest.raises(exception, match="cannot be loaded"):
        Whisper(copy, USE)
    assert no_network == []


def test_a_whole_folder_loads_without_network(copy, no_network):
    mine = Whisper(copy, USE)
    assert mine.languages == ("en",)
    assert mine.use is USE
    assert no_network == []


def test_a_registry_model_is_loaded_once_and_says_what_it_is(tiny):
    model = load_whisper("whisper-tiny.en")
    assert load_whisper("whisper-tiny.en") is model
    assert model.use.id == "whisper-tiny.en" and model.use.verified and model.use.runtime == "ctranslate2"
    assert model.use.sha256 == "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
    assert model.use.source


def test_what_is_not_there_is_not_fetched(no_network, monkeypatch, tmp_path):
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path))
    monkeypatch.delenv("GALLERY_MODELS", raising=False)
    assert load_if_present("whisper-base") is None
    assert no_network == []


def _chord(seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * f * k * time) / k for f in (261.6, 329.6, 392.0) for k in range(1, 6))
    return (tones / np.abs(tones).max() * 0.5).astype(np.float32)


NOT_SPEECH = {
    "nothing": np.zeros(0, np.float32),
    "one sample": np.zeros(1, np.float32),
    "silence": np.zeros(60 * RATE, np.float32),
    "white noise": np.random.default_rng(0).normal(0, 0.2, 60 * RATE).astype(np.float32),
    "a chord": _chord(60),
    "a constant": np.full(5 * RATE, 0.5, np.float32),
}


@pytest.mark.parametrize("sound", NOT_SPEECH.values(), ids=NOT_SPEECH.keys())
def test_what_is_no_voice_is_not_taken_for_one(sound):
    assert find_speech(sound) == []


@pytest.mark.reference
def test_voice_is_found(reference_data):
    samples = as_float(read_audio(reference_data / "speech" / "jfk.flac", "jfk.flac").samples)
    quiet = np.zeros(3 * RATE, np.float32)
    spans = find_speech(np.concatenate([quiet, samples, quiet]))
    assert spans and all(a < b for a, b in spans)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))
    assert abs(spans[0][0] / RATE - 3) < 0.5 and abs(spans[-1][1] / RATE - 14) < 0.7


@pytest.mark.reference
def test_viewers_take_turns_and_get_what_they_would_get_alone(reference_data):
    model = load_whisper("whisper-tiny.en")
    folder = reference_data / "speech"
    names = ["jfk.flac", "test.wav", "sense_and_sensibility_01_austen_64kb-0920.wav"]
    sounds = [as_float(read_audio(folder / name, name).samples) for name in names]

    def listen(sound: np.ndarray) -> str:
        return "".join(segment.text for segment in model.transcribe(sound, language="en"))

    alone = [listen(sound) for sound in sounds]
    together = [""] * len(sounds)

    def work(number: int) -> None:
        together[number] = listen(sounds[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(sounds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
    assert JFK in alone[0]


def test_loading_and_listening_never_imports_torch(tiny):
    code = f"""
import sys, numpy as np
from gallery.results import ModelUse
from pathlib import Path
from gallery.zoo.whisper import Whisper, find_speech
model = Whisper(Path({str(tiny)!r}), ModelUse("m", "0", "ctranslate2"))
sound = np.random.default_rng(0).normal(0, 0.1, 32000).astype(np.float32)
find_speech(sound); list(model.transcribe(sound, language="en")); model.certainty(sound)
print(*sorted({{"torch", "transformers", "ultralytics", "openvino", "cv2", "scipy"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# --- the conversion ---------------------------------------------------------------------------------------------------


def _tiny_checkpoint(tokenizer: Path, folder: Path, multilingual: bool) -> dict[str, np.ndarray]:
    """A Whisper of random weights, made and saved by transformers; returns its weights."""
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    shift = 1 if multilingual else 0
    config = WhisperConfig(
        vocab_size=51864 + shift,
        d_model=16,
        encoder_layers=2,
        decoder_layers=3,
        encoder_attention_heads=2,
        decoder_attention_heads=4,
        encoder_ffn_dim=32,
        decoder_ffn_dim=24,
        decoder_start_token_id=50257 + shift,
        bos_token_id=50256 + shift,
        eos_token_id=50256 + shift,
        pad_token_id=50256 + shift,
    )
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)  # biases and norms start as all 0 and all 1
    model.generation_config.suppress_tokens = [1, 2, 7]
    model.generation_config.begin_suppress_tokens = [220, 50256 + shift]
    model.save_pretrained(folder)
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    settings = {"tokenizer_class": "WhisperTokenizer"}
    settings |= dict.fromkeys(("bos_token", "eos_token", "unk_token", "pad_token"), "<|endoftext|>")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return {name: value.detach().numpy() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("multilingual", [False, True], ids=["english", "multilingual"])
@pytest.mark.parametrize(
    ("quantization", "tolerance"),
    [("float32", 1e-7), ("float16", 2e-3), ("bfloat16", 1e-2), ("int8", 5e-3), ("int8_float16", 5e-3)],
)
def test_conversion_undoes_what_ctranslate2_does(tmp_path, quantization, tolerance, multilingual):
    from ctranslate2.converters import TransformersConverter
    from safetensors.numpy import load_file

    model_id = "whisper-base" if multilingual else "whisper-tiny.en"
    tokenizer = store.ensure(model_id).files["tokenizer.json"]
    original, ct2, back = tmp_path / "original", tmp_path / "ct2", tmp_path / "back"
    original.mkdir()
    back.mkdir()
    expected = _tiny_checkpoint(tokenizer, original, multilingual)
    TransformersConverter(str(original), copy_files=["tokenizer.json"]).convert(str(ct2), quantization=quantization)
    settings = json.loads((ct2 / "config.json").read_text())
    convert(ct2, back)
    found = load_file(back / "model.safetensors")
    assert set(found) == set(expected) - {"proj_out.weight"}  # tied to the embeddings
    for name, values in found.items():
        assert values.dtype == np.float32
        if not name.endswith("k_proj.bias"):
            np.testing.assert_allclose(values, expected[name], atol=tolerance, err_msg=name)
    config = json.loads((back / "config.json").read_text())
    given = json.loads((original / "config.json").read_text())
    same = ("d_model", "vocab_size", "encoder_layers", "decoder_layers", "encoder_attention_heads", "num_mel_bins")
    same += ("decoder_attention_heads", "encoder_ffn_dim", "decoder_ffn_dim", "decoder_start_token_id", "eos_token_id")
    assert {key: config[key] for key in same} == {key: given[key] for key in same}
    generation = json.loads((back / "generation_config.json").read_text())
    assert generation["alignment_heads"] == settings["alignment_heads"]
    assert generation["is_multilingual"] is multilingual
    assert ("lang_to_id" in generation) is multilingual


def test_the_index_of_the_real_weights(tiny):
    weights = WeightsFile(tiny / "model.bin")
    assert weights.shape("decoder/embeddings/weight") == (51864, 384)
    assert weights.shape("decoder/projection/weight") == (51864, 384)  # a second name of the same
    bias = weights.read("encoder/layer_0/self_attention/linear_0/bias")
    assert bias.shape == (3 * 384,) and not bias[384:768].any() and bias[:384].any()


def test_weights_that_are_not_there(tiny):
    with pytest.raises(CheckpointRefused, match="no weights called encoder/layer_9"):
        WeightsFile(tiny / "model.bin").read("encoder/layer_9/ffn/linear_0/weight")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", ["", "[]", "{}", '{"added_tokens": [{"content": 3}]}'])
def test_conversion_of_a_folder_that_does_not_fit(copy, tmp_path, name, content):
    (copy / name).write_text(content)
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(CheckpointRefused):
        convert(copy, target)
    assert not list(target.iterdir())
