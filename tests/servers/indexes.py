"""Servers of indexes on loopback: one that answers as pywb and as the Internet Archive do, one that gives files by ranges."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

from archiver.index.query import KeyRange, Match, key_ranges
from archiver.model import Capture
from archiver.timestamps import parse_timestamp


@dataclass(frozen=True)
class Given:
    """An answer of a replay."""

    status: int
    body: bytes
    headers: dict[str, str]


_IA_NAMES = {"original": "url", "mimetype": "mime", "statuscode": "status"}


def fields(item: Capture) -> dict[str, str]:
    """What CDXJ says of a capture."""
    return {
        "url": item.url,
        "mime": "warc/revisit" if item.revisit_of else item.mime or "-",
        "status": str(item.status or "-"),
        "digest": item.digest.removeprefix("sha1:"),
        "length": str(item.length),
        "offset": str(item.offset),
        "filename": item.file,
    }


def cdxj(item: Capture, key: str = "") -> str:
    """A line of CDXJ."""
    return f"{key or item.urlkey} {item.timestamp} {json.dumps(fields(item))}"


class _Server:
    """A server in a thread; use it as a context manager."""

    handler: type[BaseHTTPRequestHandler]

    def __enter__(self) -> Self:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self._http.owner = self  # type: ignore[attr-defined]
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def url(self, path: str = "") -> str:
        """An address on it."""
        return f"http://127.0.0.1:{self._http.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one piece: else each answer waits for an acknowledgement

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def give(self, status: int, body: bytes, kind: str = "text/plain", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class _CdxHandler(_Handler):
    def do_GET(self) -> None:
        server: CdxServer = self.server.owner  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        server.asked_paths.append(self.path)
        given = server.replays.get(self.path)
        if given is not None:
            self.send_response(given.status)
            for name, value in {**given.headers, "Content-Length": str(len(given.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(given.body)
            return
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        server.asked.append(asked)
        if server.broken is not None:
            self.give(*server.broken)
        elif parts.path == "/ia":
            self.give(200, server.ia(asked), "application/json")
        elif parts.path == "/pywb":
            found = server.pywb(asked)
            missing = json.dumps({"message": f"No Captures found for: {asked['url']}"}).encode()
            self.give(200 if found else 404, found or missing, "text/x-ndjson" if found else "application/json")
        else:
            self.give(404, b"<html>nothing here</html>", "text/html")


class CdxServer(_Server):
    """Answers from a list of captures, at "/pywb" and "/ia".

    Attributes:
        asked: the parameters of each request.
        asked_paths: all that was asked for.
        replays: answers by path.
        broken: an answer that is given instead: status and body.
    """

    handler = _CdxHandler

    def __init__(self, captures: Sequence[Capture], *, page: int = 700) -> None:
        self._captures = sorted(captures, key=lambda item: (item.urlkey, item.timestamp))
        self._page = page
        self.asked: list[dict[str, str]] = []
        self.asked_paths: list[str] = []
        self.replays: dict[str, Given] = {}
        self.broken: tuple[int, bytes] | None = None

    def _found(self, asked: dict[str, str], start: str = "") -> list[Capture]:
        ranges = key_ranges(asked["url"], Match(asked.get("matchType", "exact")))
        low, high = asked.get("from", ""), asked.get("to", "")
        found = [
            item
            for item in self._captures
            if any(item.urlkey in keys for keys in ranges)
            and f"{item.urlkey} {item.timestamp}" >= start
            and (not low or item.timestamp >= low.ljust(14, "0"))
            and (not high or item.timestamp <= high.ljust(14, "9"))
        ]
        if asked.get("sort") == "closest":
            there = parse_timestamp(asked["closest"])
            found.sort(key=lambda item: abs(parse_timestamp(item.timestamp) - there))
        return found

    def pywb(self, asked: dict[str, str]) -> bytes:
        """One object a line."""
        found = self._found(asked)[: int(asked.get("limit", "1000000"))]
        lines = (json.dumps({"urlkey": item.urlkey, "timestamp": item.timestamp, **fields(item)}) for item in found)
        return "".join(f"{line}\n" for line in lines).encode()

    def ia(self, asked: dict[str, str]) -> bytes:
        """An array of arrays, the first with the names."""
        found = self._found(asked, unquote(asked.get("resumeKey", "")).replace("+", " "))
        limit = min(int(asked.get("limit", "1000000")), self._page)
        names = asked.get("fl", "urlkey,timestamp,original").split(",")
        rows = [names]
        for item in found[:limit]:
            said = {"urlkey": item.urlkey, "timestamp": item.timestamp, **fields(item)}
            rows.append([said[_IA_NAMES.get(name, name)] for name in names])
        if asked.get("showResumeKey") and len(found) > limit:
            rows += [[], [quote(f"{found[limit].urlkey} {found[limit].timestamp}")]]
        return ("[" + ",\n".join(json.dumps(row) for row in rows) + "]\n").encode() if len(rows) > 1 else b"[]"


class _FileHandler(_Handler):
    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        server: FileServer = self.server.owner  # type: ignore[attr-defined]
        path = server.folder / self.path.lstrip("/")
        if not path.is_file():
            self.give(404, b"")
            return
        data = path.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if self.command == "HEAD":
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
        elif wanted:
            first, last = int(wanted.group(1)), min(int(wanted.group(2)), len(data) - 1)
            server.read.append((self.path, last + 1 - first))
            self.give(206, data[first : last + 1], Content_Range=f"bytes {first}-{last}/{len(data)}")
        else:
            server.read.append((self.path, len(data)))
            self.give(200, data)


class FileServer(_Server):
    """Gives the files of a folder, and parts of them.

    Attributes:
        read: path and bytes of each answer.
    """

    handler = _FileHandler

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read: list[tuple[str, int]] = []


def every_key() -> list[KeyRange]:
    """Everything."""
    return [KeyRange("", None)]
