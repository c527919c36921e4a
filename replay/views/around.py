"""What the pages around a URL share: what is asked for, the ways from one to the other, and the page when there is nothing."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import current_app, make_response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.errors import UsageError
from archiver.index.query import KeyRange, Match, key_ranges, ordered
from archiver.urls import urlkey, urlkey_prefix
from replay import running
from replay.address import VersionsAddress, repair_url
from replay.aroundwords import AROUND_WORDS
from replay.changewords import CHANGE_WORDS
from replay.counting import Counts
from replay.lookup import Lookup, Scope
from replay.underwords import UNDER_WORDS
from replay.viewer import viewer_of
from replay.views.language import reader_language
from replay.views.refused import refused

#: Longer ones are no addresses.
_MAX_URL = 20_000
#: Seconds after which a page that waits for a number asks again.
_AGAIN = "2"
MATCHES = ("prefix", "host", "domain")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to one of these pages.

    Attributes:
        lookup: of the archive.
        scope: what may be seen.
        url: archived URL, or the beginning of some; "" for all that is held.
        match: one of `MATCHES`, for pages about many URLs.
    """

    lookup: Lookup
    scope: Scope
    url: str
    match: str

    @property
    def ranges(self) -> tuple[KeyRange, ...]:
        """The keys that the URL stands for, for pages about many."""
        if not self.url:
            return (KeyRange.beginning_with(""),)
        if self.match == "prefix":
            # The key of "/folder/" has no slash at its end, and a folder's own page belongs to it.
            own, below = KeyRange.exactly(urlkey(self.url)), KeyRange.beginning_with(urlkey_prefix(self.url))
            return tuple(ordered((own, below)))
        return key_ranges(self.url, Match(self.match))


def asked(name: str, *, may_be_all: bool = False) -> Asked:
    """Reads `url` and `match` of the present request.

    Args:
        name: of the collection.
        may_be_all: without a URL, the request is for everything.

    Raises:
        UsageError: no address is asked for.
        UnknownCollection: no such collection, or a private one.
    """
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    scope = lookup.scope(name, viewer_of(request, running.settings()))
    url = request.args.get("url", "").strip()
    if not url and may_be_all:
        return Asked(lookup, scope, "", "prefix")
    if not url or len(url) > _MAX_URL:
        raise UsageError("No address is asked for.", "Put it behind ?url= in the address of this page.")
    match = request.args.get("match", "")
    return Asked(lookup, scope, repair_url(url), match if match in MATCHES else "prefix")


def counts() -> Counts:
    """Where long counts are made and remembered."""
    found: Counts = current_app.extensions["muniment.counts"]
    return found


def seen_by(scope: Scope) -> Hashable:
    """What numbers depend on besides what is counted: collections, rules, and who asks; with rules, also the minute."""
    gate = scope.gate
    return scope.slugs, None if gate is None else (gate.book, scope.viewer, f"{gate.now:%Y%m%d%H%M}")


def path(scope: Scope, page: str, url: str, **more: object) -> str:
    """The address of one of these pages; what is "" or None is left out."""
    query = {name: value for name, value in {"url": url, **more}.items() if value not in ("", None)}
    return f"/{scope.slug}/-/{page}" + (f"?{urlencode(query)}" if query else "")


def tabs(scope: Scope, url: str) -> list[tuple[str, str]]:
    """The pages around a URL: name in `AroundWords`, address."""
    calendar = VersionsAddress(scope.slug, "", url, False).path()
    under = VersionsAddress(scope.slug, "", url, True).path()
    return [
        ("calendar", calendar),
        ("list", path(scope, "captures", url)),
        ("changes", path(scope, "changes", url)),
        ("addresses", under),
        ("summary", path(scope, "summary", url)),
    ]


def page(template: str, status: int = 200, **values: object) -> BaseResponse:
    """One of these pages."""
    language = reader_language()
    texts = {"say": AROUND_WORDS[language], "tell": CHANGE_WORDS[language], "many": UNDER_WORDS[language]}
    return make_response(render_template(template, tabs=tabs, around_path=path, **texts, **values), status)


def absent(lookup: Lookup, scope: Scope, url: str) -> BaseResponse:
    """The answer when nothing of a URL may be seen: 451 where a reader is told why, else 404."""
    if (rule := lookup.blocked(scope, url, "")) is not None:
        return refused(rule, url)
    under = lookup.under(scope, url, limit=20)
    return make_response(
        render_template("missing.html", url=url, scope=scope, nearest=[], folder=url, under=under), 404
    )  # fmt: skip


def being_counted(asked: Asked, tab: str) -> BaseResponse:
    """The page until a number is there; it asks again by itself."""
    answer = page("counting.html", 202, scope=asked.scope, url=asked.url, tab=tab)
    answer.headers["Refresh"] = _AGAIN
    answer.headers["Cache-Control"] = "no-store"
    return answer
