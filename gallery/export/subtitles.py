"""A transcript as subtitles (SRT, WebVTT) and as plain text.

A segment that is too long to read at once becomes several cues of two lines. Cues never overlap, begin before 0 or end
before they begin. SRT as players read it; WebVTT after https://www.w3.org/TR/webvtt1/.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gallery.results import Analysis, Segment, Word

#: Columns that a line may take (a wide letter, as in Japanese, takes two), and lines in a cue.
LINE = 42
LINES = 2
#: The shortest cue, milliseconds; a shorter one is prolonged as far as the next lets it.
SHORTEST_MS = 500
#: A pause between segments that makes a new paragraph in plain text, seconds.
PARAGRAPH_S = 2.0


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: milliseconds from the start, and its lines."""

    start: int
    end: int
    lines: tuple[str, ...]


def cues(segments: Iterable[Segment]) -> list[Cue]:
    """Subtitles for a transcript, in order, apart from one another."""
    drafts = [piece for segment in segments for piece in _pieces(segment)]
    drafts.sort(key=lambda piece: piece[0])
    found: list[Cue] = []
    latest = 0
    for number, (start_s, end_s, lines) in enumerate(drafts):
        start = max(latest, round(start_s * 1000))
        end = max(round(end_s * 1000), start + SHORTEST_MS)
        if number + 1 < len(drafts):
            end = min(end, round(drafts[number + 1][0] * 1000))
        end = max(end, start + 1)  # players drop a cue that takes no time
        found.append(Cue(start, end, lines))
        latest = end
    return found


def to_srt(segments: Iterable[Segment]) -> str:
    """SubRip: numbered cues, times as ``HH:MM:SS,mmm``.

    Players take ``<i>`` and the like for formatting in SRT, which has no way to escape them; so ``<`` and ``>`` become
    the look-alike characters ‹ and ›.
    """
    blocks = []
    for number, cue in enumerate(cues(segments), 1):
        text = "\n".join(cue.lines).replace("<", "‹").replace(">", "›")
        blocks.append(f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{text}\n")
    return "\n".join(blocks)


def to_vtt(segments: Iterable[Segment]) -> str:
    """WebVTT: times as ``HH:MM:SS.mmm``, with ``&``, ``<`` and ``>`` escaped."""
    blocks = ["WEBVTT\n"]
    for cue in cues(segments):
        text = "\n".join(cue.lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{text}\n")
    return "\n".join(blocks)


def to_text(analysis: Analysis) -> str:
    """Plain text: the segments in paragraphs, which longer pauses part."""
    paragraphs: list[list[str]] = []
    last: Segment | None = None
    for segment in analysis.segments:
        text = _one_line(segment.text)
        if not text:
            continue
        if last is None or segment.start - last.end >= PARAGRAPH_S:
            paragraphs.append([])
        paragraphs[-1].append(text)
        last = segment
    return "\n\n".join(_join(paragraph) for paragraph in paragraphs) + ("\n" if paragraphs else "")


def _pieces(segment: Segment) -> Iterator[tuple[float, float, tuple[str, ...]]]:
    """A segment as one or more cues of at most :data:`LINES` lines, with times in seconds."""
    lines = _wrapped(_one_line(segment.text))
    if not lines:
        return
    groups = [tuple(lines[n : n + LINES]) for n in range(0, len(lines), LINES)]
    sizes = [sum(_letters(line) for line in group) for group in groups]
    begins = [0, *itertools.accumulate(sizes)]
    start, end = max(0.0, segment.start), max(0.0, segment.start, segment.end)
    edges = [start]
    for letters in begins[1:-1]:
        edges.append(max(edges[-1], _time_of(letters, begins[-1], segment.words, start, end)))
    edges.append(end)
    for group, (a, b) in zip(groups, itertools.pairwise(edges), strict=True):
        yield a, b, group


def _time_of(letters: int, total: int, words: Sequence[Word], start: float, end: float) -> float:
    """When so many letters of a segment have been said: from its words, or else in proportion."""
    said = 0
    for word in words:
        if said >= letters:
            return min(max(word.start, start), end)
        said += _letters(word.text)
    return start + (end - start) * letters / max(1, total)


def _wrapped(text: str) -> list[str]:
    """Lines of at most :data:`LINE` columns, broken at blanks, and inside a word only where it is longer than that."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        while _columns(word) > LINE:
            if line:
                lines.append(line)
                line = ""
            cut = _fitting(word)
            lines.append(word[:cut])
            word = word[cut:]
        if not word:
            continue
        longer = f"{line} {word}" if line else word
        if _columns(longer) > LINE:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line] if line else lines


def _fitting(word: str) -> int:
    """How many letters fit into a line; no mark is parted from its letter, no full stop begins a line."""
    used = 0
    for number, letter in enumerate(word):
        used += _columns(letter)
        if used > LINE:
            cut = number
            while cut > 1 and (unicodedata.combining(word[cut]) or unicodedata.category(word[cut]).startswith("P")):
                cut -= 1
            return cut
    return len(word)


def _columns(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _letters(text: str) -> int:
    return sum(not c.isspace() for c in text)


def _one_line(text: str) -> str:
    """Text without line breaks, control characters and runs of blanks: an empty line would end a cue."""
    shown = "".join(c if c.isprintable() or c in "\u200c\u200d" else " " for c in text)
    return " ".join(shown.split())


def _join(texts: Sequence[str]) -> str:
    """Sentences after one another; without a blank where both neighbours are letters of a script without blanks."""
    joined = texts[0]
    for text in texts[1:]:
        wide = unicodedata.east_asian_width(joined[-1]) in "WF" and unicodedata.east_asian_width(text[0]) in "WF"
        hangul = "HANGUL" in unicodedata.name(text[0], "")
        joined += text if wide and not hangul else f" {text}"
    return joined


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{rest:03}"
