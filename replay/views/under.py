"""Many URLs at once: the list of those under a prefix, and a summary of their types by year."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import request
from werkzeug.wrappers import Response as BaseResponse

from replay.address import VersionsAddress
from replay.kinds import KINDS
from replay.lookup import Lookup, Scope
from replay.prefixes import (
    MOST_RANKED,
    ORDERS,
    PAGE_SIZE,
    Ranked,
    Summary,
    TypeCount,
    UrlPage,
    Wanted,
    ranked,
    summary,
    url_page,
)
from replay.views.around import MATCHES, Asked, absent, asked, being_counted, counts, page, path, seen_by

#: Media types that a summary shows one by one; the others are summed up.
_MOST_TYPES = 15
MEASURES = ("captures", "urls", "new_urls")
_MAX_TEXT = 300


def of_address(lookup: Lookup, scope: Scope, address: VersionsAddress) -> BaseResponse:
    """`/<collection>/*/<url>*`: the beginning of the list; all else of it is at `/<collection>/-/urls`."""
    return _listed(Asked(lookup, scope, address.url, "prefix"), Wanted(), "url", "")


def urls(name: str) -> BaseResponse:
    """`/<collection>/-/urls?url=…`: the URLs under a prefix, of a host or a domain; without `url`, all."""
    text = request.args.get("q", "").strip()[:_MAX_TEXT]
    kind, order = request.args.get("type", ""), request.args.get("order", "")
    wanted = Wanted(text, kind if kind in KINDS else "")
    return _listed(asked(name, may_be_all=True), wanted, order if order in ORDERS else "url", request.args.get("after", ""))


def _listed(ask: Asked, wanted: Wanted, order: str, after: str) -> BaseResponse:
    source, slugs = ask.lookup.source(ask.scope), ask.scope.slugs
    kept = {"match": "" if ask.match == "prefix" else ask.match, "q": wanted.text, "type": wanted.kind}
    count: int | None = None
    if order == "url":
        found = url_page(source, slugs, ask.ranges, wanted, after)
    else:
        key = ("ranked", seen_by(ask.scope), ask.ranges, wanted, order)
        whole = counts().get(key, lambda: ranked(source, slugs, ask.ranges, wanted, order))
        if whole is None:
            return being_counted(ask, "addresses")
        count = whole.count
        found = _part(whole, after)
        kept["order"] = order
    is_nothing = not found.lines and not found.following and not (wanted.text or wanted.kind)
    return page(
        "under.html",
        404 if is_nothing else 200,
        scope=ask.scope,
        url=ask.url,
        match=ask.match,
        matches=MATCHES,
        wanted=wanted,
        order=order,
        orders=ORDERS,
        kinds=KINDS,
        found=found,
        count=count,
        most=MOST_RANKED,
        following=path(ask.scope, "urls", ask.url, **kept, after=found.following) if found.following else "",
        beginning=path(ask.scope, "urls", ask.url, **kept) if after else "",
    )


def _part(whole: Ranked, after: str) -> UrlPage:
    """A page of URLs that are in another order than their own; `after`: how many are before it."""
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 6 else 0
    end = start + PAGE_SIZE
    return UrlPage(whole.lines[start:end], str(end) if end < len(whole.lines) else "")


@dataclass(frozen=True, slots=True)
class TypeRow:
    """A line of the summary: a media type ("" for all others), its numbers of each year, and of all."""

    mime: str
    numbers: tuple[int, ...]
    total: int


def by_year(name: str) -> BaseResponse:
    """`/<collection>/-/summary?url=…`: media types by year; `show` says of what: captures, URLs or new URLs."""
    ask = asked(name)
    source, slugs = ask.lookup.source(ask.scope), ask.scope.slugs
    found = counts().get(("summary", seen_by(ask.scope), ask.ranges), lambda: summary(source, slugs, ask.ranges))
    if found is None:
        return being_counted(ask, "summary")
    if not found.years:
        return absent(ask.lookup, ask.scope, ask.url)
    shown = request.args.get("show", "")
    measure = shown if shown in MEASURES else MEASURES[0]
    years = list(range(min(found.years), max(found.years) + 1))
    rows, others = type_rows(found, years, measure)
    return page(
        "summary.html",
        scope=ask.scope,
        url=ask.url,
        match=ask.match,
        matches=MATCHES,
        measure=measure,
        measures=MEASURES,
        years=[(year, found.years.get(year, TypeCount())) for year in years],
        highest=max(numbers.captures for numbers in found.years.values()),
        total=found.total,
        rows=rows,
        others=others,
        most_in_cell=max((number for row in rows for number in row.numbers), default=1),
    )


def type_rows(found: Summary, years: list[int], measure: str) -> tuple[list[TypeRow], int]:
    """The types with most captures, and all others as one; how many types those are."""
    shown = list(found.types)[:_MOST_TYPES]
    rows = [_type_row(found, years, measure, mime, (mime,)) for mime in shown]
    rest = tuple(found.types)[_MOST_TYPES:]
    if rest:
        rows.append(replace(_type_row(found, years, measure, "", rest), mime=""))
    return rows, len(rest)


def _type_row(found: Summary, years: list[int], measure: str, name: str, mimes: tuple[str, ...]) -> TypeRow:
    def number(count: TypeCount) -> int:
        return int(getattr(count, measure))

    numbers = tuple(sum(number(found.cells.get((year, mime), TypeCount())) for mime in mimes) for year in years)
    return TypeRow(name, numbers, sum(number(found.types[mime]) for mime in mimes))
