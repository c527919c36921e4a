"""Digest fields: what they say, and whether bytes are what they say."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_SHA1_BASE32 = re.compile(r"sha1:([A-Z2-7]{32})")
#: From the digits of base32 (RFC 4648) to those that Python counts in.
TO_PYTHON = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a digest field says.

    Attributes:
        algorithm: as `hashlib` calls it.
        value: the digest as a number.
        size: of the digest, bytes.
    """

    algorithm: str
    value: int
    size: int

    def fits(self, digest: bytes) -> bool:
        """That digest is meant."""
        return int.from_bytes(digest) == self.value


def read_claim(field: str) -> Claim | None:
    """A digest field, in any of the forms that programs write; None for an algorithm or a form that is not known.

    SHA-1 comes in base32 and in hexadecimal, other digests in hexadecimal, base32 or base64, names with and without hyphen.
    """
    found = _SHA1_BASE32.fullmatch(field)
    if found:
        return Claim("sha1", int(found.group(1).translate(TO_PYTHON), 32), 20)
    label, _, text = field.strip().partition(":")
    algorithm = _known(label.strip().lower())
    text = text.strip()
    if algorithm is None or not text:
        return None
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    for decode in (_hexadecimal, _base32, _base64):
        digest = decode(text)
        if digest is not None and len(digest) == size:
            return Claim(algorithm, int.from_bytes(digest), size)
    return None


@lru_cache(maxsize=256)
def _known(label: str) -> str | None:
    """Its name in `hashlib`."""
    plain = label.replace("-", "").replace("_", "")
    names = {"blake2b": "blake2b", "blake2s": "blake2s", "sha512256": "sha512_256"}
    names |= {f"sha3{bits}": f"sha3_{bits}" for bits in (224, 256, 384, 512)}
    name = names.get(plain, plain)
    if name.startswith("shake") or name not in hashlib.algorithms_available:
        return None
    return name


def _hexadecimal(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) if " " not in text else None
    except ValueError:
        return None


def _base32(text: str) -> bytes | None:
    bare = text.upper().rstrip("=")
    try:
        return base64.b32decode(bare + "=" * (-len(bare) % 8))
    except (binascii.Error, ValueError):
        return None


def _base64(text: str) -> bytes | None:
    bare = text.rstrip("=")
    try:
        return base64.b64decode(
            bare + "=" * (-len(bare) % 4), altchars=b"-_" if "-" in bare or "_" in bare else None, validate=True
        )
    except (binascii.Error, ValueError):
        return None


def hasher(algorithm: str) -> Any:
    """A running digest."""
    return hashlib.new(algorithm, usedforsecurity=False)


def digest_of(algorithm: str, data: bytes | memoryview) -> bytes:
    """The digest of bytes that are there."""
    if algorithm == "sha1":
        return hashlib.sha1(data, usedforsecurity=False).digest()
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()
