"""What manifests of streamed media have a player fetch."""

from __future__ import annotations

import pytest

from archiver.extract.requisites import requisites
from archiver.markup.manifest import DASH_TYPE

URL = "http://site.example/v/main?token=t1"
DIR = "http://site.example/v"
HLS = "application/vnd.apple.mpegurl"


def named(text: str, mime: str) -> list[str]:
    found = requisites([text[:9].encode(), text[9:].encode()], url=URL, mime=mime).requisites
    return [reference.url.removeprefix(f"{DIR}/") for reference in found]


def test_playlists_name_their_renditions_keys_and_segments() -> None:
    text = """\ufeff#EXTM3U
#EXT-X-DEFINE:NAME="cdn",VALUE="https://cdn.example"
#EXT-X-DEFINE:QUERYPARAM="token"
#EXT-X-DEFINE:IMPORT="later"
#EXT-X-KEY:METHOD=AES-128,URI="/k"
#EXT-X-KEY:METHOD=NONE,URI="data:no"
#EXT-X-MAP:URI="i.mp4",BYTERANGE="7@0"
#EXT-X-MEDIA:TYPE=AUDIO,URI="a.m3u8"
#EXT-X-I-FRAME-STREAM-INF:URI="f.m3u8"
#EXT-X-BYTERANGE:9@7
v.ts
#EXT-X-BYTERANGE:9@16
v.ts
{$cdn}/x.ts?{$token}
{$later}.ts"""
    found = ["http://site.example/k", "i.mp4", "a.m3u8", "f.m3u8", "v.ts", "https://cdn.example/x.ts?t1"]
    assert named(text, HLS) == found


def test_a_list_of_songs_is_no_playlist_of_segments() -> None:
    assert named("#EXTM3U\n#EXTINF:-1,Radio\nhttp://radio.example/endless\n", "audio/x-mpegurl") == []


def presentation(inside: str, duration: str = "PT10S") -> str:
    return f"""<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="{duration}"
    xmlns:xlink="http://www.w3.org/1999/xlink"><Period><AdaptationSet>{inside}</AdaptationSet></Period></MPD>"""


ONE = "<Representation id='a' bandwidth='500'/>"


def template(attributes: str, *timeline: str, inside: str = ONE) -> str:
    times = f"<SegmentTimeline>{''.join(timeline)}</SegmentTimeline>" if timeline else ""
    return f"<SegmentTemplate {attributes}>{times}</SegmentTemplate>{inside}"


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        (
            template(
                "media='$RepresentationID$/$Number%03d$-$Bandwidth$$$.m4s' initialization='$RepresentationID$.mp4' duration='4'"
            ),
            ["a.mp4", "a/001-500$.m4s", "a/002-500$.m4s", "a/003-500$.m4s"],
        ),
        (template("media='$Number$' startNumber='0' timescale='1000' duration='5000'"), ["0", "1"]),
        (template("media='$Number$' duration='5' endNumber='3'"), ["1", "2", "3"]),
        (template("media='$Time$'", "<S t='5' d='2' r='1'/>", "<S d='3'/>"), ["5", "7", "9"]),
        (template("media='$Time$-$Number$'", "<S d='3' r='-1'/>"), ["0-1", "3-2", "6-3", "9-4"]),
        (template("media='$Time$'", "<S d='3' r='-1'/>", "<S t='6' d='1'/>"), ["0", "3", "6"]),
        (template("media='$Number$'"), []),
        (
            "<BaseURL>x/</BaseURL><SegmentTemplate duration='9' media='no'/><Representation id='b'><BaseURL>y/</BaseURL>"
            "<SegmentTemplate media='$Number$.$RepresentationID$'/></Representation>",
            ["x/y/1.b", "x/y/2.b"],
        ),
        (
            "<BaseURL>x/</BaseURL><Representation><BaseURL>v.mp4</BaseURL><SegmentBase indexRange='0-9'><Initialization "
            "sourceURL='i.mp4'/><RepresentationIndex sourceURL='x.sidx'/></SegmentBase></Representation>",
            ["x/i.mp4", "x/x.sidx", "x/v.mp4"],
        ),
        (
            "<BaseURL>first/</BaseURL><BaseURL>second/</BaseURL><Representation><SegmentList>"
            "<Initialization sourceURL='i.mp4'/><SegmentURL media='1.m4s'/><SegmentURL mediaRange='1-2'/>"
            "<SegmentURL media='2.m4s' index='2.idx'/></SegmentList></Representation>",
            ["first/i.mp4", "first/1.m4s", "first/2.m4s", "first/2.idx"],
        ),
        ("<Representation xlink:href='remote.xml'/>", ["remote.xml"]),
        ("<Representation/>", []),
    ],
)
def test_presentations_name_their_segments(inside: str, found: list[str]) -> None:
    assert named(presentation(inside), DASH_TYPE) == found


def test_periods_last_until_the_next_or_the_end() -> None:
    times = {"a": "", "b": "start='PT3S' duration='PT4S'", "c": "start='PT56S'"}
    periods = "".join(
        f"<Period {time}><AdaptationSet><SegmentTemplate media='{name}$Number$' duration='2'/>{ONE}</AdaptationSet></Period>"
        for name, time in times.items()
    )
    text = f"<MPD mediaPresentationDuration='PT1M0.5S'>{periods}</MPD>"
    assert named(text, DASH_TYPE) == ["a1", "a2", "b1", "b2", "c1", "c2", "c3"]


BILLION = "<?xml version='1.0'?><!DOCTYPE MPD [<!ENTITY a 'xxxxxxxxxx'>" + "".join(
    f"<!ENTITY {after} '{f'&{before};' * 10}'>" for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        (presentation(template("media='$Number$' duration='1'"), "P999999D"), 20_000),
        (presentation(template("media='$Number$' duration='1' timescale='999999999'"), "P999999999D"), 20_000),
        (presentation(template("media='x' duration='1'", inside=ONE * 100), "P999999D"), 1),
        (presentation(template("media='http://[$Number$' duration='1'"), "P999999D"), 0),
        (presentation(template("initialization='i' duration='1'"), "P999999D"), 1),
        (presentation(template("media='$Time$'", "<S d='0' r='-1'/>")), 1),
        (presentation(template("media='$Number%099999d$$Number%99d$' duration='9'")), 2),
        (presentation(template("media='$Number$' duration='-1' timescale='0'")), 0),
        (f"{BILLION}]><MPD><BaseURL>&i;</BaseURL></MPD>", 0),
        ("<MPD><Period><AdaptationSet>" + "<Period>" * 100_000, 0),
        ("<MPD", 0), ("", 0), ("\0\0", 0), ("<MPD><BaseURL>http://[</BaseURL></MPD>", 0),
    ],
)  # fmt: skip
def test_bad_manifests_end(text: str, most: int) -> None:
    assert len(named(text, DASH_TYPE)) <= most
