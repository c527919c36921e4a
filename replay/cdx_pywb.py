"""The CDX API in pywb's dialect: its parameters, its lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from archiver.index.protocol import IS_REVISIT, MIME, STATUS, TIMESTAMP, Row
from archiver.timestamps import parse_timestamp, to_http_date
from replay.cdx_ia import REVISIT, UNKNOWN_TYPE
from replay.cdxanswer import shown_file
from replay.cdxapi import (
    MOST_PAGE_BLOCKS,
    PAGE_BLOCKS,
    CdxQuery,
    Order,
    Parameters,
    check_memory,
    order_of,
    ranges_of,
)  # fmt: skip
from replay.cdxfilter import Change, Column, Longer, pywb_test
from replay.cdxlines import COMMON, careless, pieces
from replay.cdxsteps import ORIGINALS, WIDTH

#: In the order of a line; the status is left out where there is none.
FIELDS = ("urlkey", "timestamp", "url", "mime", "status", "digest", "length", "offset", "filename")

OUTPUTS = ("cdxj", "json", "text", "link")


def _mime(row: Longer) -> str:
    return REVISIT if row[IS_REVISIT] else row[MIME] or UNKNOWN_TYPE


def _status(row: Longer) -> str:
    return "" if row[IS_REVISIT] or row[STATUS] is None else str(row[STATUS])


_SHORT = {
    "u": "url", "original": "url", "statuscode": "status", "s": "length", "l": "length", "mimetype": "mime", "m": "mime",
    "o": "offset", "d": "digest", "t": "timestamp", "k": "urlkey", "f": "filename",
}  # fmt: skip
_NAMED: dict[str, Column] = {**COMMON, "mime": _mime, "status": _status}
#: By all names that pywb's filters know.
COLUMNS: dict[str, Column] = {**_NAMED, **{short: _NAMED[name] for short, name in _SHORT.items()}}


def whole_line(row: Longer) -> str:
    """What filters without a field look at."""
    return cdxj_line(row).rstrip()


def read(given: Parameters) -> CdxQuery:
    """The question that parameters ask.

    Raises:
        UsageError: which parameter cannot be used, and what it may be.
    """
    ranges, key = ranges_of(given)
    order, closest = order_of(given)
    if closest:
        order = Order.CLOSEST  # as soon as there is a time to be near to
    elif given.flag("reverse"):
        order = Order.REVERSE
    per_time = given.number("collapseTime", 0, 14)
    names = given.one("fields", "fl")
    limit = given.number("limit", 0, 10**12)
    query = CdxQuery(
        ranges=ranges,
        key=key,
        since=given.moment("from", "from_ts"),
        until=given.moment("to"),
        order=order,
        closest=closest,
        limit=limit or None,
        tests=tuple(pywb_test(text, COLUMNS, whole_line) for text in given.many("filter")),
        changes=(Change(_period_and_status(per_time), None),) if per_time else (),
        page=given.number("page", 0, 10**9),
        page_blocks=given.number("pageSize", 1, MOST_PAGE_BLOCKS) or PAGE_BLOCKS,
        wants_page_count=given.flag("showNumPages"),
        wants_page_index=given.flag("showPagedIndex"),
        resolves=given.flag("resolveRevisits"),
        output=given.choice("output", OUTPUTS, "cdxj"),
        fields=tuple(name for name in names.split(",") if name),
    )
    return check_memory(query)


def _period_and_status(digits: int) -> Column:
    return lambda row: f"{row[TIMESTAMP]:014d}"[:digits] + _status(row)


def wants_fuzzy(given: Parameters) -> bool:
    """What is most like a URL that is not held may be given for it: only when that is said."""
    return given.flag("allowFuzzy")


# -- lines -----------------------------------------------------------------------------------------------------------


def fields_of(row: Longer, *, resolves: bool = False, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """All fields of a capture."""
    out = {name: _NAMED[name](row) for name in FIELDS}
    if not out["status"]:
        del out["status"]
    if resolves:
        out.update(zip(ORIGINALS, row[WIDTH : WIDTH + 3], strict=True))
    return {**out, **extra} if extra else out


def cdxj_line(row: Longer) -> str:
    """urlkey, timestamp, and the rest as JSON."""
    return _cdxj(fields_of(row), ())


def _cdxj(fields: dict[str, str], chosen: Sequence[str]) -> str:
    rest = {name: value for name, value in fields.items() if name not in ("urlkey", "timestamp")}
    return f"{fields['urlkey']} {fields['timestamp']} {json.dumps(_chosen(rest, chosen))}\n"


def _chosen(fields: dict[str, str], chosen: Sequence[str]) -> dict[str, str]:
    return {name: fields[name] for name in chosen if name in fields} if chosen else fields


def _writer(query: CdxQuery, extra: Mapping[str, str]) -> Callable[[Longer], str]:
    chosen, resolves = query.fields, query.resolves
    if query.output == "json":
        return lambda row: json.dumps(_chosen(fields_of(row, resolves=resolves, extra=extra), chosen)) + "\n"
    if query.output == "cdxj":
        return lambda row: _cdxj(fields_of(row, resolves=resolves, extra=extra), chosen)

    def line(row: Longer) -> str:
        fields = fields_of(row, resolves=resolves, extra=extra)
        if chosen:
            return " ".join([fields.get(name, "-") for name in chosen]) + "\n"
        return " ".join([fields.get(name, "-") for name in FIELDS]) + "".join(
            f" {value}" for name, value in fields.items() if name not in FIELDS
        ) + "\n"  # fmt: skip

    return line


def lines(query: CdxQuery, rows: Iterable[Longer], extra: Mapping[str, str]) -> Iterator[bytes]:
    """CDXJ, one JSON object a line, or text, as asked for.

    Args:
        query: what is asked.
        rows: the answer.
        extra: fields of all rows.
    """
    return pieces(map(_writer(query, extra), rows))


def plain_lines(query: CdxQuery, batches: Iterable[Sequence[Row]]) -> Iterator[bytes]:
    """The same of a plain query, for streams of millions."""
    write = _writer(query, {})
    if query.output == "text":
        return careless(batches, _fast_text, lambda rows: (b" ", 8 * len(rows)), write)
    fast, most = (_fast_cdxj, 28) if query.output == "cdxj" else (_fast_json, 36)

    def quotes(rows: Sequence[Row]) -> tuple[bytes, int]:
        return b'"', most * len(rows) - 4 * sum(1 for row in rows if row[IS_REVISIT] or row[STATUS] is None)

    return careless(batches, fast, quotes, write)


def _fast_cdxj(rows: Sequence[Row]) -> str:
    files = {row[8]: shown_file(row[8]) for row in rows}
    return "".join(
        [
            f'{key} {moment:014d} {{"url": "{url}", "mime": "{REVISIT if again else mime or UNKNOWN_TYPE}", '
            f'{"" if again or status is None else _with_status(status)}"digest": "{digest.removeprefix("sha1:") or "-"}", '
            f'"length": "{length or "-"}", "offset": "{offset}", "filename": "{files[file]}"}}\n'
            for key, moment, url, mime, status, digest, length, offset, file, again, _, _ in rows
        ]
    )


def _fast_json(rows: Sequence[Row]) -> str:
    files = {row[8]: shown_file(row[8]) for row in rows}
    return "".join(
        [
            f'{{"urlkey": "{key}", "timestamp": "{moment:014d}", "url": "{url}", '
            f'"mime": "{REVISIT if again else mime or UNKNOWN_TYPE}", '
            f'{"" if again or status is None else _with_status(status)}"digest": "{digest.removeprefix("sha1:") or "-"}", '
            f'"length": "{length or "-"}", "offset": "{offset}", "filename": "{files[file]}"}}\n'
            for key, moment, url, mime, status, digest, length, offset, file, again, _, _ in rows
        ]
    )


def _fast_text(rows: Sequence[Row]) -> str:
    files = {row[8]: shown_file(row[8]) for row in rows}
    return "".join(
        [
            f"{key} {moment:014d} {url} {REVISIT if again else mime or UNKNOWN_TYPE} "
            f"{'-' if again or status is None else status} {digest.removeprefix('sha1:') or '-'} {length or '-'} {offset} "
            f"{files[file]}\n"
            for key, moment, url, mime, status, digest, length, offset, file, again, _, _ in rows
        ]
    )


def _with_status(status: int) -> str:
    return f'"status": "{status}", '


def link(rows: Iterable[Longer], collection: str) -> Iterator[bytes]:
    """The captures as links (RFC 8288), as pywb has them."""

    def parts() -> Iterator[str]:
        end = ""
        for row in rows:
            moment = to_http_date(parse_timestamp(f"{row[TIMESTAMP]:014d}"))
            yield f'{end}<{COMMON["url"](row)}>; rel="memento"; datetime="{moment}"; collection="{collection}"'
            end = ",\n"
        if end:
            yield "\n"

    return pieces(parts())
