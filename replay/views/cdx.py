"""The CDX API on the wire, in front of the rest of the reader: look-ups by programs are many, and need nothing else of it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from flask import Request
from zlib_ng import zlib_ng

from archiver.errors import MunimentError, NotFound, StorageFailed, UsageError
from archiver.index.query import Place
from replay import cdx_ia, cdx_pywb
from replay.address import raw_path, repair_url
from replay.cdxanswer import CdxAnswer, row_of
from replay.cdxapi import BLOCK_ROWS, CdxQuery, Parameters
from replay.cdxpages import PageMarks
from replay.cdxroute import Route, route_of
from replay.lookup import ALL, Lookup, Scope
from replay.wall import ENDPOINTS, POLICY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

#: Answers of more than a piece, or about more than one URL, that one process looks for and sends at a time: each takes one of
#: the server's few threads.
_MOST_STREAMS = 5
_RETRY_SECONDS = 5
#: Seconds that a question about more than one URL waits for its turn.
_PATIENCE = 0.25
_COMPRESSED_FROM = 1000
_GZIP = 31
_METHODS = "GET, HEAD, OPTIONS"
#: In the words that clients of the Internet Archive look for.
_BLOCKED = "AdministrativeAccessControlException: Blocked Site Error. What is held of this URL may not be shown."
_ONLY_READ = "Only GET and HEAD are answered here."
_TYPES = {
    "text": "text/plain; charset=UTF-8", "json": "application/json", "cdxj": "text/x-cdxj", "ndjson": "text/x-ndjson",
    "link": "application/link-format",
}  # fmt: skip
#: What every answer has.
_FIELDS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "X-CDX-Num-Pages, X-CDX-Max-Lines"),
    ("Cache-Control", "no-cache"),
    ("Content-Security-Policy", POLICY),
    ("Reporting-Endpoints", ENDPOINTS),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
)


class Turn:
    """One of the turns that long answers have; it is given back once.

    Args:
        turns: out of which it was taken.
    """

    def __init__(self, turns: threading.BoundedSemaphore) -> None:
        self._turns: threading.BoundedSemaphore | None = turns

    def give_back(self) -> None:
        """For another answer to take."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.release()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent.

    Attributes:
        status: with its reason.
        content_type: of the body.
        body: in pieces, as they become known.
        fields: more header fields.
        is_compressed: the body may be compressed.
        turn: among the long answers; None when there was no need for one yet.
    """

    status: str
    content_type: str
    body: Iterator[bytes]
    fields: tuple[tuple[str, str], ...] = ()
    is_compressed: bool = False
    turn: Turn | None = None


class CdxApi:
    """Answers the addresses of the CDX API, and hands all others on.

    Args:
        following: the application that answers the others.
        lookup: of the archive.
        scope_of: what the sender of a request may see of a collection.
    """

    def __init__(self, following: WSGIApplication, lookup: Lookup, scope_of: Callable[[Request, str], Scope]) -> None:
        self._following, self._lookup, self._scope_of = following, lookup, scope_of
        self._marks = PageMarks(time.monotonic)
        self._streams = threading.BoundedSemaphore(_MOST_STREAMS)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        route = route_of(environ["PATH_INFO"])
        if route is None:
            return self._following(environ, start_response)
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            start_response("204 No Content", [*_FIELDS, ("Access-Control-Allow-Methods", _METHODS), ("Allow", _METHODS)])
            return []
        if method not in ("GET", "HEAD"):
            return self._sent(_refused("405 Method Not Allowed", _ONLY_READ, False), environ, start_response)
        try:
            return self._sent(self._answered(route, environ), environ, start_response)
        except NotFound as error:
            if "HTTP_REFERER" in environ:  # perhaps it strayed from an archived page
                return self._following(environ, start_response)
            return self._failed("404 Not Found", error, environ, route, start_response)
        except UsageError as error:
            return self._failed("400 Bad Request", error, environ, route, start_response)
        except StorageFailed as error:
            logger.error("%s", error)
            return self._failed("503 Service Unavailable", MunimentError(error.message), environ, route, start_response)

    def _failed(
        self, status: str, error: MunimentError, environ: WSGIEnvironment, route: Route, start_response: StartResponse
    ) -> Iterable[bytes]:
        is_json = not route.is_ia or route.output == "json" or "output=json" in environ.get("QUERY_STRING", "")
        return self._sent(_refused(status, str(error), is_json), environ, start_response)

    # -- answers -----------------------------------------------------------------------------------------------------

    def _answered(self, route: Route, environ: WSGIEnvironment) -> Answer:
        query_string = environ.get("QUERY_STRING", "")
        url = ""
        if route.has_url:  # the query is the URL's own
            path = raw_path(environ["PATH_INFO"], query_string)
            url, query_string = repair_url(path.partition("/timemap/cdx/")[2]), ""
        given = Parameters(query_string)
        name = route.collection or given.one("collection") or ALL
        scope = self._scope_of(Request(environ), name)
        if route.is_ia and scope.gate is not None and self._is_blocked(scope, url or given.one("url").strip()):
            return _refused("403 Forbidden", _BLOCKED, False)
        query = cdx_ia.read(given, url, route.output) if route.is_ia else cdx_pywb.read(given)
        turn = None if query.key else self._turn(_PATIENCE)
        if not query.key and turn is None:
            return _busy()
        try:
            answer = self._in_ia(query, scope) if route.is_ia else self._in_pywb(query, scope, given)
        except BaseException:
            if turn is not None:
                turn.give_back()
            raise
        return replace(answer, turn=turn)

    def _turn(self, seconds: float) -> Turn | None:
        """A turn for an answer that may take long; None when none becomes free in so many seconds."""
        return Turn(self._streams) if self._streams.acquire(timeout=seconds) else None

    def _is_blocked(self, scope: Scope, url: str) -> bool:
        """Readers are told that this very URL may not be shown."""
        return bool(url) and self._lookup.blocked(scope, repair_url(url), "") is not None

    def _in_ia(self, query: CdxQuery, scope: Scope) -> Answer:
        answer = CdxAnswer(query, self._lookup, scope, self._marks)
        kind = _TYPES[query.output]
        if query.wants_page_count or query.wants_page_index:
            places, _ = answer.page_places(None)
            told = f"{len(places)}\n" if query.wants_page_count else _page_index(places, query)
            return Answer("200 OK", kind, iter((told.encode(),)), _page_fields(query, len(places)), query.is_compressed)
        fields: tuple[tuple[str, str], ...] = ()
        if query.page is not None:
            places, is_whole = answer.page_places(query.page + 2)
            fields = _page_fields(query, len(places) if is_whole else None)
            if query.page >= len(places):  # no line at all, in any format: so clients know the end
                return Answer("200 OK", kind, iter(()), fields)
        if query.is_plain and query.output == "text":
            body = cdx_ia.plain_text(query, answer.batches(), lambda: answer.following)
        else:
            write = cdx_ia.text if query.output == "text" else cdx_ia.as_json
            body = write(query, answer.rows(), lambda: answer.following)
        return Answer("200 OK", kind, body, fields, query.is_compressed)

    def _in_pywb(self, query: CdxQuery, scope: Scope, given: Parameters) -> Answer:
        answer = CdxAnswer(query, self._lookup, scope, self._marks)
        kind = _TYPES["ndjson" if query.output == "json" else query.output]
        if query.wants_page_count:
            places, _ = answer.page_places(None)
            pages = {"pages": len(places), "pageSize": query.page_blocks, "blocks": len(places) * query.page_blocks}
            return Answer("200 OK", _TYPES["json"], iter((json.dumps(pages).encode() + b"\n",)))
        if query.wants_page_index:
            places, _ = answer.page_places(None)
            return Answer("200 OK", _TYPES["text"], iter((_page_index(places, query).encode(),)), (), True)
        if query.page:
            places, is_whole = answer.page_places(query.page + 1)
            if is_whole and query.page >= len(places):
                raise UsageError(f"There is no page {query.page}.", f"Pages are numbered from 0; there are {len(places)}.")
        if query.output == "link":
            return Answer("200 OK", kind, cdx_pywb.link(answer.rows(), scope.slug))
        if query.is_plain:
            body = cdx_pywb.plain_lines(query, answer.batches())
        else:
            body = cdx_pywb.lines(query, answer.rows(), {})
        if query.key and cdx_pywb.wants_fuzzy(given):
            first = next(body, None)
            body = chain((first,), body) if first is not None else self._fuzzy(query, scope, given)
        return Answer("200 OK", kind, body, (), True)

    def _fuzzy(self, query: CdxQuery, scope: Scope, given: Parameters) -> Iterator[bytes]:
        """What is most like a URL that is not held."""
        url = repair_url(given.one("url").strip())
        found = self._lookup.approximate(scope, url, query.closest)
        rows = map(row_of, found)
        return cdx_pywb.lines(query, (row for row, _ in zip(rows, range(query.limit or 1), strict=False)), {"is_fuzzy": "1"})

    # -- sending -----------------------------------------------------------------------------------------------------

    def _sent(self, answer: Answer, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        turn = answer.turn
        try:
            first, second = next(answer.body, b""), next(answer.body, None)
            is_head = environ["REQUEST_METHOD"] == "HEAD"
            if second is not None and not is_head and turn is None:
                turn = self._turn(0)
                if turn is None:
                    return self._sent(_busy(), environ, start_response)
            fields = [("Content-Type", answer.content_type), *answer.fields, *_FIELDS]
            is_compressed = False
            if answer.is_compressed and (second is not None or len(first) >= _COMPRESSED_FROM):
                fields.append(("Vary", "Accept-Encoding"))
                is_compressed = _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
            if is_compressed:
                fields.append(("Content-Encoding", "gzip"))
            if second is None:
                body = b"".join(_compressed((first,))) if is_compressed else first
                start_response(answer.status, [*fields, ("Content-Length", str(len(body)))])
                return [] if is_head else [body]
            start_response(answer.status, fields)
            if is_head or turn is None:
                return []
            pieces: Iterable[bytes] = _until_broken(chain((first, second), answer.body))
            stream = _Stream(_compressed(pieces) if is_compressed else pieces, turn)
            turn = None  # the stream's now
            return stream
        finally:
            if turn is not None:
                turn.give_back()


class _Stream:
    """A long answer on its way; its turn is given back at its end, however that comes."""

    def __init__(self, pieces: Iterable[bytes], turn: Turn) -> None:
        self._pieces, self._turn = iter(pieces), turn

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """The answer is sent, or nobody waits for it any more."""
        self._turn.give_back()

    def __del__(self) -> None:
        self.close()


def _busy() -> Answer:
    message = f"Too many long answers are being looked for. Ask again in {_RETRY_SECONDS} seconds."
    return _refused("429 Too Many Requests", message, False)


def _refused(status: str, message: str, is_json: bool) -> Answer:
    """One sentence on why there is no answer."""
    busy = (("Retry-After", str(_RETRY_SECONDS)),) if status.startswith(("429", "503")) else ()
    if is_json:
        return Answer(
            status,
            "application/json; charset=utf-8",
            iter((json.dumps({"message": message}, ensure_ascii=False).encode(),)),
            busy,
        )
    return Answer(status, "text/plain; charset=utf-8", iter((f"{message}\n".encode(),)), busy)


def _page_fields(query: CdxQuery, count: int | None) -> tuple[tuple[str, str], ...]:
    most = (("X-CDX-Max-Lines", str(BLOCK_ROWS * query.page_blocks)),)
    return most if count is None else (("X-CDX-Num-Pages", str(count)), *most)


def _page_index(places: list[Place], query: CdxQuery) -> str:
    """Where each page begins."""
    if query.output == "json":
        rows = [["urlkey", "timestamp", "page"], *([place.urlkey, place.timestamp, str(at)] for at, place in enumerate(places))]
        return json.dumps(rows) + "\n"
    return "".join(f"{place.urlkey} {place.timestamp}\t{at}\n" for at, place in enumerate(places))


def _until_broken(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, and where the index fails in between a line that none of the formats has: the server would end as if all were
    well, and what was sent before would pass for everything."""
    try:
        yield from pieces
    except MunimentError as error:
        logger.error("a long answer breaks off: %s", error)
        yield b"!incomplete: the index could not be read to the end. Ask again.\n"


def _takes_gzip(accepted: str) -> bool:
    for item in accepted.lower().split(","):
        name, _, parameters = item.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib_ng.compressobj(1, zlib_ng.DEFLATED, _GZIP)
    for piece in pieces:
        packed = packer.compress(piece)
        if packed:
            yield packed
    yield packer.flush()
