"""The reader as a browser meets it, on records imported from WARC files written for the purpose."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import brotli
import pytest
import zstandard
from flask.testing import FlaskClient

from archiver.holdings import Holdings
from archiver.model import Visibility
from replay.views.runtime import MAX_SCRIPT_BYTES
from replay.wall import POLICY
from tests.servers.warcs import response_record, revisit_record

OpenHoldings = Callable[..., Holdings]

SENTENCE = (
    "You are viewing an archived web page, collected at the request of United Nations Educational, Scientific and "
    "Cultural Organization (UNESCO) using Archive-It. This page was captured on 20:46:23 Aug 10, 2016, and is part of "
    "the UNESCO collection. The information on this web page may be out of date. See All versions of this archived page."
)
URL = "http://www.un.org/fr/disarmament/regional.shtml"
MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
PAGE = "<!doctype html><html lang=fr><head><title>Désarmement</title></head><body><h1>ONU</h1><img src=x.gif></body></html>"


def banner_text(page: str) -> str:
    markup = page.partition("<muniment-banner")[2].partition("</muniment-banner>")[0]
    markup = re.sub(r"<style>.*?</style>", "", f"<x{markup}", flags=re.DOTALL)
    paragraph = re.search(r"<p[^>]*>(.*?)</p>", markup, re.DOTALL)
    assert paragraph is not None
    return html.unescape(re.sub(r"<[^>]+>", "", paragraph.group(1)))


def test_the_banner_says_the_seed_sentence_letter_for_letter(reader: Callable[..., FlaskClient]) -> None:
    client = reader(response_record(URL, MOMENT, PAGE.encode()))
    page = client.get(f"/unesco/20160810204623/{URL}").get_data(as_text=True)
    assert banner_text(page) == SENTENCE
    assert ">hide</button>" in page


@pytest.mark.parametrize(("language", "words"), [("fr", "10 août 2016"), ("es", "10 agosto 2016"), ("ar", 'dir="rtl"')])
def test_the_banner_speaks_the_readers_language(reader: Callable[..., FlaskClient], language: str, words: str) -> None:
    client = reader(response_record(URL, MOMENT, PAGE.encode()))
    page = client.get(f"/unesco/20160810204623/{URL}", headers={"Accept-Language": language}).get_data(as_text=True)
    assert words in html.unescape(page)


def test_addresses_without_or_with_another_time_lead_to_the_exact_one(reader: Callable[..., FlaskClient]) -> None:
    client = reader(response_record(URL, MOMENT, PAGE.encode()))
    for path in (f"/unesco/{URL}", f"/unesco/2012/{URL}", f"/unesco/20991231/{URL}", f"/all/2016/{URL}"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"/{path.split('/')[1]}/20160810204623/{URL}"


def test_the_exact_bytes_come_back_and_cannot_run(reader: Callable[..., FlaskClient]) -> None:
    body = gzip.compress(PAGE.encode("latin-1"))
    headers = "Content-Type: text/html\r\nContent-Encoding: gzip\r\nSet-Cookie: a=b\r\n"
    client = reader(response_record(URL, MOMENT, body, headers=headers))
    answer = client.get(f"/unesco/20160810204623id_/{URL}")
    assert answer.data == body
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.parametrize(
    "path",
    ["/", "/unesco/", f"/unesco/*/{URL}", f"/unesco/20160810204623/{URL}", "/unesco/2016/http://no.example/", "/nothing/"],
)
def test_every_answer_carries_the_wall(reader: Callable[..., FlaskClient], path: str) -> None:
    answer = reader(response_record(URL, MOMENT, PAGE.encode())).get(path)
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "Set-Cookie" not in answer.headers


def test_frames_and_parts_have_no_banner(reader: Callable[..., FlaskClient]) -> None:
    client = reader(response_record(URL, MOMENT, PAGE.encode()))
    assert b"muniment-banner" not in client.get(f"/unesco/20160810204623if_/{URL}").data
    framed = client.get(f"/unesco/20160810204623/{URL}", headers={"Sec-Fetch-Dest": "iframe"})
    assert b"muniment-banner" not in framed.data


def test_a_redirect_stays_in_the_archive_and_keeps_its_status(reader: Callable[..., FlaskClient]) -> None:
    moved = response_record("http://e.org/a", MOMENT, b"", status="301 Moved", headers="Location: /b\r\n")
    answer = reader(moved).get("/unesco/20160810204623/http://e.org/a")
    assert answer.status_code == 301
    assert answer.headers["Location"] == "/unesco/20160810204623/http://e.org/b"


def test_a_redirect_without_a_target_shows_its_body(reader: Callable[..., FlaskClient]) -> None:
    client = reader(response_record(URL, MOMENT, b"<p>Moved, somewhere.", status="302 Found"))
    answer = client.get(f"/unesco/20160810204623/{URL}")
    assert answer.status_code == 302 and "Location" not in answer.headers
    assert b"Moved, somewhere." in answer.data


def test_redirects_to_itself_and_304_are_passed_over(reader: Callable[..., FlaskClient]) -> None:
    client = reader(
        response_record("http://e.org/", MOMENT, b"", status="301 Moved", headers="Location: https://www.e.org/\r\n"),
        response_record("http://e.org/", MOMENT.replace(minute=47), b"", status="304 Not Modified", headers=""),
        response_record("http://e.org/", MOMENT.replace(year=2017), b"<p>here</p>"),
    )
    answer = client.get("/unesco/20160810204623/http://e.org/", follow_redirects=True)
    assert answer.status_code == 200
    assert b"here" in answer.data


def redirect_record(url: str, target: str, year: int) -> bytes:
    return response_record(
        url, MOMENT.replace(year=year), b"", status="302 Found", headers=f"Content-Type: text/html\r\nLocation: {target}\r\n"
    )


def test_redirects_that_lead_round_in_a_circle_end(reader: Callable[..., FlaskClient]) -> None:
    client = reader(
        redirect_record("http://e.org/a", "/b", 2016),
        redirect_record("http://e.org/b", "http://e.org/c", 2016),
        redirect_record("http://e.org/c", "/a#part", 2017),
        response_record("http://e.org/b", MOMENT.replace(year=2020), b"<p>here</p>"),
        redirect_record("http://e.org/x", "/y", 2016),
        redirect_record("http://e.org/y", "/x", 2016),
    )
    answer = client.get("/unesco/2016/http://e.org/b", follow_redirects=True)
    assert (answer.status_code, b"here" in answer.data) == (200, True)
    answer = client.get("/unesco/2016/http://e.org/x", follow_redirects=True)
    assert (answer.status_code, b"http://e.org/x" in answer.data) == (404, True)


def test_redirects_that_lead_somewhere_are_followed(reader: Callable[..., FlaskClient]) -> None:
    client = reader(
        redirect_record("http://e.org/a", "/login", 2016),
        redirect_record("http://e.org/login", "/a", 2018),
        response_record("http://e.org/a", MOMENT.replace(year=2018), b"<p>here</p>"),
    )
    answer = client.get("/unesco/20160810204623/http://e.org/a", follow_redirects=True)
    assert (answer.status_code, b"here" in answer.data) == (200, True)
    assert answer.request.path == "/unesco/20180810204623/http://e.org/a"


def test_embeds_prefer_a_good_capture_to_a_nearer_error(reader: Callable[..., FlaskClient]) -> None:
    image = {"headers": "Content-Type: image/png\r\n"}
    client = reader(
        response_record("http://e.org/i.png", MOMENT, b"broken", status="503 Busy", **image),
        response_record("http://e.org/i.png", MOMENT.replace(year=2018), b"good", **image),
    )
    answer = client.get("/unesco/20160810204623im_/http://e.org/i.png", follow_redirects=True)
    assert (answer.status_code, answer.data) == (200, b"good")


def test_missing_parts_get_a_body_of_their_kind(reader: Callable[..., FlaskClient]) -> None:
    client = reader(response_record(URL, MOMENT, PAGE.encode()))
    for modifier, mime in (("js", "text/javascript"), ("cs", "text/css"), ("im", "image/gif")):
        answer = client.get(f"/unesco/2016{modifier}_/http://e.org/none")
        assert (answer.status_code, answer.mimetype) == (404, mime)


def test_the_missing_page_helps(reader: Callable[..., FlaskClient]) -> None:
    client = reader(response_record(URL, MOMENT, PAGE.encode()))
    answer = client.get("/unesco/2016/http://www.un.org/fr/disarmament/other.shtml")
    assert answer.status_code == 404
    text = answer.get_data(as_text=True)
    assert URL in text
    assert "muniment capture" in text


def test_hostile_urls_stay_text(reader: Callable[..., FlaskClient]) -> None:
    answer = reader(response_record(URL, MOMENT, PAGE.encode())).get("/unesco/2016/http://e.org/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert b"<script>alert" not in answer.data


def test_private_collections_look_as_if_they_were_not_there(reader: Callable[..., FlaskClient]) -> None:
    client = reader(response_record(URL, MOMENT, PAGE.encode()), visibility=Visibility.PRIVATE)
    for path in ("/unesco/", f"/unesco/*/{URL}", f"/unesco/20160810204623/{URL}", f"/all/20160810204623/{URL}"):
        assert client.get(path).status_code == 404
    assert b"UNESCO" not in client.get("/").data


def test_versions_show_years_days_and_what_is_unchanged(reader: Callable[..., FlaskClient]) -> None:
    later = MOMENT.replace(year=2018)
    client = reader(
        response_record(URL, MOMENT, PAGE.encode()),
        response_record(URL, later, PAGE.encode()),
        response_record(URL, later.replace(hour=22), b"changed"),
    )
    text = client.get(f"/unesco/*/{URL}").get_data(as_text=True)
    assert "Captures: 3" in text
    assert f'href="/unesco/2016*/{URL}"' in text
    assert f'href="/unesco/20180810*/{URL}#list"' in text
    day = client.get(f"/unesco/20180810*/{URL}").get_data(as_text=True)
    assert f'href="/unesco/20180810204623/{URL}"' in day
    under = client.get("/unesco/*/http://www.un.org/fr/*").get_data(as_text=True)
    assert URL in under


def test_a_browser_that_has_it_is_told_so(reader: Callable[..., FlaskClient]) -> None:
    client = reader(response_record(URL, MOMENT, PAGE.encode()))
    path = f"/unesco/20160810204623/{URL}"
    tag = client.get(path).headers["ETag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert client.head(path).data == b""
    assert client.get(path).headers["Memento-Datetime"] == "Wed, 10 Aug 2016 20:46:23 GMT"


_REPEATED = b"<p>the payload</p>"
_SHA1 = hashlib.sha1(_REPEATED).digest()


def copy_with(digest: str) -> bytes:
    return revisit_record("http://e.org/copy", MOMENT.replace(year=2017), "http://e.org/first", MOMENT, digest=digest)


@pytest.mark.parametrize(
    "digest",
    [
        "",
        f"sha1:{base64.b32encode(_SHA1).decode()}",
        f"SHA-1: {base64.b32encode(_SHA1).decode().lower()}",
        f"sha1:{_SHA1.hex()}",
        _SHA1.hex().upper(),
        f"sha256:{hashlib.sha256(_REPEATED).hexdigest()}",
    ],
)
def test_a_revisit_shows_the_payload_it_repeats(reader: Callable[..., FlaskClient], digest: str) -> None:
    client = reader(response_record("http://e.org/first", MOMENT, _REPEATED), copy_with(digest))
    answer = client.get("/unesco/20170810204623if_/http://e.org/copy")
    assert _REPEATED in answer.data


def test_a_revisit_never_shows_another_payload(reader: Callable[..., FlaskClient]) -> None:
    other = hashlib.sha1(b"another").hexdigest()
    client = reader(response_record("http://e.org/first", MOMENT, _REPEATED), copy_with(f"sha1:{other}"))
    answer = client.get("/unesco/20170810204623if_/http://e.org/copy")
    assert (answer.status_code, _REPEATED in answer.data) == (404, False)


def _zlib(data: bytes, wbits: int) -> bytes:
    packer = zlib.compressobj(wbits=wbits)
    return packer.compress(data) + packer.flush()


TEXT = "<!doctype html><title>Kodierung</title><p>Größe</p><img src=x.gif>"


@pytest.mark.parametrize(
    ("field", "encode"),
    [
        ("Content-Encoding: gzip", gzip.compress),
        ("Content-Encoding: x-gzip", gzip.compress),
        ("Content-Encoding: deflate", lambda data: _zlib(data, 15)),
        ("Content-Encoding: deflate", lambda data: _zlib(data, -15)),
        ("Content-Encoding: br", brotli.compress),
        ("Content-Encoding: zstd", lambda data: zstandard.ZstdCompressor().compress(data)),
        ("Content-Encoding: gzip, br", lambda data: brotli.compress(gzip.compress(data))),
        ("Content-Encoding: gzip", lambda data: data),  # a lie, which browsers forgive
        ("Transfer-Encoding: chunked", lambda data: b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)),
    ],
)
def test_codings_are_taken_off_before_rewriting(
    reader: Callable[..., FlaskClient], field: str, encode: Callable[[bytes], bytes]
) -> None:
    headers = f"Content-Type: text/html; charset=utf-8\r\n{field}\r\n"
    client = reader(response_record(URL, MOMENT, encode(TEXT.encode()), headers=headers))
    answer = client.get(f"/unesco/20160810204623/{URL}")
    assert answer.status_code == 200
    assert "Größe" in answer.get_data(as_text=True)
    assert "src=/unesco/20160810204623im_/http://www.un.org/fr/disarmament/%2e/x.gif" in answer.get_data(as_text=True)
    assert "Content-Encoding" not in answer.headers
    assert "Transfer-Encoding" not in answer.headers


@pytest.mark.parametrize("charset", ["windows-1252", "utf-8", "utf-16le"])
@pytest.mark.parametrize("modifier", ["", "id_"])
def test_a_page_keeps_its_charset(reader: Callable[..., FlaskClient], charset: str, modifier: str) -> None:
    headers = f"Content-Type: text/html; charset={charset}\r\n"
    client = reader(response_record(URL, MOMENT, TEXT.encode(charset), headers=headers))
    answer = client.get(f"/unesco/20160810204623{modifier}/{URL}")
    assert answer.content_type == f"text/html; charset={charset}"
    assert "Größe" in answer.data.decode(charset)


def test_head_says_what_get_would(reader: Callable[..., FlaskClient]) -> None:
    client = reader(response_record(URL, MOMENT, PAGE.encode()))
    for path in (f"/unesco/20160810204623/{URL}", f"/unesco/2016/{URL}", f"/unesco/*/{URL}", "/", f"/unesco/{URL}x"):
        got, asked = client.get(path), client.head(path)
        assert asked.status_code == got.status_code
        assert asked.data == b""
        assert {k: v for k, v in asked.headers if k != "Content-Length"} == {
            k: v for k, v in got.headers if k != "Content-Length"
        }


def test_a_frameset_is_shown_below_the_banner(reader: Callable[..., FlaskClient]) -> None:
    page = "<html><head><title>Rahmen &amp; Co</title></head><frameset><frame src=a><noframes>x</noframes></frameset></html>"
    client = reader(response_record(URL, MOMENT, page.encode()))
    text = client.get(f"/unesco/20160810204623/{URL}").get_data(as_text=True)
    assert "<title>Rahmen &amp; Co</title>" in text
    assert text.count("<muniment-banner") == 1
    assert f'<iframe src="/unesco/20160810204623if_/{URL}"' in text
    inner = client.get(f"/unesco/20160810204623if_/{URL}").get_data(as_text=True)
    assert "<muniment-banner" not in inner
    assert f"<frame src=/unesco/20160810204623if_/{URL.rpartition('/')[0]}/%2e/a>" in inner


@pytest.mark.parametrize("page", ["<body><!-- <frameset> --><p>x", "<script>'<frameset>'</script><p>x", "<p>x<frameset>"])
def test_what_only_looks_like_a_frameset_is_a_page(reader: Callable[..., FlaskClient], page: str) -> None:
    client = reader(response_record(URL, MOMENT, page.encode()))
    text = client.get(f"/unesco/20160810204623/{URL}").get_data(as_text=True)
    assert "<iframe" not in text
    assert "<p>x" in text
    assert "<muniment-banner" in text


@pytest.mark.parametrize("path", ["/", "/unesco/", f"/unesco/*/{URL}", f"/unesco/*/{URL}*", f"/unesco/{URL}x"])
def test_pages_speak_the_readers_language(reader: Callable[..., FlaskClient], path: str) -> None:
    client = reader(response_record(URL, MOMENT, PAGE.encode()))
    texts = {}
    for language in ("en", "fr", "es", "ar"):
        answer = client.get(path, headers={"Accept-Language": f"{language}, en;q=0.1"})
        texts[language] = answer.get_data(as_text=True)
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in texts[language]
        assert "Accept-Language" in answer.headers["Vary"]
    assert len(set(texts.values())) == 4


def test_a_period_is_named_and_counted(reader: Callable[..., FlaskClient]) -> None:
    client = reader(*(response_record(URL, MOMENT.replace(day=day), b"x%d" % day) for day in (9, 10, 11)))
    for period, name, rows in (("2016", "2016", 3), ("201608", "August 2016", 3), ("20160810", "August 10, 2016", 1)):
        text = client.get(f"/unesco/{period}*/{URL}").get_data(as_text=True)
        assert f'<h2 id="list">Captures of {name}</h2>' in text
        assert text.count("20:46:23</a></td>") == rows


def test_an_imported_collection_lists_its_documents_and_not_its_failures(reader: Callable[..., FlaskClient]) -> None:
    client = reader(
        response_record(URL, MOMENT, PAGE.encode()),
        response_record("http://www.un.org/favicon.ico", MOMENT, b"<h1>no</h1>", status="404 Not Found"),
        response_record("http://www.un.org/old", MOMENT, b"<h1>moved</h1>", status="301 Moved"),
        response_record("http://www.un.org/x.gif", MOMENT, b"GIF89a", headers="Content-Type: image/gif\r\n"),
    )
    text = client.get("/unesco/").get_data(as_text=True)
    assert f"/unesco/20160810204623/{URL}" in text
    for path in ("favicon.ico", "old", "x.gif"):
        assert f"/{path}" not in text.replace("/-/static/icon.svg", "")


@pytest.mark.parametrize("sizes", [[9000] * 5, [20_000, 100, 100], [100, 20_000, 100]])
def test_too_many_cookies_leave_the_first(reader: Callable[..., FlaskClient], sizes: list[int]) -> None:
    cookies = [f"c{number}={'x' * size}" for number, size in enumerate(sizes)]
    headers = "Content-Type: text/html\r\n" + "".join(f"Set-Cookie: {cookie}\r\n" for cookie in cookies)
    page = reader(response_record(URL, MOMENT, PAGE.encode(), headers=headers)).get(f"/unesco/20160810204623if_/{URL}")
    said = re.search(r'data-cookies="([^"]*)"', page.get_data(as_text=True))
    told = [cookie for cookie in cookies if len(cookie) < 16_000]
    assert said is not None
    assert json.loads(html.unescape(said.group(1))) == (told[:1] if len(told) > 2 else told)


def test_code_that_is_no_text_is_refused(reader: Callable[..., FlaskClient]) -> None:
    address, client = f"/-/rewrite/js?page=/unesco/20160810204623/{URL}", reader()
    assert client.post(address, data=b"location.x").status_code == 200
    assert client.post(address, data=b"location.x = '\xff'").status_code == 400
    long = b"location;" * (MAX_SCRIPT_BYTES // 9 + 1)
    assert client.post(address, data=long).status_code == 400
    silent = {"wsgi.input": BytesIO(long), "wsgi.input_terminated": True}  # in chunks: nobody says how long it is
    assert client.post(address, environ_overrides=silent).status_code == 400
