"""The tables of an archive, for SQLite and PostgreSQL alike. Migrations make them; see archiver/migrations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    event,
)

metadata = MetaData()

#: Text in the order of its code points, whatever the language of the database: ranges of keys depend on it.
KEY = Text().with_variant(Text(collation="C"), "postgresql")

organisations = Table(
    "organisations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
    Column("description", Text, nullable=False, server_default=""),
)

#: `is_active`: crawled by schedules; `budget_bytes`: of new data a year, `options`: JSON, what crawls begin with;
#: `test_of`: id of the collection whose test crawls are kept here, apart from it.
collections = Table(
    "collections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("organisation_id", Integer, ForeignKey("organisations.id")),
    Column("description", Text, nullable=False, server_default=""),
    Column("visibility", Text, nullable=False, server_default="public"),
    Column("created_at", Text, nullable=False),
    Column("is_active", Integer, nullable=False, server_default="1"),
    Column("budget_bytes", BigInteger),
    Column("options", Text, nullable=False, server_default=""),
    Column("test_of", Integer),
)

#: `size` and digests (hexadecimal) of finished files, `stored_at`: when they came in; `state`: "held", "purged" (rewritten),
#: "removed", "missing"; `texted_to`: up to which byte the texts of documents have been read.
files = Table(
    "files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("size", BigInteger),
    Column("md5", Text),
    Column("sha1", Text),
    Column("sha256", Text),
    Column("stored_at", Text),
    Column("state", Text, nullable=False, server_default="held"),
    Column("texted_to", BigInteger, nullable=False, server_default="0"),
)

Index("files_by_size", files.c.size)

#: Clustered by what look-ups ask for: all captures of a URL lie together, in the order of time. Columns of one length come
#: first, the longest before the others: PostgreSQL fills no gaps then.
captures = Table(
    "captures",
    metadata,
    Column("timestamp", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("file_id", Integer, ForeignKey("files.id"), nullable=False),
    Column("status", Integer),
    Column("is_revisit", SmallInteger, nullable=False, server_default="0"),
    Column("urlkey", KEY, nullable=False),
    Column("url", Text, nullable=False),
    Column("mime", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("truncated", Text),
    Column("refers_to_url", Text),
    Column("refers_to_timestamp", Text),
    Column("refers_to_id", Text),
    PrimaryKeyConstraint("collection_id", "urlkey", "timestamp", "file_id", "offset"),
    sqlite_with_rowid=False,
)

#: Its key is filled in order, by loads of sorted rows; where rows come in between, pages are split anyhow.
_fill: Any = DDL("ALTER INDEX captures_pkey SET (fillfactor = 100)")  # type: ignore[no-untyped-call]
event.listen(captures, "after_create", _fill.execute_if(dialect="postgresql"))

#: `kind`: "page" for single pages, "crawl" for sites. Only crawls use the rest: `state` ("running", "paused", "stopped",
#: "finished"), `wanted` by the user ("run", "pause", "stop"), `ended`: why it is not running, `plan`: what it was asked to do,
#: `seconds`: its running time, `reconsidered`: after a change of scope, hash of the last refused URL that was looked at again.
crawls = Table(
    "crawls",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("seeds", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("kind", Text, nullable=False, server_default="page"),
    Column("state", Text, nullable=False, server_default="finished"),
    Column("wanted", Text, nullable=False, server_default=""),
    Column("ended", Text, nullable=False, server_default=""),
    Column("plan", Text, nullable=False, server_default=""),
    Column("plan_version", Integer, nullable=False, server_default="0"),
    Column("seconds", Float, nullable=False, server_default="0"),
    Column("reconsidered", BigInteger),
)

pages = Table(
    "pages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("crawl_id", Integer, ForeignKey("crawls.id"), nullable=False),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("final_url", Text, nullable=False),
    Column("timestamp", BigInteger),
    Column("title", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("seconds", Text, nullable=False),
    Column("interrupted", Integer, nullable=False),
)
Index("pages_of_collection", pages.c.collection_id, pages.c.timestamp)

outcomes = Table(
    "outcomes",
    metadata,
    Column("page_id", Integer, ForeignKey("pages.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("url", Text, nullable=False),
    Column("via", Text),
    Column("hops", Text, nullable=False),
    Column("status", Integer),
    Column("mime", Text, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("failure", Text),
    Column("reason", Text),
    PrimaryKeyConstraint("page_id", "position"),
    sqlite_with_rowid=False,
)

#: The oldest whole capture of each payload: what revisit records refer to.
payloads = Table(
    "payloads",
    metadata,
    Column("digest", Text, nullable=False),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("record_id", Text, nullable=False),
    PrimaryKeyConstraint("digest", "collection_id"),
    sqlite_with_rowid=False,
)

#: Of each URL what its newest visit left to ask about: a whole capture, its validators, and when that visit was (`seen`).
validators = Table(
    "validators",
    metadata,
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("urlkey", KEY, nullable=False),
    Column("url", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("last_modified", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("seen", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("collection_id", "urlkey"),
    sqlite_with_rowid=False,
)
