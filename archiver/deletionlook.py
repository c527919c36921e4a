"""The look at a deletion before it is done: at once where that is soon, else as a job with progress, which can be cancelled.

Nobody's request is held up by a large collection: what is not counted after `PATIENCE` is left to a job of kind `KIND`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import asdict, replace
from threading import BoundedSemaphore, Event, Thread
from typing import Any, TypeVar

from archiver import deletion
from archiver.collections.access import Rule
from archiver.deletion import Extent, Selection, Step
from archiver.errors import Interrupted
from archiver.holdings import Holdings
from archiver.jobrunner import Work
from archiver.jobs import Job, JobRegistry
from archiver.model import Capture

#: Of jobs that count.
KIND = "count-deletion"
#: Seconds that whoever asks waits.
PATIENCE = 0.8
#: Captures that stay and need what goes, that a result names.
NAMED = 200
#: Captures between two signs of a job.
_OFTEN = 1000
#: Looks at a time that somebody waits for: each takes a connection of the database.
_LOOKS = BoundedSemaphore(4)

_T = TypeVar("_T")


def look(holdings: Holdings, rule: Rule) -> Extent | None:
    """How much a deletion is about; None when that takes longer than anybody should wait."""
    return _soon(lambda step: deletion.extent(holdings, rule, step))


def is_of_something(holdings: Holdings, rule: Rule) -> bool | None:
    """A deletion is about some capture; None when that takes longer than anybody should wait to be known."""
    return _soon(lambda step: next(deletion.selected(holdings, rule, step), None) is not None)


def _soon(count: Callable[[Step], _T]) -> _T | None:
    """What a function counts, when it does so in time; else it is told to end, at its next step."""
    if PATIENCE <= 0 or not _LOOKS.acquire(blocking=False):
        return None
    is_late, counted = Event(), Future[_T]()

    def step() -> None:
        if is_late.is_set():
            raise Interrupted("It took too long.")

    def work() -> None:
        try:
            found = count(step)
        except BaseException as error:  # whoever waits is told
            _LOOKS.release()
            counted.set_exception(error)
        else:
            _LOOKS.release()
            counted.set_result(found)

    Thread(target=work, name="look", daemon=True).start()
    try:
        return counted.result(PATIENCE)
    except NotYet:
        is_late.set()
        return None


def begin(
    registry: JobRegistry,
    selection: Selection,
    *,
    reason: str,
    message: str = "",
    is_said: bool = False,
    names_end: bool,
    by: str,
) -> int:
    """Have a deletion that is not done yet counted; the job's number.

    Args:
        registry: of jobs.
        selection: what is to be deleted; its end should be named, or it is when the job runs.
        reason: why.
        message: what readers would be told.
        is_said: readers would be told.
        names_end: whoever asks has named the end themselves: it may be about what comes.
        by: who wants to know.
    """
    arguments = {"selection": asdict(selection), "reason": reason, "message": message, "is_said": is_said}
    arguments["names_end"] = names_end
    return registry.put(KIND, arguments, selection.collection, by, once=True)


def begin_of(registry: JobRegistry, rule: Rule, by: str) -> int:
    """Have a deletion counted that was done; the job's number."""
    return registry.put(KIND, {"deletion": rule.number}, rule.collection, by, once=True)


def selection_of(job: Job) -> Selection:
    """What a job counts that `begin` has begun, as it was asked for."""
    found = Selection(**job.arguments["selection"])
    return found if job.arguments["names_end"] else replace(found, until="")


def rule_of(holdings: Holdings, job: Job) -> Rule:
    """The deletion that a job counts.

    Raises:
        NotFound: it, or what it is about, is gone.
    """
    given = job.arguments
    if "deletion" in given:
        return deletion.deletion_of(holdings, int(given["deletion"]))
    return deletion.rule_for(
        holdings, Selection(**given["selection"]), reason=given["reason"], message=given["message"], is_said=given["is_said"]
    )


def count(work: Work) -> Mapping[str, Any]:
    """`selection`, `reason`, `message`, `is_said`, or `deletion`: number. Says how much it is; nothing is done."""
    rule = rule_of(work.holdings, work.job)
    looked = 0

    def step() -> None:
        nonlocal looked
        looked += 1
        if looked % _OFTEN == 1:
            work.go_on()
            work.show(looked, None, f"{looked:,} captures were looked at")

    return as_result(deletion.extent(work.holdings, rule, step))


def as_result(found: Extent) -> dict[str, Any]:
    """How much a deletion is about, as a job keeps it; of captures that need what goes, the first `NAMED` are named."""
    return {
        "captures": found.captures,
        "urls": found.urls,
        "bytes": found.bytes,
        "files": list(found.files),
        "not_ours": found.not_ours,
        "shared": found.shared,
        "dependent_captures": len(found.dependents),
        "dependents": _named(found.dependents),
        "first": _named(found.first),
    }


def _named(found: Sequence[Capture]) -> list[dict[str, str]]:
    return [{"collection": item.collection, "timestamp": item.timestamp, "url": item.url} for item in found[:NAMED]]
