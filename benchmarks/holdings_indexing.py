"""Indexing WARC files side by side: `muniment index rebuild` in one and in two processes, pywb's cdx-indexer, cdxj-indexer.

Ours writes a database that is served meanwhile, with what later captures refer to, sorted and safe on the disk; the peers
write lines, unsorted, which is the least that they can do. All read the same files. The peers are installed in environments
of their own. "One process" unpacks large records in a second thread, so that it keeps up to two processors busy; the peers have
one thread. What a second of CPU time is enough for is shown, too: speeds by the clock mean something only
where nothing else is at work. Then the memory of indexing one file of ten gigabytes.

python benchmarks/holdings_indexing.py [--rounds N] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from holdings_rows import BUILD, ROOT, Cost, Row, Target, finish, measure, options, run, show, show_limit
from holdings_samples import big_warc, documentation_warc

PEERS = ROOT / "build" / "peers"
#: Files of a round, so that two processes have something to share, and megabytes of each.
FILES, MEGABYTES = 4, 75
MEMORY_LIMIT = 150


def program(name: str, package: str) -> Path:
    """A peer's program, installed where it is not."""
    place = PEERS / package
    if not (place / "bin" / name).exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run(
            [place / "bin" / "pip", "install", "-q", package, "setuptools<81"], check=True, stderr=subprocess.DEVNULL
        )
    return place / "bin" / name


def muniment(home: Path, *arguments: str) -> Cost:
    """One of our commands."""
    command = [sys.executable, "-c", "import sys; from archiver.cli.main import main; sys.exit(main())"]
    return run([*command, "--archive", home, *arguments], environment={"PYTHONPATH": str(ROOT)})


def archive(name: str, *sources: Path) -> Path:
    """An archive that holds these files."""
    home = BUILD / name
    shutil.rmtree(home, ignore_errors=True)
    (home / "archive").mkdir(parents=True)
    for number, source in enumerate(sources):
        os.link(source, home / "archive" / f"{number}-{source.name}")
    muniment(home, "index", "rebuild", "--workers", "1")
    return home


def main(found: argparse.Namespace) -> list[Row]:
    """The rows of this benchmark."""
    sample = documentation_warc(MEGABYTES // 10 if found.quick else MEGABYTES)
    home = archive("indexing", *[sample] * FILES)
    files = sorted((home / "archive").iterdir())
    size = sum(path.stat().st_size for path in files) / 1e6
    rebuilt = json.loads(muniment(home, "index", "rebuild", "--workers", "1", "--json").output)
    captures = rebuilt["captures"]
    print(f"{FILES} files, {size:,.0f} MB, {captures:,} captures")
    pywb, cdxj = program("cdx-indexer", "pywb"), program("cdxj-indexer", "cdxj-indexer")
    seconds: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}

    def speed(name: str, once: Callable[[], Cost]) -> Callable[[], float]:
        def figure() -> float:
            cost = once()
            seconds.setdefault(name, []).append(cost.seconds)
            spent.setdefault(name, []).append(size / cost.cpu)
            return size / cost.seconds

        return figure

    one, two = "muniment, one process", "muniment, two processes"
    programs = {
        one: speed(one, lambda: muniment(home, "index", "rebuild", "--workers", "1")),
        two: speed(two, lambda: muniment(home, "index", "rebuild", "--workers", "2")),
        "cdx-indexer": speed("cdx-indexer", lambda: run([pywb, *files])),
        "cdxj-indexer": speed("cdxj-indexer", lambda: run([cdxj, *files])),
    }
    targets = [Target(ours, peer, wanted) for ours, wanted in ((one, 4), (two, 7)) for peer in ("cdx-indexer", "cdxj-indexer")]
    rows = show(measure("indexing", "MB/s", programs, found.rounds), targets)
    records = [
        Row(
            "indexing",
            name,
            "captures/s",
            captures / sorted(times[1:])[len(times[1:]) // 2],
            [captures / one for one in times[1:]],
        )
        for name, times in seconds.items()
    ]
    rows += show(records)
    # Processors that others use, too, change this less.
    rows += show(
        [
            Row("the same for a second of CPU time", name, "MB/s", statistics.median(figures[1:]), figures[1:])
            for name, figures in spent.items()
        ]
    )
    big = archive("indexing-big", big_warc(1 if found.quick else 10))
    cost = muniment(big, "index", "rebuild", "--workers", "1")
    rows.append(show_limit("memory of indexing 10 GB", "muniment", "MB", cost.megabytes, MEMORY_LIMIT))
    return rows


if __name__ == "__main__":
    chosen = options(__doc__)
    finish("indexing", chosen, main(chosen))
