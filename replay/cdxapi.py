"""What is asked of the CDX API, as values: the parameters that its two dialects share, checked, with words for what is wrong.

`cdx_ia` and `cdx_pywb` read the rest of the parameters, each as the clients of that dialect mean them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, unquote_plus

from archiver.errors import UsageError
from archiver.index.query import KeyRange, Match, Place, key_ranges, split_wildcard
from archiver.timestamps import normalise_timestamp
from replay.address import repair_url
from replay.cdxfilter import Change, Test

#: Parameters in one request: a query that has more is no question of a client.
_MOST_PARAMETERS = 200
_MOST_CHARACTERS = 20_000
_TRUE = frozenset({"true", "1", "on", "yes", "t", "y", ""})
_FALSE = frozenset({"false", "0", "off", "no", "f", "n"})
#: Captures of several URLs that are held in memory to be put in order by their nearness to a time.
MOST_SORTED = 20_000
#: Captures that are held in memory when the last ones of a folded stream are asked for.
MOST_LAST = 100_000
#: Captures in a block of an index, as `pageSize` counts them: what ZipNum indexes have in theirs.
BLOCK_ROWS = 3000
#: Blocks of a page, as asked for and as most.
PAGE_BLOCKS = 5
MOST_PAGE_BLOCKS = 1000


class Order(StrEnum):
    """In which order captures are given."""

    REGULAR = "regular"
    REVERSE = "reverse"
    CLOSEST = "closest"


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a stream goes on.

    Attributes:
        place: of its first capture.
        passed: captures of that very place that were given before.
    """

    place: Place
    passed: int = 0


@dataclass(frozen=True, slots=True)
class CdxQuery:
    """One question.

    Attributes:
        ranges: of keys.
        key: the one that is asked for; "" when they are several.
        since: earliest timestamp, included; None for none.
        until: latest timestamp, included.
        order: of the answer.
        closest: timestamp, with Order.CLOSEST.
        limit: captures at most; None for all.
        is_last: `limit` counts from the end.
        offset: captures of the index that are passed over first.
        tests: a capture must pass all of them.
        changes: a capture must differ from the one before in all of these.
        per_time: digits of timestamps of which one capture, with the best status, is enough; 0: all are given.
        resume: where to begin; None for the beginning.
        page: number of the page that is asked for, from 0; None for everything.
        page_blocks: blocks in a page.
        wants_page_count: the number of pages is asked for, no captures.
        wants_page_index: a list of the pages is asked for.
        wants_key: with `limit`: tell where to go on.
        resolves: tell where the payload of each revisit lies.
        counts: what is counted and added to captures, see `cdxsteps`.
        output: name of a format.
        fields: columns in their order; empty for all.
        is_compressed: may be sent compressed.
    """

    ranges: tuple[KeyRange, ...]
    key: str = ""
    since: str | None = None
    until: str | None = None
    order: Order = Order.REGULAR
    closest: str = ""
    limit: int | None = None
    is_last: bool = False
    offset: int = 0
    tests: tuple[Test, ...] = ()
    changes: tuple[Change, ...] = ()
    per_time: int = 0
    resume: Resume | None = None
    page: int | None = None
    page_blocks: int = PAGE_BLOCKS
    wants_page_count: bool = False
    wants_page_index: bool = False
    wants_key: bool = False
    resolves: bool = False
    counts: tuple[str, ...] = ()
    output: str = ""
    fields: tuple[str, ...] = ()
    is_compressed: bool = True

    @property
    def is_plain(self) -> bool:
        """All captures have the usual columns, and no others."""
        return not (self.fields or self.counts or self.resolves)


class Parameters:
    """The parameters of a request.

    Args:
        query: what follows the question mark.

    Raises:
        UsageError: too much of it.
    """

    def __init__(self, query: str) -> None:
        if len(query) > _MOST_CHARACTERS:
            raise UsageError("The query is too long.", f"{_MOST_CHARACTERS:,} characters are the most.")
        try:
            pairs = parse_qsl(query, keep_blank_values=True, errors="replace", max_num_fields=_MOST_PARAMETERS)
        except ValueError as error:
            raise UsageError("The query has too many parameters.", f"{_MOST_PARAMETERS} are the most.") from error
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def one(self, *names: str) -> str:
        """The first value that is not empty; "" when there is none."""
        return next((value for name in names for value in self._values.get(name, ()) if value), "")

    def many(self, name: str) -> list[str]:
        """All values that are not empty."""
        return [value for value in self._values.get(name, ()) if value]

    def flag(self, name: str, default: bool = False) -> bool:
        """A switch.

        Raises:
            UsageError: neither on nor off.
        """
        if name not in self._values:
            return default
        value = self._values[name][0].lower()
        if value not in _TRUE and value not in _FALSE:
            raise UsageError(f"“{name}” is “{_shown(value)}”.", "It can be true or false.")
        return value in _TRUE

    def number(self, name: str, low: int, high: int = 10**15) -> int | None:
        """A whole number; None when there is none.

        Raises:
            UsageError: no such number.
        """
        text = self.one(name)
        if not text:
            return None
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 15 and low <= int(text) <= high):
            most = "" if high >= 10**15 else f" to {high:,}"
            raise UsageError(f"“{name}” is “{_shown(text)}”.", f"It must be a whole number from {low}{most}.")
        return int(text)

    def moment(self, *names: str) -> str | None:
        """A timestamp as it was given; None when there is none.

        Raises:
            InvalidTimestamp: not 1 to 14 digits.
        """
        text = self.one(*names)
        if not text:
            return None
        normalise_timestamp(text)
        return text

    def choice(self, name: str, among: tuple[str, ...], default: str) -> str:
        """One of several words.

        Raises:
            UsageError: none of them.
        """
        text = self.one(name)
        if text and text not in among:
            raise UsageError(f"“{name}” is “{_shown(text)}”.", f"It can be {', '.join(among[:-1])} or {among[-1]}.")
        return text or default


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


def ranges_of(given: Parameters, url: str = "") -> tuple[tuple[KeyRange, ...], str]:
    """The keys that `url` and `matchType` mean, and the key when it is one alone.

    Args:
        given: the parameters.
        url: from the path; "" when it is a parameter.

    Raises:
        UsageError: there is no URL, or no such match.
    """
    written = url or given.one("url").strip()
    if not written:
        raise UsageError("The parameter “url” is missing.", "Write ?url=example.org, or ?url=example.org/* for all under it.")
    name = given.choice("matchType", tuple(Match), "")
    match = Match(name) if name else None
    if match is None:
        written, match = split_wildcard(written)
    if match in (None, Match.EXACT):
        ranges = key_ranges(repair_url(written), Match.EXACT)
        return ranges, ranges[0].only or ""
    if not written:
        return (KeyRange("", None),), ""
    return key_ranges(written, match), ""


def order_of(given: Parameters) -> tuple[Order, str]:
    """The order, and the timestamp to be near to.

    Raises:
        UsageError: an unknown order, or one by nearness to nothing.
    """
    order = Order(given.choice("sort", tuple(Order), Order.REGULAR))
    closest = given.moment("closest")
    if order is Order.CLOSEST and closest is None:
        raise UsageError("The order “closest” needs a time.", "Add closest= with 1 to 14 digits.")
    return order, normalise_timestamp(closest, latest=True) if closest else ""


def check_memory(query: CdxQuery) -> CdxQuery:
    """The query, which can be answered without holding very much at once.

    Raises:
        UsageError: it cannot.
    """
    is_folded = bool(query.changes or query.per_time or query.counts)
    if query.order is Order.CLOSEST and (not query.key or is_folded) and (query.limit or MOST_SORTED + 1) > MOST_SORTED:
        raise UsageError(
            "Captures of many URLs are put in order by their nearness to a time only with a limit.",
            f"Add limit= with {MOST_SORTED:,} at most.",
        )
    if query.is_last and is_folded and (query.limit or 0) > MOST_LAST:
        raise UsageError("So many of the last captures of a folded list cannot be given.", f"{MOST_LAST:,} are the most.")
    if query.is_last and query.order is not Order.REGULAR:
        raise UsageError("A negative limit gives the last captures of the regular order.", "Leave out sort= or the minus.")
    if query.resume is not None and (query.order is not Order.REGULAR or query.page is not None or query.offset):
        raise UsageError("resumeKey goes on in the regular order, without page or offset.", "Leave out the others.")
    return query


def resume_of(text: str) -> Resume | None:
    """Where a resume key says that the stream goes on; None for "".

    A key is `urlkey SP timestamp`, escaped as in URLs once or not at all; of the Internet Archive's keys the last
    character may be the one after 9, a colon. Ours may add how many captures of that very place were given before.

    Raises:
        UsageError: no such key.
    """
    if not text:
        return None
    for written in (text, unquote_plus(text)):
        parts = written.split(" ")
        passed = parts.pop() if len(parts) > 2 and len(parts[-1]) < 10 and _is_moment(parts[-2]) else "0"
        moment = parts.pop() if len(parts) > 1 else ""
        if _is_moment(moment) and passed.isascii() and passed.isdigit():
            return Resume(Place(" ".join(parts), f"{_number(moment.ljust(14, '0')):014d}"), int(passed))
    raise UsageError("The resumeKey cannot be read.", "Give it as the end of the answer before said.")


def _is_moment(text: str) -> bool:
    digits = text[:-1] + "9" if text.endswith(":") else text
    return 0 < len(text) <= 14 and digits.isascii() and digits.isdigit()


def _number(digits: str) -> int:
    """Digits of which one may be a colon, the character after 9."""
    head, colon, tail = digits.partition(":")
    return int(f"{int(head or '0') + 1}0{tail}") if colon else int(digits)
