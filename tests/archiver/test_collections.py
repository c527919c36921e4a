"""Collections, the organisations behind them, and the log of what was captured."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from archiver.collections.registry import RESERVED, slugify
from archiver.errors import Conflict, InvalidURL, UnknownCollection, UsageError
from archiver.holdings import Holdings
from archiver.model import Candidate, Failure, FailureKind, PageResult, ResourceOutcome, Visibility

OpenHoldings = Callable[..., Holdings]
NAME = "United Nations Educational, Scientific and Cultural Organization (UNESCO)"


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


def test_there_is_always_one(holdings: Holdings) -> None:
    assert [item.slug for item in holdings.collections.all()] == ["default"]


def test_what_is_said_of_a_collection_is_kept(holdings: Holdings) -> None:
    made = holdings.collections.create(
        "unesco", title=" UNESCO ", organisation=f"{NAME}\n", organisation_url="unesco.org", description="Two\r\nlines\0",
        visibility=Visibility.PRIVATE,
    )  # fmt: skip
    assert made == holdings.collections.get("unesco")
    assert made.organisation is not None
    assert (made.title, made.organisation.name, made.organisation.url) == ("UNESCO", NAME, "http://unesco.org/")
    assert (made.description, made.visibility) == ("Two\nlines", Visibility.PRIVATE)


def test_collections_share_their_organisation(holdings: Holdings) -> None:
    one = holdings.collections.create("one", organisation=NAME, organisation_url="https://old.example/")
    two = holdings.collections.create("two", organisation=NAME)
    three = holdings.collections.create("three", organisation=NAME.upper())
    assert one.organisation == two.organisation
    assert three.organisation is not None and one.organisation is not None
    assert three.organisation.slug != one.organisation.slug
    holdings.collections.update("two", organisation_url="https://new.example/")
    changed = holdings.collections.get("one").organisation
    assert changed is not None and changed.url == "https://new.example/"


def test_changing_one_thing_leaves_the_others(holdings: Holdings) -> None:
    before = holdings.collections.create("one", title="One", organisation=NAME, description="d")
    after = holdings.collections.update("one", title="Uno")
    assert (after.title, after.organisation, after.description) == ("Uno", before.organisation, "d")
    gone = holdings.collections.update("one", organisation="", description="", title="")
    assert (gone.title, gone.organisation, gone.description) == ("one", None, "")


@pytest.mark.parametrize("slug", ["", "Big", "with space", "ünicode", "-x", "a/b", "../x", "a" * 101, "x\n", *sorted(RESERVED)])
def test_names_that_addresses_cannot_hold_are_refused_with_a_better_one(holdings: Holdings, slug: str) -> None:
    with pytest.raises(UsageError) as caught:
        holdings.collections.create(slug)
    assert caught.value.advice


@pytest.mark.parametrize("text", ["", "É à ü!", "日本", "  ", "x" * 500, "a--b__c", "\0"])
def test_any_text_makes_a_name(holdings: Holdings, text: str) -> None:
    slug = slugify(text)
    if slug not in RESERVED:
        holdings.collections.create(slug, title=text)
        assert holdings.collections.get(slug).slug == slug


def test_a_name_is_taken_once(holdings: Holdings) -> None:
    holdings.collections.create("one", title="first")
    with pytest.raises(Conflict):
        holdings.collections.create("one", title="second")
    assert holdings.collections.get("one").title == "first"
    assert holdings.collections.ensure("one", title="third").title == "first"


@pytest.mark.parametrize("method", ["get", "update"])
def test_an_unknown_name_is_told_with_the_nearest(holdings: Holdings, method: str) -> None:
    holdings.collections.create("lighthouse")
    with pytest.raises(UnknownCollection) as caught:
        getattr(holdings.collections, method)("lighthose")
    assert "“lighthouse”" in caught.value.advice
    with pytest.raises(UnknownCollection):
        holdings.collections.get("x' OR 1=1 --\n\0")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x", "http://"])
def test_a_home_page_is_a_web_address(holdings: Holdings, url: str) -> None:
    with pytest.raises(InvalidURL):
        holdings.collections.create("one", organisation=NAME, organisation_url=url)
    with pytest.raises(UnknownCollection):
        holdings.collections.get("one")


def page(collection: str, url: str, timestamp: str | None, *outcomes: ResourceOutcome) -> PageResult:
    return PageResult(
        collection=collection, seed=url, final_url=url, timestamp=timestamp, title="T", elapsed=timedelta(seconds=1.5),
        started_at=datetime(2016, 8, 10, tzinfo=UTC), outcomes=outcomes, files=("f",), interrupted=False,
    )  # fmt: skip


def test_the_log_remembers_pages_and_what_they_lack(holdings: Holdings) -> None:
    failed = ResourceOutcome(
        Candidate("http://a.example/x.png", "http://a.example/", "E"), None, "", 0, None, Failure(FailureKind.DNS, "not known")
    )
    fine = ResourceOutcome(Candidate("http://a.example/"), 200, "text/html", 10, None, None)
    crawl = holdings.crawls.start("default", ("http://a.example/",))
    number = holdings.crawls.record_page(page("default", "http://a.example/", "20160810000000", fine, failed), crawl)
    holdings.crawls.record_page(page("default", "http://b.example/", "20170810000000"), crawl)
    holdings.crawls.record_page(page("default", "http://never.example/", None, failed), crawl)
    assert [item.url for item in holdings.crawls.pages("default")] == ["http://b.example/", "http://a.example/"]
    assert [item.url for item in holdings.crawls.pages("default", limit=1, offset=1)] == ["http://a.example/"]
    assert holdings.crawls.page_count("default") == 2
    assert holdings.crawls.missing(number) == [failed]
    assert holdings.crawls.pages("nope") == []
    with pytest.raises(UnknownCollection):
        holdings.crawls.start("nope", ())
