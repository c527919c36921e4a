"""The reader as a Flask application."""

from __future__ import annotations

import gc
import logging
import os
import time
import weakref
from collections.abc import Callable

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from archiver.collections.catalogue import Catalogue
from archiver.collections.images import ImageRegistry
from archiver.elsewhere.current import AskedArchives
from archiver.errors import MunimentError, NotFound, StorageFailed, UsageError
from archiver.holdings import Holdings, open_holdings, utc_now
from archiver.missing import MissNotes
from archiver.settings import Settings, load_settings
from replay import running
from replay.address import raw_path
from replay.allocator import reuse_memory
from replay.around import Neighbours
from replay.cache import RewriteCache
from replay.counting import Counts
from replay.health import Health
from replay.kept import KeptResponses
from replay.lookup import Lookup
from replay.medialinks import MediaLinks
from replay.picturefiles import PictureFiles
from replay.pictures import Pictures
from replay.portal.numbers import Counting
from replay.strays import meant
from replay.versiontexts import CaptureTexts
from replay.viewer import viewer_of
from replay.views import (
    about,
    availability,
    captures,
    elsewhere,
    feeds,
    memento,
    pictures,
    portal,
    portalfiles,
    replay,
    reports,
    runtime,
    under,
)
from replay.views.cdx import CdxApi
from replay.views.errors import problem_page
from replay.views.language import add_language
from replay.wall import ENDPOINTS, POLICY, WallReports

logger = logging.getLogger(__name__)

#: Of responses that one process keeps in memory.
_MEMORY_BYTES = 32 * 1024 * 1024
#: Pictures that are made of archived ones take at most such a part of what the setting `rewrite_cache_bytes` gives.
_PICTURES_PART = 4
#: New objects between two collections: a script alone is thousands of pieces, which are no garbage while it is rewritten.
_COLLECTED_AFTER = 20_000


def create_reader(settings: Settings, holdings: Holdings) -> Flask:
    """The reader: archived pages, their versions, the collections. It changes nothing and sets no cookie.

    Args:
        settings: as they are at the start; what counts at once is asked of the archive with each request.
        holdings: the opened archive.
    """
    app = Flask(__name__, static_url_path="/-/static")
    app.url_map.merge_slashes = False
    app.extensions["muniment.holdings"] = holdings
    app.extensions["muniment.lookup"] = lookup = Lookup(holdings)
    app.extensions["muniment.catalogue"] = Catalogue(holdings.engine)
    app.extensions["muniment.images"] = ImageRegistry(holdings.engine)
    app.extensions["muniment.counting"] = Counting(holdings, time.monotonic)
    app.extensions["muniment.health"] = Health(holdings)
    app.extensions["muniment.neighbours"] = Neighbours(lookup, time.monotonic)
    app.extensions["muniment.counts"] = Counts(time.monotonic)
    app.extensions["muniment.texts"] = CaptureTexts(holdings, lookup)
    app.extensions["muniment.missing"] = MissNotes(settings.archive / "cache")
    app.extensions["muniment.wall"] = WallReports(settings.archive / "cache", utc_now)
    disk = RewriteCache(settings.archive / "cache" / "replay", settings.rewrite_cache_bytes)
    app.extensions["muniment.kept"] = KeptResponses(disk, min(_MEMORY_BYTES, settings.rewrite_cache_bytes))
    app.extensions["muniment.media"] = MediaLinks(holdings, lookup, time.monotonic)
    app.extensions["muniment.pictures"] = Pictures(lookup, time.monotonic)
    made = RewriteCache(settings.archive / "cache" / "pictures", settings.rewrite_cache_bytes // _PICTURES_PART)
    app.extensions["muniment.picturefiles"] = PictureFiles(holdings, lookup, made)
    app.extensions["muniment.elsewhere"] = others = AskedArchives(holdings)
    weakref.finalize(app, others.close)
    app.context_processor(lambda: {"instance": running.settings().instance_name})
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    add_language(app)
    app.add_url_rule("/", "home", portal.home)
    app.add_url_rule("/-/organisations/<slug>", "organisation", portal.organisation)
    app.add_url_rule("/-/images/<owner>/<slug>", "picture", portalfiles.picture)
    app.add_url_rule("/-/opensearch/<name>.xml", "search_description", portalfiles.search_description)
    app.add_url_rule("/-/health", "health", portal.health)
    app.add_url_rule("/-/runtime/<version>/page.js", "runtime", runtime.page)
    app.add_url_rule("/-/runtime/worker.js", "worker_runtime", runtime.worker)
    app.add_url_rule("/-/runtime/worklet.js", "worklet_runtime", runtime.worklet)
    app.add_url_rule("/-/net.js", "net", runtime.service_worker)
    app.add_url_rule("/-/reports", "reports", reports.show)
    app.add_url_rule("/-/reports", "take_report", reports.take, methods=["POST"])
    app.add_url_rule("/-/rewrite/js", "rewrite_js", runtime.rewritten_script, methods=["POST"])
    app.add_url_rule("/<name>", "collection_short", portal.collection_short)
    app.add_url_rule("/<name>/", "collection", portal.collection)
    app.add_url_rule("/wayback/available", "available", availability.available, methods=["GET", "POST"])
    app.add_url_rule("/-/about/<name>/<path:rest>", "about", about.about)
    app.add_url_rule("/-/earlier/<name>/<path:rest>", "earlier", about.earlier)
    app.add_url_rule("/-/later/<name>/<path:rest>", "later", about.later)
    app.add_url_rule("/-/sparkline/<name>/<path:rest>", "sparkline", about.sparkline)
    app.add_url_rule("/-/picture/<size>/<name>/<path:rest>", "page_picture", pictures.show)
    app.add_url_rule("/-/download/<form>/<name>/<path:rest>", "download", about.download)
    for page, view in around_pages():
        app.add_url_rule(f"/<name>/-/{page}", f"around_{page}", view)
    app.add_url_rule("/<name>/timegate/<path:rest>", "timegate", memento.timegate)
    app.add_url_rule("/<name>/timemap/<form>/<path:rest>", "timemap", memento.timemap_of)
    app.add_url_rule("/<name>/elsewhere/<path:rest>", "elsewhere", elsewhere.show)
    app.add_url_rule("/<name>/elsewhere/timegate/<path:rest>", "elsewhere_timegate", elsewhere.timegate)
    app.add_url_rule("/<name>/elsewhere/timemap/<form>/<path:rest>", "elsewhere_timemap", elsewhere.timemap)
    app.add_url_rule("/<name>/<path:rest>", "replay", replay.show, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    app.after_request(_protect)
    app.register_error_handler(MunimentError, _muniment_error)
    app.register_error_handler(HTTPException, _http_error)
    app.wsgi_app = CdxApi(app.wsgi_app, lookup, lambda sent, name: lookup.scope(name, viewer_of(sent, holdings.settings)))  # type: ignore[method-assign]
    return app


def around_pages() -> tuple[tuple[str, Callable[[str], BaseResponse]], ...]:
    """The pages around a URL: what follows `/<collection>/-/`, and what answers there."""
    return (
        ("captures", captures.captures),
        ("changes", captures.changes),
        ("compare", captures.comparison),
        ("difference", pictures.difference),
        ("urls", under.urls),
        ("summary", under.by_year),
        ("feed", feeds.feed),
        ("sparkline", feeds.spark),
        ("calendarcaptures", feeds.calendar_captures),
    )


def _protect(response: Response) -> Response:
    headers = response.headers
    if "Content-Security-Policy" not in headers:
        headers.add("Content-Security-Policy", POLICY)
        headers.add("Reporting-Endpoints", ENDPOINTS)
    if "Memento-Datetime" not in headers:  # archived types are often wrong, and pages relied on sniffing
        headers["X-Content-Type-Options"] = "nosniff"
        response.vary.add("Accept-Language")
    if "Cache-Control" not in headers and current_app.extensions["muniment.holdings"].access.has_any:
        headers["Cache-Control"] = "private, no-cache"  # other readers may be answered otherwise
    headers.add("Referrer-Policy", "same-origin")
    if "Set-Cookie" in headers:
        del headers["Set-Cookie"]
    if request.endpoint == "replay":
        # Pages in a sandbox have no origin: to them all that is archived is another's, and browsers ask leave for it.
        headers["Access-Control-Allow-Origin"] = "*"
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = "*"
            headers["Access-Control-Allow-Headers"] = "*, Authorization"
    return response


def _muniment_error(error: MunimentError) -> Response:
    if isinstance(error, NotFound) and (home := _homeward()) is not None:
        return home
    if isinstance(error, NotFound | UsageError):
        return problem_page(error.message, error.advice, 404 if isinstance(error, NotFound) else 400)
    logger.error("%s", error)  # the archive's fault, not the reader's
    if isinstance(error, StorageFailed):  # what it says of hosts and keys is for the operator
        return problem_page("The archive cannot reach what it keeps.", "Try again later.", 503)
    return problem_page(error.message, "", 500)


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    if code in (404, 405) and (home := _homeward()) is not None:
        return home
    if code == 404:
        return problem_page("There is nothing at this address.", "Begin at the list of collections.", 404)
    if code >= 500:
        return problem_page("Something went wrong inside the archive.", "The log of the server says what.", code)
    return problem_page(error.name + ".", "", code)


def _homeward() -> Response | None:
    """The way back for what strayed from an archived page."""
    environ = request.environ
    path = raw_path(environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
    destination = request.headers.get("Sec-Fetch-Dest", "")
    address = meant(path, request.headers.get("Referer", ""), request.headers.get("Host", ""), destination)
    if address is None:
        return None
    response = Response(status=307, headers={"Location": address.path()})
    response.headers["Cache-Control"] = "no-store"  # the same path of another page is meant for another place
    return response


def _from_environment() -> tuple[Settings, Holdings]:
    holdings = open_holdings(load_settings(environ=os.environ))
    return holdings.settings, holdings


def reader() -> Flask:
    """Factory for server processes: settings come from the environment."""
    reuse_memory()
    app = create_reader(*_from_environment())
    gc.collect()
    gc.freeze()  # what lives as long as the process is not looked through again and again
    gc.set_threshold(_COLLECTED_AFTER)
    return app


def workbench() -> Flask:
    """Factory for the workbench's server process, at whose end running captures are stopped and kept."""
    from multiprocessing.util import Finalize

    from replay.workbench.app import create_workbench

    app = create_workbench(*_from_environment())
    app.extensions["muniment.saves"].wake()  # from now on it looks for jobs that are tried again, too
    Finalize(None, app.extensions["muniment.saves"].close, exitpriority=100)  # a worker does not come to atexit
    jobs = app.extensions["muniment.wasapi.runner"]
    jobs.start()
    Finalize(None, jobs.close, exitpriority=100)
    return app
