"""Streams of captures out of the database: page after page by the clustered key, holding nothing in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine, Integer, bindparam, select

from archiver.index.database import Prepared, reading
from archiver.index.merging import merge_batches, merge_captures
from archiver.index.protocol import Row
from archiver.index.query import HIGHEST, KeyRange, Place, from_place
from archiver.index.statements import FROM, TO, scan_page
from archiver.index.tables import files
from archiver.model import Capture, RevisitTarget, Truncation
from archiver.timestamps import normalise_timestamp

#: Rows of the first page, of the second, and of all others: most queries want few, and streams are fastest in large pages.
_PAGES = (64, 512, 4096)
#: Names of files that a stream remembers.
_MOST_NAMES = 20_000
#: Numbers that one statement can take in every engine.
_IDS_AT_ONCE = 500
#: So few are asked for one by one, which costs less than making a statement for them.
_FEW = 4
_LAST = 2**31 - 1
_NO_MOMENT = -1
_FIRST_MOMENT, _LAST_MOMENT = 0, 99_999_999_999_999


class Scanner:
    """Reads ranges of keys of collections.

    Args:
        engine: the archive's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._name = Prepared(engine, select(files.c.name).where(files.c.id == bindparam("number", type_=Integer)))
        self._prepared: dict[tuple[int, bool, bool], Prepared] = {}

    def captures(
        self,
        slugs: Sequence[str],
        ranges: Sequence[KeyRange],
        *,
        since: str | None,
        until: str | None,
        after: Place | None,
        newest_first: bool,
    ) -> Iterator[Capture]:
        """See `CaptureSource.scan`."""
        low, high = moments(since, until)
        found = from_place(ranges, after, backward=newest_first)

        def of(slug: str) -> Iterator[Capture]:
            names = _Names(self._engine, self._name)
            for rows in self._walk(slug, found, low, high, after, backward=newest_first, whole=True):
                known = names.of(rows)
                yield from (_capture(slug, row, known[row[8]]) for row in rows if row[8] in known)

        return merge_captures([of(slug) for slug in slugs], newest_first=newest_first)

    def rows(
        self,
        slugs: Sequence[str],
        ranges: Sequence[KeyRange],
        *,
        since: str | None,
        until: str | None,
        after: Place | None,
    ) -> Iterator[Sequence[Row]]:
        """See `CaptureSource.scan_rows`."""
        low, high = moments(since, until)
        found = from_place(ranges, after)

        def of(slug: str) -> Iterator[Sequence[Row]]:
            names = _Names(self._engine, self._name)
            for rows in self._walk(slug, found, low, high, after):
                known = names.of(rows)
                yield [
                    (key, moment, url, mime, status, digest, length, offset, known[file], again, target, target_moment)
                    for key, moment, url, mime, status, digest, length, offset, file, again, target, target_moment in rows
                    if file in known
                ]

        return merge_batches([of(slug) for slug in slugs])

    def _walk(
        self,
        slug: str,
        ranges: Sequence[KeyRange],
        low: int,
        high: int,
        after: Place | None,
        *,
        backward: bool = False,
        whole: bool = False,
    ) -> Iterator[Sequence[Any]]:
        """Pages of rows as the database gives them, never empty; each page goes on where the one before ended."""
        sizes = iter(_PAGES)
        size = next(sizes)
        for item in ranges:
            start, end = bounds(item, low, high, after, backward=backward)
            while True:
                rows = self._page(size, backward, whole).rows(
                    slug=slug, low=low, high=high,
                    **dict(zip(FROM, start, strict=True)), **dict(zip(TO, end, strict=True)),
                )  # fmt: skip
                if rows:
                    yield rows
                if len(rows) < size:
                    break
                last = rows[-1]
                start = (last[0], last[1], last[8], last[7])
                size = next(sizes, size)

    def _page(self, size: int, backward: bool, whole: bool) -> Prepared:
        """The statement, made when it is first needed."""
        kind = (size, backward, whole)
        if kind not in self._prepared:
            self._prepared[kind] = Prepared(self._engine, scan_page(size, backward=backward, whole=whole))
        return self._prepared[kind]


def moments(since: str | None, until: str | None) -> tuple[int, int]:
    """First and last timestamp of a period, both included, as numbers.

    Raises:
        InvalidTimestamp: not 1 to 14 digits.
    """
    low = _FIRST_MOMENT if since is None else int(normalise_timestamp(since))
    return low, _LAST_MOMENT if until is None else int(normalise_timestamp(until, latest=True))


def bounds(
    keys: KeyRange, low: int, high: int, after: Place | None, *, backward: bool
) -> tuple[tuple[str, int, int, int], tuple[str, int]]:
    """Between which places of the clustered key a range lies, neither included, in the direction of the walk.

    Of one key alone, the period bounds the walk too; over several keys it only sifts.
    """
    only = keys.only
    before_first = (keys.start, low - 1, _LAST, _LAST) if only is not None else (keys.start, _NO_MOMENT, -1, -1)
    if only is not None:
        behind_last = (only, high + 1)
    else:
        behind_last = (HIGHEST if keys.end is None else keys.end, _NO_MOMENT)
    if not backward:
        start = before_first if after is None else max(before_first, (after.urlkey, int(after.timestamp), -1, -1))
        return start, behind_last
    highest = (*behind_last, -1, -1)
    start = highest if after is None else min(highest, (after.urlkey, int(after.timestamp), _LAST, _LAST))
    return start, before_first[:2]


class _Names:
    """The names of the files that rows lie in: looked up once a stream, not once a row."""

    def __init__(self, engine: Engine, one: Prepared) -> None:
        self._engine, self._one = engine, one
        self._known: dict[int, str] = {}

    def of(self, rows: Sequence[Any]) -> dict[int, str]:
        """Name by number of all files in the rows; a file that was taken out in between is not in it."""
        missing = sorted({row[8] for row in rows} - self._known.keys())
        if missing:
            if len(self._known) + len(missing) > _MOST_NAMES:
                self._known = {}
                return self.of(rows)
            if len(missing) <= _FEW:
                self._known.update({number: row[0] for number in missing for row in self._one.rows(number=number)})
                return self._known
            with reading(self._engine) as connection:
                for start in range(0, len(missing), _IDS_AT_ONCE):
                    wanted = select(files.c.id, files.c.name).where(files.c.id.in_(missing[start : start + _IDS_AT_ONCE]))
                    self._known.update({number: name for number, name in connection.execute(wanted)})
        return self._known


def _capture(slug: str, row: Any, file: str) -> Capture:
    revisit_of = RevisitTarget(row[10], row[11], row[13]) if row[9] else None
    return Capture(
        slug, row[0], f"{row[1]:014d}", row[2], row[3], row[4], row[5], file, row[7], row[6], revisit_of,
        Truncation(row[12]) if row[12] else None,
    )  # fmt: skip
