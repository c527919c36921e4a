"""The workbench: accounts, seeds, descriptions, schedules, jobs, what replay missed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables of the workbench."""
    op.add_column("organisations", sa.Column("address", sa.Text, nullable=False, server_default=""))
    op.add_column("organisations", sa.Column("description", sa.Text, nullable=False, server_default=""))
    op.add_column("collections", sa.Column("is_active", sa.Integer, nullable=False, server_default="1"))
    op.add_column("collections", sa.Column("budget_bytes", sa.BigInteger))
    op.add_column("collections", sa.Column("options", sa.Text, nullable=False, server_default=""))
    op.add_column("collections", sa.Column("test_of", sa.Integer))
    op.add_column("files", sa.Column("texted_to", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("display_name", sa.Text, nullable=False, server_default=""),
        sa.Column("email", sa.Text, nullable=False, server_default=""),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False, server_default=""),
        sa.Column("is_active", sa.Integer, nullable=False, server_default="1"),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Text),
    )
    op.create_table(
        "account_sessions",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False, server_default=""),
        sa.Column("agent", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("used_at", sa.Text),
        sa.Column("expires_at", sa.Text),
    )
    op.create_table(
        "login_failures",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", sa.Text, nullable=False),
        sa.Column("locked_until", sa.Text),
    )
    op.create_table(
        "images",
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Integer, nullable=False),
        sa.Column("mime", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("changed_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("owner", "owner_id"),
    )
    op.create_table(
        "seed_groups",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("is_public", sa.Integer, nullable=False, server_default="0"),
        sa.UniqueConstraint("collection_id", "name", name="one_group_a_name"),
    )
    op.create_table(
        "seeds",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("urlkey", _KEY, nullable=False),
        sa.Column("title", sa.Text, nullable=False, server_default=""),
        sa.Column("scope", sa.Text, nullable=False, server_default=""),
        sa.Column("schedule", sa.Text, nullable=False, server_default=""),
        sa.Column("group_id", sa.Integer, sa.ForeignKey("seed_groups.id")),
        sa.Column("is_active", sa.Integer, nullable=False, server_default="1"),
        sa.Column("is_public", sa.Integer, nullable=False, server_default="1"),
        sa.Column("notes", sa.Text, nullable=False, server_default=""),
        sa.Column("limits", sa.Text, nullable=False, server_default=""),
        sa.Column("rules", sa.Text, nullable=False, server_default=""),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Text, nullable=False),
        sa.UniqueConstraint("collection_id", "url", name="one_seed_of_a_collection"),
    )
    op.create_table(
        "descriptions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False, server_default=""),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        sa.Column("is_private", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("descriptions_of_subject", "descriptions", ["collection_id", "level", "subject"])
    op.create_index("descriptions_by_value", "descriptions", ["collection_id", "field", "value"])
    op.create_table(
        "description_fields",
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        sa.Column("is_private", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("collection_id", "name"),
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False, server_default=""),
        sa.Column("is_active", sa.Integer, nullable=False, server_default="1"),
        sa.Column("next_at", sa.Text),
        sa.Column("anchor", sa.Text, nullable=False, server_default=""),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
        sa.Column("last_crawl_id", sa.Integer, sa.ForeignKey("crawls.id")),
        sa.UniqueConstraint("collection_id", "schedule", name="one_schedule_of_a_kind"),
    )
    op.create_table(
        "crawl_notes",
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id"), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False, server_default=""),
        sa.Column("requested_by", sa.Text, nullable=False, server_default=""),
        sa.Column("test_state", sa.Text, nullable=False, server_default=""),
        sa.Column("test_of", sa.Integer, sa.ForeignKey("collections.id")),
        sa.Column("expires_at", sa.Text),
        sa.Column("schedule_id", sa.Integer, sa.ForeignKey("schedules.id")),
        sa.Column("notes", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id")),
        sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
        sa.Column("wanted", sa.Text, nullable=False, server_default=""),
        sa.Column("arguments", sa.Text, nullable=False, server_default=""),
        sa.Column("result", sa.Text, nullable=False, server_default=""),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
        sa.Column("done", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("total", sa.BigInteger),
        sa.Column("token", sa.Text, unique=True),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False, server_default=""),
        sa.Column("started_at", sa.Text),
        sa.Column("finished_at", sa.Text),
        sa.Column("owner", sa.Text, nullable=False, server_default=""),
        sa.Column("heartbeat", sa.Float),
        sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
        sa.Column("deaths", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("jobs_by_state", "jobs", ["state", "id"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id")),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False, server_default=""),
        sa.Column("last_at", sa.Text),
        sa.Column("last_result", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "missing",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("page_urlkey", _KEY, nullable=False),
        sa.Column("page_timestamp", sa.BigInteger, nullable=False),
        sa.Column("urlkey", _KEY, nullable=False),
        sa.Column("page_url", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, server_default=""),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("first_at", sa.Text, nullable=False),
        sa.Column("last_at", sa.Text, nullable=False),
        sa.Column("times", sa.Integer, nullable=False, server_default="1"),
        sa.Column("crawl_id", sa.Integer, sa.ForeignKey("crawls.id")),
        sa.UniqueConstraint("collection_id", "page_urlkey", "page_timestamp", "urlkey", name="one_missing_part"),
    )
    op.create_table(
        "kept_settings",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "api_requests",
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False, server_default="0"),
        sa.Column("location", sa.Text, nullable=False, server_default=""),
        sa.Column("body", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key"),
    )
    op.create_table(
        "page_texts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("urlkey", _KEY, nullable=False),
        sa.Column("text_hash", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("first_timestamp", sa.BigInteger, nullable=False),
        sa.Column("last_timestamp", sa.BigInteger, nullable=False),
        sa.Column("captures", sa.Integer, nullable=False, server_default="1"),
        sa.Column("mime", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("is_cut", sa.Integer, nullable=False, server_default="0"),
        sa.Column("text", sa.LargeBinary, nullable=False),
    )
    op.create_index("page_texts_of_url", "page_texts", ["collection_id", "urlkey", "text_hash"], unique=True)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE page_words "
            "USING fts5(title, body, address, place, content='', tokenize='ascii', columnsize=1)"
        )
    else:
        op.execute(
            "CREATE TABLE page_words "
            "(id INTEGER PRIMARY KEY REFERENCES page_texts (id) ON DELETE CASCADE, words TSVECTOR NOT NULL)"
        )
        op.execute("CREATE INDEX page_words_by_word ON page_words USING GIN (words)")


def downgrade() -> None:
    """Drop the tables of the workbench."""
    op.drop_table("page_words")
    op.drop_table("page_texts")
    for name in (
        "api_requests",
        "kept_settings",
        "missing",
        "notices",
        "jobs",
        "crawl_notes",
        "schedules",
        "description_fields",
        "descriptions",
        "seeds",
        "seed_groups",
        "images",
        "login_failures",
        "api_tokens",
        "account_sessions",
        "accounts",
    ):
        op.drop_table(name)
    for name in ("is_active", "budget_bytes", "options", "test_of"):
        op.drop_column("collections", name)
    op.drop_column("files", "texted_to")
    for name in ("address", "description"):
        op.drop_column("organisations", name)
