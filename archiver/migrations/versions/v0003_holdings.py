"""Holdings: what is known of files, other indexes, rules of access, the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from archiver.index.triggers import AUDIT_LOG_IS_KEPT

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables of holdings."""
    for column in (
        sa.Column("size", sa.BigInteger),
        sa.Column("md5", sa.Text),
        sa.Column("sha1", sa.Text),
        sa.Column("sha256", sa.Text),
        sa.Column("stored_at", sa.Text),
        sa.Column("state", sa.Text, nullable=False, server_default="held"),
    ):
        op.add_column("files", column)
    op.add_column("validators", sa.Column("seen", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("files_by_size", "files", ["size"])
    op.create_table(
        "file_parts",
        sa.Column("file_id", sa.Integer, sa.ForeignKey("files.id"), nullable=False),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id")),
        sa.Column("captures", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("first_timestamp", sa.BigInteger),
        sa.Column("last_timestamp", sa.BigInteger),
        sa.Column("indexed_to", sa.BigInteger),
        sa.PrimaryKeyConstraint("file_id", "collection_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("file_parts_of_collection", "file_parts", ["collection_id", "file_id"])
    op.create_table(
        "verifications",
        sa.Column("file_id", sa.Integer, sa.ForeignKey("files.id"), primary_key=True, autoincrement=False),
        sa.Column("verified_at", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("errors", sa.BigInteger, nullable=False),
        sa.Column("warnings", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "index_sources",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("warcs", sa.Text, nullable=False, server_default=""),
        sa.Column("options", sa.Text, nullable=False, server_default=""),
        sa.Column("added_at", sa.Text, nullable=False),
    )
    op.create_index("index_sources_of_collection", "index_sources", ["collection_id"])
    op.create_table(
        "watched_folders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("added_at", sa.Text, nullable=False),
    )
    op.create_table(
        "access_rules",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id")),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("match", sa.Text, nullable=False, server_default="prefix"),
        sa.Column("urlkey", _KEY, nullable=False, server_default=""),
        sa.Column("url", sa.Text, nullable=False, server_default=""),
        sa.Column("since", sa.BigInteger),
        sa.Column("until", sa.BigInteger),
        sa.Column("embargo_seconds", sa.BigInteger),
        sa.Column("files", sa.Text, nullable=False, server_default=""),
        sa.Column("addresses", sa.Text, nullable=False, server_default=""),
        sa.Column("groups", sa.Text, nullable=False, server_default=""),
        sa.Column("starts_at", sa.Text),
        sa.Column("ends_at", sa.Text),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("deletion", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False, server_default=""),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    for statement in AUDIT_LOG_IS_KEPT.get(op.get_bind().dialect.name, ()):
        op.execute(statement)
    op.create_table(
        "tombstones",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id")),
        sa.Column("urlkey", _KEY, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("record_type", sa.Text, nullable=False),
        sa.Column("record_id", sa.Text, nullable=False, server_default=""),
        sa.Column("digest", sa.Text, nullable=False, server_default=""),
        sa.Column("length", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("purged_at", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("audit_id", sa.Integer, sa.ForeignKey("audit_log.id")),
    )
    op.create_index("tombstones_of_url", "tombstones", ["urlkey", "timestamp"])
    op.create_table(
        "segments",
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("file_id", sa.Integer, sa.ForeignKey("files.id"), nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("origin", "number", "file_id", "offset"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop the tables of holdings."""
    for name in (
        "segments",
        "tombstones",
        "audit_log",
        "access_rules",
        "watched_folders",
        "index_sources",
        "verifications",
        "file_parts",
    ):
        op.drop_table(name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_log_is_kept()")
    op.drop_index("files_by_size", "files")
    op.drop_column("validators", "seen")
    for name in ("size", "md5", "sha1", "sha256", "stored_at", "state"):
        op.drop_column("files", name)
