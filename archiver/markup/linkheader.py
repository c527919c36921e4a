"""The HTTP Link header (RFC 8288, section 3), read leniently."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:\"(?:[^\"\\]|\\.)*+\"|[^\s;,]*))?)*+)")
_PARAMETER = re.compile(r";\s*([^\s=;,]+)(?:\s*=\s*(?:\"((?:[^\"\\]|\\.)*+)\"|([^\s;,]*)))?")


@dataclass(frozen=True, slots=True)
class LinkValue:
    """One link of the header.

    Attributes:
        start: position of the URL in the header value.
        end: one past it.
        url: as written.
        parameters: lower-case name and value, first one wins.
    """

    start: int
    end: int
    url: str
    parameters: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """A parameter's value; "" when it is not there."""
        return next((value for key, value in self.parameters if key == name), "")


def parse_link_header(value: str) -> list[LinkValue]:
    """The links of a header value, in order; what is not a link is passed over."""
    found = []
    for match in _LINK.finditer(value):
        parameters = []
        for parameter in _PARAMETER.finditer(match.group(2)):
            quoted = parameter.group(2)
            text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else parameter.group(3) or ""
            parameters.append((parameter.group(1).lower(), text))
        found.append(LinkValue(match.start(1), match.end(1), match.group(1).strip(), tuple(parameters)))
    return found
