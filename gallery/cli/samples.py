"""``python -m gallery samples``: which samples there are, and fetching those that do not come with the gallery."""

from __future__ import annotations

import argparse
import sys

from gallery.errors import DiskFull, GalleryError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command ``samples`` and its parts."""
    parser = subparsers.add_parser("samples", help="list and fetch samples", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    what = "show the samples, their licences, and which of them are on this machine"
    actions.add_parser("list", help=what, description=what)
    what = "fetch samples that are not on this machine (all, or those named)"
    pull = actions.add_parser("pull", help=what, description=what)
    pull.add_argument("ids", nargs="*", metavar="ID", help="samples by id; all where none is named")


def run(args: argparse.Namespace) -> int:
    """Run one part and return the exit status: 0, or 1 where a sample cannot be had."""
    return _list() if args.action == "list" else _pull(args.ids)


def _list() -> int:
    from gallery.cli.models import table
    from gallery.samples import all_samples, offline
    from gallery.wording import human_bytes

    rows: list[tuple[str, ...]] = [("id", "domain", "title", "size", "here", "made by", "licence")]
    for sample in all_samples():
        here = "yes" if offline(sample) else "no"
        maker = "a program" if sample.synthetic else "people"
        rows.append((sample.id, sample.domain, sample.title, human_bytes(sample.bytes), here, maker, sample.licence))
    print(table(rows))
    return 0


def _pull(ids: list[str]) -> int:
    from gallery.samples import all_samples, fetch, get, offline
    from gallery.wording import human_bytes

    failed = 0
    for sample_id in dict.fromkeys(ids or [sample.id for sample in all_samples()]):
        try:
            sample = get(sample_id)
            already = offline(sample)
            path = fetch(sample)
            print(f"{sample_id}: {'is here' if already else 'fetched'}, {human_bytes(sample.bytes)}, {path}")
        except DiskFull as error:
            print(f"{sample_id}: {error}", file=sys.stderr)
            return 1  # the next one would not fit either
        except GalleryError as error:
            failed += 1
            print(f"{sample_id}: {error}", file=sys.stderr)
    return 1 if failed else 0
