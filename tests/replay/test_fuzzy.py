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
    starts = [
        item for item in wanted(one) if other.startswith(item.start) or (item.rule is None and other == one.partition("?")[0])
    ]
    return any(likeness(item, other, is_part=is_part) >= THRESHOLD for item in starts)


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


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ("http://e.org/list?q=long-enough-words&lang=en&page=2", "http://e.org/list?q=long-enough-words&lang=en&page=1"),
        ("http://e.org/list?q=long-enough-words&lang=en&page=2", "http://e.org/list?q=long-enough-words&lang=en"),
        ("http://e.org/list?a=1&b=2&c=3&offset=20", "http://e.org/list?a=1&b=2&c=3"),
        ("http://e.org/login?next=%2F&user=alice", "http://e.org/login?next=%2F&user=bob"),
        ("http://e.org/login?next=%2F&theme=x&user=alice", "http://e.org/login?next=%2F&theme=x"),
        ("http://e.org/account?token=0a1b2c3d4e5f60718293a4b5", "http://e.org/account?token=ffffffffffffffff93a4b5c6"),
        ("http://e.org/order?id=1470861983", "http://e.org/order?id=1470861984"),
        ("http://e.org/order?orderid=1470861983123", "http://e.org/order?orderid=1470861984123"),
        ("http://e.org/call?phone=1470861983", "http://e.org/call?phone=1470861984"),
        ("http://e.org/day?date=1470861983", "http://e.org/day?date=1470948383"),
        ("http://e.org/legal?policy=privacy", "http://e.org/legal?policy=terms"),
        ("http://e.org/news?dt=2016-08-10", "http://e.org/news?dt=2016-08-11"),
        ("http://e.org/news?ts=morning", "http://e.org/news?ts=evening"),
        ("http://e.org/thumb.jpg?id=5", "http://e.org/thumb.jpg?id=6"),
        ("http://e.org/thumb.jpg?url=http://a.org/x", "http://e.org/thumb.jpg?url=http://a.org/y"),
        ("http://e.org/avatar.png?user=alice", "http://e.org/avatar.png"),
        ("http://e.org/search.js?q=cats", "http://e.org/search.js?q=dogs"),
        ("http://e.org/all.js?files=a,b", "http://e.org/all.js?files=c"),
        ("http://e.org/strings.js?lang=fr", "http://e.org/strings.js?lang=en"),
        ("http://e.org/seg.ts?part=5", "http://e.org/seg.ts?part=6"),
        ("https://d1.cloudfront.net/v?id=5&Signature=x", "https://d1.cloudfront.net/v?id=6&Signature=x"),
        ("https://b.s3.amazonaws.com/?prefix=a&X-Amz-Signature=1", "https://b.s3.amazonaws.com/?prefix=b&X-Amz-Signature=1"),
        ("https://a.akamaihd.net/v?clip=5&hdnts=1", "https://a.akamaihd.net/v?clip=6&hdnts=1"),
        ("https://cf-hls-media.sndcdn.com/playlist/AAA.128.mp3/playlist.m3u8?P=1", "https://cf-hls-media.sndcdn.com/playlist/BBB.128.mp3/playlist.m3u8?P=1"),
        ("https://cf-hls-media.sndcdn.com/media/0/99/A.128.mp3", "https://cf-hls-media.sndcdn.com/media/100/199/A.128.mp3"),
        ("https://1.bp.blogspot.com/-a/b/s320/photo.jpg", "https://1.bp.blogspot.com/-c/d/s320/photo.jpg"),
        ("https://r1.googlevideo.com/videoplayback?id=a&itag=1&range=0-9", "https://r1.googlevideo.com/videoplayback?id=a&itag=1&range=10-19"),
        ("https://r1.googlevideo.com/videoplayback?id=a&itag=1&sq=5", "https://r1.googlevideo.com/videoplayback?id=a&itag=1&sq=6"),
        ("https://s.fbcdn.net/v/1_n.mp4?bytestart=0&byteend=9", "https://s.fbcdn.net/v/1_n.mp4?bytestart=10&byteend=19"),
        ("https://s.fbcdn.net/v/1_n.mp4?oh=1", "https://s.fbcdn.net/v/1_n.mp4?oh=2&bytestart=10&byteend=19"),
        ("https://x.com/alice", "https://twitter.com/bob"),
        ("https://x.com/search?q=a", "https://twitter.com/search?q=b"),
        ("https://xyz.com/alice", "https://twitter.com/alice"),
        ("https://v.cdn.vine.co/v/a.mp4", "https://v.cdn.vine.co/v/b.mp4"),
        ("https://disqus.com/embed/comments?t_i=1&page=2", "https://disqus.com/embed/comments?t_i=1&page=1"),
    ],
)  # fmt: skip
def test_nothing_stands_in_for_what_somebody_else_or_something_else_was_asked_for(asked: str, held: str) -> None:
    for is_part in (True, False):
        assert not answers(asked, held, is_part=is_part)
        assert not answers(held, asked, is_part=is_part)


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ("https://x.com/alice/status/5", "https://twitter.com/alice/status/5"),
        ("https://twitter.com/alice?lang=en", "https://www.x.com/alice"),
        ("https://www.youtube-nocookie.com/embed/abc?rel=0", "https://www.youtube.com/embed/abc"),
        ("https://www.youtube.com/youtubei/v1/player?videoId=a", "https://www.youtube-nocookie.com/youtubei/v1/player?videoId=a&key=x"),
        ("https://v.cdn.vine.co/r/videos/a.mp4?versionId=x", "https://mtc.cdn.vine.co/r/videos/a.mp4?versionId=y"),
        ("https://farm4.static.flickr.com/3/12_ab_m.jpg", "https://live.staticflickr.com/3/12_ab_b.jpg"),
        ("https://plus.google.com/_/x/y?f.req=1&_reqid=5", "https://plus.google.com/u/0/_/x/y?f.req=1&_reqid=9"),
        ("https://cf-hls-media.sndcdn.com/playlist/A.128.mp3/playlist.m3u8?P=1", "https://cf-media.sndcdn.com/x/A.128.mp3/playlist.m3u8?P=2"),
        ("https://b.s3.amazonaws.com/a?v=1&X-Amz-Signature=1&X-Amz-Date=2", "https://b.s3.amazonaws.com/a?v=1&X-Amz-Signature=3&X-Amz-Date=4"),
        ("https://x.blob.core.windows.net/a/b?sv=1&se=2&sig=3", "https://x.blob.core.windows.net/a/b?sv=1&se=9&sig=8"),
        ("https://s.fbcdn.net/v/1_n.mp4?oh=1&bytestart=0&byteend=9", "https://t.fbcdn.net/v/1_n.mp4?oh=2&bytestart=0&byteend=9"),
        ("http://e.org/data?q=words&debug=no", "http://e.org/data?q=words"),
    ],
)  # fmt: skip
def test_rules_find_it_where_it_is(asked: str, held: str) -> None:
    assert answers(asked, held)
    assert answers(held, asked)


def test_a_post_under_the_other_name_of_its_site_is_found(reader: Reader) -> None:
    client = reader(response_record("https://twitter.com/alice/status/5", MOMENT, b"<p>post"))
    answer = client.get(f"/unesco/{STAMP}/https://x.com/alice/status/5")
    assert b"<p>post" in answer.data
    assert answer.headers["X-Archive-Match"] == "approximate"
