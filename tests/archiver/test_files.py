"""What is known of WARC files: noted when they are finished, mended or taken in, and found again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from itertools import count
from pathlib import Path

import pytest

from archiver.fixity import Fixity, measure
from archiver.holdings import Holdings, open_holdings
from archiver.index.files import FileQuery, Part, StoredFile
from archiver.outfit import writer_of
from archiver.settings import load_settings
from archiver.warc.writer import WarcWriter
from tests.archiver.test_warc import MOMENT, REPLIES, exchange


@pytest.fixture
def holdings(tmp_path: Path) -> Iterator[Holdings]:
    with open_holdings(load_settings({"archive": tmp_path / "home"}, environ={}), clock=lambda: MOMENT) as opened:
        yield opened


def writer(holdings: Holdings, **options: object) -> WarcWriter:
    numbers = count(1)
    return writer_of(
        holdings,
        holdings.collections.get("default"),
        description="",
        software="muniment/test",
        clock=lambda: MOMENT,
        new_id=lambda: f"<urn:uuid:{next(numbers):032d}>",
        **options,  # type: ignore[arg-type]
    )


def fixity_of(path: Path) -> Fixity:
    data = path.read_bytes()
    return Fixity(
        len(data), *(hashlib.new(name, data, usedforsecurity=False).hexdigest() for name in ("md5", "sha1", "sha256"))
    )


def one(holdings: Holdings) -> StoredFile:
    (found,) = holdings.files.find()
    return found


def test_a_finished_file_is_known_with_its_digests_its_captures_and_its_crawl(holdings: Holdings) -> None:
    crawl = holdings.crawls.start("default", ("http://example.org/",))
    made = writer(holdings, crawl_id=lambda: crawl)
    for days, reply in enumerate(("plain", "chunked", "not HTTP")):
        made.write_exchange(replace(exchange(REPLIES[reply]), started_at=MOMENT - timedelta(days=days)))
    assert holdings.files.find() == []
    (name,) = made.close()
    found = one(holdings)
    assert found.name == name
    assert found.fixity == fixity_of(holdings.store.root / name)
    assert found.part == Part("default", 2, "20160809204623", "20160810204623", crawl)
    assert found.stored_at == "2016-08-10T20:46:23Z" and found.crawl_started_at


def test_bytes_that_a_full_disk_took_back_are_not_in_the_digests(holdings: Holdings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.warc.writer._MEASURE_EVERY", 100)
    made = writer(holdings)
    made.write_exchange(exchange(REPLIES["plain"]))
    original, calls = WarcWriter._write, count()

    def fail_second(self: WarcWriter, file: object, draft: object) -> object:
        if next(calls) == 1:
            raise OSError(28, "No space left on device")
        return original(self, file, draft)  # type: ignore[arg-type]

    monkeypatch.setattr(WarcWriter, "_write", fail_second)
    with pytest.raises(Exception, match="No space left"):
        made.write_exchange(exchange(REPLIES["plain"]))
    monkeypatch.setattr(WarcWriter, "_write", original)
    made.write_exchange(exchange(REPLIES["HTTP/1.0"]))
    (name,) = made.close()
    assert one(holdings).fixity == fixity_of(holdings.store.root / name)
    assert one(holdings).part.captures == 2


def test_a_file_that_a_killed_process_left_is_known_once_it_is_mended(holdings: Holdings) -> None:
    made = writer(holdings)
    for _ in range(3):
        made.write_exchange(exchange(REPLIES["plain"]))
    (name,) = made.close()
    path = holdings.store.root / name
    data = path.read_bytes()
    path.unlink()
    path.with_name(f"{name}.open").write_bytes(data[:-50])
    with open_holdings(holdings.settings, clock=lambda: MOMENT) as again:
        assert again.repaired
        assert one(again).fixity == fixity_of(path)
        assert one(again).part.captures == 3


def test_files_are_found_by_what_is_known_of_them(holdings: Holdings) -> None:
    holdings.collections.create("other")
    fixity = measure(BytesIO(b"x"))
    holdings.files.note("a-1.warc.gz", fixity, (Part("default", 2, "20200101000000", "20210101000000"),))
    holdings.files.note("a_1.warc.gz", fixity, (Part("default"), Part("other", 1, "20220101000000", "20220101000000")))
    holdings.files.note("b.warc.gz", fixity, (Part("other"),))
    holdings.files.set_state("b.warc.gz", "removed")

    def names(**wanted: object) -> list[str]:
        query = FileQuery(**wanted)  # type: ignore[arg-type]
        found = [f"{file.name} {file.part.collection}" for file in holdings.files.find(query)]
        assert holdings.files.count(query) == len(found)
        return found

    assert names() == ["a-1.warc.gz default", "a_1.warc.gz default", "a_1.warc.gz other"]
    assert names(collections=("other",)) == ["a_1.warc.gz other"]
    assert names(collections=("other",), states=("removed",)) == ["b.warc.gz other"]
    assert names(name="a_*") == ["a_1.warc.gz default", "a_1.warc.gz other"]
    assert names(captured_since="20210101000000") == ["a-1.warc.gz default", "a_1.warc.gz other"]
    assert names(captured_until="20210101000000") == ["a-1.warc.gz default"]
    assert [file.name for file in holdings.files.find(after=1, limit=1)] == ["a_1.warc.gz"]
    totals = holdings.files.totals("default")
    assert (totals.files, totals.bytes, totals.captures, totals.first) == (2, 2, 2, "20200101000000")


def test_what_is_known_of_a_crawl_stays_when_a_file_is_measured_again(holdings: Holdings) -> None:
    crawl = holdings.crawls.start("default", ("http://example.org/",))
    fixity = measure(BytesIO(b"x"))
    holdings.files.note("a.warc.gz", fixity, (Part("default", crawl_id=crawl),))
    holdings.files.note("a.warc.gz", measure(BytesIO(b"xy")), (Part("default", 1),))
    assert one(holdings).part == Part("default", 1, crawl_id=crawl)
    assert one(holdings).fixity == measure(BytesIO(b"xy"))
