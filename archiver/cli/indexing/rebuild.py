"""`muniment index rebuild`, `muniment index stats`: what is derived from the WARC files, made anew or counted."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from archiver.cli.common import (
    archive_option,
    collection_option,
    counted,
    human_size,
    json_option,
    print_json,
    say_repaired,
    settings_from,
)

if TYPE_CHECKING:
    from archiver.rebuild import RebuildReport


@click.command()
@click.option("-c", "--collection", metavar="NAME", help="Only this collection.  [default: all]")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes that read.  [default: one a processor]")
@click.option("--without-missing", is_flag=True, help="Leave out what is in files that cannot be read, in place of giving up.")
@archive_option
@json_option
def rebuild(collection: str | None, workers: int | None, without_missing: bool, archive: object, as_json: bool) -> int:
    """Make the index anew from the WARC files.

    Captures, what is known of files, and what later captures refer to are read from the records alone, beside the index
    that is there; servers and captures go on meanwhile. The new one takes its place when it is whole: what ends before
    that leaves the old one as it was. Collections, their files, seeds, descriptions and rules stay.
    """
    from archiver.holdings import open_holdings
    from archiver.rebuild import Rebuild

    with open_holdings(settings_from(archive=archive)) as holdings:
        say_repaired(holdings)
        slugs = None if collection is None else (holdings.collections.get(collection).slug,)
        reached: dict[str, int] = {}
        with click.progressbar(
            length=sum(holdings.store.size(name) for name in holdings.store.names()),
            label="Reading",
            file=sys.stderr,
            hidden=not sys.stderr.isatty(),
        ) as bar:

            def told(name: str, position: int) -> None:
                bar.update(max(0, position - reached.get(name, 0)))
                reached[name] = max(position, reached.get(name, 0))

            report = Rebuild(
                holdings,
                slugs=slugs,
                workers=workers or os.cpu_count() or 1,
                without_missing=without_missing,
                told=told,
            ).run()
    if as_json:
        print_json(_as_json(report))
    else:
        _print(report)
    return 1 if report.missing else 0


def _print(report: RebuildReport) -> None:
    read = f"{counted(report.files, 'file')} ({human_size(report.bytes)})"
    click.echo(f"The index was made anew from {read}: {counted(report.captures, 'capture')}.")
    for name, counts in sorted(report.counts.items()):
        for bad in counts.bad:
            click.echo(f"  {name}: damaged at byte {bad.offset:,}: {bad.reason}")
        for one in counts.named:
            click.echo(
                f"  {name}: not indexed at byte {one.offset:,}, {one.record_type} of {one.url or 'no URL'}: {one.reason}"
            )
        if more := counts.unnamed + counts.unnamed_bad:
            click.echo(f"  {name}: … and {more:,} more")
    for name, reason in sorted(report.missing.items()):
        click.echo(f"  {name}: left out: {reason}")
    for slug in report.made:
        click.echo(
            f"  The collection “{slug}” was not in the database and was made again with its name alone. It is private, because "
            "files do not tell who may see it; title, description, seeds and rules are not in files either. "
            f"“muniment import” takes them from an export; “muniment collection set {slug} --visibility public” shows it."
        )
    for name in report.unknown:
        click.echo(f"  {name}: belongs to no collection. Import it with --in-place to say to which.")
    for name in report.kept:
        click.echo(f"  {name}: is elsewhere, what the index has of it was kept.")


def _as_json(report: RebuildReport) -> dict[str, object]:
    return {
        "files": report.files,
        "bytes": report.bytes,
        "captures": report.captures,
        "damaged": [
            {"file": name, "offset": bad.offset, "reason": bad.reason}
            for name, counts in sorted(report.counts.items())
            for bad in counts.bad
        ],
        "not_indexed": [
            {"file": name, "offset": one.offset, "type": one.record_type, "url": one.url, "reason": one.reason}
            for name, counts in sorted(report.counts.items())
            for one in counts.named
        ],
        "more": sum(counts.unnamed + counts.unnamed_bad for counts in report.counts.values()),
        "left_out": report.missing,
        "without_collection": report.unknown,
        "made_collections": report.made,
        "kept": report.kept,
    }


@click.command()
@collection_option
@click.option("--urls", is_flag=True, help="Count the different URLs, too: reads the whole index of a collection.")
@archive_option
@json_option
def stats(collection: str | None, urls: bool, archive: object, as_json: bool) -> int:
    """What each collection holds: captures, files, bytes, and from when to when.

    All collections, unless one is named.
    """
    from archiver.holdings import open_holdings
    from archiver.index.query import KeyRange

    everything = (KeyRange("", None),)
    with open_holdings(settings_from(archive=archive)) as holdings:
        names = [item.slug for item in holdings.collections.all()]
        if collection is not None:
            names = [holdings.collections.get(collection).slug]
        found = [(name, holdings.files.totals(name), holdings.index.summary(name).urls if urls else None) for name in names]
        uncounted = [
            name for name, totals, _ in found if not totals.files and next(holdings.index.scan((name,), everything), None)
        ]
    for name in uncounted:
        click.echo(f"{name} is of an older version, its files are counted after “muniment index rebuild”.", err=True)
    if as_json:
        print_json(
            [
                {
                    "collection": name,
                    "captures": totals.captures,
                    "files": totals.files,
                    "bytes": totals.bytes,
                    "first": totals.first,
                    "last": totals.last,
                    **({} if number is None else {"urls": number}),
                }
                for name, totals, number in found
            ]
        )
        return 0
    for name, totals, number in found:
        said = [counted(totals.captures, "capture")]
        said += [] if number is None else [counted(number, "URL")]
        said += [counted(totals.files, "file"), human_size(totals.bytes)]
        span = f", {totals.first} to {totals.last}" if totals.first else ""
        click.echo(f"{name}: {', '.join(said)}{span}")
    return 0
