"""A certificate that this machine makes for itself, so that browsers speak https with it.

No authority that browsers know vouches for it: a browser warns once, and the fingerprint is what a person can compare.
iPhones and iPads open no web sockets that way; they need an authority that can be installed. So the certificate is
signed by an authority of its own, whose key is thrown away at once: it can never vouch for anything else. Key and both
certificates lie in one file, so that they can never be of different makings.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import ssl
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gallery.zoo import paths
from gallery.zoo.integrity import disk_errors

if TYPE_CHECKING:
    from cryptography import x509

#: Browsers of phones refuse certificates that are valid for longer than 398 days.
DAYS = 397
#: One that would end during a course or a fair is made anew before.
_LEFT = datetime.timedelta(days=14)
_FILE = "certificate.pem"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key.

    Attributes:
        path: PEM file with the key, the certificate, and the one of its authority.
        authority: the authority's certificate (DER), for installing.
        fingerprint: SHA-256 of the certificate in pairs of hexadecimal digits, as browsers show it.
        names: host names and addresses that it is valid for.
        begins: from when it is valid (UTC); a clock that was set back makes it one of the future.
        ends: until when (UTC).
    """

    path: Path
    authority: bytes
    fingerprint: str
    names: frozenset[str]
    begins: datetime.datetime
    ends: datetime.datetime

    def context(self) -> ssl.SSLContext:
        """Settings for a server that shows this certificate: TLS 1.2 or newer, HTTP/1.1."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.path)
        context.set_alpn_protocols(["http/1.1"])
        return context


def folder() -> Path:
    """Where it is kept; safe to delete, a new one is made then and browsers warn again."""
    return paths.cache_dir() / "lan"


def ensure(names: Sequence[str], where: Path | None = None, now: datetime.datetime | None = None) -> Certificate:
    """The kept certificate while it is valid and covers all names, else a new one.

    Args:
        names: host names and addresses that browsers will use.
        where: folder to keep it in; :func:`folder` when not given.
        now: the present (UTC), for tests.

    Raises:
        DiskFull: it cannot be kept.
    """
    where = where or folder()
    now = now or datetime.datetime.now(datetime.UTC)
    path = where / _FILE
    kept = _kept(path)
    if kept is not None and set(names) <= kept.names and kept.ends - now > _LEFT and kept.begins <= now:
        return kept
    with disk_errors(where):
        where.mkdir(parents=True, exist_ok=True)
        where.chmod(0o700)
        _write(path, _made(names, now))
    made = _kept(path)
    assert made is not None, "what was just written can be read"
    return made


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate in pairs of hexadecimal digits: ``AB:CD:…``."""
    return hashlib.sha256(der).digest().hex(":").upper()


def _kept(path: Path) -> Certificate | None:
    """The certificate in a file; None when there is none, others can read its key, or it is not whole."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import serialization

    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode):
            return None
        if os.name == "posix" and (about.st_uid != os.getuid() or stat.S_IMODE(about.st_mode) & 0o077):
            return None
        pem = path.read_bytes()
        certificate, authority = x509.load_pem_x509_certificates(pem)
        certificate.verify_directly_issued_by(authority)
        key = serialization.load_pem_private_key(pem, None)
        if key.public_key() != certificate.public_key():
            return None
        covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return None
    names = [str(n) for n in covered.get_values_for_type(x509.DNSName)]
    names += [str(a) for a in covered.get_values_for_type(x509.IPAddress)]
    return Certificate(
        path,
        authority.public_bytes(serialization.Encoding.DER),
        fingerprint(certificate.public_bytes(serialization.Encoding.DER)),
        frozenset(names),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )


def _made(names: Sequence[str], now: datetime.datetime) -> bytes:
    """PEM of a new key, its certificate, and the authority's certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    # A day of the past: the clocks of phones differ.
    begins = (now - datetime.timedelta(days=1)).replace(microsecond=0)
    key, signing = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = named(f"Deep Learning Gallery, made here on {now:%Y-%m-%d}")
    unused = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip

    def begun(subject: x509.Name, public: ec.EllipticCurvePublicKey, *, authority: bool) -> x509.CertificateBuilder:
        usage = x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **unused)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + datetime.timedelta(days=DAYS))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        )

    certificate = (
        begun(named("Deep Learning Gallery"), key.public_key(), authority=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(signing, hashes.SHA256())
    )
    authority = begun(issuer, signing.public_key(), authority=True).sign(signing, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # of the certificate only; the one that signed is not kept
    return secret + b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (certificate, authority))


def _general(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes) -> None:
    """Put a file in place as a whole, never readable by others on the way (``mkstemp`` makes it 0600)."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".certificate-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
