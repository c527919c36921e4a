"""`muniment index`: collects its subcommands."""

from __future__ import annotations

import click

from archiver.cli.indexing.attach import attach, detach, sources
from archiver.cli.indexing.rebuild import rebuild, stats
from archiver.cli.indexing.texts import texts


@click.group()
def index() -> None:
    """Attach the indexes of others, and see to the archive's own."""


for _command in (attach, detach, rebuild, sources, stats, texts):
    index.add_command(_command)
