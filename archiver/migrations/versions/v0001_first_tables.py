"""The first tables: organisations, collections, files, captures, crawls, pages, outcomes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "organisations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("slug", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "collections",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("slug", sa.Text, nullable=False, unique=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id")),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("visibility", sa.Text, nullable=False, server_default="public"),
        sa.Column("created_at", sa.Text, nullable=False),
    )
    op.create_table(
        "files",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "captures",
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("file_id", sa.Integer, sa.ForeignKey("files.id"), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("is_revisit", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("urlkey", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("mime", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("truncated", sa.Text),
        sa.Column("refers_to_url", sa.Text),
        sa.Column("refers_to_timestamp", sa.Text),
        sa.Column("refers_to_id", sa.Text),
        sa.PrimaryKeyConstraint("collection_id", "urlkey", "timestamp", "file_id", "offset"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX captures_pkey SET (fillfactor = 100)")
    op.create_table(
        "crawls",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("seeds", sa.Text, nullable=False),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("finished_at", sa.Text),
    )
    op.create_table(
        "pages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id"), nullable=False),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("final_url", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("seconds", sa.Text, nullable=False),
        sa.Column("interrupted", sa.Integer, nullable=False),
    )
    op.create_table(
        "outcomes",
        sa.Column("page_id", sa.Integer, sa.ForeignKey("pages.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("via", sa.Text),
        sa.Column("hops", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("mime", sa.Text, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("page_id", "position"),
        sqlite_with_rowid=False,
    )
    op.create_index("pages_of_collection", "pages", ["collection_id", "timestamp"])


def downgrade() -> None:
    """Drop the tables."""
    for name in ("outcomes", "pages", "crawls", "captures", "files", "collections", "organisations"):
        op.drop_table(name)
