"""Rows as a table for people, or as CSV or JSON for programs; long lists are written as they come."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from archiver.cells import safe_cell
from archiver.cli.common import Command, human_size
from archiver.plaintext import one_line


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name for programs, its title for people ("" leaves it out there), and how it is shown.

    Attributes:
        number: to the right, with separators.
        size: bytes, shown as "1.2 MB".
        rare: left out for people where every row has 0.
    """

    name: str
    title: str
    number: bool = False
    size: bool = False
    rare: bool = False


def form_options(command: Command) -> Command:
    """`--csv` and `--json`."""
    for name, readers in (("json", "programs"), ("csv", "spreadsheets")):
        command = click.option(
            f"--{name}", f"as_{name}", is_flag=True, callback=_one_form, help=f"Print the result for {readers}."
        )(command)
    return command


def _one_form(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    """Refuse two forms at once."""
    if value and any(ctx.params.get(name) for name in ("as_csv", "as_json") if name != parameter.name):
        raise click.UsageError("--csv and --json are two forms: choose one.", ctx)
    return value


def write_rows(columns: Sequence[Column], rows: Iterable[Sequence[object]], *, as_csv: bool, as_json: bool, title: str) -> None:
    """Rows in the form that was asked for; a table when none was."""
    if as_csv:
        write_csv([column.name for column in columns], rows)
    elif as_json:
        names = [column.name for column in columns]
        write_json(dict(zip(names, row, strict=True)) for row in rows)
    else:
        print_table(columns, rows, title)


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows as CSV with a header line. Text that a spreadsheet would run as a formula gets a ' before it."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])


def write_json(items: Iterable[dict[str, object]]) -> None:
    """One JSON list, an item a line, never all of it in memory."""
    before = "[\n  "
    for item in items:
        click.echo(before + json.dumps(item, ensure_ascii=False), nl=False)
        before = ",\n  "
    click.echo("[]" if before.startswith("[") else "\n]")


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[object]], title: str) -> None:
    """Rows for people."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    rows = list(rows)
    shown = [
        (place, column)
        for place, column in enumerate(columns)
        if column.title and not (column.rare and not any(row[place] for row in rows))
    ]
    table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False)
    for _, column in shown:
        right = column.number or column.size
        table.add_column(column.title, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_shown(row[place], column)) for place, column in shown))
    # a pipe gets whole lines: nothing in a log should be cut to the width of a terminal that is not there
    Console(width=None if sys.stdout.isatty() else 400, highlight=False).print(table)


def _shown(value: object, column: Column) -> str:
    if value is None or value == "":
        return "–"
    if column.size and isinstance(value, int | float):
        return human_size(value)
    if column.number and isinstance(value, int):
        return f"{value:,}"
    return one_line(str(value))


def lines(pairs: Iterable[tuple[str, object]]) -> None:
    """Labelled values, one a line; empty ones are left out."""
    for label, value in pairs:
        if value not in (None, ""):
            click.echo(f"{label:13} {one_line(str(value))}")
