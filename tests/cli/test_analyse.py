from __future__ import annotations

import csv
import io
import json

import pytest

from gallery.__main__ import main
from tests.photos import BUS


def _run(capsys, *arguments) -> tuple[int, str, str]:
    status = main([str(a) for a in arguments])
    out = capsys.readouterr()
    return status, out.out, out.err


def test_a_bad_file_gives_its_sentence_and_the_others_go_on(tmp_path, capsys):
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    text = tmp_path / "letter.jpg"
    text.write_text("Dear Sir or Madam, this is no picture.\n" * 20)
    gone = tmp_path / "gone.png"
    target = tmp_path / "out.json"
    status, _, err = _run(capsys, "analyse", "signs", empty, BUS, text, gone, "--json", target, "--score", 0.4)
    assert status == 1
    entries = json.loads(target.read_text(encoding="utf-8"))
    assert [e["file"] for e in entries] == ["empty.jpg", "bus.jpg", "letter.jpg", "gone.png"]
    assert ["error" in e for e in entries] == [True, False, True, True]
    assert all(e["error"].endswith(".") and "Traceback" not in e["error"] for e in entries if "error" in e)
    assert entries[1]["domain"] == "signs"
    assert {d["label"] for d in entries[1]["detections"]} == {"person", "bus"}
    assert "Traceback" not in err


def test_everything_about_a_file_into_a_folder(tmp_path, capsys):
    """Two files of one name from two folders do not write over each other."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "bus.jpg").write_bytes(BUS.read_bytes())
    out = tmp_path / "results"
    status, said, _ = _run(capsys, "analyse", "proximity", BUS, other / "bus.jpg", "--out", out)
    assert status == 0
    assert "4 person, 1 bus" in said and "alert" in said
    assert sorted(p.name for p in out.iterdir()) == [f"bus{n}.{s}" for n in ("-2", "") for s in ("csv", "jpg", "json")]
    entry = json.loads((out / "bus.json").read_text(encoding="utf-8"))[0]
    assert entry["timings_ms"]["draw"] > 0
    assert entry["alerts"][0]["unit"] == "person heights"
    rows = list(csv.DictReader(io.StringIO((out / "bus.csv").read_text(encoding="utf-8-sig"))))
    assert len(rows) == len(entry["detections"])
    assert float(rows[0]["x1"]) == entry["detections"][0]["box"][0]


def test_json_on_the_screen_is_json_only(capsys):
    status, out, _ = _run(capsys, "analyse", "signs", BUS, "--json", "-")
    assert status == 0
    assert json.loads(out)[0]["model"]["id"] == "yolo26n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--score", "0"], "threshold"),
        (["--model", "yolo99n"], "yolo99n"),
        (["--model", "whisper-base"], "does not find objects"),
    ],
)
def test_a_wrong_setting_is_one_sentence(arguments, sentence, capsys):
    status, _, err = _run(capsys, "analyse", "signs", BUS, *arguments)
    assert status == 1
    assert sentence in err and "Traceback" not in err
