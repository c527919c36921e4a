"""What the attributes of one tag hold: URLs, scripts, style, and what would keep replay from showing the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from archiver.markup.attributes import (
    ANIMATIONS,
    ANYWHERE,
    DISARMED,
    LAZY,
    OBJECT_PARAMETERS,
    PRESENTATION,
    SRCSETS,
    URL_ATTRIBUTES,
    is_classic_script,
    is_clearly_url,
    link_kind,
    object_kind,
)
from archiver.markup.css import scan_css
from archiver.markup.slots import Found, Passage, PassageKind, Slot, SlotKind
from archiver.markup.srcset import Span, scan_list, scan_refresh, scan_srcset, scan_words
from archiver.markup.text import RawView, encode_css, encode_double_quoted, encode_single_quoted, encode_unquoted

_SPACE = " \t\n\f\r"
_ATTRIBUTE = re.compile(
    r"""([^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)"""
    r"""(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+(?>"([^"]*+)"|'([^']*+)'|([^ \t\n\f\r"'>][^ \t\n\f\r>]*+))?+)?+"""
)
#: What URLs lose, and what markup does.
_LOST = {ord("\n"): None, ord("\t"): None, ord("\r"): None, 0: "\ufffd"}
_META_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]+)", re.IGNORECASE)
_NO_RESOURCE = ("data:", "about:", "blob:")
_DATA_DOCUMENT = re.compile(r"data:\s*(?:text/html|[\w.-]+/(?:[\w.-]+\+)?xml)\s*[;,]", re.IGNORECASE)
_FRAMES = frozenset({SlotKind.FRAME, SlotKind.OBJECT})
_JAVASCRIPT = re.compile(r"[\x00-\x20]*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:", re.IGNORECASE)
#: Attributes that mean the same on every element.
_COMMON = frozenset((*ANYWHERE, *SRCSETS, *LAZY, "style", "ping", "attributionsrc", "target", "formtarget", "srcdoc"))
_NONE: dict[str, SlotKind] = {}
_CSP_NAMES = frozenset({"content-security-policy", "x-content-security-policy", "content-security-policy-report-only"})

Encoder = Callable[[str], str]
#: By the group of `_ATTRIBUTE` that the value is; 1 where there is none.
_ENCODERS: tuple[Encoder, ...] = (encode_unquoted, encode_unquoted, encode_double_quoted, encode_single_quoted, encode_unquoted)


class Attribute:
    """One attribute of a tag: lower-case name, raw value and where both stand."""

    __slots__ = ("encode", "name", "name_end", "name_start", "raw", "view")

    def __init__(self, match: re.Match[str], offset: int, read: Callable[[str], str]) -> None:
        self.name = match.group(1).lower()
        self.name_start = offset + match.start(1)
        self.name_end = offset + match.end(1)
        group = match.lastindex or 1
        self.raw = match.group(group) if group > 1 else ""
        self.encode: Encoder = _ENCODERS[group]
        start = offset + (match.start(group) if group > 1 else match.end())
        self.view = RawView(self.raw, start, read)

    @property
    def text(self) -> str:
        return self.view.text


class Attributes:
    """The attributes of a tag, each looked into only when it is asked for; of two with one name the first counts.

    Args:
        text: of the document.
        start: where the attributes begin in it.
        end: where they end.
        offset: position of the text in the document.
        read: puts the charset right.

    Attributes:
        names: lower case, in their order.
        is_closed: the tag ends in a slash that is not a part of a value.
    """

    __slots__ = ("_offset", "_read", "is_closed", "names")

    def __init__(self, text: str, start: int, end: int, offset: int, read: Callable[[str], str]) -> None:
        self._offset = offset
        self._read = read
        self.names: dict[str, re.Match[str]] = {}
        last = None
        for last in _ATTRIBUTE.finditer(text, start, end):
            self.names.setdefault(last.group(1).lower(), last)
        self.is_closed = text.startswith("/", end - 1) and end > start and (last is None or last.end() < end)

    def __getitem__(self, name: str) -> Attribute:
        return Attribute(self.names[name], self._offset, self._read)

    def text(self, name: str) -> str:
        """The value; "" without one."""
        return self[name].text if name in self.names else ""

    def name_at(self, position: int) -> str:
        """The attribute that stands at a position of the document; "" when none does."""
        position -= self._offset
        for name, match in self.names.items():
            if match.start() <= position <= match.end():
                return name
        return ""


def scan_tag(tag: str, attributes: Attributes, found: list[Found], *, is_foreign: bool = False) -> None:
    """Report what a start tag holds, in the order of the document.

    Args:
        tag: lower case, without a namespace prefix.
        attributes: of the tag.
        found: where it is added to.
        is_foreign: an element of SVG or MathML.
    """
    known = URL_ATTRIBUTES.get(tag, _NONE)
    first = len(found)
    for name in attributes.names:
        if name in known:
            _url(attributes[name], _kind(tag, known[name], attributes), found)
        elif tag == "meta":
            _meta(name, attributes, found)
        elif tag == "link" and name == "href":
            _url(attributes[name], link_kind(attributes.text("rel"), attributes.text("as")), found)
        elif name in DISARMED and (name != "csp" or tag == "iframe"):
            attribute = attributes[name]
            found.append(Passage(attribute.name_start, attribute.name_end, name, DISARMED[name], _plain))
        elif name in _COMMON or name.startswith("on"):
            _common(tag, attributes[name], found)
        elif tag == "param" and name == "value":
            if attributes.text("name").strip(_SPACE).lower() in OBJECT_PARAMETERS and is_clearly_url(attributes.text(name)):
                _url(attributes[name], SlotKind.OBJECT, found)
        elif is_foreign and name == "href":
            _url(attributes[name], SlotKind.LINK, found)
        elif is_foreign and name in PRESENTATION:
            if "(" in (attribute := attributes[name]).text:
                _style(attribute, found)
        elif tag in ANIMATIONS and name in ("to", "from", "by", "values"):
            if attributes.text("attributename").strip() in ("href", "xlink:href"):
                attribute = attributes[name]
                _parts(attribute, SlotKind.IMAGE, scan_list(attribute.text), found)
    if len(found) - first > 1:
        found[first:] = sorted(found[first:], key=lambda item: item.start)


def script_kind(attributes: Attributes) -> tuple[PassageKind | None, bool]:
    """What a script element holds, None for data, and whether that is an import map."""
    type_ = attributes.text("type").strip(_SPACE).lower()
    if is_classic_script(type_):
        return PassageKind.SCRIPT, False
    if type_ == "module":
        return PassageKind.MODULE, False
    if type_.endswith("json") or type_ == "speculationrules":
        return PassageKind.JSON, False
    return None, type_ == "importmap"


def _kind(tag: str, kind: SlotKind, attributes: Attributes) -> SlotKind:
    """What the rest of the tag says of a URL."""
    if tag == "script" and attributes.text("type").strip(_SPACE).lower() == "module":
        return SlotKind.MODULE
    if tag in ("a", "area") and "download" in attributes.names:
        return SlotKind.DOWNLOAD
    return object_kind(attributes.text("type")) if kind is SlotKind.OBJECT and "type" in attributes.names else kind


def _url(attribute: Attribute, kind: SlotKind, found: list[Found]) -> None:
    text = attribute.text
    value = text.strip(_SPACE)
    if not value.isprintable():
        value = value.translate(_LOST)
    if not value:
        return
    if value[:6].lower().startswith(_NO_RESOURCE):
        if kind in _FRAMES and _DATA_DOCUMENT.match(value):
            _passage(attribute, PassageKind.DATA_DOCUMENT, found)
        return
    if _JAVASCRIPT.match(value):
        _passage(attribute, PassageKind.JAVASCRIPT_URL, found)
        return
    start, end = len(text) - len(text.lstrip(_SPACE)), len(text.rstrip(_SPACE))
    found.append(Slot(attribute.view.raw(start), attribute.view.raw(end), value, kind, attribute.encode))


def _passage(attribute: Attribute, kind: PassageKind, found: list[Found]) -> None:
    view = attribute.view
    found.append(Passage(view.raw(0), view.raw(len(view.text)), view.text, kind, attribute.encode))


def _common(tag: str, attribute: Attribute, found: list[Found]) -> None:
    name = attribute.name
    if name in ANYWHERE:
        _url(attribute, ANYWHERE[name], found)
    elif name in LAZY:
        if is_clearly_url(attribute.text):
            _url(attribute, SlotKind.DATA, found)
    elif name in SRCSETS:
        kind = SRCSETS[name]
        spans = [span for span in scan_srcset(attribute.text) if kind is not SlotKind.DATA or is_clearly_url(span[2])]
        _parts(attribute, kind, spans, found)
    elif name == "style":
        _style(attribute, found)
    elif name == "ping" or name == "attributionsrc":
        _parts(attribute, SlotKind.PING, scan_words(attribute.text), found)
    elif name == "target" or name == "formtarget":
        _passage(attribute, PassageKind.TARGET, found)
    elif name == "srcdoc" and tag == "iframe":
        _passage(attribute, PassageKind.SRCDOC, found)
    elif name.startswith("on") and attribute.text:
        _passage(attribute, PassageKind.HANDLER, found)


def _parts(attribute: Attribute, kind: SlotKind, spans: Iterable[Span], found: list[Found]) -> None:
    for start, end, value in spans:
        if not value[:6].lower().startswith(_NO_RESOURCE):
            view = attribute.view
            found.append(Slot(view.raw(start), view.raw(end), value.replace("\0", "\ufffd"), kind, attribute.encode))


def _style(attribute: Attribute, found: list[Found]) -> None:
    outer, view = attribute.encode, attribute.view
    for slot in scan_css(attribute.text):
        found.append(Slot(view.raw(slot.start), view.raw(slot.end), slot.value, slot.kind, _within(outer)))


def _meta(name: str, attributes: Attributes, found: list[Found]) -> None:
    attribute = attributes[name]
    equiv = attributes.text("http-equiv").lower()
    if name == "charset":
        _passage(attribute, PassageKind.META_CHARSET, found)
    elif name == "http-equiv" and equiv in _CSP_NAMES:
        _passage(attribute, PassageKind.META_CSP, found)
    elif name == "name" and attribute.text.lower() == "referrer":
        _passage(attribute, PassageKind.META_REFERRER, found)
    elif name == "content" and equiv == "refresh":
        span = scan_refresh(attribute.text)
        if span is not None and not _JAVASCRIPT.match(span[2]):
            _parts(attribute, SlotKind.REFRESH, [span], found)
    elif name == "content" and equiv == "content-type":
        match = _META_CHARSET.search(attribute.text)
        if match:
            view = attribute.view
            start, end = view.raw(match.start(1)), view.raw(match.end(1))
            found.append(Passage(start, end, match.group(1), PassageKind.META_CHARSET, attribute.encode))


def _within(outer: Encoder) -> Encoder:
    return lambda text: outer(encode_css(text))


def _plain(text: str) -> str:
    return text
