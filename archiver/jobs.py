"""Work that runs for a while: put into the database by whoever wants it, done by whatever process takes it.

A job belongs to the process that has claimed it as long as that lives. When it dies the next worker takes the job again, with
what the job had kept of its result, so that it goes on where it was. No job runs twice at a time: claims exclude each other,
and who has lost a job hears of it with its next sign of life.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, and_, func, insert, select, update

from archiver.audit import AuditLog
from archiver.errors import Conflict, NotFound, UnknownCollection
from archiver.index.database import lock_table, number_of_new, reading, writing
from archiver.index.tables import collections
from archiver.index.worktables import jobs
from archiver.jobvalues import OPEN, Job, JobState, is_alive, this_process
from archiver.timestamps import to_iso

__all__ = ["OPEN", "Job", "JobRegistry", "JobState", "is_alive", "this_process"]

#: Processes that may die of a job, before it is given up.
_DEATHS = 5


class JobRegistry:
    """The jobs of an archive.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = AuditLog(engine, clock)

    # -- ask for work ------------------------------------------------------------------------------------------------

    def put(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        collection: str | None = None,
        created_by: str = "",
        *,
        token: str | None = None,
        not_before: float = 0,
        once: bool = False,
    ) -> int:
        """Ask for work; the job's number.

        Args:
            kind: what sort of work.
            arguments: what JSON can say.
            collection: slug; None for the whole archive.
            created_by: who wants it; "" for the archive itself, of which the audit log does not tell.
            token: an unguessable name, unique.
            not_before: when it may be begun, seconds since 1970.
            once: when an equal job waits or runs, that one is meant.

        Raises:
            UnknownCollection: no collection of that name.
        """
        with writing(self._engine) as connection:
            return self.put_within(
                connection, kind, arguments, collection, created_by, token=token, not_before=not_before, once=once
            )

    def put_within(
        self,
        connection: Connection,
        kind: str,
        arguments: Mapping[str, Any],
        collection: str | None = None,
        created_by: str = "",
        *,
        token: str | None = None,
        not_before: float = 0,
        once: bool = False,
    ) -> int:
        """As `put`, in the transaction of what it belongs to."""
        collection_id = None
        if collection is not None:
            collection_id = connection.execute(select(collections.c.id).where(collections.c.slug == collection)).scalar()
            if collection_id is None:
                raise UnknownCollection(f"There is no collection “{collection}”.")
        text = json.dumps(arguments, ensure_ascii=False, sort_keys=True)
        if once:
            lock_table(connection, jobs)
            same = jobs.c.collection_id.is_(None) if collection_id is None else jobs.c.collection_id == collection_id
            equal = (jobs.c.kind == kind, same, jobs.c.arguments == text, jobs.c.state.in_(OPEN))
            found = connection.execute(select(jobs.c.id).where(*equal).order_by(jobs.c.id).limit(1)).scalar()
            if found is not None:
                return int(found)
        made = connection.execute(
            insert(jobs).values(
                kind=kind,
                collection_id=collection_id,
                arguments=text,
                token=token,
                created_at=to_iso(self._clock()),
                created_by=created_by,
                not_before=not_before,
            )
        )
        number = number_of_new(made)
        if created_by:
            subject = f"job {number}" + (f" of {collection}" if collection else "")
            self._audit.note_within(connection, created_by, f"job.{kind}", subject, dict(arguments))
        return number

    # -- look --------------------------------------------------------------------------------------------------------

    def get(self, number: int) -> Job:
        """A job.

        Raises:
            NotFound: there is none of that number.
        """
        return self._one(jobs.c.id == number, f"There is no job {number}.")

    def of_token(self, token: str) -> Job:
        """A job by its unguessable name.

        Raises:
            NotFound: there is none of that name.
        """
        return self._one(jobs.c.token == token, "There is no such job.")

    def _one(self, wanted: Any, otherwise: str) -> Job:
        with reading(self._engine) as connection:
            row = connection.execute(_selected().where(wanted)).first()
        if row is None:
            raise NotFound(otherwise, "Look at the list of jobs.")
        return _job(row)

    def list(
        self,
        *,
        states: Sequence[JobState] = (),
        kinds: Sequence[str] = (),
        without: Sequence[str] = (),
        collection: str | None = None,
        before: int = 0,
        limit: int = 100,
    ) -> list[Job]:
        """Jobs, newest first.

        Args:
            states, kinds: only these; empty for all.
            without: kinds that are left out.
            collection: slug; None for all.
            before: only those with a smaller number; 0 for all.
            limit: at most so many.
        """
        statement = _selected().order_by(jobs.c.id.desc()).limit(limit)
        if states:
            statement = statement.where(jobs.c.state.in_(states))
        if kinds:
            statement = statement.where(jobs.c.kind.in_(kinds))
        if without:
            statement = statement.where(jobs.c.kind.not_in(without))
        if collection is not None:
            statement = statement.where(collections.c.slug == collection)
        if before:
            statement = statement.where(jobs.c.id < before)
        with reading(self._engine) as connection:
            return [_job(row) for row in connection.execute(statement)]

    def counts(self) -> dict[JobState, int]:
        """How many jobs are in each state."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state))
            return {JobState(state): count for state, count in rows}

    def is_due(self, kinds: Sequence[str], *, without: Sequence[str] = ()) -> bool:
        """Whether a worker would find something to do."""
        with reading(self._engine) as connection:
            return self._next(connection, kinds, without, _silence(self._clock)) is not None

    # -- steer -------------------------------------------------------------------------------------------------------

    def cancel(self, number: int, by: str) -> Job:
        """Have a job end: at once when nobody works on it, else as soon as its process hears of it; asked twice, abruptly.

        Raises:
            NotFound: there is none of that number.
            Conflict: it is over.
        """
        with writing(self._engine) as connection:
            job = self._locked(connection, number)
            if job.state.is_over:
                raise Conflict(f"Job {number} is {job.state.value} already.", "There is nothing to be cancelled.")
            values: dict[str, Any] = {"wanted": "abort" if job.wanted else "cancel"}
            if job.state is JobState.WAITING:
                values |= {"state": JobState.CANCELLED, "finished_at": to_iso(self._clock()), "message": ""}
            connection.execute(update(jobs).where(jobs.c.id == number).values(values))
            self._audit.note_within(connection, by, "job.cancel", f"job {number}", {"kind": job.kind})
        return self.get(number)

    def retry(self, number: int, by: str) -> Job:
        """Have a failed or cancelled job done again; it goes on with what it has kept.

        Raises:
            NotFound: there is none of that number.
            Conflict: it is not over, or was done.
        """
        with writing(self._engine) as connection:
            job = self._locked(connection, number)
            if job.state not in (JobState.FAILED, JobState.CANCELLED):
                raise Conflict(f"Job {number} is {job.state.value}.", "Only what failed or was cancelled is tried again.")
            connection.execute(
                update(jobs)
                .where(jobs.c.id == number)
                .values(state=JobState.WAITING, wanted="", message="", owner="", finished_at=None, not_before=0)
            )
            self._audit.note_within(connection, by, "job.retry", f"job {number}", {"kind": job.kind})
        return self.get(number)

    def _locked(self, connection: Connection, number: int) -> Job:
        lock_table(connection, jobs)
        row = connection.execute(_selected().where(jobs.c.id == number)).first()
        if row is None:
            raise NotFound(f"There is no job {number}.", "Look at the list of jobs.")
        return _job(row)

    # -- work --------------------------------------------------------------------------------------------------------

    def claim(self, owner: str, kinds: Sequence[str], *, without: Sequence[str] = ()) -> Job | None:
        """Take the next job of some kinds: one whose owner is gone, or else the oldest that waits; None when there is none.

        Args:
            owner: as `this_process` says.
            kinds: that the process can do.
            without: kinds that are left to others.
        """
        with writing(self._engine) as connection:
            lock_table(connection, jobs)
            now = self._clock()
            while True:
                found = self._next(connection, kinds, without, _silence(self._clock))
                if found is None:
                    return None
                deaths = found.deaths + (found.state is JobState.RUNNING)
                if deaths < _DEATHS:
                    break
                given_up = {"state": JobState.FAILED, "finished_at": to_iso(now), "owner": "", "deaths": 0}
                given_up["message"] = (
                    "The processes that did it died again and again. See the log, or the memory of the machine."
                )
                connection.execute(update(jobs).where(jobs.c.id == found.number).values(given_up))
            connection.execute(
                update(jobs)
                .where(jobs.c.id == found.number)
                .values(
                    state=JobState.RUNNING,
                    owner=owner,
                    heartbeat=now.timestamp(),
                    started_at=found.started_at or to_iso(now),
                    message="",
                    deaths=deaths,
                )
            )
        return self.get(found.number)

    def _next(
        self, connection: Connection, kinds: Sequence[str], without: Sequence[str], silence: Callable[[Job], float]
    ) -> Job | None:
        mine = and_(jobs.c.kind.in_(kinds), jobs.c.kind.not_in(without))
        running = connection.execute(_selected().where(mine, jobs.c.state == JobState.RUNNING).order_by(jobs.c.id))
        for job in map(_job, running.all()):
            if not is_alive(job.owner, silence(job)):
                return job
        waiting = and_(mine, jobs.c.state == JobState.WAITING, jobs.c.not_before <= self._clock().timestamp())
        row = connection.execute(_selected().where(waiting).order_by(jobs.c.id).limit(1)).first()
        return _job(row) if row is not None else None

    def beat(
        self,
        number: int,
        owner: str,
        *,
        done: int | None = None,
        total: int | None = None,
        message: str | None = None,
        result: Mapping[str, Any] | None = None,
    ) -> str:
        """A sign of life, with what is new; what is wanted of the job.

        Returns:
            "" to go on, "cancel", "abort"; "lost" when the job belongs to another process now.
        """
        values: dict[str, Any] = {"heartbeat": self._clock().timestamp()}
        if done is not None:
            values |= {"done": done, "total": total}
        if message is not None:
            values["message"] = message
        if result is not None:
            values["result"] = json.dumps(result, ensure_ascii=False)
        mine = and_(jobs.c.id == number, jobs.c.owner == owner, jobs.c.state == JobState.RUNNING)
        with writing(self._engine) as connection:
            if not connection.execute(update(jobs).where(mine).values(values)).rowcount:
                return "lost"
            return str(connection.execute(select(jobs.c.wanted).where(jobs.c.id == number)).scalar_one())

    def end(
        self, number: int, owner: str, state: JobState, *, message: str = "", result: Mapping[str, Any] | None = None
    ) -> bool:
        """Note how a job ended; False when it belongs to another process now.

        A job that ends as "waiting" was broken off by its process, and the next one goes on with it.
        """
        values: dict[str, Any] = {"state": state, "message": message, "owner": "", "deaths": 0}
        if state.is_over:
            values["finished_at"] = to_iso(self._clock())
        if result is not None:
            values["result"] = json.dumps(result, ensure_ascii=False)
        mine = and_(jobs.c.id == number, jobs.c.owner == owner, jobs.c.state == JobState.RUNNING)
        with writing(self._engine) as connection:
            return bool(connection.execute(update(jobs).where(mine).values(values)).rowcount)

    def postpone(self, number: int, owner: str, until: float, message: str, result: Mapping[str, Any]) -> bool:
        """Put a job off that could not be done now; `until` in seconds since 1970. False when it is another process's now."""
        values = {
            "state": JobState.WAITING,
            "owner": "",
            "not_before": until,
            "message": message,
            "result": json.dumps(result, ensure_ascii=False),
        }
        mine = and_(jobs.c.id == number, jobs.c.owner == owner, jobs.c.state == JobState.RUNNING)
        with writing(self._engine) as connection:
            return bool(connection.execute(update(jobs).where(mine).values(values)).rowcount)


def _silence(clock: Callable[[], datetime]) -> Callable[[Job], float]:
    now = clock().timestamp()
    return lambda job: now - (job.heartbeat or 0)


def _selected() -> Select[Any]:
    columns = [column for column in jobs.columns if column.name != "collection_id"]
    return select(*columns, collections.c.slug).outerjoin(collections, collections.c.id == jobs.c.collection_id)


def _job(row: Row[Any]) -> Job:
    return Job(
        row.id, row.kind, row.slug, JobState(row.state), row.wanted, _object(row.arguments), _object(row.result), row.message,
        row.done, row.total, row.token, row.created_at, row.created_by, row.started_at, row.finished_at, row.owner,
        row.heartbeat, row.not_before, row.deaths,
    )  # fmt: skip


def _object(text: str) -> Mapping[str, Any]:
    """What a column of JSON holds; {} for what is no object."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
