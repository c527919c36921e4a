"""How the benchmarks of holdings measure and show: programs take turns, medians, times as fast as a peer, met or missed.

A benchmark is a file `holdings_NAME.py`; `holdings.py` runs them all.

    options = holdings_rows.options(__doc__)
    table = measure("verify", "MB/s", {"muniment": ours, "warcio": peer}, options.rounds)
    return show(table, [Target("muniment", "warcio", 5)])
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "bench-holdings"
ROUNDS = 5


@dataclass(frozen=True)
class Target:
    """That one program is to be at least so many times as good as another at the same measure."""

    ours: str
    peer: str
    at_least: float


@dataclass
class Row:
    """One line of the result.

    Attributes:
        measure: what was measured.
        program: what did it.
        unit: of the figures.
        median: of the rounds.
        rounds: all of them.
        ratio: times as good as `peer`, when that was asked.
        peer: the program compared with.
        wanted: at least this ratio, or at most this figure.
        met: whether it is so; None when nothing was wanted.
    """

    measure: str
    program: str
    unit: str
    median: float
    rounds: list[float] = field(default_factory=list)
    ratio: float | None = None
    peer: str = ""
    wanted: float | None = None
    met: bool | None = None


@dataclass(frozen=True)
class Cost:
    """What a command took, all its processes together.

    Attributes:
        seconds: from start to end.
        cpu: user and system.
        megabytes: of its largest process at its largest (resident).
        output: what it printed.
        status: its exit status.
    """

    seconds: float
    cpu: float
    megabytes: float
    output: bytes
    status: int


def run(command: Sequence[str | Path], *, accept: Sequence[int] = (0,), environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end and say what it took.

    Raises:
        SystemExit: it ended with a status that is not accepted.
    """
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**variables, **(environment or {})},
        )
        # wait4 counts what the command's own children took too, once it has waited for them.
        _, waited, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - began
        process.returncode = status = os.waitstatus_to_exitcode(waited)
        output.seek(0)
        errors.seek(0)
        if status not in accept:
            said = errors.read()[-2000:].decode("utf-8", "replace")
            raise SystemExit(f"{' '.join(map(str, command))}\nended with {status}:\n{said}")
        return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output.read(), status)


def peak_memory() -> float:
    """Of this process so far, resident megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(
    name: str, unit: str, programs: Mapping[str, Callable[[], float]], rounds: int = ROUNDS, *, warm: bool = True
) -> list[Row]:
    """Run all programs in turn, round by round; each gives its figure of one round.

    Args:
        name: of the measure, for people.
        unit: of the figures.
        programs: name → does it once and returns its figure.
        rounds: that count.
        warm: one more round goes before that does not count.
    """
    figures: dict[str, list[float]] = {program: [] for program in programs}
    for number in range(rounds + warm):
        for program, once in programs.items():
            figure = once()
            if number >= warm:
                figures[program].append(figure)
    return [Row(name, program, unit, statistics.median(found), found) for program, found in figures.items()]


def show(rows: list[Row], targets: Sequence[Target] = (), *, less_is_better: bool = False) -> list[Row]:
    """Print the rows of one measure with the ratios that are asked for; the rows again, ratios noted."""
    if not rows:
        return rows
    print(f"\n{rows[0].measure}, {rows[0].unit}, medians of {max(1, len(rows[0].rounds))}")
    wide = max(24, *(len(row.program) for row in rows))
    for row in rows:
        spread = f"   ({min(row.rounds):,.2f} to {max(row.rounds):,.2f})" if len(row.rounds) > 1 else ""
        print(f"  {row.program:{wide}} {row.median:14,.2f}{spread}")
    medians = {row.program: row for row in rows}
    for target in targets:
        if target.ours not in medians or target.peer not in medians:
            continue  # a peer that is not installed
        row, peer = medians[target.ours], medians[target.peer]
        good, bad = (peer.median, row.median) if less_is_better else (row.median, peer.median)
        ratio = good / bad if bad else float("inf")
        row.ratio, row.peer, row.wanted, row.met = ratio, target.peer, target.at_least, ratio >= target.at_least
        print(f"  {target.ours}: {ratio:.2f}× {target.peer}, at least {target.at_least:g}× wanted: {_verdict(row.met)}")
    print(end="", flush=True)
    return rows


def show_limit(measure: str, program: str, unit: str, figure: float, under: float | None = None) -> Row:
    """Print one figure, and whether it is under what is wanted; its row."""
    row = Row(measure, program, unit, figure, [figure], wanted=under, met=None if under is None else figure < under)
    verdict = "" if under is None else f"   (under {under:g} {unit} wanted: {_verdict(bool(row.met))})"
    print(f"{measure}, {program}: {figure:,.2f} {unit}{verdict}", flush=True)
    return row


def options(about: str | None, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What every benchmark of holdings understands: `--rounds N`, `--quick` (smaller inputs), `--json`."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of each program  [{ROUNDS}]")
    parser.add_argument("--quick", action="store_true", help="inputs of a tenth of the size, for a look")
    parser.add_argument("--json", action="store_true", help=f"write the rows to {BUILD.relative_to(ROOT)}")
    found = parser.parse_args(arguments)
    if found.rounds < 1:
        parser.error("--rounds needs a number from 1.")
    BUILD.mkdir(parents=True, exist_ok=True)
    return found


def write_json(name: str, rows: Sequence[Row]) -> Path:
    """Keep the rows of a run as `build/bench-holdings/NAME.json`; where."""
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"{name}.json"
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return path


def finish(name: str, found: argparse.Namespace, rows: Sequence[Row]) -> None:
    """The end of a benchmark that is run by itself: rows kept when asked, exit status 1 when something was missed."""
    if found.json:
        print(f"rows: {write_json(name, rows).relative_to(ROOT)}")
    if any(row.met is False for row in rows):
        raise SystemExit(1)


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"
