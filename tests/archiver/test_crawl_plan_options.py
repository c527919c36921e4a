"""From what people type to a crawl's plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.amounts import human_duration, parse_duration, parse_size
from archiver.crawl.plan import (
    CrawlPlan,
    DedupMode,
    Limits,
    Login,
    Pace,
    RobotsMode,
    Rule,
    RuleAction,
    RuleMatch,
    ScopeKind,
    Seed,
    Traps,
    plan_from_json,
)
from archiver.crawl.planning import AUTO_DELAY, PlanOptions, changed_plan, new_plan, seeds_of, settings_of
from archiver.errors import InvalidURL, UsageError
from archiver.settings import Settings

SETTINGS = Settings()
SEED = Seed("http://a.example/")


def plan(**options: object) -> CrawlPlan:
    return new_plan([SEED], PlanOptions(**options), SETTINGS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("500", 500), ("10MB", 10_000_000), ("10 mb", 10_000_000), ("2G", 2_000_000_000), ("1.5kB", 1500),
        ("1KiB", 1024), ("2GiB", 2 * 1024**3), ("7b", 7), (" 1T ", 10**12),
    ],
)  # fmt: skip
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "MB", "-1", "1,5MB", "10MM", "1e9", "٣", "9" * 400, "999999999999TB", "10 MB 5", "1\n2", "nan", "inf", "0x10"]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("0", 0),
        ("0.5", 0.5),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1h 30 min", 5400),
        ("1d", 86400),
        ("90s", 90),
    ],
)
def test_times(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-5", "5x", "1h30", "1h-3m", "m5", "1e3", "٣", "9" * 400, "999999999999999d", "nan"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.9, "59 s"), (187, "3:07 min"), (7500, "2:05 h"), (273600, "3 d 4 h")]
)
def test_times_for_people(seconds: float, words: str) -> None:
    assert human_duration(seconds) == words


def test_nothing_given_is_the_default() -> None:
    assert plan() == CrawlPlan(seeds=(SEED,))
    assert not PlanOptions().given


def test_what_the_setting_says_of_revisits_counts_unless_the_crawl_says_otherwise() -> None:
    settings = Settings(dedup="off")
    assert new_plan([SEED], PlanOptions(), settings).dedup is DedupMode.OFF
    made = new_plan([SEED], PlanOptions(dedup="archive"), settings)
    assert made.dedup is DedupMode.ARCHIVE
    assert changed_plan(made, PlanOptions(retries=1), settings).dedup is DedupMode.ARCHIVE


def test_every_option_reaches_the_plan() -> None:
    made = plan(
        scope="domain", accept=("in",), block=("out",), accept_regex=("i+n",), block_regex=("o+ut",), accept_surt=("org,a)/",),
        block_surt=("org,b)/",), extra_hops=1, sitemaps=False, guesses=False, limit_pages=1, limit_documents=2, limit_bytes=3,
        limit_time=4.0, depth=5, limit_host_documents=6, limit_host_bytes=7, limit_resource_bytes=8, keep_free=9, delay=2.5,
        retries=1, robots="requisites", robots_meta=True, dedup="archive", trap=("path-segments=9", "session-ids=off"),
        cookies="/c", credentials="/p", headers="/h", login_host=("A.example",), user_agent="Bot/1", contact="me@a.example",
        allow_private=True, insecure=True,
    )  # fmt: skip
    assert made == CrawlPlan(
        seeds=(SEED,),
        scope=ScopeKind.DOMAIN,
        rules=(
            Rule(RuleAction.BLOCK, RuleMatch.TEXT, "out"),
            Rule(RuleAction.BLOCK, RuleMatch.REGEX, "o+ut"),
            Rule(RuleAction.BLOCK, RuleMatch.SURT, "org,b)/"),
            Rule(RuleAction.ACCEPT, RuleMatch.TEXT, "in"),
            Rule(RuleAction.ACCEPT, RuleMatch.REGEX, "i+n"),
            Rule(RuleAction.ACCEPT, RuleMatch.SURT, "org,a)/"),
        ),
        extra_hops=1,
        sitemaps=False,
        robots=RobotsMode.REQUISITES,
        robots_meta=True,
        dedup=DedupMode.ARCHIVE,
        limits=Limits(1, 2, 3, 4.0, 5, 6, 7, 8, 9),
        pace=Pace(factor=0, min_seconds=2.5, max_seconds=2.5, retries=1),
        traps=Traps(path_segments=9, session_ids=False),
        login=Login("/c", "/p", "/h", ("a.example",)),
        guesses=False,
        user_agent="Bot/1 (+me@a.example)",
        allow_private=True,
        insecure=True,
    )
    assert plan_from_json(made.to_json()) == made


def test_seeds_are_taken_once_in_their_order() -> None:
    made = new_plan(seeds_of(["b.example", "https://a.example/x#y", "http://b.example/"]), PlanOptions(), SETTINGS)
    assert [seed.url for seed in made.seeds] == ["http://b.example/", "https://a.example/x"]
    with pytest.raises(UsageError, match="no seed"):
        new_plan([], PlanOptions(), SETTINGS)
    with pytest.raises(InvalidURL):
        seeds_of(["ftp://a.example/"])


def test_a_delay_of_nothing_switches_politeness_off_and_auto_on_again() -> None:
    off = plan(delay=0.0)
    assert not off.pace.polite
    assert changed_plan(off, PlanOptions(delay=AUTO_DELAY), SETTINGS).pace == Pace()


def test_traps_are_off_together_and_one_by_one() -> None:
    off = plan(traps=False).traps
    assert not any(getattr(off, name) for name in Traps.__slots__)
    assert plan(traps=False, trap=("url-length=100",)).traps.url_length == 100
    assert plan(trap=("calendar-years=off",)).traps == Traps(calendar_years=0)
    assert changed_plan(plan(traps=False), PlanOptions(traps=True), SETTINGS).traps == Traps()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"accept_regex": ("(",)}, "regular expression"),
        ({"block": (" ",)}, "rule"),
        ({"scope": "custom"}, "--accept"),
        ({"trap": ("segment-repeat=3",)}, "segment-repeats"),
        ({"trap": ("nonsense",)}, "no trap guard"),
        ({"trap": ("url-length",)}, "whole number"),
        ({"trap": ("url-length=-1",)}, "whole number"),
        ({"trap": ("url-length=²",)}, "whole number"),
        ({"trap": ("session-ids=3",)}, "on or off"),
        ({"contact": "nobody"}, "no contact"),
        ({"contact": "me@a.example)\r\nX: y"}, "one line"),
        ({"contact": "https://a.example/) evil ("}, "no contact"),
        ({"user_agent": "Bot\r\nCookie: x"}, "one line"),
        ({"user_agent": " "}, "one line"),
        ({"rule_off": (1,)}, "no rule 1"),
    ],
)
def test_mistakes_are_said(options: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError) as raised:
        plan(**options)
    assert says in raised.value.in_terminal


def test_a_change_adds_rules_and_switches_those_there_are() -> None:
    before = plan(block=("a", "b"), depth=2)
    after = changed_plan(before, PlanOptions(rule_off=(2,), accept=("c",)), SETTINGS)
    assert [(rule.pattern, rule.enabled) for rule in after.rules] == [("a", True), ("b", False), ("c", True)]
    assert after.limits == before.limits
    assert changed_plan(after, PlanOptions(rule_on=(2,)), SETTINGS).rules[1].enabled
    for number in (0, 4, -1):
        with pytest.raises(UsageError, match="rules 1 to 3"):
            changed_plan(after, PlanOptions(rule_off=(number,)), SETTINGS)


def test_a_contact_goes_into_the_user_agent_and_stays_there_when_resumed() -> None:
    made = plan(contact="https://a.example/bot")
    assert made.user_agent == "Mozilla/5.0 (compatible; Muniment/0.1; web archiving; +https://a.example/bot)"
    assert settings_of(SETTINGS, made).user_agent == made.user_agent
    assert settings_of(SETTINGS, plan()) == SETTINGS
    assert settings_of(SETTINGS, plan(allow_private=True)).allow_private
    assert not settings_of(SETTINGS, plan(insecure=True)).verify_tls
    assert not settings_of(Settings(verify_tls=False), plan()).verify_tls


def test_secrets_are_no_part_of_a_plan(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    assert "hunter2" not in plan(cookies=str(tmp_path / "secret")).to_json()
