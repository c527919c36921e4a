"""CDX and CDXJ files whose WARC files lie elsewhere: their lines become rows of the index, checked against those files."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from archiver.errors import DamagedRecord, MunimentError
from archiver.imports.context import Context, Source, is_local
from archiver.imports.recognise import Kind
from archiver.imports.report import NOTHING_READ, Taken, refused
from archiver.index.cdxline import Layout, is_remark, layout_of_header, row_of_line
from archiver.index.entry import revisit_target
from archiver.index.protocol import Row
from archiver.index.warcnames import namer
from archiver.model import Capture, RevisitTarget
from archiver.urls import urlkey
from archiver.warc.reader import StoredRecord, iter_records

_ROWS_AT_ONCE = 1000
_MOST_LINE = 1024 * 1024
_MOST_OPEN = 32
_ERRORS = (OSError, EOFError, zlib.error)


def take_cdx(source: Source, context: Context) -> Iterator[Taken]:
    """Take the captures in that an index names; those that are not where it says are named and left out."""
    report = Taken(source.title, Kind.CDX)
    warcs = context.warcs or _folder_of(source)
    files, place = _Files(context), namer(warcs)
    rows: list[Capture] = []
    try:
        for number, line, layout in _lines(source, context, report):
            capture = _capture(number, row_of_line(line, place, layout), files, report, context)
            if capture is not None:
                rows.append(capture)
            if len(rows) >= _ROWS_AT_ONCE:
                report.captures += context.holdings.index.add(rows)
                rows.clear()
                context.progress(source.title, number, 0)
    except _ERRORS:
        report.damage(
            context.tell, report.records["line"], "The index cannot be read from here on: it is damaged or cut short."
        )
    finally:
        files.close()
    report.captures += context.holdings.index.add(rows)
    if not report.records["line"]:
        yield refused(source.title, Kind.CDX, NOTHING_READ if report.damaged else "It lists no captures.", context.tell)
        return
    report.notes.append(f"The captures are read from the WARC files under {warcs}, which must stay there.")
    yield report


def _folder_of(source: Source) -> str:
    return str(Path(source.name).resolve().parent) if is_local(source.name) else source.name.rpartition("/")[0]


def _lines(source: Source, context: Context, report: Taken) -> Iterator[tuple[int, bytes, Layout | None]]:
    """(number, line, columns by the header) of each line that is no remark."""
    layout: Layout | None = None
    with context.text(source.name) as stream:
        number = 0
        while line := stream.readline(_MOST_LINE):
            number += 1
            line = line.rstrip(b"\r\n")
            if number == 1:
                layout = layout_of_header(line)
            if line and not is_remark(line) and not (number == 1 and layout is not None):
                report.records["line"] += 1
                yield number, line, layout


def _capture(number: int, row: Row | None, files: _Files, report: Taken, context: Context) -> Capture | None:
    if row is None:
        report.skip(context.tell, number, "line", "", "a line that is none of an index")
        return None
    timestamp, url, mime, status, digest, length, offset, file, is_revisit = row[1:10]
    reason, record = files.look(file, offset, length, url)
    if reason:
        report.skip(context.tell, number, "line", url, reason)
        return None
    target = RevisitTarget(None, None) if is_revisit else None
    if record is not None and record.record_type == "revisit":
        target = record.target
    return Capture(
        collection=context.slug,
        urlkey=_key(row, url),
        timestamp=f"{timestamp:014d}",
        url=url,
        mime=mime,
        status=status,
        digest=digest,
        file=file,
        offset=offset,
        length=length,
        revisit_of=target,
    )


def _key(row: Row, url: str) -> str:
    """Our own key of a URL; that of the index where it stands for a request with a body."""
    return row[0] if "__wb_" in row[0] else urlkey(url)


# -- the files that an index names ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Record:
    """What lies at a place: its type, its URL, and what a revisit repeats."""

    record_type: str
    url: str
    target: RevisitTarget | None


@dataclass
class _Files:
    """The WARC files, the last of them kept open.

    On this machine each place is looked at; elsewhere, where that would be a request each, only that the file is long enough.
    """

    context: Context
    _open: OrderedDict[str, BinaryIO] = field(default_factory=OrderedDict)
    _sizes: dict[str, int | None] = field(default_factory=dict)

    def look(self, file: str, offset: int, length: int, url: str) -> tuple[str, _Record | None]:
        """(why a place is not that of the capture of a URL, or ""; what lies there, where that was looked at)."""
        size = self._size(file)
        if size is None:
            return f"the WARC file {file.rpartition('/')[2]} is not there", None
        if offset + length > size or offset >= size:
            return "the place is past the end of the WARC file", None
        if "://" in file:
            return "", None
        found = self._record(file, offset)
        if found is None:
            return "no record begins at that place of the WARC file", None
        if urlkey(found.url) != urlkey(url):
            return "at that place of the WARC file is the record of another URL", None
        if found.record_type not in ("response", "revisit", "resource"):
            return f"at that place of the WARC file is a {found.record_type or 'nameless'} record", None
        return "", found

    def close(self) -> None:
        """Close all files."""
        for stream in self._open.values():
            stream.close()
        self._open.clear()

    def _size(self, file: str) -> int | None:
        if file not in self._sizes:
            try:
                self._sizes[file] = self.context.holdings.store.size(file)
            except MunimentError:
                self._sizes[file] = None
        return self._sizes[file]

    def _record(self, file: str, offset: int) -> _Record | None:
        stream = self._stream(file)
        stream.seek(offset)
        try:
            record = next(iter_records(stream, offset), None)
        except DamagedRecord:
            return None
        if not isinstance(record, StoredRecord) or record.offset != offset:
            return None
        target = None
        if record.record_type == "revisit":
            target = revisit_target(record)
        return _Record(record.record_type, record.url, target)

    def _stream(self, file: str) -> BinaryIO:
        stream = self._open.pop(file, None) or self.context.holdings.store.open(file)
        self._open[file] = stream
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        return stream
