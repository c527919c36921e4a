"""Manifests of streamed media: what is absolute leads into the archive, for the browsers that play them by themselves."""

from __future__ import annotations

import re

import pytest

from archiver.markup.manifest import DASH_TYPE
from archiver.message import parse_head
from replay.rewrite.context import RewriteContext
from replay.rewrite.select import rewrite_response
from replay.rewrite.sniff import Kind, kind_of

URL = "http://site.example/v/main?token=t1"
AT = "/c/20160810204623oe_"
SITE = "http://site.example"
DIR = f"{SITE}/v"
HLS = "application/vnd.apple.mpegurl"

#: What is between @ and @ is replaced, by what is said below.
PLAYLIST = """\ufeff#EXTM3U
#EXT-X-DEFINE:NAME="cdn",VALUE="https://cdn.example/é"
#EXT-X-DEFINE:QUERYPARAM="token"
#EXT-X-DEFINE:IMPORT="later"
#EXT-X-KEY:METHOD=AES-128,URI="@/k?@",IV=0x1
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key"
#EXT-X-MAP:URI="@https://cdn.example/m@",BYTERANGE="720@0"
#EXT-X-MEDIA:TYPE=AUDIO,NAME=",URI=no",URI="@a.m3u8@"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="@//cdn.example/f@"
#EXT-X-CONTENT-STEERING:SERVER-URI="@s@"
# not "URI" but a comment http://no.example/
#EXTINF:4,a title with URI="no"
#EXT-X-BYTERANGE:100@0
@one.ts@\r
#EXTINF:4,\r
  @/é 2.ts?a=1&b@
@{$cdn}/x.ts?t={$token}@
@https://cdn.example/{$later}.ts@
{$later}/third.ts
"""
ADDRESSES = {
    "/k?": f"{AT}/{SITE}/k?", "https://cdn.example/m": f"{AT}/https://cdn.example/m", "a.m3u8": f"{AT}/{DIR}/a.m3u8",
    "//cdn.example/f": f"{AT}/http://cdn.example/f", "s": f"{AT}/{DIR}/s", "one.ts": f"{AT}/{DIR}/one.ts",
    "/é 2.ts?a=1&b": f"{AT}/{SITE}/%C3%A9%202.ts?a=1&b",
    "{$cdn}/x.ts?t={$token}": f"{AT}/https://cdn.example/%C3%A9/x.ts?t=t1",
    "https://cdn.example/{$later}.ts": f"{AT}/https://cdn.example/{{$later}}.ts",
}  # fmt: skip


def filled(marked: str, addresses: dict[str, str] | None = None) -> str:
    """What is marked, replaced or as it is."""
    return re.sub(r"@([^@\n]*[^@0-9\n][^@\n]*)@", lambda mark: (addresses or {}).get(mark[1], mark[1]), marked)


def manifest(body: str, mime: str, *, step: int = 7, modifier: str = "oe") -> str:
    head = parse_head(f"HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\n\r\n".encode())
    data = body.encode()
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    result = rewrite_response(RewriteContext("/c/", "20160810204623", URL, modifier), head, pieces)
    return b"".join(result.body).decode()


@pytest.mark.parametrize("mime", [HLS, "audio/mpegurl", "text/plain"])
def test_playlists(mime: str) -> None:
    before, after = filled(PLAYLIST), filled(PLAYLIST, ADDRESSES)
    assert "@" in before and AT in after, "byte ranges are in there"
    assert manifest(before, mime) == after
    assert manifest(after, mime) == after, "what leads into the archive stays"
    assert manifest(before, mime, modifier="da") == before, "a script reads it, and is led when it asks for more"


PRESENTATION = """<?xml version="1.0"?><MPD xmlns:xlink="http://www.w3.org/1999/xlink"><Location>@/l.mpd@</Location>
<BaseURL> @dash/@ </BaseURL><BaseURL>@http://two.example/@</BaseURL><Period xlink:href="urn:mpeg:dash:resolve-to-zero:2013">
<AdaptationSet bitstreamSwitching="true" xlink:href='@set@'><!-- <BaseURL>no/</BaseURL> -->
<SegmentTemplate media="r-$Number%05d$.m4s" initialization='@i.mp4@'/>
<Representation><BaseURL>@v/@</BaseURL><SegmentList><SegmentURL media="@1.m4s@" mediaRange="0-9"/></SegmentList>
</Representation>
<Representation><BaseURL><![CDATA[@a.mp4?x&y@]]></BaseURL></Representation>
<Representation><SegmentTemplate media="@http://cdn.example/$Time$.m4s?a&amp;b@"/></Representation>
<Representation><BaseURL>@//b.example/c/@</BaseURL><SegmentTemplate media="@/$RepresentationID$/$Number%05d$@"/>
</Representation>
</AdaptationSet></Period></MPD>"""
PRESENTED = {
    "/l.mpd": f"{AT}/{SITE}/l.mpd", "dash/": f"{AT}/{DIR}/dash/", "http://two.example/": f"{AT}/http://two.example/",
    "set": f"{AT}/{DIR}/dash/set", "i.mp4": f"{AT}/{DIR}/dash/i.mp4", "v/": f"{AT}/{DIR}/dash/v/",
    "1.m4s": f"{AT}/{DIR}/dash/v/1.m4s", "a.mp4?x&y": f"{AT}/{DIR}/dash/a.mp4?x&amp;y",
    "http://cdn.example/$Time$.m4s?a&amp;b": f"{AT}/http://cdn.example/$Time$.m4s?a&amp;b",
    "//b.example/c/": f"{AT}/http://b.example/c/",
    "/$RepresentationID$/$Number%05d$": f"{AT}/http://b.example/$RepresentationID$/$Number%05d$",
}  # fmt: skip


@pytest.mark.parametrize("mime", [DASH_TYPE, "application/xml"])
def test_presentations(mime: str) -> None:
    assert manifest(filled(PRESENTATION), mime) == filled(PRESENTATION, PRESENTED)
    assert manifest(filled(PRESENTATION), mime, modifier="da") == filled(PRESENTATION)


@pytest.mark.parametrize(
    "body",
    [
        "#EXTM3U", '#EXTM3U\n#EXT-X-KEY:URI="', "<MPD", "<MPD></MPD></MPD>", "<MPD><BaseURL>", "<MPD media='x'/>",
        "<MPD><BaseURL>http://[</BaseURL><SegmentURL media='x'/></MPD>",
    ],
)  # fmt: skip
def test_broken_manifests_pass(body: str) -> None:
    assert manifest(body, HLS if body.startswith("#") else DASH_TYPE, step=1).startswith(body[:4])


@pytest.mark.parametrize(
    ("mime", "modifier", "start", "kind"),
    [
        (HLS, "", b"#EXTM3U\n", Kind.HLS),
        (HLS, "", b"<!doctype html>", Kind.NONE),
        ("application/octet-stream", "oe", b"\xef\xbb\xbf#EXTM3U", Kind.HLS),
        ("text/plain", "", b"#EXTM3U\n", Kind.NONE),
        (DASH_TYPE, "", b"<?xml version='1.0'?><MPD>", Kind.DASH),
        ("text/xml", "oe", b"<MPD>", Kind.DASH),
        ("text/xml", "", b"<MPD>", Kind.NONE),
        (DASH_TYPE, "da", b"<MPD>", Kind.NONE),
    ],
)
def test_manifests_are_told_by_their_type_and_their_beginning(mime: str, modifier: str, start: bytes, kind: Kind) -> None:
    assert kind_of(mime, modifier, start) is kind
