"""Where an HTML document is in SVG or MathML, whose tags and text are read by other rules (HTML, section 13.2.6.5)."""

from __future__ import annotations

from archiver.markup.tag import Attributes

_ROOTS = frozenset({"svg", "math"})
#: Elements of SVG and MathML whose content is HTML again.
_BY_ROOT = {
    "svg": frozenset({"foreignobject", "desc", "title"}),
    "math": frozenset({"mi", "mo", "mn", "ms", "mtext", "annotation-xml"}),
}
INTEGRATION_POINTS = frozenset().union(*_BY_ROOT.values())
#: HTML elements that end what is foreign, wherever in it they begin.
BREAK_OUT = frozenset(
    {
        "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "h1", "h2",
        "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol", "p", "pre",
        "ruby", "s", "small", "span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var", "font",
    }
)  # fmt: skip
_FONT_ATTRIBUTES = frozenset({"color", "face", "size"})


class ForeignContent:
    """Follows the tags that matter; of all others it need not be told.

    Attributes:
        is_foreign: the next tag is read as one of SVG or MathML.
        is_inside: an svg or math element is open.
    """

    __slots__ = ("_open", "is_foreign", "is_inside")

    def __init__(self) -> None:
        self._open: list[str] = []
        self.is_foreign = self.is_inside = False

    def before(self, tag: str, attributes: Attributes) -> None:
        """A start tag comes: `is_foreign` then says how its element is read."""
        if self.is_foreign and tag in BREAK_OUT and (tag != "font" or not _FONT_ATTRIBUTES.isdisjoint(attributes.names)):
            self._leave()

    def enter(self, tag: str, attributes: Attributes) -> None:
        """The content of an element comes."""
        if tag in _ROOTS or (self.is_foreign and self._is_integration_point(tag, attributes)):
            self._open.append(tag)
            self._settle()

    def end(self, tag: str) -> None:
        """An end tag."""
        if not self._open:
            return
        if self._open[-1] == tag:
            self._open.pop()
            self._settle()
        elif self.is_foreign and tag in BREAK_OUT:
            self._leave()

    def _is_integration_point(self, tag: str, attributes: Attributes) -> bool:
        if tag not in _BY_ROOT[self._open[-1]]:
            return False
        encoding = attributes.text("encoding").strip().lower() if tag == "annotation-xml" else "text/html"
        return encoding in ("text/html", "application/xhtml+xml")

    def _leave(self) -> None:
        while self._open and self._open[-1] in _ROOTS:
            self._open.pop()
        self._settle()

    def _settle(self) -> None:
        self.is_inside = bool(self._open)
        self.is_foreign = self.is_inside and self._open[-1] in _ROOTS
