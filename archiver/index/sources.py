"""The indexes that are attached to collections: what is known of them, and those that are open."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Engine, delete, insert, select

from archiver.errors import Conflict, MunimentError, NotFound, UnknownCollection, UsageError
from archiver.index.bytesource import is_url
from archiver.index.database import Prepared, writing
from archiver.index.holdingstables import index_sources
from archiver.index.protocol import CaptureSource, CollectionSummary
from archiver.index.tables import collections
from archiver.timestamps import to_iso

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")

#: Seconds after which the list of attached indexes is read again: others may have attached one.
_LOOK_AGAIN = 1.0
#: Seconds for which an index that failed is not asked.
_REST = 60.0


@dataclass(frozen=True, slots=True)
class Source:
    """An index that is attached to a collection.

    Attributes:
        id: its number.
        collection: slug.
        kind: "cdxj", "zipnum" or "remote".
        location: path or URL.
        warcs: what file names in it are relative to; of a server without file names, "replay:" and the address of its replay.
        options: what else was found out or said when it was attached.
        added_at: W3CDTF.
    """

    id: int
    collection: str
    kind: str
    location: str
    warcs: str
    options: Mapping[str, object]
    added_at: str


class SourceRegistry:
    """The table of attached indexes.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        said = index_sources.c
        columns = (said.id, collections.c.slug, said.kind, said.location, said.warcs, said.options, said.added_at)
        with_slug = select(*columns).join(collections, collections.c.id == said.collection_id)
        self._all = Prepared(engine, with_slug.order_by(said.id))

    def all(self, slug: str | None = None) -> list[Source]:
        """Those of a collection, or of all, in the order in which they were attached."""
        found = [_source(row) for row in self._all.rows()]
        return [source for source in found if slug in (None, source.collection)]

    def attach(self, slug: str, kind: str, location: str, *, warcs: str = "", options: Mapping[str, object]) -> Source:
        """Add one.

        Raises:
            UnknownCollection: no such collection.
            Conflict: it is attached to that collection already.
        """
        with writing(self._engine) as connection:
            number = connection.execute(select(collections.c.id).where(collections.c.slug == slug)).scalar()
            if number is None:
                raise UnknownCollection(f"There is no collection “{slug}”.")
            here = (index_sources.c.collection_id == number) & (index_sources.c.location == location)
            if connection.execute(select(index_sources.c.id).where(here)).first() is not None:
                raise Conflict(f"{location} is attached to “{slug}” already.", "Detach it first to attach it otherwise.")
            values = {
                "collection_id": number, "kind": kind, "location": location, "warcs": warcs,
                "options": json.dumps(dict(options)) if options else "", "added_at": to_iso(self._clock(), 0),
            }  # fmt: skip
            connection.execute(insert(index_sources).values(values))
        return next(source for source in self.all(slug) if source.location == location)

    def detach(self, slug: str, location: str) -> Source:
        """Take one away, by its location or number; what it lists stays where it is.

        Raises:
            NotFound: nothing like it is attached to that collection.
        """
        found = [source for source in self.all(slug) if location in (source.location, str(source.id))]
        if not found:
            raise NotFound(
                f"{location} is not attached to “{slug}”.",
                "See what is attached.",
                command="muniment index sources lists what is.",
            )
        with writing(self._engine) as connection:
            connection.execute(delete(index_sources).where(index_sources.c.id == found[0].id))
        return found[0]


def _source(row: Any) -> Source:
    return Source(row[0], row[1], row[2], row[3], row[4], _options(row[5]), row[6])


def _options(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Attached:
    """An attached index as it is asked: what goes wrong there is said once and costs the others nothing.

    Args:
        source: what it is.
        opener: opens it.
        monotonic: seconds that never go backwards.
    """

    def __init__(
        self, source: Source, opener: Callable[[Source], CaptureSource], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.source = source
        self.problem = ""
        self._opener = opener
        self._monotonic = monotonic
        self._index: CaptureSource | None = None
        self._rests_until = float("-inf")
        self._lock = Lock()

    @property
    def is_remote(self) -> bool:
        """Each question costs a request or some."""
        return self.source.kind == "remote" or is_url(self.source.location)

    def stream(self, ask: Callable[[CaptureSource], Iterator[_T]]) -> Iterator[_T]:
        """What it answers, as far as it answers."""
        if self._monotonic() < self._rests_until:
            return
        try:
            yield from ask(self._opened())
        except UsageError as error:  # not to be asked for that, but for other things
            _LOG.info("the index %s is left out: %s", self.source.location, error)
        except MunimentError as error:
            self._fail(error)
        else:
            self.problem = ""

    def numbers(self) -> CollectionSummary | None:
        """Its captures in a few numbers, where those were counted when it was attached."""
        said = self.source.options.get("numbers")
        if not isinstance(said, dict):
            return None
        count, urls, size = (said.get(name) for name in ("captures", "urls", "bytes"))
        first, last = (str(said.get(name, "")) for name in ("first", "last"))
        if not (isinstance(count, int) and isinstance(urls, int) and isinstance(size, int)):
            return None
        return CollectionSummary(count, urls, first, last, size)

    def _opened(self) -> CaptureSource:
        with self._lock:
            if self._index is None:
                self._index = self._opener(self.source)
            return self._index

    def _fail(self, error: MunimentError) -> None:
        if self.problem != str(error):
            _LOG.warning("the index %s of “%s” does not answer: %s", self.source.location, self.source.collection, error)
        self.problem = str(error)
        self._rests_until = self._monotonic() + _REST


class AttachedIndexes:
    """The attached indexes of all collections; notices what other processes attach and detach.

    Args:
        registry: where they are listed.
        opener: opens one.
        monotonic: seconds that never go backwards.
    """

    def __init__(
        self,
        registry: SourceRegistry,
        opener: Callable[[Source], CaptureSource],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._opener = opener
        self._monotonic = monotonic
        self._look_again = float("-inf")
        self._by_slug: dict[str, list[Attached]] = {}
        self._lock = Lock()

    def of(self, slugs: Sequence[str]) -> list[Attached]:
        """Those of some collections."""
        if self._monotonic() >= self._look_again:
            self._read()
        if not self._by_slug:
            return []
        return [attached for slug in slugs for attached in self._by_slug.get(slug, ())]

    def _read(self) -> None:
        with self._lock:
            now = self._monotonic()
            if now < self._look_again:
                return
            self._look_again = now + _LOOK_AGAIN
            before = {attached.source.id: attached for found in self._by_slug.values() for attached in found}
            by_slug: dict[str, list[Attached]] = {}
            for source in self._registry.all():
                attached = before.get(source.id)
                if attached is None or attached.source != source:
                    attached = Attached(source, self._opener, monotonic=self._monotonic)
                by_slug.setdefault(source.collection, []).append(attached)
            self._by_slug = by_slug
