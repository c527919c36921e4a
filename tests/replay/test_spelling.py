"""URLs that archives take together and servers may tell apart: each capture answers for what it was captured at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from archiver.urls import spelling, urlkey
from replay.address import ReplayAddress, parse_address, raw_path
from replay.strays import meant
from tests.servers.warcs import response_record

Reader = Callable[..., FlaskClient]

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"
LATER = MOMENT.replace(year=2018)


def text(url: str, moment: datetime = MOMENT, *, kind: str = "text/plain") -> bytes:
    return response_record(url, moment, f"{url} {moment.year}".encode(), headers=f"Content-Type: {kind}\r\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a%2Fb", "/a/b"), ("/a%2fb", "/a%252Fb"), ("/a%3Fb", "/a?b"), ("/a?x=1%262", "/a?x=1&2"), ("/a?q=c%2B", "/a?q=c+"),
        ("/Page", "/page"), ("/watch?v=abC", "/watch?v=aBc"), ("/a%5Cb", "/a/b"), ("/100%25", "/100"), ("/a%23b", "/a"),
    ],
)  # fmt: skip
def test_another_spelling(one: str, other: str) -> None:
    assert spelling(f"http://e.org{one}") != spelling(f"http://e.org{other}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://e.org/a%2Fb", "https://www.e.org/a%2fb/"), ("http://e.org/%7Ea", "http://e.org:80/~a"),
        ("http://e.org/é", "http://e.org/%C3%A9"), ("http://e.org/a//b", "http://e.org/a/./b"), ("http://e.org", "http://e.org/?"),
        ("http://e.org/?b=1&a=2", "http://E.org/?a=2&b=1"), ("http://e.org/100%", "http://e.org/100%25"),
        ("http://e.org/a#b", "http://e.org/a"), ("http://e.org/a;b+c", "http://e.org/a%3Bb%2Bc"),
    ],
)  # fmt: skip
def test_the_same_spelling(one: str, other: str) -> None:
    assert urlkey(one) == urlkey(other)
    assert spelling(one) == spelling(other)


@pytest.mark.parametrize(
    "path",
    [
        "a%2Fb", "a%2fb%5Cc", "a%252Fb", "a%25252F", "a//b///c", "a%3Fb%23c", "a;b+c=d&e@f:g!h$i'j(k)l*m,n",
        "%C3%A9?%C3%A9=%2F", "%FF%00", "%25", "100%25",
    ],
)  # fmt: skip
def test_an_address_comes_back_from_a_server_that_unescapes_it(path: str) -> None:
    from urllib.parse import unquote_to_bytes

    address = ReplayAddress("c", STAMP, "", f"http://e.org/{path}")
    shown, _, query = address.path().partition("?")
    seen = unquote_to_bytes(shown).decode("latin-1")  # PATH_INFO (PEP 3333)
    again = parse_address(raw_path(seen, query).removeprefix("/c/"), "c")
    assert isinstance(again, ReplayAddress)
    assert spelling(again.url) == spelling(address.url)
    assert again.url.lower() == address.url.lower()


@pytest.mark.parametrize("modifier", ["", "if_", "id_", "da_", "im_"])
@pytest.mark.parametrize(
    ("one", "other"), [("/a%252Fb", "/a/b"), ("/Page", "/page"), ("/x?q=1%262", "/x?q=1&2"), ("/a%3Fb", "/a?b")]
)
def test_each_capture_answers_for_its_own_url(reader: Reader, modifier: str, one: str, other: str) -> None:
    urls = [f"http://e.org{path}" for path in (one, other)]
    client = reader(text(urls[0].replace("%25", "%")), text(urls[1], LATER))
    for url in urls:
        answer = client.get(f"/unesco/{STAMP}{modifier}/{url}", follow_redirects=True)
        assert (answer.status_code, answer.get_data(as_text=True)[:-5]) == (200, url.replace("%25", "%"))


@pytest.mark.parametrize("modifier", ["", "id_", "da_", "im_"])
@pytest.mark.parametrize(("asked", "held"), [("/page", "/Page"), ("/a/b", "/a%252Fb"), ("/a%2Fb", "/a%252Fb")])
def test_what_is_held_under_another_spelling_only_has_its_own_address(
    reader: Reader, modifier: str, asked: str, held: str
) -> None:
    client = reader(text(f"http://e.org{held.replace('%25', '%')}"))
    answer = client.get(f"/unesco/{STAMP}{modifier}/http://e.org{asked}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/unesco/{STAMP}{modifier}/http://e.org{held}")


def test_errors_and_redirects_answer_for_no_other_spelling(reader: Reader) -> None:
    client = reader(
        response_record("http://e.org/A", MOMENT, b"", status="301 Moved", headers="Location: /a\r\n"),
        response_record("http://e.org/a", MOMENT, b"no", status="404 Not Found"),
    )
    assert client.get(f"/unesco/{STAMP}/http://e.org/A").headers["Location"] == f"/unesco/{STAMP}/http://e.org/a"
    assert client.get(f"/unesco/{STAMP}/http://e.org/a").status_code == 404
    assert client.get(f"/unesco/{STAMP}/http://e.org/%41").status_code == 301


def test_a_page_stands_where_its_relative_urls_lead_to_the_right_places(reader: Reader) -> None:
    slash = "http://e.org/folder/"
    client = reader(
        response_record("http://e.org/folder", MOMENT, b"", status="301 Moved", headers="Location: /folder/\r\n"),
        text(slash, kind="text/html"),
        text("http://www.e.org/s.css", kind="text/css"),
    )
    answer = client.get(f"/unesco/{STAMP}/http://e.org/folder")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/unesco/{STAMP}/{slash}")
    assert client.get(f"/unesco/{STAMP}/{slash}").status_code == 200
    assert client.get(f"/unesco/{STAMP}cs_/https://e.org//s.css").status_code == 200


def test_a_redirect_to_another_spelling_is_followed(reader: Reader) -> None:
    client = reader(
        response_record("http://e.org/Wiki", MOMENT, b"", status="301 Moved", headers="Location: /wiki\r\n"),
        text("http://e.org/Wiki", MOMENT.replace(year=2005)),
        text("http://e.org/wiki", MOMENT.replace(month=9)),
    )
    answer = client.get(f"/unesco/{STAMP}/http://e.org/Wiki", follow_redirects=True)
    assert answer.get_data(as_text=True) == "http://e.org/wiki 2016"


@pytest.mark.parametrize(
    "asked",
    [
        "http://bücher.example/ä ö?q=ü", "http://xn--bcher-kva.example/%C3%A4%20%C3%B6?q=%C3%BC", "http://BÜCHER.example:80/%c3%a4%20ö?q=ü",
        "HTTP://user:pw@www.bücher.example./ä%20ö/?q=%c3%bc", "bücher.example/ä ö?q=ü", "http:/bücher.example/ä ö?q=ü",
    ],
)  # fmt: skip
def test_however_a_host_and_its_letters_are_written(reader: Reader, asked: str) -> None:
    client = reader(text("http://xn--bcher-kva.example/%C3%A4%20%C3%B6?q=%C3%BC"))
    answer = client.get(f"/unesco/{STAMP}im_/{asked}")
    assert answer.status_code == 200


def test_an_address_that_was_escaped_as_a_whole_is_read(reader: Reader) -> None:
    client = reader(text("http://e.org/a?b=c"))
    for asked in ("http%3A%2F%2Fe.org%2Fa%3Fb%3Dc", "http%3a//e.org/a?b=c"):
        answer = client.get(f"/unesco/{STAMP}im_/{asked}", follow_redirects=True)
        assert answer.status_code == 200, asked


def test_what_strays_from_a_page_with_an_escaped_slash_finds_its_place(reader: Reader) -> None:
    client = reader(text("http://e.org/a%2Fb/page"), text("http://e.org/x%2Fy"))
    page = f"http://localhost/unesco/{STAMP}/http://e.org/a%252Fb/page"
    for asked, home in (("/s.css", "/s.css"), ("/x%252Fy", "/x%252Fy")):
        answer = client.get(asked, headers={"Referer": page, "Sec-Fetch-Dest": "style"})
        assert (answer.status_code, answer.headers["Location"]) == (307, f"/unesco/{STAMP}cs_/http://e.org{home}")
    assert meant("s.css", page, "localhost", "style") == ReplayAddress("unesco", STAMP, "cs", "http://e.org/a%2Fb/s.css")


@pytest.mark.parametrize("modifier", ["", "da_", "im_"])
@pytest.mark.parametrize(
    "urls",
    [
        ["http://e.org/s", "http://www.e.org/s", "https://e.org/s"],
        ["http://e.org/x//y", "http://e.org/x/y"],
        ["http://e.org/o?a=1&b=2", "http://e.org/o?b=2&a=1"],
    ],
)
def test_of_one_visit_each_url_has_its_own_capture(reader: Reader, modifier: str, urls: list[str]) -> None:
    client = reader(*(text(url, MOMENT.replace(second=second)) for second, url in enumerate(urls, 20)))
    for url in urls:
        answer = client.get(f"/unesco/{STAMP}{modifier}/{url}", follow_redirects=True)
        assert answer.get_data(as_text=True) == f"{url} 2016"
    held = client.get(f"/unesco/{STAMP}{modifier}/{urls[0].replace('e.org', 'www2.e.org')}", follow_redirects=True)
    assert held.status_code == 200
