"""How much there is of a collection that a reader may see, told without reading all of it.

A small collection is counted row by row. A large one is known by its files, each of which was counted when it was finished.
What rules of access hide is taken off; where that would take long to find out, no number is told rather than one that says
more than may be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from archiver.collections.access import ALL_KEYS, Action, RuleBook, Viewer
from archiver.holdings import Holdings
from archiver.index.bounded import MOST_COUNTED, NOTHING, SmallCounts
from archiver.index.protocol import TIMESTAMP, CollectionSummary
from archiver.index.query import ordered
from replay.lookup import Scope
from replay.permitted import Permitted

#: Numbers that are remembered where there are rules, and for how many seconds.
_MOST_KNOWN = 512
_KNOWN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Numbers:
    """A collection in numbers, as far as they may and can be told.

    Attributes:
        captures: None when that is not known.
        urls: different ones; None when nobody counted them.
        first: timestamp of the first capture; "" when there is none or that is not known.
        last: of the last.
    """

    captures: int | None
    urls: int | None
    first: str
    last: str


_UNKNOWN = Numbers(None, None, "", "")
_NONE = Numbers(0, 0, "", "")


class Counting:
    """Counts for readers.

    Args:
        holdings: the opened archive.
        ticks: seconds that only ever grow.
    """

    def __init__(self, holdings: Holdings, ticks: Callable[[], float]) -> None:
        self._index = holdings.index
        self._small = SmallCounts(holdings.engine)
        self._ticks = ticks
        self._known: dict[tuple[RuleBook, Viewer, str], tuple[float, Numbers]] = {}

    def of(self, scope: Scope, slug: str) -> Numbers:
        """The numbers of a collection. With rules they may be a minute old.

        Args:
            scope: the reader's, which has the collection.
            slug: of the collection.
        """
        gate = scope.gate
        if gate is None or not any(rule.collection in (None, slug) for rule in gate.book.rules):
            return self._whole(slug)
        name, now = (gate.book, scope.viewer, slug), self._ticks()
        known = self._known.get(name)
        if known is not None and now - known[0] < _KNOWN_SECONDS:
            return known[1]
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        found = self._permitted(scope, slug)
        self._known[name] = (now, found)
        return found

    def of_many(self, scope: Scope, slugs: Iterable[str]) -> dict[str, Numbers]:
        """The numbers of collections as a list shows them: from their files where these were counted, without `urls`.

        Collections for which there are rules are left out: each costs a look of its own, see `of`.
        """
        rules = scope.gate.book.rules if scope.gate is not None else ()
        if any(rule.collection is None for rule in rules):
            return {}
        ruled = {rule.collection for rule in rules}
        totals = self._small.all_by_file()
        found = {}
        for slug in slugs:
            if slug not in ruled:
                captures, first, last = totals.get(slug, (0, "", ""))
                own = CollectionSummary(captures, 0, first, last, 0)
                found[slug] = _with(own, self._attached(slug), has_urls=False) if captures else self._whole(slug)
        return found

    def _whole(self, slug: str) -> Numbers:
        """Without rules."""
        few = self._small.few(slug)
        if few is not None:
            return _with(few, self._attached(slug))
        captures, first, last = self._small.by_file(slug)
        # Files of older archives that nobody counted yet say nothing, and less would be wrong.
        found = CollectionSummary(captures, 0, first, last, 0) if captures > MOST_COUNTED else None
        return _UNKNOWN if found is None else _with(found, self._attached(slug), has_urls=False)

    def _attached(self, slug: str) -> list[CollectionSummary | None]:
        return [other.numbers() for other in self._index.attached.of([slug])]

    def _permitted(self, scope: Scope, slug: str) -> Numbers:
        """What rules leave."""
        gate = scope.gate
        assert gate is not None
        own = gate.book.gate((slug,), scope.viewer, gate.now)
        if own.closes(ALL_KEYS):
            return _NONE
        whole = self._whole(slug)
        if self._is_small(slug):
            found = Permitted(self._index, own).summary(slug)
            return Numbers(found.captures, found.urls, found.first, found.last)
        closing = ordered(
            keys
            for rule in gate.book.rules
            if rule.collection in (None, slug) and rule.action is not Action.ALLOW and rule.is_in_force(own.now)
            if rule.is_for(scope.viewer)
            for keys in rule.ranges()
        )
        if not closing:
            return whole
        if whole.captures is None or any(other.is_remote for other in self._index.attached.of([slug])):
            return _UNKNOWN
        read, hidden = 0, []
        for rows in self._index.scan_rows((slug,), closing):
            read += len(rows)
            if read > MOST_COUNTED:
                return _UNKNOWN
            hidden += [f"{row[TIMESTAMP]:014d}" for row in rows if not own.permits_row(slug, row)]
        is_inside = not hidden or (min(hidden) > whole.first and max(hidden) < whole.last)
        first, last = (whole.first, whole.last) if is_inside else ("", "")
        return Numbers(whole.captures - len(hidden), None if hidden else whole.urls, first, last)

    def _is_small(self, slug: str) -> bool:
        """All rows can be looked at: there are few, here and in what is attached."""
        few, others = self._small.few(slug), self._index.attached.of([slug])
        if few is None or any(other.is_remote for other in others):
            return False
        counted = [other.numbers() for other in others]
        return (
            all(item is not None for item in counted)
            and few.captures + sum(item.captures for item in counted if item is not None) <= MOST_COUNTED
        )


def _with(own: CollectionSummary, others: list[CollectionSummary | None], *, has_urls: bool = True) -> Numbers:
    """A collection's own captures and those of attached indexes; of some of these nothing may be known."""
    if any(other is None for other in others):
        return _UNKNOWN
    filled = [item for item in (own, *others) if item is not None and item.captures] or [NOTHING]
    return Numbers(
        sum(item.captures for item in filled),
        sum(item.urls for item in filled) if has_urls else None,
        min(item.first for item in filled),
        max(item.last for item in filled),
    )
