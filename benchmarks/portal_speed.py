"""How long the server takes for the reader's pages about a collection of a million captures: under 50 ms each is wanted.

    make bench-portal
    python benchmarks/portal_speed.py --quick       a tenth of it, for a look

The collection is made once, in build/bench-portal: 200 hosts, 100,000 URLs of all kinds with one to thirty captures each, one
URL with 10,000 captures, 20,000 documents with their texts, and one page whose fifty versions lie in a WARC file. Each page is
asked for again and again inside one process; shown are the medians of the processor's time,
which counts, and of the clock, and the size.
What is counted behind the scenes is waited for first and its time shown: readers are told to wait, and their page reloads.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from flask.testing import FlaskClient
from holdings_rows import Row, finish, options, show_limit
from sqlalchemy import select

from archiver.extract.text import DocumentText
from archiver.holdings import Holdings, open_holdings
from archiver.index.database import writing
from archiver.index.tables import collections
from archiver.model import Capture
from archiver.search.store import CapturedText, TextStore
from archiver.settings import load_settings
from archiver.timestamps import to_timestamp
from archiver.urls import urlkey
from archiver.warc.importer import import_file
from replay.app import create_reader

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.servers.warcs import response_record

CAPTURES = 1_000_000
ROUNDS = 30
#: Milliseconds that each page may take.
WANTED = 50.0
HOME = Path(__file__).parent.parent / "build" / "bench-portal"
OFTEN, PAGE, SITE = "http://host7.example/often", "http://host7.example/versions", "http://host7.example/"
START = datetime(2004, 1, 1, tzinfo=UTC)
TYPES = (
    ["text/html"] * 5 + ["image/jpeg"] * 3
    + ["image/png", "text/css", "text/javascript", "application/pdf", "application/json", "video/mp4"]
)  # fmt: skip
WORDS = ["archive", "museum", "heritage", "council", "water", "school", "minister", "river", "history", "culture", "report"]


def captures(count: int) -> Iterator[Capture]:
    """Rows of an index as crawls of many years leave them."""
    chance = random.Random(1)
    made = 0
    for number in range(10_000):
        moment = to_timestamp(START + timedelta(hours=17 * number))
        status = 200 if number % 20 else 404
        yield Capture(
            "big", urlkey(OFTEN), moment, OFTEN, "text/html", status, f"sha1:O{number // 3}", "a.warc.gz", number, 900
        )
    while made < count - 10_000:
        host, place = chance.randrange(200), chance.randrange(10**9)
        if chance.random() < 0.3:
            host = 7
        url = f"http://host{host}.example/folder{place % 40}/{place}"
        key, mime = urlkey(url), chance.choice(TYPES)
        at = START + timedelta(days=chance.randrange(7000))
        for again in range(min(chance.choice((1, 2, 5, 10, 30)), count - 10_000 - made)):
            moment = to_timestamp(at + timedelta(days=29 * again, seconds=place % 86400))
            status = chance.choice((200,) * 17 + (302, 404, 503))
            yield Capture("big", key, moment, url, mime, status, f"sha1:{place}{again // 2}", "b.warc.gz", made, 5000)
            made += 1


def versions() -> bytes:
    """A page of about 40 kB in fifty versions, some lines of which change each time."""
    chance = random.Random(2)
    lines = [" ".join(chance.choices(WORDS, k=14)) for _ in range(400)]
    records = []
    for number in range(50):
        for _ in range(6):
            lines[chance.randrange(len(lines))] = " ".join(chance.choices(WORDS, k=14))
        page = "<!doctype html><title>Versions</title>" + "".join(f"<p>{line}</p>\n" for line in lines)
        records.append(response_record(PAGE, START + timedelta(days=100 * number), page.encode()))
    return b"".join(records)


def make(home: Path, count: int) -> None:
    """The archive, once."""
    if (home / "made").exists():
        return
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create("big", title="A million captures", organisation="Bench")
        rows: list[Capture] = []
        for row in captures(count):
            rows.append(row)
            if len(rows) == 20_000:
                holdings.index.add(rows)
                rows = []
        holdings.index.add(rows)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "versions.warc.gz"
            path.write_bytes(versions())
            import_file(path, collection="big", store=holdings.store, index=holdings.index)
        _add_texts(holdings, count // 50)
    (home / "made").touch()


def _add_texts(holdings: Holdings, count: int) -> None:
    chance = random.Random(3)
    with writing(holdings.engine) as connection:
        number = connection.execute(select(collections.c.id).where(collections.c.slug == "big")).scalar_one()
        made = []
        for place in range(count):
            url = f"http://host{place % 200}.example/text/{place}"
            text = DocumentText(f"Page {place}", "\n".join(" ".join(chance.choices(WORDS, k=12)) for _ in range(20)), "en")
            made.append(CapturedText(number, urlkey(url), url, "20160810204623", "text/html", f"sha1:T{place}", text))
        TextStore(holdings.engine).add_within(connection, made)


def addresses() -> dict[str, str]:
    """What is asked for."""
    often, page, site = (quote(url, safe="") for url in (OFTEN, PAGE, SITE))
    return {
        "home": "/",
        "collection": "/big/",
        "search": "/big/?q=museum+river",
        "calendar": f"/big/2010*/{OFTEN}",
        "calendar, newest year": f"/big/*/{PAGE}",
        "list": f"/big/-/captures?url={often}",
        "list, unchanged only": f"/big/-/captures?url={often}&content=unchanged&order=newest",
        "list, what is not there": f"/big/-/captures?url={often}&type=font",
        "changes": f"/big/-/changes?url={page}",
        "compare": f"/big/-/compare?url={page}",
        "addresses below": f"/big/*/{SITE}*",
        "addresses with a filter": f"/big/-/urls?url={site}&q=folder39/1",
        "addresses, what is not there": f"/big/-/urls?url={site}&q=nothing-like-it",
        "addresses by captures": f"/big/-/urls?url={site}&order=captures",
        "types by year": f"/big/-/summary?url={site}",
        "types by year, all": "/big/-/summary?url=example&match=domain",
        "feed of a URL": f"/big/-/feed?url={often}",
        "feed of a site": f"/big/-/feed?url={site}&match=prefix",
        "sparkline": f"/big/-/sparkline?url={often}",
        "calendar in JSON": f"/big/-/calendarcaptures?url={often}&date=2010&groupby=day",
    }


def ready(client: FlaskClient, address: str) -> tuple[float, float]:
    """Seconds until a page is there, and of the longest answer on the way."""
    began = time.perf_counter()
    longest = 0.0
    while True:
        asked = time.perf_counter()
        answer = client.get(address)
        status = answer.status_code
        longest = max(longest, time.perf_counter() - asked)
        if status == 200:
            return time.perf_counter() - began, longest
        if status != 202 and "Retry-After" not in answer.headers:
            raise SystemExit(f"{address} answers {status}")
        time.sleep(0.05)


def main(found: argparse.Namespace) -> list[Row]:
    """Measure all pages."""
    count = CAPTURES // 10 if found.quick else CAPTURES
    home = HOME / str(count)
    home.mkdir(parents=True, exist_ok=True)
    make(home, count)
    rows = []
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        client = create_reader(holdings.settings, holdings).test_client()
        for name, address in addresses().items():
            first, longest = ready(client, address)
            seconds, cpu, size = [], [], 0
            for _ in range(ROUNDS):
                began, began_cpu = time.perf_counter(), time.process_time()
                answer = client.get(address)
                seconds.append(time.perf_counter() - began)
                cpu.append(time.process_time() - began_cpu)
                size = len(answer.data)
            note = f" (ready after {first:.2f} s, longest answer {longest * 1000:.0f} ms)" if first > 0.2 else ""
            rows.append(show_limit("page", name, "ms of the processor", 1000 * statistics.median(cpu), WANTED))
            print(f"      by the clock {1000 * statistics.median(seconds):.1f} ms, {size / 1000:.0f} kB{note}", flush=True)
    return rows


if __name__ == "__main__":
    _options = options(__doc__)
    finish("portal_speed", _options, main(_options))
