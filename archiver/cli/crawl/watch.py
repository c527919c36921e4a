"""`muniment crawl watch`: the progress of a crawl that runs elsewhere."""

from __future__ import annotations

import sys
import time

import click

from archiver.cli.crawl.live import watch as watch_crawl
from archiver.cli.crawl.which import crawl_of, which_options


@click.command(short_help="Its progress, from another terminal.")
@which_options
def watch(number: int | None, collection: str | None, archive: object) -> int:
    """Show the progress of a crawl that runs in another terminal; Ctrl-C ends the watching, not the crawl."""
    from archiver.collections.progress import progress
    from archiver.holdings import utc_now

    with crawl_of(number, collection, archive) as (holdings, crawl):
        try:
            last = watch_crawl(
                lambda: progress(holdings.engine, crawl.number, utc_now().timestamp()), sys.stdout, time.sleep
            )  # fmt: skip
        except KeyboardInterrupt:
            return 0
    if not last.over:
        click.echo(f"No process works on crawl {crawl.number}. Go on with: muniment crawl resume {crawl.number}", err=True)
        return 1
    return 0
