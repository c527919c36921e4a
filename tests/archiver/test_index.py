"""The capture index: what is closest, what lies between, how many, and how little it reads for that."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import islice

import pytest
from sqlalchemy import event, text

from archiver.errors import InvalidTimestamp, UnknownCollection
from archiver.holdings import Holdings
from archiver.index.query import after_prefix
from archiver.index.sql import CaptureIndex
from archiver.index.statements import probe
from archiver.model import Capture, RevisitTarget, Truncation
from archiver.timestamps import parse_timestamp
from archiver.urls import urlkey

OpenHoldings = Callable[..., Holdings]
URL = "http://site.example/page"
KEY = urlkey(URL)


def row(timestamp: str, *, collection: str = "one", url: str = URL, offset: int = 0, **other: object) -> Capture:
    values: dict[str, object] = {"mime": "text/html", "status": 200, "digest": "sha1:X", "length": 10, **other}
    stamp = timestamp.ljust(14, "0")
    return Capture(collection, urlkey(url), stamp, url, file="f.warc.gz", offset=offset, **values)  # type: ignore[arg-type]


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    opened = holdings_with()
    for slug in ("one", "two"):
        opened.collections.create(slug)
    return opened


@pytest.fixture
def index(holdings: Holdings) -> CaptureIndex:
    return holdings.index


def stamps(found: Iterable[Capture]) -> list[str]:
    return [capture.timestamp for capture in found]


def test_the_closest_come_first_and_of_two_equally_near_the_earlier(index: CaptureIndex) -> None:
    index.add([row(t, offset=n) for n, t in enumerate(["20160101", "20160103", "20160105", "20160201", "20150101"])])
    assert [stamp[:8] for stamp in stamps(index.closest(["one"], KEY, "20160104"))] == [
        "20160103", "20160105", "20160101", "20160201", "20150101",
    ]  # fmt: skip
    assert stamps(index.closest(["one"], KEY, "2016"))[0] == "20160101000000"
    assert list(index.closest(["two"], KEY, "2016")) == []
    assert list(index.closest(["one"], "org,other)/", "2016")) == []
    with pytest.raises(InvalidTimestamp):
        list(index.closest(["one"], KEY, "soon"))


def test_what_is_put_in_comes_out(index: CaptureIndex) -> None:
    target = RevisitTarget("http://other.example/", "20150101000000", "<urn:x>")
    full = row("20160810204623", revisit_of=target, truncated=Truncation.LENGTH, mime="image/png", status=404, length=7)
    bare = row("20160810204624", status=None, digest="", mime="", length=0)
    assert index.add([full, bare]) == 2
    assert list(index.versions(["one"], KEY)) == [full, bare]


def test_adding_again_changes_nothing(index: CaptureIndex) -> None:
    rows = [row("2016", offset=number) for number in range(3)]
    index.add(rows)
    index.add(rows)
    assert list(index.versions(["one"], KEY)) == rows


def test_rows_of_an_unknown_collection_add_nothing_at_all(index: CaptureIndex) -> None:
    with pytest.raises(UnknownCollection):
        index.add([row("2016"), row("2017", collection="nope")])
    assert list(index.versions(["one"], KEY)) == []


def test_random_look_ups_agree_with_a_plain_search(index: CaptureIndex) -> None:
    random_ = random.Random(7)
    rows = []
    for number in range(600):
        day = f"20{random_.randint(10, 12)}{random_.randint(1, 12):02d}{random_.randint(1, 28):02d}"
        moment = f"{day}{random_.randint(0, 3):02d}0000"
        rows.append(row(moment, collection=random_.choice(["one", "two"]), offset=number, url=f"{URL}{random_.randint(0, 2)}"))
    index.add(rows)
    for _ in range(150):
        slugs = random_.choice([["one"], ["two"], ["one", "two"]])
        key = urlkey(f"{URL}{random_.randint(0, 3)}")
        wanted = f"20{random_.randint(9, 13):02d}{random_.randint(1, 12):02d}{random_.randint(1, 28):02d}010000"
        here = [item for item in rows if item.collection in slugs and item.urlkey == key]
        target = parse_timestamp(wanted)
        nearest = sorted(here, key=lambda item: (abs(parse_timestamp(item.timestamp) - target), item.timestamp))
        assert stamps(index.closest(slugs, key, wanted)) == stamps(nearest)
        since, until = sorted((wanted[:6], f"20{random_.randint(9, 13):02d}"))
        inside = sorted(
            item.timestamp for item in here if since.ljust(14, "0") <= item.timestamp and item.timestamp[: len(until)] <= until
        )
        assert stamps(index.versions(slugs, key, since=since, until=until)) == inside
        assert stamps(index.versions(slugs, key, since=since, until=until, newest_first=True)) == inside[::-1]
        assert stamps(index.versions(slugs, key, since=since, until=until, limit=3)) == inside[:3]
        newest = index.newest(slugs, key)
        assert (newest.timestamp if newest else None) == max((item.timestamp for item in here), default=None)
        days = {item.timestamp[:8] for item in here}
        assert {day.day for day in index.counts(slugs, key)} == days
        assert sum(day.count for day in index.counts(slugs, key)) == len(here)


def test_the_closest_capture_is_two_ordered_probes_of_the_key(holdings: Holdings) -> None:
    """The query plan: both walk the clustered primary key, neither sorts nor scans."""
    for backward in (False, True):
        compiled = probe(4, backward=backward).compile(holdings.engine)
        sql = str(compiled)
        values = compiled.params | {"slug": "one", "urlkey": KEY, "moment": 0, "in_file": -1, "at": -1, "count": 4}
        with holdings.engine.connect() as connection:
            plan = [str(step[3]) for step in connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"), values)]
        (search,) = [step for step in plan if " captures" in step]
        assert search.startswith("SEARCH captures USING PRIMARY KEY (collection_id=? AND urlkey=? AND")
        assert not [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step], plan


def test_a_look_up_among_many_captures_reads_a_few(holdings: Holdings) -> None:
    holdings.index.add([row(f"{2000 + number // 300}{1 + number % 12:02d}01", offset=number) for number in range(6000)])
    opened = holdings.index
    fetched = []
    original = opened._after.rows

    def counted(*parameters: object) -> object:
        found = original(*parameters)  # type: ignore[arg-type]
        fetched.append(len(found))
        return found

    opened._after.rows = counted  # type: ignore[method-assign, assignment]
    assert next(opened.closest(["one"], KEY, "20050601")).timestamp == "20050601000000"
    assert sum(fetched) <= 4


def test_a_look_up_in_the_past_does_not_wait_for_the_rest(index: CaptureIndex) -> None:
    index.add([row(f"{year}0101", offset=year) for year in range(1996, 2026)])
    walk = index.closest(["one"], KEY, "20100101")
    assert [stamp[:4] for stamp in stamps(islice(walk, 3))] == ["2010", "2009", "2011"]
    index.add([row("1990", offset=1)])  # a walk holds no connection, so others may write
    assert stamps(walk)[-1][:4] in ("1990", "2025")


def test_urls_under_a_prefix_in_the_order_of_their_keys(index: CaptureIndex) -> None:
    urls = [
        "http://site.example/a",
        "http://site.example/a/b",
        "http://site.example/b",
        "http://site.example.org/",
        "http://x.site.example/a",
    ]
    index.add([row("2016", url=url, offset=n) for n, url in enumerate(urls)])
    index.add([row("2018", url=urls[0], offset=9, collection="two", status=404, mime="text/plain")])
    found = index.under(["one", "two"], "example,site)/a")
    assert [(item.url, item.count) for item in found] == [(urls[0], 2), (urls[1], 1)]
    assert (found[0].first, found[0].last, found[0].mime) == (
        "20160000000000"[:4] + "0000000000",
        "20180000000000",
        "text/html",
    )
    assert [item.url for item in index.under(["one"], "example,site)/", limit=3)] == urls[:3]
    assert len(index.under(["one"], "", limit=3)) == 3


def test_a_collection_in_numbers(index: CaptureIndex) -> None:
    assert index.summary("one").captures == 0
    index.add([row("2016", offset=1), row("2018", offset=2), row("2017", url="http://b.example/", offset=3)])
    found = index.summary("one")
    assert (found.captures, found.urls, found.first[:4], found.last[:4], found.bytes) == (3, 2, "2016", "2018", 30)
    assert index.has_file("f.warc.gz")
    assert not index.has_file("g.warc.gz")


@pytest.mark.parametrize("prefix", ["a", "com,example)/", "\ud7ff", "\U0010ffff", "a\U0010ffff", ""])
def test_the_end_of_a_prefix_is_after_all_that_begin_with_it(prefix: str) -> None:
    end = after_prefix(prefix)
    if end is None:
        assert prefix.strip("\U0010ffff") == ""
        return
    assert prefix < end
    assert f"{prefix}\U0010ffff\U0010ffff" < end or prefix.endswith("\U0010ffff")
    end.encode("utf-8")  # can be stored


def test_statements_are_not_parsed_anew_for_each_look_up(holdings: Holdings) -> None:
    compiled: list[object] = []
    event.listen(holdings.engine, "before_cursor_execute", lambda *parts: compiled.append(parts[2]))
    list(holdings.index.closest(["one"], KEY, "2016"))
    assert compiled == []  # SQLAlchemy's own machinery stays out of the hot path
