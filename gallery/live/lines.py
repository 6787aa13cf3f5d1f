"""Where a line of live speech ends: at a pause, or at the latest after so many seconds.

Whisper understands a few words badly when it hears them alone, so a short line waits longer for more. Measured over 21
English clips of which 14 had pauses of 0.9 and 1.3 seconds put into them: with 0.7 seconds everywhere whisper-tiny.en
has 17 wrong words and whisper-base 8, with the longer pause for short lines they have 7 and 4, and with 2 seconds
everywhere 6 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gallery.media.types import Recording
from gallery.media.windows import FindSpeech, as_float, windows

#: A pause of this length ends a line, in samples.
PAUSE = int(0.7 * Recording.RATE)
#: The same for a line that is shorter than :data:`SHORT`.
LONG_PAUSE = int(1.4 * Recording.RATE)
SHORT = 5 * Recording.RATE
#: The longest line, seconds; one that goes on is cut in a short silence, or where it is quietest.
LONGEST_S = 18.0
#: What is listened to on either side of speech, because quiet first and last sounds are easily taken for silence.
MARGIN = int(0.4 * Recording.RATE)
#: The network that looks for speech takes the sudden start of a steady tone for a short word: something that begins
#: before the first and ends before the second.
_ONSET = Recording.RATE // 10, int(0.6 * Recording.RATE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line in a stretch of samples, counted from its start.

    Attributes:
        start, end: where the speaking begins and ends, as far as it is known.
        first, last: what to listen to: the line and its margins.
        done: whether the line has ended; otherwise more may follow.
        rest: where the next line may begin, when this one is done.
    """

    start: int
    end: int
    first: int
    last: int
    done: bool
    rest: int


def first_line(samples: npt.NDArray[np.int16], find_speech: FindSpeech, *, sudden: bool = False) -> Line | None:
    """The first line of a stretch of sound, or None where nobody speaks.

    Args:
        samples: mono, 16 kHz; up to about half a minute.
        find_speech: gives the stretches of speech in float32 samples.
        sudden: whether the stretch begins anywhere in what may be noise or music, not where a line was cut.
    """
    spans = list(find_speech(as_float(samples)))
    if sudden and spans and spans[0][0] < _ONSET[0] and spans[0][1] < min(_ONSET[1], len(samples)):
        spans = spans[1:]
    if not spans:
        return None
    heard = len(samples)
    start, end = spans[0]
    first = max(0, start - MARGIN)
    done = False
    longest = first + int(LONGEST_S * Recording.RATE)
    for following, following_end in [*spans[1:], (heard, heard)]:
        done = following - end >= (PAUSE if end - start >= SHORT else LONG_PAUSE)
        if done or following_end > longest:
            break
        end = max(end, following_end) if following < heard else end
    if end > longest or (not done and heard > longest):
        return _cut(samples, first, start, find_speech)
    last = min(heard, end + MARGIN)
    return Line(start, end, first, last, done, rest=last)


def _cut(samples: npt.NDArray[np.int16], first: int, start: int, find_speech: FindSpeech) -> Line:
    """A line that goes on for too long, ended like a window over a recording."""
    window = next(windows(samples[first:], LONGEST_S, find_speech))
    cut = first + window.end
    spoken = first + max((b for _, b in window.spans), default=window.end)
    return Line(start, max(start, min(spoken, cut)), first, cut, True, rest=cut)
