"""A year of captures as a calendar, and all years as bars: what of them is drawn, before any template."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import add

from babel.dates import format_date, get_month_names

from archiver.index.protocol import STATUS_CLASSES, DayCount
from archiver.model import Capture
from archiver.timestamps import parse_timestamp
from replay.address import ReplayAddress, VersionsAddress
from replay.pictures import Name, name_of
from replay.sparkline import main_class

#: Times of captures that a calendar names in all, at each day as many as there is room for.
MOST_TIMES = 365
_MOST_A_DAY = 12
#: Height of a bar's drawing, and the least that is seen of a bar.
_HEIGHT, _LEAST = 100, 3


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: first digit of a status, where it begins from above, how high it is."""

    status: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class YearBar:
    """One bar of the plot.

    Attributes:
        year: which.
        count: its captures.
        by_class: (first digit of a status, captures), those that there are.
        segments: the bar from above, of 100 parts of height.
        address: of the year's calendar.
        chosen: the calendar that is shown.
    """

    year: int
    count: int
    by_class: tuple[tuple[int, int], ...]
    segments: tuple[Segment, ...]
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class TimeMark:
    """A capture in the list of a day: its time, status, first digit of that, and address; and that of its picture, or ""."""

    time: str
    status: int | None
    digit: str
    address: str
    picture: str = ""


@dataclass(frozen=True, slots=True)
class DayCell:
    """One day of the calendar.

    Attributes:
        day: of the month; 0 for a blank.
        count: its captures.
        digit: first one of most of their statuses.
        size: 1 to 4, the more captures the larger.
        address: of the day's list.
        name: the date in words.
        by_class: (first digit of a status, captures), those that there are.
        times: of its first captures.
    """

    day: int
    count: int = 0
    digit: str = ""
    size: int = 0
    address: str = ""
    name: str = ""
    by_class: tuple[tuple[int, int], ...] = ()
    times: tuple[TimeMark, ...] = ()


@dataclass(frozen=True, slots=True)
class MonthTable:
    """One month of the calendar, weeks from Monday on; `count`: its captures."""

    name: str
    count: int
    weeks: tuple[tuple[DayCell, ...], ...]


def year_bars(found: Sequence[DayCount], chosen: int, address: VersionsAddress) -> list[YearBar]:
    """A bar for every year from the first capture to the last.

    Args:
        found: captures a month, or a day, oldest first.
        chosen: the year that is shown.
        address: of the page.
    """
    years: dict[int, list[int]] = {}
    for day in found:
        numbers = years.setdefault(int(day.day[:4]), [0] * len(STATUS_CLASSES))
        numbers[:] = map(add, numbers, day.by_class)
    highest = max(map(sum, years.values()))
    bars = []
    for year in range(min(years), max(years) + 1):
        numbers = years.get(year, [0] * len(STATUS_CLASSES))
        where = VersionsAddress(address.collection, f"{year:04d}", address.url, False).path()
        bars.append(YearBar(year, sum(numbers), _named(numbers), _segments(numbers, highest), where, year == chosen))
    return bars


def _segments(numbers: Sequence[int], highest: int) -> tuple[Segment, ...]:
    """What is good stands on the ground, the rest on it."""
    found: list[Segment] = []
    top = _HEIGHT
    for status, count in zip(STATUS_CLASSES, numbers, strict=True):
        if count and top > 0:
            height = min(top, max(_LEAST, round(_HEIGHT * count / highest)))
            top -= height
            found.append(Segment(status, top, height))
    return tuple(found)


def _named(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple((status, count) for status, count in zip(STATUS_CLASSES, numbers, strict=True) if count)


def times_of(captures: Sequence[Capture], slug: str, days: int, pictures: Mapping[Name, str]) -> dict[str, list[TimeMark]]:
    """The captures that a calendar names: by day, the first ones of each.

    Args:
        captures: of a year, oldest first.
        slug: of the address.
        days: how many days have captures.
        pictures: where that of a capture is, by `name_of`.
    """
    most = max(1, min(_MOST_A_DAY, MOST_TIMES // max(1, days)))
    found: dict[str, list[TimeMark]] = {}
    for item in captures:
        marks = found.setdefault(item.timestamp[:8], [])
        if len(marks) < most:
            stamp = item.timestamp
            where = ReplayAddress(slug, stamp, "", item.url).path()
            digit = str((item.status or 200) // 100)
            time, picture = f"{stamp[8:10]}:{stamp[10:12]}:{stamp[12:]}", pictures.get(name_of(item), "")
            marks.append(TimeMark(time, item.status, digit, where, picture))
    return found


def months(
    days: Sequence[DayCount], year: int, address: VersionsAddress, language: str, times: Mapping[str, Sequence[TimeMark]]
) -> list[MonthTable]:
    """The calendar of a year."""
    by_day = {day.day: day for day in days if int(day.day[:4]) == year}
    names = get_month_names("wide", context="stand-alone", locale=language)
    tables = []
    for month in range(1, 13):
        weeks = tuple(
            tuple(_cell(by_day.get(f"{year:04d}{month:02d}{day:02d}"), day, address, language, times) for day in week)
            for week in calendar.Calendar().monthdayscalendar(max(year, 1), month)
        )
        tables.append(MonthTable(names[month], sum(cell.count for week in weeks for cell in week), weeks))
    return tables


def _cell(
    found: DayCount | None,
    day: int,
    address: VersionsAddress,
    language: str,
    times: Mapping[str, Sequence[TimeMark]],
) -> DayCell:
    if found is None or not day:
        return DayCell(day)
    where = VersionsAddress(address.collection, found.day, address.url, False).path()
    size = 1 + sum(found.count > limit for limit in (1, 4, 16))
    return DayCell(
        day,
        found.count,
        main_class(found.by_class),
        size,
        where,
        _date_name(found.day, language),
        _named(found.by_class),
        tuple(times.get(found.day, ())),
    )


@lru_cache(maxsize=10_000)
def _date_name(day: str, language: str) -> str:
    return format_date(parse_timestamp(day), "full", locale=language)
