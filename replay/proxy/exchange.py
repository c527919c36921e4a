"""What a client of the proxy asks, and what it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        method: upper case.
        url: absolute, without fragment.
        fields: header fields by their names in lower case; several of a name joined with commas.
        client: IP address it comes from.
        body: its beginning, as much as tells requests apart.
    """

    method: str
    url: str
    fields: Mapping[str, str]
    client: str
    body: bytes = b""

    def get(self, name: str) -> str:
        """A header field, or ""."""
        return self.fields.get(name, "")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, without the fields that frame it.

    Attributes:
        status: from 200 to 999.
        fields: names and values.
        body: decoded from its transfer coding; read once, or not at all.
        length: bytes of `body`; None when nobody knows yet.
        reason: phrase of the status line; b"" for the usual one.
        close: called when the body was sent or will not be.
    """

    status: int
    fields: Sequence[tuple[bytes, bytes]]
    body: Iterable[bytes]
    length: int | None
    reason: bytes = b""
    close: Callable[[], None] = _nothing


def whole(status: int, body: bytes, content_type: str, **more: str) -> Answer:
    """An answer of our own.

    Args:
        status: of it.
        body: all of it.
        content_type: of it.
        more: further header fields, with `_` for `-`.
    """
    fields = [("Content-Type", content_type), ("Cache-Control", "no-store")]
    fields += [(name.replace("_", "-"), value) for name, value in more.items()]
    return Answer(status, [field(name, value) for name, value in fields], (body,), len(body))


def field(name: str, value: str) -> tuple[bytes, bytes]:
    """A header field as bytes; a value from outside must have no line ends."""
    return name.encode("ascii"), value.encode("utf-8")
