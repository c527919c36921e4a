"""Reads pages for all that a crawl may follow: more than a browser asks for while it shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from archiver.extract.gather import Gatherer, Mention
from archiver.extract.guess import Likeness, kind_of, likeness
from archiver.extract.jsonlinks import json_links
from archiver.extract.requisites import scanned_text
from archiver.extract.scripts import script_links
from archiver.markup.attributes import LAZY, LINKING, SRCSETS
from archiver.markup.charset import Charset
from archiver.markup.foreign import ROOTS
from archiver.markup.html import INERT, HtmlScanner
from archiver.markup.skip import UNEVENTFUL_TO_LINK
from archiver.markup.slots import Found, Passage, PassageKind, Slot, SlotKind
from archiver.markup.tag import Attributes, scan_tag, script_kind
from archiver.markup.text import encode_double_quoted
from archiver.markup.xml import XmlScanner, is_xml

#: Names under which robots directives for us stand.
ROBOTS_NAMES = frozenset({"robots", "muniment"})

#: What meta elements name, by their name, property or itemprop.
_META = {
    "og:url": SlotKind.ALTERNATE,
    "og:image": SlotKind.IMAGE,
    "og:image:url": SlotKind.IMAGE,
    "og:image:secure_url": SlotKind.IMAGE,
    "og:audio": SlotKind.ALTERNATE,
    "og:audio:url": SlotKind.ALTERNATE,
    "og:audio:secure_url": SlotKind.ALTERNATE,
    "og:video": SlotKind.ALTERNATE,
    "og:video:url": SlotKind.ALTERNATE,
    "og:video:secure_url": SlotKind.ALTERNATE,
    "og:see_also": SlotKind.LINK,
    "article:author": SlotKind.LINK,
    "twitter:image": SlotKind.IMAGE,
    "twitter:image:src": SlotKind.IMAGE,
    "twitter:player": SlotKind.LINK,
    "twitter:player:stream": SlotKind.ALTERNATE,
    "msapplication-config": SlotKind.ALTERNATE,
    "msapplication-starturl": SlotKind.LINK,
    "msapplication-tileimage": SlotKind.ICON,
    "msapplication-square70x70logo": SlotKind.ICON,
    "msapplication-square150x150logo": SlotKind.ICON,
    "msapplication-wide310x150logo": SlotKind.ICON,
    "msapplication-square310x310logo": SlotKind.ICON,
    "thumbnail": SlotKind.IMAGE,
    "image": SlotKind.IMAGE,
    "thumbnailurl": SlotKind.IMAGE,
    "contenturl": SlotKind.ALTERNATE,
    "embedurl": SlotKind.LINK,
    "url": SlotKind.ALTERNATE,
    "citation_pdf_url": SlotKind.LINK,
    "citation_abstract_html_url": SlotKind.LINK,
    "citation_fulltext_html_url": SlotKind.LINK,
    "dc.identifier.uri": SlotKind.ALTERNATE,
}
#: Those that mean an address only as the property of an item.
_ITEM_PROPERTIES = frozenset({"image", "url"})
#: Methods of forms whose addresses are not asked for without what is sent.
_UNSENT = frozenset({"post", "dialog"})
_KNOWN_DATA = LAZY | frozenset(SRCSETS)

_SCRIPT_PLACES = {
    PassageKind.SCRIPT: "script string",
    PassageKind.MODULE: "script string",
    PassageKind.HANDLER: "event handler",
    PassageKind.JAVASCRIPT_URL: "javascript: URL",
}
#: Tags that are remembered, and the characters of each: pages of one site have most of theirs in common.
_REMEMBERED = 1024
_MEMORABLE = 400


def read_page(body: Iterable[bytes], mime: str, charset: Charset, gatherer: Gatherer) -> None:
    """Take all that a page names, its title and its robots directives.

    Args:
        body: of the page, in pieces.
        mime: HTML, or a type that browsers read as XML.
        charset: of the page.
        gatherer: what it is given to.
    """
    kind = XmlLinkScanner if is_xml(mime) else LinkScanner
    scanner = kind(gatherer, charset=charset.name if charset.byte_transparent else None)
    scanner.read(scanned_text(body, charset))
    gatherer.title = scanner.title
    gatherer.robots = frozenset(scanner.robots)


def read_fragment(markup: str, gatherer: Gatherer) -> None:
    """Take all that a document inside another names."""
    LinkScanner(gatherer).read((markup,))


class LinkScanner(HtmlScanner):
    """Gives to a gatherer what a page names; beyond what other scanners look at, metadata and `data-` attributes.

    Args:
        gatherer: what it is given to.
        charset: the real charset when fed a latin-1 view of bytes; None when fed text.

    Attributes:
        robots: words of the robots directives of the page.
    """

    def __init__(self, gatherer: Gatherer, *, charset: str | None = None) -> None:
        super().__init__(charset=charset)
        self.robots: set[str] = set()
        self._gatherer = gatherer

    def read(self, pieces: Iterable[str]) -> None:
        """Read all of a document."""
        for piece in pieces:
            self._take(self.feed(piece))
        self._take(self.close())

    def _take(self, items: Iterator[Found]) -> None:
        """What does not stand in a tag: what stands in tags has been given already."""
        for item in items:
            if type(item) is Slot:
                self._gatherer.add(item.value, item.kind, _place_of(item))
            elif type(item) is Passage:
                self._passage(item.kind, item.value)

    def _passage(self, kind: PassageKind, text: str) -> None:
        gatherer = self._gatherer
        if kind in _SCRIPT_PLACES:
            gatherer.take(script_links(text, _SCRIPT_PLACES[kind], is_inline=True))
        elif kind is PassageKind.JSON:
            gatherer.take(json_links(text, "json-ld" if '"@context"' in text else "json in page"))
        elif kind is PassageKind.SRCDOC:
            read_fragment(text, gatherer)

    def _past_the_usual(self, at: int, found: list[Found]) -> int:
        if self._foreign.is_inside:
            return self._past_foreign(at)
        gatherer = self._gatherer
        links: list[str] = []
        for match in iter(UNEVENTFUL_TO_LINK.scanner(self._text, at).match, None):  # type: ignore[attr-defined]
            group = match.lastindex
            at = match.end()
            if group == 1:
                links.append(match[1])
            elif group is None:
                break
            else:
                gatherer.add_links(links)
                links.clear()
                gatherer.add(match[2], SlotKind.IMAGE, "img src")
        gatherer.add_links(links)
        return at

    def _without_scripts(self, raw: str, offset: int, found: list[Found]) -> None:
        inner = LinkScanner(self._gatherer, charset=self._charset)
        inner._begin_in_noscript()
        inner.read((raw,))
        self.robots |= inner.robots

    # -- tags --------------------------------------------------------------------------------------------------------

    def _open(self, tag: str, match: re.Match[str], found: list[Found]) -> None:
        raw = match[3]
        if self._foreign.is_foreign or len(raw) > _MEMORABLE or not raw.isascii():
            super()._open(tag, match, found)
            return
        reading = _remembered(tag, raw, tag in ROOTS or self._is_xml)
        if reading.holds or reading.robots:
            self._take_tag(tag, reading)
        if tag == "script":
            self._script = reading.script
        self._enter(tag, is_closed=reading.is_closed)

    def _look_into(self, tag: str, attributes: Attributes, found: list[Found], is_foreign: bool) -> None:
        self._take_tag(tag, _read_tag(tag, attributes, is_foreign))

    def _take_tag(self, tag: str, reading: _Reading) -> None:
        add = self._gatherer.add
        is_inert = self._in_noscript or (tag in ("base", "meta") and (self._template or self._foreign.is_foreign))
        for item in reading.holds:
            if isinstance(item, Passage):
                self._passage(item.kind, item.value)
                continue
            reference, kind, place, is_guess, is_followed, _ = item
            if is_inert:
                kind = INERT.get(kind, kind)
            add(reference, kind, place, is_guess=is_guess, is_followed=is_followed)
        if reading.robots and not self._template:
            self.robots |= reading.robots


class XmlLinkScanner(XmlScanner, LinkScanner):
    """The same for documents that browsers read as XML."""


def _place_of(slot: Slot) -> str:
    """What holds a slot that does not stand in a tag."""
    if slot.encode is encode_double_quoted:
        return "a href" if slot.kind is SlotKind.LINK else "img src"
    if slot.kind in (SlotKind.IMPORT_MAP, SlotKind.IMPORT_NAME):
        return "import map"
    return "css @import" if slot.kind is SlotKind.STYLESHEET else "css url"


class _Reading(NamedTuple):
    """What a start tag says, wherever it stands.

    Attributes:
        holds: addresses, and texts that hold some; positions in them mean nothing.
        robots: words of robots directives.
        script: of a script element, what its text is, as `script_kind` says.
        is_closed: it ends in a slash.
    """

    holds: tuple[Mention | Passage, ...]
    robots: frozenset[str]
    script: tuple[PassageKind | None, bool]
    is_closed: bool


_NO_SCRIPT = (None, False)
_NO_WORDS: frozenset[str] = frozenset()


@lru_cache(_REMEMBERED)
def _remembered(tag: str, raw: str, is_foreign: bool) -> _Reading:
    return _read_tag(tag, Attributes(raw, 0, len(raw), 0, str), is_foreign)


def _read_tag(tag: str, attributes: Attributes, is_foreign: bool) -> _Reading:
    found: list[Found] = []
    scan_tag(tag, attributes, found, is_foreign=is_foreign)
    names = attributes.names
    is_followed = not ("rel" in names and "nofollow" in attributes.text("rel").lower().split())
    said: list[Mention | Passage] = []
    is_posted: bool | None = None  # as the first address says
    for item in found:
        if type(item) is Slot:
            start, _, value, kind, _ = item
            if is_posted is None:
                is_posted = kind is SlotKind.FORM and tag != "meta" and _is_posted(tag, attributes)
            if not (is_posted and kind is SlotKind.FORM):
                held_by = "refresh" if kind is SlotKind.REFRESH else attributes.name_at(start)
                said.append(Mention(value, kind, f"{tag} {held_by}", kind is SlotKind.FORM, is_followed))
        elif type(item) is Passage:
            said.append(item)
    robots: set[str] = set()
    if tag == "meta":
        said += _meta(attributes, robots)
    for name in names:
        if name.startswith("data-") and name not in _KNOWN_DATA:
            said += _data(tag, name, attributes)
    script = script_kind(attributes) if tag == "script" else _NO_SCRIPT
    return _Reading(tuple(said), frozenset(robots) if robots else _NO_WORDS, script, attributes.is_closed)


def _is_posted(tag: str, attributes: Attributes) -> bool:
    """A form is sent in another way than a link is followed."""
    return attributes.text("method" if tag == "form" else "formmethod").strip().lower() in _UNSENT


def _meta(attributes: Attributes, robots: set[str]) -> Iterator[Mention]:
    if "content" not in attributes.names:
        return
    for by in ("name", "property", "itemprop"):
        name = attributes.text(by).strip().lower()
        if name in ROBOTS_NAMES and by == "name":
            robots.update(attributes.text("content").lower().replace(",", " ").split())
        elif name in _META and (by == "itemprop" or name not in _ITEM_PROPERTIES):
            if value := attributes.text("content").strip():
                yield Mention(value, _META[name], f"meta {name}")
            return


def _data(tag: str, name: str, attributes: Attributes) -> tuple[Mention, ...]:
    """An attribute for scripts, where it holds what looks like an address."""
    value = attributes.text(name).strip()
    like = likeness(value)
    if name in LINKING:
        kind = kind_of(value) if like else SlotKind.LINK if value.startswith(("?", "./", "../")) else None
    else:
        kind = kind_of(value) if like in (Likeness.ABSOLUTE, Likeness.FILE) else None
    return () if kind is None else (Mention(value, kind, f"{tag} {name}"),)
