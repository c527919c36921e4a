"""Plans as fields of forms, rules out of URLs, and what a crawl did when."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert

from archiver.collections import comparison
from archiver.collections.comparison import Comparison, Difference
from archiver.collections.rates import rates, recent
from archiver.collections.rulebook import RuleBook, matched, suggestions
from archiver.collections.steering import differences
from archiver.crawl.decision import UrlState
from archiver.crawl.plan import (
    CrawlPlan,
    DedupMode,
    Limits,
    Pace,
    RobotsMode,
    Rule,
    RuleAction,
    RuleMatch,
    ScopeKind,
    Seed,
    Traps,
)
from archiver.crawl.planforms import duration_text, form_of, login_of, read_form, rules_in, size_text
from archiver.errors import UsageError
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_counts
from archiver.index.database import writing
from archiver.index.tables import collections
from archiver.settings import Settings
from tests.archiver.crawlrows import CrawlRows
from tests.conftest import OpenHoldings

SEEDS = (Seed("http://a.example/"),)
PLANS = (
    CrawlPlan(SEEDS),
    CrawlPlan(
        SEEDS, ScopeKind.HOST, (Rule(RuleAction.ACCEPT, RuleMatch.REGEX, "x+", False, "why"),), 2, sitemaps=False,
        robots=RobotsMode.REQUISITES, robots_meta=True, dedup=DedupMode.OFF, guesses=False, insecure=True, allow_private=True,
        limits=Limits(10, 20, 1_234_567, 5400, 3, 40, 2_500_000_000, 999, 0), pace=Pace(0, 2.5, 2.5, retries=0),
        traps=Traps(0, 1, 2, 3, 4, 0, False, False), user_agent="Somebody (+me@example.org)",
    ),
    CrawlPlan(SEEDS, pace=Pace(0, 0, 0)),
    CrawlPlan(SEEDS, pace=Pace(2.5, 0.1234567, 12.0, 7.0, 9, 2), transclusion_hops=0),
    CrawlPlan(SEEDS, pace=Pace(0, 1, 30)),
)  # fmt: skip


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


def fields_of(plan: CrawlPlan) -> dict[str, str]:
    """The fields of a form with the rules in them."""
    values = form_of(plan)
    for place, rule in enumerate(plan.rules):
        values |= {f"rule_action_{place}": rule.action, f"rule_match_{place}": rule.match, f"rule_note_{place}": rule.note}
        values |= {f"rule_pattern_{place}": rule.pattern, f"rule_on_{place}": "1" if rule.enabled else ""}
    return values


@pytest.mark.parametrize("plan", PLANS)
def test_a_form_says_what_the_plan_says(plan: CrawlPlan) -> None:
    read = read_form(fields_of(plan), CrawlPlan(SEEDS), Settings())
    assert (read.plan, read.problems) == (plan, {})
    assert differences(plan, read.plan) == []
    assert read_form(fields_of(plan), plan, Settings()).plan == plan


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1500, 123_456, 10**6, 1_234_567, 2_500_000_000, 10**12 + 1])
def test_sizes_are_read_as_they_are_written(size: int) -> None:
    read = read_form({"limit_bytes": size_text(size)}, CrawlPlan(SEEDS), Settings())
    assert (read.plan.limits.bytes, read.problems) == (size, {})


@pytest.mark.parametrize("seconds", [0.0, 1.5, 59, 60, 90, 3600, 5400, 86400, 90000])
def test_times_are_read_as_they_are_written(seconds: float) -> None:
    assert read_form({"limit_time": duration_text(seconds)}, CrawlPlan(SEEDS), Settings()).plan.limits.seconds == seconds


@pytest.mark.parametrize("name", [*form_of(CrawlPlan(SEEDS)), "rule_pattern_0"])
@pytest.mark.parametrize("value", ["\x00", "é" * 10_000, "-1", "1e999", "nan", "9" * 400, "٣", "<script>"])
def test_garbage_in_a_field_is_a_problem_or_has_no_effect(name: str, value: str) -> None:
    usual = CrawlPlan(SEEDS)
    read = read_form(form_of(usual) | {name: value, "rule_match_0": "regex"}, usual, Settings())
    plan = read.plan
    assert min(plan.limits.documents, plan.limits.bytes, plan.limits.seconds, plan.limits.depth, plan.extra_hops) >= 0
    if name.startswith("limit_") and value != "<script>":
        assert name in read.problems
    assert read.plan.login == usual.login and read.plan.seeds == SEEDS


def test_the_longest_wait_is_not_below_the_least() -> None:
    read = read_form({"delay": "auto", "pace_min": "10", "pace_max": "5"}, CrawlPlan(SEEDS), Settings())
    assert list(read.problems) == ["pace_max"]


def test_a_login_is_made_of_known_files_alone() -> None:
    files = {"jar.txt": "/somewhere/logins/jar.txt"}
    login = login_of({"cookies": "jar.txt", "login_hosts": "A.example, .b.example\nc.example"}, files)
    assert (login.cookies, login.credentials) == ("/somewhere/logins/jar.txt", "")
    assert login.hosts == ("a.example", ".b.example", "c.example")
    for wrong in ("/somewhere/logins/jar.txt", "../jar.txt", "nothing"):
        with pytest.raises(UsageError):
            login_of({"headers": wrong}, files)


def test_rows_without_a_pattern_are_no_rules() -> None:
    values = {"rule_pattern_0": " ", "rule_pattern_2": " /x ", "rule_on_2": "1"}
    assert rules_in(values) == [Rule(RuleAction.BLOCK, RuleMatch.TEXT, "/x")]


# -- rules out of URLs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("urls", "patterns"),
    [
        (["http://a.example/x/1"], ["http://a.example/x/1", "example,a,)/x/", "example,a,)"]),
        (["http://a.example/x/1.pdf", "http://a.example/y/2.PDF?d=1"], ["example,a,)", r"(?i)\.pdf(?:\?|$)"]),
        (["http://a.b.example/", "http://c.b.example/x"], ["example,b,"]),
        (["http://a.example/l?sid=1&p=2", "http://a.example/m?p=3"], ["example,a,)", "[?&]p="]),
        (["http://a.example/", "http://b.other/"], []),
        ([], []),
    ],
)
def test_patterns_cover_what_was_chosen(urls: list[str], patterns: list[str]) -> None:
    offered = suggestions(urls)
    assert [item.pattern for item in offered if item.pattern in patterns] == patterns
    for item in offered:
        assert matched(Rule(RuleAction.BLOCK, item.match, item.pattern), urls) == len(urls), item
    if not patterns:
        assert offered == []


@pytest.mark.parametrize("query", ["(", "[a", "a|b", "*", "a.b", "%00", "é"])
def test_patterns_of_odd_queries_are_patterns(query: str) -> None:
    urls = [f"http://a.example/x?{query}=1"]
    for item in suggestions(urls):
        assert matched(Rule(RuleAction.BLOCK, item.match, item.pattern), urls) == 1


def test_rules_of_a_collection_leave_its_other_options_alone(holdings: Holdings) -> None:
    book, rule = RuleBook(holdings.engine, holdings.audit), Rule(RuleAction.BLOCK, RuleMatch.TEXT, "/x")
    with writing(holdings.engine) as connection:
        connection.execute(collections.update().values(options='{"scope": "host"}'))
    book.add("default", rule, actor="ada")
    book.add("default", rule, actor="ada")
    assert book.of("default") == (rule,) and '"scope": "host"' in holdings.collections.get("default").options
    for broken in ("[]", "{", '"x"'):
        with writing(holdings.engine) as connection:
            connection.execute(collections.update().values(options=broken))
        with pytest.raises(UsageError):
            book.replace("default", [rule], actor="ada")


# -- what was done when ----------------------------------------------------------------------------------------------


def test_what_was_done_is_summed_by_stretches_without_a_gap(holdings: Holdings) -> None:
    number = CrawlRows(holdings, CrawlPlan(SEEDS)).finish()
    assert rates(holdings.engine, number).buckets == ()
    keys = {"2026050110000": 5, "2026050110002": 7, "2026050110015": 1, "2026050111000": 2}
    with writing(holdings.engine) as connection:
        for key, documents in keys.items():
            row = {"crawl_id": number, "dimension": "time", "key": key, "documents": documents, "bytes": 100 * documents}
            connection.execute(insert(crawl_counts).values(**row))
    fine = rates(holdings.engine, number, most=1000)
    assert (fine.seconds, len(fine.buckets), fine.most) == (10, 361, 7)
    assert [bucket.documents for bucket in fine.buckets[:4]] == [5, 0, 7, 0]
    coarse = rates(holdings.engine, number, most=10)
    assert coarse.seconds == 600 and [bucket.documents for bucket in coarse.buckets] == [13, 0, 0, 0, 0, 0, 2]
    assert sum(bucket.bytes for bucket in coarse.buckets) == 1500
    end = coarse.buckets[-1].at
    assert len(rates(holdings.engine, number, most=10, until=end + 1200).buckets) == 9
    assert recent(holdings.engine, number, end + 5) == pytest.approx((2 / 35, 200 / 35))
    assert recent(holdings.engine, number, end + 3600) == (0, 0)


def test_changes_of_a_plan_are_told() -> None:
    old = CrawlPlan(SEEDS, rules=(Rule(RuleAction.BLOCK, RuleMatch.TEXT, "a"), Rule(RuleAction.BLOCK, RuleMatch.TEXT, "b")))
    new = replace(old, seeds=(*SEEDS, Seed("http://b.example/")), limits=Limits(bytes=10), rules=old.rules[::-1])
    assert differences(old, new) == ["bytes: 0 → 10", "seed: http://b.example/", "rules: in another order"]
    assert differences(old, replace(old, rules=old.rules[:1])) == ["rule taken out: block text b"]


def test_pages_of_what_differs_look_at_so_much_and_go_on(holdings: Holdings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "_AT_ONCE", 7)
    first, second = CrawlRows(holdings, CrawlPlan(SEEDS)), CrawlRows(holdings, CrawlPlan(SEEDS))
    for place in range(60):
        url = f"http://a.example/{place}"
        first.url(url, UrlState.FAILED if place == 5 else UrlState.CAPTURED)
        if place % 10:
            second.url(url, digest="sha1:OTHER" if place % 10 == 1 else "sha1:ABC")
    pair = Comparison(holdings.engine, first.finish(), second.finish())
    lost = {f"http://a.example/{place}" for place in range(0, 60, 10)}
    assert {row.url for row in pair.urls(Difference.LOST)} == lost
    assert {row.url for row in pair.urls(Difference.NEW)} == {"http://a.example/5"}
    assert {row.url[17:] for row in pair.urls(Difference.CHANGED)} == {"1", "11", "21", "31", "41", "51"}
    for limit, most in ((2, 1000), (100, 7), (1, 14)):
        seen: list[str] = []
        after, pages = 0, 0
        while after or not pages:
            page = pair.page(Difference.LOST, after=after, limit=limit, most=most)
            assert len(page.rows) <= limit
            seen += [row.url for row in page.rows]
            after, pages = page.next, pages + 1
        assert sorted(seen) == sorted(lost) and pages > 2
