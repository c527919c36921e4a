"""Reads time stamps (RFC 3161) and checks that they are of given bytes and signed by a given certificate.

Only as much DER (X.690) and CMS (RFC 5652) as a time stamp consists of; whatever else comes is an error, never a crash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from archiver.errors import DamagedFile

_SEQUENCE, _SET, _OCTETS, _OID, _TIME, _TAG_0 = 0x30, 0x31, 0x04, 0x06, 0x18, 0xA0

#: Object identifiers as they are in DER.
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_HASHES: dict[bytes, hashes.HashAlgorithm] = {
    bytes.fromhex("2b0e03021a"): hashes.SHA1(),
    bytes.fromhex("608648016503040201"): hashes.SHA256(),
    bytes.fromhex("608648016503040202"): hashes.SHA384(),
    bytes.fromhex("608648016503040203"): hashes.SHA512(),
}
_GENERALIZED_TIME = re.compile(rb"(\d{14})(?:\.(\d{1,6})\d*)?Z")


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What a time stamp says, unchecked.

    Attributes:
        at: the time, UTC.
        algorithm: of the hash of what was stamped.
        imprint: that hash.
        info: what was signed.
        signed_attributes: of the signature, as they were signed; empty for none.
        signature: of `signed_attributes`, or of `info` where there are none.
        signature_hash: its hash algorithm.
        message_digest: hash of `info` in the signed attributes; empty for none.
    """

    at: datetime
    algorithm: hashes.HashAlgorithm
    imprint: bytes
    info: bytes
    signed_attributes: bytes
    signature: bytes
    signature_hash: hashes.HashAlgorithm
    message_digest: bytes

    def is_of(self, data: bytes) -> bool:
        """It was made for exactly these bytes."""
        return _hash(self.algorithm, data) == self.imprint

    def is_signed_by(self, certificate: x509.Certificate) -> bool:
        """It was signed with the key of that certificate."""
        if self.signed_attributes and _hash(self.signature_hash, self.info) != self.message_digest:
            return False
        signed = self.signed_attributes or self.info
        key = certificate.public_key()
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(self.signature, signed, padding.PKCS1v15(), self.signature_hash)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(self.signature, signed, ec.ECDSA(self.signature_hash))
            else:
                return False
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Item:
    """One value in DER: its tag, its content, and both together as they are."""

    tag: int
    content: bytes
    raw: bytes


def parse_time_stamp(data: bytes) -> TimeStamp:
    """Read a TimeStampResp (RFC 3161, section 2.4.2), or the token alone.

    Raises:
        DamagedFile: it is none.
    """
    try:
        parts = _inside(_only(data))
        token = parts[0] if parts[0].tag == _OID else None
        signed = _inside(_unwrapped(parts if token else _inside(parts[1]), _SIGNED_DATA))
        content = _inside(next(item for item in signed[1:] if item.tag == _SEQUENCE))
        info = _octets(_unwrapped(content, _TST_INFO))
        said = _inside(_only(info))
        imprint = _inside(said[2])
        signer = _inside(_inside(signed[-1])[0])
        return _time_stamp(info, said, imprint, signer)
    except (IndexError, ValueError, KeyError, StopIteration) as error:
        raise DamagedFile("The time stamp cannot be read.") from error


def _time_stamp(info: bytes, said: list[_Item], imprint: list[_Item], signer: list[_Item]) -> TimeStamp:
    moment = _GENERALIZED_TIME.fullmatch(next(item.content for item in said if item.tag == _TIME))
    if moment is None:
        raise ValueError("time")
    at = datetime.strptime(moment.group(1).decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    place = next((number for number, item in enumerate(signer) if item.tag == _TAG_0), None)
    attributes = signer[place] if place is not None else None
    digest = b""
    for item in _inside(attributes) if attributes is not None else ():
        name, values, *_ = _inside(item)
        if name.content == _MESSAGE_DIGEST:
            digest = _inside(values)[0].content
    # What was signed is the attributes as a SET (RFC 5652, section 5.4), which is not the tag that they have in here.
    signed = bytes([_SET]) + attributes.raw[1:] if attributes is not None else b""
    return TimeStamp(
        at=at,
        algorithm=_HASHES[_inside(imprint[0])[0].content],
        imprint=imprint[1].content,
        info=info,
        signed_attributes=signed,
        signature=next(item.content for item in signer[3:] if item.tag == _OCTETS),
        signature_hash=_HASHES[_inside(signer[2])[0].content],
        message_digest=digest,
    )


def _hash(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    return hashlib.new(algorithm.name, data, usedforsecurity=False).digest()


def _unwrapped(content: list[_Item], kind: bytes) -> _Item:
    """What a ContentInfo of a certain kind contains."""
    if content[0].tag != _OID or content[0].content != kind:
        raise ValueError("kind")
    return _only(content[1].content)


def _octets(item: _Item) -> bytes:
    return item.content if item.tag == _OCTETS else b"".join(part.content for part in _inside(item))


def _only(data: bytes) -> _Item:
    return next(_items(data))


def _inside(item: _Item) -> list[_Item]:
    if not item.tag & 0x20:
        raise ValueError("primitive")
    return list(_items(item.content))


def _items(data: bytes) -> Iterator[_Item]:
    """The values in some bytes, one behind the other; only lengths that are said."""
    place = 0
    while place < len(data):
        tag, length, start = data[place], data[place + 1], place + 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("length")
            length, start = int.from_bytes(data[start : start + count], "big"), start + count
        end = start + length
        if end > len(data):
            raise ValueError("length")
        yield _Item(tag, data[start:end], data[place:end])
        place = end
