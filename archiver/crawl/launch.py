"""Starts the process that works on a crawl, apart from the one that asks for it: it goes on when that one ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from archiver.errors import StorageFailed
from archiver.settings import Settings, as_environment

#: Processes of one crawl that may be asked for here.
MOST_WORKERS = 16

_PROGRAM = "from archiver.cli.main import main; main()"

#: What begins the process of a crawl, of its number and the number of workers.
Launch = Callable[[int, int], None]


def launch(settings: Settings, crawl: int, workers: int = 1) -> None:
    """Begin the process of a crawl, as `muniment crawl resume` does, detached from this one.

    Its messages go where those of this process go; how the crawl ends is in its row.

    Raises:
        StorageFailed: no process could be begun.
    """
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(dict.fromkeys([root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]))
    command = [sys.executable, "-c", _PROGRAM, "crawl", "resume", str(crawl), "--workers", str(workers), "--json"]
    try:
        subprocess.Popen(
            command,
            env={**os.environ, **as_environment(settings), "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise StorageFailed(
            "The process of the crawl could not be begun.", "Try again.", command="Try again, or: muniment crawl resume."
        ) from error
