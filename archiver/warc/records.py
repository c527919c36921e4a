"""WARC 1.1 records as bytes, out of values; no files, no clock (ISO 28500:2017)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from archiver.model import Exchange, RevisitTarget, Truncation
from archiver.plaintext import one_line
from archiver.timestamps import to_iso
from archiver.urls import PLAYERS

Fields = list[tuple[str, str]]

IDENTICAL_PAYLOAD = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"


#: Types of records that replay looks up.
LOOKED_UP = frozenset({"response", "revisit", "resource"})


@dataclass(frozen=True, slots=True)
class WarcInfo:
    """What a warcinfo record says of the program and the people behind it (WARC 1.1, section 6.2)."""

    software: str
    operator: str = ""
    is_part_of: str = ""
    description: str = ""
    user_agent: str = ""
    robots: str = "ignore"
    hostname: str = ""


def is_looked_up(record_type: str, status: int | None, url: str = "") -> bool:
    """Whether a record gets a row in the index; `status`: of its HTTP head."""
    return is_of_looked_up(record_type, url) and (record_type != "response" or status is not None)


def is_of_looked_up(record_type: str, url: str) -> bool:
    """A record is of a type that replay looks up, or tells of a page's players: brozzler writes such ones as metadata."""
    return record_type in LOOKED_UP or (record_type == "metadata" and url.startswith(PLAYERS))


def digest(data: Iterable[bytes]) -> str:
    """SHA-1 of the pieces as WARC writes it: "sha1:" and upper-case base32."""
    sha1 = hashlib.sha1(usedforsecurity=False)
    for piece in data:
        sha1.update(piece)
    return labelled(sha1.digest())


def sha1_of(data: bytes) -> str:
    """The same of bytes that are there."""
    return labelled(hashlib.sha1(data, usedforsecurity=False).digest())


def labelled(sha1: bytes) -> str:
    """A raw SHA-1 as WARC writes it."""
    number = int.from_bytes(sha1)
    for upper, lower, distance in _SPREADING:
        number = (number & upper) << distance | number & lower
    return f"sha1:{number.to_bytes(32).translate(_BASE32).decode('ascii')}"


def _spreading() -> Iterator[tuple[int, int, int]]:
    """How 160 bits become 32 bytes with five bits each: halved, and each half again, five times.

    All halves of a step move at once: their masks, and how far the upper ones go. `base64.b32encode` takes three times as
    long, and each exchange has five digests.
    """
    bits, room = 160, 256
    while bits > 5:
        bits, room = bits // 2, room // 2
        lower = sum((1 << bits) - 1 << place for place in range(0, 256, 2 * room))
        yield lower << bits, lower, room - bits


_SPREADING = tuple(_spreading())
#: The digits of base32 (RFC 4648) by their values.
_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".ljust(256)


def canonical_digest(value: str) -> str:
    """A digest field as we write it, so that what is the same looks the same.

    Programs write SHA-1 in base32 and in hexadecimal, in either case, with and without its name; what is none is kept.
    """
    label, _, text = value.strip().rpartition(":")
    label = label.strip().lower().replace("-", "") or "sha1"
    text = text.strip()
    if label == "sha1" and re.fullmatch(r"[0-9A-Fa-f]{40}", text):
        return labelled(bytes.fromhex(text))
    if label == "sha1" and re.fullmatch(r"[A-Za-z2-7]{32}", text):
        return f"sha1:{text.upper()}"
    return f"{label}:{text}" if ":" in value else text


def field_lines(fields: Iterable[tuple[str, str]]) -> str:
    """Header fields as they are written; empty ones are left out, line breaks cannot get in."""
    return "".join([f"{name}: {one_line(value)}\r\n" for name, value in fields if value])


def warc_fields(pairs: Iterable[tuple[str, str]]) -> bytes:
    """An `application/warc-fields` block; empty values are left out, line breaks cannot get in."""
    return field_lines(pairs).encode("utf-8")


def record_lines(record_type: str, record_id: str, date: datetime, lines: str) -> str:
    """The header fields of a record as they are written, but for Content-Length; `lines`: its own, from `field_lines`."""
    return f"WARC-Type: {record_type}\r\nWARC-Record-ID: {record_id}\r\nWARC-Date: {to_iso(date)}\r\n{lines}"


def warcinfo_block(info: WarcInfo) -> bytes:
    """The block of a warcinfo record."""
    return warc_fields(
        (
            ("software", info.software),
            ("format", "WARC File Format 1.1"),
            ("conformsTo", "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"),
            ("operator", info.operator),
            ("hostname", info.hostname),
            ("isPartOf", info.is_part_of),
            ("description", info.description),
            ("robots", info.robots),
            ("http-header-user-agent", info.user_agent),
        )
    )


class ExchangeLines:
    """Header fields that all records of one exchange share, as they are written: put together once.

    Args:
        exchange: whose.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._target = field_lines([("WARC-Target-URI", exchange.url)])
        connection = [("WARC-IP-Address", exchange.ip_address or "")]
        connection += [("WARC-Protocol", protocol) for protocol in exchange.protocols]
        connection.append(("WARC-Cipher-Suite", exchange.cipher_suite or ""))
        self._connection = field_lines(connection)

    def beside(self, first: str, second: str) -> str:
        """For a record that was written with two others; their WARC-Record-IDs."""
        return f"{self._target}WARC-Concurrent-To: {first}\r\nWARC-Concurrent-To: {second}\r\n{self._connection}"


def truncated_field(truncated: Truncation | None) -> Fields:
    """WARC-Truncated, when bytes are missing."""
    return [("WARC-Truncated", truncated.value)] if truncated else []


def revisit_fields(profile: str, target: RevisitTarget, target_date: str, *, is_cut: bool) -> Fields:
    """What a revisit record says of the capture it repeats (WARC 1.1, section 6.7).

    Args:
        profile: URI of the profile.
        target: the capture.
        target_date: its WARC-Date, or "".
        is_cut: there was a body, which the block leaves out.
    """
    return [
        ("WARC-Profile", profile),
        ("WARC-Refers-To", target.record_id or ""),
        ("WARC-Refers-To-Target-URI", target.url or ""),
        ("WARC-Refers-To-Date", target_date),
        ("WARC-Truncated", "length" if is_cut else ""),
    ]
