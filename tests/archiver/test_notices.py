"""Notices: who wanted them is told, with proof of who tells; and told again when the other side did not listen."""

from __future__ import annotations

import email
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import update

from archiver import testcrawls
from archiver.budget import budget_of, tell_near, years
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import Schedule, SeedDraft
from archiver.crawl.control import CrawlControl
from archiver.crawljobs import begin_crawl
from archiver.engine import StopSignal
from archiver.errors import InvalidURL, NotFound, UnknownCollection, UsageError
from archiver.holdings import Holdings, open_holdings, utc_now
from archiver.index.database import writing
from archiver.index.tables import files
from archiver.jobkinds import KINDS
from archiver.jobrunner import Runner
from archiver.jobs import Job, JobRegistry, JobState
from archiver.keeping import work_off
from archiver.notices import EVENTS, NoticeRegistry
from archiver.schedules import ScheduleRegistry
from tests.archiver.crawling import FAST, page, plan, run
from tests.browser.conftest import free_port
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, Asked, RouteServer

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Hook:
    """A webhook that answers as it is told, and keeps what it was sent."""

    statuses: list[int] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, request: Asked) -> Answer:
        self.asked.append(request)
        return Answer(b"ok", status=self.statuses.pop(0) if self.statuses else 200)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.asked]


class Mailbox:
    """Takes letters."""

    def __init__(self) -> None:
        self.letters: list[Message] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.letters.append(email.message_from_bytes(envelope.content))
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture
def hook() -> Iterator[tuple[Hook, str]]:
    answers = Hook()
    with RouteServer({"/hook": answers}) as server:
        yield answers, server.url("/hook")


def deliver(holdings: Holdings, clock: Callable[[], datetime] = utc_now) -> list[Job]:
    runner, done = Runner(holdings, {"notice": KINDS["notice"]}, clock=clock), list[Job]()
    while (job := runner.run_one()) is not None:
        done.append(job)
    return done


def test_a_crawl_is_told_of_with_a_signature(holdings_with: OpenHoldings, hook: tuple[Hook, str]) -> None:
    holdings = holdings_with()
    answers, url = hook
    registry = NoticeRegistry(holdings)
    notice = registry.add("webhook", url, ["crawl.started", "crawl.finished"], by="ada", collection="default")
    with RouteServer({"/": page("/a"), "/a": page()}) as server:
        crawl, _ = begin_crawl(holdings, "default", plan(server.url("/")), clock=utc_now)
        work_off(holdings, StopSignal())
        tested, _ = testcrawls.begin_test(holdings, "default", plan(server.url("/")), by="ada")
        work_off(holdings, StopSignal())
    started, finished, begun, _ = answers.bodies()
    assert begun["text"] == f"Test crawl {tested} of “default” began."
    assert (started["event"], finished["event"]) == ("crawl.started", "crawl.finished")
    assert (started["text"], started["facts"]["state"]) == (f"Crawl {crawl} of “default” began.", "running")
    assert finished["facts"]["crawl"] == crawl and finished["facts"]["documents"] == 3
    assert finished["text"] == f"Crawl {crawl} of “default” finished, with 3 documents."
    request = answers.asked[1]
    said = dict(part.split("=", 1) for part in request.headers["Muniment-Signature"].split(","))
    wanted = hmac.new(notice.secret.encode(), f"{said['t']}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(said["v1"], wanted)
    assert request.headers["Muniment-Event"] == "crawl.finished"
    assert registry.get(notice.number).last_result == "sent"
    with pytest.raises(UsageError, match=r"https://example\.org/hook"):
        registry.add("webhook", "ftp://x.example/", ["crawl.failed"], by="ada")
    entry = next(entry for entry in holdings.audit.entries() if entry.action == "notice.add")
    assert notice.secret not in entry.detail


def test_a_crawl_that_got_nothing_is_told_of_as_failed(holdings_with: OpenHoldings, hook: tuple[Hook, str]) -> None:
    holdings = holdings_with()
    NoticeRegistry(holdings).add("webhook", hook[1], ["crawl.failed", "crawl.finished"], by="ada")
    begin_crawl(holdings, "default", plan("http://127.0.0.1:1/", pace=replace(FAST, retries=0)), clock=utc_now)
    work_off(holdings, StopSignal())
    [told] = hook[0].bodies()
    assert told["event"] == "crawl.failed"


def test_what_is_not_taken_is_tried_again_and_then_given_up(holdings_with: OpenHoldings, hook: tuple[Hook, str]) -> None:
    holdings, clock = holdings_with(), Clock()
    answers, url = hook
    answers.statuses = [500, 404] + [302] * 5
    registry = NoticeRegistry(holdings)
    notice = registry.add("webhook", url, ["verify.failed"], by="ada")
    registry.tell("verify.failed", None, "A verification found an error.", {})
    assert [job.message for job in deliver(holdings, clock)] == ["it answered 500"]
    assert deliver(holdings, clock) == []
    clock.now += timedelta(seconds=61)
    assert [job.message for job in deliver(holdings, clock)] == ["it answered 404"]
    for _ in range(4):
        clock.now += timedelta(days=1)
        [job] = deliver(holdings, clock)
        assert job.state is JobState.WAITING
    clock.now += timedelta(days=1)
    [job] = deliver(holdings, clock)
    assert (job.state, job.result["sent"], job.result["attempts"]) == (JobState.DONE, False, 7)
    assert registry.get(notice.number).last_result == "it answered 302"
    assert len({body["id"] for body in answers.bodies()}) == 1  # so that who hears it twice knows


def test_webhooks_do_not_reach_into_private_networks(holdings_with: OpenHoldings, hook: tuple[Hook, str]) -> None:
    holdings = holdings_with(allow_private=False)
    registry = NoticeRegistry(holdings)
    notice = registry.add("webhook", hook[1], ["verify.failed"], by="ada")
    registry.try_out(notice.number, by="ada")
    [job] = deliver(holdings)
    assert "this machine" in job.message and hook[0].asked == []


def test_letters_are_sent(holdings_with: OpenHoldings, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    holdings = holdings_with(
        mail_host="127.0.0.1",
        mail_port=port,
        mail_security="none",
        mail_from="archive@example.org",
        instance_name="Arkiv\r\nBcc: x",
    )
    registry = NoticeRegistry(holdings)
    registry.add("email", "ada@example.org", ["test.expiring"], by="ada")
    registry.tell("test.expiring", "default", "Größe zählt.\r\nBcc: everybody@example.org", {"crawl": 7})
    [job] = deliver(holdings)
    assert job.result == {"attempts": 1, "sent": True}
    [letter] = box.letters
    assert letter["To"] == "ada@example.org" and letter["From"] == "archive@example.org" and letter["Bcc"] is None
    assert "Bcc" not in letter and letter["Auto-Submitted"] == "auto-generated"
    text = letter.get_payload(decode=True)
    assert isinstance(text, bytes) and "Größe zählt." in text.decode() and "crawl: 7" in text.decode()


def test_a_mail_server_that_is_away(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with(mail_host="127.0.0.1", mail_port=free_port(), mail_from="a@example.org", mail_security="starttls")
    registry = NoticeRegistry(holdings)
    notice = registry.add("email", "ada@example.org", ["test.expiring"], by="ada")
    registry.try_out(notice.number, by="ada")
    [job] = deliver(holdings)
    assert job.state is JobState.WAITING and "mail server did not take it" in job.message


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("email", "ada"),
        ("email", "a@b\nBcc: c@d"),
        ("email", "A <a@b.c>"),
        ("email", "a@b.c, d@e.f"),
        ("pigeon", "x"),
        ("email", ""),
    ],
)
def test_targets_that_cannot_be(holdings_with: OpenHoldings, kind: str, target: str) -> None:
    registry = NoticeRegistry(holdings_with(mail_host="mail.example", mail_from="a@example.org"))
    with pytest.raises(UsageError):
        registry.add(kind, target, ["verify.failed"], by="ada")


def test_notices_are_checked_and_removed(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    registry = NoticeRegistry(holdings)
    with pytest.raises(UsageError, match="mail server"):
        registry.add("email", "ada@example.org", ["verify.failed"], by="ada")
    with pytest.raises(InvalidURL):
        registry.add("webhook", "ftp://x.example/", ["verify.failed"], by="ada")
    with pytest.raises(InvalidURL):
        registry.add("webhook", "https://name:word@x.example/", ["verify.failed"], by="ada")
    for events in ([], ["nothing"]):
        with pytest.raises(UsageError):
            registry.add("webhook", "https://x.example/", events, by="ada")
    with pytest.raises(UnknownCollection):
        registry.add("webhook", "https://x.example/", ["verify.failed"], by="ada", collection="nowhere")
    notice = registry.add("webhook", "https://x.example/", list(EVENTS), by="ada", collection="default")
    assert registry.tell("verify.failed", None, "x", {}) == 0  # that one is about a collection
    assert registry.tell("verify.failed", "default", "x", {}) == 1
    registry.remove(notice.number, by="ben")
    with pytest.raises(NotFound):
        registry.get(notice.number)
    [job] = deliver(holdings)
    assert job.result["why"] == "the notice was removed"


def test_who_forgets_a_test_crawl_is_told(holdings_with: OpenHoldings, hook: tuple[Hook, str]) -> None:
    holdings = holdings_with()
    NoticeRegistry(holdings).add("webhook", hook[1], ["test.expiring"], by="ada")
    testcrawls.begin_test(holdings, "default", plan("http://x.example/"), by="ada")
    assert testcrawls.tell_expiring(holdings) == 0
    later = open_holdings(holdings.settings, clock=lambda: utc_now() + timedelta(days=13, hours=1))
    assert [testcrawls.tell_expiring(later) for _ in range(2)] == [1, 0]
    later.close()


# -- budgets ---------------------------------------------------------------------------------------------------------


def test_budgets_count_what_files_grew_by(holdings_with: OpenHoldings, hook: tuple[Hook, str]) -> None:
    holdings = holdings_with()
    NoticeRegistry(holdings).add("webhook", hook[1], ["budget.near"], by="ada")
    SeedRegistry(holdings.engine, utc_now).add("default", [SeedDraft("http://127.0.0.1:1/", schedule="daily")])
    with RouteServer({"/": page("/a"), "/a": Answer(bytes(range(256)) * 40, "image/png")}) as server:
        number = CrawlControl(holdings.engine, utc_now).create("default", plan(server.url("/")))
        run(holdings, number, software="x")
        first = budget_of(holdings, holdings.collections.get("default"))
        assert first.used > 500 and first.used == sum(first.months) and first.limit is None and first.level == ""
        again = CrawlControl(holdings.engine, utc_now).create("default", plan(server.url("/")))
        run(holdings, again, software="x")
        testcrawls.begin_test(holdings, "default", plan(server.url("/")), by="ada")
        work_off(holdings, StopSignal())
    second = budget_of(holdings, holdings.collections.get("default"))
    assert first.used < second.used < 2 * first.used
    assert tell_near(holdings) == 0
    holdings.collections.update("default", budget_bytes=second.used + 10)
    near = budget_of(holdings, holdings.collections.get("default"))
    assert near.level == "near" and near.share is not None and near.share < 1
    assert [tell_near(holdings) for _ in range(2)] == [1, 0]
    holdings.collections.update("default", budget_bytes=second.used)
    assert [tell_near(holdings) for _ in range(2)] == [1, 0]  # told once more, now that it is used up
    with writing(holdings.engine) as connection:
        connection.execute(update(files).where(files.c.id == 1).values(stored_at="2019-05-05T00:00:00Z"))
    assert list(years(holdings, "default")) == [2019, utc_now().year]


def test_the_forecast_goes_by_the_last_run(holdings_with: OpenHoldings) -> None:
    opened, clock = holdings_with(), Clock(utc_now())
    holdings = open_holdings(opened.settings, clock=clock)
    with RouteServer({"/": page()}) as server:
        SeedRegistry(holdings.engine, clock).add("default", [SeedDraft(server.url("/"), schedule="daily")])
        [crawl] = ScheduleRegistry(holdings).run("default", Schedule.DAILY, by="ada")
        [job] = work_off(holdings, StopSignal())
    assert job.arguments["crawl"] == crawl and job.state is JobState.DONE
    anchor = ScheduleRegistry(holdings).get("default", Schedule.DAILY).anchor
    clock.now = datetime(clock.now.year, 12, 28, 9, tzinfo=UTC)
    left = sum(datetime(clock.now.year, 12, day, 2, tzinfo=UTC) >= anchor for day in (29, 30, 31))
    budget = budget_of(holdings, holdings.collections.get("default"))
    size = sum(holdings.store.size(name) for name in holdings.store.names())
    assert budget.expected == left * size and budget.by_schedule == ({"daily": left * size} if left else {})
    assert JobRegistry(holdings.engine, clock).list()[0].state is JobState.DONE
    holdings.close()
