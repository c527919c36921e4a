"""What becomes of a URL that was asked for: it is done with, or tried again. No I/O."""

from __future__ import annotations

from archiver.crawl.decision import UrlState
from archiver.crawl.entries import Entry, Finished
from archiver.crawl.plan import Pace
from archiver.crawl.politeness import retry_decision
from archiver.model import Exchange, Failure, FailureKind, Truncation, WrittenRecord
from archiver.timestamps import to_timestamp
from archiver.warc.reader import StoredRecord

#: What went wrong with a record that says why it lacks bytes; of an answer that lacks some, not all links are known.
_CUT: dict[str, Failure] = {
    Truncation.LENGTH: Failure(FailureKind.TOO_LARGE, "larger than the limit of bytes"),
    Truncation.TIME: Failure(FailureKind.TIMEOUT, "the time was over"),
    Truncation.DISCONNECT: Failure(FailureKind.CUT_SHORT, "the connection broke"),
    Truncation.UNSPECIFIED: Failure(FailureKind.INTERRUPTED, "the capture was stopped"),
}


def unanswered(entry: Entry, failure: Failure, pace: Pace) -> Finished:
    """What becomes of a URL that got no answer."""
    retry = retry_decision(entry.attempts + 1, pace, failure=failure.kind)
    state = UrlState.QUEUED if retry.again else UrlState.FAILED
    if failure.kind is FailureKind.REFUSED_BY_GUARD:
        state = UrlState.BLOCKED
    return Finished(entry, state, failure=failure.kind.value, reason=failure.reason, attempted=retry.counts)


def answered(entry: Entry, exchange: Exchange, written: WrittenRecord, failure: Failure | None, pace: Pace) -> Finished:
    """What becomes of a URL that was answered: captured, unless another attempt may do better.

    Args:
        entry: the URL.
        exchange: what was received.
        written: the record of it.
        failure: what went wrong with it; None when nothing did.
        pace: how often it is tried.
    """
    kind = failure.kind if failure else None
    retry = retry_decision(entry.attempts + 1, pace, status=exchange.status, failure=kind)
    capture_state = UrlState.CAPTURED if exchange.status is not None else UrlState.FAILED
    return Finished(
        entry,
        UrlState.QUEUED if retry.again else capture_state,
        status=exchange.status,
        mime=written.mime,
        length=exchange.response_length,
        digest=written.payload_digest,
        is_new=written.revisit_of is None,
        is_page=entry.is_page,
        failure=failure.kind.value if failure else None,
        reason=failure.reason if failure else None,
        timestamp=to_timestamp(written.date),
        file=written.file,
        offset=written.offset,
        attempted=retry.counts,
    )


def adopted(entry: Entry, record: StoredRecord, file: str, pace: Pace) -> Finished:
    """The same for a URL whose answer was written and not committed.

    Args:
        entry: the URL.
        record: its response or revisit record.
        file: the WARC file it is in.
        pace: how often it is tried.

    Raises:
        DamagedRecord: the record cannot be read.
    """
    head = record.http
    status = head.status if head else None
    failure = _CUT.get(record.get("WARC-Truncated").strip().lower())
    if failure is None and status and status >= 400:
        failure = Failure(FailureKind.HTTP_ERROR, f"the server answered {status}")
    retry = retry_decision(entry.attempts + 1, pace, status=status, failure=failure.kind if failure else None)
    return Finished(
        entry,
        UrlState.QUEUED if retry.again else UrlState.CAPTURED,
        status=status,
        mime=head.media_type if head else "",
        length=(record.payload_length() or 0) + (len(head.raw) if head else 0),
        digest=record.get("WARC-Payload-Digest"),
        is_new=record.record_type != "revisit",
        is_page=entry.is_page,
        failure=failure.kind.value if failure else None,
        reason=failure.reason if failure else None,
        timestamp=to_timestamp(record.date),
        file=file,
        offset=record.offset,
        attempted=retry.counts,
    )
