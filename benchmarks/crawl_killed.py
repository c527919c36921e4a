"""A crawl of two documentation sites that is killed twice and taken up again, beside one that nobody disturbs.

Both crawl the same sites from the same nginx, politeness off. The second one is killed with SIGKILL, all its processes at
once, when a third and when two thirds have been asked for of what the first one asked for, and then resumed. What both hold is
compared: in the WARC files (URL → status and payload digest of each of its records) and in the lists of the crawls (URL →
state, reason, status, digest). Any difference ends it with exit status 1. How often the server was asked is printed too: only
answers that were on their way when the crawl was killed may be asked for again.

    python benchmarks/crawl_killed.py [--workers N]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from crawl_runs import environment
from crawl_sites import BUILD, SITES, package_of, whole_sites
from fastwarc.warc import ArchiveIterator, WarcRecordType
from replay_speed import tool

#: When the crawl is killed, as parts of what the undisturbed one asked for.
KILLED_AT = (1 / 3, 2 / 3)
#: Seconds after which a crawl is not waited for any more.
PATIENCE = 1800
#: The one thing that a page needs from another host; nobody beside this machine is asked.
ELSEWHERE = "https://www.python.org/images/"
_SHOWN = 20

#: What a record of an answer comes to: HTTP status and payload digest.
Answer = tuple[int, str]


@dataclass(frozen=True)
class Holding:
    """What a crawl left.

    Attributes:
        answers: URL → what each of its response and revisit records says, in order.
        requests: request records in the WARC files.
        listed: URL → state, verdict, status and digest in the crawl's list; those that were not captured as well.
        asked: requests that the server saw.
        seconds: that it ran, breaks not counted.
    """

    answers: dict[str, list[Answer]]
    requests: int
    listed: dict[str, tuple[object, ...]]
    asked: int
    seconds: float


class AskedFor:
    """Counts the requests in a server's log, from now on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = log.stat().st_size
        self.requests = 0

    def count(self) -> int:
        """How many there were until now."""
        with self._log.open("rb") as stream:
            stream.seek(self._read)
            new = stream.read()
        self._read += len(new)
        self.requests += new.count(b"\n")
        return self.requests


def crawl(home: Path, seeds: Sequence[str], workers: int, log: Path, kills: Sequence[int]) -> Holding:
    """Crawl, killed whenever the server has seen so many requests, and taken up again; what came of it."""
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    listed = home.with_name(f"{home.name}.seeds")
    listed.write_text("".join(f"{seed}\n" for seed in seeds))
    shared = ["--workers", str(workers)]
    command = ["crawl", "--delay", "0", "--allow-private", "--block", ELSEWHERE, *shared, "--seeds-file", str(listed)]
    asked = AskedFor(log)
    began = time.perf_counter()
    for kill_at in (*kills, None):
        run_until(home, command, asked, kill_at)
        command = ["crawl", "resume", *shared]
    seconds = time.perf_counter() - began
    answers, requests = records(home)
    return Holding(answers, requests, listing(home), asked.count(), seconds)


def run_until(home: Path, command: Sequence[str], asked: AskedFor, kill_at: int | None) -> None:
    """Run a command to its end, or until the server has seen so many requests; then nothing of it is left."""
    with home.with_name(f"{home.name}.log").open("ab") as out:
        process = subprocess.Popen(
            [tool("muniment"), "--archive", str(home), *command],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment(), start_new_session=True,
        )  # fmt: skip
        give_up = time.monotonic() + PATIENCE
        try:
            while process.poll() is None:
                if kill_at is not None and asked.count() >= kill_at:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    return
                if time.monotonic() > give_up:
                    sys.exit(f"The crawl has not ended after {PATIENCE} s; see {out.name}")
                time.sleep(0.02)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if process.returncode:
            sys.exit(f"The crawl ended with {process.returncode}; see {out.name}")
        if kill_at is not None:
            sys.exit(f"The crawl ended before it was killed; see {out.name}")


def records(home: Path) -> tuple[dict[str, list[Answer]], int]:
    """What the WARC files hold: the answers of each URL, and the number of request records."""
    answers: dict[str, list[Answer]] = {}
    requests = 0
    for path in sorted(home.rglob("*.warc.gz*")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, parse_http=True):
                if record.record_type == WarcRecordType.request:
                    requests += 1
                elif record.record_type in (WarcRecordType.response, WarcRecordType.revisit):
                    status = record.http_headers.status_code if record.http_headers is not None else None
                    digest = record.headers.get("WARC-Payload-Digest") or ""
                    answers.setdefault(record.headers["WARC-Target-URI"].strip("<>"), []).append((status or 0, digest))
    return answers, requests


def listing(home: Path) -> dict[str, tuple[object, ...]]:
    """The list of a crawl's URLs."""
    rows = json.loads(muniment(home, "crawl", "urls", "--json"))
    return {row["url"]: (row["state"], row["verdict"], row["status"], row["digest"]) for row in rows}


def muniment(home: Path, *words: str) -> str:
    """What a command says."""
    command = [tool("muniment"), "--archive", str(home), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment()).stdout


def differences(one: dict[str, object], other: dict[str, object]) -> list[str]:
    """What two crawls know differently, a line each."""
    return [
        f"{url}: {one.get(url, 'not there')} without a break, {other.get(url, 'not there')} killed and resumed"
        for url in sorted(one.keys() | other.keys())
        if one.get(url) != other.get(url)
    ]


def compare(whole: Holding, killed: Holding, say: Callable[[str], None]) -> int:
    """Tells what differs; how many differences there are."""
    number = 0
    for name, one, other in (
        ("payloads (URL, status, digest)", {url: set(of) for url, of in whole.answers.items()},
         {url: set(of) for url, of in killed.answers.items()}),
        ("captures of each URL", {url: len(of) for url, of in whole.answers.items()},
         {url: len(of) for url, of in killed.answers.items()}),
        ("what became of each URL met", dict(whole.listed), dict(killed.listed)),
    ):  # fmt: skip
        found = differences(dict(one), dict(other))
        number += len(found)
        say(f"  {name:32} {len(one):7,} and {len(other):7,} URLs, {len(found):,} differences")
        for line in found[:_SHOWN]:
            say(f"    {line}")
    for name, holding in (("without a break", whole), ("killed and resumed", killed)):
        count = sum(map(len, holding.answers.values()))
        say(
            f"  {name:20} {count:,} captures of {len(holding.answers):,} URLs, {count - holding.requests:,} of them without a "
            f"record of their request; the server saw {holding.asked:,} requests; {holding.seconds:.0f} s"
        )
    say(f"  requests more than without a break: {killed.asked - whole.asked:,}")
    return number


def main() -> None:
    """Crawl both ways, show the reports, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1, help="processes of each crawl  [1]")
    options = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    log = BUILD / "asked.log"
    log.write_bytes(b"")
    with whole_sites(None, log=log) as starts:
        for site in SITES:
            say(f"{site.name}: {package_of(site)}")
        homes = {name: BUILD / "runs" / f"killed-{name}" for name in ("not", "twice")}
        whole = crawl(homes["not"], list(starts.values()), options.workers, log, ())
        kills = [int(whole.asked * part) for part in KILLED_AT]
        killed = crawl(homes["twice"], list(starts.values()), options.workers, log, kills)
    named = {"without a break": homes["not"], f"killed at {' and '.join(f'{at:,}' for at in kills)} requests": homes["twice"]}
    for name, home in named.items():
        say(f"\n== {name}\n{muniment(home, 'crawl', 'report')}")
        for part in ("--seeds", "--types", "--reasons"):
            say(muniment(home, "crawl", "report", part))
    statuses = Counter(status for answers in killed.answers.values() for status, _ in answers)
    say("== compared")
    say(f"  statuses {', '.join(f'{status}: {count:,}' for status, count in sorted(statuses.items()))}")
    number = compare(whole, killed, say)
    say(f"  {number:,} differences" if number else "  no difference")
    if number:
        raise SystemExit(1)


def say(line: str) -> None:
    """Prints at once."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
