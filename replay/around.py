"""The captures before and after one, and the first and last of all, for who may see them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

from archiver.index.protocol import CaptureSource
from archiver.model import Capture
from archiver.timestamps import parse_timestamp, to_timestamp
from replay.lookup import Lookup, Scope
from replay.memento import Around, Place, memento_links

_SECOND = timedelta(seconds=1)
#: What is remembered, and for how many seconds: so late may a new capture be told by pages that were shown before.
_MOST = 500
_SECONDS = 10


def around(source: CaptureSource, slugs: tuple[str, ...], shown: Capture) -> Around:
    """The neighbours of a capture; captures of its very second are none.

    Args:
        source: of captures that may be seen.
        slugs: collections to look in.
        shown: the capture.
    """
    here = parse_timestamp(shown.timestamp)

    def one(*, since: str | None = None, until: str | None = None, newest_first: bool = False) -> Capture | None:
        found = source.versions(slugs, shown.urlkey, since=since, until=until, limit=1, newest_first=newest_first)
        return next(iter(found), None)

    previous = one(until=to_timestamp(here - _SECOND), newest_first=True)
    following = one(since=to_timestamp(here + _SECOND))
    first = shown if previous is None else one()
    last = shown if following is None else one(newest_first=True)
    return Around(first, previous, following, last)


class Neighbours:
    """Says which captures are the neighbours of one, and remembers what it said for a moment: pages are asked for in bursts.

    Args:
        lookup: of the archive.
        clock: seconds, ever growing.
    """

    def __init__(self, lookup: Lookup, clock: Callable[[], float]) -> None:
        self._lookup, self._clock = lookup, clock
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, ...], tuple[float, str]] = OrderedDict()

    def of(self, scope: Scope, shown: Capture) -> Around:
        """The neighbours of a capture that may be seen."""
        return around(self._lookup.source(scope), scope.slugs, shown)

    def links(self, scope: Scope, place: Place, shown: Capture) -> str:
        """The Link field of a capture."""
        if scope.gate is not None:  # what others may see is not for everybody
            return memento_links(place, shown, self.of(scope, shown))
        name, now = (place.base, place.collection, shown.urlkey, shown.url, shown.timestamp), self._clock()
        known = self._known.get(name)
        if known is not None and now - known[0] < _SECONDS:
            return known[1]
        said = memento_links(place, shown, self.of(scope, shown))
        with self._lock:
            self._known[name] = (now, said)
            self._known.move_to_end(name)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return said
