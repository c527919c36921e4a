"""`muniment crawl pause`, `resume`, `stop`, `set`, `retry`: a crawl is steered, also from another terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from archiver.amounts import human_duration
from archiver.cli.common import counted, human_size, json_option, print_json, say_repaired
from archiver.cli.crawl.options import GroupedCommand, changeable_options, workers_option
from archiver.cli.crawl.which import crawl_of, which_options
from archiver.crawl.planning import PlanOptions, changed_plan
from archiver.errors import Conflict, UsageError
from archiver.plaintext import one_line

if TYPE_CHECKING:
    from archiver.crawl.control import CrawlControl
    from archiver.crawl.forking import Reserve
    from archiver.crawl.plan import CrawlPlan
    from archiver.holdings import Holdings


@click.command(short_help="Let it finish what is being received, and wait.")
@which_options
def pause(number: int | None, collection: str | None, archive: object) -> None:
    """Pause a crawl: what is being received is finished, the rest waits for resume."""
    _ask(number, collection, archive, "pause")


@click.command(short_help="End it; resume takes it up again all the same.")
@which_options
def stop(number: int | None, collection: str | None, archive: object) -> None:
    """Stop a crawl: as pause, but it is meant to be over. Resume takes it up again all the same."""
    _ask(number, collection, archive, "stop")


@click.command(short_help="Go on with a paused, stopped or crashed crawl.")
@which_options
@workers_option
@json_option
def resume(number: int | None, collection: str | None, archive: object, workers: int, as_json: bool) -> int:
    """Go on with a crawl that was paused, stopped, or left by a crash, where it was.

    When its processes are still there they go on; otherwise this command runs it.
    """
    from archiver.crawl.forking import Reserve

    with Reserve(workers - 1) as reserve, crawl_of(number, collection, archive) as (holdings, crawl):
        say_repaired(holdings)
        return _go_on(holdings, crawl.number, workers, as_json, reserve)


@click.command(short_help="Try what failed once more.")
@which_options
@click.option(
    "--failed", is_flag=True, help="The URLs that failed, got a server's error (429, 5xx), or whose host did not answer."
)
@click.option("--queue-only", is_flag=True, help="Only put them into the queue: resume runs it later.")
@workers_option
@json_option
def retry(
    number: int | None, collection: str | None, archive: object, failed: bool, queue_only: bool, workers: int, as_json: bool
) -> int:
    """Try URLs that failed once more, and run the crawl until they are done."""
    if not failed:
        raise UsageError("Say what is to be tried again.", "Write --failed for the URLs that failed.")
    from archiver.crawl.forking import Reserve

    with Reserve(workers - 1) as reserve, crawl_of(number, collection, archive) as (holdings, crawl):
        say_repaired(holdings)
        queued = _control(holdings).retry_failed(crawl.number)
        _note(holdings, "retry", crawl.number, {"urls": queued})
        click.echo(f"{counted(queued, 'URL')} of crawl {crawl.number} queued once more.", err=as_json)
        if queue_only or not queued:
            return 0
        return _go_on(holdings, crawl.number, workers, as_json, reserve)


@click.command(name="set", cls=GroupedCommand, short_help="Change or show its scope, rules, limits and pace.")
@which_options
@changeable_options
@json_option
def set_(number: int | None, collection: str | None, archive: object, as_json: bool, **options: Any) -> None:
    """Change a crawl's scope, rules, limits and pace while it runs; without options, show them.

    Rules are added to those it has. What is queued or was refused is looked at again by what the crawl is asked now.
    """
    from archiver.collections.steering import differences

    with crawl_of(number, collection, archive) as (holdings, crawl):
        control = _control(holdings)
        plan, given = control.info(crawl.number).plan, PlanOptions(**options)
        if given.given:
            old, plan = plan, changed_plan(plan, given, holdings.settings)
            control.change(crawl.number, plan)
            if changes := differences(old, plan):
                _note(holdings, "change", crawl.number, {"changes": changes})
    if as_json:
        print_json(plan_json(plan))
        return
    click.echo(f"Crawl {crawl.number} into “{crawl.collection}”")
    for label, value in plan_lines(plan):
        click.echo(f"{label:22} {value}")


def plan_json(plan: CrawlPlan) -> dict[str, object]:
    """A plan for programs."""
    from dataclasses import asdict

    return asdict(plan)


def plan_lines(plan: CrawlPlan) -> list[tuple[str, str]]:
    """A plan for people, as options name its parts."""
    limits, pace = plan.limits, plan.pace
    delay = "auto" if pace.factor else f"{pace.max_seconds:g} s" if pace.polite else "0: politeness is off"
    rows = [
        ("scope", plan.scope.value),
        ("extra hops", str(plan.extra_hops) if plan.extra_hops else ""),
        ("limit pages", f"{limits.pages:,}" if limits.pages else ""),
        ("limit documents", f"{limits.documents:,}" if limits.documents else ""),
        ("limit bytes", human_size(limits.bytes) if limits.bytes else ""),
        ("limit time", human_duration(limits.seconds) if limits.seconds else ""),
        ("depth", str(limits.depth) if limits.depth else ""),
        ("limit host documents", f"{limits.host_documents:,}" if limits.host_documents else ""),
        ("limit host bytes", human_size(limits.host_bytes) if limits.host_bytes else ""),
        ("limit resource bytes", human_size(limits.resource_bytes) if limits.resource_bytes else ""),
        ("keep free", human_size(limits.free_bytes)),
        ("delay", delay),
        ("retries", str(pace.retries)),
        ("robots", plan.robots.value),
        ("robots meta", "yes" if plan.robots_meta else "no"),
        ("sitemaps", "yes" if plan.sitemaps else "no"),
        ("guesses", "yes" if plan.guesses else "no"),
        ("dedup", plan.dedup.value),
        ("user agent", one_line(plan.user_agent)),
    ]
    for number, rule in enumerate(plan.rules, 1):
        off = "" if rule.enabled else "  (off)"
        rows.append((f"rule {number}", f"{rule.action.value} {rule.match.value} {one_line(rule.pattern)}{off}"))
    return [(label, value) for label, value in rows if value]


def _control(holdings: Holdings) -> CrawlControl:
    from archiver.crawl.control import CrawlControl
    from archiver.holdings import utc_now

    return CrawlControl(holdings.engine, utc_now)


def _note(holdings: Holdings, action: str, crawl: int, detail: object = "") -> None:
    """Tell the audit log who did what with a crawl."""
    from archiver.audit import terminal_actor

    holdings.audit.note(terminal_actor(), f"crawl.{action}", f"crawl {crawl}", detail)


def _worked_on(holdings: Holdings, crawl: int) -> bool:
    """Whether processes are there that notice what is wanted."""
    from archiver.collections.reports import living_workers
    from archiver.holdings import utc_now

    return living_workers(holdings.engine, crawl, utc_now().timestamp()) > 0


def _ask(number: int | None, collection: str | None, archive: object, wanted: str) -> None:
    """Have a crawl pause or stop; one that nobody works on takes the state at once."""
    done, soon = {"pause": ("paused", "pauses"), "stop": ("stopped", "stops")}[wanted]
    with crawl_of(number, collection, archive) as (holdings, crawl):
        if crawl.state == "finished" or (crawl.state == "stopped" and wanted == "pause"):
            raise Conflict(f"Crawl {crawl.number} is {crawl.state} already.", "There is nothing to be done.")
        control = _control(holdings)
        control.want(crawl.number, wanted)
        _note(holdings, wanted, crawl.number)
        if _worked_on(holdings, crawl.number):
            click.echo(f"Crawl {crawl.number} {soon} once what is being received is finished.")
            return
        control.set_state(crawl.number, done, f"it was {done}")
    click.echo(f"Crawl {crawl.number} is {done}.")


def _go_on(holdings: Holdings, crawl: int, workers: int, as_json: bool, reserve: Reserve) -> int:
    _control(holdings).want(crawl, "run")
    _note(holdings, "resume", crawl)
    if _worked_on(holdings, crawl):
        click.echo(f"Crawl {crawl} goes on where it runs. See it: muniment crawl watch {crawl}", err=as_json)
        return 0
    from archiver.cli.crawl.running import check_login, run_crawl

    check_login(_control(holdings).info(crawl).plan)
    return run_crawl(holdings, crawl, workers=workers, as_json=as_json, reserve=reserve)
