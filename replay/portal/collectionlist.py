"""The list of collections: of the whole archive, or of one organisation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from archiver.collections.access import Viewer
from archiver.collections.catalogue import Catalogue, Said
from archiver.holdings import DEFAULT_COLLECTION
from archiver.model import Collection
from archiver.search.words import folded
from replay.lookup import ALL, Lookup, Scope
from replay.portal.choices import NO_FACETS, Choice, Facet, Link, Pager, by_count, chips, facets, folded_facet, pager
from replay.portal.numbers import Counting, Numbers

PAGE_SIZE = 24
#: Orders of the list; the first is by title.
ORDERS = ("", "-title", "-last", "-captures")
_MOST_TOPICS = 4


@dataclass(frozen=True, slots=True)
class Card:
    """A collection in the list; `picture`: names the state of its picture, "" for none; `topics`: leading to their like."""

    collection: Collection
    numbers: Numbers
    picture: str
    topics: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class CollectionPage:
    """One page of the list; `all_collections`: how many there are without a choice."""

    cards: tuple[Card, ...]
    total: int
    all_collections: int
    facets: tuple[Facet, ...]
    chosen: tuple[Link, ...]
    orders: tuple[Link, ...]
    pager: Pager


def collection_page(
    lookup: Lookup, catalogue: Catalogue, counting: Counting, viewer: Viewer, choice: Choice, path: str, organisation: str = ""
) -> CollectionPage:
    """The collections that a reader chose.

    Args:
        lookup: knows what may be seen.
        catalogue: has the descriptions.
        counting: has the numbers.
        viewer: who asks.
        choice: of the reader.
        path: of the list.
        organisation: slug of the one whose list this is; "" for all.
    """
    listed = [item for item in lookup.listed(viewer) if not organisation or _slug_of(item) == organisation]
    said = catalogue.of_collections()
    scope = lookup.scope(ALL, viewer)
    known = counting.of_many(scope, [item.slug for item in listed])
    if len(listed) > 1:
        listed = [item for item in listed if not _is_untouched(item, known)]
    chosen = [item for item in listed if _is_chosen(item, said.get(item.slug, ()), choice)]
    ordered = _ordered(chosen, known, choice.order)
    pages = pager(path, choice, len(ordered), PAGE_SIZE)
    pictures = catalogue.pictured("collection")
    cards = tuple(
        Card(item, _numbers(counting, scope, item, known), pictures.get(item.slug, ""), _topics(said.get(item.slug, ()), path))
        for item in ordered[(pages.number - 1) * PAGE_SIZE : pages.number * PAGE_SIZE]
    )
    names = {_slug_of(item): item.organisation.name for item in listed if item.organisation}
    return CollectionPage(
        cards,
        len(chosen),
        len(listed),
        tuple(_facets(path, choice, chosen, said, {} if organisation else names)),
        tuple(chips(path, choice, names)),
        tuple(Link(name, replace(choice, order=name, page=1).address(path), 0, name == choice.order) for name in ORDERS),
        pages,
    )


def _slug_of(item: Collection) -> str:
    return item.organisation.slug if item.organisation else ""


def _is_untouched(item: Collection, known: dict[str, Numbers]) -> bool:
    """The collection that every archive has, and this one does not use."""
    is_bare = item.slug == DEFAULT_COLLECTION and not (item.description or item.organisation)
    return is_bare and item.slug in known and known[item.slug].captures == 0


def _is_chosen(item: Collection, said: Sequence[Said], choice: Choice) -> bool:
    return (not choice.organisation or _slug_of(item) == choice.organisation) and all(one in said for one in choice.fields)


def _numbers(counting: Counting, scope: Scope, item: Collection, known: dict[str, Numbers]) -> Numbers:
    return known[item.slug] if item.slug in known else counting.of(scope, item.slug)


def _ordered(found: list[Collection], known: dict[str, Numbers], order: str) -> list[Collection]:
    """In an order; collections without captures and those of which no number is told come last."""
    unknown = Numbers(None, None, "", "")
    by_title = sorted(found, key=lambda item: folded(item.title), reverse=order == "-title")
    if order == "-captures":
        return sorted(by_title, key=lambda item: -(known.get(item.slug, unknown).captures or 0))
    if order == "-last":
        return sorted(by_title, key=lambda item: known.get(item.slug, unknown).last, reverse=True)
    return sorted(by_title, key=lambda item: known.get(item.slug, unknown).captures == 0)


def _topics(said: Sequence[Said], path: str) -> tuple[Link, ...]:
    topics = [one for field in ("topic", "subject") for one in said if one.field == field]
    return tuple(Link(one.value, Choice((one,)).address(path)) for one in topics[:_MOST_TOPICS])


def _facets(
    path: str, choice: Choice, chosen: Sequence[Collection], said: dict[str, list[Said]], names: dict[str, str]
) -> list[Facet]:
    found: list[Facet] = []
    if len(names) > 1 and not choice.organisation:
        counts = Counter(_slug_of(item) for item in chosen if item.organisation)
        values = [
            Link(names[slug], replace(choice, organisation=slug, page=1).address(path), count)
            for slug, count in by_count(counts)
        ]
        if values:
            found.append(folded_facet("organisation", values))
    by_field: dict[str, Counter[str]] = {}
    for item in chosen:
        for one in set(said.get(item.slug, ())):
            if one.field not in NO_FACETS and len(one.value) <= 100:
                by_field.setdefault(one.field, Counter())[one.value] += 1
    return found + facets(path, choice, by_field, len(chosen))
