"""What archived pages asked for and replay did not find: noted while people read, listed, captured after all.

The reader notes a missing part in a file, a line each, and nothing of who read: it changes nothing in the archive. The keeper
takes the lines into the database. A patch is a crawl of the missing URLs; when it is over, look-ups say which of them are held.
"""

from __future__ import annotations

import json
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, and_, case, func, select, update

from archiver.collections.reports import CrawlReports
from archiver.collections.steering import MOST_PATCHED, CrawlDesk, is_beginning
from archiver.errors import NotFound, UsageError
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_urls
from archiver.index.database import insert_new, reading, writing
from archiver.index.tables import collections
from archiver.index.worktables import missing
from archiver.timestamps import parse_iso, to_iso, to_timestamp
from archiver.urls import is_http, urlkey

_LOG = logging.getLogger(__name__)

#: States: to be done; a crawl is at it; held now; of no interest to anybody.
OPEN, QUEUED, CAPTURED, IGNORED = "open", "queued", "captured", "ignored"
STATES = (OPEN, QUEUED, CAPTURED, IGNORED)

#: Bytes of the file of notes; what comes beyond is noted when the page is read the next time.
_MOST_BYTES = 8 * 1024 * 1024
#: Parts that one process remembers to have noted, so that a page read a hundred times is a few lines.
_REMEMBERED = 20_000
_MOST_URL = 4000
_TIMESTAMP = re.compile(r"\d{14}", re.ASCII)
#: Parts that a collection lists; a page that makes up addresses could name more than anybody looks at.
MOST_LISTED = 200_000


@dataclass(frozen=True, slots=True)
class Miss:
    """A part of a page that was looked for in vain.

    Attributes:
        collection: slug.
        page_url: the document that asked.
        page_timestamp: of its capture, 14 digits.
        url: what it asked for.
        kind: such as "image" or "script".
    """

    collection: str
    page_url: str
    page_timestamp: str
    url: str
    kind: str = ""


class MissNotes:
    """Where readers' processes note what they did not find.

    Args:
        folder: made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "missing.jsonl"
        self._noted: OrderedDict[tuple[str, str, str, str], None] = OrderedDict()
        self._lock = Lock()

    def note(self, miss: Miss) -> None:
        """Note it, once; a disk that does not take it costs a line in the log."""
        if max(len(miss.url), len(miss.page_url)) > _MOST_URL or not is_http(miss.url) or not is_http(miss.page_url):
            return
        name = (miss.collection, miss.page_url, miss.page_timestamp, miss.url)
        with self._lock:
            if name in self._noted:
                return
            self._noted[name] = None
            if len(self._noted) > _REMEMBERED:
                self._noted.popitem(last=False)
        line = f"\n{json.dumps([*name, miss.kind])}\n"  # also behind a line that a crash has torn
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._file.open("a", encoding="ascii") as out:
                if out.tell() < _MOST_BYTES:
                    out.write(line)
        except OSError as error:
            _LOG.warning("what is missing cannot be noted: %s", error.strerror)

    def take(self) -> Iterable[Miss]:
        """What was noted since the last time; it is forgotten once all has been read."""
        taken = self._file.with_suffix(".taken")
        if not taken.exists():
            try:
                self._file.replace(taken)
            except FileNotFoundError:
                return
        for line in taken.read_text("ascii", errors="replace").splitlines():
            try:
                collection, page_url, page_timestamp, url, kind = json.loads(line)
                if _TIMESTAMP.fullmatch(page_timestamp) and is_http(url) and is_http(page_url):
                    yield Miss(str(collection), page_url, page_timestamp, url, str(kind))
            except (ValueError, TypeError, AttributeError):
                continue  # torn by a crash
        taken.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class MissingPart:
    """A part that was looked for in vain, as the list has it.

    Attributes:
        number: of it.
        collection: slug.
        page_url, page_timestamp: the document that asked.
        url: what it asked for.
        kind: such as "image".
        state: "open", "queued", "captured" or "ignored".
        reason: why the last patch did not get it; "" when none was tried.
        first_at, last_at: when it was missed, ISO, UTC.
        times: how often the keeper was told.
        crawl: number of the crawl that is or was to capture it; None for none.
    """

    number: int
    collection: str
    page_url: str
    page_timestamp: str
    url: str
    kind: str
    state: str
    reason: str
    first_at: str
    last_at: str
    times: int
    crawl: int | None


@dataclass(frozen=True, slots=True)
class MissingPage:
    """A document and how many of its parts are in each state."""

    page_url: str
    page_timestamp: str
    open: int
    queued: int
    captured: int
    ignored: int


class MissingParts:
    """The lists of missing parts.

    Args:
        holdings: the opened archive.
        clock: the time, UTC.
    """

    def __init__(self, holdings: Holdings, clock: Callable[[], datetime]) -> None:
        self._holdings = holdings
        self._engine: Engine = holdings.engine
        self._clock = clock

    # -- take in -----------------------------------------------------------------------------------------------------

    def take(self, found: Iterable[Miss]) -> int:
        """Put parts on the list, once each; how many were told. What is held by now is not missing."""
        count = 0
        now = to_iso(self._clock(), 0)
        for miss in found:
            with writing(self._engine) as connection:
                owner = connection.execute(select(collections.c.id).where(collections.c.slug == miss.collection)).scalar()
                if owner is not None and not self._is_held(miss.collection, miss.url):
                    self._add(connection, owner, miss, now)
                    count += 1
        return count

    def _add(self, connection: Connection, owner: int, miss: Miss, now: str) -> None:
        columns = missing.c
        key = {
            "collection_id": owner,
            "page_urlkey": urlkey(miss.page_url),
            "page_timestamp": int(miss.page_timestamp),
            "urlkey": urlkey(miss.url),
        }
        same = and_(*(columns[name] == value for name, value in key.items()))
        row = connection.execute(select(columns.id, columns.state, columns.times).where(same)).first()
        if row is not None:
            state = OPEN if row.state == CAPTURED else row.state  # it is missing again
            connection.execute(
                update(missing).where(columns.id == row.id).values(last_at=now, times=row.times + 1, state=state)
            )
            return
        listed = connection.execute(select(func.count()).where(columns.collection_id == owner)).scalar_one()
        if listed >= MOST_LISTED:
            return
        values = {**key, "page_url": miss.page_url, "url": miss.url, "kind": miss.kind, "first_at": now, "last_at": now}
        connection.execute(insert_new(self._engine, missing).values(values))

    def _is_held(self, slug: str, url: str) -> bool:
        """A capture that replay would show in its place is held."""
        found = self._holdings.index.versions((slug,), urlkey(url), newest_first=True, limit=50)
        return any((capture.status or 200) < 400 for capture in found)

    # -- look --------------------------------------------------------------------------------------------------------

    def pages(self, slug: str, *, limit: int = 100, offset: int = 0) -> list[MissingPage]:
        """Documents of a collection that miss something, those with the most first."""
        columns = missing.c
        sums = {state: func.sum(case((columns.state == state, 1), else_=0)) for state in STATES}
        statement = (
            select(func.max(columns.page_url), columns.page_timestamp, *(sums[state] for state in STATES))
            .join(collections, collections.c.id == columns.collection_id)
            .where(collections.c.slug == slug)
            .group_by(columns.page_urlkey, columns.page_timestamp)
            .order_by(sums[OPEN].desc(), func.max(columns.page_url), columns.page_timestamp)
            .limit(limit)
            .offset(offset)
        )
        with reading(self._engine) as connection:
            return [
                MissingPage(row[0], f"{row[1]:014d}", *(int(number) for number in row[2:]))
                for row in connection.execute(statement)
            ]

    def list(
        self,
        slug: str,
        *,
        states: Sequence[str] = (),
        page_url: str = "",
        page_timestamp: str = "",
        search: str = "",
        after: int = 0,
        limit: int = 100,
    ) -> list[MissingPart]:
        """Parts, in the order in which they were missed first.

        Args:
            slug: of the collection.
            states: only these; empty for all.
            page_url: only of this document; "" for all.
            page_timestamp: and of this capture of it.
            search: only URLs that contain this.
            after: only with a greater number.
            limit: at most so many.
        """
        columns = missing.c
        statement = _selected().where(collections.c.slug == slug, columns.id > after).order_by(columns.id).limit(limit)
        if states:
            statement = statement.where(columns.state.in_(states))
        if page_url:
            statement = statement.where(columns.page_urlkey == urlkey(page_url))
        if page_timestamp:
            statement = statement.where(columns.page_timestamp == int(page_timestamp))
        if search:
            escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            statement = statement.where(columns.url.like(f"%{escaped}%", escape="\\"))
        with reading(self._engine) as connection:
            return [_part(row) for row in connection.execute(statement)]

    def counts(self, slug: str) -> dict[str, int]:
        """How many parts of a collection are in each state."""
        columns = missing.c
        statement = (
            select(columns.state, func.count())
            .join(collections, collections.c.id == columns.collection_id)
            .where(collections.c.slug == slug)
            .group_by(columns.state)
        )
        with reading(self._engine) as connection:
            found = {state: count for state, count in connection.execute(statement)}
        return {state: found.get(state, 0) for state in STATES}

    # -- do ----------------------------------------------------------------------------------------------------------

    def set_state(self, numbers: Sequence[int], state: str, *, actor: str) -> int:
        """Put parts aside ("ignored"), or back ("open"); how many.

        Raises:
            UsageError: no such state for people to give.
        """
        if state not in (OPEN, IGNORED):
            raise UsageError("Parts can be ignored or opened again.", "The rest comes by itself.")
        columns = missing.c
        done = 0
        with writing(self._engine) as connection:
            for number in numbers:
                changed = update(missing).where(columns.id == number, columns.state.in_((OPEN, IGNORED))).values(state=state)
                done += connection.execute(changed).rowcount
            self._holdings.audit.note_within(
                connection, actor, f"missing.{state}", f"{done} parts", {"parts": list(numbers)[:50]}
            )
        return done

    def patch(self, slug: str, numbers: Sequence[int], desk: CrawlDesk, *, actor: str) -> int:
        """Capture missing parts, whatever robots.txt says of parts: the page they belong to was allowed; the crawl's number.

        Raises:
            NotFound: none of them is to be captured.
            UsageError: they are too many at a time.
        """
        columns = missing.c
        chosen = [part for part in self.of(numbers[: MOST_PATCHED + 1]) if part.collection == slug and part.state == OPEN]
        if not chosen:
            raise NotFound("None of these parts is to be captured.", "Choose open ones.")
        crawl = desk.patch(slug, dict.fromkeys(part.url for part in chosen), actor=actor, ignore_robots=True)
        keys = {urlkey(part.url) for part in chosen}
        owner = self._holdings.collections.number(slug)
        with writing(self._engine) as connection:
            for key in sorted(keys):  # the same part may be missing in many pages
                same = and_(columns.collection_id == owner, columns.urlkey == key, columns.state == OPEN)
                connection.execute(update(missing).where(same).values(state=QUEUED, crawl_id=crawl, reason=""))
        return crawl

    def of(self, numbers: Sequence[int]) -> Sequence[MissingPart]:
        """Parts by their numbers; those that there are not are passed over."""
        with reading(self._engine) as connection:
            rows = connection.execute(_selected().where(missing.c.id.in_(list(numbers)))).all()
        return [_part(row) for row in rows]

    def settle(self) -> int:
        """See what became of patches that are over; how many parts are held now that were missing."""
        columns = missing.c
        with reading(self._engine) as connection:
            waiting = connection.execute(_selected().where(columns.state == QUEUED).limit(5000)).all()
        over: dict[int, bool] = {}
        held = 0
        for part in map(_part, waiting):
            if part.crawl is None:
                continue
            if part.crawl not in over:
                over[part.crawl] = self._is_over(part.crawl)
            is_held = self._is_held_since(part)
            if not (is_held or over[part.crawl]):
                continue
            held += is_held
            values = {"state": CAPTURED, "reason": ""}
            if not is_held:
                values = {"state": OPEN, "reason": self._why_not(part)}
            with writing(self._engine) as connection:
                connection.execute(update(missing).where(columns.id == part.number, columns.state == QUEUED).values(values))
        return held

    def _is_over(self, crawl: int) -> bool:
        try:
            found = CrawlReports(self._engine).find(crawl, None)
            return found.state in ("finished", "stopped") and not is_beginning(found)
        except NotFound:
            return True

    def _is_held_since(self, part: MissingPart) -> bool:
        since = to_timestamp(parse_iso(part.last_at))
        found = self._holdings.index.versions((part.collection,), urlkey(part.url), since=since[:8], limit=50)
        return any((capture.status or 200) < 400 for capture in found)

    def _why_not(self, part: MissingPart) -> str:
        """What the crawl says of it."""
        columns = crawl_urls.c
        wanted = select(columns.reason, columns.status, columns.detail).where(
            columns.crawl_id == part.crawl, columns.url == part.url
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        if row is None:
            return "the crawl did not come to it"
        if row.reason:
            return str(row.reason)
        return f"the server answered {row.status}" if row.status else str(row.detail or "it was not captured")


def _selected() -> Any:
    columns = missing.c
    return select(
        columns.id, collections.c.slug, columns.page_url, columns.page_timestamp, columns.url, columns.kind, columns.state,
        columns.reason, columns.first_at, columns.last_at, columns.times, columns.crawl_id,
    ).join(collections, collections.c.id == columns.collection_id)  # fmt: skip


def _part(row: Any) -> MissingPart:
    return MissingPart(row[0], row[1], row[2], f"{row[3]:014d}", *row[4:])
