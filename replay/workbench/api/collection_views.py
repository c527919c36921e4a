"""Collections, the pages captured in them, and single captures, in the API."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, ClassVar

from archiver import removal
from archiver.accounts import Role
from archiver.collections.options import options_from_json, options_to_json
from archiver.index.query import KeyRange
from archiver.model import Capture, Collection, Visibility
from archiver.removal import Hindrance
from archiver.timestamps import digits_of
from archiver.urls import parse_url, urlkey, urlkey_prefix
from replay.workbench.api.crawl_views import PlanChangeBody, PlanView, changed_plan, plan_view
from replay.workbench.api.operations import Created, Page, PageQuery, first_of, number_of, operation, part_of
from replay.workbench.api.schema import Bounds, field_problem
from replay.workbench.places import context
from replay.workbench.session import current_account

_TAG = "Collections"
Slug = Annotated[str, Bounds("Its name in addresses: lower-case letters, digits, hyphens.", longest=64, example="news")]
Title = Annotated[str, Bounds("As the banner says it.", longest=500)]


@dataclass(frozen=True)
class OrganisationView:
    """Who collects."""

    name: str
    url: str


@dataclass(frozen=True)
class CollectionView:
    """A collection, and what it holds in numbers; `first` and `last` are 14 digits, "" without captures.

    `options` is what its crawls begin with, `budget_bytes` what it may take in a year.
    """

    volatile: ClassVar[frozenset[str]] = frozenset({"captures", "files", "bytes", "first", "last"})

    slug: Slug
    title: str
    description: str
    visibility: Visibility
    organisation: OrganisationView | None
    created_at: datetime
    is_active: bool
    budget_bytes: int | None
    options: PlanView
    captures: int
    files: int
    bytes: int
    first: str
    last: str


@dataclass(frozen=True)
class CollectionBody:
    """A new collection."""

    slug: Slug
    title: Title = ""
    description: Annotated[str, Bounds("Plain text.", longest=20_000)] = ""
    visibility: Visibility = Visibility.PUBLIC
    organisation: Annotated[str, Bounds("Name of who collects; made when it is new.", longest=500)] = ""
    organisation_url: Annotated[str, Bounds("Its home page.", longest=2000)] = ""


@dataclass(frozen=True)
class CollectionChangeBody:
    """What is to be changed of a collection: what is left out stays, an empty text takes the old one away."""

    title: Annotated[str | None, Bounds(longest=500)] = None
    description: Annotated[str | None, Bounds(longest=20_000)] = None
    visibility: Visibility | None = None
    organisation: Annotated[str | None, Bounds(longest=500)] = None
    organisation_url: Annotated[str | None, Bounds(longest=2000)] = None
    is_active: Annotated[bool | None, Bounds("Schedules crawl it.")] = None
    budget_bytes: Annotated[int | None, Bounds("New data that it may take in a year; 0 for no limit.", least=0)] = None
    options: Annotated[PlanChangeBody | None, Bounds("What its crawls begin with, from now on.")] = None


def _view(item: Collection) -> CollectionView:
    totals = context().holdings.files.totals(item.slug)
    organisation = OrganisationView(item.organisation.name, item.organisation.url) if item.organisation else None
    return CollectionView(
        slug=item.slug,
        title=item.title,
        description=item.description,
        visibility=item.visibility,
        organisation=organisation,
        created_at=item.created_at,
        is_active=item.is_active,
        budget_bytes=item.budget_bytes,
        options=plan_view(options_from_json(item.options)),
        captures=totals.captures,
        files=totals.files,
        bytes=totals.bytes,
        first=totals.first,
        last=totals.last,
    )


@operation("GET", "/collections", Role.VIEWER, _TAG)
def list_collections(query: PageQuery) -> Page[CollectionView]:
    """List the collections, by title."""
    found = part_of(context().holdings.collections.all(), query)
    return Page(tuple(_view(item) for item in found.items), found.following)


@operation("POST", "/collections", Role.ARCHIVIST, _TAG)
def create_collection(body: CollectionBody) -> Created[CollectionView]:
    """Make a collection."""
    made = context().holdings.collections.create(
        body.slug, title=body.title, organisation=body.organisation, organisation_url=body.organisation_url,
        description=body.description, visibility=body.visibility, actor=current_account().name,
    )  # fmt: skip
    return Created(_view(made), f"/collections/{made.slug}")


@operation("GET", "/collections/<slug>", Role.VIEWER, _TAG)
def get_collection(slug: str) -> CollectionView:
    """Look at a collection."""
    return _view(context().holdings.collections.get(slug))


@operation("PATCH", "/collections/<slug>", Role.ARCHIVIST, _TAG)
def change_collection(slug: str, body: CollectionChangeBody) -> CollectionView:
    """Change a collection."""
    options = None
    if body.options is not None:
        before = options_from_json(context().holdings.collections.get(slug).options)
        options = options_to_json(changed_plan(before, body.options, "#/options"))
    changed = context().holdings.collections.update(
        slug, title=body.title, organisation=body.organisation, organisation_url=body.organisation_url,
        description=body.description, visibility=body.visibility, is_active=body.is_active, budget_bytes=body.budget_bytes,
        options=options, actor=current_account().name,
    )  # fmt: skip
    return _view(changed)


# -- removal ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RemovalContentsView:
    """What a collection has, in numbers.

    `captures` are in WARC files of this archive: while there are any, it is not removed. `captures_elsewhere` are in files that
    are read where they are: the files stay there. What was said of it goes, waiting jobs are cancelled; crawls with their
    reports and tombstones stay.
    """

    captures: int
    captures_elsewhere: int
    seeds: int
    groups: int
    schedules: int
    statements: int
    access_rules: int
    notices: int
    watched_folders: int
    attached_indexes: int
    waiting_jobs: int
    crawls: int
    tombstones: int


@dataclass(frozen=True)
class ObstacleView:
    """What stands in the way of a removal, and what to do about it; `number` is that of the crawl, test crawl or job."""

    kind: Hindrance
    number: int | None
    message: str
    advice: str


@dataclass(frozen=True)
class RemovalView:
    """What the removal of a collection would find; it can be removed when there are no obstacles."""

    contents: RemovalContentsView
    obstacles: tuple[ObstacleView, ...]


@dataclass(frozen=True)
class RemovalBody:
    """A collection that is to be removed. There is no way back, and its name is not given again."""

    name: Annotated[str, Bounds("Its name in addresses, once more.", longest=64)]
    reason: Annotated[str, Bounds("Why; the audit log keeps it.", longest=4000)]


@operation("GET", "/collections/<slug>/removal", Role.ADMINISTRATOR, _TAG)
def preview_removal(slug: str) -> RemovalView:
    """Say what a collection has, and what stands in the way of its removal; nothing is done."""
    found = removal.look_at(context().holdings, slug)
    obstacles = tuple(ObstacleView(item.kind, item.number, item.message, item.advice) for item in found.obstacles)
    return RemovalView(RemovalContentsView(**asdict(found.contents)), obstacles)


@operation("POST", "/collections/<slug>/removal", Role.ADMINISTRATOR, _TAG, status=204)
def remove_collection(slug: str, body: RemovalBody) -> None:
    """Remove a collection that holds nothing in files of this archive. Delete and purge what it holds first."""
    removal.remove(context().holdings, slug, typed=body.name, reason=body.reason, actor=current_account().name)


# -- pages -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PageView:
    """A page that was captured, or not: `timestamp` is null when the page itself was not recorded."""

    number: int
    crawl: int
    url: str
    final_url: str
    timestamp: str | None
    title: str
    interrupted: bool


@dataclass(frozen=True)
class MissingPartView:
    """What a captured page lacks, and why."""

    url: str
    via: str | None
    status: int | None
    kind: str
    reason: str


@operation("GET", "/collections/<slug>/pages", Role.VIEWER, _TAG)
def list_pages(slug: str, query: PageQuery) -> Page[PageView]:
    """List the pages that were captured one by one, newest first."""
    holdings, start = context().holdings, number_of(query)
    holdings.collections.get(slug)
    found = [
        PageView(item.number, item.crawl_id, item.url, item.final_url, item.timestamp, item.title, item.interrupted)
        for item in holdings.crawls.pages(slug, limit=query.limit + 1, offset=start)
    ]
    return first_of(found, query, lambda _: start + query.limit)


@operation("GET", "/pages/<int:number>/missing", Role.VIEWER, _TAG)
def list_missing_parts(number: int, query: PageQuery) -> Page[MissingPartView]:
    """List what a page lacked when it was captured."""
    found = context().holdings.crawls.missing(number)
    return part_of(
        (
            MissingPartView(
                item.candidate.url, item.candidate.via, item.status, item.failure.kind if item.failure else "",
                item.failure.reason if item.failure else "",
            )
            for item in found
        ),
        query,
    )  # fmt: skip


# -- captures --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CaptureView:
    """A capture: where it is, and what its record says."""

    collection: str
    url: str
    urlkey: str
    timestamp: str
    mime: str
    status: int | None
    digest: str
    file: str
    offset: int
    length: int
    is_revisit: bool


@dataclass(frozen=True)
class CaptureQuery(PageQuery):
    """Which captures are wanted: of one URL, or of all URLs that begin so."""

    url: Annotated[str, Bounds("A URL.", longest=8000)] = ""
    prefix: Annotated[str, Bounds("What URLs begin with.", longest=8000)] = ""
    since: Annotated[str, Bounds("Captured at that time or later: 1 to 14 digits or a date.", longest=40)] = ""
    until: Annotated[str, Bounds("Captured at that time or earlier.", longest=40)] = ""


@operation("GET", "/collections/<slug>/captures", Role.VIEWER, _TAG)
def list_captures(slug: str, query: CaptureQuery) -> Page[CaptureView]:
    """List captures, by URL and time, whatever rules of access say of them."""
    holdings, start = context().holdings, number_of(query)
    holdings.collections.get(slug)
    if query.url and query.prefix:
        raise field_problem("prefix", "Give url or prefix, not both.", place="?")
    if query.prefix:
        address = query.prefix if "://" in query.prefix else f"http://{query.prefix}"
        parse_url(address)
        keys = KeyRange.beginning_with(urlkey_prefix(address))
    else:
        keys = KeyRange.exactly(urlkey(parse_url(query.url, assume_http=True))) if query.url else KeyRange("", None)
    found = holdings.index.scan(
        (slug,), [keys], since=digits_of(query.since) if query.since else None,
        until=digits_of(query.until, latest=True) if query.until else None,
    )  # fmt: skip
    some = [_capture(item) for item in islice(found, start, start + query.limit + 1)]
    return first_of(some, query, lambda _: start + query.limit)


def _capture(item: Capture) -> CaptureView:
    return CaptureView(
        item.collection, item.url, item.urlkey, item.timestamp, item.mime, item.status, item.digest, item.file, item.offset,
        item.length, item.revisit_of is not None,
    )  # fmt: skip
