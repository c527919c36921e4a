"""What a scanner reports of a document: URL slots, embedded passages and landmarks, each with its exact span.

The extractor reads slots, the rewriters fill them, so capture and replay agree on what a page needs.

Scanners work on `str`. For encodings that keep ASCII bytes ASCII (UTF-8, windows-125x, Shift_JIS, GB18030 …) the caller
decodes the document as latin-1, so that one character is one byte and every untouched byte survives, and tells the
scanner the real charset, so that values are real text all the same. UTF-16 and ISO-2022-JP are really decoded. Spans
count characters of the whole document, from its first one, however it was fed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class SlotKind(StrEnum):
    """What a browser does with the URL: this decides the hop letter at capture and the modifier at replay."""

    LINK = "link"  # a, area: navigation
    DOWNLOAD = "download"  # a, area with `download`: saved as it is
    FORM = "form"  # form action, formaction
    BASE = "base"  # base href
    REFRESH = "refresh"  # meta refresh
    IMAGE = "image"  # img, srcset, poster, background, CSS images, SVG image
    ICON = "icon"
    MEDIA = "media"  # audio, video, source
    TRACK = "track"
    STYLESHEET = "stylesheet"  # link rel=stylesheet, @import
    FONT = "font"
    SCRIPT = "script"  # classic script
    MODULE = "module"  # module script, modulepreload
    IMPORT_MAP = "import-map"  # a URL inside an import map
    IMPORT_NAME = "import-name"  # a URL that an import map has rules for
    FRAME = "frame"  # iframe, frame
    OBJECT = "object"  # object, embed, applet
    MANIFEST = "manifest"
    PRELOAD = "preload"  # preload or prefetch whose `as` says nothing more precise
    PREFETCH = "prefetch"  # prefetch, prerender: may be navigated to, not needed now
    HINT = "hint"  # preconnect, dns-prefetch: never a resource, always a leak
    PING = "ping"  # a ping
    DATA = "data"  # data-src and other lazy-loading attributes: a script's to read, needed all the same
    ALTERNATE = "alternate"  # link rel=alternate, canonical, next …: references, not needed to show the page
    CITE = "cite"  # cite, longdesc, profile: metadata only
    SELECTOR = "selector"  # not a URL: a style sheet's question how one is written, such as [href^="http"]


#: The kinds without which a page does not look or work as it did.
REQUISITE_KINDS = frozenset(
    {
        SlotKind.IMAGE,
        SlotKind.ICON,
        SlotKind.MEDIA,
        SlotKind.TRACK,
        SlotKind.STYLESHEET,
        SlotKind.FONT,
        SlotKind.SCRIPT,
        SlotKind.MODULE,
        SlotKind.IMPORT_MAP,
        SlotKind.FRAME,
        SlotKind.OBJECT,
        SlotKind.MANIFEST,
        SlotKind.PRELOAD,
        SlotKind.DATA,
        SlotKind.REFRESH,
    }
)


class Slot(NamedTuple):
    """A place in the document that holds one URL.

    Attributes:
        start: first character of the raw text to replace (inside the quotes).
        end: one past the last.
        value: the URL as the browser reads it: entities and CSS escapes resolved, surrounding white space removed.
        kind: what the browser does with it.
        encode: makes a replacement safe at this place (HTML attribute, CSS string inside an attribute, JSON …); the
            result replaces document[start:end].
    """

    start: int
    end: int
    value: str
    kind: SlotKind
    encode: Callable[[str], str]


class PassageKind(StrEnum):
    """An embedded text that is not a URL but that replay may have to change."""

    SCRIPT = "script"  # body of a classic script element
    MODULE = "module"  # body of a module script element
    JSON = "json"  # body of application/json, ld+json, importmap, speculationrules scripts
    HANDLER = "handler"  # on… attribute
    JAVASCRIPT_URL = "javascript-url"  # attribute value that starts with javascript:
    SRCDOC = "srcdoc"  # iframe srcdoc, a whole document
    DATA_DOCUMENT = "data-document"  # `data:` URL of a frame or object that holds a document
    META_CSP = "meta-csp"  # the http-equiv value of a Content-Security-Policy meta element
    META_REFERRER = "meta-referrer"  # the name of a referrer meta element
    META_CHARSET = "meta-charset"  # the charset named by a meta element
    INTEGRITY = "integrity"  # the attribute name `integrity`
    CROSSORIGIN = "crossorigin"  # the attribute name `crossorigin`
    TARGET = "target"  # value of a target attribute
    EMBEDDED_CSP = "embedded-csp"  # the attribute name `csp` of a frame


class Passage(NamedTuple):
    """A span of raw text with its decoded value; `encode` makes a replacement safe at this place.

    For attribute-name passages (INTEGRITY, CROSSORIGIN, EMBEDDED_CSP) the span is the attribute *name*, so that renaming
    it disarms it and keeps the value; for META_CSP and META_REFERRER it is the value of http-equiv or name.
    """

    start: int
    end: int
    value: str
    kind: PassageKind
    encode: Callable[[str], str]


class LandmarkKind(StrEnum):
    """Points between characters where replay inserts text."""

    HEAD = "head"  # right after <head…>, or where the parser would imply it: before the first head content
    BODY = "body"  # right after <body…>, or where the parser would imply it
    FRAMESET = "frameset"  # a frameset document: there is no body
    END = "end"  # end of the document


@dataclass(frozen=True, slots=True)
class Landmark:
    """A point in the document, before character `start`; `end` equals `start`."""

    start: int
    end: int
    kind: LandmarkKind


Found = Slot | Passage | Landmark
