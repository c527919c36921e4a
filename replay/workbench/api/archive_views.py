"""Organisations, budgets, and who is told of what happens, in the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from archiver.accounts import Role
from archiver.budget import budget_of
from archiver.model import Organisation
from archiver.notices import EVENTS, Notice, NoticeRegistry
from archiver.timestamps import parse_iso
from replay.workbench.api.operations import Created, Page, PageQuery, operation, part_of
from replay.workbench.api.schema import Bounds
from replay.workbench.places import context
from replay.workbench.session import current_account

_ORGANISATIONS, _BUDGETS, _NOTICES = "Organisations", "Budgets", "Notices"


@dataclass(frozen=True)
class OrganisationDetailView:
    """Who collects; `slug` is its name in addresses."""

    slug: str
    name: str
    url: str
    address: str
    description: str


@dataclass(frozen=True)
class OrganisationChangeBody:
    """What is to be changed of an organisation; what is left out stays, an empty text takes the old one away."""

    name: Annotated[str | None, Bounds(longest=300)] = None
    url: Annotated[str | None, Bounds("Its home page.", longest=2000)] = None
    address: Annotated[str | None, Bounds("Where it is, for people.", longest=2000)] = None
    description: Annotated[str | None, Bounds("Plain text.", longest=20_000)] = None


def _organisation(item: Organisation) -> OrganisationDetailView:
    return OrganisationDetailView(item.slug, item.name, item.url, item.address, item.description)


@operation("GET", "/organisations", Role.VIEWER, _ORGANISATIONS)
def list_organisations(query: PageQuery) -> Page[OrganisationDetailView]:
    """List the organisations, by name."""
    return part_of(map(_organisation, context().holdings.collections.organisations()), query)


@operation("GET", "/organisations/<slug>", Role.VIEWER, _ORGANISATIONS)
def get_organisation(slug: str) -> OrganisationDetailView:
    """Look at an organisation."""
    return _organisation(context().holdings.collections.organisation(slug))


@operation("PATCH", "/organisations/<slug>", Role.ARCHIVIST, _ORGANISATIONS)
def change_organisation(slug: str, body: OrganisationChangeBody) -> OrganisationDetailView:
    """Change an organisation, in all its collections."""
    changed = context().holdings.collections.update_organisation(
        slug, name=body.name, url=body.url, address=body.address, description=body.description,
        actor=current_account().name,
    )  # fmt: skip
    return _organisation(changed)


# -- budgets ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BudgetView:
    """A collection's year in bytes. `months`: January first; `expected`: what its schedules will add until the end of the year;
    `level`: "over", "near", "tight" when the forecast is beyond the limit, "" when all is well."""

    collection: str
    year: int
    used: int
    limit: int | None
    months: tuple[int, ...]
    expected: int
    forecast: int
    level: str
    by_schedule: dict[str, int]


@operation("GET", "/collections/<slug>/budget", Role.VIEWER, _BUDGETS)
def get_budget(slug: str) -> BudgetView:
    """Say what a collection took in this year, against its budget, with a forecast."""
    holdings = context().holdings
    found = budget_of(holdings, holdings.collections.get(slug))
    return BudgetView(
        found.collection, found.year, found.used, found.limit, found.months, found.expected, found.forecast, found.level,
        dict(found.by_schedule),
    )  # fmt: skip


# -- notices ---------------------------------------------------------------------------------------------------------


class NoticeKind(StrEnum):
    """How somebody is told."""

    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True)
class NoticeView:
    """Who is told of what; `collection` is null for all, `last_result` what came of the last time."""

    number: int
    collection: str | None
    kind: NoticeKind
    target: str
    events: tuple[str, ...]
    last_at: datetime | None
    last_result: str


@dataclass(frozen=True)
class NoticeBody:
    """Somebody is to be told."""

    kind: NoticeKind
    target: Annotated[str, Bounds("URL, or e-mail address.", longest=2000)]
    events: Annotated[tuple[str, ...], Bounds(f"Of: {', '.join(EVENTS)}.", longest=50)]
    collection: Annotated[str | None, Bounds("null for all.", longest=64)] = None


@dataclass(frozen=True)
class NewNoticeView:
    """A notice just made; what webhooks are sent is signed with `secret`, which is told this once; "" for e-mail."""

    secret: str
    notice: NoticeView


@dataclass(frozen=True)
class TriedView:
    """The job that sends something to see whether it comes."""

    job: int


def _notice(item: Notice) -> NoticeView:
    return NoticeView(
        item.number, item.collection, NoticeKind(item.kind), item.target, item.events,
        parse_iso(item.last_at) if item.last_at else None, item.last_result,
    )  # fmt: skip


@operation("GET", "/notices", Role.ARCHIVIST, _NOTICES)
def list_notices(query: PageQuery) -> Page[NoticeView]:
    """List who is told of what."""
    return part_of(map(_notice, NoticeRegistry(context().holdings).all()), query)


@operation("POST", "/notices", Role.ARCHIVIST, _NOTICES, is_secret=True)
def add_notice(body: NoticeBody) -> Created[NewNoticeView]:
    """Tell somebody from now on."""
    made = NoticeRegistry(context().holdings).add(
        body.kind.value, body.target, body.events, by=current_account().name, collection=body.collection
    )
    return Created(NewNoticeView(made.secret, _notice(made)), f"/notices/{made.number}")


@operation("GET", "/notices/<int:number>", Role.ARCHIVIST, _NOTICES)
def get_notice(number: int) -> NoticeView:
    """Look at a notice."""
    return _notice(NoticeRegistry(context().holdings).get(number))


@operation("DELETE", "/notices/<int:number>", Role.ARCHIVIST, _NOTICES)
def remove_notice(number: int) -> None:
    """Tell somebody no more."""
    NoticeRegistry(context().holdings).remove(number, by=current_account().name)


@operation("POST", "/notices/<int:number>/try", Role.ARCHIVIST, _NOTICES, status=202)
def try_notice(number: int) -> TriedView:
    """Send something now, to see whether it comes."""
    return TriedView(NoticeRegistry(context().holdings).try_out(number, by=current_account().name))
