"""What is known of a collection, out of one archive and into another; and what strangers may write into such a file."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import insert, select

from archiver.collections.access import ANYONE, Action, Matching, Rule
from archiver.collections.exchange import from_json, to_json
from archiver.collections.exchangeformat import is_exchange, read_exchange
from archiver.collections.images import ImageRegistry
from archiver.collections.seedvalues import rules_to_json
from archiver.crawl.plan import CrawlPlan, Limits, RuleAction, RuleMatch, ScopeKind, Seed, plan_from_json
from archiver.crawl.plan import Rule as ScopeRule
from archiver.errors import UsageError
from archiver.holdings import Holdings, open_holdings
from archiver.index.crawltables import crawl_seeds
from archiver.index.database import reading, writing
from archiver.index.holdingstables import access_rules
from archiver.index.tables import crawls, outcomes, pages
from archiver.index.worktables import description_fields, descriptions, schedules, seed_groups, seeds
from archiver.model import Capture, Visibility
from archiver.settings import load_settings
from archiver.urls import urlkey
from tests.archiver.exporting import NOW, opened
from tests.servers.postgresql import PostgreSQL

PLAN = CrawlPlan(
    (Seed("https://a.example/", ScopeKind.HOST), Seed("https://b.example/")),
    scope=ScopeKind.DOMAIN,
    rules=(ScopeRule(RuleAction.BLOCK, RuleMatch.REGEX, r"\.zip$", note="too large"),),
    limits=Limits(pages=10),
)


def picture() -> bytes:
    """A small one."""
    written = io.BytesIO()
    Image.new("RGBA", (9, 4), (10, 20, 30, 40)).save(written, "PNG")
    return written.getvalue()


@pytest.fixture
def holdings(tmp_path: Path) -> Iterator[Holdings]:
    """An archive with a collection of which everything is known that can be."""
    with opened(tmp_path / "home") as made:
        made.collections.create(
            "kept",
            title="Kept & loved",
            organisation="Org",
            organisation_url="https://org.example/",
            description="Two\nlines.",
            visibility=Visibility.UNLISTED,
        )
        number = made.collections.number("kept")
        with writing(made.engine) as connection:
            _add_crawl(connection, number)
            _add_page(connection, number)
            connection.execute(insert(seed_groups).values(collection_id=number, name="News", is_public=1))
            group = connection.execute(select(seed_groups.c.id)).scalar_one()
            connection.execute(
                insert(seeds).values(
                    collection_id=number, url="https://a.example/", urlkey="example,a)/", title="A", scope="host",
                    schedule="weekly", group_id=group, is_active=1, is_public=0, notes="n", limits='{"pages": 3}',
                    rules=rules_to_json((ScopeRule(RuleAction.BLOCK, RuleMatch.TEXT, "/print/", note="twice"),)),
                    position=2, created_at="2026-01-01T00:00:00Z", changed_at="2026-01-02T00:00:00Z",
                )
            )  # fmt: skip
            for at, value in enumerate(("Someone", "Someone else")):
                connection.execute(
                    insert(descriptions).values(
                        collection_id=number, level="collection", field="creator", value=value, position=at, is_private=at
                    )
                )
            connection.execute(insert(schedules).values(collection_id=number, schedule="weekly", plan="{}", is_active=1))
            connection.execute(insert(description_fields).values(collection_id=number, name="Shelf", position=0, is_private=1))
        options = '{"limits": {"documents": 500}, "scope": "host"}'
        made.collections.update("kept", is_active=False, budget_bytes=10**9, options=options)
        made.collections.update_organisation("org", address="7, place de Fontenoy", description="Collects.")
        pictures = ImageRegistry(made.engine, made.collections.now)
        pictures.put("collection", number, picture())
        pictures.put("organisation", made.collections.organisation("org").number, picture())
        made.access.add(
            [
                Rule(Action.BLOCK, Matching.PREFIX, urlkey("https://a.example/shut"), collection="kept", url="a.example/shut*",
                     since=20160101000000, embargo=86400, message="Not yet.", reason="contract"),
                Rule(Action.ALLOW, Matching.HOST, "example,a", collection="kept", groups=frozenset({"staff", "press"})),
                Rule(Action.EXCLUDE, Matching.EXACT, "example,everywhere)/"),
            ]
        )  # fmt: skip
        yield made


def _add_crawl(connection: Any, collection: int) -> None:
    made = connection.execute(
        insert(crawls).values(
            collection_id=collection, seeds="https://a.example/\nhttps://b.example/", started_at="2026-02-01T00:00:00.000000Z",
            finished_at="2026-02-01T01:00:00.000000Z", kind="crawl", state="finished", ended="all done", plan=PLAN.to_json(),
            plan_version=3, seconds=12.5,
        )
    )  # fmt: skip
    crawl = made.inserted_primary_key[0]
    seed = insert(crawl_seeds).values(
        crawl_id=crawl, url="https://a.example/", scope="host", redirects="https://x/\nhttps://y/"
    )
    connection.execute(seed)


def _add_page(connection: Any, collection: int) -> None:
    made = connection.execute(
        insert(crawls).values(collection_id=collection, seeds="https://c.example/", started_at="2026-02-02T00:00:00.000000Z")
    )
    shown = connection.execute(
        insert(pages).values(
            crawl_id=made.inserted_primary_key[0], collection_id=collection, url="https://c.example/",
            final_url="https://c.example/home", timestamp=20260202000001, title="C", started_at="2026-02-02T00:00:00.000000Z",
            seconds="1.250", interrupted=1,
        )
    )  # fmt: skip
    lost = insert(outcomes).values(
        page_id=shown.inserted_primary_key[0], position=0, url="https://c.example/x.png", via="https://c.example/home",
        hops="E", status=404, mime="text/html", length=10, failure="http-error", reason="It is gone.",
    )  # fmt: skip
    connection.execute(lost)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Holdings]:
    with opened(tmp_path / "other") as made:
        yield made


def described(holdings: Holdings, slug: str = "kept") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(to_json(holdings, slug)))
    return found


def test_everything_comes_back(holdings: Holdings, other: Holdings) -> None:
    data = described(holdings)
    assert is_exchange(data)
    report = from_json(other, data)
    assert (report.created, report.crawls, report.seeds, report.elements, report.rules) == (True, 2, 1, 2, 2)
    assert described(other) == data
    crawl = described(other)["crawls"][0]
    assert plan_from_json(json.dumps(crawl["plan"])) == PLAN
    assert other.collections.get("kept") == holdings.collections.get("kept")


def test_rules_of_all_collections_stay_where_they_are(holdings: Holdings) -> None:
    assert "everywhere" not in json.dumps(to_json(holdings, "kept"))


def test_rules_are_in_force_at_once(holdings: Holdings, other: Holdings) -> None:
    other.collections.create("kept")
    assert not other.access.current().rules
    from_json(other, described(holdings))
    key = urlkey("https://a.example/shut/1")
    with opened(other.settings.archive) as again:  # another process, which need not wait for its second to be over
        rules = again.access.current().rules
        assert {rule.action for rule in rules if not rule.seed} == {Action.BLOCK, Action.ALLOW}
        assert {rule.seed for rule in rules if rule.seed}  # nor need it wait for what a seed keeps from readers
        gate = again.access.current().gate(("kept",), ANYONE, again.access.now())
        shut = Capture("kept", key, "20260304000000", "https://a.example/shut/1", "", 200, "", "f", 0, 0)
        assert not gate.permits(shut)
    assert [entry.action for entry in other.audit.entries()] == ["access.import"]


def test_to_take_it_in_again_adds_nothing(holdings: Holdings, other: Holdings) -> None:
    data = described(holdings)
    from_json(other, data)
    report = from_json(other, data)
    assert (report.created, report.crawls, report.seeds, report.elements, report.rules, report.kept) == (False, 0, 0, 0, 0, ())
    assert described(other) == data


def test_what_somebody_wrote_there_is_left(holdings: Holdings, other: Holdings) -> None:
    other.collections.create("mine", title="My own", organisation="Others", visibility=Visibility.PRIVATE)
    report = from_json(other, described(holdings), "mine")
    found = other.collections.get("mine")
    assert (found.title, found.organisation.name if found.organisation else "") == ("My own", "Others")
    assert found.description == "Two\nlines." and found.visibility is Visibility.PRIVATE
    assert set(report.kept) == {"title", "organisation", "visibility"} and report.crawls == 2


def test_what_is_not_public_does_not_become_so(holdings: Holdings, other: Holdings) -> None:
    other.collections.create("open")
    from_json(other, described(holdings), "open")
    assert other.collections.get("open").visibility is Visibility.UNLISTED


def test_a_crawl_that_was_running_is_not_running_here(holdings: Holdings, other: Holdings) -> None:
    data = described(holdings)
    data["crawls"][0]["state"] = "running"
    from_json(other, data)
    assert (described(other)["crawls"][0]["state"], described(other)["crawls"][0]["ended"]) == ("stopped", "all done")


def _without(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        del data[path[-1]]

    return change


def _with(value: object, *path: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _with("other", "format"), _with(2, "version"), _with("1", "version"), _without("collection"), _with([], "collection"),
        _with("everyone", "collection", "visibility"), _with("yesterday", "collection", "created_at"),
        _with({"a": 1}, "crawls"), _with(["x"], "crawls"), _with({"seeds": 5}, "crawls", 0, "plan"),
        _with({"unheard": 1}, "crawls", 0, "plan"), _with("2026", "crawls", 1, "pages", 0, "timestamp"),
        _with(-1, "crawls", 0, "seconds"), _with(1e300, "crawls", 0, "seconds"), _with(2**70, "crawls", 0, "plan_version"),
        _with("gone", "crawls", 1, "pages", 0, "missing", 0, "failure"), _with("delete", "access_rules", 0, "action"),
        _with(["not an address"], "access_rules", 0, "addresses"), _with(["a\nb"], "access_rules", 0, "groups"),
        _with("yes", "seeds", 0, "is_active"), _with(5, "seeds", 0, "url"), _with("Not A Slug!", "collection", "name"),
        _with("javascript:alert(1)", "organisation", "url"),
    ],
)  # fmt: skip
def test_lies_are_refused_and_nothing_is_taken(
    holdings: Holdings, other: Holdings, change: Callable[[dict[str, Any]], None]
) -> None:
    data = copy.deepcopy(described(holdings))
    change(data)
    with pytest.raises(UsageError):
        from_json(other, data)
    assert [item.slug for item in other.collections.all()] == ["default"]
    with other.engine.connect() as connection:
        assert connection.execute(select(access_rules.c.id)).first() is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "x"}', "[" * 100_000, b"\xff\xfe\x00"])
def test_what_is_no_description_is_refused(text: str | bytes) -> None:
    with pytest.raises(UsageError):
        read_exchange(text)


def test_text_that_no_database_keeps_is_taken_as_far_as_it_goes(holdings: Holdings, other: Holdings) -> None:
    data = described(holdings)
    data["collection"]["description"] = data["crawls"][0]["plan"]["rules"][0]["note"] = "a\ud800b\0c"
    data["crawls"][0]["seeds"] = ["http://x.example/\ud800"]
    from_json(other, data)
    assert described(other)["crawls"][0]["plan"]["rules"][0]["note"] == "a?b\0c"


def test_everything_comes_back_into_postgresql(holdings: Holdings, tmp_path: Path, postgresql: PostgreSQL) -> None:
    settings = load_settings({"archive": tmp_path / "other", "database": postgresql.new_archive()}, environ={})
    with open_holdings(settings, clock=lambda: NOW) as other:
        data = described(holdings)
        from_json(other, data)
        from_json(other, data)
        assert described(other) == data


def test_options_from_elsewhere_read_no_file_and_open_no_guard(holdings: Holdings, tmp_path: Path) -> None:
    data: Any = described(holdings)
    data["collection"]["options"] = {
        "scope": "host", "login": {"cookies": "/etc/passwd"}, "allow_private": True, "insecure": True
    }  # fmt: skip
    data["schedules"][0]["plan"] = '{"login": {"headers": "/etc/passwd"}}'
    with opened(tmp_path / "other") as other:
        from_json(other, data)
        assert other.collections.get("kept").options == '{"scope": "host"}'
        with reading(other.engine) as connection:
            assert connection.execute(select(schedules.c.plan)).scalar_one() == ""


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("collection", "options"), {"colour": "red"}),
        (("collection", "options"), "{"),
        (("collection", "budget_bytes"), -1),
        (("collection", "is_active"), "yes"),
        (("collection", "image"), {"type": "image/png", "data": "!"}),
        (("collection", "image"), {"type": "image/png", "data": "PHN2Zy8+"}),
        (("organisation", "logo"), []),
        (("collection", "metadata_fields"), [{"name": ""}]),
        (("seeds", 0, "scope"), "galaxy"),
        (("seeds", 0, "schedule"), "hourly"),
        (("seeds", 0, "limits"), '{"pages": -1}'),
        (("seeds", 0, "rules"), "[1]"),
        (("seeds", 0, "url"), "javascript:alert(1)"),
        (("schedules", 0, "schedule"), "hourly"),
    ],
)
def test_what_cannot_be_of_seeds_and_options_is_refused(
    holdings: Holdings, tmp_path: Path, place: tuple[Any, ...], value: object
) -> None:
    data: Any = described(holdings)
    target = data
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    with opened(tmp_path / "other") as other:
        with pytest.raises(UsageError):
            from_json(other, data)
        assert "kept" not in [item.slug for item in other.collections.all()]
