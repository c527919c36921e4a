"""What seeds that are not public keep from readers: decided key by key, and by ranges, for what no seed names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from archiver.collections.access import ANYONE, Action, RuleBook
from archiver.collections.privateseeds import SeedFacts, rules_of
from archiver.crawl.plan import ScopeKind
from archiver.index.query import KeyRange
from archiver.model import Capture
from archiver.urls import urlkey, urlkey_prefix

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def book_of(**scopes: str) -> RuleBook:
    return RuleBook(rules_of(SeedFacts("c", url, ScopeKind(kind), public) for url, kind, public in SEEDS[scopes["of"]]))


SEEDS = {
    "a folder": [("http://e.org/docs/", "prefix", False)],
    "a page of a folder": [("http://e.org/docs/i.html", "prefix", False), ("http://e.org/docs/open/i.html", "prefix", True)],
    "but for its page": [("http://e.org/docs/index.html", "prefix", False), ("http://e.org/docs/", "page", True)],
    "a host": [("http://www.e.org/start", "host", False), ("http://e.org/press/", "prefix", True)],
    "a domain": [("https://a.e.org/", "domain", False), ("http://b.e.org/", "host", True)],
    "two of a host": [("http://e.org/a", "host", False), ("http://e.org/b", "host", True)],
    "one page twice": [("http://e.org/a", "page", False), ("https://www.e.org/a", "page", True)],
    "in and out": [
        ("http://e.org/", "host", False), ("http://e.org/x/", "prefix", True), ("http://e.org/x/y/", "prefix", False),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("of", "hidden", "shown"),
    [
        ("a folder", ["http://e.org/docs/", "http://e.org/docs/?page=2", "http://e.org/docs/a?b=1", "screenshot:http://e.org/docs/a"],
         ["http://e.org/", "http://e.org/docsx", "http://e.org/docs-2/a"]),
        ("a page of a folder", ["http://e.org/docs/", "http://e.org/docs?page=2", "screenshot:http://e.org/docs/"],
         ["http://e.org/docs/open/", "http://e.org/docs/open/?page=2", "http://e.org/docs/open/a", "http://e.org/docsx"]),
        ("but for its page", ["http://e.org/docs/a", "http://e.org/docs/?page=2"], ["http://e.org/docs/"]),
        ("a host", ["http://e.org/", "http://e.org/start", "http://e.org/pressed", "whois:e.org"],
         ["http://e.org/press/", "http://e.org/press/2020", "http://sub.e.org/", "http://e.org:81/"]),
        ("a domain", ["http://e.org/", "http://a.e.org/x", "http://c.a.e.org:81/"], ["http://b.e.org/", "http://b.e.org/deep", "http://ee.org/"]),
        ("two of a host", ["http://e.org/a"], ["http://e.org/", "http://e.org/b", "http://e.org/c"]),
        ("one page twice", [], ["http://e.org/a"]),
        ("in and out", ["http://e.org/", "http://e.org/x/y/z", "http://e.org/x/y/"], ["http://e.org/x/", "http://e.org/x/a"]),
    ],
)  # fmt: skip
def test_what_is_hidden_is_what_the_scope_takes_but_for_public_seeds(of: str, hidden: list[str], shown: list[str]) -> None:
    book = book_of(of=of)
    gate = book.gate(("c", "other"), ANYONE, NOW)

    def capture(url: str, slug: str = "c") -> Capture:
        key = url if url.startswith(("screenshot:", "whois:")) else urlkey(url)
        return Capture(slug, key, "20200101000000", url, "", 200, "", "", 0, 0)

    assert [url for url in hidden if gate.permits(capture(url))] == []
    assert [url for url in shown if not gate.permits(capture(url))] == []
    assert all(gate.permits(capture(url, "other")) for url in hidden)
    assert all(rule.action is Action.EXCLUDE and rule.seed and not rule.number for rule in book.rules)
    for url in (*hidden, *shown):  # no range in which something is hidden passes unlooked at, none is closed in which is not
        if not url.startswith(("screenshot:", "whois:")):
            for keys in (KeyRange.exactly(urlkey(url)), KeyRange.beginning_with(urlkey_prefix(url))):
                inside = {item for item in (*hidden, *shown) if urlkey(item) in keys}
                assert book.touches(keys) or not inside & set(hidden), (url, keys)
                assert not gate.closes(keys) or not inside & set(shown), (url, keys)


def test_an_answer_to_a_form_of_a_public_seed_is_spared_too() -> None:
    seeds = [("http://e.org/", "host", False), ("http://e.org/form", "page", True)]
    gate = RuleBook(rules_of(SeedFacts("c", url, ScopeKind(kind), public) for url, kind, public in seeds)).gate(
        ("c",), ANYONE, NOW
    )
    for key, seen in (("org,e)/form?__wb_method=POST&a=1", True), ("org,e)/other?__wb_method=POST&a=1", False)):
        assert gate.permits(Capture("c", key, "20200101000000", "http://e.org/form", "", 200, "", "", 0, 0)) is seen
