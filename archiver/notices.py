"""Tells people and programs what happened: by e-mail, or by a signed request to an address of theirs.

What is to be told becomes a job in the transaction or moment of the event, so that a crash loses nothing; it is tried again for
two days when the other side does not take it.

A webhook is a POST of JSON. `Muniment-Signature: t=SECONDS,v1=HEX` has the HMAC-SHA256, keyed with the notice's secret, of the
number of seconds, a full stop and the body: who checks it and the time knows who sent it, and that it is no repetition.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from archiver.errors import InvalidURL, NotFound, UsageError
from archiver.fetch.guard import AddressGuard
from archiver.fetch.http import FetchLimits, HttpFetcher
from archiver.holdings import Holdings
from archiver.index.database import number_of_new, reading, writing
from archiver.index.tables import collections
from archiver.index.worktables import notices
from archiver.jobrunner import Later, Work
from archiver.jobs import JobRegistry
from archiver.plaintext import one_line
from archiver.settings import Settings
from archiver.timestamps import to_iso
from archiver.urls import parse_url, refuse_password

#: What can be told, and what it means.
EVENTS: dict[str, str] = {
    "crawl.started": "a crawl began",
    "crawl.finished": "a crawl is done",
    "crawl.paused": "a crawl paused, by itself or because somebody wanted it",
    "crawl.failed": "a crawl ended with an error, or captured nothing",
    "test.expiring": "a test crawl will be discarded tomorrow",
    "budget.near": "a collection has used most of its year's budget, or all of it",
    "verify.failed": "a verification found errors",
}

#: Kind of the jobs that deliver.
JOB = "notice"
#: Seconds until it is tried again, one after the other; then it is given up.
_RESTS = (60.0, 300.0, 1800.0, 7200.0, 28800.0, 86400.0)
_LIMITS = FetchLimits(max_bytes=65_536, max_seconds=20.0, connect_timeout=10.0, read_timeout=15.0)
_MAIL_SECONDS = 20.0
_ADDRESS = re.compile(r"[^\s@<>,;\"()\\]+@[^\s@<>,;\"()\\]+")


@dataclass(frozen=True, slots=True)
class Notice:
    """Whom to tell.

    Attributes:
        number: of its row.
        collection: slug of the collection it is about; None for all.
        kind: "webhook" or "email".
        target: URL, or e-mail address.
        events: of `EVENTS`.
        secret: signs what is sent; of webhooks only.
        last_at: when something was sent last, ISO; "" for never.
        last_result: what came of it.
    """

    number: int
    collection: str | None
    kind: str
    target: str
    events: tuple[str, ...]
    secret: str
    last_at: str
    last_result: str


class NoticeRegistry:
    """Who is told, and telling them.

    Args:
        holdings: the opened archive; its clock is that of `holdings.collections`.
    """

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._engine = holdings.engine
        self._clock = holdings.collections.now

    def all(self) -> list[Notice]:
        """Every notice, in the order in which they were made."""
        with reading(self._engine) as connection:
            return [_notice(row) for row in connection.execute(_rows().order_by(notices.c.id))]

    def get(self, number: int) -> Notice:
        """A notice.

        Raises:
            NotFound: there is none of that number.
        """
        with reading(self._engine) as connection:
            row = connection.execute(_rows().where(notices.c.id == number)).first()
        if row is None:
            raise NotFound(f"There is no notice {number}.", "It may have been removed.")
        return _notice(row)

    def add(self, kind: str, target: str, events: Sequence[str], *, by: str, collection: str | None = None) -> Notice:
        """Tell somebody from now on.

        Args:
            kind: "webhook" or "email".
            target: URL, or e-mail address.
            events: of `EVENTS`, at least one.
            by: who wants it.
            collection: slug; None for all.

        Raises:
            UsageError: one of these cannot be.
            UnknownCollection: no collection of that name.
        """
        target = checked_target(kind, target, self._holdings.settings)
        unknown = sorted(set(events) - EVENTS.keys())
        if unknown or not events:
            said = f"There is no event “{one_line(unknown[0])[:40]}”." if unknown else "No event was chosen."
            raise UsageError(said, f"There are: {', '.join(EVENTS)}.")
        owner = None if collection is None else self._holdings.collections.number(collection)
        values = {
            "collection_id": owner,
            "kind": kind,
            "target": target,
            "events": "\n".join(name for name in EVENTS if name in events),
            "secret": secrets.token_urlsafe(32) if kind == "webhook" else "",
        }
        with writing(self._engine) as connection:
            number = number_of_new(connection.execute(insert(notices).values(values)))
            said_of = {"kind": kind, "target": target, "events": list(events), "collection": collection}
            self._holdings.audit.note_within(connection, by, "notice.add", f"notice {number}", said_of)
        return self.get(number)

    def remove(self, number: int, *, by: str) -> None:
        """Tell somebody no more.

        Raises:
            NotFound: there is none of that number.
        """
        notice = self.get(number)
        with writing(self._engine) as connection:
            connection.execute(delete(notices).where(notices.c.id == number))
            self._holdings.audit.note_within(connection, by, "notice.remove", f"notice {number}", {"target": notice.target})

    def try_out(self, number: int, *, by: str) -> int:
        """Send something now, to see whether it comes; the number of the job.

        Raises:
            NotFound: there is none of that number.
        """
        self.get(number)
        body = self._body("notice.test", None, f"{by} tries whether this comes.", {})
        return JobRegistry(self._engine, self._clock).put(JOB, {"notice": number, "body": body})

    def tell(self, event: str, collection: str | None, text: str, facts: Mapping[str, Any]) -> int:
        """Have everybody told who wants it; how many.

        Args:
            event: of `EVENTS`.
            collection: slug of the collection it is about; None for the archive.
            text: one sentence for people.
            facts: for programs.
        """
        where: list[ColumnElement[bool]] = [notices.c.collection_id.is_(None)]
        if collection is not None:
            where.append(collections.c.slug == collection)
        with reading(self._engine) as connection:
            found = [_notice(row) for row in connection.execute(_rows().where(or_(*where)))]
        wanted = [notice for notice in found if event in notice.events]
        registry = JobRegistry(self._engine, self._clock)
        for notice in wanted:
            registry.put(JOB, {"notice": notice.number, "body": self._body(event, collection, text, facts)})
        return len(wanted)

    def note_result(self, number: int, result: str) -> None:
        """Keep what came of the last time."""
        with writing(self._engine) as connection:
            mine = update(notices).where(notices.c.id == number)
            connection.execute(mine.values(last_at=to_iso(self._clock(), 0), last_result=result))

    def _body(self, event: str, collection: str | None, text: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": secrets.token_hex(12),
            "event": event,
            "at": to_iso(self._clock(), 0),
            "archive": self._holdings.settings.instance_name,
            "collection": collection,
            "text": text,
            "facts": dict(facts),
        }


def checked_target(kind: str, target: str, settings: Settings) -> str:
    """Where a notice may go, normalised.

    Raises:
        UsageError: it may not go there, or it is no address.
    """
    if kind == "webhook":
        try:
            return refuse_password(parse_url(target.strip()))
        except InvalidURL as error:
            raise InvalidURL(
                error.message, "Write the address of a program that takes notices: https://example.org/hook."
            ) from error
    if kind != "email":
        raise UsageError(f"“{one_line(kind)[:40]}” is no way to tell somebody.", "There are webhook and email.")
    if not settings.mail_host or not settings.mail_from:
        raise UsageError("No mail server is set up.", "Set mail_host and mail_from in muniment.toml first.")
    address = parseaddr(target.strip())[1]
    if not _ADDRESS.fullmatch(target.strip()) or address != target.strip() or len(address) > 254:
        raise UsageError(f"“{one_line(target)[:80]}” is no e-mail address.", "Write it like name@example.org.")
    return address


# -- delivery --------------------------------------------------------------------------------------------------------


def signature(secret: str, seconds: int, body: bytes) -> str:
    """What proves who sent a body, and when; seconds since 1970."""
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def deliver(work: Work) -> Mapping[str, Any]:
    """The job: tell one recipient one thing. Put off when the other side does not take it, longer each time."""
    registry = NoticeRegistry(work.holdings)
    number, body = int(work.job.arguments["notice"]), work.job.arguments["body"]
    attempts = int(work.job.result.get("attempts", 0))
    try:
        notice = registry.get(number)
    except NotFound:
        return {"attempts": attempts, "sent": False, "why": "the notice was removed"}
    settings = work.holdings.settings
    if notice.kind == "webhook":
        why = send_webhook(notice, body, settings, work.clock())
    else:
        why = send_mail(notice, body, settings, work.clock())
    registry.note_result(number, why or "sent")
    if not why:
        return {"attempts": attempts + 1, "sent": True}
    work.keep({"attempts": attempts + 1})
    if attempts < len(_RESTS):
        raise Later(why, _RESTS[attempts])
    return {"attempts": attempts + 1, "sent": False, "why": why}


def send_webhook(notice: Notice, body: Mapping[str, Any], settings: Settings, now: datetime) -> str:
    """POST it; why it was not taken, "" when it was."""
    data = json.dumps(body, ensure_ascii=False).encode()
    fetcher = HttpFetcher(
        user_agent="Muniment",
        guard=AddressGuard(allow_private=settings.allow_private),
        limits=_LIMITS,
        pool_size=1,
        verify_tls=settings.verify_tls,
    )
    headers = {
        "Content-Type": "application/json",
        "Muniment-Event": str(body["event"]),
        "Muniment-Delivery": str(body["id"]),
        "Muniment-Signature": signature(notice.secret, int(now.timestamp()), data),
    }
    try:
        exchange = fetcher.fetch(notice.target, method="POST", headers=headers, body=data)
        exchange.close()
    finally:
        fetcher.close()
    if exchange.failure is not None:
        return exchange.failure.reason
    status = exchange.status
    return "" if status is not None and 200 <= status < 300 else f"it answered {status}"


def send_mail(notice: Notice, body: Mapping[str, Any], settings: Settings, now: datetime) -> str:
    """Send a letter; why it was not taken, "" when it was."""
    letter = EmailMessage()
    letter["From"], letter["To"] = settings.mail_from, notice.target
    letter["Subject"] = one_line(f"{body['archive']}: {body['text']}")[:200]
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = f"<{body['id']}@{settings.mail_from.rpartition('@')[2].rstrip('> ') or 'muniment'}>"
    letter["Auto-Submitted"] = "auto-generated"
    facts = "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in body["facts"].items())
    about = f"Collection: {body['collection']}\n" if body["collection"] else ""
    letter.set_content(f"{body['text']}\n\n{about}{facts}\n\nEvent: {body['event']}, {body['at']}\n")
    make = smtplib.SMTP_SSL if settings.mail_security == "tls" else smtplib.SMTP
    try:
        with make(settings.mail_host, settings.mail_port, timeout=_MAIL_SECONDS) as server:
            if settings.mail_security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.mail_user:
                server.login(settings.mail_user, settings.mail_password)
            server.send_message(letter)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return one_line(f"the mail server did not take it: {error}")[:300]
    return ""


def _rows() -> Any:
    return select(notices, collections.c.slug).outerjoin(collections, collections.c.id == notices.c.collection_id)


def _notice(row: Any) -> Notice:
    return Notice(
        row.id,
        row.slug,
        row.kind,
        row.target,
        tuple(row.events.split("\n")) if row.events else (),
        row.secret,
        row.last_at or "",
        row.last_result,
    )
