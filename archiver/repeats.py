"""Requests that programs may send twice: what was answered the first time is kept for a day, and told again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, select, update

from archiver.errors import Conflict
from archiver.index.database import insert_new, reading, writing
from archiver.index.worktables import api_requests
from archiver.timestamps import to_iso

KEPT = timedelta(days=1)
#: After so long, a request that was not answered counts as one that died.
_GIVEN_UP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered.

    Attributes:
        fingerprint: of what was asked.
        status: HTTP status.
        location: path of what was made, or "".
        body: the answer's text.
    """

    fingerprint: str
    status: int
    location: str
    body: str


class RepeatRegistry:
    """The answers that are kept.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def begin(self, owner: str, key: str, fingerprint: str) -> KeptAnswer | None:
        """Note that something is asked for; what was answered before, None when this is the first time.

        Raises:
            Conflict: it is being done now.
        """
        now, columns = self._clock(), api_requests.c
        dead = (columns.status == 0) & (columns.created_at < to_iso(now - _GIVEN_UP))
        values = {"owner": owner, "key": key, "fingerprint": fingerprint, "created_at": to_iso(now)}
        with writing(self._engine) as connection:
            connection.execute(delete(api_requests).where((columns.created_at < to_iso(now - KEPT)) | dead))
            if connection.execute(insert_new(self._engine, api_requests).values(values)).rowcount:
                return None
        with reading(self._engine) as connection:
            row = connection.execute(select(api_requests).where(columns.owner == owner, columns.key == key)).first()
        if row is None or (row.status == 0 and row.fingerprint == fingerprint):
            raise Conflict("That request is being done now.", "Send it again in a while.")
        return KeptAnswer(row.fingerprint, row.status, row.location, row.body)

    def finish(self, owner: str, key: str, answer: KeptAnswer) -> None:
        """Keep what was answered."""
        mine = (api_requests.c.owner == owner, api_requests.c.key == key)
        with writing(self._engine) as connection:
            connection.execute(
                update(api_requests).where(*mine).values(status=answer.status, location=answer.location, body=answer.body)
            )

    def forget(self, owner: str, key: str) -> None:
        """It was not done: the key may be used again."""
        with writing(self._engine) as connection:
            connection.execute(delete(api_requests).where(api_requests.c.owner == owner, api_requests.c.key == key))
