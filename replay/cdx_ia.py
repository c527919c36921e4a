"""The CDX API in the Internet Archive's dialect: its parameters, its lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import quote_plus

from archiver.errors import UsageError
from archiver.index.protocol import IS_REVISIT, MIME, STATUS, Row
from replay.cdxapi import (
    MOST_PAGE_BLOCKS,
    PAGE_BLOCKS,
    CdxQuery,
    Order,
    Parameters,
    Resume,
    check_memory,
    order_of,
    ranges_of,
    resume_of,
)  # fmt: skip
from replay.cdxfilter import Column, Longer, change_of, ia_test
from replay.cdxlines import COMMON, careless, clean, pieces
from replay.cdxsteps import DUPLICATES, GROUP_COUNTS, ORIGINALS, WIDTH, added_columns

#: The columns of an answer that names none.
DEFAULT = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")
#: In the order of their numbers.
NUMBERED = (*DEFAULT, "offset", "filename")

REVISIT = "warc/revisit"
UNKNOWN_TYPE = "unk"


def _mime(row: Longer) -> str:
    return REVISIT if row[IS_REVISIT] else clean(row[MIME]) or UNKNOWN_TYPE


def _status(row: Longer) -> str:
    return "-" if row[IS_REVISIT] or row[STATUS] is None else str(row[STATUS])


_OF_URL = COMMON["url"]
#: By all their names; the short ones are Archive-It's.
COLUMNS: dict[str, Column] = {
    **COMMON, "original": _OF_URL, "mimetype": _mime, "mime": _mime, "statuscode": _status, "status": _status,
}  # fmt: skip
_ORDERED = tuple(COLUMNS[name] for name in DEFAULT)
_ADDED = frozenset({*GROUP_COUNTS, DUPLICATES, *ORIGINALS})


def whole_line(row: Longer) -> str:
    """What filters without a field look at."""
    return " ".join([column(row) for column in _ORDERED])


def read(given: Parameters, url: str = "", output: str = "") -> CdxQuery:
    """The question that parameters ask.

    Args:
        given: the parameters.
        url: from the path; "" when it is a parameter.
        output: a format that the path names.

    Raises:
        UsageError: which parameter cannot be used, and what it may be.
    """
    ranges, key = ranges_of(given, url)
    order, closest = order_of(given)
    limit = given.number("limit", -(10**9), 10**12)
    fields = tuple(name for name in given.one("fl").split(",") if name)
    query = CdxQuery(
        ranges=ranges,
        key=key,
        since=given.moment("from"),
        until=given.moment("to"),
        order=order,
        closest=closest if order is Order.CLOSEST else "",
        limit=abs(limit) if limit is not None else None,
        is_last=limit is not None and limit < 0,
        offset=given.number("offset", 0) or 0,
        tests=tuple(ia_test(text, COLUMNS, NUMBERED, whole_line) for text in given.many("filter")),
        changes=tuple(change_of(text, COLUMNS, NUMBERED) for text in given.many("collapse")),
        per_time=given.number("collapseTime", 0, 14) or 0,
        resume=resume_of(given.one("resumeKey")),
        page=given.number("page", 0, 10**9),
        page_blocks=given.number("pageSize", 1, MOST_PAGE_BLOCKS) or PAGE_BLOCKS,
        wants_page_count=given.flag("showNumPages"),
        wants_page_index=given.flag("showPagedIndex") or given.flag("pagedIndex"),
        wants_key=given.flag("showResumeKey"),
        resolves=given.flag("resolveRevisits") or any(name in ORIGINALS for name in fields),
        counts=_counts(given, fields),
        output=output or given.choice("output", ("text", "json"), "text"),
        fields=fields,
        is_compressed=given.flag("gzip", default=True),
    )
    given.flag("fastLatest")  # the last captures are always read from the end, and always all of them
    known = COLUMNS.keys() | _ADDED
    for name in fields:
        if name not in known:
            raise UsageError(f"There is no field “{name[:60]}”.", f"Fields are {', '.join((*NUMBERED, *sorted(_ADDED)))}.")
    return check_memory(query)


def _counts(given: Parameters, fields: tuple[str, ...]) -> tuple[str, ...]:
    switches = {
        "showDupeCount": DUPLICATES, "showSkipCount": "skipcount", "showGroupCount": "groupcount",
        "lastSkipTimestamp": "endtimestamp", "showUniqCount": "uniqcount",
    }  # fmt: skip
    wanted = {name for switch, name in switches.items() if given.flag(switch)}
    wanted |= {name for name in fields if name in (*GROUP_COUNTS, DUPLICATES)}
    return tuple(name for name in (DUPLICATES, *GROUP_COUNTS) if name in wanted)


def columns_of(query: CdxQuery) -> tuple[str, ...]:
    """The names of the columns of an answer, as asked for."""
    return query.fields or (*DEFAULT, *query.counts[:1], *(ORIGINALS if query.resolves else ()), *query.counts[1:])


def _getters(query: CdxQuery) -> list[Column]:
    places = {name: WIDTH + at for at, name in enumerate(added_columns(query))}

    def at(place: int) -> Column:
        return lambda row: str(row[place])

    return [COLUMNS.get(name) or at(places[name]) for name in columns_of(query)]


# -- lines -----------------------------------------------------------------------------------------------------------


def _writer(query: CdxQuery) -> Callable[[Longer], str]:
    getters = _getters(query)
    if query.output == "text":
        return lambda row: " ".join([column(row) for column in getters]) + "\n"
    return lambda row: json.dumps([column(row) for column in getters], separators=(",", ":"))


def text(query: CdxQuery, rows: Iterable[Longer], following: Callable[[], Resume | None]) -> Iterator[bytes]:
    """Lines of columns, one space between; after an empty line, where to go on."""
    yield from pieces(map(_writer(query), rows))
    yield from _end(following)


def plain_text(query: CdxQuery, batches: Iterable[Sequence[Row]], following: Callable[[], Resume | None]) -> Iterator[bytes]:
    """The same as `text` of a plain query, for streams of millions."""
    yield from careless(batches, _fast, lambda rows: (b" ", 6 * len(rows)), _writer(query))
    yield from _end(following)


def _end(following: Callable[[], Resume | None]) -> Iterator[bytes]:
    resume = following()
    if resume is not None:
        yield f"\n{resume_key(resume)}\n".encode()


def as_json(query: CdxQuery, rows: Iterable[Longer], following: Callable[[], Resume | None]) -> Iterator[bytes]:
    """An array of arrays, of which the first has the names of the columns; no match: an empty array."""
    write = _writer(query)

    def lines() -> Iterator[str]:
        before = f"[{json.dumps(columns_of(query), separators=(',', ':'))}"
        is_empty = True
        for row in rows:
            yield f"{before},\n{write(row)}" if is_empty else f",\n{write(row)}"
            is_empty = False
        resume = following()
        if resume is not None:
            yield f"{before if is_empty else ''},\n[],\n{json.dumps([resume_key(resume)])}"
            is_empty = False
        yield "[]\n" if is_empty else "]\n"

    return pieces(lines())


def _fast(rows: Sequence[Row]) -> str:
    return "".join(
        [
            f"{key} {moment:014d} {url} {REVISIT if again else mime or UNKNOWN_TYPE} "
            f"{'-' if again or status is None else status} {digest.removeprefix('sha1:') or '-'} {length or '-'}\n"
            for key, moment, url, mime, status, digest, length, _, _, again, _, _ in rows
        ]
    )


def resume_key(resume: Resume) -> str:
    """Where to go on, as one word; see `cdxapi.resume_of`."""
    passed = f" {resume.passed}" if resume.passed else ""
    return quote_plus(f"{resume.place.urlkey} {resume.place.timestamp}{passed}")
