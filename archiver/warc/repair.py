"""Mends WARC files that a killed process left behind: the broken tail goes, every whole record stays."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

from archiver.store.protocol import WarcStore
from archiver.warc.reader import BadRecord, StoredRecord, iter_records


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What was done to one file.

    Attributes:
        file: its name.
        records: whole records kept.
        cut_bytes: bytes of the broken tail that were taken off.
    """

    file: str
    records: int
    cut_bytes: int


def repair_abandoned(store: WarcStore) -> list[RepairReport]:
    """Repair and finish every unfinished file that no living process holds."""
    reports = (_repair(store, name) for name in list(store.unfinished()))
    return [report for report in reports if report is not None]


def whole_records(stream: BinaryIO) -> tuple[int, int]:
    """(end of the last whole record, number of whole records) from the start of the file to the first damage."""
    end = records = 0
    last: StoredRecord | None = None
    for item in iter_records(stream):
        if last is not None and last.length:
            end, records = last.offset + last.length, records + 1
        if isinstance(item, BadRecord):
            return end, records
        last = item
    if last is not None and last.length:
        end, records = last.offset + last.length, records + 1
    return end, records


def _repair(store: WarcStore, name: str) -> RepairReport | None:
    stream = store.abandoned(name)
    if stream is None:
        return None
    with stream:
        size = os.fstat(stream.fileno()).st_size
        end, records = whole_records(stream)
        if not records:
            store.discard(name)
            return RepairReport(name, 0, size)
        stream.truncate(end)
        stream.flush()
        os.fsync(stream.fileno())
        store.finish(name)
        return RepairReport(name, records, size - end)
