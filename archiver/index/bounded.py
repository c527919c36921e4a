"""Questions about whole collections that read no more rows than they are allowed to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Text, bindparam, func, literal_column, select

from archiver.index.database import Prepared
from archiver.index.files import HELD, PURGED
from archiver.index.holdingstables import file_parts
from archiver.index.protocol import CollectionSummary
from archiver.index.tables import captures, collections, files

#: Rows that are counted one by one; a collection with more is known by its files.
MOST_COUNTED = 10_000


#: Of a collection without captures.
NOTHING = CollectionSummary(0, 0, "", "", 0)


class SmallCounts:
    """Numbers of collections that cost the same however large those are.

    Args:
        engine: the archive's database.
    """

    def __init__(self, engine: Engine) -> None:
        number = select(collections.c.id).where(collections.c.slug == bindparam("slug", type_=Text)).scalar_subquery()
        columns = captures.c
        some = (
            select(columns.urlkey, columns.timestamp, columns.length)
            .where(columns.collection_id == number)
            .limit(literal_column(str(MOST_COUNTED + 1)))
            .subquery()
        )
        rows = some.c
        numbers: Any = select(
            func.count(),
            func.count(rows.urlkey.distinct()),
            func.min(rows.timestamp),
            func.max(rows.timestamp),
            func.sum(rows.length),
        )
        self._few = Prepared(engine, numbers)
        parts = file_parts.c
        totals = (func.sum(parts.captures), func.min(parts.first_timestamp), func.max(parts.last_timestamp))
        counted = files.c.state.in_([literal_column(f"'{HELD}'"), literal_column(f"'{PURGED}'")])
        self._by_file = Prepared(
            engine, select(*totals).join(files, files.c.id == parts.file_id).where(parts.collection_id == number, counted)
        )
        self._all_by_file = Prepared(
            engine,
            select(collections.c.slug, *totals)
            .select_from(file_parts.join(files, files.c.id == parts.file_id).join(collections))
            .where(counted)
            .group_by(collections.c.slug),
        )

    def few(self, slug: str) -> CollectionSummary | None:
        """A collection in a few numbers, row by row; None when it has more than `MOST_COUNTED` captures."""
        count, urls, first, last, size = self._few.rows(slug=slug)[0]
        if count > MOST_COUNTED:
            return None
        return CollectionSummary(count, urls, f"{first:014d}", f"{last:014d}", int(size)) if count else NOTHING

    def by_file(self, slug: str) -> tuple[int, str, str]:
        """Captures, first and last timestamp of a collection, as its finished files were counted; 0 and "" for none."""
        return _totals(*self._by_file.rows(slug=slug)[0])

    def all_by_file(self) -> dict[str, tuple[int, str, str]]:
        """The same of every collection that has files, by slug."""
        return {slug: _totals(*totals) for slug, *totals in self._all_by_file.rows()}


def _totals(count: int | None, first: int | None, last: int | None) -> tuple[int, str, str]:
    return int(count or 0), f"{first:014d}" if first else "", f"{last:014d}" if last else ""
