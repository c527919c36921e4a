"""URLs as browsers read them, and the keys under which captures are found."""

from __future__ import annotations

import random

import ada_url
import pytest
import surt

from archiver.errors import InvalidURL
from archiver.urls import host_of, origin_of, parse_url, printable, resolve, urlkey, urlkey_prefix

SESSION = "0123456789abcdefghijklemopqrstuv"
ASPX = "4hqa0555fwsecu455xqckv45"

#: URLs of every kind that `surt` treats specially.
SAME = [
    "http://www.archive.org/",
    "http://WWW3.Archive.ORG:80/Goo/?b=2&a=1#frag",
    "https://archive.org:443/x/",
    "http://archive.org:8080/x/",
    "http://user:pass@archive.org/x",
    "http://archive.org",
    "http://archive.org./a",
    "http://archive.org/goo/",
    "http://archive.org/goo/?",
    "http://archive.org/goo?b&a",
    "http://archive.org/goo?a=2&b&a=1",
    "http://archive.org/goo?&&a",
    "http://archive.org?x=1",
    "http://archive.org//a//b/../c/./d",
    "http://archive.org/a%2Fb%20c",
    "http://archive.org/%e4%f6",
    "http://archive.org/%25%32%35",
    "http://archive.org/a b",
    "http://archive.org/a+b?x=a+b",
    "http://archive.org/?x=1&amp;y=2",
    "http://archive.org/~user",
    f"http://archive.org/index.php?PHPSESSID={SESSION}&action=profile",
    f"http://archive.org/a;jsessionid={SESSION}",
    f"http://archive.org/a;jsessionid={SESSION}?x=1",
    f"http://archive.org/?jsessionid={SESSION}",
    "http://archive.org/p.aspx?ASPSESSIONIDABCDEFGH=abcdefghijklmnopqrstuvwx&y=1",
    f"http://archive.org/(S({ASPX}))/mileg.aspx",
    f"http://archive.org/({ASPX})/mileg.aspx",
    "http://archive.org/x?cfid=1169580&cftoken=48630702&z=1",
    "http://archive.org/x?sid=9682993c8daa2c5497996114facdc805",
    "http://127.0.0.1/a",
    "http://127.0.0.1:81/a",
    "http://bücher.example/ü",
    "http://xn--bcher-kva.example/",
    "http://archive.org/?q=ü",
    "ftp://www.archive.org/x",
    "archive.org/foo",
    "www.archive.org",
    "http://www.archive.org:/x",
    "http://ww2.archive.org/",
    "http://a.b.c.d.example.co.uk/x",
    "dns:archive.org",
    "warcinfo:foo.warc.gz",
    "filedesc:foo.arc.gz",
    "urn:isbn:1234",
    "mailto:a@b.c",
]

#: Where the keys differ, and why.
DIFFERENT = {
    "http://[2001:DB8::1]:8080/x": ("[2001:db8::1]:8080)/x", "without brackets the port cannot be told from the address"),
    "ftp://archive.org:21/x": ("org,archive)/x", "21 is the default port of ftp as 80 is of http"),
    "archive.org:8080/x": ("org,archive:8080)/x", "an address without its scheme, as people type it"),
    "http://archive.org/\\a": ("org,archive)/a", "browsers read a backslash as a slash (URL Standard, section 4.4)"),
}


@pytest.mark.parametrize("url", SAME)
def test_keys_agree_with_the_surt_package(url: str) -> None:
    assert urlkey(url) == surt.surt(url)


def test_the_short_way_to_a_key_leads_where_the_long_one_does() -> None:
    choose = random.Random(3)
    hosts = [
        "example.org",
        "WWW2.Example.org",
        "www.a",
        "a.",
        ".a",
        "a..b",
        "a:80",
        "a:443",
        "a:8080",
        "a:",
        "[::1]",
        "u@a",
        "",
    ]
    parts = ["a", "B", "~x", "-y", "_z", ".", "..", ".well-known", "x.html", "", "%41", "é", "(S(1))", "a;b", "*", "\\"]
    for _ in range(5000):
        path = "".join("/" + choose.choice(parts) for _ in range(choose.randrange(4)))
        url = f"{choose.choice(('http', 'https', 'HTTP', 'ftp'))}://{choose.choice(hosts)}{path}{choose.choice(('', '?', '/'))}"
        assert urlkey(url) == urlkey(f"{url}#"), url  # what has a fragment goes the long way


@pytest.mark.parametrize("url", DIFFERENT)
def test_keys_differ_from_the_surt_package_only_on_purpose(url: str) -> None:
    ours, reason = DIFFERENT[url]
    assert urlkey(url) == ours, reason
    assert surt.surt(url) != ours


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "\ud800",
        "http://\ud800/\udfff?\udc80",
        "http://",
        "://",
        "%",
        "http://%/%zz",
        "http://[::/",
        "a" * 100_000,
        "\0",
        "?",
        "#",
    ],
)
def test_whatever_comes_has_a_key(hostile: str) -> None:
    assert isinstance(urlkey(hostile), str)
    assert urlkey(hostile) == urlkey(hostile.strip())


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("http://example.org/a?b=c#d", "http://example.org/a?b=c#d"),
        ("http://example.org/\x1b]0;x\x07.", "http://example.org/%1B]0;x%07."),
        (" http://exa\tmple.org/\r\n\x00", "http://example.org/"),
        ("http://example.org/a b\x85", "http://example.org/a%20b%C2%85"),
        ("http://example.org/日本", "http://example.org/日本"),
        ("http://example.org/\ud800", "http://example.org/%3F"),
    ],
)
def test_a_stored_url_is_shown_without_control_characters(stored: str, shown: str) -> None:
    assert printable(stored) == shown
    if "\ud800" not in stored:
        assert urlkey(stored) == urlkey(shown)


def test_keys_of_random_urls_do_not_change_when_the_browser_normalises_them() -> None:
    random_ = random.Random(11)
    for _ in range(2000):
        path = "".join(random_.choice("aB1/.?&=%;~-_ +é") for _ in range(random_.randint(0, 20)))
        url = f"http://Example.org/{path}"
        assert urlkey(parse_url(url)) == urlkey(url), url


@pytest.mark.parametrize(
    ("prefix", "inside", "outside"),
    [
        ("http://example.org/a/", "http://example.org/a/b", "http://example.org/ab"),
        ("http://example.org/a", "http://example.org/ab", "http://example.org/b"),
        ("http://example.org/", "http://example.org/x?y", "http://example.org.uk/"),
        ("example.org", "https://www.example.org:443/", "http://example.com/"),
    ],
)
def test_a_prefix_is_the_start_of_the_keys_below_it(prefix: str, inside: str, outside: str) -> None:
    assert urlkey(inside).startswith(urlkey_prefix(prefix))
    assert not urlkey(outside).startswith(urlkey_prefix(prefix))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://Example.ORG", "https://example.org/"),
        ("  https://example.org/a#b ", "https://example.org/a"),
        ("example.org/x", "http://example.org/x"),
        ("example.org:8080", "http://example.org:8080/"),
        ("//example.org/x", "http://example.org/x"),
        ("localhost:1", "http://localhost:1/"),
        ("HTTP://EXAMPLE.org:80/%7e?Q", "http://example.org/%7e?Q"),
        ("http://bücher.example/ü?ü", "http://xn--bcher-kva.example/%C3%BC?%C3%BC"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://example.org\\a\\b", "http://example.org/a/b"),
        ("http://example.org/a\tb\nc", "http://example.org/abc"),
    ],
)
def test_addresses_are_read_as_in_an_address_bar(written: str, read: str) -> None:
    assert parse_url(written, assume_http=True) == read


@pytest.mark.parametrize(
    "written",
    ["", "http://", "http:// /", "ftp://example.org/", "javascript:alert(1)", "mailto:a@b", "http://[::", "http://a b/"],
)
def test_what_is_no_web_address_is_refused_with_a_sentence(written: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        parse_url(written, assume_http=True)
    assert caught.value.message.endswith(".")
    assert caught.value.advice


def test_references_are_joined_as_browsers_do() -> None:
    base = "http://example.org/a/b?c"
    assert parse_url("../x", base) == "http://example.org/x"
    assert parse_url("?q", base) == "http://example.org/a/b?q"
    assert resolve(base, "//other.example/y#z") == "http://other.example/y#z"
    assert resolve(base, "data:,x") == "data:,x"
    assert resolve(base, "http://[") is None
    assert (host_of("http://[::1]:8/"), origin_of("https://example.org:443/x")) == ("[::1]", "https://example.org")


def test_the_short_way_to_an_origin_ends_where_the_parser_does() -> None:
    chance = random.Random(1)
    endings = ("", ".com", ".x1", ".1", ":8080", ":80", ":443", ":0443", ":65535", ":65536", ":38511", ".")
    bytes_ = ("0", "00", "1", "01", "9", "10", "99", "127", "199", "249", "255", "256", "260", "1000", "0x7f", "a")
    told = 0
    for number in range(20_000):
        if number % 4:
            host = "".join(chance.choice("abcxn-019.:@%_[]") for _ in range(chance.randrange(1, 9)))
        else:
            host = ".".join(chance.choice(bytes_[:11] if number % 8 else bytes_) for _ in range(chance.randrange(3, 6)))
        url = f"{chance.choice(('http', 'https'))}://{host}{chance.choice(endings)}/"
        try:
            parsed = ada_url.URL(url)
            expected = (parsed.origin, parsed.hostname)
        except ValueError:
            expected = ("", "")
        assert (origin_of(url), host_of(url)) == expected, url
        told += bool(expected[0])
    assert told > 3000
