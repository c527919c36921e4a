"""What is kept from readers because its seed is not public: rules of access that nobody wrote, made of the seeds. Pure.

A seed that is not public stands for what its scope takes: its page, its directory, its host, its domain. Of that a reader sees
nothing in its collection, but for what belongs to a public seed within it. Where a public seed takes just as much (two seeds of
one host), only the page of the other is hidden.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from operator import itemgetter
from urllib.parse import urlsplit

from archiver.collections.access import Action, Keys, Matching, Rule
from archiver.collections.accesswords import make_rule
from archiver.crawl.plan import ScopeKind
from archiver.crawl.scope import registered_domain
from archiver.errors import MunimentError
from archiver.urls import urlkey, urlkey_prefix


@dataclass(frozen=True, slots=True)
class SeedFacts:
    """What is asked of a seed.

    Attributes:
        collection: slug.
        url: normalised.
        scope: its own, or that of its collection.
        is_public: readers may know of it.
        created_at: ISO, UTC.
    """

    collection: str
    url: str
    scope: ScopeKind
    is_public: bool
    created_at: str = ""


def rules_of(seeds: Iterable[SeedFacts]) -> Iterator[Rule]:
    """The rules that seeds stand for which are not public.

    Args:
        seeds: all those of the collections that have such seeds.
    """
    public: dict[str, _Public] = {}
    private: list[tuple[SeedFacts, Rule, Rule]] = []
    for seed in seeds:
        try:
            page, taken = Rule(Action.EXCLUDE, Matching.EXACT, urlkey(seed.url)), _taken_by(seed.url, seed.scope)
        except MunimentError:  # what cannot be written as a rule is no URL of a capture either
            continue
        if seed.is_public:
            public.setdefault(seed.collection, _Public()).add(page, taken)
        else:
            private.append((seed, page, taken))
    for seed, page, taken in private:
        others = public.get(seed.collection, _Public())
        for rule in (page,) if page.matching is taken.matching else (page, taken):
            if not others.has(rule):
                yield replace(
                    rule, collection=seed.collection, url=seed.url, spared=others.within(rule), seed=seed.url,
                    reason=f"the seed {seed.url} is not public", created_at=seed.created_at,
                )  # fmt: skip


class _Public:
    """What the public seeds of a collection take."""

    def __init__(self) -> None:
        self._known: set[tuple[Matching, str]] = set()
        self._sorted: list[tuple[str, str, tuple[str, ...]]] | None = None

    def add(self, *rules: Rule) -> None:
        """A seed more."""
        self._known.update((rule.matching, rule.urlkey) for rule in rules)

    def has(self, rule: Rule) -> bool:
        """One of them takes just as much."""
        return (rule.matching, rule.urlkey) in self._known

    def within(self, rule: Rule) -> Keys:
        """The keys of what they take of what a rule is about."""
        if rule.matching is Matching.EXACT:
            return Keys()
        if self._sorted is None:
            rules = (Rule(Action.EXCLUDE, matching, key) for matching, key in self._known)
            self._sorted = sorted((item.folder or item.urlkey, _single_key(item), tuple(item.beginnings())) for item in rules)
        mine = tuple(rule.beginnings())
        start = rule.folder or rule.urlkey
        single: set[str] = set()
        beginnings: list[str] = []
        for key, alone, theirs in islice(self._sorted, bisect_left(self._sorted, start, key=itemgetter(0)), None):
            if not key.startswith(start):
                break
            if alone and (alone == rule.folder or alone.startswith(mine)):
                single.add(alone)
            if theirs and all(beginning.startswith(mine) for beginning in theirs):
                beginnings += theirs
        return Keys(frozenset(single), tuple(beginnings))


def _single_key(rule: Rule) -> str:
    """The one key that a rule stands for besides those that begin as it says; "" when there is none."""
    return rule.urlkey if rule.matching is Matching.EXACT else rule.folder


def _taken_by(url: str, scope: ScopeKind) -> Rule:
    """A rule about what belongs to a seed of that scope, by its address alone.

    Raises:
        UsageError: its URL is none.
    """
    parts = urlsplit(url)
    match scope:
        case ScopeKind.PREFIX:
            folder = parts.path[: parts.path.rfind("/") + 1] or "/"
            return Rule(Action.EXCLUDE, Matching.PREFIX, urlkey_prefix(f"{parts.scheme}://{parts.netloc}{folder}"))
        case ScopeKind.HOST:
            return Rule(Action.EXCLUDE, Matching.PREFIX, urlkey_prefix(f"{parts.scheme}://{parts.netloc}/"))
        case ScopeKind.DOMAIN:
            return make_rule(Action.EXCLUDE, host=registered_domain(parts.netloc))
    return Rule(Action.EXCLUDE, Matching.EXACT, urlkey(url))
