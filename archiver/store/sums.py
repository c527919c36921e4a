"""What a file's bytes amount to, as object storage tells it: MD5 of the parts it is sent in, and SHA-256."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO

#: Bytes of a part; what is not longer is sent as a whole.
PART = 16 * 1024 * 1024
#: Object storage takes no more than 10,000 parts.
_MOST_PARTS = 9000
_PIECE = 1024 * 1024
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


@dataclass(frozen=True, slots=True)
class Sums:
    """Of one file.

    Attributes:
        size: in bytes.
        sha256: hexadecimal.
        part_size: in bytes.
        parts: MD5 of each part.
    """

    size: int
    sha256: str
    part_size: int
    parts: tuple[bytes, ...]

    @property
    def etag(self) -> str:
        """As object storage calls a file sent in these parts, where it uses MD5."""
        if self.size <= self.part_size:
            return self.parts[0].hex()
        return f"{hashlib.md5(b''.join(self.parts), usedforsecurity=False).hexdigest()}-{len(self.parts)}"


def part_size_of(size: int) -> int:
    """Bytes of the parts that a file of `size` bytes is sent in."""
    part = PART
    while size > part * _MOST_PARTS:
        part *= 2
    return part


def sums_of(source: BinaryIO) -> Sums:
    """The sums of a file, read from its beginning."""
    size = source.seek(0, 2)
    source.seek(0)
    part_size = part_size_of(size)
    sha256 = hashlib.sha256()
    parts: list[bytes] = []
    left = size
    while left or not parts:
        md5 = hashlib.md5(usedforsecurity=False)
        room = min(part_size, left)
        left -= room
        while room and (piece := source.read(min(_PIECE, room))):
            md5.update(piece)
            sha256.update(piece)
            room -= len(piece)
        parts.append(md5.digest())
    return Sums(size, sha256.hexdigest(), part_size, tuple(parts))


def plain_md5(etag: str) -> str:
    """The MD5 that an ETag is, in hexadecimal; "" when it is none."""
    found = _MD5.fullmatch(etag.strip())
    return found[1] if found else ""
