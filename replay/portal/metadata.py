"""Search in what archivists say of collections, seeds and documents: only what is public, of what the reader may see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from archiver.collections.catalogue import BETWEEN, Catalogue, Said
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
_LONGEST_KEPT = 3000


class Description(NamedTuple):
    """What can be found: a "collection", a "seed" or a "document"; `text`: all that is said of it."""

    kind: str
    collection: str
    url: str
    title: str
    text: str


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
    own = {item.slug: _of_itself(item) for item in collections}
    return Descriptions(tuple(_hit(lookup, catalogue, scope, own, item, question) for item in shown), len(found), number, pages)


_KINDS = ("collection", "seed", "document")


def _all(catalogue: Catalogue, scope: Scope, collections: Sequence[Collection]) -> Iterator[Description]:
    for collection in collections:
        slug = collection.slug
        said = catalogue.texts(slug)
        if scope.collection is None:
            text = BETWEEN.join((*(one.value for one in _of_itself(collection)), said["collection"].get("", _NOTHING)[0]))
            yield Description("collection", slug, "", collection.title, text)
        hidden = hidden_seeds(catalogue, scope, slug)
        for seed in catalogue.every_seed(slug):
            if seed.number not in hidden:
                yield Description("seed", slug, seed.url, seed.title, said["seed"].get(seed.url, _NOTHING)[0])
        for url, (text, title) in said["document"].items():
            yield Description("document", slug, url, title or url, text)


_NOTHING = ("", "")


def _of_itself(collection: Collection) -> list[Said]:
    """What a collection has beside its statements."""
    organisation = collection.organisation
    described = [Said("description", collection.description)] if collection.description else []
    return described + ([Said("creator", organisation.name)] if organisation else [])


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
    places = {"": f"{title}|{url}|{_words(item.text)}", "title": title, "address": url}
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
    """The words of a text, a space round each; what is said apart stays apart."""
    return _short(text) if len(text) <= _LONGEST_KEPT else _told_apart(text)


def _told_apart(text: str) -> str:
    return "|".join(f" {' '.join(words_of(part))} " for part in text.split(BETWEEN))


#: Reading words takes longer than all else, and the same texts are searched again and again.
_short = lru_cache(maxsize=20_000)(_told_apart)


def _hit(
    lookup: Lookup, catalogue: Catalogue, scope: Scope, own: Mapping[str, list[Said]], item: Description, question: Question
) -> Hit:
    every = [
        *(own[item.collection] if item.kind == "collection" else ()),
        *catalogue.said_of(item.collection, item.kind, item.url),
    ]
    said = [one for one in every if one.value != item.title and _is_in(question, one.value)]
    said = said or [one for one in every if one.field == "description"]
    why = tuple((one.field, snippet_of(one.value, question)) for one in said[:_MOST_STATEMENTS])
    return Hit(item, why, captured(lookup, _within(scope, item), item.url) if item.url else None)
