"""`muniment verify` beside `warcio check` and `fastwarc check`, on documentation as our writer puts it into a WARC file.

Only `fastwarc check -p` and `warcio check` compare payload digests; none of them looks at headers. What no program can be below
is shown too: the file unpacked and hashed twice, once for each digest, by libdeflate and OpenSSL in one process. Speeds by the
clock mean something only where nothing else is at work; "2 processes" use two cores, the peers one.

    python benchmarks/holdings_verify.py [--rounds N] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from holdings_rows import Row, Target, finish, measure, options, run, show
from holdings_samples import MEGABYTES, documentation_warc
from replay_speed import tool

from archiver.warc.gzipped import whole_members

_WANTED = 5.0


def main(found: argparse.Namespace) -> list[Row]:
    """Measure and print."""
    path = documentation_warc(MEGABYTES // 10 if found.quick else MEGABYTES)
    size = path.stat().st_size / 1e6
    cores = len(os.sched_getaffinity(0))

    spent: dict[str, list[float]] = {}

    def speed(*command: str | Path) -> Callable[[], float]:
        def once() -> float:
            cost = run([*command, path])
            spent.setdefault(" ".join(map(str, command)), []).append(size / cost.cpu)
            return size / cost.seconds

        return once

    code = "import sys; from archiver.cli.main import run; sys.exit(run(sys.argv[1:]))"
    ours = (sys.executable, "-c", code, "verify", "--workers")
    programs = {
        "muniment, 1 process": speed(*ours, "1"),
        **({"muniment, 2 processes": speed(*ours, "2")} if cores > 1 else {}),
        "warcio check": speed(tool("warcio"), "check"),
        "fastwarc check": speed(tool("fastwarc"), "check", "-q"),
        "fastwarc check -p": speed(tool("fastwarc"), "check", "-p", "-q"),
        "unpacked, hashed twice": lambda: size / _floor(path),
    }
    rows = measure(f"verify a file of {size:.0f} MB", "MB/s", programs, found.rounds)
    targets = [Target(program, "warcio check", _WANTED) for program in programs if program.startswith("muniment")]
    show(rows, targets)
    # What other programs do on the same machine does not change this; processes that work side by side do not raise it.
    names = [program for program in programs if program != "unpacked, hashed twice"]
    spending = [
        Row("the same for a second of CPU time", name, "MB/s", statistics.median(figures[1:]), figures[1:])
        for name, figures in zip(names, spent.values(), strict=True)
    ]
    return [*rows, *show(spending)]


def _floor(path: Path) -> float:
    """Seconds to unpack each member and to hash what is in it twice."""
    began = perf_counter()
    with path.open("rb") as stream:
        for _, _, record in whole_members(stream, 0):
            hashlib.sha1(record).digest()
            hashlib.sha1(record).digest()
    return perf_counter() - began


if __name__ == "__main__":
    asked = options(__doc__)
    finish("verify", asked, main(asked))
