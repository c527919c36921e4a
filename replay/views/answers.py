"""Small parts of answers with archived responses: what was asked for, how it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response, request

from archiver.requestkey import MAX_BODY_BYTES, with_request
from replay.load import ArchivedResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def asked_for(url: str) -> str:
    """The URL under which the answer to the present request is found, with what was sent to it."""
    if request.method in ("GET", "HEAD"):
        return url
    body = request.stream.read(MAX_BODY_BYTES)
    return with_request(url, request.method, request.headers.get("Content-Type", ""), body)


def base_address() -> str:
    """This archive's own address, as the present request names it, with a slash at the end."""
    return f"{request.scheme}://{request.host}/"


def taken(body: Iterable[bytes], limit: int) -> tuple[bytes, Iterable[bytes] | None]:
    """A body when it is no longer than `limit` bytes; else its beginning, and the rest."""
    pieces: list[bytes] = []
    size = 0
    rest = iter(body)
    for piece in rest:
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            return b"".join(pieces), rest
    return b"".join(pieces), None


def longer(headers: Iterable[tuple[str, str]], more: int) -> Iterable[tuple[str, str]]:
    """Header fields of a body that has become longer by so many bytes."""
    if not more:
        return headers
    return [(name, str(int(value) + more) if name == "Content-Length" else value) for name, value in headers]


def shown_status(found: ArchivedResponse) -> int:
    """The status that is sent.

    A challenge would open the browser's login window; a status below 200 would have it wait for another answer.
    """
    if found.status in (401, 407):
        return 403
    return found.status if found.status >= 200 else 502


def tag_of(key: str, inserted: str) -> str:
    """The entity tag of a response with something in it that is not archived."""
    return hashlib.sha256(f"{key} {inserted}".encode()).hexdigest()


class ArchivedAnswer(Response):
    """Has no type but the archived one, and goes to the server in one piece where it is one."""

    default_mimetype = None

    def get_app_iter(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        """A list where nothing is to be done at the end: what is not one, servers pass on piece by piece."""
        has_body = environ["REQUEST_METHOD"] != "HEAD" and self.status_code >= 200 and self.status_code not in (204, 304)
        if has_body and self.is_sequence and not self._on_close:
            return list(self.iter_encoded())
        return super().get_app_iter(environ)
