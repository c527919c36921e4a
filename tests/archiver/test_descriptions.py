"""What is said of collections, seeds and documents: kept in order, private where it is, counted for facets."""

from __future__ import annotations

import pytest

from archiver.collections.descriptions import ELEMENTS, DescriptionRegistry, Field, Statement
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.errors import UnknownCollection, UsageError
from archiver.holdings import Holdings
from tests.conftest import OpenHoldings

A, B = "https://a.example/", "https://b.example/"


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


@pytest.fixture
def registry(holdings: Holdings) -> DescriptionRegistry:
    return DescriptionRegistry(holdings.engine, holdings.audit)


def test_what_is_said_is_kept_in_its_order(registry: DescriptionRegistry, holdings: Holdings) -> None:
    said = [
        Statement("DC.Creator", "Ada"), Statement("dc:creator", "Ben"), Statement("Title", " مجموعة "),
        Statement("creator", "Ada", True), Statement("Box number", "7\n8"), Statement("subject", "  "),
    ]  # fmt: skip
    kept = registry.replace("default", "collection", "", said, actor="ada")
    assert kept == [
        Statement("creator", "Ada", True), Statement("creator", "Ben"), Statement("title", "مجموعة"),
        Statement("Box number", "7\n8"),
    ]  # fmt: skip
    assert registry.of("default", "collection", public_only=True) == kept[1:]
    assert (
        registry.add("default", "collection", "", [Statement("creator", "Ben"), Statement("date", "2026")])[-1].value == "2026"
    )
    registry.replace("default", "collection", "", kept, actor="ada")
    entry = list(holdings.audit.entries())[-1]
    assert (entry.actor, entry.action) == ("ada", "description.change") and "date: 2026" in entry.detail
    count = len(list(holdings.audit.entries()))
    registry.replace("default", "collection", "", kept, actor="ada")
    assert len(list(holdings.audit.entries())) == count
    assert registry.replace("default", "collection", "", []) == []


def test_subjects_are_urls(registry: DescriptionRegistry) -> None:
    registry.replace("default", "document", "a.example/x#part", [Statement("title", "X")])
    registry.replace("default", "document", "b.example", [Statement("title", "Needle")])
    assert registry.subjects("default", "document") == [("http://a.example/x", 1), ("http://b.example/", 1)]
    assert registry.subjects("default", "document", text="NEEDLE") == [("http://b.example/", 1)]
    for level, subject in (("seed", ""), ("document", "not a url"), ("galaxy", A)):
        with pytest.raises(UsageError):
            registry.replace("default", level, subject, [Statement("title", "X")])
    with pytest.raises(UnknownCollection):
        registry.replace("nothing", "collection", "", [Statement("title", "X")])


@pytest.mark.parametrize("field", ["", " \n ", "x" * 101])
def test_fields_have_names(registry: DescriptionRegistry, field: str) -> None:
    with pytest.raises(UsageError):
        registry.replace("default", "collection", "", [Statement(field, "value")])
    with pytest.raises(UsageError):
        registry.replace("default", "collection", "", [Statement("title", "x" * 20_001)])


def test_a_private_field_is_private_wherever_it_is_said(registry: DescriptionRegistry) -> None:
    registry.replace("default", "seed", A, [Statement("Contact", "Ada"), Statement("subject", "Law")])
    registry.set_fields("default", [Field("Shelf"), Field("Contact", True), Field("rights", True)], actor="ada")
    assert registry.of("default", "seed", A) == [Statement("Contact", "Ada", True), Statement("subject", "Law")]
    assert registry.of("default", "seed", A, public_only=True) == [Statement("subject", "Law")]
    assert [said.field for _, _, said in registry.all("default", public_only=True)] == ["subject"]
    fields = registry.fields("default")
    assert [field.name for field in fields] == [*ELEMENTS, "Shelf", "Contact"]
    assert {field.name for field in fields if field.is_private} == {"Contact", "rights"}


def test_facets_count_what_readers_may_know(registry: DescriptionRegistry, holdings: Holdings) -> None:
    seeds = SeedRegistry(holdings.engine, holdings.collections.now)
    seeds.add("default", [SeedDraft(A), SeedDraft(B, is_public=False), SeedDraft("https://c.example/")])
    registry.replace(
        "default", "seed", A, [Statement("subject", "Law"), Statement("subject", "Art"), Statement("subject", "Secret", True)]
    )
    registry.replace("default", "seed", B, [Statement("subject", "Law"), Statement("creator", "Ben")])
    registry.replace("default", "seed", "https://c.example/", [Statement("subject", "Law")])
    registry.replace("default", "collection", "", [Statement("subject", "Everything")])
    assert registry.facets("default") == {"subject": {"Law": 2, "Art": 1}}
    assert registry.facets("default", public_only=False)["subject"] == {"Law": 3, "Art": 1, "Secret": 1}
    assert registry.facets("default", fields=["creator"]) == {}
    assert registry.having("default", "subject", "Law") == {A, "https://c.example/"}
    assert registry.having("default", "subject", "Secret") == set()
    assert registry.having("default", "subject", "Law", public_only=False) == {A, B, "https://c.example/"}
