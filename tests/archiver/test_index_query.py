"""Which keys a URL stands for."""

from __future__ import annotations

import pytest

from archiver.index.query import KeyRange, Match, Place, from_place, key_ranges, ordered, split_wildcard
from archiver.urls import urlkey

URLS = [
    "http://example.org/",
    "http://example.org/a",
    "http://example.org/ab",
    "http://example.org/a/b",
    "http://example.org/A?x=1",
    "http://example.org:8080/a",
    "http://www.example.org/a/c",
    "http://sub.example.org/",
    "http://a.sub.example.org:81/",
    "http://example.orgs/",
    "http://example.organic.example/",
    "http://exampl.org/",
    "http://example-x.org/",
    "http://пример.example.org/путь",
    "http://[2001:db8::1]/x",
    "http://[2001:db8::1]:8080/x",
]


def found(url: str, match: Match) -> set[str]:
    ranges = key_ranges(url, match)
    return {item for item in URLS if any(urlkey(item) in keys for keys in ranges)}


@pytest.mark.parametrize(
    ("url", "match", "numbers"),
    [
        ("http://example.org/a", Match.EXACT, {1}),
        ("example.org/a", Match.EXACT, {1}),
        ("https://www.EXAMPLE.org/a?x=1", Match.EXACT, {4}),
        ("http://example.org/a", Match.PREFIX, {1, 2, 3, 4, 6}),
        ("http://example.org/a/", Match.PREFIX, {3, 6}),
        ("example.org/a/", Match.PREFIX, {3, 6}),
        ("example.org", Match.PREFIX, {0, 1, 2, 3, 4, 6}),
        ("example.org/anything", Match.HOST, {0, 1, 2, 3, 4, 5, 6}),
        ("example.org:8080", Match.HOST, {5}),
        ("http://example.org/", Match.DOMAIN, {0, 1, 2, 3, 4, 5, 6, 7, 8, 13}),
        ("org", Match.DOMAIN, {0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13}),
        ("http://[2001:db8::1]/", Match.DOMAIN, {14, 15}),
        ("http://[2001:db8::1]:8080/", Match.HOST, {15}),
        ("http://пример.example.org/", Match.HOST, {13}),
    ],
)
def test_the_urls_that_one_stands_for(url: str, match: Match, numbers: set[int]) -> None:
    assert found(url, match) == {URLS[number] for number in numbers}


def test_a_range_goes_to_the_end_of_the_index() -> None:
    (keys,) = key_ranges("http://example.org/ab", Match.RANGE)
    assert urlkey("http://example.org/ab") in keys
    assert urlkey("http://zoo.zw/") in keys
    assert urlkey("http://example.org/a") not in keys


@pytest.mark.parametrize(
    ("written", "url", "match"),
    [
        ("*.example.org", "example.org", Match.DOMAIN),
        ("http://*.example.org/x*", "http://example.org/x", Match.DOMAIN),
        ("example.org/a*", "example.org/a", Match.PREFIX),
        ("example.org/*", "example.org/", Match.PREFIX),
        ("http://example.org/*/b", "http://example.org/*/b", None),
        ("", "", None),
    ],
)
def test_stars(written: str, url: str, match: Match | None) -> None:
    assert split_wildcard(written) == (url, match)


def test_ranges_are_put_in_order_and_joined() -> None:
    ranges = [KeyRange("m", None), KeyRange("c", "f"), KeyRange("b", "d"), KeyRange("x", "y"), KeyRange("k", "k")]
    assert ordered(ranges) == [KeyRange("b", "f"), KeyRange("m", None)]
    assert from_place(ranges, Place("f", "2016")) == [KeyRange("m", None)]
    assert from_place(ranges, Place("g", "2016"), backward=True) == [KeyRange("b", "f")]


def test_one_key_alone_has_no_neighbours() -> None:
    keys = KeyRange.exactly("org,example)/a")
    assert keys.only == "org,example)/a"
    assert "org,example)/a" in keys
    assert "org,example)/a!" not in keys
    assert KeyRange.beginning_with("org,example)/a").only is None


def test_the_place_behind_a_second() -> None:
    assert Place.behind("a", "20161231235959") == Place("a", "20161231235960")
