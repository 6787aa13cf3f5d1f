from __future__ import annotations

import threading
import time

import pytest

from gallery.zoo.shared import Shared


def test_one_build_for_all_who_ask_at_once():
    shared: Shared[object] = Shared(capacity=2)
    built = []

    def build() -> object:
        built.append(1)
        time.sleep(0.05)
        return object()

    got = []
    threads = [threading.Thread(target=lambda: got.append(shared.get("a", build))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert len(set(map(id, got))) == 1


def test_the_least_recently_used_is_dropped():
    shared: Shared[str] = Shared(capacity=2)
    for key in ("a", "b", "a", "c"):
        shared.get(key, lambda key=key: key)
    assert shared.loaded() == ("a", "c")


def test_an_error_is_passed_on_and_not_kept():
    shared: Shared[str] = Shared(capacity=1)

    def fail() -> str:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        shared.get("a", fail)
    assert shared.get("a", lambda: "fine") == "fine"
