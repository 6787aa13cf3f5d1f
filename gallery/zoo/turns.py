"""Taking turns at something that one caller at a time can use, first come, first served."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """A lock that serves waiting threads in the order in which they came.

    A plain lock goes back to the thread that has just let go of it more often than not, so a viewer with a long
    recording would keep all others waiting. Not reentrant.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._line: deque[threading.Lock] = deque()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for one's turn, and let the next in at the end."""
        gate = threading.Lock()
        gate.acquire()
        with self._guard:
            self._line.append(gate)
            if len(self._line) == 1:
                gate.release()
        gate.acquire()
        try:
            yield
        finally:
            with self._guard:
                self._line.popleft()
                if self._line:
                    self._line[0].release()
