"""The URLs behind every number of a crawl's report, and the story of each."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections.reports import CrawlReports
from archiver.collections.stories import Stories, spellings, would_decide
from archiver.collections.urllists import UrlFilter, UrlLists, UrlRow
from archiver.collections.wording import STATE_NAMES, sentence_of
from archiver.crawl.decision import explain
from archiver.errors import InvalidURL
from archiver.urls import parse_url, urlkey
from replay.workbench.crawls.reporting import found
from replay.workbench.crawls.shown import PAGE, csv_answer, first_of, number_of
from replay.workbench.places import context, reader_address
from replay.workbench.session import needs

blueprint = Blueprint("urls", __name__)

#: Crawls whose story of a URL is told on one page.
_STORIES = 30
#: What a list may be narrowed by, besides text: the names are those of addresses.
FILTERS = ("state", "host", "seed", "type", "status", "verdict", "failure", "new")
#: What fields of the page say by themselves.
_IN_FORM = ("q", "state", "host", "type", "status")
_STATES = {name: state for state, name in STATE_NAMES.items()}
_HEADER = (
    "number", "url", "state", "verdict", "detail", "hops", "kind", "modified", "attempts", "status", "mime",
    "bytes", "new", "digest", "failure", "reason", "timestamp", "file", "offset",
)  # fmt: skip


def filter_of(asked: dict[str, str]) -> UrlFilter:
    """Which URLs are asked for; what makes no sense does not count."""
    status, new = asked.get("status", ""), asked.get("new", "")
    mime = asked.get("type")
    return UrlFilter(
        state=_STATES.get(asked.get("state", "")),
        host=asked.get("host") or None,
        seed=asked.get("seed") or None,
        mime=None if not mime else "" if mime == "-" else mime,
        status=int(status) if status.isascii() and status.isdigit() and len(status) < 6 else None,
        verdict=asked.get("verdict") or None,
        failure="" if asked.get("failure") == "-" else asked.get("failure") or None,
        new={"1": True, "0": False}.get(new),
        text=asked.get("q", "").strip() or None,
        status_class=int(status[0]) if len(status) == 3 and status[0] in "12345" and status[1:].lower() == "xx" else None,
    )


def asked_for() -> dict[str, str]:
    """What the address of this request narrows the list by; from a form's fields of these names too."""
    given = request.form if request.method == "POST" else request.args
    return {name: given[name] for name in (*FILTERS, "q") if given.get(name, "").strip()}


@blueprint.get("/<int:number>/urls")
@needs(Role.VIEWER)
def urls(number: int) -> str | BaseResponse:
    """A list of URLs, page by page."""
    values, asked = found(number), asked_for()
    wanted, after = filter_of(asked), number_of(request.args.get("after"))
    lists = UrlLists(context().holdings.engine)
    if request.args.get("format") == "csv":
        return csv_answer(f"crawl-{number}-urls", _HEADER, (_cells(row) for row in lists.urls(number, wanted)))
    shown, has_more = first_of(lists.urls(number, wanted, limit=PAGE + 1, after=after))
    chips = [(name, asked[name], _without(number, asked, name)) for name in asked if name not in _IN_FORM]
    return render_template(
        "crawls/urls.html", **values, tab="urls", rows=shown, asked=asked, chips=chips, states=list(_STATES), after=after,
        more=shown[-1].number if has_more else 0, why=why_of,
    )  # fmt: skip


def _without(number: int, asked: dict[str, str], name: str) -> str:
    """The address of the list without one of what narrows it."""
    kept = urlencode({key: value for key, value in asked.items() if key != name})
    return url_for("crawls.urls.urls", number=number) + (f"?{kept}" if kept else "")


def why_of(row: UrlRow) -> str:
    """In one sentence why a URL is not (wholly) held; "" for one that is."""
    if row.reason:
        return row.reason
    return "" if row.state_name in ("captured", "queued") else sentence_of(row.state, row.verdict, row.detail)


def _cells(row: UrlRow) -> tuple[object, ...]:
    return (
        row.number, row.url, row.state_name, row.verdict, row.detail, row.hops, row.kind, row.modified, row.attempts,
        row.status, row.mime, row.length, row.new, row.digest, row.failure, row.reason, row.timestamp, row.file,
        row.offset,
    )  # fmt: skip


@blueprint.get("/<int:number>/why")
@needs(Role.VIEWER)
def why(number: int) -> str:
    """The story of one URL: in this crawl, and shortly in the others of its collection."""
    values = found(number)
    engine, crawl = context().holdings.engine, CrawlReports(context().holdings.engine).find(number, None)
    typed = request.args.get("url", "").strip()
    story, others, problem, decision, held = None, [], "", None, 0
    try:
        asked = spellings(typed) if typed else []
    except InvalidURL as error:
        asked, problem = [], str(error)
    for spelling in asked:
        if stories := Stories(engine).of(spelling, [crawl]):
            story = stories[0]
            break
    if asked:
        url = story.url.url if story else asked[0]
        rest = [item for item in CrawlReports(engine).crawls(crawl.collection, limit=_STORIES) if item.number != number]
        others = Stories(engine).of(url, rest)
        held = sum(1 for _ in context().holdings.index.versions([crawl.collection], urlkey(parse_url(url))))
        if story is None:
            decision = would_decide(engine, asked[0], number)
    return render_template(
        "crawls/why.html", **values, tab="urls", typed=typed, story=story, others=others, problem=problem, decision=decision,
        explain=explain, held=held, url=asked[0] if asked else "", place=f"{reader_address()}{crawl.collection}/",
    )  # fmt: skip
