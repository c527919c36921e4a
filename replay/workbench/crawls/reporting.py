"""The report of a crawl: seeds, hosts, file types, statuses, reasons, settings; each a table, and a CSV file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections.hosts import HostRow, host_page, hosts
from archiver.collections.reports import CrawlReports, CrawlSummary, Sums
from archiver.collections.wording import STATE_NAMES
from replay.workbench.crawls.shown import PAGE, csv_answer, first_of, number_of, state_of
from replay.workbench.places import context
from replay.workbench.session import needs

blueprint = Blueprint("report", __name__)

_SUMS = (
    "documents", "new_documents", "bytes", "new_bytes", "queued", "failed", "blocked", "out_of_scope", "trapped",
)  # fmt: skip


def found(number: int) -> dict[str, object]:
    """What every page about a crawl shows of it."""
    place = context()
    crawl = CrawlReports(place.holdings.engine).find(number, None)
    return {"crawl": crawl, "state": state_of(crawl, workers=1)}


def _is_csv() -> bool:
    return request.args.get("format") == "csv"


def _sums(sums: Sums) -> tuple[int, ...]:
    return tuple(getattr(sums, name) for name in _SUMS)


@blueprint.get("/<int:number>/seeds")
@needs(Role.VIEWER)
def seeds(number: int) -> str | BaseResponse:
    """Each seed, with how it fared and what was found from it."""
    values, reports = found(number), CrawlReports(context().holdings.engine)
    after = number_of(request.args.get("after"))
    if _is_csv():
        rows = ((row.url, row.words, *_sums(row.sums), row.timestamp) for row in reports.seeds(number))
        return csv_answer(f"crawl-{number}-seeds", ("seed", "status", *_SUMS, "timestamp"), rows)
    seen = (row for row in reports.seeds(number) if row.number > after)
    shown, has_more = first_of(islice(seen, PAGE + 1))
    return render_template(
        "crawls/seeds.html", **values, tab="seeds", rows=shown, after=after, more=shown[-1].number if has_more else 0,
        most=_most(row.sums for row in shown),
    )  # fmt: skip


@blueprint.get("/<int:number>/hosts")
@needs(Role.VIEWER)
def hosts_(number: int) -> str | BaseResponse:
    """Each host, with what was fetched and what it waits for."""
    values, engine = found(number), context().holdings.engine
    now = context().clock().timestamp()
    crawl: CrawlSummary = values["crawl"]  # type: ignore[assignment]
    is_running = crawl.state == "running"
    if _is_csv():
        rows = (
            (row.host, *_sums(row.sums), row.queue.words(now, row.sums.queued, running=is_running))
            for row in hosts(engine, number)
        )
        return csv_answer(f"crawl-{number}-hosts", ("host", *_SUMS, "state"), rows)
    text, host = request.args.get("q", "").strip(), request.args.get("host", "")
    after = (number_of(request.args.get("documents")), host) if host else None
    shown, has_more = first_of(host_page(engine, number, limit=PAGE + 1, after=after, text=text))
    last: HostRow | None = shown[-1] if has_more else None
    doing = any(row.queue.words(now, row.sums.queued, running=is_running) for row in shown)
    return render_template(
        "crawls/hosts.html", **values, tab="hosts", rows=shown, now=now, running=is_running, text=text, last=last, after=after,
        doing=doing, most=_most(row.sums for row in shown),
    )  # fmt: skip


@blueprint.get("/<int:number>/types", defaults={"part": "types"})
@blueprint.get("/<int:number>/statuses", defaults={"part": "statuses"})
@needs(Role.VIEWER)
def keys(number: int, part: str) -> str | BaseResponse:
    """Each media type, or each status."""
    values, reports = found(number), CrawlReports(context().holdings.engine)
    rows = reports.types(number) if part == "types" else reports.statuses(number)
    if _is_csv():
        name = "type" if part == "types" else "status"
        cells: Iterator[Sequence[object]] = ((row.key, *_sums(row.sums)[:4]) for row in rows)
        return csv_answer(f"crawl-{number}-{part}", (name, *_SUMS[:4]), cells)
    return render_template(
        "crawls/keys.html", **values, tab=part, rows=rows[:1000], left_out=max(0, len(rows) - 1000),
        most=_most(row.sums for row in rows), most_bytes=max((row.sums.bytes for row in rows), default=0),
    )  # fmt: skip


@blueprint.get("/<int:number>/reasons")
@needs(Role.VIEWER)
def reasons(number: int) -> str | BaseResponse:
    """Why URLs were taken, refused, or failed. Reads every URL of the crawl."""
    values = found(number)
    rows = CrawlReports(context().holdings.engine).reasons(number)
    if _is_csv():
        cells = ((STATE_NAMES[row.state], row.verdict, row.failure, row.urls, row.sentence) for row in rows)
        return csv_answer(f"crawl-{number}-reasons", ("state", "verdict", "failure", "urls", "reason"), cells)
    return render_template(
        "crawls/reasons.html", **values, tab="reasons", rows=rows, names=STATE_NAMES,
        most=max((row.urls for row in rows), default=0),
    )  # fmt: skip


def _most(sums: Iterable[Sums]) -> int:
    """The most documents of the rows shown: what bars are measured by."""
    return max((item.documents for item in sums), default=0)
