"""Crawls as their tables hold them, made row by row: what reports are asked about in tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from archiver.crawl.decision import UrlState, Verdict
from archiver.crawl.entries import url_hash
from archiver.crawl.plan import CrawlPlan, Seed
from archiver.holdings import Holdings
from archiver.index.crawltables import (
    crawl_counts,
    crawl_frontier,
    crawl_hosts,
    crawl_queues,
    crawl_seeds,
    crawl_urls,
    crawl_workers,
)
from archiver.index.database import writing
from archiver.index.tables import collections, crawls
from archiver.urls import host_of

_SUMS = {
    UrlState.QUEUED: "queued",
    UrlState.FAILED: "failed",
    UrlState.BLOCKED: "blocked",
    UrlState.OUT_OF_SCOPE: "out_of_scope",
    UrlState.TRAPPED: "trapped",
}


class CrawlRows:
    """A crawl whose rows a test adds; `finish` writes the sums that a real one keeps while it runs.

    Args:
        holdings: the archive.
        plan: what it was asked to do.
        collection: slug.
        values: of its row in `crawls`.
    """

    def __init__(self, holdings: Holdings, plan: CrawlPlan, collection: str = "default", **values: Any) -> None:
        self._holdings = holdings
        self._hosts: dict[str, int] = {}
        self._sums: dict[tuple[str, str], Counter[str]] = {}
        self._seeds: dict[str, int] = {}
        with writing(holdings.engine) as connection:
            slug = select(collections.c.id).where(collections.c.slug == collection)
            row = {
                "collection_id": connection.execute(slug).scalar_one(),
                "seeds": "\n".join(seed.url for seed in plan.seeds),
                "started_at": "2026-05-01T10:00:00.000000Z",
                "kind": "crawl",
                "state": "running",
                "wanted": "run",
                "plan": plan.to_json(),
                "seconds": 100.0,
            }
            self.number = _added(connection, crawls, row | values)
            for seed in plan.seeds:
                self._seeds[seed.url] = _added(connection, crawl_seeds, {"crawl_id": self.number, "url": seed.url})

    def url(
        self,
        url: str,
        state: UrlState = UrlState.CAPTURED,
        verdict: Verdict = Verdict.IN_SCOPE,
        *,
        via: int | None = None,
        seed: str | None = None,
        hops: str | None = None,
        kind: str = "a href",
        **values: Any,
    ) -> int:
        """Add a URL; its number. A captured one is a new HTML page of 1,000 bytes unless told otherwise."""
        captured = state is UrlState.CAPTURED
        row: dict[str, Any] = {
            "crawl_id": self.number,
            "hash": url_hash(url),
            "url": url,
            "host_id": self.host(host_of(url)),
            "seed_id": self._seeds[seed or next(iter(self._seeds))],
            "via_id": via,
            "hops": hops if hops is not None else ("L" if via else ""),
            "slot": "embed" if (hops or "").endswith("E") else "link",
            "kind": kind if via else "seed",
            "state": state.value,
            "verdict": verdict.value,
        }
        if captured:
            row |= {"attempts": 1, "status": 200, "mime": "text/html", "length": 1000, "is_new": 1, "digest": "sha1:ABC"}
            row |= {"timestamp": 20260501100001, "file": "MUNIMENT-1.warc.gz", "offset": 777}
        row |= values
        self._count(row, captured)
        with writing(self._holdings.engine) as connection:
            number = _added(connection, crawl_urls, row)
            if state is UrlState.QUEUED:
                queue = {"queue_id": self._queue(connection, row["host_id"]), "priority": 10_000, "url_id": number}
                connection.execute(insert(crawl_frontier).values(**queue))
        return number

    def host(self, host: str) -> int:
        """A host's id."""
        if host not in self._hosts:
            with writing(self._holdings.engine) as connection:
                self._hosts[host] = _added(connection, crawl_hosts, {"crawl_id": self.number, "host": host})
        return self._hosts[host]

    def queue(self, host: str, **values: Any) -> int:
        """A queue of a host."""
        with writing(self._holdings.engine) as connection:
            row = {"crawl_id": self.number, "host_id": self._hosts[host]} | values
            return _added(connection, crawl_queues, row)

    def worker(self, heartbeat: float) -> int:
        """A process that works on it."""
        row = {"crawl_id": self.number, "machine": "another.example", "pid": 1, "heartbeat": heartbeat}
        with writing(self._holdings.engine) as connection:
            return _added(connection, crawl_workers, row)

    def leads(self, seed: str, *redirects: str) -> None:
        """Where a seed was redirected to."""
        with writing(self._holdings.engine) as connection:
            row = update(crawl_seeds).where(crawl_seeds.c.id == self._seeds[seed])
            connection.execute(row.values(redirects="\n".join(redirects)))

    def finish(self) -> int:
        """Write the sums; the crawl's number."""
        with writing(self._holdings.engine) as connection:
            for (dimension, key), sums in self._sums.items():
                if dimension == "host":
                    values = {name: count for name, count in sums.items() if name != "pages"}
                    connection.execute(crawl_hosts.update().where(crawl_hosts.c.id == int(key)).values(**values))
                else:
                    row = {"crawl_id": self.number, "dimension": dimension, "key": key, **sums}
                    connection.execute(insert(crawl_counts).values(**row))
        return self.number

    def _count(self, row: dict[str, Any], captured: bool) -> None:
        seen = Counter({_SUMS[UrlState(row["state"])]: 1}) if not captured else Counter(documents=1, bytes=row["length"])
        if captured:
            seen["pages"] = int(not set(row["hops"]) & set("EX"))
            if row["is_new"]:
                seen.update(new_documents=1, new_bytes=row["length"])
        keys = [("total", ""), ("host", str(row["host_id"])), ("seed", str(row["seed_id"]))]
        if captured:
            keys += [("mime", row["mime"]), ("status", "" if row["status"] is None else str(row["status"]))]
        for key in keys:
            self._sums.setdefault(key, Counter()).update(seen)

    def _queue(self, connection: Connection, host: int) -> int:
        found = connection.execute(select(crawl_queues.c.id).where(crawl_queues.c.host_id == host)).scalar()
        if found is None:
            return _added(connection, crawl_queues, {"crawl_id": self.number, "host_id": host, "pending": 1, "ready_at": 0.0})
        return int(found)


def plan_for(*seeds: str, **values: Any) -> CrawlPlan:
    """A plan with these seeds."""
    return CrawlPlan(seeds=tuple(Seed(seed) for seed in seeds or ("http://a.example/",)), **values)


def _added(connection: Connection, table: Any, row: dict[str, Any]) -> int:
    made = connection.execute(insert(table).values(**row))
    keys: Sequence[Any] = made.inserted_primary_key
    return int(keys[0])
