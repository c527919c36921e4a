"""The public pages: the collections, and each collection."""

from __future__ import annotations

from flask import current_app, redirect, render_template
from werkzeug.wrappers import Response as BaseResponse

from archiver.holdings import Holdings
from replay.lookup import Lookup


def home() -> str:
    """`/`: the collections."""
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    holdings: Holdings = current_app.extensions["muniment.holdings"]
    found = [(collection, holdings.index.summary(collection.slug)) for collection in lookup.public()]
    found.sort(key=lambda pair: (not pair[1].captures, pair[0].title.casefold()))
    return render_template("home.html", found=found)


def collection(name: str) -> str:
    """`/<collection>/`: its description and its pages."""
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    holdings: Holdings = current_app.extensions["muniment.holdings"]
    scope = lookup.scope(name)
    summaries = [holdings.index.summary(slug) for slug in scope.slugs]
    pages = [page for slug in scope.slugs for page in holdings.crawls.pages(slug, limit=100)]
    return render_template("collection.html", scope=scope, summaries=summaries, pages=pages)


def collection_short(name: str) -> BaseResponse:
    """`/<collection>` without its slash."""
    current_app.extensions["muniment.lookup"].scope(name)
    return redirect(f"/{name}/", 301)


def health() -> dict[str, str]:
    """`/-/health`: the server answers and its database too."""
    holdings: Holdings = current_app.extensions["muniment.holdings"]
    holdings.collections.all()
    return {"status": "ok"}
