"""`muniment capture`: pages and all they need, into the archive."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.common import (
    archive_option,
    collection_option,
    counted,
    human_size,
    json_option,
    print_json,
    replay_address,
    say_repaired,
    settings_from,
)
from archiver.cli.stopping import stopping

if TYPE_CHECKING:
    from archiver.holdings import Holdings
    from archiver.model import Candidate, PageResult, ResourceOutcome
    from archiver.settings import Settings

#: Seconds that texts are read after a capture; the rest is left to the server.
_TEXT_SECONDS = 5.0


@click.command()
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@collection_option
@archive_option
@click.option("--allow-private", is_flag=True, default=None, help="Let the capture reach loopback and private addresses.")
@click.option("--insecure", is_flag=True, help="Accept servers with invalid certificates.")
@click.option("--connections", type=int, metavar="N", help="Requests at a time.  [default: 16]")
@click.option("--limit-time", type=float, metavar="SECONDS", help="End each page after this time.  [default: 1800]")
@click.option("--limit-bytes", type=int, metavar="BYTES", help="Cut each resource at this size.  [default: 2 GiB]")
@json_option
def capture(
    urls: tuple[str, ...],
    collection: str | None,
    as_json: bool,
    insecure: bool,
    limit_time: float | None,
    limit_bytes: int | None,
    **options: object,
) -> int:
    """Capture pages and everything they need: images, styles, scripts, fonts, frames, media.

    Prints where each page can be seen. What could not be fetched is listed with its reason; press Ctrl-C once to finish
    what is being received, twice to stop at once. Whatever came is kept.
    """
    from archiver.engine import PageCapturer, StopSignal
    from archiver.holdings import open_holdings
    from archiver.urls import parse_url

    settings = settings_from(
        collection=collection,
        verify_tls=False if insecure else None,
        max_page_seconds=limit_time,
        max_resource_bytes=limit_bytes,
        **options,
    )
    pages = [parse_url(url, assume_http=True) for url in urls]
    results: list[PageResult] = []
    stop = StopSignal()
    with open_holdings(settings) as holdings, stopping(stop):
        say_repaired(holdings)
        with PageCapturer(holdings, holdings.settings.collection, software=f"muniment/{version('muniment')}") as capturer:
            for url in pages:
                if stop.finish.is_set():
                    break
                with _progress() as observer:
                    results.append(capturer.capture(url, observer=observer, stop=stop))
                if not as_json:
                    _report(settings, results[-1])
        _read_texts(holdings)
    if as_json:
        print_json([_as_json(settings, result) for result in results])
    if stop.finish.is_set():
        kept = sum(outcome.capture is not None for result in results for outcome in result.outcomes)
        click.echo(f"Stopped. {kept} resources were kept.", err=True)
        return 130
    return 0 if all(result.timestamp for result in results) else 1


def _read_texts(holdings: Holdings) -> None:
    """Let what was captured be found by its words; after some seconds the rest is left to the server."""
    from time import monotonic

    from archiver.search.build import read_texts

    end = monotonic() + _TEXT_SECONDS
    read_texts(holdings, may_go_on=lambda: monotonic() < end)


class _PlainLines:
    """Progress for logs and pipes: a line a resource."""

    def started(self, candidate: Candidate, known: int) -> None:
        """Nothing: the result is what counts."""

    def finished(self, outcome: ResourceOutcome, known: int) -> None:
        what = outcome.failure.reason if outcome.failure else f"{outcome.status} {outcome.mime}"
        click.echo(f"{human_size(outcome.length):>9}  {outcome.candidate.url}  {what}", err=True)


class _Bar:
    """Progress for people: resources, bytes, current host."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=1, host="", received="")
        self._bytes = 0

    def started(self, candidate: Candidate, known: int) -> None:
        from archiver.urls import host_of

        self._progress.update(self._task, total=known, host=host_of(candidate.url))

    def finished(self, outcome: ResourceOutcome, known: int) -> None:
        self._bytes += outcome.length
        self._progress.update(self._task, total=known, advance=1, received=human_size(self._bytes))


@contextmanager
def _progress() -> Iterator[_Bar | _PlainLines]:
    if not sys.stderr.isatty():
        yield _PlainLines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[received]}"),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[host]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress)


def _report(settings: Settings, result: PageResult) -> None:
    """The result of one page, for people."""
    kept = [outcome for outcome in result.outcomes if outcome.capture is not None]
    missing = [outcome for outcome in result.outcomes if outcome.failure is not None]
    received = human_size(sum(outcome.length for outcome in result.outcomes))
    seconds = result.elapsed.total_seconds()
    if missing:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        from archiver.model import FailureKind

        table = Table("Reason", "URL", title="Missing or incomplete", title_justify="left", box=None, pad_edge=False)
        for outcome in missing:
            assert outcome.failure is not None
            table.add_row(escape(outcome.failure.reason), escape(outcome.candidate.url))
        console = Console(width=None if sys.stdout.isatty() else 400)
        console.print(table)
        if any(outcome.failure and outcome.failure.kind is FailureKind.REFUSED_BY_GUARD for outcome in missing):
            click.echo("Private addresses are refused: --allow-private lets the capture reach them.")
    if result.timestamp is None:
        click.echo(f"The page {result.final_url} was not captured.", err=True)
        return
    name = result.title or result.final_url
    click.echo(f"Captured “{name}”: {counted(len(kept), 'resource')}, {received}, {seconds:.1f} s.")
    click.echo(f"See it: {replay_address(settings, result.collection, result.timestamp, result.final_url)}")


def _as_json(settings: Settings, result: PageResult) -> dict[str, object]:
    address = None
    if result.timestamp is not None:
        address = replay_address(settings, result.collection, result.timestamp, result.final_url)
    return {
        "url": result.seed,
        "final_url": result.final_url,
        "collection": result.collection,
        "timestamp": result.timestamp,
        "title": result.title,
        "address": address,
        "seconds": round(result.elapsed.total_seconds(), 3),
        "interrupted": result.interrupted,
        "files": list(result.files),
        "resources": [
            {
                "url": outcome.candidate.url,
                "via": outcome.candidate.via,
                "hops": outcome.candidate.hops,
                "status": outcome.status,
                "mime": outcome.mime,
                "bytes": outcome.length,
                "captured": outcome.capture is not None,
                "failure": outcome.failure.kind.value if outcome.failure else None,
                "reason": outcome.failure.reason if outcome.failure else None,
            }
            for outcome in result.outcomes
        ],
    }
