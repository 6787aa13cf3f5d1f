"""The newest item wins: a place for one item between a source that does not wait and work that takes its time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """A place for one item: what is put in replaces what nobody has taken, so that nothing is ever waited for.

    Attributes:
        received: items that were put in.
        dropped: items that were replaced before anybody took them.
    """

    def __init__(self) -> None:
        self.received = 0
        self.dropped = 0
        self._item: T | None = None
        self._closed = False
        self._change = threading.Condition()

    def put(self, item: T) -> None:
        """Leave an item; never waits. After :meth:`close` it is ignored."""
        with self._change:
            if self._closed:
                return
            self.received += 1
            self.dropped += self._item is not None
            self._item = item
            self._change.notify()

    def take(self, timeout: float | None = None) -> T | None:
        """The newest item, once there is one; None after :meth:`close`, or when none came in time (seconds)."""
        with self._change:
            self._change.wait_for(lambda: self._item is not None or self._closed, timeout)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Let everybody go who waits, and drop what is there."""
        with self._change:
            self._closed = True
            self._item = None
            self._change.notify_all()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed


class Pace:
    """How often something happens, and how long it takes, over the last seconds.

    Args:
        seconds: that are looked back.
        clock: in seconds.
    """

    def __init__(self, seconds: float = 3.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._events: deque[tuple[float, float]] = deque(maxlen=1000)
        self._began: float | None = None

    def add(self, value: float = 0.0) -> None:
        """It happened now; ``value`` is what is averaged, for example milliseconds."""
        now = self._clock()
        if self._began is None:
            self._began = now
        self._events.append((now, value))

    def per_second(self) -> float:
        """How often a second, lately."""
        now = self._clock()
        recent = self._recent(now)
        if self._began is None or len(recent) < 2:
            return 0.0
        # since the first of them, so that the first seconds are not averaged with the time before
        span = max(now - recent[0][0], 1e-6)
        return (len(recent) - 1) / span

    def mean(self) -> float:
        """Mean of the recent values; 0 when there are none."""
        recent = self._recent(self._clock())
        return sum(value for _, value in recent) / len(recent) if recent else 0.0

    def _recent(self, now: float) -> list[tuple[float, float]]:
        return [event for event in list(self._events) if now - event[0] <= self._seconds]
