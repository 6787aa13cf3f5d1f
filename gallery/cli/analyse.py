"""``python -m gallery analyse``: the five applications on files, videos and folders, from the command line."""

from __future__ import annotations

import argparse
import codecs
import itertools
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gallery.cli.inputs import WITH_VIDEO, expand
from gallery.cli.progress import Line
from gallery.cli.resume import Done, Journal, done_now, fingerprint
from gallery.domains import DOMAINS, Domain, fetching
from gallery.errors import GalleryError, OptionError
from gallery.export.room import room_for
from gallery.media.names import display_name, download_name, quoted
from gallery.results import Analysis

if TYPE_CHECKING:
    from gallery.clips import Clip

_log = logging.getLogger(__name__)

#: Finds below the threshold that still help to follow an object from frame to frame; they are not shown.
_FOLLOWED = 0.1
#: Lowest score from which a find may begin a track, whatever the threshold.
_BEGINS = 0.25
#: Files of folders that were left alone and are told by name.
_MOST_NAMED = 5


def add_parser(subparsers: Any) -> None:
    """Add ``analyse`` and one sub-command for each domain."""
    parser = subparsers.add_parser("analyse", help="run an application on files", description=__doc__)
    domains = parser.add_subparsers(dest="domain", required=True, metavar="DOMAIN")
    for domain in DOMAINS.values():
        sub = domains.add_parser(domain.id, help=domain.summary, description=domain.summary)
        sub.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a file, or a folder of files")
        sub.add_argument("--recursive", action="store_true", help="go into the folders of a folder too")
        sub.add_argument("--json", type=Path, metavar="OUT.json", help="write all results as JSON (- for the screen)")
        sub.add_argument(
            "--out",
            type=Path,
            metavar="DIR",
            help="write annotated media, tables and JSON, by file; run again, what is done is not done twice",
        )
        sub.add_argument("--again", action="store_true", help="with --out: do again what was done before")
        sub.add_argument("--model", default=domain.default_model, help="model id (default: %(default)s)")
        sub.add_argument(
            "--score", type=float, default=domain.default_score, help="threshold, from 0.01 (default: %(default)s)"
        )
        if domain.id in WITH_VIDEO:
            sub.add_argument(
                "--every", type=int, default=1, metavar="N", help="of a video, analyse every Nth frame (default: 1)"
            )
        _ADD[domain.id](sub)


def run(args: argparse.Namespace) -> int:
    """Analyse every file; 1 when one of them could not be, which does not stop the others."""
    domain = DOMAINS[args.domain]
    target = None if args.json is None or str(args.json) == "-" else args.json
    _check_targets(target, args.out, args.files)
    if not 1 <= getattr(args, "every", 1) <= 100_000:
        raise OptionError(f"Every {args.every}th frame cannot be analysed.", "Choose --every from 1 to 100000.")
    say = sys.stderr if str(args.json) == "-" else sys.stdout
    journal = Journal(args.out) if args.out else None
    items, left = expand(args.files, domain, args.recursive, journal.outputs() if journal else ())
    line = Line(len(items))
    failed = before = 0
    with _Entries() as entries:
        batch = _Batch(domain, args, journal, entries, line, {i.path for i in items})
        try:
            for number, item in enumerate(items, 1):
                name = display_name(item.path.name or item.path.resolve().name)
                line.begin(number, name)
                problem = item.problem
                if not problem:
                    try:
                        said, known = batch.one(item.path)
                    except GalleryError as error:
                        problem = str(error)
                    except Exception:
                        if os.environ.get("GALLERY_DEBUG") == "1":
                            raise
                        _log.debug("analysing %s", item.path, exc_info=True)
                        problem = "The gallery failed on this file. Run again with GALLERY_DEBUG=1 to see where."
                line.clear()
                if not problem:
                    before += known
                    print(f"{name}: {said}{' (done before)' if known else ''}", file=say)
                    continue
                failed += 1
                entries.add({"file": name, "domain": domain.id, "error": problem})
                print(f"{name}: {problem}", file=sys.stderr)
        except KeyboardInterrupt:
            line.clear()
            goes_on = (
                "Run the same command again to go on." if journal else "Nothing was kept; --out DIR keeps results."
            )
            print(f"Stopped. {goes_on}", file=sys.stderr)
            raise
        if left:
            print(_left_alone(left), file=say)
        if before:
            print(f"{before:,} of {len(items):,} were done before; --again does them again.", file=say)
        if target is not None:
            with target.open("wb") as file:
                entries.copy_to(file)
        elif args.json is not None:
            entries.copy_to(sys.stdout.buffer)
    return 1 if failed else 0


def _left_alone(files: Sequence[Path]) -> str:
    """Which files of folders were not read, in a sentence."""
    named = ", ".join(quoted(path.name) for path in files[:_MOST_NAMED])
    more = f" and {len(files) - _MOST_NAMED:,} more" if len(files) > _MOST_NAMED else ""
    return f"{len(files):,} other file{'s were' if len(files) > 1 else ' was'} left alone: {named}{more}."


def _check_targets(target: Path | None, folder: Path | None, inputs: Iterable[Path]) -> None:
    """Find out before the first file, not after the last, that results cannot be written.

    Raises:
        OptionError: a target is of the wrong kind, cannot be written, or is a file that would be lost.
    """
    try:
        if target is not None:
            real = target.resolve()
            there = real.exists()
            if there:
                _check_replaced(real, inputs)
            real.parent.mkdir(parents=True, exist_ok=True)
            with real.open("ab"):
                pass
            if not there:  # a run that is stopped leaves no empty file behind
                real.unlink()
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


def _check_replaced(target: Path, inputs: Iterable[Path]) -> None:
    """Raise when a file that is there is not an older list of results, but something of the person's own.

    Raises:
        OptionError: it is one of the inputs, or holds something that is not JSON.
        OSError: it cannot be read.
    """
    other = "Name a new file, or one that holds JSON, for --json."
    if any(path.exists() and path.samefile(target) for path in inputs if not path.is_dir()):
        raise OptionError(f"{quoted(target.name)} is a file to analyse; --json would write over it.", other)
    if target.is_file() and target.stat().st_size:  # a pipe or a device holds nothing
        with target.open("rb") as file:
            head = file.read(1 << 12).removeprefix(codecs.BOM_UTF8).lstrip()
        if head[:1] not in (b"[", b"{"):
            raise OptionError(f"{quoted(target.name)} is there and is not JSON; --json would write over it.", other)


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


def clip_summary(clip: Clip) -> str:
    """What was found in a video, in one line: distinct objects by label, "at least" where some were not followed."""
    counts = clip.different().items()
    said = ", ".join(f"{'' if sure else 'at least '}{n} {label}" for label, (n, sure) in counts)
    said = said or "nothing found"
    if clip.alerts:
        said += f"; {len(clip.alerts)} alert{'s' if len(clip.alerts) > 1 else ''}"
    return f"{said} ({clip.frames:,} frames, {clip.speed_fps:.3g} a second)"


class _Entries:
    """The list of results as JSON, gathered on the disk because the frames of videos are many."""

    def __init__(self) -> None:
        self._file: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115
        self._any = False

    def add(self, entry: Mapping[str, Any]) -> None:
        """One more entry, as JSON values."""
        self._lines(json.dumps(entry, indent=2, ensure_ascii=False).split("\n"))

    def add_file(self, path: Path) -> None:
        """One more entry that is a JSON file, copied line by line."""
        with path.open(encoding="utf-8") as file:
            self._lines(line.rstrip("\n") for line in file)

    def copy_to(self, out: IO[bytes]) -> None:
        """The whole list, as :func:`gallery.export.documents.json_entries` would write it."""
        self._file.seek(0)
        out.write(b"[\n" if self._any else b"[")
        while piece := self._file.read(1 << 16):
            out.write(piece.encode())
        out.write(b"\n]\n" if self._any else b"]\n")

    def _lines(self, lines: Iterable[str]) -> None:
        self._file.write(",\n" if self._any else "")
        for number, text in enumerate(lines):
            self._file.write(("\n  " if number else "  ") + text)
        self._any = True

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


class _Batch:
    """One run of the command: its options, and what it wrote so far."""

    def __init__(
        self,
        domain: Domain,
        args: argparse.Namespace,
        journal: Journal | None,
        entries: _Entries,
        line: Line,
        inputs: Iterable[Path],
    ) -> None:
        self._domain = domain
        self._args = args
        self._journal = journal
        self._entries = entries
        self._line = line
        self._options = domain.module().Options(model=args.model, score=args.score, **_OPTIONS[domain.id](args))
        self._every = getattr(args, "every", 1)
        self._written: set[str] = set()
        self._run = ""
        if journal is not None:
            here = journal.folder.resolve()  # a file to analyse may lie there under a name that a result would take
            self._written = {p.name.casefold() for p in inputs if p.parent.resolve() == here}
            self._run = fingerprint(domain.id, {**asdict(self._options), "every": self._every})

    def one(self, path: Path) -> tuple[str, bool]:
        """Analyse one file, unless that was done before.

        Returns:
            What was found, in one line, and whether it was done before.

        Raises:
            GalleryError: the file cannot be used, or something that the run needs is missing.
        """
        known = self._known(path)
        if known is not None:
            self._written |= {name.casefold() for name in known.outputs}
            return known.line, True
        if self._domain.id in WITH_VIDEO:
            from gallery.media.video import is_video

            if is_video(path):
                return self._video(path), False
        analysis, drawn = self._still(path)
        said = summary(analysis)
        if self._journal is not None:
            self._keep(path, _files(analysis, drawn), "result.json", said, analysis.file)
        self._entries.add(analysis.to_json())
        return said, False

    def _known(self, path: Path) -> Done | None:
        if self._journal is None or self._args.again:
            return None
        done = self._journal.find(self._domain.id, path, self._run)
        if done is None:
            return None
        result = self._journal.folder / done.result
        try:
            if done.result.endswith("-frames.json"):
                self._entries.add_file(result)
            else:
                self._entries.add(json.loads(result.read_text(encoding="utf-8"))[0])
        except (OSError, ValueError, LookupError, AttributeError):
            return None  # somebody changed the results: they are made again
        return done

    def _still(self, path: Path) -> tuple[Analysis, Any]:
        """A picture or a recording: what was found in it, and the picture with that drawn on it."""
        module = self._domain.module()
        progress = self._line.report if self._line.shown else None
        if self._domain.media == "audio":
            from gallery.media.audio import read_audio

            return module.analyse(read_audio(path, path.name), self._options, progress=progress), None
        from gallery.media.image import OVERHEAD, PHOTO, read_image

        picture = read_image(path, path.name, OVERHEAD if self._domain.id == "satellite" else PHOTO)
        analysis = module.analyse(picture, self._options, progress=progress)
        if self._journal is None:
            return analysis, None
        from gallery.draw.boxes import annotate

        started = time.perf_counter()
        drawn = annotate(picture.pixels, analysis)
        return analysis.with_timing("draw", (time.perf_counter() - started) * 1e3), drawn

    def _video(self, path: Path) -> str:
        from gallery.clips import ClipOptions, analyse_clip
        from gallery.media.video import open_video
        from gallery.zoo import store
        from gallery.zoo.detector import check_score

        score = check_score(self._options.score)
        module = self._domain.module()
        weak = replace(self._options, score=min(score, _FOLLOWED))
        beside = {"streams": 2} if self._domain.id in _BESIDE else {}

        def narrow(analysis: Analysis) -> Analysis:
            kept = analysis.filtered(score)
            if self._domain.id == "proximity":
                kept = module.with_alerts(kept, self._options.limit, self._options.machines)
            return replace(kept, settings={**kept.settings, "score": score})

        progress = self._line.report if self._line.shown else None
        place = None if self._journal is None else self._journal.folder
        with (
            open_video(path, path.name) as video,
            tempfile.TemporaryDirectory(prefix=".gallery-clip-", dir=place) as folder,
        ):
            store.ensure(self._options.model, progress=fetching(progress))  # told as what it is, not as a slow frame
            clip = analyse_clip(
                video,
                lambda picture: module.analyse(picture, weak, **beside),
                Path(folder),
                ClipOptions(every=self._every, annotate=place is not None, start=max(score, _BEGINS)),
                narrow=narrow,
                progress=progress,
            )
            said = clip_summary(clip)
            found = clip.files["json"]
            files: dict[str, bytes | Path] = {
                {"video": "annotated.mp4", "csv": "frames.csv", "json": "frames.json"}[kind]: file
                for kind, file in clip.files.items()
            }
            if place is not None:
                found = self._keep(path, files, "frames.json", said, clip.file)
            self._entries.add_file(found)
        return said

    def _keep(self, path: Path, files: Mapping[str, bytes | Path], result: str, said: str, name: str) -> Path:
        """Put the results of one file in place, then remember that it is done; gives the place of ``result``."""
        assert self._journal is not None
        names = self._names(path, name, files)
        with room_for("the results"):
            for kind, content in files.items():
                self._written.add(names[kind].casefold())
                final = self._journal.folder / names[kind]
                if isinstance(content, Path):
                    content.replace(final)
                else:
                    _write_whole(final, content)
            outputs = tuple(names.values())
            self._journal.add(done_now(self._domain.id, path, self._run, outputs, names[result], said))
        return self._journal.folder / names[result]

    def _names(self, path: Path, name: str, kinds: Iterable[str]) -> dict[str, str]:
        """Names for the results of a file.

        They carry what a file holds (``street-annotated.jpg``). No file of the person is written over, and no result
        of another file is: then ``street`` becomes ``street-2``.
        """
        assert self._journal is not None
        for number in itertools.count(1):
            shown = name if number == 1 else f"{Path(name).stem}-{number}"
            names = {kind: download_name(shown, *kind.split(".")) for kind in kinds}
            if not any(self._is_taken(each, path) for each in names.values()):
                return names
        raise AssertionError("there is always another number")

    def _is_taken(self, name: str, path: Path) -> bool:
        assert self._journal is not None
        if name.casefold() in self._written or self._journal.owned_by_another(name, self._domain.id, path):
            return True
        # What is there and is in no journal is the person's own; lexists, because a link that leads nowhere is too.
        return os.path.lexists(self._journal.folder / name) and not self._journal.owned(name)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _files(analysis: Analysis, drawn: Any) -> dict[str, bytes | Path]:
    """Everything about one picture or recording, by what it is."""
    from gallery.export.documents import columns, json_bytes, rows
    from gallery.export.tables import csv_bytes

    files: dict[str, bytes | Path] = {
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
    return files


#: Domains that can look at two frames beside each other with less work than one after the other.
_BESIDE = ("signs", "proximity")


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
