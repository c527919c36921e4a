"""Finds in the archive what a server says has not changed, so that a capture can go on from it."""

from __future__ import annotations

from archiver.errors import DamagedRecord
from archiver.holdings import Holdings
from archiver.urls import urlkey
from archiver.warc.dedup import Condition
from archiver.warc.reader import StoredRecord
from archiver.warc.segments import read_whole


def unchanged(holdings: Holdings, collection: str, condition: Condition) -> StoredRecord | None:
    """The record of the capture that a 304 speaks of, open for reading; close it. None when it cannot be read.

    Args:
        holdings: the opened archive.
        collection: slug.
        condition: that was sent.

    Raises:
        StorageFailed: the index cannot be read.
    """
    target = condition.target
    if target.url is None or target.timestamp is None:
        return None
    moment = target.timestamp
    for capture in holdings.index.versions((collection,), urlkey(target.url), since=moment, until=moment):
        if capture.url != target.url or capture.digest != condition.digest or capture.revisit_of is not None:
            continue
        try:
            record = read_whole(holdings.store, capture.file, capture.offset, capture.length, holdings.segments.find)
        except DamagedRecord:
            continue
        if record.http is not None:
            return record
        record.close()
    return None
