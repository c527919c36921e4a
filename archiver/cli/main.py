"""The `muniment` command. Subcommands are found through the entry-point group `muniment.commands`."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, distribution, entry_points
from pathlib import Path

import click

from archiver.errors import Interrupted, MunimentError, UsageError
from archiver.garbage import begin, end, keep_imported

_GROUP = "muniment.commands"

#: What `--help` says of the commands that come with Muniment, so that it need not import them.
_SUMMARIES = {
    "access": "Say who may see what: block, exclude, embargo, open to some.",
    "account": "Say who may use the workbench: accounts, roles, tokens for programs.",
    "audit": "Show what was done to the holdings, by whom and why.",
    "capture": "Capture pages and all they need.",
    "collection": "Create, list, show and change collections.",
    "crawl": "Crawl whole sites, and see and steer what crawls do.",
    "delete": "Take captures away: first out of sight, then for good, with a report.",
    "export": "Give captures out as WARC, WACZ, CDXJ, or a collection as JSON.",
    "import": "Take in web archives: WARC, ARC, WACZ, HAR, CDX, folders of them, object storage.",
    "index": "Attach the indexes of others, and see to the archive's own.",
    "missing": "List the parts that archived pages lack, and capture them.",
    "schedule": "Show and change when collections are crawled by themselves, and crawl them now.",
    "serve": "Show the archive in a browser, and capture from there.",
    "storage": "Show where WARC files are kept, and send on what waits.",
    "verify": "Check files, index and database: fixity and the rules of WARC and WACZ.",
    "versions": "List the captures of a URL.",
    "work": "Do jobs, and what schedules ask for.",
}


class CommandGroup(click.Group):
    """Finds its commands by entry point and imports only the one that is run."""

    def _points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=_GROUP)}

    def _point(self, name: str) -> EntryPoint | None:
        # Our own first: to read what every installed package offers takes as long as a small capture.
        for point in distribution("muniment").entry_points.select(group=_GROUP, name=name):
            return point
        return self._points().get(name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, sorted."""
        return sorted(self._points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        point = self._point(cmd_name)
        if point is None:
            return None
        command: click.Command = point.load()
        keep_imported()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing those we know."""
        rows = []
        for name, point in sorted(self._points().items()):
            summary = _SUMMARIES.get(name)
            rows.append((name, summary if summary is not None else point.load().get_short_help_str()))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--archive",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that holds the archive.  [default: ./warcs, or MUNIMENT_ARCHIVE]",
)
@click.version_option(package_name="muniment", prog_name="muniment")
@click.pass_context
def muniment(ctx: click.Context, archive: Path | None) -> None:
    """Capture web pages, replay them, list their versions."""
    ctx.obj = archive


def main() -> None:
    """Run the command line; exit status 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    begin()
    status = run(sys.argv[1:])
    end()
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run one command and turn its errors into a line and an exit status."""
    try:
        status = muniment.main(args=arguments, prog_name="muniment", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return 2 if isinstance(error, click.UsageError) else 1
    except Interrupted as error:
        click.echo(error.in_terminal, err=True)
        return 130
    except MunimentError as error:
        click.echo(f"Error: {error.in_terminal}", err=True)
        return 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:  # such as a full disk behind the standard output
        click.echo(f"Error: {error.strerror or error}.", err=True)
        return 1
    return status if isinstance(status, int) else 0
