"""Checks headers by what was learned from others: most headers of a file are made alike.

One that breaks no rule becomes a pattern, with names, type and profile as they are and strict forms of all other values; what
such a pattern matches whole breaks no rule either, and costs a fifth. All others are checked by `headrules`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from archiver.warc.headrules import Broken, Header, check_header

_UUID = r"<urn:uuid:[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}>"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_EXACT_DATE = (
    r"[12]\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
)
_URI_CHARACTERS = r"[A-Za-z0-9\-._~:/?@!$&'()*+,;=]*"
_HTTP_URI = rf"https?://[A-Za-z0-9]{_URI_CHARACTERS}(?:%[0-9A-Fa-f]{{2}}{_URI_CHARACTERS})*"
_SHA1 = r"sha1:[A-Z2-7]{32}"
_FORMS = {
    "warc-record-id": _UUID,
    "warc-warcinfo-id": _UUID,
    "warc-concurrent-to": _UUID,
    "warc-refers-to": _UUID,
    "warc-target-uri": _HTTP_URI,
    "warc-refers-to-target-uri": _HTTP_URI,
    "warc-block-digest": _SHA1,
    "warc-payload-digest": _SHA1,
    "warc-ip-address": r"(?:" + _OCTET + r"\.){3}" + _OCTET,
}
_EXTENSION = r"[\x20-\x3c\x3e\x40-\x7e]*"  # no "=" and "?": nothing that could be an encoded-word

#: Fields whose value is taken as it is into the pattern.
_FIXED = frozenset({"warc-type", "warc-profile", "content-type", "warc-truncated"})
#: Rules that are broken by all headers of a shape or by none.
_BY_SHAPE = frozenset({
    "warc-5.6-missing", "warc-5.6-http", "warc-5.6-fields", "warc-5.7-type", "warc-5.8-missing", "warc-5.9-type",
    "warc-5.10-type", "warc-5.10-missing", "warc-5.11-type",
    "warc-5.15-value", "warc-5.18-unknown", "warc-6.7-target", "warc-6.7-truncated",
})  # fmt: skip
_NEVER = frozenset({"warc-segment-number", "warc-segment-origin-id", "warc-segment-total-length"})


#: Patterns that are kept by how headers begin, of one beginning and beginnings; and the bytes of such a beginning: with the
#: type first, as most writers have it, just enough to tell types apart.
_MOST_SHAPES, _KEY = 8, 26


class HeaderRules:
    """Checks headers and learns what good ones look like. Not for several threads at once."""

    def __init__(self) -> None:
        self._shapes: dict[bytes, list[_Shape]] = {}

    def check(self, raw: bytes) -> Header:
        """The header of a record: from the version line to the empty line, both included."""
        shapes = self._shapes.get(raw[:_KEY])
        if shapes is not None:
            text = raw.decode("latin-1")
            for place, shape in enumerate(shapes):
                if (header := shape.match(text)) is not None:
                    if place:  # what fitted last is tried first
                        del shapes[place]
                        shapes.insert(0, shape)
                    return header
        header = check_header(raw)
        if all(rule in _BY_SHAPE for rule, _ in header.broken):
            self._learn(raw, header)
        return header

    def _learn(self, raw: bytes, header: Header) -> None:
        shape = _Shape.of(raw, header)
        shapes = self._shapes.setdefault(raw[:_KEY], [])
        if shape is not None and len(self._shapes) <= _MOST_SHAPES:
            del shapes[_MOST_SHAPES - 1 :]
            shapes.insert(0, shape)


@dataclass(slots=True)
class _Shape:
    """The pattern of a header without fault, and what its groups mean, last first: of a repeated field the first counts."""

    pattern: re.Pattern[str]
    backward: tuple[str, ...]
    version: str
    fixed: dict[str, str]
    concurrent: tuple[int, ...]
    broken: tuple[Broken, ...]

    @classmethod
    def of(cls, raw: bytes, header: Header) -> _Shape | None:
        """The shape of a header that breaks no rule; None for one that is best looked at each time."""
        lines = raw.decode("latin-1").split("\r\n")[1:-2]
        parts, names, fixed = [re.escape(header.version) + r"\r\n"], [], {}
        for line in lines:
            name, _, value = line.partition(": ")
            key = name.lower()
            if key in _NEVER or value != value.strip():
                return None
            parts.append(re.escape(name) + r": ")
            if key in _FIXED:
                parts.append(re.escape(value))
                fixed[key] = value
            else:
                form = cls._form(key, header)
                if not re.fullmatch(form, value):
                    return None
                parts.append(r"(" + form + r")")
                names.append(key)
            parts.append(r"\r\n")
        parts.append(r"\r\n")
        concurrent = tuple(place for place, name in enumerate(names) if name == "warc-concurrent-to")
        return cls(
            re.compile("".join(parts), re.ASCII), tuple(reversed(names)), header.version, fixed, concurrent, header.broken
        )

    @staticmethod
    def _form(key: str, header: Header) -> str:
        if key == "content-length":
            # Rules ask whether there is a block.
            return r"[1-9]\d{0,17}" if header.length else r"0"
        if key in ("warc-date", "warc-refers-to-date"):
            return _EXACT_DATE + (r"Z" if header.version == "WARC/1.0" else r"(?:\.\d{1,9})?Z")
        return _FORMS.get(key, _EXTENSION)

    def match(self, raw: str) -> Header | None:
        """The header, when it is of this shape."""
        found = self.pattern.fullmatch(raw)
        if found is None:
            return None
        values = found.groups()
        fields = self.fixed.copy()
        fields.update(zip(self.backward, values[::-1]))
        concurrent = tuple([values[place] for place in self.concurrent])
        if fields["warc-record-id"] in concurrent:
            return None
        return Header(self.version, fields, concurrent, int(fields["content-length"]), self.broken)
