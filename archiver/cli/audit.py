"""`muniment audit`: what was done to the holdings, by whom and why."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice

import click

from archiver.cli.common import archive_option, json_option, print_json, settings_from


@click.group()
def audit() -> None:
    """Show what was done to the holdings, by whom and why."""


@audit.command(name="list")
@click.option(
    "--last", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="So many of the newest entries."
)
@click.option("--all", "is_all", is_flag=True, help="All entries.")
@archive_option
@json_option
def list_(last: int, is_all: bool, archive: object, as_json: bool) -> None:
    """List the entries, oldest first."""
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        if is_all:
            found = list(holdings.audit.entries())
        else:
            found = list(islice(holdings.audit.entries(newest_first=True), last))[::-1]
    if as_json:
        print_json([asdict(entry) for entry in found])
        return
    for entry in found:
        click.echo(f"{entry.number:>6}  {entry.at[:19]}Z  {entry.actor:12}  {entry.action:16}  {entry.subject}")
        if entry.detail:
            click.echo(f"        {entry.detail}")


@audit.command()
@click.option("--expect", default="", metavar="HASH", help="Hash of the last entry, as noted at an earlier time.")
@archive_option
@json_option
def verify(expect: str, archive: object, as_json: bool) -> int:
    """Find out whether entries were changed or taken away. Exit status 1 when they were.

    Keep the hash that this prints somewhere else: with --expect, it shows later that nobody wrote the log anew.
    """
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        verdict = holdings.audit.verify(expect.strip())
    if as_json:
        print_json({"entries": verdict.entries, "last": verdict.last, "problems": list(verdict.problems)})
    else:
        for problem in verdict.problems:
            click.echo(problem)
        if not verdict.problems:
            click.echo("The only entry is" if verdict.entries == 1 else f"All {verdict.entries:,} entries are", nl=False)
            click.echo(" as it was written." if verdict.entries == 1 else " as they were written.")
        if verdict.last:
            click.echo(f"Hash of the last entry: {verdict.last}")
    return 1 if verdict.problems else 0
