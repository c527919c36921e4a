"""Streams of captures out of both engines: in order, from any place on, over several collections, in little memory."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from archiver.errors import InvalidTimestamp
from archiver.holdings import Holdings, open_holdings
from archiver.index.merging import merge_batches
from archiver.index.protocol import Row
from archiver.index.query import KeyRange, Match, Place, key_ranges
from archiver.index.statements import probe, scan_page
from archiver.model import Capture, RevisitTarget, Truncation
from archiver.settings import load_settings
from archiver.urls import urlkey
from tests.servers.postgresql import PostgreSQL


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def holdings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL
) -> Iterator[Holdings]:
    """An archive with the captures of `captured` in three collections, in each engine."""
    folder: Path = tmp_path_factory.mktemp("scan")
    database = postgresql.new_archive() if request.param == "postgresql" else ""
    with open_holdings(load_settings({"archive": folder / "warcs", "database": database}, environ={})) as opened:
        for slug in ("one", "two", "empty"):
            opened.collections.create(slug)
        opened.index.add(captured())
        yield opened


def captured() -> list[Capture]:
    """Some thousand captures: many of one URL, some of the same second, keys in other scripts and beyond the BMP."""
    random_ = random.Random(5)
    hosts = ["a.example", "b.example", "sub.b.example", "b.example:8080", "bücher.example"]
    found = []
    for number in range(3000):
        url = f"http://{random_.choice(hosts)}/{random_.choice('xyZ')}?q={random_.randint(0, 30)}"
        found.append(capture(url, random_.randint(0, 40), number, random_.choice(["one", "two"]), f"f{number % 7}.warc.gz"))
    for number, key in enumerate(["urn:\ue000", "urn:\uffee", "urn:\U0001f600", "urn:z", "urn:é"]):
        found += [Capture(slug, key, "20160101000000", key, "", None, "", "g.warc.gz", number, 1) for slug in ("one", "two")]
    target = RevisitTarget("http://a.example/", "20150101000000", "<urn:x>")
    found.append(Capture("one", "zz)/", "20160101000000", "http://zz/", "", 304, "", "g.warc.gz", 99, 1, target))
    cut = Truncation.LENGTH
    found.append(Capture("one", "zz)/", "20160101000000", "http://zz/", "", 200, "", "g.warc.gz", 98, 1, None, cut))
    return found


def capture(url: str, second: int, offset: int, slug: str, file: str) -> Capture:
    stamp = f"201601010000{second:02d}"
    return Capture(slug, urlkey(url), stamp, url, "text/html", 200, f"sha1:{offset}", file, offset, offset + 1)


def place(item: Capture) -> tuple[str, str]:
    return item.urlkey, item.timestamp


def as_row(item: Capture) -> Row:
    target = item.revisit_of
    return (
        item.urlkey, int(item.timestamp), item.url, item.mime, item.status, item.digest, item.length, item.offset, item.file,
        int(target is not None), target.url if target else None, target.timestamp if target else None,
    )  # fmt: skip


QUERIES: list[tuple[KeyRange, ...]] = [
    (KeyRange("", None),),
    key_ranges("http://b.example/", Match.DOMAIN),
    key_ranges("http://b.example/", Match.HOST),
    key_ranges("http://b.example/x?q=3", Match.EXACT),
    key_ranges("http://b.example/x?q=3", Match.PREFIX),
    key_ranges("http://bücher.example/", Match.PREFIX) + key_ranges("http://a.example/y", Match.PREFIX),
    (KeyRange.exactly("urn:\U0001f600"), KeyRange.exactly("zz)/"), KeyRange.exactly("nothing")),
    (KeyRange("urn:", "urn;"),),
]


@pytest.mark.parametrize("slugs", [["one"], ["two", "one", "empty"], [], ["unknown"]], ids=str)
@pytest.mark.parametrize("ranges", QUERIES, ids=lambda ranges: repr(ranges[0].start))
def test_every_capture_of_a_range_once_and_in_order(holdings: Holdings, ranges: tuple[KeyRange, ...], slugs: list[str]) -> None:
    index = holdings.index
    inside = [item for item in captured() if item.collection in slugs and any(item.urlkey in keys for keys in ranges)]
    found = list(index.scan(slugs, ranges))
    assert [place(item) for item in found] == sorted(place(item) for item in inside)
    assert set(found) == set(inside)
    assert list(index.scan(slugs, ranges, newest_first=True))[::-1] == found or len(slugs) > 1
    assert [place(item) for item in index.scan(slugs, ranges, newest_first=True)] == [place(item) for item in found[::-1]]
    rows = [row for batch in index.scan_rows(slugs, ranges) for row in batch]
    assert rows == [as_row(item) for item in found] or len(slugs) > 1
    assert sorted(map(repr, rows)) == sorted(repr(as_row(item)) for item in found)
    assert [row[:2] for row in rows] == [(item.urlkey, int(item.timestamp)) for item in found]
    period = [item for item in found if "20160101000007" <= item.timestamp <= "20160101000020"]
    assert list(index.scan(slugs, ranges, since="20160101000007", until="20160101000020")) == period
    narrowed = index.scan(slugs, ranges, since="20160101000007", until="20160101000020", newest_first=True)
    assert [place(item) for item in narrowed] == [place(item) for item in period[::-1]]


@pytest.mark.parametrize("slugs", [["one"], ["one", "two"]], ids=str)
def test_a_stream_goes_on_from_any_place(holdings: Holdings, slugs: list[str]) -> None:
    random_ = random.Random(3)
    ranges = QUERIES[1] + QUERIES[7]
    every = list(holdings.index.scan(slugs, ranges))
    places = [Place(*place(random_.choice(every))) for _ in range(12)]
    places += [Place.behind(*place(random_.choice(every))) for _ in range(6)]
    places += [Place("", "0" * 14), Place("example,b!", "2" * 14), Place("\U0010ffff", "9" * 14)]
    for start in places:
        here = (start.urlkey, start.timestamp)
        rest = [item for item in every if place(item) >= here]
        assert list(holdings.index.scan(slugs, ranges, after=start)) == rest
        rows = [row[:2] for batch in holdings.index.scan_rows(slugs, ranges, after=start) for row in batch]
        assert rows == [(item.urlkey, int(item.timestamp)) for item in rest]
        before = [place(item) for item in every if place(item) <= here]
        found = [place(item) for item in holdings.index.scan(slugs, ranges, after=start, newest_first=True)]
        assert found == before[::-1]


def test_a_stream_holds_no_connection_while_it_waits(holdings: Holdings) -> None:
    pool = holdings.engine.pool
    stream = holdings.index.scan(["one", "two"], [KeyRange("", None)])
    rows = holdings.index.scan_rows(["one", "two"], [KeyRange("", None)])
    first = next(stream)
    next(rows)
    assert pool.checkedout() == 0  # type: ignore[attr-defined]
    added = capture("http://yyy.example/", 1, 5000, "one", "late.warc.gz")
    holdings.index.add([added])  # others may write in the meantime
    try:
        assert added in list(stream)
        assert first.urlkey < added.urlkey
        assert any(row[8] == "late.warc.gz" for batch in rows for row in batch)
    finally:
        with holdings.engine.begin() as connection:
            connection.execute(text("DELETE FROM captures WHERE urlkey = :key"), {"key": added.urlkey})


def test_a_page_of_a_stream_walks_the_clustered_key(holdings: Holdings) -> None:
    """Neither engine sorts, and neither reads what lies before the place or behind the range."""
    values = {
        "slug": "one", "from_key": "example,b)/", "from_moment": 0, "from_file": 0, "from_offset": 0,
        "to_key": "example,b*", "to_moment": -1, "low": 0, "high": 9 * 10**13,
    }  # fmt: skip
    is_sqlite = holdings.engine.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    for backward in (False, True):
        if backward:
            values |= {"to_key": "example,b)/", "from_key": "example,b*"}
        statement = scan_page(64, backward=backward).compile(holdings.engine)
        with holdings.engine.connect() as connection:
            if not is_sqlite:
                connection.exec_driver_sql("ANALYZE captures")
                connection.exec_driver_sql("SET enable_seqscan = off")  # as in a large table
            steps = [str(row[-1]) for row in connection.exec_driver_sql(f"{explain}{statement}", statement.params | values)]
        plan = "\n".join(steps)
        assert "TEMP B-TREE" not in plan and "Sort" not in plan, plan
        if is_sqlite:
            assert "SEARCH captures USING PRIMARY KEY (collection_id=?" in plan, plan
            assert "(urlkey,timestamp,file_id,offset)" in plan, plan
        else:
            (condition,) = [step for step in steps if "Index Cond" in step and "collection_id" in step]
            assert condition.count("ROW(urlkey") == 2, plan


def test_a_look_up_walks_the_clustered_key(holdings: Holdings) -> None:
    """However many captures of a URL there are, a probe reads those that it gives: it does not sort the rest."""
    values = {"slug": "one", "urlkey": urlkey("http://b.example/x?q=3"), "moment": 0, "in_file": 0, "at": 0}
    explain = "EXPLAIN QUERY PLAN " if holdings.engine.dialect.name == "sqlite" else "EXPLAIN "
    for backward in (False, True):
        statement = probe(4, backward=backward).compile(holdings.engine)
        with holdings.engine.connect() as connection:
            steps = connection.exec_driver_sql(f"{explain}{statement}", statement.params | values)
            plan = "\n".join(str(row[-1]) for row in steps)
        assert "TEMP B-TREE" not in plan and "Sort" not in plan and "Seq Scan on captures" not in plan, plan


def test_a_wrong_period_is_told_at_once(holdings: Holdings) -> None:
    with pytest.raises(InvalidTimestamp):
        holdings.index.scan(["one"], [KeyRange("", None)], since="soon")
    with pytest.raises(InvalidTimestamp):
        holdings.index.scan_rows(["one"], [KeyRange("", None)], until="never")


def some_row(random_: random.Random, number: int) -> Row:
    status = random_.choice([None, 200])
    return (random_.choice("abc"), random_.randint(0, 4), "", "", status, "", 1, number, "", 0, None, None)


def test_batches_are_merged_by_their_places_however_they_were_cut() -> None:
    random_ = random.Random(1)

    def batches(rows: list[Row]) -> Iterator[list[Row]]:
        while rows:
            count = random_.randint(0, 5)
            yield rows[:count]
            rows = rows[count:]

    for _ in range(60):
        streams = [
            sorted((some_row(random_, number) for number in range(random_.choice([0, 3, 30]))), key=lambda row: row[:2])
            for _ in range(random_.randint(1, 4))
        ]
        merged = [row for batch in merge_batches([batches(list(rows)) for rows in streams]) for row in batch]
        every = [row for rows in streams for row in rows]
        assert [row[:2] for row in merged] == sorted(row[:2] for row in every)
        assert sorted(map(repr, merged)) == sorted(map(repr, every))
