"""Which attributes of which elements hold URLs, and of what kind: one table for capture and replay."""

from __future__ import annotations

import re

from archiver.markup.slots import PassageKind
from archiver.markup.slots import SlotKind as K

#: element → attribute → kind, for attributes that hold exactly one URL.
URL_ATTRIBUTES: dict[str, dict[str, K]] = {
    "a": {"href": K.LINK, "xlink:href": K.LINK},
    "applet": {"codebase": K.CITE, "object": K.OBJECT},
    "area": {"href": K.LINK},
    "audio": {"src": K.MEDIA},
    "base": {"href": K.BASE},
    "bgsound": {"src": K.MEDIA},
    "blockquote": {"cite": K.CITE},
    "button": {"formaction": K.FORM},
    "del": {"cite": K.CITE},
    "embed": {"src": K.OBJECT},
    "feimage": {"href": K.IMAGE, "xlink:href": K.IMAGE},
    "form": {"action": K.FORM},
    "frame": {"src": K.FRAME, "longdesc": K.CITE},
    "fencedframe": {"src": K.FRAME},
    "head": {"profile": K.CITE},
    "html": {"manifest": K.ALTERNATE},
    "iframe": {"src": K.FRAME, "longdesc": K.CITE},
    "image": {"href": K.IMAGE, "xlink:href": K.IMAGE, "src": K.IMAGE},
    "img": {"src": K.IMAGE, "lowsrc": K.IMAGE, "dynsrc": K.MEDIA, "longdesc": K.CITE},
    "input": {"src": K.IMAGE, "formaction": K.FORM},
    "ins": {"cite": K.CITE},
    "lineargradient": {"href": K.IMAGE, "xlink:href": K.IMAGE},
    "mpath": {"href": K.IMAGE, "xlink:href": K.IMAGE},
    "object": {"data": K.OBJECT, "codebase": K.CITE},
    "pattern": {"href": K.IMAGE, "xlink:href": K.IMAGE},
    "radialgradient": {"href": K.IMAGE, "xlink:href": K.IMAGE},
    "q": {"cite": K.CITE},
    "script": {"src": K.SCRIPT, "href": K.SCRIPT, "xlink:href": K.SCRIPT},
    "source": {"src": K.MEDIA},
    "textpath": {"href": K.IMAGE, "xlink:href": K.IMAGE},
    "track": {"src": K.TRACK},
    "use": {"href": K.IMAGE, "xlink:href": K.IMAGE},
    "video": {"src": K.MEDIA, "poster": K.IMAGE},
}

#: attribute → kind, on any element.
ANYWHERE: dict[str, K] = {
    "background": K.IMAGE,
    "xlink:href": K.IMAGE,
}

#: attribute → kind, for image candidate lists.
SRCSETS: dict[str, K] = {
    "srcset": K.IMAGE,
    "imagesrcset": K.IMAGE,
    "data-srcset": K.DATA,
    "data-lazy-srcset": K.DATA,
    "data-bgset": K.DATA,
}

#: Where scripts that load pictures late keep their URLs, on any element; only what is clearly a URL is taken for one.
LAZY = frozenset(
    {
        "data-src",
        "data-original",
        "data-original-src",
        "data-lazy",
        "data-lazy-src",
        "data-lazyload",
        "data-flickity-lazyload",
        "data-echo",
        "data-bg",
        "data-bg-src",
        "data-background",
        "data-background-image",
        "data-image-src",
        "data-poster",
        "data-hi-res-src",
        "data-full-src",
        "data-large-src",
        "data-zoom-image",
    }
)

#: Where scripts keep what they go to or ask for, on any element.
LINKING = frozenset({"data-href", "data-link", "data-permalink", "data-target-url", "data-uri", "data-url"})

#: Attributes that would make the browser refuse what the archive serves → what their names are reported as.
DISARMED = {"integrity": PassageKind.INTEGRITY, "crossorigin": PassageKind.CROSSORIGIN, "csp": PassageKind.EMBEDDED_CSP}

#: SVG presentation attributes that may name a resource by url() (SVG 2, section 6.6); cursors and masks load theirs.
PRESENTATION = frozenset(
    {"clip-path", "cursor", "fill", "filter", "marker", "marker-end", "marker-mid", "marker-start", "mask", "stroke"}
)

#: SVG elements that may animate an address.
ANIMATIONS = frozenset({"animate", "set"})

#: Names of parameters of objects whose value is what the object shows.
OBJECT_PARAMETERS = frozenset({"movie", "src", "data", "url", "filename"})

_CLEAR_URL = re.compile(
    r"\s*+(?:(?:https?:|//|\.{0,2}/)[^\s{}<>]+|[^\s{}<>:,()]+\.[A-Za-z0-9]{2,5}(?:[?#]\S*)?)\s*", re.IGNORECASE
)


def is_clearly_url(text: str) -> bool:
    """True for what can only be meant as a web address: absolute, from a slash or dot, or with a file extension."""
    return _CLEAR_URL.fullmatch(text) is not None


_AS = {
    "image": K.IMAGE,
    "script": K.SCRIPT,
    "style": K.STYLESHEET,
    "font": K.FONT,
    "track": K.TRACK,
    "audio": K.MEDIA,
    "video": K.MEDIA,
    "document": K.FRAME,
    "worker": K.SCRIPT,
}
_REQUISITE_RELS = {
    "stylesheet": K.STYLESHEET,
    "icon": K.ICON,
    "apple-touch-icon": K.ICON,
    "apple-touch-icon-precomposed": K.ICON,
    "apple-touch-startup-image": K.ICON,
    "mask-icon": K.ICON,
    "fluid-icon": K.ICON,
    "image_src": K.IMAGE,
    "manifest": K.MANIFEST,
    "modulepreload": K.MODULE,
}


def link_kind(rel: str, as_: str) -> K:
    """What a link element or Link header leads to, by its relations and its `as`."""
    rels = rel.lower().split()
    for name, kind in _REQUISITE_RELS.items():
        if name in rels:
            return kind
    if "preload" in rels:
        return _AS.get(as_.lower(), K.PRELOAD)
    if "preconnect" in rels or "dns-prefetch" in rels:
        return K.HINT
    if "prefetch" in rels or "prerender" in rels:
        return K.PREFETCH
    return K.ALTERNATE


def object_kind(type_: str) -> K:
    """What an object or embed element shows, by its type: a picture, a page, sound, or what the response turns out to be."""
    mime = type_.partition(";")[0].strip().lower()
    if mime in ("text/html", "application/xhtml+xml"):
        return K.FRAME
    if mime.startswith("image/") and mime != "image/svg+xml":
        return K.IMAGE
    return K.MEDIA if mime.startswith(("audio/", "video/")) else K.OBJECT


_SCRIPT_TYPES = frozenset(
    {
        "",
        "text/javascript",
        "application/javascript",
        "application/x-javascript",
        "text/ecmascript",
        "application/ecmascript",
        "text/x-javascript",
        "text/jscript",
        "text/livescript",
        "text/javascript1.0",
        "text/javascript1.1",
        "text/javascript1.2",
        "text/javascript1.3",
        "text/javascript1.4",
        "text/javascript1.5",
        "application/x-ecmascript",
        "text/x-ecmascript",
    }
)


def is_classic_script(type_: str) -> bool:
    """A JavaScript MIME type (WHATWG MIME Sniffing, section 4.6) or none."""
    return type_.strip().lower().partition(";")[0].strip() in _SCRIPT_TYPES
