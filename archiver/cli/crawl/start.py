"""`muniment crawl SEED`: a new crawl."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.common import archive_option, collection_option, json_option, print_json, say_repaired, settings_from
from archiver.cli.crawl.options import GroupedCommand, plan_options, seed_options, workers_option
from archiver.crawl.planning import PlanOptions, new_plan, seeds_of
from archiver.errors import UsageError
from archiver.garbage import keep_imported
from archiver.plaintext import one_line

if TYPE_CHECKING:
    from archiver.crawl.plan import CrawlPlan, Seed
    from archiver.crawl.scope import SeedScope

#: Names of sub-commands: seeds of these names are mistakes, such as in "muniment crawl -c news list".
_SUB_COMMANDS = ("list", "pause", "report", "resume", "retry", "set", "start", "stop", "urls", "watch", "why")


@click.command(cls=GroupedCommand, hidden=True)
@click.argument("seeds", metavar="SEED...", nargs=-1)
@seed_options
@plan_options
@click.option("--dry-run", is_flag=True, help="Show what each seed's scope comes to, and fetch nothing.")
@workers_option
@collection_option
@archive_option
@json_option
def start(
    seeds: tuple[str, ...],
    seeds_file: tuple[Path, ...],
    collection: str | None,
    archive: object,
    workers: int,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Begin a crawl."""
    settings = settings_from(collection=collection, archive=archive)
    _refuse_commands(seeds)
    wanted = [*seeds_of(seeds), *_from_files(seeds_file)]
    plan = new_plan(wanted, PlanOptions(**options), settings)
    if dry_run:
        _show_scope(plan, as_json)
        return 0
    from archiver.audit import terminal_actor
    from archiver.cli.crawl.running import check_login, run_crawl
    from archiver.crawl.control import CrawlControl
    from archiver.crawl.forking import Reserve
    from archiver.holdings import open_holdings, utc_now
    from archiver.index.database import writing

    keep_imported()
    check_login(plan)
    with Reserve(workers - 1) as reserve, open_holdings(settings) as holdings:
        say_repaired(holdings)
        plan = new_plan(wanted, PlanOptions(**options), holdings.settings)
        slug = holdings.collections.get(holdings.settings.collection).slug
        said = {"collection": slug, "seeds": len(plan.seeds), "first": plan.seeds[0].url, "scope": plan.scope.value}
        with writing(holdings.engine) as connection:
            crawl = CrawlControl(holdings.engine, utc_now).create_within(connection, slug, plan)
            holdings.audit.note_within(connection, terminal_actor(), "crawl.start", f"crawl {crawl}", said)
        return run_crawl(holdings, crawl, workers=workers, as_json=as_json, reserve=reserve)


def _refuse_commands(seeds: tuple[str, ...]) -> None:
    """Make sure that no seed is a sub-command, or one that is misspelt: "reprot" would be waited for as a host.

    Raises:
        UsageError: one is.
    """
    for word in seeds:
        if word in _SUB_COMMANDS:
            raise UsageError(f"“{word}” is a sub-command, not a seed.", f"Write it first: muniment crawl {word} …")
        if word.isascii() and word.isalpha() and (near := difflib.get_close_matches(word, _SUB_COMMANDS, 1)):
            raise UsageError(
                f"“{word}” is no sub-command.",
                f"Did you mean: muniment crawl {near[0]}? For a host of that name, write http://{word}/.",
            )


def _from_files(paths: tuple[Path, ...]) -> list[Seed]:
    """The seeds in files, one a line, see `archiver.crawl.seeds`.

    Raises:
        UsageError: a file cannot be read, or a line is no seed.
    """
    from archiver.crawl.seeds import read_seeds

    seeds: list[Seed] = []
    for path in paths:
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The file of seeds {path} cannot be read.", "It must be text in UTF-8.") from error
        seeds += read_seeds(text, name=str(path))
    return seeds


def _show_scope(plan: CrawlPlan, as_json: bool) -> None:
    """What each seed's scope comes to."""
    from archiver.crawl.scope import Scope

    scopes = Scope(plan, list(enumerate(plan.seeds, 1))).describe()
    if as_json:
        print_json([_scope_json(item) for item in scopes])
        return
    for item in scopes:
        click.echo(f"{item.seed}  ({item.kind.value})\n    takes {one_line(item.words)}")
        for prefix in item.surts:
            click.echo(f"    {one_line(prefix)}")
    for number, rule in enumerate(plan.rules, 1):
        click.echo(f"rule {number}: {rule.action.value} {rule.match.value} {one_line(rule.pattern)}")
    click.echo("Nothing was fetched. Leave --dry-run out to begin.")


def _scope_json(item: SeedScope) -> dict[str, object]:
    return {"seed": item.seed, "scope": item.kind.value, "takes": item.words, "surts": list(item.surts)}
