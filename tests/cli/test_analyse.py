from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from gallery.__main__ import main
from gallery.cli.progress import Line
from gallery.cli.resume import JOURNAL
from tests.films import film, pan, pan_file
from tests.photos import ANIMATED, BUS, CHELSEA


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
    files = [p for p in out.iterdir() if p.name != JOURNAL]
    assert len(files) == 12
    assert len({p.name.casefold() for p in files}) == 12
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
        JOURNAL,
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


# --- videos ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Twelve frames of a pan over a bus and people."""
    return pan_file(tmp_path_factory.mktemp("clip") / "my clip.mp4", 12)


def test_a_video_into_a_folder_and_into_the_list(clip, tmp_path, capsys):
    out, target = tmp_path / "results", tmp_path / "all.json"
    status, said, err = _run(capsys, "analyse", "signs", BUS, clip, "--out", out, "--json", target)
    assert status == 0 and err == ""
    line = said.splitlines()[1]
    assert line.startswith("my clip.mp4: ") and "1 bus" in line and "12 frames" in line and "a second" in line
    names = ("my-clip-annotated.mp4", "my-clip-frames.csv", "my-clip-frames.json")
    assert {p.name for p in out.iterdir() if p.name.startswith("my")} == set(names)
    assert not [p for p in out.iterdir() if p.name.startswith(".") and p.name != JOURNAL]
    with av.open(str(out / names[0])) as video:
        assert sum(1 for _ in video.decode(video=0)) == 12
    rows = list(csv.DictReader(io.StringIO((out / names[1]).read_text(encoding="utf-8-sig"))))
    picture, entry = json.loads(target.read_text(encoding="utf-8"))
    assert picture["file"] == "bus.jpg"
    assert entry == json.loads((out / names[2]).read_text(encoding="utf-8"))
    assert (entry["file"], entry["domain"], entry["analysed_frames"]) == ("my clip.mp4", "signs", 12)
    assert entry["settings"]["score"] == 0.35
    found = [d for f in entry["frames"] for d in f["detections"]]
    assert len(found) == len(rows) > 12
    assert min(d["score"] for d in found) >= 0.35
    assert len({d["attributes"].get("track_id") for d in found if d["label"] == "bus"}) == 1


@pytest.mark.parametrize(
    ("domain", "arguments", "frames"),
    [("signs", ["--every", 5], 3), ("proximity", ["--every", 6, "--limit", 20], 2), ("satellite", ["--every", 12], 1)],
)
def test_every_nth_frame_of_a_video_without_a_folder(domain, arguments, frames, clip, capsys):
    status, out, _ = _run(capsys, "analyse", domain, clip, "--json", "-", *arguments)
    assert status == 0
    (entry,) = json.loads(out)
    assert entry["analysed_frames"] == len(entry["frames"]) == frames
    if domain == "proximity":
        assert entry["alerts"] and entry["alerts"][0]["unit"] == "person heights"
        assert entry["frames"][0]["alerts"]


def test_the_list_of_a_video_alone_reads_as_the_list_of_a_picture_does(clip, capsys):
    """One list, laid out alike, whatever is in it."""
    _, out, _ = _run(capsys, "analyse", "signs", clip, clip.parent / "gone.mp4", clip, "--json", "-", "--every", 12)
    assert out.startswith('[\n  {\n    "file"') and out.endswith("\n  }\n]\n")
    assert ["error" in e for e in json.loads(out)] == [False, True, False]


#: (domain, content, sentence)
NOT_READ = [
    ("cells", lambda: film(), "this page takes still pictures"),
    ("speech", lambda: film(), "it is a video without a sound track"),
    ("signs", lambda: film()[:900], "damaged or incomplete"),
    ("signs", lambda: b"\0\0\0\x14ftypisom\0\0\2\0mp41", "“clip.mp4”"),
]


@pytest.mark.parametrize(("domain", "make", "sentence"), NOT_READ)
def test_a_video_that_is_not_read_is_one_sentence(domain, make, sentence, tmp_path, capsys):
    path = tmp_path / "clip.mp4"
    path.write_bytes(make())
    status, out, err = _run(capsys, "analyse", domain, path, "--out", tmp_path / "out")
    assert status == 1 and out == ""
    assert sentence in err and "Traceback" not in err and len(err.splitlines()) == 1
    assert not list((tmp_path / "out").iterdir())


def test_every_zeroth_frame_is_a_sentence(clip, capsys):
    status, _, err = _run(capsys, "analyse", "signs", clip, "--every", "0")
    assert status == 1 and "Choose --every from 1" in err


# --- folders --------------------------------------------------------------------------------------------------------


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder with two pictures, a video, something else, something hidden, and folders in it that loop."""
    folder = tmp_path / "photos"
    deep = folder / "deep" / "er"
    deep.mkdir(parents=True)
    for name in ("frame10.jpg", "frame2.jpg", ".hidden.jpg", "deep/er/last.jpg"):
        shutil.copy(BUS, folder / name)
    (folder / "clip.mp4").write_bytes(film(frames=pan(3)))
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".cache").mkdir()
    shutil.copy(BUS, folder / ".cache" / "no.jpg")
    (deep / "loop").symlink_to(folder)
    return folder


_LEFT = "1 other file was left alone: “notes.txt”."
#: (arguments, files that are analysed in this order, what is said of the others)
FOLDERS = [
    ([], ["clip.mp4", "frame2.jpg", "frame10.jpg"], _LEFT),
    (
        ["--recursive"],
        ["clip.mp4", "frame2.jpg", "frame10.jpg", "last.jpg"],
        "1 other file was left alone: “notes.txt”.",
    ),
]


@pytest.mark.parametrize(("arguments", "expected", "left"), FOLDERS)
def test_a_folder_is_the_files_in_it(arguments, expected, left, photos, capsys):
    status, out, err = _run(capsys, "analyse", "signs", photos, *arguments)
    assert status == 0 and err == ""
    lines = out.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == expected
    assert lines[-1] == left


def test_five_of_what_is_left_alone_are_named(photos, capsys):
    for number in range(1, 7):
        (photos / f"letter{number}.txt").write_text("not a picture")
    _, out, _ = _run(capsys, "analyse", "signs", photos)
    named = ", ".join(f"“letter{number}.txt”" for number in range(1, 6))
    assert out.splitlines()[-1] == f"7 other files were left alone: {named} and 2 more."


def test_each_domain_takes_what_it_reads(photos, capsys):
    shutil.copy(ANIMATED, photos / "moving.gif")
    status, out, _ = _run(capsys, "analyse", "cells", photos)
    assert status == 0
    assert [line.split(":")[0] for line in out.splitlines()[:-1]] == ["frame2.jpg", "frame10.jpg", "moving.gif"]
    status, _, err = _run(capsys, "analyse", "speech", photos / "deep")
    assert status == 1
    assert "There is nothing in “deep” that Speech reads. Add --recursive" in err


def test_what_is_done_is_not_done_again(photos, tmp_path, capsys):
    """Also when the results lie among the pictures: they are no input of the next run."""
    target = tmp_path / "all.json"
    arguments = ["analyse", "signs", photos, "--out", photos, "--json", target]
    status, first, _ = _run(capsys, *arguments)
    assert status == 0 and "done before" not in first
    entries = json.loads(target.read_text(encoding="utf-8"))
    made = {p.name: p.stat().st_mtime_ns for p in photos.iterdir() if "-" in p.name and p.name != JOURNAL}
    assert len(made) == 9

    status, second, _ = _run(capsys, *arguments)
    assert status == 0
    assert [line.endswith("(done before)") for line in second.splitlines()[:3]] == [True] * 3
    assert "3 of 3 were done before; --again does them again." in second
    assert json.loads(target.read_text(encoding="utf-8")) == entries
    assert {p.name: p.stat().st_mtime_ns for p in photos.iterdir() if "-" in p.name and p.name != JOURNAL} == made


#: (what happens between two runs, arguments of the second, files that are done again).
#: What the journal does not tell of any more might be the person's own: it stays, and the results are numbered.
CHANGES = [
    (lambda out, files: None, [], []),
    (lambda out, files: None, ["--again"], ["a.jpg", "b.jpg"]),
    (lambda out, files: None, ["--score", "0.5"], ["a.jpg", "b.jpg"]),
    (lambda out, files: os.utime(files[1], (1, 1)), [], ["b.jpg"]),
    (lambda out, files: files[0].write_bytes(CHELSEA.read_bytes()), [], ["a.jpg"]),
    (lambda out, files: (out / "b-table.csv").unlink(), [], ["b.jpg"]),
    (lambda out, files: (out / "a-result.json").write_text("[]"), [], ["a.jpg"]),
    (lambda out, files: (out / JOURNAL).unlink(), [], ["a.jpg", "b.jpg"]),
    (lambda out, files: (out / JOURNAL).write_bytes((out / JOURNAL).read_bytes()[:-20]), [], ["b.jpg"]),
    (lambda out, files: (out / JOURNAL).write_bytes(b"\xff\xfe{}[]\n"), [], ["a.jpg", "b.jpg"]),
    (lambda out, files: (out / JOURNAL).write_bytes((out / JOURNAL).read_bytes()[:-9] + b"\xff\n"), [], ["b.jpg"]),
]


#: Those of them after which the journal lacks what was done.
LOST = [change for change, *_ in CHANGES[-4:]]


@pytest.mark.parametrize(("change", "arguments", "again"), CHANGES)
def test_what_changed_is_done_again(change, arguments, again, tmp_path, capsys):
    files = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for path in files:
        shutil.copy(BUS, path)
    out = tmp_path / "out"
    command = ["analyse", "signs", *files, "--out", out]
    assert _run(capsys, *command)[0] == 0
    names = sorted(p.name for p in out.iterdir())
    change(out, files)
    status, said, _ = _run(capsys, *command, *arguments)
    assert status == 0
    assert [line.split(":")[0] for line in said.splitlines() if ".jpg" in line and "done before" not in line] == again
    known = [name[0] for name in again] if change in LOST else []
    numbered = [f"{each}-2-{kind}" for each in known for kind in ("annotated.jpg", "result.json", "table.csv")]
    assert sorted(p.name for p in out.iterdir()) == sorted([*names, *numbered])
    assert _run(capsys, *command, *[a for a in arguments if a != "--again"])[1].count("(done before)") == 2


def test_a_journal_cannot_name_files_elsewhere(tmp_path, capsys):
    """It may have been sent by somebody: a name that leaves the folder counts for nothing."""
    out = tmp_path / "out"
    shutil.copy(BUS, tmp_path / "a.jpg")
    command = ["analyse", "signs", tmp_path / "a.jpg", "--out", out, "--json", "-"]
    assert _run(capsys, *command)[0] == 0
    secret = tmp_path / "secret.json"
    secret.write_text('[{"secret": 1}]')
    done = json.loads((out / JOURNAL).read_text(encoding="utf-8"))
    (out / JOURNAL).write_text(json.dumps({**done, "result": "../secret.json", "outputs": ["../secret.json"]}) + "\n")
    status, said, _ = _run(capsys, *command)
    assert status == 0 and "secret" not in said


def test_results_of_two_applications_side_by_side(tmp_path, capsys):
    for domain in ("signs", "proximity"):
        assert _run(capsys, "analyse", domain, BUS, "--out", tmp_path)[0] == 0
    assert json.loads((tmp_path / "bus-result.json").read_text(encoding="utf-8"))[0]["domain"] == "signs"
    assert json.loads((tmp_path / "bus-2-result.json").read_text(encoding="utf-8"))[0]["domain"] == "proximity"


def test_a_file_of_ones_own_is_not_written_over(tmp_path, capsys):
    for name in ("street.jpg", "street-annotated.jpg"):
        shutil.copy(BUS, tmp_path / name)
    assert _run(capsys, "analyse", "signs", tmp_path, "--out", tmp_path)[0] == 0
    assert (tmp_path / "street-annotated.jpg").read_bytes() == BUS.read_bytes()
    assert (tmp_path / "street-2-annotated.jpg").is_file()


def test_a_file_of_ones_own_in_another_folder_is_not_written_over(tmp_path, capsys):
    """The second run replaces its own results and not the person's file, in whatever order they came."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "bus-annotated.jpg").write_bytes(b"my own drawing")
    for arguments in ([], [], ["--again"], ["--score", "0.5"]):
        assert _run(capsys, "analyse", "signs", BUS, "--out", out, *arguments)[0] == 0
        assert (out / "bus-annotated.jpg").read_bytes() == b"my own drawing"
        assert {p.name for p in out.iterdir()} == {
            JOURNAL,
            "bus-annotated.jpg",
            *(f"bus-2-{kind}" for kind in ("annotated.jpg", "result.json", "table.csv")),
        }


#: (content of what --json names, whether it is written over)
REPLACED = [
    (b"", True),
    (b"[]\n", True),
    (b'\xef\xbb\xbf \n{"a": 1}', True),
    (b"Dear Sir or Madam", False),
    (b"\xff\xd8\xff\xe0", False),
    (b"\n \n", False),
]


@pytest.mark.parametrize(("content", "replaced"), REPLACED)
def test_json_replaces_json_only(content, replaced, tmp_path, capsys):
    target = tmp_path / "out.json"
    target.write_bytes(content)
    status, out, err = _run(capsys, "analyse", "signs", BUS, "--json", target)
    if replaced:
        assert status == 0 and json.loads(target.read_text(encoding="utf-8"))[0]["file"] == "bus.jpg"
    else:
        assert (status, out, target.read_bytes()) == (1, "", content)
        assert err.startswith("“out.json” is there and is not JSON; --json would write over it.")


@pytest.mark.parametrize("content", [BUS.read_bytes(), b"[]"])
@pytest.mark.parametrize("link", [False, True])
def test_json_does_not_replace_what_is_analysed(content, link, tmp_path, capsys):
    victim = tmp_path / "victim.jpg"
    victim.write_bytes(content)
    target = tmp_path / "link.json" if link else victim
    if link:
        target.symlink_to(victim)
    status, out, err = _run(capsys, "analyse", "signs", victim, "--json", target)
    assert (status, out, victim.read_bytes()) == (1, "", content)
    assert err.startswith("“victim.jpg” is a file to analyse; --json would write over it.")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_not_utf_8_does_not_end_the_batch(tmp_path, capsys):
    bad, good = (Path(os.fsdecode(os.fsencode(tmp_path) + name)) for name in (b"/b\xffad.jpg", b"/g\xffood.jpg"))
    bad.write_bytes(b"")
    shutil.copy(BUS, good)
    target = tmp_path / "out.json"
    status, out, err = _run(capsys, "analyse", "signs", bad, good, "--json", target, "--out", tmp_path / "out")
    assert status == 1 and err.startswith("bad.jpg: ") and out.startswith("good.jpg: ")
    failed, done = json.loads(target.read_text(encoding="utf-8"))
    assert (failed["file"], done["file"]) == ("bad.jpg", "good.jpg") and "error" in failed


# --- outputs that are closed ----------------------------------------------------------------------------------------


def _shell(line: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A line of the shell in which ``"$@"`` is the program with these arguments."""
    return subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, "-m", "gallery", *map(str, arguments)],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix shell")
@pytest.mark.parametrize("arguments", [["signs", BUS], ["signs", BUS, "--json", "-"]])
def test_without_an_output_it_is_quiet(arguments):
    done = _shell('"$@" >&-', "analyse", *arguments)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr and "Error" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix shell")
@pytest.mark.parametrize("arguments", [["analyse", "signs", *[BUS] * 3, "--json", "-"], ["--help"]])
@pytest.mark.parametrize("settings", ["PYTHONUNBUFFERED=1", "PYTHONUNBUFFERED="])
def test_a_reader_that_goes_away_ends_it_quietly(arguments, settings):
    done = _shell(f'{settings} "$@" | true', *arguments)
    assert done.returncode == 0
    assert "refused" not in done.stderr and "Error" not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_stopped_it_leaves_no_empty_list(tmp_path):
    (tmp_path / "long.mp4").write_bytes(film(frames=pan(40) * 15))
    target = tmp_path / "new" / "all.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "gallery", "analyse", "signs", str(BUS), str(tmp_path / "long.mp4"), "--json", target],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline().startswith("bus.jpg: ")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err.startswith("Stopped.")
    assert list(target.parent.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_stopped_in_a_video_it_goes_on_where_it_was(tmp_path, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    shutil.copy(BUS, folder / "a.jpg")
    (folder / "b.mp4").write_bytes(film(frames=pan(40) * 15))
    command = ["analyse", "signs", str(folder), "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "gallery", *command],
        cwd=Path(__file__).resolve().parents[2],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not list(out.glob(".gallery-clip-*/.clip-*/.annotated.mp4.part")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "Stopped. Run the same command again to go on.\n" and said.startswith("a.jpg: ")
    assert sorted(p.name for p in out.iterdir()) == [JOURNAL, "a-annotated.jpg", "a-result.json", "a-table.csv"]
    (folder / "b.mp4").write_bytes(film(frames=pan(3)))
    status, said, _ = _run(capsys, *command)
    assert status == 0
    assert [line.endswith("(done before)") for line in said.splitlines()[:2]] == [True, False]


# --- the line that says how far it is -------------------------------------------------------------------------------


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_line_says_how_far_it_is(clip, monkeypatch, capsys):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(["analyse", "signs", str(clip), str(BUS)]) == 0
    said = terminal.getvalue()
    assert "[1/2] my clip.mp4" in said and "frame 1 of about 12" in said and "#" in said
    assert max(len(piece) for piece in said.split("\r")) <= 78
    assert said.endswith("\r")  # nothing of it stays


def test_the_time_that_is_left(monkeypatch):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    line = Line(1)
    line.begin(1, "a very long name of a file that does not fit beside all the rest of it in one line.mp4")
    line.report(0.1, "frame 10 of about 100")
    assert "left" not in terminal.getvalue()
    now[0] = 110.0
    line.report(0.25, "frame 25 of about 100")
    assert " 25% ####------------ frame 25 of about 100, 0:30 left" in terminal.getvalue()
    line.report(1.0, "done")
    assert terminal.getvalue().endswith(" \r")


def test_into_a_pipe_nothing_is_said(capsys):
    line = Line(1)
    line.begin(1, "a.mp4")
    line.report(0.5, "frame 1")
    line.clear()
    assert capsys.readouterr().err == ""
