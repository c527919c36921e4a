"""What all commands share: options that mean the same everywhere, settings, and the way results are printed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from archiver.settings import Settings, load_settings

Command = TypeVar("Command", bound=Callable[..., Any])


def archive_option(command: Command) -> Command:
    """`--archive`, also behind the subcommand."""
    return click.option(
        "--archive",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder that holds the archive.  [default: ./warcs, or MUNIMENT_ARCHIVE]",
    )(command)


def collection_option(command: Command) -> Command:
    """`-c NAME`."""
    return click.option("-c", "--collection", metavar="NAME", help="The collection.  [default: default]")(command)


def actor_option(command: Command) -> Command:
    """`--actor`."""
    return click.option("--actor", default="", help="Who does it, for the audit log.  [default: who is logged in]")(command)


def json_option(command: Command) -> Command:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result for programs.")(command)


def settings_from(**overrides: object) -> Settings:
    """The settings of this run, from the command line, the environment, the file and the defaults.

    Raises:
        UsageError: a value or name is wrong.
    """
    context = click.get_current_context(silent=True)
    if overrides.get("archive") is None and context is not None:
        overrides["archive"] = context.find_root().obj
    return load_settings(overrides, environ=os.environ)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def say_repaired(holdings: Any) -> None:
    """Tell of files that a killed process had left behind."""
    for report in holdings.repaired:
        click.echo(
            f"Mended {report.file}: {counted(report.records, 'record')} kept, {report.cut_bytes:,} broken bytes taken off.",
            err=True,
        )


def human_size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def counted(number: int, what: str) -> str:
    """ "1 record", "1,234 records"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def replay_address(settings: Settings, collection: str, timestamp: str, url: str) -> str:
    """Where `muniment serve` shows a capture."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host
    if ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{settings.port}/{collection}/{timestamp}/{url}"
