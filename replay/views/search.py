"""`/<collection>/?q=words`: what is found in texts of archived pages, in descriptions, among addresses."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from flask import current_app, render_template, request

from archiver.collections.catalogue import Catalogue
from archiver.holdings import Holdings
from archiver.search.store import TextStore
from archiver.search.words import read_question
from replay.lookup import Lookup, Scope
from replay.portal.addresses import is_address, search_addresses
from replay.portal.choices import Pager, read_page
from replay.portal.metadata import search_descriptions
from replay.portal.words import PORTAL_WORDS
from replay.search import search, without_text_filters
from replay.searchwords import SEARCH_WORDS
from replay.views import pictures
from replay.views.language import reader_language

TEXT, DESCRIPTIONS, ADDRESSES = "text", "descriptions", "addresses"


@dataclass(frozen=True, slots=True)
class Tab:
    """One place to search in; `count`: what is there, None where nobody looked."""

    name: str
    address: str
    count: int | None = None


def show(lookup: Lookup, scope: Scope, typed: str) -> str:
    """The page of results of the place that was chosen."""
    kind = request.args.get("in", TEXT)
    number = read_page(request.args.get("page", ""))
    if kind == DESCRIPTIONS:
        return _descriptions(lookup, scope, without_text_filters(typed), number)
    if kind == ADDRESSES:
        return _addresses(lookup, scope, typed, number)
    found = search(lookup, _texts(), scope, typed, number)
    others = [] if found.total else _elsewhere(lookup, scope, typed)
    shown = [result.version for result in found.results]
    shots = {best.number: pictures.at(scope, best.collection, best.url, best.last) for best in shown}
    return _page("search.html", lookup, scope, typed, TEXT, found.total, found=found, others=others, shots=shots)


def _descriptions(lookup: Lookup, scope: Scope, typed: str, number: int) -> str:
    question = read_question(typed)
    collections = [item for item in lookup.listed(scope.viewer) if item.slug in scope.slugs]
    if scope.collection is not None:
        collections = [scope.collection]
    found = search_descriptions(lookup, _catalogue(), scope, collections, question, number)
    return _page(
        "searchdescriptions.html", lookup, scope, typed, DESCRIPTIONS, found.total,
        found=found, pager=_pager(scope, typed, DESCRIPTIONS, found.number, found.pages),
    )  # fmt: skip


def _addresses(lookup: Lookup, scope: Scope, typed: str, number: int) -> str:
    found = search_addresses(lookup, _texts(), scope, typed, number)
    return _page(
        "searchaddresses.html", lookup, scope, typed, ADDRESSES, found.total,
        found=found, pager=_pager(scope, typed, ADDRESSES, found.number, found.pages),
    )  # fmt: skip


def _page(template: str, lookup: Lookup, scope: Scope, typed: str, kind: str, count: int, **values: object) -> str:
    tabs = [Tab(name, _address(scope, typed, name), count if name == kind else None) for name in _KINDS]
    return render_template(
        template, scope=scope, typed=typed, kind=kind, tabs=tabs, say=words(), portal=PORTAL_WORDS[reader_language()],
        titles={item.slug: item.title for item in lookup.public()}, **values,
    )  # fmt: skip


_KINDS = (TEXT, DESCRIPTIONS, ADDRESSES)


def _elsewhere(lookup: Lookup, scope: Scope, typed: str) -> list[Tab]:
    """Where there is something, when texts have nothing."""
    cleaned = without_text_filters(typed)
    collections = (
        [scope.collection] if scope.collection else [item for item in lookup.listed(scope.viewer) if item.slug in scope.slugs]
    )
    described = search_descriptions(lookup, _catalogue(), scope, collections, read_question(cleaned), 1).total
    addresses = search_addresses(lookup, _texts(), scope, typed, 1).total if is_address(typed) else 0
    found = ((DESCRIPTIONS, cleaned, described), (ADDRESSES, typed, addresses))
    return [Tab(name, _address(scope, asked, name), count) for name, asked, count in found if count]


def _address(scope: Scope, typed: str, kind: str, number: int = 1) -> str:
    asked = without_text_filters(typed) if kind == DESCRIPTIONS else typed
    query = {"q": asked, **({"in": kind} if kind != TEXT else {}), **({"page": str(number)} if number > 1 else {})}
    return f"/{quote(scope.slug)}/?{urlencode(query)}"


def _pager(scope: Scope, typed: str, kind: str, number: int, pages: int) -> Pager:
    before = _address(scope, typed, kind, number - 1) if number > 1 else ""
    return Pager(number, pages, before, _address(scope, typed, kind, number + 1) if number < pages else "")


def _texts() -> TextStore:
    holdings: Holdings = current_app.extensions["muniment.holdings"]
    return TextStore(holdings.engine)


def _catalogue() -> Catalogue:
    found: Catalogue = current_app.extensions["muniment.catalogue"]
    return found


def words() -> object:
    """The texts of the search page in the reader's language."""
    return SEARCH_WORDS[reader_language()]
