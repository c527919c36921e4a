"""`muniment missing`: parts of archived pages that readers' browsers asked for in vain."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from archiver.cli.common import archive_option, collection_option, counted, json_option, print_json, settings_from

if TYPE_CHECKING:
    from archiver.missing import MissingPart


@click.group()
def missing() -> None:
    """List the parts that archived pages lack, and capture them.

    They are noted while pages are read, when the setting record_missing is on.
    """


@missing.command(name="list")
@collection_option
@click.option("--pages", is_flag=True, help="Count them by page.")
@click.option("--state", type=click.Choice(["open", "queued", "captured", "ignored", "all"]), default="open", show_default=True)
@archive_option
@json_option
def list_(collection: str | None, pages: bool, state: str, archive: object, as_json: bool) -> None:
    """Name what is missing."""
    from archiver.holdings import open_holdings
    from archiver.missing import MissingParts, MissNotes

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(holdings.settings.collection).slug
        parts = MissingParts(holdings, holdings.collections.now)
        parts.take(MissNotes(settings.archive / "cache").take())
        parts.settle()
        if pages:
            by_page = parts.pages(slug, limit=1_000_000)
            if as_json:
                print_json([{name: getattr(item, name) for name in item.__slots__} for item in by_page])
                return
            for item in by_page:
                click.echo(f"{item.open:>6,} open {item.captured:>6,} captured  {item.page_timestamp} {item.page_url}")
            return
        found = parts.list(slug, states=() if state == "all" else (state,), limit=1_000_000)
    if as_json:
        print_json([_as_json(item) for item in found])
        return
    for part in found:
        why = f"  ({part.reason})" if part.reason else ""
        click.echo(f"{part.number:>6}  {part.state:8}  {part.url}{why}")
    click.echo(f"{counted(len(found), 'part')}.", err=True)


def _as_json(item: MissingPart) -> dict[str, object]:
    return {name: getattr(item, name) for name in item.__slots__}


@missing.command()
@click.argument("numbers", metavar="NUMBER...", nargs=-1, type=int)
@click.option("--all", "is_all", is_flag=True, help="All that is open, up to 1,000 URLs.")
@collection_option
@click.option("--allow-private", is_flag=True, default=None, help="Let the capture reach loopback and private addresses.")
@archive_option
def patch(numbers: tuple[int, ...], is_all: bool, collection: str | None, allow_private: bool | None, archive: object) -> int:
    """Capture missing parts: a crawl of their URLs begins, and runs by itself."""
    from archiver.audit import terminal_actor
    from archiver.collections.steering import MOST_PATCHED, CrawlDesk
    from archiver.crawl.launch import launch
    from archiver.holdings import open_holdings
    from archiver.missing import MissingParts

    if bool(numbers) == is_all:
        raise click.UsageError("Give the numbers of parts (muniment missing list shows them), or --all.")
    settings = settings_from(archive=archive, collection=collection, allow_private=allow_private)
    with open_holdings(settings) as holdings:
        clock = holdings.collections.now
        parts = MissingParts(holdings, clock)
        chosen = numbers or [
            part.number for part in parts.list(holdings.settings.collection, states=("open",), limit=MOST_PATCHED)
        ]
        desk = CrawlDesk(holdings, clock, partial(launch, settings))
        crawl = parts.patch(holdings.settings.collection, chosen, desk, actor=terminal_actor())
    click.echo(f"Crawl {crawl} captures them: muniment crawl report {crawl} tells of it.")
    return 0


@missing.command()
@click.argument("numbers", metavar="NUMBER...", nargs=-1, type=int, required=True)
@click.option("--again", is_flag=True, help="The reverse: they are to be captured after all.")
@archive_option
def ignore(numbers: tuple[int, ...], again: bool, archive: object) -> None:
    """Put parts aside that nobody needs, such as counters of visits."""
    from archiver.audit import terminal_actor
    from archiver.holdings import open_holdings
    from archiver.missing import IGNORED, OPEN, MissingParts

    with open_holdings(settings_from(archive=archive)) as holdings:
        done = MissingParts(holdings, holdings.collections.now).set_state(
            numbers, OPEN if again else IGNORED, actor=terminal_actor()
        )
    click.echo(f"{counted(done, 'part')} {'opened again' if again else 'put aside'}.")
