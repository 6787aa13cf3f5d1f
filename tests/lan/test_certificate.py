"""The certificate: what it says, how it is kept, and when it is made anew."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from gallery.errors import GalleryError
from gallery.lan import certificate

NAMES = ("localhost", "127.0.0.1", "laptop.local", "192.168.1.20")
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def test_it_says_what_browsers_want(tmp_path: Path) -> None:
    made = certificate.ensure(NAMES, tmp_path / "lan", NOW)
    loaded = x509.load_pem_x509_certificate(made.path.read_bytes())
    key = loaded.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    assert loaded.not_valid_before_utc <= NOW
    assert loaded.not_valid_after_utc - loaded.not_valid_before_utc <= 397 * DAY
    extensions = loaded.extensions
    alternative = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternative.get_values_for_type(x509.DNSName) == ["localhost", "laptop.local"]
    assert [str(a) for a in alternative.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "192.168.1.20"]
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert made.names == frozenset(NAMES)
    authority = x509.load_der_x509_certificate(made.authority)
    loaded.verify_directly_issued_by(authority)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    assert authority.public_key() != key and made.path.read_bytes().count(b"PRIVATE KEY-----") == 2  # one, both ends
    assert len(made.fingerprint) == 95 and set(made.fingerprint) <= set("0123456789ABCDEF:")


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_only_this_person_can_read_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "lan"
    folder.mkdir(mode=0o755)
    made = certificate.ensure(NAMES, folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert [p.name for p in folder.iterdir()] == ["certificate.pem"]


@pytest.mark.parametrize(
    ("names", "later", "kept"),
    [
        (NAMES, 0 * DAY, True),
        (NAMES[:2], 0 * DAY, True),
        (NAMES, 300 * DAY, True),
        (NAMES, 385 * DAY, False),
        (NAMES, 500 * DAY, False),
        (NAMES, -3 * DAY, False),  # the clock was set back: browsers would say that it is of the future
        ((*NAMES, "192.168.7.7"), 0 * DAY, False),
    ],
)
def test_it_is_kept_while_it_is_good(
    tmp_path: Path, names: tuple[str, ...], later: datetime.timedelta, kept: bool
) -> None:
    first = certificate.ensure(NAMES, tmp_path, NOW)
    second = certificate.ensure(names, tmp_path, NOW + later)
    assert (second.fingerprint == first.fingerprint) is kept
    assert set(names) <= second.names


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _open_to_all(path: Path) -> None:
    path.chmod(0o644)


def _other_key(path: Path) -> None:
    other = certificate.ensure(NAMES, path.parent / "other").path.read_bytes()
    end = b"-----END PRIVATE KEY-----\n"
    path.write_bytes(other.split(end)[0] + end + path.read_bytes().split(end)[1])


def _without_authority(path: Path) -> None:
    end = b"-----END CERTIFICATE-----\n"
    path.write_bytes(path.read_bytes().split(end)[0] + end)


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere.pem"))
    path.symlink_to(path.with_name("elsewhere.pem"))


@pytest.mark.skipif(os.name != "posix", reason="modes and links are of POSIX")
@pytest.mark.parametrize("harm", [_cut, _empty, _open_to_all, _other_key, _without_authority, _link])
def test_one_that_is_not_sound_is_made_anew(tmp_path: Path, harm) -> None:
    first = certificate.ensure(NAMES, tmp_path)
    harm(first.path)
    second = certificate.ensure(NAMES, tmp_path)
    assert second.fingerprint != first.fingerprint
    second.context()
    assert not second.path.is_symlink() and stat.S_IMODE(second.path.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GalleryError) as refused:
        certificate.ensure(NAMES, tmp_path / "file" / "lan")
    assert "GALLERY_CACHE" in str(refused.value)


def test_a_client_that_installed_the_authority_connects(tmp_path: Path) -> None:
    made = certificate.ensure(NAMES, tmp_path)
    trusting = ssl.create_default_context(cadata=made.authority)
    if hasattr(ssl, "VERIFY_X509_STRICT"):
        trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with made.context().wrap_socket(theirs, server_side=True) as server:
            server.sendall(b"hello")

    thread = threading.Thread(target=serve)
    thread.start()
    with trusting.wrap_socket(ours, server_hostname="192.168.1.20") as client:
        assert client.recv(5) == b"hello"
        shown = client.getpeercert(binary_form=True)
        assert shown is not None and certificate.fingerprint(shown) == made.fingerprint
    thread.join()
