"""Seeds, their groups, and what is said of collections, seeds and documents, in the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from archiver.accounts import Role
from archiver.collections.descriptions import DescriptionRegistry, Field, Statement, subject_of
from archiver.collections.seedgroups import SeedGroup, SeedGroups
from archiver.collections.seeds import SeedFilter, SeedRegistry
from archiver.collections.seedvalues import Schedule, Seed, SeedDraft
from archiver.crawl.plan import Rule, ScopeKind
from archiver.errors import NotFound
from replay.workbench.api.operations import Page, PageQuery, first_of, number_of, operation, part_of
from replay.workbench.api.schema import Bounds
from replay.workbench.places import context
from replay.workbench.session import current_account

_TAG, _DESCRIBED = "Seeds", "Descriptions"
Url = Annotated[str, Bounds("http:// is assumed where it is missing.", longest=4000)]
Title = Annotated[str, Bounds(longest=500)]
Notes = Annotated[str, Bounds("For archivists; plain text.", longest=20_000)]
Group = Annotated[str, Bounds("Name of its group, which is made when it is new.", longest=200)]
Numbers = Annotated[dict[str, float], Bounds('Such as {"documents": 500}, instead of those of the collection.', longest=20)]
Rules = Annotated[tuple[Rule, ...], Bounds("In addition to those of the collection.", longest=1000)]


@dataclass(frozen=True)
class SeedView:
    """A URL that a collection cares for; `scope` and `schedule` are null where it has none of its own."""

    number: int
    collection: str
    url: str
    title: str
    scope: ScopeKind | None
    schedule: Schedule | None
    group: str
    is_active: bool
    is_public: bool
    notes: str
    limits: Mapping[str, float]
    rules: tuple[Rule, ...]
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class NewSeedBody:
    """A new seed."""

    url: Url
    title: Title = ""
    scope: ScopeKind | None = None
    schedule: Annotated[Schedule | None, Bounds("How often it is crawled; null for only when asked.")] = None
    group: Group = ""
    is_active: Annotated[bool, Bounds("Schedules crawl it.")] = True
    is_public: Annotated[bool, Bounds("Readers see it; else nothing of it, nor of what its scope takes.")] = True
    notes: Notes = ""
    limits: Numbers | None = None
    rules: Rules = ()


@dataclass(frozen=True)
class SeedsBody:
    """New seeds; each is taken or refused by itself."""

    seeds: Annotated[tuple[NewSeedBody, ...], Bounds(longest=10_000)]


@dataclass(frozen=True)
class RefusedSeedView:
    """What did not become a seed; `row` counts from 1."""

    written: str
    reason: str
    is_duplicate: bool
    row: int


@dataclass(frozen=True)
class SeedsAddedView:
    """What became of seeds that were given."""

    added: tuple[str, ...]
    refused: tuple[RefusedSeedView, ...]


@dataclass(frozen=True)
class SeedChangeBody:
    """What is to be changed of a seed; what is left out stays, "" and empty take away."""

    url: Url | None = None
    title: Title | None = None
    scope: Annotated[str | None, Bounds('A scope, or "" for that of the collection.', longest=20)] = None
    schedule: Annotated[str | None, Bounds('A schedule, or "" for none.', longest=20)] = None
    group: Group | None = None
    is_active: bool | None = None
    is_public: bool | None = None
    notes: Notes | None = None
    limits: Numbers | None = None
    rules: Rules | None = None


class SeedOrder(StrEnum):
    """How seeds are ordered."""

    POSITION = "position"
    URL = "url"
    TITLE = "title"
    SCHEDULE = "schedule"
    GROUP = "group"
    ADDED = "added"
    CHANGED = "changed"


@dataclass(frozen=True)
class SeedQuery(PageQuery):
    """Which seeds are wanted, in which order."""

    text: Annotated[str, Bounds("In the address, title or notes.", longest=500)] = ""
    group: Annotated[str, Bounds("Of this group; - for none.", longest=200)] = ""
    schedule: Annotated[str, Bounds("With this schedule; - for none.", longest=20)] = ""
    is_active: bool | None = None
    is_public: bool | None = None
    order: SeedOrder = SeedOrder.POSITION
    descending: bool = False


def _registry() -> SeedRegistry:
    place = context()
    return SeedRegistry(place.holdings.engine, place.clock, place.holdings.audit)


def _seed(item: Seed) -> SeedView:
    return SeedView(**{field.name: getattr(item, field.name) for field in fields(SeedView)})


@operation("GET", "/collections/<slug>/seeds", Role.VIEWER, _TAG)
def list_seeds(slug: str, query: SeedQuery) -> Page[SeedView]:
    """List the seeds of a collection."""
    context().holdings.collections.get(slug)
    start = number_of(query)
    wanted = SeedFilter(query.text, query.group, query.schedule, "", query.is_active, query.is_public)
    found = _registry().list(slug, wanted, order=query.order, descending=query.descending, limit=query.limit + 1, offset=start)
    return first_of([_seed(item) for item in found], query, lambda _: start + query.limit)


@operation("POST", "/collections/<slug>/seeds", Role.ARCHIVIST, _TAG)
def add_seeds(slug: str, body: SeedsBody) -> SeedsAddedView:
    """Add seeds; groups that are not there yet are made."""
    drafts = [
        SeedDraft(
            item.url, item.title, item.scope or "", item.schedule or "", item.group, item.is_active, item.is_public,
            item.notes, item.limits or {}, item.rules,
        )
        for item in body.seeds
    ]  # fmt: skip
    report = _registry().add(slug, drafts, actor=current_account().name)
    refused = tuple(RefusedSeedView(item.written, item.reason, item.is_duplicate, item.row) for item in report.refused)
    return SeedsAddedView(report.added, refused)


@operation("GET", "/seeds/<int:number>", Role.VIEWER, _TAG)
def get_seed(number: int) -> SeedView:
    """Look at a seed."""
    return _seed(_registry().get(number))


@operation("PATCH", "/seeds/<int:number>", Role.ARCHIVIST, _TAG)
def change_seed(number: int, body: SeedChangeBody) -> SeedView:
    """Change a seed; what is said of it goes with its address."""
    given: dict[str, Any] = {item.name: value for item in fields(body) if (value := getattr(body, item.name)) is not None}
    registry = _registry()
    return _seed(registry.change(number, replace(registry.get(number).draft, **given), actor=current_account().name))


@operation("DELETE", "/seeds/<int:number>", Role.ARCHIVIST, _TAG)
def remove_seed(number: int) -> None:
    """Take a seed away, and what is said of it; its captures stay."""
    registry = _registry()
    registry.remove(registry.get(number).collection, [number], actor=current_account().name)


# -- groups ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeedGroupView:
    """A named set of seeds in a collection; `seeds` counts them."""

    name: str
    is_public: bool
    seeds: int


@dataclass(frozen=True)
class SeedGroupBody:
    """A group as it is to be."""

    is_public: Annotated[bool, Bounds("Readers may choose seeds by it.")] = False
    new_name: Annotated[str | None, Bounds("Calls it otherwise.", longest=200)] = None


@operation("GET", "/collections/<slug>/groups", Role.VIEWER, _TAG)
def list_seed_groups(slug: str, query: PageQuery) -> Page[SeedGroupView]:
    """List the groups of seeds, by name."""
    context().holdings.collections.get(slug)
    return part_of(map(_group, _registry().groups(slug)), query)


@operation("GET", "/collections/<slug>/groups/<name>", Role.VIEWER, _TAG)
def get_seed_group(slug: str, name: str) -> SeedGroupView:
    """Look at a group."""
    return _group_of(slug, name)


@operation("PUT", "/collections/<slug>/groups/<name>", Role.ARCHIVIST, _TAG)
def set_seed_group(slug: str, name: str, body: SeedGroupBody) -> SeedGroupView:
    """Make a group, or change the one of that name."""
    holdings = context().holdings
    groups = SeedGroups(holdings.engine, holdings.audit)
    groups.set(slug, name, new_name=body.new_name, is_public=body.is_public, actor=current_account().name)
    return _group_of(slug, body.new_name or name)


@operation("DELETE", "/collections/<slug>/groups/<name>", Role.ARCHIVIST, _TAG)
def remove_seed_group(slug: str, name: str) -> None:
    """Take a group away; its seeds stay."""
    holdings = context().holdings
    SeedGroups(holdings.engine, holdings.audit).remove(slug, name, actor=current_account().name)


def _group(item: SeedGroup) -> SeedGroupView:
    return SeedGroupView(item.name, item.is_public, item.seeds)


def _group_of(slug: str, name: str) -> SeedGroupView:
    context().holdings.collections.get(slug)
    found = next((item for item in _registry().groups(slug) if item.name == name), None)
    if found is None:
        raise NotFound(f"There is no group “{name[:80]}”.", "It may have been removed.")
    return _group(found)


# -- descriptions ----------------------------------------------------------------------------------------------------


class DescriptionLevel(StrEnum):
    """What is described."""

    COLLECTION = "collection"
    SEED = "seed"
    DOCUMENT = "document"


@dataclass(frozen=True)
class StatementView:
    """One thing that is said: `field` is an element of Dublin Core in lower case, or a field of one's own."""

    field: str
    value: str
    is_private: bool


@dataclass(frozen=True)
class StatementBody:
    """One thing to be said."""

    field: Annotated[str, Bounds("An element of Dublin Core, or a field of one's own.", longest=100, example="creator")]
    value: Annotated[str, Bounds("Plain text.", longest=20_000)]
    is_private: Annotated[bool, Bounds("For the workbench only.")] = False


@dataclass(frozen=True)
class DescriptionView:
    """What is said of one thing, in its order; `subject` is "" for the collection."""

    level: DescriptionLevel
    subject: str
    statements: tuple[StatementView, ...]


@dataclass(frozen=True)
class DescriptionBody:
    """What is to be said of one thing, all of it: what is left out is said no more."""

    statements: Annotated[tuple[StatementBody, ...], Bounds(longest=1000)]
    level: DescriptionLevel = DescriptionLevel.COLLECTION
    subject: Annotated[str, Bounds("URL of the seed or document; empty for the collection.", longest=8000)] = ""


@dataclass(frozen=True)
class DescriptionQuery:
    """Of what the description is wanted."""

    level: DescriptionLevel = DescriptionLevel.COLLECTION
    subject: Annotated[str, Bounds("URL of the seed or document; empty for the collection.", longest=8000)] = ""


@dataclass(frozen=True)
class DescriptionListQuery(PageQuery):
    """Which descriptions are wanted."""

    level: DescriptionLevel = DescriptionLevel.SEED
    text: Annotated[str, Bounds("In the subject, or in the value.", longest=500)] = ""


@dataclass(frozen=True)
class FieldView:
    """A field of a collection; what is said in a private one is for the workbench only."""

    name: str
    is_private: bool
    is_element: bool


@dataclass(frozen=True)
class FieldBody:
    """A field as it is to be."""

    name: Annotated[str, Bounds(longest=100)]
    is_private: bool = False


@dataclass(frozen=True)
class FieldsBody:
    """The fields of its own that a collection is to have, in their order."""

    fields: Annotated[tuple[FieldBody, ...], Bounds(longest=500)]


@dataclass(frozen=True)
class FacetView:
    """How many things have a value in a field."""

    field: str
    value: str
    count: int


def _descriptions() -> DescriptionRegistry:
    holdings = context().holdings
    return DescriptionRegistry(holdings.engine, holdings.audit)


def _description(level: DescriptionLevel, subject: str, said: list[Statement]) -> DescriptionView:
    statements = tuple(StatementView(item.field, item.value, item.is_private) for item in said)
    return DescriptionView(level, subject, statements)


@operation("GET", "/collections/<slug>/description", Role.VIEWER, _DESCRIBED)
def get_description(slug: str, query: DescriptionQuery) -> DescriptionView:
    """Say what is said of a collection, seed or document, private statements included."""
    context().holdings.collections.get(slug)
    subject = subject_of(query.level, query.subject)
    return _description(query.level, subject, _descriptions().of(slug, query.level, subject))


@operation("POST", "/collections/<slug>/description", Role.ARCHIVIST, _DESCRIBED)
def set_description(slug: str, body: DescriptionBody) -> DescriptionView:
    """Say anew what is said of a collection, seed or document; no statements take all away."""
    statements = [Statement(item.field, item.value, item.is_private) for item in body.statements]
    said = _descriptions().replace(slug, body.level, body.subject, statements, actor=current_account().name)
    return _description(body.level, subject_of(body.level, body.subject), said)


@operation("GET", "/collections/<slug>/descriptions", Role.VIEWER, _DESCRIBED)
def list_descriptions(slug: str, query: DescriptionListQuery) -> Page[DescriptionView]:
    """List what is said of the seeds or documents of a collection."""
    context().holdings.collections.get(slug)
    registry, start = _descriptions(), number_of(query)
    subjects = [
        subject for subject, _ in registry.subjects(slug, query.level, text=query.text, limit=query.limit + 1, offset=start)
    ]
    said = registry.of_many(slug, query.level, subjects)
    found = [_description(query.level, subject, said.get(subject, [])) for subject in subjects]
    return first_of(found, query, lambda _: start + query.limit)


@operation("GET", "/collections/<slug>/fields", Role.VIEWER, _DESCRIBED)
def list_fields(slug: str) -> tuple[FieldView, ...]:
    """List the fields of a collection: Dublin Core, then its own."""
    context().holdings.collections.get(slug)
    return tuple(FieldView(item.name, item.is_private, item.is_element) for item in _descriptions().fields(slug))


@operation("PUT", "/collections/<slug>/fields", Role.ARCHIVIST, _DESCRIBED)
def set_fields(slug: str, body: FieldsBody) -> tuple[FieldView, ...]:
    """Say which fields of its own a collection has, and which are private; what is said in others stays."""
    wanted = [Field(item.name, item.is_private) for item in body.fields]
    _descriptions().set_fields(slug, wanted, actor=current_account().name)
    return tuple(FieldView(item.name, item.is_private, item.is_element) for item in _descriptions().fields(slug))


@operation("GET", "/collections/<slug>/facets", Role.VIEWER, _DESCRIBED)
def list_facets(slug: str, query: DescriptionListQuery) -> Page[FacetView]:
    """Count how many seeds or documents have each value of each field, private ones included; `text` is in the value."""
    context().holdings.collections.get(slug)
    found = _descriptions().facets(slug, query.level, public_only=False)
    facets = (FacetView(name, value, count) for name, values in found.items() for value, count in values.most_common())
    return part_of((item for item in facets if query.text.casefold() in item.value.casefold()), query)
