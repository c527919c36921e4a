"""`muniment schedule`: list, set, run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from archiver.cli.common import actor_option, archive_option, collection_option, counted, json_option, print_json, settings_from
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.collections.seedvalues import Schedule
    from archiver.schedules import Scheduled


@click.group()
def schedule() -> None:
    """Show and change when collections are crawled by themselves, and crawl them now.

    Seeds are given a schedule with muniment seeds; what is due begins while muniment serve or muniment work runs, or with
    muniment work --once. Times are UTC.
    """


@schedule.command(name="list")
@click.option("-c", "--collection", metavar="NAME", help="Only this collection.  [default: all]")
@archive_option
@json_option
def list_(collection: str | None, archive: object, as_json: bool) -> None:
    """Show what is due when."""
    from archiver.holdings import open_holdings
    from archiver.schedules import ScheduleRegistry

    with open_holdings(settings_from(archive=archive)) as holdings:
        slug = holdings.collections.get(collection).slug if collection is not None else None
        found = ScheduleRegistry(holdings).all(slug)
    if as_json:
        print_json([_as_json(item) for item in found])
        return
    if not found:
        click.echo("No seed has a schedule.", err=True)
    for item in found:
        click.echo(f"{item.collection:20} {item.schedule.value:12} {_when(item):18} {counted(item.seeds, 'seed')}")
        if item.message:
            click.echo(f"    {item.message}")


@schedule.command(name="set")
@click.argument("name", metavar="SCHEDULE")
@collection_option
@click.option("--on/--off", "is_active", default=None, help="Crawl by it, or not.")
@click.option(
    "--at", metavar="TIME", help="From when it counts, such as 2026-12-01T02:00: the day and hour of all that follow."
)
@click.option("--options", "plan", metavar="JSON", help="Options of its crawls, before those of the collection; '' for none.")
@actor_option
@archive_option
def set_(
    name: str,
    collection: str | None,
    is_active: bool | None,
    at: str | None,
    plan: str | None,
    actor: str,
    archive: object,
) -> None:
    """Change a schedule of a collection: daily, weekly, monthly and so on."""
    from archiver.holdings import open_holdings
    from archiver.schedules import ScheduleRegistry

    settings = settings_from(archive=archive, collection=collection)
    anchor = _moment(at) if at is not None else None
    with open_holdings(settings) as holdings:
        item = ScheduleRegistry(holdings).set(
            holdings.settings.collection, _schedule(name), by=actor, is_active=is_active, anchor=anchor, plan=plan
        )
    click.echo(f"{item.schedule.value} crawls of “{item.collection}”: {_when(item)}.")


@schedule.command()
@click.argument("name", metavar="SCHEDULE")
@collection_option
@actor_option
@archive_option
@json_option
def run(name: str, collection: str | None, actor: str, archive: object, as_json: bool) -> None:
    """Begin it now, whenever it is due; a worker does the crawls."""
    from archiver.audit import terminal_actor
    from archiver.holdings import open_holdings
    from archiver.schedules import ScheduleRegistry

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        begun = ScheduleRegistry(holdings).run(holdings.settings.collection, _schedule(name), by=actor or terminal_actor())
    if as_json:
        print_json({"crawls": begun})
        return
    click.echo(f"Begun: crawl {', '.join(map(str, begun))}. A worker does it: muniment serve, or muniment work --once.")


def _when(item: Scheduled) -> str:
    if not item.is_active:
        return "switched off" if item.is_paused else "not active"
    return f"{item.next_at:%Y-%m-%d %H:%M}" if item.next_at else "not again"


def _schedule(name: str) -> Schedule:
    from archiver.collections.seedvalues import Schedule

    try:
        return Schedule(name)
    except ValueError as error:
        raise UsageError(f"There is no schedule “{name[:40]}”.", f"There are {', '.join(Schedule)}.") from error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"“{text[:40]}” is no time.", "Write it like 2026-12-01T02:00; it is UTC.") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _as_json(item: Scheduled) -> dict[str, object]:
    return {
        "collection": item.collection,
        "schedule": item.schedule.value,
        "active": item.is_active,
        "seeds": item.seeds,
        "next_at": item.next_at.isoformat() if item.next_at else None,
        "anchor": item.anchor.isoformat(),
        "last_crawl": item.last_crawl,
        "message": item.message,
    }
