"""`muniment import`: WARC and ARC files into a collection."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.common import archive_option, collection_option, counted, json_option, print_json, settings_from

if TYPE_CHECKING:
    from archiver.warc.importer import ImportReport


@click.command(name="import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@collection_option
@archive_option
@click.option("--in-place", is_flag=True, help="Leave the files where they are, and read them from there.")
@json_option
def import_files(files: tuple[Path, ...], collection: str | None, archive: object, in_place: bool, as_json: bool) -> int:
    """Take WARC and ARC files into a collection.

    Files are copied into the archive unless --in-place is given. Damaged records are counted and named; the rest is
    taken in all the same. Importing a file again adds nothing twice.
    """
    from archiver.holdings import open_holdings
    from archiver.warc.importer import import_file

    settings = settings_from(collection=collection, archive=archive)
    reports = []
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(settings.collection).slug
        for path in files:
            with click.progressbar(
                length=path.stat().st_size if path.is_file() else 0,
                label=path.name,
                file=sys.stderr,
                hidden=not sys.stderr.isatty(),
            ) as bar:
                report = import_file(
                    path,
                    collection=slug,
                    store=holdings.store,
                    index=holdings.index,
                    in_place=in_place,
                    progress=lambda position, bar=bar: bar.update(position - bar.pos),  # type: ignore[misc]
                )
            reports.append(report)
            if not as_json:
                _print(path, report)
    if as_json:
        print_json([_as_json(path, report) for path, report in zip(files, reports, strict=True)])
    return 0


def _print(path: Path, report: ImportReport) -> None:
    total = sum(report.records.values())
    click.echo(f"{path}: {counted(total, 'record')}, {counted(report.indexed, 'capture')}")
    for reason, count in sorted(report.skipped.items()):
        click.echo(f"  {count:,} not indexed: {reason}")
    for bad in report.bad:
        click.echo(f"  damaged at byte {bad.offset:,}: {bad.reason}")
    if report.unnamed_bad:
        click.echo(f"  … and {report.unnamed_bad:,} more damaged places")


def _as_json(path: Path, report: ImportReport) -> dict[str, object]:
    return {
        "file": str(path),
        "stored_as": report.file,
        "records": dict(report.records),
        "captures": report.indexed,
        "not_indexed": dict(report.skipped),
        "damaged": [{"offset": bad.offset, "reason": bad.reason} for bad in report.bad],
        "damaged_more": report.unnamed_bad,
    }
