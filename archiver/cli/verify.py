"""`muniment verify`: fixity and the rules of WARC and WACZ, index against files both ways, database against files."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.common import archive_option, counted, human_size, json_option, print_json, settings_from
from archiver.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from archiver.verify import Subject
    from archiver.warc.check import FileReport

#: Findings that are shown of one file, and of one rule in it.
_SHOWN, _OF_A_RULE = 20, 3

_SUFFIXES = (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz", ".wacz", ".warc.gz.open", ".warc.open")


@click.command(name="verify")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("-c", "--collection", metavar="NAME", help="Only the files and captures of this collection.")
@archive_option
@click.option("--quick", is_flag=True, help="Compare names, sizes and extents only; no file is read.")
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Pass over files that were verified less than so many days ago and had no error.",
)
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Processes.  [default: one for each core]")
@click.option("--strict", is_flag=True, help="Warnings are problems too.")
@json_option
@click.option("--rules", "show_rules", is_flag=True, help="List all rules, with what can be done; verify nothing.")
def verify(
    files: tuple[Path, ...],
    collection: str | None,
    archive: object,
    quick: bool,
    older_than: float | None,
    workers: int | None,
    strict: bool,
    as_json: bool,
    show_rules: bool,
) -> int:
    """Verify WARC, ARC and WACZ files, or the whole archive.

    With FILEs (or folders of them) just these are checked, wherever they are: every digest, the compression, and the rules
    of the WARC standard and of WACZ. Without, every file of the archive is, and compared with the index and the database.
    Exit status 1 when something is wrong. --json prints one JSON object a line: findings, then files, then a summary.
    """
    if show_rules:
        return _print_rules(as_json)
    workers = workers or len(os.sched_getaffinity(0))
    if files:
        if collection is not None or quick or older_than is not None:
            raise UsageError("--collection, --quick and --older-than are for the archive.", "Leave the files out, or these.")
        from archiver.verify import Verifier

        loose = Verifier(_subjects(files), workers=workers, complete=as_json)
        return _run(loose.run, as_json, strict, lambda: loose.total, lambda: 0)
    from archiver.holdings import open_holdings, utc_now
    from archiver.verifyarchive import ArchiveVerifier

    with open_holdings(settings_from(archive=archive)) as holdings:
        if collection is not None:
            collection = holdings.collections.get(collection).slug
        age = None if older_than is None else timedelta(days=older_than)
        verifier = ArchiveVerifier(
            holdings, collection=collection, workers=workers, quick=quick, older_than=age, complete=as_json
        )

        def reports(progress: Callable[[int], None]) -> Iterator[FileReport]:
            return verifier.run(utc_now, progress)

        return _run(reports, as_json, strict, lambda: verifier.total, lambda: verifier.skipped)


def _subjects(files: tuple[Path, ...]) -> list[Subject]:
    """The files that are named, and what is in folders.

    Raises:
        UsageError: there is no such file, or nothing in a folder.
    """
    from archiver.verify import Subject, open_file

    found: list[Path] = []
    for path in files:
        if path.is_dir():
            inside = sorted(item for item in path.rglob("*") if item.name.lower().endswith(_SUFFIXES) and item.is_file())
            if not inside:
                raise UsageError(f"There is no WARC, ARC or WACZ file in {path}.")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise UsageError(f"There is no file {path}.")
    return [Subject(str(path), partial(open_file, path)) for path in found]


def _run(
    start: Callable[[Callable[[int], None]], Iterator[FileReport]],
    as_json: bool,
    strict: bool,
    total: Callable[[], int],
    skipped: Callable[[], int],
) -> int:
    """Go through the reports; the exit status."""
    totals: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    done = [0]
    show = _print_json if as_json else _print_report

    def progress(count: int) -> None:
        done[0] += count
        if sys.stderr.isatty():
            whole = f" of {human_size(total())}" if total() else ""
            click.echo(f"\r{human_size(done[0])}{whole} read, {counted(totals['files'], 'file')} verified ", err=True, nl=False)

    try:
        with closing(start(progress)) as reports:  # type: ignore[type-var]
            for report in reports:
                if sys.stderr.isatty():
                    click.echo("\r\x1b[K", err=True, nl=False)
                totals["files"] += bool(report.size or report.records or not report.file.startswith("("))
                totals["bytes"] += report.size
                totals["records"] += sum(report.records.values())
                rules.update(report.log.counts)
                show(report)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"Stopped: {counted(totals['files'], 'file')} verified. Of an archive, --older-than 1 goes on with the rest."
        ) from error
    return _finish(totals, rules, skipped(), as_json, strict)


def _finish(totals: Counter[str], rules: Counter[str], skipped: int, as_json: bool, strict: bool) -> int:
    from archiver.warc.rules import RULES, Severity

    by_severity: Counter[str] = Counter()
    for rule, count in rules.items():
        by_severity[RULES[rule].severity.value] += count
    is_bad = bool(by_severity["error"] or (strict and by_severity["warning"]))
    if as_json:
        summary = {name: totals[name] for name in ("files", "records", "bytes")} | {"skipped": skipped}
        summary |= {severity.value + "s": by_severity[severity.value] for severity in Severity}
        _line({"summary": summary | {"rules": dict(rules), "ok": not is_bad}})
        return int(is_bad)
    if rules:
        click.echo()
    for severity in Severity:
        for broken in (known for name, known in RULES.items() if rules[name] and known.severity is severity):
            click.echo(f"{severity.value:8}{rules[broken.id]:>9,} × {broken.id}: {broken.sentence}")
            click.echo(f"{'':20}{broken.hint}")
    if rules:
        click.echo()
    passed_over = f"; {counted(skipped, 'file')} verified before and passed over" if skipped else ""
    verified = f"{counted(totals['files'], 'file')}, {human_size(totals['bytes'])}, {counted(totals['records'], 'record')}"
    click.echo(
        f"{verified}{passed_over}: "
        f"{counted(by_severity['error'], 'error')}, {counted(by_severity['warning'], 'warning')}, "
        f"{counted(by_severity['note'], 'note')}."
    )
    return int(is_bad)


def _print_report(report: FileReport) -> None:
    """A file with its findings; notes are only counted, at the end."""
    from archiver.warc.rules import Severity

    worst = [finding for finding in report.log.listed if finding.severity is not Severity.NOTE]
    if not worst:
        return
    worst.sort(key=lambda finding: finding.severity is not Severity.ERROR)
    click.echo(report.file)
    shown: Counter[str] = Counter()
    for finding in worst:
        shown[finding.rule] += 1
        if shown[finding.rule] > _OF_A_RULE or sum(min(count, _OF_A_RULE) for count in shown.values()) > _SHOWN:
            continue
        place = f" at byte {finding.offset:,}" if finding.offset >= 0 else ""
        told = "; ".join(dict.fromkeys(part for part in (finding.detail, finding.subject) if part))
        click.echo(f"  {finding.severity.value}{place}: {finding.rule}{': ' if told else ''}{told}")
    total = report.log.has(Severity.ERROR) + report.log.has(Severity.WARNING)
    left = total - min(_SHOWN, sum(min(count, _OF_A_RULE) for count in shown.values()))
    if left:
        click.echo(f"  … and {left:,} more like these (--json has all)")


def _print_json(report: FileReport) -> None:
    """All findings of a file, then the file."""
    from archiver.warc.rules import Severity

    for path in report.logs:
        with Path(path).open(encoding="utf-8") as lines:
            for line in lines:
                click.echo(line, nl=False)
    _line(
        {
            "file": report.file,
            "bytes": report.size,
            "records": dict(report.records),
            **{f"{severity.value}s": report.log.has(severity) for severity in Severity},
        }
    )


def _line(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def _print_rules(as_json: bool) -> int:
    from dataclasses import asdict

    from archiver.warc.rules import RULES

    if as_json:
        print_json([asdict(rule) for rule in RULES.values()])
        return 0
    for rule in RULES.values():
        click.echo(f"{rule.id}  ({rule.severity.value})\n    {rule.sentence}\n    {rule.hint}")
    return 0
