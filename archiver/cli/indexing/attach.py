"""`muniment index attach`, `detach`, `sources`: indexes that are read where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli.common import archive_option, collection_option, counted, json_option, print_json, settings_from

if TYPE_CHECKING:
    from archiver.index.sources import Source

_KINDS = {"cdxj": "CDX or CDXJ file", "zipnum": "ZipNum cluster", "remote": "CDX server"}


@click.command()
@click.argument("location")
@click.option(
    "--warcs",
    metavar="PLACE",
    help="Where the WARC files are that it names: a folder, a URL (s3://, https://) before their names, or a path index file "
    "of sorted NAME TAB PATH lines.  [default: the folder of the index]",
)
@click.option("--server", is_flag=True, help="LOCATION is the CDX API of another archive.")
@click.option("--replay", metavar="URL", help="With --server: its replay, up to the timestamp.  [default: found from LOCATION]")
@click.option("--dialect", type=click.Choice(["pywb", "ia"]), help="With --server: how it is asked.  [default: found out]")
@click.option("--locations", metavar="FILE", default="", help="For a ZipNum cluster: the file that says where its shards are.")
@collection_option
@archive_option
@json_option
def attach(
    location: str,
    warcs: str | None,
    server: bool,
    replay: str | None,
    dialect: str | None,
    locations: str,
    collection: str | None,
    archive: object,
    as_json: bool,
) -> None:
    """Read an index of others as part of a collection, where it is.

    LOCATION is the path or URL of a sorted CDX or CDXJ file, of the .idx file of a ZipNum cluster, or with --server of a
    CDX API such as https://web.archive.org/cdx/search/cdx. Nothing is copied: what it lists is looked up and replayed as if
    it were in the collection, until it is detached.
    """
    from archiver.holdings import open_holdings
    from archiver.index.attaching import attach_files, attach_server

    if not server and (replay or dialect):
        raise click.UsageError("--replay and --dialect are for a CDX server: add --server.")
    if server and locations:
        raise click.UsageError("--locations is for ZipNum clusters.")
    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        if server:
            added = attach_server(
                holdings, holdings.settings.collection, location, warcs=warcs, replay=replay, dialect=dialect or ""
            )
        else:
            added = attach_files(holdings, holdings.settings.collection, location, warcs=warcs, locations=locations)
    if as_json:
        print_json(_as_json(added, ""))
        return
    click.echo(f"Attached to “{added.collection}” as number {added.id}: {_KINDS[added.kind]} {added.location}{_numbers(added)}")
    for remark in _remarks(added):
        click.echo(remark, err=True)


@click.command()
@click.argument("location")
@collection_option
@archive_option
@json_option
def detach(location: str, collection: str | None, archive: object, as_json: bool) -> None:
    """Stop reading an index, named by its LOCATION or number; the index itself stays as it is."""
    from archiver.holdings import open_holdings
    from archiver.index.attaching import detach_index

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        gone = detach_index(holdings, holdings.settings.collection, location)
    if as_json:
        print_json(_as_json(gone, ""))
        return
    click.echo(f"Detached from “{gone.collection}”: {gone.location}")


@click.command()
@collection_option
@click.option("--check", is_flag=True, help="Ask each for something, and say which do not answer.")
@archive_option
@json_option
def sources(collection: str | None, check: bool, archive: object, as_json: bool) -> None:
    """List what is attached: to a collection, or to all of them."""
    from archiver.holdings import open_holdings
    from archiver.index.attaching import problem_of

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        found = holdings.sources.all(collection)
        problems = {source.id: problem_of(source, settings) if check else "" for source in found}
    if as_json:
        print_json([_as_json(source, problems[source.id]) for source in found])
    else:
        for source in found:
            click.echo(f"{source.id:>4}  {source.collection:20}  {_KINDS[source.kind]:16}  {source.location}{_numbers(source)}")
            click.echo(f"      files: {source.warcs or 'in the archive itself'}")
            for remark in [*_remarks(source), *filter(None, [problems[source.id]])]:
                click.echo(f"      {remark}")
        if not found:
            click.echo("Nothing is attached.", err=True)
    if any(problems.values()):
        click.get_current_context().exit(1)


def _as_json(source: Source, problem: str) -> dict[str, object]:
    return {
        "id": source.id,
        "collection": source.collection,
        "kind": source.kind,
        "location": source.location,
        "warcs": source.warcs,
        "added_at": source.added_at,
        "options": dict(source.options),
        "problem": problem or None,
    }


def _numbers(source: Source) -> str:
    said = source.options.get("numbers")
    if not isinstance(said, dict):
        return ""
    return f" ({counted(said.get('captures', 0), 'capture')})"


def _remarks(source: Source) -> list[str]:
    """What the archivist should know of how it is read."""
    remarks = []
    keys = source.options.get("keys")
    if isinstance(keys, dict):
        if keys.get("rekeyed"):
            remarks.append("Its keys are written by other rules: long lists of it are sorted anew each time, which is slow.")
        if keys.get("unlike"):
            remarks.append(
                f"{float(keys['unlike']):.1%} of its keys follow no known rule: those captures are listed, but not found by "
                "their URL. Take the index in with muniment import to have all of them."
            )
    unreadable = source.options.get("unreadable")
    if isinstance(unreadable, float):
        remarks.append(f"{unreadable:.1%} of its lines say of no capture where it is; they are passed over.")
    return remarks
