"""What is asked of files that are not on this machine: parts of them, how long they are, and to keep and give up some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of a file.

    Attributes:
        data: fewer than asked for only at the end of the file.
        total: bytes of the whole file; None when that was not said.
        version: tells this state of the file from others; "" when that was not said.
    """

    data: bytes
    total: int | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Stat:
    """How long a file is, and in which state."""

    size: int
    version: str = ""


class ReadableFiles(Protocol):
    """Files elsewhere, by key.

    Everything raises MissingRecord when there is no such file, StorageFailed when the place cannot be asked.
    """

    @property
    def address(self) -> str:
        """Tells this place from others."""

    def read(self, key: str, start: int, end: int, version: str = "") -> Part:
        """Bytes from `start` up to `end`, which is not included; none past the end of the file.

        Raises:
            DamagedRecord: the file is not that of `version` any more.
        """

    def stat(self, key: str) -> Stat:
        """What is known of a file."""


class Remote(ReadableFiles, Protocol):
    """A place in object storage; its address is its URL."""

    def put(self, key: str, source: BinaryIO) -> None:
        """Keep an open file of this machine, which has a `name`, under a key, in the place of what was there.

        It has arrived, and was compared, when this returns.
        """

    def holds(self, key: str, source: BinaryIO) -> bool:
        """What is kept under a key is exactly an open file of this machine."""

    def keys(self) -> Iterator[str]:
        """All keys, in order."""

    def check(self) -> None:
        """Whether the place answers, with the keys given."""

    def delete(self, key: str) -> None:
        """Give a file up; nothing happens when there is none."""
