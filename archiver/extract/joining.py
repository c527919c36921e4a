"""Joins the references of one document with its base, as browsers do (URL Standard), most of them without parsing."""

from __future__ import annotations

import re

from archiver.urls import is_http, origin_of, path_of, plain_origin, resolve, strip_fragment

#: Segments that a URL parser leaves as they are: none is "." or "..", nothing in them is escaped, "%2e" stands for a dot.
_SEGMENTS = r"(?:(?!\.\.?(?:[/?]|\Z)|\.?%2[eE])(?:[A-Za-z0-9._~!$()*+,;=@&-]|%(?!2[eE]))++(?:/(?=[^/])|/?(?=\?|\Z)))*+"
_QUERY = r"(?:\?[A-Za-z0-9._~!$()*+,;:=@&/?%-]*+)?"
_RELATIVE = re.compile(rf"(?:\./)?((?:\.\./)*+)((?!/){_SEGMENTS}{_QUERY})")
_ROOTED = re.compile(rf"/(?!/){_SEGMENTS}{_QUERY}")
#: The most usual of these: names that do not begin with a dot, perhaps in folders further up.
_USUAL = re.compile(r"((?:\.\./)*+)[A-Za-z0-9_~-][A-Za-z0-9._~-]*+(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*+)*+")
_OTHER_SCHEME = re.compile(r"(?!https?:)[A-Za-z][A-Za-z0-9+.\-]*:", re.IGNORECASE)
_UP = len("../")


class Joiner:
    """Makes absolute http(s) URLs, without fragment, of what one document says.

    Most references are of a few plain shapes, whose absolute form is put together; all others are parsed.

    Args:
        base: absolute, what the references are relative to.
    """

    __slots__ = ("_folders", "_origin", "_query_base", "base")

    def __init__(self, base: str) -> None:
        self.base = base
        self._origin = origin_of(base)
        if not base.startswith((f"{self._origin}/", f"{self._origin}?")):  # with a user's name, or no web address
            self._origin = ""
        is_plain = self._origin and _ROOTED.fullmatch(base, len(self._origin))
        path = base[len(self._origin) :].partition("?")[0] if is_plain else path_of(base)
        folder = path[: path.rfind("/") + 1]
        self._folders = [f"{self._origin}{folder}"]
        while len(folder) > 1 and len(self._folders) < 64:
            folder = folder[: folder.rfind("/", 0, -1) + 1]
            self._folders.append(f"{self._origin}{folder}")

    def __call__(self, reference: str) -> str | None:
        """The absolute URL; None for what is no http or https address.

        Args:
            reference: without fragment.
        """
        origin = self._origin
        if origin:
            usual = _USUAL.fullmatch(reference)
            if usual is not None and (up := usual.end(1) // _UP) < len(self._folders):
                return self._folders[up] + reference[usual.end(1) :]
            match = _RELATIVE.fullmatch(reference)
            if match is not None and match.end(2) > match.start(2) and reference[match.start(2)] != "?":
                up = (match.end(1) - match.start(1)) // _UP
                if up < len(self._folders):
                    return self._folders[up] + match.group(2)
            elif _ROOTED.fullmatch(reference):
                return origin + reference
        other = plain_origin(reference)
        if other and _ROOTED.fullmatch(reference, len(other)):
            return reference
        if _OTHER_SCHEME.match(reference):
            return None
        url = resolve(self.base, reference.strip())
        return strip_fragment(url) if url is not None and is_http(url) else None
