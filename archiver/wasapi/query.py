"""What is asked of WASAPI: the parameters of a webdata query, read and written. Text in, values out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from archiver.errors import InvalidTimestamp, UsageError
from archiver.plaintext import one_line
from archiver.timestamps import parse_iso, to_iso

#: Kinds of files that can be asked for.
FILE_TYPES = ("warc", "wat", "wane", "cdx")

PAGE_SIZE = 100
MOST_PAGE_SIZE = 2000
#: No archive has as many files, and no database counts on from there.
_MOST = 2**31 - 1
_TIMES = (
    "crawl-time-after",
    "crawl-time-before",
    "crawl-start-after",
    "crawl-start-before",
    "store-time-after",
    "store-time-before",
)
_NAMES = ("filename", "filetype", "collection", "crawl", "page", "page_size", *_TIMES)
#: A "+" that nobody escaped arrives as a space.
_LOST_PLUS = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$", re.ASCII)


@dataclass(frozen=True, slots=True)
class WebdataQuery:
    """Which files are asked for. Times are half-open: after ≤ x < before.

    Attributes:
        filename: exactly, or with "*" for any characters and "?" for one; "" for any.
        filetype: one of `FILE_TYPES`; "" for WARC files.
        collections: names or numbers; empty for all.
        crawl: number of a crawl; 0 for any.
        times: by the name of the parameter.
        page: 1 for the first.
        page_size: files of a page.
    """

    filename: str = ""
    filetype: str = ""
    collections: tuple[str, ...] = ()
    crawl: int = 0
    times: tuple[tuple[str, datetime], ...] = ()
    page: int = 1
    page_size: int = PAGE_SIZE

    def time(self, name: str) -> datetime | None:
        """One of the times, UTC; None when it was not given."""
        return dict(self.times).get(name)

    def at_page(self, page: int) -> WebdataQuery:
        """The same of another page."""
        return replace(self, page=page)

    def written(self) -> str:
        """As the query of an address, from which `parse_query` makes the same."""
        pairs = [("filename", self.filename), ("filetype", self.filetype)]
        pairs += [("collection", name) for name in self.collections]
        pairs += [("crawl", str(self.crawl) if self.crawl else "")]
        pairs += [(name, to_iso(moment, 6 if moment.microsecond else 0)) for name, moment in self.times]
        pairs += [("page", str(self.page)), ("page_size", "" if self.page_size == PAGE_SIZE else str(self.page_size))]
        return urlencode([pair for pair in pairs if pair[1]], safe=":/")


def parse_query(text: str) -> WebdataQuery:
    """The query of an address.

    Raises:
        UsageError: a parameter is not known, is given twice, or cannot be what it says.
    """
    try:
        pairs = parse_qsl(text.removeprefix("?"), keep_blank_values=True, max_num_fields=1000)
    except ValueError as error:
        raise UsageError("There are too many parameters.", "Ask for fewer collections at once.") from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value.strip())
    return query_of(fields)


def query_of(fields: Mapping[str, Sequence[str]]) -> WebdataQuery:
    """The same of parameters that are taken apart already."""
    for name in fields:
        if name not in _NAMES:
            near = difflib.get_close_matches(name, _NAMES, 1)
            advice = f"Did you mean “{near[0]}”?" if near else f"There are: {', '.join(_NAMES)}."
            raise UsageError(f"There is no parameter “{one_line(name)[:40]}”.", advice)

    def one(name: str) -> str:
        values = [value for value in fields.get(name, ()) if value]
        if len(values) > 1:
            raise UsageError(f"The parameter “{name}” is given more than once.", "Ask once for each.")
        return values[0] if values else ""

    filetype = one("filetype").lower()
    if filetype and filetype not in FILE_TYPES:
        raise UsageError(f"There is no filetype “{one_line(filetype)[:40]}”.", f"There are: {', '.join(FILE_TYPES)}.")
    filename = one("filename")
    if "\0" in filename:
        raise UsageError("The filename has a character that no file name has.", "")
    return WebdataQuery(
        filename,
        filetype,
        tuple(dict.fromkeys(value for value in fields.get("collection", ()) if value)),
        _number("crawl", one("crawl"), 0, _MOST),
        tuple((name, _moment(name, one(name))) for name in _TIMES if one(name)),
        _number("page", one("page"), 1, _MOST),
        _number("page_size", one("page_size"), PAGE_SIZE, MOST_PAGE_SIZE),
    )


def _number(name: str, text: str, default: int, most: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= most):
        raise UsageError(f"“{one_line(text)[:40]}” cannot be the {name}.", f"Give a whole number from 1 to {most}.")
    return int(text)


def _moment(name: str, text: str) -> datetime:
    try:
        return parse_iso(_LOST_PLUS.sub(r"\1+\2", text[:60]))
    except InvalidTimestamp as error:
        raise UsageError(
            f"“{one_line(text)[:40]}” is not a date that {name} can be.",
            "Write it such as 2017, 2017-01, 2017-01-31, 2017-01-31T12:34:56Z or 2017-01-31 12:34:56-0700.",
        ) from error


def whole_second(moment: datetime) -> datetime:
    """The moment, or the next whole second: for comparing with times that have no fractions of seconds.

    What is at or after x is then at or after that second, and what is before x is before it.
    """
    if not moment.microsecond:
        return moment
    try:
        return moment.replace(microsecond=0) + timedelta(seconds=1)
    except OverflowError:
        return moment.replace(microsecond=0)
