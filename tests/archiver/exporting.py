"""What tests of exports share: an archive with captures of many kinds, exports of it, and what two archives have in common."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from archiver.engine import PageCapturer
from archiver.export.output import FolderBundle, SingleBundle
from archiver.export.run import Exporter, ExportReport, Wish
from archiver.export.selection import Selection, checked_selection
from archiver.holdings import Holdings, open_holdings
from archiver.index.query import KeyRange
from archiver.model import Capture
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from archiver.warc.reader import read_record
from archiver.warc.records import digest
from tests.servers.routes import Answer, RouteServer
from tests.servers.warcs import request_record, response_record, revisit_record

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
SITE = "http://site.example"

PAGE = (
    b"<!doctype html><title>Harbour &amp; light</title><link rel=stylesheet href=/style.css><img src=/lamp.png>"
    b"<script src=/app.js></script><iframe src=/frame.html></iframe><a href=/other.html>other</a>"
)
ROUTES = {
    "/": Answer(PAGE * 3),
    "/style.css": Answer(b"body{background:url(/sea.png)}" * 20, "text/css"),
    "/sea.png": Answer(b"\x89PNG sea" * 60, "image/png"),
    "/lamp.png": Answer(b"\x89PNG lamp" * 60, "image/png"),
    "/app.js": Answer(b"console.log(1);" * 40, "text/javascript"),
    "/frame.html": Answer(b"<title>Frame</title><img src=/sea.png>" * 10),
    "/other.html": Answer(b"<title>Other</title>" * 30),
}


def opened(home: Path) -> Holdings:
    """An archive with a clock that stands still."""
    return open_holdings(load_settings({"archive": home, "allow_private": True}, environ={}), clock=lambda: NOW)


def capture_site(holdings: Holdings, slug: str, *, times: int = 2) -> str:
    """Capture the page above, the second time as revisits; its address."""
    with RouteServer(ROUTES) as server:
        for _ in range(times):
            with PageCapturer(holdings, slug, software="muniment/test") as capturer:
                capturer.capture(server.url("/"))
        return server.url("/").rstrip("/")


def plain_record(url: str, moment: datetime, body: bytes) -> bytes:
    """A response that is not compressed."""
    return gzip.decompress(response_record(url, moment, body))


def odd_files(folder: Path) -> list[Path]:
    """WARC and ARC files as other programs leave them."""
    post = request_record(f"{SITE}/api", MOMENT, "POST", "application/json", b'{"Query": "Sea", "n": 2}')
    answer = response_record(f"{SITE}/api", MOMENT, b'{"found": 1}', headers="Content-Type: application/json\r\n")
    get = request_record(f"{SITE}/first", MOMENT, "GET", "text/plain", b"")
    other_get = request_record(f"{SITE}/second", MOMENT, "GET", "text/plain", b"")
    first = response_record(f"{SITE}/first", MOMENT, b"<title>First</title>")
    second = response_record(f"{SITE}/second", MOMENT + timedelta(days=400), b"<title>Second</title>")
    same = b"<p>the same</p>"
    old = response_record(f"{SITE}/page", MOMENT, same)
    again = revisit_record(f"{SITE}/page", MOMENT + timedelta(days=1), f"{SITE}/page", MOMENT, digest=digest([same]))
    found = {
        "request-first.warc.gz": post + answer + get + first + other_get + second,
        "revisits.warc.gz": old + again,
        "plain.warc": plain_record(f"{SITE}/plain", MOMENT, b"<p>plain</p>" * 50),
        "old.arc": arc_file(f"{SITE}/old", b"<p>from 2002</p>"),
    }
    for name, data in found.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in found]


def arc_file(url: str, body: bytes) -> bytes:
    """An ARC file with one document."""
    about = b"1 0 Test\nURL IP-address Archive-date Content-type Archive-length\n\n"
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    head = f"filedesc://old.arc 0.0.0.0 20020304050607 text/plain {len(about)}\n".encode()
    return head + about + f"\n{url} 192.0.2.1 20020304050607 text/html {len(http)}\n".encode() + http + b"\n"


def take_in(holdings: Holdings, slug: str, files: list[Path]) -> None:
    """Import files; each without damage."""
    for path in files:
        report = import_file(path, collection=slug, store=holdings.store, index=holdings.index)
        assert not report.bad, (path, report.bad)


def exporter(holdings: Holdings, slug: str, *, selection: dict[str, Any] | None = None, **wish: Any) -> Exporter:
    """An export with numbers for ids."""
    ids = count(1)
    wanted = checked_selection(Selection(slug, **(selection or {})))
    return Exporter(
        holdings, Wish(wanted, **wish), clock=lambda: NOW, new_id=lambda: f"<urn:uuid:00000000-0000-4000-8000-{next(ids):012x}>"
    )


def into_folder(holdings: Holdings, slug: str, folder: Path, **options: Any) -> ExportReport:
    """WARC files in a folder."""
    folder.mkdir()
    return exporter(holdings, slug, **options).warcs(FolderBundle(folder))


def as_file(holdings: Holdings, slug: str, **options: Any) -> tuple[bytes, ExportReport]:
    """One WARC file, in memory."""
    target = io.BytesIO()
    report = exporter(holdings, slug, **options).warcs(SingleBundle(target), name="one.warc.gz")
    return target.getvalue(), report


def as_wacz(holdings: Holdings, slug: str, path: Path, **options: Any) -> ExportReport:
    """A WACZ."""
    with path.open("wb") as stream:
        return exporter(holdings, slug, **options).wacz(stream)


def as_lines(holdings: Holdings, slug: str, *, as_cdx: bool = False, **options: Any) -> list[str]:
    """CDXJ or CDX."""
    target = io.BytesIO()
    exporter(holdings, slug, **options).index(target, as_cdx=as_cdx)
    return target.getvalue().decode().splitlines()


def unpacked(wacz: Path, folder: Path) -> list[Path]:
    """The WARC files of a package."""
    with zipfile.ZipFile(wacz) as package:
        assert package.testzip() is None
        names = [name for name in package.namelist() if name.startswith("archive/")]
        return [Path(package.extract(name, folder)) for name in names]


def inside(wacz: Path, name: str) -> bytes:
    """A file of a package."""
    with zipfile.ZipFile(wacz) as package:
        return package.read(name)


def manifest(wacz: Path) -> dict[str, Any]:
    """The manifest of a package."""
    found: dict[str, Any] = json.loads(inside(wacz, "datapackage.json"))
    return found


def captures(holdings: Holdings, slug: str) -> Iterator[Capture]:
    """All captures of a collection."""
    return holdings.index.scan((slug,), (KeyRange("", None),))


def rows(holdings: Holdings, slug: str) -> list[tuple[object, ...]]:
    """All captures of a collection, without where they lie."""
    return sorted(
        (
            (item.urlkey, item.timestamp, item.url, item.mime, item.status, item.digest, item.revisit_of, item.truncated)
            for item in captures(holdings, slug)
        ),
        key=repr,
    )


def stored(holdings: Holdings, slug: str, *, header: bool = True) -> list[tuple[str, str, bytes]]:
    """What the records of all captures say, byte by byte."""
    found = []
    for item in captures(holdings, slug):
        record = read_record(holdings.store, item.file, item.offset)
        block = b"".join(iter(lambda record=record: record.stream.read(65536), b""))  # type: ignore[misc]
        record.close()
        head = repr((record.version, record.fields)).encode() if header and record.version != "ARC" else b""
        found.append((item.urlkey, item.timestamp, head + block))
    return sorted(found)
