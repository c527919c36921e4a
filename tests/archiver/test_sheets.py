"""Seeds and descriptions as lists: out, in again, and what they would change before it is done."""

from __future__ import annotations

import pytest

from archiver.collections import metadatasheets, seedsheets
from archiver.collections.descriptions import DescriptionRegistry, Field, Statement
from archiver.collections.metadatasheets import SheetMode
from archiver.collections.seeds import SeedFilter, SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.collections.spreadsheets import SheetKind, read_table, write_table
from archiver.crawl.plan import Rule, RuleAction, RuleMatch
from archiver.errors import UsageError
from archiver.holdings import Holdings
from tests.conftest import OpenHoldings

A, B = "https://a.example/", "https://b.example/"


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


@pytest.fixture
def seeds(holdings: Holdings) -> SeedRegistry:
    return SeedRegistry(holdings.engine, holdings.collections.now, holdings.audit)


@pytest.fixture
def said(holdings: Holdings) -> DescriptionRegistry:
    return DescriptionRegistry(holdings.engine, holdings.audit)


@pytest.mark.parametrize("kind", list(SheetKind))
def test_seeds_go_out_and_come_back(seeds: SeedRegistry, holdings: Holdings, kind: SheetKind) -> None:
    rule = Rule(RuleAction.BLOCK, RuleMatch.TEXT, "=print")
    draft = SeedDraft(A, "=Title", "host", "weekly", "@Group", False, False, "one\ntwo", {"documents": 5}, (rule,))
    seeds.add("default", [draft, SeedDraft(B)])
    data = write_table(seedsheets.table_of(seeds.list("default")), kind)
    holdings.collections.create("other")
    changes = seedsheets.changes_of(seeds, "other", *_listed(data))
    assert seedsheets.make(seeds, "other", changes, actor="ada") == (2, 0)
    assert [seed.draft for seed in seeds.list("other")] == [seed.draft for seed in seeds.list("default")]
    again = seedsheets.changes_of(seeds, "other", seedsheets.read_list(data)[0], update=True)
    assert (again.new, again.changed, again.same, again.refused) == ((), (), 2, ())


def _listed(data: bytes) -> tuple[list[seedsheets.Listed]]:
    listed, refused = seedsheets.read_list(data)
    assert not refused
    return (listed,)


def test_pasted_lines_are_told_one_by_one(seeds: SeedRegistry) -> None:
    seeds.add("default", [SeedDraft(A)])
    text = (
        "\ufeff# ministries\na2.example scope=host\nhttps://a.example/\n\nB.example/#x  # ours\nb.example\nnot a url\n"
        "c.example depth=2\nd.example scope=x\nhttp://www.a.example/"
    )
    listed, refused = seedsheets.read_lines(text)
    changes = seedsheets.changes_of(seeds, "default", listed, refused=refused)
    assert [draft.url for draft in changes.new] == ["http://a2.example/", "http://b.example/"]
    assert changes.new[0].scope == "host"
    assert [(item.row, item.is_duplicate) for item in changes.refused] == [
        (3, True),
        (6, True),
        (7, False),
        (8, False),
        (9, False),
        (10, True),
    ]
    assert seedsheets.make(seeds, "default", changes, adjust={"group": "New", "scope": "page"}) == (2, 0)
    assert [(seed.group, seed.scope) for seed in seeds.list("default", SeedFilter(group="New"))] == [
        ("New", "host"),
        ("New", "page"),
    ]


def test_lists_of_other_services_are_read(seeds: SeedRegistry) -> None:
    data = (
        b"Seed URL;Frequency;Type;Seed Group;publicly_visible\nhttps://a.example/;TWICE_DAILY;One Page+;News;False\n"
        b"https://b.example/;hourly;Standard;;\nhttps://c.example/;;Standard+;;maybe\n"
    )

    listed, refused = seedsheets.read_list(data)
    changes = seedsheets.changes_of(seeds, "default", listed, refused=refused)
    only = changes.new[0]
    assert (only.url, only.schedule, only.scope, only.group, only.is_public) == (A, "twice-daily", "page+1", "News", False)
    assert [item.row for item in changes.refused] == [3, 4]
    listed, refused = seedsheets.read_list(
        b"id,url,seed_type,active,deleted,publicly_visible,seed_groups,login_password,created_date\n"
        b"7,https://b.example/,normal,False,False,True,News,secret,2016\n8,https://c.example/,normal,True,True,True,,,\n"
    )
    [other] = seedsheets.changes_of(seeds, "default", listed, refused=refused).new
    assert (other.url, other.scope, other.is_active, other.group) == (B, "prefix", False, "News")
    assert [item.row for item in refused] == [3] and "deleted" in refused[0].reason
    [shown] = seedsheets.read_list(b"Seed URL,Status,Access\nhttps://b.example/,Inactive,Private\n")[0]
    assert not shown.draft.is_active and not shown.draft.is_public
    for wrong in (b"url,colour\nhttp://a.example/,red\n", b"\x89PNG\r\n\x1a\n\0"):
        with pytest.raises(UsageError):
            seedsheets.read_list(wrong)


def test_a_list_changes_what_it_says_and_nothing_else(seeds: SeedRegistry) -> None:
    seeds.add("default", [SeedDraft(A, title="A", notes="keep", schedule="daily"), SeedDraft(B)])
    listed, _ = seedsheets.read_list(
        b"url,title,active\nhttps://a.example/,New,\nhttps://b.example/,,yes\nhttps://a.example/,Twice,\n"
    )
    assert len(seedsheets.changes_of(seeds, "default", listed).refused) == 3
    changes = seedsheets.changes_of(seeds, "default", listed, update=True)
    assert ([seed.url for seed, _ in changes.changed], changes.same, len(changes.refused)) == ([A], 1, 1)
    assert seedsheets.make(seeds, "default", changes, actor="ada") == (0, 1)
    changed = seeds.find("default", A)
    assert changed is not None and (changed.title, changed.notes, changed.schedule) == ("New", "keep", "daily")


@pytest.mark.parametrize("kind", list(SheetKind))
def test_descriptions_go_out_and_come_back(
    said: DescriptionRegistry, seeds: SeedRegistry, holdings: Holdings, kind: SheetKind
) -> None:
    seeds.add("default", [SeedDraft(A), SeedDraft(B)])
    said.set_fields("default", [Field("Contact", True)])
    said.replace("default", "collection", "", [Statement("title", "مجموعة"), Statement("subject", "=Law")])
    said.replace(
        "default", "seed", A, [Statement("subject", "Law"), Statement("subject", "Art"), Statement("subject", "x", True)]
    )
    said.replace("default", "document", "https://a.example/x", [Statement("Contact", "Ada")])
    table = metadatasheets.table_of(said.all("default"), [seed.url for seed in seeds.list("default")])
    assert [row[:2] for row in table[1:]] == [["collection", ""], ["seed", A], ["seed", B], ["document", "https://a.example/x"]]
    data = write_table(table, kind)
    same = metadatasheets.changes_of(said, seeds, "default", read_table(data), SheetMode.REPLACE)
    assert (same.changes, same.same, same.refused) == ((), 4, ())
    holdings.collections.create("other")
    seeds.add("other", [SeedDraft(A), SeedDraft(B)])
    changes = metadatasheets.changes_of(said, seeds, "other", read_table(data), SheetMode.REPLACE)
    assert metadatasheets.make(said, "other", changes, actor="ada") == 3
    assert said.of("other", "seed", A) == said.of("default", "seed", A)
    assert said.of("other", "document", "https://a.example/x") == [Statement("Contact", "Ada", True)]


def test_what_a_table_would_change_is_known_before(said: DescriptionRegistry, seeds: SeedRegistry) -> None:
    seeds.add("default", [SeedDraft(A)])
    said.replace("default", "seed", A, [Statement("subject", "Law"), Statement("creator", "Ada")])
    table = [
        ["URL", "DC.Subject", "dc:subject", "Box", "level"], [A, "Law", "Art", "7", ""], [B, "Law"], ["nonsense url", "x"],
        ["c.example/x", "Doc", "", "", "document"], ["x", "y", "", "", "galaxy"],
    ]  # fmt: skip
    replaced = metadatasheets.changes_of(said, seeds, "default", table, SheetMode.REPLACE)
    first = replaced.changes[0]
    assert (first.added, first.removed) == ([Statement("subject", "Art"), Statement("Box", "7")], [Statement("creator", "Ada")])
    assert replaced.changes[1].subject == "http://c.example/x"
    assert [item.row for item in replaced.refused] == [3, 4, 6] and "no seed" in replaced.refused[0].reason
    added = metadatasheets.changes_of(said, seeds, "default", table, SheetMode.ADD)
    assert added.changes[0].removed == []
    assert said.of("default", "seed", A) == [Statement("subject", "Law"), Statement("creator", "Ada")]
    long = [["level", "url", "field", "value", "private"], ["seed", A, "title", "T", "yes"], ["seed", A, "title", "U", ""]]
    found = metadatasheets.changes_of(said, seeds, "default", long, SheetMode.REPLACE)
    assert found.changes[0].after == (Statement("title", "T", True), Statement("title", "U"))
    with pytest.raises(UsageError):
        metadatasheets.changes_of(said, seeds, "default", [["title"], ["x"]], SheetMode.ADD)
