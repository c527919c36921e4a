"""Which collection and time a client of the proxy sees: by the user name it gives, else as chosen for its address."""

from __future__ import annotations

import base64
import binascii
import re
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from archiver.errors import UsageError
from archiver.settings import Settings

_CLIENTS_KEPT = 1000
_TIMESTAMP = re.compile(r"[0-9]{0,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Choice:
    """A collection at a time.

    Attributes:
        collection: slug, or "all".
        timestamp: 1 to 14 digits; "" for the newest.
    """

    collection: str
    timestamp: str = ""


def read_choice(text: str, default: Choice | None) -> Choice:
    """What `collection@timestamp` means, of which either may be left out.

    Args:
        text: from a person.
        default: gives what is left out.

    Raises:
        UsageError: it names no collection where there is no default, or its time is not 1 to 14 digits.
    """
    name, _, timestamp = (part.strip() for part in text.partition("@"))
    name = name or (default.collection if default else "")
    timestamp = timestamp or (default.timestamp if default else "")
    if not name:
        raise UsageError("No collection is chosen.", "Write it like collection@20160810204623.")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise UsageError(f"“{timestamp[:40]}” is not a date of 1 to 14 digits.", "Write it like collection@20160810204623.")
    return Choice(name, timestamp)


def default_choice(settings: Settings) -> Choice | None:
    """What is shown to who chose nothing; None when everybody has to.

    Raises:
        UsageError: the setting of the time is no time.
    """
    return read_choice(f"{settings.proxy_collection}@{settings.proxy_time}", None) if settings.proxy_collection else None


def user_name(authorization: str) -> str:
    """The user of Basic credentials (RFC 7617), or ""; the password does not matter."""
    scheme, _, credentials = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode("utf-8").partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


class Choices:
    """What was chosen for the clients at each address, until the proxy stops.

    Args:
        default: for all others; None when each client has to say.
    """

    def __init__(self, default: Choice | None) -> None:
        self.default = default
        self._chosen: OrderedDict[str, Choice] = OrderedDict()
        self._lock = Lock()

    def of(self, client: str) -> Choice | None:
        """The choice for a client's IP address."""
        return self._chosen.get(client, self.default)

    def choose(self, client: str, choice: Choice) -> None:
        """From now on."""
        with self._lock:
            self._chosen[client] = choice
            self._chosen.move_to_end(client)
            if len(self._chosen) > _CLIENTS_KEPT:
                self._chosen.popitem(last=False)
