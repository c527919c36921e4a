"""`muniment delete`: suppress, restore, purge, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.common import actor_option, archive_option, counted, human_size, json_option, print_json, settings_from
from archiver.cli.looking import Looking

if TYPE_CHECKING:
    from archiver.collections.access import Rule
    from archiver.deletion import Extent, Step
    from archiver.holdings import Holdings
    from archiver.purging import PurgeReport

_NAMED = 20


@click.group()
def delete() -> None:
    """Take captures away: first out of sight, then for good, with a report."""


def _selection(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            click.argument("url", required=False, default=""),
            click.option("--prefix", default="", metavar="URL", help="All that begins so."),
            click.option("--host", default="", metavar="HOST", help="A host, and all hosts below it."),
            click.option("--crawl", type=int, metavar="ID", help="All that a crawl has written."),
            click.option("--record", default="", metavar="FILE:OFFSET", help="One record."),
            click.option("--everything", "is_everything", is_flag=True, help="The whole collection."),
            click.option("--from", "since", default="", metavar="DATE", help="Captured at that time or later."),
            click.option("--to", "until", default="", metavar="DATE", help="Captured at that time or earlier.  [default: now]"),
        )
    ):
        command = option(command)
    return command


@delete.command()
@_selection
@click.option("-c", "--collection", metavar="NAME", help="The collection.  [default: default]")
@click.option("--reason", required=True, help="Why; the audit log and the tombstones keep it.")
@click.option("--say", "is_said", is_flag=True, help="Tell readers that something was here: 451, and 410 once it is purged.")
@click.option("--message", default="", help="What readers are told, with --say.")
@click.option("--dry-run", is_flag=True, help="Only show what and how much it is.")
@actor_option
@archive_option
@json_option
def suppress(
    collection: str | None,
    reason: str,
    is_said: bool,
    message: str,
    dry_run: bool,
    actor: str,
    archive: object,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Put captures out of sight at once; restore brings them back, purge takes them away for good.

    What is meant is held now: captures that are made later are not part of it, unless --to says so.
    """
    from archiver import deletion
    from archiver.holdings import open_holdings

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        selection = deletion.Selection(holdings.settings.collection, **chosen)
        rule = deletion.rule_for(holdings, selection, reason=reason, message=message, is_said=is_said)
        with Looking("Nothing was done.") as looking:
            found = deletion.extent(holdings, rule, looking.step)
        if not dry_run:
            deletion.refuse_nothing(found, selection)
            rule = deletion.suppress(holdings, rule, actor=actor)
    if as_json:
        print_json(_extent_json(rule, found))
        return
    _say_extent(found)
    if dry_run:
        click.echo("Nothing was done.")
    else:
        click.echo(f"Deletion {rule.number}: it is out of sight. Bring it back with: muniment delete restore {rule.number}")


@delete.command()
@click.argument("number", metavar="ID", type=int)
@actor_option
@archive_option
def restore(number: int, actor: str, archive: object) -> None:
    """Let what was suppressed be seen again."""
    from archiver import deletion
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        deletion.restore(holdings, number, actor=actor)
    click.echo(f"Deletion {number} was taken back: its captures can be seen again.")


@delete.command()
@click.argument("number", metavar="ID", type=int)
@click.option(
    "--copies",
    type=click.Choice(["keep", "purge"]),
    help="What becomes of revisits that stay and need a payload that goes: keep writes it into them, purge takes them too.",
)
@click.option("--digest", "with_digest", is_flag=True, help="Tombstones keep the digest of what was there.")
@click.option("--dry-run", is_flag=True, help="Only show what and how much it is.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@actor_option
@archive_option
@json_option
def purge(
    number: int, copies: str | None, with_digest: bool, dry_run: bool, yes: bool, actor: str, archive: object, as_json: bool
) -> None:
    """Take what was suppressed out of the WARC files and out of all that was made of it, for good.

    Files are written anew, with a tombstone in the place of each record. There is no way back.
    """
    from archiver import deletion, purging
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        rule = deletion.deletion_of(holdings, number)
        if dry_run or not yes:
            with Looking("Nothing was done.") as looking:
                found = deletion.extent(holdings, rule, looking.step)
            if dry_run and as_json:
                print_json(_extent_json(rule, found))
                return
            _say_extent(found)
            if dry_run:
                click.echo("Nothing was done.")
                return
            click.confirm("This cannot be undone. Purge?", abort=True)
        chosen = purging.Copies(copies) if copies else None
        with Looking("Nothing was purged.") as looking:
            report = purging.purge(
                holdings,
                number,
                copies=chosen,
                with_digest=with_digest,
                actor=actor,
                step=looking.step,
                at_file=looking.at_file,
            )
    if as_json:
        print_json(_purge_json(report))
    else:
        _say_purged(report)


@delete.command()
@click.argument("number", metavar="ID", type=int, required=False)
@archive_option
@json_option
def report(number: int | None, archive: object, as_json: bool) -> None:
    """List the deletions, or say what became of one."""
    from archiver import deletion
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        rules = [rule for rule in holdings.access.all() if rule.deletion]
        if number is not None:
            rules = [deletion.deletion_of(holdings, number)]
        with Looking("Nothing is changed by looking.") as looking:
            told = [_told(holdings, rule, looking.step, with_stones=number is not None) for rule in rules]
    if as_json:
        print_json(told if number is None else told[0])
        return
    if not told:
        click.echo("There are no deletions.", err=True)
    for item in told:
        click.echo(f"Deletion {item['number']}, {item['state']}: {item['what']}")
        click.echo(f"  of {item['collection']}, by {item['by'] or '–'} on {item['at']}: {item['reason']}")
        click.echo(f"  {counted(item['captures'], 'capture')} out of sight, {counted(item['purged'], 'record')} purged")
        for stone in item.get("tombstones", ()):
            click.echo(f"    {stone['timestamp']}  {stone['record_type']:9} {stone['url']}  in {stone['file']}")


def _told(holdings: Holdings, rule: Rule, step: Step, *, with_stones: bool) -> dict[str, Any]:
    from archiver import deletion
    from archiver.collections.accesswords import in_words

    told: dict[str, Any] = {
        "number": rule.number,
        "state": rule.deletion,
        "what": in_words(rule),
        "collection": rule.collection,
        "reason": rule.reason,
        "is_said": rule.action.value == "block",
        "by": rule.created_by,
        "at": rule.created_at,
        "captures": sum(1 for _ in deletion.selected(holdings, rule, step)),
        "purged": deletion.stone_count(holdings, rule),
    }
    return {**told, "tombstones": [asdict(stone) for stone in deletion.stones_of(holdings, rule)]} if with_stones else told


def _say_extent(found: Extent) -> None:
    click.echo(
        f"{counted(found.captures, 'capture')} of {counted(found.urls, 'URL')}, {human_size(found.bytes)} "
        f"in {counted(len(found.files), 'WARC file')}."
    )
    if found.not_ours:
        click.echo(f"{counted(found.not_ours, 'capture')} in files that are read where they are: out of sight, never purged.")
    if found.shared:
        click.echo(f"{counted(found.shared, 'capture')} whose record somebody else has too: it leaves this collection only.")
    if found.dependents:
        count = len(found.dependents)
        which = "One revisit elsewhere has its" if count == 1 else f"{count:,} revisits elsewhere have their"
        click.echo(f"{which} payload in it:")
        for capture in found.dependents[:_NAMED]:
            click.echo(f"  {capture.collection}  {capture.timestamp}  {capture.url}")
        if len(found.dependents) > _NAMED:
            click.echo(f"  … and {len(found.dependents) - _NAMED:,} more")


def _extent_json(rule: Rule, found: Extent) -> dict[str, object]:
    return {
        "number": rule.number or None,
        "captures": found.captures,
        "urls": found.urls,
        "bytes": found.bytes,
        "files": list(found.files),
        "not_ours": found.not_ours,
        "shared": found.shared,
        "dependents": [
            {"collection": item.collection, "timestamp": item.timestamp, "url": item.url} for item in found.dependents
        ],
    }


def _say_purged(report: PurgeReport) -> None:
    click.echo(
        f"{counted(report.records, 'record')} and {counted(report.captures, 'capture')} are gone, "
        f"{human_size(max(report.bytes, 0))} of {counted(len(report.files), 'WARC file')}."
    )
    for old, new in report.files.items():
        click.echo(f"  {old} is now {new}")
    if report.kept_whole:
        click.echo(f"{counted(report.kept_whole, 'revisit')} written out with the payload.")
    if report.exports:
        click.echo(f"{counted(report.exports, 'export')} that lay in the archive's folder and may have had it: taken away.")
    if report.derived:
        click.echo(f"Results of {counted(report.derived, 'WASAPI job')} that may have had it: taken away.")
    for name, why in report.left.items():
        click.echo(f"Left as it is, out of sight: {name}: {why}.")


def _purge_json(report: PurgeReport) -> dict[str, object]:
    return {
        "number": report.number,
        "records": report.records,
        "captures": report.captures,
        "bytes": report.bytes,
        "files": report.files,
        "kept_whole": report.kept_whole,
        "shared": report.shared,
        "left": report.left,
        "exports": report.exports,
        "derived": report.derived,
    }
