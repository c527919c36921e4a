"""WARC files written by hand for the tests of `verify`: good ones, and the same with one thing wrong."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Sequence
from io import BytesIO

from archiver.warc.check import FileReport, Observer, check_file

Pairs = Sequence[tuple[str, str]]

DATE = "2016-08-10T20:46:23Z"
URL = "http://example.org/a"
BODY = b"<p>hello</p>"
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n"
IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def uuid(number: int) -> str:
    return f"<urn:uuid:00000000-0000-4000-8000-{number:012d}>"


def plain(
    pairs: Pairs, block: bytes = b"", *, version: str = "WARC/1.1", length: int | None = None, end: bytes = b"\r\n\r\n"
) -> bytes:
    """A record as it is written into a plain file; Content-Length comes last."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    size = "" if length == -1 else f"Content-Length: {len(block) if length is None else length}\r\n"
    return f"{version}\r\n{lines}{size}\r\n".encode() + block + end


def member(record: bytes) -> bytes:
    return gzip.compress(record, mtime=0)


def warcinfo(number: int = 1, extra: Pairs = (), *, version: str = "WARC/1.1") -> bytes:
    block = b"software: hand/1\r\nformat: WARC File Format 1.1\r\n"
    pairs = [("WARC-Type", "warcinfo"), ("WARC-Record-ID", uuid(number)), ("WARC-Date", DATE)]
    pairs += [("Content-Type", "application/warc-fields"), ("WARC-Block-Digest", sha1(block)), *extra]
    return plain(pairs, block, version=version)


def fields(
    kind: str = "response",
    number: int = 2,
    *,
    drop: Iterable[str] = (),
    put: Pairs = (),
    block: bytes = HTTP + BODY,
    payload: bytes = BODY,
    url: str = URL,
) -> list[tuple[str, str]]:
    """The header of a good http record: without some fields, with others (in the place of those of the same name)."""
    media = "request" if kind == "request" else "response"
    pairs = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", uuid(number)),
        ("WARC-Date", DATE),
        ("WARC-Warcinfo-ID", uuid(1)),
        ("WARC-Target-URI", url),
        ("WARC-IP-Address", "93.184.216.34"),
        ("WARC-Payload-Digest", sha1(payload)),
        ("WARC-Block-Digest", sha1(block)),
        ("Content-Type", f"application/http;msgtype={media}"),
    ]
    away = {name.lower() for name in drop} | {name.lower() for name, _ in put}
    return [pair for pair in pairs if pair[0].lower() not in away] + list(put)


def response(number: int = 2, *, block: bytes = HTTP + BODY, payload: bytes = BODY, **changes: object) -> bytes:
    version = str(changes.pop("version", "WARC/1.1"))
    return plain(fields("response", number, block=block, payload=payload, **changes), block, version=version)  # type: ignore[arg-type]


def checked(data: bytes, name: str = "test.warc.gz", observer: Observer | None = None) -> FileReport:
    return check_file(BytesIO(data), name, len(data), observer=observer)


def file_of(*records: bytes) -> bytes:
    """A gzip file behind its warcinfo record."""
    return b"".join(map(member, (warcinfo(), *records)))


def rules_of(data: bytes, name: str = "test.warc.gz") -> set[str]:
    return set(checked(data, name).log.counts)
