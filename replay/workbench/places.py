"""What the views of the workbench work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from flask import current_app, request

from archiver.accounts import AccountRegistry
from archiver.errors import UsageError
from archiver.holdings import Holdings
from archiver.incoming import Incoming
from archiver.jobs import OPEN, JobRegistry
from archiver.settings import Settings


@dataclass(frozen=True)
class Workbench:
    """Everything a view needs.

    Attributes:
        holdings: the opened archive.
        accounts: who may use it.
        clock: the time, UTC.
    """

    holdings: Holdings
    accounts: AccountRegistry
    clock: Callable[[], datetime]

    @property
    def settings(self) -> Settings:
        """As they are at this moment."""
        return self.holdings.settings


def context() -> Workbench:
    """The workbench of this request."""
    found: Workbench = current_app.extensions["muniment.workbench"]
    return found


def job_registry() -> JobRegistry:
    """The jobs of the archive."""
    place = context()
    return JobRegistry(place.holdings.engine, place.clock)


def collection_choices() -> list[tuple[str, str]]:
    """The collections as a form offers them: slug and title."""
    return [(item.slug, item.title) for item in context().holdings.collections.all()]


def whole_number(text: str) -> int | None:
    """A number as somebody wrote it into a form or an address; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def crawl_number(text: str) -> int:
    """The number of a crawl as somebody wrote it.

    Raises:
        UsageError: it is none.
    """
    number = whole_number(text)
    if number is None:
        raise UsageError("A crawl is named by its number.", "See it on the page of the crawl.")
    return number


def incoming_files() -> Incoming:
    """Files that were sent and wait to be taken in."""
    place = context()

    def in_use() -> set[str]:
        running = job_registry().list(kinds=("import",), states=OPEN, limit=1000)
        return {str(token) for job in running for token in job.arguments.get("uploads", ())}

    return Incoming(place.settings.archive, place.clock, lambda: uuid4().hex, in_use)


def reader_address() -> str:
    """Where readers see the archive, as this browser reaches it; ends in a slash."""
    settings = context().settings
    if settings.instance_url and request.host.rsplit(":", 1)[0] not in ("127.0.0.1", "localhost", "[::1]"):
        return settings.instance_url.rstrip("/") + "/"
    return f"http://{request.host.rsplit(':', 1)[0]}:{settings.port}/"
