"""Runs a crawl in the foreground: progress on standard error, Ctrl-C as a request, and at the end what came of it."""

from __future__ import annotations

import sys
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING

import click

from archiver.amounts import human_duration
from archiver.cli.common import counted, human_size, print_json
from archiver.cli.crawl.live import showing
from archiver.cli.crawl.report import overview_json
from archiver.cli.stopping import stopping
from archiver.crawl.planning import settings_of
from archiver.garbage import keep_imported
from archiver.plaintext import one_line

if TYPE_CHECKING:
    from archiver.collections.progress import Progress
    from archiver.collections.reports import CrawlReports, Overview
    from archiver.crawl.forking import Reserve
    from archiver.crawl.plan import CrawlPlan
    from archiver.holdings import Holdings

#: Seeds that are named at the end of a crawl, at most.
_SEEDS_SHOWN = 5


def check_login(plan: CrawlPlan) -> None:
    """Read the files that a login is made of before anything is begun; what is odd about them is said.

    Raises:
        UsageError: one cannot be read or used.
    """
    if not plan.login.used:
        return
    from archiver.fetch.login import open_login

    login = plan.login
    read = open_login(
        [seed.url for seed in plan.seeds],
        cookies=login.cookies,
        credentials=login.credentials,
        headers=login.headers,
        hosts=login.hosts,
    )
    for warning in read.warnings:
        click.echo(f"Warning: {one_line(warning)}", err=True)


def run_crawl(holdings: Holdings, crawl: int, *, workers: int, as_json: bool, reserve: Reserve) -> int:
    """Work on a crawl; the exit status: 0 done or paused, 1 nothing captured, 130 interrupted."""
    from archiver.crawl import supervise
    from archiver.crawl.control import CrawlControl
    from archiver.engine import StopSignal
    from archiver.holdings import utc_now

    plan = CrawlControl(holdings.engine, utc_now).info(crawl).plan
    planned = holdings.with_settings(settings_of(holdings.settings, plan))
    stop = StopSignal()
    keep_imported()
    with stopping(stop), showing(lambda: _progress(holdings, crawl), sys.stderr):
        software = f"muniment/{version('muniment')}"
        supervise.run(planned, crawl, software=software, workers=workers, stop=stop, reserve=reserve)
    from archiver.collections.reports import CrawlReports

    reports = CrawlReports(holdings.engine)
    overview = reports.overview(crawl, utc_now().timestamp())
    if as_json:
        print_json(overview_json(overview))
    else:
        say_end(overview)
        say_seeds(reports, crawl)
        click.echo(f"See more: muniment crawl report {crawl}")
    if stop.finish.is_set():
        click.echo(f"Stopped. Go on with: muniment crawl resume {crawl}", err=True)
        return 130
    return 0 if overview.crawl.sums.documents or overview.crawl.state != "finished" else 1


def _progress(holdings: Holdings, crawl: int) -> Progress:
    """How the crawl stands now."""
    from archiver.collections.progress import progress  # nothing of it is needed before the crawl has begun
    from archiver.holdings import utc_now

    return progress(holdings.engine, crawl, utc_now().timestamp())


def say_end(overview: Overview) -> None:
    """How a crawl ended, and what to look at next."""
    crawl, sums = overview.crawl, overview.crawl.sums
    ended = f" ({crawl.ended})" if crawl.ended else ""
    click.echo(
        f"Crawl {crawl.number} {crawl.state}{ended}: {counted(sums.documents, 'document')}, "
        f"{sums.new_documents:,} of them new, {human_size(sums.bytes)}, {human_duration(crawl.seconds)}."
    )
    if sums.failed:
        click.echo(f"{counted(sums.failed, 'URL')} failed: muniment crawl urls {crawl.number} --state failed")


def say_seeds(reports: CrawlReports, crawl: int) -> None:
    """Seeds that gave nothing, with their reasons, and what would help."""
    from archiver.collections.reports import SeedStatus
    from archiver.model import FailureKind

    missing = (seed for seed in reports.seeds(crawl) if seed.status in (SeedStatus.NOT_CRAWLED, SeedStatus.BLOCKED))
    shown = list(islice(missing, _SEEDS_SHOWN))
    if not shown:
        return
    for seed in shown:
        click.echo(f"Not crawled: {one_line(seed.url)} ({one_line(seed.detail or seed.words)})")
    failures = {row.failure for row in reports.reasons(crawl)}
    if FailureKind.REFUSED_BY_GUARD in failures:
        click.echo("Private addresses are refused: --allow-private lets a crawl reach them.")
    if FailureKind.TLS in failures:
        click.echo("Invalid certificates are refused: --insecure accepts them.")
