"""Where worker processes come from: a server that has imported everything, and forks.

A fresh process takes more than half a second until it can fetch, all of it for imports. The server does that once, beside the
command that begins the crawl, and has no thread and no connection that a fork could break.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

_PRELOADED = ["archiver.crawl.supervise", "archiver.cli.main"]


def context() -> ForkServerContext:
    """What makes worker processes."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(_PRELOADED)
    return made


def prepare() -> None:
    """Have the server begin with its imports; returns at once."""
    context()
    forkserver.ensure_running()
