"""What the views of the workbench work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from flask import current_app, request

from archiver.accounts import AccountRegistry
from archiver.holdings import Holdings
from archiver.incoming import Incoming
from archiver.jobs import OPEN, JobRegistry
from archiver.settings import Settings

if TYPE_CHECKING:
    from replay.workbench.jobs import CaptureRunner


@dataclass(frozen=True)
class Workbench:
    """Everything a view needs.

    Attributes:
        holdings: the opened archive.
        accounts: who may use it.
        captures: single pages that are captured from here.
        clock: the time, UTC.
    """

    holdings: Holdings
    accounts: AccountRegistry
    captures: CaptureRunner
    clock: Callable[[], datetime]

    @property
    def settings(self) -> Settings:
        """As they are at this moment."""
        return self.holdings.settings


def context() -> Workbench:
    """The workbench of this request."""
    found: Workbench = current_app.extensions["muniment.workbench"]
    return found


def incoming_files() -> Incoming:
    """Files that were sent and wait to be taken in."""
    place = context()

    def in_use() -> set[str]:
        running = JobRegistry(place.holdings.engine, place.clock).list(kinds=("import",), states=OPEN, limit=1000)
        return {str(token) for job in running for token in job.arguments.get("uploads", ())}

    return Incoming(place.settings.archive, place.clock, lambda: uuid4().hex, in_use)


def reader_address() -> str:
    """Where readers see the archive, as this browser reaches it; ends in a slash."""
    settings = context().settings
    if settings.instance_url and request.host.rsplit(":", 1)[0] not in ("127.0.0.1", "localhost", "[::1]"):
        return settings.instance_url.rstrip("/") + "/"
    return f"http://{request.host.rsplit(':', 1)[0]}:{settings.port}/"
