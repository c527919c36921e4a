"""Which addresses are those of the CDX API."""

from __future__ import annotations

from dataclasses import dataclass

_TIMEMAP = "/timemap/"


@dataclass(frozen=True, slots=True)
class Route:
    """What an address of the CDX API means.

    Attributes:
        collection: slug; "" for the one that a parameter names, or all.
        is_ia: in the Internet Archive's dialect, not pywb's.
        output: the format that the address names, or "".
        has_url: the URL that is asked for stands in the path.
    """

    collection: str
    is_ia: bool
    output: str = ""
    has_url: bool = False


_EVERYTHING = Route("", is_ia=True)


def route_of(path: str) -> Route | None:
    """The meaning of a path; None when it is none of the CDX API's.

    `/cdx/search/cdx` and `/cdx/search`, `/<collection>/timemap/cdx` and `/<collection>/timemap/json` (with `url=`), and
    `/<collection>/timemap/cdx/<url>` speak the Internet Archive's dialect, `/<collection>/cdx` pywb's.
    """
    if path.startswith("/cdx/"):
        return _EVERYTHING if path in ("/cdx/search/cdx", "/cdx/search", "/cdx/search/") else None
    if path.endswith("/cdx") and path.count("/") == 2:
        name = path[1:-4]
        return Route(name, is_ia=False) if name else None
    if _TIMEMAP not in path:
        return None
    name, slash, rest = path[1:].partition("/")
    if not slash or not rest.startswith("timemap/"):
        return None
    kind, slash, url = rest[8:].partition("/")
    if kind == "cdx":
        return Route(name, is_ia=True, has_url=bool(url))
    return Route(name, is_ia=True, output="json") if kind == "json" and not url else None
