"""What replay looked for and did not find, in the API: listed, put aside, captured after all."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from archiver.accounts import Role
from archiver.missing import MissingPart, MissingParts
from archiver.timestamps import parse_iso
from replay.workbench.api.crawl_views import CrawlView, reports, view_of
from replay.workbench.api.operations import Created, Page, PageQuery, first_of, number_of, operation
from replay.workbench.api.schema import Bounds, field_problem
from replay.workbench.crawls.shown import desk
from replay.workbench.places import context
from replay.workbench.session import current_account

_TAG = "Missing"
Parts = Annotated[tuple[int, ...], Bounds("Numbers of parts.", longest=1000)]


class MissingState(StrEnum):
    """To be done; a crawl is at it; held now; of no interest to anybody."""

    OPEN = "open"
    QUEUED = "queued"
    CAPTURED = "captured"
    IGNORED = "ignored"


@dataclass(frozen=True)
class MissingPageView:
    """A document, and how many of its parts are in each state."""

    page_url: str
    page_timestamp: str
    open: int
    queued: int
    captured: int
    ignored: int


@dataclass(frozen=True)
class MissedPartView:
    """A part that was looked for in vain; `reason`: why the last patch did not get it."""

    number: int
    collection: str
    page_url: str
    page_timestamp: str
    url: str
    kind: str
    state: MissingState
    reason: str
    first_at: datetime
    last_at: datetime
    times: int
    crawl: int | None


@dataclass(frozen=True)
class MissingCountsView:
    """How many parts of a collection are in each state."""

    open: int
    queued: int
    captured: int
    ignored: int


@dataclass(frozen=True)
class MissedQuery(PageQuery):
    """Which parts are wanted."""

    state: Annotated[tuple[MissingState, ...], Bounds(longest=4)] = ()
    page_url: Annotated[str, Bounds("Of this document.", longest=8000)] = ""
    page_timestamp: Annotated[str, Bounds("And of this capture of it, 14 digits.", longest=14)] = ""
    text: Annotated[str, Bounds("In the URL.", longest=500)] = ""


@dataclass(frozen=True)
class MissingStateBody:
    """Parts that are put aside, or opened again."""

    parts: Parts
    is_ignored: bool


@dataclass(frozen=True)
class ChangedView:
    """How many were changed."""

    changed: int


@dataclass(frozen=True)
class MissingPatchBody:
    """Parts that are to be captured."""

    parts: Parts


def _parts(slug: str) -> MissingParts:
    place = context()
    place.holdings.collections.get(slug)
    return MissingParts(place.holdings, place.clock)


def _part(item: MissingPart) -> MissedPartView:
    said = {field.name: getattr(item, field.name) for field in fields(MissedPartView)}
    said |= {"state": MissingState(item.state), "first_at": parse_iso(item.first_at), "last_at": parse_iso(item.last_at)}
    return MissedPartView(**said)


@operation("GET", "/collections/<slug>/missing", Role.VIEWER, _TAG)
def list_missing(slug: str, query: MissedQuery) -> Page[MissedPartView]:
    """List what readers' pages looked for and did not find, when the setting `record_missing` is on."""
    if query.page_timestamp and not (query.page_timestamp.isascii() and query.page_timestamp.isdigit()):
        raise field_problem("page_timestamp", "It must be 14 digits.", place="?")
    found = _parts(slug).list(
        slug, states=query.state, page_url=query.page_url, page_timestamp=query.page_timestamp, search=query.text,
        after=number_of(query), limit=query.limit + 1,
    )  # fmt: skip
    return first_of([_part(item) for item in found], query, lambda item: item.number)


@operation("GET", "/collections/<slug>/missing/pages", Role.VIEWER, _TAG)
def list_missing_pages(slug: str, query: PageQuery) -> Page[MissingPageView]:
    """List the documents that miss something, those with the most first."""
    start = number_of(query)
    found = [
        MissingPageView(item.page_url, item.page_timestamp, item.open, item.queued, item.captured, item.ignored)
        for item in _parts(slug).pages(slug, limit=query.limit + 1, offset=start)
    ]
    return first_of(found, query, lambda _: start + query.limit)


@operation("GET", "/collections/<slug>/missing/counts", Role.VIEWER, _TAG)
def count_missing(slug: str) -> MissingCountsView:
    """Count the missing parts by state."""
    return MissingCountsView(**_parts(slug).counts(slug))


@operation("POST", "/collections/<slug>/missing/state", Role.ARCHIVIST, _TAG)
def set_missing_state(slug: str, body: MissingStateBody) -> ChangedView:
    """Put parts aside, or open them again; those of other collections are passed over."""
    parts = _parts(slug)
    mine = [item.number for item in parts.of(body.parts) if item.collection == slug]
    state = MissingState.IGNORED if body.is_ignored else MissingState.OPEN
    return ChangedView(parts.set_state(mine, state.value, actor=current_account().name))


@operation("POST", "/collections/<slug>/missing/patch", Role.ARCHIVIST, _TAG)
def patch_missing(slug: str, body: MissingPatchBody) -> Created[CrawlView]:
    """Capture missing parts with a crawl of their own."""
    number = _parts(slug).patch(slug, body.parts, desk(), actor=current_account().name)
    return Created(view_of(reports().find(number, None)), f"/crawls/{number}")
