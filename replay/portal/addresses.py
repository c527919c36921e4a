"""Search for archived addresses: those that begin with what was typed, or whose words it has."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from archiver.search.store import TextStore
from archiver.search.words import Clause, Question, read_question
from replay.lookup import Lookup, Scope
from replay.search import PAGE_SIZE, seen_through

#: Addresses under a prefix that are shown; the list of all has pages of its own.
_MOST_UNDER = 30
_ADDRESS = re.compile(
    r"(?:https?://)?(?:[\w-]+(?:\.[\w-]+)+|localhost|\[[0-9a-f:.]+\])(?::\d+)?(?:[/?#]\S*)?\*?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class AddressLine:
    """An archived address; `first` and `last`: timestamps of its captures."""

    url: str
    title: str
    collection: str
    count: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Addresses:
    """What was found.

    Attributes:
        lines: of this page.
        total: how many were found.
        is_more: there are more.
        prefix: what all of them begin with, when an address was typed; else "".
        number: of the page, from 1.
        pages: how many there are.
    """

    lines: tuple[AddressLine, ...]
    total: int
    is_more: bool
    prefix: str
    number: int
    pages: int


def is_address(typed: str) -> bool:
    """What was typed is an address or the beginning of one."""
    return _ADDRESS.fullmatch(typed.strip()) is not None


def search_addresses(lookup: Lookup, texts: TextStore, scope: Scope, typed: str, number: int) -> Addresses:
    """Archived addresses like what a reader typed.

    Args:
        lookup: knows what may be seen.
        texts: knows the words in addresses of documents.
        scope: the collections.
        typed: an address, its beginning, or words.
        number: of the page, from 1.
    """
    if is_address(typed):
        prefix = typed.strip().rstrip("*")
        found = lookup.under(scope, prefix, limit=_MOST_UNDER + 1)
        lines = [AddressLine(item.url, "", scope.slug, item.count, item.first, item.last) for item in found[:_MOST_UNDER]]
        return Addresses(tuple(lines), len(lines), len(found) > _MOST_UNDER, prefix, 1, 1)
    answer = texts.search(scope.slugs, in_addresses(read_question(typed)), permits=seen_through(lookup, scope))
    pages = max(1, -(-len(answer.pages) // PAGE_SIZE))
    number = min(number, pages)
    shown = []
    for hit in answer.pages[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]:
        best, every = hit.best, hit.versions
        count = sum(item.captures for item in every)
        first, last = min(item.first for item in every), max(item.last for item in every)
        slug = best.collection if scope.collection is None else scope.slug
        shown.append(AddressLine(best.url, best.title, slug, count, first, last))
    return Addresses(tuple(shown), len(answer.pages), answer.is_more, "", number, pages)


def in_addresses(question: Question) -> Question:
    """The same question, of addresses alone."""

    def moved(clauses: tuple[Clause, ...]) -> tuple[Clause, ...]:
        return tuple(replace(clause, field="address") for clause in clauses)

    return replace(question, groups=tuple(map(moved, question.groups)), without=moved(question.without))
