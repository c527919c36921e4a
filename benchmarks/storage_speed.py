"""Captures into object storage and records read from it, beside a folder: `python benchmarks/storage_speed.py`.

The object storage is SeaweedFS on loopback. So the numbers say what the programs cost; to each request a network adds its way
there and back, which is why requests are counted too.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from random import Random
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

from archiver.model import Exchange, WrittenRecord
from archiver.store.folder import FolderStore
from archiver.store.objects import ObjectStore
from archiver.store.protocol import WarcStore
from archiver.store.s3 import S3Bucket
from archiver.warc.reader import read_record
from archiver.warc.writer import WarcInfo, WarcWriter
from tests.servers.weed import object_server

CAPTURES = 3000
FILE_BYTES = 8_000_000
READS = 300
ROUNDS = 5
_WORDS = [f"word{number}" for number in range(3000)]


def exchanges() -> list[tuple[str, bytes]]:
    """URLs and answers: pages of 20 kB that compress as pages do."""
    random = Random(1)
    found = []
    for number in range(CAPTURES):
        body = " ".join(random.choices(_WORDS, k=2600)).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body)
        found.append((f"http://bench.example/{number}", head + body))
    return found


def write(store: WarcStore, answers: list[tuple[str, bytes]]) -> tuple[list[WrittenRecord], float, float]:
    """What was written, and seconds until all was written, and until all was where it belongs."""
    numbers = count()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    writer = WarcWriter(
        store,
        prefix=f"bench-{uuid4().hex[:8]}",
        warcinfo=WarcInfo("muniment/benchmark", is_part_of="default"),
        clock=lambda: moment,
        new_id=lambda: f"<urn:uuid:{next(numbers):032d}>",
        max_bytes=FILE_BYTES,
    )
    begin = time.perf_counter()
    written = []
    for url, answer in answers:
        request = b"GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n"
        got = Exchange(url, moment, timedelta(milliseconds=5), request, BytesIO(answer), len(answer), status=200)
        written.append(writer.write_exchange(got)[0])
    writer.close()
    done = time.perf_counter() - begin
    store.close()
    return written, done, time.perf_counter() - begin


def read(store: WarcStore, record: WrittenRecord, length: int) -> int:
    opened = read_record(store, record.file, record.offset, length)
    try:
        return sum(map(len, opened.payload()))
    finally:
        opened.close()


def milliseconds(store: WarcStore, records: list[WrittenRecord], threads: int, *, knows: bool) -> tuple[float, float]:
    """Wall and CPU time of a record, in ms, where so many threads read at once; medians."""
    walls, processors = [], []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(ROUNDS):
            wall, processor = time.perf_counter(), time.process_time()
            list(pool.map(lambda record: read(store, record, record.length if knows else 0), records))
            walls.append((time.perf_counter() - wall) * 1000 / len(records))
            processors.append((time.process_time() - processor) * 1000 / len(records))
    return statistics.median(walls), statistics.median(processors)


def main() -> None:
    answers = exchanges()
    asked: list[object] = []
    plain = S3Bucket.read
    S3Bucket.read = lambda self, *given: asked.append(given) or plain(self, *given)  # type: ignore[assignment, func-returns-value]
    with tempfile.TemporaryDirectory() as folder, object_server(Path(folder)) as server:
        server.call("create_bucket", Bucket="bench")
        os.environ.update(server.environment)
        homes = (Path(folder) / f"home-{number}" for number in count())
        makers: dict[str, Callable[[], WarcStore]] = {
            "folder": lambda: FolderStore(next(homes)),
            "S3": lambda: ObjectStore(S3Bucket("bench", uuid4().hex), next(homes)),
        }
        for name, make in makers.items():
            runs = [write(make(), answers) for _ in range(ROUNDS)]
            capturing, arriving = (statistics.median(run[at] for run in runs) for at in (1, 2))
            print(f"{name}: {CAPTURES / capturing:,.0f} captures/s written; {CAPTURES / arriving:,.0f} until all has arrived")
            store = make()
            records, _, _ = write(store, answers)
            some = Random(2).sample(records, READS)
            for knows, what in ((True, "its length known"), (False, "its length not known")):
                asked.clear()
                (one, processor), (eight, _) = (milliseconds(store, some, threads, knows=knows) for threads in (1, 8))
                requests = len(asked) / READS / ROUNDS / 2
                print(
                    f"{name}: a record of 20 kB, {what}: {one:.2f} ms ({processor:.2f} ms CPU), by 8 threads {eight:.2f} ms; "
                    f"{requests:.2f} requests"
                )


if __name__ == "__main__":
    main()
