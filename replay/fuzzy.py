"""Captures that answer what is not held exactly: by rules for sites, by arguments that change with every request, by likeness.

An approximate answer never contradicts what was asked for: an argument that both requests have, and that is none of those
that change by themselves, must have the same value. Only arguments that one of the two lacks make a match weaker. All
work is on keys (SURT), in which case and order no longer count, and in which the bodies of requests are arguments too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from replay.fuzzy_rules import RULES, STATIC, VOLATILE_NAMES, Rule

#: Below this share of agreeing arguments a capture is another thing.
THRESHOLD = 0.6

_VOLATILE_NAME = re.compile(VOLATILE_NAMES)
#: Milliseconds or seconds since 1970 of this century, Math.random(), jQuery's and others' callback names.
_VOLATILE_VALUE = re.compile(r"1\d{9}(?:\d{3})?(?:\.\d+)?|0\.\d{8,}|(?:jquery|jsonp|callback|__jp)[\w.]*\d[\w.]*", re.ASCII)
_STATIC = re.compile(STATIC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for when nothing is held exactly.

    Attributes:
        key: urlkey that was asked for.
        start: keys that begin so are looked at.
        rule: of the site; None for the general likeness, of the path without a query too.
    """

    key: str
    start: str
    rule: Rule | None


def wanted(key: str) -> Iterator[Wanted]:
    """Where to look for what is like a urlkey, the surest first."""
    for rule in RULES:
        if rule.find.match(key):
            start = re.match(rule.within, key)
            if start is not None:
                yield Wanted(key, start.group(), rule)
    yield Wanted(key, f"{key.partition('?')[0]}?", None)


def likeness(asked: Wanted, held: str, *, is_part: bool) -> float:
    """How well a held key answers, 0 (not at all) to 1.

    Args:
        asked: from `wanted`.
        held: another urlkey.
        is_part: a part of a page was asked for: static files answer whatever their query.
    """
    if asked.rule is not None:
        return 1.0 if asked.rule.identity(asked.key) == asked.rule.identity(held) is not None else 0.0
    path, _, query = asked.key.partition("?")
    other_path, _, other_query = held.partition("?")
    if path != other_path:
        return 0.0
    mine, theirs = _arguments(query), _arguments(other_query)
    if mine["__wb_method"] != theirs["__wb_method"]:
        return 0.0
    agreeing = missing = 0.0
    for name in mine.keys() | theirs.keys():
        one, other = mine[name], theirs[name]
        if _is_volatile(name, one) and _is_volatile(name, other):
            agreeing += 0.01 if one == other else 0.0
        elif one == other:
            agreeing += len(one)
        elif one and other:
            if not (is_part and _STATIC.search(path)):
                return 0.0
            missing += 0.1
        else:
            missing += len(one) + len(other)
    if is_part and _STATIC.search(path) and not mine["__wb_method"]:
        return max(THRESHOLD, (agreeing + 1) / (agreeing + missing + 1))
    return (agreeing + 0.5) / (agreeing + missing + 0.5)


def _is_volatile(name: str, values: tuple[str, ...]) -> bool:
    """An argument that is another one each time, or is not there."""
    return bool(_VOLATILE_NAME.fullmatch(name)) or all(_VOLATILE_VALUE.fullmatch(value) for value in values)


class _Arguments(dict[str, tuple[str, ...]]):
    def __missing__(self, name: str) -> tuple[str, ...]:
        return ()


def _arguments(query: str) -> _Arguments:
    found = _Arguments()
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        name = re.sub(r"\.\d+_$", "", unquote(name))
        found[name] = (*found[name], unquote(value))
    return _Arguments({name: tuple(Counter(values).elements()) for name, values in found.items()})
