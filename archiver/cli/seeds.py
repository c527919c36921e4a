"""`muniment seeds`: the URLs that a collection cares for."""

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

if TYPE_CHECKING:
    from archiver.collections.seeds import SeedRegistry
    from archiver.collections.seedsheets import SeedChanges
    from archiver.collections.seedvalues import Seed
    from archiver.holdings import Holdings

_SCHEDULES = click.Choice(
    ["none", "once", "twice-daily", "daily", "weekly", "monthly", "bimonthly", "quarterly", "semiannual", "annual"]
)
_SCOPES = click.Choice(["none", "page", "page+1", "prefix", "host", "domain", "any", "custom"])
_KINDS = click.Choice(["csv", "ods", "xlsx"])


@click.group()
def seeds() -> None:
    """List, add, change and remove the seeds of a collection; fetch them from files, write them into files.

    A seed is an address that the collection cares for: crawls begin there. To remove one removes no capture.
    """


def _registry(holdings: Holdings) -> SeedRegistry:
    from archiver.collections.seeds import SeedRegistry

    return SeedRegistry(holdings.engine, holdings.collections.now, holdings.audit)


def _options(command: Any) -> Any:
    """What can be said of seeds."""
    for option in (
        click.option("--public/--not-public", "is_public", default=None, help="Whether readers see it and what is its own."),
        click.option("--active/--inactive", "is_active", default=None, help="Whether schedules crawl it."),
        click.option("--notes", help="For archivists."),
        click.option("--group", help='Made when new; "" for none.'),
        click.option("--schedule", type=_SCHEDULES),
        click.option("--scope", type=_SCOPES, help="none: that of the collection."),
        click.option("--title", help="For people."),
    ):
        command = option(command)
    return command


def _said(values: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as fields of a draft."""
    return {name: "" if value == "none" else value for name, value in values.items() if value is not None}


@seeds.command(name="list")
@click.option("--text", default="", help="In address, title or notes.")
@click.option("--group", default="", help="Of this group; - for those without one.")
@click.option("--active/--inactive", "is_active", default=None, help="Only those.")
@collection_option
@archive_option
@json_option
def list_(text: str, group: str, is_active: bool | None, collection: str | None, archive: object, as_json: bool) -> None:
    """List the seeds, with how often they are captured and how their last crawl ended."""
    from archiver.collections.seedresults import results_of
    from archiver.collections.seeds import SeedFilter
    from archiver.holdings import open_holdings

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(holdings.settings.collection).slug
        found = _registry(holdings).list(slug, SeedFilter(text=text, group=group, is_active=is_active))
        results: dict[int, Any] = {}
        for start in range(0, len(found), 500):
            results |= results_of(holdings.engine, holdings.index, slug, found[start : start + 500])
    if as_json:
        print_json([_as_json(seed, results[seed.number]) for seed in found])
        return
    for seed in found:
        result = results[seed.number]
        times = f"{result.captures:,} × to {result.last:%Y-%m-%d}" if result.captures else "never captured"
        marks = "".join(("" if seed.is_active else ", inactive", "" if seed.is_public else ", not public"))
        line = f"{seed.schedule or '–':12} {times:24} {seed.url}{marks}"
        click.echo(f"{line}  [{result.words}]" if result.words else line)
    if not found:
        click.echo("There are no such seeds.")


def _as_json(seed: Seed, result: Any = None) -> dict[str, object]:
    draft = seed.draft
    said: dict[str, object] = {
        "url": seed.url,
        "title": seed.title,
        "scope": draft.scope or None,
        "schedule": draft.schedule or None,
        "group": seed.group or None,
        "active": seed.is_active,
        "public": seed.is_public,
        "notes": seed.notes,
        "limits": dict(seed.limits),
        "rules": len(seed.rules),
    }
    if result is not None:
        said |= {
            "captures": result.captures,
            "first": result.first.isoformat() if result.first else None,
            "last": result.last.isoformat() if result.last else None,
            "last_crawl": result.crawl,
            "status": result.words or None,
        }
    return said


@seeds.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@_options
@actor_option
@collection_option
@archive_option
@json_option
def add(urls: tuple[str, ...], actor: str, collection: str | None, archive: object, as_json: bool, **values: Any) -> None:
    """Add seeds. Each is taken or refused by itself; the exit status is 1 where one is refused."""
    from archiver.collections.seedvalues import SeedDraft
    from archiver.holdings import open_holdings

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(holdings.settings.collection).slug
        report = _registry(holdings).add(slug, [SeedDraft(url, **_said(values)) for url in urls], actor=actor)
    if as_json:
        refused = [{"written": item.written, "reason": item.reason, "duplicate": item.is_duplicate} for item in report.refused]
        print_json({"added": list(report.added), "refused": refused})
    else:
        for url in report.added:
            click.echo(f"Added {url}")
        for item in report.refused:
            click.echo(f"Not added: {item.written}: {item.reason}", err=True)
    if report.refused:
        click.get_current_context().exit(1)


def _numbers(registry: SeedRegistry, slug: str, urls: tuple[str, ...]) -> list[int]:
    """The numbers of seeds.

    Raises:
        NotFound: one is none.
    """
    from archiver.errors import NotFound
    from archiver.urls import parse_url

    found = []
    for url in urls:
        spellings = (url,) if "://" in url else (f"https://{url}", f"http://{url}")
        seed = next(filter(None, (registry.find(slug, parse_url(spelling)) for spelling in spellings)), None)
        if seed is None:
            raise NotFound(f"{url} is no seed of “{slug}”.", "muniment seeds list names them.")
        found.append(seed.number)
    return found


@seeds.command(name="set")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@_options
@actor_option
@collection_option
@archive_option
def set_(urls: tuple[str, ...], actor: str, collection: str | None, archive: object, **values: Any) -> None:
    """Change seeds; what is not given stays."""
    from archiver.errors import UsageError
    from archiver.holdings import open_holdings

    said = _said(values)
    if not said:
        raise UsageError("Nothing is to be changed.", "Give an option, such as --schedule.")
    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug, registry = holdings.collections.get(holdings.settings.collection).slug, _registry(holdings)
        changed = registry.change_many(slug, _numbers(registry, slug, urls), actor=actor, **said)
    click.echo(f"{counted(changed, 'seed')} changed.")


@seeds.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@actor_option
@collection_option
@archive_option
def remove(urls: tuple[str, ...], actor: str, collection: str | None, archive: object) -> None:
    """Take seeds away, and what is said of them. What was captured stays."""
    from archiver.holdings import open_holdings

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug, registry = holdings.collections.get(holdings.settings.collection).slug, _registry(holdings)
        removed = registry.remove(slug, _numbers(registry, slug, urls), actor=actor)
    click.echo(f"{counted(removed, 'seed')} removed. What was captured stays.")


@seeds.command(name="import")
@click.argument("file", type=click.File("rb"))
@click.option("--update", is_flag=True, help="Change seeds that are there already to what the list says.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@actor_option
@collection_option
@archive_option
@click.pass_context
def import_(
    context: click.Context, file: Any, update: bool, dry_run: bool, actor: str, collection: str | None, archive: object
) -> None:
    """Add the seeds of a FILE, or - for standard input: one URL a line, or a table (CSV, ODS, XLSX) that names its columns.

    What is refused is told with its line; the exit status is 1 then.
    """
    from archiver.collections import seedsheets
    from archiver.holdings import open_holdings

    listed, refused = seedsheets.read_list(file.read())
    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug, registry = holdings.collections.get(holdings.settings.collection).slug, _registry(holdings)
        changes = seedsheets.changes_of(registry, slug, listed, refused=refused, update=update)
        if not dry_run:
            seedsheets.make(registry, slug, changes, actor=actor)
    _tell(changes, dry_run)
    if changes.refused:
        context.exit(1)


def _tell(changes: SeedChanges, dry_run: bool) -> None:
    word = "would be " if dry_run else ""
    for item in changes.refused:
        click.echo(f"Line {item.row}: {item.written}: {item.reason}", err=True)
    said = [f"{counted(len(changes.new), 'seed')} {word}added", f"{len(changes.changed):,} {word}changed"]
    click.echo(f"{', '.join(said)}, {changes.same:,} as they were, {len(changes.refused):,} refused.")


@seeds.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, writable=True, allow_dash=True), default="-")
@click.option("--format", "kind", type=_KINDS, help="[default: by the name of the file, else csv]")
@collection_option
@archive_option
def export(file: Path, kind: str | None, collection: str | None, archive: object) -> None:
    """Write the seeds into a FILE, or as CSV to standard output."""
    from archiver.collections import seedsheets
    from archiver.holdings import open_holdings

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(holdings.settings.collection).slug
        table = seedsheets.table_of(_registry(holdings).list(slug))
    write_sheet(file, kind, table, f"{slug} seeds")


def write_sheet(file: Path, kind: str | None, table: list[list[str]], title: str) -> None:
    """Write a table into a file of the kind that is asked for, or that its name says."""
    from archiver.collections.spreadsheets import SheetKind, write_table

    ending = file.suffix.lower().removeprefix(".")
    which = SheetKind(kind or (ending if ending in list(SheetKind) else "csv"))
    with click.open_file(str(file), "wb") as stream:
        stream.write(write_table(table, which, title))
