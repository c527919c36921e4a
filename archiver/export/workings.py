"""What an export has to remember of each capture until its end, on the disk: any number of captures in flat memory."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from archiver.export.events import Sent
from archiver.export.lines import IndexLine
from archiver.model import Capture

_TABLES = """
CREATE TABLE rows (
  seq INTEGER PRIMARY KEY, file INTEGER, at INTEGER, length INTEGER, urlkey TEXT, timestamp TEXT, url TEXT, mime TEXT,
  status INTEGER, digest TEXT, is_revisit INTEGER, brought INTEGER, needed INTEGER,
  new_file INTEGER, new_at INTEGER, new_length INTEGER, sha256 TEXT, method TEXT, body TEXT, UNIQUE (file, at)
);
CREATE TABLE pages (timestamp TEXT, url TEXT, title TEXT, seed INTEGER, file INTEGER, at INTEGER, PRIMARY KEY (url, timestamp));
"""
_ROW = "file, at, length, urlkey, timestamp, url, mime, status, digest, is_revisit, brought, needed"
_INSERT = (
    f"INSERT INTO rows ({_ROW}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (file, at) DO UPDATE SET "
    "brought = min(brought, excluded.brought), needed = needed + excluded.needed"
)
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A capture where it lies now.

    Attributes:
        number: by which it is known here.
        offset: in its file.
        length: as stored; 0 when unknown.
        urlkey: its key.
        url: as archived.
    """

    number: int
    offset: int
    length: int
    urlkey: str
    url: str


@dataclass(frozen=True, slots=True)
class PageRow:
    """A page of the list of pages; `title` is "" when nobody has read it yet, then `file` and `offset` say where it is."""

    timestamp: str
    url: str
    title: str
    is_seed: bool
    file: str
    offset: int


class Workings:
    """The captures of one export; use it as a context manager.

    Args:
        folder: where the working file is kept, without a name that could stay behind; None for the system's own place.
    """

    def __init__(self, folder: Path | None = None) -> None:
        handle, name = tempfile.mkstemp(prefix=".export-", dir=folder)
        os.close(handle)
        self._base = sqlite3.connect(name, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-16384", "locking_mode=EXCLUSIVE"):
            self._base.execute(f"PRAGMA {pragma}")
        self._base.executescript(f"BEGIN; {_TABLES} COMMIT; BEGIN")
        Path(name).unlink()  # it lives as long as it is open
        self._files: list[str] = []
        self._numbers: dict[str, int] = {}
        self._pending: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._base.close()

    # -- what is to go out -------------------------------------------------------------------------------------------

    def _number(self, file: str) -> int:
        number = self._numbers.get(file)
        if number is None:
            number = self._numbers[file] = len(self._files)
            self._files.append(file)
        return number

    def add(self, capture: Capture, *, brought: bool = False) -> None:
        """Take a capture; one of the same place is there once only.

        Args:
            capture: to go out.
            brought: for the sake of a revisit, which may be one of many.
        """
        self._pending.append(
            (
                self._number(capture.file), capture.offset, capture.length, capture.urlkey, capture.timestamp, capture.url,
                capture.mime, capture.status, capture.digest, int(capture.revisit_of is not None), int(brought), int(brought),
            )
        )  # fmt: skip
        if len(self._pending) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        self._base.executemany(_INSERT, self._pending)
        self._pending.clear()

    def leave_brought(self) -> int:
        """Take away what is there for the sake of revisits alone; of how many revisits."""
        self._flush()
        left = self._base.execute("SELECT coalesce(sum(needed), 0) FROM rows WHERE brought").fetchone()[0]
        self._base.execute("DELETE FROM rows WHERE brought")
        return int(left)

    def totals(self) -> tuple[int, int, int]:
        """Captures, those of them that were brought along, and their bytes as far as they are known."""
        self._flush()
        found = self._base.execute("SELECT count(*), coalesce(sum(brought), 0), coalesce(sum(length), 0) FROM rows")
        captures, brought, size = found.fetchone()
        return captures, brought, size

    def files(self) -> Iterator[tuple[str, list[Place]]]:
        """The files with what is wanted of each, files by name, captures by offset."""
        self._flush()
        for number in sorted(range(len(self._files)), key=self._files.__getitem__):
            found = self._base.execute(
                "SELECT seq, at, length, urlkey, url FROM rows WHERE file = ? ORDER BY at", (number,)
            ).fetchall()
            if found:
                yield self._files[number], [Place(*row) for row in found]

    # -- where it went -----------------------------------------------------------------------------------------------

    def place(self, number: int, file: str, offset: int, length: int, sha256: str, sent: Sent | None) -> None:
        """Note where a capture lies in the export."""
        self._base.execute(
            "UPDATE rows SET new_file = ?, new_at = ?, new_length = ?, sha256 = ?, method = ?, body = ? WHERE seq = ?",
            (self._number(file), offset, length, sha256, sent.method if sent else None, sent.body if sent else None, number),
        )

    def placed(self) -> int:
        """How many captures went out."""
        found = self._base.execute("SELECT count(*) FROM rows WHERE new_file IS NOT NULL").fetchone()
        return int(found[0])

    def lines(self) -> Iterator[IndexLine]:
        """What went out, in the order of an index."""
        self._base.execute("CREATE INDEX IF NOT EXISTS by_key ON rows (urlkey, timestamp)")
        rows = self._base.execute(
            "SELECT urlkey, timestamp, url, mime, status, digest, new_length, new_at, new_file, is_revisit, sha256, method,"
            " body FROM rows WHERE new_file IS NOT NULL ORDER BY urlkey, timestamp"
        )
        for row in rows:
            yield IndexLine(
                row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], self._files[row[8]], bool(row[9]),
                row[10] or "", row[11] or "", row[12] or "",
            )  # fmt: skip

    # -- pages -------------------------------------------------------------------------------------------------------

    def add_page(self, urlkey: str, timestamp: str, url: str, title: str, *, is_seed: bool) -> None:
        """Take a page, if it went out."""
        self._base.execute("CREATE INDEX IF NOT EXISTS by_key ON rows (urlkey, timestamp)")
        found = self._base.execute(
            "SELECT file, at FROM rows WHERE urlkey = ? AND timestamp = ? AND new_file IS NOT NULL", (urlkey, timestamp)
        ).fetchone()
        if found is not None:
            self._base.execute(
                "INSERT INTO pages VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "title = CASE title WHEN '' THEN excluded.title ELSE title END, seed = max(seed, excluded.seed)",
                (timestamp, url, title, int(is_seed), *found),
            )

    def guess_pages(self, mimes: Sequence[str]) -> None:
        """Take every whole document of these types for a page, where no page is known."""
        if self._base.execute("SELECT 1 FROM pages LIMIT 1").fetchone() is None:
            marks = ", ".join("?" * len(mimes))
            self._base.execute(
                "INSERT OR IGNORE INTO pages SELECT timestamp, url, '', 0, file, at FROM rows WHERE new_file IS NOT NULL"
                f" AND mime IN ({marks}) AND status BETWEEN 200 AND 299 AND NOT brought",
                tuple(mimes),
            )

    def pages(self) -> Iterator[PageRow]:
        """The pages: those that somebody wanted first, then by time."""
        rows = self._base.execute("SELECT timestamp, url, title, seed, file, at FROM pages ORDER BY seed DESC, timestamp, url")
        for timestamp, url, title, seed, file, at in rows:
            yield PageRow(timestamp, url, title, bool(seed), self._files[file], at)
