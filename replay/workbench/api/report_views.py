"""What crawls did, in the API: every number, and the URLs behind it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Annotated

from archiver.accounts import Role
from archiver.collections.comparison import Comparison, Difference, Pair, paired
from archiver.collections.hosts import hosts
from archiver.collections.progress import progress
from archiver.collections.reports import KeyRow, SeedStatus, Sums
from archiver.collections.stories import Stories, Story
from archiver.collections.urllists import UrlFilter, UrlLists, UrlRow
from archiver.collections.wording import STATE_NAMES
from archiver.urls import parse_url
from replay.workbench.api.crawl_views import CrawlView, reports, view_of
from replay.workbench.api.operations import MOST_AT_ONCE, Page, PageQuery, first_of, number_of, operation
from replay.workbench.api.schema import Bounds
from replay.workbench.places import context

_TAG = "Reports of crawls"
_STATE_OF = {name: state for state, name in STATE_NAMES.items()}


class UrlStateName(StrEnum):
    """Where a URL stands."""

    QUEUED = "queued"
    CAPTURED = "captured"
    FAILED = "failed"
    BLOCKED = "blocked"
    OUT_OF_SCOPE = "out-of-scope"
    TRAPPED = "trapped"


@dataclass(frozen=True)
class HostView:
    """A host that a crawl met, and what goes on there, in words."""

    host: str
    sums: Sums
    words: str


@dataclass(frozen=True)
class ProgressView:
    """A crawl at this moment: hosts that are fetched from, whose turn could come, that wait, that were given up."""

    crawl: CrawlView
    workers: int
    hosts: int
    in_flight: int
    ready: int
    waiting: int
    retired: int
    is_over: bool
    busiest: tuple[HostView, ...]


@dataclass(frozen=True)
class SeedReportView:
    """How a seed fared, and the sums of everything that was found from it."""

    number: int
    url: str
    status: SeedStatus
    detail: str
    words: str
    timestamp: str | None
    sums: Sums


@dataclass(frozen=True)
class ReasonView:
    """How many URLs stand where, for which reason."""

    state: UrlStateName
    verdict: str
    failure: str | None
    urls: int
    sentence: str


@dataclass(frozen=True)
class UrlView:
    """A URL that a crawl met."""

    number: int
    url: str
    state: UrlStateName
    verdict: str
    detail: str
    hops: str
    kind: str
    attempts: int
    status: int | None
    mime: str
    length: int
    is_new: bool
    digest: str
    failure: str | None
    reason: str | None
    timestamp: str | None
    file: str | None
    offset: int | None


@dataclass(frozen=True)
class UrlQuery(PageQuery):
    """Which URLs are wanted; what is left out does not count."""

    state: UrlStateName | None = None
    host: Annotated[str | None, Bounds("As the hosts report names it.", longest=300)] = None
    seed: Annotated[str | None, Bounds("Address of a seed.", longest=8000)] = None
    mime: Annotated[str | None, Bounds("Media type; empty for none named.", longest=300)] = None
    status: Annotated[int | None, Bounds("HTTP status.", least=0, most=999)] = None
    verdict: Annotated[str | None, Bounds("Why it was taken or refused.", longest=100)] = None
    failure: Annotated[str | None, Bounds("What kept it from being captured whole.", longest=100)] = None
    is_new: Annotated[bool | None, Bounds("true: whole records; false: revisits.")] = None


@dataclass(frozen=True)
class StepView:
    """A page on the way from the seed."""

    url: str
    kind: str


@dataclass(frozen=True)
class StoryView:
    """What one crawl knows of a URL: how it was found, why it was taken or refused, what came of it."""

    crawl: int
    url: UrlView
    seed: str
    way: tuple[StepView, ...]
    skipped: int
    decision: str
    hop_words: str
    queue_note: str


@dataclass(frozen=True)
class StoryQuery:
    """Whose story is wanted."""

    url: Annotated[str, Bounds(longest=8000)]


def _known(number: int) -> int:
    """A crawl that is there.

    Raises:
        NotFound: it is not.
    """
    return reports().find(number, None).number


@operation("GET", "/crawls/<int:number>/progress", Role.VIEWER, _TAG)
def get_progress(number: int) -> ProgressView:
    """Say how a crawl stands this moment."""
    place = context()
    now = place.clock().timestamp()
    found = progress(place.holdings.engine, _known(number), now)
    running = found.crawl.state == "running"
    busiest = tuple(
        HostView(item.host, item.sums, item.queue.words(now, item.sums.queued, running=running)) for item in found.busiest
    )
    return ProgressView(
        view_of(found.crawl), found.workers, found.hosts, found.in_flight, found.ready, found.waiting, found.retired,
        found.over, busiest,
    )  # fmt: skip


@operation("GET", "/crawls/<int:number>/seeds", Role.VIEWER, _TAG)
def list_crawl_seeds(number: int, query: PageQuery) -> Page[SeedReportView]:
    """List the seeds of a crawl, with what was found from each."""
    start = number_of(query)
    some = islice(reports().seeds(_known(number)), start, start + query.limit + 1)
    found = [
        SeedReportView(item.number, item.url, item.status, item.detail, item.words, item.timestamp, item.sums) for item in some
    ]
    return first_of(found, query, lambda _: start + query.limit)


@operation("GET", "/crawls/<int:number>/hosts", Role.VIEWER, _TAG)
def list_hosts(number: int, query: PageQuery) -> Page[HostView]:
    """List the hosts of a crawl, most documents first."""
    place, start = context(), number_of(query)
    now, crawl = place.clock().timestamp(), reports().find(number, None)
    rows = hosts(place.holdings.engine, crawl.number, limit=start + query.limit + 1)
    found = [
        HostView(item.host, item.sums, item.queue.words(now, item.sums.queued, running=crawl.state == "running"))
        for item in islice(rows, start, None)
    ]
    return first_of(found, query, lambda _: start + query.limit)


@operation("GET", "/crawls/<int:number>/types", Role.VIEWER, _TAG)
def list_types(number: int) -> tuple[KeyRow, ...]:
    """List the media types of a crawl, most documents first."""
    return tuple(reports().types(_known(number)))


@operation("GET", "/crawls/<int:number>/statuses", Role.VIEWER, _TAG)
def list_statuses(number: int) -> tuple[KeyRow, ...]:
    """List the HTTP statuses of a crawl, most documents first."""
    return tuple(reports().statuses(_known(number)))


@operation("GET", "/crawls/<int:number>/reasons", Role.VIEWER, _TAG)
def list_reasons(number: int) -> tuple[ReasonView, ...]:
    """List why URLs were taken, refused or not had. Reads every URL of the crawl."""
    return tuple(
        ReasonView(UrlStateName(STATE_NAMES[item.state]), item.verdict, item.failure, item.urls, item.sentence)
        for item in reports().reasons(_known(number))
    )


@operation("GET", "/crawls/<int:number>/urls", Role.VIEWER, _TAG)
def list_urls(number: int, query: UrlQuery) -> Page[UrlView]:
    """List the URLs behind a number of the reports."""
    wanted = UrlFilter(
        _STATE_OF[query.state] if query.state else None, query.host, query.seed, query.mime, query.status, query.verdict,
        query.failure, query.is_new,
    )  # fmt: skip
    lists = UrlLists(context().holdings.engine)
    rows = lists.urls(_known(number), wanted, limit=query.limit + 1, after=number_of(query))
    return first_of([_url(item) for item in rows], query, lambda item: item.number)


@operation("GET", "/crawls/<int:number>/story", Role.VIEWER, _TAG)
def get_story(number: int, query: StoryQuery) -> tuple[StoryView, ...]:
    """Tell the story of a URL in a crawl; nothing, when the crawl has not met it."""
    crawl = reports().find(number, None)
    found = Stories(context().holdings.engine).of(parse_url(query.url, assume_http=True), [crawl])
    return tuple(map(_story, found))


# -- two crawls side by side -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ComparisonQuery:
    """What a crawl is compared with."""

    other: Annotated[
        int | None, Bounds("Number of another crawl of its collection; the one before it, when it is left out.", least=1)
    ] = None


@dataclass(frozen=True)
class ComparedUrlsQuery(PageQuery):
    """Which URLs are wanted: captured in the earlier crawl alone (lost), in the later alone (new), or changed between them."""

    which: Difference = Difference.CHANGED
    other: Annotated[
        int | None, Bounds("Number of another crawl of its collection; the one before it, when it is left out.", least=1)
    ] = None


@dataclass(frozen=True)
class PairView:
    """The sums of one host, media type or status in two crawls; `difference`: documents more or (negative) less."""

    key: str
    before: Sums
    after: Sums
    difference: int


@dataclass(frozen=True)
class ComparisonView:
    """Two crawls of a collection side by side, the earlier one `before`; what differs most comes first.

    `hosts` names a thousand at most; `more_hosts`: there are others.
    """

    before: CrawlView
    after: CrawlView
    hosts: tuple[PairView, ...]
    more_hosts: bool
    types: tuple[PairView, ...]
    statuses: tuple[PairView, ...]


def _pair(item: Pair) -> PairView:
    return PairView(item.key, item.before, item.after, item.difference)


@operation("GET", "/crawls/<int:number>/comparison", Role.VIEWER, _TAG)
def compare_crawls(number: int, query: ComparisonQuery) -> ComparisonView:
    """Compare a crawl with another one of its collection."""
    pair = paired(reports(), number, query.other)
    compared = Comparison(context().holdings.engine, pair.before.number, pair.after.number)
    hosts_, more = compared.hosts(limit=MOST_AT_ONCE)
    return ComparisonView(
        view_of(pair.before), view_of(pair.after), tuple(map(_pair, hosts_)), more, tuple(map(_pair, compared.types())),
        tuple(map(_pair, compared.statuses())),
    )  # fmt: skip


@operation("GET", "/crawls/<int:number>/comparison/urls", Role.VIEWER, _TAG)
def list_compared_urls(number: int, query: ComparedUrlsQuery) -> Page[UrlView]:
    """List the URLs that one of two crawls captured and the other did not, or that changed between them. Where few of many
    differ, a page may have none, and another one come after it."""
    pair = paired(reports(), number, query.other)
    compared = Comparison(context().holdings.engine, pair.before.number, pair.after.number)
    found = compared.page(query.which, after=number_of(query), limit=query.limit)
    return Page(tuple(map(_url, found.rows)), str(found.next) if found.next else "")


def _url(item: UrlRow) -> UrlView:
    return UrlView(
        item.number, item.url, UrlStateName(item.state_name), item.verdict, item.detail, item.hops, item.kind,
        item.attempts, item.status, item.mime, item.length, item.new, item.digest, item.failure, item.reason,
        item.timestamp, item.file, item.offset,
    )  # fmt: skip


def _story(item: Story) -> StoryView:
    way = tuple(StepView(step.url, step.kind) for step in item.way)
    return StoryView(
        item.crawl.number, _url(item.url), item.seed, way, item.skipped, item.decision, item.hop_words, item.queue_note
    )
