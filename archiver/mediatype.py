"""Content-Type as browsers read it (Fetch Standard, "extract a MIME type"), however loosely it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PART = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*+"?)++')
_TYPE = re.compile(r"[ \t]*+([!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+)(?=[ \t;(]|\Z)([^;]*+)(.*)", re.DOTALL)
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s\"';,]+)", re.IGNORECASE)
_CLEAN_REST = re.compile(
    r"""(?:[ \t]*;[ \t]*[!#$%&'*+.^_`|~\w-]+=(?:[!#$%&'*+.^_`|~\w-]+|"[^"\\]*"))*+[ \t]*;?[ \t]*""", re.ASCII
)


@dataclass(frozen=True, slots=True)
class MediaType:
    """What a response says that it is.

    Attributes:
        name: type and subtype, lower case; "" when no value is valid.
        charset: its charset parameter, or None.
        is_clean: everything that reads the field reads the same in it.
    """

    name: str = ""
    charset: str | None = None
    is_clean: bool = False

    def __str__(self) -> str:
        return f"{self.name}; charset={self.charset}" if self.charset else self.name


def parse_media_type(values: Sequence[str]) -> MediaType:
    """The last valid of several values counts; one that repeats the type keeps its charset.

    Args:
        values: of all Content-Type fields, in order; each may be a list, too.
    """
    parts = [part for value in values for part in _PART.findall(value)]
    name, charset, is_clean = "", None, len(parts) == 1
    for part in parts:
        match = _TYPE.fullmatch(part)
        if match is None or match.group(1) == "*/*":
            continue
        found = _CHARSET.search(match.group(3))
        if found is not None or match.group(1).lower() != name:
            charset = found.group(1) if found else None
        name = match.group(1).lower()
        is_clean = is_clean and _CLEAN_REST.fullmatch(match.group(2) + match.group(3)) is not None
    return MediaType(name, charset, is_clean and name != "")
