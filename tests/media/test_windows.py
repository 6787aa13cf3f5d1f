"""Windows over long recordings: they cover everything, end where nobody speaks, and give times back."""

from __future__ import annotations

import numpy as np
import pytest

from gallery.media.windows import Timeline, Window, windows

RATE = 16_000


def _loud(samples: np.ndarray) -> list[tuple[int, int]]:
    """Stretches that are not zero: stands for voice here, so that the expected cuts can be worked out by hand."""
    on = np.concatenate([[False], np.abs(samples) > 0, [False]])
    edges = np.flatnonzero(np.diff(on.astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _sound(*seconds: float) -> np.ndarray:
    """Tone and silence in turn, beginning with tone; the tone is a square wave so that it is never zero."""
    parts = [np.full(int(s * RATE), 8000 if n % 2 == 0 else 0, np.int16) for n, s in enumerate(seconds)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


@pytest.mark.parametrize(
    ("sound", "longest", "ends"),
    [
        ([], 10, []),
        ([4], 10, [4]),
        ([10], 10, [10]),
        ([8.5, 0.5, 8], 10, [8.75, 17]),  # in the middle of the only silence of the last fifth
        ([8.2, 0.2, 0.6, 0.8, 5], 10, [9.4, 14.8]),  # in the longest of two
        ([3, 17], 10, [9, 18, 20]),  # silence reaches over the end: in the middle of its last part
        ([0, 25], 10, [9, 18, 25]),
    ],
)
def test_windows_end_in_silence(sound, longest, ends):
    samples = _sound(*sound)
    found = list(windows(samples, longest, _loud))
    assert [w.end / RATE for w in found] == pytest.approx(ends, abs=0.02)
    assert [w.start for w in found] == [0, *(w.end for w in found)][:-1][: len(found)]


@pytest.mark.parametrize("finder", [_loud, None])
def test_without_silence_the_quietest_point_is_taken(finder):
    samples = _sound(25)
    samples[int(8.6 * RATE) : int(9.1 * RATE)] = 3
    first = next(iter(windows(samples, 10, finder)))
    assert 8.6 <= first.end / RATE <= 9.1


@pytest.mark.parametrize("finder", [_loud, None])
def test_every_voiced_sample_is_in_one_window(finder):
    rng = np.random.default_rng(3)
    samples = _sound(*rng.uniform(0.3, 6, 60))
    found = list(windows(samples, 20, finder))
    assert found[0].start == 0 and found[-1].end == len(samples)
    heard = np.zeros(len(samples), np.int8)
    for window in found:
        assert window.end - window.start <= 20 * RATE
        for start, end in window.spans:
            assert window.start <= start < end <= window.end
            heard[start:end] += 1
    assert heard.max() == 1
    assert (heard[samples != 0] == 1).all()


def test_short_pauses_stay_and_long_ones_go():
    (window,) = windows(_sound(1, 1.5, 1, 5, 1), 60, _loud)
    assert [(a / RATE, b / RATE) for a, b in window.spans] == [(0, 3.9), (8.1, 9.5)]
    assert len(window.gather(_sound(1, 1.5, 1, 5, 1))) == int((3.9 + 1.4) * RATE)


def test_samples_are_scaled_to_one():
    gathered = Window(0, 4, ((0, 4),)).gather(np.array([-32768, 0, 16384, 32767], np.int16))
    assert gathered.dtype == np.float32
    assert gathered.tolist() == pytest.approx([-1, 0, 0.5, 1], abs=1e-4)
    assert len(Window(0, 4, ()).gather(np.zeros(4, np.int16))) == 0


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0.0, 1.0, (10.0, 11.0)),
        (1.9, 2.3, (20.0, 20.3)),  # mostly in the second span
        (1.5, 2.1, (11.5, 12.0)),  # mostly in the first
        (4.5, 9.0, (22.5, 23.0)),  # beyond the end, as padding makes them
        (-1.0, 0.2, (10.0, 10.2)),
    ],
)
def test_times_of_words(start, end, expected):
    spans = ((10 * RATE, 12 * RATE), (20 * RATE, 23 * RATE))
    assert Timeline(spans).word(start, end) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0.0, 2.0, (10.0, 12.0)),  # ends with the span, not where the next begins
        (2.0, 5.0, (20.0, 23.0)),
        (1.0, 3.0, (11.0, 21.0)),
        (4.0, 30.0, (22.0, 23.0)),
    ],
)
def test_times_of_stretches(start, end, expected):
    spans = ((10 * RATE, 12 * RATE), (20 * RATE, 23 * RATE))
    assert Timeline(spans).stretch(start, end) == pytest.approx(expected)
