from __future__ import annotations

import csv
import io
import json

import pytest

from gallery.__main__ import main
from tests.photos import BUS, CHELSEA


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
    """Files of one name, or of a name that a result takes, do not write over each other."""
    others = []
    for place, name in (("a", "bus.jpg"), ("b", "BUS.jpg"), ("c", "bus-2.jpg")):
        (tmp_path / place).mkdir()
        others.append(tmp_path / place / name)
        others[-1].write_bytes(BUS.read_bytes())
    out = tmp_path / "results"
    status, said, _ = _run(capsys, "analyse", "proximity", BUS, *others, "--out", out)
    assert status == 0
    assert "4 person, 1 bus" in said and "alert" in said
    kinds = ("annotated.jpg", "result.json", "table.csv")
    assert len(list(out.iterdir())) == 12
    assert len({p.name.casefold() for p in out.iterdir()}) == 12
    assert all((out / f"bus-{kind}").is_file() for kind in kinds)
    entry = json.loads((out / "bus-result.json").read_text(encoding="utf-8"))[0]
    assert entry["timings_ms"]["draw"] > 0
    assert entry["alerts"][0]["unit"] == "person heights"
    rows = list(csv.DictReader(io.StringIO((out / "bus-table.csv").read_text(encoding="utf-8-sig"))))
    assert len(rows) == len(entry["detections"])
    assert float(rows[0]["x1"]) == entry["detections"][0]["box"][0]


def test_results_beside_the_pictures_leave_these_alone(tmp_path, capsys):
    photo = tmp_path / "street.jpg"
    photo.write_bytes(BUS.read_bytes())
    assert _run(capsys, "analyse", "signs", photo, "--out", tmp_path)[0] == 0
    assert photo.read_bytes() == BUS.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "street-annotated.jpg",
        "street-result.json",
        "street-table.csv",
        "street.jpg",
    ]


def test_where_results_cannot_go_is_said_before_anything_runs(tmp_path, capsys):
    occupied = tmp_path / "file"
    occupied.write_text("mine")
    for arguments in (["--json", tmp_path], ["--out", occupied], ["--json", occupied / "x.json"]):
        status, out, err = _run(capsys, "analyse", "signs", BUS, *arguments)
        assert status == 1
        assert out == ""
        assert arguments[0] in err and "Traceback" not in err
    assert occupied.read_text() == "mine"


def test_a_refused_cell_is_refused_in_the_table_too(tmp_path, capsys):
    assert _run(capsys, "analyse", "cells", CHELSEA, "--out", tmp_path)[0] == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "chelsea-table.csv").read_text(encoding="utf-8-sig"))))
    assert len(rows) == 8
    assert all(row["answer"] == "not a blood cell as known" for row in rows)


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
