"""FFmpeg opened on one file and nothing else.

The file is handed over without a name, every attempt to open another (playlists, lists of parts, tracks that lie in
other files) is refused, and FFmpeg may use neither a protocol nor a decoder that its caller did not list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from av.container import InputContainer


class Nameless:
    """A file for FFmpeg to read that has no name, so that names in a file mean nothing relative to it."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


class Outside(Exception):
    """A file asked for another one."""


def refuse(url: str, flags: int, options: dict[str, str]) -> Any:
    """Open nothing."""
    raise Outside


def open_container(
    file: BinaryIO, demuxer: str, decoders: Iterable[str], options: Mapping[str, str] | None = None
) -> InputContainer:
    """Open a file with one demuxer.

    Args:
        file: an open file; read from its beginning.
        demuxer: FFmpeg's name of the only format that is tried.
        decoders: FFmpeg's names of the decoders that may be used to look into the file.
        options: further options for FFmpeg.

    Raises:
        Outside: the file asks for other files.
        av.FFmpegError: the file cannot be read as this format.
    """
    import av  # FFmpeg takes a while to load, so only when there is a use for it

    settings = {
        "protocol_whitelist": "none",
        "codec_whitelist": ",".join(sorted(decoders)),
        "enable_drefs": "0",  # QuickTime tracks that lie in other files
        "use_absolute_path": "0",
        **(options or {}),
    }
    name = av.ContainerFormat(demuxer, "r").name
    return av.open(Nameless(file), "r", format=name, options=settings, metadata_errors="replace", io_open=refuse)
