"""What every place of WARC files can do: a folder, or object storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

#: A name that can be given to a new file; imported in place, files have absolute paths and URLs as names.
SAFE_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}"


class WarcStore(Protocol):
    """The WARC files of an archive.

    A file has a name. It is written in an open state (`create`), in which it can be read already, until `finish`; then it
    never changes, but for `replace` and `remove`. Names that are absolute paths or URLs are files that are read where they are.

    Everything raises StorageFailed when the place does not keep or give what it should, unless it says otherwise.
    """

    @property
    def address(self) -> str:
        """The folder or URL, to tell one store from another."""

    # -- reading -----------------------------------------------------------------------------------------------------

    def open(self, file: str, offset: int = 0, length_hint: int = 0) -> BinaryIO:
        """A file for reading, at `offset`; open, finished or elsewhere. It can `seek`.

        Args:
            file: its name.
            offset: in bytes.
            length_hint: how many bytes will be read from there, most likely; 0 when unknown.

        Raises:
            MissingRecord: there is no such file.
        """

    def size(self, file: str) -> int:
        """Bytes of a file as it is now.

        Raises:
            MissingRecord: there is no such file.
        """

    def exists(self, file: str) -> bool:
        """There is such a finished file."""

    def names(self) -> Iterator[str]:
        """Names of all finished files, in order; those elsewhere are not among them."""

    def local_path(self, file: str) -> Path | None:
        """Where a file is on this machine, for programs that need a path; None when it is not, as in object storage.

        A file that waits to be uploaded has a path that it may lose at any moment.
        """

    def is_same(self, name: str, path: Path) -> bool:
        """A finished file of that name has exactly the bytes of a file on this machine; False when there is none."""

    def check(self) -> None:
        """Whether the place answers.

        Raises:
            StorageFailed: it does not; the message says why, and names nothing.
        """

    def waiting(self) -> Iterator[tuple[str, str]]:
        """Finished files that are on this machine and have not arrived where they belong, and why, where that is known."""

    # -- writing -----------------------------------------------------------------------------------------------------

    def create(self, name: str) -> BinaryIO:
        """A new file for writing, locked against repair by others until it is closed.

        Raises:
            FileExistsError: a file of that name is there.
        """

    def finish(self, name: str) -> None:
        """A written file is complete. It may still be open here; nothing more is written to it."""

    def arrive(self, name: str) -> None:
        """Wait until a finished file is where it belongs, as others need it there before what it replaces goes."""

    def discard(self, name: str) -> None:
        """Remove an open file that holds nothing."""

    def unfinished(self) -> Iterator[str]:
        """Names of files that some process of this machine writes or left behind."""

    def abandoned(self, name: str) -> BinaryIO | None:
        """An unfinished file that no living process writes, for reading and writing, and locked; else None."""

    def remove(self, name: str) -> None:
        """Take a finished file away, for ever; nothing happens when there is none."""

    def replace(self, name: str, source: Path | BinaryIO) -> None:
        """Put other bytes in the place of a finished file: readers find all of the old or all of the new, also after a crash.

        Args:
            name: of a finished file.
            source: the new bytes, to be read from where it is to the end.

        Raises:
            MissingRecord: there is no such file.
        """

    def send_waiting(self) -> int:
        """Bring all that waits where it belongs, now; how many files arrived.

        Raises:
            Conflict: another file has the name of one there; all others have arrived.
        """

    def close(self) -> None:
        """Let go of what is held; written files are brought where they belong, as far as that is possible now."""
