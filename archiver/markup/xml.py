"""Finds the same in documents that browsers read as XML: XHTML, SVG, and whatever names its style sheet.

XML has CDATA sections everywhere, comments that end only at "-->", elements that a slash ends, and no raw text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.markup.html import HtmlScanner
from archiver.markup.skip import UNEVENTFUL_IN_SVG, UNEVENTFUL_IN_TITLED_SVG
from archiver.markup.slots import Found, Landmark, LandmarkKind, Slot, SlotKind
from archiver.markup.tag import Attributes

_XML_TYPES = frozenset({"text/xml", "application/xml"})
#: Documents whose elements mean something to browsers.
_KNOWN_ROOTS = frozenset({"html", "svg"})
_INSTRUCTION = re.compile(r"<\?xml-stylesheet(?=\s)")
_SECTIONS = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"))
_DECLARATION = ("<!", ">")
#: Elements whose text matters.
_CONTENT = frozenset({"script", "style", "title"})


def is_xml(media_type: str) -> bool:
    """True for types that browsers read as XML (MIME Sniffing Standard, section 4.6)."""
    return media_type in _XML_TYPES or media_type.endswith("+xml")


def scanner_of(media_type: str, charset: str | None) -> HtmlScanner:
    """The scanner for a document of that type."""
    return XmlScanner(charset=charset) if is_xml(media_type) else HtmlScanner(charset=charset)


class XmlScanner(HtmlScanner):
    """Reports what replay and capture need of an XML document; of others than XHTML and SVG, just the style sheet."""

    _is_xml = True
    _root = ""

    def _past_the_usual(self, at: int, found: list[Found]) -> int:
        if self._root != "svg":
            return at
        passed = (UNEVENTFUL_IN_TITLED_SVG if self.title else UNEVENTFUL_IN_SVG).match(self._text, at)
        return passed.end() if passed is not None else at

    def _declaration(self, at: int, final: bool, found: list[Found]) -> int:
        text = self._text
        opening, ending = next((pair for pair in _SECTIONS if text.startswith(pair[0], at)), _DECLARATION)
        if not final and any(mark.startswith(text[at:]) for mark, _ in _SECTIONS):
            return -1
        end = text.find(ending, at + len(opening))
        if opening == "<!" and "[" in text[at : end if end >= 0 else None]:
            end = text.find("]", at)  # declarations of its own: a ">" in them is none of the document type's
            end = text.find(">", end) if end >= 0 else -1
        if end < 0:
            return len(text) if final else -1
        if not self._root and _INSTRUCTION.match(text, at):
            self._instruction(at, end, found)
        return end + len(ending)

    def _instruction(self, at: int, end: int, found: list[Found]) -> None:
        """The style sheet of a document (Associating Style Sheets with XML documents)."""
        attributes = Attributes(self._text, at + len("<?xml-stylesheet"), end, self.settled, self._read)
        if "href" not in attributes.names:
            return
        attribute = attributes["href"]
        value = attribute.text.strip()
        kind = SlotKind.OBJECT if "xsl" in attributes.text("type") else SlotKind.STYLESHEET
        if value and not value.startswith(("#", "data:")):
            view = attribute.view
            found.append(Slot(view.raw(0), view.raw(len(attribute.text)), value, kind, attribute.encode))

    def _characters(self, start: int, end: int, found: list[Found]) -> None:
        """Text implies no element."""

    def _at_end(self, end: int) -> Iterator[Landmark]:
        """Nothing may stand after the last tag."""
        return iter(())

    def _name(self, match: re.Match[str]) -> str:
        """Without the prefix of its namespace."""
        return match.group(2).rpartition(":")[2].lower()

    def _start_tag(self, match: re.Match[str], found: list[Found]) -> None:
        is_root = not self._root
        self._root = self._root or self._name(match)
        if self._root in _KNOWN_ROOTS:
            super()._start_tag(match, found)
        if is_root and self._root == "svg" and not match.group().endswith("/>"):
            found.append(self._landmark(self.settled + match.end(), LandmarkKind.HEAD))  # scripts can stand there

    def _structure(self, tag: str, start: int, end: int, found: list[Found]) -> None:
        if self._root == "html":
            super()._structure(tag, start, end, found)

    def _enter(self, tag: str, *, is_closed: bool) -> None:
        if tag in _CONTENT and not is_closed:
            self._content_tag = tag
