"""The rules that every crawl of a collection begins with, and rules made out of URLs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from typing import Any

from sqlalchemy import Engine, select, update

from archiver.audit import AuditLog
from archiver.crawl.plan import Rule, RuleAction, RuleMatch
from archiver.crawl.rules import Rules, surt
from archiver.errors import UnknownCollection, UsageError
from archiver.index.database import reading, writing
from archiver.index.tables import collections

_NAME = "rules"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A pattern that covers what was chosen; `words` say what else it covers."""

    match: RuleMatch
    pattern: str
    words: str


def suggestions(urls: Sequence[str]) -> list[Suggestion]:
    """Patterns for rules about these URLs, the narrowest first."""
    if not urls:
        return []
    found = []
    if len(urls) == 1:
        found.append(Suggestion(RuleMatch.TEXT, urls[0], "this address, and longer ones that begin with it"))
    forms = [surt(url) for url in urls]
    shared = "".join(_shared(min(forms), max(forms)))
    folder = shared[: shared.rfind("/") + 1]
    if ")" in folder:
        host = folder.partition(")")[0] + ")"
        if folder != f"{host}/":
            found.append(Suggestion(RuleMatch.SURT, folder, "everything in this folder"))
        found.append(Suggestion(RuleMatch.SURT, host, "everything on this host"))
    elif (names := shared.partition(")")[0]).count(",") > 1:
        found.append(Suggestion(RuleMatch.SURT, names[: names.rfind(",") + 1], "this domain and all hosts below"))
    endings = {url.partition("?")[0].rpartition("/")[2].rpartition(".")[2].lower() for url in urls}
    if len(endings) == 1 and (ending := endings.pop()).isalnum() and 1 < len(ending) < 6 and ending.isascii():
        found.append(Suggestion(RuleMatch.REGEX, rf"(?i)\.{ending}(?:\?|$)", f"every file whose name ends in .{ending}"))
    queries = {name for url in urls for name in _names(url)}
    for name in sorted(queries)[:3]:
        if all(name in _names(url) for url in urls):
            found.append(Suggestion(RuleMatch.REGEX, rf"[?&]{_plain(name)}=", f"every address with {name}= in its query"))
    return found


def _shared(one: str, other: str) -> Iterator[str]:
    """The letters with which both begin."""
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            return
        yield mine


def _names(url: str) -> list[str]:
    query = url.partition("#")[0].partition("?")[2]
    return [part.partition("=")[0] for part in query.split("&") if part.partition("=")[0]]


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else f"\\{letter}" for letter in takewhile(str.isprintable, name))


def matched(rule: Rule, urls: Sequence[str]) -> int:
    """How many of these URLs a rule is about.

    Raises:
        UsageError: it is no rule.
    """
    rules = Rules((rule,))
    test = rules.blocked if rule.action is RuleAction.BLOCK else rules.accepted
    return sum(1 for url in urls if test(url) is not None)


class RuleBook:
    """The rules of collections.

    Args:
        engine: the archive's database.
        audit: where changes are noted.
    """

    def __init__(self, engine: Engine, audit: AuditLog) -> None:
        self._engine = engine
        self._audit = audit

    def of(self, slug: str) -> tuple[Rule, ...]:
        """The rules of a collection; what a newer version wrote and this one cannot read is passed over.

        Raises:
            UnknownCollection: there is none of that name.
            UsageError: what its crawls begin with cannot be read.
        """
        return tuple(rule for value in self._options(slug).get(_NAME, []) if (rule := _rule(value)) is not None)

    def replace(self, slug: str, rules: Sequence[Rule], *, actor: str) -> None:
        """Set the rules of a collection; crawls that have begun keep theirs.

        Raises:
            UnknownCollection: there is none of that name.
            UsageError: a rule is none.
        """
        Rules(rules)
        options = self._options(slug) | {_NAME: [asdict(rule) for rule in rules]}
        with writing(self._engine) as connection:
            mine = update(collections).where(collections.c.slug == slug)
            connection.execute(mine.values(options=json.dumps(options, ensure_ascii=False)))
            said = [f"{rule.action} {rule.match} {rule.pattern}" for rule in rules]
            self._audit.note_within(connection, actor, "collection.rules", f"collection {slug}", {"rules": said})

    def add(self, slug: str, rule: Rule, *, actor: str) -> None:
        """Add a rule to those of a collection, unless it has it. Raises as `replace`."""
        known = self.of(slug)
        if rule not in known:
            self.replace(slug, (*known, rule), actor=actor)

    def _options(self, slug: str) -> dict[str, Any]:
        with reading(self._engine) as connection:
            row = connection.execute(select(collections.c.options).where(collections.c.slug == slug)).first()
        if row is None:
            raise UnknownCollection(f"There is no collection “{slug[:80]}”.")
        try:
            options = json.loads(row[0] or "{}")
        except ValueError:
            options = None
        if not isinstance(options, dict):
            raise UsageError(f"What crawls of “{slug}” begin with cannot be read.", "Was it written by a newer version?")
        return options


def _rule(value: Any) -> Rule | None:
    try:
        action, match = RuleAction(value["action"]), RuleMatch(value["match"])
        return Rule(action, match, str(value["pattern"]), bool(value.get("enabled", True)), str(value.get("note", "")))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
