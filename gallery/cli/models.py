"""``python -m gallery models``: what the gallery knows, fetches, checks and packs."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from gallery.errors import DiskFull, GalleryError
from gallery.wording import human_bytes
from gallery.zoo.integrity import Progress


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command ``models`` and its parts."""
    parser = subparsers.add_parser("models", help="list, fetch, check and bundle models", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _action(actions, "list", "show the models and which of them are on this machine")
    _action(actions, "pull", "fetch models that are not on this machine (all, or those named)", ids=True)
    _action(actions, "verify", "hash every file of the models on this machine again")
    _action(actions, "bundle", "write models into one file for a machine without a network", file=True, ids=True)
    _action(actions, "unbundle", "bring the models of such a file into the cache", file=True)
    _action(actions, "doctor", "say what is missing, and why")
    forget = _action(actions, "forget", "forget how your own checkpoint looked at its first use, after you changed it")
    forget.add_argument(
        "checkpoint", nargs="?", metavar="MODEL", help="its folder or hub id; where it is left out, all are listed"
    )


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    what: str,
    *,
    file: bool = False,
    ids: bool = False,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=what, description=what)
    # SUPPRESS, so that leaving it out here keeps the value given before the command
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="look for weights in this folder first",
    )
    if file:
        parser.add_argument("file", type=Path, metavar="FILE", help="the bundle, a zip file")
    if ids:
        parser.add_argument("ids", nargs="*", metavar="ID", help="models by id; all where none is named")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run one part and return the exit status: 0, or 1 where something is wrong."""
    if getattr(args, "models", None):
        os.environ["GALLERY_MODELS"] = str(args.models.expanduser().resolve())
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "list": _list,
        "pull": _pull,
        "verify": _verify,
        "bundle": _bundle,
        "unbundle": _unbundle,
        "doctor": _doctor,
        "forget": _forget,
    }
    return actions[args.action](args)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as columns of equal width; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _list(_: argparse.Namespace) -> int:
    from gallery.zoo import registry, store

    rows: list[tuple[str, ...]] = [("id", "task", "size", "licence", "here", "source")]
    for entry in registry.load():
        status = store.status(entry)
        licence = f"{entry.licence} ({entry.licence_note})" if entry.licence_note else entry.licence
        here = {"present": "yes", "missing": "no", "damaged": "damaged"}[status.state]
        rows.append((entry.id, entry.task, human_bytes(entry.bytes), licence, here, status.source))
    print(table(rows))
    return 0


def _pull(args: argparse.Namespace) -> int:
    from gallery.zoo import registry, store

    known = registry.load()
    failed = 0
    for model_id in dict.fromkeys(args.ids or known.ids()):
        line = ProgressLine(sys.stderr)
        try:
            already = model_id in known and store.find(model_id) is not None
            model = store.ensure(model_id, progress=line)
            line.end()
            done = "is here" if already else "fetched"
            print(f"{model_id}: {done}, {human_bytes(model.entry.bytes)}, from {model.source}")
        except DiskFull as error:
            line.end()
            print(f"{model_id}: {error}", file=sys.stderr)
            return 1  # the next one would not fit either
        except GalleryError as error:
            line.end()
            failed += 1
            print(f"{model_id}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _verify(_: argparse.Namespace) -> int:
    from gallery.zoo import registry, store

    wrong = 0
    for entry in registry.load():
        status = store.status(entry, fresh=True)
        if status.state == "present":
            print(f"{entry.id}: good, {len(entry.files)} file(s), from {status.source}")
            for problem in status.problems:
                print(f"{entry.id}: {problem}", file=sys.stderr)
        elif status.state == "missing":
            print(f"{entry.id}: not on this machine")
        else:
            wrong += 1
            print(f"{entry.id}: damaged. {' '.join(status.problems)}", file=sys.stderr)
    return 1 if wrong else 0


def _bundle(args: argparse.Namespace) -> int:
    from gallery.zoo.bundle import bundle

    line = ProgressLine(sys.stderr)
    try:
        ids = bundle(args.file, args.ids, progress=line)
    finally:
        line.end()
    print(f"{args.file}: {human_bytes(args.file.stat().st_size)} with {', '.join(ids)}")
    return 0


def _unbundle(args: argparse.Namespace) -> int:
    from gallery.zoo.bundle import unbundle

    line = ProgressLine(sys.stderr)
    try:
        ids = unbundle(args.file, progress=line)
    finally:
        line.end()
    print(f"{args.file}: brought {', '.join(ids)}")
    return 0


def _forget(args: argparse.Namespace) -> int:
    from gallery.zoo import pins

    if args.checkpoint is None:
        print("\n".join(pins.pinned_models()) or "No checkpoint of your own was used so far.")
        return 0
    if pins.forget(args.checkpoint):
        print(f"{args.checkpoint} was forgotten; its next use counts as the first.")
        return 0
    print(f"{args.checkpoint} was not known.")
    return 1


def _doctor(_: argparse.Namespace) -> int:
    from gallery.zoo.doctor import examine

    problems = 0
    for finding in examine():
        problems += finding.level == "problem"
        print(f"{finding.level:<8} {finding.subject}: {finding.detail}")
        if finding.remedy:
            print(f"{'':<8} -> {finding.remedy}")
    print("Everything that the gallery needs is here." if not problems else f"{problems} problem(s).")
    return 1 if problems else 0


class ProgressLine:
    """Progress in one line: rewritten in place on a terminal, one line a file elsewhere."""

    def __init__(self, out: TextIO) -> None:
        self.out, self.live = out, out.isatty()
        self.last = 0.0
        self.said = ""
        self.width = 0

    def __call__(self, progress: Progress) -> None:
        what = f"{progress.model_id}: {progress.file} from {progress.source}"
        if not self.live:
            if what != self.said:
                self.said = what
                print(f"{what}, {human_bytes(progress.total_bytes)}", file=self.out, flush=True)
            return
        now = time.monotonic()
        if now - self.last < 0.1 and progress.done_bytes < progress.total_bytes:
            return
        self.last = now
        share = f" {100 * progress.done_bytes // progress.total_bytes}%" if progress.total_bytes else ""
        text = f"{what}: {human_bytes(progress.done_bytes)} of {human_bytes(progress.total_bytes)}{share}"
        print(f"\r{text.ljust(self.width)}", end="", file=self.out, flush=True)
        self.width = len(text)

    def end(self) -> None:
        """Finish the line, so that what follows stands below it."""
        if self.width:
            print(file=self.out)
            self.width = 0
