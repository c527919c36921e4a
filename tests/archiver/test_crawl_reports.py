"""What a crawl did: its numbers, the lists behind them, the stories of its URLs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, insert, update

from archiver.collections.hosts import QueueState, hosts
from archiver.collections.progress import progress
from archiver.collections.reports import CrawlReports, SeedStatus
from archiver.collections.stories import MAX_STEPS, Stories
from archiver.collections.urllists import UrlFilter, UrlLists
from archiver.collections.wording import hops_in_words
from archiver.crawl.decision import UrlState, Verdict
from archiver.crawl.entries import url_hash
from archiver.crawl.plan import Limits
from archiver.errors import NotFound, UsageError
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_hosts, crawl_queues, crawl_urls
from archiver.index.database import reading, writing
from archiver.index.tables import crawls
from tests.archiver.crawlrows import CrawlRows, plan_for

OpenHoldings = Callable[..., Holdings]
NOW = 1_800_000_000.0


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


def small(holdings: Holdings, **values: object) -> CrawlRows:
    """One crawl with a URL of each fate."""
    rows = CrawlRows(holdings, plan_for("http://a.example/", "http://b.example/"), **values)
    seed = rows.url("http://a.example/", verdict=Verdict.SEED)
    rows.url("http://a.example/style.css", via=seed, hops="E", kind="link href", mime="text/css", is_new=0, length=10)
    rows.url("http://a.example/gone", via=seed, status=404)
    rows.url("http://a.example/later", UrlState.QUEUED, via=seed)
    rows.url("http://a.example/broken", UrlState.FAILED, via=seed, attempts=3, failure="timeout", reason="no answer in 30 s")
    rows.url("http://a.example/private", UrlState.BLOCKED, Verdict.ROBOTS, via=seed, detail="Disallow: /private")
    rows.url("http://c.example/", UrlState.OUT_OF_SCOPE, Verdict.OUTSIDE, via=seed)
    rows.url("http://a.example/x/x/x/x/", UrlState.TRAPPED, Verdict.REPEATED_SEGMENT, via=seed, detail="x")
    rows.url("http://b.example/", UrlState.FAILED, Verdict.SEED, seed="http://b.example/", failure="dns", reason="unknown name")
    rows.finish()
    return rows


# -- numbers ---------------------------------------------------------------------------------------------------------


def test_the_overview_adds_up(holdings: Holdings) -> None:
    rows = small(holdings)
    rows.worker(NOW - 5)
    rows.worker(NOW - 500)
    seen = CrawlReports(holdings.engine).overview(rows.number, NOW)
    sums = seen.crawl.sums
    assert (sums.documents, sums.new_documents, sums.old_documents, sums.bytes, sums.new_bytes) == (3, 2, 1, 2010, 2000)
    assert (sums.queued, sums.failed, sums.blocked, sums.out_of_scope, sums.trapped, sums.met) == (1, 2, 1, 1, 1, 9)
    assert (seen.hosts, seen.pages, seen.rate, seen.workers) == (3, 2, 0.03, 1)
    assert seen.classes == {"2xx": 2, "4xx": 1}
    assert seen.plan == plan_for("http://a.example/", "http://b.example/")


def test_every_number_is_as_long_as_its_list(holdings: Holdings) -> None:
    rows = small(holdings)
    reports, lists = CrawlReports(holdings.engine), UrlLists(holdings.engine)

    def length(**wanted: object) -> int:
        return len(list(lists.urls(rows.number, UrlFilter(**wanted))))  # type: ignore[arg-type]

    for host in hosts(holdings.engine, rows.number):
        found = [length(host=host.host, state=state) for state in UrlState]
        sums = host.sums
        assert found == [sums.queued, sums.documents, sums.failed, sums.blocked, sums.out_of_scope, sums.trapped]
        assert length(host=host.host) == sums.met
        assert length(host=host.host, new=True) == sums.new_documents
    for seed in reports.seeds(rows.number):
        assert length(seed=seed.url) == seed.sums.met
    for kind in reports.types(rows.number):
        assert length(mime=kind.key) == kind.sums.documents
    for status in reports.statuses(rows.number):
        assert length(status=int(status.key)) == status.sums.documents
    for reason in reports.reasons(rows.number):
        assert length(state=reason.state, verdict=reason.verdict, failure=reason.failure) == reason.urls
    assert length() == reports.find(rows.number, None).sums.met == 9


def test_crawls_are_listed_newest_first_and_found_by_number(holdings: Holdings) -> None:
    holdings.collections.create("news")
    first, second = small(holdings).number, small(holdings, collection="news").number
    holdings.crawls.start("default", ["http://a.example/"])  # a single page is no crawl
    reports = CrawlReports(holdings.engine)
    assert [item.number for item in reports.crawls()] == [second, first]
    assert [item.number for item in reports.crawls("default")] == [first]
    assert reports.find(None, "news").number == second
    assert reports.find(first, "default").seeds == ("http://a.example/", "http://b.example/")
    for number, collection, says in [(99, None, "no crawl 99"), (first, "news", "is one of “default”")]:
        with pytest.raises(NotFound, match=says):
            reports.find(number, collection)
    holdings.collections.create("empty")
    with pytest.raises(NotFound, match="Begin one") as raised:
        reports.find(None, "empty")
    assert "muniment crawl SEED" in raised.value.in_terminal  # a browser has no command line


def test_a_crawl_that_has_done_nothing_yet_has_a_report(holdings: Holdings) -> None:
    rows = CrawlRows(holdings, plan_for(), seconds=0.0)
    reports = CrawlReports(holdings.engine)
    assert reports.overview(rows.number, NOW).rate == 0
    assert [row.words for row in reports.seeds(rows.number)] == ["Queued"]
    assert list(hosts(holdings.engine, rows.number)) == reports.types(rows.number) == reports.reasons(rows.number) == []
    assert list(UrlLists(holdings.engine).urls(rows.number)) == []
    assert progress(holdings.engine, rows.number, NOW).busiest == ()


def test_a_plan_of_a_newer_version_is_said(holdings: Holdings) -> None:
    rows = CrawlRows(holdings, plan_for())
    with writing(holdings.engine) as connection:
        connection.execute(update(crawls).values(plan='{"seeds":[],"teleport":true}'))
    with pytest.raises(UsageError, match="newer version"):
        CrawlReports(holdings.engine).plan(rows.number)


# -- seeds -----------------------------------------------------------------------------------------------------------

SEEDS = {
    "http://ok.example/": ("Crawled", {}),
    "http://gone.example/": ("Crawled (Error 404)", {"status": 404}),
    "http://moved.example/": ("Redirected (to http://www.moved.example/)", {"status": 301}),
    "http://same.example/": ("Redirected", {"status": 302}),
    "http://unchanged.example/": ("Crawled", {"status": 304}),
    "http://dns.example/": ("Not crawled (unknown name)", {"state": UrlState.FAILED, "reason": "unknown name"}),
    "http://robots.example/": ("Blocked by robots.txt", {"state": UrlState.BLOCKED, "verdict": Verdict.ROBOTS}),
    "http://later.example/": ("Queued", {"state": UrlState.QUEUED}),
    "http://never.example/": ("Queued", None),
}


def test_seeds_have_archive_its_words(holdings: Holdings) -> None:
    rows = CrawlRows(holdings, plan_for(*SEEDS))
    for seed, (_, values) in SEEDS.items():
        if values is not None:
            fate = {"verdict": Verdict.SEED, **values}
            number = rows.url(seed, seed=seed, **fate)  # type: ignore[arg-type]
            if seed == "http://moved.example/":
                rows.url("https://moved.example/", via=number, seed=seed, hops="R", kind="redirect")
                rows.leads(seed, "https://moved.example/", "http://www.moved.example/")
    found = list(CrawlReports(holdings.engine).seeds(rows.finish()))
    assert {row.url: row.words for row in found} == {seed: words for seed, (words, _) in SEEDS.items()}
    assert [row.url for row in found] == list(SEEDS)
    assert found[2].sums.documents == 2
    assert found[0].timestamp == "20260501100001"


def test_a_seed_that_a_rule_refused_says_which(holdings: Holdings) -> None:
    rows = CrawlRows(holdings, plan_for())
    rows.url("http://a.example/", UrlState.OUT_OF_SCOPE, Verdict.BLOCK_RULE, detail="text “a.ex”")
    (row,) = CrawlReports(holdings.engine).seeds(rows.finish())
    assert row.status is SeedStatus.NOT_CRAWLED
    assert "a.ex" in row.detail


def test_more_seeds_than_are_read_at_once(holdings: Holdings) -> None:
    seeds = [f"http://s{number}.example/" for number in range(1203)]
    rows = CrawlRows(holdings, plan_for(*seeds))
    rows.url(seeds[700], seed=seeds[700])
    found = list(CrawlReports(holdings.engine).seeds(rows.finish()))
    assert [row.url for row in found] == seeds
    assert [row.url for row in found if row.status is SeedStatus.CRAWLED] == [seeds[700]]


# -- hosts and progress ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "queued", "words"),
    [
        (QueueState(retired="dead", retired_reason="no answer 20 times", in_flight=1), 5, "given up: no answer 20 times"),
        (QueueState(in_flight=1, ready_at=NOW + 9), 5, "fetching"),
        (QueueState(ready_at=NOW + 90, waits_for="Retry-After"), 5, "waits 90 s: Retry-After"),
        (QueueState(ready_at=NOW + 3), 5, "waits 3 s"),
        (QueueState(ready_at=NOW - 3), 5, "ready"),
        (QueueState(ready_at=NOW + 90, waits_for="Retry-After"), 0, ""),
        (QueueState(), 5, ""),
    ],
)
def test_what_a_host_is_doing(state: QueueState, queued: int, words: str) -> None:
    assert state.words(NOW, queued) == words
    assert state.words(NOW, queued, running=False) == (words if words.startswith("given up") else "")


def test_progress_says_which_hosts_wait_and_why(holdings: Holdings) -> None:
    rows = CrawlRows(holdings, plan_for("http://busy.example/", limits=Limits(documents=50)))
    queues = {
        "slow.example": {"ready_at": NOW + 40, "waits_for": "Retry-After"},
        "busy.example": {"worker_id": rows.worker(NOW)},
        "next.example": {"ready_at": NOW - 1},
        "dead.example": {"retired": "dead", "retired_reason": "connection refused 10 times"},
    }
    for place, (host, values) in enumerate(queues.items()):
        for number in range(4 - place):
            rows.url(f"http://{host}/{number}", UrlState.QUEUED)
        with writing(holdings.engine) as connection:
            free = {"worker_id": None, "ready_at": None, "pending": 4 - place}
            connection.execute(
                update(crawl_queues).where(crawl_queues.c.host_id == rows.host(host)).values(**free | values)
            )  # fmt: skip
    rows.queue("busy.example", lane=1, worker_id=1)  # one host, two lanes
    rows.host("idle.example")
    now = progress(holdings.engine, rows.finish(), NOW)
    assert (now.workers, now.hosts, now.in_flight, now.ready, now.waiting, now.retired) == (1, 5, 1, 1, 1, 1)
    assert [(row.host, row.queue.words(NOW, row.sums.queued)) for row in now.busiest] == [
        ("busy.example", "fetching"),
        ("slow.example", "waits 40 s: Retry-After"),
        ("next.example", "ready"),
        ("dead.example", "given up: connection refused 10 times"),
    ]
    assert now.limits.documents == 50
    assert [row.host for row in progress(holdings.engine, rows.number, NOW, hosts=1).busiest] == ["busy.example"]


# -- lists -----------------------------------------------------------------------------------------------------------


def many(holdings: Holdings, count: int = 2600) -> int:
    """A crawl of many URLs on four hosts, in and out of order, with another crawl's before, between and behind."""
    rows = CrawlRows(holdings, plan_for())
    other = CrawlRows(holdings, plan_for())
    named = [rows.host(f"h{number}.example") for number in range(4)]
    values = [
        {
            "crawl_id": other.number if number % 13 == 0 else rows.number,
            "hash": url_hash(f"http://h{number % 4}.example/{number}"),
            "url": f"http://h{number % 4}.example/{number}",
            "host_id": named[number % 4],
            "seed_id": 1,
            "hops": "L",
            "slot": "link",
            "kind": "a href",
            "state": number % 3,
            "verdict": "in-scope",
        }
        for number in range(count)
    ]
    with writing(holdings.engine) as connection:
        connection.execute(insert(crawl_urls), values)
        connection.execute(update(crawl_hosts).values(queued=1, documents=1, failed=1))
    return rows.number


@pytest.mark.parametrize(
    "wanted",
    [
        UrlFilter(),
        UrlFilter(host="h1.example"),
        UrlFilter(host="h2.example", state=UrlState.FAILED),
        UrlFilter(state=UrlState.QUEUED),
    ],
    ids=["all", "host", "host and state", "state"],
)
def test_lists_are_whole_and_can_be_leafed_through(holdings: Holdings, wanted: UrlFilter) -> None:
    crawl, lists = many(holdings), UrlLists(holdings.engine)
    expected = {
        f"http://h{number % 4}.example/{number}"
        for number in range(2600)
        if number % 13
        and wanted.host in (None, f"h{number % 4}.example")
        and wanted.state in (None, UrlState(number % 3))
    }  # fmt: skip
    whole = [row.url for row in lists.urls(crawl, wanted)]
    assert set(whole) == expected
    leaves: list[str] = []
    after = 0
    while page := list(lists.urls(crawl, wanted, limit=117, after=after)):
        leaves += [row.url for row in page]
        after = page[-1].number
    assert leaves == whole
    if wanted.state is None:
        numbers = [row.number for row in lists.urls(crawl, wanted)]
        assert numbers == sorted(numbers)


def test_long_lists_are_read_through_an_index_and_never_sorted(holdings: Holdings) -> None:
    crawl, lists = many(holdings, 30), UrlLists(holdings.engine)
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(holdings.engine, "before_cursor_execute", note)
    for wanted in (UrlFilter(), UrlFilter(host="h1.example"), UrlFilter(state=UrlState.FAILED), UrlFilter(mime="a/b")):
        list(lists.urls(crawl, wanted))
    event.remove(holdings.engine, "before_cursor_execute", note)
    steps = []
    with reading(holdings.engine) as connection:
        for statement, parameters in asked:
            if "FROM crawl_urls" in statement and "ORDER BY" in statement:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                steps += [step.detail for step in plan]
    assert len(steps) >= 8
    assert not [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN")]


def test_hosts_and_seeds_that_are_not_there_are_said(holdings: Holdings) -> None:
    rows = small(holdings)
    lists = UrlLists(holdings.engine)
    with pytest.raises(NotFound, match="met no host “z"):
        lists.urls(rows.number, UrlFilter(host="z.example"))
    with pytest.raises(NotFound, match="has no seed"):
        lists.urls(rows.number, UrlFilter(seed="http://z.example/"))
    assert len(list(lists.urls(rows.number, UrlFilter(host="A.example", state=UrlState.TRAPPED)))) == 1


# -- stories ---------------------------------------------------------------------------------------------------------


def test_a_story_goes_back_to_the_seed(holdings: Holdings) -> None:
    holdings.collections.create("news")
    rows = CrawlRows(holdings, plan_for())
    seed = rows.url("http://a.example/", verdict=Verdict.SEED)
    page = rows.url("http://a.example/p", via=seed)
    style = rows.url("http://a.example/p.css", via=page, hops="LE", kind="link href")
    rows.url("http://a.example/i.png", via=style, hops="LEE", kind="css url", verdict=Verdict.REQUISITE, is_new=0)
    older = rows.finish()
    newer = small(holdings).number
    CrawlRows(holdings, plan_for(), collection="news").url("http://a.example/i.png")
    stories = Stories(holdings.engine)
    (story,) = stories.met("http://a.example/i.png", "default")
    assert story.crawl.number == older
    assert [(step.url, step.kind) for step in story.way] == [
        ("http://a.example/", "seed"),
        ("http://a.example/p", "a href"),
        ("http://a.example/p.css", "link href"),
        ("http://a.example/i.png", "css url"),
    ]
    assert (story.hop_words, story.taken, story.url.new) == ("seed → link → embed ×2", True, False)
    assert "needs it" in story.decision
    assert (story.url.file, story.url.offset, story.url.timestamp) == ("MUNIMENT-1.warc.gz", 777, "20260501100001")
    assert [item.crawl.number for item in stories.met("http://a.example/", "default")] == [newer, older]
    assert [item.crawl.number for item in stories.met("http://a.example/", "default", older)] == [older]
    assert stories.met("http://a.example/unknown", "default") == []


def test_a_story_tells_why_not(holdings: Holdings) -> None:
    rows = small(holdings)
    stories = Stories(holdings.engine)
    (blocked,) = stories.met("http://a.example/private", "default")
    assert not blocked.taken and "Disallow: /private" in blocked.decision
    rows.queue("a.example", lane=3, retired="dead", retired_reason="no answer 20 times")
    (queued,) = stories.met("http://a.example/later", "default")
    assert queued.queue_note == "no answer 20 times"


def test_long_and_circular_ways_end(holdings: Holdings) -> None:
    rows = CrawlRows(holdings, plan_for())
    via = first = rows.url("http://a.example/")
    for number in range(80):
        via = rows.url(f"http://a.example/{number}", via=via, hops="L" * (number + 1))
    (story,) = Stories(holdings.engine).met("http://a.example/79", "default")
    assert (len(story.way), story.skipped) == (MAX_STEPS, 31)
    assert (story.way[0].url, story.way[1].url, story.way[-1].url) == (
        "http://a.example/", "http://a.example/31", "http://a.example/79",
    )  # fmt: skip
    with writing(holdings.engine) as connection:  # as no crawl writes it
        connection.execute(update(crawl_urls).where(crawl_urls.c.id == first).values(via_id=via))
    (story,) = Stories(holdings.engine).met("http://a.example/79", "default")
    assert story.way[-1].url == "http://a.example/79"


def test_verdicts_of_a_newer_version_are_shown_as_they_are(holdings: Holdings) -> None:
    rows = CrawlRows(holdings, plan_for())
    number = rows.url("http://a.example/", UrlState.BLOCKED)
    with writing(holdings.engine) as connection:
        values = {"verdict": "quantum", "detail": "7", "hops": "L?"}
        connection.execute(update(crawl_urls).where(crawl_urls.c.id == number).values(**values))
    (story,) = Stories(holdings.engine).met("http://a.example/", "default")
    assert (story.decision, story.hop_words) == ("quantum: 7", "seed → link → ?")
    assert CrawlReports(holdings.engine).reasons(rows.number)[0].sentence == "quantum"


def test_the_way_of_a_seed_is_short() -> None:
    assert hops_in_words("") == "seed"
    assert hops_in_words("RLLE") == "seed → redirect → link ×2 → embed"
