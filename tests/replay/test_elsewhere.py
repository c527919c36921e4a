"""What other archives hold: asked only when that is wanted, never for long, never believed blindly, never taken for ours."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from flask.testing import FlaskClient

from archiver.collections.access import Action, Rule
from archiver.elsewhere.answers import Memento, Onward, of_timegate, of_timemap
from archiver.elsewhere.archives import OtherArchive, parse_archives
from archiver.elsewhere.asking import OtherArchives, fetcher_for
from archiver.errors import UsageError
from archiver.message import parse_head
from archiver.settings import load_settings
from replay.elsewherewords import ELSEWHERE_WORDS
from tests.servers.routes import Answer, Asked, Route, RouteServer
from tests.servers.scripted import Act, ScriptedServer
from tests.servers.warcs import response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATE = "Wed, 10 Aug 2016 20:46:23 GMT"
URL = "http://gone.example/page?a=1"
Reader = Callable[..., FlaskClient]
#: Routes of a server are told by paths; that of a TimeGate has the URL in it.
GATE, MAP, HELD = f"/gate/{URL}", f"/map/{URL}", f"/web/20160810204623/{URL}"


class Clock:
    """Seconds, of which a test can let some more pass."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.passed


def archive_of(server: RouteServer, name: str = "Other") -> OtherArchive:
    return OtherArchive(name, server.url("/gate/") + "{url}", server.url("/map/") + "{url}")


@pytest.fixture
def asker() -> Iterator[Callable[..., OtherArchives]]:
    made: list[OtherArchives] = []

    def make(*archives: OtherArchive, allow_private: bool = True, clock: Clock | None = None) -> OtherArchives:
        settings = load_settings({"allow_private": allow_private}, environ={})
        others = OtherArchives(archives, fetcher_for(settings), clock=lambda: NOW, monotonic=clock or Clock())
        made.append(others)
        return others

    yield make
    for others in made:
        others.close()


def redirecting(to: str, link: str = "") -> Answer:
    return Answer(b"", status=302, headers=(("Location", to), *((("Link", link),) if link else ())))


def dated(body: bytes = b"archived") -> Answer:
    return Answer(body, headers=(("Memento-Datetime", DATE),))


# -- the setting -------------------------------------------------------------------------------------------------------


def test_archives_are_named_with_their_addresses() -> None:
    text = "Internet Archive https://web.example/web/ https://web.example/map/link/\n; Näher http://n.example/g?u={url}"
    assert parse_archives(text) == (
        OtherArchive("Internet Archive", "https://web.example/web/{url}", "https://web.example/map/link/{url}"),
        OtherArchive("Näher", "http://n.example/g?u={url}"),
    )
    assert parse_archives(" \n ; ") == ()
    assert parse_archives(text)[1].timegate_of("http://x.example/") == "http://n.example/g?u=http://x.example/"


@pytest.mark.parametrize(
    "text",
    [
        "https://web.example/",
        "Name",
        "Name ftp://x.example/",
        "Name http://",
        "Name http://a/ b",
        "A http://a/ http://b/ http://c/",
        "A http://a/;A http://b/",
        "A http://user:secret@a/",
        "A http://a:99999999/",
        ";".join(f"A{number} http://a/" for number in range(30)),
    ],
)
def test_a_wrong_setting_is_told_at_the_start(text: str) -> None:
    with pytest.raises(UsageError):
        load_settings({"other_archives": text}, environ={})


# -- what answers say --------------------------------------------------------------------------------------------------


def head(status: str, **fields: str) -> Any:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return parse_head(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode())


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (head("302 Found", Location="/m", Link=f'</m>; rel="first memento"; datetime="{DATE}"'), Memento("http://a/m", MOMENT)),
        (head("302 Found", Location="/m"), Onward("http://a/m")),
        (head("302 Found", Location="/m", Link='</m>; rel="memento"; datetime="never"'), Onward("http://a/m")),
        (head("200 OK", Memento_Datetime=DATE, Content_Location="/m"), Memento("http://a/m", MOMENT)),
        (head("404 Not Found", Memento_Datetime=DATE), Memento("http://a/g", MOMENT)),
        (head("302 Found", Memento_Datetime=DATE, Location="/on"), Memento("http://a/g", MOMENT)),
        (head("200 OK"), None),
        (head("404 Not Found"), None),
        (head("302 Found"), None),
        (head("302 Found", Location="javascript:alert(1)"), None),
        (head("302 Found", Location="data:text/html,x"), None),
        (head("200 OK", Memento_Datetime="Wed, 10 Aug 2066 20:46:23 GMT"), None),  # it is not yet that day
        (head("200 OK", Memento_Datetime="Wed, 10 Aug 1616 20:46:23 GMT"), None),
        (head("200 OK", Memento_Datetime=DATE, Content_Location="file:///etc/passwd"), Memento("http://a/g", MOMENT)),
        (parse_head(b"garbage\0\xff\r\n\r\n"), None),
    ],
)
def test_an_answer_of_a_timegate_is_believed_as_far_as_it_can_be_true(answer: Any, meant: object) -> None:
    assert of_timegate("http://a/g", answer, NOW) == meant


def test_a_timemap_is_read_whatever_else_is_in_it() -> None:
    text = (
        f'<{URL}>; rel="original",\n<http://a/map>; rel="self"; type="application/link-format",\n'
        f'<http://a/2>; rel="last memento"; datetime="{DATE}", <http://a/1>; rel="first memento"; '
        'datetime="Wed, 10 Aug 2011 20:46:23 GMT", <javascript:x>; rel=memento; datetime="Wed, 10 Aug 2011 20:46:23 GMT",'
        '<http://a/3>; rel="memento"; datetime="soon", <http://a/4>; rel=memento, \0\0<<<>>> ;;; <http://a/more>; rel="timemap"'
    )
    found = of_timemap("http://a/map", text, NOW, 10)
    assert [item.url for item in found.mementos] == ["http://a/1", "http://a/2"]
    assert found.further == ("http://a/more",)
    assert [item.url for item in of_timemap("http://a/map", text, NOW, 1).mementos] == ["http://a/2"]
    for garbage in ("<" * 100_000, "<a>;" * 50_000, '<a>; rel="' * 20_000, "\xff" * 1000, ""):
        assert of_timemap("http://a/map", garbage, NOW, 10).mementos == ()


# -- asking ------------------------------------------------------------------------------------------------------------


def test_the_nearest_capture_is_found_through_redirects_and_remembered(asker: Callable[..., OtherArchives]) -> None:
    with RouteServer({}) as server:
        server.routes = {GATE: redirecting(f"/second/{URL}"), f"/second/{URL}": redirecting(HELD), HELD: dated()}
        others = asker(archive_of(server))
        (heard,) = others.nearest(URL, MOMENT, 10)
        assert heard.mementos == (Memento(server.url(HELD), MOMENT),) and not heard.silence
        assert server.asked[0].headers["Accept-Datetime"] == DATE
        assert others.nearest(URL, MOMENT, 10) == [heard]
        assert len(server.asked) == 3
        others.nearest(URL, None, 10)
        assert "Accept-Datetime" not in server.asked[3].headers


@pytest.mark.parametrize(
    ("routes", "silence"),
    [
        ({GATE: Answer(b"", status=404)}, ""),
        ({GATE: Answer(b"", status=403)}, ""),
        ({GATE: Answer(b"<p>Welcome", status=200)}, "failed"),
        ({GATE: Answer(b"", status=500)}, "failed"),
        ({GATE: redirecting(GATE)}, "failed"),
        ({GATE: redirecting("/a"), "/a": redirecting("/b"), "/b": redirecting("/a")}, "failed"),
        ({GATE: redirecting("/0"), **{f"/{at}": redirecting(f"/{at + 1}") for at in range(20)}}, "failed"),
        ({GATE: redirecting("ftp://a.example/")}, "failed"),
        ({GATE: redirecting("/m"), "/m": Answer(b"x", headers=(("Memento-Datetime", "yesterday"),))}, "failed"),
    ],
)
def test_what_says_nothing_is_no_capture(asker: Callable[..., OtherArchives], routes: dict[str, Route], silence: str) -> None:
    with RouteServer(routes) as server:
        (heard,) = asker(archive_of(server)).nearest(URL, None, 10)
    assert (heard.mementos, heard.silence) == ((), silence)
    assert len(server.asked) <= 5


def test_a_huge_answer_is_not_read_to_its_end(asker: Callable[..., OtherArchives]) -> None:
    entry = '<http://a.example/{}>; rel="memento"; datetime="' + DATE + '",\n'
    text = "".join(entry.format(number) for number in range(60_000)).encode()
    with RouteServer({GATE: dated(b"x" * 30_000_000), MAP: Answer(text, "application/link-format")}) as server:
        others = asker(archive_of(server))
        (heard,) = others.nearest(URL, None, 20)
        assert heard.mementos == (Memento(server.url(GATE), MOMENT),)
        (listed,) = others.all_of(URL, 20)
    assert listed.is_cut and len(listed.mementos) == 10_000


@pytest.mark.parametrize(
    "script", [[Act.STALL], [b"HTTP/1.1 200 OK\r\n", Act.STALL], [Act.RESET], [b"\0\xff garbage\r\n\r\n"], []]
)
def test_an_archive_that_stalls_or_lies_holds_nobody_up(asker: Callable[..., OtherArchives], script: list[Any]) -> None:
    with ScriptedServer([script]) as bad, RouteServer({GATE: dated()}) as good:
        broken = OtherArchive("Bad", f"http://127.0.0.1:{bad.port}/{{url}}")
        began = datetime.now(UTC)
        heard = asker(broken, archive_of(good)).nearest(URL, None, 1.0)
        assert datetime.now(UTC) - began < timedelta(seconds=4)
    assert heard[0].silence in ("late", "failed") and heard[1].mementos


def test_what_comes_too_late_is_there_the_next_time(asker: Callable[..., OtherArchives]) -> None:
    release = Event()

    def slow(_: Asked) -> Answer:
        release.wait(5)
        return dated()

    with RouteServer({GATE: slow}) as server:
        others = asker(archive_of(server))
        assert others.nearest(URL, None, 0.01)[0].silence == "late"
        release.set()
        assert others.nearest(URL, None, 10)[0].mementos  # waits for the very same question
        assert len(server.asked) == 1


def test_who_fails_again_and_again_is_left_alone_and_tried_later(asker: Callable[..., OtherArchives]) -> None:
    clock = Clock()
    routes: dict[str, Route] = {f"/gate/http://{number}.example/": Answer(b"", status=500) for number in range(4)}
    routes |= {"/gate/http://9.example/": dated()}
    with RouteServer(routes) as server:
        others = asker(archive_of(server), clock=clock)
        said = [others.nearest(f"http://{number}.example/", None, 10)[0].silence for number in range(4)]
        assert said == ["failed", "failed", "failed", "resting"] and len(server.asked) == 3
        clock.passed += 61
        assert others.nearest("http://9.example/", None, 10)[0].mementos
        assert others.nearest("http://0.example/", None, 10)[0].silence == "failed"  # one failure alone is no habit


def test_who_says_for_how_long_it_is_busy_is_left_alone_for_so_long(asker: Callable[..., OtherArchives]) -> None:
    clock = Clock()
    with RouteServer({GATE: Answer(b"", status=429, headers=(("Retry-After", "600"),))}) as server:
        others = asker(archive_of(server), clock=clock)
        assert others.nearest(URL, None, 10)[0].silence == "failed"
        clock.passed += 500
        assert others.nearest(URL, None, 10)[0].silence == "resting"
        clock.passed += 101
        assert others.nearest(URL, None, 10)[0].silence == "failed"


def test_nothing_private_is_asked_unless_that_is_allowed(asker: Callable[..., OtherArchives]) -> None:
    with RouteServer({GATE: dated()}) as server:
        (heard,) = asker(archive_of(server), allow_private=False).nearest(URL, None, 10)
        assert heard.silence == "failed" and server.asked == []


def test_questions_a_minute_are_bounded(asker: Callable[..., OtherArchives]) -> None:
    with RouteServer({}) as server:
        others = asker(archive_of(server))
        said = [others.nearest(f"http://{number}.example/", None, 10)[0].silence for number in range(125)]
    assert said.count("busy") == 5 and len(server.asked) == 120


def test_a_list_of_timemaps_is_followed(asker: Callable[..., OtherArchives]) -> None:
    pages = {f"/page{number}": Answer(f'<http://a/{number}>; rel="memento"; datetime="{DATE}"'.encode()) for number in (1, 2)}
    index = Answer(b'</page1>; rel="timemap"; from="x",\n</page2>; rel="timemap"; from="y"', "application/link-format")
    with RouteServer({MAP: index, **pages}) as server:
        (heard,) = asker(archive_of(server)).all_of(URL, 10)
    assert [item.url for item in heard.mementos] == ["http://a/1", "http://a/2"] and not heard.is_cut


# -- the reader --------------------------------------------------------------------------------------------------------


def setting(server: RouteServer) -> str:
    return f"Other & <Sons> {server.url('/gate/')} {server.url('/map/')}"


def own() -> bytes:
    return response_record("http://held.example/", MOMENT, b"<title>Ours</title>")


def test_readers_are_asked_first_and_told_who_learns_of_it(reader: Reader) -> None:
    with RouteServer({GATE: redirecting(HELD), HELD: dated()}) as server:
        client = reader(own(), other_archives=setting(server))
        missing = client.get(f"/unesco/2016/{URL}")
        page = missing.get_data(as_text=True)
        assert missing.status_code == 404 and server.asked == []
        assert "They will learn which address is looked for: Other &amp; &lt;Sons&gt;." in page
        found = re.search(r'href="(/unesco/elsewhere/[^"]+)" rel="nofollow"', page)
        assert found is not None
        answer = client.get(html.unescape(found.group(1)))
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200 and len(server.asked) == 2
        assert server.asked[0].path == GATE and server.asked[0].headers["Accept-Datetime"].endswith("2016 00:00:00 GMT")
        assert "Referer" not in server.asked[0].headers and "Cookie" not in server.asked[0].headers
        link = f'<a class="leaves" href="{html.escape(server.url(HELD))}" rel="external nofollow noopener noreferrer"'
        assert (link in page and "Captured Aug 10, 2016" in page) or "10 Aug 2016" in page
        assert "The links leave this archive" in page and "127.0.0.1" in page
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow" and answer.headers["Cache-Control"] == "private, no-store"


def test_nobody_is_asked_and_nothing_said_where_there_is_no_setting(reader: Reader) -> None:
    client = reader(own())
    assert "elsewhere" not in client.get(f"/unesco/2016/{URL}").get_data(as_text=True).lower()
    for address in (f"elsewhere/{URL}", f"elsewhere/timemap/link/{URL}", f"elsewhere/timegate/{URL}"):
        assert client.get(f"/unesco/{address}").status_code == 404


def test_as_set_others_are_asked_for_each_page_that_is_missing_and_for_nothing_else(reader: Reader) -> None:
    with RouteServer({GATE: redirecting(HELD), HELD: dated()}) as server:
        client = reader(own(), other_archives=setting(server), other_archives_asked="missing")
        for path, sent in (
            (f"/unesco/2016im_/{URL}", {}),
            (f"/unesco/2016/{URL}", {"Sec-Fetch-Dest": "image"}),
            (f"/unesco/2016/{URL}", {"Sec-Fetch-Dest": "iframe"}),
            (f"/unesco/2016/{URL}", {"Sec-Purpose": "prefetch"}),
            ("/unesco/2016/http://held.example/", {}),
        ):
            client.get(path, headers=sent)
        assert server.asked == []
        page = client.get(f"/unesco/2016/{URL}").get_data(as_text=True)
        assert server.url(HELD).replace("&", "&amp;") in page and len(server.asked) == 2


def test_a_page_has_nobody_asked(reader: Reader) -> None:
    with RouteServer({GATE: dated()}) as server:
        client = reader(own(), other_archives=setting(server))
        for sent in ({"Sec-Fetch-Dest": "empty"}, {"Sec-Fetch-Dest": "image"}, {"Sec-Fetch-Dest": "iframe"}):
            assert client.get(f"/unesco/elsewhere/{URL}", headers=sent).status_code == 403
        assert client.get(f"/unesco/elsewhere/{URL}", headers={"Sec-Purpose": "prefetch"}).status_code == 503
        assert server.asked == []


def test_what_may_not_be_shown_is_not_looked_for_elsewhere(reader: Reader) -> None:
    with RouteServer({f"/gate/{'http://held.example/'}": dated()}) as server:
        client = reader(own(), other_archives=setting(server))
        holdings = client.application.extensions["muniment.holdings"]
        holdings.access.add([Rule(Action.BLOCK, urlkey="example,held)/")], actor="test")
        for address in ("http://held.example/", "timegate/http://held.example/", "timemap/link/http://held.example/"):
            assert client.get(f"/unesco/elsewhere/{address}").status_code == 451
        assert server.asked == []


LISTED = f'<{URL}>; rel="original", <http://o.example/1>; rel="memento"; datetime="Wed, 10 Aug 2011 20:46:23 GMT"'


def test_a_timemap_of_all_says_of_each_capture_who_has_it_and_ours_stays_ours(reader: Reader) -> None:
    url = "http://held.example/"
    with RouteServer({f"/map/{url}": Answer(LISTED.encode(), "application/link-format")}) as server:
        client = reader(own(), other_archives=f"{setting(server)}; Down http://127.0.0.1:9/ http://127.0.0.1:9/")
        assert "o.example" not in client.get(f"/unesco/timemap/link/{url}").get_data(as_text=True) and server.asked == []
        answer = client.get(f"/unesco/elsewhere/timemap/link/{url}")
        lines = answer.get_data(as_text=True).splitlines()
        assert lines[2] == (
            '<http://o.example/1>; rel="first memento"; datetime="Wed, 10 Aug 2011 20:46:23 GMT"; archive="Other & <Sons>",'
        )
        assert lines[3] == f'<http://localhost/unesco/20160810204623/{url}>; rel="last memento"; datetime="{DATE}"'
        assert answer.headers["X-Archives-Silent"] == "Down; failed"
        told = client.get(f"/unesco/elsewhere/timemap/json/{url}").get_json()
        assert [item.get("archive") for item in told["mementos"]["list"]] == ["Other & <Sons>", None]
        assert [item["silence"] for item in told["archives"]] == [None, "failed"]
        assert client.get(f"/unesco/elsewhere/timemap/cdxj/{url}").status_code == 404


def test_a_timegate_of_all_leads_to_the_nearest_wherever_it_is(reader: Reader) -> None:
    url = "http://held.example/"
    link = '</web/1>; rel="memento"; datetime="Wed, 10 Aug 2011 20:46:23 GMT"'
    with RouteServer({f"/gate/{url}": redirecting("/web/1", link)}) as server:
        client = reader(own(), other_archives=setting(server))
        gate = f"/unesco/elsewhere/timegate/{url}"
        near = client.get(gate, headers={"Accept-Datetime": "Wed, 10 Aug 2011 00:00:00 GMT"})
        assert (near.status_code, near.headers["Location"]) == (302, server.url("/web/1"))
        assert "accept-datetime" in near.headers["Vary"].lower()
        ours = client.get(gate, headers={"Accept-Datetime": DATE})
        assert ours.headers["Location"] == f"http://localhost/unesco/20160810204623/{url}"
        assert client.get(gate, headers={"Accept-Datetime": "soon"}).status_code == 400
        assert client.get(f"/unesco/elsewhere/timegate/{URL}").status_code == 404


def test_each_language_has_its_texts() -> None:
    from replay.i18n import LANGUAGES

    assert set(ELSEWHERE_WORDS) == set(LANGUAGES)
    for words in ELSEWHERE_WORDS.values():
        assert "{archives}" in words.they_learn and "{time}" in words.captured
        assert len({words.silence(why) for why in ("", "late", "failed", "resting", "busy")}) == 5


def test_a_reader_is_told_in_his_language(reader: Reader) -> None:
    client = reader(own(), other_archives="Autre http://127.0.0.1:9/")
    page = client.get(f"/unesco/2016/{URL}", headers={"Accept-Language": "fr"}).get_data(as_text=True)
    assert "Chercher dans d’autres archives" in page
