"""Long looks at the index, and files written anew: how far it is, in a terminal, and Ctrl-C as a request."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

import click

from archiver.cli.common import counted
from archiver.cli.stopping import pressing
from archiver.errors import Interrupted

#: Seconds between two signs.
_OFTEN = 0.2


class Looking:
    """While it lasts, Ctrl-C ends the work at its next step; once more ends it at once.

    Args:
        stopped: what is to be said then, where no file was written anew.
        monotonic: a clock, seconds.
    """

    def __init__(self, stopped: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stopped = stopped
        self._monotonic = monotonic
        self._stack = ExitStack()
        self._is_shown = sys.stderr.isatty()
        self._is_pressed = False
        self._next = 0.0
        self._width = self._looked = self._done = self._total = 0

    def __enter__(self) -> Looking:
        self._stack.enter_context(pressing(self._press))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()
        self._clear()
        if isinstance(error, KeyboardInterrupt):
            raise self._interrupted() from None

    def step(self) -> None:
        """Something was looked at.

        Raises:
            Interrupted: somebody wants to stop.
        """
        self._looked += 1
        if self._is_pressed:
            raise self._interrupted()
        if self._is_shown and self._monotonic() >= self._next:
            self._show(f"{counted(self._looked, 'capture')} looked at")

    def at_file(self, done: int, total: int) -> None:
        """So many files are written anew.

        Raises:
            Interrupted: somebody wants to stop.
        """
        self._done, self._total = done, total
        if self._is_pressed:
            raise self._interrupted()
        if self._is_shown:
            self._show(f"{done:,} of {counted(total, 'file')} written anew")

    def _press(self) -> None:
        if self._is_pressed:
            raise KeyboardInterrupt
        self._is_pressed = True
        what = "Finishing the file that is being written anew" if self._total else "Stopping"
        click.echo(f"\n{what}; once more to stop at once.", err=True)

    def _interrupted(self) -> Interrupted:
        if not self._total:
            return Interrupted(f"Stopped. {self._stopped}")
        return Interrupted(
            f"Stopped: {self._done:,} of {counted(self._total, 'file')} written anew. The rest is out of sight as before.",
            "Purge it again, and it goes on.",
        )

    def _show(self, text: str) -> None:
        self._next = self._monotonic() + _OFTEN
        click.echo(f"\r{text:{self._width}}", nl=False, err=True)
        self._width = max(self._width, len(text))

    def _clear(self) -> None:
        if self._width:
            click.echo(f"\r{'':{self._width}}\r", nl=False, err=True)
