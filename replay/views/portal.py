"""The public pages: the collections, and each collection."""

from __future__ import annotations

from flask import current_app, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.index.protocol import UrlSummary
from replay.health import OK, Health
from replay.lookup import Lookup, Scope
from replay.viewer import viewer_of
from replay.views import search

#: URLs of an imported collection that are looked at for documents, and documents that are listed.
_DOCUMENTS_SEARCHED = 2000
_DOCUMENTS_SHOWN = 100


def home() -> str:
    """`/`: the collections."""
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    viewer = viewer_of(request, current_app.config["SETTINGS"])
    found = [(item, lookup.summary(lookup.scope(item.slug, viewer), item.slug)) for item in lookup.public()]
    found.sort(key=lambda pair: (not pair[1].captures, pair[0].title.casefold()))
    return render_template("home.html", found=found, say=search.words(), scope=None)


def collection(name: str) -> str:
    """`/<collection>/`: its description and its pages."""
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    scope = lookup.scope(name, viewer_of(request, current_app.config["SETTINGS"]))
    typed = request.args.get("q", "").strip()
    if typed:
        return search.show(lookup, scope, typed)
    summaries = [lookup.summary(scope, slug) for slug in scope.slugs]
    pages = [page for slug in scope.slugs for page in lookup.pages(scope, slug, limit=100)]
    documents = [] if pages else _documents(lookup, scope)
    return render_template(
        "collection.html", say=search.words(), scope=scope, summaries=summaries, pages=pages, documents=documents
    )


def _documents(lookup: Lookup, scope: Scope) -> list[UrlSummary]:
    """The HTML documents of an imported collection, which has no list of captured pages."""
    found = lookup.source(scope).under(scope.slugs, "", limit=_DOCUMENTS_SEARCHED)
    return [item for item in found if item.mime in ("text/html", "application/xhtml+xml")][:_DOCUMENTS_SHOWN]


def collection_short(name: str) -> BaseResponse:
    """`/<collection>` without its slash."""
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    lookup.scope(name, viewer_of(request, current_app.config["SETTINGS"]))
    return redirect(f"/{name}/", 301)


def health() -> tuple[dict[str, str], int]:
    """`/-/health`: the server answers, and so do its database and the place of the WARC files; 503 where one does not."""
    found: Health = current_app.extensions["muniment.health"]
    parts = found.parts()
    is_well = all(state == OK for state in parts.values())
    return {"status": OK if is_well else "failing", **parts}, 200 if is_well else 503
