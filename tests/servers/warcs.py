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
) -> bytes:
    """One gzip member with a response record."""
    http = f"HTTP/1.1 {status}\r\n{headers}\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: {to_iso(moment, 0)}\r\n"
        f"WARC-Record-ID: <urn:uuid:{abs(hash((url, moment, body))):032x}>\r\n"
        f"Content-Type: application/http;msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n")
