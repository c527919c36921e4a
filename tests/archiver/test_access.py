"""Rules of access as values: which of very many decides, how they are written, and what becomes of garbage."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from archiver.collections.access import (
    ANYONE,
    Action,
    Matching,
    Rule,
    RuleBook,
    Viewer,
    decide,
)
from archiver.collections.accessfiles import as_csv, as_json, read_rules
from archiver.collections.accesswords import in_words, make_rule, seconds_of, since_text, until_text
from archiver.errors import UsageError
from archiver.index.query import KeyRange
from archiver.model import Capture
from archiver.settings import load_settings
from archiver.urls import urlkey
from replay.viewer import viewer_from

NOW = datetime(2020, 9, 1, tzinfo=UTC)


def capture(url: str, timestamp: str = "20160601120000", file: str = "a.warc.gz") -> Capture:
    return Capture("c", urlkey(url), timestamp, url, "text/html", 200, "", file, 0, 1)


def seen(url: str, *rules: Rule, viewer: Viewer = ANYONE) -> Action:
    return decide(rules, capture(url), viewer, NOW).action


@pytest.mark.parametrize(
    ("written", "matching", "key"),
    [
        ({"url": "https://www.Example.org/a?b=2&a=1#x"}, Matching.EXACT, "org,example)/a?a=1&b=2"),
        ({"url": "example.org/a*"}, Matching.PREFIX, "org,example)/a"),
        ({"url": "*.example.org"}, Matching.HOST, "org,example"),
        ({"host": "www.example.org:8080"}, Matching.HOST, "org,example"),
        ({"host": "bücher.example"}, Matching.HOST, "example,xn--bcher-kva"),
        ({"host": "[::1]"}, Matching.HOST, "[::1]"),
        ({"prefix": "example.org"}, Matching.PREFIX, "org,example)/"),
        ({"prefix": "https://example.org/docs/"}, Matching.PREFIX, "org,example)/docs/"),
        ({"is_everything": True}, Matching.PREFIX, ""),
    ],
)
def test_what_people_write_becomes_keys(written: dict[str, object], matching: Matching, key: str) -> None:
    rule = make_rule(Action.BLOCK, **written)  # type: ignore[arg-type]
    assert (rule.matching, rule.urlkey) == (matching, key)


@pytest.mark.parametrize(
    "said",
    [
        {}, {"url": "http://e.org/", "host": "e.org"}, {"url": "mailto:x@e.org"}, {"host": "a b"},
        {"url": "http://e.org/", "since": "yesterday"}, {"url": "http://e.org/", "since": "2017", "until": "2016"},
        {"url": "http://e.org/", "embargo": "six months"}, {"url": "http://e.org/", "embargo": "6 moons"},
        {"url": "http://e.org/", "addresses": ["300.0.0.1"]}, {"url": "http://e.org/", "starts": "2020", "ends": "2019"},
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        make_rule(Action.BLOCK, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "days"), [("6months", 182.625), ("90 days", 90), ("1y 6m", 547.875), ("2 weeks, 1 day", 15), ("36h", 1.5)]
)
def test_spans_of_time(text: str, days: float) -> None:
    assert seconds_of(text) == days * 86400


def test_what_belongs_to_a_url_follows_its_rule() -> None:
    rule = make_rule(Action.EXCLUDE, url="http://e.org/search?q=1")
    posted = "http://e.org/search?__wb_method=POST&q=1&token=5"
    assert seen(posted, rule) is Action.EXCLUDE
    assert seen("http://e.org/search?__wb_method=POST&q=2", rule) is Action.ALLOW
    assert seen("screenshot:http://e.org/search?q=1", rule) is Action.EXCLUDE
    assert seen("youtube-dl:00001:http://e.org/search?q=1", rule) is Action.EXCLUDE
    assert seen("http://web.archive.org/screenshot/http://www.e.org/search?q=1", rule) is Action.EXCLUDE
    assert seen("http://web.archive.org/screenshot/http://e.org/search?q=2", rule) is Action.ALLOW
    assert seen("dns:e.org", make_rule(Action.EXCLUDE, host="e.org")) is Action.EXCLUDE
    assert seen("dns:e.orgs", make_rule(Action.EXCLUDE, host="e.org")) is Action.ALLOW


def test_parts_of_ranges_that_rules_for_other_keys_open_are_not_passed_over() -> None:
    closed = make_rule(Action.EXCLUDE, is_everything=True)
    for key, opened in (
        ("org,e)/search?__wb_method=post&q=1", make_rule(Action.ALLOW, url="http://e.org/search")),
        ("screenshot:http://e.org/", make_rule(Action.ALLOW, host="e.org")),
        ("org,archive,web)/screenshot/http:/e.org/", make_rule(Action.ALLOW, host="e.org")),
    ):
        gate = RuleBook([closed, opened]).gate(("c",), ANYONE, NOW)
        assert gate.permits(Capture("c", key, "20160601120000", "", "", 200, "", "", 0, 1))
        assert not gate.closes(KeyRange.beginning_with(key[:15]))
        assert gate.closes(KeyRange.beginning_with("net,"))


def test_readers_of_whom_nothing_is_known_are_let_in_nowhere_and_kept_out_everywhere() -> None:
    closed = make_rule(Action.EXCLUDE, is_everything=True)
    opened = make_rule(Action.ALLOW, is_everything=True, addresses=["192.0.2.0/24"])
    kept_out = make_rule(Action.BLOCK, is_everything=True, addresses=["192.0.2.0/24"])
    for address in ("", "unknown", "192.0.2", "192.0.2.7; DROP", "\0"):
        assert seen("http://e.org/", closed, opened, viewer=Viewer(address)) is Action.EXCLUDE
        assert seen("http://e.org/", kept_out, viewer=Viewer(address)) is Action.BLOCK
    for address in ("192.0.2.7", "::ffff:192.0.2.7", "[::ffff:192.0.2.7]"):
        assert seen("http://e.org/", closed, opened, viewer=Viewer(address)) is Action.ALLOW
    assert seen("http://e.org/", closed, opened, viewer=Viewer("2001:db8::1")) is Action.EXCLUDE


PARTS = ("org,e", "org,e,a", "org,ef", "net,x:80", "org,e,a,b")
PATHS = ("", ")", ")/a/", ")/", ")/a", ")/a/b", ")/ab", ")/a?x=1")


def _slowly(rules: Iterable[Rule], asked: Capture) -> Rule | None:
    """The same answer by looking at every rule."""

    def stands_for(rule: Rule) -> bool:
        if rule.matching is Matching.HOST:
            return asked.urlkey.startswith(tuple(rule.urlkey + mark for mark in "),:"))
        if (
            rule.matching is Matching.PREFIX
            and rule.urlkey.endswith("a/")
            and asked.urlkey.partition("?")[0] == rule.urlkey[:-1]
        ):
            return True
        return asked.urlkey == rule.urlkey if rule.matching is Matching.EXACT else asked.urlkey.startswith(rule.urlkey)

    found = [rule for rule in rules if stands_for(rule) and (not rule.since or int(asked.timestamp) >= rule.since)]
    return max(found, key=Rule.specificity, default=None)


def test_of_many_rules_the_one_decides_that_a_search_through_all_of_them_finds() -> None:
    dice = random.Random(5)
    for _ in range(150):
        rules = []
        for number in range(dice.randrange(1, 30)):
            matching = dice.choice((Matching.PREFIX, Matching.HOST, Matching.EXACT))
            host, path = dice.choice(PARTS), dice.choice(PATHS)
            key = host if matching is Matching.HOST else dice.choice(("", host + path, host + path))
            since = dice.choice((0, 20170101000000))
            rules.append(Rule(dice.choice(list(Action)), matching, key, number, since=since))
        gate = RuleBook(rules).gate(("c",), ANYONE, NOW)
        for host in PARTS:
            for path in PATHS[3:]:
                asked = Capture("c", host + path, dice.choice(("20160601120000", "20180601120000")), "", "", 200, "", "", 0, 1)
                assert gate.decide(asked).rule == _slowly(rules, asked)
                keys = KeyRange.beginning_with(asked.urlkey)
                below = [
                    Capture("c", asked.urlkey + more, asked.timestamp, "", "", 200, "", "", 0, 1)
                    for more in ("", "z", "?", "/b")
                ]
                if gate.closes(keys):
                    assert not any(map(gate.permits, below))
                if not gate.book.touches(keys):
                    assert all(gate.decide(item).rule is None for item in below)


def test_a_hundred_thousand_rules_cost_a_look_up_next_to_nothing() -> None:
    rules = [Rule(Action.EXCLUDE, Matching.HOST, f"org,e{number}", number) for number in range(50_000)]
    rules += [Rule(Action.EXCLUDE, Matching.PREFIX, f"org,e)/{number}", number) for number in range(50_000)]
    book = RuleBook(rules)
    captures = [capture(f"http://www.e{number}.org/x/{number}") for number in range(49_900, 50_100)]
    start = time.process_time()
    hidden = sum(not book.gate(("c",), ANYONE, NOW).permits(item) for item in captures)
    assert hidden == 100
    assert (time.process_time() - start) / len(captures) < 0.0005


# -- files -----------------------------------------------------------------------------------------------------------


def test_rules_come_back_from_files_as_they_went_out() -> None:
    rules = [
        make_rule(Action.BLOCK, url="http://e.org/a?x=1", collection="c", message="“No”,\nplease", since="2015"),
        make_rule(Action.EXCLUDE, host="e.org", embargo="6months", addresses=["192.0.2.0/24", "::/32"], groups=["a b", "c"]),
        make_rule(Action.ALLOW, is_everything=True, starts="2020-01-01T10:00:00Z", ends="2021"),
        Rule(Action.BLOCK, Matching.PREFIX, "org,e,", groups=frozenset({"staff"})),
    ]
    assert read_rules(as_csv(rules), "x.csv") == rules
    assert read_rules(as_json(rules), "x.json") == rules


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("2015", "2015", "captured from 2015-01-01, captured to 2015-12-31"),
        ("20150630123400", "20150630123459", "captured from 2015-06-30 12:34, captured to 2015-06-30 12:34"),
        ("20150630123401", "20150630123400", "captured from 2015-06-30 12:34:01, captured to 2015-06-30 12:34:00"),
    ],
)
def test_times_of_rules_are_told_as_dates_that_are_read_back(since: str, until: str, words: str) -> None:
    first, last = (
        make_rule(Action.BLOCK, is_everything=True, since=since),
        make_rule(Action.BLOCK, is_everything=True, until=until),
    )
    assert in_words(first).removeprefix("everything, ") + in_words(last).removeprefix("everything") == words
    assert make_rule(Action.BLOCK, is_everything=True, since=since_text(first), until=since_text(last)) == first
    assert make_rule(Action.BLOCK, is_everything=True, until=until_text(last)) == last


def test_access_lists_of_pywb() -> None:
    text = (
        'org,e)/page### - {"access": "block", "url": "http://e.org/page"}\n'
        'org,e)/ - {"access": "exclude", "url": "http://e.org/"}\n\n'
        'org, - {"access": "allow", "user": "staff"}\n'
    )
    rules = read_rules(text, "x.aclj", collection="c")
    assert [(rule.action, rule.matching, rule.urlkey, rule.collection) for rule in rules] == [
        (Action.BLOCK, Matching.EXACT, "org,e)/page", "c"),
        (Action.EXCLUDE, Matching.PREFIX, "org,e)/", "c"),
        (Action.ALLOW, Matching.PREFIX, "org,", "c"),
    ]
    assert rules[2].groups == {"staff"}


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("x.aclj", 'org,e)/ - {"access": "block"}\norg,e)/ {"access"', "line 2"),
        ("x.aclj", 'org,e)/ - {"access": "maybe"}', "line 1"),
        ("x.aclj", 'org,e)/ - {"access": "block", "before": "2020"}', "line 1"),
        ("x.aclj", "org,e)/ - " + "[" * 100_000, "line 1"),
        ("x.json", "{}", "no list"),
        ("x.json", "[" * 100_000, "not JSON"),
        ("x.json", '[{"action": "block", "url": "http://e.org/"}, 5]', "rule 2"),
        ("x.json", '[{"action": "block", "url": "http://e.org/", "colour": "red"}]', "colour"),
        ("x.json", json.dumps([{"action": "block", "url": "http://e.org/", "addresses": [5, {}]}]), "rule 1"),
        ("x.json", json.dumps([{"action": "block", "url": "http://e.org/", "deletion": "purged"}]), "rule 1"),
        ("x.csv", "action,url\nblock,http://e.org/\nblok,http://e.org/\n", "row 3"),
        ("x.csv", "action,url\nblock,http://e.org/,more\n", "row 2"),
        ("x.csv", "action\nblock\n", "row 2"),
    ],
)
def test_files_that_cannot_be_understood_say_where(name: str, text: str, place: str) -> None:
    with pytest.raises(UsageError, match=place):
        read_rules(text, name)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "localhost", "127.0.0.1;10.0.0.1"])
def test_a_proxy_that_is_no_address_is_told_at_once(text: str) -> None:
    with pytest.raises(UsageError, match="trusted_proxies"):
        load_settings({"trusted_proxies": text}, environ={})


# -- who asks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "peer", "value", "address"),
    [
        ("X-Forwarded-For", "127.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("X-Forwarded-For", "127.0.0.1", "192.0.2.7, 198.51.100.9", "198.51.100.9"),
        ("X-Forwarded-For", "127.0.0.1", "192.0.2.7, 198.51.100.9, 10.1.1.1", "198.51.100.9"),
        ("X-Forwarded-For", "127.0.0.1", "198.51.100.9:4711", "198.51.100.9"),
        ("X-Forwarded-For", "127.0.0.1", "[2001:db8::1]:4711", "[2001:db8::1]"),
        ("X-Forwarded-For", "127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
        ("X-Forwarded-For", "127.0.0.1", "192.0.2.7, rubbish", "rubbish"),
        ("X-Forwarded-For", "127.0.0.1", "", "127.0.0.1"),
        ("X-Forwarded-For", "198.51.100.9", "192.0.2.7", "198.51.100.9"),
        ("X-Forwarded-For", "", "192.0.2.7", ""),
        ("Forwarded", "::1", 'for="[2001:db8::1]:80";proto=http, FOR = 198.51.100.9', "198.51.100.9"),
        ("Forwarded", "::1", 'for="a, for=192.0.2.7";by=x, for=_hidden', "_hidden"),
        ("Forwarded", "::1", "proto=https", ""),
        ("Forwarded", "::1", 'for="[2001:db8::1]:80"', "[2001:db8::1]"),
        ("X-Forwarded-For", "127.0.0.1", ", ".join(["10.0.0.1"] * 5000 + ["198.51.100.9"]), "198.51.100.9"),
    ],
)
def test_only_trusted_proxies_are_believed_who_their_client_is(header: str, peer: str, value: str, address: str) -> None:
    given = {"trusted_proxies": "127.0.0.1, ::1 10.0.0.0/8", "forwarded_header": header, "groups_header": "X-Groups"}
    viewer = viewer_from(peer, value, "staff, x", load_settings(given, environ={}))
    assert viewer.address == address
    assert viewer.groups == ({"staff", "x"} if peer in ("127.0.0.1", "::1") else frozenset())
