"""`muniment index texts`: the texts of documents, for search."""

from __future__ import annotations

import sys
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.common import archive_option, counted, json_option, print_json, settings_from
from archiver.cli.stopping import pressing

if TYPE_CHECKING:
    from archiver.holdings import Holdings


@click.command()
@click.option("--again", is_flag=True, help="Forget all texts first, and read every document anew.")
@archive_option
@json_option
def texts(again: bool, archive: object, as_json: bool) -> int:
    """Read the texts of documents, so that readers find them by their words.

    The running server does this by itself soon after something was captured or imported. Ctrl-C stops; the next run, or
    the server, goes on from there.
    """
    from archiver.holdings import open_holdings
    from archiver.search.build import read_again, read_texts

    with open_holdings(settings_from(archive=archive)) as holdings:
        if again:
            read_again(holdings)
        stop = Event()
        with pressing(stop.set), _Bar(holdings) as bar:
            report = read_texts(holdings, may_go_on=lambda: not stop.is_set(), progress=bar.show)
    if as_json:
        print_json(
            {
                "files": report.files,
                "documents": report.documents,
                "repeated": report.repeated,
                "unreadable": report.unreadable,
                "complete": report.is_complete,
            }
        )
    else:
        click.echo(f"{counted(report.documents, 'document')} read in {counted(report.files, 'file')}.")
        if report.unreadable:
            click.echo(f"{report.unreadable:,} could not be read: muniment verify names them.")
    if report.is_complete:
        return 0
    if stop.is_set():
        click.echo("Stopped. What was read is kept; run it again to go on.", err=True)
        return 130
    click.echo("Another process is reading the texts of this archive, most likely its server.", err=True)
    return 1


class _Bar:
    """Shows which file is read and how far; nothing where nobody looks."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._file = ""
        self._bar: Any = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None

    def show(self, file: str, position: int) -> None:
        if not sys.stderr.isatty():
            return
        if file != self._file:
            self._close()
            self._file = file
            size = self._holdings.store.size(file)
            self._bar = click.progressbar(length=size, label=file.rsplit("/", 1)[-1], file=sys.stderr)
            self._bar.__enter__()
        self._bar.update(max(0, position - self._bar.pos))
