"""`muniment crawl`: begins a crawl, or does one of its sub-commands."""

from __future__ import annotations

import click

from archiver.cli.crawl.control import pause, resume, retry, set_, stop
from archiver.cli.crawl.options import write_options
from archiver.cli.crawl.report import list_, report
from archiver.cli.crawl.start import start
from archiver.cli.crawl.urls import urls
from archiver.cli.crawl.watch import watch
from archiver.cli.crawl.why import why

_HELP_OPTIONS = ("-h", "--help")


class CrawlGroup(click.Group):
    """What is no sub-command's name is a seed: `muniment crawl SEED` needs no word in between."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the hidden command `start` before seeds and options."""
        if args and args[0] not in self.commands and args[0] not in _HELP_OPTIONS:
            args = ["start", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Both ways to write it."""
        formatter.write_usage(ctx.command_path, "[OPTIONS] SEED...")
        formatter.write_usage(ctx.command_path, "COMMAND [OPTIONS] [ID]", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands first: there are fewer of them; then the options of a new crawl."""
        self.format_commands(ctx, formatter)
        write_options(start.get_params(ctx), ctx, formatter)


@click.group(cls=CrawlGroup, no_args_is_help=True)
def crawl() -> None:
    """Crawl whole sites: from the seeds along their links, within a scope, sparing the servers.

    \b
      muniment crawl https://example.org/docs/              everything under docs/
      muniment crawl --scope host --limit-time 2h example.org
      muniment crawl report                                 what the newest crawl did
      muniment crawl why https://example.org/x              why that was captured, or not

    Ctrl-C once finishes what is being received, twice stops at once; muniment crawl resume goes on. A crawl can be
    paused, stopped and changed from another terminal while it runs. ID is its number as list shows it; without one, the
    newest crawl of the collection is meant.
    """


for _command in (list_, pause, report, resume, retry, set_, start, stop, urls, watch, why):
    crawl.add_command(_command)
