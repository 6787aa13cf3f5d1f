"""Decoded pictures that pages still show, bounded for the whole server whatever the number of visitors."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from gallery.media.types import Picture
from gallery.ui.work import session_is_open

#: Pixels of all pictures together; three bytes each.
BUDGET = 150_000_000


class Shelf:
    """The pictures shown last. One that was pushed out is read again when it is wanted.

    Args:
        budget: pixels of all pictures together; a single larger picture is kept alone.
        is_open: whether the browser of a session is connected; the pictures of others go at the next :meth:`put`.
    """

    def __init__(self, budget: int = BUDGET, is_open: Callable[[str], bool] = session_is_open) -> None:
        self._budget = budget
        self._is_open = is_open
        self._pictures: OrderedDict[tuple[str, str], Picture] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, session: str, key: str, picture: Picture) -> None:
        """Keep a picture of a session, unless its tab was closed meanwhile, and forget those of closed tabs."""
        with self._lock:
            for other in {session, *(owner for owner, _ in self._pictures)}:
                if not self._is_open(other):
                    self._forget(other)
            if not self._is_open(session):
                return
            self._pictures[session, key] = picture
            self._pictures.move_to_end((session, key))
            while len(self._pictures) > 1 and self.pixels() > self._budget:
                self._pictures.popitem(last=False)

    def get(self, session: str, key: str) -> Picture | None:
        """The picture, or None when it was pushed out."""
        with self._lock:
            picture = self._pictures.get((session, key))
            if picture is not None:
                self._pictures.move_to_end((session, key))
            return picture

    def drop(self, session: str) -> None:
        """Forget the pictures of a session."""
        with self._lock:
            self._forget(session)

    def _forget(self, session: str) -> None:
        for key in [key for key in self._pictures if key[0] == session]:
            del self._pictures[key]

    def pixels(self) -> int:
        """Pixels of all pictures together."""
        return sum(picture.width * picture.height for picture in self._pictures.values())


SHELF = Shelf()
