"""Files sent as they are: whole or a part, with what tells that they arrived as they left (RFC 9110, RFC 9530)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import BinaryIO
from urllib.parse import quote

from flask import Response, request

from replay.ranges import Extent, cut, single_range

_PIECE = 256 * 1024

#: Opens a file at an offset, told how many bytes will be read.
Opener = Callable[[int, int], BinaryIO]


def file_response(opened: Opener, *, name: str, size: int, sha256: str, kind: str, mark: str = "") -> Response:
    """The answer to the present request for a file.

    Args:
        opened: opens it; not called for HEAD.
        name: for whoever saves it.
        size: bytes.
        sha256: hexadecimal; "" where nobody has measured it.
        kind: media type.
        mark: tells it from another file of that name, where `sha256` does not.
    """
    state = sha256 or mark
    tag = f'"{state}"'
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "private, no-cache",
    }
    if sha256:
        headers["Repr-Digest"] = f"sha-256=:{b64encode(bytes.fromhex(sha256)).decode('ascii')}:"
    if request.if_none_match.contains(state):
        return Response(status=304, headers=headers)
    # What is asked for only if nothing has changed is sent whole when it has; a date tells nothing of these files.
    is_same = request.headers.get("If-Range", tag) == tag
    wanted = single_range(request.headers.get("Range")) if is_same and request.method == "GET" else None
    extent, status = Extent(0, size - 1, size), 200
    if wanted is not None:
        part = cut(wanted, extent)
        if part is None:
            return Response(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        extent, status = part, 206
        headers["Content-Range"] = part.header()
    headers["Content-Length"] = str(extent.length)
    body: Iterable[bytes] = ()
    if request.method != "HEAD" and extent.length:
        body = _Part(opened(extent.first, extent.length), extent.length)
    response = Response(body, status, headers, content_type=kind, direct_passthrough=True)
    response.automatically_set_content_length = False
    return response


class _Part:
    """Bytes of a file, closed by the server when they are sent or nobody wants them any more."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream = stream
        self._left = length

    def __iter__(self) -> _Part:
        return self

    def __next__(self) -> bytes:
        if not self._left:
            raise StopIteration
        data = self._stream.read(min(_PIECE, self._left))
        if not data:
            # The connection breaks before its Content-Length: nobody takes what came for the whole file.
            raise OSError("a file is shorter than it was when it was measured")
        self._left -= len(data)
        return data

    def close(self) -> None:
        """The server is done with it."""
        self._stream.close()
