"""Every exception Muniment raises on purpose.

MunimentError                   a sentence for the user: what went wrong, what it means, what to do
├── UsageError                  the request itself is wrong (unknown setting, bad option value)
│   ├── InvalidURL              not a URL that can be captured or looked up
│   ├── InvalidTimestamp        not 1 to 14 digits of a date
│   └── UnknownSetting          no setting of that name; suggests the nearest
├── NotFound                    nothing is held under that name
│   ├── UnknownCollection
│   └── NotArchived             no permitted capture of that URL
├── Conflict                    a name is already taken, an archive is in use
├── AccessRefused               who asks may not do this, or is not known
├── FetchFailed                 the network gave no (whole) answer
│   └── AddressRefused          the guard forbids that address
├── DamagedRecord               a WARC or ARC record cannot be read
│   └── MissingRecord           the index names a file or offset that is not there
├── DamagedFile                 a package, list or log that is to be taken in cannot be read
├── BodyLimitExceeded           a decoded body grew past its limit (a decompression bomb, or just huge)
├── ServerDied                  a server process ended by itself
├── StorageFailed               disk full, permission, lost file
└── Interrupted                 the user asked to stop; what was kept is in the message

Only `cli` turns these into exit statuses and only `views` into HTTP statuses.
"""

from __future__ import annotations


class MunimentError(Exception):
    """A failure that a user can understand.

    Args:
        message: what went wrong and what it means, one sentence, no internal names.
        advice: what to do about it, one sentence, or empty; it holds wherever people read it, in a browser too.
        command: the same for who works in a terminal, where that is another thing to do.
    """

    def __init__(self, message: str, advice: str = "", *, command: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.command = command

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()

    @property
    def in_terminal(self) -> str:
        """All of it, for who works in a terminal."""
        return f"{self.message} {self.command or self.advice}".strip()


class UsageError(MunimentError):
    """The request itself is wrong."""


class InvalidURL(UsageError):
    """Not a URL that can be captured or looked up."""


class InvalidTimestamp(UsageError):
    """Not 1 to 14 digits of a date."""


class UnknownSetting(UsageError):
    """No setting has that name."""


class NotFound(MunimentError):
    """Nothing is held under that name."""


class UnknownCollection(NotFound):
    """No collection has that name."""


class NotArchived(NotFound):
    """No permitted capture of that URL."""


class Conflict(MunimentError):
    """A name is already taken, or the archive is in use."""


class AccessRefused(MunimentError):
    """Who asks may not do this, or is not known."""


class FetchFailed(MunimentError):
    """The network gave no answer, or not a whole one."""


class AddressRefused(FetchFailed):
    """The guard forbids connecting to that address."""


class DamagedRecord(MunimentError):
    """A WARC or ARC record cannot be read."""


class MissingRecord(DamagedRecord):
    """The index names a file or offset that is not there."""


class DamagedFile(MunimentError):
    """A package (WACZ), list (HAR, CDX) or log that is to be taken in cannot be read."""


class BodyLimitExceeded(MunimentError):
    """A decoded body grew past its limit."""


class ServerDied(MunimentError):
    """A server process ended by itself."""


class StorageFailed(MunimentError):
    """The disk or object store did not keep or give what it should."""


class Interrupted(MunimentError):
    """The user asked to stop."""
