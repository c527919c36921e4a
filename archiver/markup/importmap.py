"""URLs in import maps (HTML, section 8.1.6.2): the addresses, not the names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

#: One without an end takes all the rest, so that nobody looks for the end of what begins inside it.
_STRING = re.compile(r'"((?:[^"\\]|\\[\s\S]?)*+)(?:"(\s*:)?|\Z)')
_ADDRESS = re.compile(r"(?:\.{0,2}/|[A-Za-z][A-Za-z0-9+.\-]*:)")


def scan_import_map(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, url) of each address; start and end are inside the quotes."""
    for match in _STRING.finditer(text):
        if match.group(2) or match.end(1) == len(text):
            continue
        try:
            value = json.loads(f'"{match.group(1)}"')
        except ValueError:
            continue
        if _ADDRESS.match(value):
            yield match.start(1), match.end(1), value
