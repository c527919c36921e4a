"""Crawls: their list, one of them while it runs and after, and the buttons that steer it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from threading import BoundedSemaphore

from flask import Blueprint, Response, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.amounts import human_duration
from archiver.collections.progress import Progress, progress
from archiver.collections.rates import rates, recent
from archiver.collections.reports import CrawlReports, CrawlSummary, Overview, living_workers
from archiver.collections.speed import seconds_left
from archiver.collections.steering import Notes
from archiver.collections.urllists import UrlFilter, UrlLists, UrlRow
from archiver.crawl.decision import UrlState
from archiver.errors import UsageError
from replay.workbench.crawls import comparing, lists, making, reporting, starting
from replay.workbench.crawls.shown import (
    Plot,
    State,
    csv_answer,
    desk,
    first_of,
    limit_bars,
    moment,
    number_of,
    plot_of,
    state_of,
)  # fmt: skip
from replay.workbench.places import context
from replay.workbench.session import current_account, needs

blueprint = Blueprint("crawls", __name__, url_prefix="/crawls")
for part in (starting, reporting, lists, making, comparing):
    blueprint.register_blueprint(part.blueprint)

#: Streams at a time: each takes one of the server's threads.
MOST_STREAMS = 3
#: Seconds after which a stream ends by itself, and the browser asks again: less than a server waits when it is stopped.
STREAM_SECONDS = 15.0
#: Looks at the database take at most one part in so many of a stream's time.
_SHARE = 20
_STREAMS = BoundedSemaphore(MOST_STREAMS)
_CRAWLS = 50
_STATES = ("running", "paused", "stopped", "finished")
_COLUMNS = (
    "id", "collection", "kind", "state", "why_ended", "seeds", "documents", "new_documents", "bytes", "new_bytes", "queued",
    "failed", "blocked", "out_of_scope", "trapped", "started", "finished", "seconds", "requested_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listed:
    """A crawl as the list shows it."""

    crawl: CrawlSummary
    state: State
    notes: Notes


@blueprint.get("")
@needs(Role.VIEWER)
def crawls() -> str | BaseResponse:
    """Crawls, the newest first."""
    place, reports = context(), CrawlReports(context().holdings.engine)
    chosen, state = request.args.get("collection", ""), request.args.get("state", "")
    text, before = request.args.get("q", "").strip(), number_of(request.args.get("before"))
    collections = place.holdings.collections.all()
    if chosen not in {item.slug for item in collections}:
        chosen = ""
    state = state if state in _STATES else ""
    is_csv = request.args.get("format") == "csv"
    found = reports.page(
        collection=chosen or None, state=state or None, text=text, before=before or None,
        limit=100_000 if is_csv else _CRAWLS + 1,
    )  # fmt: skip
    notes = desk().notes([item.number for item in found])
    if is_csv:
        return csv_answer("crawls", _COLUMNS, (_cells(item, notes.get(item.number, Notes())) for item in found))
    shown, has_more = first_of(found, _CRAWLS)
    now = place.clock().timestamp()
    rows = [
        Listed(item, state_of(item, _workers(item, now)), notes.get(item.number, Notes())) for item in shown
    ]  # fmt: skip
    kept = {name: value for name, value in (("collection", chosen), ("state", state), ("q", text)) if value}
    return render_template(
        "crawls/list.html", rows=rows, collections=collections, chosen=chosen, state=state, states=_STATES, text=text,
        kept=kept, before=before, more=shown[-1].number if has_more else 0, moment=moment, duration=human_duration,
    )  # fmt: skip


def _workers(crawl: CrawlSummary, now: float) -> int:
    """Processes that work on a crawl; not asked for those that are at their end."""
    if crawl.state not in ("running", "paused", "stopped") or crawl.ended:
        return 0
    return living_workers(context().holdings.engine, crawl.number, now)


def _cells(crawl: CrawlSummary, notes: Notes) -> tuple[object, ...]:
    sums = crawl.sums
    return (
        crawl.number, crawl.collection, notes.kind or "crawl", crawl.state, crawl.ended, " ".join(crawl.seeds), sums.documents,
        sums.new_documents, sums.bytes, sums.new_bytes, sums.queued, sums.failed, sums.blocked, sums.out_of_scope, sums.trapped,
        crawl.started_at, crawl.finished_at, round(crawl.seconds, 3), notes.requested_by,
    )  # fmt: skip


# -- one crawl -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Look:
    """A crawl at one moment, as its page shows it."""

    now: Progress
    overview: Overview
    state: State
    plot: Plot | None
    limits: list[tuple[str, float]]
    documents_a_second: float
    bytes_a_second: float
    left: float | None
    failures: list[UrlRow]

    @property
    def is_live(self) -> bool:
        """Something may happen by itself."""
        return self.now.workers > 0 or self.state.text == "starting"


def look(number: int) -> Look:
    """A crawl at this moment.

    Raises:
        NotFound: there is no such crawl.
    """
    place = context()
    engine, at = place.holdings.engine, place.clock().timestamp()
    now = progress(engine, number, at)
    overview = CrawlReports(engine).overview(number, at)
    crawl, is_running = now.crawl, now.crawl.state == "running" and now.workers > 0
    documents, received = recent(engine, number, at) if is_running else (0.0, 0.0)
    failed = UrlFilter(state=UrlState.FAILED)
    return Look(
        now,
        overview,
        state_of(crawl, now.workers),
        plot_of(rates(engine, number, until=at if is_running else None), is_live=is_running),
        limit_bars(crawl.sums, crawl.seconds, overview.pages, now.limits),
        documents,
        received,
        seconds_left(now, documents, received),
        list(islice(UrlLists(engine).urls(number, failed, limit=5), 5)) if crawl.sums.failed else [],
    )


@blueprint.get("/<int:number>")
@needs(Role.VIEWER)
def crawl(number: int) -> str:
    """One crawl: live while it runs, and what it came to."""
    reports = CrawlReports(context().holdings.engine)
    seen = look(number)
    return render_template(
        "crawls/overview.html",
        **_for_template(seen),
        notes=desk().notes([number]).get(number, Notes()),
        types=reports.types(number)[:8],
        moment=moment,
    )


def _for_template(seen: Look) -> dict[str, object]:
    return {"look": seen, "crawl": seen.now.crawl, "plan": seen.overview.plan, "duration": human_duration, "tab": "overview"}


@blueprint.get("/<int:number>/live")
@needs(Role.VIEWER)
def live(number: int) -> BaseResponse:
    """What the page of a crawl shows, again and again, as server-sent events."""
    CrawlReports(context().holdings.engine).find(number, None)
    is_free = _STREAMS.acquire(blocking=False)
    seconds = STREAM_SECONDS if is_free else 0.0  # one look, and the browser asks again later
    answer = Response(
        stream_with_context(_events(number, seconds, time.monotonic, time.sleep)), mimetype="text/event-stream"
    )  # fmt: skip
    answer.headers["X-Accel-Buffering"] = "no"
    if is_free:
        answer.call_on_close(_once(_STREAMS.release))
    return answer


def _events(number: int, seconds: float, monotonic: Callable[[], float], sleep: Callable[[float], object]) -> Iterator[str]:
    """Looks at a crawl for so many seconds, each as an event; the last one says when nothing more will happen."""
    end = monotonic() + seconds
    yield f"retry: {1000 if seconds else 5000}\n\n"
    while True:
        began = time.thread_time()
        seen = look(number)
        page = render_template("crawls/live.html", **_for_template(seen))
        yield "".join(f"data: {line}\n" for line in page.splitlines() if line.strip()) + "\n"
        if not seen.is_live:
            yield "event: over\ndata: over\n\n"
            return
        rest = max(1.0, (time.thread_time() - began) * _SHARE)
        if monotonic() + rest >= end:
            return
        sleep(rest)


def _once(act: Callable[[], None]) -> Callable[[], None]:
    """A function that acts the first time alone."""
    done: list[bool] = []

    def first() -> None:
        if not done:
            done.append(True)
            act()

    return first


@blueprint.post("/<int:number>/<any(pause, stop, resume, retry):what>")
@needs(Role.ARCHIVIST)
def steer(number: int, what: str) -> BaseResponse:
    """Pause, stop, take up again, or try again what failed."""
    actor = current_account().name
    if what == "resume":
        desk().resume(number, actor=actor)
    elif what == "retry":
        if not desk().retry(number, actor=actor):
            raise UsageError("Nothing has failed that could be tried again.")
    else:
        desk().ask(number, what, actor=actor)
    return redirect(url_for("crawls.crawl", number=number), 303)


@blueprint.post("/<int:number>/notes")
@needs(Role.ARCHIVIST)
def note(number: int) -> BaseResponse:
    """Write down what is to be remembered of a crawl."""
    desk().write_note(number, request.form.get("notes", ""), actor=current_account().name)
    return redirect(url_for("crawls.crawl", number=number) + "#notes", 303)
