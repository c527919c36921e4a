"""What people do with crawls: begin, pause, stop, take up again, change, try again. Each of it is in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update

from archiver.collections.reports import CrawlReports, CrawlSummary, living_workers
from archiver.crawl.control import CrawlControl
from archiver.crawl.launch import Launch
from archiver.crawl.plan import CrawlPlan, Limits, Pace, RobotsMode, ScopeKind, Seed, Traps
from archiver.errors import Conflict, MunimentError, UsageError
from archiver.holdings import Holdings
from archiver.index.database import insert_new, reading, writing
from archiver.index.worktables import crawl_notes
from archiver.plaintext import plain
from archiver.urls import parse_url

#: URLs of one patch crawl, at most.
MOST_PATCHED = 1000

#: Where login files lie, in the archive home: chosen by name, never given through a form.
LOGIN_FOLDER = "logins"


@dataclass(frozen=True, slots=True)
class Notes:
    """What is known of a crawl beyond what it does.

    Attributes:
        kind: "" for a usual crawl, or such as "patch".
        requested_by: name of an account, or "".
        notes: by archivists, plain text.
    """

    kind: str = ""
    requested_by: str = ""
    notes: str = ""


class CrawlDesk:
    """Where crawls are asked for.

    Args:
        holdings: the opened archive.
        clock: the time, UTC.
        launch: begins the process of a crawl.
        is_queued: it has a worker do it, which first looks whether the crawl is still wanted; so what waits can be stopped.
    """

    def __init__(self, holdings: Holdings, clock: Callable[[], datetime], launch: Launch, *, is_queued: bool = False) -> None:
        self._is_queued = is_queued
        self._holdings = holdings
        self._clock = clock
        self._launch = launch
        self._control = CrawlControl(holdings.engine, clock)
        self._reports = CrawlReports(holdings.engine)

    # -- begin -------------------------------------------------------------------------------------------------------

    def begin(self, collection: str, plan: CrawlPlan, *, actor: str, kind: str = "", workers: int = 1) -> int:
        """Begin a crawl, and the process that works on it; its number.

        Raises:
            UnknownCollection: there is none of that name.
            UsageError: a file of its login cannot be used.
            StorageFailed: no process could be begun.
        """
        warnings_of_login(plan)
        slug = self._holdings.collections.get(collection).slug
        number = self._control.create(slug, plan)
        with writing(self._holdings.engine) as connection:
            row = {"crawl_id": number, "kind": kind, "requested_by": actor}
            connection.execute(insert_new(self._holdings.engine, crawl_notes), [row])
            said = {"collection": slug, "seeds": len(plan.seeds), "first": plan.seeds[0].url, "scope": plan.scope.value}
            self._holdings.audit.note_within(connection, actor, "crawl.start", f"crawl {number}", said)
        self._run(number, workers)
        return number

    def patch(self, collection: str, urls: Iterable[str], *, actor: str, ignore_robots: bool = False) -> int:
        """Capture these URLs and what they need, each as a page of its own, at once; the number of the crawl.

        Raises:
            UsageError: there is no URL, or there are too many.
            InvalidURL: one is no web address.
        """
        seeds = tuple(Seed(url) for url in dict.fromkeys(parse_url(url) for url in urls))
        if not seeds:
            raise UsageError("No URL was chosen.", "Tick those that are to be captured.")
        if len(seeds) > MOST_PATCHED:
            raise UsageError(f"{len(seeds):,} URLs are too many at a time.", f"Choose up to {MOST_PATCHED:,}.")
        robots = RobotsMode.IGNORE if ignore_robots else RobotsMode.OBEY
        plan = CrawlPlan(seeds, ScopeKind.PAGE, sitemaps=False, robots=robots)
        return self.begin(collection, plan, actor=actor, kind="patch")

    # -- steer -------------------------------------------------------------------------------------------------------

    def ask(self, number: int, wanted: str, *, actor: str) -> None:
        """Have a crawl "pause" or "stop"; one that nobody works on takes the state at once.

        Raises:
            NotFound: there is no such crawl.
            Conflict: there is nothing to pause or stop.
        """
        crawl = self._reports.find(number, None)
        if is_beginning(crawl) and not self._is_queued:
            raise Conflict(f"Crawl {number} has not begun yet.", "Try again in a moment.")
        if crawl.state == "finished" or (crawl.state == "stopped" and wanted == "pause" and not is_beginning(crawl)):
            raise Conflict(f"Crawl {number} is {crawl.state} already.", "There is nothing to be done.")
        self._control.want(number, wanted)
        if not self._is_worked_on(number):
            done = {"pause": "paused", "stop": "stopped"}[wanted]
            self._control.set_state(number, done, f"it was {done}")
        self._holdings.audit.note(actor, f"crawl.{wanted}", f"crawl {number}")

    def resume(self, number: int, *, actor: str, workers: int = 1) -> None:
        """Go on with a crawl, wherever it stands.

        Raises:
            NotFound: there is no such crawl.
            UnknownCollection: its collection was removed.
            UsageError: a file of its login cannot be used.
            StorageFailed: no process could be begun.
        """
        info = self._control.info(number)
        self._holdings.collections.get(info.collection)
        warnings_of_login(info.plan)
        self._control.want(number, "run")
        self._holdings.audit.note(actor, "crawl.resume", f"crawl {number}")
        if not self._is_worked_on(number):
            self._control.set_state(number, "stopped")  # about to begin: see `is_beginning`
            self._run(number, workers)

    def _run(self, number: int, workers: int) -> None:
        try:
            self._launch(number, workers)
        except MunimentError:
            self._control.set_state(number, "stopped", "its process could not be begun")
            raise

    def change(self, number: int, plan: CrawlPlan, *, actor: str) -> list[str]:
        """Give a crawl another plan, also while it runs; what has changed, in words.

        Raises:
            NotFound: there is no such crawl.
        """
        old = self._control.info(number).plan
        changes = differences(old, plan)
        if changes:
            self._control.change(number, plan)
            self._holdings.audit.note(actor, "crawl.change", f"crawl {number}", {"changes": changes})
        return changes

    def retry(self, number: int, *, actor: str) -> int:
        """Queue what failed once more, and go on; the number of URLs.

        Raises:
            NotFound: there is no such crawl.
        """
        queued = self._control.retry_failed(number)
        self._holdings.audit.note(actor, "crawl.retry", f"crawl {number}", {"urls": queued})
        if queued:
            self.resume(number, actor=actor)
        return queued

    def _is_worked_on(self, number: int) -> bool:
        return living_workers(self._holdings.engine, number, self._clock().timestamp()) > 0

    # -- notes -------------------------------------------------------------------------------------------------------

    def notes(self, numbers: Sequence[int]) -> dict[int, Notes]:
        """What is noted of these crawls."""
        columns = crawl_notes.c
        statement = select(columns.crawl_id, columns.kind, columns.requested_by, columns.notes)
        with reading(self._holdings.engine) as connection:
            rows = connection.execute(statement.where(columns.crawl_id.in_(list(numbers)))).all()
        return {row[0]: Notes(row[1], row[2], row[3]) for row in rows}

    def write_note(self, number: int, text: str, *, actor: str) -> None:
        """Replace the notes on a crawl.

        Raises:
            NotFound: there is no such crawl.
        """
        self._reports.find(number, None)
        with writing(self._holdings.engine) as connection:
            connection.execute(insert_new(self._holdings.engine, crawl_notes), [{"crawl_id": number}])
            mine = update(crawl_notes).where(crawl_notes.c.crawl_id == number)
            connection.execute(mine.values(notes=plain(text).strip()[:20_000]))
            self._holdings.audit.note_within(connection, actor, "crawl.note", f"crawl {number}")


def is_beginning(crawl: CrawlSummary) -> bool:
    """It was asked for, the first time or again, and no process has taken it up yet."""
    return crawl.state == "stopped" and crawl.wanted == "run" and not crawl.ended


def login_files(archive: Path) -> dict[str, str]:
    """The login files of an archive: names, and where they are."""
    try:
        found = sorted(path for path in (archive / LOGIN_FOLDER).iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return {}
    return {path.name: str(path.resolve()) for path in found}


def warnings_of_login(plan: CrawlPlan) -> tuple[str, ...]:
    """Read the files that a login is made of; what is odd about them.

    Raises:
        UsageError: one cannot be read or used.
    """
    if not plan.login.used:
        return ()
    from archiver.fetch.login import open_login

    login = plan.login
    seeds = [seed.url for seed in plan.seeds]
    read = open_login(
        seeds, cookies=login.cookies, credentials=login.credentials, headers=login.headers, hosts=login.hosts
    )  # fmt: skip
    return read.warnings


def differences(old: CrawlPlan, new: CrawlPlan) -> list[str]:
    """What one plan says that the other did not, one entry a thing."""
    found = []
    for name in ("scope", "extra_hops", "sitemaps", "guesses", "robots", "robots_meta", "dedup", "user_agent",
                 "allow_private", "insecure", "transclusion_hops"):  # fmt: skip
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            found.append(f"{name}: {before} → {after}")
    parts: tuple[tuple[Limits | Pace | Traps, Limits | Pace | Traps], ...] = (
        (old.limits, new.limits), (old.pace, new.pace), (old.traps, new.traps),
    )  # fmt: skip
    for one, other in parts:
        for name in one.__dataclass_fields__:
            if getattr(one, name) != getattr(other, name):
                found.append(f"{name}: {getattr(one, name):g} → {getattr(other, name):g}")
    before_rules, after_rules = set(old.rules), set(new.rules)
    found += [f"rule taken out: {rule.action} {rule.match} {rule.pattern}" for rule in old.rules if rule not in after_rules]
    found += [f"rule: {rule.action} {rule.match} {rule.pattern}{'' if rule.enabled else ' (off)'}"
              for rule in new.rules if rule not in before_rules]  # fmt: skip
    added = [seed.url for seed in new.seeds if seed not in old.seeds]
    found += [f"seed: {url}" for url in added]
    if old.rules != new.rules and before_rules == after_rules:
        found.append("rules: in another order")
    if old.login != new.login:
        found.append("login: other files or hosts")
    return found
