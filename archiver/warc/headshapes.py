"""Checks headers by what was learned from others: most headers of a file are made alike.

One that breaks no rule becomes a pattern, with names, type and profile as they are and strict forms of all other values; what
such a pattern matches whole breaks no rule either, and costs a fifth. All others are checked by `headrules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from archiver.warc.headrules import Header, Shape, check_header

_UUID = r"<urn:uuid:[0-9a-fA-F\-]{32,36}>"
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
        self._shapes: dict[str, list[_Pattern]] = {}

    def check(self, raw: bytes) -> Header:
        """The header of a record: from the version line to the empty line, both included."""
        text = raw.decode("latin-1")
        known = self.begins(text)
        if known is not None and known[1] == len(text):
            return known[0]
        header = check_header(raw)
        if all(rule in _BY_SHAPE for rule, _ in header.broken):
            self._learn(text, header)
        return header

    def begins(self, text: str) -> tuple[Header, int] | None:
        """A header of a known shape that a text begins with, and where in the text it ends; None says nothing.

        Args:
            text: bytes as Latin-1.
        """
        patterns = self._shapes.get(text[:_KEY])
        if patterns is None:
            return None
        known = patterns[0].begins(text)
        if known is not None:
            return known
        for pattern in patterns[1:]:
            known = pattern.begins(text)
            if known is not None:
                patterns.remove(pattern)  # what fitted last is tried first
                patterns.insert(0, pattern)
                return known
        return None

    def _learn(self, text: str, header: Header) -> None:
        key = text[:_KEY]
        if key in self._shapes or len(self._shapes) < _MOST_SHAPES:
            pattern = _Pattern.of(text, header)
            if pattern is not None:
                patterns = self._shapes.setdefault(key, [])
                del patterns[_MOST_SHAPES - 1 :]
                patterns.insert(0, pattern)


@dataclass(slots=True, eq=False)
class _Pattern:
    """Fits headers of one shape. Its groups are the values in which they differ."""

    match: Callable[[str], re.Match[str] | None]
    shape: Shape

    @classmethod
    def of(cls, text: str, header: Header) -> _Pattern | None:
        """For a header that breaks no rule; None for one that is best looked at each time."""
        lines = text.split("\r\n")[1:-2]
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
        places = [place for place, name in enumerate(names) if name == "warc-concurrent-to"]
        concurrent = slice(places[0], places[-1] + 1) if places else None
        if places and len(places) != places[-1] + 1 - places[0]:
            return None  # they do not follow each other
        shape = Shape(header.version, tuple(reversed(names)), fixed, concurrent, header.broken)
        if min(shape.record_id, shape.length) < 0:
            return None
        return cls(re.compile("".join(parts), re.ASCII).match, shape)

    @staticmethod
    def _form(key: str, header: Header) -> str:
        if key == "content-length":
            # Rules ask whether there is a block.
            return r"[1-9]\d{0,17}" if header.length else r"0"
        if key in ("warc-date", "warc-refers-to-date"):
            return _EXACT_DATE + (r"Z" if header.version == "WARC/1.0" else r"(?:\.\d{1,9})?Z")
        return _FORMS.get(key, _EXTENSION)

    def begins(self, text: str) -> tuple[Header, int] | None:
        """The header that the text begins with, when it is of this shape, and where it ends."""
        found = self.match(text)
        if found is None:
            return None
        shape, values = self.shape, found.groups()
        concurrent = values[shape.concurrent] if shape.concurrent is not None else ()
        if concurrent and values[shape.record_id] in concurrent:
            return None
        length = int(values[shape.length])
        return Header(shape.version, None, concurrent, length, shape.broken, shape, values), found.end()
