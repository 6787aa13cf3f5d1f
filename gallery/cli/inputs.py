"""Files and folders named on the command line become the list of files to analyse."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gallery.domains import Domain
from gallery.errors import GalleryError
from gallery.media.names import quoted
from gallery.media.sniff import HEAD, sniff
from gallery.media.source import opened

#: Domains that read videos frame by frame; speech reads their sound.
WITH_VIDEO = ("signs", "satellite", "proximity")


@dataclass(frozen=True, slots=True)
class Item:
    """One file to analyse, or what is wrong with what was named."""

    path: Path
    problem: str = ""


def expand(
    named: Sequence[Path], domain: Domain, recursive: bool, ours: Collection[Path] = ()
) -> tuple[list[Item], list[Path]]:
    """Replace each folder by the files in it that the domain reads, told by their content.

    Files are taken as they are named; what is in a folder is sorted by name, and hidden files and folders are left
    alone. Links are followed, but no folder is gone through twice.

    Args:
        named: files and folders, as they were given.
        recursive: go into the folders of a folder too.
        ours: files that earlier runs wrote, which are no input of this one when they lie in a folder.

    Returns:
        What to analyse, in order, and the files of folders that were left alone.
    """
    items: list[Item] = []
    left: list[Path] = []
    for path in named:
        if not path.is_dir():
            items.append(Item(path))
            continue
        found: list[Item] = []
        passed: list[Path] = []
        shown = quoted(path.resolve().name)  # "." has a name of its own
        try:
            for file in _files(path, recursive, set()):
                if file.resolve() in ours:
                    continue
                if reads(domain, file):
                    found.append(Item(file))
                else:
                    passed.append(file)
        except OSError as error:
            items.append(Item(path, f"{shown} cannot be gone through ({error.strerror}). Check the path."))
            continue
        if not found:
            deeper = "" if recursive else " Add --recursive to look into the folders in it."
            items.append(Item(path, f"There is nothing in {shown} that {domain.title} reads.{deeper}"))
        items += found
        left += passed
    return items, left


def reads(domain: Domain, path: Path) -> bool:
    """Whether a file's content is of a kind that the domain reads."""
    try:
        with opened(path, path.name, 1 << 62) as file:
            family = sniff(file.read(HEAD)).family
    except (GalleryError, OSError):
        return False
    if domain.media == "audio":
        return family in ("audio", "video")
    return family == "image" or (family == "video" and domain.id in WITH_VIDEO)


def _files(folder: Path, recursive: bool, seen: set[tuple[int, int]]) -> Iterator[Path]:
    facts = folder.stat()
    if (facts.st_dev, facts.st_ino) in seen:
        return
    seen.add((facts.st_dev, facts.st_ino))
    with os.scandir(folder) as entries:
        names = sorted((e.name for e in entries if not e.name.startswith(".")), key=_natural)
    folders = []
    for name in names:
        path = folder / name
        if path.is_dir():
            folders.append(path)
        elif path.is_file():
            yield path
    for each in folders if recursive else ():
        try:
            yield from _files(each, recursive, seen)
        except PermissionError:
            continue


def _natural(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sorts ``frame2`` before ``frame10``."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts), name
