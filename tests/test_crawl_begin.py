"""What is looked at before a crawl is begun: words that are no seeds, passwords in addresses, files of a login."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from sqlalchemy import select, update

from archiver.collections.reports import CrawlReports
from archiver.crawl.control import CrawlControl
from archiver.crawl.plan import Login, Seed
from archiver.crawl.supervise import run
from archiver.engine import utc_now
from archiver.errors import UsageError
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_queues
from archiver.index.database import reading, writing
from tests.archiver.crawling import plan
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, RouteServer
from tests.servers.scripted import ScriptedServer
from tests.test_crawl_cli import Muniment


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


@pytest.fixture
def muniment(holdings: Holdings, capsys: pytest.CaptureFixture[str]) -> Muniment:
    return Muniment(holdings.settings.archive, capsys)


@pytest.mark.parametrize(("word", "meant"), [("reprot", "report"), ("lst", "list"), ("resum", "resume")])
def test_a_misspelt_sub_command_begins_no_crawl(muniment: Muniment, holdings: Holdings, word: str, meant: str) -> None:
    assert muniment("crawl", word) == 2
    assert f"Did you mean: muniment crawl {meant}?" in muniment.err and f"http://{word}/" in muniment.err
    assert not CrawlReports(holdings.engine).crawls()


@pytest.mark.parametrize("seed", ["http://reprot/", "reprot.example", "localhost", "intranet"])
def test_hosts_without_a_dot_are_seeds(muniment: Muniment, seed: str) -> None:
    assert muniment("crawl", "--dry-run", seed) == 0


def test_a_dry_run_refuses_what_the_crawl_would_refuse(muniment: Muniment) -> None:
    assert muniment("crawl", "--dry-run", "http://joe:s3cret@a.example/") == 2
    assert "credentials file" in muniment.err and "s3cret" not in muniment.out + muniment.err


def test_a_login_that_cannot_be_read_begins_no_crawl(muniment: Muniment, holdings: Holdings, tmp_path: Path) -> None:
    bad = tmp_path / "credentials.toml"
    bad.write_text('[[login]]\nhost = "a.example"\n', "utf-8")
    assert muniment("crawl", "http://a.example/", "--credentials", str(bad)) == 2
    assert str(bad) in muniment.err
    assert not CrawlReports(holdings.engine).crawls()


def test_what_is_odd_about_a_login_is_said(muniment: Muniment, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    line = "127.0.0.1\tFALSE\t/\tFALSE\t{}\t{}\tvalue-of-cookie\n"
    cookies.write_text("# Netscape HTTP Cookie File\n" + line.format(1, "old") + line.format(0, "new"), "utf-8")
    cookies.chmod(0o644)
    with RouteServer({"/": Answer(b"<title>hello</title>")}) as server:
        arguments = ("--allow-private", "--delay", "0", "--keep-free", "0", "--no-sitemaps", "--cookies", str(cookies))
        assert muniment("crawl", server.url("/"), *arguments) == 0
    said = [text for text in muniment.err.splitlines() if text.startswith("Warning: ")]
    assert len(said) == 2 and all(str(cookies) in text for text in said)
    assert any("1 of 2 cookies" in text for text in said)


def test_a_crawl_that_an_error_ends_is_not_said_to_run(holdings: Holdings, muniment: Muniment, tmp_path: Path) -> None:
    rows = CrawlReports(holdings.engine)
    made = plan(Seed("http://a.example/"), login=Login(cookies=str(tmp_path / "gone.txt")))
    number = CrawlControl(holdings.engine, utc_now).create(holdings.settings.collection, made)
    with pytest.raises(UsageError, match="gone"):
        run(holdings, number, software="muniment/test")
    crawl = rows.find(number, None)
    assert crawl.state == "stopped" and "gone.txt" in crawl.ended
    assert muniment("crawl", "resume", str(number)) == 2
    assert "gone.txt" in muniment.err


def test_a_crawl_whose_processes_were_killed_is_not_said_to_run(holdings: Holdings, muniment: Muniment) -> None:
    control = CrawlControl(holdings.engine, utc_now)
    number = control.create(holdings.settings.collection, plan("http://a.example/"))
    control.set_state(number, "running")
    assert muniment("crawl", "report") == 0
    assert f"left by its processes: muniment crawl resume {number} goes on" in muniment.out
    control.register(number)
    assert muniment("crawl", "report") == 0
    assert "left by" not in muniment.out


def test_what_waits_for_a_host_that_was_given_up_is_tried_again(holdings: Holdings) -> None:
    control = CrawlControl(holdings.engine, utc_now)
    number = control.create(holdings.settings.collection, plan("http://a.example/"))
    given_up = update(crawl_queues).values(retired="dead", retired_reason="it refused the connection", ready_at=None)
    with writing(holdings.engine) as connection:
        connection.execute(given_up)
    assert control.retry_failed(number) == 1
    with reading(holdings.engine) as connection:
        assert connection.execute(select(crawl_queues.c.retired, crawl_queues.c.pending, crawl_queues.c.ready_at)).one() == (
            "",
            1,
            0,
        )
    assert control.retry_failed(number) == 0


def test_a_seed_that_the_guard_refuses_says_so_at_once_and_what_helps(muniment: Muniment) -> None:
    with RouteServer({"/": Answer(b"<p>here")}) as server:
        assert muniment("crawl", server.url(), "--delay", "0") == 1
        assert not server.asked
    assert f"Not crawled: {server.url()}" in muniment.out and "--allow-private" in muniment.out
    assert "robots" not in muniment.out


def test_a_seed_whose_certificate_is_not_valid_says_so_at_once_and_what_helps(muniment: Muniment) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with ScriptedServer([[b""]] * 20, tls=context) as server:
        assert muniment("crawl", f"https://127.0.0.1:{server.port}/", "--delay", "0", "--allow-private") == 1
    assert "certificate" in muniment.out and "--insecure" in muniment.out and "robots" not in muniment.out
