"""Words of a text, as both databases index them, and questions as readers type them.

Both engines get words that were told apart here, so that an archive finds the same on either. Languages that put no spaces
between words (Chinese, Japanese, Thai …) are cut into overlapping pairs of characters: a question is a row of pairs then,
and is found wherever its characters stand next to each other.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import regex

#: Changed whenever the same text would give other words: texts are then indexed anew.
VERSION = 1

#: Words of a document that are indexed; a word that is longer than this, in characters, is cut.
MAX_WORDS = 100_000
_MAX_LENGTH = 64
#: Conditions of one question, and characters of it that are read.
_MAX_CLAUSES = 24
_MAX_QUESTION = 500

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc\u3005"
_TOKEN = regex.compile(rf"[{_UNSPACED}]+|[\p{{L}}\p{{N}}\p{{M}}--[{_UNSPACED}]]+", regex.V1)
_IS_UNSPACED = regex.compile(rf"[{_UNSPACED}]", regex.V1)
#: Marks that readers leave out as often as not: accents, Arabic vowels and the stroke that stretches, Hebrew points.
_MARKS = regex.compile(r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]+")
#: Letters of Arabic that are written one for the other, and ligatures that decomposition leaves.
_ALIKE = str.maketrans({"ى": "ي", "ة": "ه", "ٱ": "ا", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})
_PART = regex.compile(r"""(-)?(?:(title|url|site|host|type|year|lang):)?(?:"([^"]*)"?|([^\s"]+))""", regex.IGNORECASE)


def folded(text: str) -> str:
    """A text without what does not matter to a search: case, accents, width, vowel points."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", apart)).translate(_ALIKE)


def words_of(text: str, limit: int = MAX_WORDS) -> list[str]:
    """The words of a text, in order.

    Of characters without spaces every pair is one, and the last character of a row by itself, so that a question of one
    character finds it.
    """
    found: list[str] = []
    for word in _TOKEN.findall(folded(text)):
        if _IS_UNSPACED.match(word):
            found += (first + second for first, second in pairwise(word))
            found.append(word[-1])
        else:
            found.append(word[:_MAX_LENGTH])
        if len(found) >= limit:
            return found[:limit]
    return found


def spans_of(text: str) -> Iterator[tuple[int, int, bool]]:
    """Where words stand in a text as it is written: start, end, and whether it is a row of characters without spaces."""
    for found in _TOKEN.finditer(text):
        yield found.start(), found.end(), _IS_UNSPACED.match(found.group()) is not None


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition: words that stand next to each other.

    Attributes:
        words: in order; the last may be the beginning of a word.
        is_prefix: it is.
        field: "" for anywhere, "title" or "address".
    """

    words: tuple[str, ...]
    is_prefix: bool = False
    field: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for.

    Attributes:
        groups: of each, one clause must hold.
        without: none of these may.
        host: only there and on its subdomains.
        mime: only media types that contain this.
        year: only captures of it.
        language: two letters.
    """

    groups: tuple[tuple[Clause, ...], ...] = ()
    without: tuple[Clause, ...] = ()
    host: str = ""
    mime: str = ""
    year: str = ""
    language: str = ""

    @property
    def is_empty(self) -> bool:
        """There is nothing to look for."""
        return not self.groups

    @property
    def words(self) -> tuple[str, ...]:
        """Words that results show, those of rows of characters put together again."""
        return tuple(_together(clause.words) for group in self.groups for clause in group)


def read_question(text: str) -> Question:
    """What a reader typed: words, "phrases", -words, a OR b, begin*, title: url: site: type: year: lang:. Never fails."""
    groups: list[tuple[Clause, ...]] = []
    without: list[Clause] = []
    filters: dict[str, str] = {}
    is_alternative = False
    for minus, field, phrase, word in _PART.findall(text[:_MAX_QUESTION]):
        field = field.lower()
        if word == "OR" and not (minus or field):
            is_alternative = bool(groups)
            continue
        if field in ("site", "host", "type", "year", "lang"):
            filters[{"site": "host"}.get(field, field)] = (phrase or word).strip().lower()
            continue
        clause = _clause(phrase or word, {"url": "address"}.get(field, field), may_begin=not phrase)
        if clause is None or len(groups) + len(without) >= _MAX_CLAUSES:
            continue
        if minus:
            without.append(clause)
        elif is_alternative:
            groups[-1] = (*groups[-1], clause)
        else:
            groups.append((clause,))
        is_alternative = False
    year = filters.get("year", "")
    return Question(
        tuple(groups),
        tuple(without),
        filters.get("host", "").strip("*./"),
        filters.get("type", ""),
        year if len(year) == 4 and year.isascii() and year.isdigit() else "",
        filters.get("lang", "")[:2],
    )


def _clause(text: str, field: str, *, may_begin: bool) -> Clause | None:
    is_prefix = may_begin and text.endswith("*")
    words: list[str] = []
    tokens = _TOKEN.findall(folded(text))
    for number, token in enumerate(tokens, 1):
        if _IS_UNSPACED.match(token):
            words += (first + second for first, second in pairwise(token))
            if number < len(tokens):
                words.append(token[-1])  # as it is indexed before the next word
            elif len(token) == 1:
                words.append(token)
                is_prefix = True
        else:
            words.append(token[:_MAX_LENGTH])
    return Clause(tuple(words[:_MAX_CLAUSES]), is_prefix, field) if words else None


def _together(words: tuple[str, ...]) -> str:
    """Words of a clause as they stand in a text; pairs of characters overlap."""
    out = words[0]
    for word in words[1:]:
        is_pair = len(word) == 2 and out[-1] == word[0] and _IS_UNSPACED.match(word)
        out = out + word[1] if is_pair else f"{out} {word}"
    return out


def host_words(host: str) -> list[str]:
    """A host and all domains it is in, each as one word that no text has."""
    labels = host.lower().strip(".").split(".")
    return [_one_word("h", ".".join(labels[start:])) for start in range(len(labels))]


def host_word(host: str) -> str:
    """The word by which all documents on a host and its subdomains are found."""
    return _one_word("h", host.lower().strip("."))


def collection_word(number: int) -> str:
    """The word by which all documents of a collection are found."""
    return f"c·{number}"


def _one_word(kind: str, text: str) -> str:
    return f"{kind}·" + "".join(letter if letter.isalnum() else "·" for letter in text)
