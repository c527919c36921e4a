"""Who sends a request: the client's address and groups, as far as proxies that the settings trust say so.

Anybody can send any header field. So what a proxy says of its client counts only when the connection itself comes from an
address among the setting `trusted_proxies`, and of a chain of proxies only as far back as each of them is among those.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

from flask import Request

from archiver.collections.access import Network, Viewer, parsed_address
from archiver.settings import Settings

#: One element of Forwarded (RFC 7239, section 4), and the node in it.
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;"\s]*))', re.IGNORECASE)
_ELEMENT = re.compile(r'(?:[^,"]|"[^"]*")+')
_PORT = re.compile(r"^(\[[^\]]*\]|\d{1,3}(?:\.\d{1,3}){3})(?::\w+)?$")
#: The scheme that a proxy was reached by, in an element of Forwarded.
_PROTO = re.compile(r'(?:^|[;,])\s*proto\s*=\s*"?([a-z]+)', re.IGNORECASE)
#: Proxies in one chain that are looked at.
_MOST_PROXIES = 50


def viewer_of(request: Request, settings: Settings) -> Viewer:
    """Who sends a request to the reader."""
    name = settings.forwarded_header
    return viewer_from(
        request.remote_addr or "",
        request.headers.get(name, ""),
        request.headers.get(settings.groups_header, "") if settings.groups_header else "",
        settings,
    )


def is_secure(request: Request, settings: Settings) -> bool:
    """The client came by https: to us, or to a trusted proxy that says so in X-Forwarded-Proto or Forwarded."""
    if request.is_secure:
        return True
    if not _is_among(request.remote_addr or "", trusted_networks(settings.trusted_proxies)):
        return False
    if settings.forwarded_header == "Forwarded":
        found = _PROTO.findall(request.headers.get("Forwarded", ""))
    else:
        found = [item.strip() for item in request.headers.get("X-Forwarded-Proto", "").split(",")]
    return bool(found) and found[-1].lower() == "https"


def viewer_from(peer: str, forwarded: str, groups: str, settings: Settings) -> Viewer:
    """Who sends a request.

    Args:
        peer: the address that the connection comes from.
        forwarded: value of the field that proxies note clients in, see the setting `forwarded_header`.
        groups: value of the field that proxies name groups in.
        settings: whom to trust.
    """
    trusted = trusted_networks(settings.trusted_proxies)
    if not trusted or not _is_among(peer, trusted):
        return Viewer(peer)
    nodes = _nodes_of_forwarded(forwarded) if settings.forwarded_header == "Forwarded" else _listed(forwarded)
    address = peer
    for node in reversed(nodes[-_MOST_PROXIES:]):
        address = node
        if not _is_among(node, trusted):
            break
    return Viewer(address, frozenset(_listed(groups)))


@lru_cache(maxsize=8)
def trusted_networks(text: str) -> tuple[Network, ...]:
    """The networks of a setting, which was checked when it was read."""
    return tuple(ipaddress.ip_network(item, strict=False) for item in re.split(r"[,\s]+", text) if item)


def _is_among(text: str, networks: Iterable[Network]) -> bool:
    address = parsed_address(text)
    return address is not None and any(address in network for network in networks)


def _listed(value: str) -> list[str]:
    """The items of a list, addresses without their port."""
    items = (item.strip() for item in value.split(","))
    return [found.group(1) if (found := _PORT.match(item)) else item for item in items if item]


def _nodes_of_forwarded(value: str) -> list[str]:
    """The clients that proxies note in Forwarded; "" for one that says nothing."""
    nodes = []
    for element in _ELEMENT.findall(value):
        found = _FOR.search(element)
        node = (found.group(1) or found.group(2) or "") if found else ""
        nodes.append(port.group(1) if (port := _PORT.match(node)) else node)
    return nodes
