"""Addresses in JSON of any kind: read string by string, so that what is cut, or nested without end, is read too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.extract.gather import Mention
from archiver.extract.guess import Likeness, kind_of, likeness
from archiver.markup.js import plain_string

#: A string, and whether it is a name; one without an end takes all the rest.
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"(\s*+:)?|\Z)', re.DOTALL)
#: Members whose value is an address, however it looks.
_ADDRESS_NAME = re.compile(
    r"(?:.*[a-z_-])?(?:url|uri|href|link|permalink|src|path|image|img|logo|thumbnail|icon|poster|file|download|next|prev"
    r"|previous|self|canonical|page|embed)s?\Z",
    re.IGNORECASE,
)
#: Members whose values name vocabularies (JSON-LD 1.1, section 9.15).
_VOCABULARY = frozenset({"@context", "@type", "@vocab", "$schema", "$id", "$ref", "additionalType", "type"})
_MARKUP_URL = re.compile(r"""<[^<>]*?[\s"'](?:src|href)\s*=\s*(?:"([^"<>\s]+)"|'([^'<>\s]+)')""")


def json_links(text: str, place: str = "json", *, is_placed: bool = True) -> Iterator[Mention]:
    """The addresses in the strings of JSON, at any depth, in order.

    Args:
        text: of the document; what is no JSON gives what its strings give.
        place: what they are called.
        is_placed: relative ones are relative to the document; of plain JSON only the page that reads it knows.
    """
    name = ""
    for match in _STRING.finditer(text):
        raw = match.group(1)
        if match.group(2) is not None:
            name = raw
        elif ("/" in raw or "." in raw) and name not in _VOCABULARY:
            value = plain_string(f'"{raw}"') if "\\" in raw else raw
            if "<" in value:
                for found in _MARKUP_URL.finditer(value):
                    address = found.group(found.lastindex or 0)
                    yield Mention(
                        address, kind_of(address), place, likeness(address) is None or (not is_placed and _is_relative(address))
                    )
            else:
                yield from _judged(name, value, place, is_placed)


def _is_relative(value: str) -> bool:
    """Whether an address depends on where it is used."""
    return not value.startswith("/") and "//" not in value[:8]


def _judged(name: str, value: str, place: str, is_placed: bool) -> Iterator[Mention]:
    like = likeness(value)
    if like is None:
        return
    is_address = like in (Likeness.ABSOLUTE, Likeness.FILE) or _ADDRESS_NAME.match(name) is not None
    is_sure = is_address and (is_placed or not _is_relative(value))
    if is_sure or like is Likeness.ROUTE or "/" in value:
        yield Mention(value, kind_of(value), place, not is_sure)
