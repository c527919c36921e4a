"""What a reader finds: only what the rules of access let be seen, page by page, with its filters as addresses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from archiver.index.protocol import CaptureSource
from archiver.search.snippet import SnippetPart, snippet_of
from archiver.search.store import Answer, PageHit, TextStore, TextVersion
from archiver.search.words import Question, read_question
from replay.lookup import Lookup, Scope

#: Results of one page; values of a filter that are offered; other versions of a page that are named.
PAGE_SIZE = 10
_MOST_VALUES = 8
_MOST_VERSIONS = 5
_ADDRESS = re.compile(r"(?:https?://)?[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE)
_FILTER = re.compile(r"\s*\b(?:site|host|year|type|lang):\S*", re.IGNORECASE)
_OF_TEXTS = re.compile(r"(?:^|(?<=\s))(?:year|type|lang):\S*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Result:
    """A page that was found.

    Attributes:
        version: its best text.
        others: its other texts with these words, newest first.
        snippet: why it was found.
    """

    version: TextVersion
    others: tuple[TextVersion, ...]
    snippet: tuple[SnippetPart, ...]


@dataclass(frozen=True, slots=True)
class FilterValue:
    """One value that narrows a search down; `address` is where that leads, `count` pages it leaves."""

    value: str
    count: int
    address: str


@dataclass(frozen=True, slots=True)
class Filter:
    """One way to narrow down: "site", "year", "type" or "collection"."""

    name: str
    values: tuple[FilterValue, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """A page of results.

    Attributes:
        question: as typed.
        results: of this page.
        total: pages that were found.
        is_more: there are more than were looked at.
        number: of this page, from 1.
        pages: how many there are.
        filters: how to narrow down.
        chosen: filters that are in the question: text, and the address without it.
        url: an address that the question may be, or "".
        previous: address of the page before, or "".
        next: of the page after, or "".
    """

    question: str
    results: tuple[Result, ...]
    total: int
    is_more: bool
    number: int
    pages: int
    filters: tuple[Filter, ...]
    chosen: tuple[tuple[str, str], ...]
    url: str
    previous: str
    next: str


def search(lookup: Lookup, texts: TextStore, scope: Scope, typed: str, number: int) -> Results:
    """Answer what a reader typed.

    Args:
        lookup: says what may be seen.
        texts: of the archive.
        scope: the collections.
        typed: in the search field.
        number: of the page of results, from 1.
    """
    question = read_question(typed)
    answer = texts.search(scope.slugs, question, permits=seen_through(lookup, scope))
    pages = max(1, -(-len(answer.pages) // PAGE_SIZE))
    number = min(max(1, number), pages)
    shown = answer.pages[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return Results(
        typed,
        tuple(_result(texts, hit, question) for hit in shown),
        len(answer.pages),
        answer.is_more,
        number,
        pages,
        _filters(scope, typed, question, answer),
        tuple((found.strip(), _address(scope, typed.replace(found, "", 1))) for found in _FILTER.findall(typed)),
        typed.strip() if _ADDRESS.fullmatch(typed.strip()) else "",
        _address(scope, typed, number - 1) if number > 1 else "",
        _address(scope, typed, number + 1) if number < pages else "",
    )


def _result(texts: TextStore, hit: PageHit, question: Question) -> Result:
    best = hit.best
    return Result(best, hit.versions[1 : _MOST_VERSIONS + 1], snippet_of(texts.text(best.number), question))


def seen_through(lookup: Lookup, scope: Scope) -> Callable[[TextVersion], TextVersion | None] | None:
    """What of a text the rules of access let a reader see; None when there are no rules."""
    gate = scope.gate
    if gate is None:
        return None
    permitted, everything = lookup.source(scope), lookup.everything

    def is_seen(version: TextVersion, timestamp: str) -> bool:
        """All captures of that second may be seen: which of them has this text is not kept."""
        args = ((version.collection,), version.urlkey)
        return _times(permitted, args, timestamp) == _times(everything, args, timestamp) > 0

    def permits(version: TextVersion) -> TextVersion | None:
        if not gate.applying(version.urlkey):
            return version
        seen = [moment for moment in (version.first, version.last) if is_seen(version, moment)]
        if not seen:
            return None  # also where a capture between them may be seen: better nothing than a text that may not
        if seen == [version.first, version.last] and version.captures <= 2:
            return version
        return replace(version, first=seen[0], last=seen[-1], captures=len(set(seen)))

    return permits


def without_text_filters(typed: str) -> str:
    """What was typed without the conditions that only texts can meet; with them alone there is nothing to look for."""
    return " ".join(_OF_TEXTS.sub(" ", typed).split())


def _times(source: CaptureSource, of: tuple[tuple[str, ...], str], timestamp: str) -> int:
    return sum(1 for _ in source.versions(*of, since=timestamp, until=timestamp))


def _filters(scope: Scope, typed: str, question: Question, answer: Answer) -> tuple[Filter, ...]:
    found: list[Filter] = []

    def offer(name: str, counts: Counter[str], word: str) -> None:
        if len(counts) > 1:
            values = counts.most_common(_MOST_VALUES)
            if name == "year":
                values = sorted(counts.items(), reverse=True)[:_MOST_VALUES]
            asked = [FilterValue(value, count, _address(scope, f"{typed} {word}:{value}")) for value, count in values if value]
            found.append(Filter(name, tuple(asked)))

    if not question.host:
        offer("site", answer.hosts, "site")
    if not question.year:
        offer("year", answer.years, "year")
    if not question.mime:
        offer("type", answer.mimes, "type")
    if len(answer.by_collection) > 1:
        values = answer.by_collection.most_common(_MOST_VALUES)
        inside = (FilterValue(slug, count, f"/{slug}/?{urlencode({'q': typed})}") for slug, count in values)
        found.append(Filter("collection", tuple(inside)))
    return tuple(found)


def _address(scope: Scope, typed: str, number: int = 1) -> str:
    more = {"page": str(number)} if number > 1 else {}
    return f"/{quote(scope.slug)}/?{urlencode({'q': ' '.join(typed.split()), **more})}"
