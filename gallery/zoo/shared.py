"""One loaded model for all viewers: built once by whoever asks first, and dropped when others push it out."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """A bounded, thread-safe cache of loaded models.

    Two callers that ask for the same model at once wait for one build; callers of different models do not wait for
    each other. A model that was pushed out lives on for whoever still holds it.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: OrderedDict[Hashable, T] = OrderedDict()
        self._building: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """The model of this key, built now if it is not loaded; an error of ``build`` is passed on and not kept."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
                return self._items[key]
            turn = self._building.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                if key in self._items:
                    return self._items[key]
            item = build()
            with self._lock:
                self._items[key] = item
                self._building.pop(key, None)
                while len(self._items) > self._capacity:
                    self._items.popitem(last=False)
            return item

    def loaded(self) -> tuple[Hashable, ...]:
        """Keys of the loaded models, least recently used first."""
        with self._lock:
            return tuple(self._items)

    def clear(self) -> None:
        """Drop all models."""
        with self._lock:
            self._items.clear()
