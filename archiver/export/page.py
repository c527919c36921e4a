"""One page of an archive: the document, and everything it embeds, as it was at that time, and the pictures taken of it.

What was fetched for the page when it was captured is known of captures of single pages, and mostly of crawls. What is not
(imported files, what an earlier page of the crawl needed too) is found as a capture finds it: by reading the archived
documents for what they name, each URL then as it was nearest to the time of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from sqlalchemy import Row, select

from archiver.crawl.entries import url_hash
from archiver.decisions import MAX_DOCUMENT_DEPTH, MAX_REDIRECTS, MAX_SCANNED_BYTES
from archiver.errors import BodyLimitExceeded, DamagedRecord, InvalidURL, NotArchived
from archiver.export.originals import original_of
from archiver.extract.requisites import SCRIPT_TYPES, PageLinks, requisites
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_urls
from archiver.index.database import reading
from archiver.index.tables import collections, crawls, outcomes, pages
from archiver.markup.manifest import DASH_TYPE, HLS_TYPES
from archiver.markup.slots import SlotKind
from archiver.markup.xml import is_xml
from archiver.model import Capture
from archiver.pagepictures import EARLIER, LATER, NAMINGS, is_picture, is_shown, moved, owners_of, page_spellings
from archiver.timestamps import normalise_timestamp, parse_iso, to_timestamp
from archiver.urls import parse_url, resolve, spelling, urlkey
from archiver.warc.reader import StoredRecord
from archiver.warc.segments import read_whole

Permitted = Callable[[Capture], bool]

_NEWEST = "99991231235959"
#: Captures of one URL that are looked at for the right one.
_TRIES = 1000
#: URLs of one page that are looked for.
_MOST = 20_000
_SCANNED = frozenset({"text/html", "text/css", "application/manifest+json", DASH_TYPE}) | HLS_TYPES | SCRIPT_TYPES
_DOCUMENT_KINDS = frozenset({SlotKind.FRAME, SlotKind.OBJECT, SlotKind.REFRESH})


@dataclass(frozen=True, slots=True)
class _Window:
    """A time in which things were fetched for one page; 14 digits, both included."""

    start: str
    end: str


class _Nearest:
    """Finds the captures of a URL that belong to one page.

    Args:
        holdings: the opened archive.
        slug: of the collection.
        permitted: whether a capture may go out; None for all.
    """

    def __init__(self, holdings: Holdings, slug: str, permitted: Permitted | None) -> None:
        self._holdings = holdings
        self._slug = slug
        self._permitted = permitted

    def of(self, url: str, moment: str) -> Iterator[Capture]:
        """Captures of a URL by their distance from a time: those that are spelled so first."""
        found = [
            capture
            for capture in islice(self._holdings.index.closest((self._slug,), urlkey(url), moment), _TRIES)
            if self._permitted is None or self._permitted(capture)
        ]
        wanted = spelling(url)
        return iter(sorted(found, key=lambda item: item.url != url and spelling(item.url) != wanted))

    def good(self, url: str, moment: str) -> Capture | None:
        """The nearest capture of a URL that is no error; an error where there is nothing else."""
        fallback = None
        for capture in self.of(url, moment):
            if (capture.status or 200) < 400 and capture.status != 304:
                return capture
            fallback = fallback or capture
        return fallback

    def within(self, url: str, window: _Window) -> list[Capture]:
        """All captures of a URL in a time: a page may have asked for it more than once."""
        found = self._holdings.index.versions((self._slug,), urlkey(url), since=window.start, until=window.end, limit=_TRIES)
        return [capture for capture in found if self._permitted is None or self._permitted(capture)]


def captures_of_page(
    holdings: Holdings, slug: str, url: str, at: str = "", permitted: Permitted | None = None
) -> list[Capture]:
    """A page and everything it embeds, the document first.

    Args:
        holdings: the opened archive.
        slug: of the collection.
        url: of the page, as a person writes it.
        at: 1 to 14 digits; the nearest capture is taken; "" for the newest.
        permitted: whether a capture may go out; None for all.

    Raises:
        NotArchived: there is no (permitted) capture of that URL.
    """
    address = parse_url(url, assume_http=True)
    nearest = _Nearest(holdings, slug, permitted)
    moment = normalise_timestamp(at) if at else _NEWEST
    found: dict[tuple[str, int], Capture] = {}
    document = nearest.good(address, moment)
    if document is None:
        raise NotArchived(
            f"There is no capture of {address} in “{slug}”.",
            "Look at its versions, or whether it is spelled as its captures are.",
            command="See what there is with: muniment versions URL",
        )
    known = _recorded(holdings, slug, document)
    for other, window in islice(known, _MOST):
        for capture in nearest.within(other, window):
            found[capture.file, capture.offset] = capture
    walk = _Walk(holdings, nearest, found)
    walk.run(document)
    for picture in _pictures(holdings, slug, document, permitted):
        walk.found[picture.file, picture.offset] = picture
    return [document, *(item for item in walk.found.values() if item != document)]


def _pictures(holdings: Holdings, slug: str, document: Capture, permitted: Permitted | None) -> Iterator[Capture]:
    """The pictures of a page that crawlers took, one of each name."""
    index = holdings.index.here((slug,))
    since, until = moved(document.timestamp, -EARLIER), moved(document.timestamp, LATER)
    versions = index.versions((slug,), document.urlkey, since=since, until=until, limit=_TRIES)
    captures = list(filter(is_shown, versions))
    for naming in NAMINGS:
        for url in page_spellings(document.url):
            found = index.versions((slug,), urlkey(naming.start + url), since=since, until=until, limit=_TRIES)
            own = (item for item in found if is_picture(item) and document in owners_of(naming, item, captures))
            picture = next((item for item in own if permitted is None or permitted(item)), None)
            if picture is not None:
                yield picture
                break


def captures_of_crawled_pages(holdings: Holdings, slug: str, crawl: int) -> set[tuple[str, int]]:
    """(file, offset) of everything that was fetched for the single pages of one capture."""
    nearest = _Nearest(holdings, slug, None)
    found: set[tuple[str, int]] = set()
    with reading(holdings.engine) as connection:
        rows = connection.execute(select(pages).where(pages.c.crawl_id == crawl)).all()
    for row in rows:
        for url, window in _outcomes(holdings, row):
            found.update((item.file, item.offset) for item in nearest.within(url, window))
    return found


# -- what is known from the time of capture --------------------------------------------------------------------------


def _recorded(holdings: Holdings, slug: str, document: Capture) -> Iterator[tuple[str, _Window]]:
    """URLs that were fetched for a page when it was captured, with the time in which they were."""
    statement = (
        select(pages)
        .join(collections, collections.c.id == pages.c.collection_id)
        .where(collections.c.slug == slug, pages.c.timestamp == int(document.timestamp))
    )
    with reading(holdings.engine) as connection:
        rows = connection.execute(statement).all()
    for row in rows:
        if urlkey(row.final_url) == document.urlkey or urlkey(row.url) == document.urlkey:
            yield from _outcomes(holdings, row)
    yield from _crawled(holdings, slug, document)


def _outcomes(holdings: Holdings, page: Row[tuple[object, ...]]) -> Iterator[tuple[str, _Window]]:
    begun = parse_iso(page.started_at)
    window = _Window(to_timestamp(begun), to_timestamp(begun + timedelta(seconds=float(page.seconds) + 1)))
    with reading(holdings.engine) as connection:
        urls = connection.execute(
            select(outcomes.c.url).where(outcomes.c.page_id == page.id).order_by(outcomes.c.position)
        ).scalars()
        yield from ((url, window) for url in urls.all())


def _crawled(holdings: Holdings, slug: str, document: Capture) -> Iterator[tuple[str, _Window]]:
    """What a crawl found on this page first, links left out, with the second in which it was fetched."""
    child = crawl_urls.c
    parent = (
        select(child.id, child.crawl_id)
        .join(crawls, crawls.c.id == child.crawl_id)
        .join(collections, collections.c.id == crawls.c.collection_id)
        .where(collections.c.slug == slug, child.hash == url_hash(document.url), child.timestamp == int(document.timestamp))
    )
    with reading(holdings.engine) as connection:
        for number, crawl in connection.execute(parent).all():
            needed = select(child.url, child.timestamp).where(
                child.crawl_id == crawl, child.via_id == number, child.timestamp.is_not(None), child.hops.not_like("%L")
            )
            for url, timestamp in connection.execute(needed).all():
                yield url, _Window(f"{timestamp:014d}", f"{timestamp:014d}")


# -- what the documents say ------------------------------------------------------------------------------------------


class _Walk:
    """From the document along everything it names.

    Args:
        holdings: the opened archive.
        nearest: finds captures.
        found: what is known already, by file and offset; grows.
    """

    def __init__(self, holdings: Holdings, nearest: _Nearest, found: dict[tuple[str, int], Capture]) -> None:
        self._holdings = holdings
        self._nearest = nearest
        self.found = found
        self._asked: set[str] = set()

    def run(self, document: Capture) -> None:
        """Follow redirects, frames, style sheets, scripts, manifests, to their ends."""
        moment = document.timestamp
        there = {urlkey(item.url): item for item in self.found.values()}
        waiting: list[tuple[Capture, str, int, int]] = [(document, "", 0, 0)]
        self._asked.add(document.url)
        while waiting and len(self._asked) < _MOST:
            capture, mime, depth, redirects = waiting.pop()
            self.found[capture.file, capture.offset] = capture
            for url, kind in self._leads_to(capture, mime, depth):
                if url in self._asked or redirects > MAX_REDIRECTS:
                    continue
                self._asked.add(url)
                following = there.get(urlkey(url)) or self._nearest.good(url, moment)
                if following is not None:
                    deeper = depth + (kind in _DOCUMENT_KINDS)
                    hops = redirects + 1 if kind is None else 0
                    waiting.append((following, mime if kind is None else _TYPES.get(kind, ""), deeper, hops))

    def _leads_to(self, capture: Capture, mime: str, depth: int) -> Iterator[tuple[str, SlotKind | None]]:
        """URLs that a capture needs, None for the kind of a redirect; nothing of what cannot be read."""
        is_redirect = 300 <= (capture.status or 200) < 400
        read_as = capture.mime if capture.mime in _SCANNED or is_xml(capture.mime) else mime
        if depth > MAX_DOCUMENT_DEPTH or not (is_redirect or read_as):
            return
        record: StoredRecord | None = None
        try:
            record = self._open(capture)
            head = record.http
            if is_redirect:
                location = resolve(capture.url, (head.get("Location") if head else None) or "")
                if location and location != capture.url:
                    yield parse_url(location), None
                return
            if capture.revisit_of is not None:
                record = self._original(record, capture)
            if record is None:
                return
            for reference in self._read(record, capture, read_as).requisites:
                yield reference.url, reference.kind
        except (DamagedRecord, BodyLimitExceeded, InvalidURL):
            return  # what is damaged goes out all the same, with what is known of it
        finally:
            if record is not None:
                record.close()

    def _original(self, record: StoredRecord, capture: Capture) -> StoredRecord | None:
        """The record with the payload, in place of the one of the revisit."""
        record.close()
        original = original_of(self._holdings, capture, _all_slugs(self._holdings))
        return self._open(original) if original else None

    def _open(self, capture: Capture) -> StoredRecord:
        return read_whole(self._holdings.store, capture.file, capture.offset, find=self._holdings.segments.find)

    @staticmethod
    def _read(record: StoredRecord, capture: Capture, mime: str) -> PageLinks:
        head = record.http
        return requisites(
            record.payload(content=True, limit=MAX_SCANNED_BYTES),
            url=capture.url,
            mime=mime,
            http_charset=head.charset if head else None,
            link_headers=head.get_all("Link") if head else (),
        )


_TYPES = {
    SlotKind.STYLESHEET: "text/css",
    SlotKind.MANIFEST: "application/manifest+json",
    SlotKind.SCRIPT: "text/javascript",
    SlotKind.MODULE: "text/javascript",
    SlotKind.FRAME: "text/html",
}


def _all_slugs(holdings: Holdings) -> Sequence[str]:
    return [item.slug for item in holdings.collections.all()]
