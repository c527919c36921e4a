"""Crawls of whole sites: their plans, hosts, queues and URLs; what is held of which payload."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of crawls."""
    for column in (
        sa.Column("kind", sa.Text, nullable=False, server_default="page"),
        sa.Column("state", sa.Text, nullable=False, server_default="finished"),
        sa.Column("wanted", sa.Text, nullable=False, server_default=""),
        sa.Column("ended", sa.Text, nullable=False, server_default=""),
        sa.Column("plan", sa.Text, nullable=False, server_default=""),
        sa.Column("plan_version", sa.Integer, nullable=False, server_default="0"),
        sa.Column("seconds", sa.Float, nullable=False, server_default="0"),
        sa.Column("reconsidered", sa.BigInteger),
    ):
        op.add_column("crawls", column)
    op.create_table(
        "crawl_seeds",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id"), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("scope", sa.Text),
        sa.Column("redirects", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("crawl_id", "url", name="one_seed_a_url"),
    )
    op.create_table(
        "crawl_workers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id"), nullable=False),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("heartbeat", sa.Float, nullable=False),
        sa.Column("idle", sa.Integer, nullable=False, server_default="0"),
        sa.Column("documents_granted", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("pages_granted", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_table(
        "crawl_hosts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id"), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("documents", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("new_documents", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("new_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("queued", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("failed", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("blocked", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("out_of_scope", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("trapped", sa.BigInteger, nullable=False, server_default="0"),
        sa.UniqueConstraint("crawl_id", "host", name="one_row_a_host"),
    )
    op.create_table(
        "crawl_queues",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id"), nullable=False),
        sa.Column("host_id", sa.Integer, sa.ForeignKey("crawl_hosts.id"), nullable=False),
        sa.Column("lane", sa.Integer, nullable=False, server_default="0"),
        sa.Column("pending", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("ready_at", sa.Float),
        sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
        sa.Column("worker_id", sa.Integer),
        sa.Column("pace", sa.Text, nullable=False, server_default=""),
        sa.Column("waits_for", sa.Text, nullable=False, server_default=""),
        sa.Column("retired", sa.Text, nullable=False, server_default=""),
        sa.Column("retired_reason", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("host_id", "lane", name="one_queue_a_lane"),
    )
    op.create_index("queues_of_worker", "crawl_queues", ["worker_id"])
    op.create_index("queues_that_are_ready", "crawl_queues", ["crawl_id", "ready_at"])
    op.create_table(
        "crawl_urls",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id"), nullable=False),
        sa.Column("hash", sa.BigInteger, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("host_id", sa.Integer, nullable=False),
        sa.Column("seed_id", sa.Integer, nullable=False),
        sa.Column("via_id", sa.BigInteger),
        sa.Column("hops", sa.Text, nullable=False),
        sa.Column("slot", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("modified", sa.Text, nullable=False, server_default=""),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("status", sa.Integer),
        sa.Column("mime", sa.Text, nullable=False, server_default=""),
        sa.Column("length", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("is_new", sa.Integer, nullable=False, server_default="0"),
        sa.Column("digest", sa.Text, nullable=False, server_default=""),
        sa.Column("failure", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("timestamp", sa.BigInteger),
        sa.Column("file", sa.Text),
        sa.Column("offset", sa.BigInteger),
        sa.UniqueConstraint("crawl_id", "hash", name="url_once_a_crawl"),
    )
    op.create_index("urls_of_host", "crawl_urls", ["crawl_id", "host_id", "state"])
    op.create_table(
        "crawl_frontier",
        sa.Column("queue_id", sa.Integer, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("url_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("queue_id", "priority", "url_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crawl_counts",
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id"), nullable=False),
        sa.Column("dimension", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("pages", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("documents", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("new_documents", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("new_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("queued", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("failed", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("blocked", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("out_of_scope", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("trapped", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("crawl_id", "dimension", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crawl_files",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id"), nullable=False),
        sa.Column("worker_id", sa.Integer, nullable=False),
        sa.Column("committed", sa.BigInteger, nullable=False),
        sa.Column("finished", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_table(
        "crawl_robots",
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id"), nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("fetched_at", sa.Float, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("failure", sa.Text),
        sa.Column("body", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("crawl_id", "origin"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "payloads",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("record_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", "collection_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "validators",
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("urlkey", _KEY, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("last_modified", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("record_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "urlkey"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop the tables of crawls."""
    for name in (
        "validators",
        "payloads",
        "crawl_robots",
        "crawl_files",
        "crawl_counts",
        "crawl_frontier",
        "crawl_urls",
        "crawl_queues",
        "crawl_hosts",
        "crawl_workers",
        "crawl_seeds",
    ):
        op.drop_table(name)
    for name in ("kind", "state", "wanted", "ended", "plan", "plan_version", "seconds", "reconsidered"):
        op.drop_column("crawls", name)
