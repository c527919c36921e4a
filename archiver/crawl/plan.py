"""What a crawl was asked to do, as one frozen value: seeds, scope, rules, limits, politeness. Kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from archiver.errors import UsageError


class ScopeKind(StrEnum):
    """Which pages belong to a seed.

    PAGE the page alone; PAGE_PLUS the page and those it links to; PREFIX everything in the seed's directory; HOST everything
    on its host; DOMAIN its registered domain and all hosts below; ANY every link, up to the plan's depth; CUSTOM only what
    the plan's own accept rules take.
    """

    PAGE = "page"
    PAGE_PLUS = "page+1"
    PREFIX = "prefix"
    HOST = "host"
    DOMAIN = "domain"
    ANY = "any"
    CUSTOM = "custom"


class RuleAction(StrEnum):
    """What a rule does with the URLs it matches."""

    ACCEPT = "accept"
    BLOCK = "block"


class RuleMatch(StrEnum):
    """How a rule's pattern is compared: TEXT anywhere in the URL, REGEX searched in it, SURT a prefix of its SURT form."""

    TEXT = "text"
    REGEX = "regex"
    SURT = "surt"


class RobotsMode(StrEnum):
    """How far robots.txt counts: OBEY for all; REQUISITES: pages obey, what pages need is fetched all the same; IGNORE."""

    OBEY = "obey"
    REQUISITES = "requisites"
    IGNORE = "ignore"


class DedupMode(StrEnum):
    """Where a payload that is already held is looked for: in the crawl's collection, in the whole archive, or nowhere."""

    COLLECTION = "collection"
    ARCHIVE = "archive"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Rule:
    """Takes or refuses URLs whatever their seed's scope says; a block rule counts more than an accept rule.

    Attributes:
        action: accept or block.
        match: how `pattern` is compared.
        pattern: text, regular expression (as Python's `re` has them) or SURT prefix; upper and lower case count, but for SURTs.
        enabled: a rule that is switched off is kept, but does nothing.
        note: why it is there; for people.
    """

    action: RuleAction
    match: RuleMatch
    pattern: str
    enabled: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Seed:
    """Where a crawl begins.

    Attributes:
        url: absolute, normalised.
        scope: of this seed; None for the plan's.
    """

    url: str
    scope: ScopeKind | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a crawl ends; 0 is no limit. Bytes are those of responses on the wire.

    Attributes:
        pages: pages, without what they need.
        documents: URLs of every kind.
        bytes: in all.
        seconds: of running time, pauses and breaks not counted.
        depth: links from the seed; what pages need does not count.
        host_documents: URLs a host.
        host_bytes: bytes a host.
        resource_bytes: at which one response is cut, and marked so; 0 for the archive's setting.
        free_bytes: free space on the disk below which the crawl pauses.
    """

    pages: int = 0
    documents: int = 0
    bytes: int = 0
    seconds: float = 0
    depth: int = 0
    host_documents: int = 0
    host_bytes: int = 0
    resource_bytes: int = 0
    free_bytes: int = 500_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How hosts are spared: wait = clamp(factor x last fetch time, min_seconds, max_seconds), one request at a time.

    Attributes:
        factor: times the last fetch took.
        min_seconds: least wait between two requests to a host; 0 together with `max_seconds` 0 switches politeness off.
        max_seconds: longest wait, unless robots.txt or the server asks for more.
        crawl_delay_seconds: the most that a Crawl-delay of robots.txt may ask for.
        retries: how often a URL is tried again after a failure that may pass.
        host_connections: requests at a time to one host when politeness is off.
    """

    factor: float = 5.0
    min_seconds: float = 1.0
    max_seconds: float = 30.0
    crawl_delay_seconds: float = 300.0
    retries: int = 3
    host_connections: int = 6

    @property
    def polite(self) -> bool:
        """Whether hosts are spared at all."""
        return self.max_seconds > 0


@dataclass(frozen=True, slots=True)
class Traps:
    """Against endless sites; 0 or False switches a guard off.

    Attributes:
        segment_repeats: times that one path segment may occur.
        query_repeats: times that one name=value may occur in a query.
        path_segments: segments of a path.
        url_length: characters of a URL.
        query_variants: different queries of one path that are followed.
        calendar_years: years around now that a date in a URL may be away.
        session_ids: treat URLs that differ only in a session id as one.
        same_as_parent: do not follow links of a page whose payload equals its parent's.
    """

    segment_repeats: int = 3
    query_repeats: int = 3
    path_segments: int = 25
    url_length: int = 2083
    query_variants: int = 1000
    calendar_years: int = 5
    session_ids: bool = True
    same_as_parent: bool = True


@dataclass(frozen=True, slots=True)
class Login:
    """Where secrets are read from; the secrets themselves are never part of a plan.

    Attributes:
        cookies: path of a Netscape cookies file; "" for none.
        credentials: path of a file with user names and passwords; "" for none.
        headers: path of a file with header lines; "" for none.
        hosts: hosts that may be shown them; empty for the seeds' hosts.
    """

    cookies: str = ""
    credentials: str = ""
    headers: str = ""
    hosts: tuple[str, ...] = ()

    @property
    def used(self) -> bool:
        """Whether the crawl logs in at all."""
        return bool(self.cookies or self.credentials or self.headers)


@dataclass(frozen=True, slots=True)
class CrawlPlan:
    """Everything a crawl was asked to do.

    Attributes:
        seeds: at least one.
        scope: of seeds that name none of their own.
        rules: asked before the scope, in this order; the first match counts, block rules before accept rules.
        extra_hops: links that pages outside the scope may be away from one inside it.
        transclusion_hops: steps (embeds, redirects) from a page to what it needs.
        sitemaps: follow sitemaps of seeds' hosts (robots.txt and /sitemap.xml).
        robots: how far robots.txt counts.
        robots_meta: heed `nofollow` of meta robots, X-Robots-Tag and rel.
        dedup: where held payloads are looked for.
        limits, pace, traps, login: see there.
        guesses: fetch what only looks like a URL in scripts, last and slowly.
        user_agent: how the crawl introduces itself; "" for the archive's setting.
        allow_private: let it reach loopback and private addresses even where the archive's setting does not.
        insecure: accept servers with invalid certificates even where the archive's setting does not.
    """

    seeds: tuple[Seed, ...]
    scope: ScopeKind = ScopeKind.PREFIX
    rules: tuple[Rule, ...] = ()
    extra_hops: int = 0
    transclusion_hops: int = 5
    sitemaps: bool = True
    robots: RobotsMode = RobotsMode.OBEY
    robots_meta: bool = False
    dedup: DedupMode = DedupMode.COLLECTION
    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=Pace)
    traps: Traps = field(default_factory=Traps)
    login: Login = field(default_factory=Login)
    guesses: bool = True
    user_agent: str = ""
    allow_private: bool = False
    insecure: bool = False

    def to_json(self) -> str:
        """The plan as it is kept."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


def plan_from_json(text: str) -> CrawlPlan:
    """A plan as `CrawlPlan.to_json` wrote it.

    Raises:
        UsageError: it is no plan, or one of a newer version.
    """
    try:
        values = json.loads(text)
        plan: CrawlPlan = _built(CrawlPlan, values)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise UsageError("The plan of this crawl cannot be read.", "Was it made by a newer version?") from error
    return plan


def _built(kind: Any, values: Mapping[str, Any]) -> Any:
    """A dataclass of this module from plain values."""
    known = {item.name for item in fields(kind)}
    if unknown := set(values) - known:
        raise ValueError(f"unknown: {sorted(unknown)}")
    return kind(**{name: _PARTS[name](value) if name in _PARTS else value for name, value in values.items()})


def _seed(values: Mapping[str, Any]) -> Seed:
    return Seed(values["url"], ScopeKind(values["scope"]) if values.get("scope") else None)


def _rule(values: Mapping[str, Any]) -> Rule:
    return Rule(
        RuleAction(values["action"]),
        RuleMatch(values["match"]),
        values["pattern"],
        values.get("enabled", True),
        values.get("note", ""),
    )


_PARTS: dict[str, Any] = {
    "seeds": lambda items: tuple(_seed(item) for item in items),
    "scope": ScopeKind,
    "rules": lambda items: tuple(_rule(item) for item in items),
    "robots": RobotsMode,
    "dedup": DedupMode,
    "limits": lambda values: _built(Limits, values),
    "pace": lambda values: _built(Pace, values),
    "traps": lambda values: _built(Traps, values),
    "login": lambda values: _built(Login, values),
    "hosts": tuple,
}
