"""Scans pages for all that a crawl may follow: more than a browser asks for while it shows them."""

from __future__ import annotations

from archiver.extract.guess import Likeness, kind_of, likeness
from archiver.markup.attributes import LAZY, LINKING, SRCSETS
from archiver.markup.html import HtmlScanner
from archiver.markup.skip import PLAIN_FOLLOWED_LINK, UNEVENTFUL_FOR_LINKS
from archiver.markup.slots import Found, Slot, SlotKind
from archiver.markup.tag import Attributes
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
_UNSENT = frozenset({"post", "dialog"})
_KNOWN_DATA = LAZY | frozenset(SRCSETS)


class LinkScanner(HtmlScanner):
    """Reports, beyond what other scanners do, metadata, `data-` attributes, and in what each URL stands.

    Attributes:
        places: start of a slot → what holds it, such as "img srcset"; those of the most usual shape are left out.
        unfollowed: starts of slots that ask not to be followed.
        robots: words of the robots directives of the page.
    """

    def __init__(self, *, charset: str | None = None) -> None:
        super().__init__(charset=charset)
        self.places: dict[int, str] = {}
        self.unfollowed: set[int] = set()
        self.robots: set[str] = set()

    def place_of(self, slot: Slot) -> str:
        """What holds a slot; to be asked once."""
        place = self.places.pop(slot.start, None) if self.places else None
        if place is not None:
            return place
        if slot.encode is encode_double_quoted:
            return "a href" if slot.kind is SlotKind.LINK else "img src"
        if slot.kind in (SlotKind.IMPORT_MAP, SlotKind.IMPORT_NAME):
            return "import map"
        return "css @import" if slot.kind is SlotKind.STYLESHEET else "css url"

    def _past_the_usual(self, at: int, found: list[Found]) -> int:
        return self._past(at, found, UNEVENTFUL_FOR_LINKS, PLAIN_FOLLOWED_LINK)

    def _for_inner(self) -> HtmlScanner:
        return LinkScanner(charset=self._charset)

    def _after_inner(self, inner: HtmlScanner, offset: int) -> None:
        if isinstance(inner, LinkScanner):
            self.places.update((start + offset, place) for start, place in inner.places.items())
            self.unfollowed.update(start + offset for start in inner.unfollowed)
            self.robots |= inner.robots

    def _look_into(self, tag: str, attributes: Attributes, found: list[Found], is_foreign: bool) -> None:
        first = len(found)
        super()._look_into(tag, attributes, found, is_foreign)
        slots = [item for item in found[first:] if type(item) is Slot]
        for slot in slots:
            held_by = "refresh" if slot.kind is SlotKind.REFRESH else attributes.name_at(slot.start)
            self.places[slot.start] = f"{tag} {held_by}"
        names = attributes.names
        if slots and "rel" in names and "nofollow" in attributes.text("rel").lower().split():
            self.unfollowed.update(slot.start for slot in slots)
        if tag == "meta":
            self._meta(attributes, found)
        elif slots and slots[0].kind is SlotKind.FORM:
            method = attributes.text("method" if tag == "form" else "formmethod").strip().lower()
            if method in _UNSENT:
                found[first:] = [item for item in found[first:] if not (type(item) is Slot and item.kind is SlotKind.FORM)]
        for name in names:
            if name.startswith("data-") and name not in _KNOWN_DATA:
                self._data(tag, name, attributes, found)

    def _meta(self, attributes: Attributes, found: list[Found]) -> None:
        if "content" not in attributes.names:
            return
        for by in ("name", "property", "itemprop"):
            name = attributes.text(by).strip().lower()
            if name in ROBOTS_NAMES and by == "name" and not self._template:
                self.robots.update(attributes.text("content").lower().replace(",", " ").split())
            elif name in _META and (by == "itemprop" or name not in _ITEM_PROPERTIES):
                self._add(attributes, "content", _META[name], f"meta {name}", found)
                return

    def _data(self, tag: str, name: str, attributes: Attributes, found: list[Found]) -> None:
        """An attribute for scripts, where it holds what looks like an address."""
        value = attributes.text(name).strip()
        like = likeness(value)
        if name in LINKING:
            kind = kind_of(value) if like else SlotKind.LINK if value.startswith(("?", "./", "../")) else None
        else:
            kind = kind_of(value) if like in (Likeness.ABSOLUTE, Likeness.FILE) else None
        if kind is not None:
            self._add(attributes, name, kind, f"{tag} {name}", found)

    def _add(self, attributes: Attributes, name: str, kind: SlotKind, place: str, found: list[Found]) -> None:
        attribute = attributes[name]
        value = attribute.text.strip()
        if value:
            start, end = attribute.view.raw(0), attribute.view.raw(len(attribute.text))
            self.places[start] = place
            found.append(Slot(start, end, value, kind, attribute.encode))


class XmlLinkScanner(LinkScanner, XmlScanner):
    """The same for documents that browsers read as XML."""

    def _past_the_usual(self, at: int, found: list[Found]) -> int:
        return at


def link_scanner_of(media_type: str, charset: str | None) -> LinkScanner:
    """The scanner for a page of that type."""
    return XmlLinkScanner(charset=charset) if is_xml(media_type) else LinkScanner(charset=charset)
