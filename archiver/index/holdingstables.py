"""The tables of what is held beside captures: parts of files, other indexes, rules of access, what was done to holdings."""

from __future__ import annotations

from sqlalchemy import DDL, BigInteger, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, event

from archiver.index.tables import KEY, metadata
from archiver.index.triggers import AUDIT_LOG_IS_KEPT

#: What of a file belongs to which collection, and to which crawl where that is known. `indexed_to`: up to which byte its
#: records have been looked at for it; NULL for files of our own writers.
file_parts = Table(
    "file_parts",
    metadata,
    Column("file_id", Integer, ForeignKey("files.id"), nullable=False),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("crawl_id", Integer, ForeignKey("crawls.id")),
    Column("captures", BigInteger, nullable=False, server_default="0"),
    Column("first_timestamp", BigInteger),
    Column("last_timestamp", BigInteger),
    Column("indexed_to", BigInteger),
    PrimaryKeyConstraint("file_id", "collection_id"),
    sqlite_with_rowid=False,
)
Index("file_parts_of_collection", file_parts.c.collection_id, file_parts.c.file_id)

#: When a file was last verified, and what came of it.
verifications = Table(
    "verifications",
    metadata,
    Column("file_id", Integer, ForeignKey("files.id"), primary_key=True, autoincrement=False),
    Column("verified_at", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("warnings", BigInteger, nullable=False),
)

#: Indexes that are read where they are. `kind`: "cdxj", "zipnum" or "remote"; `location`: path or URL; `warcs`: what file names
#: in it are relative to, or the address of a replay; `options`: JSON.
index_sources = Table(
    "index_sources",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("warcs", Text, nullable=False, server_default=""),
    Column("options", Text, nullable=False, server_default=""),
    Column("added_at", Text, nullable=False),
)
Index("index_sources_of_collection", index_sources.c.collection_id)

#: Folders, or places in object storage, of which new WARC files are taken into a collection by reference.
watched_folders = Table(
    "watched_folders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("location", Text, nullable=False),
    Column("added_at", Text, nullable=False),
)

#: Who may see which captures. `collection_id` NULL: in all collections. `action`: "allow", "block" (said, 451), "exclude"
#: (as if it were not held). `match`: "prefix", "exact", "host" of `urlkey`, or "record": of `url` as well. `since`, `until`: of
#: captures, 14 digits, both included. `files`: WARC files that it is about, one a line; empty for all.
#: `embargo_seconds`: the rule is only for captures younger than that. `addresses` (IP networks), `groups` (names): whom it is
#: for, one a line; empty for everyone. `starts_at`, `ends_at`: when the rule itself is in force. `deletion`: "suppressed" or
#: "purged" for what is part of a deletion.
access_rules = Table(
    "access_rules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id")),
    Column("action", Text, nullable=False),
    Column("match", Text, nullable=False, server_default="prefix"),
    Column("urlkey", KEY, nullable=False, server_default=""),
    Column("url", Text, nullable=False, server_default=""),
    Column("since", BigInteger),
    Column("until", BigInteger),
    Column("embargo_seconds", BigInteger),
    Column("files", Text, nullable=False, server_default=""),
    Column("addresses", Text, nullable=False, server_default=""),
    Column("groups", Text, nullable=False, server_default=""),
    Column("starts_at", Text),
    Column("ends_at", Text),
    Column("message", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("deletion", Text, nullable=False, server_default=""),
    Column("created_at", Text, nullable=False),
    Column("created_by", Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,  # numbers are not given twice: the audit log and tombstones name them
)

#: What was done to holdings, by whom and why: each entry has the hash of the one before; triggers refuse changes.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
for _dialect, _statements in AUDIT_LOG_IS_KEPT.items():
    for _statement in _statements:
        event.listen(audit_log, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]

#: What was purged: that it was there, when it went and why; never what it said.
tombstones = Table(
    "tombstones",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id")),
    Column("urlkey", KEY, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("url", Text, nullable=False),
    Column("record_type", Text, nullable=False),
    Column("record_id", Text, nullable=False, server_default=""),
    Column("digest", Text, nullable=False, server_default=""),
    Column("length", BigInteger, nullable=False, server_default="0"),
    Column("file", Text, nullable=False),
    Column("purged_at", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("audit_id", Integer, ForeignKey("audit_log.id")),
)
Index("tombstones_of_url", tombstones.c.urlkey, tombstones.c.timestamp)

#: Later parts of records that were cut into segments (WARC 1.1, clause 7). `origin`: WARC-Record-ID of the first part,
#: `number`: 2 and more.
segments = Table(
    "segments",
    metadata,
    Column("origin", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("file_id", Integer, ForeignKey("files.id"), nullable=False),
    Column("offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("origin", "number", "file_id", "offset"),
    sqlite_with_rowid=False,
)
