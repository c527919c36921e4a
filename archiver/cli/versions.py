"""`muniment versions`: the captures of a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli.common import (
    archive_option,
    collection_option,
    counted,
    human_size,
    json_option,
    print_json,
    replay_address,
    settings_from,
)

if TYPE_CHECKING:
    from archiver.model import Capture
    from archiver.settings import Settings


@click.command()
@click.argument("url")
@collection_option
@archive_option
@json_option
def versions(url: str, collection: str | None, archive: object, as_json: bool) -> int:
    """List the captures of a URL: when, what the server answered, and since when it is unchanged."""
    from archiver.holdings import open_holdings
    from archiver.urls import parse_url, urlkey

    settings = settings_from(collection=collection, archive=archive)
    page = parse_url(url, assume_http=True)
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(holdings.settings.collection).slug
        found = list(holdings.index.versions([slug], urlkey(page)))
    since = _unchanged_since(found)
    if as_json:
        print_json([_as_json(settings, item, same) for item, same in zip(found, since, strict=True)])
        return 0 if found else 1
    if not found:
        click.echo(f"No capture of {page} in “{slug}”. Make one with: muniment capture {page} -c {slug}", err=True)
        return 1
    click.echo(f"{counted(len(found), 'capture')} of {page} in “{slug}” (times are UTC)")
    click.echo(f"{'time':20}{'status':>6}  {'type':24}{'stored':>9}  {'unchanged since':20}where to see it")
    for item, same in zip(found, since, strict=True):
        status = "–" if item.status is None else str(item.status)
        address = replay_address(settings, slug, item.timestamp, item.url)
        click.echo(
            f"{_time(item.timestamp):20}{status:>6}  {item.mime[:23]:24}{human_size(item.length):>9}  "
            f"{_time(same) if same else '–':20}{address}"
        )
    return 0


def _unchanged_since(found: list[Capture]) -> list[str | None]:
    """For each capture, the time of the first of the run of equal payloads it belongs to; None when it began one."""
    since: list[str | None] = []
    first: Capture | None = None
    for item in found:
        if first is not None and item.digest and item.digest == first.digest:
            since.append(first.timestamp)
        else:
            first = item
            since.append(None)
    return since


def _time(stamp: str) -> str:
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]} {stamp[8:10]}:{stamp[10:12]}:{stamp[12:]}"


def _as_json(settings: Settings, item: Capture, same: str | None) -> dict[str, object]:
    return {
        "timestamp": item.timestamp,
        "url": item.url,
        "status": item.status,
        "mime": item.mime,
        "digest": item.digest,
        "bytes": item.length,
        "revisit": item.revisit_of is not None,
        "truncated": item.truncated.value if item.truncated else None,
        "unchanged_since": same,
        "file": item.file,
        "offset": item.offset,
        "address": replay_address(settings, item.collection, item.timestamp, item.url),
    }
