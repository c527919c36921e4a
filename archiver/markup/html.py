"""Finds the URL slots, embedded passages and landmarks of an HTML document, piece by piece, as a browser would.

The tokenizer is one regular expression a tag, with possessive quantifiers only, so that no input makes it backtrack. It
follows the tokenization rules of HTML (section 13.2.5); of tree construction it knows just what decides where head and
body begin, which elements hold raw text, and where CDATA is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from archiver.markup.attributes import ANYWHERE, SRCSETS, URL_ATTRIBUTES, is_classic_script, link_kind
from archiver.markup.css import scan_css
from archiver.markup.importmap import scan_import_map
from archiver.markup.skip import PLAIN_LINK, UNEVENTFUL
from archiver.markup.slots import Found, Landmark, LandmarkKind, Passage, PassageKind, Slot, SlotKind
from archiver.markup.srcset import scan_refresh, scan_srcset, scan_words
from archiver.markup.text import (
    RawView,
    charset_reader,
    encode_css,
    encode_double_quoted,
    encode_json,
    encode_single_quoted,
    encode_unquoted,
)
from archiver.plaintext import one_line

_MARK = re.compile(r"<[a-zA-Z/!?]")
_TAG = re.compile(
    r"""<(/?)([a-zA-Z][^\s/>]*+)((?>[\s/]++|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?>"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s"'>][^\s>]*+|(?=>)))?+)*+)>"""
)
_ATTRIBUTE = re.compile(r"""([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?>"([^"]*+)"|'([^']*+)'|([^\s"'>][^\s>]*+))?+)?+""")
_COMMENT_END = re.compile(r"--!?>")
_SCRIPT_MARK = re.compile(r"<!--|-->|<(/?)script(?=[\s/>])", re.IGNORECASE)
_NO_RESOURCE = ("data:", "about:", "blob:")
_JAVASCRIPT = re.compile(r"[\x00-\x20]*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:", re.IGNORECASE)
_RAW_TEXT = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
_HEAD_CONTENT = frozenset(
    {"base", "basefont", "bgsound", "link", "meta", "title", "noscript", "noframes", "style", "script", "template"}
)
_RENAMED = {
    "integrity": PassageKind.INTEGRITY,
    "crossorigin": PassageKind.CROSSORIGIN,
    "download": PassageKind.DOWNLOAD,
}
#: Attributes that mean the same on every element.
_COMMON = frozenset((*ANYWHERE, *SRCSETS, *_RENAMED, "style", "ping", "target", "formtarget", "srcdoc"))
_NONE: dict[str, SlotKind] = {}
_CSP_NAMES = frozenset({"content-security-policy", "x-content-security-policy", "content-security-policy-report-only"})

Encoder = Callable[[str], str]


class _Attribute:
    """One attribute of a tag: lower-case name, raw value and where both stand."""

    __slots__ = ("encode", "name", "name_end", "name_start", "raw", "view")

    def __init__(self, match: re.Match[str], offset: int, read: Callable[[str], str]) -> None:
        self.name = match.group(1).lower()
        self.name_start = offset + match.start(1)
        self.name_end = offset + match.end(1)
        group = match.lastindex or 1
        self.raw = match.group(group) if group > 1 else ""
        self.encode: Encoder = {2: encode_double_quoted, 3: encode_single_quoted}.get(group, encode_unquoted)
        start = offset + (match.start(group) if group > 1 else match.end())
        self.view = RawView(self.raw, start, read)

    @property
    def text(self) -> str:
        return self.view.text


class _Attributes:
    """The attributes of a tag, each looked into only when it is asked for; of two with one name the first counts.

    Attributes:
        names: lower case, in their order.
    """

    __slots__ = ("_offset", "_read", "names")

    def __init__(self, text: str, start: int, end: int, offset: int, read: Callable[[str], str]) -> None:
        self._offset = offset
        self._read = read
        self.names: dict[str, re.Match[str]] = {}
        for part in _ATTRIBUTE.finditer(text, start, end):
            self.names.setdefault(part.group(1).lower(), part)

    def __getitem__(self, name: str) -> _Attribute:
        return _Attribute(self.names[name], self._offset, self._read)

    def text(self, name: str) -> str:
        """The value; "" without one."""
        return self[name].text if name in self.names else ""


class HtmlScanner:
    """Reports what replay and capture need of an HTML document; feed it in pieces of any size.

    Args:
        charset: the real charset when fed a latin-1 view of bytes; None when fed text.

    Attributes:
        settled: everything found before this position has been reported, and nothing will be reported before it.
        title: the document's title, once seen.
    """

    def __init__(self, *, charset: str | None = None) -> None:
        self.settled = 0
        self.title = ""
        self._read = charset_reader(charset)
        self._charset = charset
        self._text = ""
        self._retry_at = 0
        self._raw_tag = ""  # inside this raw text element
        self._raw_kind: PassageKind | None = None
        self._plaintext = False
        self._foreign = 0
        self._template = 0
        self._noscript = False
        self._has_head = False
        self._has_body = False

    def feed(self, text: str) -> Iterator[Found]:
        """What `text` completes, in document order."""
        self._text += text
        if len(self._text) >= self._retry_at:
            yield from self._scan(final=False)

    def close(self) -> Iterator[Found]:
        """The rest, the end landmark last."""
        yield from self._scan(final=True)
        end = self.settled + len(self._text)
        if not self._has_head:
            yield self._landmark(end, LandmarkKind.HEAD)
        if not self._has_body:
            yield self._landmark(end, LandmarkKind.BODY)
        self.settled, self._text = end, ""
        yield self._landmark(end, LandmarkKind.END)

    # -- tokens ------------------------------------------------------------------------------------------------------

    def _scan(self, *, final: bool) -> Iterator[Found]:
        at = 0
        found: list[Found] = []
        while True:
            if self._has_body and not self._raw_tag and not self._plaintext:
                at = self._past_the_usual(at, found)
            end = self._token(at, final, found)
            if found:
                yield from found
                found.clear()
            if end < 0:
                break
            at = end
        self.settled += at
        self._text = self._text[at:]
        # An unfinished token is looked at again only when it has grown: no quadratic work on hostile input.
        self._retry_at = len(self._text) + len(self._text) // 4

    def _past_the_usual(self, at: int, found: list[Found]) -> int:
        """Pass over what holds nothing, and take the links of plain shape in between."""
        text, settled = self._text, self.settled
        while True:
            passed = UNEVENTFUL.match(text, at)
            if passed is not None:
                at = passed.end()
            link = PLAIN_LINK.match(text, at)
            if link is None:
                return at
            group = link.lastindex or 1
            start, end = link.span(group)
            kind = SlotKind.LINK if group == 1 else SlotKind.IMAGE
            found.append(Slot(settled + start, settled + end, text[start:end], kind, encode_double_quoted))
            at = link.end()

    def _token(self, at: int, final: bool, found: list[Found]) -> int:
        """Read one token from `at`; the position after it, or -1 when it is not complete."""
        text = self._text
        if at >= len(text):
            return -1
        if self._plaintext:
            return len(text)
        if self._raw_tag:
            return self._raw_text(at, final, found)
        match = _TAG.match(text, at)
        if match is None:
            return self._other(at, final, found)
        if match.group(1):
            self._end_tag(match.group(2).lower(), at, match.end(), found)
        else:
            self._start_tag(match, found)
        return match.end()

    def _other(self, at: int, final: bool, found: list[Found]) -> int:
        """Read what is not a whole tag: text, a comment, a declaration, or the beginning of anything."""
        text = self._text
        mark = _MARK.search(text, at)
        if mark is None:
            end = len(text) if final or text[-1] != "<" else len(text) - 1
            self._characters(at, end, found)
            return end if end > at else -1
        if mark.start() > at:
            self._characters(at, mark.start(), found)
            return mark.start()
        if mark.group(0) in ("<!", "<?"):
            return self._declaration(at, final)
        if mark.group(0) == "</" and len(text) > at + 2 and not text[at + 2].isalpha():
            return self._bogus(at, final)
        return len(text) if final else -1

    def _declaration(self, at: int, final: bool) -> int:
        text = self._text
        if text.startswith("<!--", at):
            if text.startswith(">", at + 4) or text.startswith("->", at + 4):
                return text.index(">", at) + 1
            if not final and len(text) < at + 6:
                return -1
            end = _COMMENT_END.search(text, at + 4)
            return end.end() if end else (len(text) if final else -1)
        if self._foreign and text.startswith("<![CDATA[", at):
            close = text.find("]]>", at)
            return close + 3 if close >= 0 else (len(text) if final else -1)
        if not final and len(text) < at + 9:
            return -1
        return self._bogus(at, final)

    def _bogus(self, at: int, final: bool) -> int:
        close = self._text.find(">", at)
        return close + 1 if close >= 0 else (len(self._text) if final else -1)

    def _characters(self, start: int, end: int, found: list[Found]) -> None:
        """Text between tags implies head and body when it is more than white space."""
        if not self._has_body:
            visible = self._text[start:end].lstrip(" \t\n\f\r\ufeff\xef\xbb\xbf")
            if visible:
                self._imply_body(end - len(visible), found)

    def _raw_text(self, at: int, final: bool, found: list[Found]) -> int:
        text, tag = self._text, self._raw_tag
        end = self._script_end(at) if tag == "script" else self._plain_end(tag, at)
        if end < 0:
            if not final:
                return -1
            end = len(text)
        self._raw_tag = ""
        self._raw_content(tag, at, end, found)
        return end if end > at else self._token(at, final, found)

    def _plain_end(self, tag: str, at: int) -> int:
        match = re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE).search(self._text, at)
        return match.start() if match else -1

    def _script_end(self, at: int) -> int:
        """Where a script ends, by the escaped states of HTML, section 13.2.5.15 and following."""
        escaped = double = False
        for match in _SCRIPT_MARK.finditer(self._text, at):
            token = match.group(0)
            if token == "<!--":
                escaped = True
            elif token == "-->":
                escaped = double = False
            elif match.group(1):
                if not double:
                    return match.start()
                double = False
            elif escaped:
                double = True
        return -1

    def _raw_content(self, tag: str, start: int, end: int, found: list[Found]) -> None:
        raw, offset = self._text[start:end], self.settled + start
        if tag == "title" and not self.title and not self._foreign:
            self.title = one_line(RawView(raw, 0, self._read).text)
        elif tag == "style":
            for slot in scan_css(raw, charset=self._charset):
                found.append(Slot(offset + slot.start, offset + slot.end, slot.value, slot.kind, slot.encode))
        elif tag == "script" and self._raw_kind is not None and raw.strip():
            kind, self._raw_kind = self._raw_kind, None
            found.append(Passage(offset, offset + len(raw), self._read(raw), kind, _script_text))
        elif tag == "script" and self._import_map:
            for first, last, value in scan_import_map(raw):
                found.append(Slot(offset + first, offset + last, value, SlotKind.IMPORT_MAP, encode_json))

    _import_map = False

    # -- structure ---------------------------------------------------------------------------------------------------

    def _landmark(self, at: int, kind: LandmarkKind) -> Landmark:
        return Landmark(at, at, kind)

    def _imply_head(self, at: int, found: list[Found]) -> None:
        if not self._has_head:
            self._has_head = True
            found.append(self._landmark(self.settled + at, LandmarkKind.HEAD))

    def _imply_body(self, at: int, found: list[Found]) -> None:
        if self._template or self._noscript:
            return
        self._imply_head(at, found)
        if not self._has_body:
            self._has_body = True
            found.append(self._landmark(self.settled + at, LandmarkKind.BODY))

    def _structure(self, tag: str, start: int, end: int, found: list[Found]) -> None:
        """Head and body landmarks, before the content of the tag itself."""
        if tag == "html":
            return
        if tag == "head":
            self._imply_head(end, found)
        elif tag == "body" and not self._has_body:
            self._imply_head(start, found)
        elif tag == "frameset" and not self._has_body:
            self._imply_head(start, found)
            self._has_body = True
            found.append(self._landmark(self.settled + start, LandmarkKind.FRAMESET))
        elif tag in _HEAD_CONTENT:
            self._imply_head(start, found)
        else:
            self._imply_body(start, found)

    def _end_tag(self, tag: str, start: int, end: int, found: list[Found]) -> None:
        if tag in ("svg", "math") and self._foreign:
            self._foreign -= 1
        elif tag == "template" and self._template:
            self._template -= 1
        elif tag == "noscript":
            self._noscript = False
        elif tag in ("body", "html", "br") and not self._has_body:
            self._imply_body(start, found)

    def _start_tag(self, match: re.Match[str], found: list[Found]) -> None:
        tag, raw = match.group(2).lower(), match.group(3)
        if not self._has_body:
            self._structure(tag, match.start(), match.end(), found)
        if raw:
            self._attributes(tag, match, found)
        elif tag == "script":
            self._raw_kind, self._import_map = PassageKind.SCRIPT, False
        if tag == "body" and not self._has_body:
            self._has_body = True
            found.append(self._landmark(self.settled + match.end(), LandmarkKind.BODY))
        self._enter(tag, raw)

    def _enter(self, tag: str, raw: str) -> None:
        closed = raw.endswith("/")
        if tag in ("svg", "math"):
            self._foreign += not closed
        elif tag in _RAW_TEXT and not (self._foreign and (closed or tag in ("title", "textarea", "iframe"))):
            self._raw_tag = tag
        elif tag == "plaintext" and not self._foreign:
            self._plaintext = True
        elif tag == "template" and not self._foreign:
            self._template += 1
        elif tag == "noscript" and not self._has_body:
            self._noscript = True

    # -- attributes --------------------------------------------------------------------------------------------------

    def _attributes(self, tag: str, match: re.Match[str], found: list[Found]) -> None:
        attributes = _Attributes(self._text, match.start(3), match.end(3), self.settled, self._read)
        if tag == "script":
            self._script_type(attributes)
        known = URL_ATTRIBUTES.get(tag, _NONE)
        first = len(found)
        for name in attributes.names:
            if name in known:
                kind = SlotKind.MODULE if tag == "script" and self._raw_kind is PassageKind.MODULE else known[name]
                self._url(attributes[name], kind, found)
            elif tag == "meta":
                self._meta(name, attributes, found)
            elif tag == "link" and name == "href":
                self._url(attributes[name], link_kind(attributes.text("rel"), attributes.text("as")), found)
            elif name in _COMMON or name.startswith("on"):
                self._common(tag, attributes[name], found)
        if len(found) - first > 1:
            found[first:] = sorted(found[first:], key=lambda item: item.start)

    def _script_type(self, attributes: _Attributes) -> None:
        type_ = attributes.text("type").strip().lower()
        self._import_map = type_ == "importmap"
        if is_classic_script(type_):
            self._raw_kind = PassageKind.SCRIPT
        elif type_ == "module":
            self._raw_kind = PassageKind.MODULE
        elif type_.endswith("json") or type_ == "speculationrules":
            self._raw_kind = PassageKind.JSON
        else:
            self._raw_kind = None

    def _url(self, attribute: _Attribute, kind: SlotKind, found: list[Found]) -> None:
        text = attribute.text
        value = text.strip(" \t\n\f\r").replace("\n", "").replace("\t", "").replace("\r", "")
        if not value or value[:6].lower().startswith(_NO_RESOURCE):
            return
        if _JAVASCRIPT.match(value):
            self._passage(attribute, PassageKind.JAVASCRIPT_URL, found)
            return
        start = len(text) - len(text.lstrip(" \t\n\f\r"))
        found.append(
            Slot(
                attribute.view.raw(start),
                attribute.view.raw(len(text.rstrip(" \t\n\f\r"))),
                value,
                kind,
                attribute.encode,
            )
        )

    def _passage(self, attribute: _Attribute, kind: PassageKind, found: list[Found]) -> None:
        view = attribute.view
        found.append(Passage(view.raw(0), view.raw(len(view.text)), view.text, kind, attribute.encode))

    def _common(self, tag: str, attribute: _Attribute, found: list[Found]) -> None:
        """Attributes that mean the same on every element."""
        name = attribute.name
        if name in ANYWHERE:
            if not attribute.text.lstrip().startswith(("{", "[")):
                self._url(attribute, ANYWHERE[name], found)
        elif name in SRCSETS:
            self._parts(attribute, SRCSETS[name], scan_srcset(attribute.text), found)
        elif name == "style":
            self._style(attribute, found)
        elif name == "ping":
            self._parts(attribute, SlotKind.PING, scan_words(attribute.text), found)
        elif name in _RENAMED:
            kind = _RENAMED[name]
            found.append(Passage(attribute.name_start, attribute.name_end, name, kind, _plain))
        elif name == "target" or name == "formtarget":
            self._passage(attribute, PassageKind.TARGET, found)
        elif name == "srcdoc" and tag == "iframe":
            self._passage(attribute, PassageKind.SRCDOC, found)
        elif name.startswith("on") and attribute.text:
            self._passage(attribute, PassageKind.HANDLER, found)

    def _parts(
        self,
        attribute: _Attribute,
        kind: SlotKind,
        spans: Iterator[tuple[int, int, str]] | list[tuple[int, int, str]],
        found: list[Found],
    ) -> None:
        for start, end, value in spans:
            if not value[:6].lower().startswith(_NO_RESOURCE):
                view = attribute.view
                found.append(Slot(view.raw(start), view.raw(end), value, kind, attribute.encode))

    def _style(self, attribute: _Attribute, found: list[Found]) -> None:
        outer = attribute.encode
        for slot in scan_css(attribute.text):
            view = attribute.view
            found.append(Slot(view.raw(slot.start), view.raw(slot.end), slot.value, slot.kind, _within(outer)))

    def _meta(self, name: str, attributes: _Attributes, found: list[Found]) -> None:
        attribute = attributes[name]
        equiv = attributes.text("http-equiv").strip().lower()
        if name == "charset":
            self._passage(attribute, PassageKind.META_CHARSET, found)
        elif name == "http-equiv" and equiv in _CSP_NAMES:
            self._passage(attribute, PassageKind.META_CSP, found)
        elif name == "content" and equiv == "refresh":
            span = scan_refresh(attribute.text)
            if span is not None and not _JAVASCRIPT.match(span[2]):
                self._parts(attribute, SlotKind.REFRESH, [span], found)
        elif name == "content" and equiv == "content-type":
            match = re.search(r"charset\s*=\s*[\"']?([^\s\"';]+)", attribute.text, re.IGNORECASE)
            if match:
                view = attribute.view
                start, end = view.raw(match.start(1)), view.raw(match.end(1))
                found.append(Passage(start, end, match.group(1), PassageKind.META_CHARSET, attribute.encode))


def _within(outer: Encoder) -> Encoder:
    return lambda text: outer(encode_css(text))


def _plain(text: str) -> str:
    return text


def _script_text(text: str) -> str:
    """Script source: a rewriter must not make an end tag out of it."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", text, flags=re.IGNORECASE)
