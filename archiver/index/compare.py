"""Index against records, both ways: each row points at a record that is as it says, each record that can be looked up has one.

The rows of all files are copied once into a temporary database, ordered by file and offset: the index itself is ordered by what
look-ups ask for, and to read it file by file would be to read it whole as many times as there are files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from archiver.errors import InvalidTimestamp
from archiver.index.crawltables import crawl_urls
from archiver.index.database import reading
from archiver.index.tables import captures, collections, files
from archiver.timestamps import parse_iso, to_timestamp
from archiver.urls import printable, urlkey
from archiver.warc.blockrules import Facts, is_http
from archiver.warc.records import LOOKED_UP, canonical_digest, is_looked_up
from archiver.warc.scan import Raw

_BATCH = 5000
_MADE = """
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE rows (file INTEGER, offset INTEGER, length INTEGER, collection TEXT, urlkey TEXT, timestamp INTEGER, url TEXT,
                   status INTEGER, digest TEXT, is_revisit INTEGER, refers_to_url TEXT, refers_to_timestamp TEXT);
CREATE TABLE crawled (file INTEGER, offset INTEGER, url TEXT);
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
"""
_OF_NAME = "(SELECT id FROM names WHERE name = ?)"

Note = Callable[[str, int, str, str], None]  # rule, offset, detail, subject


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the index, as far as a record can tell whether it is right."""

    offset: int
    length: int
    collection: str
    urlkey: str
    timestamp: int
    url: str
    status: int | None
    digest: str
    is_revisit: int


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What the index has of a file in one collection."""

    collection: str
    captures: int
    first: int
    last: int


class Copied:
    """The rows of an index by file and offset; also what crawls know of where their URLs lie.

    Args:
        path: of the temporary database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self, engine: Engine, names: Sequence[str] | None = None) -> None:
        """Copy.

        Args:
            engine: the archive's database.
            names: of the files that matter; None for all.

        Raises:
            StorageFailed: the database cannot be read.
        """
        copy = sqlite3.connect(self.path)
        copy.executescript(_MADE)
        columns = captures.c
        rows = (
            select(
                columns.file_id, columns.offset, columns.length, collections.c.slug, columns.urlkey, columns.timestamp,
                columns.url, columns.status, columns.digest, columns.is_revisit, columns.refers_to_url,
                columns.refers_to_timestamp,
            )
            .join(collections, collections.c.id == columns.collection_id)
        )  # fmt: skip
        crawled = select(files.c.id, crawl_urls.c.offset, crawl_urls.c.url).join(files, files.c.name == crawl_urls.c.file)
        known = select(files.c.id, files.c.name)
        if names is not None and len(names) <= 500:
            rows = rows.where(columns.file_id.in_(select(files.c.id).where(files.c.name.in_(names))))
            crawled = crawled.where(crawl_urls.c.file.in_(names))
        with reading(engine) as connection, copy:
            streaming = connection.execution_options(yield_per=_BATCH)
            for table, statement, width in (("names", known, 2), ("rows", rows, 12), ("crawled", crawled, 3)):
                marks = ", ".join("?" * width)
                for batch in streaming.execute(statement).partitions():
                    copy.executemany(f"INSERT INTO {table} VALUES ({marks})", [tuple(row) for row in batch])
        copy.execute("CREATE INDEX by_place ON rows (file, offset)")
        copy.execute("CREATE INDEX crawled_by_place ON crawled (file, offset)")
        copy.commit()
        copy.close()

    def rows(self, file: str, start: int, end: int) -> Iterator[Row]:
        """Of a part of a file, in the order of offsets."""
        wanted = (
            "SELECT offset, length, collection, urlkey, timestamp, url, status, digest, is_revisit FROM rows "
            f"WHERE file = {_OF_NAME} AND offset >= ? AND offset < ? ORDER BY offset"
        )
        yield from (Row(*row) for row in self._read(wanted, file, start, end))

    def crawled(self, file: str, start: int, end: int) -> Iterator[tuple[int, str]]:
        """(offset, URL) where crawls have noted their records, in the order of offsets."""
        wanted = f"SELECT offset, url FROM crawled WHERE file = {_OF_NAME} AND offset >= ? AND offset < ? ORDER BY offset"
        yield from self._read(wanted, file, start, end)

    def parts(self, file: str) -> list[PartFacts]:
        """What the index has of a file."""
        wanted = (
            f"SELECT collection, count(*), min(timestamp), max(timestamp) FROM rows WHERE file = {_OF_NAME} GROUP BY collection"
        )
        return [PartFacts(*row) for row in self._read(wanted, file)]

    def broken_revisits(self) -> Iterator[tuple[str, int, str, str, str]]:
        """(file, offset, URL, URL it repeats, timestamp) of revisits whose target no row of a whole capture is."""
        copy = sqlite3.connect(self.path)
        copy.execute("CREATE INDEX IF NOT EXISTS by_key ON rows (urlkey, timestamp)")
        copy.execute("CREATE INDEX IF NOT EXISTS by_digest ON rows (digest)")
        wanted = (
            "SELECT name, offset, url, refers_to_url, refers_to_timestamp, digest FROM rows JOIN names ON names.id = rows.file "
            "WHERE is_revisit = 1"
        )
        by_place = "SELECT 1 FROM rows WHERE urlkey = ? AND timestamp = ? AND is_revisit = 0 LIMIT 1"
        by_digest = "SELECT 1 FROM rows WHERE digest = ? AND is_revisit = 0 LIMIT 1"
        for file, offset, url, target, moment, digest in copy.execute(wanted):
            if target and moment and copy.execute(by_place, (urlkey(target), int(moment))).fetchone():
                continue
            if digest and copy.execute(by_digest, (digest,)).fetchone():
                continue
            yield file, offset, url, target or "", moment or ""
        copy.close()

    def holds(self, places: Iterable[tuple[str, str, int]]) -> Iterator[tuple[str, str, int]]:
        """Of (collection, URL, timestamp) those that no whole capture is at."""
        copy = sqlite3.connect(self.path)
        copy.execute("CREATE INDEX IF NOT EXISTS by_key ON rows (urlkey, timestamp)")
        wanted = "SELECT 1 FROM rows WHERE urlkey = ? AND timestamp = ? AND collection = ? AND is_revisit = 0 LIMIT 1"
        for collection, url, timestamp in places:
            if copy.execute(wanted, (urlkey(url), timestamp, collection)).fetchone() is None:
                yield collection, url, timestamp
        copy.close()

    def _read(self, statement: str, *values: object) -> Iterator[Any]:
        copy = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            yield from copy.execute(statement, values)
        finally:
            copy.close()


class Comparison:
    """Compares the records of a part of a file with its rows, both in the order of offsets.

    Args:
        copied: the rows.
        file: name of the file.
        start: of the part.
        end: of the part.
        note: told what does not fit.
    """

    def __init__(self, copied: Copied, file: str, start: int, end: int, note: Note) -> None:
        self._note = note
        self._rows = Queue(copied.rows(file, start, end), lambda row: row.offset)
        self._crawled = Queue(copied.crawled(file, start, end), lambda entry: entry[0])
        self._last: tuple[Raw, list[Row]] | None = None

    def seen(self, raw: Raw, facts: Facts) -> None:
        """The next record."""
        self._check_length()
        kind = raw.header.kind
        if kind.lower() not in LOOKED_UP and min(self._rows.upcoming, self._crawled.upcoming) > raw.offset:
            return  # nothing says that it is anything else
        for row in self._rows.before(raw.offset):
            self._note("index-no-record", row.offset, f"collection {row.collection}", row.url)
        for offset, url in self._crawled.before(raw.offset):
            self._note("index-crawl", offset, "", url)
        rows = self._rows.at(raw.offset)
        url = raw.header.get("warc-target-uri").removeprefix("<").removesuffix(">")
        for offset, crawled in self._crawled.at(raw.offset):
            if printable(crawled) != printable(url):
                self._note("index-crawl", offset, url, crawled)
        moment = timestamp_of(raw, facts, url)
        if not rows:
            if moment:
                self._note("index-unindexed", raw.offset, raw.header.get("warc-type"), url)
            return
        if not moment:
            for row in rows:
                self._note("index-no-record", row.offset, f"a {raw.header.get('warc-type')} record is there", row.url)
            return
        for row in rows:
            self._compare(row, raw, facts, url, moment)
        self._last = raw, rows

    def finish(self) -> None:
        """No more records come."""
        self._check_length()
        for row in self._rows.before(1 << 62):
            self._note("index-no-record", row.offset, f"collection {row.collection}", row.url)
        for offset, url in self._crawled.before(1 << 62):
            self._note("index-crawl", offset, "", url)

    def _compare(self, row: Row, raw: Raw, facts: Facts, url: str, moment: str) -> None:
        is_revisit = raw.header.get("warc-type") == "revisit"
        if row.url != printable(url):
            self._note("index-url", row.offset, url, row.url)
        elif row.urlkey != urlkey(row.url) and "__wb_" not in row.urlkey:
            self._note("index-key", row.offset, row.urlkey, row.url)
        if f"{row.timestamp:014d}" != moment:
            self._note("index-date", row.offset, f"{row.timestamp}, record {moment}", row.url)
        if row.status != facts.status:
            self._note("index-status", row.offset, f"{row.status}, record {facts.status}", row.url)
        if bool(row.is_revisit) != is_revisit:
            self._note("index-kind", row.offset, raw.header.get("warc-type"), row.url)
        digest = canonical_digest(raw.header.get("warc-payload-digest")) or (facts.payload_digest if not is_revisit else "")
        if digest and row.digest != digest:
            self._note("index-digest", row.offset, f"{row.digest}, record {digest}", row.url)

    def _check_length(self) -> None:
        """Of the record before: of a large one it is known only now."""
        if self._last is not None:
            raw, rows = self._last
            for row in rows:
                if raw.length and row.length != raw.length:
                    self._note("index-length", row.offset, f"{row.length:,}, record {raw.length:,}", row.url)
            self._last = None


class Queue:
    """Things in the order of their offsets, taken up to a place."""

    def __init__(self, items: Iterator[Any], offset: Callable[[Any], int]) -> None:
        self._items = items
        self._offset = offset
        self._advance()

    def _advance(self) -> None:
        self._next = next(self._items, None)
        #: Offset of the next one.
        self.upcoming = 1 << 62 if self._next is None else self._offset(self._next)

    def before(self, offset: int) -> Iterator[Any]:
        while self.upcoming < offset:
            yield self._next
            self._advance()

    def at(self, offset: int) -> list[Any]:
        found = []
        while self.upcoming == offset:
            found.append(self._next)
            self._advance()
        return found


def timestamp_of(raw: Raw, facts: Facts, url: str) -> str:
    """The timestamp of a record that look-ups can find; "" for others."""
    kind = raw.header.get("warc-type").lower()
    if not url or not is_looked_up(kind, facts.status if is_http(raw.header) else None, url):
        return ""
    try:
        return to_timestamp(parse_iso(raw.header.get("warc-date")))
    except InvalidTimestamp:
        return ""
