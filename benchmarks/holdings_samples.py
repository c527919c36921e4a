"""What holdings are measured on: the pages of a Debian documentation package as our own writer puts them into WARC files."""

from __future__ import annotations

import hashlib
import mimetypes
import shutil
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path

from crawl_sites import SITES, TYPES, folder_of
from holdings_rows import BUILD

from archiver.model import Exchange
from archiver.store.folder import FolderStore
from archiver.warc.writer import WarcInfo, WarcWriter

#: Megabytes of the WARC file that most rows are measured on; a tenth with `--quick`.
MEGABYTES = 300
_SAMPLES = BUILD / "samples"


def documentation_warc(megabytes: int = MEGABYTES) -> Path:
    """One WARC file of at least so many megabytes (gzip), made once: responses, requests and metadata of Python's and
    libstdc++'s documentation, written again for as many made-up hosts as it takes."""
    place = _SAMPLES / f"documentation-{megabytes}.warc.gz"
    if not place.exists():
        _make(place, megabytes * 1_000_000)
    return place


def big_warc(gigabytes: float) -> Path:
    """A WARC file of that size: the members of a documentation WARC again and again, behind one warcinfo record."""
    place = _SAMPLES / f"repeated-{gigabytes:g}.warc.gz"
    wanted = int(gigabytes * 1_000_000_000)
    if not place.exists() or place.stat().st_size < wanted:
        part = documentation_warc(MEGABYTES // 10)
        with place.open("wb") as big:
            while big.tell() < wanted:
                with part.open("rb") as small:
                    shutil.copyfileobj(small, big, 1024 * 1024)
    return place


def _make(place: Path, wanted: int) -> None:
    _SAMPLES.mkdir(parents=True, exist_ok=True)
    folder = _SAMPLES / "writing"
    shutil.rmtree(folder, ignore_errors=True)
    numbers, moment = count(1), datetime(2020, 1, 1, tzinfo=UTC)
    writer = WarcWriter(
        FolderStore(folder),
        prefix="documentation",
        warcinfo=WarcInfo("muniment/benchmark", is_part_of="default"),
        clock=lambda: moment,
        new_id=lambda: f"<urn:uuid:{hashlib.md5(str(next(numbers)).encode()).hexdigest()}>",
        max_bytes=1 << 60,
        hostname="bench",
    )
    pages = [(root, path) for root in map(folder_of, SITES) for path in sorted(root.rglob("*")) if path.is_file()]
    for host in count(1):
        for number, (root, path) in enumerate(pages):
            url = f"http://docs{host}.example.org/{path.relative_to(root).as_posix()}"
            writer.write_exchange(_exchange(url, path, moment + timedelta(days=host, seconds=number)))
            if writer.position()[1] >= wanted:
                (name,) = writer.close()
                (folder / name).rename(place)
                shutil.rmtree(folder)
                return


def _exchange(url: str, path: Path, moment: datetime) -> Exchange:
    body = path.read_bytes()
    mime = TYPES.get(path.suffix[1:]) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    tag = hashlib.md5(body).hexdigest()
    head = (
        f"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: {moment:%a, %d %b %Y %H:%M:%S} GMT\r\nContent-Type: {mime}\r\n"
        f'Content-Length: {len(body)}\r\nConnection: keep-alive\r\nETag: "{tag}"\r\nAccept-Ranges: bytes\r\n\r\n'
    ).encode()
    asked = url.split("/", 3)
    request = f"GET /{asked[3]} HTTP/1.1\r\nHost: {asked[2]}\r\nUser-Agent: muniment\r\nAccept: */*\r\n\r\n".encode()
    data = head + body
    return Exchange(
        url, moment, timedelta(milliseconds=5), request, BytesIO(data), len(data), status=200, ip_address="127.0.0.1"
    )
