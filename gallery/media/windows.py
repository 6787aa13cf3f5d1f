"""Windows over a long recording, cut where nobody speaks, so that memory stays bounded and no word is cut in two."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gallery.media.types import Recording

Span = tuple[int, int]
"""A stretch of a recording: its first sample, and the one after its last."""

FindSpeech = Callable[[npt.NDArray[np.float32]], Sequence[Span]]

#: A window ends in the longest silence of its last part; this is how much that is of the longest window.
_LAST_PART = 0.2
#: Pauses shorter than this stay in, because recognisers read them like punctuation.
_PAUSE = 2 * Recording.RATE
#: What is kept on either side of speech, because quiet first and last sounds are easily taken for silence.
_MARGIN = int(0.4 * Recording.RATE)
#: Shorter gaps lie inside words.
_SHORTEST_GAP = Recording.RATE // 10
_STEP = Recording.RATE // 50


@dataclass(frozen=True, slots=True)
class Window:
    """One part of a recording.

    Attributes:
        start, end: samples from the start of the recording; windows touch and cover all of it.
        spans: what is worth listening to in it, in samples from the start of the recording, in order and apart.
    """

    start: int
    end: int
    spans: tuple[Span, ...]

    def gather(self, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """The spans one after another, float32 in [-1, 1), mono, 16 kHz; ``samples`` is the whole recording."""
        if not self.spans:
            return np.zeros(0, np.float32)
        return as_float(np.concatenate([samples[start:end] for start, end in self.spans]))


def as_float(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Samples as float32 in [-1, 1)."""
    return samples.astype(np.float32) / np.float32(32768)


def windows(
    samples: npt.NDArray[np.int16], longest_s: float, find_speech: FindSpeech | None = None
) -> Iterator[Window]:
    """Cut a recording into windows of at most ``longest_s`` seconds.

    A window ends in the middle of the longest silence of its last fifth; where there is none, at its quietest point.

    Args:
        samples: mono, 16 kHz.
        find_speech: gives the stretches of speech in float32 samples, pauses of a fraction of a second left out;
            None to listen to all of it.
    """
    longest = int(longest_s * Recording.RATE)
    start, total = 0, len(samples)
    while start < total:
        stop = min(start + longest, total)
        block = as_float(samples[start:stop])
        if find_speech is None:
            end = stop if stop == total else start + _quietest(block)
            yield Window(start, end, ((start, end),))
        else:
            found = [(start + a, start + b) for a, b in find_speech(block)]
            end = stop if stop == total else (_gap(found, start, stop) or start + _quietest(block))
            yield Window(start, end, _joined([(a, min(b, end)) for a, b in found if a < end], start, end))
        start = end


def _gap(spans: Sequence[Span], start: int, stop: int) -> int | None:
    """Middle of the longest silence in the last part of the block, or None when there is no silence."""
    first = stop - int((stop - start) * _LAST_PART)
    edges = [start, *(edge for span in spans for edge in span), stop]
    gaps = [(max(a, first), b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > first]
    best = max(gaps, key=lambda gap: gap[1] - gap[0], default=(0, 0))
    return (best[0] + best[1]) // 2 if best[1] - best[0] >= _SHORTEST_GAP else None


def _quietest(block: npt.NDArray[np.float32]) -> int:
    """Middle of the quietest fifth of a second in the last part of the block, samples from the block's start."""
    first = len(block) - int(len(block) * _LAST_PART)
    tail = block[first:]
    steps = tail[: len(tail) // _STEP * _STEP].reshape(-1, _STEP)
    loudness = np.convolve(np.square(steps).mean(axis=1), np.ones(10) / 10, mode="same")
    inner = loudness[5:-5]
    return first + (5 + int(inner.argmin())) * _STEP


def _joined(spans: Sequence[Span], start: int, end: int) -> tuple[Span, ...]:
    """Spans with short pauses between them become one; each gets a margin inside the window."""
    joined: list[list[int]] = []
    for a, b in spans:
        if joined and a - joined[-1][1] < _PAUSE:
            joined[-1][1] = b
        else:
            joined.append([a, b])
    return tuple((max(start, a - _MARGIN), min(end, b + _MARGIN)) for a, b in joined)


class Timeline:
    """From seconds in the gathered spans of a window back to seconds in the recording."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = [(a / Recording.RATE, b / Recording.RATE) for a, b in spans]
        lengths = np.cumsum([0.0, *(b - a for a, b in self._spans)])
        self._begins = [float(value) for value in lengths[:-1]]

    def word(self, start: float, end: float) -> tuple[float, float]:
        """Times of something that lies in one span: the one that holds its middle."""
        index = self._index((start + end) / 2)
        return self._at(start, index), self._at(end, index)

    def stretch(self, start: float, end: float) -> tuple[float, float]:
        """Times of something that may reach over several spans."""
        first = self._at(start, self._index(start))
        return first, max(first, self._at(end, self._index(end - 1e-6)))

    def _index(self, seconds: float) -> int:
        return max(0, bisect.bisect_right(self._begins, seconds) - 1)

    def _at(self, seconds: float, index: int) -> float:
        low, high = self._spans[index]
        return round(min(max(low + seconds - self._begins[index], low), high), 3)
