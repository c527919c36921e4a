"""The versions of a URL: a bar per year, a calendar, a list; all of it without JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from babel.dates import format_date, format_skeleton, get_day_names
from werkzeug.wrappers import Response as BaseResponse

from archiver.index.protocol import DayCount
from archiver.model import Capture
from archiver.timestamps import parse_timestamp
from archiver.urls import urlkey
from replay.address import ReplayAddress, VersionsAddress
from replay.listing import PAGE_SIZE, Filters, Listed, listing
from replay.lookup import Lookup, Scope
from replay.pictures import name_of
from replay.views import pictures, under
from replay.views.around import absent, page
from replay.views.language import moment, reader_language
from replay.yearview import MOST_TIMES, TimeMark, months, times_of, year_bars

#: Captures of a year that are looked at for the times that its calendar names.
_MOST_LOOKED_AT = 2 * MOST_TIMES


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One line of the list; `picture`: where the small one is, or ""."""

    capture: Capture
    address: str
    time: str
    unchanged: bool
    picture: str


def show(lookup: Lookup, scope: Scope, address: VersionsAddress) -> BaseResponse:
    """The page for a versions address; 404 when there is no capture."""
    if address.under:
        return under.of_address(lookup, scope, address)
    found_months = lookup.months(scope, address.url)
    if not found_months:
        return absent(lookup, scope, address.url)
    language = reader_language()
    year = _chosen_year(address.period, found_months)
    days = lookup.days(scope, address.url, f"{year:04d}")
    period = address.period or f"{year:04d}"
    source, key = lookup.source(scope), urlkey(address.url)
    first = next(iter(source.versions(scope.slugs, key, limit=1)))
    last = next(iter(source.versions(scope.slugs, key, limit=1, newest_first=True)))
    found = listing(source, scope.slugs, key, Filters(since=period, until=period))
    return page(
        "versions.html",
        scope=scope,
        address=address,
        url=address.url,
        total=sum(month.count for month in found_months),
        first=first.timestamp[:8],
        last=last.timestamp[:8],
        digits=period,
        period=period_name(period, language),
        is_cut=bool(found.following),
        most=PAGE_SIZE,
        year=year,
        bars=year_bars(found_months, year, address),
        months=months(days, year, address, language, _times(lookup, scope, address.url, year, len(days))),
        weekdays=[get_day_names("narrow", locale=language)[number] for number in range(7)],
        rows=rows(found.rows, scope),
    )


def _times(lookup: Lookup, scope: Scope, url: str, year: int, days: int) -> dict[str, list[TimeMark]]:
    """The captures that the calendar of a year names."""
    period = f"{year:04d}"
    found = lookup.source(scope).versions(scope.slugs, urlkey(url), since=period, until=period)
    captures = list(islice(found, _MOST_LOOKED_AT))
    return times_of(captures, scope.slug, days, pictures.small_ones(scope, captures))


def period_name(period: str, language: str) -> str:
    """The digits that timestamps of a period begin with, for people."""
    if len(period) < 6:
        return period
    start = parse_timestamp(period)
    if len(period) < 8:
        return format_skeleton("yMMMM", start, locale=language)
    return format_date(start, "long", locale=language) if len(period) < 10 else moment(f"{start:%Y%m%d%H%M%S}")


def _chosen_year(period: str, found: Sequence[DayCount]) -> int:
    return int((period + "0000")[:4]) if len(period) >= 4 else int(found[-1].day[:4])


def rows(found: Sequence[Listed], scope: Scope) -> list[VersionRow]:
    """The lines of a list."""
    shown = pictures.small_ones(scope, [row.capture for row in found])
    return [
        VersionRow(
            row.capture,
            ReplayAddress(scope.slug, row.capture.timestamp, "", row.capture.url).path(),
            moment(row.capture.timestamp),
            row.is_unchanged,
            shown.get(name_of(row.capture), ""),
        )
        for row in found
    ]
