"""From an address to permitted captures: the one gate that every view passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from itertools import islice
from time import monotonic

from archiver.collections.access import ALL_KEYS, ANYONE, Action, Gate, Rule, RuleBook, Viewer
from archiver.collections.crawls import PageSummary
from archiver.errors import UnknownCollection
from archiver.holdings import Holdings
from archiver.index.protocol import CaptureSource, CollectionSummary, DayCount, Row, UrlSummary
from archiver.index.query import KeyRange, Place
from archiver.model import Capture, Collection, RevisitTarget, Visibility
from archiver.plaintext import one_line
from archiver.timestamps import normalise_timestamp, parse_timestamp
from archiver.urls import urlkey, urlkey_prefix
from replay.fuzzy import THRESHOLD, likeness, wanted
from replay.order import answers_first, is_error, is_spelled, repeats, very_url_first
from replay.permitted import Permitted

#: Address of every public collection at once.
ALL = "all"

_EMBEDS = frozenset({"js", "cs", "im", "oe", "fw", "wkr", "wkl", "sw", "esm"})

#: Captures that are opened, nearest first, before a look-up gives up, and rows of the index that are looked at for them.
_TRIES = 1000
_ROWS = 20_000
#: Keys of one likeness whose captures are compared.
_GROUP = 100
_NEWEST = "99991231235959"
_NOT_MODIFIED = 304

#: Numbers of collections that are remembered, and for how many seconds.
_MOST_SUMMARIES = 256
_SUMMARY_SECONDS = 60
#: Captured pages that are looked at for those that a reader may see.
_MOST_PAGES = 10_000
#: Keys that are compared when something like a URL is looked for.
_KEYS_LOOKED_AT = 2000


@dataclass(frozen=True, slots=True)
class Scope:
    """The collections that one address may see.

    Attributes:
        slug: as in the address.
        slugs: of the collections.
        collection: the collection, or None for all of them.
        viewer: who asks.
        gate: what the rules of access say to the viewer; None when there are none.
    """

    slug: str
    slugs: tuple[str, ...]
    collection: Collection | None
    viewer: Viewer = ANYONE
    gate: Gate | None = None


class Lookup:
    """Finds what a reader may see.

    Args:
        holdings: the opened archive.
    """

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._summaries: dict[tuple[RuleBook, Viewer, str], tuple[float, CollectionSummary]] = {}

    def public(self) -> list[Collection]:
        """Collections that are listed."""
        return [item for item in self._holdings.collections.all() if item.visibility is Visibility.PUBLIC]

    def listed(self, viewer: Viewer) -> list[Collection]:
        """Those of which a reader may know: without collections that rules hide as a whole as if they were not held."""
        access, found = self._holdings.access, self.public()
        book, now = access.current(), access.now()
        if not book.rules:
            return found

        def is_hidden(slug: str) -> bool:
            rules = [rule for rule in book.rules if rule.collection in (None, slug) and rule.is_for(viewer)]
            if not any(rule.action is Action.EXCLUDE and not rule.urlkey and rule.is_in_force(now) for rule in rules):
                return False
            # Of what is hidden anyway, more rules that hide need not be looked at.
            gate = RuleBook(rule for rule in rules if not rule.urlkey or rule.action is not Action.EXCLUDE).gate(
                (slug,), viewer, now
            )
            return gate.closes(ALL_KEYS) and gate.applying("")[0][0].action is Action.EXCLUDE

        return [item for item in found if not is_hidden(item.slug)]

    def scope(self, slug: str, viewer: Viewer = ANYONE) -> Scope:
        """What a reader may see under `/<slug>/`; all other look-ups take it, and give what its rules permit alone.

        Args:
            slug: of a collection, or "all".
            viewer: who asks.

        Raises:
            UnknownCollection: no such collection, or a private one: readers are not told which.
        """
        if slug == ALL:
            return self._ruled(Scope(ALL, tuple(item.slug for item in self.public()), None, viewer))
        try:
            collection = self._holdings.collections.get(slug)
        except UnknownCollection:
            collection = None
        if collection is None or collection.visibility is Visibility.PRIVATE:
            raise self._unknown(slug, viewer)
        return self._ruled(Scope(slug, (slug,), collection, viewer))

    def _unknown(self, slug: str, viewer: Viewer) -> UnknownCollection:
        """The same for a collection that is private as for one that there is not; only what is listed is suggested."""
        near = get_close_matches(slug, [item.slug for item in self.listed(viewer)], 1)
        advice = f"Did you mean “{near[0]}”?" if near else "Choose one from the list of collections."
        return UnknownCollection(f"There is no collection “{one_line(slug)[:80]}”.", advice)

    def _ruled(self, scope: Scope) -> Scope:
        """With the rules that are in force now; without the collections that they hide from the viewer as a whole."""
        access = self._holdings.access
        book = access.current()
        if not book.rules:
            return scope
        now = access.now()
        slugs = scope.slugs
        if scope.collection is None:
            slugs = tuple(slug for slug in slugs if not book.gate((slug,), scope.viewer, now).closes(ALL_KEYS))
        return replace(scope, slugs=slugs, gate=book.gate(slugs, scope.viewer, now))

    def source(self, scope: Scope) -> CaptureSource:
        """What the scope may see of the index."""
        index = self._holdings.index
        return index if scope.gate is None else Permitted(index, scope.gate)

    def here(self, scope: Scope, *, is_ruled: bool = True) -> CaptureSource:
        """The same without other servers' indexes, for what is merely good to have.

        Args:
            scope: from `scope`.
            is_ruled: what the scope may see; False for all, which is never to be shown.
        """
        index = self._holdings.index.here(scope.slugs)
        return index if scope.gate is None or not is_ruled else Permitted(index, scope.gate)

    @property
    def everything(self) -> CaptureSource:
        """The whole index, to compare with: never to be shown."""
        return self._holdings.index

    def collection_of(self, capture: Capture) -> Collection:
        """The collection that a capture belongs to."""
        return self._holdings.collections.get(capture.collection)

    def candidates(self, scope: Scope, url: str, timestamp: str, modifier: str = "", *, sent: str = "") -> Iterator[Capture]:
        """Captures of a URL that may answer, best first: nearest in time, never 304, errors after what is better.

        A part of a page is better than any error; a page, than an error of its server within some days of that (see the
        setting `error_drift_days`), unless just that capture is asked for.

        Args:
            scope: from `scope`.
            url: archived URL.
            timestamp: 1 to 14 digits; "" for the newest.
            modifier: as in the address.
            sent: the URL with what was sent to it, see `archiver.requestkey`; "" when that was nothing.
        """
        is_part = modifier in _EMBEDS
        errors: list[Capture] = []
        near = (item for item in self._near(scope, sent or url, timestamp) if is_spelled(url, item.url))
        for capture in islice(very_url_first(url, answers_first(near)), _TRIES):
            if is_error(capture, is_part=is_part) and (is_part or capture.timestamp != timestamp):
                errors.append(capture)
                continue
            if errors and not is_part and self._is_far(errors[0], capture):
                yield from errors
                errors.clear()
            yield capture
        yield from errors

    def respelled(self, scope: Scope, url: str, timestamp: str, *, sent: str = "") -> Iterator[Capture]:
        """Captures of URLs that differ only in case or in what is escaped: nobody knows whether they are of the same."""
        near = (item for item in self._near(scope, sent or url, timestamp) if (item.status or 200) < 300)
        return islice((item for item in near if not is_spelled(url, item.url)), _TRIES)

    def _near(self, scope: Scope, url: str, timestamp: str) -> Iterator[Capture]:
        """Captures with the key of a URL that say something, by their distance in time, as far as that may be."""
        moment = normalise_timestamp(timestamp, latest=True) if timestamp else _NEWEST
        for capture in islice(self.source(scope).closest(scope.slugs, urlkey(url), moment), _ROWS):
            if not self._is_near(capture, timestamp, moment):
                return
            if capture.status != _NOT_MODIFIED or capture.revisit_of is not None:
                yield capture

    def _is_near(self, capture: Capture, timestamp: str, moment: str) -> bool:
        """Not farther from the time asked for than the setting `max_drift_days` says."""
        most = self._holdings.settings.max_drift_days
        if not most or not timestamp or capture.timestamp.startswith(timestamp):
            return True
        return abs(parse_timestamp(capture.timestamp) - parse_timestamp(moment)) <= timedelta(days=most)

    def _is_far(self, error: Capture, capture: Capture) -> bool:
        days = timedelta(days=self._holdings.settings.error_drift_days)
        return abs(parse_timestamp(error.timestamp) - parse_timestamp(capture.timestamp)) > days

    def in_turn(self, scope: Scope, url: str, timestamp: str, turn: int, *, sent: str) -> Iterator[Capture]:
        """Captures of answers that a page got one after the other to the very same request, the one whose turn it is first.

        Args:
            scope: from `scope`.
            url: archived URL.
            timestamp: of the page, from which the turns are counted.
            turn: 0 for the first.
            sent: the URL with what was sent to it.
        """
        since = normalise_timestamp(timestamp) if timestamp else None
        following = self.source(scope).versions(scope.slugs, urlkey(sent), since=since)
        spelled = (item for item in islice(following, _ROWS) if is_spelled(url, item.url))
        yield from reversed(list(islice(spelled, min(turn, _TRIES) + 1)))
        yield from self.candidates(scope, url, timestamp, sent=sent)

    def approximate(self, scope: Scope, url: str, timestamp: str, modifier: str = "") -> Iterator[Capture]:
        """Captures of what is most like a URL that is not held: the likest first, of those the nearest in time.

        Args:
            scope: from `scope`.
            url: archived URL, with what was sent.
            timestamp: 1 to 14 digits; "" for the newest.
            modifier: as in the address.
        """
        key = urlkey(url)
        is_part = bool(modifier)
        tried: set[str] = {key}
        for asked in wanted(key):
            keys = self.source(scope).keys(scope.slugs, asked.start, limit=_KEYS_LOOKED_AT)
            if asked.rule is None:
                keys.append(key.partition("?")[0])
            found = [(likeness(asked, held, is_part=is_part), held) for held in keys if held not in tried]
            for best in sorted({score for score, _ in found if score >= THRESHOLD}, reverse=True):
                group = [held for score, held in found if score == best]
                tried.update(group)
                yield from self._nearest(scope, group[:_GROUP], timestamp)

    def _nearest(self, scope: Scope, keys: Sequence[str], timestamp: str) -> Iterator[Capture]:
        """The captures of several keys that succeeded, the nearest of each, by their distance in time."""
        moment = normalise_timestamp(timestamp, latest=True) if timestamp else _NEWEST
        index = self.source(scope)
        found = []
        for key in keys:
            rows = islice(index.closest(scope.slugs, key, moment), _ROWS)
            capture = next((item for item in rows if (item.status or 200) < 300), None)
            if capture is not None and self._is_near(capture, timestamp, moment):
                found.append(capture)
        there = parse_timestamp(moment)
        yield from sorted(found, key=lambda item: abs(parse_timestamp(item.timestamp) - there))

    def original_of(self, scope: Scope, revisit: Capture) -> Capture | None:
        """The capture whose payload a revisit repeats; None when it is not held, or nobody may see it any more.

        Rules are about captures, not about where bytes are kept: a revisit that may be seen is shown with its payload, also
        when the capture that has the bytes is hidden, but only if equal digests prove that they are its own. Else whoever
        named a hidden capture in a record of his own would be shown it.
        """
        index = self._holdings.index
        target = revisit.revisit_of
        places = [(revisit.urlkey, revisit.timestamp)]
        if target is not None and target.url:
            places.insert(0, (urlkey(target.url), target.timestamp or revisit.timestamp))
        for key, moment in places:
            for tried, capture in enumerate(index.closest(scope.slugs, key, moment)):
                is_named = capture.timestamp == moment
                if (
                    capture.revisit_of is None
                    and repeats(revisit, capture, is_named=is_named)
                    and _lends(scope, revisit, capture)
                ):
                    return capture
                if tried >= _ROWS:
                    break
        return self._original_elsewhere(scope, revisit)

    def _original_elsewhere(self, scope: Scope, revisit: Capture) -> Capture | None:
        """The payload of a revisit in another collection that is not private.

        Only the very capture that it names, and only with the very digest: who captured a payload has had it, so seeing it
        here tells nothing that the revisit does not; a digest that is missing or of another kind would prove nothing.
        """
        target = revisit.revisit_of
        if target is None or not target.url or not target.timestamp or not revisit.digest:
            return None
        key = urlkey(target.url)
        for collection in self._holdings.collections.all():
            if collection.visibility is Visibility.PRIVATE or collection.slug in scope.slugs:
                continue
            named = self._holdings.index.versions(
                (collection.slug,), key, since=target.timestamp, until=target.timestamp, limit=_ROWS
            )
            for capture in named:
                if capture.revisit_of is None and capture.digest == revisit.digest:
                    return capture
        return None

    def versions(self, scope: Scope, url: str, period: str = "", *, limit: int = 5000) -> list[Capture]:
        """Captures of a URL in a period, oldest first."""
        since = normalise_timestamp(period) if period else None
        until = normalise_timestamp(period, latest=True) if period else None
        return list(self.source(scope).versions(scope.slugs, urlkey(url), since=since, until=until, limit=limit))

    def scan(
        self,
        scope: Scope,
        ranges: Sequence[KeyRange],
        *,
        since: str | None = None,
        until: str | None = None,
        after: Place | None = None,
        newest_first: bool = False,
    ) -> Iterator[Capture]:
        """Permitted captures of ranges of keys, in the order of keys, times, files and offsets; see `CaptureSource.scan`."""
        source = self.source(scope)
        return source.scan(scope.slugs, ranges, since=since, until=until, after=after, newest_first=newest_first)

    def scan_rows(
        self,
        scope: Scope,
        ranges: Sequence[KeyRange],
        *,
        since: str | None = None,
        until: str | None = None,
        after: Place | None = None,
    ) -> Iterator[Sequence[Row]]:
        """The same as batches of plain rows; see `CaptureSource.scan_rows`."""
        return self.source(scope).scan_rows(scope.slugs, ranges, since=since, until=until, after=after)

    def blocked(self, scope: Scope, url: str, timestamp: str) -> Rule | None:
        """The rule for which a reader is told that there is something that may not be shown (451); None when there is none.

        Args:
            scope: from `scope`.
            url: archived URL.
            timestamp: 1 to 14 digits; "" for the newest. Whole, it asks for a very capture, which another one does not replace.
        """
        gate, key = scope.gate, urlkey(url)
        if gate is None or not any(rule.action is Action.BLOCK for rule, _ in gate.applying(key)):
            return None
        moment = normalise_timestamp(timestamp, latest=True) if timestamp else _NEWEST
        said: Rule | None = None
        is_very = False
        for capture in islice(self._holdings.index.closest(scope.slugs, key, moment), _ROWS):
            if not is_spelled(url, capture.url):
                continue
            if is_very and capture.timestamp != timestamp:
                return said
            decision = gate.decide(capture)
            if decision.action is Action.ALLOW:
                return None
            if decision.action is Action.BLOCK and said is None:
                said, is_very = decision.rule, capture.timestamp == timestamp
        return said or self._withdrawn(scope, key)

    def _withdrawn(self, scope: Scope, key: str) -> Rule | None:
        """The rule of a deletion of which readers are told, when something with this key was deleted by it."""
        assert scope.gate is not None
        for rule, _ in scope.gate.applying(key):
            if rule.deletion and rule.action is Action.BLOCK:
                return replace(rule, deletion="purged") if self._holdings.access.was_purged(scope.slugs, key) else None
        return None

    def nearest(self, scope: Scope, url: str, timestamp: str = "", *, limit: int = 5) -> list[Capture]:
        """Captures of a URL by their distance in time, whatever they are."""
        moment = normalise_timestamp(timestamp, latest=True) if timestamp else _NEWEST
        return list(islice(self.source(scope).closest(scope.slugs, urlkey(url), moment), limit))

    def named(self, scope: Scope, revisit: Capture) -> RevisitTarget | None:
        """What a revisit says that it repeats; None where a rule hides that from the reader."""
        target = revisit.revisit_of
        if target is None or scope.gate is None or not target.url:
            return target
        moment = target.timestamp or revisit.timestamp
        told = replace(revisit, urlkey=urlkey(target.url), url=target.url, timestamp=moment, revisit_of=None)
        return target if scope.gate.permits(told) else None

    def summary(self, scope: Scope, slug: str) -> CollectionSummary:
        """What a reader may see of a collection in a few numbers. With rules they cost more, and may be a minute old."""
        if scope.gate is None:
            return self._holdings.index.summary(slug)
        name, now = (scope.gate.book, scope.viewer, slug), monotonic()
        known = self._summaries.get(name)
        if known is not None and now - known[0] < _SUMMARY_SECONDS:
            return known[1]
        if len(self._summaries) >= _MOST_SUMMARIES:
            self._summaries.clear()
        found = self.source(scope).summary(slug)
        self._summaries[name] = (now, found)
        return found

    def pages(self, scope: Scope, slug: str, *, limit: int) -> list[PageSummary]:
        """Captured pages of a collection that a reader may see, newest first."""
        crawls, gate = self._holdings.crawls, scope.gate
        if gate is None:
            return crawls.pages(slug, limit=limit)
        found: list[PageSummary] = []
        for offset in range(0, _MOST_PAGES, limit):
            read = crawls.pages(slug, limit=limit, offset=offset)
            found += (page for page in read if self._shows(gate, slug, page))
            if len(read) < limit or len(found) >= limit:
                break
        return found[:limit]

    def _shows(self, gate: Gate, slug: str, page: PageSummary) -> bool:
        """The capture of a page may be seen: by the index, which knows what file it is in."""
        if not page.timestamp or not gate.applying(urlkey(page.final_url)):
            return True
        key, moment = urlkey(page.final_url), page.timestamp
        return any(map(gate.permits, self._holdings.index.versions((slug,), key, since=moment, until=moment, limit=_TRIES)))

    def days(self, scope: Scope, url: str, period: str = "") -> list[DayCount]:
        """Captures of a URL a day, of a period where one is given."""
        return self.source(scope).counts(scope.slugs, urlkey(url), period=period)

    def months(self, scope: Scope, url: str) -> list[DayCount]:
        """Captures of a URL a month."""
        return self.source(scope).counts(scope.slugs, urlkey(url), digits=6)

    def under(self, scope: Scope, url: str, *, limit: int = 500) -> list[UrlSummary]:
        """URLs under a prefix."""
        return self.source(scope).under(scope.slugs, urlkey_prefix(url), limit=limit)


def _lends(scope: Scope, revisit: Capture, capture: Capture) -> bool:
    """Whether a capture gives its payload to a revisit that may be seen."""
    if scope.gate is None or scope.gate.permits(capture):
        return True
    return bool(revisit.digest) and revisit.digest == capture.digest
