"""A URL whose record a killed worker had written, but not committed: it is read as if it had just come."""

from __future__ import annotations

from dataclasses import replace

from archiver.crawl.decision import UrlState
from archiver.crawl.entries import Entry
from archiver.crawl.follow import follow
from archiver.crawl.judge import Judge
from archiver.crawl.outcomes import adopted
from archiver.crawl.visited import Visit
from archiver.decisions import MAX_SCANNED_BYTES
from archiver.holdings import Holdings
from archiver.index.entry import capture_of_stored
from archiver.unchanged import unchanged
from archiver.warc.dedup import Condition
from archiver.warc.reader import StoredRecord

_NOT_MODIFIED = 304


def adopt(entry: Entry, record: StoredRecord, file: str, *, holdings: Holdings, collection: str, judge: Judge) -> Visit:
    """What a stored record amounts to for its URL.

    Args:
        entry: the URL, still in the frontier.
        record: its response or revisit record, open for reading.
        file: the WARC file it is in.
        holdings: the opened archive, where the payload of a revisit is.
        collection: slug of the crawl's.
        judge: decides about what the document names.

    Returns:
        A visit; nothing is finished in it when the URL has to be fetched again.

    Raises:
        DamagedRecord: the record cannot be read.
    """
    visit, whole = Visit(entry), None
    if record.record_type == "revisit":
        target = capture_of_stored(record, collection, file)
        if target.revisit_of is not None:
            whole = unchanged(holdings, collection, Condition({}, target.revisit_of, target.digest))
        if whole is None:
            return visit  # what it names cannot be known
    try:
        visit.finished = adopted(entry, record, file, judge.plan.pace)
        if visit.finished.state is UrlState.CAPTURED:
            _read(visit, judge, record, whole)
    finally:
        if whole is not None:
            whole.close()
    return visit


def _read(visit: Visit, judge: Judge, record: StoredRecord, whole: StoredRecord | None) -> None:
    """Find what a record leads to; `whole`: the one that has its payload, when it is a revisit."""
    head = record.http
    if head is None:
        return
    body = (whole or record).payload(content=True, limit=MAX_SCANNED_BYTES)
    if head.status == _NOT_MODIFIED and whole is not None and whole.http is not None:
        assert visit.finished is not None
        visit.finished = replace(visit.finished, mime=whole.http.media_type)
        follow(visit, judge, whole.http, body, status=200)
    else:
        follow(visit, judge, head, body)
