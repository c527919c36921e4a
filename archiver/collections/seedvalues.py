"""Seeds as values: what can be said of one, and what is wrong with it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from archiver.crawl.plan import Limits, Rule, RuleAction, RuleMatch, ScopeKind
from archiver.crawl.rules import Rules
from archiver.errors import UsageError
from archiver.plaintext import one_line, plain
from archiver.urls import parse_url, refuse_password, urlkey

#: Characters of a seed's address, title and notes that are kept.
_LONGEST_URL = 4000
_LONGEST_TITLE = 500
_LONGEST_NOTES = 20_000
_LARGEST = 2**53


class Schedule(StrEnum):
    """How often a seed is crawled; a seed without a schedule is crawled only when somebody asks."""

    ONCE = "once"
    TWICE_DAILY = "twice-daily"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    BIMONTHLY = "bimonthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    ANNUAL = "annual"


#: The limits that a seed may have of its own: those of a crawl, but for the free space on the disk.
LIMIT_NAMES = tuple(name for name in Limits.__dataclass_fields__ if name != "free_bytes")


@dataclass(frozen=True, slots=True)
class SeedDraft:
    """A seed as somebody wrote it.

    Attributes:
        url: with or without http://.
        title: for people.
        scope: as crawls name it; "" for the one of the collection.
        schedule: how often; "" for only when asked.
        group: name of its group; "" for none.
        is_active: schedules crawl it.
        is_public: readers see it in the collection's list of seeds; else nothing of it, nor of what its scope takes.
        notes: for archivists.
        limits: such as {"documents": 500}, instead of those of the collection.
        rules: in addition to those of the collection.
    """

    url: str
    title: str = ""
    scope: str = ""
    schedule: str = ""
    group: str = ""
    is_active: bool = True
    is_public: bool = True
    notes: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Seed:
    """A URL that a collection cares for; attributes that are not explained here as in `SeedDraft`.

    Attributes:
        number: in the archive.
        collection: slug.
        url: normalised.
        urlkey: by which its captures are found.
        scope: None for the one of the collection.
        position: in the collection's own order.
        created_at, changed_at: UTC.
    """

    number: int
    collection: str
    url: str
    urlkey: str
    title: str
    scope: ScopeKind | None
    schedule: Schedule | None
    group: str
    is_active: bool
    is_public: bool
    notes: str
    limits: Mapping[str, float]
    rules: tuple[Rule, ...]
    position: int
    created_at: datetime
    changed_at: datetime

    @property
    def called(self) -> str:
        """Title, or else the address."""
        return self.title or self.url

    @property
    def draft(self) -> SeedDraft:
        """The same as somebody would write it."""
        return SeedDraft(
            self.url, self.title, self.scope or "", self.schedule or "", self.group, self.is_active, self.is_public, self.notes,
            self.limits, self.rules,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RefusedSeed:
    """What did not become a seed.

    Attributes:
        written: as it was given.
        reason: a sentence.
        is_duplicate: it is a seed already, or was given twice.
        row: of the list it stands in, from 1.
    """

    written: str
    reason: str
    is_duplicate: bool
    row: int


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What became of seeds that were given.

    Attributes:
        added: URLs, in the order given.
        refused: the others.
    """

    added: tuple[str, ...]
    refused: tuple[RefusedSeed, ...]


def checked(draft: SeedDraft) -> SeedDraft:
    """A seed as it is kept: its URL normalised, its texts on one line where they have to be.

    Raises:
        UsageError: something in it cannot be; says what.
    """
    url = refuse_password(parse_url(draft.url, assume_http=True))
    if len(url) > _LONGEST_URL:
        raise UsageError(f"That address is longer than {_LONGEST_URL:,} characters.", "Take a shorter one.")
    Rules(draft.rules)
    return replace(
        draft,
        url=url,
        title=one_line(draft.title)[:_LONGEST_TITLE],
        scope=one_of(ScopeKind, draft.scope, "scope"),
        schedule=one_of(Schedule, draft.schedule, "schedule"),
        group=one_line(draft.group)[:200],
        notes=plain(draft.notes).strip()[:_LONGEST_NOTES],
        limits=checked_limits(draft.limits),
    )


def one_of(words: type[StrEnum], written: str, what: str) -> str:
    """One of the words, in lower case, or "" for none.

    Raises:
        UsageError: it is none of them.
    """
    word = written.strip().lower()
    if word and word not in list(words):
        raise UsageError(f"There is no {what} “{one_line(written)[:60]}”.", f"Known are: {', '.join(words)}.")
    return word


def checked_limits(limits: Mapping[str, Any]) -> dict[str, float]:
    """Limits that say something: names that there are, numbers above 0.

    Raises:
        UsageError: one is not.
    """
    found: dict[str, float] = {}
    for name, value in limits.items():
        if name not in LIMIT_NAMES:
            raise UsageError(f"There is no limit “{one_line(str(name))[:60]}”.", f"Known are: {', '.join(LIMIT_NAMES)}.")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= _LARGEST:
            raise UsageError(f"The limit “{name}” is no number.", "Write a number, or nothing for no limit.")
        if value:
            found[name] = value if name == "seconds" else int(value)
    return found


def limits_to_json(limits: Mapping[str, float]) -> str:
    """As the database keeps them; "" for none."""
    return json.dumps(limits, sort_keys=True) if limits else ""


def limits_from_json(text: str) -> dict[str, float]:
    """The same back.

    Raises:
        UsageError: it is none.
    """
    value = _json(text, {}, "limits")
    if not isinstance(value, dict):
        raise UsageError("These limits cannot be read.", 'Write them like {"documents": 500}.')
    return checked_limits(value)


def rules_to_json(rules: Sequence[Rule]) -> str:
    """As the database keeps them; "" for none."""
    if not rules:
        return ""
    plain_rules = [
        {"action": rule.action, "match": rule.match, "pattern": rule.pattern, "enabled": rule.enabled, "note": rule.note}
        for rule in rules
    ]
    return json.dumps(plain_rules, ensure_ascii=False)


def rules_from_json(text: str) -> tuple[Rule, ...]:
    """The same back.

    Raises:
        UsageError: it is none, or a rule cannot be.
    """
    value = _json(text, [], "rules")
    try:
        rules = tuple(
            Rule(
                RuleAction(item["action"]), RuleMatch(item["match"]), str(item["pattern"]), bool(item.get("enabled", True)),
                str(item.get("note", "")),
            )
            for item in value
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        advice = 'Write them like [{"action": "block", "match": "text", "pattern": "/print/"}].'
        raise UsageError("These rules cannot be read.", advice) from error
    Rules(rules)
    return rules


def _json(text: str, empty: object, what: str) -> Any:
    try:
        return json.loads(text) if text.strip() else empty
    except (ValueError, RecursionError) as error:
        raise UsageError(f"These {what} are no JSON.", "Look for a missing quote or comma.") from error


def row_values(draft: SeedDraft) -> dict[str, object]:
    """A checked draft as columns of the table of seeds, without its group."""
    return {
        "url": draft.url,
        "urlkey": urlkey(draft.url),
        "title": draft.title,
        "scope": draft.scope,
        "schedule": draft.schedule,
        "is_active": int(draft.is_active),
        "is_public": int(draft.is_public),
        "notes": draft.notes,
        "limits": limits_to_json(draft.limits),
        "rules": rules_to_json(draft.rules),
    }
