"""What a WAT record says of an HTML document: title, metas, and every URL with the place where it stands."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from archiver.markup.charset import DETECT_BYTES, sniff_charset

#: Bytes of a document that are read.
MAX_BYTES = 4 * 1024 * 1024
#: Entries of one list, and characters of one text.
_MOST = 20_000
_MOST_TEXT = 2000
_MOST_PIECES = 50
#: Attributes with URLs by their element; those of the head have lists of their own.
_URLS = {
    "a": ("href",),
    "area": ("href",),
    "audio": ("src",),
    "blockquote": ("cite",),
    "body": ("background",),
    "button": ("formaction",),
    "del": ("cite",),
    "embed": ("src",),
    "form": ("action",),
    "frame": ("src", "longdesc"),
    "iframe": ("src", "longdesc"),
    "img": ("src", "longdesc", "srcset"),
    "input": ("src", "formaction"),
    "ins": ("cite",),
    "link": ("href",),
    "object": ("data", "codebase"),
    "q": ("cite",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "table": ("background",),
    "td": ("background",),
    "track": ("src",),
    "video": ("src", "poster"),
}
#: Attributes that say more of a link.
_MORE = ("alt", "title", "target", "rel", "type", "hreflang", "method", "media")


_META = ("name", "content", "http-equiv", "property", "charset", "rel")
_LISTS = {"link": "Link", "script": "Scripts"}


def html_facts(body: bytes, http_charset: str | None = None) -> dict[str, object]:
    """The facts, in the words of WAT; what is not there is left out.

    Args:
        body: decoded, `MAX_BYTES` at most are read.
        http_charset: as its Content-Type says.
    """
    charset = sniff_charset(body[:DETECT_BYTES], http_charset)
    text = body[charset.bom : MAX_BYTES].decode(charset.name, "replace")
    reader = _Reader()
    # No tree is made: its depth would be the document's choice. NUL ends what the parser sees; to a browser it is nothing.
    parser = etree.HTMLParser(target=reader, encoding="utf-8", recover=True, huge_tree=True)
    parser.feed(text.replace("\0", "").encode("utf-8", "replace"))
    try:
        parser.close()
    except etree.ParserError:  # nothing of a document is in it
        return {}
    return reader.facts()


class _Reader:
    """Is told of tags and text as they come."""

    def __init__(self) -> None:
        self._lists: dict[str, list[dict[str, str]]] = {"Metas": [], "Link": [], "Scripts": [], "Links": []}
        self._base = ""
        self._title: list[str] | None = None
        self._has_title = False
        self._link: tuple[dict[str, str], list[str]] | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A tag begins."""
        if tag == "title" and not self._has_title and self._title is None:
            self._title = []
        elif tag == "meta":
            said = {name: _text(attributes[name]) for name in _META if name in attributes}
            if said:
                self._add("Metas", said)
        elif tag == "base":
            self._base = self._base or _text(attributes.get("href", ""))
        for name in _URLS.get(tag, ()):
            if attributes.get(name):
                self._add(_LISTS.get(tag, "Links"), self._entry(tag, name, attributes))

    def _entry(self, tag: str, name: str, attributes: Mapping[str, str]) -> dict[str, str]:
        entry = {"path": f"{tag.upper()}@/{name}", "url": _text(attributes[name])}
        entry |= {more: _text(attributes[more]) for more in _MORE if attributes.get(more)}
        if tag == "a":
            self._close_link()
            self._link = (entry, [])
        return entry

    def _add(self, name: str, entry: dict[str, str]) -> None:
        if len(self._lists[name]) < _MOST:
            self._lists[name].append(entry)

    def data(self, text: str) -> None:
        """Text between tags."""
        title = None if self._has_title else self._title
        for pieces in (title, self._link[1] if self._link is not None else None):
            if pieces is not None and len(pieces) < _MOST_PIECES:
                pieces.append(text[:_MOST_TEXT])

    def end(self, tag: str) -> None:
        """A tag ends."""
        if tag == "title" and self._title is not None:
            self._has_title = True
        elif tag == "a":
            self._close_link()

    def _close_link(self) -> None:
        if self._link is not None:
            entry, pieces = self._link
            if text := _text("".join(pieces)):
                entry["text"] = text
            self._link = None

    def comment(self, _text: str) -> None:
        """A comment: says nothing."""

    def close(self) -> None:
        """The document ends."""
        self._close_link()

    def facts(self) -> dict[str, object]:
        """All that was said."""
        title = _text("".join(self._title or ()))
        head: dict[str, object] = {name: said for name, said in (("Title", title), ("Base", self._base)) if said}
        head |= {name: self._lists[name] for name in ("Metas", "Link", "Scripts") if self._lists[name]}
        parts: tuple[tuple[str, object], ...] = (("Head", head), ("Links", self._lists["Links"]))
        return {name: said for name, said in parts if said}


def _text(value: str) -> str:
    """One line of text, without what cannot be stored."""
    return " ".join(value[: _MOST_TEXT * 2].split())[:_MOST_TEXT].encode("utf-8", "replace").decode("utf-8")
