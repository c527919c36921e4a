"""What becomes of a URL, by what came of the attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import Entry
from archiver.crawl.follow import redirect_target
from archiver.crawl.outcomes import adopted, answered, unanswered
from archiver.crawl.plan import Pace
from archiver.message import read_head
from archiver.model import Exchange, Failure, FailureKind, WrittenRecord
from archiver.warc.reader import StoredRecord, iter_records
from tests.servers.warcs import response_record

TAKEN = Decision(UrlState.QUEUED, Verdict.IN_SCOPE)
ENTRY = Entry(1, "http://a.example/", 7, "", "link", "", TAKEN, 0, 1, 10_000, 1, "a.example", None)
PACE = Pace(retries=2)
DATE = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
RECORD = WrittenRecord("response", "<urn:uuid:1>", ENTRY.url, DATE, "a.warc.gz", 100, 60, "text/html")


@pytest.mark.parametrize(
    "kind, attempts, state",
    [
        (FailureKind.REFUSED_BY_GUARD, 0, UrlState.BLOCKED),
        (FailureKind.TIMEOUT, 0, UrlState.QUEUED),
        (FailureKind.TIMEOUT, 2, UrlState.FAILED),
    ],
)
def test_without_an_answer_a_url_is_tried_again_a_few_times(kind: FailureKind, attempts: int, state: UrlState) -> None:
    finished = unanswered(replace(ENTRY, attempts=attempts), Failure(kind, "no answer"), PACE)
    assert finished.state is state
    assert (finished.failure, finished.reason, finished.status) == (kind.value, "no answer", None)


@pytest.mark.parametrize(
    "status, attempts, state",
    [
        (200, 0, UrlState.CAPTURED),
        (404, 0, UrlState.CAPTURED),  # what a server says of a page that is gone is worth keeping
        (503, 0, UrlState.QUEUED),
        (503, 2, UrlState.CAPTURED),
    ],
)
def test_an_answer_is_kept_unless_another_attempt_may_do_better(status: int, attempts: int, state: UrlState) -> None:
    data = f"HTTP/1.1 {status} X\r\n\r\nbody".encode()
    exchange = Exchange(ENTRY.url, DATE, timedelta(seconds=1), b"GET", BytesIO(data), len(data), status=status)
    failure = Failure(FailureKind.HTTP_ERROR, f"the server answered {status}") if status >= 400 else None
    finished = answered(replace(ENTRY, attempts=attempts), exchange, RECORD, failure, PACE)
    assert finished.state is state
    assert (finished.status, finished.length, finished.file, finished.offset) == (status, len(data), "a.warc.gz", 100)
    assert finished.timestamp == "20260501120000" and finished.reason == (failure.reason if failure else None)


@pytest.mark.parametrize(
    "truncated, state, kind, counts",
    [
        ("", UrlState.CAPTURED, None, True),
        ("unspecified", UrlState.QUEUED, FailureKind.INTERRUPTED, False),  # as it is cut when a crawl ends at once
        ("disconnect", UrlState.QUEUED, FailureKind.CUT_SHORT, True),
        ("Time", UrlState.QUEUED, FailureKind.TIMEOUT, True),
        ("length", UrlState.CAPTURED, FailureKind.TOO_LARGE, True),
        ("who knows", UrlState.CAPTURED, None, True),
    ],
)
def test_a_record_found_after_a_crash_that_lacks_bytes_is_not_all_that_there_is(
    truncated: str, state: UrlState, kind: FailureKind | None, counts: bool
) -> None:
    data = response_record(ENTRY.url, DATE, b"<a href=/q", extra=f"WARC-Truncated: {truncated}\r\n" if truncated else "")
    record = next(iter_records(BytesIO(data)))
    assert isinstance(record, StoredRecord)
    finished = adopted(ENTRY, record, "a.warc.gz", PACE)
    assert (finished.state, finished.failure, finished.attempted) == (state, kind.value if kind else None, counts)


@pytest.mark.parametrize(
    "location, target",
    [
        ("/b?c#d", "http://a.example/b?c"),
        ("  //b.example/ ", "http://b.example/"),
        ("", None),
        ("   ", None),
        ("mailto:a@b.example", None),
        ("http://", None),
        ("http://[::1", None),
    ],
)
def test_where_a_redirect_leads(location: str, target: str | None) -> None:
    head = read_head(BytesIO(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode()))
    assert redirect_target(head, "http://a.example/") == target
