"""Subtitles, read back by a parser that shares nothing with the writer."""

from __future__ import annotations

import html
import itertools
import re
from dataclasses import replace

import pytest

from gallery.export.subtitles import LINE, LINES, to_srt, to_text, to_vtt
from gallery.results import Analysis, ModelUse, Segment, Word

LONG = (
    "And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do for "
    "them, and he was not an ill-disposed young man, unless to be rather cold-hearted is to be ill-disposed."
)
JAPANESE = "客観的実在の判断的知識が成立するのである。" * 5


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.replace(",", ".").split(":")
    assert len(minutes) == 2 and re.fullmatch(r"\d\d\.\d{3}", seconds) and len(hours) >= 2
    assert int(minutes) < 60 and float(seconds) < 60
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def parse(text: str, kind: str) -> list[tuple[float, float, list[str]]]:
    """A reader after the formats' descriptions: blocks that empty lines part, a line of times, lines of text."""
    blocks = [block.split("\n") for block in text.strip("\n").split("\n\n")] if text.strip() else []
    if kind == "vtt":
        assert blocks.pop(0) == ["WEBVTT"]
    found = []
    for number, lines in enumerate(blocks, 1):
        if kind == "srt":
            assert lines.pop(0) == str(number)
        start, arrow, end = lines.pop(0).split(" ")
        assert arrow == "-->"
        assert lines and all("-->" not in line and line.strip() for line in lines)
        if kind == "vtt":
            assert not any(re.search(r"[<>]|&(?!amp;|lt;|gt;)", line) for line in lines)
            lines = [html.unescape(line) for line in lines]
        point = "," if kind == "srt" else "."
        assert start[-4] == end[-4] == point
        found.append((_seconds(start), _seconds(end), lines))
    return found


def _write(kind: str, segments: list[Segment]) -> list[tuple[float, float, list[str]]]:
    return parse({"srt": to_srt, "vtt": to_vtt}[kind](segments), kind)


CASES = {
    "nothing": ([], 0),
    "one": ([Segment(0.0, 2.0, "Hello.")], 1),
    "no text": ([Segment(0.0, 2.0, "  ")], 0),
    "overlapping": ([Segment(0.0, 3.0, "a"), Segment(2.0, 4.0, "b"), Segment(2.5, 2.6, "c")], 3),
    "all at once": ([Segment(1.0, 1.0, "a"), Segment(1.0, 1.0, "b"), Segment(1.0, 1.0, "c")], 3),
    "negative": ([Segment(-1.0, -0.5, "a"), Segment(-0.2, 1.0, "b")], 2),
    "backwards": ([Segment(5.0, 4.0, "a")], 1),
    "out of order": ([Segment(5.0, 6.0, "later"), Segment(1.0, 2.0, "sooner")], 2),
    "too short": ([Segment(1.0, 1.01, "Yes."), Segment(9.0, 9.5, "No.")], 2),
    "more than 99 hours": ([Segment(359_999.5, 360_001.0, "still here")], 1),
    "long": ([Segment(10.0, 22.0, LONG)], 3),
    "no blanks": ([Segment(0.0, 20.0, JAPANESE)], 3),
    "one long word": ([Segment(0.0, 9.0, "x" * 100)], 2),
    "markup": ([Segment(0.0, 2.0, "if a < b && c > d --> <b>bold</b>")], 1),
    "lines inside": ([Segment(0.0, 2.0, "one\n\ntwo\r\n3\n00:00:01,000 --> 00:00:02,000")], 1),
}


@pytest.mark.parametrize("kind", ["srt", "vtt"])
@pytest.mark.parametrize(("segments", "count"), CASES.values(), ids=CASES.keys())
def test_cues_are_in_order_apart_and_readable(kind, segments, count):
    found = _write(kind, segments)
    assert len(found) == count
    for start, end, lines in found:
        assert 0 <= start < end
        assert len(lines) <= LINES and all(len(line) <= LINE for line in lines)
    for before, after in itertools.pairwise(found):
        assert before[1] <= after[0] + 1e-9


@pytest.mark.parametrize("kind", ["srt", "vtt"])
@pytest.mark.parametrize("text", [LONG, JAPANESE, "Ünïcödé – “quotes” & more", "Приве́т, мир! " * 20, "x" * 300])
def test_no_letter_is_lost(kind, text):
    found = _write(kind, [Segment(0.0, 30.0, text)])
    assert "".join("".join(lines) for _, _, lines in found).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (to_srt, "1\n01:01:01,500 --> 01:01:03,250\nHi.\n"),
        (to_vtt, "WEBVTT\n\n01:01:01.500 --> 01:01:03.250\nHi.\n"),
    ],
)
def test_exact_form(write, expected):
    assert write([Segment(3661.5, 3663.25, "Hi.")]) == expected


@pytest.mark.parametrize(
    ("write", "text", "expected"),
    [
        (to_vtt, "a --> b & <c>", "a --&gt; b &amp; &lt;c&gt;"),
        (to_vtt, "&lt;", "&amp;lt;"),
        (to_srt, "a --> b & <i>c</i>", "a --› b & ‹i›c‹/i›"),
        (to_vtt, "zero\x00width\u202ebidi", "zero width bidi"),
    ],
)
def test_what_would_be_markup_is_shown(write, text, expected):
    assert write([Segment(0.0, 1.0, text)]).splitlines()[-1] == expected


def test_a_short_cue_is_prolonged_as_far_as_the_next_allows():
    found = _write("srt", [Segment(1.0, 1.1, "a"), Segment(1.2, 1.25, "b"), Segment(9.0, 9.1, "c")])
    assert [(start, end) for start, end, _ in found] == [(1.0, 1.2), (1.2, 1.7), (9.0, 9.5)]


def test_a_long_segment_changes_cue_when_its_word_is_said():
    text = "one " * 30
    late = tuple(Word(50.0 + n, 50.5 + n, "one", 0.9) for n in range(30))
    found = _write("vtt", [Segment(0.0, 80.0, text.strip(), late)])
    said = sum(len(line.split()) for line in found[0][2])
    assert found[1][0] == pytest.approx(50.0 + said)


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([], ""),
        ([(0, 1, "One."), (1.5, 2, "Two.")], "One. Two.\n"),
        ([(0, 1, "One."), (4, 5, "Two."), (5, 6, "Three.")], "One.\n\nTwo. Three.\n"),
        ([(0, 1, "猫です。"), (1, 2, "犬です。")], "猫です。犬です。\n"),
        ([(0, 1, "안녕."), (1, 2, "반가워.")], "안녕. 반가워.\n"),
        ([(0, 1, " a\nb "), (1, 2, "")], "a b\n"),
    ],
)
def test_plain_text(segments, expected):
    analysis = Analysis("a.wav", "speech", ModelUse("m", "0" * 64, "ctranslate2"), {})
    found = tuple(Segment(float(start), float(end), text) for start, end, text in segments)
    assert to_text(replace(analysis, segments=found)) == expected
