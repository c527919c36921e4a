"""Which crawl a command means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from archiver.cli.common import Command, archive_option, collection_option, settings_from

if TYPE_CHECKING:
    from archiver.collections.reports import CrawlSummary
    from archiver.holdings import Holdings

number_argument = click.argument("number", metavar="[ID]", type=click.IntRange(1), required=False)


def which_options(command: Command) -> Command:
    """`[ID]`, `-c` and `--archive`."""
    return number_argument(collection_option(archive_option(command)))


@contextmanager
def crawl_of(number: int | None, collection: str | None, archive: object) -> Iterator[tuple[Holdings, CrawlSummary]]:
    """The opened archive and the crawl of that number; without one, the newest of the collection.

    Raises:
        NotFound: there is no such crawl.
    """
    from archiver.collections.reports import CrawlReports
    from archiver.holdings import open_holdings

    settings = settings_from(collection=collection, archive=archive)
    with open_holdings(settings) as holdings:
        if collection is not None or number is None:
            holdings.collections.get(holdings.settings.collection)
        named = holdings.settings.collection if number is None else collection
        yield holdings, CrawlReports(holdings.engine).find(number, named)
