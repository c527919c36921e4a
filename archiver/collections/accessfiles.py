"""Rules of access as files: CSV and JSON of our own, and the access lists of pywb (.aclj)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from archiver.collections.access import Action, Matching, Rule
from archiver.collections.accessrules import described
from archiver.collections.accesswords import make_rule
from archiver.errors import MunimentError, UsageError

#: The columns of a CSV file.
COLUMNS = (
    "action", "match", "url", "urlkey", "collection", "from", "to", "embargo_seconds", "addresses", "groups", "starts", "ends",
    "message", "reason",
)  # fmt: skip
_KNOWN = frozenset({*COLUMNS, "embargo", "files", "deletion", "number", "created_at", "created_by"})
#: What pywb says of a URL alone, not of what begins so.
_EXACT_MARK = "###"
_ACLJ_LINE = re.compile(r"(\S+) - (\{.*\})\s*")
_ACLJ_FIELDS = frozenset({"access", "url", "user"})
_ACLJ_ACTIONS = {"allow": Action.ALLOW, "allow_ignore_embargo": Action.ALLOW, "block": Action.BLOCK, "exclude": Action.EXCLUDE}
Kind = TypeVar("Kind", Action, Matching)
Values = TypeVar("Values")
_MOST_BYTES = 200 * 1024 * 1024


def as_csv(rules: Iterable[Rule]) -> str:
    """Rules as a table; those that are part of a deletion are left out, which are no rules to be taken elsewhere."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    for rule in rules:
        if not rule.deletion:
            writer.writerow(
                {name: "; ".join(value) if isinstance(value, list) else value for name, value in said(rule).items()}
            )
    return text.getvalue()


def as_json(rules: Iterable[Rule]) -> str:
    """Rules as JSON, deletions left out."""
    return json.dumps([said(rule) for rule in rules if not rule.deletion], ensure_ascii=False, indent=2) + "\n"


def said(rule: Rule) -> dict[str, object]:
    """A rule as files have it."""
    return {name: value for name, value in described(rule).items() if value is not None}


def read_rules(text: str, name: str, *, collection: str | None = None) -> list[Rule]:
    """The rules of a file.

    Args:
        text: what is in it.
        name: its name, whose ending says how it is written: .aclj, .json, or else CSV.
        collection: slug, for rules that name none; None leaves them for all collections.

    Raises:
        UsageError: one of the rules cannot be understood; says which. None is to be kept then.
    """
    if len(text) > _MOST_BYTES:
        raise UsageError("The file is too large for a list of rules.")
    if name.lower().endswith(".aclj"):
        return [_told(f"line {number}", _of_aclj, line, collection) for number, line in _lines(text)]
    if name.lower().endswith(".json"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(
                "The file is not JSON.", "It must be a list of rules, as muniment access export writes it."
            ) from error
        if not isinstance(found, list):
            raise UsageError("The file is no list of rules.", "Write it as muniment access export does.")
        return [_told(f"rule {number}", rule_of, values, collection) for number, values in enumerate(found, 1)]
    try:
        rows = list(csv.DictReader(io.StringIO(text)))
    except csv.Error as error:
        raise UsageError(f"The file is not CSV: {error}.") from error
    return [_told(f"row {number}", rule_of, row, collection) for number, row in enumerate(rows, 2)]


def rule_of(values: object, collection: str | None) -> Rule:
    """A rule out of the values of a row.

    Raises:
        UsageError: they say nothing that can be understood.
    """
    if not isinstance(values, Mapping):
        raise UsageError("It is no set of named values.")
    unknown = sorted(str(name) for name in values if name not in _KNOWN)
    if unknown:
        raise UsageError(f"Nothing is known of “{unknown[0][:40]}”.", f"What can be said: {', '.join(COLUMNS)}.")
    if values.get("files") or values.get("deletion"):
        raise UsageError("It is part of a deletion, which is of one archive alone.")

    def text(name: str) -> str:
        value = values.get(name)
        return "" if value is None else str(value).strip()

    matching = _named(Matching, text("match") or "exact")
    if matching is Matching.RECORD:
        raise UsageError("It is about single records, which are of one archive alone.")
    url, key = text("url"), text("urlkey")
    if not url and not key and matching is not Matching.PREFIX:
        raise UsageError("It does not say what it is about.", "Give it a url, or a urlkey.")
    embargo = text("embargo") or (f"{text('embargo_seconds')}s" if text("embargo_seconds") not in ("", "0") else "")
    rule = make_rule(
        _named(Action, text("action")),
        url=url if matching is Matching.EXACT else "",
        prefix=url if matching is Matching.PREFIX else "",
        host=url if matching is Matching.HOST else "",
        is_everything=not url,
        collection=text("collection") or collection,
        since=text("from"),
        until=text("to"),
        embargo=embargo,
        addresses=_items(values.get("addresses")),
        groups=_items(values.get("groups")),
        starts=text("starts"),
        ends=text("ends"),
        message=text("message"),
        reason=text("reason"),
    )
    return replace(rule, matching=matching, urlkey=key) if key and not url else rule


def _named(kind: type[Kind], text: str) -> Kind:
    try:
        return kind(text.lower())
    except ValueError:
        raise UsageError(f"“{text[:40]}” is none of {', '.join(kind)}.") from None


def _items(value: object) -> list[str]:
    """A list, or what is separated by commas or semicolons."""
    if isinstance(value, list):
        return [str(item) for item in value]
    return [item.strip() for item in re.split(r"[,;\n]+", str(value or "")) if item.strip()]


def _of_aclj(line: str, collection: str | None) -> Rule:
    """A line of pywb: key, a date that is not used, and what is said of it; a key with ### is that of one URL alone."""
    found = _ACLJ_LINE.fullmatch(line)
    if found is None:
        raise UsageError("It is no line of an access list of pywb.", 'Such a line is: org,example)/ - {"access": "block"}')
    try:
        values = json.loads(found.group(2))
    except (ValueError, RecursionError) as error:
        raise UsageError("What follows the key is not JSON.") from error
    unknown = sorted(values.keys() - _ACLJ_FIELDS)
    if unknown:
        raise UsageError(f"Nothing is known of “{unknown[0][:40]}” here.", "Make that rule with muniment access add.")
    action = _ACLJ_ACTIONS.get(str(values.get("access")))
    if action is None:
        raise UsageError("It says neither allow nor block nor exclude.")
    key, user = found.group(1), values.get("user")
    is_exact = key.endswith(_EXACT_MARK)
    return Rule(
        action=action,
        matching=Matching.EXACT if is_exact else Matching.PREFIX,
        urlkey=key.removesuffix(_EXACT_MARK),
        url=str(values.get("url") or ""),
        collection=collection,
        groups=frozenset({str(user)} if user else ()),
    )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _told(place: str, read: Callable[[Values, str | None], Rule], values: Values, collection: str | None) -> Rule:
    """Say where in a file something is wrong."""
    try:
        return read(values, collection)
    except MunimentError as error:
        raise UsageError(f"In {place}: {error.message}", error.advice) from error
