from __future__ import annotations

import argparse
import importlib
import json
import shutil
from pathlib import Path

import pytest

from gallery import samples
from gallery.cli import samples as command
from gallery.domains import DOMAINS
from gallery.errors import SampleUnavailable
from gallery.media.image import OVERHEAD, PHOTO, read_image
from gallery.zoo import paths
from gallery.zoo.integrity import sha256_of

ALL = samples.all_samples()
HERE = [s for s in ALL if s.kind in ("file", "package")]
AWAY = [s for s in ALL if s.kind in ("wheel", "remote")]
DRAWN = [s for s in ALL if s.synthetic and s.expects]
SPOKEN = [s for s in ALL if s.synthetic and s.transcript]


def names(sample: samples.Sample) -> str:
    return sample.id


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    """A cache of nothing, and no folder named by the user."""
    monkeypatch.setenv("GALLERY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GALLERY_SAMPLES_MIRROR", raising=False)
    return tmp_path


@pytest.fixture
def no_way_out(monkeypatch):
    """A package index and a proxy that lead nowhere, so that a download fails at once."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_first_sample_of_every_page_works_offline_and_shows_nobody(empty_home):
    for domain in samples.DOMAINS:
        first = samples.samples(domain)[0]
        assert samples.offline(first) and not first.people, first.id


@pytest.mark.parametrize("sample", HERE, ids=names)
def test_a_sample_at_hand_is_the_listed_file(sample, empty_home):
    path = samples.fetch(sample)
    assert (path.name, path.stat().st_size) == (sample.file, sample.bytes)
    assert sha256_of(path, fresh=True) == sample.sha256
    assert samples.offline(sample)


def test_our_own_files_are_all_listed_and_together_small():
    listed = {s.file for s in ALL if s.kind == "file"}
    present = {p.name for p in paths.SAMPLES.iterdir() if p.suffix in (".jpg", ".png", ".flac", ".wav", ".ogg")}
    assert present == listed
    assert sum(s.bytes for s in ALL if s.kind == "file") <= 6_000_000


def test_what_is_drawn_or_spoken_by_a_program_is_said_to_be():
    for sample in ALL:
        assert sample.synthetic == (sample.kind == "file"), sample.id


def test_the_readme_lists_every_sample_with_credit_and_licence():
    text = (paths.SAMPLES / "README.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| `")}
    assert set(rows) == {f"`{s.id}`" for s in ALL}
    for sample in ALL:
        row = rows[f"`{sample.id}`"]
        assert sample.credit in row and sample.licence in row and sample.title in row
        assert ("a program" in row) == sample.synthetic
        assert ("people can be recognised" in row) == sample.people


def test_an_unknown_sample_is_refused():
    with pytest.raises(SampleUnavailable, match="samples list"):
        samples.get("nothing")
    assert samples.get(ALL[0].id) is ALL[0]


GOOD = {
    "id": "a", "domain": "signs", "title": "A", "file": "a.jpg", "credit": "C", "licence": "L", "kind": "file",
    "bytes": 3, "sha256": "0" * 64,
}  # fmt: skip
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WHEEL = {"project": "p", "version": "1", "sha256": "1" * 64, "bytes": 9, "member": "p/a.jpg"}


@pytest.mark.parametrize(
    "change, wrong",
    [
        ({}, None),
        ({"kind": "remote", "url": f"https://example.org/r/{COMMIT}/a.jpg"}, None),
        ({"kind": "wheel", "wheel": WHEEL}, None),
        ({"kind": "package", "package": {"name": "p", "path": "d/a.jpg"}}, None),
        ({"domain": "weather"}, "domain"),
        ({"kind": "guess"}, "kind"),
        ({"colour": "red"}, "unknown field colour"),
        ({"credit": ""}, "credit"),
        ({"licence": None}, "licence"),
        ({"bytes": 0}, "bytes"),
        ({"bytes": True}, "bytes"),
        ({"sha256": "F" * 64}, "sha256"),
        ({"file": "../a.jpg"}, "file"),
        ({"file": "b/a.jpg"}, "file"),
        ({"id": "../a"}, "id"),
        ({"synthetic": "yes"}, "synthetic"),
        ({"gsd_m": 0}, "gsd_m"),
        ({"gsd_m": True}, "gsd_m"),
        ({"expects": {"car": 0}}, "expects"),
        ({"url": f"https://example.org/{COMMIT}/a.jpg"}, "url"),  # a file of ours has no address
        ({"kind": "remote"}, "url"),
        ({"kind": "remote", "url": f"http://example.org/{COMMIT}/a.jpg"}, "url"),
        ({"kind": "remote", "url": "https://example.org/main/a.jpg"}, "url"),  # not pinned
        ({"kind": "wheel", "wheel": {**WHEEL, "sha256": "1"}}, "wheel"),
        ({"kind": "wheel", "wheel": {**WHEEL, "host": "x"}}, "wheel"),
        ({"kind": "package", "package": {"name": "p", "path": "../a.jpg"}}, "package"),
    ],
)
def test_the_list_is_read_strictly(change, wrong):
    text = json.dumps({"samples": [{**GOOD, **change}]})
    if wrong is None:
        (sample,) = samples.parse(text)
        assert sample.id == "a"
    else:
        with pytest.raises(SampleUnavailable, match=wrong):
            samples.parse(text)


@pytest.mark.parametrize("text", ["", "[]", '{"samples": {}}', '{"samples": [1]}', json.dumps({"samples": [GOOD] * 2})])
def test_a_damaged_list_is_one_sentence(text):
    with pytest.raises(SampleUnavailable, match="list of samples cannot be used"):
        samples.parse(text)


# --- fetching ---------------------------------------------------------------------------------------------------------


def test_a_changed_file_of_ours_is_not_handed_out(empty_home, monkeypatch):
    sample = samples.get("coffee-order")
    folder = empty_home / "samples"
    folder.mkdir()
    content = bytearray((paths.SAMPLES / sample.file).read_bytes())
    content[-1] ^= 1
    (folder / sample.file).write_bytes(content)
    monkeypatch.setattr(paths, "SAMPLES", folder)
    assert not samples.offline(sample)
    with pytest.raises(SampleUnavailable, match=r"another sha256.*Restore"):
        samples.fetch(sample)


def test_what_is_nowhere_is_said_with_the_command_to_run(empty_home, no_way_out):
    for sample in (samples.get("smear-cbc"), samples.get("jfk")):
        assert not samples.offline(sample)
        with pytest.raises(SampleUnavailable) as caught:
            samples.fetch(sample)
        assert f"samples pull {sample.id}" in caught.value.remedy
        assert "GALLERY_SAMPLES_MIRROR" in caught.value.remedy


@pytest.mark.parametrize("folder", ["", "jfk"])
def test_a_mirror_serves_only_the_right_bytes(folder, empty_home, no_way_out, monkeypatch, tmp_path):
    mirror = tmp_path / "mirror"
    place = mirror / folder / "jfk.flac"
    place.parent.mkdir(parents=True)
    monkeypatch.setenv("GALLERY_SAMPLES_MIRROR", str(mirror))
    place.write_bytes(bytes(samples.get("jfk").bytes))  # right in length, wrong in content
    with pytest.raises(SampleUnavailable, match="another sha256"):
        samples.fetch(samples.get("jfk"))
    assert not list((tmp_path / "cache").rglob("jfk.flac"))


# Where the pinned files of others lie in the reference data.
REFERENCE = {
    "estonia-marina": "overhead/estonia_20cm", "estonia-airfield": "overhead/estonia_20cm",
    "estonia-quay": "overhead/estonia_20cm", "smear-bccd": "blood_smears/JPEGImages", "jfk": "speech",
    "living-room-light": "speech", "no-speech": "speech/no_speech.wav",
}  # fmt: skip


def reference_place(sample: samples.Sample) -> str:
    if sample.id.startswith("photo-"):
        return f"blood_cells/{sample.id.removeprefix('photo-')}/{sample.file}"
    if sample.id.startswith("reading-"):
        return f"speech/{sample.file}"
    place = REFERENCE[sample.id]
    return place if Path(place).suffix else f"{place}/{sample.file}"


@pytest.mark.reference
@pytest.mark.parametrize("sample", [s for s in ALL if s.kind == "remote"], ids=names)
def test_a_remote_sample_is_the_file_of_the_reference_data(
    sample, reference_data, empty_home, no_way_out, monkeypatch, tmp_path
):
    original = reference_data / reference_place(sample)
    assert (sha256_of(original), original.stat().st_size) == (sample.sha256, sample.bytes)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    shutil.copyfile(original, mirror / sample.file)
    monkeypatch.setenv("GALLERY_SAMPLES_MIRROR", str(mirror))
    path = samples.fetch(sample)
    assert path.is_relative_to(tmp_path / "cache")
    shutil.rmtree(mirror)  # what was fetched once stays
    assert samples.fetch(sample) == path and samples.offline(sample)


def test_the_command_lists_and_pulls(capsys, empty_home, no_way_out):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    assert command.run(parser.parse_args(["samples", "list"])) == 0
    shown = capsys.readouterr().out
    assert all(sample.id in shown for sample in ALL)
    assert command.run(parser.parse_args(["samples", "pull", "street", "announcement"])) == 0
    assert capsys.readouterr().out.count("is here") == 2
    assert command.run(parser.parse_args(["samples", "pull", "jfk", "street"])) == 1
    said = capsys.readouterr()
    assert "street: is here" in said.out and "jfk: The sample" in said.err


# --- what the models see in what was drawn and spoken ----------------------------------------------------------------


@pytest.mark.parametrize("sample", [s for s in DRAWN if s.domain != "cells"], ids=names)
def test_the_models_find_what_was_drawn(sample):
    domain = importlib.import_module(f"gallery.domains.{sample.domain}")
    limits = OVERHEAD if sample.domain == "satellite" else PHOTO
    analysis = domain.analyse(read_image(samples.fetch(sample), sample.file, limits), domain.Options(score=0.35))
    counts = analysis.counts()
    assert {label: counts.get(label, 0) >= least for label, least in sample.expects.items()} == dict.fromkeys(
        sample.expects, True
    ), counts


def test_the_yard_has_someone_too_close_and_someone_clear():
    """Drawn: one person within two metres of the lorry, two at three metres and more from both machines."""
    from gallery.domains import proximity

    sample = samples.get("yard")
    analysis = proximity.analyse(read_image(samples.fetch(sample), sample.file), proximity.Options(score=0.35))
    people = sorted((d for d in analysis.detections if d.label == "person"), key=lambda d: d.box[0])
    near = {m.box for alert in analysis.alerts for m in alert.members if m.label == "person"}
    assert people[0].box in near
    assert [p.box in near for p in people[1:]] == [False] * (len(people) - 1)


@pytest.mark.parametrize("sample", [s for s in DRAWN if s.domain == "cells"], ids=names)
def test_a_drawn_cell_is_named(sample):
    from gallery.domains import cells

    analysis = cells.analyse(read_image(samples.fetch(sample), sample.file))
    assert analysis.classes[0].label in sample.expects


@pytest.mark.parametrize("sample", SPOKEN, ids=names)
def test_what_was_spoken_is_written_down(sample):
    """At most one word in ten differs, counted after Whisper's normaliser ("half past 9" is "half past nine")."""
    import jiwer
    from whisper_normalizer.basic import BasicTextNormalizer
    from whisper_normalizer.english import EnglishTextNormalizer

    from gallery.domains import speech
    from gallery.media.audio import read_audio

    analysis = speech.analyse(
        read_audio(samples.fetch(sample), sample.file), speech.Options(model="whisper-base", language=None)
    )
    plain = EnglishTextNormalizer() if sample.language == "en" else BasicTextNormalizer()
    assert analysis.language == sample.language
    assert jiwer.wer(plain(sample.transcript), plain(analysis.text)) <= 0.10


def test_there_are_samples_for_the_applications_that_there_are() -> None:
    assert tuple(DOMAINS) == samples.DOMAINS
