"""`muniment crawl urls`: the list behind each number of a report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from archiver.cli.common import human_size
from archiver.cli.crawl.output import form_options, write_csv, write_json
from archiver.cli.crawl.which import crawl_of, which_options
from archiver.crawl.decision import Verdict
from archiver.model import FailureKind
from archiver.plaintext import one_line

if TYPE_CHECKING:
    from archiver.collections.urllists import UrlRow

_STATES = ("queued", "captured", "failed", "blocked", "out-of-scope", "trapped")
_NAMES = (
    "number", "url", "state", "verdict", "detail", "hops", "kind", "modified", "attempts", "status", "mime",
    "bytes", "new", "digest", "failure", "reason", "timestamp", "file", "offset",
)  # fmt: skip


@click.command(short_help="The URLs behind each number of its report.")
@which_options
@click.option("--state", type=click.Choice(_STATES), help="Where they stand.")
@click.option("--host", metavar="HOST", help="On this host.")
@click.option("--seed", metavar="URL", help="Found from this seed.")
@click.option("--type", "mime", metavar="TYPE", help="Of this media type, such as text/html; “-” for none.")
@click.option("--status", type=int, metavar="NUMBER", help="With this HTTP status.")
@click.option("--verdict", type=click.Choice([item.value for item in Verdict]), help="Taken or refused for this reason.")
@click.option("--failure", type=click.Choice([item.value for item in FailureKind]), help="Failed for this reason.")
@click.option("--new/--old", default=None, help="Not held before, or held before (revisits).")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@click.option("--after", type=click.IntRange(0), default=0, metavar="NUMBER", help="Go on behind the URL of this number.")
@form_options
def urls(
    number: int | None,
    collection: str | None,
    archive: object,
    state: str | None,
    host: str | None,
    seed: str | None,
    mime: str | None,
    status: int | None,
    verdict: str | None,
    failure: str | None,
    new: bool | None,
    limit: int | None,
    after: int,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List the URLs that a crawl met: all, or those of a number in its report.

    The list is written as it is read, however long it is. Each URL has a number; --limit and --after leaf through.
    """
    from archiver.collections.urllists import UrlFilter, UrlLists
    from archiver.collections.wording import STATE_NAMES
    from archiver.urls import parse_url

    states = {name: value for value, name in STATE_NAMES.items()}
    wanted = UrlFilter(
        state=states[state] if state else None,
        host=host,
        seed=parse_url(seed, assume_http=True) if seed else None,
        mime="" if mime == "-" else mime,
        status=status,
        verdict=verdict,
        failure=failure,
        new=new,
    )
    with crawl_of(number, collection, archive) as (holdings, crawl):
        found = UrlLists(holdings.engine).urls(crawl.number, wanted, limit=limit, after=after)
        if as_csv:
            write_csv(_NAMES, (_cells(row) for row in found))
        elif as_json:
            write_json(dict(zip(_NAMES, _cells(row), strict=True)) for row in found)
        elif not _print(found):
            click.echo(f"Crawl {crawl.number} has {'no URL' if wanted == UrlFilter() else 'no such URL'}.", err=True)


def _cells(row: UrlRow) -> tuple[object, ...]:
    return (
        row.number, row.url, row.state_name, row.verdict, row.detail, row.hops, row.kind, row.modified, row.attempts,
        row.status, row.mime, row.length, row.new, row.digest, row.failure, row.reason, row.timestamp, row.file,
        row.offset,
    )  # fmt: skip


def _print(found: Iterable[UrlRow]) -> int:
    """A URL a line; how many there were."""
    count = 0
    for row in found:
        count += 1
        what = row.reason or (f"{row.verdict} {row.detail}" if row.state_name not in ("captured", "queued") else "")
        tail = f"  {one_line(what)}" if what else ""
        click.echo(
            f"{row.number:>8}  {row.state_name:12}  {row.status or '–':>4}  {one_line(row.mime)[:24]:24}"
            f"{human_size(row.length):>9}  {one_line(row.url)}{tail}"
        )
    return count
