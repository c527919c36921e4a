"""`muniment work`: a worker for jobs and schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli.common import archive_option, counted, json_option, print_json, say_repaired, settings_from
from archiver.cli.stopping import pressing, stopping
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.jobs import Job
    from archiver.settings import Settings


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now, one after the other, and end: for cron.")
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="Jobs at a time.  [default: 2]")
@archive_option
@json_option
def work(once: bool, jobs: int | None, archive: object, as_json: bool) -> int:
    """Do jobs, and what schedules ask for, until Ctrl-C.

    `muniment serve` has such a worker of its own; more of them, on other machines too, share the work where the database is
    PostgreSQL. What runs when a worker is stopped goes on with the next one. Exit status 1 when a job failed, with --once.
    """
    settings = settings_from(archive=archive, jobs=jobs)
    if once:
        if jobs is not None:
            raise UsageError("With --once, jobs are done one after the other.", "Leave --jobs out.")
        return _once(settings, as_json)
    if as_json:
        raise UsageError("A worker that goes on has no result.", "Add --once, or leave --json out.")
    from archiver.keeping import Keeper

    keeper = Keeper(settings)

    def press() -> None:
        click.echo("\nStopping: what runs goes on with the next worker.", err=True)
        keeper.press()

    with pressing(press):
        click.echo("Working. Press Ctrl-C to stop.", err=True)
        keeper.run()
    return 0


def _once(settings: Settings, as_json: bool) -> int:
    from archiver.engine import StopSignal
    from archiver.holdings import open_holdings
    from archiver.jobs import JobState
    from archiver.keeping import work_off

    stop = StopSignal()
    with open_holdings(settings) as holdings, stopping(stop):
        say_repaired(holdings)
        ended = work_off(holdings, stop)
    if as_json:
        print_json([_as_json(job) for job in ended])
    else:
        for job in ended:
            said = f": {job.message}" if job.message else ""
            click.echo(f"Job {job.number} ({job.kind}) {job.state.value}{said}")
        click.echo(f"{counted(len(ended), 'job')}.")
    if stop.finish.is_set():
        return 130
    return int(any(job.state is JobState.FAILED for job in ended))


def _as_json(job: Job) -> dict[str, object]:
    return {
        "job": job.number,
        "kind": job.kind,
        "collection": job.collection,
        "state": job.state.value,
        "message": job.message,
        "result": dict(job.result),
    }
