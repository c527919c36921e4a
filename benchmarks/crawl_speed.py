"""Crawls side by side: `muniment crawl` and wget crawl the same sites from the same servers, politeness off for both.

What is crawled is documentation as Debian ships it: two sites on nginx without any latency, and their pages spread over
fifty hosts that answer after 50 ms. Rounds take turns; figures are medians. All processes share the machine's cores, the
servers included. Rates count the URLs that are in the WARC files of each program, and how these differ is printed.

    python benchmarks/crawl_speed.py [--only ROW]… [--rounds N] [--json]
    python benchmarks/crawl_speed.py --memory [LISTS]
    python benchmarks/crawl_speed.py --browser
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from crawl_runs import Run, ours, show_differences, wget
from crawl_sites import BUILD, DELAY, HOSTS, SITES, package_of, slow_hosts, whole_sites

ROUNDS = 5
PAGES = 1200  # on the fifty hosts; with what they need about twice as many URLs
CPU_TARGET = 1.5


@dataclass(frozen=True)
class Measure:
    """One thing that is crawled.

    Attributes:
        name: for `--only`.
        title: for people.
        targets: workers → times as many URLs a second as wget.
    """

    name: str
    title: str
    targets: dict[int, float]


MEASURES = (
    *(Measure(site.name, f"one site, no latency: {site.name}", {1: 1.0, 2: 2.0}) for site in SITES),
    Measure("hosts", f"{len(HOSTS)} hosts, {DELAY * 1000:.0f} ms each", {2: 20.0}),
)


@dataclass
class Result:
    """The medians of one program at one measure."""

    measure: str
    program: str
    workers: int
    urls: int
    errors: int
    received: int
    stored: int
    seconds: float
    rate: float
    cpu_of_thousand: float
    memory: float
    rates: list[float] = field(default_factory=list)


def summary(measure: Measure, program: str, workers: int, runs: Sequence[Run]) -> Result:
    """Of all rounds; counts are of the last."""
    last = runs[-1]
    return Result(
        measure.name,
        program,
        workers,
        len(last.urls),
        sum(status >= 400 for status in last.urls.values()),
        last.received,
        last.stored,
        statistics.median(run.seconds for run in runs),
        statistics.median(run.rate for run in runs),
        statistics.median(run.cpu_of_thousand for run in runs),
        max(run.memory for run in runs),
        [round(run.rate, 1) for run in runs],
    )


def run_measure(measure: Measure, seeds: Sequence[str], rounds: int, peers: bool, say: Callable[[str], None]) -> list[Result]:
    """All rounds of all programs, in turn; shows what they came to."""
    scope = "prefix" if len(seeds) == 1 else "host"
    todo: dict[tuple[str, int], Callable[[], Run]] = {}
    if peers:
        todo["wget", 1] = lambda: wget(f"{measure.name}-wget", seeds)
    for workers in measure.targets:
        todo["muniment", workers] = lambda workers=workers: ours(f"{measure.name}-{workers}", seeds, scope, workers)  # type: ignore[misc]
    runs: dict[tuple[str, int], list[Run]] = {key: [] for key in todo}
    for _ in range(rounds):
        for key, crawl in todo.items():
            runs[key].append(crawl())
    results = [summary(measure, program, workers, runs[program, workers]) for program, workers in todo]
    say(f"\n{measure.title}")
    say(f"  {'':24}{'URLs':>8}{'errors':>8}{'MB':>8}{'stored':>8}{'seconds':>9}{'URLs/s':>9}{'CPU s/1,000':>13}{'MB RSS':>8}")
    for result in results:
        name = result.program if result.program == "wget" else f"muniment, {result.workers} worker{'s' * (result.workers > 1)}"
        say(
            f"  {name:24}{result.urls:8,}{result.errors:8,}{result.received / 1e6:8.1f}{result.stored / 1e6:8.1f}"
            f"{result.seconds:9.2f}{result.rate:9.1f}{result.cpu_of_thousand:13.2f}{result.memory:8.0f}"
        )
    if peers:
        show_verdicts(measure, results, say)
        for workers in measure.targets:
            show_differences(runs["wget", 1][-1], runs["muniment", workers][-1], say)
    return results


def show_verdicts(measure: Measure, results: Sequence[Result], say: Callable[[str], None]) -> None:
    """Whether it is as fast as it is to be."""
    peer, *mine = results
    for result in mine:
        ratio, wanted = result.rate / peer.rate, measure.targets[result.workers]
        say(f"  {result.workers} worker(s): {ratio:5.2f}× wget's rate, at least {wanted:g}× wanted: {verdict(ratio >= wanted)}")
        cost = result.cpu_of_thousand / peer.cpu_of_thousand
        say(f"  {'':12} {cost:5.2f}× wget's CPU, at most {CPU_TARGET:g}× wanted: {verdict(cost <= CPU_TARGET)}")


def verdict(met: bool) -> str:
    """In a word."""
    return "met" if met else "MISSED"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [measure.name for measure in MEASURES]
    parser.add_argument("--only", action="append", choices=names, help="just this; may be repeated")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of each program  [{ROUNDS}]")
    parser.add_argument("--pages", type=int, default=PAGES, help=f"on the fifty hosts, in all  [{PAGES}]")
    parser.add_argument("--no-peers", action="store_true", help="just ours")
    parser.add_argument(
        "--json", action="store_true", help=f"write results to {BUILD.relative_to(Path(__file__).parent.parent)}"
    )
    parser.add_argument("--memory", type=int, nargs="?", const=20, metavar="LISTS", help="50,000 URLs a list queued, instead")
    parser.add_argument("--browser", action="store_true", help="what a browser asks for and the archive has, instead")
    options = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    if options.memory:
        from crawl_memory import show_memory

        keep(options.json, "memory", show_memory(options.memory))
        return
    if options.browser:
        from crawl_browser import show_browser

        keep(options.json, "browser", show_browser())
        return
    if shutil.which("wget") is None and not options.no_peers:
        sys.exit("This benchmark needs wget.")
    if not options.no_peers:
        version = subprocess.run(["wget", "--version"], check=True, capture_output=True, text=True).stdout.split("\n")[0]
        print(f"{version}; {os.cpu_count()} cores, shared with the server; medians of {options.rounds}, programs in turn")
    results: list[Result] = []
    with ExitStack() as stack:
        starts = stack.enter_context(whole_sites(None))
        for site in SITES:
            print(f"  {site.name}: {package_of(site)}")
        for measure in MEASURES:
            if options.only and measure.name not in options.only:
                continue
            if measure.name in starts:
                results += run_measure(measure, [starts[measure.name]], options.rounds, not options.no_peers, say)
            else:
                with slow_hosts(options.pages, None) as made:
                    results += run_measure(measure, made.seeds, options.rounds, not options.no_peers, say)
    keep(options.json, "results", [asdict(result) for result in results])


def say(line: str) -> None:
    """Prints at once."""
    print(line, flush=True)


def keep(wanted: bool, name: str, results: object) -> None:
    """Results for programs."""
    if wanted:
        (BUILD / f"{name}.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
