"""``python -m gallery serve``: fetch what models are missing, then serve the app.

On this computer only; with ``--lan`` on the local network, over https and behind a passcode.
"""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gallery.errors import GalleryError, PortInUse
from gallery.lan.passcode import VARIABLE, Passcode
from gallery.lan.sharing import Sharing
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
    parser.add_argument(
        "--lan",
        action="store_true",
        help="share on the local network over https; visitors type the passcode that is printed (or is in "
        "GALLERY_PASSCODE)",
    )
    parser.add_argument("--qr", action="store_true", help="with --lan: print the QR code even when not on a terminal")


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C; the exit status.

    Raises:
        PortInUse: another program listens on the port.
        OptionError: with ``--lan``, the chosen passcode cannot be used.
    """
    ask_nobody()
    if args.lan:
        return _share(args)
    check_port(args.port)
    if not args.offline:
        pull()
    os.environ.setdefault("GALLERY_WARM", "1")
    threading.Thread(target=_announce, args=(args.port, args.open), name="announce", daemon=True).start()
    return _streamlit(args.port)


def ask_nobody() -> None:
    """Keep Streamlit from asking an outside service for this machine's address.

    It would at every connection that comes from the page of another web site, before it refuses it.
    """
    from streamlit import net_util

    net_util.get_external_ip = lambda: None


def check_port(port: int) -> None:
    """See that nothing else listens there.

    Raises:
        PortInUse: something does.
    """
    _bound(ADDRESS, port, "serve").close()


def _bound(address: str, port: int, command: str) -> socket.socket:
    """A socket that holds the port."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # on Windows this option would let two programs share a port
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((address, port))
    except OSError as error:
        held.close()
        if error.errno == errno.EACCES and port < 1024:
            raise PortInUse(
                f"Only an administrator may use port {port}.",
                f"Choose another port: python -m gallery {command} --port {PORT}",
            ) from error
        raise PortInUse(
            f"Another program already uses port {port}, perhaps a gallery that is still running.",
            f"Stop it, or choose another port: python -m gallery {command} --port {port + 1 if port < 65535 else 8502}",
        ) from error
    return held


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


def _share(args: argparse.Namespace) -> int:
    """Serve on the local network: Streamlit's app behind the gate, https by our own front."""
    from gallery.lan import addresses, certificate, passcode, server, sharing

    code = passcode.chosen() or passcode.make()
    check_port(args.port)
    with _bound(server.EVERYWHERE, args.port, "serve --lan") as listening:
        found = addresses.local_addresses()
        names = addresses.names(found, addresses.host_name())
        shown = certificate.ensure(names)
        # The certificate may still cover addresses of yesterday; the gallery answers to those of today only.
        shared = sharing.Sharing(args.port, tuple(str(a.ip) for a in found), frozenset(names), shown.fingerprint)
        if not args.offline:
            pull()
        os.environ.setdefault("GALLERY_WARM", "1")
        sharing.begin(shared)

        def ready() -> None:
            _invite(shared, code, args.qr)
            if args.open:
                webbrowser.open(shared.url(ADDRESS))

        app, most = _app(server.EVERYWHERE, args.port, shared.names, shown.path)
        server.serve(app, listening, shared, shown, code, found, most_message_bytes=most, ready=ready)
    return 0


def _app(address: str, port: int, names: Iterable[str], pem: Path) -> tuple[Any, int]:
    """Streamlit's app for a server of our own, and how many bytes one of its messages may have."""
    import streamlit as st
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.web import bootstrap

    PagesManager.uses_pages_directory = False  # as in _streamlit
    app = st.App(paths.PROJECT / "app.py")
    bootstrap.load_config_options(
        {
            "server.address": address,
            "server.port": port,
            "server.allowedHosts": sorted(names),
            "server.headless": True,
            "server.fileWatcherType": "none",
            # Not used to encrypt, that is done before; it tells Streamlit that its cookies are for https only.
            "server.sslCertFile": str(pem),
            "server.sslKeyFile": str(pem),
            "browser.gatherUsageStats": False,
            "browser.serverAddress": ADDRESS,
            "logger.hideWelcomeMessage": True,
        }
    )
    return app, int(st.get_option("server.maxMessageSize")) * 1_000_000


def _invite(shared: Sharing, code: Passcode, always_qr: bool) -> None:
    """Say where the gallery is open, and how others come in."""
    from gallery.lan import qr

    urls = shared.urls()
    if urls:
        print("The gallery is shared on the local network. Open it on a phone or another computer:", flush=True)
        print(*(f"  {url}" for url in urls), sep="\n")
        screen = sys.stdout.isatty()
        if always_qr or screen:
            print(qr.terminal(urls[0], sys.stdout.encoding or "ascii", colours=screen))
    else:
        print(
            "This computer has no address on a local network, so no other machine can open the gallery. Connect it to "
            f"a network and start again.\nOn this computer it is open at {shared.url(ADDRESS)}"
        )
    print(f"Passcode: {code.text}" if code.made else f"The passcode is the one from {VARIABLE}.")
    print(
        "Browsers warn once, because this computer made the certificate itself. To compare, its SHA-256 fingerprint:\n"
        f"  {shared.fingerprint}\nCtrl-C stops it.",
        flush=True,
    )


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; choose a number from 1 to 65535")
    return port
