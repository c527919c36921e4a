"""Where an HTML document is in SVG or MathML, whose tags and text are read by other rules (HTML, section 13.2.6.5)."""

from __future__ import annotations

from archiver.markup.tag import Attributes

#: Elements of HTML that what is in them makes foreign.
ROOTS = frozenset({"svg", "math"})
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
#: End tags that do, as long as such an element is open, which nobody keeps count of here.
_BREAK_OUT_ENDS = BREAK_OUT - {"body", "embed", "head", "hr", "img", "meta"}
_FONT_ATTRIBUTES = frozenset({"color", "face", "size"})


class ForeignContent:
    """Follows the tags that matter; of all others it need not be told.

    Attributes:
        is_foreign: the next tag is read as one of SVG or MathML.
        is_inside: an svg or math element is open.
    """

    __slots__ = ("_open", "is_foreign", "is_inside")

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []  # element, and whether its content is "svg", "math", or HTML: ""
        self.is_foreign = self.is_inside = False

    def before(self, tag: str, attributes: Attributes) -> None:
        """A start tag comes: `is_foreign` then says how its element is read."""
        if self.is_foreign and tag in BREAK_OUT and (tag != "font" or not _FONT_ATTRIBUTES.isdisjoint(attributes.names)):
            self._leave()

    def enter(self, tag: str, attributes: Attributes | None = None) -> None:
        """The content of an element comes; the attributes matter where `is_foreign`."""
        content: str | None = tag if tag in ROOTS else None
        if self.is_foreign and attributes is not None:
            above, around = self._open[-1]
            if self._is_integration_point(tag, around, attributes):
                content = ""
            elif tag == around or tag == "annotation-xml":
                content = around
            elif not (tag == "svg" and above == "annotation-xml"):
                content = None  # <math> in <svg> is just an element of SVG that nobody knows
        if content is not None:
            self._open.append((tag, content))
            self._settle()

    def end(self, tag: str) -> None:
        """An end tag."""
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index][0] == tag:
                del self._open[index:]
                self._settle()
                return
            if not self._open[index][1]:
                break
        if self.is_foreign and tag in _BREAK_OUT_ENDS:
            self._leave()

    @staticmethod
    def _is_integration_point(tag: str, around: str, attributes: Attributes) -> bool:
        if tag not in _BY_ROOT[around]:
            return False
        encoding = attributes.text("encoding").strip().lower() if tag == "annotation-xml" else "text/html"
        return encoding in ("text/html", "application/xhtml+xml")

    def _leave(self) -> None:
        while self._open and self._open[-1][1]:
            self._open.pop()
        self._settle()

    def _settle(self) -> None:
        self.is_inside = bool(self._open)
        self.is_foreign = self.is_inside and bool(self._open[-1][1])
