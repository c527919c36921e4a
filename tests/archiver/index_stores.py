"""The same captures in every kind of index that there is."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from archiver.holdings import Holdings, open_holdings
from archiver.index.keyforms import HostForm, spellings
from archiver.index.opening import look_at_files, look_at_server, open_source
from archiver.index.protocol import CaptureSource
from archiver.index.sources import Source
from archiver.model import Capture, RevisitTarget
from archiver.requestkey import with_request
from archiver.settings import Settings, load_settings
from archiver.urls import urlkey
from tests.servers.indexes import CdxServer, FileServer, cdxj

SLUG = "one"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def captured() -> list[Capture]:
    """Captures of every kind: many of one URL, of the same second, of requests with a body, revisits, in other scripts."""
    random_ = random.Random(11)
    hosts = ["a.example", "www.b.example", "sub.b.example", "b.example:8080", "bücher.example", "c.example"]
    found = []
    for number in range(500):
        url = f"http://{random_.choice(hosts)}/{random_.choice('xyz')}"
        if random_.random() < 0.7:
            url += f"?q={random_.randint(0, 20)}&b={random_.randint(0, 1)}"
        again = random_.random() < 0.1
        found.append(
            Capture(
                SLUG, urlkey(url), f"2016{random_.randint(1, 12):02d}0100{random_.randint(0, 59):02d}00", url,
                "" if again else random_.choice(["text/html", "image/png"]), random_.choice([200, 200, 404, 301]),
                "sha1:" + "".join(random_.choice("ABC234") for _ in range(2)) * 16,
                f"w{number % 5}.warc.gz", number * 1000, random_.randint(100, 999),
                RevisitTarget(None, None, None) if again else None,
            )
        )  # fmt: skip
    busy = "http://a.example/busy"
    for number in range(130):
        stamp = f"2017{number % 12 + 1:02d}{number % 28 + 1:02d}120000"
        found.append(Capture(SLUG, urlkey(busy), stamp, busy, "text/html", 200, "", "v.warc.gz", number, 10))
    for number in range(3):
        key = urlkey(with_request("http://a.example/api", "POST", "application/json", b'{"Q": %d}' % number))
        found.append(Capture(SLUG, key, "20180101000000", "http://a.example/api", "", None, "", "p.warc.gz", number, 0))
    return found


def at(file: str) -> str:
    """A file's name without its folder."""
    return file.rpartition("/")[2]


def facts(item: Capture) -> tuple[object, ...]:
    """What every index knows of a capture."""
    return (
        item.urlkey, item.timestamp, item.url, item.mime, item.status, item.digest, at(item.file), item.offset, item.length,
        item.revisit_of is not None,
    )  # fmt: skip


def lines_of(captures: Sequence[Capture], form: Callable[[Capture], str] = cdxj) -> bytes:
    """Lines in bytewise order."""
    return b"".join(sorted(f"{form(item)}\n".encode() for item in captures))


def cdx11(item: Capture) -> str:
    """A line of CDX with 11 columns."""
    mime = "warc/revisit" if item.revisit_of else item.mime or "-"
    digest = item.digest.removeprefix("sha1:") or "-"
    return (
        f"{item.urlkey} {item.timestamp} {item.url} {mime} {item.status or '-'} {digest} - - "
        f"{item.length} {item.offset} {item.file}"
    )


def write_cluster(folder: Path, captures: Sequence[Capture], *, block: int = 37, shards: int = 3) -> Path:
    """A ZipNum cluster; the path of its secondary index."""
    lines = lines_of(captures).splitlines()
    blocks = [lines[start : start + block] for start in range(0, len(lines), block)]
    index = []
    for number in range(shards):
        name = f"cdx-{number:05d}.gz"
        with (folder / name).open("wb") as file:
            for here in blocks[number * len(blocks) // shards : (number + 1) * len(blocks) // shards]:
                start = file.tell()
                file.write(gzip.compress(b"".join(line + b"\n" for line in here), 1))
                first = b" ".join(here[0].split(b" ")[:2]).decode()
                index.append(f"{first}\t{name}\t{start}\t{file.tell() - start}\t{len(index) + 1}\n")
    path = folder / "cluster.idx"
    path.write_text("".join(index), "utf-8")
    return path


def settings_of(folder: Path, **values: object) -> Settings:
    return load_settings({"archive": folder / "warcs", "allow_private": True, **values}, environ={})


def of_files(location: str, warcs: str = "") -> CaptureSource:
    """An index in files, found out about and opened as when it is attached."""
    kind, options = look_at_files(location, Settings())
    return open_source(Source(1, SLUG, kind.value, location, warcs, options, ""), Settings())


def holdings_with_some(folder: Path, captures: Sequence[Capture], database: str = "") -> Holdings:
    holdings = open_holdings(settings_of(folder, database=database), clock=lambda: NOW)
    if SLUG not in {item.slug for item in holdings.collections.all()}:
        holdings.collections.create(SLUG)
    holdings.index.add(captures)
    return holdings


KINDS = (
    "sqlite", "postgresql", "cdxj", "cdx", "zipnum", "zipnum over http", "pywb", "ia", "merged",
    "keys with commas", "keys not turned round", "keys with schemes", "queries not sorted",
)  # fmt: skip


@contextmanager
def opened(kind: str, folder: Path, database: Callable[[], str]) -> Iterator[CaptureSource]:
    """An index of that kind with the captures of `captured`."""
    items = captured()
    with ExitStack() as stack:
        if kind in ("sqlite", "postgresql"):
            url = database() if kind == "postgresql" else ""
            yield stack.enter_context(holdings_with_some(folder, items, url)).index
        elif kind == "merged":
            yield stack.enter_context(merged(folder, items)).index
        elif kind in ("pywb", "ia"):
            server = stack.enter_context(CdxServer(items))
            options = look_at_server(server.url(f"/{kind}"), settings_of(folder))
            assert options == {"dialect": kind}
            source = Source(1, SLUG, "remote", server.url(f"/{kind}"), "/data/", options, "")
            yield open_source(source, settings_of(folder))
        elif kind.startswith("zipnum"):
            path = write_cluster(folder, items)
            server_ = stack.enter_context(FileServer(folder))
            yield of_files(server_.url("/cluster.idx") if "http" in kind else str(path), "https://warcs.example/a/")
        else:
            path = folder / "index.cdx"
            path.write_bytes(text_of(kind, items))
            yield of_files(str(path), "/data")


def text_of(kind: str, items: Sequence[Capture]) -> bytes:
    """The index of that kind as a file."""
    if kind == "cdx":
        return b" CDX N b a m s k r M S V g\n" + lines_of(items, cdx11)
    if kind == "cdxj":
        return b'!meta {"made": "by hand"}\n' + lines_of(items)
    if kind == "queries not sorted":
        return lines_of(items, lambda item: cdxj(item, item.urlkey.partition("?")[0] + "?" + item.url.partition("?")[2].upper()
                        if "?" in item.urlkey and "__wb" not in item.urlkey else ""))  # fmt: skip
    form = {"commas": HostForm.COMMA, "round": HostForm.PLAIN, "schemes": HostForm.SCHEME}[kind.rpartition(" ")[2]]
    return lines_of(items, lambda item: cdxj(item, spellings(item.urlkey, form)[0]))


def merged(folder: Path, items: Sequence[Capture]) -> Holdings:
    """An archive that has a third itself, with two indexes attached that overlap with it and with each other."""
    holdings = holdings_with_some(folder, items[::3])
    for number, part in enumerate((items[1::3] + items[::5], items[2::3] + items[::7])):
        path = folder / f"part{number}.cdxj"
        path.write_bytes(lines_of(part))
        kind, options = look_at_files(str(path), Settings())
        options.pop("numbers")
        holdings.sources.attach(SLUG, kind.value, str(path), warcs="/data", options=options)
    return holdings
