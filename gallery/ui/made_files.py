"""A file that was made for a download stays until the browser has had time to fetch it.

Streamlit makes such a file when its button is pressed, and removes it after two runs of any page of any visitor. Where
a page refreshes itself every second, as with a live camera, it is gone before the browser has asked for it.
"""

from __future__ import annotations

import time
from typing import Any

#: Seconds that a file stays at least.
KEPT_S = 60.0


def keep() -> None:
    """Have Streamlit wait from now on; once a process, however often it is called."""
    from streamlit.runtime import media_file_manager

    kind: Any = media_file_manager.MediaFileMetadata
    if getattr(kind, "_gallery_waits", False):
        return

    def mark(self: Any) -> None:
        if not hasattr(self, "_unused_since"):
            self._unused_since = time.monotonic()

    def marked(self: Any) -> bool:
        return time.monotonic() - getattr(self, "_unused_since", float("inf")) >= KEPT_S

    kind.mark_for_delete = mark
    kind.is_marked_for_delete = property(marked)
    kind._gallery_waits = True
