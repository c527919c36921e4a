"""What stands in for what is not held, and what does not."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from archiver.requestkey import with_request
from archiver.urls import urlkey
from replay.fuzzy import THRESHOLD, likeness, wanted
from replay.fuzzy_rules import RULES
from tests.servers.warcs import request_record, response_record

Reader = Callable[..., FlaskClient]

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"


def answers(asked: str, held: str, *, is_part: bool = True) -> bool:
    one, other = urlkey(asked), urlkey(held)
    return any(likeness(item, other, is_part=is_part) >= THRESHOLD for item in wanted(one))


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ("http://e.org/a?x=1&_=1470861983123", "http://e.org/a?x=1&_=1470861983999"),
        ("http://e.org/a?x=1", "http://e.org/a?x=1&_=1470861983999"),
        ("http://e.org/a", "http://e.org/a?utm_source=x&utm_medium=y"),
        ("http://e.org/a?fbclid=zz&id=3", "http://e.org/a?id=3"),
        ("http://e.org/a?callback=jQuery1_2&q=x", "http://e.org/a?callback=jQuery3_4&q=x"),
        ("http://e.org/a?q=x&r=0.123456789012", "http://e.org/a?q=x&r=0.987654321"),
        ("http://e.org/a?q=x&when=1470861983", "http://e.org/a?q=x&when=1470861000"),
        ("http://e.org/s.css?v=3", "http://e.org/s.css?v=2"),
        ("http://e.org/s.js", "http://e.org/s.js?ver=4.9"),
        ("https://r1.googlevideo.com/videoplayback?id=abc&itag=22&sig=1", "http://r9---x.googlevideo.com/videoplayback?id=abc&itag=22&sig=2"),
        ("https://youtube.com/get_video_info?video_id=a&el=x", "https://www.youtube.com/get_video_info?video_id=a&cpn=9"),
        ("https://player.vimeo.com/video/1/config?s=1", "https://player.vimeo.com/video/1/config?s=2&x=3"),
        ("https://d1.cloudfront.net/a.mp4?Expires=1&Signature=x", "https://d1.cloudfront.net/a.mp4?Expires=2&Signature=y"),
        ("https://scontent-a.xx.fbcdn.net/v/t1/1_2_n.jpg?oh=1&oe=2", "https://scontent-b.yy.fbcdn.net/v/t9/1_2_n.jpg?oh=3"),
        ("https://static.wixstatic.com/media/a.jpg/v1/fit/w_1/x.jpg", "https://static.wixstatic.com/media/a.jpg/v1/fill/w_9/y.jpg"),
        ("https://live.staticflickr.com/7/12_ab_b.jpg", "https://live.staticflickr.com/7/12_ab.jpg"),
        ("https://x.com/i/api/graphql/AAA/Posts?variables=1&features=2", "https://twitter.com/i/api/graphql/BBB/Posts?variables=1"),
    ],
)  # fmt: skip
def test_the_same_thing_asked_for_otherwise(asked: str, held: str) -> None:
    assert answers(asked, held)


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ("http://e.org/a?id=5", "http://e.org/a?id=6"),
        ("http://e.org/a?a=1&b=2&c=3&d=4&id=5", "http://e.org/a?a=1&b=2&c=3&d=4&id=6"),
        ("http://e.org/a?id=5&_=1", "http://e.org/a?id=6&_=1"),
        ("http://e.org/a?x=1", "http://e.org/b?x=1"),
        ("http://e.org/a", "http://other.org/a"),
        ("http://e.org/a?q=cats", "http://e.org/a"),
        ("http://e.org/a", "http://e.org/a?q=cats&p=2"),
        ("http://e.org/a.php?v=3", "http://e.org/a.php?v=2"),
        ("http://e.org/abc", "http://e.org/ab?c"),
        ("https://r1.googlevideo.com/videoplayback?id=abc&itag=22", "https://r1.googlevideo.com/videoplayback?id=abd&itag=22"),
        ("https://r1.googlevideo.com/videoplayback?x=1", "https://r1.googlevideo.com/videoplayback?x=2"),
        ("https://player.vimeo.com/video/1/config?s=1", "https://player.vimeo.com/video/2/config?s=1"),
        ("https://d1.cloudfront.net/a.mp4?Signature=x", "https://d1.cloudfront.net/b.mp4?Signature=x"),
        ("https://x.com/i/api/graphql/A/Posts?variables=1", "https://x.com/i/api/graphql/A/Posts?variables=2"),
        ("https://x.com/i/api/graphql/A/Posts?variables=1", "https://x.com/i/api/graphql/A/Likes?variables=1"),
    ],
)  # fmt: skip
def test_another_thing(asked: str, held: str) -> None:
    assert not answers(asked, held)


def test_a_page_is_not_shown_for_another_version_of_a_file() -> None:
    assert not answers("http://e.org/s.pdf?v=3", "http://e.org/s.pdf?v=2", is_part=False)
    assert answers("http://e.org/page?utm_source=a", "http://e.org/page?utm_source=b", is_part=False)


def test_bodies_count_as_arguments() -> None:
    def sent(body: str) -> str:
        return with_request("http://e.org/api", "POST", "application/json", body.encode())

    assert answers(sent('{"q": 1, "ts": 1470861983123}'), sent('{"q": 1, "ts": 1470861983999}'))
    assert not answers(sent('{"q": 1}'), sent('{"q": 2}'))
    assert not answers(sent('{"q": 1}'), "http://e.org/api?q=1")
    assert not answers("http://e.org/api?q=1", sent('{"q": 1}'))


def test_each_rule_has_a_name_of_its_own_and_searches_where_its_keys_are() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    "key", ["", "?", ")", "com,googlevideo,x)/videoplayback", "(" * 5000, "com,a)/" + "a/" * 5000 + "?" + "&=" * 5000]
)
def test_strange_keys_are_like_nothing(key: str) -> None:
    for item in wanted(key):
        assert likeness(item, "org,e)/x?a=1", is_part=True) == 0.0


# -- in the reader ---------------------------------------------------------------------------------------------------


def js(url: str, moment: datetime, body: bytes) -> bytes:
    return response_record(url, moment, body, headers="Content-Type: text/javascript\r\n")


def test_the_likest_comes_first_then_the_nearest(reader: Reader) -> None:
    client = reader(
        js("http://e.org/a.js?v=1&b=2", MOMENT.replace(year=2010), b"'likest, far'"),
        js("http://e.org/a.js?v=1&b=2", MOMENT.replace(year=2015), b"'likest, near'"),
        js("http://e.org/a.js?v=9&b=9", MOMENT, b"'at the time'"),
    )
    answer = client.get(f"/unesco/{STAMP}js_/http://e.org/a.js?v=1&b=2&c=3")
    assert (answer.status_code, answer.data) == (200, b"'likest, near'")
    assert answer.headers["X-Archive-Match"] == "approximate"
    assert answer.headers["Content-Location"] == "/unesco/20150810204623js_/http://e.org/a.js?v=1&b=2"
    assert answer.headers["Memento-Datetime"].startswith("Mon, 10 Aug 2015")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "X-Archive-Match" not in client.get("/unesco/20150810204623js_/http://e.org/a.js?v=1&b=2").headers


@pytest.mark.parametrize(
    ("language", "words"), [("en", "is not held as it was asked for"), ("ar", "غير محفوظ"), ("fr", "n’est pas")]
)
def test_the_banner_says_when_a_page_stands_in_for_another(reader: Reader, language: str, words: str) -> None:
    client = reader(response_record("http://e.org/p?id=1", MOMENT, b"<h1>x"))
    asked = "http://e.org/p?id=1&utm_source=%22%3E%3Cscript%3Ealert(1)"
    answer = client.get(f"/unesco/2016/{asked}", headers={"Accept-Language": language})
    page = html.unescape(answer.get_data(as_text=True))
    assert answer.status_code == 200
    assert words in page
    assert b"<script>alert(1)" not in answer.data
    held = client.get(f"/unesco/{STAMP}/http://e.org/p?id=1", headers={"Accept-Language": language})
    assert words not in html.unescape(held.get_data(as_text=True))
    assert held.headers["ETag"] != answer.headers["ETag"]


def test_errors_and_exact_bytes_stand_in_for_nothing(reader: Reader) -> None:
    client = reader(
        response_record("http://e.org/a.js?v=1", MOMENT, b"gone", status="404 Not Found"),
        js("http://e.org/b.js?v=1", MOMENT, b"1"),
    )
    assert client.get(f"/unesco/{STAMP}js_/http://e.org/a.js?v=2").status_code == 404
    assert client.get(f"/unesco/{STAMP}id_/http://e.org/b.js?v=2").status_code == 404


def test_an_answer_to_another_method_is_none(reader: Reader) -> None:
    moment = MOMENT
    client = reader(
        response_record("http://e.org/api", moment, b"1", headers="Content-Type: application/json\r\n"),
        request_record("http://e.org/api", moment, "POST", "application/json", b'{"q":1,"ts":1470861983123}'),
    )
    asked = {"data": '{"q":1,"ts":1470861983999}', "content_type": "application/json"}
    assert client.post(f"/unesco/{STAMP}da_/http://e.org/api", **asked).data == b"1"
    assert client.put(f"/unesco/{STAMP}da_/http://e.org/api", **asked).status_code == 404
    assert client.get(f"/unesco/{STAMP}da_/http://e.org/api").status_code == 404
