"""What robots.txt (RFC 9309), meta robots and X-Robots-Tag ask for. Fetching and keeping them is done elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from protego import Protego

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.plan import RobotsMode
from archiver.errors import InvalidTimestamp, InvalidURL
from archiver.plaintext import one_line
from archiver.timestamps import parse_http_date, parse_iso
from archiver.urls import parse_url

#: Bytes that are read (RFC 9309, section 2.5, asks for at least 500 KiB).
MAX_BYTES = 512 * 1024
#: Redirects that are followed from robots.txt (RFC 9309, section 2.3.1.2); behind more of them it counts as missing.
MAX_REDIRECTS = 5
#: Seconds for which an answer counts (RFC 9309, section 2.4).
KEEP_SECONDS = 86_400.0
#: Seconds after which a robots.txt that could not be read is asked for again.
RETRY_SECONDS = 900.0
#: Stands for the status of a robots.txt that can never be asked for, as the guard or the certificate forbids the host: it says
#: nothing, and the pages' own requests fail with the reason.
UNASKABLE = 0
#: Seconds of being unreachable after which a robots.txt counts as missing (RFC 9309, section 2.3.1.4: 30 days).
GIVE_UP_SECONDS = 30 * 86_400.0

#: Rules that are looked through for the one that refused a URL.
_EXPLAINED_RULES = 500

_UTF16 = (b"\xff\xfe", b"\xfe\xff")

_AGENT_LINE = re.compile(r"user[- ]?agent\b[ \t]*:?[ \t]*(.*)", re.IGNORECASE)
_SITE_LINE = re.compile(r"(?:site-?maps?|host)\b", re.IGNORECASE)
_DISALLOW = re.compile(r"dis?s?all?[ao]w[ \t]*:?[ \t]*(\S.*)", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z_-]+")
_COMPATIBLE = re.compile(r"\(compatible;[ ]*([A-Za-z_-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """What one site's robots.txt says to this crawler.

    Attributes:
        unreachable: why it could not be read; then nothing may be fetched for now. "" when it could, or when there is none.
        wait: seconds between two requests that it asks for, by Crawl-delay or Request-rate; None when it does not.
        wait_name: which of the two.
        sitemaps: absolute URLs, each once.
        keep_seconds: after which it is to be asked for again.
    """

    unreachable: str = ""
    wait: float | None = None
    wait_name: str = ""
    sitemaps: tuple[str, ...] = ()
    keep_seconds: float = KEEP_SECONDS
    _parsed: Protego | None = None
    _refusals: tuple[str, ...] = ()

    def decide(self, url: str, *, is_requisite: bool, mode: RobotsMode) -> Decision | None:
        """The refusal of a URL of this site; None when it may be fetched."""
        if mode is RobotsMode.IGNORE or (mode is RobotsMode.REQUISITES and is_requisite):
            return None
        if self.unreachable:
            return Decision(UrlState.BLOCKED, Verdict.ROBOTS_UNREACHABLE, self.unreachable)
        if self._parsed is None or _may_fetch(self._parsed, url):
            return None
        return Decision(UrlState.BLOCKED, Verdict.ROBOTS, self._refusal_of(url))

    def _refusal_of(self, url: str) -> str:
        """The rule that refuses a URL, the longest of those that match; "" when it is not found."""
        for pattern in self._refusals[:_EXPLAINED_RULES]:
            if not _may_fetch(Protego.parse(f"User-agent: *\nDisallow: {pattern}"), url):
                return f"Disallow: {one_line(pattern)[:200]}"
        return ""


def robots_rules(
    status: int | None,
    body: bytes,
    *,
    agent: str,
    base: str,
    failure: str = "",
    unreachable_for: float = 0.0,
) -> RobotsRules:
    """The rules that an answer to a request for robots.txt amounts to (RFC 9309, section 2.3.1).

    A robots.txt that is not there (4xx, or behind too many redirects) forbids nothing. One that cannot be read (5xx, 429,
    no answer) forbids everything for now; when that has lasted for 30 days, it counts as not there.

    Args:
        status: of the last answer, redirects followed; None without one.
        body: decoded; of any kind and length.
        agent: our name as robots.txt writes it; see `agent_token`.
        base: the URL of robots.txt.
        failure: why there was no whole answer, a short phrase; "" when there was one.
        unreachable_for: seconds since it could first not be read.
    """
    if status == UNASKABLE:
        return RobotsRules()
    if status is not None and 200 <= status < 300 and not failure:
        return _parsed_rules(body, agent.lower(), base)
    if status is not None and 300 <= status < 500 and status != 429 and not failure:
        return RobotsRules()
    if unreachable_for >= GIVE_UP_SECONDS:
        return RobotsRules()
    reason = one_line(failure)[:200] or (f"the server answered {status}" if status is not None else "there was no answer")
    return RobotsRules(unreachable=reason, keep_seconds=RETRY_SECONDS)


def kept_text(body: bytes) -> bytes:
    """A robots.txt as it is kept in a database: in UTF-8, of which it nearly always is, without NUL."""
    if body[:2] in _UTF16:
        body = body.decode("utf-16", "replace").encode("utf-8")
    return body.replace(b"\0", b"")


def agent_token(user_agent: str) -> str:
    """The name under which robots.txt may speak to a crawler, from its User-Agent field.

    "Mozilla/5.0 (compatible; Muniment/0.1; …)" and "Muniment/0.1 (…)" → "Muniment".
    """
    found = _COMPATIBLE.search(user_agent)
    if found:
        return found.group(1)
    first = _TOKEN.match(user_agent.strip())
    return first.group() if first else "Muniment"


def _parsed_rules(body: bytes, agent: str, base: str) -> RobotsRules:
    lines = _lines(body)
    ours, site = _our_lines(lines, agent)
    parsed = Protego.parse("\n".join(("User-agent: *", *ours, *site)))
    wait, name = _wait(parsed)
    refusals = sorted((found.group(1) for line in ours if (found := _DISALLOW.fullmatch(line))), key=len, reverse=True)
    return RobotsRules(
        wait=wait, wait_name=name, sitemaps=tuple(_sitemaps(parsed, base)), _parsed=parsed, _refusals=tuple(refusals)
    )


def _lines(body: bytes) -> list[str]:
    """The lines of a robots.txt, without comments; of one that is too long the line that was cut is left out."""
    encoding = "utf-16" if body[:2] in _UTF16 else "utf-8-sig"
    text = body[:MAX_BYTES].decode(encoding, "replace").replace("\0", "")
    lines = text.splitlines()
    if len(body) > MAX_BYTES:
        lines = lines[:-1]
    return [stripped for line in lines if (stripped := line.partition("#")[0].strip())]


def _our_lines(lines: Iterable[str], agent: str) -> tuple[list[str], list[str]]:
    """The rules that are for us, and the lines that are for the whole site.

    Rules of all groups that name us count together, else those of all groups for "*" (RFC 9309, section 2.2.1). Only those
    lines are parsed further: what a robots.txt says to ten thousand others costs nothing.
    """
    rules: dict[str, list[str]] = {agent: [], "*": []}
    named, group, in_rules = False, set[str](), True
    site: list[str] = []
    for line in lines:
        if (found := _AGENT_LINE.fullmatch(line)) is not None:
            if in_rules:
                group, in_rules = set(), False
            who = _agent_of(found.group(1))
            named = named or who == agent
            group.add(who)
        elif _SITE_LINE.match(line):
            site.append(line)
        else:
            in_rules = True
            for who in group & rules.keys():
                rules[who].append(line)
    return rules[agent] if named else rules["*"], site


def _agent_of(value: str) -> str:
    """Whom a user-agent line means, lower case: "*", or a name without its version."""
    value = value.strip().lower()
    if value[:1] == "*" and (len(value) == 1 or value[1].isspace()):
        return "*"
    found = _TOKEN.match(value)
    return found.group() if found else ""


def _may_fetch(parsed: Protego, url: str) -> bool:
    try:
        return parsed.can_fetch(url, "*")
    except ValueError:  # no URL to Protego: no rule can speak of it
        return True


def _wait(parsed: Protego) -> tuple[float | None, str]:
    delay, rate = parsed.crawl_delay("*"), parsed.request_rate("*")
    between = rate.seconds / rate.requests if rate is not None else None
    if between is not None and (delay is None or between > delay):
        return between, "Request-rate"
    return delay, "Crawl-delay" if delay is not None else ""


def _sitemaps(parsed: Protego, base: str) -> Iterator[str]:
    found: dict[str, None] = {}
    for written in parsed.sitemaps:
        try:
            found[parse_url(written, base)] = None
        except InvalidURL:
            continue
    yield from found


# -- meta robots, X-Robots-Tag -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RobotsDirectives:
    """What a document asks of crawlers.

    Attributes:
        nofollow: its links are not to be followed.
        noindex: it is not to be found by search.
        noarchive: no copy of it is to be shown.
        unavailable_after: it is not to be shown after that moment; None when it does not say.
    """

    nofollow: bool = False
    noindex: bool = False
    noarchive: bool = False
    unavailable_after: datetime | None = None


#: Directives with a value of their own; any other name before a colon is that of a crawler.
_VALUED = frozenset(("max-snippet", "max-image-preview", "max-video-preview"))
_EVERYONE = frozenset(("robots", "*"))


def robots_directives(values: Iterable[str], agent: str) -> RobotsDirectives:
    """What values of X-Robots-Tag, or of meta robots, ask of us together; where they disagree, the strictest counts.

    Args:
        values: of every such field or element. "googlebot: noindex, nofollow" is for Googlebot alone, to its end or to the
            next name.
        agent: our name; see `agent_token`.
    """
    names: set[str] = set()
    until: list[datetime] = []
    for value in values:
        for name, date in _directives_for(value, agent.lower()):
            names.add(name)
            if date is not None:
                until.append(date)
    return RobotsDirectives(
        nofollow=not names.isdisjoint(("nofollow", "none")),
        noindex=not names.isdisjoint(("noindex", "none")),
        noarchive="noarchive" in names or "nocache" in names,
        unavailable_after=min(until, default=None),
    )


def _directives_for(value: str, agent: str) -> Iterator[tuple[str, datetime | None]]:
    """The directives of one value that are for us, lower case, with the date of those that have one."""
    is_ours = True
    parts = _SEPARATOR.split(value)
    for place, part in enumerate(parts):
        name, colon, rest = part.partition(":")
        name = name.strip().lower()
        if colon and name != "unavailable_after" and name not in _VALUED and _TOKEN_ONLY.fullmatch(name):
            is_ours = name == agent or name in _EVERYONE
            part, (name, colon, rest) = rest, rest.partition(":")
            name = name.strip().lower()
        if not is_ours:
            continue
        if name == "unavailable_after":
            yield name, _date(rest, parts[place + 1] if place + 1 < len(parts) else "")
        else:
            yield from ((word, None) for word in part.lower().split())


_SEPARATOR = re.compile(r"[,;]")
_TOKEN_ONLY = re.compile(r"[a-z_*-]+")


def _date(text: str, more: str) -> datetime | None:
    """A date as HTTP or ISO 8601 writes it, or nearly so; `more` is what follows a comma, as behind a day of the week."""
    for written in (text, f"{text},{more}"):
        for parse in (parse_iso, parse_http_date):
            try:
                return parse(written.strip())
            except InvalidTimestamp:
                continue
    return None
