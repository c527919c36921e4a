"""The sums of a crawl, kept up to date with each commit so that reports need not count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, Table, bindparam, update

from archiver.crawl.decision import UrlState
from archiver.index.crawltables import crawl_counts, crawl_hosts

#: The column that counts URLs of a state; captured ones count as documents.
COLUMN_OF_STATE = {
    UrlState.QUEUED: "queued",
    UrlState.CAPTURED: "documents",
    UrlState.FAILED: "failed",
    UrlState.BLOCKED: "blocked",
    UrlState.OUT_OF_SCOPE: "out_of_scope",
    UrlState.TRAPPED: "trapped",
}
_SUMS = (
    "documents", "new_documents", "bytes", "new_bytes", "queued", "failed", "blocked", "out_of_scope", "trapped",
)  # fmt: skip


class Ledger:
    """Gathers what one commit adds to the sums."""

    def __init__(self) -> None:
        self._hosts: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._counts: defaultdict[tuple[str, str], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))

    def move(self, host_id: int, seed_id: int, before: UrlState | None, after: UrlState) -> None:
        """A URL changes its state; it is new when it had none."""
        for sums in (self._hosts[host_id], self._counts["seed", str(seed_id)], self._counts["total", ""]):
            if before is not None:
                sums[COLUMN_OF_STATE[before]] -= 1
            sums[COLUMN_OF_STATE[after]] += 1

    def answered(
        self,
        host_id: int,
        seed_id: int,
        *,
        mime: str,
        status: int | None,
        length: int,
        is_new: bool,
        is_page: bool,
        at: str = "",
        sign: int = 1,
    ) -> None:
        """A URL was answered and recorded: bytes, type and status (`move` counts the document). With -1 for `sign`: no more.

        `at`: 14 digits; what was done when is summed by ten seconds, for plots.
        """
        places = [
            self._hosts[host_id],
            self._counts["seed", str(seed_id)],
            self._counts["total", ""],
            self._counts["mime", mime],
            self._counts["status", str(status or "")],
        ]
        if at:
            places.append(self._counts["time", at[:13]])
        for position, sums in enumerate(places):
            sums["bytes"] += sign * length
            if position >= 3:
                sums["documents"] += sign
            if is_new:
                sums["new_documents"] += sign
                sums["new_bytes"] += sign * length
            if is_page and position:
                sums["pages"] += sign

    @property
    def finished_documents(self) -> int:
        """Documents that this commit adds."""
        return self._counts["total", ""]["documents"]

    def write(self, connection: Connection, crawl_id: int, insert_new: Callable[[Table], Any]) -> None:
        """Add everything to the sums in the database, always in the same order, so that workers never wait in a ring."""
        hosts = [
            {"which": host_id, **{f"add_{name}": sums.get(name, 0) for name in _SUMS}}
            for host_id, sums in sorted(self._hosts.items())
        ]
        counts = [
            {"dim": dimension, "item": key, **{f"add_{name}": sums.get(name, 0) for name in (*_SUMS, "pages")}}
            for (dimension, key), sums in sorted(self._counts.items())
        ]
        if hosts:
            connection.execute(_added(crawl_hosts, _SUMS).where(crawl_hosts.c.id == bindparam("which")), hosts)
        if counts:
            rows = [{"crawl_id": crawl_id, "dimension": row["dim"], "key": row["item"]} for row in counts]
            connection.execute(insert_new(crawl_counts), rows)
            key = (
                crawl_counts.c.crawl_id == crawl_id,
                crawl_counts.c.dimension == bindparam("dim"),
                crawl_counts.c.key == bindparam("item"),
            )
            connection.execute(_added(crawl_counts, (*_SUMS, "pages")).where(*key), counts)


def _added(table: Table, names: Iterable[str]) -> Any:
    return update(table).values({name: table.c[name] + bindparam(f"add_{name}") for name in names})
