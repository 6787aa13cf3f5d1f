"""How far a run is, in one line of a terminal that is written over again and again."""

from __future__ import annotations

import sys
import time

from gallery.wording import clock

_WIDTH = 78
_BAR = 16
#: Seconds before anything is said about the time that is left, and between two looks at the line.
_QUIET = 2.0
_REFRESH = 0.1


class Line:
    """The line; into a file or a pipe nothing is said."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = sys.stderr.isatty()
        self._name = ""
        self._number = 0
        self._began = 0.0
        self._at = 0.0
        self._written = False

    @property
    def shown(self) -> bool:
        """Whether there is a terminal to say anything on."""
        return self._shown

    def begin(self, number: int, name: str) -> None:
        """One more file, counted from 1."""
        self._number, self._name = number, name
        self._began, self._at = time.monotonic(), 0.0

    def report(self, share: float, doing: str) -> None:
        """How far the file is (0 to 1), and what is done."""
        now = time.monotonic()
        if not self._shown or (share < 1 and now - self._at < _REFRESH):
            return
        if share >= 1:
            self.clear()
            return
        self._at = now
        took = now - self._began
        left = f", {clock(took / share * (1 - share))} left" if took > _QUIET and share > 0.01 else ""
        which = f"[{self._number}/{self._total}] " if self._total > 1 else ""
        filled = round(share * _BAR)
        bar = "#" * filled + "-" * (_BAR - filled)
        tail = f" {share:4.0%} {bar} {doing}{left}"
        room = max(0, _WIDTH - len(which) - len(tail))
        name = self._name if len(self._name) <= room else self._name[: max(0, room - 1)] + "…"
        self._write(f"{which}{name}{tail}"[:_WIDTH])

    def clear(self) -> None:
        """Make room for a line that stays."""
        if self._written:
            print("\r" + " " * _WIDTH + "\r", end="", file=sys.stderr, flush=True)
            self._written = False

    def _write(self, text: str) -> None:
        print(f"\r{text:<{_WIDTH}}", end="", file=sys.stderr, flush=True)
        self._written = True
