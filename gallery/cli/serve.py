"""``python -m gallery serve``: fetch what models are missing, then serve the app on this computer only."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path
from typing import Any

from gallery.errors import GalleryError, PortInUse
from gallery.media.source import human_bytes
from gallery.zoo import paths

ADDRESS = "127.0.0.1"
PORT = 8501


def add_parser(subparsers: Any) -> None:
    """Add ``serve``."""
    parser = subparsers.add_parser("serve", help="start the app (the default)", description=__doc__)
    parser.add_argument("--port", type=_port, default=PORT, help="default: %(default)s")
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,  # otherwise it would undo the option of the same name before the command
        help="look for weights in this folder first",
    )
    parser.add_argument("--offline", action="store_true", help="start without fetching models")
    parser.add_argument("--open", action="store_true", help="open the app in a browser")


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C; the exit status.

    Raises:
        PortInUse: another program listens on the port.
    """
    check_port(args.port)
    if not args.offline:
        pull()
    os.environ.setdefault("GALLERY_WARM", "1")
    threading.Thread(target=_announce, args=(args.port, args.open), name="announce", daemon=True).start()
    return _streamlit(args.port)


def check_port(port: int) -> None:
    """See that nothing else listens there.

    Raises:
        PortInUse: something does.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":  # on Windows this option would let two programs share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise PortInUse(
                f"Another program already uses port {port}, perhaps a gallery that is still running.",
                f"Stop it, or choose another port: python -m gallery serve --port {port + 1 if port < 65535 else 8502}",
            ) from error


def pull() -> int:
    """Fetch every model that is missing, with progress on the terminal; how many could not be had."""
    from gallery.cli.models import ProgressLine
    from gallery.zoo import registry, store

    absent = 0
    for entry in registry.load():
        if store.status(entry).state == "present":
            continue
        print(f"Fetching {entry.title} ({human_bytes(entry.bytes)})", flush=True)
        line = ProgressLine(sys.stdout)
        try:
            store.ensure(entry.id, progress=line)
            line.end()
        except GalleryError as error:  # a full disk too: what is here already can still be used
            absent += 1
            line.end()
            print(f"  {error}\n  The gallery starts without it.", flush=True)
    return absent


def _announce(port: int, open_browser: bool) -> None:
    """Say the address as soon as the app answers there."""
    address = f"http://{ADDRESS}:{port}"
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                break
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    else:
        return
    print(f"The gallery is open at {address}\nIt runs on this computer only. Ctrl-C stops it.", flush=True)
    if open_browser:
        webbrowser.open(address)


def _streamlit(port: int) -> int:
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.web import cli

    # app.py names the pages. Until it has run once, Streamlit would show the files of pages/ by their names instead.
    PagesManager.uses_pages_directory = False
    arguments = [
        "run",
        str(paths.PROJECT / "app.py"),
        f"--server.address={ADDRESS}",
        f"--server.port={port}",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
        f"--browser.serverAddress={ADDRESS}",
        "--logger.hideWelcomeMessage=true",
    ]
    try:
        cli.main(args=arguments, prog_name="gallery", standalone_mode=False)
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; choose a number from 1 to 65535")
    return port
