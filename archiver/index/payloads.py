"""Which payloads are held already, and how servers can be asked about them: the memory behind revisits.

Revisits refer to captures of their own collection, or, where the setting `dedup` says "archive", of others that are not
private: a WARC file of one collection must not tell what a private one holds, and replay shows nobody the payload of a
collection that is private by then. Servers are asked only about captures of the same collection and the very same URL.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, bindparam, delete, or_, select, tuple_

from archiver.index.database import Prepared, insert_or_replace, reading, writing
from archiver.index.tables import collections, payloads, validators
from archiver.model import RevisitTarget, Visibility
from archiver.urls import urlkey
from archiver.warc.dedup import Condition, Kept, condition_headers

#: Payloads of this run that are remembered before (and after) they are committed: about 5 MB.
_RECENT = 10_000


def _held(*, everywhere: bool, alone: bool) -> Select[Any]:
    """A payload by its digest, that of the collection itself first; `beside`: one that counts as the same, unless `alone`."""
    columns = payloads.c
    statement = select(columns.url, columns.timestamp, columns.record_id).where(columns.digest == bindparam("digest"))
    own = columns.collection_id == bindparam("own")
    if alone and not everywhere:
        return statement.where(own)  # at most one, by the primary key
    beside = columns.collection_id == bindparam("beside")
    if not everywhere:
        return statement.where(or_(own, beside)).order_by(own.desc()).limit(1)
    return (
        statement.join(collections, collections.c.id == columns.collection_id)
        .where(or_(own, beside, collections.c.visibility != Visibility.PRIVATE.value))
        .order_by(own.desc(), columns.timestamp)
        .limit(1)
    )


def _is_older(new: Any) -> Any:
    """Which of two captures of one second counts must not depend on who comes first."""
    old = payloads.c
    return tuple_(new.timestamp, new.record_id) < tuple_(old.timestamp, old.record_id)


def _is_newer(new: Any) -> Any:
    old = validators.c
    return tuple_(new.seen, new.record_id, new.etag) >= tuple_(old.seen, old.record_id, old.etag)


def _validators() -> Select[Any]:
    columns = validators.c
    return select(columns.url, columns.etag, columns.last_modified, columns.digest, columns.timestamp, columns.record_id).where(
        columns.collection_id == bindparam("own"), columns.urlkey == bindparam("urlkey")
    )


class Dedup:
    """Finds what a collection holds already; safe to use from several threads.

    Args:
        engine: the archive's database.
        collection_id: of the collection that is captured into.
        mode: "collection", "archive" or "off": where payloads are looked for. What comes is remembered in any case.
        min_bytes: payloads shorter than this are written anew each time.
        beside: another collection whose captures count as this one's: that which a test crawl is for.
    """

    def __init__(
        self,
        engine: Engine,
        collection_id: int,
        *,
        mode: str = "collection",
        min_bytes: int = 256,
        beside: int | None = None,
    ) -> None:
        self._engine = engine
        self._beside = collection_id if beside is None else beside
        self._collection_id = collection_id
        self._mode = mode
        self._min_bytes = max(1, min_bytes)
        self._held = Prepared(engine, _held(everywhere=mode == "archive", alone=beside is None), has_own=True)
        self._validators = Prepared(engine, _validators(), has_own=True)
        self._keep_payloads = insert_or_replace(engine, payloads, when=_is_older)
        self._keep_validators = insert_or_replace(engine, validators, when=_is_newer)
        self._can_ask = self._has_validators()
        self._recent: OrderedDict[str, tuple[int, RevisitTarget]] = OrderedDict()
        self._lock = Lock()

    def _has_validators(self) -> bool:
        """Whether an earlier capture left anything to ask about: what comes from now on is not asked for twice."""
        with reading(self._engine) as connection:
            return (
                connection.execute(
                    select(validators.c.urlkey).where(validators.c.collection_id == self._collection_id).limit(1)
                ).first()
                is not None
            )

    def close(self) -> None:
        """Close its connections; it can still be asked."""
        self._held.close()
        self._validators.close()

    def target(self, digest: str, length: int) -> RevisitTarget | None:
        """The whole capture that a response with this payload repeats; None when it is to be written itself.

        Args:
            digest: of the payload.
            length: of the payload in bytes.

        Raises:
            StorageFailed: the database cannot be read.
        """
        if self._mode == "off" or length < self._min_bytes:
            return None
        with self._lock:
            recent = self._recent.get(digest)
        if recent is not None:
            return recent[1] if recent[0] == length else None
        rows = self._held.rows(digest=digest, own=self._collection_id, beside=self._beside)
        return _target(*rows[0]) if rows else None

    def condition(self, url: str, given: Iterable[str] = ()) -> Condition | None:
        """What to add to a GET request so that a server need not send again what is held; None for nothing.

        Args:
            url: exactly as it will be requested.
            given: names of the header fields that are sent anyway; some of them rule a condition out.

        Raises:
            StorageFailed: the database cannot be read.
        """
        if self._mode == "off" or not self._can_ask:
            return None
        rows = self._validators.rows(own=self._collection_id, urlkey=urlkey(url))
        if not rows or rows[0][0] != url:
            return None
        _, etag, last_modified, digest, timestamp, record_id = rows[0]
        headers = condition_headers(etag, last_modified, given)
        return Condition(headers, _target(url, timestamp, record_id), digest) if headers else None

    def note(self, kept: Kept | None) -> Kept | None:
        """Let other threads refer to what was just written; gives it back for `remember`."""
        if kept is not None and kept.is_whole and kept.length >= self._min_bytes:
            with self._lock:
                self._recent.setdefault(kept.digest, (kept.length, kept.target))
                while len(self._recent) > _RECENT:
                    self._recent.popitem(last=False)
        return kept

    def remember(self, connection: Connection, written: Iterable[Kept | None]) -> None:
        """Keep for later captures what was written, in the transaction that adds its rows to the index.

        Args:
            connection: of that transaction.
            written: from `note`, in the order of writing.
        """
        kept = [item for item in written if item is not None]
        whole = [self._payload_row(item) for item in kept if item.is_whole and item.length >= self._min_bytes]
        asked = [self._validator_row(item) for item in kept if item.etag or item.last_modified]
        if whole:
            connection.execute(self._keep_payloads, whole)
        if asked:
            connection.execute(self._keep_validators, asked)

    def _payload_row(self, kept: Kept) -> dict[str, object]:
        return {"digest": kept.digest, "collection_id": self._collection_id, **_place(kept), "url": kept.target.url}

    def _validator_row(self, kept: Kept) -> dict[str, object]:
        return {
            "collection_id": self._collection_id,
            "urlkey": kept.urlkey,
            "url": kept.url,
            "etag": kept.etag,
            "last_modified": kept.last_modified,
            "digest": kept.digest,
            **_place(kept),
            "seen": int(kept.seen or 0),
        }


def _place(kept: Kept) -> dict[str, object]:
    return {"timestamp": int(kept.target.timestamp or 0), "record_id": kept.target.record_id or ""}


def _target(url: str, timestamp: int, record_id: str) -> RevisitTarget:
    return RevisitTarget(url, f"{timestamp:014d}", record_id or None)


def move_memory(engine: Engine, old: int, new: int, limit: int) -> int:
    """Let what a collection remembers be another one's: a batch in one transaction; how many rows."""
    moved = 0
    for table, when in ((payloads, _is_older), (validators, _is_newer)):
        with writing(engine) as connection:
            rows = connection.execute(select(table).where(table.c.collection_id == old).limit(limit)).mappings().all()
            if not rows:
                continue
            keep = insert_or_replace(engine, table, when=when)
            connection.execute(keep, [{**row, "collection_id": new} for row in rows])
            own = [column for column in table.primary_key.columns if column.name != "collection_id"]
            gone = and_(table.c.collection_id == old, *(column == bindparam(f"old_{column.name}") for column in own))
            keys = [{f"old_{column.name}": row[column.name] for column in own} for row in rows]
            connection.execute(delete(table).where(gone), keys)
            moved += len(rows)
    return moved
