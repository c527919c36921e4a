"""Reads one HTTP response by its framing (RFC 9112, section 6), byte by byte as it crossed the wire. No I/O.

http.client's own response parser is not used: it loses 1xx heads, stops at the first odd chunk size and rebuilds header
fields. Here bytes go into the recording as they come, and are only looked at for where the response ends.
"""

from __future__ import annotations

import re
from collections.abc import Generator

from archiver.fetch.recording import Recording
from archiver.message import MAX_HEAD_BYTES, ChunkedDecoder, Head, parse_head
from archiver.model import Failure, FailureKind, Truncation

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LOOKS_LIKE_HTTP = (b"HTTP/", b"ICY ")
#: Statuses of responses without a body.
_BODILESS = frozenset({204, 304})

#: Why reading ends before the response does.
Problem = tuple[Truncation, FailureKind, str]


class _Cut(Exception):
    """Reading ends before the message does; the recording says why."""


class ResponseReader:
    """Takes the bytes of one response as they come, in whatever pieces.

    Args:
        recording: takes what is read.
        method: of the request.

    Attributes:
        is_reusable: once the response is whole: the connection can be used for another request.
    """

    def __init__(self, recording: Recording, method: str) -> None:
        self.is_reusable = False
        self._recording = recording
        self._method = method
        self._buffer = b""
        self._steps = self._read()
        next(self._steps)

    def feed(self, data: bytes) -> bool:
        """Take in bytes, b"" for the end of the connection; True when nothing more is to be read."""
        self._recording.received = self._recording.received or bool(data)
        try:
            self._steps.send(data)
        except StopIteration:
            return True
        except _Cut:
            return True
        return False

    def cut(self, problem: Problem) -> None:
        """Read no more; what came of an unfinished head is kept."""
        self._steps.close()
        if self._buffer:
            self._recording.keep(self._buffer)
        self._recording.cut(*problem)

    def _read(self) -> Generator[None, bytes, None]:
        head = yield from self._read_head()
        if head is None:
            return
        self._recording.head = head
        is_whole = yield from self._read_body(head)
        self.is_reusable = is_whole and not self._buffer and _keeps_alive(head)

    def _read_head(self) -> Generator[None, bytes, Head | None]:
        recording = self._recording
        while True:
            raw = yield from self._until_blank_line()
            if raw is None:
                return None
            head = parse_head(raw)
            if head.status is not None and 100 <= head.status < 200 and head.status != 101:
                recording.interim += raw
                continue
            recording.keep(raw)
            return head

    def _until_blank_line(self) -> Generator[None, bytes, bytes | None]:
        searched = 0
        while True:
            stripped = self._buffer.lstrip(b"\r\n")
            if len(stripped) != len(self._buffer):  # RFC 9112, section 2.2: empty lines before a message
                self._recording.interim += self._buffer[: len(self._buffer) - len(stripped)]
                self._buffer = stripped
            if len(self._recording.interim) > MAX_HEAD_BYTES:  # no other limit counts what comes before the response
                yield from self._no_http("what comes before the response has no end")
                return None
            if not any(self._buffer[:5] == mark[: len(self._buffer[:5])] for mark in _LOOKS_LIKE_HTTP):
                yield from self._no_http("the server did not answer in HTTP")
                return None
            end = _BLANK_LINE.search(self._buffer, max(0, searched - 3))  # three bytes may be the beginning of one
            searched = len(self._buffer)
            if end:
                raw, self._buffer = self._buffer[: end.end()], self._buffer[end.end() :]
                return raw
            if len(self._buffer) > MAX_HEAD_BYTES:
                yield from self._no_http("the response head has no end")
                return None
            data = yield
            if not data:
                if self._buffer:
                    self._recording.keep(self._buffer)
                    self._recording.cut(
                        Truncation.DISCONNECT, FailureKind.CUT_SHORT, "the connection ended inside the response head"
                    )
                else:
                    self._recording.failure = Failure(
                        FailureKind.CONNECTION_RESET, "the server closed the connection without an answer"
                    )
                return None
            self._buffer += data

    def _no_http(self, reason: str) -> Generator[None, bytes, None]:
        """Keep whatever comes: it is what the server said."""
        data, self._buffer = self._buffer, b""
        self._keep(data)
        while data := (yield):
            self._keep(data)
        self._recording.failure = Failure(FailureKind.PROTOCOL, reason)

    def _read_body(self, head: Head) -> Generator[None, bytes, bool]:
        """Read the body; True when its end is known without the connection's end."""
        if self._method == "HEAD" or head.status in _BODILESS:
            # Who announces a body here may send it after all: it would be taken for the next answer.
            return not (head.status == 204 and (head.is_chunked or _content_length(head)))
        if head.is_chunked:
            return (yield from self._read_chunked())
        length = _content_length(head)
        if length is None:
            yield from self._read_to_close()
            return False
        yield from self._read_counted(length)
        return True

    def _read_counted(self, remaining: int) -> Generator[None, bytes, None]:
        data, self._buffer = self._buffer, b""
        while remaining:
            data = data or (yield)
            if not data:
                self._cut_short(f"the connection ended {remaining:,} bytes before the announced length")
            piece, data = data[:remaining], data[remaining:]
            remaining -= len(piece)
            self._keep(piece)
        self._buffer = data

    def _read_to_close(self) -> Generator[None, bytes, None]:
        data, self._buffer = self._buffer, b""
        while data := data or (yield):
            self._keep(data)
            data = b""

    def _read_chunked(self) -> Generator[None, bytes, bool]:
        decoder = ChunkedDecoder()
        data, self._buffer = self._buffer, b""
        while not decoder.complete:
            data = data or (yield)
            if not data:
                if not decoder.malformed:
                    self._cut_short("the connection ended before the last chunk")
                return False
            decoder.feed(data)
            decoder.sizes.clear()
            keep = len(data) - len(decoder.excess)
            self._keep(data[:keep])
            data, self._buffer = b"", data[keep:]
        return True

    def _keep(self, data: bytes) -> None:
        recording = self._recording
        if recording.max_bytes is not None and recording.length + len(data) > recording.max_bytes:
            recording.keep(data[: max(0, recording.max_bytes - recording.length)])
            recording.cut(Truncation.LENGTH, FailureKind.TOO_LARGE, f"larger than the limit of {recording.max_bytes:,} bytes")
            raise _Cut
        recording.keep(data)

    def _cut_short(self, reason: str) -> None:
        self._recording.cut(Truncation.DISCONNECT, FailureKind.CUT_SHORT, reason)
        raise _Cut


def _content_length(head: Head) -> int | None:
    """The announced length; None when there is none or the fields disagree."""
    values = {word.strip() for value in head.get_all("Content-Length") for word in value.split(",")}
    if len(values) != 1:
        return None
    value = values.pop()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _keeps_alive(head: Head) -> bool:
    words = head.tokens("Connection")
    if "close" in words or head.status == 101:
        return False
    return head.version == "HTTP/1.1" or "keep-alive" in words
