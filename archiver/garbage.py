"""When Python looks for garbage in the process of a command: not while it starts, and not while it ends."""

from __future__ import annotations

import gc

#: Objects made before Python looks for garbage: with its default of 700, a quarter of the start-up goes into looking.
_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def begin() -> None:
    """A process begins that does one command and nothing else."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def keep_imported() -> None:
    """What was imported stays for good: one look at it takes a fiftieth of a second, and a start-up would have two.

    Nothing happens in a process that does other things too, such as that of the tests: what it has given up must go.
    """
    if gc.get_threshold()[0] == _OBJECTS_BETWEEN_COLLECTIONS:
        gc.freeze()


def end() -> None:
    """The process ends, and its memory with it: to take everything apart before takes a tenth of a second."""
    keep_imported()
