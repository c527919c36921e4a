"""`muniment crawl list` and `report`: what crawls did, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from archiver.amounts import human_duration
from archiver.cli.common import archive_option, collection_option, human_size, print_json, settings_from
from archiver.cli.crawl.output import Column, form_options, lines, write_rows
from archiver.cli.crawl.which import crawl_of, which_options
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.collections.reports import CrawlSummary, Overview, Sums
    from archiver.holdings import Holdings

#: Hosts and seeds that a table shows when it is not told how many.
SHOWN = 50

_DONE = (
    Column("documents", "documents", number=True),
    Column("new_documents", "new", number=True),
    Column("bytes", "bytes", size=True),
    Column("new_bytes", "new bytes", size=True),
)
_NOT_DONE = (
    Column("queued", "queued", number=True, rare=True),
    Column("failed", "failed", number=True, rare=True),
    Column("blocked", "blocked", number=True, rare=True),
    Column("out_of_scope", "out of scope", number=True, rare=True),
    Column("trapped", "trapped", number=True, rare=True),
)
_LIST = (
    Column("id", "id", number=True),
    Column("collection", "collection"),
    Column("state", "state"),
    Column("ended", "why ended"),
    *_DONE[:2],
    _DONE[2],
    Column("queued", "queued", number=True),
    Column("started", "started"),
    Column("finished", ""),
    Column("seconds", ""),
    Column("elapsed", "elapsed"),
    Column("seeds", "seeds"),
)


@click.command(name="list", short_help="The crawls of a collection.")
@click.option("--all", "everywhere", is_flag=True, help="Of every collection.")
@collection_option
@archive_option
@form_options
def list_(collection: str | None, archive: object, everywhere: bool, as_csv: bool, as_json: bool) -> None:
    """List the crawls of a collection, newest first."""
    from archiver.collections.reports import CrawlReports, living_workers
    from archiver.holdings import open_holdings, utc_now

    if everywhere and collection:
        raise UsageError("--all means every collection, -c one of them.", "Leave one of them out.")
    settings = settings_from(collection=collection, archive=archive)
    with open_holdings(settings) as holdings:
        slug = None if everywhere else holdings.collections.get(holdings.settings.collection).slug
        found = CrawlReports(holdings.engine).crawls(slug)
        now = utc_now().timestamp()
        running = [item.number for item in found if item.state == "running"]
        left = {number for number in running if not living_workers(holdings.engine, number, now)}
    if not found and not as_csv and not as_json:
        click.echo(f"No crawl in “{slug}” yet. Begin one with: muniment crawl SEED" if slug else "No crawl yet.")
        return
    write_rows(
        _LIST, (_list_row(item, is_left=item.number in left) for item in found), as_csv=as_csv, as_json=as_json, title=""
    )


def _list_row(item: CrawlSummary, *, is_left: bool) -> Sequence[object]:
    """`is_left`: its processes are gone, without a word."""
    sums = item.sums
    return (
        item.number, item.collection, "left" if is_left else item.state, item.ended, sums.documents, sums.new_documents,
        sums.bytes, sums.queued,
        item.started_at[:19] + "Z", item.finished_at, round(item.seconds, 3), human_duration(item.seconds),
        " ".join(item.seeds),
    )  # fmt: skip


@click.command(short_help="What it did: overview, seeds, hosts, types, reasons.")
@which_options
@click.option("--seeds", "part", flag_value="seeds", help="Each seed, with how it fared.")
@click.option("--hosts", "part", flag_value="hosts", help="Each host, with what it waits for.")
@click.option("--types", "part", flag_value="types", help="Each media type.")
@click.option("--status", "part", flag_value="status", help="Each HTTP status.")
@click.option("--reasons", "part", flag_value="reasons", help="Why URLs were taken, refused, or failed.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help=f"Rows of a table.  [default: {SHOWN}]")
@form_options
def report(
    number: int | None,
    collection: str | None,
    archive: object,
    part: str | None,
    limit: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show what a crawl did; every number's URLs are listed by muniment crawl urls.

    Documents are captured URLs; new ones are recorded whole, old ones as
    revisits of what is held already (short ones are recorded whole each time). Bytes are those on the wire.
    """
    from archiver.collections.reports import CrawlReports
    from archiver.holdings import utc_now

    now = utc_now().timestamp()
    with crawl_of(number, collection, archive) as (holdings, crawl):
        if part is None:
            overview = CrawlReports(holdings.engine).overview(crawl.number, now)
            if as_csv:
                _csv_overview(overview)
            elif as_json:
                print_json(overview_json(overview))
            else:
                _print_overview(overview)
            return
        columns, rows = _part(holdings, crawl, part, now)
        title = f"Crawl {crawl.number} into “{crawl.collection}”: {part}"
        table = not (as_csv or as_json)
        shown, more = (_first(rows, limit or SHOWN) if table or limit else (rows, False))  # fmt: skip
        write_rows(columns, shown, as_csv=as_csv, as_json=as_json, title=title)
        if more and table:
            click.echo("There are more: --limit N shows them, --csv and --json all.")


def _first(rows: Iterable[Sequence[object]], limit: int) -> tuple[list[Sequence[object]], bool]:
    """The first rows, and whether there are more."""
    shown: list[Sequence[object]] = []
    for row in rows:
        if len(shown) == limit:
            return shown, True
        shown.append(row)
    return shown, False


def _part(
    holdings: Holdings, crawl: CrawlSummary, part: str, now: float
) -> tuple[Sequence[Column], Iterable[Sequence[object]]]:  # fmt: skip
    """Columns and rows of one report."""
    from archiver.collections.hosts import hosts
    from archiver.collections.reports import CrawlReports
    from archiver.collections.wording import STATE_NAMES

    reports = CrawlReports(holdings.engine)
    if part == "seeds":
        return (
            (Column("seed", "seed"), Column("status", "status"), *_DONE, *_NOT_DONE, Column("timestamp", "")),
            (
                (row.url, row.words, *_done(row.sums), *_not_done(row.sums), row.timestamp)
                for row in reports.seeds(crawl.number)
            ),
        )
    if part == "hosts":
        return (
            (Column("host", "host"), *_DONE, *_NOT_DONE, Column("state", "what it is doing")),
            (
                (
                    row.host,
                    *_done(row.sums),
                    *_not_done(row.sums),
                    row.queue.words(now, row.sums.queued, running=crawl.state == "running"),
                )
                for row in hosts(holdings.engine, crawl.number)
            ),
        )
    if part == "reasons":
        return (
            (
                Column("urls", "URLs", number=True),
                Column("state", "state"),
                Column("verdict", "verdict"),
                Column("reason", "reason"),
                Column("failure", "failure"),
            ),
            (
                (row.urls, STATE_NAMES[row.state], row.verdict, row.sentence, row.failure)
                for row in reports.reasons(crawl.number)
            ),
        )
    name, found = ("type", reports.types(crawl.number)) if part == "types" else ("status", reports.statuses(crawl.number))
    return (Column(name, name), *_DONE), ((row.key, *_done(row.sums)) for row in found)


def _done(sums: Sums) -> tuple[int, ...]:
    return sums.documents, sums.new_documents, sums.bytes, sums.new_bytes


def _not_done(sums: Sums) -> tuple[int, ...]:
    return sums.queued, sums.failed, sums.blocked, sums.out_of_scope, sums.trapped


def overview_json(overview: Overview) -> dict[str, object]:
    """A crawl at a glance, for programs."""
    crawl, sums = overview.crawl, overview.crawl.sums
    return {
        "id": crawl.number,
        "collection": crawl.collection,
        "state": crawl.state,
        "wanted": crawl.wanted,
        "ended": crawl.ended,
        "seeds": list(crawl.seeds),
        "started": crawl.started_at,
        "finished": crawl.finished_at,
        "seconds": round(crawl.seconds, 3),
        "workers": overview.workers,
        "documents": sums.documents,
        "new_documents": sums.new_documents,
        "pages": overview.pages,
        "bytes": sums.bytes,
        "new_bytes": sums.new_bytes,
        "documents_a_second": round(overview.rate, 3),
        "hosts": overview.hosts,
        "queued": sums.queued,
        "failed": sums.failed,
        "blocked": sums.blocked,
        "out_of_scope": sums.out_of_scope,
        "trapped": sums.trapped,
        "status_classes": overview.classes,
    }


def _csv_overview(overview: Overview) -> None:
    from archiver.cli.crawl.output import write_csv

    values = overview_json(overview)
    classes = overview.classes
    row = {name: " ".join(value) if isinstance(value, list) else value for name, value in values.items()}
    row.pop("status_classes")
    row |= {f"status_{name}": count for name, count in classes.items()}
    write_csv(list(row), [list(row.values())])


def _state_words(overview: Overview) -> str:
    crawl = overview.crawl
    if crawl.state == "running" and not overview.workers:
        return f"left by its processes: muniment crawl resume {crawl.number} goes on"
    return f"{crawl.state} ({crawl.ended})" if crawl.ended else crawl.state


def _print_overview(overview: Overview) -> None:
    crawl, sums = overview.crawl, overview.crawl.sums
    seeds = ", ".join(crawl.seeds[:3]) + (f" and {len(crawl.seeds) - 3:,} more" if len(crawl.seeds) > 3 else "")
    refused = sums.blocked + sums.out_of_scope + sums.trapped
    lines([
        ("Crawl", f"{crawl.number} into “{crawl.collection}”"),
        ("State", _state_words(overview)),
        ("Seeds", seeds),
        ("Scope", overview.plan.scope.value),
        ("Started", f"{crawl.started_at[:19].replace('T', ' ')} UTC"),
        ("Finished", f"{crawl.finished_at[:19].replace('T', ' ')} UTC" if crawl.finished_at else ""),
        ("Elapsed", f"{human_duration(crawl.seconds)} ({overview.rate:.1f} documents a second)"),
        ("Documents", f"{sums.documents:,} ({sums.new_documents:,} new, {sums.old_documents:,} held before)"),
        ("Pages", f"{overview.pages:,}"),
        ("Bytes", f"{human_size(sums.bytes)} ({human_size(sums.new_bytes)} new)"),
        ("Status", ", ".join(f"{name}: {count:,}" for name, count in overview.classes.items())),
        ("Hosts", f"{overview.hosts:,}"),
        ("Queued", f"{sums.queued:,}"),
        ("Failed", f"{sums.failed:,}"),
        ("Refused", f"{refused:,} ({sums.blocked:,} blocked, {sums.out_of_scope:,} out of scope, {sums.trapped:,} trapped)"),
    ])  # fmt: skip
    click.echo("\nMore: --seeds, --hosts, --types, --status, --reasons")
