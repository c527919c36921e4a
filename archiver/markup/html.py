"""Finds the URL slots, embedded passages and landmarks of an HTML document, piece by piece, as a browser would.

The tokenizer is one regular expression a tag, with possessive quantifiers only, so that no input makes it backtrack. It
follows the tokenization rules of HTML (section 13.2.5); of tree construction it knows just what decides where head and
body begin, which elements hold raw text, and where CDATA is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from archiver.markup.css import scan_css
from archiver.markup.foreign import ROOTS, ForeignContent
from archiver.markup.importmap import scan_import_map
from archiver.markup.skip import PLAIN_LINK, UNEVENTFUL, UNEVENTFUL_FOREIGN
from archiver.markup.slots import Found, Landmark, LandmarkKind, Passage, PassageKind, Slot, SlotKind
from archiver.markup.tag import Attributes, scan_tag, script_kind
from archiver.markup.text import (
    MarkupView,
    RawView,
    charset_reader,
    encode_content,
    encode_css,
    encode_double_quoted,
    encode_json,
)
from archiver.plaintext import one_line

_MARK = re.compile(r"<[a-zA-Z/!?]")
#: A tag, and white space before it.
_TAG = re.compile(
    r"""[ \t\n\f\r]*+<(/?)([a-zA-Z][^ \t\n\f\r/>]*+)"""
    r"""((?>[ \t\n\f\r/]++|[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+"""
    r"""(?>"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^ \t\n\f\r"'>][^ \t\n\f\r>]*+|(?=>)))?+)*+)>"""
)
_COMMENT_END = re.compile(r"--!?>")
_CONTENT_MARK = re.compile(r"<(?:!--|!\[CDATA\[|[a-zA-Z/!?])")
#: What may stand before the name of an end tag in a script: "<!-->" begins a comment and ends it.
_SCRIPT_MARK = re.compile(r"(<!---*+>|-->)|(<!--)|<(/?)script(?=[ \t\n\f\r/>])", re.IGNORECASE)
_RAW_TEXT = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript"})
#: Of SVG, and of any XML: elements whose text matters, whatever else is in them.
_CONTENT = frozenset({"script", "style"})
_HEAD_CONTENT = frozenset(
    {"base", "basefont", "bgsound", "link", "meta", "title", "noscript", "noframes", "style", "script", "template"}
)


class HtmlScanner:
    """Reports what replay and capture need of an HTML document; feed it in pieces of any size.

    Args:
        charset: the real charset when fed a latin-1 view of bytes; None when fed text.

    Attributes:
        settled: everything found before this position has been reported, and nothing will be reported before it.
        title: the document's title, once seen.
    """

    _is_xml = False

    def __init__(self, *, charset: str | None = None) -> None:
        self.settled = 0
        self.title = ""
        self._read = charset_reader(charset)
        self._charset = charset
        self._text = ""
        self._retry_at = 0
        self._raw_tag = ""  # inside this raw text element
        self._content_tag = ""  # inside this element, whose content is markup
        self._script: tuple[PassageKind | None, bool] = (None, False)
        self._plaintext = False
        self._foreign = ForeignContent()
        self._template = 0
        self._in_noscript = False
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
        yield from self._at_end(end)
        self.settled, self._text = end, ""
        yield self._landmark(end, LandmarkKind.END)

    # -- tokens ------------------------------------------------------------------------------------------------------

    def _scan(self, *, final: bool) -> Iterator[Found]:
        at = 0
        found: list[Found] = []
        while True:
            if (self._has_body or self._is_xml) and not (self._raw_tag or self._content_tag or self._plaintext):
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
        if self._foreign.is_inside:
            return self._past_foreign(at)
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

    def _past_foreign(self, at: int) -> int:
        """The same inside SVG and MathML."""
        passed = UNEVENTFUL_FOREIGN.match(self._text, at) if self._foreign.is_foreign else None
        return passed.end() if passed is not None else at

    def _token(self, at: int, final: bool, found: list[Found]) -> int:
        """Read one token from `at`; the position after it, or -1 when it is not complete."""
        text = self._text
        if at >= len(text):
            return -1
        if self._plaintext:
            return len(text)
        if self._raw_tag:
            return self._raw_text(at, final, found)
        if self._content_tag:
            return self._content(at, final, found)
        match = _TAG.match(text, at)
        if match is None:
            return self._other(at, final, found)
        if match.group(1):
            self._end_tag(self._name(match), match.start(1) - 1, match.end(), found)
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
            return self._declaration(at, final, found)
        if mark.group(0) == "</" and len(text) > at + 2 and not (text[at + 2].isascii() and text[at + 2].isalpha()):
            return self._bogus(at, final)
        return len(text) if final else -1

    def _declaration(self, at: int, final: bool, found: list[Found]) -> int:
        text = self._text
        if text.startswith("<!--", at):
            if text.startswith(">", at + 4) or text.startswith("->", at + 4):
                return text.index(">", at) + 1
            if not final and len(text) < at + 6:
                return -1
            end = _COMMENT_END.search(text, at + 4)
            return end.end() if end else (len(text) if final else -1)
        if self._foreign.is_foreign and text.startswith("<![CDATA[", at):
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
        end_tag = f"</{tag}>"  # as most are; outside SVG it means nothing more
        if text.startswith(end_tag, at):
            self._raw_tag = ""
            return self._token(at, final, found) if self._foreign.is_inside else at + len(end_tag)
        end = self._script_end(at) if tag == "script" else self._plain_end(tag, at)
        if end < 0:
            if not final:
                return -1
            end = len(text)
        self._raw_tag = ""
        self._raw_content(tag, at, end, found)
        if text.startswith(end_tag, end) and not self._foreign.is_inside:
            return end + len(end_tag)
        return end if end > at else self._token(at, final, found)

    def _plain_end(self, tag: str, at: int) -> int:
        match = re.compile(rf"</{tag}(?=[ \t\n\f\r/>])", re.IGNORECASE).search(self._text, at)
        return match.start() if match else -1

    def _script_end(self, at: int) -> int:
        """Where a script ends, by the escaped states of HTML, section 13.2.5.15 and following."""
        escaped = double = False
        for match in _SCRIPT_MARK.finditer(self._text, at):
            if match.group(1):
                escaped = double = False
            elif match.group(2):
                escaped = True
            elif match.group(3):
                if not double:
                    return match.start()
                double = False
            elif escaped:
                double = True
        return -1

    def _raw_content(self, tag: str, start: int, end: int, found: list[Found]) -> None:
        raw, offset = self._text[start:end], self.settled + start
        if tag == "title" and not self.title:
            self.title = one_line(RawView(raw, 0, self._read).text)
        elif tag == "style":
            for slot in scan_css(raw, charset=self._charset):
                found.append(_moved(slot, offset))
        elif tag == "noscript":
            self._without_scripts(raw, offset, found)
        elif tag == "script":
            kind, is_import_map = self._script
            if kind is not None and raw.strip():
                found.append(Passage(offset, offset + len(raw), raw, kind, partial(_script_text, raw)))
            elif is_import_map:
                for first, last, value, is_name in scan_import_map(raw):
                    found.append(Slot(offset + first, offset + last, value, _IMPORTS[is_name], encode_json))

    def _without_scripts(self, raw: str, offset: int, found: list[Found]) -> None:
        """What browsers that run scripts pass over, up to the first thing that looks like its end; others read it."""
        inner = HtmlScanner(charset=self._charset)
        inner._begin_in_noscript()
        for item in (*inner.feed(raw), *inner.close()):
            if isinstance(item, Slot | Passage):
                found.append(_moved(item, offset))
        _make_inert(found)

    def _begin_in_noscript(self) -> None:
        """What is read is the content of a noscript element."""
        self._has_head = self._has_body = self._in_noscript = True

    def _content(self, at: int, final: bool, found: list[Found]) -> int:
        """Read the text of a script or style element in SVG, where CDATA, comments and references are what they are."""
        end = self._content_end(at)
        if end < 0:
            if not final:
                return -1
            end = len(self._text)
        tag, self._content_tag = self._content_tag, ""
        if end == at:
            return self._token(at, final, found)
        view = MarkupView(self._text[at:end], self.settled + at, self._read)
        self._text_of(tag, view, self.settled + at, self.settled + end, found)
        return end

    def _text_of(self, tag: str, view: MarkupView, start: int, end: int, found: list[Found]) -> None:
        kind, is_import_map = self._script
        if tag == "title":
            self.title = self.title or one_line(view.text)
        elif tag == "style":
            for slot in scan_css(view.text):
                found.append(slot._replace(start=view.start(slot.start), end=view.end(slot.end), encode=_css_content))
        elif kind is not None and view.text.strip():
            found.append(Passage(start, end, view.text, kind, encode_content))
        elif is_import_map:
            for first, last, value, is_name in scan_import_map(view.text):
                found.append(Slot(view.start(first), view.end(last), value, _IMPORTS[is_name], _json_content))

    def _content_end(self, at: int) -> int:
        text = self._text
        while (mark := _CONTENT_MARK.search(text, at)) is not None:
            if mark.group(0) == "<![CDATA[":
                close, length = text.find("]]>", mark.end()), 3
            elif mark.group(0) == "<!--":
                close, length = text.find("-->", mark.end()), 3
            elif mark.group(0) in ("<!", "<?"):
                close, length = text.find(">", mark.end()), 1
            else:
                return mark.start()
            if close < 0:
                return -1
            at = close + length
        return -1

    # -- structure ---------------------------------------------------------------------------------------------------

    def _landmark(self, at: int, kind: LandmarkKind) -> Landmark:
        return Landmark(at, at, kind)

    def _at_end(self, end: int) -> Iterator[Landmark]:
        """What a document without any element has all the same."""
        if not self._has_head:
            yield self._landmark(end, LandmarkKind.HEAD)
        if not self._has_body:
            yield self._landmark(end, LandmarkKind.BODY)

    def _name(self, match: re.Match[str]) -> str:
        return match.group(2).lower()

    def _imply_head(self, at: int, found: list[Found]) -> None:
        if not self._has_head:
            self._has_head = True
            found.append(self._landmark(self.settled + at, LandmarkKind.HEAD))

    def _imply_body(self, at: int, found: list[Found]) -> None:
        if self._template:
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
        if self._foreign.is_inside:
            self._foreign.end(tag)
        elif tag == "template" and self._template:
            self._template -= 1
        elif tag in ("body", "html", "br") and not self._has_body:
            self._imply_body(start, found)

    def _start_tag(self, match: re.Match[str], found: list[Found]) -> None:
        tag = self._name(match)
        if not self._has_body:
            self._structure(tag, match.start(1) - 1, match.end(), found)
        self._open(tag, match, found)
        if tag == "body" and not self._has_body:
            self._has_body = True
            found.append(self._landmark(self.settled + match.end(), LandmarkKind.BODY))

    def _open(self, tag: str, match: re.Match[str], found: list[Found]) -> None:
        """Report what a start tag holds, and read on as it says."""
        attributes = Attributes(self._text, match.start(3), match.end(3), self.settled, self._read)
        foreign = self._foreign
        if foreign.is_foreign:
            foreign.before(tag, attributes)
        if attributes.names:
            self._look_into(tag, attributes, found, foreign.is_foreign or tag in ROOTS or self._is_xml)
            if (self._template or foreign.is_foreign) and tag in ("base", "meta"):
                _make_inert(found)
        if tag == "script":
            self._script = script_kind(attributes)
        if foreign.is_foreign:
            if not attributes.is_closed:
                foreign.enter(tag, attributes)
                self._content_tag = tag if tag in _CONTENT else ""
        else:
            self._enter(tag, is_closed=attributes.is_closed)

    def _look_into(self, tag: str, attributes: Attributes, found: list[Found], is_foreign: bool) -> None:
        """Report what a start tag holds."""
        scan_tag(tag, attributes, found, is_foreign=is_foreign)

    def _enter(self, tag: str, *, is_closed: bool) -> None:
        if tag in ROOTS:
            if not is_closed:
                self._foreign.enter(tag)
        elif tag in _RAW_TEXT and not (tag == "noscript" and self._in_noscript):
            self._raw_tag = tag
        elif tag == "plaintext":
            self._plaintext = True
        elif tag == "template":
            self._template += 1


#: What changes how the text of a script element ends.
_SCRIPT_OPENING = re.compile(r"<(/?script|!--)", re.IGNORECASE)
_HIDDEN = re.compile(r"\s*<!--")

#: What a base element or a refresh is where the browser does not act on it.
_IMPORTS = (SlotKind.IMPORT_MAP, SlotKind.IMPORT_NAME)
INERT = {SlotKind.BASE: SlotKind.ALTERNATE, SlotKind.REFRESH: SlotKind.LINK}


def _make_inert(found: list[Found]) -> None:
    for index, item in enumerate(found):
        if isinstance(item, Slot) and item.kind in INERT:
            found[index] = item._replace(kind=INERT[item.kind])


def _script_text(original: str, text: str) -> str:
    """Script source that was rewritten: no end tag and no comment comes of it that was not there.

    Those that were there mean what they did, such as the comment around a script that hides it from browsers of 1996.
    """
    if _SCRIPT_OPENING.findall(text) == _SCRIPT_OPENING.findall(original):
        return text
    hidden = _HIDDEN.match(text)
    start = hidden.end() if hidden else 0
    return text[:start] + _SCRIPT_OPENING.sub(r"\\x3c\1", text[start:])


def _css_content(text: str) -> str:
    return encode_css(text).replace("&", "\\26 ")


def _json_content(text: str) -> str:
    return encode_json(text).replace("&", "\\u0026")


def _moved(item: Slot | Passage, offset: int) -> Slot | Passage:
    return item._replace(start=item.start + offset, end=item.end + offset)
