"""Who may import whom (docs/architecture.md), and that importing is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BASE = {"errors", "results"}
CORE = {"draw", "export", "domains", "samples", "zoo", "media", "languages", "wording", *BASE}
ALLOWED = {
    "errors": set(),
    "results": set(),
    "tiling": set(),
    "languages": set(),
    "wording": set(),
    "media": {"media", "wording", "errors"},
    "zoo": {"zoo", "wording", *BASE},
    "detecting": {"zoo", "media", *BASE},
    "samples": {"zoo", "errors"},
    "domains": {"domains", "zoo", "media", "tiling", "detecting", "languages", "wording", *BASE},
    "tracking": BASE,
    "ledger": {"tracking", *BASE},
    "clips": {"ledger", "draw", "export", "domains", "tracking", "media", "wording", *BASE},
    "live": {"live", "ledger", "draw", "export", "domains", "tracking", "zoo", "media", "languages", "wording", *BASE},
    "lan": {"lan", "zoo", "errors"},
    "draw": {"draw", "wording", *BASE},
    "export": {"export", *BASE},
    "ui": {"ui", "clips", "live", "lan", "ledger", "tracking", *CORE},
    "cli": {"cli", "clips", "lan", *CORE},
    "__main__": {"cli", "zoo", "errors"},
    "__init__": set(),
}
HEAVY = {
    "torch", "torchvision", "ultralytics", "openvino", "onnxruntime", "onnx", "cv2", "av", "faster_whisper",
    "ctranslate2", "transformers", "scipy", "skimage", "pandas", "streamlit", "streamlit_webrtc", "aiortc", "lap",
    "cryptography", "segno",
}  # fmt: skip


def _imports(path: Path) -> Iterator[str]:
    """Full names of what a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _sources() -> list[Path]:
    return sorted((ROOT / "gallery").rglob("*.py"))


@pytest.mark.parametrize("path", _sources(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_arrows_point_down_only(path):
    layer = path.relative_to(ROOT / "gallery").parts[0].removesuffix(".py")
    for name in _imports(path):
        if name.startswith("gallery."):
            target = name.split(".")[1]
            known = (ROOT / "gallery" / target).is_dir() or (ROOT / "gallery" / f"{target}.py").is_file()
            if known:  # else a name from gallery/__init__.py
                assert target in ALLOWED[layer], f"{path} must not import {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "gallery" / "domains").glob("*.py")), ids=lambda p: p.stem)
def test_no_domain_knows_another(path):
    others = {p.stem for p in path.parent.glob("*.py")} - {path.stem, "__init__"}
    for name in _imports(path):
        assert name not in {f"gallery.domains.{other}" for other in others}


def test_only_the_interface_knows_streamlit():
    who = [p for p in _sources() if any(name.split(".")[0] == "streamlit" for name in _imports(p))]
    # serve starts Streamlit's server, and has no screen of its own
    assert who and all(p.parent.name == "ui" or p.name == "serve.py" for p in who)


def _loads(code: str) -> set[str]:
    """Heavy libraries that are loaded after the code ran in a fresh interpreter."""
    code += "\nimport sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return HEAVY & set(done.stdout.splitlines()[-1].split())


def test_importing_the_core_loads_nothing_heavy():
    modules = [
        "gallery." + p.relative_to(ROOT / "gallery").with_suffix("").as_posix().replace("/", ".")
        for p in _sources()
        if p.stem not in ("__init__", "__main__") and "ui" not in p.parts
    ]
    assert _loads("\n".join(f"import {m}" for m in modules)) == set()


def test_a_signs_run_never_loads_whisper():
    from tests.photos import BUS

    loaded = _loads(
        "from pathlib import Path\nfrom gallery.__main__ import main\n"
        f"assert main(['analyse', 'signs', {str(BUS)!r}]) == 0"
    )
    assert {"faster_whisper", "ctranslate2", "transformers", "streamlit", "av"} & loaded == set()


def test_a_speech_run_never_loads_torch():
    from gallery import samples

    clip = samples.fetch(next(s for s in samples.samples("speech") if samples.offline(s)))
    loaded = _loads(f"from gallery.__main__ import main\nassert main(['analyse', 'speech', {str(clip)!r}]) == 0")
    assert {"torch", "torchvision", "ultralytics", "openvino", "cv2", "streamlit", "transformers"} & loaded == set()


def test_the_page_of_the_architecture_names_every_layer():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for layer in ALLOWED:
        assert layer.strip("_") in text
