"""The scripts that replay adds to pages, and what they ask the server for."""

from __future__ import annotations

import re

from flask import Response, request

from archiver.markup.slots import PassageKind
from replay.rewrite.context import RewriteContext
from replay.rewrite.js import rewrite_script
from replay.runtime.bundle import net, page_runtime, runtime_version, worker_runtime, worklet_runtime

#: Code that a page makes while it runs, in bytes; longer code is left as it is.
MAX_SCRIPT_BYTES = 2 * 1024 * 1024

_PAGE = re.compile(r"(/[A-Za-z0-9_-]+/)(\d{14})/(https?://.+)")
_ORIGIN = re.compile(r"https?://[\w.:\[\]-]+", re.ASCII)
_SCRIPT = "text/javascript; charset=utf-8"


def page(version: str) -> Response:
    """The runtime of a page."""
    response = Response(page_runtime(), content_type=_SCRIPT)
    current = version == runtime_version()
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if current else "no-store"
    return response


def worker() -> Response:
    """The runtime of a worker of a page."""
    found = _PAGE.fullmatch(
        f"{request.args.get('prefix', '')}{request.args.get('timestamp', '')}/{request.args.get('url', '')}"
    )
    if found is None:
        return Response("", 400, content_type=_SCRIPT)
    reader = request.args.get("reader", "")
    prefix, timestamp, url = found.groups()
    is_module = request.args.get("kind") == "module"
    script = worker_runtime(prefix, timestamp, url, reader if _ORIGIN.fullmatch(reader) else "", is_module=is_module)
    response = Response(script, content_type=_SCRIPT)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Access-Control-Allow-Origin"] = "*"  # for modules of workers in a sandbox
    response.add_etag()
    response.make_conditional(request)
    return response


def worklet() -> Response:
    """The runtime of a worklet of a page."""
    response = Response(worklet_runtime(), content_type=_SCRIPT)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def service_worker() -> Response:
    """The reader's own service worker, for the whole site."""
    response = Response(net(), content_type=_SCRIPT)
    response.headers["Service-Worker-Allowed"] = "/"
    response.headers["Cache-Control"] = "no-cache"
    return response


def rewritten_script() -> Response:
    """Code that a page made while it ran, as it is to run here. Nothing is stored."""
    found = _PAGE.fullmatch(request.args.get("page", ""))
    data = request.stream.read(MAX_SCRIPT_BYTES + 1)  # whatever length it says it has
    try:
        source = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        found = None
    if found is None or len(data) > MAX_SCRIPT_BYTES:
        return Response("", 400, content_type="text/plain; charset=utf-8")
    context = RewriteContext(found.group(1), found.group(2), found.group(3), "js")
    result = rewrite_script(context, source, PassageKind.SCRIPT)
    body = (source if result is None else result).encode("utf-8", "surrogatepass")
    response = Response(body, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Access-Control-Allow-Origin"] = "*"  # for pages in a sandbox
    return response
