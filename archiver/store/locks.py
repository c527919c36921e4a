"""Files that one process has to itself: a lock that goes with the process, and a file that still has its name."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import BinaryIO


def created(path: Path, *, anew: bool = True) -> BinaryIO:
    """A new file for reading and writing, locked before any other process can take it for a dead writer's.

    A process that clears up may lock and remove it in the moment between its creation and the lock: then it is made again.

    Args:
        path: where; its folder must be there.
        anew: refuse when there is one; else it is emptied once it is locked.

    Raises:
        FileExistsError: there is one.
        OSError: it cannot be made.
    """
    while True:
        stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | (os.O_EXCL if anew else 0), 0o644), "r+b")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if is_at(stream, path):
                stream.truncate(0)
                return stream
        except BaseException:
            stream.close()
            raise
        stream.close()


def locked(path: Path, *, wait: bool = False) -> BinaryIO | None:
    """A file, locked against other processes; None when it is gone, or another has it and `wait` is not set."""
    try:
        stream = path.open("r+b")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        if is_at(stream, path):
            return stream
    except BlockingIOError:
        pass
    stream.close()
    return None


def is_at(stream: BinaryIO, path: Path) -> bool:
    """An open file is the one that has this path, and not one that had it before."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
