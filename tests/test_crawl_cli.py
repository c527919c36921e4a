"""`muniment crawl` and its sub-commands as people and programs use them."""

from __future__ import annotations

import csv
import getpass
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from threading import Event

import pytest

from archiver.cells import safe_cell
from archiver.cli.main import run
from archiver.collections.reports import CrawlReports
from archiver.collections.urllists import UrlLists
from archiver.crawl.control import CrawlControl
from archiver.crawl.decision import UrlState, Verdict
from archiver.holdings import Holdings, utc_now
from archiver.settings import Settings
from tests.archiver.crawlrows import CrawlRows, plan_for
from tests.servers.routes import Answer, Asked, RouteServer

OpenHoldings = Callable[..., Holdings]
MUNIMENT = str(Path(sys.executable).with_name("muniment"))


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


class Muniment:
    """Runs commands in this process."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._home = home
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        status = run(["--archive", str(self._home), *arguments])
        self.out, self.err = self._capsys.readouterr()
        return status

    def json(self, *arguments: str) -> object:
        assert self(*arguments, "--json") in (0, 1), self.err
        return json.loads(self.out)

    def csv(self, *arguments: str) -> list[dict[str, str]]:
        assert self(*arguments, "--csv") == 0, self.err
        return list(csv.DictReader(io.StringIO(self.out)))


@pytest.fixture
def muniment(holdings: Holdings, capsys: pytest.CaptureFixture[str]) -> Muniment:
    return Muniment(holdings.settings.archive, capsys)


@pytest.fixture
def crawl(holdings: Holdings) -> CrawlRows:
    rows = CrawlRows(holdings, plan_for("http://a.example/"))
    seed = rows.url("http://a.example/", verdict=Verdict.SEED)
    page = rows.url("http://a.example/p", via=seed)
    rows.url(
        "http://a.example/i.png", via=page, hops="LE", kind="img src", verdict=Verdict.REQUISITE, mime="image/png", is_new=0
    )
    rows.url("http://a.example/broken", UrlState.FAILED, via=seed, failure="timeout", reason="no answer in 30 s")
    rows.url("http://a.example/private", UrlState.BLOCKED, Verdict.ROBOTS, via=seed)
    rows.url("http://a.example/-1", UrlState.QUEUED, via=seed)
    rows.finish()
    return rows


class Supervisor:
    """Stands where the engine is, and ends every crawl at once: what it was asked to run."""

    def __init__(self) -> None:
        self.ran: list[tuple[Settings, int, int]] = []

    def run(self, holdings: Holdings, crawl: int, *, software: str, workers: int, stop: object, reserve: object) -> None:
        assert software.startswith("muniment/")
        self.ran.append((holdings.settings, crawl, workers))
        CrawlControl(holdings.engine, utc_now).set_state(crawl, "finished", "all done")


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    made = Supervisor()
    monkeypatch.setattr("archiver.crawl.supervise.run", made.run)
    return made


# -- help and mistakes -----------------------------------------------------------------------------------------------


def test_help_shows_both_ways_and_every_command(muniment: Muniment) -> None:
    assert muniment("crawl", "--help") == 0
    assert "muniment crawl [OPTIONS] SEED..." in muniment.out
    assert "muniment crawl COMMAND [OPTIONS] [ID]" in muniment.out
    for name in ("list", "pause", "report", "resume", "retry", "set", "stop", "urls", "watch", "why"):
        assert f"\n  {name} " in muniment.out
    for option in ("--scope", "--limit-bytes SIZE", "--delay SECONDS", "--trap NAME=VALUE", "--dry-run", "--workers N"):
        assert option in muniment.out


@pytest.mark.parametrize("name", ["list", "pause", "report", "resume", "retry", "set", "start", "stop", "urls", "watch", "why"])
def test_every_sub_command_has_help(muniment: Muniment, name: str) -> None:
    assert muniment("crawl", name, "--help") == 0
    assert f"Usage: muniment crawl {name}" in muniment.out


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["ftp://a.example/"], 2, "not an http or https address"),
        (["--limit-bytes", "lots", "a.example"], 2, "“lots” is not a size. Write it like 500, 10MB or 2GB."),
        (["--limit-time", "2 fortnights", "a.example"], 2, "is not a time"),
        (["--delay", "soon", "a.example"], 2, "is not a time"),
        (["--limit-pages", "-1", "a.example"], 2, "-1"),
        (["--scope", "prefx", "a.example"], 2, "prefx"),
        (["--scope", "custom", "a.example"], 2, "--accept"),
        (["--accept-regex", "(", "a.example"], 2, "regular expression"),
        (["--trap", "segments=3", "a.example"], 2, "no trap guard"),
        (["--cookies", "no-such-file", "a.example"], 2, "no-such-file"),
        (["--limit-pages", "5"], 2, "no seed"),
        (["-c", "default", "list"], 2, "is a sub-command"),
        (["--dry-run", "-c", "defualt", "report"], 2, "is a sub-command"),
        (["a.example", "-c", "defualt"], 1, "Did you mean “default”?"),
        (["list", "-c", "defualt"], 1, "Did you mean “default”?"),
        (["list", "--all", "-c", "default"], 2, "Leave one of them out"),
        (["report", "99"], 1, "There is no crawl 99"),
        (["report", "x"], 2, "x"),
        (["report", "--csv", "--json", "--hosts"], 2, "choose one"),
        (["report", "--csv", "--json"], 2, "choose one"),
        (["urls", "--csv", "--json"], 2, "choose one"),
        (["urls", "--host", "z.example"], 1, "met no host"),
        (["urls", "--state", "lost"], 2, "lost"),
        (["why", "mailto:a@b"], 2, "not an http or https address"),
        (["retry"], 2, "--failed"),
        (["set", "--rule-off", "3"], 2, "no rule 3"),
    ],
)
def test_mistakes_get_a_sentence_and_a_status(
    muniment: Muniment, crawl: CrawlRows, supervisor: Supervisor, arguments: list[str], status: int, says: str
) -> None:
    assert muniment("crawl", *arguments) == status
    assert says in muniment.err
    assert not supervisor.ran


def test_without_a_crawl_every_command_says_how_to_begin_one(muniment: Muniment) -> None:
    for arguments in (["report"], ["urls"], ["why", "http://a.example/"], ["pause"], ["resume"], ["set"], ["watch"]):
        assert muniment("crawl", *arguments) == 1
        assert "muniment crawl SEED" in muniment.err
    assert muniment("crawl", "list") == 0
    assert "muniment crawl SEED" in muniment.out
    assert muniment.json("crawl", "list") == []


# -- begin -----------------------------------------------------------------------------------------------------------


def test_a_crawl_is_begun_and_its_end_told(
    muniment: Muniment, holdings: Holdings, supervisor: Supervisor, tmp_path: Path
) -> None:
    (tmp_path / "seeds.txt").write_text("\ufeff# ours\n\nb.example\n  http://a.example/  \n", "utf-8")
    options = [
        "--scope",
        "host",
        "--limit-bytes",
        "2GB",
        "--limit-time",
        "1h30m",
        "--delay",
        "0",
        "--block",
        "logout",
        "--insecure",
    ]
    status = muniment("crawl", *options, "--seeds-file", str(tmp_path / "seeds.txt"), "--workers", "3", "a.example")
    assert status == 1  # nothing was captured
    assert "Crawl 1 finished (all done): 0 documents" in muniment.out
    assert "crawl 1 finished" in muniment.err  # the line of progress
    ((settings, number, workers),) = supervisor.ran
    assert (number, workers, settings.verify_tls) == (1, 3, False)
    plan = CrawlReports(holdings.engine).plan(1)
    assert [seed.url for seed in plan.seeds] == ["http://a.example/", "http://b.example/"]
    assert (plan.scope.value, plan.limits.bytes, plan.limits.seconds, plan.pace.polite) == ("host", 2_000_000_000, 5400, False)
    assert [rule.pattern for rule in plan.rules] == ["logout"]
    assert len(list(UrlLists(holdings.engine).urls(1))) == 2


def test_a_bad_line_in_a_seed_file_is_named(muniment: Muniment, tmp_path: Path) -> None:
    (tmp_path / "seeds.txt").write_text("a.example\nftp://b.example/\n")
    assert muniment("crawl", "--seeds-file", str(tmp_path / "seeds.txt")) == 2
    assert "Line 2 of" in muniment.err and "“ftp://b.example/”" in muniment.err
    (tmp_path / "seeds.txt").write_bytes(b"\xff\xfe\x00garbage")
    assert muniment("crawl", "--seeds-file", str(tmp_path / "seeds.txt")) == 2
    assert "UTF-8" in muniment.err


def test_a_dry_run_shows_the_scope_and_fetches_nothing(muniment: Muniment, supervisor: Supervisor) -> None:
    arguments = ["crawl", "--dry-run", "--block", "logout", "https://a.example/docs/x.html"]
    assert muniment(*arguments) == 0
    assert "a.example/docs/" in muniment.out
    assert "rule 1: block text logout" in muniment.out
    (scope,) = muniment.json(*arguments)  # type: ignore[misc]
    assert (scope["seed"], scope["scope"]) == ("https://a.example/docs/x.html", "prefix")
    assert not supervisor.ran
    assert muniment.json("crawl", "list") == []


# -- reports ---------------------------------------------------------------------------------------------------------


def test_the_newest_crawl_is_meant_without_a_number(muniment: Muniment, holdings: Holdings, crawl: CrawlRows) -> None:
    newer = CrawlRows(holdings, plan_for("http://b.example/")).number
    assert muniment.json("crawl", "report")["id"] == newer  # type: ignore[call-overload,index]
    assert muniment.json("crawl", "report", str(crawl.number))["documents"] == 3  # type: ignore[call-overload,index]


def test_the_overview_in_three_forms(muniment: Muniment, crawl: CrawlRows) -> None:
    assert muniment("crawl", "report") == 0
    for piece in ("3 (2 new, 1 held before)", "2xx: 3", "1 (1 blocked, 0 out of scope, 0 trapped)", "http://a.example/"):
        assert piece in muniment.out.replace("Refused       ", "")
    told = muniment.json("crawl", "report")
    (row,) = muniment.csv("crawl", "report")
    for name in ("documents", "new_documents", "bytes", "queued", "failed", "blocked", "state"):
        assert row[name] == str(told[name])  # type: ignore[call-overload,index]
    assert row["status_2xx"] == "3"


@pytest.mark.parametrize(
    ("part", "key", "values"),
    [
        ("--seeds", "seed", {"http://a.example/": "Crawled"}),
        ("--hosts", "host", {"a.example": "ready"}),
        ("--types", "type", {"text/html": "2", "image/png": "1"}),
        ("--status", "status", {"200": "3"}),
        ("--reasons", "verdict", {"seed": "1", "requisite": "1", "robots": "1"}),
    ],
)
def test_each_part_as_table_csv_and_json(
    muniment: Muniment, crawl: CrawlRows, part: str, key: str, values: dict[str, str]
) -> None:
    rows = {row[key]: row for row in muniment.csv("crawl", "report", part)}
    told = {str(item[key]): item for item in muniment.json("crawl", "report", part)}  # type: ignore[attr-defined]
    assert muniment("crawl", "report", part) == 0
    for name, value in values.items():
        assert name in muniment.out
        assert value in rows[name].values()
        assert value in {str(cell) for cell in told[name].values()}


def test_a_table_says_when_there_is_more(muniment: Muniment, holdings: Holdings) -> None:
    rows = CrawlRows(holdings, plan_for())
    for number in range(60):
        rows.host(f"h{number}.example")
    assert muniment("crawl", "report", "--hosts") == 0
    assert muniment.out.count(".example") == 50
    assert "--limit N" in muniment.out
    assert muniment("crawl", "report", "--hosts", "--limit", "60") == 0
    assert "--limit N" not in muniment.out
    assert len(muniment.csv("crawl", "report", "--hosts")) == 60
    assert len(muniment.csv("crawl", "report", "--hosts", "--limit", "7")) == 7


def test_lists_in_three_forms_and_leaf_by_leaf(muniment: Muniment, crawl: CrawlRows) -> None:
    assert [row["url"] for row in muniment.csv("crawl", "urls", "--state", "failed")] == ["http://a.example/broken"]
    assert len(muniment.json("crawl", "urls", "--old")) == 1  # type: ignore[arg-type]
    first = muniment.csv("crawl", "urls", "--limit", "4")
    rest = muniment.csv("crawl", "urls", "--after", first[-1]["number"])
    assert len({row["url"] for row in first + rest}) == 6
    assert muniment("crawl", "urls", "--host", "a.example", "--state", "failed") == 0
    assert "no answer in 30 s" in muniment.out
    assert muniment("crawl", "urls", "--status", "599") == 0
    assert "no such URL" in muniment.err
    assert muniment.json("crawl", "urls", "--status", "599") == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


def test_what_servers_say_runs_in_no_spreadsheet_and_steers_no_terminal(muniment: Muniment, holdings: Holdings) -> None:
    rows = CrawlRows(holdings, plan_for())
    rows.url("http://a.example/", mime='=cmd|"/c calc"!A1', digest="", reason="\x1b[2Jgone\nmore")
    rows.finish()
    assert [safe_cell(-1), safe_cell(None), safe_cell(True), safe_cell("http://a.example/")] == [
        -1,
        "",
        "yes",
        "http://a.example/",
    ]
    (row,) = muniment.csv("crawl", "urls")
    assert row["mime"] == '\'=cmd|"/c calc"!A1'
    assert muniment.csv("crawl", "report", "--types")[0]["type"].startswith("'=")
    for arguments in (["urls"], ["report", "--types"], ["why", "http://a.example/"]):
        assert muniment("crawl", *arguments) == 0
        assert "\x1b" not in muniment.out
        assert "\nmore" not in muniment.out


# -- why -------------------------------------------------------------------------------------------------------------


def test_why_tells_the_story(muniment: Muniment, crawl: CrawlRows) -> None:
    assert muniment("crawl", "why", "a.example/i.png") == 0
    for piece in (
        "State         captured", "Found on      http://a.example/p", "By            img src", "seed → link → embed",
        "needs it",
        "held before (revisit)", "MUNIMENT-1.warc.gz, offset 777", "/default/20260501100001/http://a.example/i.png",
    ):  # fmt: skip
        assert piece in muniment.out
    (story,) = muniment.json("crawl", "why", "a.example/i.png")  # type: ignore[misc]
    assert [step["url"] for step in story["way"]] == ["http://a.example/", "http://a.example/p", "http://a.example/i.png"]
    assert (story["state"], story["verdict"], story["new"]) == ("captured", "requisite", False)


def test_why_tells_why_not(muniment: Muniment, crawl: CrawlRows) -> None:
    assert muniment("crawl", "why", "http://a.example/private") == 0
    assert "robots.txt" in muniment.out
    assert muniment("crawl", "why", "http://a.example/broken") == 0
    assert "no answer in 30 s" in muniment.out
    assert muniment("crawl", "why", "https://a.example/private/") == 0
    assert "this is the story of http://a.example/private" in muniment.out


def test_why_says_what_would_have_been_decided(muniment: Muniment, crawl: CrawlRows) -> None:
    assert muniment("crawl", "why", "http://a.example/unknown") == 1
    assert "never met" in muniment.out
    assert "would have taken it" in muniment.out
    assert muniment("crawl", "why", "http://z.example/", str(crawl.number)) == 1
    assert "would have refused it. It is outside the scope" in muniment.out
    (told,) = muniment.json("crawl", "why", "http://z.example/")  # type: ignore[misc]
    assert (told["state"], told["would_be_taken"], told["verdict"]) == (None, False, "outside")


# -- control ---------------------------------------------------------------------------------------------------------


def test_a_crawl_is_paused_stopped_and_resumed(
    muniment: Muniment, holdings: Holdings, crawl: CrawlRows, supervisor: Supervisor
) -> None:
    def state() -> tuple[str, str]:
        found = CrawlReports(holdings.engine).find(crawl.number, None)
        return found.state, found.wanted

    assert muniment("crawl", "pause") == 0
    assert "is paused" in muniment.out
    assert state() == ("paused", "pause")
    assert muniment("crawl", "stop") == 0
    assert state() == ("stopped", "stop")
    assert muniment("crawl", "pause") == 1
    assert "stopped already" in muniment.err
    assert muniment("crawl", "resume", "--workers", "2") == 0
    assert [(number, workers) for _, number, workers in supervisor.ran] == [(crawl.number, 2)]
    assert state()[0] == "finished"
    assert muniment("crawl", "stop") == 1
    assert muniment("crawl", "set", "--depth", "3") == 0
    assert muniment("crawl", "retry", "--failed", "--queue-only") == 0
    entries = [item for item in holdings.audit.entries() if item.subject == f"crawl {crawl.number}"]
    assert {item.actor for item in entries} == {f"{getpass.getuser()} (terminal)"}
    assert [(item.action, item.detail) for item in entries] == [
        ("crawl.pause", ""), ("crawl.stop", ""), ("crawl.resume", ""),
        ("crawl.change", '{"changes": ["depth: 0 → 3"]}'), ("crawl.retry", '{"urls": 1}'),
    ]  # fmt: skip


def test_a_crawl_that_runs_elsewhere_is_asked(muniment: Muniment, crawl: CrawlRows, supervisor: Supervisor) -> None:
    crawl.worker(utc_now().timestamp())
    assert muniment("crawl", "pause") == 0
    assert "pauses once" in muniment.out
    assert muniment("crawl", "resume") == 0
    assert "muniment crawl watch" in muniment.out
    assert not supervisor.ran


def test_set_changes_the_plan_of_a_running_crawl(muniment: Muniment, holdings: Holdings, crawl: CrawlRows) -> None:
    assert muniment("crawl", "set", "--depth", "3", "--limit-bytes", "5MB", "--block", "logout", "--delay", "2") == 0
    assert "block text logout" in muniment.out
    assert muniment("crawl", "set", "--rule-off", "1", "--delay", "auto") == 0
    assert muniment("crawl", "set") == 0
    for piece in ("depth                  3", "5.0 MB", "block text logout  (off)", "auto"):
        assert piece in muniment.out
    told = muniment.json("crawl", "set")
    assert told["rules"][0]["enabled"] is False  # type: ignore[call-overload,index]
    assert CrawlControl(holdings.engine, utc_now).info(crawl.number).plan_version == 2


def test_failed_urls_are_tried_again(muniment: Muniment, holdings: Holdings, crawl: CrawlRows, supervisor: Supervisor) -> None:
    assert muniment("crawl", "retry", "--failed", "--queue-only") == 0
    assert "1 URL of crawl" in muniment.out
    assert not supervisor.ran
    assert muniment.json("crawl", "urls", "--state", "failed") == []
    assert muniment("crawl", "retry", "--failed") == 0
    assert "0 URLs" in muniment.out


def test_watching_a_crawl_that_nobody_works_on(muniment: Muniment, holdings: Holdings, crawl: CrawlRows) -> None:
    assert muniment("crawl", "watch") == 1
    assert f"muniment crawl resume {crawl.number}" in muniment.err
    assert "3 documents" in muniment.out
    CrawlControl(holdings.engine, utc_now).set_state(crawl.number, "finished", "all done")
    assert muniment("crawl", "watch") == 0
    assert "finished (all done)" in muniment.out


# -- with the engine -------------------------------------------------------------------------------------------------


def test_a_real_crawl_from_its_seed_to_its_reports(muniment: Muniment, holdings: Holdings) -> None:
    home = Answer(
        b"<title>Home</title><img src=i.png><a href=p>page</a><a href=gone>gone</a><a href=http://z.invalid/>away</a>"
    )
    paths = {
        "/": home,
        "/i.png": Answer(b"png", "image/png"),
        "/p": Answer(b"<title>P</title><a href=secret/x>x</a>"),
        "/robots.txt": Answer(b"User-agent: *\nDisallow: /secret/\n", "text/plain"),
    }
    with RouteServer(paths) as server:
        url = server.url("/")
        assert muniment("crawl", "--allow-private", "--delay", "0", "--no-sitemaps", url) == 0
        assert "Crawl 1 finished" in muniment.out
        (seed,) = muniment.csv("crawl", "report", "--seeds")
        told = muniment.json("crawl", "report")
        assert (seed["seed"], seed["status"]) == (url, "Crawled")
        listed = {row["url"]: row for row in muniment.csv("crawl", "urls")}
        assert (listed[url]["state"], listed[server.url("/gone")]["status"]) == ("captured", "404")
        assert listed[server.url("/secret/x")]["state"] == "blocked"
        assert listed["http://z.invalid/"]["state"] == "out-of-scope"
        captured = [row for row in listed.values() if row["state"] == "captured"]
        assert told["documents"] == len(captured) >= 5  # type: ignore[call-overload,index]
        assert sum(int(row["bytes"]) for row in captured) == told["bytes"]  # type: ignore[call-overload,index]
        assert muniment("crawl", "why", server.url("/secret/x")) == 0
        assert f"Found on      {server.url('/p')}" in muniment.out
        assert "robots.txt" in muniment.out
        assert muniment("crawl", "resume") in (0, 1)  # allowed to reach loopback as it was
        assert len(muniment.csv("crawl", "list")) == 1
    begun = next(item for item in holdings.audit.entries() if item.action == "crawl.start")
    assert begun.subject == "crawl 1" and json.loads(begun.detail)["first"] == url


def test_a_crawl_is_paused_changed_and_resumed_from_another_terminal(muniment: Muniment, holdings: Holdings) -> None:
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return Answer(b"<title>One</title><a href=/two>two</a><a href=/three>three</a>")

    def state() -> str:
        return CrawlReports(holdings.engine).find(None, "default").state

    answers = {"/": Answer(b"<a href=/one>one</a>"), "/one": slow, "/two": Answer(b"2"), "/three": Answer(b"3")}
    with RouteServer(answers) as server:
        command = [MUNIMENT, "--archive", str(holdings.settings.archive), "crawl", "--allow-private", "--delay", "0"]
        with subprocess.Popen([*command, server.url("/")], stdout=PIPE, stderr=PIPE, text=True) as process:
            assert asked.wait(20)
            assert muniment("crawl", "pause") == 0
            assert "pauses once" in muniment.out
            release.set()
            until = time.monotonic() + 20
            while state() != "paused":
                assert time.monotonic() < until
            assert muniment("crawl", "set", "--block", "/two") == 0
            assert muniment("crawl", "resume") == 0
            assert "goes on where it runs" in muniment.out
            out, errors = process.communicate(timeout=30)
        listed = {row["url"]: row for row in muniment.csv("crawl", "urls")}
    assert process.returncode == 0, errors
    assert "Crawl 1 finished" in out
    assert listed[server.url("/three")]["state"] == "captured"
    assert (listed[server.url("/two")]["state"], listed[server.url("/two")]["verdict"]) == ("out-of-scope", "block-rule")
    assert state() == "finished"
