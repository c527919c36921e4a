"""`muniment metadata`: what is said of a collection, its seeds and documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.common import (
    actor_option,
    archive_option,
    collection_option,
    counted,
    json_option,
    print_json,
    settings_from,
)
from archiver.cli.seeds import write_sheet

if TYPE_CHECKING:
    from archiver.collections.descriptions import DescriptionRegistry
    from archiver.collections.seeds import SeedRegistry
    from archiver.holdings import Holdings

_KINDS = click.Choice(["csv", "ods", "xlsx"])
_seed_option = click.option("--seed", metavar="URL", help="Of this seed.")
_document_option = click.option("--document", metavar="URL", help="Of this document.")


@click.group()
def metadata() -> None:
    """Show and change what is said of a collection, its seeds and documents, in Dublin Core or fields of your own."""


def _registries(holdings: Holdings) -> tuple[DescriptionRegistry, SeedRegistry]:
    from archiver.collections.descriptions import DescriptionRegistry
    from archiver.collections.seeds import SeedRegistry

    return (
        DescriptionRegistry(holdings.engine, holdings.audit),
        SeedRegistry(holdings.engine, holdings.collections.now, holdings.audit),
    )


def _about(holdings: Holdings, slug: str, seed: str | None, document: str | None) -> tuple[str, str]:
    """Level and subject that the options name.

    Raises:
        UsageError: both are given, or there is no such seed.
    """
    from archiver.collections.descriptions import subject_of
    from archiver.errors import UsageError

    if seed and document:
        raise UsageError("A seed and a document are asked for at once.", "Leave one of them out.")
    level = "seed" if seed else "document" if document else "collection"
    subject = subject_of(level, seed or document or "")
    if seed and _registries(holdings)[1].find(slug, subject) is None:
        raise UsageError(f"{subject} is no seed of “{slug}”.", "muniment seeds list names them.")
    return level, subject


@metadata.command()
@_seed_option
@_document_option
@collection_option
@archive_option
@json_option
def show(seed: str | None, document: str | None, collection: str | None, archive: object, as_json: bool) -> None:
    """Show what is said of the collection, or of one seed or document."""
    from archiver.holdings import open_holdings

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(holdings.settings.collection).slug
        level, subject = _about(holdings, slug, seed, document)
        said = _registries(holdings)[0].of(slug, level, subject)
    if as_json:
        print_json([{"field": item.field, "value": item.value, "private": item.is_private} for item in said])
        return
    for item in said:
        lines = item.value.replace("\n", "\n" + " " * 17)
        click.echo(f"{item.field:16} {lines}{'  (private)' if item.is_private else ''}")
    if not said:
        click.echo("Nothing is said yet.")


@metadata.command(name="set")
@click.argument("statements", nargs=-1, required=True, metavar="FIELD=VALUE...")
@click.option("--private", is_flag=True, help="Readers do not see these.")
@click.option("--add", is_flag=True, help="Say it beside what these fields say already, not in its place.")
@_seed_option
@_document_option
@actor_option
@collection_option
@archive_option
def set_(
    statements: tuple[str, ...], private: bool, add: bool, seed: str | None, document: str | None, actor: str,
    collection: str | None, archive: object,
) -> None:  # fmt: skip
    """Say something: FIELD=VALUE replaces what the field says, FIELD= takes it away; a field may be given many times."""
    from archiver.collections.descriptions import Statement, field_name
    from archiver.errors import UsageError
    from archiver.holdings import open_holdings

    given = []
    for written in statements:
        field, equals, value = written.partition("=")
        if not equals:
            raise UsageError(f"“{written[:60]}” says nothing.", "Write FIELD=VALUE, such as creator=UNESCO.")
        given.append(Statement(field_name(field), value, private))
    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(holdings.settings.collection).slug
        level, subject = _about(holdings, slug, seed, document)
        registry = _registries(holdings)[0]
        replaced = set() if add else {item.field for item in given}
        kept = [item for item in registry.of(slug, level, subject) if item.field not in replaced]
        said = registry.replace(slug, level, subject, [*kept, *given], actor=actor)
    click.echo(f"{counted(len(said), 'value')} now.")


@metadata.command(name="import")
@click.argument("file", type=click.File("rb"))
@click.option("--replace", is_flag=True, help="What is said of everything that has a row is replaced by it.")
@click.option(
    "--level", type=click.Choice(["seed", "document"]), default="seed", show_default=True, help="Of rows that name none."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@actor_option
@collection_option
@archive_option
@click.pass_context
def import_(
    context: click.Context,
    file: Any,
    replace: bool,
    level: str,
    dry_run: bool,
    actor: str,
    collection: str | None,
    archive: object,
) -> None:
    """Add what a spreadsheet FILE (CSV, ODS, XLSX) says; - for standard input.

    Rows that are refused are told with their number; the exit status is 1 then.
    """
    from archiver.collections import metadatasheets
    from archiver.collections.metadatasheets import SheetMode
    from archiver.collections.spreadsheets import read_table
    from archiver.holdings import open_holdings

    table = read_table(file.read())
    mode = SheetMode.REPLACE if replace else SheetMode.ADD
    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(holdings.settings.collection).slug
        said, seeds = _registries(holdings)
        changes = metadatasheets.changes_of(said, seeds, slug, table, mode, level=level)
        if not dry_run:
            metadatasheets.make(said, slug, changes, actor=actor)
    for item in changes.refused:
        click.echo(f"Row {item.row}: {item.reason}", err=True)
    word = "would change" if dry_run else "changed"
    click.echo(f"{len(changes.changes):,} {word}, {changes.same:,} as they were, {len(changes.refused):,} rows refused.")
    if changes.refused:
        context.exit(1)


@metadata.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, writable=True, allow_dash=True), default="-")
@click.option("--format", "kind", type=_KINDS, help="[default: by the name of the file, else csv]")
@click.option("--public", is_flag=True, help="Leave out what is private.")
@collection_option
@archive_option
def export(file: Path, kind: str | None, public: bool, collection: str | None, archive: object) -> None:
    """Write all that is said into a spreadsheet FILE, or as CSV to standard output."""
    from archiver.collections import metadatasheets
    from archiver.collections.seeds import SeedFilter
    from archiver.holdings import open_holdings

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(holdings.settings.collection).slug
        said, seeds = _registries(holdings)
        urls = [seed.url for seed in seeds.list(slug, SeedFilter(is_public=True if public else None))]
        shown = set(urls)
        rows = [row for row in said.all(slug, public_only=public) if not public or row[0] != "seed" or row[1] in shown]
    write_sheet(file, kind, metadatasheets.table_of(rows, urls), f"{slug} metadata")
