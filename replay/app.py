"""The reader as a Flask application."""

from __future__ import annotations

import logging
import os

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from archiver.errors import MunimentError, NotFound, StorageFailed, UsageError
from archiver.holdings import Holdings, open_holdings
from archiver.settings import Settings, load_settings
from replay.cache import RewriteCache
from replay.kept import KeptResponses
from replay.lookup import Lookup
from replay.views import portal, replay, runtime
from replay.views.errors import problem_page
from replay.views.language import add_language

logger = logging.getLogger(__name__)

#: Nothing from anywhere but this archive, whatever a page tries: the wall behind the rewriting.
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'self'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)

#: Of responses that one process keeps in memory.
_MEMORY_BYTES = 32 * 1024 * 1024


def create_reader(settings: Settings, holdings: Holdings) -> Flask:
    """The reader: archived pages, their versions, the collections. It changes nothing and sets no cookie.

    Args:
        settings: names and limits.
        holdings: the opened archive.
    """
    app = Flask(__name__, static_url_path="/-/static")
    app.url_map.merge_slashes = False
    app.config["SETTINGS"] = settings
    app.extensions["muniment.holdings"] = holdings
    app.extensions["muniment.lookup"] = Lookup(holdings)
    disk = RewriteCache(settings.archive / "cache" / "replay", settings.rewrite_cache_bytes)
    app.extensions["muniment.kept"] = KeptResponses(disk, min(_MEMORY_BYTES, settings.rewrite_cache_bytes))
    app.jinja_env.globals.update(instance=settings.instance_name)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    add_language(app)
    app.add_url_rule("/", "home", portal.home)
    app.add_url_rule("/-/health", "health", portal.health)
    app.add_url_rule("/-/runtime/<version>/page.js", "runtime", runtime.page)
    app.add_url_rule("/-/runtime/worker.js", "worker_runtime", runtime.worker)
    app.add_url_rule("/-/rewrite/js", "rewrite_js", runtime.rewritten_script, methods=["POST"])
    app.add_url_rule("/<name>", "collection_short", portal.collection_short)
    app.add_url_rule("/<name>/", "collection", portal.collection)
    app.add_url_rule("/<name>/<path:rest>", "replay", replay.show, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    app.after_request(_protect)
    app.register_error_handler(MunimentError, _muniment_error)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _protect(response: Response) -> Response:
    headers = response.headers
    if "Content-Security-Policy" not in headers:
        headers.add("Content-Security-Policy", POLICY)
    if "Memento-Datetime" not in headers:  # archived types are often wrong, and pages relied on sniffing
        headers["X-Content-Type-Options"] = "nosniff"
        response.vary.add("Accept-Language")
    headers.add("Referrer-Policy", "same-origin")
    if "Set-Cookie" in headers:
        del headers["Set-Cookie"]
    return response


def _muniment_error(error: MunimentError) -> Response:
    if isinstance(error, NotFound | UsageError):
        return problem_page(error.message, error.advice, 404 if isinstance(error, NotFound) else 400)
    logger.error("%s", error)  # the archive's fault, not the reader's
    return problem_page(error.message, "", 503 if isinstance(error, StorageFailed) else 500)


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    if code == 404:
        return problem_page("There is nothing at this address.", "Begin at the list of collections.", 404)
    if code >= 500:
        return problem_page("Something went wrong inside the archive.", "The log of the server says what.", code)
    return problem_page(error.name + ".", "", code)


def _from_environment() -> tuple[Settings, Holdings]:
    settings = load_settings(environ=os.environ)
    return settings, open_holdings(settings)


def reader() -> Flask:
    """Factory for server processes: settings come from the environment."""
    return create_reader(*_from_environment())


def workbench() -> Flask:
    """Factory for the workbench's server process, at whose end running captures are stopped and kept."""
    from multiprocessing.util import Finalize

    from replay.workbench.app import create_workbench

    app = create_workbench(*_from_environment())
    Finalize(None, app.extensions["muniment.runner"].close, exitpriority=100)  # a worker does not come to atexit
    return app
