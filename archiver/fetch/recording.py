"""One exchange while it happens: what limits it, and what crossed the wire so far."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, cast

from archiver.message import Head
from archiver.model import Failure, FailureKind, Truncation

#: Responses up to this size stay in memory.
SPOOL_BYTES = 512 * 1024


@dataclass
class Recording:
    """One exchange while it happens: what limits it, and what crossed the wire so far.

    Attributes:
        max_bytes: response bytes after which it is cut; None for no limit.
        read_timeout: seconds of silence after which it is cut.
        deadline: monotonic time at which it is cut; None for none.
        cancelled: asked between reads.
        monotonic: the clock that `deadline` belongs to.
    """

    max_bytes: int | None
    read_timeout: float
    deadline: float | None
    cancelled: Callable[[], bool]
    monotonic: Callable[[], float]
    request: bytearray = field(default_factory=bytearray)
    response: BinaryIO = field(default_factory=BytesIO)
    length: int = 0
    interim: bytearray = field(default_factory=bytearray)
    head: Head | None = None
    truncated: Truncation | None = None
    failure: Failure | None = None
    reused: bool = False
    received: bool = False
    ip_address: str | None = None
    tls_version: str | None = None
    cipher: str | None = None

    def keep(self, data: bytes) -> None:
        """Append response bytes to the spool, which moves to a file when it is large."""
        self.length += len(data)
        if self.length > SPOOL_BYTES and isinstance(self.response, BytesIO):
            file = cast(BinaryIO, tempfile.TemporaryFile())
            file.write(self.response.getbuffer())
            self.response = file
        self.response.write(data)

    def cut(self, truncated: Truncation, kind: FailureKind, reason: str) -> None:
        """Note why the response lacks bytes."""
        self.truncated = truncated
        self.failure = Failure(kind, reason)
