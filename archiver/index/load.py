"""Puts batches of rows into the database: sorted, many at a time, in short transactions that keep nobody waiting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, select

from archiver.errors import UnknownCollection
from archiver.index.batches import Batch, Progress, Row
from archiver.index.database import insert_or_replace
from archiver.index.files import Part, file_numbers
from archiver.index.holdingstables import file_parts
from archiver.index.tables import captures, collections, payloads, validators

#: Where rows go in place of the tables themselves while an index is built anew.
BUILD = "_build"

#: What the values of a row of captures are, in order.
_CAPTURE_COLUMNS = (
    "collection_id", "urlkey", "timestamp", "file_id", "offset", "length", "url", "mime", "status", "digest", "truncated",
    "is_revisit", "refers_to_url", "refers_to_timestamp", "refers_to_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Load:
    """A batch and whose it is.

    Attributes:
        file: name of its file.
        collections: slugs of those that it is for.
        batch: of rows.
    """

    file: str
    collections: tuple[str, ...]
    batch: Batch


class Loader:
    """Writes rows within transactions of the caller's.

    Args:
        engine: the archive's database.
        suffix: of the names of the tables that are written to.
        parts: the table in which progress is noted; None for nowhere.
    """

    def __init__(self, engine: Engine, suffix: str = "", parts: Table | None = file_parts) -> None:
        self._engine = engine
        self._suffix = suffix
        self._parts = parts
        self._is_postgresql = engine.dialect.name == "postgresql"
        self._files: dict[str, int] = {}
        self._collections: dict[str, int] = {}

    def load(self, connection: Connection, loads: Sequence[Load]) -> None:
        """Add what is new of some batches, and note how far their files are read.

        Raises:
            UnknownCollection: a collection does not exist.
        """
        self._look_up(connection, loads)
        numbers = self._collections
        rows: list[Row] = []
        whole: list[Row] = []
        asked: list[Row] = []
        for load in loads:
            file = self._files[load.file]
            for slug in load.collections:
                number = numbers[slug]
                rows += [(number, row[0], row[1], file, *row[2:]) for row in load.batch.rows]
                whole += [(row[0], number, *row[1:]) for row in load.batch.payloads]
                asked += [(number, *row) for row in load.batch.validators]
        rows.sort(key=_place)
        self._write(connection, captures.name, _CAPTURE_COLUMNS, rows, "DO NOTHING")
        self._keep_payloads(connection, whole)
        self._keep_validators(connection, asked)
        self._note(connection, loads)

    def _look_up(self, connection: Connection, loads: Sequence[Load]) -> None:
        """Find the numbers of files and collections; files that have none get one."""
        slugs = {slug for load in loads for slug in load.collections} - self._collections.keys()
        if slugs:
            found = connection.execute(select(collections.c.slug, collections.c.id).where(collections.c.slug.in_(slugs)))
            self._collections |= {slug: number for slug, number in found}
            for slug in slugs - self._collections.keys():
                raise UnknownCollection(f"There is no collection “{slug}”.")
        names = sorted({load.file for load in loads} - self._files.keys())
        if names:
            self._files |= file_numbers(connection, self._engine, names)

    def _note(self, connection: Connection, loads: Sequence[Load]) -> None:
        if self._parts is None:
            return
        parts = {}
        for load in loads:
            progress = load.batch.progress
            for slug in load.collections:
                parts[load.file, slug] = {
                    "file_id": self._files[load.file],
                    "collection_id": self._collections[slug],
                    "captures": progress.captures,
                    "first_timestamp": progress.first,
                    "last_timestamp": progress.last,
                    "indexed_to": progress.upto,
                }
        if parts:
            statement = insert_or_replace(self._engine, self._parts, keep=("crawl_id",))
            connection.execute(statement, list(parts.values()))

    def _write(self, connection: Connection, table: str, columns: Sequence[str], rows: list[Row], conflict: str) -> None:
        if not rows:
            return
        name = f"{table}{self._suffix}"
        listed = ", ".join(f'"{column}"' for column in columns)
        conflict = conflict.replace("{table}", name)
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        try:
            if self._is_postgresql:
                heap = f"new_{name}"
                cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {heap} (LIKE {name}) ON COMMIT DELETE ROWS")
                cursor.execute(f"TRUNCATE {heap}")
                with cursor.copy(f"COPY {heap} ({listed}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                cursor.execute(f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {heap} ON CONFLICT {conflict}")
            else:
                marks = ", ".join("?" * len(columns))
                cursor.executemany(f"INSERT INTO {name} ({listed}) VALUES ({marks}) ON CONFLICT {conflict}", rows)
        finally:
            cursor.close()

    def _keep_payloads(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Note whole captures by their payload: of those with one payload the oldest, which later ones refer to."""
        first: dict[Row, Row] = {}
        for row in rows:
            known = first.get(row[:2])
            if known is None or row[3:] < known[3:]:
                first[row[:2]] = row
        self._write(
            connection,
            payloads.name,
            [column.name for column in payloads.columns],
            sorted(first.values()),
            "(digest, collection_id) DO UPDATE SET url = excluded.url, timestamp = excluded.timestamp, "
            "record_id = excluded.record_id "
            "WHERE (excluded.timestamp, excluded.record_id) < ({table}.timestamp, {table}.record_id)",
        )

    def _keep_validators(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Note what servers can be asked about: of several visits to a URL the newest."""
        newest: dict[Row, Row] = {}
        for row in rows:
            known = newest.get(row[:2])
            if known is None or _visit(row) >= _visit(known):
                newest[row[:2]] = row
        columns = [column.name for column in validators.columns]
        changed = ", ".join(f"{name} = excluded.{name}" for name in columns[2:])
        self._write(
            connection,
            validators.name,
            columns,
            sorted(newest.values()),
            f"(collection_id, urlkey) DO UPDATE SET {changed} WHERE (excluded.seen, excluded.record_id, excluded.etag) "
            ">= ({table}.seen, {table}.record_id, {table}.etag)",
        )


def _visit(row: Row) -> Row:
    """Which of two visits of one second counts must not depend on who comes first."""
    return row[8], row[7], row[3]


def _place(row: Row) -> tuple[Any, ...]:
    return row[:5]


def progress_of(part: Part) -> Progress:
    """How far a file was read for a collection."""
    first, last = (int(moment) if moment else None for moment in (part.first, part.last))
    return Progress(part.indexed_to or 0, part.captures, first, last)
