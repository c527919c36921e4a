"""Files that jobs have made for whoever asked for an export: each in a folder of its own, named by the job's number.

They stay until somebody takes them away, or until something is purged that may be in them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from archiver.jobs import Job, JobState

#: Folder in the archive home.
FOLDER = "exports"
#: Kind of the jobs that make them.
KIND = "export"
#: What the name of a folder ends in that is being taken away.
_GOING = ".going"


def vanish(folder: Path) -> bool:
    """Take a folder away at once, whoever writes into it: whatever they do next there fails. False when it was not there.

    To remove file after file would leave what is written between.
    """
    going = folder.with_name(f".{folder.name}{_GOING}")
    shutil.rmtree(going, ignore_errors=True)
    try:
        folder.rename(going)
    except FileNotFoundError:
        return False
    shutil.rmtree(going, ignore_errors=True)
    return True


class ExportFiles:
    """The files of exports in an archive.

    Args:
        archive: its home.
    """

    def __init__(self, archive: Path) -> None:
        self.folder = archive / FOLDER

    def place(self, number: int) -> Path:
        """The folder of a job."""
        return self.folder / str(number)

    def path(self, job: Job) -> Path | None:
        """The file that a job has made, when it is there; only what lies in its own folder."""
        if job.kind != KIND or job.state is not JobState.DONE:
            return None
        folder = self.place(job.number)
        path = folder / str(job.result.get("file", "")).rpartition("/")[2]
        return path if path.parent == folder and path.is_file() else None

    def discard(self, number: int) -> bool:
        """Take away what a job has made; false when there was nothing."""
        return vanish(self.place(number))

    def discard_all(self, numbers: Iterable[int]) -> int:
        """The same of several jobs: of how many something was there."""
        for left in self.folder.glob(f".*{_GOING}"):  # of a process that was killed meanwhile
            shutil.rmtree(left, ignore_errors=True)
        return sum(self.discard(number) for number in numbers)

    def numbers(self) -> Iterator[int]:
        """Jobs of which something is there."""
        for place in self.folder.iterdir() if self.folder.is_dir() else ():
            if place.name.isascii() and place.name.isdigit():
                yield int(place.name)

    def sizes(self) -> Iterator[int]:
        """Bytes of each file."""
        for number in self.numbers():
            try:
                yield from [item.stat().st_size for item in self.place(number).iterdir() if item.is_file()]
            except FileNotFoundError:  # taken away a moment ago
                continue
