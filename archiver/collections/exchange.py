"""A collection without its captures, out of an archive and into another: who collects, what was asked for, who may see it.

The form is that of `archiver.collections.exchangeformat`. What is taken into a collection that is there already adds to it:
nothing that somebody wrote there is replaced, and nothing that was closed is opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Table, insert, select, update

from archiver.collections.exchangeformat import FORMAT, VERSION, checked
from archiver.collections.exchangepictures import add_pictures, owner_out, picture_out
from archiver.collections.images import ImageRegistry, drawn_anew
from archiver.collections.options import options_from_json, options_to_json, portable
from archiver.errors import UnknownCollection
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_seeds
from archiver.index.database import number_of_new, reading, writing
from archiver.index.holdingstables import access_rules
from archiver.index.tables import collections, crawls, outcomes, pages
from archiver.index.worktables import description_fields, descriptions, schedules, seed_groups, seeds
from archiver.model import Collection, Visibility
from archiver.timestamps import parse_iso, to_iso
from archiver.urls import urlkey

_CRAWL = ("kind", "seeds", "started_at", "finished_at", "state", "ended", "seconds", "plan", "plan_version")
_PAGE = ("url", "final_url", "timestamp", "title", "started_at", "seconds", "interrupted")
_MISSING = ("url", "via", "hops", "status", "mime", "length", "failure", "reason")
_RULE = (
    "action", "match", "urlkey", "url", "since", "until", "embargo_seconds", "files", "addresses", "groups",
    "starts_at", "ends_at", "message", "reason", "deletion", "created_at", "created_by",
)  # fmt: skip
_ELEMENT = ("level", "subject", "field", "value", "position", "is_private")
_SEED = (
    "url", "title", "scope", "schedule", "notes", "limits", "rules", "is_active", "is_public", "position", "created_at",
    "changed_at",
)  # fmt: skip
_NOBODY: dict[str, Any] = {"name": "", "url": "", "address": "", "description": "", "logo": b""}
_STRICTNESS = (Visibility.PUBLIC, Visibility.UNLISTED, Visibility.PRIVATE)


@dataclass(frozen=True, slots=True)
class ExchangeReport:
    """What became of a description of a collection.

    Attributes:
        collection: slug of the collection that it went into.
        created: that was made for it.
        crawls: crawls that were added; those that were there already do not count.
        seeds: seeds that were added, likewise.
        elements: descriptive elements that were added, likewise.
        rules: access rules that were added, likewise.
        kept: what is said otherwise there already, and was left so: names of fields.
    """

    collection: str
    created: bool
    crawls: int
    seeds: int
    elements: int
    rules: int
    kept: tuple[str, ...] = ()


# -- out -------------------------------------------------------------------------------------------------------------


def to_json(holdings: Holdings, slug: str) -> dict[str, object]:
    """What is known of a collection, ready for `json.dumps`.

    Raises:
        UnknownCollection: there is none of that name.
        StorageFailed: the database cannot be read.
    """
    collection = holdings.collections.get(slug)
    number = holdings.collections.number(slug)
    owner, pictures = collection.organisation, ImageRegistry(holdings.engine, holdings.collections.now)
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": to_iso(holdings.collections.now(), 0),
        "software": f"Muniment {version('muniment')}",
        "organisation": None if owner is None else owner_out(pictures, owner),
        "collection": {
            "name": collection.slug,
            "title": collection.title,
            "description": collection.description,
            "visibility": collection.visibility.value,
            "created_at": to_iso(collection.created_at),
            "is_active": collection.is_active,
            "budget_bytes": collection.budget_bytes,
            "options": _options_out(collection.options),
            "image": picture_out(pictures.get("collection", number)),
            "metadata_fields": _own_fields(holdings.engine, number),
            "metadata": _elements(holdings.engine, number),
        },
        "seeds": _seeds(holdings.engine, number),
        "seed_groups": _groups(holdings.engine, number),
        "schedules": _schedules(holdings.engine, number),
        "crawls": _crawls(holdings.engine, number),
        "access_rules": [_rule_out(row) for row in _rules(holdings.engine, number)],
    }


def _options_out(text: str) -> object:
    return json.loads(options_to_json(portable(options_from_json(text))) or "{}")


def _own_fields(engine: Engine, collection: int) -> list[dict[str, object]]:
    order = (description_fields.c.position, description_fields.c.name)
    statement = select(description_fields).where(description_fields.c.collection_id == collection).order_by(*order)
    with reading(engine) as connection:
        return [
            {"name": row.name, "position": row.position, "is_private": bool(row.is_private)}
            for row in connection.execute(statement)
        ]


def _elements(engine: Engine, collection: int) -> list[dict[str, object]]:
    order = (descriptions.c.level, descriptions.c.subject, descriptions.c.position, descriptions.c.id)
    statement = select(descriptions).where(descriptions.c.collection_id == collection).order_by(*order)
    with reading(engine) as connection:
        return [
            {**{name: row._mapping[name] for name in _ELEMENT}, "is_private": bool(row.is_private)}
            for row in connection.execute(statement)
        ]


def _seeds(engine: Engine, collection: int) -> list[dict[str, object]]:
    statement = (
        select(seeds, seed_groups.c.name.label("group"))
        .outerjoin(seed_groups, seed_groups.c.id == seeds.c.group_id)
        .where(seeds.c.collection_id == collection)
        .order_by(seeds.c.id)
    )
    with reading(engine) as connection:
        return [
            {
                **{name: row._mapping[name] for name in _SEED},
                "group": row.group,
                "is_active": bool(row.is_active),
                "is_public": bool(row.is_public),
            }
            for row in connection.execute(statement)
        ]


def _groups(engine: Engine, collection: int) -> list[dict[str, object]]:
    statement = select(seed_groups).where(seed_groups.c.collection_id == collection).order_by(seed_groups.c.id)
    with reading(engine) as connection:
        return [{"name": row.name, "is_public": bool(row.is_public)} for row in connection.execute(statement)]


def _schedules(engine: Engine, collection: int) -> list[dict[str, object]]:
    statement = select(schedules).where(schedules.c.collection_id == collection).order_by(schedules.c.id)
    with reading(engine) as connection:
        return [
            {"schedule": row.schedule, "plan": json.dumps(_options_out(row.plan)), "is_active": bool(row.is_active)}
            for row in connection.execute(statement)
        ]


def _crawls(engine: Engine, collection: int) -> list[dict[str, object]]:
    with reading(engine) as connection:
        rows = connection.execute(select(crawls).where(crawls.c.collection_id == collection).order_by(crawls.c.id)).all()
        return [_crawl_out(connection, row) for row in rows]


def _crawl_out(connection: Connection, row: Row[Any]) -> dict[str, object]:
    begun = connection.execute(select(crawl_seeds).where(crawl_seeds.c.crawl_id == row.id).order_by(crawl_seeds.c.id))
    shown = connection.execute(select(pages).where(pages.c.crawl_id == row.id).order_by(pages.c.id)).all()
    return {
        **{name: row._mapping[name] for name in _CRAWL},
        "seeds": _lines(row.seeds),
        "plan": json.loads(row.plan) if row.plan else None,
        "seed_urls": [{"url": seed.url, "scope": seed.scope, "redirects": _lines(seed.redirects)} for seed in begun],
        "pages": [_page_out(connection, page) for page in shown],
    }


def _page_out(connection: Connection, page: Row[Any]) -> dict[str, object]:
    lacking = select(outcomes).where(outcomes.c.page_id == page.id, outcomes.c.failure.is_not(None))
    return {
        **{name: page._mapping[name] for name in _PAGE},
        "timestamp": _digits(page.timestamp),
        "seconds": float(page.seconds),
        "interrupted": bool(page.interrupted),
        "missing": [
            {name: row._mapping[name] for name in _MISSING} for row in connection.execute(lacking.order_by(outcomes.c.position))
        ],
    }


def _rules(engine: Engine, collection: int) -> Sequence[Row[Any]]:
    """But for those about certain files: where those files are not, such a rule would be about everything."""
    about_files = access_rules.c.files != ""
    statement = select(access_rules).where(access_rules.c.collection_id == collection, ~about_files).order_by(access_rules.c.id)
    with reading(engine) as connection:
        return connection.execute(statement).all()


def _rule_out(row: Row[Any]) -> dict[str, object]:
    return {
        **{name: row._mapping[name] for name in _RULE},
        "since": _digits(row.since),
        "until": _digits(row.until),
        "files": _lines(row.files),
        "addresses": _lines(row.addresses),
        "groups": _lines(row.groups),
    }


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _digits(timestamp: int | None) -> str | None:
    return None if timestamp is None else f"{timestamp:014d}"


# -- in --------------------------------------------------------------------------------------------------------------


def from_json(holdings: Holdings, data: object, slug: str | None = None) -> ExchangeReport:
    """Take a description of a collection in. To do it again adds nothing twice.

    A collection that is not there yet is made as it is described. To one that is there, what it lacks is added: title,
    organisation and description where they are empty, crawls and access rules; its visibility may only become stricter.

    Args:
        holdings: the opened archive.
        data: as `to_json` gave it, from wherever.
        slug: of the collection that it is taken into; None for that of its own name.

    Raises:
        UsageError: it is not of this form, of a newer version, or names what cannot be.
        StorageFailed: the database cannot be written.
    """
    read = checked(data)
    described, owner = read["collection"], read["organisation"] or _NOBODY
    for picture in filter(None, (described["image"], owner["logo"])):
        drawn_anew(picture)  # before anything is written
    name = slug or described["name"]
    try:
        current = holdings.collections.get(name)
        created = False
        kept = _complete(holdings, current, described, owner)
    except UnknownCollection:
        holdings.collections.create(
            name,
            title=described["title"],
            organisation=owner["name"],
            organisation_url=owner["url"],
            description=described["description"],
            visibility=described["visibility"],
        )
        holdings.collections.update(
            name, is_active=described["is_active"], budget_bytes=described["budget_bytes"] or 0, options=described["options"]
        )
        created, kept = True, ()
    add_pictures(holdings, name, described["image"], owner)
    number = holdings.collections.number(name)
    with writing(holdings.engine) as connection:
        _keep_oldest_date(connection, number, described["created_at"], created=created)
        added = _add_crawls(connection, number, read["crawls"])
        _add_missing(connection, seed_groups, number, read["seed_groups"], by=("name",))
        _add_missing(connection, schedules, number, read["schedules"], by=("schedule",))
        wanted = [_with_group(connection, number, seed) for seed in read["seeds"]]
        new_seeds = _add_missing(connection, seeds, number, wanted, by=("url",))
        _add_missing(connection, description_fields, number, described["metadata_fields"], by=("name",))
        elements = _add_missing(connection, descriptions, number, described["metadata"], by=_ELEMENT)
        rules = _add_missing(connection, access_rules, number, read["access_rules"], by=_RULE)
        if rules:
            holdings.audit.note_within(connection, "", "access.import", f"collection {name}", {"rules": rules})
    return ExchangeReport(name, created, added, new_seeds, elements, rules, kept)


def _complete(holdings: Holdings, current: Collection, described: dict[str, Any], owner: dict[str, str]) -> tuple[str, ...]:
    """Say of a collection what nobody has said yet; what is said otherwise already."""
    values: dict[str, Any] = {}
    kept = []
    if described["title"] not in ("", current.title):
        if current.title == current.slug:
            values["title"] = described["title"]
        else:
            kept.append("title")
    if described["description"] not in ("", current.description):
        if not current.description:
            values["description"] = described["description"]
        else:
            kept.append("description")
    if owner["name"] and current.organisation is None:
        values |= {"organisation": owner["name"], "organisation_url": owner["url"] or None}
    elif owner["name"] and current.organisation and owner["name"] != current.organisation.name:
        kept.append("organisation")
    for name in ("options", "budget_bytes"):
        if described[name] and described[name] != getattr(current, name):
            if getattr(current, name):
                kept.append(name)
            else:
                values[name] = described[name]
    if _STRICTNESS.index(described["visibility"]) > _STRICTNESS.index(current.visibility):
        values["visibility"] = described["visibility"]
    elif described["visibility"] is not current.visibility:
        kept.append("visibility")
    if values:
        holdings.collections.update(current.slug, **values)
    return tuple(kept)


def _keep_oldest_date(connection: Connection, collection: int, date: str, *, created: bool) -> None:
    """A collection is as old as the older of the two."""
    here = connection.execute(select(collections.c.created_at).where(collections.c.id == collection)).scalar_one()
    if created or parse_iso(date) < parse_iso(here):
        connection.execute(update(collections).where(collections.c.id == collection).values(created_at=date))


def _add_crawls(connection: Connection, collection: int, listed: Sequence[dict[str, Any]]) -> int:
    """Add crawls that were not there yet; how many."""
    same = ("kind", "seeds", "started_at")
    there = {
        tuple(row) for row in connection.execute(select(*(crawls.c[name] for name in same)).where(_of(crawls, collection)))
    }
    new = [crawl for crawl in listed if tuple(crawl[name] for name in same) not in there]
    for crawl in new:
        _add_crawl(connection, collection, crawl)
    return len(new)


def _add_crawl(connection: Connection, collection: int, crawl: dict[str, Any]) -> None:
    values = {name: crawl[name] for name in _CRAWL}
    if crawl["state"] in ("running", "paused"):  # nobody here works on it
        values |= {"state": "stopped", "ended": crawl["ended"] or "was exported before its end"}
    wanted = "stop" if values["state"] == "stopped" else ""
    made = connection.execute(insert(crawls).values(collection_id=collection, wanted=wanted, **values))
    number = number_of_new(made)
    if begun := [{"crawl_id": number, **seed} for seed in _once(crawl["seed_urls"])]:
        connection.execute(insert(crawl_seeds), begun)
    for page in crawl["pages"]:
        shown = {name: page[name] for name in _PAGE}
        added = connection.execute(insert(pages).values(crawl_id=number, collection_id=collection, **shown))
        page_id = number_of_new(added)
        if lacking := [{"page_id": page_id, "position": at, **row} for at, row in enumerate(page["missing"])]:
            connection.execute(insert(outcomes), lacking)


def _once(listed: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Seeds, the first of each URL."""
    seen: set[str] = set()
    for seed in listed:
        if seed["url"] not in seen:
            seen.add(seed["url"])
            yield seed


def _with_group(connection: Connection, collection: int, seed: dict[str, Any]) -> dict[str, Any]:
    """A seed with the number of its group here."""
    named = select(seed_groups.c.id).where(seed_groups.c.collection_id == collection, seed_groups.c.name == seed["group"])
    values = {name: seed[name] for name in _SEED}
    number = connection.execute(named).scalar() if seed["group"] else None
    return {**values, "urlkey": urlkey(seed["url"]), "group_id": number}


def _add_missing(
    connection: Connection, table: Table, collection: int, rows: Sequence[dict[str, Any]], *, by: Sequence[str]
) -> int:
    """Add rows of which there are none with the same values in the columns `by`; how many were added."""
    there = {tuple(row) for row in connection.execute(select(*(table.c[name] for name in by)).where(_of(table, collection)))}
    new = [row for row in rows if tuple(row[name] for name in by) not in there]
    for row in new:
        values = {name: value for name, value in row.items() if name in table.c}
        connection.execute(insert(table).values(collection_id=collection, **values))
    return len(new)


def _of(table: Table, collection: int) -> ColumnElement[bool]:
    return table.c.collection_id == collection
