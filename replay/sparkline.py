"""The captures of a URL in numbers for programs and small drawings, in the shape that clients of the Wayback Machine know."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add

from archiver.index.protocol import STATUS_CLASSES, DayCount
from archiver.model import Capture

#: Says that there is nothing in a month.
_NOTHING = "0"


def sparkline(found: Sequence[DayCount], first: str, last: str) -> dict[str, object]:
    """Captures a month.

    Args:
        found: of a URL, oldest first, a month or a day each.
        first: timestamp of the oldest capture, 14 digits.
        last: of the newest.

    Returns:
        years: twelve numbers of each year that has captures; status: of each such year twelve digits, the first one of most
        statuses of that month, "0" where there is nothing; first_ts, last_ts.
    """
    years: dict[str, list[int]] = {}
    classes: dict[str, list[list[int]]] = {}
    for day in found:
        year, month = day.day[:4], int(day.day[4:6]) - 1
        if year not in years:
            years[year], classes[year] = [0] * 12, [[0] * len(STATUS_CLASSES) for _ in range(12)]
        years[year][month] += day.count
        numbers = classes[year][month]
        numbers[:] = map(add, numbers, day.by_class)
    status = {year: "".join(map(main_class, months)) for year, months in classes.items()}
    return {"years": years, "first_ts": first, "last_ts": last, "status": status}


def main_class(by_class: Sequence[int]) -> str:
    """The first digit of most statuses, of equally many the lower one; "0" where there are none."""
    most = max(by_class, default=0)
    return str(STATUS_CLASSES[list(by_class).index(most)]) if most else _NOTHING


def days_of_year(days: Sequence[DayCount]) -> list[list[int]]:
    """[month and day as a number, status class of most, captures] of each day: 810 is the 10th of August."""
    return [[int(day.day[4:]), int(main_class(day.by_class)) * 100, day.count] for day in days]


def times_of_day(captures: Sequence[Capture], slugs: Sequence[str]) -> list[list[object]]:
    """[time as a number, status, place of the collection in `slugs`] of each capture: 93005 is half past nine and 5 seconds."""
    return [
        [int(item.timestamp[8:]), item.status if item.status is not None else "-", list(slugs).index(item.collection)]
        for item in captures
    ]
