"""One test for all: every kind of index gives the same answers to the same questions."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.errors import InvalidTimestamp
from archiver.index.protocol import CaptureSource
from archiver.index.query import KeyRange, Match, Place, key_ranges
from archiver.model import Capture
from archiver.timestamps import parse_timestamp
from archiver.urls import urlkey
from tests.archiver.index_stores import KINDS, SLUG, at, captured, facts, opened
from tests.servers.postgresql import PostgreSQL

#: Those that cannot give all that they have, and are not asked for it.
REMOTE = ("pywb", "ia")
ITEMS = captured()
QUERIES = [
    key_ranges("http://a.example/x?q=3&b=1", Match.EXACT),
    key_ranges("http://a.example/busy", Match.EXACT),
    key_ranges("http://a.example/x", Match.PREFIX),
    key_ranges("http://b.example/", Match.HOST),
    key_ranges("http://b.example/", Match.DOMAIN),
    key_ranges("http://bücher.example/", Match.PREFIX) + key_ranges("http://c.example/y", Match.PREFIX),
    key_ranges("http://nothing.example/", Match.DOMAIN),
]


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQL) -> str:
    """A PostgreSQL database of this module's own; its URL."""
    return postgresql.new_archive()


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def index(kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[CaptureSource]:
    folder: Path = tmp_path_factory.mktemp("index")
    with opened(kind, folder, lambda: str(request.getfixturevalue("database"))) as found:
        yield found


def place(item: Capture) -> tuple[str, str]:
    return item.urlkey, item.timestamp


def same(found: list[Capture], wanted: list[Capture]) -> bool:
    """The same captures, and their places in the same order."""
    return [place(item) for item in found] == [place(item) for item in wanted] and {facts(item) for item in found} == {
        facts(item) for item in wanted
    }


def of_key(key: str) -> list[Capture]:
    return sorted((item for item in ITEMS if item.urlkey == key), key=place)


def some_keys(random_: random.Random) -> list[str]:
    posted = [item.urlkey for item in ITEMS if "__wb_method" in item.urlkey]
    return [*(random_.choice(ITEMS).urlkey for _ in range(12)), urlkey("http://a.example/busy"), "org,none)/", *posted[:2]]


def test_look_ups(index: CaptureSource) -> None:
    random_ = random.Random(2)
    for key in some_keys(random_):
        here = of_key(key)
        assert same(list(index.versions([SLUG], key)), here)
        assert same(list(index.versions([SLUG], key, newest_first=True)), here[::-1])
        assert [place(item) for item in index.versions([SLUG], key, limit=3)] == [place(item) for item in here[:3]]
        inside = [item for item in here if "201604" <= item.timestamp < "201707"]
        assert same(list(index.versions([SLUG], key, since="201604", until="201706")), inside)
        newest = index.newest([SLUG], key)
        assert (newest.timestamp if newest else None) == (here[-1].timestamp if here else None)
        assert [(day.day, day.count) for day in index.counts([SLUG], key)] == [
            (day, sum(item.timestamp[:8] == day for item in here)) for day in sorted({item.timestamp[:8] for item in here})
        ]
        statuses = Counter((item.timestamp[:8], (item.status or 200) // 100) for item in here)
        told = {
            (day.day, digit): count
            for day in index.counts([SLUG], key)
            for digit, count in zip("2345", day.by_class, strict=False)
        }
        assert told == {(day, digit): statuses[day, int(digit)] for day, digit in told}
        assert all(sum(day.by_class) == day.count for day in index.counts([SLUG], key))
        months = Counter(item.timestamp[:6] for item in here if item.timestamp.startswith("2016"))
        assert [(day.day, day.count) for day in index.counts([SLUG], key, digits=6, period="2016")] == sorted(months.items())
        for moment in ("2016", "20160601003000", "20170615", "19990101", "20300101"):
            there = parse_timestamp(moment)
            nearest = sorted(here, key=lambda item: (abs(parse_timestamp(item.timestamp) - there), item.timestamp))
            found = list(index.closest([SLUG], key, moment))
            assert [item.timestamp for item in found] == [item.timestamp for item in nearest]
            assert {facts(item) for item in found} == {facts(item) for item in nearest}


@pytest.mark.parametrize("ranges", QUERIES, ids=lambda ranges: repr(ranges[0].start))
def test_streams(index: CaptureSource, ranges: tuple[KeyRange, ...]) -> None:
    inside = sorted((item for item in ITEMS if any(item.urlkey in keys for keys in ranges)), key=place)
    found = list(index.scan([SLUG], ranges))
    assert same(found, inside)
    assert same(list(index.scan([SLUG], ranges, newest_first=True)), inside[::-1])
    rows = [row for batch in index.scan_rows([SLUG], ranges) for row in batch]
    assert [(row[0], f"{row[1]:014d}") for row in rows] == [place(item) for item in inside]
    assert {(*row[:3], row[4], row[6], row[7], at(row[8]), row[9]) for row in rows} == {
        (item.urlkey, int(item.timestamp), item.url, item.status, item.length, item.offset, at(item.file),
         int(item.revisit_of is not None))
        for item in inside
    }  # fmt: skip
    period = [item for item in inside if item.timestamp.startswith("20160")]
    assert same(list(index.scan([SLUG], ranges, since="2016", until="201609")), period)
    random_ = random.Random(4)
    for start in [random_.choice(inside) for _ in range(4)] if inside else []:
        after = Place(*place(start))
        assert same(list(index.scan([SLUG], ranges, after=after)), [item for item in inside if place(item) >= place(start)])
        before = [item for item in inside if place(item) <= place(start)]
        assert same(list(index.scan([SLUG], ranges, after=after, newest_first=True)), before[::-1])
        behind = Place.behind(*place(start))
        following = [row[:2] for batch in index.scan_rows([SLUG], ranges, after=behind) for row in batch]
        assert following == [(item.urlkey, int(item.timestamp)) for item in inside if place(item) > place(start)]


def test_urls_and_keys_under_a_prefix(index: CaptureSource, kind: str) -> None:
    prefix = "example,a)/"
    keys = sorted({item.urlkey for item in ITEMS if item.urlkey.startswith(prefix)})
    assert index.keys([SLUG], prefix, limit=1000) == keys
    assert index.keys([SLUG], prefix, limit=4)[:4] == keys[:4]
    found = index.under([SLUG], prefix, limit=1000)
    plain = [key for key in keys if "__wb_method" not in key]
    assert [item.urlkey for item in found] == plain
    for item in found:
        here = of_key(item.urlkey)
        assert (item.count, item.first, item.last) == (len(here), here[0].timestamp, here[-1].timestamp)
    assert [item.urlkey for item in index.under([SLUG], prefix, limit=3)] == plain[:3]


def test_all_of_it(index: CaptureSource, kind: str) -> None:
    if kind in REMOTE:
        return
    everything = sorted(ITEMS, key=place)
    assert same(list(index.scan([SLUG], [KeyRange("", None)])), everything)
    assert same(list(index.scan([SLUG], [KeyRange("", None)], newest_first=True)), everything[::-1])
    if kind == "merged":  # of attached indexes, only what was counted when they were attached
        return
    total = index.summary(SLUG)
    assert (total.captures, total.urls) == (len(ITEMS), len({item.urlkey for item in ITEMS}))
    assert (total.first, total.last) == (min(item.timestamp for item in ITEMS), max(item.timestamp for item in ITEMS))
    assert total.bytes == sum(item.length for item in ITEMS)
    assert index.has_file(next(index.closest([SLUG], ITEMS[0].urlkey, "2016")).file)
    assert not index.has_file("no.warc.gz")


def test_other_collections_have_nothing_here(index: CaptureSource) -> None:
    key, ranges = ITEMS[0].urlkey, QUERIES[4]
    for slugs in ([], ["other"]):
        assert not list(index.closest(slugs, key, "2016"))
        assert index.newest(slugs, key) is None
        assert not list(index.versions(slugs, key))
        assert not index.counts(slugs, key)
        assert not index.under(slugs, "example,")
        assert not index.keys(slugs, "example,", limit=5)
        assert not list(index.scan(slugs, ranges))
        assert not list(index.scan_rows(slugs, ranges))
    assert len(list(index.versions(["other", SLUG], key))) == len(of_key(key))


def test_dates_that_are_none(index: CaptureSource) -> None:
    for ask in (
        lambda: index.closest([SLUG], ITEMS[0].urlkey, "soon"),
        lambda: index.versions([SLUG], ITEMS[0].urlkey, since="x"),
        lambda: index.scan([SLUG], QUERIES[0], until="x"),
        lambda: index.scan_rows([SLUG], QUERIES[0], since="x"),
    ):
        with pytest.raises(InvalidTimestamp):
            list(ask())
