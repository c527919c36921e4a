"""Jobs as values: where one stands, and whether who has it is still there."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from archiver.crawl.control import process_lives, process_start


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Nothing more happens by itself."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


#: States of jobs that are still to be done, or are being done.
OPEN = (JobState.WAITING, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its row says.

    Attributes:
        number: of the job.
        kind: what sort of work, such as "crawl".
        collection: slug; None for the whole archive.
        state: where it stands.
        wanted: "cancel" when somebody wants it to end, "abort" when at once; else "".
        arguments: what is to be done.
        result: what came of it, or what it has kept so far.
        message: what it does now, or why it failed; for people.
        done, total: how far it is, in units of its kind; `total` None when nobody knows.
        token: an unguessable name, for programs; None for none.
        created_at, started_at, finished_at: ISO, UTC.
        created_by: who wanted it.
        owner: process that has it; "" for none.
        heartbeat: its last sign of life, seconds since 1970.
        not_before: when it may be begun, seconds since 1970.
        deaths: processes that died while they did it, one after the other.
    """

    number: int
    kind: str
    collection: str | None
    state: JobState
    wanted: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any]
    message: str
    done: int
    total: int | None
    token: str | None
    created_at: str
    created_by: str
    started_at: str | None
    finished_at: str | None
    owner: str
    heartbeat: float | None
    not_before: float
    deaths: int

    @property
    def share(self) -> float | None:
        """How far it is, from 0 to 1; None when nobody knows."""
        if self.state is JobState.DONE:
            return 1.0
        return min(1.0, self.done / self.total) if self.total else None


def this_process() -> str:
    """The name of this process as an owner of jobs: machine, number, and when it began."""
    return f"{socket.gethostname()} {os.getpid()} {process_start(os.getpid()) or 0}"


def is_alive(owner: str, silent: float) -> bool:
    """Whether the owner of a job is still there.

    Args:
        owner: as `this_process` wrote it.
        silent: seconds since its last sign of life.
    """
    machine, *numbers = owner.rsplit(" ", 2)
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return False
    return process_lives(machine, int(numbers[0]), int(numbers[1]), silent)
