"""What a commit changes in the frontier: finished entries leave it, new URLs get their rows and places."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from archiver.crawl.decision import UrlState
from archiver.crawl.entries import (
    PAGE_PRIORITY,
    REQUISITE_PRIORITY,
    RETRY_PRIORITY,
    Finished,
    Found,
    counts_as_page,
    queue_host,
    url_hash,
)
from archiver.crawl.ledger import Ledger
from archiver.crawl.statements import (
    ADD_PENDING,
    DELETE_ENTRY,
    MOVE_ENTRY,
    REQUEUE_URL,
    REQUEUED_COLUMNS,
    REVIVE_FOR_REQUISITES,
    UPDATE_URL,
    UPDATE_VERDICT,
    WAKE,
)
from archiver.index.crawltables import crawl_frontier, crawl_hosts, crawl_queues, crawl_urls
from archiver.index.database import insert_new

#: Hashes and ids named in one statement.
_AT_ONCE = 500

#: Hosts whose rows are remembered.
_REMEMBERED_HOSTS = 20_000


class Intake:
    """Takes finished and new URLs into the tables of one crawl, within transactions of the caller's.

    Args:
        engine: the archive's database.
        crawl_id: which crawl.
        lanes: queues a host.
    """

    def __init__(self, engine: Engine, crawl_id: int, lanes: int) -> None:
        self._engine = engine
        self._crawl = crawl_id
        self.lanes = lanes
        self._hosts: dict[str, int] = {}
        self._queues: dict[tuple[int, int], int] = {}

    def finish(self, connection: Connection, finished: Sequence[Finished], ledger: Ledger) -> None:
        """Write what became of claimed entries; they leave the frontier, unless they are tried again."""
        if not finished:
            return
        done: list[dict[str, int]] = []
        again: list[Finished] = []
        pending: defaultdict[int, int] = defaultdict(int)
        for item in finished:
            entry = item.entry
            if item.state is UrlState.QUEUED:
                again.append(item)
                continue
            done.append({"queue": entry.queue_id, "rank": entry.priority, "url": entry.url_id})
            pending[entry.queue_id] -= 1
            ledger.move(entry.host_id, entry.seed_id, UrlState.QUEUED, item.state)
            if item.state is UrlState.CAPTURED:
                _note_answer(ledger, item)
        connection.execute(UPDATE_URL, [_url_values(item) for item in finished])
        if any(item.decision is not None or item.detail is not None for item in finished):
            connection.execute(UPDATE_VERDICT, [values for item in finished if (values := _verdict_values(item))])
        if done:
            connection.execute(DELETE_ENTRY, done)
            connection.execute(ADD_PENDING, [{"queue": queue, "more": more} for queue, more in sorted(pending.items())])
        for item in again:
            entry = item.entry
            place = {"queue": entry.queue_id, "rank": entry.priority, "url": entry.url_id}
            connection.execute(MOVE_ENTRY, {**place, "later": _retry_priority(entry.priority)})

    def add(
        self,
        connection: Connection,
        found: Sequence[Found],
        ledger: Ledger,
        now: float,
        *,
        anew: Collection[UrlState] = (UrlState.OUT_OF_SCOPE,),
    ) -> None:
        """Give new URLs their rows, and queue those that are taken; URLs that were refused before may be taken now.

        Args:
            connection: of the transaction.
            found: new URLs and known ones.
            ledger: takes note.
            now: seconds since 1970.
            anew: states of known URLs that may be taken.
        """
        fresh: dict[int, Found] = {}
        for item in found:
            known = fresh.get(item.hash)
            if known is None or (item.decision.taken and not known.decision.taken):
                fresh[item.hash] = item
        if not fresh:
            return
        known_rows = {row[0]: row for row in self._rows_of(connection, fresh)}
        new = [item for number, item in fresh.items() if number not in known_rows]
        upgraded = [
            (known_rows[number], item)
            for number, item in fresh.items()
            if number in known_rows and item.decision.taken and known_rows[number][2] in anew
        ]
        hosts = self._host_ids(connection, {item.host for item in new} | {item.host for _, item in upgraded})
        if new:
            connection.execute(insert(crawl_urls), [self._row(item, hosts[item.host]) for item in new])
            for item in new:
                ledger.move(hosts[item.host], item.seed_id, None, item.decision.state)
        for row, item in upgraded:
            ledger.move(row[3], row[4], UrlState(row[2]), UrlState.QUEUED)
            connection.execute(
                update(crawl_urls)
                .where(crawl_urls.c.id == row[1])
                .values(
                    via_id=item.via_id,
                    hops=item.hops,
                    slot=item.slot,
                    kind=item.kind,
                    state=int(UrlState.QUEUED),
                    verdict=item.decision.verdict.value,
                    detail=item.decision.detail,
                )
            )
        queued = [item for item in new if item.decision.taken] + [item for _, item in upgraded]
        self._queue(connection, queued, hosts, now)

    def record(self, connection: Connection, extra: Sequence[Finished], ledger: Ledger) -> None:
        """Give what was fetched on the way, such as robots.txt, its row; what has one already keeps it."""
        numbers = {url_hash(item.entry.url): item for item in extra}
        if not numbers:
            return
        known = {row[0] for row in self._rows_of(connection, numbers)}
        hosts = self._host_ids(connection, {queue_host(item.entry.url) for item in numbers.values()})
        rows = []
        for number, item in numbers.items():
            if number in known:
                continue
            host = hosts[queue_host(item.entry.url)]  # a redirect may lead to another one than the entry's
            entry = replace(item.entry, host_id=host)
            rows.append(
                {
                    **self._row_of(number, entry.url, host, entry.seed_id, entry.hops, entry.slot, entry.kind),
                    "state": int(item.state),
                    "verdict": entry.decision.verdict.value,
                    "detail": entry.decision.detail,
                    **{_COLUMNS[name]: value for name, value in _url_values(item).items() if name in _COLUMNS},
                }
            )
            ledger.move(host, entry.seed_id, None, item.state)
            _note_answer(ledger, replace(item, entry=entry))
        if rows:
            connection.execute(insert(crawl_urls), rows)

    def requeue_once(self, connection: Connection, numbers: Sequence[int], ledger: Ledger, now: float) -> None:
        """Queue URLs again that will be answered differently now, because of a cookie or a login; each once only."""
        ids = [row[1] for row in self._rows_of(connection, numbers) if row[2] == UrlState.CAPTURED]
        columns = crawl_urls.c
        rows = connection.execute(select(*REQUEUED_COLUMNS).where(columns.id.in_(ids[:_AT_ONCE]), columns.attempts == 1)).all()
        self.requeue(connection, rows, ledger, now)
        if rows:
            connection.execute(update(crawl_urls).where(columns.id.in_([row[0] for row in rows])).values(attempts=1))

    def requeue(self, connection: Connection, rows: Sequence[Any], ledger: Ledger, now: float) -> None:
        """Queue URLs again that were done with.

        Args:
            connection: of the transaction.
            rows: (id, host_id, seed_id, hash, state, hops, mime, status, length, is_new, kind) of each.
            ledger: takes note.
            now: seconds since 1970.
        """
        if not rows:
            return
        connection.execute(REQUEUE_URL, [{"which": row[0]} for row in rows])
        for row in rows:
            ledger.move(row[1], row[2], UrlState(row[4]), UrlState.QUEUED)
            if row[4] == UrlState.CAPTURED:
                ledger.answered(row[1], row[2], mime=row[6], status=row[7], length=row[8], is_new=bool(row[9]),
                                is_page=counts_as_page(row[5], row[10]), sign=-1)  # fmt: skip
        queues = self._queue_ids(connection, {(row[1], row[3] % self.lanes) for row in rows})
        places = [
            (
                queues[row[1], row[3] % self.lanes],
                PAGE_PRIORITY if counts_as_page(row[5], row[10]) else REQUISITE_PRIORITY,
                row[0],
            )
            for row in rows
        ]
        self._place(connection, places, now)

    def _rows_of(self, connection: Connection, hashes: Iterable[int]) -> Iterator[Any]:
        """(hash, id, state, host_id, seed_id) of those that have a row."""
        numbers = sorted(hashes)
        for start in range(0, len(numbers), _AT_ONCE):
            # Whole numbers, written out: so many parameters would cost more than the look-up.
            listed = ",".join(map(str, numbers[start : start + _AT_ONCE]))
            yield from connection.exec_driver_sql(
                "SELECT hash, id, state, host_id, seed_id FROM crawl_urls "
                f"WHERE crawl_id = {self._crawl:d} AND hash IN ({listed})"
            )

    def _row_of(self, number: int, url: str, host_id: int, seed_id: int, hops: str, slot: str, kind: str) -> dict[str, object]:
        return {
            "crawl_id": self._crawl,
            "hash": number,
            "url": url,
            "host_id": host_id,
            "seed_id": seed_id,
            "hops": hops,
            "slot": slot,
            "kind": kind,
        }

    def _row(self, item: Found, host_id: int) -> dict[str, object]:
        return {
            **self._row_of(item.hash, item.url, host_id, item.seed_id, item.hops, item.slot, item.kind),
            "via_id": item.via_id,
            "modified": item.modified,
            "state": int(item.decision.state),
            "verdict": item.decision.verdict.value,
            "detail": item.decision.detail,
        }

    def _queue(self, connection: Connection, items: Sequence[Found], hosts: dict[str, int], now: float) -> None:
        if not items:
            return
        ids = {row[0]: row[1] for row in self._rows_of(connection, {item.hash for item in items})}
        queues = self._queue_ids(connection, {(hosts[item.host], item.hash % self.lanes) for item in items})
        places = [(queues[hosts[item.host], item.hash % self.lanes], item.priority, ids[item.hash]) for item in items]
        self._place(connection, places, now)

    def _place(self, connection: Connection, places: Sequence[tuple[int, int, int]], now: float) -> None:
        """Put (queue, priority, URL) into the frontier; queues that slept wake up."""
        rows = [{"queue_id": queue, "priority": priority, "url_id": number} for queue, priority, number in places]
        connection.execute(insert_new(self._engine, crawl_frontier), rows)
        more = Counter(queue for queue, _, _ in places)
        connection.execute(ADD_PENDING, [{"queue": queue, "more": count} for queue, count in sorted(more.items())])
        needed = {queue for queue, priority, _ in places if priority < PAGE_PRIORITY}
        if needed:  # a limit of pages is no limit for what pages need
            connection.execute(REVIVE_FOR_REQUISITES, [{"queue": queue} for queue in sorted(needed)])
        connection.execute(WAKE, [{"queue": queue, "now": now} for queue in sorted(more)])

    def _host_ids(self, connection: Connection, names: set[str]) -> dict[str, int]:
        if len(self._hosts) > _REMEMBERED_HOSTS:
            self._hosts.clear()
        missing = sorted(names - self._hosts.keys())
        if missing:
            rows = [{"crawl_id": self._crawl, "host": name} for name in missing]
            connection.execute(insert_new(self._engine, crawl_hosts), rows)
            for start in range(0, len(missing), _AT_ONCE):
                wanted = select(crawl_hosts.c.host, crawl_hosts.c.id).where(
                    crawl_hosts.c.crawl_id == self._crawl, crawl_hosts.c.host.in_(missing[start : start + _AT_ONCE])
                )
                self._hosts.update((name, number) for name, number in connection.execute(wanted))
        return {name: self._hosts[name] for name in names}

    def _queue_ids(self, connection: Connection, places: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
        if len(self._queues) > _REMEMBERED_HOSTS:
            self._queues.clear()
        missing = sorted(places - self._queues.keys())
        if missing:
            rows = [{"crawl_id": self._crawl, "host_id": host, "lane": lane} for host, lane in missing]
            connection.execute(insert_new(self._engine, crawl_queues), rows)
            hosts = sorted({host for host, _ in missing})
            for start in range(0, len(hosts), _AT_ONCE):
                wanted = select(crawl_queues.c.host_id, crawl_queues.c.lane, crawl_queues.c.id).where(
                    crawl_queues.c.host_id.in_(hosts[start : start + _AT_ONCE])
                )
                self._queues.update(((row[0], row[1]), row[2]) for row in connection.execute(wanted))
        return {place: self._queues[place] for place in places}


def _note_answer(ledger: Ledger, item: Finished) -> None:
    entry = item.entry
    ledger.answered(
        entry.host_id, entry.seed_id, mime=item.mime, status=item.status, length=item.length, is_new=item.is_new,
        is_page=item.is_page, at=item.timestamp or "",
    )  # fmt: skip


#: Parameters of UPDATE_URL by the columns they are for.
_COLUMNS = {
    "tried": "attempts",
    "answer": "status",
    "kind_of_data": "mime",
    "size": "length",
    "fresh": "is_new",
    "payload": "digest",
    "what_failed": "failure",
    "why": "reason",
    "moment": "timestamp",
    "in_file": "file",
    "at": "offset",
}


def _url_values(item: Finished) -> dict[str, object]:
    return {
        "which": item.entry.url_id,
        "new_state": int(item.state),
        "tried": int(item.attempted),
        "answer": item.status,
        "kind_of_data": item.mime,
        "size": item.length,
        "fresh": int(item.is_new),
        "payload": item.digest,
        "what_failed": item.failure,
        "why": item.reason,
        "moment": int(item.timestamp) if item.timestamp else None,
        "in_file": item.file,
        "at": item.offset,
    }


def _verdict_values(item: Finished) -> dict[str, object] | None:
    if item.decision is not None:
        return {"which": item.entry.url_id, "new_verdict": item.decision.verdict.value, "new_detail": item.decision.detail}
    if item.detail is not None:
        return {"which": item.entry.url_id, "new_verdict": None, "new_detail": item.detail}
    return None


def _retry_priority(priority: int) -> int:
    return priority + RETRY_PRIORITY
