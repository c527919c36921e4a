"""Search in what archivists say of collections, seeds and documents: only what is public, of what the reader may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from archiver.collections.catalogue import Catalogue, Said
from archiver.model import Collection
from archiver.search.snippet import SnippetPart, snippet_of
from archiver.search.words import Clause, Question, words_of
from archiver.urls import host_of, urlkey
from replay.lookup import Lookup, Scope
from replay.portal.seedlist import Captured, captured, hidden_seeds

PAGE_SIZE = 10
#: Statements of one hit that say why it was found.
_MOST_STATEMENTS = 4
#: Letters of a text whose words are remembered.
_LONGEST_KEPT = 2000


class Description(NamedTuple):
    """What can be found: a "collection", a "seed" or a "document", and what is said of it: field and value first."""

    kind: str
    collection: str
    url: str
    title: str
    statements: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Hit:
    """A description that was found.

    Attributes:
        found: the description.
        why: statements with the words: field, and the text with what was found in it.
        captured: how often the URL was captured; None for a collection.
    """

    found: Description
    why: tuple[tuple[str, tuple[SnippetPart, ...]], ...]
    captured: Captured | None = None


@dataclass(frozen=True, slots=True)
class Descriptions:
    """One page of what was found; `number` from 1."""

    hits: tuple[Hit, ...]
    total: int
    number: int
    pages: int


def search_descriptions(
    lookup: Lookup, catalogue: Catalogue, scope: Scope, collections: Sequence[Collection], question: Question, number: int
) -> Descriptions:
    """What descriptions answer a question, the best first.

    Args:
        lookup: knows what may be seen.
        catalogue: has the descriptions.
        scope: of the reader.
        collections: those of the scope.
        question: its conditions on year, type and language are about texts, and do not count here.
        number: of the page, from 1.
    """
    if question.is_empty:
        return Descriptions((), 0, 1, 1)
    found = [item for item in _all(catalogue, scope, collections) if _answers(item, question)]
    found = [item for item in found if item.kind != "document" or _is_seen(lookup, scope, item)]
    found.sort(key=lambda item: (_KINDS.index(item.kind), not _is_in(question, item.title), item.title.casefold()))
    pages = max(1, -(-len(found) // PAGE_SIZE))
    number = min(number, pages)
    shown = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return Descriptions(tuple(_hit(lookup, scope, item, question) for item in shown), len(found), number, pages)


_KINDS = ("collection", "seed", "document")


def _all(catalogue: Catalogue, scope: Scope, collections: Sequence[Collection]) -> Iterator[Description]:
    for collection in collections:
        slug = collection.slug
        said = catalogue.all_said(slug)
        if scope.collection is None:
            own: list[Sequence[str]] = [Said("description", collection.description)] if collection.description else []
            own += [Said("creator", collection.organisation.name)] if collection.organisation else []
            yield Description("collection", slug, "", collection.title, [*own, *said.get(("collection", ""), ())])
        hidden = hidden_seeds(catalogue, scope, slug)
        for seed in catalogue.every_seed(slug):
            if seed.number not in hidden:
                yield Description("seed", slug, seed.url, seed.title, said.get(("seed", seed.url), ()))
        for (level, url), statements in said.items():
            if level == "document":
                title = next((value for field, value, *_ in statements if field == "title"), url)
                yield Description("document", slug, url, title, statements)


def _is_seen(lookup: Lookup, scope: Scope, item: Description) -> bool:
    """A document of which the rules let the reader see some capture."""
    gate = scope.gate
    if gate is None or not gate.applying(urlkey(item.url)):
        return True
    return captured(lookup, _within(scope, item), item.url).count > 0


def _within(scope: Scope, item: Description) -> Scope:
    return replace(scope, slugs=(item.collection,))


def _answers(item: Description, question: Question) -> bool:
    """All groups of words are in the description, none of those that may not be, on the host that is asked for."""
    if question.host and not _is_on(item.url, question.host):
        return False
    title, url = _words(item.title), _words(item.url)
    places = {"": "|".join([title, url, *[_words(said[1]) for said in item.statements]]), "title": title, "address": url}
    return all(any(_is_said(clause, places[clause.field]) for clause in group) for group in question.groups) and not any(
        _is_said(clause, places[clause.field]) for clause in question.without
    )


def _is_said(clause: Clause, words: str) -> bool:
    """The words stand there next to each other, as they do for a search in texts."""
    return f" {' '.join(clause.words)}{'' if clause.is_prefix else ' '}" in words


def _is_on(url: str, host: str) -> bool:
    here = host_of(url) if url else ""
    return here == host or here.endswith(f".{host}")


def _is_in(question: Question, text: str) -> bool:
    words = _words(text)
    return any(_is_said(clause, words) for group in question.groups for clause in group)


def _words(text: str) -> str:
    """The words of a text, a space round each."""
    return _short(text) if len(text) <= _LONGEST_KEPT else _told_apart(text)


def _told_apart(text: str) -> str:
    return f" {' '.join(words_of(text))} "


#: Reading words takes longer than all else, and the same texts are searched again and again.
_short = lru_cache(maxsize=50_000)(_told_apart)


def _hit(lookup: Lookup, scope: Scope, item: Description, question: Question) -> Hit:
    every = [(said[0], said[1]) for said in item.statements]
    said = [one for one in every if one[1] != item.title and _is_in(question, one[1])]
    said = said or [one for one in every if one[0] == "description"]
    why = tuple((field, snippet_of(value, question)) for field, value in said[:_MOST_STATEMENTS])
    return Hit(item, why, captured(lookup, _within(scope, item), item.url) if item.url else None)
