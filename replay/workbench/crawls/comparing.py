"""Two crawls of a collection side by side."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.amounts import human_duration
from archiver.collections.comparison import MOST_LOOKED_AT, Comparison, Difference, Pair
from archiver.collections.reports import CrawlReports, CrawlSummary
from archiver.errors import NotFound
from replay.workbench.crawls.reporting import found
from replay.workbench.crawls.shown import PAGE, csv_answer, moment, number_of
from replay.workbench.places import context
from replay.workbench.session import needs

blueprint = Blueprint("compare", __name__)

_OFFERED = 100


def _pair(number: int) -> tuple[list[CrawlSummary], CrawlSummary | None, CrawlSummary]:
    """What can be compared with; the earlier crawl, if there is one; and the later one.

    Raises:
        NotFound: there is no such crawl, or it is one of another collection.
    """
    reports = CrawlReports(context().holdings.engine)
    mine = reports.find(number, None)
    offered = [item for item in reports.crawls(mine.collection, limit=_OFFERED) if item.number != number]
    asked = number_of(request.args.get("with"))
    if asked:
        other: CrawlSummary | None = reports.find(asked, mine.collection)
    else:
        earlier = reports.page(collection=mine.collection, before=number, limit=1)
        other = earlier[0] if earlier else offered[0] if offered else None
    if other is None or other.number < number:
        return offered, other, mine
    return offered, mine, other


@blueprint.get("/<int:number>/compare")
@needs(Role.VIEWER)
def compare(number: int) -> str | BaseResponse:
    """Sums, hosts, types and statuses of two crawls."""
    offered, before, after = _pair(number)
    values = found(number)
    if before is None:
        return render_template("crawls/compare.html", **values, tab="compare", before=None, offered=[])
    pair = Comparison(context().holdings.engine, before.number, after.number)
    hosts, more = pair.hosts(limit=1_000_000 if request.args.get("format") == "csv" else PAGE)
    if request.args.get("format") == "csv":
        name = f"crawls-{before.number}-{after.number}-compared"
        parts = (("host", hosts), ("type", pair.types()), ("status", pair.statuses()))
        rows = ((kind, *_cells(row)) for kind, pairs in parts for row in pairs)
        return csv_answer(
            name, ("what", "name", "documents_before", "documents_after", "difference", "bytes_before", "bytes_after"), rows
        )
    other = before if after.number == number else after
    return render_template(
        "crawls/compare.html", **values, tab="compare", before=before, after=after, other=other, offered=offered, hosts=hosts,
        more_hosts=more, types=pair.types(), statuses=pair.statuses(), moment=moment, duration=human_duration,
    )  # fmt: skip


def _cells(row: Pair) -> tuple[object, ...]:
    return row.key, row.before.documents, row.after.documents, row.difference, row.before.bytes, row.after.bytes


@blueprint.get("/<int:number>/compare/lost", defaults={"which": "lost"})
@blueprint.get("/<int:number>/compare/new", defaults={"which": "new"})
@blueprint.get("/<int:number>/compare/changed", defaults={"which": "changed"})
@needs(Role.VIEWER)
def urls(number: int, which: str) -> str | BaseResponse:
    """The URLs that one crawl captured and the other did not, or that changed between them."""
    _, before, after = _pair(number)
    if before is None:
        raise NotFound(f"There is no other crawl to compare crawl {number} with.")
    pair = Comparison(context().holdings.engine, before.number, after.number)
    kind = Difference(which)
    if request.args.get("format") == "csv":
        rows = ((row.url, row.status, row.mime, row.length, row.timestamp, row.digest) for row in pair.urls(kind))
        name = f"crawls-{before.number}-{after.number}-{which}"
        return csv_answer(name, ("url", "status", "type", "bytes", "timestamp", "digest"), rows)
    start = number_of(request.args.get("after"))
    shown = pair.page(kind, after=start, limit=PAGE)
    other = before if after.number == number else after
    return render_template(
        "crawls/compared.html", **found(number), tab="compare", before=before, after=after, other=other, which=which,
        rows=shown.rows, more=shown.next, start=start, looked=MOST_LOOKED_AT, source=before if which == "lost" else after,
    )  # fmt: skip
