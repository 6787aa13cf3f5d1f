"""``python -m gallery analyse``: the five applications on files, from the command line."""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gallery.domains import DOMAINS, Domain, Progress
from gallery.errors import GalleryError, OptionError
from gallery.media.names import display_name, download_name
from gallery.results import Analysis

_log = logging.getLogger(__name__)


def add_parser(subparsers: Any) -> None:
    """Add ``analyse`` and one sub-command for each domain."""
    parser = subparsers.add_parser("analyse", help="run an application on files", description=__doc__)
    domains = parser.add_subparsers(dest="domain", required=True, metavar="DOMAIN")
    for domain in DOMAINS.values():
        sub = domains.add_parser(domain.id, help=domain.summary, description=domain.summary)
        sub.add_argument("files", nargs="+", type=Path, metavar="FILE")
        sub.add_argument("--json", type=Path, metavar="OUT.json", help="write all results as JSON (- for the screen)")
        sub.add_argument("--out", type=Path, metavar="DIR", help="write annotated media, tables and JSON, by file")
        sub.add_argument("--model", default=domain.default_model, help="model id (default: %(default)s)")
        sub.add_argument(
            "--score", type=float, default=domain.default_score, help="threshold, from 0.01 (default: %(default)s)"
        )
        _ADD[domain.id](sub)


def run(args: argparse.Namespace) -> int:
    """Analyse every file; 1 when one of them could not be, which does not stop the others."""
    from gallery.export.documents import json_entries

    domain = DOMAINS[args.domain]
    target = None if args.json is None or str(args.json) == "-" else args.json
    _check_targets(target, args.out)
    say = sys.stderr if str(args.json) == "-" else sys.stdout
    entries: list[dict[str, Any]] = []
    written: set[str] = set()
    failed = 0
    for path in args.files:
        try:
            analysis = _analyse(domain, path, args, written)
        except GalleryError as error:
            problem = str(error)
        except Exception:
            if os.environ.get("GALLERY_DEBUG") == "1":
                raise
            _log.debug("analysing %s", path, exc_info=True)
            problem = "The gallery failed on this file. Run again with GALLERY_DEBUG=1 to see where."
        else:
            entries.append(analysis.to_json())
            print(f"{display_name(path.name)}: {summary(analysis)}", file=say)
            continue
        failed += 1
        entries.append({"file": path.name, "domain": domain.id, "error": problem})
        print(f"{display_name(path.name)}: {problem}", file=sys.stderr)
    data = json_entries(entries)
    if target is not None:
        target.write_bytes(data)
    elif args.json is not None:
        sys.stdout.buffer.write(data)
    return 1 if failed else 0


def _check_targets(target: Path | None, folder: Path | None) -> None:
    """Find out before the first file, not after the last, that results cannot be written.

    Raises:
        OptionError: a target is of the wrong kind or cannot be written.
    """
    try:
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("ab"):
                pass
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        named = "--json" if folder is None or str(error.filename or "") == str(target) else "--out"
        raise OptionError(
            f"The results cannot be written where {named} says ({error.strerror}).",
            "Name a file for --json, a folder for --out, and a place where you may write.",
        ) from error


def summary(analysis: Analysis) -> str:
    """What was found, in one line."""
    took = sum(analysis.timings_ms.values())
    if analysis.domain == "speech":
        said = f"[{analysis.language}] {analysis.text}" if analysis.language else "no speech"
    elif analysis.domain == "cells":
        said = f"{analysis.settings['answer']} ({analysis.classes[0].label} {analysis.classes[0].score:.1%})"
    else:
        said = ", ".join(f"{count} {label}" for label, count in analysis.counts().items()) or "nothing found"
        if analysis.alerts:
            said += f"; {len(analysis.alerts)} alert{'s' if len(analysis.alerts) > 1 else ''}"
    return f"{said} ({took:.0f} ms)"


def _analyse(domain: Domain, path: Path, args: argparse.Namespace, written: set[str]) -> Analysis:
    module = domain.module()
    options = module.Options(model=args.model, score=args.score, **_OPTIONS[domain.id](args))
    if domain.media == "audio":
        from gallery.media.audio import read_audio

        recording = read_audio(path, path.name)
        analysis = module.analyse(recording, options, progress=_progress())
        if args.out:
            _write(args.out, analysis, None, written)
        return analysis
    from gallery.media.image import OVERHEAD, PHOTO, read_image

    picture = read_image(path, path.name, OVERHEAD if domain.id == "satellite" else PHOTO)
    analysis = module.analyse(picture, options, progress=_progress())
    if args.out:
        from gallery.draw.boxes import annotate

        started = time.perf_counter()
        drawn = annotate(picture.pixels, analysis)
        analysis = analysis.with_timing("draw", (time.perf_counter() - started) * 1e3)
        _write(args.out, analysis, drawn, written)
    return analysis


def _progress() -> Progress | None:
    """Says on a terminal how far a run is; into a file or a pipe nothing is said."""
    if not sys.stderr.isatty():
        return None

    def report(share: float, doing: str) -> None:
        line = "" if share >= 1 else f"{share:4.0%} {doing}"[:78]
        print(f"\r{line:<78}\r", end="", file=sys.stderr, flush=True)

    return report


def _write(folder: Path, analysis: Analysis, drawn: Any, written: set[str]) -> None:
    """Everything about one file into ``folder``.

    Names carry what a file holds (``street-annotated.jpg``), so that no file of the person is written over, and no
    result of this run is: a second ``street`` becomes ``street-2``.
    """
    from gallery.export.documents import columns, json_bytes, rows
    from gallery.export.tables import csv_bytes

    files = {
        "result.json": json_bytes([analysis]),
        "table.csv": csv_bytes(rows(analysis), columns(analysis.domain)),
    }
    if drawn is not None:
        from gallery.export.pictures import jpeg_bytes

        files["annotated.jpg"] = jpeg_bytes(drawn)
    if analysis.domain == "speech":
        from gallery.export.subtitles import to_srt, to_text, to_vtt

        files["subtitles.srt"] = to_srt(analysis.segments).encode()
        files["subtitles.vtt"] = to_vtt(analysis.segments).encode()
        files["transcript.txt"] = to_text(analysis).encode()
    for number in itertools.count(1):
        name = analysis.file if number == 1 else f"{Path(analysis.file).stem}-{number}"
        names = {kind: download_name(name, *kind.split(".")) for kind in files}
        if not written & {each.casefold() for each in names.values()}:
            break
    for kind, data in files.items():
        written.add(names[kind].casefold())
        (folder / names[kind]).write_bytes(data)


def _add_runtime(parser: argparse.ArgumentParser) -> None:
    from gallery.zoo.networks import RUNTIMES

    parser.add_argument("--runtime", default=RUNTIMES[0], choices=RUNTIMES, help="default: %(default)s")


def _add_satellite(parser: argparse.ArgumentParser) -> None:
    _add_runtime(parser)
    parser.add_argument("--tile", type=int, default=768, help="side of a tile in pixels (default: %(default)s)")
    parser.add_argument("--overlap", type=int, default=150, help="pixels that tiles share (default: %(default)s)")


def _add_proximity(parser: argparse.ArgumentParser) -> None:
    _add_runtime(parser)
    parser.add_argument(
        "--limit", type=float, default=1.0, help="alert when closer than this many person heights (default: 1)"
    )


def _add_speech(parser: argparse.ArgumentParser) -> None:
    from gallery.domains.speech import RUNTIMES

    parser.add_argument("--runtime", default=RUNTIMES[0], choices=RUNTIMES, help="default: %(default)s")
    parser.add_argument("--language", help="language code, for example en; found by itself when left out")


_ADD = {
    "signs": _add_runtime,
    "satellite": _add_satellite,
    "cells": _add_runtime,
    "proximity": _add_proximity,
    "speech": _add_speech,
}
_OPTIONS = {
    "signs": lambda args: {"runtime": args.runtime},
    "satellite": lambda args: {"runtime": args.runtime, "tile": args.tile, "overlap": args.overlap},
    "cells": lambda args: {"runtime": args.runtime},
    "proximity": lambda args: {"runtime": args.runtime, "limit": args.limit},
    "speech": lambda args: {"runtime": args.runtime, "language": args.language},
}
