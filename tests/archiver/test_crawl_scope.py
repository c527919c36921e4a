"""What a crawl takes and refuses, and in which order."""

from __future__ import annotations

import random
import time
from itertools import product

import pytest

from archiver.crawl.decision import Decision, UrlState, Verdict, explain, noted, outside_by
from archiver.crawl.hops import path_of_hops, priority
from archiver.crawl.plan import CrawlPlan, Limits, Rule, RuleAction, RuleMatch, ScopeKind, Seed
from archiver.crawl.rules import Rules, surt, surt_prefix
from archiver.crawl.scope import Scope, registered_domain
from archiver.errors import UsageError

BLOCK, ACCEPT = RuleAction.BLOCK, RuleAction.ACCEPT
TEXT, REGEX, SURT = RuleMatch.TEXT, RuleMatch.REGEX, RuleMatch.SURT


def scope_of(*seeds: str, redirects: dict[int, list[str]] | None = None, **plan: object) -> Scope:
    numbered = [(number, Seed(url)) for number, url in enumerate(seeds)]
    return Scope(CrawlPlan(tuple(seed for _, seed in numbered), **plan), numbered, redirects=redirects)  # type: ignore[arg-type]


def verdict(scope: Scope, url: str, hops: str = "L", **more: object) -> Verdict:
    return scope.decide(url, hops=hops, seed_id=0, **more).verdict  # type: ignore[arg-type]


# -- each kind against a plain statement of its rule -------------------------------------------------------------------

SITES = [
    ("example.org", "example.org"),
    ("www.example.org", "example.org"),
    ("docs.example.org", "example.org"),
    ("www.docs.example.org", "example.org"),
    ("notexample.org", "notexample.org"),
    ("example.org.evil.net", "evil.net"),
    ("example.co.uk", "example.co.uk"),
    ("other.co.uk", "other.co.uk"),
    ("a.github.io", "a.github.io"),
    ("b.github.io", "b.github.io"),
    ("127.0.0.1", "127.0.0.1"),
    ("10.0.0.1", "10.0.0.1"),
    ("[::1]", "[::1]"),
    ("localhost", "localhost"),
]
PORTS = ["", ":8080"]
PATHS = [
    "/",
    "/docs",
    "/docs/",
    "/docs/a.html",
    "/docs/a.html?x=/b/",
    "/docs/b/c",
    "/docs2/a.html",
    "/Docs/a.html",
    "/b?/docs/",
]
URLS = [(scheme, host, port, path) for scheme, (host, _), port, path in product(("http", "https"), SITES, PORTS, PATHS)]
DOMAIN_OF = dict(SITES)


def without_www(host: str) -> str:
    return host[4:] if host.startswith("www.") else host


def belongs(kind: ScopeKind, seed: tuple[str, ...], url: tuple[str, ...]) -> bool:
    """The rules of `ScopeKind`, said once more as plainly as they go."""
    _, seed_host, seed_port, seed_path = seed
    _, host, port, path = url
    same_site = without_www(host) == without_www(seed_host) and port == seed_port
    if kind is ScopeKind.DOMAIN:
        return DOMAIN_OF[host] == DOMAIN_OF[seed_host]
    if kind is ScopeKind.HOST:
        return same_site
    if kind is ScopeKind.PREFIX:
        folder = seed_path.split("?")[0].rsplit("/", 1)[0] + "/"
        return same_site and (path.split("?")[0].startswith(folder) or path == folder[:-1])
    if kind in (ScopeKind.PAGE, ScopeKind.CUSTOM):
        return same_site and path == seed_path
    return True


@pytest.mark.parametrize("kind", list(ScopeKind))
def test_each_kind_takes_what_its_rule_says_and_nothing_else(kind: ScopeKind) -> None:
    chance = random.Random(f"scope {kind}")
    taken = refused = 0
    for seed in chance.sample(URLS, 60):
        scope = scope_of("".join((seed[0], "://", *seed[1:])), scope=kind)
        for url in [*chance.sample(URLS, 150), *((scheme, *seed[1:]) for scheme in ("http", "https"))]:
            decision = scope.decide("".join((url[0], "://", *url[1:])), hops="L", seed_id=0)
            expected = belongs(kind, seed, url)
            assert (decision.verdict is Verdict.IN_SCOPE) is expected, (seed, url, decision)
            assert decision.taken is expected
            taken, refused = taken + expected, refused + (not expected)
    assert taken > 50
    assert refused > 50 or kind in (ScopeKind.ANY, ScopeKind.PAGE_PLUS)


def test_page_plus_takes_what_the_page_links_to_and_no_more() -> None:
    scope = scope_of("https://example.org/a", scope=ScopeKind.PAGE_PLUS)
    assert verdict(scope, "https://elsewhere.net/x", "L") is Verdict.IN_SCOPE
    assert verdict(scope, "https://elsewhere.net/x", "RL") is Verdict.IN_SCOPE
    assert verdict(scope, "https://elsewhere.net/y", "LL") is Verdict.OUTSIDE
    assert verdict(scope, "https://example.org/listed", "M") is Verdict.OUTSIDE
    assert verdict(scope, "https://elsewhere.net/y.png", "LE") is Verdict.REQUISITE
    assert verdict(scope, "https://elsewhere.net/z", "LR") is Verdict.REDIRECT


def test_a_url_in_another_seeds_scope_belongs_to_the_crawl() -> None:
    scope = scope_of("https://a.org/", "https://b.org/docs/", "https://b.org/news/", scope=ScopeKind.PREFIX)
    assert verdict(scope, "https://b.org/docs/x") is Verdict.IN_SCOPE
    assert verdict(scope, "https://b.org/other/x") is Verdict.OUTSIDE
    assert [scope.owner(f"https://{rest}") for rest in ("a.org/x", "b.org/docs/x", "b.org/news/", "b.org/", "c.org/")] == [
        0,
        1,
        2,
        None,
        None,
    ]


def test_user_names_do_not_make_another_site() -> None:
    scope = scope_of("https://example.org/docs/", scope=ScopeKind.PREFIX)
    assert verdict(scope, "https://me:secret@example.org/docs/x") is Verdict.IN_SCOPE
    assert verdict(scope, "https://example.org@evil.net/docs/x") is Verdict.OUTSIDE
    assert verdict(scope, "https://evil.net/@example.org/docs/x") is Verdict.OUTSIDE


@pytest.mark.parametrize(
    ("site", "domain"),
    [
        ("www.example.co.uk:8080", "example.co.uk"),
        ("a.b.github.io", "b.github.io"),
        ("github.io", "github.io"),
        ("co.uk", "co.uk"),
        ("localhost:80", "localhost"),
        ("127.0.0.1:8080", "127.0.0.1"),
        ("[2001:db8::1]:8080", "[2001:db8::1]"),
        ("shop.example.org.", "example.org"),
        ("www.xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("", ""),
    ],
)
def test_registered_domains(site: str, domain: str) -> None:
    assert registered_domain(site) == domain


# -- redirects of seeds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [
        (ScopeKind.HOST, ["https://new.net/", "https://new.net/fr/x", "http://example.org/x"], ["https://sub.new.net/"]),
        (ScopeKind.PREFIX, ["https://new.net/en/x", "https://www.new.net/en/"], ["https://new.net/fr/"]),
        (ScopeKind.DOMAIN, ["https://sub.new.net/"], ["https://net/"]),
        (ScopeKind.PAGE, ["https://new.net/en/"], ["https://new.net/en/x"]),
    ],
)
def test_a_seed_that_redirects_takes_its_targets_scope_of_the_same_kind(
    kind: ScopeKind, inside: list[str], outside: list[str]
) -> None:
    chain = ["https://t.example/s", "https://new.net/en/"]
    scope = scope_of("https://example.org/", scope=kind, redirects={0: chain})
    assert [verdict(scope, url) for url in inside] == [Verdict.IN_SCOPE] * len(inside)
    assert [verdict(scope, url) for url in outside] == [Verdict.OUTSIDE] * len(outside)
    assert verdict(scope, "https://t.example/other") is Verdict.OUTSIDE  # what only leads on widens nothing
    assert verdict(scope_of("https://example.org/", scope=kind), inside[0]) is Verdict.OUTSIDE


def test_a_seeds_redirect_to_what_is_no_web_address_widens_nothing() -> None:
    scope = scope_of("https://example.org/", redirects={0: ["mailto:x@example.org"]})
    assert scope.describe()[0].surts == ("http://(org,example,)/",)


def test_a_page_elsewhere_that_a_page_redirects_to_is_captured_but_its_links_are_not_followed() -> None:
    scope = scope_of("https://example.org/", scope=ScopeKind.HOST)
    target = scope.decide("https://elsewhere.net/x", hops="LR", seed_id=0)
    assert target.verdict is Verdict.REDIRECT
    assert verdict(scope, "https://elsewhere.net/y", "LRL", via=target) is Verdict.OUTSIDE


# -- around the scope --------------------------------------------------------------------------------------------------


def test_what_pages_need_is_taken_from_anywhere_up_to_so_many_steps() -> None:
    scope = scope_of("https://example.org/", transclusion_hops=3)
    assert [verdict(scope, "https://cdn.net/x", f"L{run}") for run in ("E", "EE", "ERE", "EEEE")] == [
        Verdict.REQUISITE,
        Verdict.REQUISITE,
        Verdict.REQUISITE,
        Verdict.TOO_FAR_EMBEDDED,
    ]
    assert verdict(scope, "https://example.org/x.css", "LEEEEEEE") is Verdict.IN_SCOPE
    assert verdict(scope_of("https://example.org/", transclusion_hops=0), "https://cdn.net/x", "E") is Verdict.TOO_FAR_EMBEDDED


def test_extra_hops_are_counted_from_the_last_page_inside() -> None:
    scope = scope_of("https://example.org/", scope=ScopeKind.HOST, extra_hops=2)
    home = scope.decide("https://example.org/", hops="", seed_id=0)
    first = scope.decide("https://a.net/", hops="L", seed_id=0, via=home)
    frame = scope.decide("https://b.net/frame", hops="LE", seed_id=0, via=first)
    moved = scope.decide("https://b.net/frame", hops="LR", seed_id=0, via=first)
    second = scope.decide("https://c.net/", hops="LEL", seed_id=0, via=frame)
    assert [first.verdict, second.verdict] == [Verdict.EXTRA_HOP] * 2
    assert [outside_by(step) for step in (home, first, frame, moved, second, None)] == [0, 1, 1, 1, 2, 0]
    assert explain(second) == "It is 2 links outside the scope, and the crawl goes so far."
    assert explain(frame) == "A page that is captured needs it; that page is 1 link outside the scope."
    more = Decision(frame.state, frame.verdict, noted(frame.detail, "12 references were too many to follow"))
    others = [Decision(UrlState.QUEUED, each, "12 links of it") for each in Verdict]
    assert [outside_by(step) for step in (more, *others)] == [1] + [0] * len(others)
    assert verdict(scope, "https://d.net/", "LELL", via=second) is Verdict.OUTSIDE
    inside = scope.decide("https://example.org/y", hops="LELL", seed_id=0, via=second)
    assert inside.verdict is Verdict.IN_SCOPE
    assert verdict(scope, "https://d.net/", "LELLL", via=inside) is Verdict.EXTRA_HOP
    assert verdict(scope, "https://d.net/", "M", via=home) is Verdict.OUTSIDE  # no page links to what a sitemap lists
    assert verdict(scope_of("https://example.org/"), "https://a.net/", "L", via=home) is Verdict.OUTSIDE


def test_depth_counts_links_and_not_what_pages_need() -> None:
    scope = scope_of("https://example.org/", limits=Limits(depth=2), rules=(Rule(ACCEPT, TEXT, "wanted"),))
    assert verdict(scope, "https://example.org/a", "LRL") is Verdict.IN_SCOPE
    assert verdict(scope, "https://example.org/a.png", "LLE") is Verdict.IN_SCOPE
    deep = scope.decide("https://example.org/wanted", hops="LLL", seed_id=0)
    assert (deep.state, deep.verdict, deep.detail) == (UrlState.OUT_OF_SCOPE, Verdict.TOO_DEEP, "3 of 2")


def test_guesses_can_be_left_alone_and_are_not_made_from_guesses() -> None:
    guessing, plain = scope_of("https://example.org/"), scope_of("https://example.org/", guesses=False)
    assert verdict(guessing, "https://cdn.net/x.js", "LX") is Verdict.REQUISITE
    assert verdict(guessing, "https://cdn.net/y.js", "LXX") is Verdict.TOO_FAR_EMBEDDED
    assert verdict(guessing, "https://example.org/z.js", "LXX") is Verdict.IN_SCOPE
    assert verdict(plain, "https://example.org/z.js", "LX") is Verdict.GUESS


def test_sitemaps_are_taken_from_anywhere_while_they_are_wanted() -> None:
    scope = scope_of("https://example.org/")
    assert verdict(scope, "https://maps.net/sitemap.xml", "M", is_sitemap=True) is Verdict.SITEMAP
    assert verdict(scope, "https://maps.net/page", "MM") is Verdict.OUTSIDE
    unwanted = scope_of("https://example.org/", sitemaps=False)
    assert verdict(unwanted, "https://maps.net/sitemap.xml", "M", is_sitemap=True) is Verdict.OUTSIDE


@pytest.mark.parametrize("url", ["mailto:a@b.c", "javascript:void(0)", "data:,x", "ftp://example.org/", "", "x", "about:blank"])
def test_only_web_addresses_are_taken(url: str) -> None:
    decision = scope_of("https://example.org/", scope=ScopeKind.ANY).decide(url, hops="L", seed_id=0)
    assert (decision.taken, decision.verdict) == (False, Verdict.NOT_HTTP)


def test_what_no_url_should_be_is_refused_and_no_crash() -> None:
    scope = scope_of("https://example.org/docs/", "https://example.org/", scope=ScopeKind.DOMAIN)
    for url in (
        "http://",
        "https:///",
        "http://@/",
        "http://[",
        "http://[::1",
        "https://example.org",
        "http://:80/",
        "http://..../",
    ):
        assert not scope.decide(url, hops="L", seed_id=0).taken
    assert scope.decide("https://example.org/x", hops="L", seed_id=99).verdict is Verdict.IN_SCOPE  # of a seed that it has


def test_prerequisites_and_seeds() -> None:
    scope = scope_of("https://example.org/private/", rules=(Rule(BLOCK, TEXT, "private"),))
    assert verdict(scope, "https://example.org/private/robots.txt", "LP") is Verdict.PREREQUISITE
    assert verdict(scope, "https://example.org/private/", "") is Verdict.BLOCK_RULE
    assert verdict(scope_of("https://example.org/"), "https://example.org/", "") is Verdict.SEED


# -- rules -------------------------------------------------------------------------------------------------------------


def test_rules_count_more_than_scope_and_block_rules_more_than_accept_rules() -> None:
    rules = (
        Rule(ACCEPT, TEXT, "//partner.net/"),
        Rule(BLOCK, REGEX, r"/print/\d+$"),
        Rule(BLOCK, TEXT, "/never/", enabled=False),
        Rule(ACCEPT, TEXT, "//other.net/", enabled=False),
    )
    scope = scope_of("https://example.org/", scope=ScopeKind.HOST, rules=rules)
    blocked = scope.decide("https://partner.net/print/12", hops="LE", seed_id=0)
    assert (blocked.state, blocked.detail) == (UrlState.OUT_OF_SCOPE, r"regex /print/\d+$")
    assert verdict(scope, "https://partner.net/x") is Verdict.ACCEPT_RULE
    assert verdict(scope, "https://example.org/never/") is Verdict.IN_SCOPE
    assert verdict(scope, "https://other.net/") is Verdict.OUTSIDE
    custom = scope_of("https://example.org/", scope=ScopeKind.CUSTOM, rules=rules)
    assert [verdict(custom, url) for url in ("https://example.org/x", "https://partner.net/x")] == [
        Verdict.OUTSIDE,
        Verdict.ACCEPT_RULE,
    ]


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ("http://(org,example,)/docs/", "https://www.example.org/docs/a", "https://sub.example.org/docs/a"),
        ("https://(org,example,www,)/docs/", "http://example.org/docs/a", "http://example.org/a"),
        ("org,example)/docs", "http://example.org/Docs/a", "http://example.org/b/docs"),
        ("(org,example,", "http://a.b.example.org/", "http://example.net/"),
        ("org,example,www,", "https://www.example.org/", "https://sub.example.org/"),
        ("http://example.org/docs/", "https://example.org/docs/a", "https://a.example.org/docs/a"),
        ("example.org/docs/", "https://example.org/docs/a", "https://example.org/a"),
        ("https://example.org", "https://a.example.org/x", "https://example.org.evil.net/"),
        ("http://example.org:8080/", "https://example.org:8080/x", "https://example.org/x"),
        ("org,example:8080)/", "https://example.org:8080/x", "https://example.org/x"),
        ("org,", "https://any.org/", "https://any.net/"),
        ("http://[::1]/a", "http://[::1]/a/b", "http://[::2]/a/b"),
        ("http://localhost/a", "http://localhost/a/b", "http://elsewhere/a/b"),
    ],
)
def test_surt_prefixes_in_the_ways_people_write_them(written: str, inside: str, outside: str) -> None:
    rules = Rules([Rule(BLOCK, SURT, written)])
    assert rules.blocked(inside) is not None, (surt_prefix(written), surt(inside))
    assert rules.blocked(outside) is None, (surt_prefix(written), surt(outside))


def test_every_seed_is_inside_the_prefixes_that_are_shown_of_it() -> None:
    for scheme, host, port, path in URLS:
        url = f"{scheme}://{host}{port}{path}"
        for kind in (ScopeKind.PAGE, ScopeKind.PREFIX, ScopeKind.HOST, ScopeKind.DOMAIN):
            (shown,) = scope_of(url, scope=kind).describe()
            assert Rules([Rule(BLOCK, SURT, shown.surts[0])]).blocked(url), (shown, surt(url))


@pytest.mark.parametrize("pattern", ["(", "[a", "a{2,1}", "*a", r"\1", "(?z)x"])
def test_what_is_no_regular_expression_is_said_when_the_crawl_is_planned(pattern: str) -> None:
    with pytest.raises(UsageError, match="no regular expression") as raised:
        scope_of("https://example.org/", rules=(Rule(BLOCK, REGEX, pattern, enabled=False),))
    assert pattern in raised.value.message
    with pytest.raises(UsageError, match="no pattern"):
        scope_of("https://example.org/", rules=(Rule(ACCEPT, TEXT, " "),))


@pytest.mark.parametrize("pattern", [r"(a|aa)+$", r"(\w*)*\d$", r"^.*?(/.+?/).*?\1.*?\1.*$"])
def test_a_regular_expression_that_takes_for_ever_is_stopped_and_refuses_rather_than_takes(pattern: str) -> None:
    url = f"https://example.org/{'a' * 60}!/" + "".join(f"x{number}/" for number in range(500))
    started = time.process_time()
    refused = Rules([Rule(BLOCK, REGEX, pattern)]).blocked(url)
    taken = Rules([Rule(ACCEPT, REGEX, pattern)]).accepted(url)
    assert time.process_time() - started < 1
    assert taken is None
    assert refused is None or "too long" in refused.detail
    assert pattern.startswith("(a|") is False or refused is not None


# -- what is shown of it -----------------------------------------------------------------------------------------------


def test_the_scope_derived_from_each_seed_is_told_in_words_and_prefixes() -> None:
    seeds = [
        (1, Seed("https://www.example.org/docs/a.html?x")),
        (2, Seed("http://example.net:8080/", ScopeKind.HOST)),
        (3, Seed("https://shop.example.co.uk/x", ScopeKind.DOMAIN)),
        (4, Seed("https://example.org/x?y", ScopeKind.PAGE)),
        (5, Seed("https://example.org/", ScopeKind.ANY)),
        (6, Seed("https://example.org/", ScopeKind.CUSTOM)),
    ]
    plan = CrawlPlan(tuple(seed for _, seed in seeds), limits=Limits(depth=3))
    shown = Scope(plan, seeds, redirects={1: ["https://example.org/en/"]}).describe()
    assert [(each.seed_id, each.words, each.surts) for each in shown] == [
        (
            1,
            "everything under example.org/docs/ and example.org/en/",
            ("http://(org,example,)/docs/", "http://(org,example,)/en/"),
        ),
        (2, "everything on example.net:8080", ("http://(net,example,:8080,)/",)),
        (3, "everything on example.co.uk and on all hosts below", ("http://(uk,co,example,",)),
        (4, "the page example.org/x?y alone", ("http://(org,example,)/x?y",)),
        (5, "every link, up to 3 from the seed", ()),
        (6, "the seed, and what the rules of the crawl accept", ()),
    ]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_is_a_sentence_for_people(verdict: Verdict) -> None:
    for detail in ("", "{0} of {}"):
        sentence = explain(Decision(UrlState.QUEUED, verdict, detail))
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_what_was_noted_of_a_url_is_a_sentence_of_its_own() -> None:
    said = "9 references were too many to follow"
    for detail, verdict, sentence in (
        ("", Verdict.IN_SCOPE, "It is in the scope of its seed."),
        ("", Verdict.REQUISITE, "A page that is captured needs it."),
        ("1 link outside", Verdict.EXTRA_HOP, "It is 1 link outside the scope, and the crawl goes so far."),
        ("text /a/", Verdict.ACCEPT_RULE, "The crawl has a rule that takes it: text /a/."),
    ):
        assert explain(Decision(UrlState.QUEUED, verdict, detail)) == sentence
        assert explain(Decision(UrlState.QUEUED, verdict, noted(detail, said))) == f"{sentence} {said}."
    assert explain(Decision(UrlState.QUEUED, Verdict.SEED, noted("", "x"))) == "It is a seed of the crawl. X."


# -- order -------------------------------------------------------------------------------------------------------------


def test_seeds_first_then_what_pages_need_then_pages_by_depth_then_sitemaps_then_weak_guesses_then_what_failed() -> None:
    order = [
        priority(""),
        priority("R"),
        priority("LLLE"),
        priority("LE" + "E" * 500),
        priority("L"),
        priority("LL"),
        priority("L" * 50_000),
        priority("M"),
        priority("MML"),
        priority("LX", weak=True),
        priority("LLX", weak=True),
        priority("L", attempts=1),
        priority("", attempts=2),
    ]
    assert order == sorted(set(order))
    assert priority("LX", weak=True) >= 1_000_000
    assert priority("LX") > priority("LLLE")


def test_hops_are_counted() -> None:
    assert path_of_hops("RLLMMLEXR") == (4, 3, 1, True, True)
    assert path_of_hops("LRR") == (1, 2, 0, False, False)
    assert path_of_hops("?!") == (0, 2, 0, False, False)


def test_a_decision_takes_a_few_millionths_of_a_second() -> None:
    seeds = [f"https://site{number}.org/docs/" for number in range(1000)]
    scope = scope_of(*seeds, scope=ScopeKind.HOST)
    urls = [
        "https://site0.org/a/b/c?d=e",
        "https://elsewhere.org/a/b/c?d=e",
        "https://sub.site0.org/a/b/c",
        "https://site9.org/",
    ]
    started = time.process_time()
    for _ in range(5000):
        for url in urls:
            scope.decide(url, hops="LLL", seed_id=0)
    assert (time.process_time() - started) / 20_000 < 15e-6  # a sixth of that here
