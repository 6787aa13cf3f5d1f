"""A file that was made for a download outlives the runs of pages that refresh themselves."""

from __future__ import annotations

import time

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from gallery.ui import made_files


def test_it_stays_for_a_while_and_then_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    made_files.keep()
    storage = MemoryMediaFileStorage("/media")
    manager = MediaFileManager(storage)
    button = manager.add_deferred(lambda: b"made on demand", "text/plain", "1", "made.txt")
    name = manager.execute_deferred(button).rsplit("/", 1)[1]
    manager.clear_session_refs()
    for _ in range(20):
        manager.remove_orphaned_files()
    assert storage.get_file(name).content == b"made on demand"
    later = time.monotonic() + made_files.KEPT_S
    monkeypatch.setattr(time, "monotonic", lambda: later)
    manager.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        storage.get_file(name)
