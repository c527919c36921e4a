"""URLs in import maps (HTML, section 8.1.6.2): the addresses of modules, and what else is named by URL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

#: One without an end takes all the rest, so that nobody looks for the end of what begins inside it.
_STRING = re.compile(r'"((?:[^"\\]|\\[\s\S]?)*+)(?:"(\s*:)?|\Z)')
_DIGEST = re.compile(r"\s*\"sha(?:256|384|512)-")
_ADDRESS = re.compile(r"(?:\.{0,2}/|[A-Za-z][A-Za-z0-9+.\-]*:)")


def scan_import_map(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """(start, end, url, is_name) of each URL; start and end are inside the quotes.

    A URL that is a name or a scope says which imports a rule is for; it is no address of a module. The names of digests are
    left out: with them a browser would check what replay has changed.
    """
    for match in _STRING.finditer(text):
        is_name = bool(match.group(2))
        if match.end(1) == len(text) or (is_name and _DIGEST.match(text, match.end())):
            continue
        try:
            value = json.loads(f'"{match.group(1)}"')
        except ValueError:
            continue
        if _ADDRESS.match(value):
            yield match.start(1), match.end(1), value, is_name
