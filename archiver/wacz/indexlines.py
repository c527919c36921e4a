"""The indexes inside a package: their lines, their order, and their blocks where a secondary index names these."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zlib_ng import zlib_ng

from archiver.errors import DamagedFile
from archiver.wacz.package import algorithm_of, hash_of, same_hash
from archiver.wacz.read import WaczReader

_PIECE = 256 * 1024
_MOST_LINE = 1024 * 1024
#: A compressed index that grows to more than this many times its size, and is this large, is no index.
_MOST_RATIO, _SUSPICIOUS = 500, 64 * 1024 * 1024
_MADE = """
CREATE TABLE rows (file TEXT, offset INTEGER, length INTEGER, url TEXT, timestamp TEXT, status TEXT, digest TEXT);
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
"""

Note = Callable[[str, str], None]  # rule, detail


class IndexRows:
    """The captures that a package's indexes name, by file and offset.

    Args:
        path: of a temporary database.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.executescript(_MADE)

    def take(self, lines: Iterator[bytes], note: Note) -> int:
        """Read the lines of an index; how many there were."""
        before, count, is_sorted = b"", 0, True
        for line in lines:
            if not line.strip() or line.startswith(b"!meta"):
                continue
            count += 1
            if is_sorted and line < before:
                is_sorted = False
                note("wacz-indexes-order", f"line {count:,}")
            before = line
            row = _row(line)
            if row is None:
                start = ascii(line[:60].decode("utf-8", "replace"))
                note("wacz-indexes-cdxj", f"line {count:,}: {start}")
                continue
            self._db.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return count

    def finish(self) -> None:
        """All lines are in."""
        self._db.execute("CREATE INDEX by_place ON rows (file, offset)")
        self._db.execute("CREATE INDEX by_url ON rows (url)")
        self._db.commit()

    def of(self, file: str) -> Iterator[tuple[int, int, str, str, str, str]]:
        """(offset, length, URL, timestamp, status, digest) of a WARC file, in the order of offsets."""
        yield from self._db.execute(
            "SELECT offset, length, url, timestamp, status, digest FROM rows WHERE file = ? ORDER BY offset", (file,)
        )

    def files(self) -> list[tuple[str, int]]:
        """Names of files and how many lines name each."""
        return list(self._db.execute("SELECT file, count(*) FROM rows GROUP BY file"))

    def holds(self, url: str) -> bool:
        """Some line is of that URL."""
        return self._db.execute("SELECT 1 FROM rows WHERE url = ? LIMIT 1", (url,)).fetchone() is not None

    def close(self) -> None:
        """Give the database back."""
        self._db.close()


def _row(line: bytes) -> tuple[str, int, int, str, str, str, str] | None:
    key, _, rest = line.partition(b" ")
    stamp, _, text = rest.partition(b" ")
    if not key or not stamp.isdigit() or len(stamp) < 14:
        return None
    try:
        data = json.loads(text)
        offset, length = int(data["offset"]), int(data.get("length") or 0)
        return (
            str(data["filename"]), offset, length, str(data["url"]), stamp[:14].decode(),
            str(data.get("status", "")), str(data.get("digest", "")),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def lines_of(reader: WaczReader, path: str, size: int) -> Iterator[bytes]:
    """The lines of an index, unpacked when it is compressed.

    Raises:
        DamagedFile: it cannot be read, or is a decompression bomb.
    """
    if not path.endswith(".gz"):
        yield from reader.lines(path, _MOST_LINE)
        return
    kept, given = b"", 0
    for data in _unpacked(reader.pieces(path)):
        given += len(data)
        if given > _SUSPICIOUS and given > size * _MOST_RATIO:
            raise DamagedFile("It grows without end when it is unpacked.")
        *whole, kept = (kept + data).split(b"\n")
        yield from whole
        if len(kept) > _MOST_LINE:
            yield kept[:_MOST_LINE]
            kept = b""
    if kept:
        yield kept


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    engine: Any = zlib_ng.decompressobj(31)
    try:
        for data in pieces:
            while data:
                if engine.eof:
                    engine = zlib_ng.decompressobj(31)
                if out := engine.decompress(data, _PIECE):
                    yield out
                data = engine.unused_data if engine.eof else engine.unconsumed_tail
    except zlib_ng.error as error:  # type: ignore[misc]
        raise DamagedFile("Its compression is broken.") from error
    if not engine.eof:
        raise DamagedFile("It ends in the middle.")


def check_blocks(reader: WaczReader, path: str, note: Note) -> None:
    """A secondary index (.idx): each line names a block of a compressed index that begins with that key.

    Raises:
        DamagedFile: it cannot be read.
    """
    folder = path.rpartition("/")[0]
    sizes = {entry.path: entry.size for entry in reader.entries}
    before, covered, target, named = b"", 0, "", "index.cdx.gz"
    for number, line in enumerate(reader.lines(path, _MOST_LINE), 1):
        if line.startswith(b"!meta"):
            named = _named(line, named)
        if not line.strip() or line.startswith(b"!meta"):
            continue
        if line < before:
            note("wacz-indexes-order", f"line {number:,}")
        before = line
        head, brace, text = line.partition(b"{")
        try:
            data = json.loads(brace + text)
            target = f"{folder}/{data.get('filename') or named}"
            offset, length, digest = int(data["offset"]), int(data["length"]), str(data.get("digest") or "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            note("wacz-indexes-idx", f"line {number:,} cannot be read")
            continue
        if offset != covered or length <= 0 or offset + length > sizes.get(target, 0):
            note("wacz-indexes-idx", f"line {number:,}: bytes {offset:,} to {offset + length:,} of {target}")
            return
        covered = offset + length
        with reader.open(target) as stream:
            stream.seek(offset)
            packed = stream.read(length)
        if algorithm_of(digest) and not same_hash(hash_of([packed], algorithm_of(digest)), digest):
            note("wacz-indexes-idx", f"line {number:,}: the block is not what its digest says")
        first = _first_line(packed)
        if not first.startswith(head.strip() + b" ") and not head.strip().startswith(b" ".join(first.split(b" ", 2)[:1])):
            note("wacz-indexes-idx", f"line {number:,} names another key than its block begins with")
    if target and covered != sizes.get(target, 0):
        note("wacz-indexes-idx", f"{sizes.get(target, 0) - covered:,} bytes of {target} are in no block")


def _named(line: bytes, otherwise: str) -> str:
    """The compressed index that the first line of a secondary one names."""
    try:
        return str(json.loads(line.partition(b"{")[1] + line.partition(b"{")[2])["filename"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return otherwise


def _first_line(packed: bytes) -> bytes:
    try:
        out: bytes = zlib_ng.decompressobj(31).decompress(packed, _MOST_LINE)
    except zlib_ng.error:  # type: ignore[misc]
        return b""
    return out.partition(b"\n")[0]
