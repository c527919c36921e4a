"""A decision about a URL, with its reason: what every number of a crawl's report and `crawl why` go back to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class UrlState(IntEnum):
    """Where a URL of a crawl stands.

    QUEUED waits for its turn; CAPTURED was answered and recorded, whatever the status; FAILED got no (whole) answer after
    all attempts; BLOCKED may not be fetched (robots.txt, a guard); OUT_OF_SCOPE is not wanted (scope, rules, depth);
    TRAPPED looks like one of endlessly many.
    """

    QUEUED = 0
    CAPTURED = 1
    FAILED = 2
    BLOCKED = 3
    OUT_OF_SCOPE = 4
    TRAPPED = 5


class Verdict(StrEnum):
    """Why a URL was taken or refused."""

    # taken
    SEED = "seed"
    IN_SCOPE = "in-scope"
    ACCEPT_RULE = "accept-rule"
    REQUISITE = "requisite"
    REDIRECT = "redirect"
    EXTRA_HOP = "extra-hop"
    PREREQUISITE = "prerequisite"
    SITEMAP = "sitemap"
    # refused: not wanted
    OUTSIDE = "outside"
    BLOCK_RULE = "block-rule"
    TOO_DEEP = "too-deep"
    TOO_FAR_EMBEDDED = "too-far-embedded"
    NOT_HTTP = "not-http"
    LOGOUT = "logout"
    NOFOLLOW = "nofollow"
    GUESS = "guess"
    # refused: not allowed
    ROBOTS = "robots"
    ROBOTS_UNREACHABLE = "robots-unreachable"
    # refused: endless
    REPEATED_SEGMENT = "repeated-segment"
    REPEATED_QUERY = "repeated-query"
    DEEP_PATH = "deep-path"
    LONG_URL = "long-url"
    JOINED_URL = "joined-url"
    CALENDAR = "calendar"
    QUERY_VARIANTS = "query-variants"
    SESSION_ID = "session-id"
    SAME_AS_PARENT = "same-as-parent"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a URL.

    Attributes:
        state: QUEUED when it is taken; BLOCKED, OUT_OF_SCOPE or TRAPPED when it is refused.
        verdict: the class of reason.
        detail: what tells this one from others of its class, such as the rule's pattern; "" when there is nothing to add.
    """

    state: UrlState
    verdict: Verdict
    detail: str = ""

    @property
    def taken(self) -> bool:
        """Whether the URL is to be fetched."""
        return self.state is UrlState.QUEUED


def outside_by(decision: Decision | None) -> int:
    """How many links outside the scope a document was that was taken by `decision`; 0 when it was inside."""
    found = _OUTSIDE_BY.match(decision.detail) if decision is not None and decision.detail else None
    return int(found.group(1)) if found else 0


def outside_detail(links: int) -> str:
    """The detail of what is taken although it is outside the scope; `outside_by` reads it again."""
    return f"{links} link{'s' if links > 1 else ''} outside"


def noted(detail: str, note: str) -> str:
    """A detail with something to know about the URL added, half a sentence such as "its links were not followed"."""
    return f"{detail}; {note}" if detail else note


def explain(decision: Decision) -> str:
    """Plain sentences for people: why the URL is fetched or is not, and what was noted of it."""
    plain, detailed = _SENTENCES[decision.verdict]
    detail, note = decision.detail, ""
    if decision.verdict is Verdict.ACCEPT_RULE:
        detail, _, note = detail.partition("; ")
    elif decision.taken:
        found = _OUTSIDE_BY.match(detail)
        detail, note = (found.group(), detail[found.end() :]) if found else ("", detail)
    sentence = detailed.format(detail) if detail and detailed else plain
    note = note.strip(" ;.")
    return f"{sentence} {note[:1].upper()}{note[1:]}." if note else sentence


_OUTSIDE_BY = re.compile(r"([0-9]{1,9}) links? outside\b")

#: What each verdict means, without and with its detail ("" where it never has one).
_SENTENCES = {
    Verdict.SEED: ("It is a seed of the crawl.", ""),
    Verdict.IN_SCOPE: ("It is in the scope of its seed.", ""),
    Verdict.ACCEPT_RULE: ("A rule of the crawl takes it.", "The crawl has a rule that takes it: {}."),
    Verdict.REQUISITE: (
        "A page that is captured needs it.",
        "A page that is captured needs it; that page is {} the scope.",
    ),
    Verdict.REDIRECT: (
        "A page that is captured redirects to it.",
        "A page that is captured redirects to it; that page is {} the scope.",
    ),
    Verdict.EXTRA_HOP: (
        "It is outside the scope, but near enough.",
        "It is {} the scope, and the crawl goes so far.",
    ),
    Verdict.PREREQUISITE: ("It has to be known before anything else of its host.", ""),
    Verdict.SITEMAP: ("It is a sitemap, which lists pages of the site.", ""),
    Verdict.OUTSIDE: ("It is outside the scope of every seed.", ""),
    Verdict.BLOCK_RULE: ("A rule of the crawl refuses it.", "The crawl has a rule that refuses it: {}."),
    Verdict.TOO_DEEP: (
        "It is more links away from its seed than the crawl follows.",
        "It is more links away from its seed than the crawl follows ({}).",
    ),
    Verdict.TOO_FAR_EMBEDDED: (
        "It is too many steps away from the page that needs it.",
        "It is too many steps away from the page that needs it ({}).",
    ),
    Verdict.NOT_HTTP: (
        "It is no http or https address, and only those can be captured.",
        "Its address begins with “{}”, and only http and https can be captured.",
    ),
    Verdict.LOGOUT: (
        "It looks like a link that ends the login.",
        "It looks like a link that ends the login ({}).",
    ),
    Verdict.NOFOLLOW: (
        "The page that links to it asks that its links are not followed.",
        "The page that links to it asks that its links are not followed ({}).",
    ),
    Verdict.GUESS: ("It only looks like an address in a script, and the crawl leaves those alone.", ""),
    Verdict.ROBOTS: ("The site's robots.txt forbids it.", "The site's robots.txt forbids it: {}."),
    Verdict.ROBOTS_UNREACHABLE: (
        "The site's robots.txt could not be read, so nothing of the site may be fetched for now.",
        "The site's robots.txt could not be read ({}), so nothing of the site may be fetched for now.",
    ),
    Verdict.REPEATED_SEGMENT: (
        "Parts of its path come again and again, as in endless sites.",
        "A part of its path comes again and again, as in endless sites: {}.",
    ),
    Verdict.REPEATED_QUERY: (
        "Parts of its query come again and again, as in endless sites.",
        "A part of its query comes again and again, as in endless sites: {}.",
    ),
    Verdict.DEEP_PATH: (
        "Its path has more parts than real sites have.",
        "Its path has more parts than real sites have ({}).",
    ),
    Verdict.LONG_URL: ("It is longer than real addresses are.", "It is longer than real addresses are ({})."),
    Verdict.JOINED_URL: (
        "It is several addresses joined into one, as by a mistake in a page.",
        "It is several addresses joined into one, as by a mistake in a page: {}.",
    ),
    Verdict.CALENDAR: (
        "It is a page of a calendar far from now, and calendars never end.",
        "It is a page of a calendar far from now ({}), and calendars never end.",
    ),
    Verdict.QUERY_VARIANTS: (
        "Its page was met with too many different queries.",
        "Its page was met with too many different queries ({}).",
    ),
    Verdict.SESSION_ID: (
        "It differs from an address that is known only in a session id.",
        "It differs from an address that is known only in a session id ({}).",
    ),
    Verdict.SAME_AS_PARENT: (
        "The page that links to it is the same as the page before, as in endless sites.",
        "The page that links to it is the same as the page before ({}), as in endless sites.",
    ),
}
