"""Crawls that other programs made: what is said of them, and their pages, each once however often they are taken in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, tuple_, update

from archiver.errors import UnknownCollection
from archiver.index.database import insert_new, number_of_new, reading, writing
from archiver.index.holdingstables import file_parts
from archiver.index.tables import collections, crawls, files, pages
from archiver.timestamps import to_iso

#: `crawls.kind` of these.
KIND = "import"

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ImportedCrawl:
    """What is known of a crawl that was made elsewhere.

    Attributes:
        identity: tells it from all others, and is the same when it is taken in again.
        seeds: URLs that it began with.
        started_at: UTC; None when unknown.
        finished_at: UTC; None when unknown.
        about: whatever else its files say of it, as JSON.
    """

    identity: str
    seeds: Sequence[str] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    about: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ImportedPage:
    """A page that somebody else captured; `timestamp` is that of its capture here, None when there is none."""

    url: str
    timestamp: str | None
    title: str = ""
    started_at: datetime | None = None


class ImportedCrawls:
    """The crawls of an archive that were made elsewhere.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def note(self, collection: str, crawl: ImportedCrawl) -> int:
        """Keep what is known of a crawl; its number, the same as before when it was known already.

        Raises:
            UnknownCollection: no collection of that name.
        """
        about = json.dumps({**(crawl.about or {}), "identity": crawl.identity}, ensure_ascii=False, sort_keys=True)
        now = self._clock()
        values = {
            "seeds": "\n".join(crawl.seeds),
            "started_at": to_iso(crawl.started_at or crawl.finished_at or now),
            "finished_at": to_iso(crawl.finished_at or crawl.started_at or now),
            "plan": about,
        }
        with writing(self._engine) as connection:
            owner = connection.execute(select(collections.c.id).where(collections.c.slug == collection)).scalar()
            if owner is None:
                raise UnknownCollection(f"There is no collection “{collection}”.")
            number = _find(connection, owner, crawl.identity)
            if number is not None:
                connection.execute(update(crawls).where(crawls.c.id == number).values(**values))
                return number
            made = connection.execute(insert(crawls).values(collection_id=owner, kind=KIND, state="finished", **values))
            return number_of_new(made)

    def known(self, collection: str, identity: str) -> int | None:
        """The number of a crawl that was taken in before; None when it was not."""
        with reading(self._engine) as connection:
            owner = connection.execute(select(collections.c.id).where(collections.c.slug == collection)).scalar()
            return _find(connection, owner, identity) if owner is not None else None

    def about(self, number: int) -> dict[str, Any]:
        """What the files of a crawl said of it; empty when there is no such crawl."""
        with reading(self._engine) as connection:
            plan = connection.execute(select(crawls.c.plan).where(crawls.c.id == number, crawls.c.kind == KIND)).scalar()
        found: dict[str, Any] = json.loads(plan) if plan else {}
        return found

    def own(self, number: int, file: str, captures: int) -> None:
        """Note that a WARC file was written by a crawl."""
        with writing(self._engine) as connection:
            owner = connection.execute(select(crawls.c.collection_id).where(crawls.c.id == number)).scalar_one()
            file_id = connection.execute(select(files.c.id).where(files.c.name == file)).scalar()
            if file_id is None:
                return  # it holds no capture
            row = {"file_id": file_id, "collection_id": owner, "crawl_id": number, "captures": captures}
            connection.execute(insert_new(self._engine, file_parts).values(**row))
            same = (file_parts.c.file_id == file_id, file_parts.c.collection_id == owner)
            connection.execute(update(file_parts).where(*same).values(crawl_id=number))

    def add_pages(self, number: int, found: Iterable[ImportedPage]) -> int:
        """Keep pages of a crawl; how many of them are new."""
        added, rest = 0, iter(found)
        while batch := list(islice(rest, _AT_ONCE)):
            with writing(self._engine) as connection:
                added += _add_pages(connection, number, {(page.url, page.timestamp): page for page in batch})
        return added


def _find(connection: Connection, owner: int, identity: str) -> int | None:
    # The identity is a member of the JSON; other texts that hold the same letters are sorted out here.
    marked = json.dumps({"identity": identity}, ensure_ascii=False)[1:-1]
    statement = select(crawls.c.id, crawls.c.plan).where(
        crawls.c.collection_id == owner, crawls.c.kind == KIND, crawls.c.plan.contains(marked, autoescape=True)
    )
    for number, plan in connection.execute(statement):
        if json.loads(plan).get("identity") == identity:
            return int(number)
    return None


def _add_pages(connection: Connection, number: int, batch: dict[tuple[str, str | None], ImportedPage]) -> int:
    owner, started = connection.execute(select(crawls.c.collection_id, crawls.c.started_at).where(crawls.c.id == number)).one()
    wanted = [(url, int(timestamp)) for url, timestamp in batch if timestamp]
    missing = [url for url, timestamp in batch if not timestamp]
    same = select(pages.c.url, pages.c.timestamp).where(pages.c.crawl_id == number)
    looked_up = []
    if wanted:
        looked_up.append(same.where(tuple_(pages.c.url, pages.c.timestamp).in_(wanted)))
    if missing:
        looked_up.append(same.where(pages.c.url.in_(missing), pages.c.timestamp.is_(None)))
    known = {(url, moment) for statement in looked_up for url, moment in connection.execute(statement)}
    rows = [
        {
            "crawl_id": number,
            "collection_id": owner,
            "url": page.url,
            "final_url": page.url,
            "timestamp": int(page.timestamp) if page.timestamp else None,
            "title": page.title,
            "started_at": to_iso(page.started_at) if page.started_at else started,
            "seconds": "0",
            "interrupted": 0,
        }
        for page in batch.values()
        if (page.url, int(page.timestamp) if page.timestamp else None) not in known
    ]
    if rows:
        connection.execute(insert(pages), rows)
    return len(rows)
