"""Requests that slipped out of their archived page but not out of this archive: where they were meant to go."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from archiver.urls import is_http, resolve
from replay.address import ReplayAddress, VersionsAddress, parse_address, read_escapes

#: What a browser says it wants (Fetch Standard, section 2.2.5) → the modifier for that.
OF_DESTINATION = {
    "image": "im", "style": "cs", "script": "js", "worker": "wkr", "sharedworker": "wkr", "empty": "da",
    "font": "oe", "audio": "oe", "video": "oe", "track": "oe", "object": "oe", "embed": "oe", "manifest": "oe",
    "iframe": "if", "frame": "if",
}  # fmt: skip


#: What is an address of some archive already is not sent on: it would go round in circles. "/uploads/2016/08/a.jpg" is none.
_ADDRESS = re.compile(r"/[\w-]+/\d{1,14}(?:[a-z]{2,4}_)?/[a-z][a-z0-9+.-]*:", re.ASCII | re.IGNORECASE)


def meant(path: str, referrer: str, host: str, destination: str) -> ReplayAddress | None:
    """The address that a request from an archived page was meant for; None when it came from no archived page.

    A page that asks for "/style.css" in a way that no rewriting caught asks this server for it.

    Args:
        path: that was asked for, with its query.
        referrer: the Referer field.
        host: the Host field.
        destination: the Sec-Fetch-Dest field.
    """
    try:
        page = urlsplit(referrer)
    except ValueError:
        return None
    if page.netloc != host or page.scheme not in ("http", "https") or path.startswith("/-/") or _ADDRESS.match(path):
        return None
    collection, _, rest = read_escapes(page.path).removeprefix("/").partition("/")
    address = parse_address(f"{rest}?{page.query}" if page.query else rest, collection)
    if isinstance(address, VersionsAddress) or not address.timestamp:
        return None
    url = resolve(address.url, path)
    if url is None or not is_http(url) or url == address.url:
        return None
    return ReplayAddress(collection, address.timestamp, OF_DESTINATION.get(destination, ""), url)
