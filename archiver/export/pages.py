"""The list of pages of an export: what was captured as a page, or crawled as one, and what else looks like one."""

from __future__ import annotations

from sqlalchemy import select

from archiver.crawl.decision import UrlState
from archiver.errors import BodyLimitExceeded, DamagedRecord
from archiver.export.originals import original_of
from archiver.export.workings import PageRow, Workings
from archiver.extract.requisites import scanned_text
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_seeds, crawl_urls
from archiver.index.database import reading
from archiver.index.tables import crawls, pages
from archiver.markup.charset import sniff_charset
from archiver.markup.xml import scanner_of
from archiver.plaintext import one_line
from archiver.urls import urlkey
from archiver.warc.reader import StoredRecord, read_record

PAGE_TYPES = ("text/html", "application/xhtml+xml")

#: Bytes of a document that are looked through for its title.
_TITLE_WITHIN = 64 * 1024
#: Those of them that tell its encoding where nothing else does.
_CHARSET_WITHIN = 4096
_BATCH = 2000


def list_pages(holdings: Holdings, slug: str, workings: Workings) -> None:
    """Put the pages of a collection that went out into the workings; where none is known, all whole HTML documents."""
    number = holdings.collections.number(slug)
    _captured(holdings, number, workings)
    _crawled(holdings, number, workings)
    workings.guess_pages(PAGE_TYPES)


def _captured(holdings: Holdings, collection: int, workings: Workings) -> None:
    after = 0
    while True:
        statement = (
            select(pages)
            .where(pages.c.collection_id == collection, pages.c.timestamp.is_not(None), pages.c.id > after)
            .order_by(pages.c.id)
            .limit(_BATCH)
        )
        with reading(holdings.engine) as connection:
            rows = connection.execute(statement).all()
        for row in rows:
            workings.add_page(urlkey(row.final_url), f"{row.timestamp:014d}", row.final_url, row.title, is_seed=True)
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


def _crawled(holdings: Holdings, collection: int, workings: Workings) -> None:
    with reading(holdings.engine) as connection:
        numbers = connection.execute(
            select(crawls.c.id).where(crawls.c.collection_id == collection, crawls.c.kind == "crawl").order_by(crawls.c.id)
        ).scalars().all()  # fmt: skip
    for number in numbers:
        with reading(holdings.engine) as connection:
            seeds = set(connection.execute(select(crawl_seeds.c.url).where(crawl_seeds.c.crawl_id == number)).scalars())
        _of_crawl(holdings, number, seeds, workings)


def _of_crawl(holdings: Holdings, crawl: int, seeds: set[str], workings: Workings) -> None:
    url = crawl_urls.c
    after = 0
    while True:
        statement = (
            select(url.id, url.url, url.timestamp)
            .where(
                url.crawl_id == crawl,
                url.id > after,
                url.state == int(UrlState.CAPTURED),
                url.timestamp.is_not(None),
                url.mime.in_(PAGE_TYPES),
                url.status.between(200, 299),
                url.hops.not_like("%E"),
            )
            .order_by(url.id)
            .limit(_BATCH)
        )
        with reading(holdings.engine) as connection:
            rows = connection.execute(statement).all()
        for row in rows:
            workings.add_page(urlkey(row.url), f"{row.timestamp:014d}", row.url, "", is_seed=row.url in seeds)
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


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
    return None if capture is None else read_record(holdings.store, capture.file, capture.offset)
