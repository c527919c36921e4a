"""What an export is asked for, and the captures that this means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sqlalchemy import select

from archiver.errors import NotFound, UsageError
from archiver.export.page import captures_of_crawled_pages, captures_of_page
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_files
from archiver.index.database import reading
from archiver.index.holdingstables import file_parts
from archiver.index.query import KeyRange, Match, key_ranges, split_wildcard
from archiver.index.tables import collections, crawls, files
from archiver.model import Capture
from archiver.timestamps import normalise_timestamp, undashed

Permitted = Callable[[Capture], bool]


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a collection is wanted.

    Attributes:
        collection: slug.
        crawl: number of a crawl, or of the capture of a single page; None for all.
        url_prefix: of URLs, compared as keys are; a bare host stands for everything on it, "*.example.org" for a domain; "" for
            all.
        since: 1 to 14 digits, included; "" for the beginning.
        until: 1 to 14 digits, included; "" for the end.
        page: one page with what it embeds; "" for no such restriction.
        at: of the page, the time that it is wanted nearest to; "" for the newest.
    """

    collection: str
    crawl: int | None = None
    url_prefix: str = ""
    since: str = ""
    until: str = ""
    page: str = ""
    at: str = ""

    @property
    def is_whole(self) -> bool:
        """The collection without any restriction."""
        return self == Selection(self.collection)

    def in_words(self) -> str:
        """For people, and for the warcinfo record."""
        parts = [f"collection {self.collection}"]
        if self.crawl is not None:
            parts.append(f"crawl {self.crawl}")
        if self.page:
            parts.append(f"the page {self.page} and what it embeds" + (f", nearest to {self.at}" if self.at else ""))
        if self.url_prefix:
            parts.append(f"URLs that begin with {self.url_prefix}")
        if self.since:
            parts.append(f"from {self.since}")
        if self.until:
            parts.append(f"to {self.until}")
        return ", ".join(parts)


def checked_selection(selection: Selection) -> Selection:
    """The selection with its times as digits, however people wrote them.

    Raises:
        UsageError: parts of it exclude each other, or a time is none.
    """
    selection = replace(selection, since=undashed(selection.since), until=undashed(selection.until), at=undashed(selection.at))
    if selection.page and (selection.url_prefix or selection.since or selection.until or selection.crawl is not None):
        raise UsageError(
            "A page is wanted as it was at one time, so it goes with none of the other restrictions.",
            "Leave the page out, or the crawl, the beginning of URLs and the time span.",
            command="Leave either --page or --crawl, --url-prefix, --from and --to out.",
        )
    if selection.at and not selection.page:
        raise UsageError(
            "A time alone says nothing: it is that of a page.",
            "Name the page too, or a time span instead.",
            command="Give the page with --page, or a time span with --from and --to.",
        )
    since = normalise_timestamp(selection.since) if selection.since else ""
    until = normalise_timestamp(selection.until, latest=True) if selection.until else ""
    if since and until and since > until:
        raise UsageError("The time span ends before it begins.", "Exchange its ends.", command="Exchange --from and --to.")
    if selection.at:
        normalise_timestamp(selection.at)
    return selection


def selected(holdings: Holdings, selection: Selection, permitted: Permitted | None = None) -> Iterator[Capture]:
    """The captures, in the order of key and time.

    Args:
        holdings: the opened archive.
        selection: from `checked_selection`.
        permitted: whether a capture may go out; None for all.

    Raises:
        NotFound: there is no such collection or crawl, or no capture of the page.
        StorageFailed: the database cannot be read.
    """
    slug = holdings.collections.get(selection.collection).slug
    if selection.page:
        found = captures_of_page(holdings, slug, selection.page, selection.at, permitted)
        return iter(sorted(found, key=lambda item: (item.urlkey, item.timestamp, item.file, item.offset)))
    captures = holdings.index.scan((slug,), ranges_of(selection), since=selection.since or None, until=selection.until or None)
    if selection.crawl is not None:
        is_of_crawl = _is_of_crawl(holdings, slug, selection.crawl)
        captures = (item for item in captures if is_of_crawl(item))
    return captures if permitted is None else (item for item in captures if permitted(item))


def ranges_of(selection: Selection) -> tuple[KeyRange, ...]:
    """The keys that it is about."""
    if not selection.url_prefix:
        return (KeyRange("", None),)
    url, match = split_wildcard(selection.url_prefix)
    return key_ranges(url, match or Match.PREFIX)


def _is_of_crawl(holdings: Holdings, slug: str, crawl: int) -> Permitted:
    """Whether a capture was made by a crawl: each of its workers writes files of its own.

    Raises:
        NotFound: the collection has no such crawl.
    """
    with reading(holdings.engine) as connection:
        kind = connection.execute(
            select(crawls.c.kind)
            .join(collections, collections.c.id == crawls.c.collection_id)
            .where(crawls.c.id == crawl, collections.c.slug == slug)
        ).scalar()
        if kind is None:
            raise NotFound(
                f"There is no crawl {crawl} in “{slug}”.",
                "See the list of crawls.",
                command="See them with: muniment crawl list",
            )
        written = set(connection.execute(select(crawl_files.c.name).where(crawl_files.c.crawl_id == crawl)).scalars())
        noted = select(files.c.name).join(file_parts, file_parts.c.file_id == files.c.id).where(file_parts.c.crawl_id == crawl)
        written.update(connection.execute(noted).scalars())
    if kind == "crawl" or written:
        return lambda capture: capture.file in written
    of_pages = captures_of_crawled_pages(holdings, slug, crawl)
    return lambda capture: (capture.file, capture.offset) in of_pages
