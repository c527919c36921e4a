"""The certificate authority of proxy mode: made once for an archive, it vouches for every host that is asked for."""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from archiver.errors import StorageFailed, UsageError
from archiver.index.database import alone

#: In the archive home.
FOLDER = "proxy"
CERTIFICATE_FILE = "ca.pem"
_KEY_FILE = "ca.key"

_AUTHORITY_DAYS = 3650
#: Browsers refuse certificates of servers that are valid for more than 398 days, or would like to.
_LEAF_DAYS = 90
#: Clocks differ.
_EARLIER = timedelta(days=1)
_HOSTS_KEPT = 256
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*")


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Authority:
    """Vouches for hosts.

    Args:
        certificate: of the authority.
        key: its own.
        clock: the time, UTC.
    """

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, clock: Callable[[], datetime]) -> None:
        self._own = _Pair(certificate, key)
        self._clock = clock
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._of_month = lru_cache(maxsize=_HOSTS_KEPT)(self._context)

    @property
    def pem(self) -> bytes:
        """The certificate that clients are to trust, as text."""
        return self._own.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The same in binary."""
        return self._own.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as browsers show it."""
        return self._own.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def context(self, host: str) -> ssl.SSLContext:
        """For a TLS server that is `host`, or what the client calls it.

        Args:
            host: name (ASCII) or IP address, IPv6 without brackets.

        Raises:
            UsageError: no certificate can be made for that name.
        """
        return self._of_month(host.lower().rstrip("."), f"{self._clock():%Y-%m}")

    def _context(self, host: str, _month: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = self._called
        with NamedTemporaryFile(prefix="muniment-") as chain:  # the ssl module reads nothing but files
            chain.write(_as_text(self._leaf_key) + self._leaf(host).public_bytes(serialization.Encoding.PEM) + self.pem)
            chain.flush()
            context.load_cert_chain(chain.name)
        return context

    def _called(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
        if name and _HOST.fullmatch(name.lower()):
            connection.context = self.context(name)

    def _leaf(self, host: str) -> x509.Certificate:
        return _signed(self._own, "Muniment proxy", self._leaf_key, self._clock(), _LEAF_DAYS, _alternative(host))


def _alternative(host: str) -> x509.GeneralName:
    """How a certificate names a host."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not _HOST.fullmatch(host):
            raise UsageError(f"“{host[:100]}” is not the name of a host.") from None
        return x509.DNSName(host)


def open_authority(home: Path, clock: Callable[[], datetime]) -> Authority:
    """The authority of an archive, made the first time.

    Args:
        home: the archive folder.
        clock: the time, UTC.

    Raises:
        StorageFailed: it cannot be read or written, or its time is over.
    """
    folder = home / FOLDER
    try:
        with alone(home, "proxy"):
            if not (folder / CERTIFICATE_FILE).exists():
                _make(folder, clock())
        certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE_FILE).read_bytes())
        key = serialization.load_pem_private_key((folder / _KEY_FILE).read_bytes(), None)
    except OSError as error:
        raise StorageFailed(f"The certificate authority of the proxy cannot be used: {error.strerror}.", _ADVICE) from error
    except (ValueError, TypeError) as error:
        raise StorageFailed("The certificate authority of the proxy cannot be read.", _ADVICE) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise StorageFailed("The key of the proxy's certificate authority is not that of its certificate.", _ADVICE)
    if certificate.not_valid_after_utc < clock() + timedelta(days=_LEAF_DAYS):
        raise StorageFailed("The time of the proxy's certificate authority is over.", _ADVICE)
    return Authority(certificate, key, clock)


_ADVICE = f"Remove the folder “{FOLDER}” of the archive; another is made, which browsers have to be told to trust."


def _make(folder: Path, now: datetime) -> None:
    """A new authority; the certificate is written last, so that it is there only when the key is."""
    folder.mkdir(mode=0o700, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:8]
    certificate = _signed(None, f"Muniment proxy authority {mark}", key, now, _AUTHORITY_DAYS, None)
    pem = _as_text(key)
    (folder / _KEY_FILE).unlink(missing_ok=True)
    (folder / _KEY_FILE).touch(mode=0o600)
    (folder / _KEY_FILE).write_bytes(pem)
    beside = folder / f"{CERTIFICATE_FILE}.new"
    beside.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    beside.replace(folder / CERTIFICATE_FILE)


def _as_text(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _signed(
    issuer: _Pair | None,
    name: str,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
    host: x509.GeneralName | None,
) -> x509.Certificate:
    """A certificate (RFC 5280) of a host by its issuer, or of an authority by itself."""
    public = key.public_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    is_authority = issuer is None
    signer = issuer.key.public_key() if issuer else public
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_authority, key_cert_sign=is_authority, crl_sign=is_authority,
                content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
                encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )  # fmt: skip
    if host is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([host]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer.key if issuer else key, hashes.SHA256())
