"""``python -m gallery``: serve the app (the default), analyse files, manage models and samples."""

from __future__ import annotations

import argparse
import atexit
import contextlib
import os
import sys
from pathlib import Path

from gallery import __version__
from gallery.errors import GalleryError
from gallery.zoo import offline

#: What a shell reports of a program whose reader went away.
_SIGPIPE = 128 + 13


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    from gallery.cli import analyse, models, samples, serve

    top = argparse.ArgumentParser(prog="python -m gallery", description="The Deep Learning Gallery.")
    top.add_argument("--version", action="version", version=__version__)
    top.add_argument("--models", type=Path, metavar="DIR", help="look for weights in this folder first")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for module in (serve, analyse, models, samples):
        module.add_parser(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    from gallery.cli import analyse, models, samples, serve

    _with_streams()
    given = sys.argv[1:] if arguments is None else arguments
    top = parser()
    args = top.parse_args(given)
    if args.command is None:
        args = top.parse_args([*given, "serve"])
    if getattr(args, "models", None):
        os.environ["GALLERY_MODELS"] = str(args.models.expanduser().resolve())
    offline.apply()
    runs = {"serve": serve.run, "analyse": analyse.run, "models": models.run, "samples": samples.run}
    try:
        return runs[args.command](args)
    except GalleryError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough, as ``head`` does
        return _SIGPIPE
    except OSError as error:
        if os.environ.get("GALLERY_DEBUG") == "1":
            raise
        place = f" ({error.filename})" if error.filename else ""
        print(f"The disk or the network refused: {error.strerror or error}{place}.", file=sys.stderr)
        return 1


def _with_streams() -> None:
    """Where the caller closed an output (``>&-``), write into nothing, as there is nobody to read it."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (as long as the program)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def leave(status: int) -> None:
    """End the program, with everything said and tidied up, but without taking the interpreter apart.

    A thread that is inside a native library at that moment (a model that is being loaded, a frame in the network) would
    bring the program down with an abort when it comes back to an interpreter that is gone.
    """
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError):  # whoever read our output has gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    try:
        _status: object = main()
    except SystemExit as _ended:  # --help, --version, or arguments that are wrong
        _status = _ended.code
    leave(_status if isinstance(_status, int) else 0)
