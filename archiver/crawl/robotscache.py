"""The robots.txt files that a worker knows, read from the database where another worker has fetched them."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Protocol

from archiver.crawl.entries import RobotsFile
from archiver.crawl.robots import RobotsRules, robots_rules

#: Parsed files that are kept in memory.
_KEPT = 2000


class RobotsStore(Protocol):
    """Where robots.txt files of a crawl are kept."""

    def robots(self, origin: str) -> RobotsFile | None:
        """That of an origin; None when it was not asked for."""


class RobotsCache:
    """For the thread that dispatches.

    Args:
        store: of the crawl.
        agent: our name as robots.txt writes it.
    """

    def __init__(self, store: RobotsStore, agent: str) -> None:
        self._store = store
        self._agent = agent
        self._rules: OrderedDict[str, tuple[float, RobotsRules]] = OrderedDict()  # origin → (until when it counts, rules)
        self._fetching: set[str] = set()
        self._tries: Counter[str] = Counter()
        self._silent: set[str] = set()

    def get(self, origin: str, now: float) -> RobotsRules | None:
        """The rules of an origin; None when its robots.txt has to be fetched."""
        known = self._rules.get(origin)
        if known is None:
            stored = self._store.robots(origin)
            if stored is None:
                return None
            known = self._keep(stored)
        if now >= known[0]:
            del self._rules[origin]
            return None
        self._rules.move_to_end(origin)
        return known[1]

    def begin(self, origin: str) -> None:
        """A robots.txt is being fetched."""
        self._fetching.add(origin)

    def is_being_fetched(self, origin: str) -> bool:
        """Whether it is on its way already."""
        return origin in self._fetching

    def put(self, file: RobotsFile) -> RobotsRules:
        """A robots.txt has come; what it says."""
        self._fetching.discard(file.origin)
        rules = self._keep(file)[1]
        if rules.unreachable:
            self._tries[file.origin] += 1
        return rules

    def is_silent(self, origin: str) -> bool:
        """Whether there was no answer at all when it was asked for last."""
        return origin in self._silent

    def tries(self, origin: str) -> int:
        """How often it could not be read."""
        return self._tries[origin]

    def give_up(self, origin: str) -> None:
        """Its fetch came to nothing."""
        self._fetching.discard(origin)

    def expire(self, origin: str) -> None:
        """It is to be fetched anew."""
        known = self._rules.get(origin)
        if known is not None:
            self._rules[origin] = (0.0, known[1])

    def _keep(self, file: RobotsFile) -> tuple[float, RobotsRules]:
        if file.status is None:
            self._silent.add(file.origin)
        else:
            self._silent.discard(file.origin)
        rules = robots_rules(
            file.status,
            file.body.encode("latin-1"),
            agent=self._agent,
            base=f"{file.origin}/robots.txt",
            failure=file.failure or "",
        )
        self._rules[file.origin] = (file.fetched_at + rules.keep_seconds, rules)
        while len(self._rules) > _KEPT:
            forgotten, _ = self._rules.popitem(last=False)
            self._silent.discard(forgotten)
        return self._rules[file.origin]
