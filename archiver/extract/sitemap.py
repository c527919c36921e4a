"""Sitemaps (sitemaps.org 0.9, with pictures, videos and languages), RSS, Atom, OPML, and addresses in any other XML.

Read tag by tag and not by an XML parser: many are cut, or have "&" where "&amp;" is meant, and no entity of theirs is worth
putting in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from archiver.extract.gather import Mention
from archiver.extract.guess import Likeness, kind_of, likeness
from archiver.markup.attributes import link_kind
from archiver.markup.slots import SlotKind
from archiver.markup.text import RawView

_TOKEN = re.compile(
    r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<\?xml-stylesheet(\s[^>]*+)>|<\?.*?(?:\?>|\Z)|<![^>]*+(?:>|\Z)"
    r"""|<(/?)([A-Za-z_][\w:.-]*+)((?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>""",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([\w:.-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""")
_PROLOG = re.compile(r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!(?!--)[^\[>]*+(?:\[[^\]]*+(?:\]\s*+|\Z))?+(?:>|\Z)", re.DOTALL)
_ROOT = re.compile(r"<(?:[\w.-]++:)?([A-Za-z_][\w.-]*+)(?=[\s/>])")
_LINE = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
#: Lines that decide whether a text is a list of addresses.
_LINES = 20

#: A row of elements without others in them that name no address, whatever text stands between: in documents that are neither
#: sitemaps nor feeds nearly all are such. No name or attribute that means something is among them, nor "://" in any form.
_EVENTLESS = re.compile(
    r"(?:[^<]*+<(?!(?i:url|sitemap|item|entry|loc|content_loc|thumbnail_loc|player_loc|encoded|description|summary|content|link)"
    r"[\s/>])([A-Za-z_][\w.-]*+)"
    r"""(?:\s++(?!(?i:href|src|url|xmlurl|htmlurl|thumbnail)=)[A-Za-z_][\w.-]*+="[^"<>&:]*+")*+\s*+"""
    r"(?:/>|>(?:[^<&:]++|:(?!//)|&(?:amp|lt|gt|quot|apos);)*+</\1\s*+>))++"
)

#: Elements inside each other that are kept track of.
_MAX_DEPTH = 100

#: Elements that hold an address and the date of what is there.
_ENTRIES = frozenset({"url", "sitemap", "item", "entry"})
_DATES = frozenset({"lastmod", "pubdate", "updated", "date", "published"})
_SITEMAP_TEXTS = {
    "content_loc": (SlotKind.MEDIA, "sitemap video"),
    "thumbnail_loc": (SlotKind.IMAGE, "sitemap video"),
    "player_loc": (SlotKind.FRAME, "sitemap video"),
}
#: (element around, element) of feeds whose text is an address; "" for any element around.
_FEED_TEXTS = {
    ("", "link"): (SlotKind.LINK, "feed link"),
    ("", "comments"): (SlotKind.LINK, "feed link"),
    ("", "commentrss"): (SlotKind.ALTERNATE, "feed link"),
    ("", "origlink"): (SlotKind.LINK, "feed link"),
    ("image", "url"): (SlotKind.IMAGE, "feed picture"),
    ("", "icon"): (SlotKind.ICON, "feed picture"),
    ("", "logo"): (SlotKind.IMAGE, "feed picture"),
    ("author", "uri"): (SlotKind.LINK, "feed link"),
    ("contributor", "uri"): (SlotKind.LINK, "feed link"),
}
_FEED_ROOTS = frozenset({"rss", "feed", "rdf", "channel"})
#: Elements whose text is markup once more.
_MARKUP_TEXTS = frozenset({"encoded", "description", "summary", "content"})
_NO_ADDRESS = frozenset({"xmlns", "schemalocation", "nonamespaceschemalocation", "base"})
_ADDRESS_ATTRIBUTES = frozenset({"href", "src", "url", "xmlurl", "htmlurl", "thumbnail"})


@dataclass(frozen=True, slots=True)
class Markup:
    """A text that is HTML, such as the content of an entry of a feed."""

    text: str


def root_of(start: str) -> str:
    """The name of the root element, lower case, without its prefix; "" when `start` does not come that far."""
    match = _ROOT.search(_PROLOG.sub("", start))
    return match.group(1).lower() if match else ""


def is_url_list(text: str) -> bool:
    """The text, or its beginning, is a sitemap of the plain kind: one address a line, but for the last, which may be cut."""
    lines = [line.strip() for line in text.splitlines()[:_LINES] if not line.isspace() and line]
    return bool(lines) and all(_LINE.fullmatch(line) for line in lines[:-1] or lines)


def url_list(text: str) -> Iterator[Mention]:
    """The addresses of a sitemap of the plain kind."""
    for line in text.splitlines():
        if _LINE.fullmatch(line.strip()):
            yield Mention(line.strip(), SlotKind.LINK, "sitemap")


def xml_links(text: str) -> Iterator[Mention | Markup]:
    """What a document of XML that is no page names, in order.

    Args:
        text: of the document; what is not well-formed, or cut, is read as far as it goes.
    """
    reader = _Reader()
    at = 0
    while True:
        if reader.may_pass_over and (eventless := _EVENTLESS.match(text, at)) is not None:
            at = eventless.end()
            reader.pass_over()
        token = _TOKEN.search(text, at)
        if token is None:
            break
        if reader.is_text_wanted and token.start() > at:
            reader.texts.append(_plain(text[at : token.start()]))
        at = token.end()
        kind = token.lastindex
        if kind == 1:
            reader.texts.append(token.group(1))
        elif kind == 2:
            yield from _style_sheet(token.group(2))
        elif kind is not None:
            name = token.group(4).lower()
            if token.group(3):
                yield from reader.end(name)
            else:
                yield from reader.start(name, token.group(5))
    yield from reader.finish()


def _plain(raw: str) -> str:
    return RawView(raw, 0, str).text if "&" in raw else raw


def _attributes(raw: str) -> dict[str, str]:
    """The attributes of a tag, by their name in lower case."""
    return {match.group(1).lower(): _plain(match.group(match.lastindex or 0)).strip() for match in _ATTRIBUTE.finditer(raw)}


def _style_sheet(raw: str) -> Iterator[Mention]:
    attributes = _attributes(raw)
    href = attributes.get("href", "")
    if href and not href.startswith(("#", "data:")):
        kind = SlotKind.OBJECT if "xsl" in attributes.get("type", "") else SlotKind.STYLESHEET
        yield Mention(href, kind, "xml-stylesheet")


@dataclass(slots=True)
class _Reader:
    """Follows the elements of one document."""

    root: str = ""
    names: list[str] = field(default_factory=list)  # of the open elements
    texts: list[str] = field(default_factory=list)  # of the innermost, so far
    is_text_wanted: bool = False
    entry: list[Mention | Markup] | None = None
    modified: str = ""
    is_permalink: bool = True
    is_markup: bool = False

    @property
    def may_pass_over(self) -> bool:
        """Elements that name nothing, with nothing in them, change nothing here."""
        return bool(self.root) and self.entry is None and self.root not in _FEED_ROOTS and len(self.names) < _MAX_DEPTH

    def pass_over(self) -> None:
        """What comes next stands behind such an element."""
        self.texts.clear()
        self.is_text_wanted = False

    def start(self, full_name: str, raw: str) -> Iterator[Mention | Markup]:
        name = full_name.rpartition(":")[2]
        attributes = _attributes(raw) if "=" in raw else {}
        if not self.root:
            self.root = name
            if base := attributes.get("xml:base"):
                yield Mention(base, SlotKind.BASE)
        if name in _ENTRIES and self.entry is None and not (name == "url" and self.root in _FEED_ROOTS):
            self.entry, self.modified = [], ""
        found = list(self._in_attributes(full_name, name, attributes)) if attributes else []
        if self.entry is not None:
            self.entry += found
        else:
            yield from found
        self.is_permalink = attributes.get("ispermalink", "").lower() != "false"
        self.is_markup = name in _MARKUP_TEXTS and "xhtml" not in attributes.get("type", "")
        self.texts.clear()
        self.is_text_wanted = not raw.endswith("/")
        if self.is_text_wanted:
            if len(self.names) < _MAX_DEPTH:
                self.names.append(name)
        elif name in _ENTRIES and self.entry is not None and (not self.names or self.names[-1] not in _ENTRIES):
            yield from self._flushed()

    def end(self, full_name: str) -> Iterator[Mention | Markup]:
        name = full_name.rpartition(":")[2]
        if self.names and self.names[-1] == name:
            self.names.pop()
        elif name in self.names:
            while self.names.pop() != name:
                pass
        if self.is_text_wanted and self.texts:
            found = list(self._in_text(name, "".join(self.texts).strip()))
            if self.entry is not None:
                self.entry += found
            else:
                yield from found
        self.texts.clear()
        self.is_text_wanted = False
        if name in _ENTRIES and self.entry is not None and not _ENTRIES.intersection(self.names):
            yield from self._flushed()

    def finish(self) -> Iterator[Mention | Markup]:
        """What an entry that was cut has all the same."""
        if self.is_text_wanted and self.texts and self.names:
            yield from self.end(self.names[-1])
        yield from self._flushed()

    def _flushed(self) -> Iterator[Mention | Markup]:
        entry, self.entry = self.entry or [], None
        for item in entry:
            is_main = isinstance(item, Mention) and item.kind is SlotKind.LINK
            yield item._replace(modified=self.modified) if is_main and self.modified else item  # type: ignore[union-attr]

    def _in_text(self, name: str, text: str) -> Iterator[Mention | Markup]:
        around = self.names[-1] if self.names else ""
        if name in _DATES:
            if self.entry is not None and (around in _ENTRIES or not self.modified):
                self.modified = self.modified if name == "published" and self.modified else text[:64]
        elif name == "loc":
            place = "sitemap index" if around == "sitemap" else "sitemap image" if around == "image" else "sitemap"
            yield Mention(text, SlotKind.IMAGE if around == "image" else SlotKind.LINK, place)
        elif name in _SITEMAP_TEXTS:
            yield Mention(text, *_SITEMAP_TEXTS[name])
        elif self.root in _FEED_ROOTS and (known := _FEED_TEXTS.get((around, name)) or _FEED_TEXTS.get(("", name))):
            if " " not in text:
                yield Mention(text, *known)
        elif self.root in _FEED_ROOTS and name == "guid":
            if self.is_permalink and likeness(text) is Likeness.ABSOLUTE:
                yield Mention(text, SlotKind.LINK, "feed link")
        elif self.is_markup and "<" in text:
            yield Markup(text)
        elif "://" in text and likeness(text) is Likeness.ABSOLUTE:
            yield Mention(text, kind_of(text), f"xml {name}")

    def _in_attributes(self, full_name: str, name: str, attributes: dict[str, str]) -> Iterator[Mention]:
        if name == "link" and "href" in attributes:
            rel = attributes.get("rel", "")
            kind = SlotKind.LINK if rel in ("", "alternate") and self.entry is not None else link_kind(rel, "")
            yield Mention(attributes["href"], kind, "feed link" if self.root in _FEED_ROOTS else f"xml {name}")
            return
        for attribute, value in attributes.items():
            prefix, _, local = attribute.rpartition(":")
            if not value or prefix == "xmlns" or local in _NO_ADDRESS:
                continue
            place = f"xml {name} {local}"
            if local in _ADDRESS_ATTRIBUTES and " " not in value:
                kind = _media_kind(attributes) or (SlotKind.IMAGE if name == "thumbnail" else kind_of(value))
                yield Mention(value, kind, f"feed {full_name}" if self.root in _FEED_ROOTS else place)
            elif "://" in value and likeness(value) is Likeness.ABSOLUTE:
                yield Mention(value, kind_of(value), place)


def _media_kind(attributes: dict[str, str]) -> SlotKind | None:
    """What an enclosure is, by its type."""
    top = (attributes.get("type") or attributes.get("medium", "")).partition("/")[0].lower()
    return {"image": SlotKind.IMAGE, "audio": SlotKind.MEDIA, "video": SlotKind.MEDIA}.get(top)
