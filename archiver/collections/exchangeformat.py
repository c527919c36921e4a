"""What an archive knows of a collection beside its captures, as JSON: the form, and how it is read with suspicion.

    {"format": "muniment-collection", "version": 1, "exported_at": "2026-01-01T00:00:00Z", "software": "Muniment 0.1.0",
     "organisation": {"name", "url", "address", "description", "logo": {"type", "data"} or null} or null,
     "collection": {"name", "title", "description", "visibility", "created_at", "is_active", "budget_bytes", "options": {},
                    "image": {"type", "data"} or null,
                    "metadata": [{"level", "subject", "field", "value", "position", "is_private"}],
                    "metadata_fields": [{"name", "position", "is_private"}]},
     "seeds": [{"url", "title", "scope", "schedule", "group", "is_active", "is_public", "notes", "limits", "rules", "position",
                "created_at", "changed_at"}],
     "seed_groups": [{"name", "is_public"}], "schedules": [{"schedule", "plan", "is_active"}],
     "crawls": [{"kind", "seeds": [], "started_at", "finished_at", "state", "ended", "seconds", "plan": {} or null,
                 "plan_version", "seed_urls": [{"url", "scope", "redirects": []}],
                 "pages": [{"url", "final_url", "timestamp", "title", "started_at", "seconds", "interrupted",
                            "missing": [{"url", "via", "hops", "status", "mime", "length", "failure", "reason"}]}]}],
     "access_rules": [{"action", "match", "urlkey", "url", "since", "until", "embargo_seconds", "files": [],
                       "addresses": [], "groups": [], "starts_at", "ends_at", "message", "reason", "deletion",
                       "created_at", "created_by"}]}

`metadata` are descriptive elements, such as those of Dublin Core, of the collection, of its seeds and of documents. `data` of
pictures is Base64. `options` and `plan` say what crawls begin with, without files of a machine (logins) and without what
switches guards off. What is absent is as in a new collection. Numbers of rows are not in it: they are others in every archive.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from archiver.collections.descriptions import field_name
from archiver.collections.options import options_from_json, options_to_json, portable
from archiver.collections.seedvalues import Schedule, SeedDraft, limits_from_json, row_values, rules_from_json
from archiver.collections.seedvalues import checked as checked_seed
from archiver.crawl.plan import plan_from_json
from archiver.errors import InvalidTimestamp, UsageError
from archiver.model import FailureKind, Visibility
from archiver.timestamps import parse_iso

FORMAT = "muniment-collection"
VERSION = 1

#: The name of such a file, by itself and inside a WACZ.
FILE_NAME = "collection.json"
WACZ_PATH = "muniment/collection.json"

_TIMESTAMP = re.compile(r"[0-9]{14}", re.ASCII)
#: As large as the database holds.
_LARGEST = 2**63 - 1
_CRAWL_STATES = ("running", "paused", "stopped", "finished")

Row = dict[str, Any]


def is_exchange(data: object) -> bool:
    """Whether a JSON value is of this form, of whatever version."""
    return isinstance(data, dict) and data.get("format") == FORMAT


def read_exchange(text: str | bytes) -> Row:
    """A file of this form, as `archiver.collections.exchange.from_json` takes it.

    Raises:
        UsageError: it is no such file, of a newer version, or something in it cannot be.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError("That is no JSON, so it does not describe a collection.") from error
    checked(data)
    found: Row = data
    return found


def checked(data: object) -> Row:
    """The same value, with nothing in it that the form does not have and all that it has.

    Raises:
        UsageError: it is of another form or of a newer version, or something in it cannot be.
    """
    if not isinstance(data, dict) or not is_exchange(data):
        raise UsageError("That JSON does not describe a collection as Muniment exports them.")
    version = _Fields(data, "the file").number("version")
    if version != VERSION:
        raise UsageError(
            f"That description of a collection is of version {version}; this Muniment reads version {VERSION}.",
            "Import it with a newer Muniment.",
        )
    top = _Fields(data, "the file")
    owner = data.get("organisation")
    return {
        "organisation": None if owner is None else _organisation(_Fields(owner, "the organisation")),
        "collection": _collection(_Fields(data.get("collection"), "the collection")),
        "seeds": [_kept_seed(_Fields(item, "a seed")) for item in top.list("seeds")],
        "seed_groups": [_group(_Fields(item, "a group of seeds")) for item in top.list("seed_groups")],
        "schedules": [_schedule(_Fields(item, "a schedule")) for item in top.list("schedules")],
        "crawls": [_crawl(_Fields(item, "a crawl")) for item in top.list("crawls")],
        "access_rules": [_rule(_Fields(item, "an access rule")) for item in top.list("access_rules")],
    }


def _clean(text: str) -> str:
    """Text without what no database keeps: lone surrogates, NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


class _Fields:
    """A JSON object whose fields are asked for by type; what is not there is empty."""

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, Mapping):
            raise UsageError(f"In that description of a collection, {what} is not an object.")
        self._value = value
        self._what = what

    def _wrong(self, name: str) -> UsageError:
        return UsageError(f"In that description of a collection, “{name}” of {self._what} cannot be read.")

    def text(self, name: str) -> str:
        value = self._value.get(name, "")
        if not isinstance(value, str):
            raise self._wrong(name)
        return _clean(value)

    def maybe_text(self, name: str) -> str | None:
        return None if self._value.get(name) is None else self.text(name)

    def one_of(self, name: str, words: tuple[str, ...]) -> str:
        value = self.text(name)
        if value not in words:
            raise self._wrong(name)
        return value

    def date(self, name: str) -> str:
        value = self.text(name)
        try:
            parse_iso(value)
        except InvalidTimestamp as error:
            raise self._wrong(name) from error
        return value

    def maybe_date(self, name: str) -> str | None:
        return None if self._value.get(name) is None else self.date(name)

    def number(self, name: str) -> int:
        value = self._value.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
            raise self._wrong(name)
        return value

    def maybe_number(self, name: str) -> int | None:
        return None if self._value.get(name) is None else self.number(name)

    def seconds(self, name: str) -> float:
        value = self._value.get(name, 0)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e12:
            raise self._wrong(name)
        return float(value)

    def yes(self, name: str, *, absent: bool = False) -> bool:
        value = self._value.get(name, absent)
        if not isinstance(value, bool):
            raise self._wrong(name)
        return value

    def timestamp(self, name: str) -> int | None:
        value = self._value.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
            raise self._wrong(name)
        return int(value)

    def list(self, name: str) -> list[Any]:
        value = self._value.get(name, [])
        if not isinstance(value, list):
            raise self._wrong(name)
        return value

    def lines(self, name: str) -> str:
        """A list of texts as the database keeps them, one a line."""
        items = self.list(name)
        if any(not isinstance(item, str) or "\n" in item for item in items):
            raise self._wrong(name)
        return _clean("\n".join(items))

    def object(self, name: str) -> dict[str, Any]:
        value = self._value.get(name, {})
        if not isinstance(value, dict):
            raise self._wrong(name)
        return value

    def picture(self, name: str) -> bytes:
        """The bytes of a picture, still to be looked at; none when there is none."""
        value = self._value.get(name)
        if value is None:
            return b""
        try:
            return base64.b64decode(_Fields(value, name).text("data"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._wrong(name) from error

    def options(self, name: str) -> str:
        """What crawls begin with, as the database keeps it; given as an object or as its JSON."""
        value = self._value.get(name, {})
        written = value if isinstance(value, str) else json.dumps(value)
        return _clean(options_to_json(portable(options_from_json(written))))


def _organisation(fields: _Fields) -> Row:
    return {
        **{name: fields.text(name) for name in ("name", "url", "address", "description")},
        "logo": fields.picture("logo"),
    }


def _collection(fields: _Fields) -> Row:
    return {
        "name": fields.text("name"),
        "title": fields.text("title"),
        "description": fields.text("description"),
        "visibility": Visibility(fields.one_of("visibility", tuple(Visibility))),
        "created_at": fields.date("created_at"),
        "is_active": fields.yes("is_active", absent=True),
        "budget_bytes": fields.maybe_number("budget_bytes"),
        "options": fields.options("options"),
        "image": fields.picture("image"),
        "metadata_fields": [_own_field(_Fields(item, "a field of metadata")) for item in fields.list("metadata_fields")],
        "metadata": [_element(_Fields(item, "an element of metadata")) for item in fields.list("metadata")],
    }


def _element(fields: _Fields) -> Row:
    return {
        "level": fields.one_of("level", ("collection", "seed", "document")),
        "subject": fields.text("subject"),
        "field": fields.text("field"),
        "value": fields.text("value"),
        "position": fields.number("position"),
        "is_private": int(fields.yes("is_private")),
    }


def _own_field(fields: _Fields) -> Row:
    return {
        "name": field_name(fields.text("name")),
        "position": fields.number("position"),
        "is_private": int(fields.yes("is_private")),
    }


def _kept_seed(fields: _Fields) -> Row:
    said = {name: fields.text(name) for name in ("url", "title", "scope", "schedule", "notes")}
    draft = SeedDraft(
        **said,
        group=fields.maybe_text("group") or "",
        is_active=fields.yes("is_active", absent=True),
        is_public=fields.yes("is_public", absent=True),
        limits=limits_from_json(fields.text("limits")),
        rules=rules_from_json(fields.text("rules")),
    )
    good = checked_seed(draft)
    return {
        **row_values(good),
        "group": good.group or None,
        "position": fields.number("position"),
        "created_at": fields.date("created_at"),
        "changed_at": fields.date("changed_at"),
    }


def _group(fields: _Fields) -> Row:
    return {"name": fields.text("name"), "is_public": int(fields.yes("is_public"))}


def _schedule(fields: _Fields) -> Row:
    return {
        "schedule": fields.one_of("schedule", tuple(Schedule)),
        "plan": fields.options("plan"),
        "is_active": int(fields.yes("is_active", absent=True)),
    }


def _crawl(fields: _Fields) -> Row:
    plan = fields.object("plan") if fields._value.get("plan") is not None else None
    return {
        "kind": fields.one_of("kind", ("page", "crawl")),
        "seeds": fields.lines("seeds"),
        "started_at": fields.date("started_at"),
        "finished_at": fields.maybe_date("finished_at"),
        "state": fields.one_of("state", _CRAWL_STATES),
        "ended": fields.text("ended"),
        "seconds": fields.seconds("seconds"),
        "plan": "" if plan is None else _clean(plan_from_json(json.dumps(plan)).to_json()),
        "plan_version": fields.number("plan_version"),
        "seed_urls": [_seed(_Fields(item, "a seed")) for item in fields.list("seed_urls")],
        "pages": [_page(_Fields(item, "a page")) for item in fields.list("pages")],
    }


def _seed(fields: _Fields) -> Row:
    return {"url": fields.text("url"), "scope": fields.maybe_text("scope"), "redirects": fields.lines("redirects")}


def _page(fields: _Fields) -> Row:
    return {
        "url": fields.text("url"),
        "final_url": fields.text("final_url"),
        "timestamp": fields.timestamp("timestamp"),
        "title": fields.text("title"),
        "started_at": fields.date("started_at"),
        "seconds": f"{fields.seconds('seconds'):.3f}",
        "interrupted": int(fields.yes("interrupted")),
        "missing": [_missing(_Fields(item, "a missing resource")) for item in fields.list("missing")],
    }


def _missing(fields: _Fields) -> Row:
    return {
        "url": fields.text("url"),
        "via": fields.maybe_text("via"),
        "hops": fields.text("hops"),
        "status": fields.maybe_number("status"),
        "mime": fields.text("mime"),
        "length": fields.number("length"),
        "failure": fields.one_of("failure", tuple(FailureKind)),
        "reason": fields.text("reason"),
    }


def _rule(fields: _Fields) -> Row:
    addresses = fields.lines("addresses")
    for line in addresses.split():
        try:
            ipaddress.ip_network(line, strict=False)
        except ValueError as error:
            raise fields._wrong("addresses") from error
    return {
        "action": fields.one_of("action", ("allow", "block", "exclude")),
        "match": fields.one_of("match", ("prefix", "exact", "host", "record")),
        "urlkey": fields.text("urlkey"),
        "url": fields.text("url"),
        "since": fields.timestamp("since"),
        "until": fields.timestamp("until"),
        "embargo_seconds": fields.maybe_number("embargo_seconds"),
        "files": fields.lines("files"),
        "addresses": addresses,
        "groups": fields.lines("groups"),
        "starts_at": fields.maybe_date("starts_at"),
        "ends_at": fields.maybe_date("ends_at"),
        "message": fields.text("message"),
        "reason": fields.text("reason"),
        "deletion": fields.one_of("deletion", ("", "suppressed", "purged")),
        "created_at": fields.date("created_at"),
        "created_by": fields.text("created_by"),
    }
