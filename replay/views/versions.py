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
from replay.views import under
from replay.views.around import absent, page
from replay.views.language import moment, reader_language
from replay.yearview import MOST_TIMES, TimeMark, months, times_of, year_bars

#: Captures of a year that are looked at for the times that its calendar names.
_MOST_LOOKED_AT = 2 * MOST_TIMES


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One line of the list."""

    capture: Capture
    address: str
    time: str
    unchanged: bool


def show(lookup: Lookup, scope: Scope, address: VersionsAddress) -> BaseResponse:
    """The page for a versions address; 404 when there is no capture."""
    if address.under:
        return under.of_address(lookup, scope, address)
    days = lookup.days(scope, address.url)
    if not days:
        return absent(lookup, scope, address.url)
    language = reader_language()
    year = _chosen_year(address.period, days)
    period = address.period or f"{year:04d}"
    found = listing(lookup.source(scope), scope.slugs, urlkey(address.url), Filters(since=period, until=period))
    return page(
        "versions.html",
        scope=scope,
        address=address,
        url=address.url,
        total=sum(day.count for day in days),
        first=days[0].day,
        last=days[-1].day,
        digits=period,
        period=period_name(period, language),
        is_cut=bool(found.following),
        most=PAGE_SIZE,
        year=year,
        bars=year_bars(days, year, address),
        months=months(days, year, address, language, _times(lookup, scope, address.url, year, days)),
        weekdays=[get_day_names("narrow", locale=language)[number] for number in range(7)],
        rows=rows(found.rows, scope.slug),
    )


def _times(lookup: Lookup, scope: Scope, url: str, year: int, days: Sequence[DayCount]) -> dict[str, list[TimeMark]]:
    """The captures that the calendar of a year names."""
    period = f"{year:04d}"
    here = [day for day in days if day.day.startswith(period)]
    found = lookup.source(scope).versions(scope.slugs, urlkey(url), since=period, until=period)
    return times_of(list(islice(found, _MOST_LOOKED_AT)), scope.slug, len(here))


def period_name(period: str, language: str) -> str:
    """The digits that timestamps of a period begin with, for people."""
    if len(period) < 6:
        return period
    start = parse_timestamp(period)
    if len(period) < 8:
        return format_skeleton("yMMMM", start, locale=language)
    return format_date(start, "long", locale=language) if len(period) < 10 else moment(f"{start:%Y%m%d%H%M%S}")


def _chosen_year(period: str, days: Sequence[DayCount]) -> int:
    return int((period + "0000")[:4]) if len(period) >= 4 else int(days[-1].day[:4])


def rows(found: Sequence[Listed], slug: str) -> list[VersionRow]:
    """The lines of a list."""
    return [
        VersionRow(
            row.capture,
            ReplayAddress(slug, row.capture.timestamp, "", row.capture.url).path(),
            moment(row.capture.timestamp),
            row.is_unchanged,
        )
        for row in found
    ]
