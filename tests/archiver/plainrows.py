"""What the rows of a file are, worked out record by record with our own reader: slow, and plain to see."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from archiver.errors import DamagedRecord
from archiver.index.entry import capture_of_stored, why_not_indexed
from archiver.index.pairing import RequestNote, belong, request_note
from archiver.model import Capture
from archiver.warc.reader import BadRecord, StoredRecord, iter_records


@dataclass
class Plain:
    """What became of one file."""

    records: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    bad: list[BadRecord] = field(default_factory=list)
    rows: list[Capture] = field(default_factory=list)


class Pairs:
    """A request belongs to the response next to it."""

    def __init__(self) -> None:
        self.note: RequestNote | None = None
        self.answer: StoredRecord | None = None

    def response(self, capture: Capture, record: StoredRecord) -> Capture:
        note, self.note, self.answer = self.note, None, record
        if note is None or not belong(note, record):
            return capture
        self.answer = None
        return replace(capture, urlkey=note.key)

    def request(self, record: StoredRecord, capture: Capture | None) -> Capture | None:
        note = request_note(record)
        answer, self.answer = self.answer, None
        self.note = None
        if note is None:
            return capture
        if capture is not None and answer is not None and belong(note, answer):
            return replace(capture, urlkey=note.key)
        self.note = note
        return capture


def plain_rows(stream: BinaryIO) -> Plain:
    """All that a file has to say."""
    found, pairs = Plain(), Pairs()
    pending: tuple[Capture, StoredRecord] | None = None
    is_last = False

    def settle() -> None:
        nonlocal pending
        if pending is not None:
            found.rows.append(replace(pending[0], length=pending[1].length))
            pending = None

    for item in iter_records(stream):
        if isinstance(item, BadRecord):
            if is_last and pending is not None and pending[1].offset == item.offset:
                pending = None
            found.bad.append(item)
            continue
        found.records[item.record_type or "unnamed"] += 1
        is_last = False
        try:
            reason = why_not_indexed(item)
            if item.record_type == "request":
                capture = pairs.request(item, pending[0] if pending else None)
                if pending is not None and capture is not None:
                    pending = (capture, pending[1])
            if reason:
                found.skipped[reason] += 1
            else:
                settle()
                pending = (pairs.response(capture_of_stored(item, "", ""), item), item)
                is_last = True
        except DamagedRecord as error:
            found.bad.append(BadRecord(item.offset, error.message))
    settle()
    return found
