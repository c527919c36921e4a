"""Decides to which network addresses a capture may connect, before a byte is sent.

A capture server that fetches what strangers' pages name would otherwise be a way into the network it stands in. The name
is looked up once and the connection goes to the very address that was checked, so a name that changes its answer between
check and use gains nothing; redirects and requisites pass here like everything else.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from archiver.errors import AddressRefused

Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], list[tuple[int, str]]]

#: Special-purpose registries (RFC 6890 and its updates), with the reason that people are told.
_FORBIDDEN: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "in a private network"),
        ("100.64.0.0/10", "in a carrier's private network"),
        ("127.0.0.0/8", "this machine"),
        ("169.254.0.0/16", "link-local, where cloud machines keep their credentials"),
        ("172.16.0.0/12", "in a private network"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "in a private network"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "in a private network"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "this host"),
        ("::1/128", "this machine"),
        ("100::/64", "reserved"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "reserved for documentation"),
        ("3fff::/20", "reserved for documentation"),
        ("5f00::/16", "reserved"),
        ("fc00::/7", "in a private network"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "in a private network"),
        ("ff00::/8", "multicast"),
    )
)
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_SIX_TO_FOUR = ip_network("2002::/16")
_COMPATIBLE = ip_network("::/96")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One checked address of a host.

    Attributes:
        family: socket.AF_INET or socket.AF_INET6.
        address: in RFC 5952 form.
        port: TCP port.
    """

    family: int
    address: str
    port: int


def forbidden_reason(address: str) -> str | None:
    """What kind of forbidden place an IP address is; None when it is on the public Internet.

    IPv4 addresses hidden in IPv6 (mapped, compatible, 6to4, NAT64) count as what they lead to.
    """
    ip = ip_address(address.partition("%")[0])
    for form in (ip, *_embedded(ip)):
        for network, reason in _FORBIDDEN:
            if form.version == network.version and form in network:
                return reason
    return None


def _embedded(ip: IPv4Address | IPv6Address) -> Iterable[IPv4Address]:
    if isinstance(ip, IPv4Address):
        return
    if ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
    if ip in _SIX_TO_FOUR:
        yield IPv4Address((int(ip) >> 80) & 0xFFFFFFFF)
    if (ip in _COMPATIBLE and int(ip) > 1) or any(ip in network for network in _NAT64):
        yield IPv4Address(int(ip) & 0xFFFFFFFF)


def look_up(host: str, port: int) -> list[tuple[int, str]]:
    """(family, address) of every TCP endpoint of a host, by the system's resolver.

    Raises:
        OSError: the name is not known or the resolver does not answer (`socket.gaierror`).
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3: always this machine, as browsers do
        return [(int(socket.AF_INET), "127.0.0.1"), (int(socket.AF_INET6), "::1")]
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return [(family, str(address[0])) for family, _, _, _, address in found if family in (socket.AF_INET, socket.AF_INET6)]


class AddressGuard:
    """Resolves hosts and lets only permitted addresses through.

    Args:
        allow_private: permit every address (`--allow-private`).
        allowed: networks that are permitted although they are private, for intranets.
        resolver: looks a host up; the system's by default.
    """

    def __init__(self, *, allow_private: bool = False, allowed: Iterable[Network] = (), resolver: Resolver = look_up) -> None:
        self._allow_private = allow_private
        self._allowed = tuple(allowed)
        self._resolver = resolver

    def resolve(self, host: str, port: int) -> list[Endpoint]:
        """The addresses of a host to which a connection may be made, in the resolver's order.

        Raises:
            AddressRefused: every address of it is forbidden.
            OSError: the name cannot be looked up.
        """
        permitted, refused = [], ""
        for family, address in self._resolver(host, port):
            reason = self.check(address)
            if reason is None:
                permitted.append(Endpoint(family, address, port))
            else:
                where = host if host.strip("[]") == address else f"{host} ({address})"
                refused = f"{where} is {reason}"
        if not permitted:
            if not refused:
                raise socket.gaierror(socket.EAI_NONAME, "no address")
            raise AddressRefused(
                f"{refused}.",
                "An administrator lets captures reach it with the setting allow_private.",
                command="Use --allow-private to let captures reach it.",
            )
        return permitted

    def check(self, address: str) -> str | None:
        """Why an address is refused; None when it is permitted."""
        if self._allow_private:
            return None
        ip = ip_address(address.partition("%")[0])
        if any(ip.version == network.version and ip in network for network in self._allowed):
            return None
        return forbidden_reason(address)
