"""The list of pages of an export: what was captured as a page, or crawled as one, and what else looks like one."""

from __future__ import annotations

from sqlalchemy import select

from archiver.errors import BodyLimitExceeded, DamagedRecord
from archiver.export.originals import original_of
from archiver.export.workings import PageRow, Workings
from archiver.extract.requisites import scanned_text
from archiver.holdings import Holdings
from archiver.index.database import reading
from archiver.index.tables import crawls, pages
from archiver.markup.charset import sniff_charset
from archiver.markup.xml import scanner_of
from archiver.plaintext import one_line
from archiver.urls import urlkey
from archiver.warc.reader import StoredRecord
from archiver.warc.segments import read_whole

PAGE_TYPES = ("text/html", "application/xhtml+xml")

#: Bytes of a document that are looked through for its title.
_TITLE_WITHIN = 64 * 1024
#: Those of them that tell its encoding where nothing else does.
_CHARSET_WITHIN = 4096
_BATCH = 2000


def list_pages(holdings: Holdings, slug: str, workings: Workings) -> None:
    """Put the pages of a collection that went out into the workings; where none is known, all whole HTML documents."""
    number = holdings.collections.number(slug)
    seeds: dict[int, frozenset[str]] = {}
    after = 0
    while True:
        statement = (
            select(pages.c.id, pages.c.crawl_id, pages.c.url, pages.c.final_url, pages.c.timestamp, pages.c.title)
            .where(pages.c.collection_id == number, pages.c.timestamp.is_not(None), pages.c.id > after)
            .order_by(pages.c.id)
            .limit(_BATCH)
        )
        with reading(holdings.engine) as connection:
            rows = connection.execute(statement).all()
            for crawl in {row.crawl_id for row in rows} - seeds.keys():
                named = connection.execute(select(crawls.c.seeds).where(crawls.c.id == crawl)).scalar_one()
                seeds[crawl] = frozenset(named.split("\n"))
        for row in rows:
            is_seed = row.url in seeds[row.crawl_id]
            workings.add_page(urlkey(row.final_url), f"{row.timestamp:014d}", row.final_url, row.title, is_seed=is_seed)
        if len(rows) < _BATCH:
            break
        after = rows[-1].id
    workings.guess_pages(PAGE_TYPES)


def title_of(holdings: Holdings, slug: str, page: PageRow) -> str:
    """What a page calls itself; "" when it says nothing, or cannot be read."""
    if page.title:
        return page.title
    try:
        record = _record_of(holdings, slug, page)
    except DamagedRecord:
        return ""
    if record is None:
        return ""
    try:
        head = record.http
        mime = head.media_type if head is not None else record.content_type
        if mime not in PAGE_TYPES:
            return ""
        start = _beginning(record)
        charset = sniff_charset(start[:_CHARSET_WITHIN], head.charset if head else None)
        scanner = scanner_of(mime, charset.name if charset.byte_transparent else None)
        for text in scanned_text([start], charset):
            for _ in scanner.feed(text):
                pass
        return one_line(scanner.title)
    except (DamagedRecord, BodyLimitExceeded):
        return ""
    finally:
        record.close()


def _beginning(record: StoredRecord) -> bytes:
    start = b""
    for piece in record.payload(content=True):
        start += piece
        if len(start) >= _TITLE_WITHIN:
            break
    return start[:_TITLE_WITHIN]


def _record_of(holdings: Holdings, slug: str, page: PageRow) -> StoredRecord | None:
    """The record with the payload of a page."""
    there = holdings.index.versions((slug,), urlkey(page.url), since=page.timestamp, until=page.timestamp)
    capture = next((item for item in there if (item.file, item.offset) == (page.file, page.offset)), None)
    if capture is not None and capture.revisit_of is not None:
        capture = original_of(holdings, capture, ())
    if capture is None:
        return None
    return read_whole(holdings.store, capture.file, capture.offset, find=holdings.segments.find)
