"""Which other archives may be asked, as the setting `other_archives` names them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from archiver.errors import UsageError
from archiver.plaintext import one_line

#: Where the URL goes in an address; without it, to its end.
PLACE = "{url}"
_MOST = 20


@dataclass(frozen=True, slots=True)
class OtherArchive:
    """An archive that speaks Memento (RFC 7089).

    Attributes:
        name: for people.
        timegate: address of its TimeGates; "{url}" stands for the URL.
        timemap: address of its TimeMaps in link format; "" when they are not asked for.
    """

    name: str
    timegate: str
    timemap: str = ""

    def timegate_of(self, url: str) -> str:
        """Where to ask for the capture nearest to a time."""
        return self.timegate.replace(PLACE, url)

    def timemap_of(self, url: str) -> str:
        """Where to ask for all captures; "" when that is not known."""
        return self.timemap.replace(PLACE, url)


def parse_archives(text: str) -> tuple[OtherArchive, ...]:
    """The archives of a setting: separated by line breaks or semicolons, each a name, its TimeGate and perhaps its TimeMap.

    Raises:
        UsageError: one of them is not that.
    """
    found: list[OtherArchive] = []
    for item in re.split(r"[\n;]+", text):
        words = item.split()
        if not words:
            continue
        at = next((place for place, word in enumerate(words) if _is_address(word)), 0)
        addresses = words[at:]
        if not at or len(addresses) > 2 or not all(map(_is_address, addresses)):
            raise UsageError(
                f"“{one_line(item)[:100]}” does not name another archive.",
                "Write its name, the address of its TimeGate, and that of its TimeMap if it has one.",
            )
        name = " ".join(words[:at])[:100]
        if name in {archive.name for archive in found}:
            raise UsageError(f"Two archives are called “{one_line(name)}”.", "Give each a name of its own.")
        found.append(OtherArchive(name, *map(_with_place, addresses)))
    if len(found) > _MOST:
        raise UsageError(f"More than {_MOST} other archives cannot be asked.", "Leave some out, or name an aggregator.")
    return tuple(found)


def _is_address(word: str) -> bool:
    if not word.lower().startswith(("http://", "https://")):
        return False
    try:
        parts = urlsplit(word.replace(PLACE, ""))
        return bool(parts.hostname) and parts.username is None and (parts.port or 1) > 0
    except ValueError:
        return False


def _with_place(address: str) -> str:
    return address if PLACE in address else address + PLACE
