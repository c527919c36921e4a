"""What archived pages lack: noted once, listed, and settled by what is held after a patch."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.collections.steering import CrawlDesk
from archiver.crawl.control import CrawlControl
from archiver.errors import NotFound, UsageError
from archiver.holdings import Holdings
from archiver.missing import CAPTURED, IGNORED, OPEN, QUEUED, Miss, MissingParts, MissNotes
from archiver.warc.importer import import_file
from tests.conftest import OpenHoldings
from tests.servers.warcs import response_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PAGE, AT = "http://a.example/", "20160810204623"


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    holdings = holdings_with()
    holdings.collections.create("c")
    return holdings


@pytest.fixture
def parts(holdings: Holdings) -> MissingParts:
    return MissingParts(holdings, lambda: NOW)


def miss(name: str, page: str = PAGE) -> Miss:
    return Miss("c", page, AT, f"http://a.example/{name}", "image")


def capture(holdings: Holdings, tmp_path: Path, url: str, status: str = "200 OK") -> None:
    path = tmp_path / f"{abs(hash(url + status))}.warc.gz"
    path.write_bytes(response_record(url, NOW, b"x", status=status))
    import_file(path, collection="c", store=holdings.store, index=holdings.index)


def desk(holdings: Holdings) -> CrawlDesk:
    return CrawlDesk(holdings, lambda: NOW, lambda number, workers: None)


def test_notes_are_made_once_and_taken_once(tmp_path: Path) -> None:
    notes = MissNotes(tmp_path / "cache")
    for _ in range(3):
        notes.note(miss("a.png"))
    notes.note(miss("b.png"))
    assert [item.url for item in notes.take()] == ["http://a.example/a.png", "http://a.example/b.png"]
    assert list(notes.take()) == []


def test_notes_of_garbage_are_passed_over(tmp_path: Path) -> None:
    notes = MissNotes(tmp_path)
    for bad in ("ftp://x/", "data:,x", "http://a.example/" + "x" * 5000):
        notes.note(Miss("c", PAGE, AT, bad))
    assert list(notes.take()) == []
    lines = ["", "{", "[1]", json.dumps(["c", PAGE, "2016", "http://a/", ""]), json.dumps(["c", PAGE, AT, 7, ""]), "\x00\xff"]
    (tmp_path / "missing.jsonl").write_text("\n".join(lines), encoding="utf-8")
    notes.note(miss("good.png"))
    assert [item.url for item in notes.take()] == ["http://a.example/good.png"]


def test_what_was_not_taken_whole_is_taken_again(tmp_path: Path) -> None:
    notes = MissNotes(tmp_path)
    notes.note(miss("a.png"))
    next(iter(notes.take()))  # and then the keeper is killed
    notes.note(miss("b.png"))
    assert [item.url[-5:] for item in notes.take()] == ["a.png"]
    assert [item.url[-5:] for item in notes.take()] == ["b.png"]


def test_parts_are_listed_once_by_page(parts: MissingParts) -> None:
    assert parts.take([miss("a.png"), miss("a.png"), miss("b.png"), miss("a.png", f"{PAGE}two")]) == 4
    assert parts.take([Miss("nowhere", PAGE, AT, "http://a.example/x")]) == 0
    assert [(part.url[-5:], part.times) for part in parts.list("c")] == [("a.png", 2), ("b.png", 1), ("a.png", 1)]
    pages = parts.pages("c")
    assert [(page.page_url, page.open) for page in pages] == [(PAGE, 2), (f"{PAGE}two", 1)]
    assert parts.counts("c") == {OPEN: 3, QUEUED: 0, CAPTURED: 0, IGNORED: 0}
    assert [part.url[-5:] for part in parts.list("c", search="b.p")] == ["b.png"]
    assert parts.list("c", search="%") == [] and len(parts.list("c", page_url=PAGE)) == 2


def test_what_is_held_by_now_is_not_missing(parts: MissingParts, holdings: Holdings, tmp_path: Path) -> None:
    capture(holdings, tmp_path, "http://a.example/a.png")
    capture(holdings, tmp_path, "http://a.example/b.png", "404 Not Found")
    assert parts.take([miss("a.png"), miss("b.png")]) == 1
    assert [part.url[-5:] for part in parts.list("c")] == ["b.png"]


def test_a_patch_is_settled_by_what_is_held(parts: MissingParts, holdings: Holdings, tmp_path: Path) -> None:
    parts.take([miss("a.png"), miss("b.png"), miss("a.png", f"{PAGE}two"), miss("c.png")])
    numbers = {part.url[-5:]: part.number for part in parts.list("c")}
    crawl = parts.patch("c", [numbers["a.png"], numbers["b.png"]], desk(holdings), actor="ada")
    assert {(part.url[-5:], part.state) for part in parts.list("c")} == {("a.png", QUEUED), ("b.png", QUEUED), ("c.png", OPEN)}
    assert parts.settle() == 0  # the crawl runs
    capture(holdings, tmp_path, "http://a.example/a.png")
    assert parts.settle() == 2  # in both pages
    CrawlControl(holdings.engine, lambda: NOW).set_state(crawl, "finished", "all was captured")
    parts.settle()
    by_name = {part.url[-5:]: part for part in parts.list("c")}
    assert (by_name["a.png"].state, by_name["b.png"].state) == (CAPTURED, OPEN)
    assert by_name["b.png"].reason
    assert [entry.action for entry in holdings.audit.entries()] == ["crawl.start"]


def test_parts_are_put_aside_and_opened_again(parts: MissingParts, holdings: Holdings) -> None:
    parts.take([miss("a.png"), miss("b.png")])
    numbers = [part.number for part in parts.list("c")]
    assert parts.set_state(numbers[:1], IGNORED, actor="ada") == 1
    parts.take([miss("a.png")])
    assert [part.state for part in parts.list("c")] == [IGNORED, OPEN]  # missed again, and still of no interest
    with pytest.raises(NotFound):
        parts.patch("c", numbers[:1], desk(holdings), actor="ada")
    parts.set_state(numbers, OPEN, actor="ada")
    assert parts.counts("c")[OPEN] == 2
    with pytest.raises(UsageError):
        parts.set_state(numbers, CAPTURED, actor="ada")
    assert [entry.action for entry in holdings.audit.entries()] == ["missing.ignored", "missing.open"]
