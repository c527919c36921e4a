"""Raw text of a document and the text it stands for: entities resolved, with the way back to the raw positions."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from html.entities import html5
from itertools import accumulate

_REFERENCE = re.compile(r"&(?:#([xX]?)([0-9A-Fa-f]++);?|([A-Za-z][A-Za-z0-9]*+)(;?))(=?)")
_LONGEST_LEGACY_NAME = max(len(name) for name in html5 if not name.endswith(";"))
_WINDOWS_1252 = {
    number: bytes([number]).decode("windows-1252", "replace")
    for number in range(0x80, 0xA0)
    if number not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}


def charset_reader(charset: str | None) -> Callable[[str], str]:
    """Turns a latin-1 view of bytes into the text they are in `charset`; None leaves text as it is."""
    if charset is None:
        return _as_is

    def read(raw: str) -> str:
        if raw.isascii():
            return raw
        try:
            return raw.encode("latin-1").decode(charset, "replace")
        except (UnicodeEncodeError, LookupError):
            return raw

    return read


def _as_is(raw: str) -> str:
    return raw


def _character(match: re.Match[str]) -> tuple[str, int] | None:
    """What a character reference in an attribute stands for, and how many raw characters it takes; None: literal."""
    is_hex, digits, name, semicolon, equals = match.groups()
    length = match.end() - match.start() - len(equals)
    if digits is not None:
        if not is_hex and not digits.isdigit():
            decimal = re.match(r"[0-9]+", digits)
            if decimal is None:
                return None
            length -= len(digits) - decimal.end() + (1 if match.group(0).rstrip("=").endswith(";") else 0)
            digits = decimal.group(0)
        number = int(digits, 16 if is_hex else 10) if len(digits) < 9 else 0x110000
        if number in _WINDOWS_1252:
            return _WINDOWS_1252[number], length
        if number == 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            return "\ufffd", length
        return chr(number), length
    if semicolon and f"{name};" in html5:
        return html5[f"{name};"], length
    # Without a semicolon, a name that runs into more letters, digits or "=" is plain text (HTML, section 13.2.5.73):
    # "?a=1&copy=2" keeps its parameter.
    if name in html5 and not equals and not semicolon:
        return html5[name], length
    return None


class RawView:
    """A piece of raw text, the text it stands for, and the positions between them.

    Args:
        raw: as in the document.
        start: position of its first character in the document.
        read: puts the charset right.
        entities: resolve character references.
    """

    __slots__ = ("_map", "_start", "text")

    def __init__(self, raw: str, start: int, read: Callable[[str], str], *, entities: bool = True) -> None:
        self._start = start
        self._map: list[int] | None = None
        if raw.isascii() and not (entities and "&" in raw):
            self.text = raw
            return
        pieces: list[str] = []
        positions: list[int] = []
        at = 0
        for match in _REFERENCE.finditer(raw) if entities else ():
            found = _character(match)
            if found is None:
                continue
            self._take(raw, at, match.start(), read, pieces, positions)
            pieces.append(found[0])
            positions += [match.start()] * len(found[0])
            at = match.start() + found[1]
        self._take(raw, at, len(raw), read, pieces, positions)
        positions.append(len(raw))
        self.text = "".join(pieces)
        self._map = positions

    @staticmethod
    def _take(raw: str, start: int, end: int, read: Callable[[str], str], pieces: list[str], positions: list[int]) -> None:
        piece = raw[start:end]
        text = read(piece)
        pieces.append(text)
        if len(text) == len(piece):
            positions.extend(range(start, end))
            return
        at = start
        for part in re.findall(r"[\x00-\x7f]+|[^\x00-\x7f]+", piece):
            shown = read(part)
            positions += [min(at + index, at + len(part) - 1) for index in range(len(shown))]
            at += len(part)
        del positions[len("".join(pieces)) :]
        positions += [end] * (len("".join(pieces)) - len(positions))

    def raw(self, index: int) -> int:
        """Position in the document of the character of `text` at `index` (or its end)."""
        return self._start + (index if self._map is None else self._map[min(index, len(self._map) - 1)])


_SECTION = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<[?!].*?(?:>|\Z)", re.DOTALL)


class MarkupView:
    """The text in an element whose content is read as markup: references resolved, CDATA sections open, comments gone.

    Args:
        raw: as in the document, without tags.
        start: position of its first character in the document.
        read: puts the charset right.
    """

    __slots__ = ("_ends", "_views", "text")

    def __init__(self, raw: str, start: int, read: Callable[[str], str]) -> None:
        self._views: list[RawView] = []
        at = 0
        for section in _SECTION.finditer(raw):
            self._views.append(RawView(raw[at : section.start()], start + at, read))
            if section.group(1) is not None:
                self._views.append(RawView(section.group(1), start + section.start(1), read, entities=False))
            at = section.end()
        self._views.append(RawView(raw[at:], start + at, read))
        self._ends = list(accumulate(len(view.text) for view in self._views))
        self.text = "".join(view.text for view in self._views)

    def start(self, index: int) -> int:
        """Position in the document of the character of `text` at `index`."""
        return self._raw(bisect_right(self._ends, index), index)

    def end(self, index: int) -> int:
        """Position in the document where what comes before `index` ends."""
        return self._raw(bisect_left(self._ends, index), index)

    def _raw(self, number: int, index: int) -> int:
        number = min(number, len(self._views) - 1)
        return self._views[number].raw(index - (self._ends[number - 1] if number else 0))


def encode_double_quoted(text: str) -> str:
    """Text inside an attribute in double quotes."""
    return _ascii(text.replace("&", "&amp;").replace('"', "&quot;"))


def encode_single_quoted(text: str) -> str:
    """Text inside an attribute in single quotes."""
    return _ascii(text.replace("&", "&amp;").replace("'", "&#39;"))


_UNQUOTED = re.compile(r"[&\s\"'`=<>]")


def encode_unquoted(text: str) -> str:
    """Text of an attribute without quotes."""
    return _ascii(_UNQUOTED.sub(lambda match: f"&#{ord(match.group(0))};", text))


def encode_markup(text: str) -> str:
    """Text between tags."""
    return _ascii(text.replace("&", "&amp;").replace("<", "&lt;"))


#: All but ASCII and the private characters that stand for bytes where a document is not read as text.
_NOT_BYTES = re.compile("[^\x00-\x7f\uf700-\uf7ff]")


def encode_content(text: str) -> str:
    """Text of a script in an element whose content is read as markup."""
    return _NOT_BYTES.sub(lambda match: f"&#{ord(match.group(0))};", text.replace("&", "&amp;").replace("<", "&lt;"))


def _ascii(text: str) -> str:
    """References for everything beyond ASCII, so that the document's charset does not matter."""
    return text if text.isascii() else text.encode("ascii", "xmlcharrefreplace").decode("ascii")


_CSS_UNSAFE = re.compile(r"[^!#-&*-;=?-\[\]-~]")


def encode_css(text: str) -> str:
    """Text inside a CSS string (either quote) or an unquoted url()."""
    return _CSS_UNSAFE.sub(lambda match: f"\\{ord(match.group(0)):x} ", text)


_JSON_UNSAFE = re.compile(r"[^ !#-;=?-\[\]-~]")


def encode_json(text: str) -> str:
    """Text inside a JSON string inside a script element."""
    return _JSON_UNSAFE.sub(
        lambda match: "".join(
            f"\\u{unit:04x}" for unit in memoryview(match.group(0).encode("utf-16-le", "surrogatepass")).cast("H")
        ),
        text,
    )
