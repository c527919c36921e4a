"""Jobs of WASAPI: what was ordered, who works on it, what came of it. They outlive the process that works on them."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, and_, func, insert, or_, select, update

from archiver.errors import NotFound, UsageError
from archiver.exportfiles import vanish
from archiver.index.database import reading, writing
from archiver.index.worktables import jobs
from archiver.plaintext import one_line
from archiver.timestamps import parse_iso, to_iso
from archiver.wasapi.query import WebdataQuery, parse_query
from archiver.wasapi.webdata import WebFile

#: What this table's rows of ours are called.
_KIND = "wasapi"
#: Seconds without a sign of life after which a job is taken from whoever worked on it.
LEASE = 120.0
#: How often a job is begun before it is given up: something in it ends the process.
_TRIES = 3
#: How long results are kept.
KEPT = timedelta(days=30)
#: Folder of results in the archive home.
FOLDER = "derived"


class Function(StrEnum):
    """What can be made of WARC files."""

    BUILD_WAT = "build-wat"
    BUILD_CDX = "build-cdx"


class State(StrEnum):
    """Where a job stands, as WASAPI says it; `GONE`: it was complete, and its results are not kept any more."""

    QUEUED = "queued"
    RUNNING = "running"
    FAILED = "failed"
    COMPLETE = "complete"
    GONE = "gone"


_STATES = {"waiting": State.QUEUED, "running": State.RUNNING, "failed": State.FAILED, "done": State.COMPLETE}


class JobLost(Exception):
    """Another process works on the job now, or it is to be left for later."""


@dataclass(frozen=True, slots=True)
class WasapiJob:
    """One job.

    Attributes:
        token: its name in addresses.
        function: what is made.
        query: of the files that it is made of, as it was sent.
        state: where it stands.
        submitted_at: when it was ordered, UTC.
        ended_at: when it was over; None before.
        account: who ordered it.
        error: why it failed; else "".
        files: what it has made so far.
    """

    token: str
    function: Function
    query: str
    state: State
    submitted_at: datetime
    ended_at: datetime | None
    account: str
    error: str
    files: tuple[WebFile, ...]


class JobBoard:
    """The jobs in the table, and the folder of what they make.

    Args:
        engine: the archive's database.
        home: the archive's folder.
        clock: the time, UTC.
        new_token: makes names that nobody guesses.
    """

    def __init__(
        self,
        engine: Engine,
        home: Path,
        clock: Callable[[], datetime],
        *,
        new_token: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._engine = engine
        self._home = home / FOLDER
        self._clock = clock
        self._new_token = new_token

    def submit(self, function: str, query: str, account: str) -> WasapiJob:
        """Order a job.

        Raises:
            UsageError: there is no such function, or the query cannot be understood.
        """
        if function == "build-wane":
            raise UsageError(
                "This archive cannot make WANE files: it has no program that finds the names of persons and places.",
                "Order build-wat, and look for names in the pages yourself.",
            )
        if function not in list(Function):
            known = ", ".join(Function)
            raise UsageError(f"There is no function “{one_line(function)[:40]}”.", f"There are: {known}.")
        parsed = parse_query(query)
        if parsed.filetype not in ("", "warc"):
            raise UsageError("Jobs are made of WARC files.", "Leave filetype out of the query.")
        token = self._new_token()
        values = {
            "kind": _KIND,
            "arguments": json.dumps({"function": function, "query": query, "tries": 0}),
            "token": token,
            "created_at": to_iso(self._clock()),
            "created_by": account,
        }
        with writing(self._engine) as connection:
            connection.execute(insert(jobs).values(values))
        return self.get(token)

    def get(self, token: str) -> WasapiJob:
        """A job by its token.

        Raises:
            NotFound: there is none.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(jobs).where(jobs.c.kind == _KIND, jobs.c.token == token)).first()
        if row is None:
            raise NotFound("There is no job of that token.", "Ask for the list of jobs.")
        return self._job(row)

    def count(self) -> int:
        """How many jobs there are."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).where(jobs.c.kind == _KIND)).scalar_one())

    def all(self, *, offset: int = 0, limit: int = 100) -> list[WasapiJob]:
        """Jobs, those that were ordered last first."""
        wanted = select(jobs).where(jobs.c.kind == _KIND).order_by(jobs.c.id.desc()).offset(offset).limit(limit)
        with reading(self._engine) as connection:
            return [self._job(row) for row in connection.execute(wanted)]

    def file(self, token: str, name: str) -> tuple[WebFile, Path]:
        """A result, and where it lies.

        Raises:
            NotFound: the job made no such file, or it is not kept any more.
        """
        job = self.get(token)
        for made in job.files:
            if made.filename == name and job.state is State.COMPLETE:
                return made, self.folder(token) / name
        raise NotFound("There is no such file.", "Results are kept for a month; order the job again.")

    def derived(self, query: WebdataQuery, slugs: Sequence[str] | None) -> list[WebFile]:
        """All that complete jobs have made and that a query finds, newest first.

        Args:
            query: with a filetype that jobs make.
            slugs: its collections; None for all.
        """
        wanted = select(jobs).where(jobs.c.kind == _KIND, jobs.c.state == "done").order_by(jobs.c.id.desc())
        with reading(self._engine) as connection:
            found = [self._job(row) for row in connection.execute(wanted)]
        made = [file for job in found if job.state is State.COMPLETE for file in job.files]
        return [file for file in made if _is_found(file, query, slugs)]

    def folder(self, token: str) -> Path:
        """Where the results of a job lie."""
        return self._home / token

    def _job(self, row: Any) -> WasapiJob:
        arguments = json.loads(row.arguments)
        made = tuple(WebFile(**{**item, "place": tuple(item["place"])}) for item in json.loads(row.result or "[]"))
        state = _STATES.get(row.state, State.FAILED)
        if state is State.COMPLETE and not self.folder(row.token).is_dir():
            state = State.GONE
        return WasapiJob(
            row.token, Function(arguments["function"]), arguments["query"], state, parse_iso(row.created_at),
            parse_iso(row.finished_at) if row.finished_at else None, row.created_by,
            "The job was cancelled." if row.state == "cancelled" else row.message, made,
        )  # fmt: skip

    # -- work --------------------------------------------------------------------------------------------------------

    def claim(self, owner: str) -> WasapiJob | None:
        """A job to work on: one that waits, or whose worker gave no sign of life for too long; None when there is none."""
        now = self._clock().timestamp()
        is_free = or_(jobs.c.state == "waiting", and_(jobs.c.state == "running", jobs.c.heartbeat < now - LEASE))
        wanted = select(jobs).where(jobs.c.kind == _KIND, is_free).order_by(jobs.c.id).limit(1)
        with writing(self._engine) as connection:
            row = connection.execute(wanted).first()
            if row is None:
                return None
            arguments = json.loads(row.arguments)
            # What was left in order is no try, and who has it tried again has seen why it failed.
            arguments["tries"] = arguments["tries"] + 1 if row.state == "running" else 0
            values: dict[str, object] = {
                "state": "running",
                "owner": owner,
                "heartbeat": now,
                "arguments": json.dumps(arguments),
                "started_at": row.started_at or to_iso(self._clock()),
            }
            if arguments["tries"] >= _TRIES:
                message = "The process that worked on this job ended again and again. The log of the workbench may say why."
                values |= {"state": "failed", "message": message, "finished_at": to_iso(self._clock())}
            was = and_(jobs.c.id == row.id, jobs.c.state == row.state, jobs.c.owner == row.owner)
            if not connection.execute(update(jobs).where(was, is_free).values(values)).rowcount:
                return None  # somebody was quicker
        if values["state"] == "failed":
            return self.claim(owner)
        return self.get(row.token)

    def beat(self, token: str, owner: str) -> None:
        """Say that the job is worked on, and hear whether it is still wanted.

        Raises:
            JobLost: somebody else has it, or somebody has cancelled it.
        """
        self._change(token, owner, {"heartbeat": self._clock().timestamp()})
        with reading(self._engine) as connection:
            wanted = connection.execute(select(jobs.c.wanted).where(jobs.c.token == token)).scalar()
        if wanted:
            values = {"state": "cancelled", "finished_at": to_iso(self._clock()), "message": "", "result": ""}
            self._change(token, owner, values)
            shutil.rmtree(self.folder(token), ignore_errors=True)
            raise JobLost

    def keep(self, token: str, owner: str, made: Sequence[WebFile], total: int) -> None:
        """Note what is made so far: whoever goes on need not make it again.

        Raises:
            JobLost: somebody else has it.
        """
        values = {
            "result": json.dumps([asdict(file) for file in made]),
            "done": len(made),
            "total": total,
            "heartbeat": self._clock().timestamp(),
        }
        self._change(token, owner, values)

    def complete(self, token: str, owner: str) -> None:
        """All is made."""
        self._change(token, owner, {"state": "done", "finished_at": to_iso(self._clock()), "message": ""})

    def fail(self, token: str, owner: str, sentence: str) -> None:
        """It cannot be done; what was made is not kept."""
        values = {"state": "failed", "finished_at": to_iso(self._clock()), "message": sentence, "result": ""}
        self._change(token, owner, values)
        shutil.rmtree(self.folder(token), ignore_errors=True)

    def release(self, token: str, owner: str) -> None:
        """Leave it for whoever comes next, with what is made."""
        self._change(token, owner, {"state": "waiting", "owner": ""})

    def _change(self, token: str, owner: str, values: dict[str, Any]) -> None:
        mine = and_(jobs.c.kind == _KIND, jobs.c.token == token, jobs.c.owner == owner, jobs.c.state == "running")
        with writing(self._engine) as connection:
            if not connection.execute(update(jobs).where(mine).values(values)).rowcount:
                raise JobLost

    def discard_of(self, slugs: Collection[str] | None) -> int:
        """Take away what jobs have made of collections, or are making of any; of how many jobs.

        Args:
            slugs: of the collections; None for all.
        """
        with reading(self._engine) as connection:
            rows = connection.execute(select(jobs.c.token, jobs.c.state, jobs.c.result).where(jobs.c.kind == _KIND)).all()
        count = 0
        for token, state, result in rows:
            made = {item["collection"] for item in json.loads(result or "[]")}
            if slugs is None or state != "done" or made & {*slugs, ""}:
                count += vanish(self.folder(token))
        return count

    def tidy(self) -> None:
        """Remove results that were kept long enough, and what no job of the table has made."""
        if not self._home.is_dir():
            return
        folders = list(self._home.iterdir())  # before the table is read, which then knows whose each is
        oldest = to_iso(self._clock() - KEPT)
        kept = or_(jobs.c.finished_at.is_(None), jobs.c.finished_at >= oldest)
        with reading(self._engine) as connection:
            names = set(connection.execute(select(jobs.c.token).where(jobs.c.kind == _KIND, kept)).scalars())
        for folder in folders:
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)


def _is_found(file: WebFile, query: WebdataQuery, slugs: Sequence[str] | None) -> bool:
    if file.filetype != query.filetype or (slugs is not None and file.collection not in slugs):
        return False
    if query.crawl and file.crawl != query.crawl:
        return False
    literal = query.filename.replace("[", "[[]")
    if query.filename and not fnmatchcase(file.filename, literal):
        return False
    return all(_is_within(file, name, moment) for name, moment in query.times)


_TIMES_OF = {"crawl-time": "crawl_time", "crawl-start": "crawl_start", "store-time": "store_time"}


def _is_within(file: WebFile, name: str, moment: datetime) -> bool:
    kind, _, end = name.rpartition("-")
    text = getattr(file, _TIMES_OF[kind])
    if not text:
        return False
    return parse_iso(text) >= moment if end == "after" else parse_iso(text) < moment
