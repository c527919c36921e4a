"""The lightbox of a page's audio and video: what of it is archived, with its texts, pictures and files."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from archiver.collections.access import Action
from archiver.collections.accesswords import make_rule
from tests.servers.warcs import resource_record, response_record

SITE = "http://site.example"
MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"
NOTES = "application/vnd.youtube-dl_formats+json;charset=utf-8"
FILM = (
    "<!doctype html><title>Film</title><meta property=og:image content=/og.jpg><video src=/the%20film.webm poster=/gone.jpg>"
    "<track src=/en.vtt srclang=en><track src=/fr.vtt srclang=fr kind=captions label=Sourds><track src=/gone.vtt srclang=ru>"
    "<track src=/ar.srt srclang=ar></video>"
)
Open = Callable[..., FlaskClient]


def part(path: str, data: bytes = b"data", mime: str = "text/vtt", status: str = "200 OK", more: str = "") -> bytes:
    headers = f"Content-Type: {mime}\r\nContent-Length: {len(data)}\r\n{more}"
    return response_record(SITE + path, MOMENT, data, headers=headers, status=status)


def page(text: str = FILM, path: str = "/film") -> bytes:
    return response_record(SITE + path, MOMENT, text.encode())


def banner(client: FlaskClient, path: str = "/film", language: str = "en") -> str:
    answer = client.get(f"/unesco/{STAMP}/{SITE}{path}", headers={"Accept-Language": language})
    return answer.get_data(as_text=True).partition("<muniment-banner")[2].partition("</muniment-banner>")[0]


VIDEO = part("/the%20film.webm", b"\0" * 1_500_000, "video/webm")


def test_texts_and_the_picture_that_are_archived_are_offered_in_the_player(reader: Open) -> None:
    client = reader(
        page(), VIDEO, part("/en.vtt"), part("/fr.vtt"), part("/ar.srt"), part("/gone.vtt", status="404 Not Found"),
        part("/og.jpg", mime="image/jpeg"),
    )  # fmt: skip
    for _ in range(2):  # as it is made, and as it was kept
        text = banner(client)
        assert re.findall(r'<track src="[^"]+oe_/[^"]+/(\w+\.vtt)" kind="(\w+)" srclang="(\w+)" label="(\w+)"', text) == [
            ("en.vtt", "subtitles", "en", "English"), ("fr.vtt", "captions", "fr", "Sourds"),
        ]  # fmt: skip
        assert f'poster="/unesco/{STAMP}im_/{SITE}/og.jpg"' in text
        assert 'crossorigin="anonymous"' in text
    assert 'label="anglais"' in banner(client, language="fr")


def test_the_file_can_be_downloaded_with_its_name_type_and_size(reader: Open) -> None:
    client = reader(page(), VIDEO)
    text = banner(client)
    found = re.search(r'<a href="([^"]+)" download="the film.webm">Download</a> <span>\(([^)]*)\)', text)
    assert found is not None
    assert html.unescape(re.sub("<[^>]+>", "", found[2])) == "the film.webm · video/webm · 1.5 MB"
    assert len(client.get(found[1]).data) == 1_500_000
    assert "poster" not in text and "<track" not in text and "crossorigin" not in text


@pytest.mark.parametrize(("held", "is_offered"), [("bytes 0-9/10", True), ("bytes 0-9/5000", False)])
def test_of_what_is_held_in_part_no_file_is_offered(reader: Open, held: str, is_offered: bool) -> None:
    video = part("/the%20film.webm", b"\0" * 10, "video/webm", "206 Partial Content", f"Content-Range: {held}\r\n")
    text = banner(reader(page(), video))
    assert "<video" in text
    assert ("download=" in text) is is_offered


def test_sound_with_texts_has_a_place_to_show_them_in(reader: Open) -> None:
    talk = "<title>Talk</title><audio src=/talk><track src=/en.vtt srclang=en></audio><audio src=/other.mp3></audio>"
    text = banner(reader(page(talk), part("/talk", mime="audio/mpeg"), part("/other.mp3", mime="audio/mpeg"), part("/en.vtt")))
    assert re.findall(r"<(video|audio) controls", text) == ["video", "audio"]
    assert 'download="talk.mp3"' in text


def test_what_a_page_says_of_its_video_to_search_engines_alone_is_found(reader: Open) -> None:
    said = (
        '<title>V</title><script type="application/ld+json">{"@type": "VideoObject", "contentUrl": "/the%20film.webm"}</script>'
    )
    assert 'download="the film.webm"' in banner(reader(page(said), VIDEO))


def test_what_was_fetched_of_a_player_is_shown_with_its_page(reader: Open) -> None:
    client = reader(
        page("<title>Player</title><div id=player></div>", "/watch?v=1"),
        resource_record(f"youtube-dl:00001:{SITE}/watch?v=1", MOMENT, b"one", "video/mp4"),
        resource_record(f"youtube-dl:00002:{SITE}/watch?v=1", MOMENT, b"two", "audio/mp4"),
    )
    text = banner(client, "/watch?v=1")
    assert "Audio and video on this page (2)" in text
    addresses = re.findall(r'<(?:video|audio) controls preload="none" src="([^"]+)"', text)
    assert [client.get(address).data for address in addresses] == [b"one", b"two"]
    assert re.findall(r'download="(watch\.[^"]+)"', text)[0] == "watch.mp4"


def test_what_a_crawler_noted_of_players_is_told_of_its_files(reader: Open) -> None:
    watch = f"{SITE}/watch?v=1"
    direct, merged = "/direct.mp4", f"youtube-dl:00002:{watch}"
    told = {
        "_type": "playlist",
        "entries": [
            {
                "title": "Part <one>", "duration": 3725.4, "url": SITE + direct, "webpage_url": watch,
                "thumbnail": f"{SITE}/gone.jpg", "thumbnails": [{"url": f"{SITE}/small.jpg"}, {"url": f"{SITE}/t.jpg"}],
                "language": "fr", "subtitles": {"en": [{"ext": "json3", "url": f"{SITE}/en.json"},
                                                       {"ext": "vtt", "url": f"{SITE}/en.vtt", "name": "English"}]},
                "automatic_captions": {"fr-orig": [{"ext": "vtt", "url": f"{SITE}/fr.vtt"}],
                                       "de": [{"ext": "vtt", "url": f"{SITE}/de.vtt"}]},
            },
            {"title": "Part two", "duration": 59, "playlist_index": 2, "webpage_url": watch, "url": f"{SITE}/list.m3u8"},
            {"title": "Never fetched", "playlist_index": 3, "webpage_url": watch, "formats": [{"url": f"{SITE}/never.mp4"}, 7]},
            "rubbish", {"title": None, "duration": True, "url": "javascript:alert(1)"},
        ],
    }  # fmt: skip
    later = MOMENT + timedelta(seconds=40)
    client = reader(
        page(f"<title>Player</title><video src={direct}></video>", "/watch?v=1"),
        part(direct, b"one", "video/mp4"), part("/en.vtt"), part("/fr.vtt"), part("/de.vtt"), part("/list.m3u8"),
        part("/small.jpg", mime="image/jpeg"), part("/t.jpg", mime="image/jpeg"),
        resource_record(merged, later, b"two", "video/mp4"),
        resource_record(f"youtube-dl:{watch}", later, json.dumps(told).encode(), NOTES, "metadata"),
        page("<title>Other</title>", "/broken"), resource_record(f"youtube-dl:{SITE}/broken", later, b"{", NOTES, "metadata"),
    )  # fmt: skip
    for _ in range(2):
        text = banner(client, "/watch?v=1")
        assert "Audio and video on this page (2)" in text
        addresses = re.findall(r'<video controls preload="none" src="([^"]+)"', text)
        assert [client.get(address, follow_redirects=True).data for address in addresses] == [b"one", b"two"]
        captions = [item.replace("&#183;", "·") for item in re.findall(r"<figcaption>(.*?)</span>", text)]
        assert captions == [
            "<bdi>Part &lt;one&gt;</bdi><br><bdi>1:02:05</bdi> · <span>1 / 2",
            "<bdi>Part two</bdi><br><bdi>0:59</bdi> · <span>2 / 2",
        ]  # fmt: skip
        assert re.findall(r'<track src="[^"]+/(\w+\.vtt)" kind="(\w+)" srclang="(\w+)" label="(\w+)"', text) == [
            ("en.vtt", "subtitles", "en", "English"), ("fr.vtt", "captions", "fr", "French"),
        ]  # fmt: skip
        assert re.findall(r'poster="[^"]+/(\w+\.jpg)"', text) == ["t.jpg"]
    assert "on this page" not in banner(client, "/broken")


def test_what_may_not_be_seen_is_offered_in_no_player(reader: Open) -> None:
    client = reader(page(), VIDEO, part("/en.vtt"), part("/og.jpg", mime="image/jpeg"))
    rules = [make_rule(Action.EXCLUDE, url=f"{SITE}{path}") for path in ("/en.vtt", "/og.jpg")]
    client.application.extensions["muniment.holdings"].access.add(rules, actor="ada")  # type: ignore[attr-defined]
    text = banner(client)
    assert "<video" in text and "<track" not in text and "poster" not in text
