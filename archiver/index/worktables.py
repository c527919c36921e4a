"""The tables of the workbench: people, seeds, what is said of collections, scheduled crawls, jobs, what replay missed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from archiver.index.tables import KEY, metadata

#: `role`: "administrator", "archivist" or "viewer".
accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("password", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("language", Text, nullable=False, server_default=""),
    Column("is_active", Integer, nullable=False, server_default="1"),
    Column("created_at", Text, nullable=False),
    Column("seen_at", Text),
)

#: `token`: SHA-256 of what the cookie holds.
account_sessions = Table(
    "account_sessions",
    metadata,
    Column("token", Text, primary_key=True),
    Column("account_id", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("created_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("address", Text, nullable=False, server_default=""),
    Column("agent", Text, nullable=False, server_default=""),
)

#: `token`: SHA-256 of what programs send; `role`: not above that of the account.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("token", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("used_at", Text),
    Column("expires_at", Text),
)

#: Failed logins, by account name and by address: after some, none is tried until `locked_until`.
login_failures = Table(
    "login_failures",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Text, nullable=False),
    Column("locked_until", Text),
)

#: Pictures of organisations and collections. `owner`: "organisation" or "collection", `owner_id`: its id.
images = Table(
    "images",
    metadata,
    Column("owner", Text, nullable=False),
    Column("owner_id", Integer, nullable=False),
    Column("mime", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("changed_at", Text, nullable=False),
    PrimaryKeyConstraint("owner", "owner_id"),
)

seed_groups = Table(
    "seed_groups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("is_public", Integer, nullable=False, server_default="0"),
    UniqueConstraint("collection_id", "name", name="one_group_a_name"),
)

#: The URLs that a collection cares for. `scope`: as crawls name it; `schedule`: how often, "" for never by itself; `limits` and
#: `rules`: JSON, as in plans of crawls, in addition to those of the collection.
seeds = Table(
    "seeds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("urlkey", KEY, nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("scope", Text, nullable=False, server_default=""),
    Column("schedule", Text, nullable=False, server_default=""),
    Column("group_id", Integer, ForeignKey("seed_groups.id")),
    Column("is_active", Integer, nullable=False, server_default="1"),
    Column("is_public", Integer, nullable=False, server_default="1"),
    Column("notes", Text, nullable=False, server_default=""),
    Column("limits", Text, nullable=False, server_default=""),
    Column("rules", Text, nullable=False, server_default=""),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("created_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    UniqueConstraint("collection_id", "url", name="one_seed_of_a_collection"),
)

#: What is said of collections, seeds and documents: Dublin Core and fields of one's own. `level`: "collection", "seed" or
#: "document"; `subject`: "" for the collection, the URL of the seed or document. A field may be said many times.
descriptions = Table(
    "descriptions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("level", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default=""),
    Column("field", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("is_private", Integer, nullable=False, server_default="0"),
)
Index("descriptions_of_subject", descriptions.c.collection_id, descriptions.c.level, descriptions.c.subject)
Index("descriptions_by_value", descriptions.c.collection_id, descriptions.c.field, descriptions.c.value)

#: Fields that collections have beside the elements of Dublin Core, and elements whose values are all private.
description_fields = Table(
    "description_fields",
    metadata,
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("is_private", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("collection_id", "name"),
)

#: How the seeds of one schedule are crawled. `plan`: JSON as the options of the collection, and before them; `next_at`: when it
#: is due; `anchor`: from when it counts, which is the day of the month and the time of day; `message`: why it did not begin.
schedules = Table(
    "schedules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("schedule", Text, nullable=False),
    Column("plan", Text, nullable=False, server_default=""),
    Column("is_active", Integer, nullable=False, server_default="1"),
    Column("next_at", Text),
    Column("anchor", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("last_crawl_id", Integer, ForeignKey("crawls.id")),
    UniqueConstraint("collection_id", "schedule", name="one_schedule_of_a_kind"),
)

#: What an archivist says of a crawl, beyond what it does. `test_state`: "" for what is no test, else "unsaved", "saved", …
crawl_notes = Table(
    "crawl_notes",
    metadata,
    Column("crawl_id", Integer, ForeignKey("crawls.id"), primary_key=True),
    Column("kind", Text, nullable=False, server_default=""),
    Column("requested_by", Text, nullable=False, server_default=""),
    Column("test_state", Text, nullable=False, server_default=""),
    Column("test_of", Integer, ForeignKey("collections.id")),
    Column("expires_at", Text),
    Column("schedule_id", Integer, ForeignKey("schedules.id")),
    Column("notes", Text, nullable=False, server_default=""),
)

#: Work that runs for a while, in whatever process takes it. `state`: "waiting", "running", "done", "failed", "cancelled";
#: `wanted`: "cancel", or "abort" for at once; `arguments`, `result`: JSON; `owner`: machine, process and its start; `heartbeat`
#: and `not_before`: seconds since 1970; `deaths`: processes that died of it.
jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("collection_id", Integer, ForeignKey("collections.id")),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("wanted", Text, nullable=False, server_default=""),
    Column("arguments", Text, nullable=False, server_default=""),
    Column("result", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("total", BigInteger),
    Column("token", Text, unique=True),
    Column("created_at", Text, nullable=False),
    Column("created_by", Text, nullable=False, server_default=""),
    Column("started_at", Text),
    Column("finished_at", Text),
    Column("owner", Text, nullable=False, server_default=""),
    Column("heartbeat", Float),
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("deaths", Integer, nullable=False, server_default="0"),
)
Index("jobs_by_state", jobs.c.state, jobs.c.id)

#: Whom to tell. `kind`: "webhook" or "email"; `events`: words, one a line; `secret`: signs what is sent.
notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id")),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("secret", Text, nullable=False, server_default=""),
    Column("last_at", Text),
    Column("last_result", Text, nullable=False, server_default=""),
)

#: What archived pages asked for and replay did not find. `state`: "open", "queued", "captured", "ignored".
missing = Table(
    "missing",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("page_urlkey", KEY, nullable=False),
    Column("page_timestamp", BigInteger, nullable=False),
    Column("urlkey", KEY, nullable=False),
    Column("page_url", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False, server_default="open"),
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("crawl_id", Integer, ForeignKey("crawls.id")),
    UniqueConstraint("collection_id", "page_urlkey", "page_timestamp", "urlkey", name="one_missing_part"),
)

#: Settings that the workbench changed: they come after those of the file.
kept_settings = Table(
    "kept_settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("changed_by", Text, nullable=False, server_default=""),
)

#: What was answered to programs that may ask again. `status`: 0 while it is being done.
api_requests = Table(
    "api_requests",
    metadata,
    Column("owner", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer, nullable=False, server_default="0"),
    Column("location", Text, nullable=False, server_default=""),
    Column("body", Text, nullable=False, server_default=""),
    Column("created_at", Text, nullable=False),
    PrimaryKeyConstraint("owner", "key"),
)
