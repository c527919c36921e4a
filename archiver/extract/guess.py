"""Whether a string in a script or in data is an address, judged by its shape alone.

Guesses cost others requests that end in 404 (heritrix3#232), so that most of what might be an address is not taken for
one: names of modules, MIME types, namespaces, patterns of routes, halves that a script puts together.
"""

from __future__ import annotations

import re
from enum import Enum

from archiver.markup.slots import SlotKind


class Likeness(Enum):
    """What a string looks like, the surest first."""

    ABSOLUTE = "absolute"  # https://host/…, //host/…
    FILE = "file"  # /a/b.png, ./b.html, ../c.css: a path from a slash or dot, with the extension of files on the Web
    NAME = "name"  # a/b.png, b.html: the same without
    ROUTE = "route"  # /about/team, /search?q=x: a path from a slash, without an extension


_KINDS = {
    SlotKind.IMAGE: "png jpg jpeg jfif gif svg webp avif ico bmp tif tiff",
    SlotKind.MEDIA: "mp3 mp4 m4a m4v ogg oga ogv opus webm wav flac aac mov m3u8 mpd",
    SlotKind.TRACK: "vtt srt",
    SlotKind.FONT: "woff woff2 ttf otf eot",
    SlotKind.STYLESHEET: "css",
    SlotKind.SCRIPT: "js mjs",
    SlotKind.OBJECT: "swf wasm",
    SlotKind.LINK: "html htm xhtml shtml php php5 asp aspx jsp jspx jsf cfm cgi do xml rss atom rdf json jsonld geojson txt "
    "csv tsv pdf doc docx xls xlsx ppt pptx odt ods odp epub rtf zip gz tgz bz2 xz 7z rar tar kml kmz gpx ics vcf glb gltf "
    "webmanifest appcache md5 ps djvu",
}
_BY_EXTENSION = {extension: kind for kind, names in _KINDS.items() for extension in names.split()}
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{2,11})(?=[?#]|\Z)")
_QUERY_START = re.compile("[?#]")

# Sets with letters beyond ASCII are written as what they leave out: to compile them takes a tenth of the time.
_QUERY = r"[^\x00- <>\\^`{|}\x7f-\xa0]"
_REST = r"[^\x00- \"<>\\^`{|}\x7f-\xa0]"
_OF_HOST = r"[^\x00-,./:-@\[-`{-\xa0]"
_OF_HOST_NO_DIGIT = r"[^\x00-,./0-9:-@\[-`{-\xa0]"
_LETTER = r"[A-Za-z0-9_.~!$'()+,;=@%&-]"
_PATH = re.compile(rf"(?:/|\.{{1,2}}/)?{_LETTER}++(?:/{_LETTER}++)*+/?+(?:[?#]{_QUERY}*+)?")
_ABSOLUTE = re.compile(
    rf"(?:https?:)?//(?:(?!-){_OF_HOST}+\.)+{_OF_HOST_NO_DIGIT}{_OF_HOST}+\.?(?::\d{{1,5}})?(?:[/?#]{_REST}*)?",
)
_ADDRESS_BY_NUMBER = re.compile(
    r"https?://(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?/[!#-;=?-\[\]_a-z~]+"
)
_ROUTE = re.compile(r"/[A-Za-z][A-Za-z0-9_~-]{2,}(?:/[A-Za-z0-9_~.@-]+)*/?(?:\?[A-Za-z0-9_]+=[\w.~%&=+,:@/-]*)?", re.ASCII)
#: Names of vocabularies, which are no addresses to go to.
_NAMESPACES = re.compile(
    r"(?:https?:)?//(?:www\.w3\.org/(?:\d{4}|ns|xml)\b|(?:www\.)?schema\.org\b|ns\.adobe\.com|schemas?\.|xmlns\.|purl\.org/(?:dc|rss|net)\b"
    r"|(?:www\.)?xfa\.org|ogp\.me|rdfs?\.|www\.openarchives\.org/oai|json-schema\.org|(?:www\.)?sitemaps\.org/schemas)",
    re.IGNORECASE,
)
#: Parts of patterns, not of addresses; a "%" that escapes nothing stands for something to be put in.
_PATTERN = re.compile(r"[{}<>\[\]|^`*\\\s\"]|%(?![0-9A-Fa-f]{2})|\$[A-Za-z(&\d]|/:[A-Za-z]|\(\?|\.\.\.")
_MIME = re.compile(
    r"(?:application|audio|chemical|font|image|message|model|multipart|text|video|x-[a-z]+)/[a-z0-9.+-]+(?:;.*)?", re.IGNORECASE
)
#: Paths on somebody's own machine, and those by which bundles name their parts.
_NO_SITE = re.compile(
    r"/(?:bin|boot|dev|etc|lib|mnt|opt|proc|root|run|sbin|snap|sys|tmp|usr|var)(?:/|\Z)|(?:.*/)?node_modules/"
)
_MAX_LENGTH = 2000


def likeness(text: str) -> Likeness | None:
    """What a string looks like; None when it is most likely no address."""
    if not 4 <= len(text) <= _MAX_LENGTH or ("/" not in text and "." not in text) or _PATTERN.search(text):
        return None
    if "//" in text[:8]:
        is_address = _ABSOLUTE.fullmatch(text) is not None or _ADDRESS_BY_NUMBER.fullmatch(text) is not None
        return Likeness.ABSOLUTE if is_address and not _NAMESPACES.match(text) else None
    if "//" in text or _NO_SITE.match(text):
        return None
    if extension_of(text) in _BY_EXTENSION and _PATH.fullmatch(text):
        if text[0] == "/" or text.startswith(("./", "../")):
            return Likeness.FILE
        return None if _MIME.fullmatch(text) or text[0] in ".@" else Likeness.NAME
    if text[0] == "/" and _ROUTE.fullmatch(text):
        return Likeness.ROUTE
    return None


def extension_of(text: str) -> str:
    """The extension of the file that a URL names, lower case, without the dot; "" when it has none."""
    start = _QUERY_START.search(text)
    end = start.start() if start else len(text)
    match = _EXTENSION.search(text, max(text.rfind(".", 0, end), 0), end)
    return match.group(1).lower() if match and text.rfind("/", 0, end) < match.start() else ""


def kind_of(text: str) -> SlotKind:
    """What a browser most likely does with what has that URL, by its extension."""
    return _BY_EXTENSION.get(extension_of(text), SlotKind.LINK)
