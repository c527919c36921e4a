"""The end of a WARC file that is written: small pieces are gathered there, so that few calls reach the system."""

from __future__ import annotations

from io import BufferedRandom
from typing import BinaryIO

#: Bytes that are gathered at most.
_GATHERED = 256 * 1024


class Tail:
    """Appends to a file, in large pieces; for one thread at a time.

    Args:
        file: new; nobody else moves its position.

    Attributes:
        file: what is written to.
        position: bytes of the file, what is gathered included.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        # What Python still holds cannot be taken off a full disk again, and would be lost with what does not fit any more.
        self._target = file.raw if isinstance(file, BufferedRandom) else file
        self.position = 0
        self._pieces: list[bytes] = []
        self._gathered = 0

    def write(self, data: bytes) -> None:
        """The next bytes.

        Raises:
            OSError: the file did not take what was gathered.
        """
        self._pieces.append(data)
        self.position += len(data)
        self._gathered += len(data)
        if self._gathered >= _GATHERED:
            self.hand_on()

    def hand_on(self) -> None:
        """Give what is gathered to the system.

        Raises:
            OSError: it did not take it.
        """
        pieces, self._pieces, self._gathered = self._pieces, [], 0
        left = memoryview(b"".join(pieces))
        while left:
            left = left[self._target.write(left) or 0 :]

    def cut(self, position: int) -> None:
        """Take off what comes after a position.

        Raises:
            OSError: the file may have more than that now.
        """
        self._pieces, self._gathered, self.position = [], 0, position
        self._target.seek(position)
        self._target.truncate(position)
