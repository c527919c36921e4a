"""The reader's language in templates: its texts, numbers, times and sizes."""

from __future__ import annotations

import re
import shlex
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal, format_percent
from flask import Flask, request

from archiver.timestamps import parse_timestamp
from replay.i18n import direction, preferred
from replay.words import PAGE_WORDS

#: Tags of languages with at most a script and a region (BCP 47).
_TAG = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-[A-Z]{2})?", re.ASCII)
#: Days as languages write them.
_DAY = "d MMM y"
_DAYS = {"zh": "y年M月d日"}
_UNITS = ("B", "kB", "MB", "GB")


def reader_language() -> str:
    """By Accept-Language alone: queries belong to archived URLs, and the reader sets no cookie."""
    return preferred(request.accept_languages)


@lru_cache(maxsize=10_000)
def _moment(timestamp: str, language: str) -> str:
    pattern = f"{_DAYS[language]} HH:mm:ss" if language in _DAYS else f"{_DAY}, HH:mm:ss"
    return format_datetime(parse_timestamp(timestamp).replace(tzinfo=None), pattern, locale=language)


def moment(timestamp: str) -> str:
    """14 digits for people, UTC."""
    return _moment(timestamp, reader_language())


def month(timestamp: str) -> str:
    """The month of a timestamp for people."""
    return format_skeleton("yMMM", parse_timestamp(timestamp[:6]), locale=reader_language())


def tongue(tag: str) -> str:
    """The name of a language for people, of what is its tag ("fr", "zh-Hant"); anything else stays as it is."""
    if not _TAG.fullmatch(tag):
        return tag
    try:
        return Locale.parse(tag, sep="-").get_display_name(reader_language()) or tag
    except (UnknownLocaleError, ValueError):
        return tag


@lru_cache(maxsize=10_000)
def _day(digits: str, language: str) -> str:
    return format_date(parse_timestamp(digits), _DAYS.get(language, _DAY), locale=language)


def day(digits: str) -> str:
    """The day of a timestamp (8 digits or more) for people."""
    return _day(digits[:8], reader_language())


def digits(period: str) -> str:
    """Digits of a timestamp with hyphens, as dates are typed."""
    parts = [period[:4], period[4:6], period[6:8]]
    return "-".join(part for part in parts if part) if len(period) <= 8 else period


def percent(value: int) -> str:
    """A share of hundred."""
    return format_percent(value / 100, locale=reader_language())


def share(value: float) -> str:
    """A part of a whole, 0 to 1, in hundredths: nothing and all are said only of nothing and all."""
    language = reader_language()
    if value in (0, 1) or 0.095 <= value < 0.995:
        return format_percent(value, locale=language)
    whole = Locale.parse(language).percent_formats[None].pattern
    return format_percent(min(0.999, max(0.001, value)), whole.replace("#0", "#0.0"), locale=language)


@lru_cache(maxsize=10_000)
def _number(value: float, language: str, pattern: str | None = None) -> str:
    return format_decimal(value, pattern, locale=language)


def number(value: int) -> str:
    """A count, grouped."""
    return _number(value, reader_language())


def size(value: float) -> str:
    """Bytes for people."""
    power = 0
    while value >= 1000 and power < len(_UNITS) - 1:
        value /= 1000
        power += 1
    return f"{_number(round(value, 1), reader_language(), '#,##0.0' if power else '#,##0')} {_UNITS[power]}"


def add_language(app: Flask) -> None:
    """Give an application's templates `words`, `language`, `direction` and the filters of this module."""

    @app.context_processor
    def values() -> dict[str, object]:
        language = reader_language()
        return {"language": language, "direction": direction(language), "words": PAGE_WORDS[language]}

    app.jinja_env.filters.update(
        moment=moment,
        day=day,
        month=month,
        tongue=tongue,
        digits=digits,
        percent=percent,
        share=share,
        number=number,
        size=size,
        shell=shlex.quote,
    )
