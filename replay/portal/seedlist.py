"""The seeds of a collection as its page lists them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from archiver.collections.access import Action
from archiver.collections.catalogue import ORDERS, Catalogue, PublicSeed, Said, SeedChoice
from archiver.index.query import KeyRange, ordered
from replay.lookup import Lookup, Scope
from replay.portal.choices import NO_FACETS, Choice, Facet, Link, Pager, by_count, chips, facets, folded_facet, pager

#: Seeds of one page: each costs a look into the index.
PAGE_SIZE = 20


@dataclass(frozen=True, slots=True)
class Captured:
    """How often a URL was captured, as far as the reader may see; days as "YYYYMMDD", "" where there is no capture."""

    count: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class SeedLine:
    """A seed in the list.

    Attributes:
        seed: the seed.
        captured: how often.
        description: what it is.
        statements: the others, each with where it leads: to the seeds of which the same is said, or "".
    """

    seed: PublicSeed
    captured: Captured
    description: tuple[str, ...]
    statements: tuple[tuple[str, tuple[Link, ...]], ...]


@dataclass(frozen=True, slots=True)
class SeedPage:
    """One page of the list; `all_seeds`: how many there are without a choice."""

    lines: tuple[SeedLine, ...]
    total: int
    all_seeds: int
    facets: tuple[Facet, ...]
    chosen: tuple[Link, ...]
    orders: tuple[Link, ...]
    pager: Pager


def seed_page(lookup: Lookup, catalogue: Catalogue, scope: Scope, choice: Choice) -> SeedPage:
    """The seeds that a reader chose.

    Args:
        lookup: knows what may be seen.
        catalogue: has the seeds.
        scope: of one collection.
        choice: of the reader.
    """
    slug, path = scope.slug, f"/{quote(scope.slug)}/"
    everything = SeedChoice(without=hidden_seeds(catalogue, scope, slug))
    wanted = replace(everything, group=choice.group, fields=choice.fields, order=choice.order)
    all_seeds = catalogue.seed_count(slug, everything)
    total = catalogue.seed_count(slug, wanted) if choice.is_narrow else all_seeds
    pages = pager(path, choice, total, PAGE_SIZE)
    found = catalogue.seeds(slug, wanted, offset=(pages.number - 1) * PAGE_SIZE, limit=PAGE_SIZE)
    return SeedPage(
        tuple(_line(lookup, scope, path, choice, seed) for seed in found),
        total,
        all_seeds,
        tuple(_facets(catalogue, slug, path, choice, wanted, total)) if all_seeds > 1 else (),
        tuple(chips(path, choice, {})),
        tuple(Link(name, replace(choice, order=name, page=1).address(path), 0, name == choice.order) for name in ORDERS),
        pages,
    )


def hidden_seeds(catalogue: Catalogue, scope: Scope, slug: str) -> frozenset[int]:
    """Numbers of the seeds of which nothing is to be known: rules hide their URL from the reader as if it were not held."""
    gate = scope.gate
    if gate is None or not any(rule.collection in (None, slug) for rule in gate.book.rules):
        return frozenset()
    own, slugs = gate.book.gate((slug,), scope.viewer, gate.now), frozenset({slug})
    closing = ordered(
        keys
        for rule in gate.book.rules
        if rule.action is Action.EXCLUDE and rule.collection in (None, slug) and rule.closes_all_of(slugs)
        if rule.is_in_force(gate.now) and rule.is_for(scope.viewer)
        for keys in rule.ranges()
    )
    starts = [keys.start for keys in closing]

    def is_hidden(key: str) -> bool:
        place = bisect_right(starts, key) - 1
        if place < 0 or key not in closing[place]:
            return False
        applying = own.applying(key)
        return bool(applying) and applying[0][0].action is Action.EXCLUDE and own.closes(KeyRange.exactly(key))

    return frozenset(number for number, key in catalogue.seed_keys(slug) if is_hidden(key)) if closing else frozenset()


def captured(lookup: Lookup, scope: Scope, url: str) -> Captured:
    """How often a URL was captured, of what the reader may see."""
    days = lookup.days(scope, url)
    return Captured(sum(day.count for day in days), days[0].day, days[-1].day) if days else Captured(0, "", "")


def _line(lookup: Lookup, scope: Scope, path: str, choice: Choice, seed: PublicSeed) -> SeedLine:
    return SeedLine(
        seed,
        captured(lookup, scope, seed.url),
        tuple(said.value for said in seed.statements if said.field == "description"),
        tuple(_linked(path, seed.statements, but=("description",), shown=seed.title)),
    )


def _linked(path: str, statements: Sequence[Said], *, but: Sequence[str], shown: str) -> list[tuple[str, tuple[Link, ...]]]:
    """Statements by field, those that others share with their list."""
    found: dict[str, list[Link]] = {}
    for said in statements:
        if said.field not in but and not (said.field == "title" and said.value == shown):
            address = "" if said.field in NO_FACETS else Choice((said,)).address(path)
            found.setdefault(said.field, []).append(Link(said.value, address))
    return [(field, tuple(values)) for field, values in found.items()]


def described(path: str, statements: Sequence[Said], title: str) -> list[tuple[str, tuple[Link, ...]]]:
    """What is said of a collection, by field, in the archivist's order; what its page shows anyway is left out."""
    return [
        (field, tuple(replace(link, address="") for link in links))
        for field, links in _linked(path, statements, but=("description", "subject", "topic"), shown=title)
    ]


def _facets(catalogue: Catalogue, slug: str, path: str, choice: Choice, wanted: SeedChoice, total: int) -> list[Facet]:
    found = []
    if not choice.group:
        groups = [
            Link(name, replace(choice, group=name, page=1).address(path), count)
            for name, count in by_count(catalogue.groups(slug, wanted))
        ]
        if groups:
            found.append(folded_facet("group", groups))
    return found + facets(path, choice, catalogue.facets(slug, wanted, but=NO_FACETS), total)
