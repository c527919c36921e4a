"""Amounts as people write them, and as they are shown to them: 10MB, 2h, 30m."""

from __future__ import annotations

import re

_NUMBER = r"(\d{1,15}(?:\.\d{1,6})?)"
_SIZE = re.compile(rf"{_NUMBER}\s*([a-z]*)", re.IGNORECASE | re.ASCII)
_TIME_PART = re.compile(rf"{_NUMBER}\s*([a-z]*)\s*", re.IGNORECASE | re.ASCII)

_BYTES = {"": 1, "b": 1} | {
    f"{letter}{tail}": base**power
    for power, letter in enumerate("kmgt", 1)
    for tail, base in (("", 1000), ("b", 1000), ("ib", 1024))
}
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}

#: Enough for anybody, and what every database can keep.
_MOST = 10**15


def parse_size(text: str) -> int:
    """Bytes: "500", "10kB", "10 MB", "2G", "1.5GiB"; k, M, G, T are powers of 1000, Ki, Mi, Gi, Ti of 1024.

    Raises:
        ValueError: not such an amount.
    """
    match = _SIZE.fullmatch(text.strip())
    factor = _BYTES.get(match.group(2).lower()) if match else None
    if match is None or factor is None:
        raise ValueError("not a size")
    size = int(float(match.group(1)) * factor)
    if size > _MOST:
        raise ValueError("not a size")
    return size


def parse_duration(text: str) -> float:
    """Seconds: "90", "90s", "30m", "2h", "1h30m", "2d".

    Raises:
        ValueError: not such a time.
    """
    written = text.strip()
    if re.fullmatch(_NUMBER, written, re.ASCII):
        seconds = float(written)
    else:
        seconds, place = 0.0, 0
        while place < len(written):
            match = _TIME_PART.match(written, place)
            if match is None or match.group(2).lower() not in _SECONDS:
                raise ValueError("not a time")
            seconds += float(match.group(1)) * _SECONDS[match.group(2).lower()]
            place = match.end()
        if not written:
            raise ValueError("not a time")
    if seconds > _MOST:
        raise ValueError("not a time")
    return seconds


def human_duration(seconds: float) -> str:
    """A time for people: "45 s", "3:07 min", "2:05 h", "3 d 4 h"."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    if whole < 86400:
        return f"{whole // 3600}:{whole // 60 % 60:02} h"
    return f"{whole // 86400} d {whole // 3600 % 24} h"
