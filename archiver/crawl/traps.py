"""Sites without end: what their URLs look like, and which URLs differ in nothing but a session id."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from threading import Lock
from urllib.parse import unquote

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.plan import Traps
from archiver.plaintext import one_line

#: Addresses inside a path (archives of the web have one there), and inside a whole URL (ways back after a login have more).
_JOINED_IN_PATH, _JOINED = 1, 3
#: Paths of at least so many segments are refused when two of their segments come as often as a segment may come.
_LONG_PATH = 10
_SHOWN = 100

_ADDRESS = re.compile(r"https?(?::|%(?:25)*3A)(?:/|%(?:25)*2F)", re.IGNORECASE)

# -- dates -------------------------------------------------------------------------------------------------------------

_FOUR_DIGITS = re.compile(r"[0-9]{4}")
_YEAR = re.compile(r"[0-9]{4}")
#: /2026/03, /2026/03/14, /2026-03, /2026-03-14, /2026-W11; each whole segments. Other numbers are ids cut into folders.
_DATE_IN_PATH = re.compile(
    r"/(1[5-9][0-9]{2}|2[0-3][0-9]{2})[/-](?:W[0-5]?[0-9]|(?:0?[1-9]|1[0-2])(?:[/-](?:0?[1-9]|[12][0-9]|3[01]))?)(?=/|\Z)",
    re.IGNORECASE,
)
_DATE_VALUE = re.compile(r"([0-9]{4})([-/.]?)(?:0[1-9]|1[0-2])(?:\2(?:0[1-9]|[12][0-9]|3[01]))?(?![0-9])")
_DATE_VALUE_TURNED = re.compile(r"(?:[0-9]{1,2}[-/.])?[0-9]{1,2}[-/.]([0-9]{4})(?![0-9])")
#: Arguments that say which page of a calendar. Ends of periods are left out: they may be for ever.
_DATE_NAME = re.compile(
    r"(?:.*[_\-\[.])?(?:[a-z]*date|datum|fecha|data|[a-z]*day|dia|jour|tag|month|monat|mois|mes|m|d|week|cal|when|start|from)\]?",
    re.IGNORECASE,
)
_YEAR_NAME = re.compile(r"(?:.*[_\-\[.])?(?:[a-z]*year|yr|yyyy|jahr|annee|ano|anno|y)\]?", re.IGNORECASE)
_MONTH_NAME = re.compile(r"(?:.*[_\-\[.])?(?:[a-z]*month|mon|mo|mm|monat|mois|mes|mese|m|[a-z]*week)\]?", re.IGNORECASE)
_NAME_LENGTH = 40
#: Words of calendars, whose pages say nothing but which day it is.
_CALENDAR = re.compile(
    r"(?<![a-z])(?:calend|kalend|agenda|event(?!ual)|termine?(?![a-z])|veranstaltung|tribe|i?cal(?![a-z]))|/(?:month|week|day)[/?]",
    re.IGNORECASE,
)
#: Before this year there were no newspapers whose issues might be at such a path; and nothing that a form would ask for.
_OLDEST_IN_PATH, _OLDEST_IN_QUERY = 1600, 1900
#: The Buddhist year is ahead by this much; so it is read from 1900 on.
_BUDDHIST, _OLDEST_BUDDHIST = 543, 1900


class TrapGuard:
    """Looks at URLs for what endless sites have in common.

    Args:
        traps: which guards are on, and their limits.
        now_year: the present year.
    """

    def __init__(self, traps: Traps, now_year: int) -> None:
        self._traps = traps
        self._year = now_year

    def check(self, url: str) -> Decision | None:
        """The refusal of a normalised http URL; None when there is nothing wrong with it."""
        traps = self._traps
        if traps.url_length and len(url) > traps.url_length:
            return _trapped(Verdict.LONG_URL, f"{len(url):,} characters, more than {traps.url_length:,}")
        start = url.find("/", url.find("//") + 2)
        path, _, query = url[start:].partition("?") if start > 0 else ("/", "", "")
        return (
            _joined(path, query)
            or self._path(path)
            or (self._query(query) if query else None)
            or (self._calendar(path, query) if traps.calendar_years else None)
        )

    def canonical(self, url: str) -> str:
        """The URL without session ids: two URLs with one canonical form are the same resource."""
        return without_session_id(url) if self._traps.session_ids else url

    def _path(self, path: str) -> Decision | None:
        segments = path.split("/")[1:]
        if segments[-1:] == [""]:
            segments.pop()
        traps, count = self._traps, len(segments)
        if traps.path_segments and count > traps.path_segments:
            return _trapped(Verdict.DEEP_PATH, f"{count} parts, more than {traps.path_segments}")
        limit = traps.segment_repeats
        if not limit or count <= limit or len(set(segments)) == count:
            return None
        counts = Counter(segments)
        ((most, times),) = counts.most_common(1)
        if times > limit:
            return _trapped(Verdict.REPEATED_SEGMENT, f"“{_shown(most)}”, {times} times")
        if times == limit > 1:
            often = [segment for segment, found in counts.items() if found == limit]
            if len(often) > 1 and (count >= _LONG_PATH or _has_cycle(segments, limit)):
                return _trapped(Verdict.REPEATED_SEGMENT, f"“{_shown('/'.join(often))}”, {times} times")
        return None

    def _query(self, query: str) -> Decision | None:
        limit = self._traps.query_repeats
        if not limit or query.count("&") < limit:
            return None
        pairs = [pair for pair in query.split("&") if pair]
        if len(set(pairs)) == len(pairs):
            return None
        ((most, times),) = Counter(pairs).most_common(1)
        return _trapped(Verdict.REPEATED_QUERY, f"“{_shown(most)}”, {times} times") if times > limit else None

    # -- calendars -------------------------------------------------------------------------------------------------------

    def _calendar(self, path: str, query: str) -> Decision | None:
        """Dates that are too far away.

        What lies ahead by more than the limit has not happened. What lies behind is what archives are for: it is refused
        only before there was anything, or where the date is all there is of a page and a word says that it is a calendar's.
        """
        if _FOUR_DIGITS.search(path) is None and (not query or _FOUR_DIGITS.search(query) is None):
            return None
        years, latest = self._traps.calendar_years, self._year + self._traps.calendar_years
        is_calendar = None
        for year, is_all, oldest in _dates(path, query):
            if is_calendar is None:
                is_calendar = _CALENDAR.search(f"{path}?{query}&") is not None
            if not is_all and not is_calendar:
                continue
            first = self._year - years if is_all and is_calendar else oldest
            if not (first <= year <= latest or max(first, _OLDEST_BUDDHIST) <= year - _BUDDHIST <= latest):
                return _trapped(Verdict.CALENDAR, f"the year {year}")
        return None


class QueryVariants:
    """Counts the different queries of one path, as far as memory allows; for one process and all its threads.

    Args:
        limit: queries of one path that are followed; 0 for any number.
        paths: that are remembered; those longest not met are forgotten first.
    """

    def __init__(self, limit: int, *, paths: int = 100_000) -> None:
        self._limit = limit
        self._paths = paths
        self._counts: dict[int, int] = {}
        self._lock = Lock()

    def count(self, url: str) -> Decision | None:
        """Count a URL that was never met before; the refusal when its path was met with too many queries."""
        place = url.find("?")
        if place < 0 or not self._limit:
            return None
        key = hash(url[:place])
        with self._lock:
            count = self._counts.pop(key, 0) + 1
            self._counts[key] = count
            if len(self._counts) > self._paths:
                del self._counts[next(iter(self._counts))]
        return _trapped(Verdict.QUERY_VARIANTS, f"more than {self._limit:,}") if count > self._limit else None


# -- session ids -------------------------------------------------------------------------------------------------------

_MAY_HAVE_SESSION = re.compile(r"sess|sid=|cftoken=|/\(", re.IGNORECASE)
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid)=[^;/]*", re.IGNORECASE)
_SESSION_FOLDER = re.compile(r"(?<=/)(?:\((?:[a-z]\([0-9a-z]{24}\))+\)|\([0-9a-z]{24}\))/", re.IGNORECASE)
_SESSION_PAIR = re.compile(
    r"(?:php|j)?sess(?:ion)?_?id=[^&]{8,}|sid=[0-9a-f]{12,}|sid=[0-9a-z]{32}|aspsessionid[a-z]{8}=[a-z]{24}", re.IGNORECASE
)
_CFID, _CFTOKEN = re.compile(r"cfid=[^&]+", re.IGNORECASE), re.compile(r"cftoken=[^&]+", re.IGNORECASE)


def without_session_id(url: str) -> str:
    """The URL without what servers put in it to know a visitor again; all else stays as it is.

    What is taken out is what look-ups leave aside as well, so that a link with another id still finds the capture. Marks of
    campaigns (utm_source …) are no session ids: they stay, because pages link to few of them.
    """
    if _MAY_HAVE_SESSION.search(url) is None:
        return url
    address, mark, query = url.partition("?")
    address = _SESSION_IN_PATH.sub("", address)
    if ".aspx" in address.lower():
        address = _SESSION_FOLDER.sub("", address)
    if not mark:
        return address
    pairs = query.split("&")
    kept = [pair for pair in pairs if _SESSION_PAIR.fullmatch(pair) is None]
    if any(map(_CFTOKEN.fullmatch, kept)):
        kept = [pair for pair in kept if _CFID.fullmatch(pair) is None and _CFTOKEN.fullmatch(pair) is None]
    if len(kept) == len(pairs):
        return f"{address}?{query}"
    return f"{address}?{'&'.join(kept)}" if kept else address


# -- what the checks share ---------------------------------------------------------------------------------------------


def _trapped(verdict: Verdict, detail: str) -> Decision:
    return Decision(UrlState.TRAPPED, verdict, detail)


def _shown(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _joined(path: str, query: str) -> Decision | None:
    """Addresses put behind each other, as broken links and ways back to ways back do."""
    inside = "http" in path or "HTTP" in path
    if not inside and "http" not in query:
        return None
    in_path = _ADDRESS.findall(path) if inside else []
    count = len(in_path)
    if count > _JOINED_IN_PATH:
        return _trapped(Verdict.JOINED_URL, f"{count} in its path")
    count += len(_ADDRESS.findall(query))
    return _trapped(Verdict.JOINED_URL, f"{count} in all") if count > _JOINED else None


def _has_cycle(segments: Sequence[str], times: int) -> bool:
    """Whether a row of two or more segments comes this many times one behind the other."""
    count = len(segments)
    for length in range(2, count // times + 1):
        same = 0  # segments in a row that equal the one a row before
        for place in range(length, count):
            same = same + 1 if segments[place] == segments[place - length] else 0
            if same == length * (times - 1):
                return True
    return False


def _dates(path: str, query: str) -> Iterator[tuple[int, bool, int]]:
    """The years of what looks like a date; whether it is all there is of a page; the oldest that makes sense there."""
    for found in _DATE_IN_PATH.finditer(path):
        yield int(found.group(1)), path[found.end() :] in ("", "/"), _OLDEST_IN_PATH
    if not query:
        return
    years, has_month = [], False
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if len(name) > _NAME_LENGTH:
            continue
        has_month = has_month or _MONTH_NAME.fullmatch(name) is not None
        if _YEAR.fullmatch(value) is not None:
            if _YEAR_NAME.fullmatch(name) is not None:
                years.append(int(value))
        elif _FOUR_DIGITS.search(value[:_NAME_LENGTH]) is not None and _DATE_NAME.fullmatch(name) is not None:
            value = unquote(value[:_NAME_LENGTH])
            date = _DATE_VALUE.match(value) or _DATE_VALUE_TURNED.match(value)
            if date is not None:
                yield int(date.group(1)), True, _OLDEST_IN_QUERY
    if has_month:
        yield from ((year, True, _OLDEST_IN_QUERY) for year in years)
