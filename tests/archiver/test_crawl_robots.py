"""What robots.txt, meta robots and X-Robots-Tag ask for, and what hostile ones cost."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.plan import RobotsMode
from archiver.crawl.robots import (
    GIVE_UP_SECONDS,
    MAX_BYTES,
    RobotsDirectives,
    RobotsRules,
    agent_token,
    robots_directives,
    robots_rules,
)
from archiver.settings import Settings

BASE = "https://example.org/robots.txt"


def rules(body: str | bytes = b"", status: int | None = 200, **more: object) -> RobotsRules:
    raw = body.encode() if isinstance(body, str) else body
    return robots_rules(status, raw, agent="Muniment", base=BASE, **more)  # type: ignore[arg-type]


def refused(found: RobotsRules, path: str, mode: RobotsMode = RobotsMode.OBEY, is_requisite: bool = False) -> Decision | None:
    return found.decide(f"https://example.org{path}", is_requisite=is_requisite, mode=mode)


def test_the_longest_rule_counts_and_is_named() -> None:
    found = rules("User-agent: *\nDisallow: /a\nDisallow: /a/b/  # not these\nAllow: /a/b/ok\nDisallow: /*.pdf$\n")
    assert refused(found, "/a/b/x") == Decision(UrlState.BLOCKED, Verdict.ROBOTS, "Disallow: /a/b/")
    assert refused(found, "/about") == Decision(UrlState.BLOCKED, Verdict.ROBOTS, "Disallow: /a")
    assert refused(found, "/x/y.pdf") == Decision(UrlState.BLOCKED, Verdict.ROBOTS, "Disallow: /*.pdf$")
    assert [refused(found, path) for path in ("/a/b/ok/1", "/x/y.pdf?z", "/", "/robots.txt")] == [None] * 4


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        ("User-agent: *\nDisallow: /\nUser-agent: muniment\nDisallow: /x", True),
        ("User-agent: *\nDisallow:\nUser-agent: MUNIMENT/0.1 (archive)\nDisallow: /", False),
        ("User-agent: Muniment*\nDisallow: /", False),
        ("User-agent: Munim\nDisallow: /", True),  # another crawler's name, though it is the start of ours
        ("User-agent: MunimentBot\nDisallow: /", True),
        ("User-agent: other\nUser-agent: *\nDisallow: /", False),
        ("User-agent: *\nCrawl-delay: 5\nUser-agent: other\nDisallow: /", True),
        ("User-agent: *\nSitemap: /s.xml\nDisallow: /", False),
        ("User-agent: muniment\nDisallow: /x\n\nUser-agent: b\nDisallow: /y\n\nUser-agent: muniment\nDisallow: /", False),
        ("user agent *\ndisallow /", False),
        ("Useragent:*\rDisallow:/\r", False),
        ("\ufeffUser-agent: *\nDisallow: /", False),
        ("Disallow: /", True),  # for nobody
        ("User-agent: *", True),
        ("<!DOCTYPE html><html><body>Disallow: / not found</body></html>", True),
        ("", True),
    ],
)
def test_which_rules_are_for_us(body: str, allowed: bool) -> None:
    assert (refused(rules(body), "/page") is None) is allowed


@pytest.mark.parametrize(
    "body", [b"\xff\xfeU\x00s\x00e\x00r\x00-\x00a\x00g", b"\x00" * 5000, b"\xff" * 5000, b"\x1f\x8b\x08\x00", b"%" * 9999]
)
def test_what_is_no_robots_txt_forbids_nothing(body: bytes) -> None:
    assert refused(rules(body), "/page") is None


def test_utf_16_is_read() -> None:
    assert refused(rules("User-agent: *\nDisallow: /é".encode("utf-16")), "/%C3%A9") is not None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 301, 304])
def test_a_robots_txt_that_is_not_there_forbids_nothing(status: int) -> None:
    assert refused(rules("User-agent: *\nDisallow: /", status), "/page") is None


@pytest.mark.parametrize(
    ("status", "failure", "reason"),
    [
        (500, "", "the server answered 500"),
        (503, "", "the server answered 503"),
        (429, "", "the server answered 429"),
        (999, "", "the server answered 999"),
        (None, "", "there was no answer"),
        (None, "the name example.org is not known (DNS)", "the name example.org is not known (DNS)"),
        (200, "it broke off\r\nafter 10 bytes", "it broke off after 10 bytes"),
    ],
)
def test_a_robots_txt_that_cannot_be_read_forbids_everything_for_now(status: int | None, failure: str, reason: str) -> None:
    found = rules("User-agent: *\nAllow: /", status, failure=failure)
    assert refused(found, "/page") == Decision(UrlState.BLOCKED, Verdict.ROBOTS_UNREACHABLE, reason)
    assert found.keep_seconds < rules().keep_seconds
    assert refused(rules("", status, failure=failure, unreachable_for=GIVE_UP_SECONDS), "/page") is None


def test_how_far_robots_txt_counts_is_for_the_crawl_to_say() -> None:
    for found in (rules("User-agent: *\nDisallow: /"), rules(status=500)):
        assert refused(found, "/a.css", RobotsMode.OBEY, is_requisite=True) is not None
        assert refused(found, "/a.css", RobotsMode.REQUISITES, is_requisite=True) is None
        assert refused(found, "/page", RobotsMode.REQUISITES) is not None
        assert refused(found, "/page", RobotsMode.IGNORE) is None


@pytest.mark.parametrize(
    ("lines", "wait", "name"),
    [
        ("Crawl-delay: 10", 10, "Crawl-delay"),
        ("Crawl-delay: 0.5\nRequest-rate: 1/20", 20, "Request-rate"),
        ("Request-rate: 10/1m\nCrawl-delay: 7", 7, "Crawl-delay"),
        ("Request-rate: 0/5", None, ""),
        ("Crawl-delay: -3", None, ""),
        ("Crawl-delay: inf\nCrawl-delay: nan", None, ""),
        ("Crawl-delay: soon", None, ""),
        ("Crawl-delay: 99999999999", 99999999999, "Crawl-delay"),
    ],
)
def test_the_wait_that_is_asked_for(lines: str, wait: float | None, name: str) -> None:
    found = rules(f"User-agent: *\n{lines}\nUser-agent: other\nCrawl-delay: 100")
    assert (found.wait, found.wait_name) == (wait, name)


def test_sitemaps_are_for_everyone_and_absolute() -> None:
    body = "Sitemap: https://maps.net/a.xml\nUser-agent: other\nSitemap: /b.xml\nSitemap: /b.xml\nsite-map: ftp://x/\nSitemap: http://[\n"
    assert rules(body).sitemaps == ("https://maps.net/a.xml", "https://example.org/b.xml")


def test_only_so_much_is_read_and_no_line_by_half() -> None:
    start, rule = "User-agent: *\nDisallow: /first\n", "Disallow: /private/cut\n"
    filler = "#" * (MAX_BYTES - len(start) - 1 - len("Disallow: /")) + "\n"
    found = rules(start + filler + rule)
    assert refused(found, "/first") is not None
    assert refused(found, "/page") is None  # "Disallow: /" is not what it says


@pytest.mark.parametrize(
    "body",
    [
        "".join(f"User-agent: a{number}\n" for number in range(16_000))
        + "".join(f"Disallow: /{number}\n" for number in range(16_000)),
        "".join(f"User-agent: a{number % 8000}\n" for number in range(30_000)),
        "User-agent: muniment\n" * 20_000 + "Disallow: /x\n" * 4_000,
        "User-agent: *\n" + "".join(f"Disallow: /*{number}*a*b*c\n" for number in range(20_000)),
        "User-agent: *\nDisallow: /" + "*a" * 200_000,
        "User-agent: *\nDisallow: /" + "$" * 500_000,
        "Sitemap: /" + "\nSitemap: /".join(map(str, range(30_000))),
    ],
    ids=["agents times rules", "agents again", "us again", "wildcards", "one long rule", "dollars", "sitemaps"],
)
def test_hostile_ones_cost_little(body: str) -> None:
    started = time.process_time()
    found = rules(body)
    refused(found, "/" + "a" * 2000)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [
        (Settings().user_agent, "Muniment"),
        ("Muniment/0.1 (+https://example.org/crawler)", "Muniment"),
        ("Mozilla/5.0 (compatible; my-archive/2; +https://x.org)", "my-archive"),
        ("", "Muniment"),
        ("(odd)", "Muniment"),
    ],
)
def test_our_name_in_robots_txt(user_agent: str, token: str) -> None:
    assert agent_token(user_agent) == token


DATE = datetime(2025, 6, 25, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["noindex, nofollow"], RobotsDirectives(nofollow=True, noindex=True)),
        (["NONE"], RobotsDirectives(nofollow=True, noindex=True)),
        (["noarchive", "index,follow"], RobotsDirectives(noarchive=True)),
        (["noindex nofollow;noarchive"], RobotsDirectives(nofollow=True, noindex=True, noarchive=True)),
        (["googlebot: nofollow, noarchive"], RobotsDirectives()),
        (["googlebot: nofollow, muniment: noarchive"], RobotsDirectives(noarchive=True)),
        (["googlebot: noindex", "nofollow"], RobotsDirectives(nofollow=True)),
        (["robots: nofollow"], RobotsDirectives(nofollow=True)),
        (["max-snippet: 5, nofollow"], RobotsDirectives(nofollow=True)),
        (
            ["unavailable_after: Wed, 25 Jun 2025 15:00:00 GMT, nofollow"],
            RobotsDirectives(nofollow=True, unavailable_after=DATE),
        ),
        (["muniment: unavailable_after: 25 Jun 2025 15:00:00 GMT"], RobotsDirectives(unavailable_after=DATE)),
        (
            ["unavailable_after: 2025-06-25T15:00:00Z", "unavailable_after: 2026-01-01"],
            RobotsDirectives(unavailable_after=DATE),
        ),
        (["unavailable_after: never"], RobotsDirectives()),
        (["googlebot: unavailable_after: 2025-06-25"], RobotsDirectives()),
        (["", ",,;:", "::", "\x00\udfff"], RobotsDirectives()),
        ([], RobotsDirectives()),
    ],
)
def test_meta_robots_and_x_robots_tag(values: list[str], expected: RobotsDirectives) -> None:
    assert robots_directives(values, "Muniment") == expected


def test_a_long_list_of_directives_costs_little() -> None:
    started = time.process_time()
    robots_directives(["a:" * 50_000 + "," * 100_000 + "unavailable_after:x," * 2_000], "Muniment")
    assert time.process_time() - started < 2
