"""Seeds: what can be one, how they are found, changed and removed; groups; the crawls that they need."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from archiver.collections.descriptions import DescriptionRegistry, Field, Statement
from archiver.collections.images import ImageRegistry
from archiver.collections.options import options_from_json, options_to_json, plans_for
from archiver.collections.seedgroups import SeedGroups
from archiver.collections.seedresults import results_of
from archiver.collections.seeds import ORDERS, SeedFilter, SeedRegistry
from archiver.collections.seedvalues import Schedule, SeedDraft, limits_from_json, rules_from_json, rules_to_json
from archiver.crawl.plan import CrawlPlan, Limits, Rule, RuleAction, RuleMatch, ScopeKind
from archiver.errors import Conflict, NotFound, UnknownCollection, UsageError
from archiver.holdings import Holdings, open_holdings
from archiver.settings import load_settings
from tests.conftest import OpenHoldings
from tests.servers.postgresql import PostgreSQL

BLOCK = Rule(RuleAction.BLOCK, RuleMatch.TEXT, "/print/")


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


@pytest.fixture
def registry(holdings: Holdings) -> SeedRegistry:
    return SeedRegistry(holdings.engine, holdings.collections.now, holdings.audit)


def test_each_seed_is_taken_or_refused_by_itself(registry: SeedRegistry, holdings: Holdings) -> None:
    report = registry.add(
        "default",
        [
            SeedDraft("EXAMPLE.org", title=" A\nsite "),
            SeedDraft("http://example.org/#part"),
            SeedDraft("not a url"),
            SeedDraft("ftp://example.org/"),
            SeedDraft("https://me:secret@example.org/"),
            SeedDraft("https://b.example/", scope="everything"),
            SeedDraft("https://b.example/", schedule="hourly"),
            SeedDraft("https://b.example/", limits={"documents": -1}),
            SeedDraft("https://b.example/", rules=(Rule(RuleAction.BLOCK, RuleMatch.REGEX, "("),)),
            SeedDraft("https://b.example/", scope="HOST", schedule="daily", group="Ministries"),
        ],
        actor="ada",
    )
    assert report.added == ("http://example.org/", "https://b.example/")
    assert [(refused.row, refused.is_duplicate) for refused in report.refused] == [
        (2, True), (3, False), (4, False), (5, False), (6, False), (7, False), (8, False), (9, False),
    ]  # fmt: skip
    assert all("secret" not in refused.reason for refused in report.refused)
    first, second = registry.list("default")
    assert (first.title, first.scope, first.schedule, first.called) == ("A site", None, None, "A site")
    assert (second.scope, second.schedule, second.group) == (ScopeKind.HOST, Schedule.DAILY, "Ministries")
    again = registry.add("default", [SeedDraft("example.org")])
    assert (again.added, again.refused[0].is_duplicate) == ((), True)
    entry = next(iter(holdings.audit.entries()))
    assert (entry.actor, entry.action, entry.subject) == ("ada", "seed.add", "collection default")
    assert json.loads(entry.detail)["count"] == 2


def test_seeds_are_found_by_what_is_said_of_them(registry: SeedRegistry) -> None:
    registry.add(
        "default",
        [
            SeedDraft("https://c.example/", title="Été", group="A", schedule="daily"),
            SeedDraft("https://a.example/100%25", notes="ask Ada", is_public=False),
            SeedDraft("https://b.example/", title="zebra", is_active=False, scope="host"),
        ],
    )

    def found(**wanted: object) -> list[str]:
        seeds = registry.list("default", SeedFilter(**wanted), order="url")  # type: ignore[arg-type]
        assert registry.count("default", SeedFilter(**wanted)) == len(seeds)  # type: ignore[arg-type]
        return [seed.url[8] for seed in seeds]

    assert found() == ["a", "b", "c"]
    assert found(text="ADA") == ["a"] and found(text="%") == ["a"] and found(text="_") == []
    assert found(group="A") == ["c"] and found(group="-") == ["a", "b"]
    assert found(schedule="daily") == ["c"] and found(schedule="-") == ["a", "b"]
    assert found(scope="host") == ["b"] and found(is_active=False) == ["b"] and found(is_public=False) == ["a"]
    for order in ORDERS:
        forward = registry.list("default", order=order)
        assert len(forward) == 3 and len(registry.list("default", order=order, descending=True)) == 3
    assert [seed.url[8] for seed in registry.list("default", limit=1, offset=1)] == ["a"]
    with pytest.raises(UsageError):
        registry.list("default", order="colour; drop table seeds")
    assert registry.list("nothing") == []


def test_a_seed_is_changed_and_keeps_its_description(registry: SeedRegistry, holdings: Holdings) -> None:
    registry.add("default", [SeedDraft("https://a.example/"), SeedDraft("https://b.example/")])
    described = DescriptionRegistry(holdings.engine)
    described.replace("default", "seed", "https://a.example/", [Statement("title", "A")])
    seed = registry.list("default")[0]
    draft = SeedDraft("https://a.example/new/", title="New", limits={"documents": 5, "pages": 0}, rules=(BLOCK,))
    changed = registry.change(seed.number, draft, actor="ada")
    assert (changed.url, changed.limits, changed.rules) == ("https://a.example/new/", {"documents": 5}, (BLOCK,))
    assert described.of("default", "seed", "https://a.example/new/") == [Statement("title", "A")]
    with pytest.raises(Conflict):
        registry.change(seed.number, SeedDraft("https://b.example/"))
    entries = len(list(holdings.audit.entries()))
    assert registry.change(seed.number, changed.draft, actor="ada") == changed  # nothing is said anew, nothing is noted
    assert len(list(holdings.audit.entries())) == entries
    assert registry.remove("default", [seed.number, 999], actor="ada") == 1
    assert described.of("default", "seed", "https://a.example/new/") == []
    with pytest.raises(NotFound):
        registry.get(seed.number)


def test_many_seeds_are_changed_at_once(registry: SeedRegistry, holdings: Holdings) -> None:
    holdings.collections.create("other")
    registry.add("default", [SeedDraft(f"https://s{number}.example/") for number in range(1200)])
    registry.add("other", [SeedDraft("https://else.example/")])
    numbers = [seed.number for seed in (*registry.list("default"), *registry.list("other"))]
    assert registry.change_many("default", numbers, schedule="weekly", group="All", actor="ada") == 1200
    assert registry.count("default", SeedFilter(schedule="weekly", group="All")) == 1200
    assert registry.list("other")[0].schedule is None
    with pytest.raises(UsageError):
        registry.change_many("default", numbers, schedule="hourly")
    assert registry.change_many("default", numbers, group="", is_active=False) == 1200
    assert registry.count("default", SeedFilter(group="-", is_active=False, schedule="weekly")) == 1200
    with pytest.raises(UnknownCollection):
        registry.add("nothing", [])


def test_groups(registry: SeedRegistry, holdings: Holdings) -> None:
    groups = SeedGroups(holdings.engine, holdings.audit)
    registry.add("default", [SeedDraft("https://a.example/", group="Ministries")])
    groups.set("default", "Embassies", is_public=True, actor="ada")
    assert [(group.name, group.is_public, group.seeds) for group in registry.groups("default")] == [
        ("Embassies", True, 0), ("Ministries", False, 1),
    ]  # fmt: skip
    with pytest.raises(Conflict):
        groups.set("default", "Embassies", new_name="Ministries")
    with pytest.raises(UsageError):
        groups.set("default", "  ")
    groups.set("default", "Ministries", new_name="Departments", actor="ada")
    assert registry.list("default")[0].group == "Departments"
    groups.remove("default", "Departments", actor="ada")
    assert registry.list("default")[0].group == ""
    with pytest.raises(NotFound):
        groups.remove("default", "Departments")
    actions = [entry.action for entry in holdings.audit.entries()]
    assert actions == ["group.create", "group.change", "group.remove"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"documents": "many"}', '{"documents": true}', '{"colour": 1}', '{"pages": 1e99}']
)
def test_limits_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        limits_from_json(text)


@pytest.mark.parametrize(
    "text", ["{", "{}x", "[1]", '[{"action": "block"}]', "7", '[{"action":"x","match":"text","pattern":"a"}]']
)
def test_rules_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        rules_from_json(text)


def test_rules_come_back_as_they_went() -> None:
    rules = (BLOCK, Rule(RuleAction.ACCEPT, RuleMatch.SURT, "org,example,", enabled=False, note="później"))
    assert rules_from_json(rules_to_json(rules)) == rules and rules_to_json(()) == ""


def test_seeds_with_limits_of_their_own_are_crawled_apart(registry: SeedRegistry) -> None:
    registry.add(
        "default",
        [
            SeedDraft("https://a.example/", scope="page"),
            SeedDraft("https://b.example/", limits={"documents": 5}),
            SeedDraft("https://c.example/"),
            SeedDraft("https://d.example/", rules=(BLOCK,)),
        ],
    )
    options = options_from_json('{"scope": "host", "limits": {"documents": 50, "seconds": 60}}')
    plans = plans_for(options, registry.list("default"))
    assert [[seed.url[8] for seed in plan.seeds] for plan, _ in plans] == [["a", "c"], ["b"], ["d"]]
    assert plans[0][0].seeds[0].scope is ScopeKind.PAGE and plans[0][0].scope is ScopeKind.HOST
    assert [plan.limits.documents for plan, _ in plans] == [50, 5, 50] and plans[1][0].limits.seconds == 60
    assert plans[2][0].rules == (BLOCK,)


def test_options_say_only_what_is_not_usual() -> None:
    assert options_to_json(options_from_json("")) == "" and options_from_json("") == CrawlPlan(())
    plan = CrawlPlan((), scope=ScopeKind.HOST, rules=(BLOCK,), limits=Limits(documents=5))
    assert json.loads(options_to_json(plan)).keys() == {"scope", "rules", "limits"}
    assert options_from_json(options_to_json(plan)) == plan
    for wrong in (
        "{",
        "[]",
        '{"colour": 1}',
        '{"scope": "x"}',
        '{"limits": {"pages": "many"}}',
        '{"limits": {"pages": -1}}',
        '{"sitemaps": 1}',
        '{"limits": 7}',
        '{"rules": [{"action":"block","match":"regex","pattern":"("}]}',
    ):
        with pytest.raises(UsageError):
            options_from_json(wrong)


def test_a_collection_says_whether_it_is_crawled_and_how(holdings: Holdings) -> None:
    changed = holdings.collections.update(
        "default", is_active=False, budget_bytes=10**9, options='{"scope": "host"}', organisation="UNESCO", actor="ada"
    )
    assert (changed.is_active, changed.budget_bytes, changed.options) == (False, 10**9, '{"scope": "host"}')
    assert holdings.collections.update("default", budget_bytes=0).budget_bytes is None
    with pytest.raises(UsageError):
        holdings.collections.update("default", options='{"colour": "red"}')
    owner = holdings.collections.update_organisation("unesco", name="U.N.E.S.C.O.", address="7, place\nParis", url="unesco.org")
    assert holdings.collections.get("default").organisation == owner
    assert (owner.name, owner.address, owner.url) == ("U.N.E.S.C.O.", "7, place\nParis", "http://unesco.org/")
    holdings.collections.create("two", organisation="Other")
    with pytest.raises(Conflict):
        holdings.collections.update_organisation("other", name="U.N.E.S.C.O.")
    with pytest.raises(NotFound):
        holdings.collections.update_organisation("nobody", name="x")


def test_seeds_descriptions_and_pictures_in_postgresql(tmp_path: Path, postgresql: PostgreSQL) -> None:
    settings = load_settings({"archive": tmp_path / "warcs", "database": postgresql.new_archive()}, environ={})
    with open_holdings(settings) as holdings:
        registry = SeedRegistry(holdings.engine, holdings.collections.now, holdings.audit)
        drafts = [SeedDraft("https://a.example/", title="Été", group="G"), SeedDraft("https://b.example/", is_public=False)]
        assert len(registry.add("default", drafts, actor="ada").added) == 2
        for order in ORDERS:
            assert len(registry.list("default", SeedFilter(text="EXAMPLE"), order=order)) == 2
        assert registry.groups("default")[0].seeds == 1 and registry.count("default", SeedFilter(group="G")) == 1
        assert registry.change_many("default", [1, 2], schedule="daily", actor="ada") == 2
        assert results_of(holdings.engine, holdings.index, "default", registry.list("default"))[1].captures == 0
        said = DescriptionRegistry(holdings.engine, holdings.audit)
        for seed in registry.list("default"):
            said.replace("default", "seed", seed.url, [Statement("subject", "Law"), Statement("x", "y", True)], actor="ada")
        assert said.facets("default") == {"subject": {"Law": 1}} and said.subjects("default", "seed", text="LAW", limit=1)
        said.set_fields("default", [Field("subject", True)])
        assert said.of("default", "seed", "https://a.example/", public_only=True) == []
        pictures = ImageRegistry(holdings.engine, holdings.collections.now, holdings.audit)
        drawn = io.BytesIO()
        Image.new("RGB", (2, 2)).save(drawn, "PNG")
        for _ in range(2):
            pictures.put("collection", 1, drawn.getvalue(), actor="ada")
        kept = pictures.get("collection", 1)
        assert kept is not None and kept.data.startswith(b"\x89PNG")
        assert registry.remove("default", [1, 2], actor="ada") == 2 and said.all("default") == []
