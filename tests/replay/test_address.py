"""Addresses of the reader."""

from __future__ import annotations

import random

import pytest

from replay.address import ReplayAddress, VersionsAddress, parse_address, raw_path, repair_url

U = "http://site.example/a?b=c"


@pytest.mark.parametrize(
    ("rest", "timestamp", "modifier", "url"),
    [
        (f"20160810204623/{U}", "20160810204623", "", U),
        (f"20160810204623id_/{U}", "20160810204623", "id", U),
        (f"2016if_/{U}", "2016", "if", U),
        (f"2016mp_/{U}", "2016", "", U),
        *(
            (f"2016{modifier}_/{U}", "2016", modifier, U)
            for modifier in ("js", "cs", "im", "oe", "fr", "fw", "wkr", "sw", "esm")
        ),
        (U, "", "", U),
        ("site.example/a", "", "", "http://site.example/a"),
        ("site.example:8080/a", "", "", "http://site.example:8080/a"),
        ("2016/site.example", "2016", "", "http://site.example"),
        ("2016/http:/site.example/a", "2016", "", "http://site.example/a"),
        ("2016/HTTPS:///site.example/a", "2016", "", "https://site.example/a"),
        ("2016/http://a.example/http://b.example/", "2016", "", "http://a.example/http://b.example/"),
        ("2016/http://a.example//b//", "2016", "", "http://a.example//b//"),
        ("2016zz_/http://a.example/", "", "", "http://2016zz_/http://a.example/"),
        ("123456789012345/http://a.example/", "", "", "http://123456789012345/http://a.example/"),
        ("2016/dns:a.example", "2016", "", "dns:a.example"),
    ],
)
def test_replay_addresses(rest: str, timestamp: str, modifier: str, url: str) -> None:
    assert parse_address(rest, "c") == ReplayAddress("c", timestamp, modifier, url)


@pytest.mark.parametrize(
    ("rest", "period", "url", "under"),
    [
        (f"*/{U}", "", U, False),
        (f"2016*/{U}", "2016", U, False),
        ("*/http://site.example/*", "", "http://site.example/", True),
        ("20160810204623*/site.example*", "20160810204623", "http://site.example", True),
    ],
)
def test_addresses_of_versions(rest: str, period: str, url: str, under: bool) -> None:
    assert parse_address(rest, "c") == VersionsAddress("c", period, url, under)


def test_an_address_is_read_as_it_was_written() -> None:
    random_ = random.Random(5)
    for _ in range(500):
        url = "http://site.example/" + "".join(random_.choice("ab/?&=%20.-_~:@*é") for _ in range(random_.randint(0, 15)))
        timestamp = "".join(random_.choice("0123456789") for _ in range(random_.randint(1, 14)))
        modifier = random_.choice(["", "id", "im", "js"])
        address = ReplayAddress("c", timestamp, modifier, url)
        assert parse_address(address.path().removeprefix("/c/"), "c") == address
        versions = VersionsAddress("c", timestamp, url.rstrip("*"), random_.random() < 0.5)
        assert parse_address(versions.path().removeprefix("/c/"), "c") == versions


@pytest.mark.parametrize(
    ("path_info", "query", "path"),
    [
        ("/c/2016/http://a.example/b c", "", "/c/2016/http://a.example/b%20c"),
        ("/c/2016/http://a.example/é".encode().decode("latin-1"), "q=%2F", "/c/2016/http://a.example/%C3%A9?q=%2F"),
        ("/c/2016/http://a.example/b?c#d%", "x", "/c/2016/http://a.example/b%3Fc%23d%25?x"),
        ("/c/\xff", "", "/c/%FF"),
    ],
)
def test_what_the_server_unescaped_is_escaped_again(path_info: str, query: str, path: str) -> None:
    assert raw_path(path_info, query) == path


@pytest.mark.parametrize("garbage", ["", "/", "*", "*/", "2016", "2016/", "\0", "\n", "://", "http:", "?", "%", "é" * 1000])
def test_garbage_is_an_address_of_nothing(garbage: str) -> None:
    assert parse_address(garbage, "c") is not None
    assert isinstance(repair_url(garbage), str)
