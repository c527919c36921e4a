"""The versions of a URL: a bar per year, a calendar, a list; all of it without JavaScript."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from babel.dates import format_date, format_skeleton, get_day_names, get_month_names
from flask import make_response, render_template
from werkzeug.wrappers import Response as BaseResponse

from archiver.index.protocol import DayCount
from archiver.model import Capture
from archiver.timestamps import parse_timestamp
from replay.address import ReplayAddress, VersionsAddress
from replay.lookup import Lookup, Scope
from replay.views.language import moment, reader_language
from replay.views.refused import refused

#: Captures that the list shows at once.
MOST_ROWS = 5000


@dataclass(frozen=True, slots=True)
class YearBar:
    """One bar of the plot: captures of a year, and its height in percent of the highest."""

    year: int
    count: int
    height: int
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class DayCell:
    """One day of the calendar; `day` 0 is a blank, `level` 0 to 4 says how many captures it has."""

    day: int
    count: int = 0
    level: int = 0
    address: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class MonthTable:
    """One month of the calendar, weeks from Monday on."""

    name: str
    weeks: tuple[tuple[DayCell, ...], ...]


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
        found = lookup.under(scope, address.url)
        page = render_template("under.html", scope=scope, address=address, found=found)
        return make_response(page, 200 if found else 404)
    days = lookup.days(scope, address.url)
    if not days and (rule := lookup.blocked(scope, address.url, "")) is not None:
        return refused(rule, address.url)
    if not days:
        page = render_template(
            "missing.html", url=address.url, scope=scope, nearest=[], folder=address.url,
            under=lookup.under(scope, address.url, limit=20),
        )  # fmt: skip
        return make_response(page, 404)
    language = reader_language()
    year = _chosen_year(address.period, days)
    period = address.period or f"{year:04d}"
    captures = lookup.versions(scope, address.url, period, limit=MOST_ROWS)
    page = render_template(
        "versions.html",
        scope=scope,
        address=address,
        url=address.url,
        total=sum(day.count for day in days),
        period=period_name(period, language),
        in_period=sum(day.count for day in days if day.day.startswith(period[:8])) if len(period) <= 8 else 0,
        year=year,
        bars=year_bars(days, year, address),
        months=months(days, year, address, language),
        weekdays=[get_day_names("narrow", locale=language)[number] for number in range(7)],
        rows=rows(captures, scope.slug),
    )
    return make_response(page)


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


def year_bars(days: Sequence[DayCount], chosen: int, address: VersionsAddress) -> list[YearBar]:
    """A bar for every year from the first capture to the last."""
    counts: Counter[int] = Counter()
    for day in days:
        counts[int(day.day[:4])] += day.count
    highest = max(counts.values())
    return [
        YearBar(
            year,
            counts[year],
            max(4, round(100 * counts[year] / highest)) if counts[year] else 0,
            VersionsAddress(address.collection, str(year), address.url, False).path(),
            year == chosen,
        )
        for year in range(min(counts), max(counts) + 1)
    ]


def months(days: Sequence[DayCount], year: int, address: VersionsAddress, language: str) -> list[MonthTable]:
    """The calendar of a year."""
    counts = {day.day: day.count for day in days}
    names = get_month_names("wide", context="stand-alone", locale=language)
    tables = []
    for month in range(1, 13):
        weeks = []
        for week in calendar.Calendar().monthdayscalendar(max(year, 1), month):
            weeks.append(tuple(_cell(counts, year, month, day, address, language) for day in week))
        tables.append(MonthTable(names[month], tuple(weeks)))
    return tables


def _cell(counts: dict[str, int], year: int, month: int, day: int, address: VersionsAddress, language: str) -> DayCell:
    stamp = f"{year:04d}{month:02d}{day:02d}"
    count = counts.get(stamp, 0)
    if not day or not count:
        return DayCell(day)
    level = 1 + sum(count > limit for limit in (1, 4, 16))
    where = VersionsAddress(address.collection, stamp, address.url, False).path()
    return DayCell(day, count, level, where, format_date(parse_timestamp(stamp), "full", locale=language))


def rows(captures: Sequence[Capture], slug: str) -> list[VersionRow]:
    """The list, with a mark where the payload is the same as in the version before."""
    found = []
    before = ""
    for capture in captures:
        address = ReplayAddress(slug, capture.timestamp, "", capture.url).path()
        same = bool(capture.digest) and capture.digest == before
        found.append(VersionRow(capture, address, moment(capture.timestamp), same))
        before = capture.digest
    return found
