"""Rows of the index as bytes: what both dialects share, and the fast way for millions of rows that need no care."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import quote

from archiver.index.protocol import DIGEST, FILE, LENGTH, OFFSET, TIMESTAMP, URL, URLKEY, Row
from replay.cdxanswer import shown_file
from replay.cdxfilter import Column, Longer

#: Bytes that are gathered before they are sent.
PIECE_BYTES = 64 * 1024
#: Rows that are written at once.
_AT_ONCE = 400

_KEPT = "".join(chr(code) for code in range(0x21, 0x7F))
#: What no line has when its fields need no care: control characters but the end of a line, a backslash, bytes of other scripts.
_CAREFUL = bytes({*range(0x0A), *range(0x0B, 0x20), 0x5C, *range(0x7F, 0x100)})


def clean(text: str) -> str:
    """A field without spaces, control characters and letters of other scripts: those are escaped as in URLs."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return quote(text.encode("utf-8", "replace"), safe=_KEPT)


def shown_digest(digest: str) -> str:
    """SHA-1 stands without its name, as everywhere in CDX; "-" where there is none."""
    return digest.removeprefix("sha1:") or "-"


#: The columns that are the same in both dialects.
COMMON: dict[str, Column] = {
    "urlkey": lambda row: clean(row[URLKEY]),
    "timestamp": lambda row: f"{row[TIMESTAMP]:014d}",
    "url": lambda row: clean(row[URL]),
    "digest": lambda row: clean(shown_digest(row[DIGEST])),
    "length": lambda row: str(row[LENGTH] or "-"),
    "offset": lambda row: str(row[OFFSET]),
    "filename": lambda row: clean(shown_file(row[FILE])),
}


def slices(batches: Iterable[Sequence[Row]]) -> Iterator[Sequence[Row]]:
    """Smaller batches, about as many rows as make a piece."""
    for batch in batches:
        if len(batch) <= _AT_ONCE:
            yield batch
        else:
            yield from (batch[at : at + _AT_ONCE] for at in range(0, len(batch), _AT_ONCE))


def pieces(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines in pieces."""
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield "".join(held).encode("utf-8", "replace")
            held, size = [], 0
    if held:
        yield "".join(held).encode("utf-8", "replace")


def careless(
    batches: Iterable[Sequence[Row]],
    fast: Callable[[Sequence[Row]], str],
    marks: Callable[[Sequence[Row]], tuple[bytes, int]],
    careful: Callable[[Longer], str],
) -> Iterator[bytes]:
    """Rows written without a look at their fields, and again with care where the result shows that one needs it.

    Args:
        batches: of rows.
        fast: writes rows as lines.
        marks: a character that lines have as often as this when no field has it.
        careful: writes one row.
    """
    for rows in slices(batches):
        try:
            raw = fast(rows).encode("ascii")
        except UnicodeEncodeError:
            raw = b""
        mark, count = marks(rows)
        is_safe = len(raw.translate(None, _CAREFUL)) == len(raw) and raw.count(b"\n") == len(rows)
        if raw and is_safe and raw.count(mark) == count:
            yield raw
        elif rows:
            yield "".join(map(careful, rows)).encode("utf-8", "replace")
