"""What belongs to a capture, found in files as their writers left them."""

from __future__ import annotations

import gzip
import io
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import zstandard

from archiver.export.events import Event, Lacking, Member, Wanted, copy_member, events, warcinfo_of
from archiver.holdings import Holdings
from archiver.imports.context import Context
from archiver.imports.intake import take_in as take_in_all
from archiver.store.folder import FolderStore
from archiver.warc.reader import StoredRecord, iter_records
from tests.archiver.exporting import MOMENT, NOW, SITE, arc_file, into_folder, opened, plain_record
from tests.archiver.test_segments import BODY, message, parts_of
from tests.archiver.test_segments import opened as as_one
from tests.archiver.test_warc import exchange, writer
from tests.servers.warcs import request_record, response_record


class Counting(io.BytesIO):
    """A file that counts what is read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def found(data: bytes, offset: int, length: int = 0) -> Event:
    (event,) = events(io.BytesIO(data), [Wanted(offset, length)])
    assert isinstance(event, Event), event
    return event


def kinds(event: Event) -> list[str]:
    return [member.record_type for member in event.members]


@pytest.fixture
def file(tmp_path: Path) -> tuple[bytes, list[Wanted]]:
    """A file of our own writer with large answers, and where they are."""
    store = FolderStore(tmp_path)
    made = writer(store)
    places = []
    for number in range(40):
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + os.urandom(50_000)
        said = exchange(answer, f"{SITE}/{number}", started_at=MOMENT + timedelta(seconds=number))
        record = made.write_exchange(said)[0]
        places.append(Wanted(record.offset, record.length))
    (name,) = made.close()
    return (tmp_path / name).read_bytes(), places


def test_one_capture_of_a_large_file_is_found_without_reading_the_file(file: tuple[bytes, list[Wanted]]) -> None:
    data, places = file
    stream = Counting(data)
    (event,) = events(stream, [places[30]])
    assert isinstance(event, Event) and kinds(event) == ["response", "request", "metadata"]
    assert stream.taken < len(data) / 4
    assert event.warcinfo and (info := warcinfo_of(stream)) is not None and info.record_id == event.warcinfo


def test_lengths_of_an_index_that_are_wrong_are_not_believed(file: tuple[bytes, list[Wanted]]) -> None:
    data, places = file
    right = found(data, places[3].offset, places[3].length)
    for wrong in (0, places[3].length - 1, places[3].length + 7, 10**12):
        assert found(data, places[3].offset, wrong) == right


def test_several_captures_of_a_file_come_in_its_order(file: tuple[bytes, list[Wanted]]) -> None:
    data, places = file
    offsets = [event.offset for event in events(io.BytesIO(data), places[5:9])]
    assert offsets == [place.offset for place in places[5:9]]


def test_requests_before_their_answers_are_found_from_the_beginning() -> None:
    parts = [
        part
        for number in range(5)
        for part in (
            request_record(f"{SITE}/{number}", MOMENT, "GET", "text/plain", b""),
            response_record(f"{SITE}/{number}", MOMENT, b"x" * 100),
        )
    ]
    data = b"".join(parts)
    offsets = [sum(map(len, parts[: 2 * number + 1])) for number in range(5)]
    wanted = [Wanted(offset, 0) for offset in offsets]
    seen = list(events(io.BytesIO(data), wanted[1:4]))
    assert [event.offset for event in seen] == offsets[1:4]
    assert [kinds(event) for event in seen if isinstance(event, Event)] == [["request", "response"]] * 3


def test_another_request_for_the_same_url_is_not_taken_along() -> None:
    first = response_record(f"{SITE}/x", MOMENT, b"one")
    record = next(iter_records(io.BytesIO(first)))
    assert isinstance(record, StoredRecord)
    own = request_record(f"{SITE}/x", MOMENT, "GET", "text/plain", b"", concurrent=record.record_id)
    other = request_record(f"{SITE}/x", MOMENT, "POST", "text/plain", b"b", concurrent="<urn:uuid:other>")
    assert kinds(found(first + own + other, 0)) == ["response", "request"]


def test_nothing_where_no_record_is() -> None:
    data = response_record(f"{SITE}/x", MOMENT, b"one")
    for offset, garbage in ((5, data), (len(data), data), (0, b""), (0, b"\x1f\x8b" + os.urandom(40)), (0, data[:-9])):
        (lacking,) = events(io.BytesIO(garbage), [Wanted(offset, 0)])
        assert isinstance(lacking, Lacking) and lacking.reason


def copied(data: bytes, member: Member) -> bytes:
    target = io.BytesIO()
    length, _ = copy_member(io.BytesIO(data), member, target)
    assert length == len(target.getvalue())
    return target.getvalue()


def test_records_of_other_compressions_become_gzip_members_with_the_same_bytes() -> None:
    plain = plain_record(f"{SITE}/x", MOMENT, b"one" * 1000)
    (member,) = found(plain + plain, 0).members
    assert gzip.decompress(copied(plain + plain, member)) == plain
    packed = zstandard.ZstdCompressor().compress(plain)
    (member,) = found(packed, 0).members
    again = next(iter_records(io.BytesIO(copied(packed, member))))
    before = next(iter_records(io.BytesIO(plain)))
    assert isinstance(again, StoredRecord) and isinstance(before, StoredRecord)
    assert again.fields == before.fields and b"".join(again.block()) == b"".join(before.block())


def test_a_record_of_an_arc_file_becomes_a_warc_record() -> None:
    data = arc_file(f"{SITE}/old", b"<p>from 2002</p>")
    (member,) = found(data, data.index(SITE.encode())).members
    record = next(iter_records(io.BytesIO(copied(data, member))))
    assert isinstance(record, StoredRecord) and record.version == "WARC/1.1"
    assert (record.url, record.get("WARC-Date"), record.record_type) == (f"{SITE}/old", "2002-03-04T05:06:07Z", "response")
    assert record.record_id.startswith("<urn:uuid:") and b"".join(record.payload()) == b"<p>from 2002</p>"
    assert copied(data, member) == copied(data, replace(member))  # the same each time


def test_all_parts_of_a_record_that_was_cut_into_segments_go_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, data in enumerate(parts_of(message(), 500, 9000)):
        (tmp_path / "in" / f"{number}.warc.gz").write_bytes(data)

    def take_in(home: Path, source: Path) -> Holdings:
        holdings = opened(home)
        context = Context(holdings, "default", lambda: NOW, False, "", lambda *_: None, lambda *_: None)
        list(take_in_all([str(source)], context))
        return holdings

    with take_in(tmp_path / "home", tmp_path / "in") as holdings:
        report = into_folder(holdings, "default", tmp_path / "all")
        page = into_folder(holdings, "default", tmp_path / "page", selection={"page": "http://example.org/long"})
        assert not report.lacks and not page.lacks
    for name in ("all", "page"):
        with take_in(tmp_path / f"again-{name}", tmp_path / name) as holdings:
            assert as_one(holdings) == BODY
