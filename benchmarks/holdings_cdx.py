"""The CDX API side by side: `muniment serve` and pywb's `wayback` answer the same questions of the same captures.

One server process each, on one core, the client on the other; medians of five rounds in one run. Captures are generated; pywb
is installed in an environment of its own, and streams fewer of them.

    python benchmarks/holdings_cdx.py [--no-peer] [--captures N] [--memory ROWS]
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import shutil
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from replay_speed import BUILD, CONCURRENCIES, ROUNDS, load, memory, ours, pywb, running

from archiver.holdings import open_holdings
from archiver.model import Capture
from archiver.settings import load_settings
from archiver.urls import urlkey

#: Times as much as pywb.
EXACT_TARGET, PREFIX_TARGET = 8, 10
CAPTURES = 200_000
_AT_ONCE = 20_000
_REQUESTS = {"ours": 4000, "pywb": 150}


def captures(count: int) -> Iterator[Capture]:
    """Two captures each of many pages in a hundred folders."""
    for number in range(count):
        page = number // 2
        url = f"http://site.example/d{page % 100}/page{page}.html"
        digest = base64.b32encode(hashlib.sha1(str(number).encode(), usedforsecurity=False).digest()).decode()
        moment = f"2020{1 + number % 2:02d}01{page % 24:02d}{page % 60:02d}00"
        yield Capture("default", urlkey(url), moment, url, "text/html", 200, f"sha1:{digest}", "a.warc.gz", page * 1000, 900)


def cdxj(capture: Capture) -> str:
    """A line of pywb's index."""
    return (
        f'{capture.urlkey} {capture.timestamp} {{"url": "{capture.url}", "mime": "{capture.mime}", "status": "200", '
        f'"digest": "{capture.digest.removeprefix("sha1:")}", "length": "{capture.length}", "offset": "{capture.offset}", '
        f'"filename": "{capture.file}"}}\n'
    )


def make(count: int, *, peer: bool) -> Path:
    """The same captures in an archive of ours and in one of pywb's."""
    home = BUILD.parent / "bench-cdx" / str(count)
    if (home / "done").exists():
        return home
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    with open_holdings(load_settings({"archive": home / "ours"}, environ={})) as holdings:
        rows = captures(count)
        while some := list(islice(rows, _AT_ONCE)):
            holdings.index.add(some)
    if peer:
        collection = home / "pywb" / "collections" / "default"
        (collection / "archive").mkdir(parents=True)
        (collection / "indexes").mkdir()
        lines = sorted(map(cdxj, captures(count)))
        (collection / "indexes" / "index.cdxj").write_text("".join(lines))
    (home / "done").touch()
    return home


def exact(port: int, count: int, requests: int) -> float:
    """Requests a second for the captures of one URL, at the best number of connections."""
    pages = [number * 7919 % (count // 2) for number in range(1000)]
    paths = [f"/default/cdx?url=http://site.example/d{page % 100}/page{page}.html" for page in pages]
    best = 0.0
    for clients in CONCURRENCIES:
        rates = [load(port, paths, requests, clients) for _ in range(ROUNDS + 1)]
        best = max(best, statistics.median(rates[1:]))
    return best


def streamed(port: int, path: str) -> tuple[int, float]:
    """Bytes and seconds of one long answer."""
    size = 0
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), 600) as channel:
        channel.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        while data := channel.recv(1 << 20):
            size += len(data)
    return size, time.perf_counter() - started


def prefix(port: int, path: str, count: int) -> float:
    """Rows a second of everything on a host."""
    rates = []
    for _ in range(ROUNDS):
        size, seconds = streamed(port, path)
        if size < count * 60:
            raise SystemExit(f"only {size:,} bytes came for {path}")
        rates.append(count / seconds)
    return statistics.median(rates)


def show_speed(count: int, *, peer: bool) -> None:
    """The table."""
    home = make(count, peer=peer)
    with ExitStack() as stack:
        command, port = ours(home, None)
        stack.enter_context(running(command, f"http://127.0.0.1:{port}/-/health", BUILD, 0))
        other = 0
        if peer:
            command, other = pywb(home)
            stack.enter_context(running(command, f"http://127.0.0.1:{other}/", home / "pywb", 0))
        os.sched_setaffinity(0, {1})
        print(f"{count:,} captures; medians of {ROUNDS}; load average {os.getloadavg()[0]:.1f}\n")
        print(f"{'':44}{'muniment':>12}{'pywb':>10}{'ratio':>8}{'wanted':>8}")
        mine = exact(port, count, _REQUESTS["ours"])
        theirs = exact(other, count, _REQUESTS["pywb"]) if peer else 0.0
        line("exact look-up, requests/s", mine, theirs, EXACT_TARGET)
        everything = "url=site.example/*"
        theirs = prefix(other, f"/default/cdx?{everything}&limit={count // 10}", count // 10) if peer else 0.0
        for name, path in (
            ("prefix, CDXJ, rows/s", f"/default/cdx?{everything}"),
            ("prefix, Internet Archive's lines, rows/s", f"/cdx/search/cdx?{everything}"),
            ("prefix, filtered by status, rows/s", f"/cdx/search/cdx?{everything}&filter=statuscode:200"),
            (
                "prefix, four fields as JSON, rows/s",
                f"/cdx/search/cdx?{everything}&output=json&fl=timestamp,original,digest,urlkey",
            ),
        ):
            line(name, prefix(port, path, count), theirs, PREFIX_TARGET)


def line(name: str, mine: float, theirs: float, wanted: float) -> None:
    """One row of the table."""
    ratio = (
        f"{theirs:10,.0f}{mine / theirs:7.1f}×{wanted:7.0f}×{'' if mine >= wanted * theirs else ' missed'}" if theirs else ""
    )
    print(f"{name:44}{mine:12,.0f}{ratio}", flush=True)


def show_memory(rows: int) -> None:
    """Memory of the serving process before, while and after it streams so many rows."""
    home = make(rows, peer=False)
    command, port = ours(home, None)
    with running(command, f"http://127.0.0.1:{port}/-/health", BUILD, None) as process:
        sizes = [memory(process, port)]
        rates = []
        for path in ("/cdx/search/cdx?url=site.example/*", "/default/cdx?url=site.example/*"):
            most = 0.0
            received = 0
            started = time.perf_counter()
            with socket.create_connection(("127.0.0.1", port), 600) as channel:
                channel.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
                looked = started
                while data := channel.recv(1 << 20):
                    received += len(data)
                    if time.perf_counter() - looked > 1:
                        looked = time.perf_counter()
                        most = max(most, memory(process, port))
            rates.append(rows / (time.perf_counter() - started))
            sizes.append(max(most, memory(process, port)))
            print(f"{path:40} {received:15,} bytes {rates[-1]:12,.0f} rows/s")
        print(
            f"memory of the serving process: {sizes[0]:.0f} MB at first, {max(sizes[1:]):.0f} MB at most, {rows:,} rows twice"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-peer", action="store_true", help="leave pywb out")
    parser.add_argument("--captures", type=int, default=CAPTURES, metavar="N")
    parser.add_argument("--memory", type=int, default=0, metavar="ROWS", help="instead: memory while so many rows are streamed")
    chosen = parser.parse_args()
    if chosen.memory:
        show_memory(chosen.memory)
    else:
        show_speed(chosen.captures, peer=not chosen.no_peer)


if __name__ == "__main__":
    main()
