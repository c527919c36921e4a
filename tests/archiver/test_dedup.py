"""Revisits: when a response is written as one, what the record says, and what is remembered for later captures."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from archiver.holdings import Holdings
from archiver.index.database import writing
from archiver.index.entry import capture_of
from archiver.index.payloads import Dedup
from archiver.message import parse_head
from archiver.model import Exchange, Failure, FailureKind, RevisitTarget, Truncation, Visibility, WrittenRecord
from archiver.warc.dedup import Condition, Kept, condition_headers, kept_of, validators
from archiver.warc.records import IDENTICAL_PAYLOAD, NOT_MODIFIED, labelled
from archiver.warc.writer import PageContext
from tests.archiver.test_warc import MOMENT, all_records, exchange, store, writer

__all__ = ["store"]

OpenHoldings = Callable[..., Holdings]
URL = "http://example.org/"
BODY = b"x" * 1000
DIGEST = labelled(hashlib.sha1(BODY).digest())
TARGET = RevisitTarget("http://example.org/first", "20150102030405", "<urn:uuid:9>")
ASKED = Condition({"If-None-Match": '"a"'}, TARGET, "sha1:ORIGINAL")


def reply(body: bytes = BODY, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(body: bytes = BODY) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def always(digest: str, length: int) -> RevisitTarget:
    return TARGET


# -- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["portable", "exact"])
@pytest.mark.parametrize("message", [reply(), chunked()], ids=["plain", "chunked"])
def test_the_same_payload_again_is_a_revisit_with_all_its_fields(store: object, mode: str, message: bytes) -> None:
    made = writer(store, chunked=mode)  # type: ignore[arg-type]
    asked_for: list[tuple[str, int]] = []

    def known(digest: str, length: int) -> RevisitTarget:
        asked_for.append((digest, length))
        return TARGET

    written = made.write_exchange(exchange(message), page=PageContext("http://example.org/from", "LE"), known=known)
    (file,) = made.close()
    assert asked_for == [(DIGEST, 1000)], "one look-up, with what the payload is without its framing"
    _, revisit, request, metadata = all_records(store.root / file)  # type: ignore[attr-defined]
    head = message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert revisit.stream.read() == head
    assert {name: value for name, value in revisit.fields if name.startswith(("WARC-Refers", "WARC-Prof", "WARC-Trunc"))} == {
        "WARC-Profile": IDENTICAL_PAYLOAD,
        "WARC-Refers-To": "<urn:uuid:9>",
        "WARC-Refers-To-Target-URI": "http://example.org/first",
        "WARC-Refers-To-Date": "2015-01-02T03:04:05Z",
        "WARC-Truncated": "length",
    }
    assert revisit.get("WARC-Payload-Digest") == DIGEST
    assert revisit.get("WARC-Block-Digest") == labelled(hashlib.sha1(head).digest())
    assert revisit.get("WARC-Date") == request.get("WARC-Date") == metadata.get("WARC-Date")
    assert request.get("WARC-Concurrent-To") == revisit.record_id
    assert b"via: http://example.org/from\r\nhopsFromSeed: LE\r\n" in metadata.stream.read()
    assert (written[0].revisit_of, written[0].payload_digest, written[0].payload_length) == (TARGET, DIGEST, 1000)


def test_a_304_to_our_question_is_a_revisit_of_what_we_asked_about(store: object) -> None:
    made = writer(store)  # type: ignore[arg-type]
    message = b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'
    written = made.write_exchange(exchange(message), known=always, asked=ASKED)
    made.write_exchange(exchange(message), known=always)
    (file,) = made.close()
    _, revisit, _, _, plain, _, _ = all_records(store.root / file)  # type: ignore[attr-defined]
    assert revisit.get("WARC-Profile") == NOT_MODIFIED
    assert revisit.get("WARC-Refers-To") == "<urn:uuid:9>"
    assert revisit.get("WARC-Refers-To-Target-URI") == "http://example.org/first"
    assert revisit.get("WARC-Refers-To-Date") == "2015-01-02T03:04:05Z"
    assert revisit.get("WARC-Payload-Digest") == "sha1:ORIGINAL", "the payload is the one that has not changed"
    assert revisit.get("WARC-Truncated") == "", "the head is all that came"
    assert revisit.stream.read() == message
    assert (written[0].status, written[0].revisit_of) == (304, TARGET)
    assert plain.record_type == "response", "nobody asked"


def test_other_programs_find_nothing_wrong_with_revisits(store: object) -> None:
    made = writer(store)  # type: ignore[arg-type]
    made.write_exchange(exchange(reply()), known=always)
    made.write_exchange(exchange(chunked()), known=always)
    made.write_exchange(exchange(b"HTTP/1.1 304 Not Modified\r\n\r\n"), asked=ASKED)
    (file,) = made.close()
    for command in (["warcio", "check"], ["fastwarc", "check"]):
        program = sys.executable.rpartition("/")[0] + "/" + command[0]
        done = subprocess.run([program, *command[1:], store.root / file], capture_output=True, text=True, check=False)  # type: ignore[attr-defined]
        assert done.returncode == 0, done.stdout + done.stderr


CUT = Failure(FailureKind.CUT_SHORT, "cut")


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        (reply(), {"truncated": Truncation.DISCONNECT, "failure": CUT}),
        (reply(), {"truncated": Truncation.LENGTH}),
        (reply(), {"failure": CUT}),
        (reply(status="301 Moved", headers="Location: /x\r\n"), {}),
        (b"SSH-2.0-OpenSSH\r\n", {}),
        (reply(b""), {}),
    ],
    ids=["cut", "limited", "failed", "redirect", "not HTTP", "empty"],
)
def test_what_is_written_whole_whatever_is_held(store: object, message: bytes, changes: dict[str, object]) -> None:
    made = writer(store)  # type: ignore[arg-type]
    (answer, _, _) = made.write_exchange(exchange(message, **changes), known=always, asked=ASKED)
    (file,) = made.close()
    assert answer.record_type == "response"
    assert all_records(store.root / file)[1].stream.read() == message  # type: ignore[attr-defined]


def test_a_cut_304_is_no_proof(store: object) -> None:
    made = writer(store)  # type: ignore[arg-type]
    cut = exchange(b"HTTP/1.1 304 Not Modified\r\nX: ", truncated=Truncation.DISCONNECT, failure=CUT)
    (answer, _, _) = made.write_exchange(cut, asked=ASKED)
    made.close()
    assert answer.record_type == "response"


# -- what servers are asked ------------------------------------------------------------------------------------------

OLD = "Wed, 10 Aug 2016 20:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "etag", "last_modified"),
    [
        (f'ETag: "a,b"\r\nLast-Modified: {OLD}\r\n', '"a,b"', OLD),
        ('ETag: W/"weak"\r\n', 'W/"weak"', ""),
        ("ETag: unquoted-1\r\n", "unquoted-1", ""),
        ("ETag: *\r\n", "", ""),
        ("ETag: one, two\r\n", "", ""),
        ('ETag: "a\x01"\r\n', "", ""),
        ('ETag: "é"\r\n', "", ""),
        ('ETag: "' + "a" * 600 + '"\r\n', "", ""),
        ("Last-Modified: yesterday\r\n", "", ""),
        ("Last-Modified: Wed, 10 Aug 2016 20:46:00 GMT\r\n", "", ""),  # within the same minute
        ("Last-Modified: Fri, 31 Dec 2099 00:00:00 GMT\r\n", "", ""),  # the server's clock is wrong
        ("Last-Modified: Fri, 31 Dec 9999 23:59:59 -2300\r\n", "", ""),
        (f"Last-Modified: {OLD}\r\nVary: Accept-Encoding, Origin\r\n", "", OLD),
        (f"Last-Modified: {OLD}\r\nVary: Accept\r\n", "", ""),
        (f"Last-Modified: {OLD}\r\nVary: *\r\n", "", ""),
        ("", "", ""),
    ],
)
def test_validators_are_kept_when_they_prove_something(headers: str, etag: str, last_modified: str) -> None:
    head = parse_head(f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode())
    assert validators(head, MOMENT) == (etag, last_modified)


def test_a_request_that_asks_something_of_its_own_gets_no_other_question() -> None:
    assert condition_headers('"a"', OLD, ()) == {"If-None-Match": '"a"', "If-Modified-Since": OLD}
    assert condition_headers("", OLD, ("Accept", "Cookie")) == {"If-Modified-Since": OLD}
    for name in ("if-none-match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"):
        assert condition_headers('"a"', OLD, ("Accept", name)) == {}


# -- what is remembered ----------------------------------------------------------------------------------------------

numbers = count(1)


def kept(message: bytes = b"", url: str = URL, *, at: datetime = MOMENT, repeats: RevisitTarget | None = None) -> Kept | None:
    made: Exchange = replace(exchange(message or reply(headers='ETag: "1"\r\n'), url), started_at=at)
    body = message.partition(b"\r\n\r\n")[2] if message else BODY
    written = WrittenRecord(
        "revisit" if repeats else "response", f"<urn:uuid:{next(numbers)}>", url, at, "f", 0, 1, "text/html", made.status,
        labelled(hashlib.sha1(body).digest()), repeats, payload_length=len(body),
    )  # fmt: skip
    head = parse_head((message or reply(headers='ETag: "1"\r\n')).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    return kept_of(made, written, capture_of(written, "default", made.request), head)


def dedup(holdings: Holdings, collection: str = "default", **options: object) -> Dedup:
    return Dedup(holdings.engine, holdings.collections.number(collection), **options)  # type: ignore[arg-type]


def remember(holdings: Holdings, memory: Dedup, *items: Kept | None) -> None:
    with writing(holdings.engine) as connection:
        memory.remember(connection, [memory.note(item) for item in items])


def test_what_is_remembered_is_found_by_the_next_run_and_the_first_stays(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    before = dedup(holdings)
    assert before.target(DIGEST, 1000) is None
    remember(holdings, dedup(holdings), kept(), kept(at=MOMENT + timedelta(days=1)))
    found = before.target(DIGEST, 1000)
    assert found is not None and (found.url, found.timestamp) == (URL, "20160810204623"), "committed by another meanwhile"
    before.close()
    assert found == before.target(DIGEST, 1000) == dedup(holdings).target(DIGEST, 1000)
    assert found.record_id is not None and found.record_id.startswith("<urn:uuid:")
    assert dedup(holdings).target("sha1:OTHER", 1000) is None


def test_what_was_just_written_is_found_before_it_is_committed_and_only_with_its_length(holdings_with: OpenHoldings) -> None:
    memory = dedup(holdings_with())
    memory.note(kept())
    assert memory.target(DIGEST, 1000) is not None
    assert memory.target(DIGEST, 999) is None


def test_short_payloads_are_neither_remembered_nor_looked_for(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    remember(holdings, dedup(holdings, min_bytes=1001), kept())
    assert dedup(holdings, min_bytes=1).target(DIGEST, 1000) is None
    remember(holdings, dedup(holdings, min_bytes=1000), kept())
    assert dedup(holdings, min_bytes=1001).target(DIGEST, 1000) is None
    assert dedup(holdings, min_bytes=1000).target(DIGEST, 1000) is not None


def test_off_looks_for_nothing_but_remembers_for_later(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    off = dedup(holdings, mode="off")
    remember(holdings, off, kept())
    assert off.target(DIGEST, 1000) is None and off.condition(URL) is None
    assert dedup(holdings).target(DIGEST, 1000) is not None and dedup(holdings).condition(URL) is not None


def test_other_collections_count_only_when_asked_and_never_private_ones(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    for name, visibility in (("open", Visibility.PUBLIC), ("mine", Visibility.PRIVATE), ("secret", Visibility.PRIVATE)):
        holdings.collections.create(name, visibility=visibility)
    remember(holdings, dedup(holdings, "secret"), kept(url="http://secret.example/"))
    assert dedup(holdings, "mine", mode="archive").target(DIGEST, 1000) is None
    remember(holdings, dedup(holdings, "open"), kept(url="http://open.example/"))
    assert dedup(holdings, "mine").target(DIGEST, 1000) is None
    found = dedup(holdings, "mine", mode="archive").target(DIGEST, 1000)
    assert found is not None and found.url == "http://open.example/"
    remember(holdings, dedup(holdings, "mine"), kept(url="http://mine.example/", at=MOMENT + timedelta(days=9)))
    found = dedup(holdings, "mine", mode="archive").target(DIGEST, 1000)
    assert found is not None and found.url == "http://mine.example/", "its own first"
    assert dedup(holdings, "mine", mode="archive").condition("http://open.example/") is None


def test_servers_are_asked_about_the_very_same_url_only(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    remember(holdings, dedup(holdings), kept(url="http://www.example.org/a?x=1&y=2"))
    memory = dedup(holdings)
    asked = memory.condition("http://www.example.org/a?x=1&y=2")
    assert asked is not None and asked.headers == {"If-None-Match": '"1"'} and asked.digest == DIGEST
    assert asked.target.url == "http://www.example.org/a?x=1&y=2"
    assert memory.condition("http://www.example.org/a?y=2&x=1") is None
    assert memory.condition("http://example.org/a?x=1&y=2") is None
    assert memory.condition("http://www.example.org/a?x=1&y=2", ("range",)) is None


def test_the_newest_validator_goes_with_the_capture_that_has_the_payload(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    first = kept()
    assert first is not None
    again = kept(reply(headers='ETag: "2"\r\n'), at=MOMENT + timedelta(days=1), repeats=first.target)
    copy = kept(reply(headers='ETag: "3"\r\n'), "http://example.org/copy", repeats=first.target)
    remember(holdings, dedup(holdings), first, again, copy)
    asked = dedup(holdings).condition(URL)
    assert asked is not None and asked.headers == {"If-None-Match": '"2"'} and asked.target == first.target
    assert dedup(holdings).condition("http://example.org/copy") is None, "the payload of another URL has another head"


@pytest.mark.parametrize(
    "changes",
    [{"truncated": Truncation.TIME}, {"failure": CUT}, {"request": b"POST / HTTP/1.1\r\nHost: e\r\n\r\nx=1"}],
    ids=["truncated", "failed", "posted"],
)
def test_what_nobody_may_refer_to(changes: dict[str, object]) -> None:
    made = exchange(reply(headers='ETag: "1"\r\n'), **changes)
    written = WrittenRecord("response", "<urn:uuid:1>", URL, MOMENT, "f", 0, 1, "", 200, DIGEST, payload_length=1000)
    assert kept_of(made, written, capture_of(written, "default", made.request), parse_head(reply())) is None


def test_many_threads_may_use_one_memory(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    memory = dedup(holdings)

    def one(number: int) -> bool:
        body = b"%04d" % (number % 50) * 100
        digest = labelled(hashlib.sha1(body).digest())
        item = memory.note(kept(reply(body), f"http://example.org/{number}"))
        with writing(holdings.engine) as connection:
            memory.remember(connection, [item])
        return memory.target(digest, 400) is not None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(100)))


def test_looking_things_up_costs_little(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    memory = dedup(holdings, mode="archive")
    remember(holdings, memory, kept())
    urls = [f"http://example.org/{number}" for number in range(1000)]
    started = time.process_time()
    for number, url in enumerate(urls):
        assert memory.condition(url) is None
        assert memory.target(f"sha1:{number}", 1000) is None
    each = (time.process_time() - started) / len(urls)
    assert each < 300e-6, f"{each * 1e6:.0f} µs"  # 40 µs on an idle machine
