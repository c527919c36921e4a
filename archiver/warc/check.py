"""Checks a WARC or ARC file against the rules: every header, every digest, the compression, and what records say of each other.

A file can be checked in parts by several processes: each begins at the first record of its part, and what concerns records of
different parts is settled when the parts are joined.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from zlib_ng import zlib_ng

from archiver.errors import DamagedRecord
from archiver.warc.blockrules import NOTHING, Facts, check_block, ordinary
from archiver.warc.events import Events, Identifiers, Linked, Pair, Run, Ties, repeated
from archiver.warc.frames import is_frame
from archiver.warc.headrules import Header, Shape
from archiver.warc.headshapes import HeaderRules
from archiver.warc.reader import BadRecord, StoredRecord, iter_records
from archiver.warc.rules import RULES, Finding, Severity
from archiver.warc.scan import Raw, Scanner

_GZIP = b"\x1f\x8b"

#: Findings of each rule that are kept in memory; all are counted, and all go to the log's file if it has one.
LISTED = 100

#: Bytes of a file from which on its records are too many to be compared all at once.
_LARGE = 512 * 1024 * 1024

#: Bytes between two calls of `progress`.
_TOLD = 4 * 1024 * 1024

#: Told each record that was checked, with what was found in its block.
Observer = Callable[[Raw, Facts], None]


@dataclass
class Log:
    """What was found: counted by rule, the first of each listed, all of it written to `path` as JSON lines if that is set."""

    file: str
    path: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    listed: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """One finding."""
        self.counts[finding.rule] += 1
        if self.counts[finding.rule] <= LISTED:
            self.listed.append(finding)
        if self.path:
            with open(self.path, "a", encoding="utf-8") as out:  # noqa: PTH123 - rare enough
                out.write(json.dumps(as_json(self.file, finding), ensure_ascii=False) + "\n")

    def note(self, rule: str, offset: int, detail: str = "", subject: str = "") -> None:
        """One finding, by its parts."""
        self.add(Finding(rule, offset, detail, subject))

    def join(self, later: Log) -> None:
        """Take in what another log has; files are joined by who made them."""
        for finding in later.listed:
            if self.counts[finding.rule] < LISTED:
                self.listed.append(finding)
                self.counts[finding.rule] += 1
                later.counts[finding.rule] -= 1
        self.counts += later.counts

    def has(self, severity: Severity) -> int:
        """How many findings are of that severity."""
        return sum(count for rule, count in self.counts.items() if RULES[rule].severity is severity)


def as_json(file: str, finding: Finding) -> dict[str, object]:
    """A finding for programs."""
    rule = RULES[finding.rule]
    return {"file": file, "severity": rule.severity.value, **asdict(finding), "sentence": rule.sentence, "hint": rule.hint}


@dataclass
class PartReport:
    """What came of a part of a file, with what is needed to join it to the others.

    Parts fit when each ends where the next begins.
    """

    log: Log
    records: Counter[str] = field(default_factory=Counter)
    block_bytes: int = 0
    identifiers: list[Run] = field(default_factory=list)
    ties: Ties = field(default_factory=Ties)
    begin: int = 0
    end: int = 0
    early: dict[Pair, Linked] = field(default_factory=dict)
    late: dict[Pair, Linked] = field(default_factory=dict)


@dataclass
class FileReport:
    """What came of a file.

    Attributes:
        file: its name.
        size: bytes.
        records: number by type.
        block_bytes: bytes of all blocks.
        log: what was found.
        logs: files with all findings as JSON lines, when that was asked for.
    """

    file: str
    size: int
    log: Log
    records: Counter[str] = field(default_factory=Counter)
    block_bytes: int = 0
    logs: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """No error was found."""
        return not self.log.has(Severity.ERROR)


def check_file(
    stream: BinaryIO,
    name: str,
    size: int,
    *,
    log_path: str = "",
    observer: Observer | None = None,
    progress: Callable[[int], None] | None = None,
) -> FileReport:
    """Check a whole file in this process.

    Args:
        stream: seekable.
        name: its name, also for rules about names.
        size: bytes.
        log_path: where all findings are written to as JSON lines; "" for nowhere.
        observer: told each record; payload digests are then computed where a record has none.
        progress: told the number of bytes passed, now and then.
    """
    part = check_part(stream, Log(name, log_path), size, observer=observer, progress=progress)
    return join_parts(name, size, [part], log_path)


def can_be_parted(stream: BinaryIO) -> bool:
    """A file is a series of gzip members, the first of them short: others cannot be begun in the middle."""
    stream.seek(0)
    start = stream.read(1024 * 1024)
    if not start.startswith(_GZIP):
        return False
    engine = zlib_ng.decompressobj(31)
    try:
        begins = engine.decompress(start, 16 * 1024 * 1024)[:5] == b"WARC/"
    except zlib_ng.error:  # type: ignore[misc]
        return False
    return begins and bool(engine.eof)


def check_part(
    stream: BinaryIO,
    log: Log,
    size: int,
    *,
    start: int = 0,
    end: int | None = None,
    spool: str = "",
    observer: Observer | None = None,
    progress: Callable[[int], None] | None = None,
) -> PartReport:
    """Check the records that begin in a part of a file; see `check_file`.

    Args:
        stream: seekable.
        log: takes what is found.
        size: of the file, bytes.
        start: of the part; what begins there or later is checked.
        end: of the part; what begins there or later is not. None for the end of the file.
        spool: a file that is made for identifiers of records; "" to keep them in memory, 16 bytes each.
        observer: see `check_file`.
        progress: likewise.
    """
    report = PartReport(log)
    stream.seek(0)
    beginning = stream.read(4)
    if start == 0:
        _check_name(log.file, beginning, log)
    stream.seek(start)
    if _is_arc(stream, beginning):
        if start == 0:
            _check_arc(stream, report, observer, progress)
        return report
    if is_frame(beginning.ljust(4, b"\0")):
        if start:
            return report
        report.log.note("zstd-experimental", -1)
        stream.seek(0)
        _Part(_frames(stream, report.log), start, report, observer, progress, spool, is_large=size > _LARGE).run()
        return report
    scanner = Scanner(stream, HeaderRules(), report.log.note, start=start, end=end, size=size)
    _Part(scanner.records(), start, report, observer, progress, spool, is_large=size > _LARGE).run()
    report.begin, report.end = scanner.begin, scanner.position
    return report


def join_parts(name: str, size: int, parts: Sequence[PartReport], log_path: str = "") -> FileReport:
    """The report on a file whose parts were checked, given in their order."""
    whole = FileReport(name, size, Log(name, log_path))
    ties = Ties()
    for part in parts:
        whole.records += part.records
        whole.block_bytes += part.block_bytes
        whole.log.join(part.log)
        ties.join(part.ties, whole.log.note)
    ties.finish(whole.log.note)
    for offset, first in repeated(run for part in parts for run in part.identifiers):
        whole.log.note("warc-5.2-unique", offset, f"as the one at byte {first:,}")
    events = Events(whole.log.note)
    for before, after in zip((None, *parts), (*parts, None), strict=True):
        late, early = before.late if before else {}, after.early if after else {}
        events.settle(late, early)
        events.settle(early, late)
    if not sum(whole.records.values()) and not whole.log.has(Severity.ERROR):
        whole.log.note("warc-4-empty", -1)
    whole.log.listed.sort(key=lambda finding: finding.offset)
    return whole


class _Part:
    """The check of the records that begin in one part of a WARC file."""

    def __init__(
        self,
        records: Iterator[Raw],
        start: int,
        report: PartReport,
        observer: Observer | None,
        progress: Callable[[int], None] | None,
        spool: str,
        *,
        is_large: bool,
    ) -> None:
        self._records, self._report, self._log = records, report, report.log
        self._start, self._has_begun = start, start != 0  # what must come first can be looked at in the first part only
        self._observer, self._progress = observer, progress
        self._identifiers = Identifiers(spool, is_large=is_large)

    def run(self) -> None:
        report = self._report
        events = Events(self._log.note)
        told = self._start
        for raw in self._records:
            try:
                linked = self._record(raw)
            except (ValueError, TypeError, LookupError, ArithmeticError, AssertionError) as error:
                self._log.note("warc-4-unsure", raw.offset, f"{type(error).__name__}: {error}"[:200])
                continue
            if linked.record_id:
                events.add(linked)
            if self._progress is not None and raw.offset - told > _TOLD:
                self._progress(raw.offset - told)
                told = raw.offset
        report.late = events.finish()
        report.early = events.early
        report.identifiers = self._identifiers.runs()

    def _record(self, raw: Raw) -> Linked:
        header, report, observer = raw.header, self._report, self._observer
        shape = header.shape
        if shape is not None and self._has_begun and (linked := self._usual(raw, header, shape)) is not None:
            return linked
        fields = header.fields
        offset, uri = raw.offset, fields.get("warc-target-uri", "")
        kind = fields.get("warc-type", "")
        if header.broken:
            for rule, detail in header.broken:
                self._log.note(rule, offset, detail, uri)
        if not self._has_begun:
            self._has_begun = True
            self._first(raw, kind)
        report.records[kind or "unnamed"] += 1
        report.block_bytes += header.length or 0
        facts = None
        if raw.block is not None and raw.is_whole and "warc-segment-number" not in fields:
            is_http = fields.get("content-type", "").lower().startswith("application/http;")
            said, payload = fields.get("warc-block-digest", ""), fields.get("warc-payload-digest", "")
            facts = ordinary(kind, said, payload, is_http, raw.block, observer is not None)
        if facts is None:
            facts = self._block(raw, uri)
        if observer is not None:
            observer(raw, facts)
        record_id = fields.get("warc-record-id", "")
        if record_id:
            self._identifiers.add(record_id, offset)
        if fields.get("warc-warcinfo-id", "") not in report.ties.used or "warc-segment-number" in fields:
            report.ties.add(header, offset, self._log.note)
        return Linked(offset, record_id, kind, fields.get("warc-date", ""), uri, header.concurrent)

    def _usual(self, raw: Raw, header: Header, shape: Shape) -> Linked | None:
        """A record of a known shape with nothing wrong: the same as `_record`, without names being looked up."""
        values, report, observer = header.values, self._report, self._observer
        if shape.broken or raw.block is None or not raw.is_whole or shape.block < 0 or shape.date < 0:
            return None
        payload = values[shape.payload] if shape.payload >= 0 else ""
        facts = ordinary(shape.kind, values[shape.block], payload, shape.is_http, raw.block, observer is not None)
        if facts is None:
            return None
        if observer is not None:
            observer(raw, facts)
        report.records[shape.kind] += 1
        report.block_bytes += header.length or 0
        offset, record_id = raw.offset, values[shape.record_id]
        self._identifiers.add(record_id, offset)
        if shape.warcinfo < 0 or values[shape.warcinfo] not in report.ties.used:
            report.ties.add(header, offset, self._log.note)
        uri = values[shape.uri] if shape.uri >= 0 else ""
        return Linked(offset, record_id, shape.kind, values[shape.date], uri, header.concurrent)

    def _block(self, raw: Raw, uri: str) -> Facts:
        """The block of a record that is not ordinary, or in which something is wrong."""
        header, log, offset = raw.header, self._log, raw.offset
        has_digest = "warc-block-digest" in header.fields or "warc-payload-digest" in header.fields
        if not header.length and raw.pieces is None and not has_digest:
            return NOTHING

        def note(rule: str, detail: str) -> None:
            log.note(rule, offset, detail, uri)

        return check_block(raw, note, want_digest=self._observer is not None)

    def _first(self, raw: Raw, kind: str) -> None:
        if kind != "warcinfo":
            self._log.note("warc-6.2-first", raw.offset, kind)
        said = raw.header.get("warc-filename")
        own = PurePosixPath(self._log.file).name.removesuffix(".open")
        if said and PurePosixPath(said).name != own:
            self._log.note("warc-5.17-differs", raw.offset, said)


def _check_name(name: str, beginning: bytes, log: Log) -> None:
    """What the name of a file says of it."""
    plain = name.lower()
    if plain.endswith(".open"):
        log.note("file-open", -1)
        plain = plain.removesuffix(".open")
    is_gzip = beginning.startswith(_GZIP)
    if not plain.endswith((".warc", ".warc.gz", ".arc", ".arc.gz", ".warc.zst")):
        log.note("warc-8-name", -1)
    elif beginning and is_gzip != plain.endswith(".gz"):
        log.note("gzip-name", -1)


# -- other kinds of files ----------------------------------------------------------------------------------------------


def _is_arc(stream: BinaryIO, beginning: bytes) -> bool:
    if beginning == b"file":
        return True
    if not beginning.startswith(_GZIP):
        return False
    here = stream.tell()
    stream.seek(0)
    try:
        return bool(zlib_ng.decompressobj(31).decompress(stream.read(4096), 16).startswith(b"filedesc:"))
    except zlib_ng.error:  # type: ignore[misc]
        return False
    finally:
        stream.seek(here)


def _check_arc(stream: BinaryIO, report: PartReport, observer: Observer | None, progress: Callable[[int], None] | None) -> None:
    """An ARC file: that all of it can be read."""
    report.log.note("arc-fixity", -1)
    told = 0
    for item in iter_records(stream):
        if isinstance(item, BadRecord):
            report.log.note("arc-header", item.offset, item.reason)
            continue
        report.records[item.record_type] += 1
        report.block_bytes += item.content_length
        try:
            if observer is not None:
                raw = _of_arc(item)
                observer(raw, check_block(raw, lambda _rule, _detail: None, want_digest=True))
            item.skip()
        except DamagedRecord:
            continue  # told as the next item
        if progress is not None and item.offset - told > _TOLD:
            progress(item.offset - told)
            told = item.offset


def _of_arc(item: StoredRecord) -> Raw:
    """A record of an ARC file as the WARC record that it means."""
    fields = {name.lower(): value for name, value in item.fields}
    return Raw(item.offset, Header("ARC", fields, (), item.content_length), None, (memoryview(piece) for piece in item.block()))


def _frames(stream: BinaryIO, log: Log) -> Iterator[Raw]:
    """The records of a file that is compressed with zstd, as the reader gives them: headers are written anew for the rules."""
    rules = HeaderRules()
    last: tuple[Raw, StoredRecord] | None = None
    for item in iter_records(stream):
        if last is not None:
            last[0].length = last[1].length
            last = None
        if isinstance(item, BadRecord):
            log.note("gzip-broken", item.offset, item.reason)
            continue
        if not item.alone:
            log.note("gzip-member", item.offset)
        lines = "".join(f"{name}: {value}\r\n" for name, value in item.fields)
        raw = Raw(item.offset, rules.check(f"{item.version}\r\n{lines}\r\n".encode()), None)
        raw.pieces = _block_of(item, raw, log)
        last = raw, item
        yield raw
    if last is not None:
        last[0].length = last[1].length


def _block_of(item: StoredRecord, raw: Raw, log: Log) -> Iterator[memoryview]:
    raw.is_whole = False
    try:
        yield from (memoryview(piece) for piece in item.block())
        raw.is_whole = True
    except DamagedRecord as error:
        log.note("gzip-broken", item.offset, error.message)
