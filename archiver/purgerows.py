"""The rows of a purge: in one transaction everything knows the new file, and nothing knows what was purged any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from sqlalchemy import Connection, Row, Select, and_, delete, func, insert, select, update

from archiver.collections.access import Rule
from archiver.errors import InvalidTimestamp
from archiver.fixity import Fixity
from archiver.holdings import Holdings
from archiver.index import files as states
from archiver.index.crawltables import crawl_files, crawl_urls
from archiver.index.files import Part
from archiver.index.holdingstables import access_rules, file_parts, segments, tombstones
from archiver.index.tables import captures, collections, files, outcomes, pages, payloads, validators
from archiver.search.store import TextStore
from archiver.timestamps import parse_iso, parse_timestamp, to_iso
from archiver.urls import urlkey
from archiver.warc.purge import StoredPlace, Tombstone

_WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Doomed:
    """A row of the index that points into a file that is written anew."""

    collection_id: int
    slug: str
    urlkey: str
    timestamp: int
    file_id: int
    file: str
    offset: int
    length: int
    url: str
    digest: str

    @staticmethod
    def selection() -> Select[Any]:
        """All such rows; `of` makes values of them."""
        c = captures.c
        columns = (
            c.collection_id, collections.c.slug, c.urlkey, c.timestamp, c.file_id, files.c.name, c.offset, c.length, c.url,
            c.digest,
        )  # fmt: skip
        return select(*columns).join(files, files.c.id == c.file_id).join(collections, collections.c.id == c.collection_id)

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """A row of `selection`."""
        return cls(*tuple(row))

    @property
    def identity(self) -> tuple[str, str, int, str, int]:
        """Tells it from all others."""
        return self.slug, self.urlkey, self.timestamp, self.file, self.offset

    def place(self) -> Any:
        """The condition that is true of this row alone."""
        c = captures.c
        return and_(
            c.collection_id == self.collection_id,
            c.urlkey == self.urlkey,
            c.timestamp == self.timestamp,
            c.file_id == self.file_id,
            c.offset == self.offset,
        )


@dataclass
class FileSwitch:
    """What happens to one file.

    Attributes:
        rule: the deletion.
        name: of the file.
        gone: rows of captures that are purged.
        kept: rows of captures that stay.
        whole: offsets of revisits that were given their payload.
        records: that were taken out.
        digests: of the blocks of these, by offset, where wanted.
        moved: old offset → new offset and length, of records that stay.
    """

    rule: Rule
    name: str
    gone: list[Doomed]
    kept: list[Doomed]
    whole: set[int] = field(default_factory=set)
    records: list[StoredPlace] = field(default_factory=list)
    digests: dict[int, str] = field(default_factory=dict)
    moved: dict[int, tuple[int, int]] = field(default_factory=dict)


def switch_file(
    connection: Connection,
    holdings: Holdings,
    switch: FileSwitch,
    new: str,
    fixity: Fixity | None,
    stone: Tombstone,
    entry: int,
) -> None:
    """Let everything know the new file, and nothing what was purged; within a transaction of the caller's.

    Args:
        connection: of that transaction.
        holdings: the opened archive.
        switch: what happens.
        new: name of the new file; "" when only rows go.
        fixity: of the new file.
        stone: why and when.
        entry: of the audit log, that tells of it.
    """
    _scrub(connection, holdings, switch)
    for row in switch.gone:
        connection.execute(delete(captures).where(row.place()))
    _bury(connection, switch, stone, entry)
    if not new or fixity is None:
        for slug in {row.slug for row in switch.gone}:
            _count_part(connection, holdings, switch.name, slug)
        return
    number = _number_of(connection, new)
    for row in switch.kept:
        offset, length = switch.moved.get(row.offset, (row.offset, row.length))
        values: dict[str, Any] = {"file_id": number, "offset": offset, "length": length if row.length else 0}
        if row.offset in switch.whole:
            values |= {
                "is_revisit": 0,
                "refers_to_url": None,
                "refers_to_timestamp": None,
                "refers_to_id": None,
                "length": length,
            }
        connection.execute(update(captures).where(row.place()).values(values))
    _switch_files(connection, switch, number, new, fixity, stone)
    for slug in {row.slug for row in (*switch.gone, *switch.kept)}:
        _count_part(connection, holdings, new, slug)


def _number_of(connection: Connection, name: str) -> int:
    return int(connection.execute(select(files.c.id).where(files.c.name == name)).scalar_one())


def _switch_files(connection: Connection, switch: FileSwitch, number: int, new: str, fixity: Fixity, stone: Tombstone) -> None:
    old = connection.execute(select(files.c.id, files.c.texted_to, files.c.size).where(files.c.name == switch.name)).one()
    values = {
        "size": fixity.size, "md5": fixity.md5, "sha1": fixity.sha1, "sha256": fixity.sha256, "state": states.PURGED,
        "stored_at": to_iso(stone.purged_at, 0),
        # Texts that were not all read are read anew: that some are counted twice is less than that some are missing.
        "texted_to": fixity.size if old.texted_to >= (old.size or 0) else 0,
    }  # fmt: skip
    connection.execute(update(files).where(files.c.id == number).values(values))
    connection.execute(update(files).where(files.c.id == old.id).values(state=states.LEAVING))
    _name_in_rules(connection, switch.name, new)
    connection.execute(update(file_parts).where(file_parts.c.file_id == old.id).values(file_id=number))
    looked_at = update(file_parts).where(file_parts.c.file_id == number, file_parts.c.indexed_to.is_not(None))
    connection.execute(looked_at.values(indexed_to=fixity.size))
    connection.execute(update(crawl_files).where(crawl_files.c.name == switch.name).values(name=new, committed=fixity.size))
    gone = {place.offset for place in switch.records}
    _switch_parts(connection, switch, old.id, number, gone)
    column = crawl_urls.c
    known = select(column.id, column.offset).where(column.file == switch.name)
    for identity, offset in connection.execute(known).all():
        if offset in gone:
            scrubbed = {"file": None, "offset": None, "digest": "", "mime": "", "length": 0, "detail": _WITHDRAWN}
            connection.execute(update(crawl_urls).where(column.id == identity).values(scrubbed))
        elif offset is not None and offset in switch.moved:
            place = {"file": new, "offset": switch.moved[offset][0]}
            connection.execute(update(crawl_urls).where(column.id == identity).values(place))


def _switch_parts(connection: Connection, switch: FileSwitch, old: int, new: int, gone: set[int]) -> None:
    """Later parts of records that were cut into several, where they are now."""
    part = segments.c
    found = select(part.origin, part.number, part.offset).where(part.file_id == old)
    for origin, count, offset in connection.execute(found).all():
        here = and_(part.origin == origin, part.number == count, part.file_id == old, part.offset == offset)
        if offset in gone or offset not in switch.moved:
            connection.execute(delete(segments).where(here))
        else:
            connection.execute(update(segments).where(here).values(file_id=new, offset=switch.moved[offset][0]))


def _name_in_rules(connection: Connection, old: str, new: str) -> None:
    """Rules about what is in the old file are about the new one too."""
    column = access_rules.c
    for number, names in connection.execute(select(column.id, column.files).where(column.files != "")).all():
        if old in names.split("\n") and new not in names.split("\n"):
            connection.execute(update(access_rules).where(column.id == number).values(files=f"{names}\n{new}"))


def _count_part(connection: Connection, holdings: Holdings, name: str, slug: str) -> None:
    """What of a file belongs to a collection, counted anew."""
    number = _number_of(connection, name)
    collection = connection.execute(select(collections.c.id).where(collections.c.slug == slug)).scalar_one()
    c = captures.c
    counted = select(func.count(), func.min(c.timestamp), func.max(c.timestamp))
    count, first, last = connection.execute(counted.where(c.file_id == number, c.collection_id == collection)).one()
    part = Part(slug, count, f"{first:014d}" if count else "", f"{last:014d}" if count else "")
    holdings.files.note_parts_within(connection, number, name, (part,))


def _bury(connection: Connection, switch: FileSwitch, stone: Tombstone, entry: int) -> None:
    """Note that something was there; a record without a row in the index is noted too."""
    records = {place.offset: place for place in switch.records}
    rows = []
    for row in switch.gone:
        place = records.get(row.offset)
        rows.append(_stone(switch, stone, entry, row.collection_id, row.urlkey, row.timestamp, row.url, place, row.offset))
    looked_up = {row.offset for row in switch.gone}
    owner = switch.gone[0].collection_id if switch.gone else None
    for offset, place in records.items():
        if offset not in looked_up:
            rows.append(_stone(switch, stone, entry, owner, urlkey(place.url), _moment(place.date), place.url, place, offset))
    if rows:
        connection.execute(insert(tombstones), rows)


def _stone(
    switch: FileSwitch, stone: Tombstone, entry: int, collection: int | None, key: str, timestamp: int, url: str,
    place: StoredPlace | None, offset: int,
) -> dict[str, object]:  # fmt: skip
    return {
        "collection_id": collection,
        "urlkey": key,
        "timestamp": timestamp,
        "url": url,
        "record_type": place.record_type if place else "",
        "record_id": place.record_id if place else "",
        "digest": switch.digests.get(offset, ""),
        "length": place.content_length if place else 0,
        "file": switch.name,
        "purged_at": to_iso(stone.purged_at),
        "reason": stone.reason,
        "audit_id": entry,
    }


def _moment(date: str) -> int:
    try:
        return int(f"{parse_iso(date):%Y%m%d%H%M%S}")
    except InvalidTimestamp:
        return 0


# -- what was made of it ---------------------------------------------------------------------------------------------


def _scrub(connection: Connection, holdings: Holdings, switch: FileSwitch) -> None:
    """Take what was purged out of all that was made of it: memory of payloads, pages, outcomes, texts."""
    texts = TextStore(holdings.engine)
    for row in switch.gone:
        connection.execute(
            delete(payloads).where(
                payloads.c.collection_id == row.collection_id, payloads.c.digest == row.digest, payloads.c.url == row.url,
                payloads.c.timestamp == row.timestamp,
            )
        )  # fmt: skip
        connection.execute(
            delete(validators).where(
                validators.c.collection_id == row.collection_id, validators.c.urlkey == row.urlkey,
                validators.c.timestamp == row.timestamp,
            )
        )  # fmt: skip
        _scrub_pages(connection, row)
    for collection, key in {(row.collection_id, row.urlkey) for row in switch.gone}:
        texts.forget_within(connection, collection, key)


def _scrub_pages(connection: Connection, row: Doomed) -> None:
    """Of a page whose capture is purged, that it was captured stays, but neither title nor a way to it; so with its parts."""
    of_it = (pages.c.collection_id == row.collection_id, pages.c.timestamp == row.timestamp)
    for number, url in connection.execute(select(pages.c.id, pages.c.final_url).where(*of_it)).all():
        if urlkey(url) == row.urlkey:
            connection.execute(update(pages).where(pages.c.id == number).values(title="", timestamp=None))
    moment = parse_timestamp(f"{row.timestamp:014d}")
    around = select(pages.c.id, pages.c.started_at, pages.c.seconds).where(
        pages.c.collection_id == row.collection_id, pages.c.started_at <= to_iso(moment + timedelta(seconds=1))
    )
    around = around.join(outcomes, and_(outcomes.c.page_id == pages.c.id, outcomes.c.url == row.url))
    for number, started_at, seconds in connection.execute(around).all():
        if parse_iso(started_at) + timedelta(seconds=float(seconds) + 1) >= moment:
            connection.execute(
                update(outcomes)
                .where(outcomes.c.page_id == number, outcomes.c.url == row.url)
                .values(status=None, mime="", length=0)
            )
