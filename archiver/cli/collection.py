"""`muniment collection`: create, list, show, set, remove."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.common import actor_option, archive_option, human_size, json_option, print_json, settings_from

if TYPE_CHECKING:
    from archiver.holdings import Holdings
    from archiver.model import Collection
    from archiver.removal import Look

_VISIBILITIES = click.Choice(["public", "unlisted", "private"])


@click.group()
def collection() -> None:
    """Create, list, show, change and remove collections."""


@collection.command()
@click.argument("name")
@click.option("--title", default="", help="As the banner says it.  [default: NAME]")
@click.option("--organisation", default="", help="Who collects, as the banner says it.")
@click.option("--organisation-url", default="", help="Home page of the organisation.")
@click.option("--description", default="", help="Plain text.")
@click.option("--visibility", type=_VISIBILITIES, default="public", show_default=True, help="Who may see it.")
@actor_option
@archive_option
@json_option
def create(name: str, as_json: bool, archive: object, visibility: str, **values: str) -> None:
    """Make a collection."""
    from archiver.holdings import open_holdings
    from archiver.model import Visibility

    with open_holdings(settings_from(archive=archive)) as holdings:
        made = holdings.collections.create(name, visibility=Visibility(visibility), **values)
        _show(holdings, made, as_json)


@collection.command(name="list")
@archive_option
@json_option
def list_(as_json: bool, archive: object) -> None:
    """List the collections."""
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        found = holdings.collections.all()
        if as_json:
            print_json([_as_json(holdings, item) for item in found])
            return
        for item in found:
            who = f", {item.organisation.name}" if item.organisation else ""
            count = holdings.index.summary(item.slug).captures
            click.echo(f"{item.slug:24}  {item.visibility.value:9}  {count:>9,} captures  {item.title}{who}")


@collection.command()
@click.argument("name")
@archive_option
@json_option
def show(name: str, as_json: bool, archive: object) -> None:
    """Show a collection."""
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        _show(holdings, holdings.collections.get(name), as_json)


@collection.command(name="set")
@click.argument("name")
@click.option("--title", help="As the banner says it.")
@click.option("--organisation", help="Who collects, as the banner says it.")
@click.option("--organisation-url", help="Home page of the organisation.")
@click.option("--description", help="Plain text.")
@click.option("--visibility", type=_VISIBILITIES, help="Who may see it.")
@click.option("--active/--inactive", "is_active", default=None, help="Whether schedules crawl it.")
@click.option("--budget", "budget_bytes", type=click.IntRange(0), metavar="BYTES", help="New data a year; 0 for no limit.")
@click.option("--options", metavar="JSON", help='What its crawls begin with, such as {"scope": "host"}.')
@actor_option
@archive_option
@json_option
def set_(name: str, as_json: bool, archive: object, visibility: str | None, **values: Any) -> None:
    """Change a collection; what is not given stays."""
    from archiver.holdings import open_holdings
    from archiver.model import Visibility

    with open_holdings(settings_from(archive=archive)) as holdings:
        changed = holdings.collections.update(name, visibility=Visibility(visibility) if visibility else None, **values)
        _show(holdings, changed, as_json)


@collection.command()
@click.argument("name")
@click.option("--reason", default="", help="Why; the audit log keeps it. Needed, but with --dry-run.")
@click.option("--dry-run", is_flag=True, help="Only show what it has, and what stands in the way.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@actor_option
@archive_option
@json_option
def remove(name: str, reason: str, dry_run: bool, yes: bool, actor: str, archive: object, as_json: bool) -> None:
    """Remove a collection that holds nothing any more.

    Its captures are deleted and purged first, see muniment delete. Tombstones, reports of crawls and the audit log stay.
    There is no way back, and the name is not given again.
    """
    from dataclasses import asdict

    from archiver import removal
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        found = removal.look_at(holdings, name)
        if dry_run:
            if as_json:
                print_json({"contents": asdict(found.contents), "obstacles": [asdict(item) for item in found.obstacles]})
            else:
                _say_removal(found)
            return
        typed = name
        if not yes and reason.strip() and not found.obstacles:
            _say_removal(found)
            typed = click.prompt(f"This cannot be undone. Type {name} to remove it", default="", show_default=False)
        contents = removal.remove(holdings, name, typed=typed, reason=reason, actor=actor)
    if as_json:
        print_json({"removed": name, "contents": asdict(contents)})
    else:
        click.echo(f"The collection “{name}” was removed.")


def _say_removal(found: Look) -> None:
    from dataclasses import asdict

    for name, count in asdict(found.contents).items():
        if count:
            click.echo(f"{name.replace('_', ' '):20} {count:,}")
    for obstacle in found.obstacles:
        click.echo(f"In the way: {obstacle.message} {obstacle.advice}")


def _as_json(holdings: Holdings, item: Collection) -> dict[str, object]:
    summary = holdings.index.summary(item.slug)
    return {
        "name": item.slug,
        "title": item.title,
        "organisation": item.organisation.name if item.organisation else None,
        "organisation_url": item.organisation.url if item.organisation else None,
        "description": item.description,
        "visibility": item.visibility.value,
        "active": item.is_active,
        "budget_bytes": item.budget_bytes,
        "options": json.loads(item.options) if item.options else {},
        "captures": summary.captures,
        "urls": summary.urls,
        "first": summary.first or None,
        "last": summary.last or None,
        "bytes": summary.bytes,
    }


def _show(holdings: Holdings, item: Collection, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(holdings, item))
        return
    summary = holdings.index.summary(item.slug)
    rows = [
        ("Name", item.slug),
        ("Title", item.title),
        ("Organisation", item.organisation.name if item.organisation else "–"),
        ("Description", item.description or "–"),
        ("Visibility", item.visibility.value + ("" if item.is_active else ", inactive")),
        ("Budget", f"{human_size(item.budget_bytes)} a year" if item.budget_bytes else "no limit"),
        ("Captures", f"{summary.captures:,} of {summary.urls:,} URLs, {human_size(summary.bytes)}"),
        ("Period", f"{summary.first} to {summary.last}" if summary.captures else "–"),
    ]
    for label, value in rows:
        click.echo(f"{label:13} {value}")
