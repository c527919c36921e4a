"""Tests of single captures: filters as the two dialects write them, and the changes that collapsing looks for.

Expressions are RE2's, which take time that grows with the text alone: an expression of a stranger's cannot hold the server up.
So they know no references back and no looking around.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import re2

from archiver.errors import UsageError

#: A row of the index (`archiver.index.protocol.Row`), with what steps on the way out appended to it.
Longer = tuple[Any, ...]
#: What a column shows of a capture.
Column = Callable[[Longer], str]

_MOST_EXPRESSION = 2000
#: Answers that a test remembers: types, statuses and digests repeat.
_REMEMBERED = 5000
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class How(Enum):
    """How the text of a filter is compared with what a column shows."""

    EQUALS = "equals"
    CONTAINS = "contains"
    WHOLE = "whole"  # an expression for all of it
    BEGINNING = "beginning"  # an expression for its beginning


@dataclass(frozen=True, slots=True)
class Test:
    """One filter.

    Attributes:
        column: what is looked at.
        how: it is compared.
        text: what with.
        is_negated: those that do not match pass.
    """

    column: Column
    how: How
    text: str
    is_negated: bool

    __test__ = False  # not one of pytest's

    def predicate(self) -> Callable[[Longer], bool]:
        """Whether a capture passes.

        Raises:
            UsageError: the expression cannot be used.
        """
        matches = _matcher(self.how, self.text)
        column, is_negated = self.column, self.is_negated
        known: dict[str, bool] = {}

        def passes(row: Longer) -> bool:
            shown = column(row)
            answer = known.get(shown)
            if answer is None:
                answer = matches(shown) is not is_negated
                if len(known) < _REMEMBERED:
                    known[shown] = answer
            return answer

        return passes


@dataclass(frozen=True, slots=True)
class Change:
    """A column in which neighbours must differ.

    Attributes:
        column: what is looked at.
        length: characters of it that count; None for all.
    """

    column: Column
    length: int | None

    def predicate(self) -> Callable[[Longer], bool]:
        """Whether a capture differs from the one that was looked at before; the first one does."""
        column, length = self.column, self.length
        before: str | None = None

        def differs(row: Longer) -> bool:
            nonlocal before
            shown = column(row)[:length]
            is_other = shown != before
            before = shown
            return is_other

        return differs


def expression(pattern: str) -> object:
    """A compiled expression for UTF-8.

    Raises:
        UsageError: it cannot be used.
    """
    if len(pattern) > _MOST_EXPRESSION:
        raise UsageError("An expression in a filter is too long.", f"{_MOST_EXPRESSION:,} characters are the most.")
    try:
        return re2.compile(pattern.encode("utf-8", "replace"), _OPTIONS)
    except re2.error as error:
        reason = error.args[0]
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        shown = pattern if len(pattern) <= 60 else f"{pattern[:60]}…"
        raise UsageError(
            f"The filter “{shown}” is no expression: {said}.",
            "Expressions are RE2's: they have no looking around and no references back.",
        ) from error


def _matcher(how: How, text: str) -> Callable[[str], bool]:
    if how is How.EQUALS:
        return lambda shown: shown == text
    if how is How.CONTAINS:
        return lambda shown: text in shown
    compiled = expression(text)
    compare = compiled.fullmatch if how is How.WHOLE else compiled.match  # type: ignore[attr-defined]
    return lambda shown: compare(shown.encode("utf-8", "replace")) is not None


def ia_test(written: str, columns: Mapping[str, Column], numbered: tuple[str, ...], whole: Column) -> Test:
    """A filter of the Internet Archive's dialect: `[~][!]field:expression`.

    The expression must match all of the field; with `~` the text must be contained in it; `!` takes those that do not.
    Without a field, or with an unknown one, the whole line is looked at.

    Args:
        written: the parameter.
        columns: by all of their names.
        numbered: names of the columns in the order of their numbers.
        whole: the whole line.
    """
    text = written
    how, is_negated = How.WHOLE, False
    if text.startswith("~"):
        text, how = text[1:], How.CONTAINS
    if text.startswith("!"):
        text, is_negated = text[1:], True
    if text.startswith("~") and how is How.WHOLE:
        text, how = text[1:], How.CONTAINS
    name, colon, rest = text.partition(":")
    if colon and name.isascii() and name.isdigit() and int(name[:4]) < len(numbered):
        return Test(columns[numbered[int(name)]], how, rest, is_negated)
    if colon and name in columns:
        return Test(columns[name], how, rest, is_negated)
    is_named = bool(colon) and name.replace("_", "").replace(".", "").isalnum()
    return Test(whole, how, rest if is_named else text, is_negated)


def pywb_test(written: str, columns: Mapping[str, Column], whole: Column) -> Test:
    """A filter of pywb's dialect: `[!][=|~]field:text`.

    The text must be contained in the field; with `=` be all of it; with `~` it is an expression for its beginning. `!` takes
    those that do not. Without a field the whole line is looked at; an unknown one is empty.
    """
    text = written
    is_negated, how = False, How.CONTAINS
    if text.startswith("!"):
        text, is_negated = text[1:], True
    if text.startswith("="):
        text, how = text[1:], How.EQUALS
    elif text.startswith("~"):
        text, how = text[1:], How.BEGINNING
    name, colon, rest = text.partition(":")
    if not colon:
        return Test(whole, how, text, is_negated)
    return Test(columns.get(name, _nothing), how, rest, is_negated)


def change_of(written: str, columns: Mapping[str, Column], numbered: tuple[str, ...]) -> Change:
    """What `collapse=field` or `collapse=field:N` means.

    Raises:
        UsageError: no such field, or N is no number.
    """
    name, colon, count = written.partition(":")
    if name.isascii() and name.isdigit() and int(name[:4]) < len(numbered):
        name = numbered[int(name)]
    if name not in columns:
        shown = name if len(name) <= 60 else f"{name[:60]}…"
        raise UsageError(f"There is no field “{shown}” to collapse by.", f"Fields are {', '.join(numbered)}.")
    if colon and not (count.isascii() and count.isdigit() and int(count[:9]) > 0):
        raise UsageError("“collapse” counts characters by a whole number.", "Write such as collapse=timestamp:8.")
    return Change(columns[name], int(count[:9]) if colon else None)


def _nothing(_row: Longer) -> str:
    return ""
