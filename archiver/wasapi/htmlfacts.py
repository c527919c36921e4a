"""What a WAT record says of an HTML document: title, metas, and every URL with the place where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from resiliparse.parse.html import ElementNode, HTMLTree

from archiver.markup.charset import DETECT_BYTES, sniff_charset

#: Bytes of a document that are read.
MAX_BYTES = 4 * 1024 * 1024
#: Entries of one list, and characters of one text.
_MOST = 20_000
_MOST_TEXT = 2000
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


def html_facts(body: bytes, http_charset: str | None = None) -> dict[str, object]:
    """The facts, in the words of WAT; what is not there is left out.

    Args:
        body: decoded, `MAX_BYTES` at most are read.
        http_charset: as its Content-Type says.
    """
    charset = sniff_charset(body[:DETECT_BYTES], http_charset)
    # NUL ends what the parser sees; to a browser it is nothing.
    tree = HTMLTree.parse(body[charset.bom : MAX_BYTES].decode(charset.name, "replace").replace("\0", ""))
    head: dict[str, object] = {}
    if tree.title:
        head["Title"] = _text(tree.title)
    lists: dict[str, list[dict[str, str]]] = {"Metas": [], "Link": [], "Scripts": [], "Links": []}
    for name, entry in _entries(tree):
        if name == "Base":
            head.setdefault("Base", entry["url"])
        elif len(lists[name]) < _MOST:
            lists[name].append(entry)
    links = lists.pop("Links")
    head |= {name: found for name, found in lists.items() if found}
    facts: dict[str, object] = {}
    if head:
        facts["Head"] = head
    if links:
        facts["Links"] = links
    return facts


def _entries(tree: HTMLTree) -> Iterator[tuple[str, dict[str, str]]]:
    """Each entry with the list that it belongs to."""
    root = tree.document
    if root is None:
        return
    for node in root.query_selector_all(", ".join((*_URLS, "meta", "base"))):
        tag = (node.tag or "").lower()
        if tag == "meta":
            said = {name: _text(node.getattr(name) or "") for name in node.attrs if name in _META}
            if said:
                yield "Metas", said
        elif tag == "base":
            if "href" in node.attrs:
                yield "Base", {"url": _text(node.getattr("href") or "")}
        else:
            yield from _links(node, tag)


_META = ("name", "content", "http-equiv", "property", "charset", "rel")


def _links(node: ElementNode, tag: str) -> Iterator[tuple[str, dict[str, str]]]:
    where = {"link": "Link", "script": "Scripts"}.get(tag, "Links")
    for name in _URLS[tag]:
        url = node.getattr(name)
        if not url:
            continue
        entry = {"path": f"{tag.upper()}@/{name}", "url": _text(url)}
        entry |= {more: _text(value) for more in _MORE if (value := node.getattr(more))}
        if tag == "a" and (text := _text(node.text or "")):
            entry["text"] = text
        yield where, entry


def _text(value: str) -> str:
    """One line of text, without what cannot be stored."""
    return " ".join(value.split())[:_MOST_TEXT].encode("utf-8", "replace").decode("utf-8")
