"""When what is done again and again is due next: calendar rules in UTC. Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta

from archiver.collections.seedvalues import Schedule

#: Hour, UTC, at which schedules begin that nobody gave another one.
FIRST_HOUR = 2

_HOURS = {Schedule.TWICE_DAILY: 12, Schedule.DAILY: 24, Schedule.WEEKLY: 7 * 24}
_MONTHS = {
    Schedule.MONTHLY: 1,
    Schedule.BIMONTHLY: 2,
    Schedule.QUARTERLY: 3,
    Schedule.SEMIANNUAL: 6,
    Schedule.ANNUAL: 12,
}


def first_anchor(now: datetime) -> datetime:
    """From when a new schedule counts: the next night."""
    night = now.replace(hour=FIRST_HOUR, minute=0, second=0, microsecond=0)
    return night if night > now else night + timedelta(days=1)


def next_run(schedule: Schedule, anchor: datetime, after: datetime) -> datetime | None:
    """The first time after `after` that a schedule is due; None for never again.

    Args:
        schedule: how often.
        anchor: from when it counts; it is due then for the first time.
        after: times up to this one are past.

    Months keep the day: what counts from the 31st is due on the last day of shorter months, and on the 31st again.
    """
    if anchor > after:
        return anchor
    if schedule in _HOURS:
        step = timedelta(hours=_HOURS[schedule])
        return anchor + step * ((after - anchor) // step + 1)
    if schedule not in _MONTHS:
        return None
    step_months = _MONTHS[schedule]
    passed = (after.year - anchor.year) * 12 + after.month - anchor.month
    count = passed // step_months
    while (found := _months_later(anchor, count * step_months)) <= after:
        count += 1
    return found


def a_year(schedule: Schedule) -> float:
    """How often a schedule is due in a year."""
    if schedule in _HOURS:
        return 365 * 24 / _HOURS[schedule]
    return 12 / _MONTHS[schedule] if schedule in _MONTHS else 0


def _months_later(anchor: datetime, months: int) -> datetime:
    years, month = divmod(anchor.month - 1 + months, 12)
    year = anchor.year + years
    day = min(anchor.day, monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)
