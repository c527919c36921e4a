"""WARC records written by hand, as other programs wrote them."""

from __future__ import annotations

import gzip
from datetime import datetime

from archiver.timestamps import to_iso


def response_record(
    url: str,
    moment: datetime,
    body: bytes,
    *,
    status: str = "200 OK",
    headers: str = "Content-Type: text/html; charset=utf-8\r\n",
    extra: str = "",
) -> bytes:
    """One gzip member with a response record; `extra`: lines of its WARC header."""
    http = f"HTTP/1.1 {status}\r\n{headers}\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: {to_iso(moment, 0)}\r\n"
        f"WARC-Record-ID: <urn:uuid:{abs(hash((url, moment, body))):032x}>\r\n{extra}"
        f"Content-Type: application/http;msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n")


def request_record(url: str, moment: datetime, method: str, content_type: str, body: bytes, *, concurrent: str = "") -> bytes:
    """One gzip member with a request record."""
    path = "/" + url.partition("://")[2].partition("/")[2]
    http = f"{method} {path} HTTP/1.1\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    extra = f"WARC-Concurrent-To: {concurrent}\r\n" if concurrent else ""
    head = (
        f"WARC/1.0\r\nWARC-Type: request\r\nWARC-Target-URI: {url}\r\nWARC-Date: {to_iso(moment, 0)}\r\n"
        f"WARC-Record-ID: <urn:uuid:{abs(hash((url, moment, method, body))):032x}>\r\n{extra}"
        f"Content-Type: application/http;msgtype=request\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n")


def revisit_record(
    url: str,
    moment: datetime,
    of_url: str,
    of_moment: datetime,
    *,
    headers: str = "Content-Type: text/html\r\n",
    digest: str = "",
    status: str = "200 OK",
) -> bytes:
    """One gzip member with a revisit record, which has the HTTP head, if any, but not the payload."""
    http = f"HTTP/1.1 {status}\r\n{headers}\r\n".encode() if status else b""
    named = f"WARC-Payload-Digest: {digest}\r\n" if digest else ""
    head = (
        f"WARC/1.1\r\nWARC-Type: revisit\r\nWARC-Target-URI: {url}\r\nWARC-Date: {to_iso(moment, 0)}\r\n"
        f"WARC-Record-ID: <urn:uuid:{abs(hash((url, moment, of_url))):032x}>\r\nWARC-Refers-To-Target-URI: {of_url}\r\n"
        f"WARC-Refers-To-Date: {to_iso(of_moment, 0)}\r\nContent-Type: application/http;msgtype=response\r\n{named}"
        f"WARC-Profile: http://netpreserve.org/warc/1.1/revisit/identical-payload-digest\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n")


def resource_record(url: str, moment: datetime, data: bytes, mime: str, kind: str = "resource") -> bytes:
    """One gzip member with a resource record, or one of another kind that has no HTTP head."""
    head = (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: {to_iso(moment, 0)}\r\n"
        f"WARC-Record-ID: <urn:uuid:{abs(hash((url, moment, data))):032x}>\r\n"
        f"Content-Type: {mime}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + data + b"\r\n\r\n")
