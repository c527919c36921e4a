"""What goes with the public pages: pictures, the feed of new captures, the description for search fields of browsers."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from flask import Response, current_app, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.collections.catalogue import Catalogue
from archiver.collections.images import ImageRegistry
from archiver.errors import NotFound
from replay import running
from replay.address import ReplayAddress
from replay.feeds import ATOM, Entry, Feed, atom
from replay.lookup import ALL, Lookup, Scope
from replay.portal.marks import opensearch
from replay.portal.newest import newest
from replay.portal.words import PORTAL_WORDS
from replay.viewer import viewer_of
from replay.views.answers import base_address
from replay.views.language import reader_language
from replay.words import PAGE_WORDS

_ENTRIES = 50
#: Seconds for which a picture is kept by browsers; its address changes with it.
_KEPT = 86_400
_PICTURE_POLICY = "default-src 'none'; sandbox"


def picture(owner: str, slug: str) -> BaseResponse:
    """`/-/images/<organisation|collection>/<slug>`: its picture. What readers may not know of has none."""
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    viewer = viewer_of(request, running.settings())
    number = None
    if owner == "collection":
        collection = lookup.scope(slug, viewer).collection
        number = collection.number if collection else None
    elif owner == "organisation":
        known = (item.organisation for item in lookup.listed(viewer) if item.organisation)
        number = next((item.number for item in known if item.slug == slug), None)
    images: ImageRegistry = current_app.extensions["muniment.images"]
    found = images.get(owner, number) if number is not None else None
    if found is None:
        raise NotFound("There is no such picture.", "Begin at the list of collections.")
    response = Response(found.data, mimetype=found.mime)
    response.headers["Content-Security-Policy"] = _PICTURE_POLICY
    # Of a collection that becomes private no shared cache is to have the picture.
    response.headers["Cache-Control"] = f"private, max-age={_KEPT if request.args.get('v') else 0}"
    response.set_etag(hashlib.sha256(found.data).hexdigest()[:32])
    return response.make_conditional(request)


def feed(lookup: Lookup, scope: Scope) -> BaseResponse:
    """`/<collection>/?feed=atom`: the latest captures."""
    settings = running.settings()
    catalogue: Catalogue = current_app.extensions["muniment.catalogue"]
    base, language = base_address().rstrip("/"), reader_language()
    page = f"{base}/{quote(scope.slug)}/"
    found = newest(lookup, catalogue, scope, _ENTRIES)
    organisation = scope.collection.organisation if scope.collection else None
    entries = [
        Entry(
            item.title,
            item.timestamp,
            base + ReplayAddress(item.collection if scope.slug == ALL else scope.slug, item.timestamp, "", item.url).path(),
            "",
            PORTAL_WORDS[language].feed_text.format(url=item.url),
        )
        for item in found
    ]
    title = scope.collection.title if scope.collection else PAGE_WORDS[language].all_collections
    author = organisation.name if organisation else settings.instance_name
    made = Feed(f"{title} · {settings.instance_name}", f"{page}?feed=atom", page, author, language, entries)
    holdings = current_app.extensions["muniment.holdings"]
    begun = scope.collection.created_at if scope.collection else holdings.collections.now()
    return Response(atom(made, begun), content_type=ATOM)


def search_description(name: str) -> BaseResponse:
    """`/-/opensearch/<collection>.xml`: how a browser searches here."""
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    settings = running.settings()
    scope = lookup.scope(name, viewer_of(request, settings))
    title = scope.collection.title if scope.collection else settings.instance_name
    text = opensearch(title, PORTAL_WORDS[reader_language()].search_help, base_address(), quote(scope.slug))
    return Response(text, content_type="application/opensearchdescription+xml; charset=utf-8")
