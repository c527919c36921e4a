"""What captures of single pages and crawls alike fetch and write with, as the settings say."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from archiver.errors import MunimentError
from archiver.fetch.guard import AddressGuard
from archiver.fetch.http import FetchLimits, HttpFetcher
from archiver.holdings import Holdings
from archiver.index.files import Part
from archiver.model import Collection
from archiver.settings import Settings
from archiver.warc.writer import FinishedFile, WarcInfo, WarcWriter

_LOG = logging.getLogger(__name__)


def fetcher_of(settings: Settings, clock: Callable[[], datetime], *, pool_size: int | None = None) -> HttpFetcher:
    """A fetcher; `clock`: the time, UTC; `pool_size`: connections to one site that are kept alive, when not as many as set."""
    return HttpFetcher(
        user_agent=settings.user_agent,
        guard=AddressGuard(allow_private=settings.allow_private),
        limits=FetchLimits(
            max_bytes=settings.max_resource_bytes or None,
            max_seconds=settings.max_resource_seconds or None,
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
        ),
        pool_size=pool_size or settings.connections,
        verify_tls=settings.verify_tls,
        clock=clock,
    )


def writer_of(
    holdings: Holdings,
    collection: Collection,
    *,
    description: str,
    software: str,
    clock: Callable[[], datetime],
    new_id: Callable[[], str],
    on_begin: Callable[[str], None] | None = None,
    crawl_id: Callable[[], int | None] = lambda: None,
) -> WarcWriter:
    """A writer of WARC files for a collection.

    Args:
        holdings: the opened archive.
        collection: that is captured into.
        description: for the warcinfo record.
        software: name and version for it.
        clock: the time, UTC.
        new_id: makes WARC-Record-IDs.
        on_begin: told the name of each file before the first exchange is written to it.
        crawl_id: says whose a file is that is finished now, where that is one crawl.
    """

    def on_finish(file: FinishedFile) -> None:
        part = Part(collection.slug, file.captures, file.first, file.last, crawl_id())
        try:
            holdings.files.note(file.name, file.fixity, (part,))
        except MunimentError:  # the file is whole, and is measured again later
            _LOG.exception("size and digests of %s could not be noted", file.name)

    settings, organisation = holdings.settings, collection.organisation
    return WarcWriter(
        holdings.store,
        prefix=collection.slug,
        warcinfo=WarcInfo(
            software=software,
            operator=settings.operator or (organisation.name if organisation else ""),
            is_part_of=collection.slug,
            description=description,
            user_agent=settings.user_agent,
        ),
        clock=clock,
        new_id=new_id,
        max_bytes=settings.warc_max_bytes,
        chunked=settings.chunked,
        on_begin=on_begin,
        on_finish=on_finish,
    )
