"""The SELECTs of the capture index, and what their rows mean."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
)  # fmt: skip

from archiver.index.protocol import STATUS_CLASSES
from archiver.index.query import after_prefix
from archiver.index.tables import captures, collections, files
from archiver.model import Capture, RevisitTarget, Truncation

#: Parameters of a probe: the place in the clustered key from which it goes.
START = ("moment", "in_file", "at")

_COLUMNS = (
    captures.c.urlkey,
    captures.c.timestamp,
    captures.c.url,
    captures.c.mime,
    captures.c.status,
    captures.c.digest,
    select(files.c.name).where(files.c.id == captures.c.file_id).scalar_subquery(),  # after the limit: no plan with a join
    captures.c.offset,
    captures.c.length,
    captures.c.truncated,
    captures.c.is_revisit,
    captures.c.refers_to_url,
    captures.c.refers_to_timestamp,
    captures.c.refers_to_id,
    captures.c.file_id,
)
_PLACE = (captures.c.timestamp, captures.c.file_id, captures.c.offset)

#: What a scan reads, `file_id` in the place of the name.
_SCANNED = (
    captures.c.urlkey,
    captures.c.timestamp,
    captures.c.url,
    captures.c.mime,
    captures.c.status,
    captures.c.digest,
    captures.c.length,
    captures.c.offset,
    captures.c.file_id,
    captures.c.is_revisit,
    captures.c.refers_to_url,
    captures.c.refers_to_timestamp,
)
_WHOLE_KEY = (captures.c.urlkey, captures.c.timestamp, captures.c.file_id, captures.c.offset)
#: Parameters of a scan: the place from which it goes, and the key and second at which it ends, neither included.
FROM = ("from_key", "from_moment", "from_file", "from_offset")
TO = ("to_key", "to_moment")


def capture_of_row(slug: str, row: Any) -> Capture:
    """A row of the probes as a value."""
    revisit_of = RevisitTarget(row[11], row[12], row[13]) if row[10] else None
    return Capture(
        slug, row[0], f"{row[1]:014d}", row[2], row[3], row[4], row[5], row[6], row[7], row[8], revisit_of,
        Truncation(row[9]) if row[9] else None,
    )  # fmt: skip


def place_of_row(row: Any) -> tuple[int, int, int]:
    """Where in the clustered key a row of the probes is, within its URL."""
    return row[1], row[14], row[7]


def _collection() -> Any:
    """The number of the collection, as a constant to the planner: with a join, PostgreSQL sorts what is in order already."""
    return select(collections.c.id).where(collections.c.slug == bindparam("slug", type_=Text)).scalar_subquery()


def probe(count: int, *, backward: bool) -> Select[Any]:
    """The next captures of a URL from a place in the clustered key on, in one direction.

    Args:
        count: of rows; written into the statement, so that PostgreSQL plans for it.
        backward: earlier ones.
    """
    here = tuple_(*_PLACE)
    start = tuple_(*(bindparam(name, type_=column.type) for name, column in zip(START, _PLACE, strict=True)))
    return (
        select(*_COLUMNS)
        .where(captures.c.collection_id == _collection(), captures.c.urlkey == bindparam("urlkey"))
        .where(here < start if backward else here > start)
        .order_by(*(column.desc() if backward else column for column in _PLACE))
        .limit(literal_column(str(count)))
    )


def around(count: int) -> CompoundSelect[Any]:
    """What both probes from a place give, at once; behind the columns of each row, whether it is an earlier one."""
    ways = (probe(count, backward=backward).subquery() for backward in (False, True))
    return union_all(*(select(*way.c, literal_column(str(number))) for number, way in enumerate(ways)))


def scan_page(count: int, *, backward: bool = False, whole: bool = False) -> Select[Any]:
    """The next captures of a collection from a place in the clustered key on.

    Args:
        count: of rows; written into the statement, so that PostgreSQL plans for it.
        backward: from the place down.
        whole: with all that a `Capture` says: `truncated` and `refers_to_id` at the end of the row.
    """
    key = _WHOLE_KEY
    here, bound = tuple_(*key), tuple_(*key[:2])
    start = tuple_(*(bindparam(name, type_=column.type) for name, column in zip(FROM, key, strict=True)))
    end = tuple_(*(bindparam(name, type_=column.type) for name, column in zip(TO, key, strict=False)))
    moment = captures.c.timestamp
    columns = (*_SCANNED, captures.c.truncated, captures.c.refers_to_id) if whole else _SCANNED
    return (
        select(*columns)
        .where(captures.c.collection_id == _collection())
        .where(here < start if backward else here > start)
        .where(bound > end if backward else bound < end)
        .where(moment >= bindparam("low", type_=BigInteger), moment <= bindparam("high", type_=BigInteger))
        .order_by(*(column.desc() if backward else column for column in key))
        .limit(literal_column(str(count)))
    )


def days() -> Select[Any]:
    """Captures of a URL in a period a day (`unit` of the timestamp): the day, how many, how many of each class but the last."""
    moment = captures.c.timestamp
    day = (moment // bindparam("unit", type_=BigInteger)).label("day")
    digit = func.coalesce(captures.c.status, 200) // 100  # 2 where there is none, as `status_class` has it
    classes = [func.sum(case((digit == number, 1), else_=0)) for number in STATUS_CLASSES[:-1]]
    return (
        select(day, func.count(), *classes)
        .where(captures.c.collection_id == _collection(), captures.c.urlkey == bindparam("urlkey"))
        .where(moment >= bindparam("low", type_=BigInteger), moment <= bindparam("high", type_=BigInteger))
        .group_by(day)
        .order_by(day)
    )


def keys() -> Select[Any]:
    """Different keys of a range."""
    key = captures.c.urlkey
    return (
        select(key)
        .distinct()
        .where(captures.c.collection_id == _collection(), key >= bindparam("start"), key < bindparam("end"))
        .order_by(key)
        .limit(bindparam("count", type_=Integer))
    )


def urls_under(prefix: str) -> Select[Any]:
    """The URLs of keys with a prefix, each in a few numbers."""
    columns = captures.c
    statement = (
        select(
            func.max(columns.url),
            columns.urlkey,
            func.count(),
            func.min(columns.timestamp),
            func.max(columns.timestamp),
            func.max(case((func.coalesce(columns.status, 200) < 300, columns.mime), else_="")),
        )
        .where(columns.collection_id == _collection(), columns.urlkey >= prefix)
        .where(columns.urlkey.not_like("%\\_\\_wb\\_method=%", escape="\\"))  # answers to requests with a body are no pages
        .group_by(columns.urlkey)
        .order_by(columns.urlkey)
    )
    end = after_prefix(prefix)
    return statement if end is None else statement.where(columns.urlkey < end)


def summary() -> Any:
    """A collection in a few numbers."""
    by_url = (
        select(
            func.count().label("count"),
            func.min(captures.c.timestamp).label("first"),
            func.max(captures.c.timestamp).label("last"),
            func.sum(captures.c.length).label("bytes"),
        )
        .where(captures.c.collection_id == _collection())
        .group_by(captures.c.urlkey)
        .subquery()
    )
    numbers = by_url.c
    return select(
        func.sum(numbers.count), func.count(), func.min(numbers.first), func.max(numbers.last), func.sum(numbers.bytes)
    )
