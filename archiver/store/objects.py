"""WARC files in object storage: written in a folder of this machine, sent when they are finished, read by range."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from heapq import merge
from pathlib import Path
from typing import BinaryIO

from archiver.errors import Conflict, MissingRecord, StorageFailed
from archiver.store.faults import LASTING, fault_of
from archiver.store.folder import NEW_SUFFIX, FolderStore
from archiver.store.inside import INSIDE, open_inside
from archiver.store.locks import created, locked
from archiver.store.places import Places, is_url
from archiver.store.ranges import open_part
from archiver.store.remote import Remote
from archiver.store.uploads import Outcome, Uploader, send

_PIECE = 1024 * 1024
#: Until a file is looked at again that another thread or process is sending.
_BUSY_SECONDS = 0.05


class ObjectStore:
    """The WARC files of an archive in object storage; see `WarcStore`.

    Args:
        remote: where they belong.
        spool: folder of this machine in which they are written, and kept until they have arrived there.
        places: opens files elsewhere.
    """

    def __init__(self, remote: Remote, spool: Path, places: Places | None = None) -> None:
        self.remote = remote
        self.spool = FolderStore(spool, places)
        self._uploader = Uploader(self.spool, remote)
        self._has_begun = False

    @property
    def address(self) -> str:
        return self.remote.address

    def begin(self) -> None:
        """Send what killed processes left in the spool, from now on."""
        self._discard_torn()
        self._uploader.begin()

    # -- reading -----------------------------------------------------------------------------------------------------

    def open(self, file: str, offset: int = 0, length_hint: int = 0) -> BinaryIO:
        if is_url(file) or Path(file).is_absolute():
            return self.spool.open(file, offset, length_hint)
        if INSIDE in file:
            return open_inside(self.open, file, offset)
        with suppress(MissingRecord):
            return self.spool.open(file, offset)  # a file is in object storage before it leaves the spool
        return open_part(self.remote, file, offset, length_hint)

    def size(self, file: str) -> int:
        if is_url(file) or Path(file).is_absolute():
            return self.spool.size(file)
        if INSIDE in file:
            with self.open(file) as stream:
                return stream.seek(0, os.SEEK_END)
        with suppress(MissingRecord):
            return self.spool.size(file)
        return self.remote.stat(file).size

    def exists(self, file: str) -> bool:
        if is_url(file) or Path(file).is_absolute():
            return self.spool.exists(file)
        return self.spool.exists(file) or self._is_remote(file)

    def names(self) -> Iterator[str]:
        before = ""
        for name in merge(list(self.spool.names()), self.remote.keys()):
            if name != before:
                yield name
            before = name

    def local_path(self, file: str) -> Path | None:
        return self.spool.local_path(file)

    def is_same(self, name: str, path: Path) -> bool:
        if self.spool.exists(name):
            return self.spool.is_same(name, path)
        try:
            with path.open("rb") as stream:
                return self.remote.holds(name, stream)
        except MissingRecord:
            return False

    def check(self) -> None:
        self.remote.check()

    def waiting(self) -> Iterator[tuple[str, str]]:
        for name in list(self.spool.names()):
            yield name, self._uploader.reason(name)

    # -- writing -----------------------------------------------------------------------------------------------------

    def create(self, name: str) -> BinaryIO:
        stream = self.spool.create(name)
        if self._has_begun:
            return stream  # nothing that is sent later takes the place of another file, and capture waits for no network
        try:
            is_taken = self._is_remote(name)
        except StorageFailed as error:
            if error.__cause__ is not None and fault_of(error.__cause__) in LASTING:
                stream.close()
                self.spool.discard(name)
                raise  # nothing has been captured yet
            is_taken = False
        if is_taken:
            stream.close()
            self.spool.discard(name)
            raise FileExistsError(name)
        self._has_begun = True
        return stream

    def finish(self, name: str) -> None:
        self.spool.finish(name)
        self._uploader.add(name)

    def arrive(self, name: str) -> None:
        while send(self.spool, self.remote, name) is Outcome.BUSY:
            time.sleep(_BUSY_SECONDS)

    def discard(self, name: str) -> None:
        self.spool.discard(name)

    def unfinished(self) -> Iterator[str]:
        return self.spool.unfinished()

    def abandoned(self, name: str) -> BinaryIO | None:
        return self.spool.abandoned(name)

    def remove(self, name: str) -> None:
        waiting = locked(self.spool.root / name, wait=True)
        if waiting is not None:
            with waiting:
                self.spool.remove(name)
        self.remote.delete(name)

    def replace(self, name: str, source: Path | BinaryIO) -> None:
        new = self.spool.root / f"{name}{NEW_SUFFIX}"
        try:
            self.spool.root.mkdir(parents=True, exist_ok=True)
            with created(new, anew=False) as target:  # locked against those who clear up
                if isinstance(source, Path):
                    with source.open("rb") as stream:
                        shutil.copyfileobj(stream, target, _PIECE)
                else:
                    shutil.copyfileobj(source, target, _PIECE)
                target.flush()
                os.fsync(target.fileno())
                self._put_in_place(name, new)
        except OSError as error:
            raise StorageFailed(
                f"A WARC file cannot be replaced: {error.strerror}.",
                "It is as it was; look at the archive folder's free space.",
            ) from error
        finally:
            new.unlink(missing_ok=True)

    def _put_in_place(self, name: str, new: Path) -> None:
        waiting = locked(self.spool.root / name, wait=True)
        if waiting is not None:
            with waiting:
                new.replace(self.spool.root / name)
            self._uploader.add(name)
            return
        self.remote.stat(name)
        with new.open("rb") as stream:
            self.remote.put(name, stream)

    def send_waiting(self) -> int:
        sent, conflict = 0, None
        for name in list(self.spool.names()):
            try:
                sent += send(self.spool, self.remote, name) is Outcome.ARRIVED
            except Conflict as error:
                conflict = error
        if conflict is not None:
            raise conflict
        return sent

    def close(self) -> None:
        self._uploader.close()

    def _is_remote(self, name: str) -> bool:
        try:
            self.remote.stat(name)
        except MissingRecord:
            return False
        return True

    def _discard_torn(self) -> None:
        """Remove what a replacement that was cut short left in the spool; the file it was for is as it was, or replaced."""
        for path in self.spool.root.glob(f"*{NEW_SUFFIX}") if self.spool.root.is_dir() else ():
            if (torn := locked(path)) is not None:
                with torn:
                    path.unlink(missing_ok=True)
