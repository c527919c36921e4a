"""One crawl by one program: what it took, and what its WARC files hold."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crawl_sites import BUILD, HOSTS
from fastwarc.warc import ArchiveIterator, WarcRecordType
from replay_speed import tool

_FINE = {"wget": (0, 8), "muniment": (0,)}  # wget says 8 when a server answered with an error


@dataclass(frozen=True)
class Run:
    """What came of a crawl.

    Attributes:
        seconds: from the start of the program to its end.
        cpu: seconds of all its processes, user and system.
        urls: that have a response or revisit record → HTTP status.
        received: bytes of the records' blocks, as received.
        stored: bytes of the WARC files.
        memory: of its largest process at its largest, megabytes.
    """

    seconds: float
    cpu: float
    urls: dict[str, int]
    received: int
    stored: int
    memory: float

    @property
    def rate(self) -> float:
        """URLs a second."""
        return len(self.urls) / self.seconds

    @property
    def cpu_of_thousand(self) -> float:
        """CPU seconds that 1,000 URLs took."""
        return self.cpu / len(self.urls) * 1000


def crawl_command(home: Path, seeds: Sequence[str], scope: str, workers: int, *, guesses: bool = False) -> list[str | Path]:
    """A crawl of ours with politeness off, as impolite as wget is.

    It does without second attempts at hosts that are not there, and without guesses unless they are wanted, as wget does.
    """
    options = ["--scope", scope, "--delay", "0", "--robots", "ignore", "--retries", "0", "--allow-private"]
    options += ["--guesses" if guesses else "--no-guesses"]
    options += ["--workers", str(workers)]
    if len(seeds) == 1:
        return [tool("muniment"), "--archive", home, "crawl", *options, *seeds]
    listed = home.with_name(f"{home.name}.seeds")
    listed.write_text("".join(f"{seed}\n" for seed in seeds))
    return [tool("muniment"), "--archive", home, "crawl", *options, "--seeds-file", listed]


def ours(name: str, seeds: Sequence[str], scope: str, workers: int, *, guesses: bool = False) -> Run:
    """Our crawl, into an archive of its own under `build/`."""
    home = _fresh(name)
    return _run("muniment", crawl_command(home, seeds, scope, workers, guesses=guesses), home)


def wget(name: str, seeds: Sequence[str]) -> Run:
    """The same by wget; below its first page's folder when there is one seed, else on the fifty hosts."""
    home = _fresh(name)
    home.mkdir()
    command: list[str | Path] = [
        "wget",
        "--no-verbose",
        "--recursive",
        "--level=inf",
        "--page-requisites",
        "--execute=robots=off",
    ]
    command += [f"--warc-file={home / 'wget'}", "-P", home / "pages"]
    if len(seeds) == 1:
        command += ["--no-parent", *seeds]
    else:
        listed = home / "seeds"
        listed.write_text("".join(f"{seed}\n" for seed in seeds))
        command += ["--span-hosts", f"--domains={','.join(HOSTS)}", f"--input-file={listed}"]
    return _run("wget", command, home)


def _fresh(name: str) -> Path:
    home = BUILD / "runs" / name
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    return home


def environment() -> dict[str, str]:
    """As installed programs run: with compiled modules."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


#: Processes whose parent has ended become children of this one (prctl, PR_SET_CHILD_SUBREAPER).
_SUBREAPER = 36


def _children() -> set[int]:
    return {int(child) for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}


def _run(program: str, command: Sequence[str | Path], home: Path) -> Run:
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)
    before = _children()
    log = BUILD / "runs" / f"{home.name}.log"
    started = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment())
    _, status, used = os.wait4(process.pid, 0)  # with all processes that it waited for itself
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    # A server of worker processes ends after the command, which does not wait for it.
    parts = [used, *(os.wait4(child, 0)[2] for child in _children() - before)]
    if process.returncode not in _FINE[program]:
        tail = log.read_text("utf-8", "replace")[-2000:]
        raise SystemExit(f"{program} ended with {process.returncode}:\n{tail}")
    urls, received, stored = held(home)
    cpu = sum(part.ru_utime + part.ru_stime for part in parts)
    return Run(seconds, cpu, urls, received, stored, max(part.ru_maxrss for part in parts) / 1024)


def held(home: Path) -> tuple[dict[str, int], int, int]:
    """URLs with their status, bytes received, bytes stored."""
    urls: dict[str, int] = {}
    received = stored = 0
    wanted = WarcRecordType.response | WarcRecordType.revisit
    for path in sorted(home.rglob("*.warc.gz*")):
        stored += path.stat().st_size
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=wanted, parse_http=True):
                url = record.headers["WARC-Target-URI"].strip("<>")
                urls[url] = (record.http_headers.status_code if record.http_headers is not None else None) or 0
                received += int(record.headers["Content-Length"])
    return urls, received, stored


def show_differences(theirs: Run, mine: Run, say: Callable[[str], None]) -> None:
    """Tells which URLs one of both has alone."""
    both = theirs.urls.keys() & mine.urls.keys()
    same = sum(theirs.urls[url] == mine.urls[url] for url in both)
    say(f"  URLs: {len(both):,} in both ({same:,} with the same status)")
    for name, one, other in (("wget", theirs, mine), ("muniment", mine, theirs)):
        alone = sorted(one.urls.keys() - other.urls.keys())
        good = [url for url in alone if one.urls[url] < 400]
        say(f"  {len(alone):,} by {name} alone, {len(good):,} of them not errors")
        for url in (good + [url for url in alone if one.urls[url] >= 400])[:8]:
            say(f"    {one.urls[url]} {url}")
