"""The tables of crawls: plans, hosts and their queues, every URL that was ever seen with its story.

Everything that coordinates workers is in here, so that several processes, and with PostgreSQL several machines, work on one
crawl. What is claimed is a queue, never a single URL: between its claim and its commit a URL costs no write.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from archiver.index.tables import metadata

#: A number that SQLite counts up by itself.
_ID = BigInteger().with_variant(Integer, "sqlite")

#: `redirects`: where a seed led, one URL a line, in the order of the hops.
crawl_seeds = Table(
    "crawl_seeds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("crawl_id", Integer, ForeignKey("crawls.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("scope", Text),
    Column("redirects", Text, nullable=False, server_default=""),
    UniqueConstraint("crawl_id", "url", name="one_seed_a_url"),
)

#: Processes that work on a crawl. `heartbeat` is seconds since 1970; one that is too old has lost its queues. `started` tells
#: a process from a later one with its number. `idle`: has nothing to do, others should leave it some queues.
crawl_workers = Table(
    "crawl_workers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("crawl_id", Integer, ForeignKey("crawls.id"), nullable=False),
    Column("machine", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", BigInteger, nullable=False, server_default="0"),
    Column("heartbeat", Float, nullable=False),
    Column("idle", Integer, nullable=False, server_default="0"),
    Column("documents_granted", BigInteger, nullable=False, server_default="0"),
    Column("pages_granted", BigInteger, nullable=False, server_default="0"),
)

crawl_hosts = Table(
    "crawl_hosts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("crawl_id", Integer, ForeignKey("crawls.id"), nullable=False),
    Column("host", Text, nullable=False),
    Column("documents", BigInteger, nullable=False, server_default="0"),
    Column("new_documents", BigInteger, nullable=False, server_default="0"),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Column("new_bytes", BigInteger, nullable=False, server_default="0"),
    Column("queued", BigInteger, nullable=False, server_default="0"),
    Column("failed", BigInteger, nullable=False, server_default="0"),
    Column("blocked", BigInteger, nullable=False, server_default="0"),
    Column("out_of_scope", BigInteger, nullable=False, server_default="0"),
    Column("trapped", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("crawl_id", "host", name="one_row_a_host"),
)

#: A host's URLs wait in one queue when hosts are spared, in several lanes when they are not.
#: `ready_at`: seconds since 1970 from which on a worker may claim it; NULL while claimed, empty or retired.
#: `retired`: why nothing more is fetched from it ("dead", "limit"); its URLs stay in it and count as queued.
crawl_queues = Table(
    "crawl_queues",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("crawl_id", Integer, ForeignKey("crawls.id"), nullable=False),
    Column("host_id", Integer, ForeignKey("crawl_hosts.id"), nullable=False),
    Column("lane", Integer, nullable=False, server_default="0"),
    Column("pending", BigInteger, nullable=False, server_default="0"),
    Column("ready_at", Float),
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("worker_id", Integer),
    Column("pace", Text, nullable=False, server_default=""),
    Column("waits_for", Text, nullable=False, server_default=""),
    Column("retired", Text, nullable=False, server_default=""),
    Column("retired_reason", Text, nullable=False, server_default=""),
    UniqueConstraint("host_id", "lane", name="one_queue_a_lane"),
)
Index("queues_that_are_ready", crawl_queues.c.crawl_id, crawl_queues.c.ready_at)
Index("queues_of_worker", crawl_queues.c.worker_id)

#: Every URL that a crawl has met, once. `hash` is 63 bits of the URL's BLAKE2b; `slot`: what a browser does with it; `kind`:
#: how it was found, in words; `modified`: when what is there was last changed, as a sitemap or feed wrote it.
crawl_urls = Table(
    "crawl_urls",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("crawl_id", Integer, ForeignKey("crawls.id"), nullable=False),
    Column("hash", BigInteger, nullable=False),
    Column("url", Text, nullable=False),
    Column("host_id", Integer, nullable=False),
    Column("seed_id", Integer, nullable=False),
    Column("via_id", BigInteger),
    Column("hops", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("modified", Text, nullable=False, server_default=""),
    Column("state", Integer, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("status", Integer),
    Column("mime", Text, nullable=False, server_default=""),
    Column("length", BigInteger, nullable=False, server_default="0"),
    Column("is_new", Integer, nullable=False, server_default="0"),
    Column("digest", Text, nullable=False, server_default=""),
    Column("failure", Text),
    Column("reason", Text),
    Column("timestamp", BigInteger),
    Column("file", Text),
    Column("offset", BigInteger),
    UniqueConstraint("crawl_id", "hash", name="url_once_a_crawl"),
)
Index("urls_of_host", crawl_urls.c.crawl_id, crawl_urls.c.host_id, crawl_urls.c.state)

#: What is still to be fetched, in the order in which it is: small numbers first.
crawl_frontier = Table(
    "crawl_frontier",
    metadata,
    Column("queue_id", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("url_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("queue_id", "priority", "url_id"),
    sqlite_with_rowid=False,
)

#: Sums for reports. `dimension`: "seed" (key: its id), "mime", "status", "total" (key ""), "time" (key: 13 digits of a
#: timestamp, so ten seconds; what was fetched then, also what was fetched again later).
crawl_counts = Table(
    "crawl_counts",
    metadata,
    Column("crawl_id", Integer, ForeignKey("crawls.id"), nullable=False),
    Column("dimension", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("pages", BigInteger, nullable=False, server_default="0"),
    Column("documents", BigInteger, nullable=False, server_default="0"),
    Column("new_documents", BigInteger, nullable=False, server_default="0"),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Column("new_bytes", BigInteger, nullable=False, server_default="0"),
    Column("queued", BigInteger, nullable=False, server_default="0"),
    Column("failed", BigInteger, nullable=False, server_default="0"),
    Column("blocked", BigInteger, nullable=False, server_default="0"),
    Column("out_of_scope", BigInteger, nullable=False, server_default="0"),
    Column("trapped", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("crawl_id", "dimension", "key"),
    sqlite_with_rowid=False,
)

#: How much of each WARC file of a crawl is known to the database; what lies behind is taken in after a crash.
crawl_files = Table(
    "crawl_files",
    metadata,
    Column("name", Text, primary_key=True),
    Column("crawl_id", Integer, ForeignKey("crawls.id"), nullable=False),
    Column("worker_id", Integer, nullable=False),
    Column("committed", BigInteger, nullable=False),
    Column("finished", Integer, nullable=False, server_default="0"),
)

crawl_robots = Table(
    "crawl_robots",
    metadata,
    Column("crawl_id", Integer, ForeignKey("crawls.id"), nullable=False),
    Column("origin", Text, nullable=False),
    Column("fetched_at", Float, nullable=False),
    Column("status", Integer),
    Column("failure", Text),
    Column("body", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("crawl_id", "origin"),
    sqlite_with_rowid=False,
)
