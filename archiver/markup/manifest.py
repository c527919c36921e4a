"""URLs in the manifests of streamed media: HLS playlists (RFC 8216bis) and DASH presentations (ISO/IEC 23009-1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urljoin, urlsplit

from archiver.markup.slots import Found, Slot, SlotKind
from archiver.markup.tag import Attributes
from archiver.markup.text import MarkupView, charset_reader, encode_markup
from archiver.markup.xml import XmlScanner

HLS_TYPES = frozenset(
    {"application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl", "application/mpegurl"}
)
DASH_TYPE = "application/dash+xml"

_LINE = re.compile(r"[^\r\n]+")
_HLS_ATTRIBUTE = re.compile(r'(?<![A-Z0-9-])([A-Z0-9-]++)=(?:"([^"]*)"|[^",]*)')
_HLS_VARIABLE = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")
#: Element of DASH → its attributes that hold a URL, lower case.
_DASH_ATTRIBUTES = {
    "segmenttemplate": frozenset({"media", "index", "initialization", "bitstreamswitching"}),
    "segmenturl": frozenset({"media", "index"}),
    "initialization": frozenset({"sourceurl"}),
    "representationindex": frozenset({"sourceurl"}),
    "bitstreamswitching": frozenset({"sourceurl"}),
}
_DASH_TEXTS = frozenset({"baseurl", "location", "patchlocation"})
_ROOTED = re.compile(r"[a-z][a-z0-9+.\-]*:|[/\\]", re.IGNORECASE)


def scan_hls(text: str, *, url: str = "", charset: str | None = None) -> Iterator[Slot]:
    """The URLs of a playlist: its lines, and the attributes of its tags that hold one.

    Variables (EXT-X-DEFINE) are put in; those of another playlist stay as they are, as "{$name}".

    Args:
        text: of the playlist.
        url: of the playlist, whose query may define variables.
        charset: the real charset of a latin-1 view of bytes; None for text.
    """
    read = charset_reader(charset)
    variables: dict[str, str] = {}
    for line in _LINE.finditer(text, len(text) - len(text.lstrip("\ufeff\xef\xbb\xbf"))):
        content = line.group(0)
        spans: list[tuple[int, int]] = []
        if content.startswith("#EXT-X-DEFINE:"):
            _define(dict(_HLS_ATTRIBUTE.findall(read(content))), url, variables)
        elif content.startswith("#EXT-X-"):
            spans = [
                found.span(2)
                for found in _HLS_ATTRIBUTE.finditer(content)
                if found.group(1).endswith(("URI", "X-ASSET-LIST")) and found.group(2)
            ]
        elif not content.startswith("#"):
            spans = [(len(content) - len(content.lstrip()), len(content.rstrip()))]
        for start, end in spans:
            value = _HLS_VARIABLE.sub(lambda name: variables.get(name.group(1), name.group(0)), read(content[start:end]))
            if value.strip():
                yield Slot(line.start() + start, line.start() + end, value, SlotKind.MEDIA, str)


def _define(attributes: dict[str, str], url: str, variables: dict[str, str]) -> None:
    if "NAME" in attributes and "VALUE" in attributes:
        variables[attributes["NAME"]] = attributes["VALUE"]
    elif "QUERYPARAM" in attributes:
        values = parse_qs(urlsplit(url).query).get(attributes["QUERYPARAM"], ())
        variables.update((attributes["QUERYPARAM"], value) for value in values[:1])


def scan_dash(text: str, *, charset: str | None = None) -> Iterator[Slot]:
    """The URLs of a presentation, joined with the BaseURL elements around them; templates where they do not need that.

    Args:
        text: of the presentation.
        charset: the real charset of a latin-1 view of bytes; None for text.
    """
    scanner = _DashScanner(charset=charset)
    for item in (*scanner.feed(text), *scanner.close()):
        if isinstance(item, Slot):
            yield item


class _DashScanner(XmlScanner):
    def __init__(self, *, charset: str | None) -> None:
        super().__init__(charset=charset)
        self._bases: list[str] = [""]  # of the open elements, outermost first

    def _start_tag(self, match: re.Match[str], found: list[Found]) -> None:
        attributes = Attributes(self._text, match.start(3), match.end(3), self.settled, self._read)
        tag = self._name(match)
        known = _DASH_ATTRIBUTES.get(tag, frozenset())
        for name in attributes.names:
            if name in known or name == "xlink:href":
                attribute = attributes[name]
                start, end = attribute.view.raw(0), attribute.view.raw(len(attribute.text))
                self._add(found, Slot(start, end, attribute.text, SlotKind.MEDIA, attribute.encode), self._bases[-1])
        if not attributes.is_closed:
            self._bases.append(self._bases[-1])
            self._content_tag = tag if tag in _DASH_TEXTS else ""

    def _end_tag(self, tag: str, start: int, end: int, found: list[Found]) -> None:
        if len(self._bases) > 1:
            self._bases.pop()

    def _text_of(self, tag: str, view: MarkupView, start: int, end: int, found: list[Found]) -> None:
        value = view.text.strip()
        first = view.text.find(value)
        slot = Slot(view.start(first), view.end(first + len(value)), value, SlotKind.MEDIA, encode_markup)
        if tag != "baseurl" or len(self._bases) < 3:
            self._add(found, slot, "")
            return
        # A BaseURL stands for the element that it is in, and is joined with that of the one around.
        outer, here = self._bases[-3], self._bases[-2]
        self._add(found, slot, outer)
        if here == outer:
            self._bases[-2] = _joined(outer, value)  # of several, a player begins with the first

    @staticmethod
    def _add(found: list[Found], slot: Slot, base: str) -> None:
        if slot.value and ("$" not in slot.value or _ROOTED.match(slot.value)):
            found.append(slot._replace(value=_joined(base, slot.value)))


def _joined(base: str, value: str) -> str:
    try:
        return urljoin(base, value)
    except ValueError:
        return value
