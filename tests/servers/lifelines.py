"""Processes that end with the tests that started them, however those end."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any

#: Of prctl(2): the signal that a process gets when the thread that started it is gone.
_PDEATHSIG = 1
#: In a folder: the process that it is for.
_OWNER = "owner"


def end_with_us(number: signal.Signals) -> Callable[[], None]:
    """What a new process does first, so that it does not outlive this one, even when that is killed; Linux only.

    Args:
        number: the signal that ends it.
    """
    library = ctypes.CDLL(None)  # before the fork
    return (lambda: library.prctl(_PDEATHSIG, int(number))) if hasattr(library, "prctl") else (lambda: None)


@contextmanager
def child(command: Sequence[str | Path], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process; where it still runs at the end, because a test failed, it is killed, so that no other test hears of it.

    Args:
        command: and arguments.
        options: of `subprocess.Popen`.
    """
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def folder_of_ours(prefix: str) -> Iterator[Path]:
    """A new folder in the system's one for such, gone at the end; those that killed tests have left go first.

    Args:
        prefix: of its name.
    """
    for left in Path(gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError, ValueError):
            if not _is_there(int((left / _OWNER).read_text("ascii"))):
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(mkdtemp(prefix=prefix))
    (folder / _OWNER).write_text(str(os.getpid()), "ascii")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
