"""A crawl with a million URLs in its queues: memory of each process, and how long it takes to go on after a stop.

The queues fill as they do in life: fifty hosts have lists of a thousand links each, which are the seeds and so come before
what they lead to. Nothing of the crawl is known here but its commands.
"""

from __future__ import annotations

import re
import shutil
import signal
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crawl_runs import crawl_command, environment
from crawl_sites import BUILD, HOSTS, listing_hosts
from replay_speed import tool
from slow_server import ASKED, PER_LIST

MEMORY_TARGET = 250.0  # megabytes a worker
RESUME_TARGET = 5.0  # seconds
WORKERS = 2
_WATCHED = 10.0  # seconds
_LONGEST = 1800.0
_RESUMES = 5


def asked(seed: str) -> tuple[int, int]:
    """Requests so far, and those for lists."""
    with urllib.request.urlopen(seed.rstrip("/") + ASKED.decode(), timeout=30) as response:
        requests, lists = response.read().split()
    return int(requests), int(lists)


def memory_of(process: int) -> dict[int, float]:
    """Resident megabytes of a process and all it started, each."""
    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
    family = {process}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    sizes = {}
    for member in family:
        with suppress(OSError):
            found = re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{member}/status").read_text(), re.MULTILINE)
            sizes[member] = int(found.group(1)) / 1024 if found else 0.0
    return sizes


@contextmanager
def crawling(command: list[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    """A crawl, stopped gently at the end as Ctrl-C does."""
    with (BUILD / "memory.log").open("ab") as log:
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment())
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def show_memory(lists: int) -> dict[str, object]:
    """Fill the queues, watch, stop, go on.

    Args:
        lists: of each of the fifty hosts.
    """
    home = BUILD / "runs" / "memory"
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    total = lists * PER_LIST * len(HOSTS)
    with listing_hosts(lists, None) as seeds:
        lists_of_all = [f"{seed}list/{number}" for seed in seeds for number in range(lists)]
        with crawling(crawl_command(home, lists_of_all, "host", WORKERS)) as process:
            began = time.monotonic()
            while asked(seeds[0])[1] < lists * len(HOSTS):
                _go_on(process, began)
            filled = time.monotonic() - began
            requests, _ = asked(seeds[0])
            queued = total - (requests - lists * len(HOSTS))
            print(f"about {queued:,} URLs queued after {filled:.0f} s ({requests:,} requests)", flush=True)
            peaks: dict[int, float] = {}
            watched, ends = time.monotonic(), time.monotonic() + _WATCHED
            while time.monotonic() < ends:
                _go_on(process, began)
                for member, size in memory_of(process.pid).items():
                    peaks[member] = max(size, peaks.get(member, 0.0))
            rate = (asked(seeds[0])[0] - requests) / (time.monotonic() - watched)
        print(f"  meanwhile {rate:,.0f} URLs/s were fetched; database {_size(home):,.0f} MB")
        for member, size in sorted(peaks.items(), key=lambda item: -item[1]):
            print(f"  process {member}: {size:6.0f} MB" + (" (the command)" if member == process.pid else ""))
        largest = max(peaks.values())
        print(
            f"  memory of a worker: {largest:.0f} MB, under {MEMORY_TARGET:.0f} MB wanted: {_verdict(largest < MEMORY_TARGET)}"
        )
        times = []
        for _ in range(_RESUMES):
            before = asked(seeds[0])[0]
            began = time.monotonic()
            with crawling([tool("muniment"), "--archive", home, "crawl", "resume", "--workers", str(WORKERS)]) as process:
                while asked(seeds[0])[0] == before:
                    _go_on(process, began)
                times.append(time.monotonic() - began)
                time.sleep(1)
    seconds = statistics.median(times)
    print(f"  from the command to the first request: {seconds:.2f} s, under {RESUME_TARGET:g} s wanted: ", end="")
    print(f"{_verdict(seconds < RESUME_TARGET)}  ({', '.join(f'{one:.2f}' for one in times)})")
    return {"queued": queued, "megabytes": largest, "resume_seconds": times, "rate": rate}


def _go_on(process: subprocess.Popen[bytes], began: float) -> None:
    if process.poll() is not None:
        tail = (BUILD / "memory.log").read_text("utf-8", "replace")[-2000:]
        raise SystemExit(f"the crawl ended with {process.returncode}:\n{tail}")
    if time.monotonic() - began > _LONGEST:
        raise SystemExit("the crawl takes too long")
    time.sleep(0.02)


def _size(home: Path) -> float:
    return sum(path.stat().st_size for path in home.rglob("*.db*") if path.is_file()) / 1e6


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"
