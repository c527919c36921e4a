"""Where the later parts of records lie that were cut into segments; see `archiver.warc.segments`.

A first part is noted, as number 1, while somebody waits for the others: for the text of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, select

from archiver.index.database import insert_new, reading, writing
from archiver.index.holdingstables import segments
from archiver.index.tables import files
from archiver.store.protocol import WarcStore
from archiver.warc.reader import StoredRecord, iter_records
from archiver.warc.segments import Segment, segment_of

_FIRST = 1
_is_later = segments.c.number > _FIRST


class Waiting(NamedTuple):
    """A first part that is noted because others are missing: its identifier, and where it lies."""

    origin: str
    file_id: int
    file: str
    offset: int


class SegmentIndex:
    """The parts that an archive holds.

    Args:
        engine: the archive's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, found: Iterable[Segment]) -> None:
        """Note where parts lie; those known already are passed over."""
        with writing(self._engine) as connection:
            self.add_within(connection, found)

    def add_within(self, connection: Connection, found: Iterable[Segment]) -> None:
        """The same within a transaction of the caller's."""
        for part in found:
            number = connection.execute(select(files.c.id).where(files.c.name == part.file)).scalar()
            if number is None:
                connection.execute(insert_new(self._engine, files).values(name=part.file))
                number = connection.execute(select(files.c.id).where(files.c.name == part.file)).scalar_one()
            row = {"origin": part.origin, "number": part.number, "file_id": number, "offset": part.offset}
            connection.execute(insert_new(self._engine, segments).values(**row))

    def has_any(self) -> bool:
        """Some record was cut into several."""
        with reading(self._engine) as connection:
            return connection.execute(select(segments.c.origin).where(_is_later).limit(1)).first() is not None

    def find_all(self, origin: str) -> Sequence[Segment]:
        """Every copy of every later part of a record, in any order."""
        statement = (
            select(segments.c.number, files.c.name, segments.c.offset)
            .join(files, files.c.id == segments.c.file_id)
            .where(segments.c.origin == origin, _is_later)
        )
        with reading(self._engine) as connection:
            return [Segment(origin, number, file, offset) for number, file, offset in connection.execute(statement)]

    def find(self, origin: str) -> Sequence[Segment]:
        """The later parts of a record, in order, one a number."""
        statement = (
            select(segments.c.number, files.c.name, segments.c.offset)
            .join(files, files.c.id == segments.c.file_id)
            .where(segments.c.origin == origin, _is_later)
            .order_by(segments.c.number, segments.c.file_id, segments.c.offset)
        )
        found: dict[int, Segment] = {}
        with reading(self._engine) as connection:
            for number, file, offset in connection.execute(statement):
                found.setdefault(number, Segment(origin, number, file, offset))
        return list(found.values())

    def wait_within(self, connection: Connection, origin: str, file_id: int, offset: int) -> None:
        """Note a first part whose text is to be read when others come, in a transaction of the caller's."""
        row = {"origin": origin, "number": _FIRST, "file_id": file_id, "offset": offset}
        connection.execute(insert_new(self._engine, segments).values(**row))

    def waiting(self) -> list[Waiting]:
        """First parts that somebody waits with and of which a later part is held by now."""
        later = segments.alias()
        has_later = select(later.c.origin).where(later.c.origin == segments.c.origin, later.c.number > _FIRST).exists()
        statement = (
            select(segments.c.origin, segments.c.file_id, files.c.name, segments.c.offset)
            .join(files, files.c.id == segments.c.file_id)
            .where(segments.c.number == _FIRST, has_later)
            .order_by(segments.c.origin, segments.c.file_id, segments.c.offset)
        )
        with reading(self._engine) as connection:
            return [Waiting(*row) for row in connection.execute(statement)]

    def waited_within(self, connection: Connection, part: Waiting) -> None:
        """Nobody waits any more."""
        columns = segments.c
        here = (columns.origin == part.origin, columns.number == _FIRST, columns.file_id == part.file_id)
        connection.execute(delete(segments).where(*here, columns.offset == part.offset))


def note_segments(engine: Engine, store: WarcStore, file: str) -> None:
    """Look a file through for later parts of records and note where they lie; for files that have any.

    Raises:
        MissingRecord: the file is not there.
        StorageFailed: the database did not take it.
    """
    SegmentIndex(engine).add(list(_parts_in(store, file)))


def rebuild_segments(engine: Engine, store: WarcStore, having: Iterable[str]) -> None:
    """Note anew where the later parts of records lie, and forget what was known.

    Args:
        engine: the archive's database.
        store: the WARC files.
        having: names of all files that have such parts.

    Raises:
        MissingRecord: a file is not there; nothing is changed.
        StorageFailed: the database did not take it; likewise.
    """
    found = [part for file in having for part in _parts_in(store, file)]
    with writing(engine) as connection:
        connection.execute(delete(segments).where(_is_later))
        SegmentIndex(engine).add_within(connection, found)


def _parts_in(store: WarcStore, file: str) -> Iterator[Segment]:
    with store.open(file) as stream:
        for item in iter_records(stream):
            if isinstance(item, StoredRecord) and (part := segment_of(item, file)) is not None:
                yield part
