"""Files on web servers, read by range."""

from __future__ import annotations

import re
from contextlib import closing
from threading import Lock
from typing import Any

from archiver.errors import DamagedRecord, MissingRecord, StorageFailed
from archiver.store.remote import Part, Stat

_CONNECT_TIMEOUT = 5.0
_READ_TIMEOUT = 30.0
_REDIRECTS = 5
#: A server that gives whole files only is read up to here.
_MOST_FROM_BEGINNING = 64 * 1024 * 1024
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


class WebFiles:
    """Files by http and https, their URL as key; connections are kept and shared by threads. See `ReadableFiles`."""

    def __init__(self) -> None:
        self._pool: Any = None
        self._lock = Lock()

    @property
    def address(self) -> str:
        return ""

    def read(self, key: str, start: int, end: int, version: str = "") -> Part:
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        if version.startswith('"'):
            headers["If-Match"] = version
        elif version:
            headers["If-Unmodified-Since"] = version
        with closing(self._ask(key, headers)) as answer:
            if answer.status == 416:
                return Part(b"", _total(answer), version)
            if answer.status == 412:
                raise DamagedRecord("A file on another server changed while it was read.", "Try again.")
            _check(answer.status)
            told = answer.headers.get("ETag", "")
            told = told if told.startswith('"') else answer.headers.get("Last-Modified", "")
            if version and told and told != version:
                raise DamagedRecord("A file on another server changed while it was read.", "Try again.")
            if answer.status == 206:
                found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
                if found is None or found[1] is None or int(found[1]) != start:
                    raise StorageFailed("A web server gave another part of a file than was asked for.")
                return Part(_body(answer, end - start), _total(answer), told)
            return self._whole(answer, start, end, told)

    def stat(self, key: str) -> Stat:
        part = self.read(key, 0, 1)
        if part.total is None:
            raise StorageFailed("A web server does not say how long a file is.")
        return Stat(part.total, part.version)

    def _whole(self, answer: Any, start: int, end: int, version: str) -> Part:
        """The part of a file that a server without ranges gives from its beginning."""
        if end > _MOST_FROM_BEGINNING:
            raise StorageFailed(
                "The web server of a WARC file gives no parts of files, and the record is far from its beginning.",
                "Copy the file into the archive, or serve it by a server that knows ranges.",
            )
        length = answer.headers.get("Content-Length", "")
        data = _body(answer, end)
        return Part(data[start:], int(length) if length.isdecimal() and len(length) < 19 else None, version)

    def _ask(self, url: str, headers: dict[str, str]) -> Any:
        from urllib3 import PoolManager, Retry, Timeout
        from urllib3.exceptions import HTTPError

        with self._lock:
            if self._pool is None:
                self._pool = PoolManager(8, maxsize=8, timeout=Timeout(_CONNECT_TIMEOUT, _READ_TIMEOUT))
        try:
            retries = Retry(3, connect=1, read=1, redirect=_REDIRECTS, status=0, raise_on_redirect=True)
            return self._pool.request("GET", url, headers=headers, preload_content=False, retries=retries)
        except HTTPError as error:
            raise StorageFailed("The web server of a WARC file cannot be reached.", "Look at the network.") from error


def _check(status: int) -> None:
    if status in (404, 410):
        raise MissingRecord("A WARC file that the index names is not on its web server.", "Put it back.")
    if status in (401, 403):
        raise StorageFailed("The web server of a WARC file refuses to give it.", "Ask its operator for leave.")
    if status not in (200, 206):
        raise StorageFailed(f"The web server of a WARC file gave no part of it (status {status}).", "Try again later.")


def _total(answer: Any) -> int | None:
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(found[3]) if found and found[3] != "*" else None


def _body(answer: Any, most: int) -> bytes:
    from urllib3.exceptions import HTTPError

    pieces, left = [], most
    try:
        while left and (piece := answer.read(left, decode_content=False)):
            pieces.append(piece)
            left -= len(piece)
        if left == 0 and answer.length_remaining in (0, None):
            answer.drain_conn()
    except HTTPError as error:
        raise StorageFailed("The answer of a WARC file's web server broke off.", "Try again.") from error
    return b"".join(pieces)
