"""Captures that answer what is not held exactly: by rules for sites, by arguments that change with every request, by likeness.

An approximate answer never contradicts what was asked for: an argument that is none of those that change by themselves
must have the same value; of parts of pages one of the two may lack it, if it does not say what is asked for. Only files
that are the same whatever their query says are taken for another version of themselves. A page stands in for another only
if nothing but such arguments is different. All work is on keys (SURT), in which case and order no longer count, and in
which the bodies of requests are arguments too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from replay.fuzzy_rules import (
    CALLBACK_VALUE,
    CODE,
    MEANINGLESS_VALUE,
    OFTEN_VOLATILE_NAMES,
    RULES,
    STATIC,
    TELLING_NAMES,
    TELLING_OF_CODE,
    VOLATILE_NAMES,
    Rule,
)

#: Below this share of agreeing arguments a capture is another thing.
THRESHOLD = 0.6

_VOLATILE_NAME = re.compile(VOLATILE_NAMES)
#: Milliseconds or seconds since 1970 of this century, Math.random(), jQuery's and others' callback names.
_VOLATILE_VALUE = re.compile(rf"1\d{{9}}(?:\d{{3}})?(?:\.\d+)?|0\.\d{{8,}}|{CALLBACK_VALUE}", re.ASCII)
_OFTEN_VOLATILE_NAME = re.compile(OFTEN_VOLATILE_NAMES)
_MEANINGLESS = re.compile(MEANINGLESS_VALUE, re.ASCII)
_REPEATED = re.compile(r"\.\d+_$")
_STATIC = re.compile(STATIC)
_CODE = re.compile(CODE)
_TELLING = re.compile(TELLING_NAMES)
_TELLING_OF_CODE = re.compile(TELLING_OF_CODE)
#: Names and values longer than this are looked at no closer.
_MOST_CHARACTERS = 1000


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
        for start in rule.starts(key):
            yield Wanted(key, start, rule)
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
    is_static = is_part and _STATIC.search(path) is not None and not mine["__wb_method"]
    telling = _TELLING_OF_CODE if _CODE.search(path) else _TELLING
    agreeing = missing = 0.0
    for name in mine.keys() | theirs.keys():
        one, other = mine[name], theirs[name]
        if one == other:
            agreeing += 0.01 if _is_volatile(name, one, is_part=is_part) else len(one)
        elif _is_volatile(name, one, is_part=is_part) and _is_volatile(name, other, is_part=is_part):
            pass
        elif not is_part or len(name) > _MOST_CHARACTERS or telling.fullmatch(name):
            return 0.0
        elif one and other:
            if not is_static:
                return 0.0
            missing += 0.1
        else:
            missing += len(one) + len(other)
    if is_static:
        return max(THRESHOLD, (agreeing + 1) / (agreeing + missing + 1))
    return (agreeing + 0.5) / (agreeing + missing + 0.5)


def _is_volatile(name: str, values: tuple[str, ...], *, is_part: bool) -> bool:
    """An argument that is another one each time, or is not there."""
    if len(name) > _MOST_CHARACTERS or any(len(value) > _MOST_CHARACTERS for value in values):
        return False
    if not values or _VOLATILE_NAME.fullmatch(name):
        return True
    if _OFTEN_VOLATILE_NAME.fullmatch(name):
        return all(_MEANINGLESS.fullmatch(value) or _VOLATILE_VALUE.fullmatch(value) for value in values)
    return is_part and not _TELLING.fullmatch(name) and all(_VOLATILE_VALUE.fullmatch(value) for value in values)


class _Arguments(dict[str, tuple[str, ...]]):
    def __missing__(self, name: str) -> tuple[str, ...]:
        return ()


def _arguments(query: str) -> _Arguments:
    found: dict[str, list[str]] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        found.setdefault(_REPEATED.sub("", unquote(name)), []).append(unquote(value))
    return _Arguments({name: tuple(sorted(values)) for name, values in found.items()})
