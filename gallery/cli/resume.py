"""What was done in a folder of results, so that a run that was interrupted goes on where it was.

The journal is one line of JSON for each file that is done. A line is added when all results of the file are in
place, so what the journal names is complete; a line that was cut short by a crash is passed over.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gallery.zoo.registry import load

#: Name of the journal in the folder of results.
JOURNAL = ".gallery-done.jsonl"


@dataclass(frozen=True, slots=True)
class Done:
    """One file that is done.

    Attributes:
        domain: the application.
        path: the file, absolute.
        size, mtime_ns: of the file, which tell whether it changed.
        run: fingerprint of the options and the model (:func:`fingerprint`).
        result: name of the JSON file with what was found.
        outputs: names of all files that were written, among them ``result``.
        line: what was said of it on the screen.
    """

    domain: str
    path: str
    size: int
    mtime_ns: int
    run: str
    result: str
    outputs: tuple[str, ...]
    line: str


class Journal:
    """The journal of a folder of results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / JOURNAL
        self._done: dict[tuple[str, str], Done] = {}
        self._owners: dict[str, tuple[str, str]] = {}
        lines = self._read()
        if lines > len(self._done):
            self._rewrite()

    def outputs(self) -> set[Path]:
        """All files that earlier runs wrote into the folder, absolute."""
        folder = self.folder.resolve()
        return {folder / name for done in self._done.values() for name in done.outputs}

    def owned_by_another(self, name: str, domain: str, path: Path) -> bool:
        """Whether a result of this name, upper and lower case alike, belongs to another file or application."""
        return self._owners.get(name.casefold(), (domain, _place(path))) != (domain, _place(path))

    def owned(self, name: str) -> bool:
        """Whether some run wrote a result of this name, upper and lower case alike."""
        return name.casefold() in self._owners

    def find(self, domain: str, path: Path, run: str) -> Done | None:
        """What was done, if the file, the options and the results are all as they were."""
        done = self._done.get((domain, _place(path)))
        if done is None or done.run != run:
            return None
        try:
            facts = path.stat()
        except OSError:
            return None
        if (facts.st_size, facts.st_mtime_ns) != (done.size, done.mtime_ns):
            return None
        return done if all((self.folder / name).is_file() for name in done.outputs) else None

    def add(self, done: Done) -> None:
        """Remember a file that is done; all its results are in place."""
        self._remember(done)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(done))
            file.flush()
            os.fsync(file.fileno())

    def _remember(self, done: Done) -> None:
        self._done[done.domain, done.path] = done
        self._owners.update({name.casefold(): (done.domain, done.path) for name in done.outputs})

    def _read(self) -> int:
        lines = 0
        try:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    lines += 1
                    if "\ufffd" in line:  # lines are plain ASCII: a byte of this one is damaged
                        continue
                    try:
                        done = _parsed(json.loads(line))
                    except (ValueError, TypeError, KeyError, RecursionError):
                        continue
                    self._remember(done)
        except FileNotFoundError:
            return 0
        except OSError:
            return lines + 1
        return lines

    def _rewrite(self) -> None:
        """Leave out lines that later ones replaced, and any that was cut short."""
        part = self._path.with_name(f"{JOURNAL}.part")
        part.write_text("".join(_line(done) for done in self._done.values()), encoding="utf-8")
        part.replace(self._path)


def done_now(domain: str, path: Path, run: str, outputs: tuple[str, ...], result: str, line: str) -> Done:
    """A file as it is now, as done.

    Raises:
        OSError: the file is gone.
    """
    facts = path.stat()
    return Done(domain, _place(path), facts.st_size, facts.st_mtime_ns, run, result, outputs, line)


def _place(path: Path) -> str:
    """The absolute path; a link is a file of its own, under its own name."""
    return os.path.abspath(path)  # noqa: PTH100 (Path.absolute keeps "..")


def fingerprint(domain: str, settings: dict[str, Any]) -> str:
    """Tells two runs apart whose results may differ: by their options and by the bytes of the model."""
    told = {"domain": domain, "settings": settings, "model": _identity(str(settings["model"])), "journal": 1}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _identity(model: str) -> Any:
    registry = load()
    if model in registry.ids():
        return registry.get(model).sha256
    folder = Path(model).expanduser()
    if folder.is_dir():  # a checkpoint of one's own
        files = sorted(p for p in folder.iterdir() if p.is_file())
        return [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    return model


def _line(done: Done) -> str:
    return json.dumps(asdict(done), ensure_ascii=True) + "\n"


def _parsed(data: Any) -> Done:
    """Read one line, believing nothing: a name that leaves the folder would be read, or written over."""
    done = Done(**{**data, "outputs": tuple(data["outputs"])})
    names = (*done.outputs, done.result)
    texts = (done.domain, done.path, done.run, done.line, *names)
    if not all(isinstance(t, str) for t in texts) or not all(isinstance(n, int) for n in (done.size, done.mtime_ns)):
        raise TypeError("a field of another kind")
    if done.result not in done.outputs or any(Path(n).name != n or "\\" in n or n in ("", ".", "..") for n in names):
        raise ValueError("a name that is none")
    return done
