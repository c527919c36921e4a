"""What documents name, as values, and the one place where what is found in them comes together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from archiver.extract.joining import Joiner
from archiver.markup.slots import REQUISITE_KINDS, SlotKind
from archiver.urls import is_http, resolve

#: References of one document that are kept; the rest is counted. A sitemap may have 50,000, and pictures besides.
MAX_LINKS = 100_000
#: A reference longer than this, in characters, is none (Heritrix: 2083, Zeno: 4000).
MAX_REFERENCE = 16_384

_NEVER = frozenset({SlotKind.HINT, SlotKind.PING, SlotKind.SELECTOR, SlotKind.IMPORT_NAME})


class Link(NamedTuple):
    """A URL that a document names.

    Attributes:
        url: absolute http(s), without fragment.
        kind: what a browser does with it.
        place: by what it was found, such as "a href", "css url", "script string", "json", "sitemap", "pdf".
        is_followed: False where the link itself asks not to be followed (rel=nofollow).
        modified: when the document says that what is there was last changed, as written; "" when it does not.
    """

    url: str
    kind: SlotKind
    place: str = ""
    is_followed: bool = True
    modified: str = ""


@dataclass(frozen=True, slots=True)
class DocumentLinks:
    """What one document names; each URL stands in one of the three lists only, in the order of the document.

    Attributes:
        requisites: needed to show it.
        links: where it leads.
        guesses: what only looks like an address: strings in scripts, forms that nobody has filled in.
        base: what relative URLs in it are joined with.
        refresh: where it moves on to by itself, or None.
        title: of an HTML document, else "".
        robots: the words of its robots directives (meta robots, and those for us by name), lower case.
        left_out: references that came after the most that is kept; one that comes twice counts twice.
        is_cut: it is longer than what is read of it.
    """

    requisites: tuple[Link, ...] = ()
    links: tuple[Link, ...] = ()
    guesses: tuple[Link, ...] = ()
    base: str = ""
    refresh: str | None = None
    title: str = ""
    robots: frozenset[str] = frozenset()
    left_out: int = 0
    is_cut: bool = False


class Mention(NamedTuple):
    """A reference as it stands in a document.

    Attributes:
        reference: as written, without escapes; relative or absolute.
        kind: what a browser does with it.
        place: by what it was found.
        is_guess: it need not be an address.
        is_followed: False where it asks not to be followed.
        modified: when what is there was last changed, as written.
    """

    reference: str
    kind: SlotKind
    place: str = ""
    is_guess: bool = False
    is_followed: bool = True
    modified: str = ""


_Said = tuple[SlotKind, str, bool, str]  # kind, place, is_followed, modified


class Gatherer:
    """Takes what a document names, in its order, and gives absolute URLs, each once.

    What a browser loads is joined with the base as it is at that point, links with the one that the document ends up with.

    Args:
        url: of the document.
        limit: most references that are kept.
    """

    def __init__(self, url: str, limit: int = MAX_LINKS) -> None:
        self.url = url
        self.base = url
        self.refresh: str | None = None
        self.left_out = 0
        self.is_cut = False
        self.title = ""
        self.robots: frozenset[str] = frozenset()
        self._join = Joiner(url)
        self._limit = limit
        self._size = 0
        self._has_base = False
        self._links_here = False
        self._loaded: dict[str, str | None] = {}  # reference → URL
        self._requisites: dict[str, Link] = {}
        self._links: dict[str, _Said] = {}
        self._unfollowed: set[str] = set()  # those of the links that ask for it
        self._guesses: dict[str, _Said] = {}

    def add(
        self,
        reference: str,
        kind: SlotKind,
        place: str = "",
        *,
        is_guess: bool = False,
        is_followed: bool = True,
        modified: str = "",
    ) -> None:
        """Take one reference, as written."""
        if "#" in reference:
            reference = reference[: reference.index("#")]
        if not reference:
            self._links_here = True
        elif kind is SlotKind.BASE:
            self._rebase(reference)
        elif len(reference) > MAX_REFERENCE:
            self.left_out += 1
        elif is_guess:
            if reference not in self._guesses and self._has_room():
                self._guesses[reference] = (kind, place, is_followed, modified)
        elif kind in REQUISITE_KINDS:
            self._load(reference, kind, place, modified)
        elif kind not in _NEVER:
            said = self._links.get(reference)
            if said is None:
                if self._has_room():
                    self._links[reference] = (kind, place, is_followed, modified)
                    if not is_followed:
                        self._unfollowed.add(reference)
            elif is_followed and not said[2]:
                self._unfollowed.discard(reference)
                self._links[reference] = (kind, place, True, modified)

    def add_links(self, references: Iterable[str]) -> None:
        """Take references of links (`a href`) that may be followed, as written but for their fragments."""
        known, unfollowed = self._links, self._unfollowed
        for reference in references:
            if reference not in known or reference in unfollowed:
                self.add(reference, SlotKind.LINK, "a href")

    def take(self, mentions: Iterable[Mention]) -> None:
        """Take references, as written."""
        for reference, kind, place, is_guess, is_followed, modified in mentions:
            self.add(reference, kind, place, is_guess=is_guess, is_followed=is_followed, modified=modified)

    def _has_room(self) -> bool:
        if self._size >= self._limit:
            self.left_out += 1
            return False
        self._size += 1
        return True

    def _rebase(self, reference: str) -> None:
        if not self._has_base:  # of several elements the first counts
            self._has_base = True
            self.base = resolve(self.url, reference) or self.url
            self._join = Joiner(self.base)
            self._loaded.clear()

    def _load(self, reference: str, kind: SlotKind, place: str, modified: str) -> None:
        if reference in self._loaded:
            url = self._loaded[reference]
        elif self._has_room():
            url = self._loaded[reference] = self._join(reference)
        else:
            return
        if url is None:
            return
        if url not in self._requisites:
            self._requisites[url] = Link(url, kind, place, True, modified)
        if kind is SlotKind.REFRESH and self.refresh is None:
            self.refresh = url

    def result(self) -> DocumentLinks:
        """All that was found."""
        join = self._join
        taken: dict[str, Link] = dict(self._requisites)
        links = _joined(self._links, join, taken)
        if self._links_here and self._has_base and is_http(self.base):  # href="#top" leads to the base, not to the document
            links += _joined({self.base.partition("#")[0]: (SlotKind.LINK, "a href", True, "")}, join, taken)
        return DocumentLinks(
            tuple(self._requisites.values()),
            tuple(links),
            tuple(_joined(self._guesses, join, taken)),
            self.base,
            self.refresh,
            self.title,
            self.robots,
            self.left_out,
            self.is_cut,
        )


def _joined(said: dict[str, _Said], join: Joiner, taken: dict[str, Link]) -> list[Link]:
    """The links of references, but for those that are taken already; where one may be followed, it may."""
    found: dict[str, Link] = {}
    for reference, (kind, place, is_followed, modified) in said.items():
        url = join(reference)
        if url is None or url in taken:
            continue
        known = found.get(url)
        if known is None or (is_followed and not known.is_followed):
            found[url] = Link(url, kind, place, is_followed, modified)
    taken.update(found)
    return list(found.values())
