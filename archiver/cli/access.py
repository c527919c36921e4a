"""`muniment access`: who may see what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.common import actor_option, archive_option, counted, json_option, print_json, settings_from

if TYPE_CHECKING:
    from archiver.collections.access import Rule

_WHEN = "1 to 14 digits, or a date such as 2016-08-10"


def _about(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what a rule is about, and for whom it is."""
    for option in reversed(
        (
            click.option("--block", "action", flag_value="block", help="Not shown, and readers are told so (451)."),
            click.option("--exclude", "action", flag_value="exclude", help="Not shown, as if it were not held."),
            click.option("--allow", "action", flag_value="allow", help="Shown, where a wider rule hides it."),
            click.option("--from", "since", metavar="DATE", help=f"For captures of that time or later: {_WHEN}."),
            click.option("--to", "until", metavar="DATE", help="For captures of that time or earlier."),
            click.option("--embargo", metavar="SPAN", help="For captures younger than that, such as 6months or 90days."),
            click.option("--addresses", metavar="NETWORKS", help="For readers from these IP addresses or networks."),
            click.option("--groups", metavar="NAMES", help="For readers of these groups."),
            click.option("--starts", metavar="DATE", help="When the rule comes into force."),
            click.option("--ends", metavar="DATE", help="When it ceases to be in force."),
            click.option("--message", help="What readers are told of what is blocked."),
            click.option("--reason", help="A note for the keepers of the archive."),
        )
    ):
        command = option(command)
    return command


@click.group()
def access() -> None:
    """Say who may see what: block, exclude, embargo, open to some."""


@access.command()
@click.argument("url", required=False, default="")
@click.option("--prefix", default="", metavar="URL", help="All that begins so.")
@click.option("--host", default="", metavar="HOST", help="A host, and all hosts below it.")
@click.option("--everything", "is_everything", is_flag=True, help="All that is held.")
@_about
@click.option("-c", "--collection", metavar="NAME", help="In this collection alone.")
@click.option("--all", "is_for_all", is_flag=True, help="In all collections.")
@actor_option
@archive_option
@json_option
def add(
    action: str | None, collection: str | None, is_for_all: bool, actor: str, archive: object, as_json: bool, **said: Any
) -> None:
    """Add a rule for a URL, for all that begins so, for a host or for everything.

    A URL with a star at its end stands for all that begins so, *.example.org for a host with all below it.
    """
    from archiver.collections.access import Action
    from archiver.collections.accesswords import make_rule
    from archiver.holdings import open_holdings

    if action is None:
        raise click.UsageError("Say what the rule does: --block, --exclude or --allow.")
    if is_for_all == (collection is not None):
        raise click.UsageError("Say where the rule counts: -c NAME or --all.")
    given = {name: value for name, value in said.items() if value is not None}
    given |= {name: _words(given[name]) for name in ("addresses", "groups") if name in given}
    rule = make_rule(Action(action), collection=collection, **given)
    with open_holdings(settings_from(archive=archive)) as holdings:
        (made,) = holdings.access.add([rule], actor=actor)
    _show([made], as_json)


@access.command(name="list")
@click.option("-c", "--collection", metavar="NAME", help="Those that count in this collection.")
@archive_option
@json_option
def list_(collection: str | None, archive: object, as_json: bool) -> None:
    """List the rules."""
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        if collection is not None:
            holdings.collections.get(collection)
        found = [rule for rule in holdings.access.all() if collection is None or rule.collection in (None, collection)]
    _show(found, as_json)


@access.command()
@click.argument("numbers", metavar="ID...", type=int, nargs=-1, required=True)
@actor_option
@archive_option
def remove(numbers: tuple[int, ...], actor: str, archive: object) -> None:
    """Take rules away."""
    from archiver.errors import UsageError
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        for rule in map(holdings.access.get, numbers):
            if rule.deletion:
                raise UsageError(f"Rule {rule.number} is part of a deletion.", "See muniment delete restore.")
        for number in numbers:
            holdings.access.remove(number, actor=actor)
            click.echo(f"Rule {number} is no more.")


@access.command(name="set")
@click.argument("number", metavar="ID", type=int)
@_about
@actor_option
@archive_option
@json_option
def set_(number: int, action: str | None, actor: str, archive: object, as_json: bool, **said: str | None) -> None:
    """Change a rule; what is not given stays, an empty text takes the old one away."""
    from archiver.collections.accesswords import changed_rule
    from archiver.errors import UsageError
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        rule = holdings.access.get(number)
        if rule.deletion:
            raise UsageError(f"Rule {number} is part of a deletion.", "See muniment delete.")
        given: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        given |= {name: _words(given[name]) for name in ("addresses", "groups") if name in given}
        made = holdings.access.change(changed_rule(rule, action, **given), actor=actor)
    _show([made], as_json)


@access.command()
@click.argument("url")
@click.option("-c", "--collection", metavar="NAME", help="The collection.  [default: default]")
@click.option("--at", metavar="DATE", default="", help=f"The capture nearest to this time: {_WHEN}.  [default: newest]")
@click.option("--address", default="", help="IP address of the reader.")
@click.option("--group", "groups", multiple=True, help="A group of the reader.")
@archive_option
@json_option
def test(
    url: str, collection: str | None, at: str, address: str, groups: tuple[str, ...], archive: object, as_json: bool
) -> int:
    """Tell whether a reader may see a URL, and which rule decides. Exit status 1 when not."""
    from archiver.collections.access import Action, Viewer
    from archiver.collections.explain import explain
    from archiver.holdings import open_holdings

    settings = settings_from(archive=archive, collection=collection)
    with open_holdings(settings) as holdings:
        told = explain(holdings, holdings.settings.collection, url, at, Viewer(address, frozenset(groups)))
    if as_json:
        print_json(told.as_json())
    else:
        click.echo("\n".join(told.lines()))
    return 0 if told.action is Action.ALLOW else 1


@access.command(name="export")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@archive_option
def export_(form: str, archive: object) -> None:
    """Write the rules to standard output."""
    from archiver.collections.accessfiles import as_csv, as_json
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        rules = holdings.access.all()
    click.echo(as_csv(rules) if form == "csv" else as_json(rules), nl=False)


@access.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-c", "--collection", metavar="NAME", help="For rules that name no collection.  [default: all collections]")
@actor_option
@archive_option
@json_option
def import_(file: Path, collection: str | None, actor: str, archive: object, as_json: bool) -> None:
    """Add the rules of a file: CSV or JSON as export writes them, or an access list of pywb (.aclj). All or none."""
    from archiver.collections.accessfiles import read_rules
    from archiver.errors import UsageError
    from archiver.holdings import open_holdings

    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("The file cannot be read as UTF-8 text.") from error
    rules = read_rules(text, file.name, collection=collection)
    with open_holdings(settings_from(archive=archive)) as holdings:
        made = holdings.access.add(rules, actor=actor, action="access.import")
    if as_json:
        _show(made, as_json=True)
    else:
        click.echo(f"{counted(len(made), 'rule')} added.")


def _words(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _show(rules: list[Rule], as_json: bool) -> None:
    from archiver.collections.accessrules import described

    if as_json:
        print_json([{"number": rule.number, **described(rule), "by": rule.created_by, "at": rule.created_at} for rule in rules])
        return
    for rule in rules:
        click.echo("  ".join(_cells(rule)).rstrip())
    if not rules:
        click.echo("There are no rules: all that is held may be seen.", err=True)


def _cells(rule: Rule) -> list[str]:
    from archiver.collections.accesswords import in_words

    where = rule.collection or "all collections"
    return [f"{rule.number:>5}", f"{rule.action.value:7}", f"{where:20}", in_words(rule)]
