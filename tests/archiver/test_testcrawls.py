"""Test crawls: apart until they are saved or discarded, and nothing is lost or left behind when that is cut short."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from archiver import testcrawls
from archiver.budget import budget_of, tell_near, years
from archiver.collections.reports import CrawlReports
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import Schedule, SeedDraft
from archiver.crawl.control import CrawlControl
from archiver.engine import StopSignal
from archiver.errors import Conflict, NotFound, UnknownCollection, UsageError
from archiver.extract.text import DocumentText
from archiver.holdings import Holdings, open_holdings, utc_now
from archiver.index.database import writing
from archiver.index.query import KeyRange
from archiver.jobs import JobState
from archiver.keeping import work_off
from archiver.schedules import ScheduleRegistry
from archiver.search.build import read_texts
from archiver.search.store import CapturedText, TextStore
from archiver.testdiff import difference
from archiver.verifyarchive import ArchiveVerifier
from archiver.warc.rules import Severity
from replay.app import create_reader
from tests.archiver.crawling import page, plan, run
from tests.conftest import OpenHoldings
from tests.servers.postgresql import PostgreSQL
from tests.servers.routes import Answer, RouteServer

ALL = [KeyRange("", None)]
STYLE = b"body { color: black } /* " + b"the same everywhere " * 30 + b"*/"


@pytest.fixture
def holdings(holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch) -> Holdings:
    monkeypatch.setattr(testcrawls, "_ROWS_AT_ONCE", 3)
    return holdings_with()


def site(*names: str) -> RouteServer:
    routes = {name: Answer(f"<title>{name}</title><p>All about {name}".encode() * 20) for name in names}
    return RouteServer({"/": page(*names), "/style.css": Answer(STYLE, "text/css"), **routes})


def crawled(holdings: Holdings, server: RouteServer) -> int:
    crawl, _ = testcrawls.begin_test(holdings, "default", plan(server.url("/")), by="ada")
    assert all(job.state is JobState.DONE for job in work_off(holdings, StopSignal()))
    return crawl


def texts_are_read(holdings: Holdings) -> Answer:
    """A page that comes after the keeper has read the texts of what was captured until now."""
    read_texts(holdings)
    return Answer(b"<title>/c</title><p>All about /c" * 20)


def urls(holdings: Holdings, slug: str) -> list[str]:
    return sorted(capture.url for capture in holdings.index.scan([slug], ALL))


def errors(holdings: Holdings) -> list[str]:
    reports = ArchiveVerifier(holdings).run(utc_now)
    return [f"{item.rule} {item.detail}" for report in reports for item in report.log.listed if item.severity is Severity.ERROR]


def test_a_test_crawl_is_seen_by_nobody_until_it_is_saved(holdings: Holdings) -> None:
    with site("/a", "/b", "/c") as server:
        server.routes = {**server.routes, "/c": lambda asked: texts_are_read(holdings)}
        crawl = crawled(holdings, server)
        test = testcrawls.get_test(holdings, crawl)
        assert (test.collection, test.state, test.requested_by) == ("default", "unsaved", "ada")
        held = urls(holdings, test.apart)
        assert len(held) >= 4 and urls(holdings, "default") == []
        assert [item.slug for item in holdings.collections.all()] == ["default"]
        reader = create_reader(holdings.settings, holdings).test_client()
        wanted = server.url("/a")
        for address in (f"/{test.apart}/", f"/{test.apart}/2/{wanted}", f"/default/2/{wanted}", f"/all/2/{wanted}"):
            assert reader.get(address).status_code == 404, address
        assert test.apart not in reader.get("/").get_data(as_text=True)
        assert reader.get(f"/{test.apart}/cdx?url={wanted}").status_code == 404
        read_texts(holdings)
        assert reader.get("/default/?q=about").get_data(as_text=True).count("/a</a>") == 0
        testcrawls.ask_to_save(holdings, crawl, by="ada")
        with pytest.raises(Conflict):
            testcrawls.ask_to_discard(holdings, crawl, by="ada")
        [job] = work_off(holdings, StopSignal())
        assert (job.state, job.result) == (JobState.DONE, {"captures": len(held)})
        assert urls(holdings, "default") == held and urls(holdings, test.apart) == []
        assert testcrawls.get_test(holdings, crawl).state == "saved"
        assert CrawlReports(holdings.engine).find(crawl, "default").number == crawl
        assert holdings.files.totals("default").captures == len(held) and not holdings.files.totals(test.apart).files
        assert reader.get(f"/default/2/{wanted}", follow_redirects=True).status_code == 200
        read_texts(holdings)
        hits = reader.get("/default/?q=about").get_data(as_text=True)
        assert hits.count('class="snippet"') == 3
        assert errors(holdings) == []
        run(holdings, CrawlControl(holdings.engine, utc_now).create("default", plan(server.url("/"))), software="x")
    sums = CrawlReports(holdings.engine).find(crawl + 1, None).sums
    assert sums.documents and sums.old_documents >= 3  # what was saved is remembered
    actions = [entry.action for entry in holdings.audit.entries()]
    assert actions == ["job.crawl", "job.save-test", "test.saved"]


def test_a_test_knows_what_the_collection_holds(holdings: Holdings) -> None:
    with site("/a", "/b") as server:
        first = CrawlControl(holdings.engine, utc_now).create("default", plan(server.url("/")))
        run(holdings, first, software="x")
        crawl = crawled(holdings, server)
        assert testcrawls.previous_crawl(holdings, testcrawls.get_test(holdings, crawl)) == first
        sums = CrawlReports(holdings.engine).find(crawl, None).sums
        assert sums.old_documents >= 2
        testcrawls.ask_to_save(holdings, crawl, by="ada")
        work_off(holdings, StopSignal())
    assert errors(holdings) == []


def test_what_is_discarded_is_gone_with_its_files(holdings: Holdings, tmp_path: Path) -> None:
    with site("/a", "/b", "/c") as server:
        kept = CrawlControl(holdings.engine, utc_now).create("default", plan(server.url("/a"), scope="page"))
        run(holdings, kept, software="x")
        before = (urls(holdings, "default"), sorted(holdings.store.names()))
        crawl = crawled(holdings, server)
        assert sorted(holdings.store.names()) != before[1]
        texts = TextStore(holdings.engine)
        with writing(holdings.engine) as connection:  # as if they had been read while the crawl ran
            number = holdings.collections.number(testcrawls.get_test(holdings, crawl).apart)
            found = CapturedText(
                number, "k", server.url("/a"), "20260101000000", "text/html", "", DocumentText("A", "secret words", "en")
            )
            texts.add_within(connection, [found])
        testcrawls.ask_to_discard(holdings, crawl, by="ada")
        [job] = work_off(holdings, StopSignal())
    assert job.state is JobState.DONE and job.result["captures"] >= 3
    with writing(holdings.engine) as connection:
        assert not texts.forget_within(connection, number, "k")
    assert (urls(holdings, "default"), sorted(holdings.store.names())) == before
    assert testcrawls.get_test(holdings, crawl).state == "discarded"
    assert CrawlReports(holdings.engine).find(crawl, None).sums.documents  # the report stays
    assert errors(holdings) == []


class Killed(BaseException):
    """As if the process had gone."""


def killing(after: int) -> Callable[[int], None]:
    left = [after]

    def tell(_: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    return tell


@pytest.mark.parametrize("wanted", ["save", "discard"])
def test_cut_short_at_every_batch_it_goes_on(holdings: Holdings, wanted: str) -> None:
    with site("/a", "/b", "/c", "/d", "/e") as server:
        crawl = crawled(holdings, server)
    held = urls(holdings, testcrawls.get_test(holdings, crawl).apart)
    {"save": testcrawls.ask_to_save, "discard": testcrawls.ask_to_discard}[wanted](holdings, crawl, by="ada")
    do = {"save": testcrawls.save, "discard": testcrawls.discard}[wanted]
    cuts = 0
    while True:
        try:
            do(holdings, crawl, killing(0))
            break
        except Killed:
            cuts += 1
            parts = holdings.files.totals("default").captures + holdings.files.totals(f"default.test{2}").captures
            assert wanted == "discard" or parts == len(held)
    assert cuts >= 2
    assert urls(holdings, "default") == (held if wanted == "save" else [])
    assert errors(holdings) == []
    assert do(holdings, crawl) == 0


def test_what_nobody_decides_about_is_discarded_in_time(holdings: Holdings) -> None:
    with site("/a") as server:
        crawl = crawled(holdings, server)
    assert testcrawls.discard_expired(holdings) == []
    later = open_holdings(holdings.settings, clock=lambda: utc_now() + timedelta(days=15))
    assert testcrawls.discard_expired(later) == [crawl]
    assert testcrawls.discard_expired(later) == []
    later.close()
    work_off(holdings, StopSignal())
    assert testcrawls.get_test(holdings, crawl).state == "discarded"


def test_what_is_no_test_crawl(holdings: Holdings) -> None:
    crawl = CrawlControl(holdings.engine, utc_now).create("default", plan("http://x.example/"))
    with pytest.raises(NotFound):
        testcrawls.ask_to_save(holdings, crawl, by="ada")
    with pytest.raises(UnknownCollection):
        testcrawls.begin_test(holdings, "nowhere", plan("http://x.example/"), by="ada")
    with pytest.raises(UsageError):
        holdings.collections.create("default.test1")


def test_a_running_test_crawl_is_not_decided_about(holdings: Holdings) -> None:
    crawl, _ = testcrawls.begin_test(holdings, "default", plan("http://x.example/"), by="ada")
    CrawlControl(holdings.engine, utc_now).register(crawl)
    with pytest.raises(Conflict, match="runs"):
        testcrawls.ask_to_save(holdings, crawl, by="ada")


def test_schedules_test_crawls_and_budgets_on_postgresql(
    holdings_with: OpenHoldings, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testcrawls, "_ROWS_AT_ONCE", 3)
    holdings = holdings_with(database=postgresql.new_archive())
    with site("/a", "/b") as server:
        SeedRegistry(holdings.engine, utc_now).add("default", [SeedDraft(server.url("/a"), schedule="daily", scope="page")])
        fast = '{"pace": {"factor": 0, "min_seconds": 0, "max_seconds": 0}, "robots": "ignore", "sitemaps": false}'
        ScheduleRegistry(holdings).set("default", Schedule.DAILY, by="ada", plan=fast)
        [first] = ScheduleRegistry(holdings).run("default", Schedule.DAILY, by="ada")
        crawls = [testcrawls.begin_test(holdings, "default", plan(server.url("/")), by="ada")[0] for _ in range(2)]
        assert {job.state for job in work_off(holdings, StopSignal())} == {JobState.DONE}
    assert difference(holdings, testcrawls.get_test(holdings, crawls[0])).before is not None
    before = budget_of(holdings, holdings.collections.get("default"))
    held = len(urls(holdings, "default"))
    testcrawls.ask_to_save(holdings, crawls[0], by="ada")
    testcrawls.ask_to_discard(holdings, crawls[1], by="ada")
    assert {job.state for job in work_off(holdings, StopSignal())} == {JobState.DONE}
    assert len(urls(holdings, "default")) > held and errors(holdings) == []
    after = budget_of(holdings, holdings.collections.get("default"))
    assert after.used > before.used > 0 and list(years(holdings, "default").values()) == [after.used]
    holdings.collections.update("default", budget_bytes=1)
    assert tell_near(holdings) == 0 and testcrawls.tell_expiring(holdings) == 0  # there is nobody to be told
    assert ScheduleRegistry(holdings).get("default", Schedule.DAILY).last_crawl == first
