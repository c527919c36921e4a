"""Two crawls of a collection side by side."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.amounts import human_duration
from archiver.collections.comparison import MOST_LOOKED_AT, Comparison, Difference, Pair, paired
from archiver.collections.reports import CrawlReports
from replay.workbench.crawls.reporting import found
from replay.workbench.crawls.shown import PAGE, csv_answer, moment, number_of
from replay.workbench.places import context
from replay.workbench.session import needs

blueprint = Blueprint("compare", __name__)

_OFFERED = 100


def _asked() -> int | None:
    """The crawl that the address names to be compared with."""
    return number_of(request.args.get("with")) or None


@blueprint.get("/<int:number>/compare")
@needs(Role.VIEWER)
def compare(number: int) -> str | BaseResponse:
    """Sums, hosts, types and statuses of two crawls."""
    reports, values = CrawlReports(context().holdings.engine), found(number)
    collection = reports.find(number, None).collection
    offered = [item for item in reports.crawls(collection, limit=_OFFERED) if item.number != number]
    if not offered:
        return render_template("crawls/compare.html", **values, tab="compare", before=None, offered=[])
    compared = paired(reports, number, _asked())
    before, after = compared.before, compared.after
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
    compared = paired(CrawlReports(context().holdings.engine), number, _asked())
    before, after = compared.before, compared.after
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
