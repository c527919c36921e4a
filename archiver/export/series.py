"""The WARC files of an export: their names, their sizes, and the record in each that says what it is part of."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime
from io import BytesIO

from archiver.export.events import Sink
from archiver.export.output import Bundle
from archiver.warc.records import Fields, WarcInfo, field_lines, record_lines, sha1_of, warcinfo_block
from archiver.warc.serialise import write_record


class Series:
    """Writes records into files, and knows where it is.

    Args:
        bundle: takes the files.
        prefix: start of their names.
        info: said at the start of each file but for those that are copied whole.
        clock: the time, UTC.
        new_id: makes WARC-Record-IDs.
        max_bytes: a file that has reached this size is finished before the next event; 0 for no limit.
        name: of a single file.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        prefix: str,
        info: WarcInfo,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        max_bytes: int,
        name: str = "",
    ) -> None:
        self._bundle = bundle
        self._prefix = prefix
        self._info = info
        self._clock = clock
        self._new_id = new_id
        self._max_bytes = max_bytes
        self._host = socket.gethostname().partition(".")[0] or "localhost"
        self._single = name
        self._sink: Sink | None = None
        self._is_own = False
        self._serial = 0
        self._names: set[str] = set()
        self.files: dict[str, int] = {}
        self.name = ""
        self.position = 0

    def write(self, data: bytes) -> None:
        """Bytes of a record, into the current file."""
        assert self._sink is not None
        self._sink.write(data)
        self.position += len(data)
        self.files[self.name] = self.position

    def before_event(self) -> None:
        """What is written next belongs together: it goes into one file."""
        if self._sink is not None and not self._bundle.is_single:
            if not self._is_own or (self._max_bytes and self.position >= self._max_bytes):
                self._sink = None
        if self._sink is None:
            self._begin_own()

    def begin_copy(self, name: str) -> None:
        """What is written next is a file as it is."""
        if self._bundle.is_single:
            self.before_event()
            return
        self._begin(self._free_name(name))
        self._is_own = False

    def end(self) -> None:
        """All files are whole; an export of nothing is a file that says so."""
        if not self.files:
            self._begin_own()
        self._bundle.end()
        self._sink = None

    def _begin_own(self) -> None:
        now = self._clock()
        stamp = f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"
        self._begin(self._single or self._free_name(f"{self._prefix}-{stamp}-{self._serial:05d}-{self._host}.warc.gz"))
        self._serial += 1
        self._is_own = True
        block = warcinfo_block(self._info)
        fields: Fields = [
            ("WARC-Filename", self.name),
            ("WARC-Block-Digest", sha1_of(block)),
            ("Content-Type", "application/warc-fields"),
        ]
        packed = BytesIO()
        write_record(packed, record_lines("warcinfo", self._new_id(), now, field_lines(fields)), BytesIO(block), len(block))
        self.write(packed.getvalue())

    def _begin(self, name: str) -> None:
        self._sink = self._bundle.begin(name)
        self.name, self.position = name, 0
        self.files[name] = 0

    def _free_name(self, name: str) -> str:
        """A name that no other file of the export has, also where upper and lower case are one."""
        free, number = name, 2
        while free.lower() in self._names:
            free, number = f"{number}-{name}", number + 1
        self._names.add(free.lower())
        return free
