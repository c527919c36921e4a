"""The public pages: the collections, each collection, and the organisations that collect."""

from __future__ import annotations

from urllib.parse import quote

from flask import current_app, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.collections.catalogue import ORDERS, Catalogue
from archiver.errors import NotFound
from archiver.index.protocol import UrlSummary
from replay import running
from replay.health import OK, Health
from replay.lookup import ALL, Lookup, Scope
from replay.portal.choices import Choice, Link, read_choice
from replay.portal.collectionlist import ORDERS as LIST_ORDERS
from replay.portal.collectionlist import CollectionPage, collection_page
from replay.portal.marks import dublin_core, json_ld
from replay.portal.numbers import Counting
from replay.portal.seedlist import described, seed_page
from replay.portal.words import PORTAL_WORDS
from replay.viewer import viewer_of
from replay.views import pictures, portalfiles, search
from replay.views.answers import base_address
from replay.views.language import reader_language

#: URLs of an imported collection that are looked at for documents, and documents and pages that are listed.
_DOCUMENTS_SEARCHED = 300
_SHOWN = 30


def home() -> str:
    """`/`: the collections."""
    return _list_of_collections("/", None)


def _list_of_collections(path: str, scope: Scope | None) -> str:
    choice = read_choice(request.args.items(multi=True), LIST_ORDERS)
    return render_template("home.html", found=_collections(choice, path), choice=choice, scope=scope, path=path, **_texts())


def _collections(choice: Choice, path: str, organisation: str = "") -> CollectionPage:
    counting: Counting = current_app.extensions["muniment.counting"]
    viewer = viewer_of(request, running.settings())
    return collection_page(_lookup(), _catalogue(), counting, viewer, choice, path, organisation)


def organisation(slug: str) -> str:
    """`/-/organisations/<slug>`: who collects, and what. One without a collection that is listed is not told of."""
    path = f"/-/organisations/{quote(slug)}"
    choice = read_choice(request.args.items(multi=True), LIST_ORDERS)
    viewer = viewer_of(request, running.settings())
    known = (item.organisation for item in _lookup().listed(viewer) if item.organisation)
    found = next((item for item in known if item.slug == slug), None)
    if found is None:
        raise NotFound("There is no such organisation.", "Begin at the list of collections.")
    return render_template(
        "organisation.html", organisation=found, picture=_catalogue().pictured("organisation").get(slug, ""),
        found=_collections(choice, path, slug), choice=choice, path=path, **_texts(),
    )  # fmt: skip


def collection(name: str) -> str | BaseResponse:
    """`/<collection>/`: what is said of it, its seeds, search in it, its feed."""
    lookup = _lookup()
    scope = lookup.scope(name, viewer_of(request, running.settings()))
    typed = request.args.get("q", "").strip()
    if request.args.get("feed") == "atom":
        return portalfiles.feed(lookup, scope)
    if typed:
        return search.show(lookup, scope, typed)
    return _list_of_collections(f"/{ALL}/", scope) if scope.collection is None else _one(lookup, scope)


def _one(lookup: Lookup, scope: Scope) -> str:
    assert scope.collection is not None
    counting: Counting = current_app.extensions["muniment.counting"]
    catalogue, path = _catalogue(), f"/{quote(scope.slug)}/"
    choice = read_choice(request.args.items(multi=True), ORDERS)
    said, numbers = catalogue.said_of(scope.slug), counting.of(scope, scope.slug)
    seeds = seed_page(lookup, catalogue, scope, choice)
    pages = [] if seeds.all_seeds else lookup.pages(scope, scope.slug, limit=_SHOWN)
    picture = catalogue.pictured("collection").get(scope.slug, "")
    address, instance = f"{base_address().rstrip('/')}{path}", running.settings().instance_name
    shown = f"{base_address()}-/images/collection/{quote(scope.slug)}" if picture else ""
    listed = {item.organisation.slug for item in lookup.listed(scope.viewer) if item.organisation}
    return render_template(
        "collection.html",
        scope=scope,
        numbers=numbers,
        found=seeds,
        choice=choice,
        path=path,
        pages=pages,
        shots={line.seed.url: pictures.newest(scope, scope.slug, line.seed.url) for line in seeds.lines if line.captured.count}
        | {page.final_url: pictures.at(scope, scope.slug, page.final_url, page.timestamp) for page in pages if page.timestamp},
        documents=[] if seeds.all_seeds or pages else _documents(lookup, scope),
        picture=picture,
        texts=[one.value for one in said if one.field == "description"],
        topics=[Link(one.value, Choice((one,)).address("/")) for one in said if one.field in ("topic", "subject")],
        statements=described(path, said, scope.collection.title),
        has_organisation_page=scope.collection.organisation is not None and scope.collection.organisation.slug in listed,
        meta=dublin_core(scope.collection, said, numbers, address, instance),
        json_ld=json_ld(scope.collection, said, numbers, address, shown, (instance, base_address())),
        **_texts(),
    )


def _documents(lookup: Lookup, scope: Scope) -> list[UrlSummary]:
    """The HTML documents of an imported collection, which has neither seeds nor a list of captured pages."""
    found = lookup.source(scope).under(scope.slugs, "", limit=_DOCUMENTS_SEARCHED)
    return [item for item in found if item.mime in ("text/html", "application/xhtml+xml")][:_SHOWN]


def collection_short(name: str) -> BaseResponse:
    """`/<collection>` without its slash."""
    lookup = _lookup()
    lookup.scope(name, viewer_of(request, running.settings()))
    return redirect(f"/{name}/", 301)


def _texts() -> dict[str, object]:
    return {"say": search.words(), "portal": PORTAL_WORDS[reader_language()]}


def _lookup() -> Lookup:
    found: Lookup = current_app.extensions["muniment.lookup"]
    return found


def _catalogue() -> Catalogue:
    found: Catalogue = current_app.extensions["muniment.catalogue"]
    return found


def health() -> tuple[dict[str, str], int]:
    """`/-/health`: the server answers, and so do its database and the place of the WARC files; 503 where one does not."""
    found: Health = current_app.extensions["muniment.health"]
    parts = found.parts()
    is_well = all(state == OK for state in parts.values())
    return {"status": OK if is_well else "failing", **parts}, 200 if is_well else 503
