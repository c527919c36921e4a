"""A page capture as a user sees it: what was asked of the server, what is in the archive, what the report says."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

import pytest

from archiver.decisions import referrer_for
from archiver.engine import PageCapturer, StopSignal
from archiver.errors import InvalidURL
from archiver.holdings import Holdings
from archiver.model import Candidate, FailureKind, PageResult, ResourceOutcome
from archiver.urls import urlkey
from archiver.warc.reader import read_record
from tests.servers.routes import Answer, Asked, Route, RouteServer

OpenHoldings = Callable[..., Holdings]


def capture(holdings: Holdings, url: str, **options: object) -> PageResult:
    with PageCapturer(holdings, "default", software="muniment/test") as capturer:
        return capturer.capture(url, **options)  # type: ignore[arg-type]


def by_path(result: PageResult) -> dict[str, ResourceOutcome]:
    return {outcome.candidate.url.split("/", 3)[3]: outcome for outcome in result.outcomes}


CSS = "text/css"
SVG = "image/svg+xml"


def rich_site(frame_host: str = "127.0.0.1") -> dict[str, Answer]:
    page = b"""<!doctype html><title>Rich</title>
<link rel=stylesheet href=/a.css><link rel=icon href=/icon.png><link rel=preload as=font href=/pre.woff2 crossorigin>
<link rel=modulepreload href=/m.js><link rel=manifest href=/app.webmanifest>
<script src=/s.js></script><script type=importmap>{"imports":{"x":"/mapped.js"}}</script>
<style>body{background:url(/bg.png)} @import "/imported.css";</style>
<div style="background-image:image-set('/set.png' 1x)"></div>
<img src=/one.png srcset="/one-2x.png 2x, /one-3x.png 3x"><picture><source srcset=/pic.webp><img src=/pic.png></picture>
<video poster=/poster.jpg><source src=/v.webm><track src=/v.vtt></video><audio src=/a.ogg></audio>
<iframe src=/frame.html></iframe><object data=/o.svg></object><embed src=/e.pdf>
<svg><use href=/sprite.svg#i /><image xlink:href=/svg.png /></svg><a href=/elsewhere.html>not needed</a>"""
    routes = {
        "/": Answer(page, headers=(("Link", "</linked.css>; rel=preload; as=style"),)),
        "/a.css": Answer(b"@font-face{font-family:f;src:url(f.woff2)} .x{background:URL( 'in-css.png' )}", CSS),
        "/imported.css": Answer(b"@import url(deeper.css);", CSS),
        "/deeper.css": Answer(b".y{background:url(deep.png)}", CSS),
        "/linked.css": Answer(b".z{background:url(from-linked.png)}", CSS),
        "/frame.html": Answer(b"<title>f</title><img src=in-frame.png>"),
        "/app.webmanifest": Answer(b'{"icons":[{"src":"man.png"}]}', "application/manifest+json"),
        "/o.svg": Answer(b'<svg xmlns="http://www.w3.org/2000/svg"><image href="in-svg.png"/></svg>', SVG),
    }
    plain = (
        "icon.png pre.woff2 m.js s.js mapped.js bg.png set.png one.png one-2x.png one-3x.png pic.webp pic.png poster.jpg"
        " v.webm v.vtt a.ogg e.pdf sprite.svg svg.png f.woff2 in-css.png deep.png from-linked.png in-frame.png man.png"
        " in-svg.png favicon.ico"
    )
    for name in plain.split():
        routes[f"/{name}"] = Answer(name.encode(), "application/octet-stream")
    return routes


def test_captures_the_page_and_everything_it_needs_and_nothing_else(holdings_with: OpenHoldings) -> None:
    routes = rich_site()
    with RouteServer(routes) as server:
        result = capture(holdings_with(), server.url("/"))
    assert sorted(server.paths) == sorted(routes), "each needed URL once, the plain link never"
    assert {outcome.failure for outcome in result.outcomes} == {None}
    assert result.title == "Rich"
    assert by_path(result)[""].candidate.hops == ""
    assert by_path(result)["deep.png"].candidate.hops == "EEE"


def test_every_outcome_can_be_found_and_read_back(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    with RouteServer(rich_site()) as server:
        result = capture(holdings, server.url("/"))
        home = server.url("/")
    newest = holdings.index.newest(["default"], urlkey(home))
    assert newest is not None and newest.timestamp == result.timestamp
    record = read_record(holdings.store, newest.file, newest.offset)
    assert record.url == home
    assert b"".join(record.block()).startswith(b"HTTP/1.1 200 OK\r\n")
    record.close()
    assert not list((holdings.settings.archive).rglob("*.open")), "the file is closed under its final name"


def test_streamed_media_are_captured_down_to_their_segments(holdings_with: OpenHoldings) -> None:
    dash = b"""<MPD mediaPresentationDuration="PT4S"><Period><AdaptationSet><SegmentTemplate media="$Number$.m4s"
    initialization="i.mp4" duration="2"/><Representation id="a"/></AdaptationSet></Period></MPD>"""
    master = b'#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI="sound.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1\npicture.m3u8?q=1\n'
    routes: dict[str, Route] = {
        "/": Answer(b"<video src=/v/main.m3u8></video><video><source src=/d/main.mpd></video>"),
        "/v/main.m3u8": Answer(master, "application/vnd.apple.mpegurl"),
        "/v/picture.m3u8?q=1": Answer(b'#EXTM3U\n#EXT-X-MAP:URI="i.mp4"\n#EXTINF:4,\n1.ts\n', "application/octet-stream"),
        "/v/sound.m3u8": Answer(
            b'#EXTM3U\n#EXT-X-KEY:URI="k"\n#EXT-X-BYTERANGE:1@0\ns.ts\n#EXT-X-BYTERANGE:1@1\ns.ts', "text/plain"
        ),
        "/d/main.mpd": Answer(dash, "text/xml"),
    }
    for path in ("/favicon.ico", "/v/i.mp4", "/v/1.ts", "/v/k", "/v/s.ts", "/d/i.mp4", "/d/1.m4s", "/d/2.m4s"):
        routes[path] = Answer(b"x", "video/mp4")
    with RouteServer(routes) as server:
        result = capture(holdings_with(), server.url("/"))
    assert sorted(server.paths) == sorted(routes)
    assert {outcome.failure for outcome in result.outcomes} == {None}


def test_each_redirect_hop_is_kept_and_the_page_is_where_they_end(holdings_with: OpenHoldings) -> None:
    routes = {
        "/old": Answer(status=301, headers=(("Location", "/middle"),)),
        "/middle": Answer(status=302, headers=(("Location", "new#part"),)),
        "/new": Answer(b"<title>New</title><img src=/hop.png>"),
        "/hop.png": Answer(status=302, headers=(("Location", "/real.png"),)),
        "/real.png": Answer(b"png", "image/png"),
    }
    with RouteServer(routes) as server:
        result = capture(holdings_with(), server.url("/old"))
        assert result.final_url == server.url("/new")
    outcomes = by_path(result)
    assert [outcomes[name].status for name in ("old", "middle", "new", "hop.png", "real.png")] == [
        301,
        302,
        200,
        302,
        200,
    ]
    assert outcomes["new"].candidate.hops == "RR"
    assert outcomes["real.png"].candidate.hops == "RRER"
    assert result.title == "New"


def test_endless_redirects_end_with_a_reason(holdings_with: OpenHoldings) -> None:
    def onward(asked: Asked) -> Answer:
        return Answer(status=302, headers=(("Location", f"/{int(asked.path[1:]) + 1}"),))

    routes = {f"/{number}": onward for number in range(60)}
    with RouteServer(routes) as server:
        result = capture(holdings_with(), server.url("/0"))
    assert result.outcomes[-1].failure is not None
    assert result.outcomes[-1].failure.kind is FailureKind.TOO_MANY_REDIRECTS
    assert len(server.asked) == 21
    assert result.timestamp is None


def test_redirects_in_a_circle_are_reported(holdings_with: OpenHoldings) -> None:
    routes = {
        "/a": Answer(status=302, headers=(("Location", "/b"),)),
        "/b": Answer(status=302, headers=(("Location", "/a"),)),
        "/page": Answer(b"<title>Fine</title><img src=/a><img src=/again>"),
        "/again": Answer(status=302, headers=(("Location", "/a"),)),
    }
    with RouteServer(routes) as server:
        alone = capture(holdings_with(), server.url("/a"))
        embedded = capture(holdings_with(), server.url("/page"))
    assert alone.timestamp is None
    assert [outcome.failure.reason for outcome in alone.outcomes if outcome.failure] == ["the redirects go round in a circle"]
    assert embedded.title == "Fine"
    circles = [outcome for outcome in embedded.outcomes if outcome.failure and "circle" in outcome.failure.reason]
    assert [outcome.candidate.url for outcome in circles] == [server.url("/a")]


def test_cookies_set_anywhere_on_the_way_round_let_us_in(holdings_with: OpenHoldings) -> None:
    def door(asked: Asked) -> Answer:
        if "two=2" in asked.headers.get("Cookie", ""):
            return Answer(b"<title>Inside</title>")
        return Answer(status=302, headers=(("Location", "/first"), ("Set-Cookie", "one=1")))

    def second(asked: Asked) -> Answer:
        back = (("Location", "/"),)
        seen = "one=1" in asked.headers.get("Cookie", "")
        return Answer(status=302, headers=(("Set-Cookie", "two=2"), *back) if seen else back)

    routes = {"/": door, "/first": Answer(status=302, headers=(("Location", "/second"),)), "/second": second}
    with RouteServer(routes) as server:
        result = capture(holdings_with(), server.url("/"))
    assert result.title == "Inside"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        (None, "it redirects without saying where to"),
        ("ftp://elsewhere.example/x", "it redirects to what cannot be fetched: ftp://elsewhere.example/x"),
        ("http://[broken\x1b/", "it redirects to what cannot be fetched: http://[broken /"),
    ],
)
def test_a_redirect_that_leads_nowhere_says_so(holdings_with: OpenHoldings, location: str | None, reason: str) -> None:
    headers = () if location is None else (("Location", location),)
    with RouteServer({"/": Answer(b"<title>Moved</title>", status=302, headers=headers)}) as server:
        result = capture(holdings_with(), server.url("/"))
    first = result.outcomes[0]
    assert first.failure is not None and first.failure.reason == reason
    assert first.capture is not None and result.timestamp is not None


def test_nothing_a_page_says_reaches_the_terminal_as_control_characters(holdings_with: OpenHoldings) -> None:
    page = Answer(b"<title>Title</title>", "text/html\x1b[31m")
    html = Answer(b"<title>\x1b]0;mine\x07 Ti\nt  le</title>")
    with RouteServer({"/odd": page, "/": html}) as server:
        odd = capture(holdings_with(), server.url("/odd"))
        result = capture(holdings_with(), server.url("/"))
    assert result.title == "]0;mine Ti t le"
    assert odd.outcomes[0].mime == ""


def test_a_cookie_wall_lets_us_in_the_second_time(holdings_with: OpenHoldings) -> None:
    def wall(asked: Asked) -> Answer:
        if "seen=1" in asked.headers.get("Cookie", ""):
            return Answer(b"<title>Inside</title>")
        return Answer(status=302, headers=(("Location", "/"), ("Set-Cookie", "seen=1; Path=/")))

    with RouteServer({"/": wall}) as server:
        result = capture(holdings_with(), server.url("/"))
    assert result.title == "Inside"
    assert [outcome.status for outcome in result.outcomes] == [302, 200, 404]


def test_a_redirect_to_itself_without_a_cookie_is_fetched_once(holdings_with: OpenHoldings) -> None:
    with RouteServer({"/": Answer(status=302, headers=(("Location", "/"),))}) as server:
        capture(holdings_with(), server.url("/"))
    assert server.paths == ["/"]


def test_what_fails_is_reported_with_its_reason_and_the_rest_is_kept(holdings_with: OpenHoldings) -> None:
    page = b"<img src=/gone.png><img src=/broken.png><img src=http://nowhere.invalid/x.png><img src=/ok.png>"
    routes = {
        "/": Answer(page),
        "/broken.png": Answer(b"oops", "text/html", 500),
        "/ok.png": Answer(b"png", "image/png"),
        "/favicon.ico": Answer(b"ico", "image/x-icon"),
    }
    with RouteServer(routes) as server:
        result = capture(holdings_with(), server.url("/"))
    failures = {path: outcome.failure for path, outcome in by_path(result).items() if outcome.failure}
    assert {path: failure.kind for path, failure in failures.items()} == {
        "gone.png": FailureKind.HTTP_ERROR,
        "broken.png": FailureKind.HTTP_ERROR,
        "x.png": FailureKind.DNS,
    }
    assert failures["gone.png"].reason == "the server answered 404"
    assert by_path(result)["gone.png"].capture is not None, "an error answer is evidence too"
    assert result.timestamp is not None


def test_the_guard_refuses_private_addresses_for_the_page_and_for_redirects(holdings_with: OpenHoldings) -> None:
    with RouteServer({"/": Answer(b"secret")}) as server:
        result = capture(holdings_with(allow_private=False), server.url("/"))
    assert server.asked == []
    assert [outcome.failure.kind for outcome in result.outcomes if outcome.failure] == [FailureKind.REFUSED_BY_GUARD]
    assert result.timestamp is None


def test_limits_name_what_they_left_out(holdings_with: OpenHoldings) -> None:
    page = b"".join(b"<img src=/%d.png>" % number for number in range(10))
    routes = {"/": Answer(page)} | {f"/{number}.png": Answer(b"x", "image/png") for number in range(10)}
    with RouteServer(routes) as server:
        result = capture(holdings_with(max_page_resources=5), server.url("/"))
    left_out = [o for o in result.outcomes if o.failure and o.failure.kind is FailureKind.PAGE_LIMIT]
    assert len(server.asked) == 5
    assert len(left_out) == 12 - 5
    assert "limit of 5 resources" in left_out[0].failure.reason  # type: ignore[union-attr]


def test_the_size_of_a_page_is_limited(holdings_with: OpenHoldings) -> None:
    page = b"".join(b"<img src=/%d.png>" % number for number in range(20))
    routes = {"/": Answer(page)} | {f"/{number}.png": Answer(b"x" * 4000, "image/png") for number in range(20)}
    with RouteServer(routes) as server:
        result = capture(holdings_with(max_page_bytes=10_000, connections=1), server.url("/"))
    failed = [outcome.failure for outcome in result.outcomes if outcome.failure]
    cut = [failure for failure in failed if failure.kind is FailureKind.TOO_LARGE]
    left_out = [failure for failure in failed if failure.kind is FailureKind.PAGE_LIMIT]
    assert result.timestamp is not None
    assert sum(outcome.length for outcome in result.outcomes) <= 10_000
    assert len(cut) == 1  # the one that crossed the limit is kept as far as it came
    assert len(left_out) == 22 - len(server.asked)
    assert "10,000 bytes" in left_out[0].reason


def test_a_stylesheet_that_decodes_to_gigabytes_is_kept_but_not_followed(
    holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.engine.MAX_SCANNED_BYTES", 1_000_000)
    bomb = gzip.compress(b" " * 2_000_000)
    routes = {
        "/": Answer(b"<link rel=stylesheet href=/bomb.css>"),
        "/bomb.css": Answer(bomb, CSS, headers=(("Content-Encoding", "gzip"),)),
    }
    with RouteServer(routes) as server:
        result = capture(holdings_with(), server.url("/"))
    outcome = by_path(result)["bomb.css"]
    assert outcome.capture is not None
    assert outcome.failure is not None and outcome.failure.kind is FailureKind.TOO_LARGE


@dataclass
class StopAfterFirst:
    """Presses stop when the page itself has come."""

    stop: StopSignal
    finished_urls: list[str] = field(default_factory=list)

    def started(self, candidate: Candidate, known: int) -> None:
        """Nothing."""

    def finished(self, outcome: ResourceOutcome, known: int) -> None:
        self.finished_urls.append(outcome.candidate.url)
        self.stop.press()


def test_stopping_keeps_what_came_and_names_what_did_not(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    stop = StopSignal()
    with RouteServer(rich_site()) as server:
        result = capture(holdings, server.url("/"), observer=StopAfterFirst(stop), stop=stop)
        assert holdings.index.newest(["default"], urlkey(server.url("/"))) is not None
    assert result.interrupted
    assert server.paths == ["/"]
    kinds = {outcome.failure.kind for outcome in result.outcomes if outcome.failure}
    assert kinds == {FailureKind.INTERRUPTED}


def test_a_second_stop_cuts_what_is_in_flight_and_keeps_the_page(holdings_with: OpenHoldings) -> None:
    stop, release = StopSignal(), Event()

    def slow(asked: Asked) -> Answer:
        stop.press()
        stop.press()
        release.wait(20)
        return Answer(b"late", "image/png")

    holdings = holdings_with()
    with RouteServer({"/": Answer(b"<img src=/slow.png>"), "/slow.png": slow}) as server:
        result = capture(holdings, server.url("/"), stop=stop)
        release.set()
    assert result.interrupted
    assert by_path(result)["slow.png"].failure is not None
    assert by_path(result)[""].capture is not None


def test_referrer_is_what_a_browser_sends() -> None:
    page = "https://example.org/a/page?q=1"
    assert referrer_for(Candidate("https://example.org/i.png", page, "E")) == page
    assert referrer_for(Candidate("https://cdn.example.net/i.png", page, "E")) == "https://example.org/"
    assert referrer_for(Candidate("http://example.org/i.png", page, "E")) is None
    assert referrer_for(Candidate("https://example.org/", None, "")) is None


def test_a_password_in_an_address_is_not_recorded(holdings_with: OpenHoldings) -> None:
    with pytest.raises(InvalidURL) as caught:
        capture(holdings_with(), "http://keeper:topsecret@127.0.0.1:1/")
    assert "topsecret" not in str(caught.value) and "127.0.0.1" in caught.value.message
