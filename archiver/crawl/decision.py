"""A decision about a URL, with its reason: what every number of a crawl's report and `crawl why` go back to."""

from __future__ import annotations

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
