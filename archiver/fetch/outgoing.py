"""A request as it is sent, byte for byte. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass
class Outgoing:
    """A request as it is to be sent, without requests' own changes to its URL.

    Attributes:
        method: such as "GET".
        url: absolute, normalised.
        headers: names and values, in their order; Host is added where it is not among them.
        body: that follows the head; None for none.
    """

    method: str
    url: str
    headers: Iterable[tuple[str, str]]
    body: bytes | None = None

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port of where it goes, as they are in the URL."""
        return plain_start(self.url)

    @property
    def target(self) -> str:
        """The path and query that it asks for, exactly as they are in the URL (RFC 9112, section 3.2.1)."""
        target = self.url[len(self.origin) :].partition("#")[0]
        return target if target.startswith("/") else f"/{target}"

    def head(self) -> bytes:
        """What is sent before the body.

        Raises:
            ValueError: a line break is in it, or a character in its first line that HTTP does not know.
        """
        lines = [f"{self.method} {self.target} HTTP/1.1".encode("ascii")]
        fields = [f"{name}: {value}" for name, value in self.headers]
        if not any(field[:5].lower() == "host:" for field in fields):
            lines.append(f"Host: {host_field(self.origin)}".encode("ascii"))
        lines += [_encoded(field) for field in fields]
        head = b"\r\n".join(lines)
        if head.count(b"\n") >= len(lines) or head.count(b"\r") >= len(lines):
            raise ValueError("a header field with a line break in it")
        return head + b"\r\n\r\n"


def _encoded(field: str) -> bytes:
    """A header field as it is sent: in latin-1, or as what came in UTF-8, such as a cookie, that has more characters."""
    try:
        return field.encode("latin-1")
    except UnicodeEncodeError:
        return field.encode("utf-8")


def plain_start(url: str) -> str:
    """What of a URL stands before its path."""
    end = url.find("/", url.index("//") + 2)
    return (url if end < 0 else url[:end]).partition("?")[0].partition("#")[0]


def host_field(origin: str) -> str:
    """What the Host field says (RFC 9112, section 3.2): host and port of an origin, without name and password."""
    host = origin.partition("//")[2].rpartition("@")[2]
    if ":" not in host or host.endswith("]"):
        return host.rstrip(".")
    name, _, port = host.rpartition(":")
    return f"{name.rstrip('.')}:{port}"
