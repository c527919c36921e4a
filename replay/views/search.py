"""`/<collection>/?q=words`: what is found in the texts of archived pages."""

from __future__ import annotations

from flask import current_app, render_template, request

from archiver.holdings import Holdings
from archiver.search.store import TextStore
from replay.lookup import Lookup, Scope
from replay.search import search
from replay.searchwords import SEARCH_WORDS
from replay.views.language import reader_language


def show(lookup: Lookup, scope: Scope, typed: str) -> str:
    """The page of results."""
    holdings: Holdings = current_app.extensions["muniment.holdings"]
    page = request.args.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    found = search(lookup, TextStore(holdings.engine), scope, typed, number)
    return render_template(
        "search.html", scope=scope, found=found, titles={item.slug: item.title for item in lookup.public()}, say=words()
    )


def words() -> object:
    """The texts of the search page in the reader's language."""
    return SEARCH_WORDS[reader_language()]
