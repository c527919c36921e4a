"""Checks the signature of a WACZ package and says what was found; whom to trust is for people to decide.

specs.webrecorder.net/wacz-auth 0.1.0: a signature by a key that nobody vouches for (ArchiveWeb.page), or by the key of a
domain's TLS certificate, with a time stamp (authsign).
"""

from __future__ import annotations

import base64
import binascii
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from archiver.errors import DamagedFile, InvalidTimestamp
from archiver.plaintext import one_line
from archiver.timestamps import parse_iso, to_iso
from archiver.wacz.package import PackageDigest, same_hash
from archiver.wacz.timestamping import parse_time_stamp

#: How far the time stamp may be from the time that the signature gives (wacz-auth, domain-name validation, step 7).
_MOST_APART = timedelta(minutes=10)
_MOST_CERTIFICATES = 16


@dataclass
class Signature:
    """What was found.

    Attributes:
        kind: "none", "anonymous" (by a key), "domain" (by a certificate) or "unknown".
        is_valid: the signature is that of this manifest by that key; says nothing of who has the key.
        key: SHA-256 of the public key, hexadecimal.
        domain: that the certificate is of; "" unless it was checked.
        stamped_at: when it was made by a time stamp that is right; None without one.
        is_trusted: the certificate's chain leads to a root that this machine trusts.
        findings: everything that was checked, a sentence each.
    """

    kind: str = "none"
    is_valid: bool = False
    key: str = ""
    domain: str = ""
    stamped_at: datetime | None = None
    is_trusted: bool = False
    findings: list[str] = field(default_factory=list)


def check_signature(digest: PackageDigest | None, manifest_hash: str, roots: Mapping[bytes, x509.Certificate]) -> Signature:
    """Check what datapackage-digest.json says.

    Args:
        digest: as read; None when there is none.
        manifest_hash: of datapackage.json as it is.
        roots: trusted certificates by their subject in DER.
    """
    if digest is None or digest.signed is None:
        return Signature(findings=["It is not signed."])
    signed = digest.signed
    found = Signature("unknown")
    if not same_hash(_text(signed, "hash"), manifest_hash):
        found.findings.append("The signature is of another manifest than that of this package.")
    key: Any = None
    try:
        if signed.get("domainCert"):
            found.kind = "domain"
            key = _check_certificates(found, signed, roots)
        elif signed.get("publicKey"):
            found.kind = "anonymous"
            key = serialization.load_der_public_key(_base64(signed, "publicKey"))
    except (ValueError, UnsupportedAlgorithm, DamagedFile) as error:
        found.findings.append(f"The key of the signature cannot be read ({one_line(str(error))[:80] or 'no key'}).")
    if isinstance(key, ec.EllipticCurvePublicKey):
        _check_hash(found, signed, key)
        if found.kind == "domain":
            _check_time(found, signed, roots)
    elif key is not None:
        found.findings.append("The key of the signature is not of the kind that packages are signed with (ECDSA).")
    elif found.kind == "unknown":
        found.findings.append("It has a signature of a form that is not known.")
    found.is_valid = found.is_valid and same_hash(_text(signed, "hash"), manifest_hash)
    return found


def _check_hash(found: Signature, signed: Mapping[str, Any], key: ec.EllipticCurvePublicKey) -> None:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    found.key = digest.finalize().hex()
    try:
        found.is_valid = _is_by(key, _base64(signed, "signature"), _text(signed, "hash").encode())
    except DamagedFile:
        found.is_valid = False
    software = one_line(_text(signed, "software"))
    said = f" by {software}" if software else ""
    created = one_line(_text(signed, "created"))
    if not found.is_valid:
        found.findings.append("The signature is wrong: it was not made with that key for this manifest.")
    elif found.kind == "anonymous":
        found.findings.append(
            f"Signed{said} on {created or 'an unknown date'} with the key {found.key[:16]}…; the signature is right. "
            "The package cannot prove whose key that is."
        )
    else:
        found.findings.append(f"Signed{said} with the key of the certificate; the signature is right.")


def _is_by(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """In DER (authsign), or as the two numbers in a row, as browsers write it (ArchiveWeb.page)."""
    forms = [signature]
    half = (key.curve.key_size + 7) // 8
    if len(signature) == 2 * half:
        forms.append(encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")))
    for form in forms:
        try:
            key.verify(form, data, ec.ECDSA(hashes.SHA256()))
            return True
        except InvalidSignature:
            continue
    return False


def _check_certificates(found: Signature, signed: Mapping[str, Any], roots: Mapping[bytes, x509.Certificate]) -> Any:
    """Look at the certificate and its chain; the key of the certificate."""
    chain = _chain(signed, "domainCert")
    leaf = chain[0]
    said = one_line(_text(signed, "domain"))
    names = _names(leaf)
    if said and said.lower() in names:
        found.domain = said.lower()
        found.findings.append(f"The certificate is that of {said}.")
    else:
        found.findings.append(f"The package says that {said or 'nobody'} signed it; the certificate is of {', '.join(names)}.")
    created = _date(signed, "created")
    if created is None or not leaf.not_valid_before_utc <= created <= leaf.not_valid_after_utc:
        found.findings.append("The certificate was not valid at the time that the signature gives.")
    is_whole, root = _leads_to(chain, roots)
    found.is_trusted = is_whole and root is not None
    if not is_whole:
        found.findings.append("The certificates of its chain did not issue each other.")
    elif root is None:
        found.findings.append("The chain of the certificate leads to no root that this machine trusts.")
    else:
        found.findings.append(f"The chain of the certificate leads to a trusted root: {_name(root)}.")
    if signed.get("crossSignedCert"):
        other = _chain(signed, "crossSignedCert")[0]
        is_same = other.public_key() == leaf.public_key()
        found.findings.append(f"A second certificate is of {'the same' if is_same else 'another'} key.")
    return leaf.public_key()


def _check_time(found: Signature, signed: Mapping[str, Any], roots: Mapping[bytes, x509.Certificate]) -> None:
    if not signed.get("timeSignature"):
        found.findings.append("It has no time stamp.")
        return
    try:
        stamp = parse_time_stamp(_base64(signed, "timeSignature"))
        chain = _chain(signed, "timestampCert")
    except (DamagedFile, ValueError):
        found.findings.append("Its time stamp cannot be read.")
        return
    if not stamp.is_of(_text(signed, "signature").encode()) or not stamp.is_signed_by(chain[0]):
        found.findings.append("Its time stamp is wrong: it is of something else, or by somebody else than it says.")
        return
    found.stamped_at = stamp.at
    is_whole, root = _leads_to(chain, roots)
    known = (
        f"leads to a trusted root, {_name(root)}"
        if is_whole and root is not None
        else "leads to no root that this machine trusts"
    )
    found.findings.append(f"A time stamp by {_name(chain[0])} is right: {to_iso(stamp.at, 0)}; its certificate {known}.")
    created = _date(signed, "created")
    if created is None or abs(stamp.at - created) > _MOST_APART:
        found.findings.append("The time stamp is more than ten minutes from the time that the signature gives.")


# -- certificates ----------------------------------------------------------------------------------------------------


def trusted_roots() -> dict[bytes, x509.Certificate]:
    """The roots that this machine trusts for the Web, by their subject in DER."""
    import certifi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some roots are older than the rules for serial numbers
        found = x509.load_pem_x509_certificates(Path(certifi.where()).read_bytes())
    return {certificate.subject.public_bytes(): certificate for certificate in found}


def _chain(signed: Mapping[str, Any], name: str) -> list[x509.Certificate]:
    """The certificates in a member of the signature, at least one."""
    try:
        chain = x509.load_pem_x509_certificates(_text(signed, name).encode())
    except ValueError as error:
        raise DamagedFile("a certificate is damaged") from error
    if not 1 <= len(chain) <= _MOST_CERTIFICATES:
        raise DamagedFile("too many certificates")
    return chain


def _leads_to(chain: list[x509.Certificate], roots: Mapping[bytes, x509.Certificate]) -> tuple[bool, x509.Certificate | None]:
    """Whether each certificate issued the one before, and the trusted root at the end of them."""
    for issued, issuer in pairwise(chain):
        if not _issued(issuer, issued):
            return False, None
    last = chain[-1]
    root = roots.get(last.subject.public_bytes())
    if root is not None and root.public_key() == last.public_key():
        return True, root
    root = roots.get(last.issuer.public_bytes())
    return True, root if root is not None and _issued(root, last) else None


def _issued(issuer: x509.Certificate, issued: x509.Certificate) -> bool:
    try:
        issued.verify_directly_issued_by(issuer)
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    return constraints.ca


def _names(certificate: x509.Certificate) -> list[str]:
    """The domains that a certificate is of, lower case."""
    names: list[str] = []
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += [one_line(name).lower() for name in listed.get_values_for_type(x509.DNSName)]
    except (x509.ExtensionNotFound, ValueError):
        pass
    return list(dict.fromkeys([*names, _name(certificate).lower()]))


def _name(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return one_line(str(found[0].value)) if found else one_line(certificate.subject.rfc4514_string()) or "nobody"


# -- members of the signature ----------------------------------------------------------------------------------------


def _text(signed: Mapping[str, Any], name: str) -> str:
    value = signed.get(name)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _base64(signed: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(_text(signed, name), validate=False)
    except (binascii.Error, ValueError) as error:
        raise DamagedFile(f"{name} is no Base64") from error


def _date(signed: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return parse_iso(_text(signed, name)).astimezone(UTC)
    except InvalidTimestamp:
        return None
