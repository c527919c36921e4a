"""What pages of well-known generators load by addresses that no string of theirs holds whole.

Doxygen (1.8 and later) puts its menu into scripts that name each other: an entry `["Title", "page.html", "name"]` has its own
entries in name.js, and NAVTREEINDEX says how many index scripts there are (its navtree.js loads both as they are needed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.extract.gather import Mention
from archiver.markup.slots import SlotKind

_COMMENT = re.compile(r"\s*+(?:/\*.*?\*/\s*+)?", re.DOTALL)
_MENU = re.compile(r'var \w+ ?=\s*+\[\s*+\[ ?"')
_ENTRY = re.compile(r'"(?:[^"\\]++|\\.)*+"\s*+,\s*+(?:"[^"]*+"|null)\s*+,\s*+"([\w-]+)"\s*+\]')
_INDEX = re.compile(r"var NAVTREEINDEX ?=\s*+\[([^\]]*+)\]")
#: No site has more of one kind.
_MOST = 20_000


def doxygen_menu(source: str, place: str = "doxygen menu") -> Iterator[Mention]:
    """The scripts that a script of a Doxygen menu leads to; nothing for any other script.

    Args:
        source: of the script.
        place: what they are called.
    """
    start = _COMMENT.match(source)
    begin = start.end() if start else 0
    if not _MENU.match(source, begin):
        return
    for count, entry in enumerate(_ENTRY.finditer(source, begin)):
        if count >= _MOST:
            return
        yield Mention(f"{entry.group(1)}.js", SlotKind.SCRIPT, place)
    if (index := _INDEX.search(source, begin)) is not None:
        for number in range(min(index.group(1).count('"') // 2, _MOST)):
            yield Mention(f"navtreeindex{number}.js", SlotKind.SCRIPT, place)
