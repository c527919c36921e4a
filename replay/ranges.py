"""Which part of a response is asked for, and which part an archive has of it (RFC 9110, section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ASKED = re.compile(r"\s*+bytes\s*+=\s*+([0-9]*+)\s*+-\s*+([0-9]*+)\s*+", re.IGNORECASE)
#: No position is as large: what is larger means the same as this.
_BEYOND = 10**18
_HELD = re.compile(r"\s*bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes of a whole.

    Attributes:
        first: position of the first byte.
        last: position of the last byte, included.
        total: bytes of the whole; None when nobody said.
    """

    first: int
    last: int
    total: int | None

    @property
    def is_whole(self) -> bool:
        """Nothing is missing."""
        return self.first == 0 and self.total == self.last + 1

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.last - self.first + 1

    def header(self) -> str:
        """As the value of Content-Range."""
        return f"bytes {self.first}-{self.last}/{'*' if self.total is None else self.total}"


def held_extent(content_range: str | None) -> Extent | None:
    """What an archived 206 says it is part of; None when it says nothing that can be true."""
    match = _HELD.fullmatch(content_range or "")
    if match is None:
        return None
    first, last = int(match.group(1)), int(match.group(2))
    total = None if match.group(3) == "*" else int(match.group(3))
    return Extent(first, last, total) if first <= last and (total is None or last < total) else None


def single_range(header: str | None) -> tuple[int | None, int | None] | None:
    """First and last position of the one range that is asked for.

    (None, n) are the last n bytes. None when all of it is asked for, several ranges (which a server may answer with
    everything), another unit, or nonsense.
    """
    match = _ASKED.fullmatch(header or "")
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = (_position(digits) for digits in match.groups())
    return None if first is not None and last is not None and first > last else (first, last)


def _position(digits: str) -> int | None:
    digits = digits.lstrip("0") or digits[:1]
    if not digits:
        return None
    return int(digits) if len(digits) <= 18 else _BEYOND


def cut(asked: tuple[int | None, int | None], held: Extent) -> Extent | None:
    """The part of what is held that is asked for; None when none of it is held."""
    first, last = asked
    if first is None:
        assert last is not None
        if held.total is None or last == 0:
            return None
        first, last = max(0, held.total - last), held.total - 1
    elif last is None:
        last = held.last
    if not held.first <= first <= held.last:
        return None
    return Extent(first, min(last, held.last), held.total)
