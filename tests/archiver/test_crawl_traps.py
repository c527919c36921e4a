"""Which URLs are taken for those of endless sites, and which ordinary ones must not be."""

from __future__ import annotations

import time

import pytest

from archiver.crawl.decision import UrlState, Verdict
from archiver.crawl.plan import Traps
from archiver.crawl.traps import QueryVariants, TrapGuard, without_session_id
from archiver.urls import urlkey

SITE = "https://example.org"
GUARD = TrapGuard(Traps(), 2026)
OFF = TrapGuard(Traps(0, 0, 0, 0, 0, 0, session_ids=False), 2026)

ORDINARY = [
    "/",
    "/a/b/c/d/e/f.html?x=1&y=2",
    "/1999/05/article",
    "/2016/08/10/",
    "/news/1998/12/31/index.html",
    "/lccn/sn83030214/1850-05-12/ed-1/",
    "/2027/03/",
    "/2031-12-01",
    "/events/2009/05/conference-in-paris",
    "/strategy/2050/",
    "/uploads/4212/03/photo.jpg",
    "/files/2201/11/doc.pdf",
    "/2563/05/",  # 2020 in Thailand
    "/tiles/0/0/0.png",
    "/2010/10/10/10.html",
    "/en/a/en/b/en/c",
    "/web/20160810204623/http://www.un.org/fr/",
    "/login?next=https%3A%2F%2Fexample.org%2F",
    "/share?u=https://a.org/&via=https://b.org/&image=https://c.org/x.png",
    "/historical/1999/05/",
    "/prevention/1999/05/",
    "/archive?date=1999-05-01",
    "/archive?year=1995&month=3",
    "/blob?se=2099-12-31T00:00:00Z&sig=x",
    "/item?id=300011",
    "/item?from=a&isbn=9999912",
    "/scenario?year=2100",
    "/calendar?month=03&year=2026",
    "/list?f=a&f=b&f=c&f=d&f=e",
    "/x?&&&&&&&",
    "/a//b//c",
]


@pytest.mark.parametrize("path", ORDINARY)
def test_ordinary_urls_are_let_through(path: str) -> None:
    assert GUARD.check(SITE + path) is None


TRAPS = [
    ("/a/x/a/y/a/z/a", Verdict.REPEATED_SEGMENT, "“a”, 4 times"),
    ("/a/b/a/b/a/b", Verdict.REPEATED_SEGMENT, "“a/b”, 3 times"),
    ("/shop/a/b/c/a/b/c/a/b/c/page.html", Verdict.REPEATED_SEGMENT, "“a/b/c”, 3 times"),
    ("/1/a/b/2/a/b/3/4/a/b/5", Verdict.REPEATED_SEGMENT, "“a/b”, 3 times"),
    ("//////", Verdict.REPEATED_SEGMENT, "“”, 5 times"),
    ("/?a=1&a=1&b=2&a=1&a=1", Verdict.REPEATED_QUERY, "“a=1”, 4 times"),
    ("/" + "/".join(map(str, range(26))), Verdict.DEEP_PATH, "26 parts, more than 25"),
    ("/" + "a" * 2083, Verdict.LONG_URL, "2,103 characters, more than 2,083"),
    ("/http://a.org/http://b.org/", Verdict.JOINED_URL, "2 in its path"),
    ("/web/2016/http://a.org/web/2016/https:/b.org/", Verdict.JOINED_URL, "2 in its path"),
    ("/x/http%3A%2F%2Fa.org/http%253A%252F%252Fb.org", Verdict.JOINED_URL, "2 in its path"),
    (
        "/login?next=https%3A%2F%2Fe.org%2F%3Fnext%3Dhttps%253A%252F%252Fe.org%26next%3Dhttps%25253A%25252F%25252Fe%26n=http://x",
        Verdict.JOINED_URL,
        "4 in all",
    ),
    ("/2199/03/", Verdict.CALENDAR, "the year 2199"),
    ("/2032-01", Verdict.CALENDAR, "the year 2032"),
    ("/events/2199/03/14/list", Verdict.CALENDAR, "the year 2199"),
    ("/events/2035-w07/", Verdict.CALENDAR, "the year 2035"),
    ("/calendar/1997/03/", Verdict.CALENDAR, "the year 1997"),
    ("/1534/03/", Verdict.CALENDAR, "the year 1534"),
    ("/calendar?month=3&year=2199", Verdict.CALENDAR, "the year 2199"),
    ("/x?cal_month=3&cal_year=1850", Verdict.CALENDAR, "the year 1850"),
    ("/x?date=2199-03-14", Verdict.CALENDAR, "the year 2199"),
    ("/x?date=14%2F03%2F2199", Verdict.CALENDAR, "the year 2199"),
    ("/?m=219903", Verdict.CALENDAR, "the year 2199"),
    ("/events?tribe-bar-date=1990-01-01", Verdict.CALENDAR, "the year 1990"),
    ("/x?month=2040-01", Verdict.CALENDAR, "the year 2040"),
]


@pytest.mark.parametrize(("path", "verdict", "detail"), TRAPS)
def test_endless_ones_are_refused_with_what_gave_them_away(path: str, verdict: Verdict, detail: str) -> None:
    decision = GUARD.check(SITE + path)
    assert decision is not None
    assert (decision.state, decision.verdict, decision.detail) == (UrlState.TRAPPED, verdict, detail)


@pytest.mark.parametrize(("path", "verdict", "detail"), [trap for trap in TRAPS if trap[1] is not Verdict.JOINED_URL])
def test_each_guard_can_be_switched_off(path: str, verdict: Verdict, detail: str) -> None:
    assert OFF.check(SITE + path) is None


def test_a_calendar_is_left_at_the_limit_in_both_directions() -> None:
    months = [f"/calendar/{year}/{month:02}/" for year in range(1990, 2100) for month in range(1, 13)]
    kept = [path for path in months if GUARD.check(SITE + path) is None]
    assert (kept[0], kept[-1], len(kept)) == ("/calendar/2021/01/", "/calendar/2031/12/", 11 * 12)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("/a;jsessionid=0123456789ABCDEF!12?x=1", "/a?x=1"),
        ("/a;jsessionid=1.node2/b", "/a/b"),
        ("/a?PHPSESSID=9682993c8daa2c5497996114facdc805&x=1", "/a?x=1"),
        ("/a?x=1&session_id=9682993c8daa2c54#", "/a?x=1"),
        ("/a?sid=9682993c8daa2c5497996114facdc805", "/a"),
        ("/a?y&CFID=1169580&CFTOKEN=48630702&z=1", "/a?y&z=1"),
        ("/p.aspx?ASPSESSIONIDABCDEFGH=abcdefghijklmnopqrstuvwx&y=1", "/p.aspx?y=1"),
        ("/(S(4hqa0555fwsecu455xqckv45))/mileg.aspx", "/mileg.aspx"),
        ("/a/(4hqa0555fwsecu455xqckv45)/mileg.aspx?x", "/a/mileg.aspx?x"),
        ("/wiki/(band)/x.aspx", "/wiki/(band)/x.aspx"),
        ("/a?sid=12", "/a?sid=12"),
        ("/a?cfid=12", "/a?cfid=12"),
        ("/a?session=12&obsession=1", "/a?session=12&obsession=1"),
        ("/a?session_id=3", "/a?session_id=3"),  # of a conference
        ("/a?utm_source=x&gclid=y", "/a?utm_source=x&gclid=y"),
        ("/a?b=1&&c&a", "/a?b=1&&c&a"),
        ("/?", "/?"),
    ],
)
def test_session_ids_and_nothing_else_are_taken_out(url: str, canonical: str) -> None:
    assert GUARD.canonical(f"{SITE}{url.partition('#')[0]}") == SITE + canonical
    assert OFF.canonical(SITE + url) == SITE + url
    assert without_session_id(SITE + canonical) == SITE + canonical


def test_urls_that_have_one_key_once_their_session_is_out_had_it_before() -> None:
    session = "9682993c8daa2c5497996114facdc805"
    for url in (
        f"/x?PHPSESSID={session}&a=1",
        f"/x?a=1&sid={session}",
        "/x?cfid=1&cftoken=2",
        "/(S(4hqa0555fwsecu455xqckv45))/m.aspx",
    ):
        assert urlkey(without_session_id(SITE + url)).replace("?&", "?") == urlkey(SITE + url).replace("?&", "?")


def test_queries_of_a_path_are_counted_up_to_the_limit() -> None:
    variants = QueryVariants(3)
    decisions = [variants.count(f"{SITE}/list?page={number}") for number in range(5)]
    assert [decision.verdict if decision else None for decision in decisions] == [None] * 3 + [Verdict.QUERY_VARIANTS] * 2
    assert variants.count(f"{SITE}/other?page=1") is None
    assert variants.count(f"{SITE}/list") is None
    assert [QueryVariants(0).count(f"{SITE}/list?{number}") for number in range(5)] == [None] * 5


def test_counting_queries_takes_no_more_memory_than_it_may() -> None:
    variants = QueryVariants(2, paths=10)
    for number in range(10_000):
        assert variants.count(f"{SITE}/{number}?x") is None
        variants.count(f"{SITE}/busy?{number}")
    assert len(variants._counts) <= 10
    assert variants.count(f"{SITE}/busy?one-more") is not None  # what is met all the time is not forgotten


HOSTILE = [
    "/" + "a/" * 50_000,
    "/?" + "&" * 100_000,
    "/?" + "_m" * 50_000 + "=2020",
    "/?" + "&".join(f"m{number}=2020" for number in range(10_000)),
    "/" + "(aaaaaaaaaaaaaaaaaaaaaaaa)/" * 5_000 + ".aspx",
    "/(a(" + "(a(aaaaaaaaaaaaaaaaaaaaaaaa)" * 5_000 + ".aspx",
    "/" + ";jsessionid=" * 10_000,
    "/http%" + "25" * 50_000,
    "/?date=" + "%" * 100_000,
    "/2199/03" * 10_000,
]


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path[:20])
def test_hostile_urls_cost_little(path: str) -> None:
    guard = TrapGuard(Traps(segment_repeats=0, path_segments=0, url_length=0), 2026)
    started = time.process_time()
    guard.check(SITE + path)
    guard.canonical(SITE + path)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("url", ["", "x", "http:", "http://", "http://h", "?", "http://h?x", "\udfff", "http://h/%\x00"])
def test_what_is_no_url_is_no_trap_and_no_crash(url: str) -> None:
    assert GUARD.check(url) is None
    assert isinstance(GUARD.canonical(url), str)
