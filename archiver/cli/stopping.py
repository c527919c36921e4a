"""Ctrl-C and termination as a signal that work looks at, not as a tear through it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from archiver.engine import StopSignal


@contextmanager
def stopping(stop: StopSignal) -> Iterator[None]:
    """Ctrl-C and termination press the stop signal instead of tearing the work apart."""

    def press() -> None:
        click.echo(
            "\nFinishing what is being received; once more to stop at once." if not stop.finish.is_set() else "",
            err=True,
        )
        stop.press()

    with pressing(press):
        yield


@contextmanager
def pressing(press: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and termination call something, and nothing else happens."""
    previous = {number: signal.signal(number, lambda *_: press()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
