"""Memory that work on very large holdings takes: flat, whatever their size.

Indexing and verifying a WARC file of 10 GB, and streaming 10 million rows of the index: resident megabytes of the largest
process at its largest. The file repeats a smaller one, so that identifiers occur more than once: `verify` says so for each.

    python benchmarks/holdings_memory.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from holdings_rows import BUILD, Row, finish, options, run, show_limit
from holdings_samples import big_warc

#: Megabytes, of each.
LIMIT = 150.0
GIGABYTES = 10.0
ROWS = 10_000_000
_BATCH = 10_000
_CLI = "import sys; from archiver.cli.main import run; sys.exit(run(sys.argv[1:]))"


def main(found: argparse.Namespace) -> list[Row]:
    """Measure and print."""
    share = 10 if found.quick else 1
    path = big_warc(GIGABYTES / share)
    size = path.stat().st_size / 1e9
    home = BUILD / "memory"
    shutil.rmtree(home, ignore_errors=True)
    rows = []
    indexing = run([sys.executable, "-c", _CLI, "--archive", home, "import", "--in-place", path])
    rows.append(
        show_limit(f"indexing {size:.1f} GB in {indexing.seconds:.0f} s", "muniment import", "MB", indexing.megabytes, LIMIT)
    )
    verifying = run([sys.executable, "-c", _CLI, "verify", "--workers", "1", path], accept=(0, 1))
    rows.append(
        show_limit(f"verifying {size:.1f} GB in {verifying.seconds:.0f} s", "muniment verify", "MB", verifying.megabytes, LIMIT)
    )
    streaming = run([sys.executable, __file__, "--stream", home, str(ROWS // share)])
    told = streaming.output.decode().strip()
    rows.append(show_limit(f"streaming {told}", "CaptureIndex.scan_rows", "MB", streaming.megabytes, LIMIT))
    return rows


def fill(home: Path, count: int) -> None:
    """An archive with so many captures of made-up URLs."""
    from sqlalchemy import insert

    from archiver.holdings import open_holdings
    from archiver.index.database import writing
    from archiver.index.tables import captures, files
    from archiver.settings import load_settings

    with open_holdings(load_settings({"archive": home}, environ={})) as holdings, writing(holdings.engine) as connection:
        connection.execute(insert(files).values(id=1_000_000, name="made-up.warc.gz"))
        for batch in _made_up(count):
            connection.execute(insert(captures), batch)


def _made_up(count: int) -> Iterator[list[dict[str, object]]]:
    shared = {"collection_id": 1, "file_id": 1_000_000, "mime": "text/html", "status": 200, "digest": "sha1:" + "A" * 32}
    for start in range(0, count, _BATCH):
        yield [
            {
                **shared, "urlkey": f"org,made-up)/{number:012d}", "url": f"http://made-up.org/{number:012d}",
                "timestamp": 20200101000000, "offset": number * 1000, "length": 1000,
            }
            for number in range(start, min(start + _BATCH, count))
        ]  # fmt: skip


def stream(home: Path) -> None:
    """Pass over all rows of the index as the CDX API does."""
    from time import perf_counter

    from archiver.holdings import open_holdings
    from archiver.index.query import Match, key_ranges
    from archiver.settings import load_settings

    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        began, count = perf_counter(), 0
        for batch in holdings.index.scan_rows(["default"], key_ranges("made-up.org", Match.DOMAIN)):
            count += len(batch)
        print(f"{count:,} rows in {perf_counter() - began:.0f} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stream"]:
        place = Path(sys.argv[2]) / "rows"
        if not place.exists():
            run([sys.executable, __file__, "--fill", place, sys.argv[3]])
        stream(place)
    elif sys.argv[1:2] == ["--fill"]:
        fill(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        asked = options(__doc__)
        finish("memory", asked, main(asked))
