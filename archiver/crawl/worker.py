"""One process's share of a crawl, readable top to bottom.

CrawlWorker.run      until everything is fetched, a limit is reached or somebody stops it
  dispatch           URLs whose time has come go to the threads
    Visitor.visit    in a thread: fetch → write → find links → decide
  collect            results come back, hosts rest
  commit             WARC bytes on the disk, then one transaction; what the user wants comes back with it
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Protocol

from archiver.crawl.control import CrawlControl
from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import Batch, Committed, Entry, Finished, Found, QueueUpdate
from archiver.crawl.equipment import Equipment
from archiver.crawl.frontier import Frontier
from archiver.crawl.hops import path_of_hops
from archiver.crawl.judge import Judge
from archiver.crawl.plan import RobotsMode
from archiver.crawl.politeness import pace_from_json
from archiver.crawl.robots import RobotsRules
from archiver.crawl.robotscache import RobotsCache
from archiver.crawl.scheduler import Held, Scheduler
from archiver.crawl.scope import registered_domain
from archiver.crawl.visit import Visit, Visitor
from archiver.engine import StopSignal
from archiver.errors import MunimentError
from archiver.model import Hop
from archiver.urls import host_of, origin_of
from archiver.warc.dedup import Kept

_LOG = logging.getLogger(__name__)

#: A commit comes after so many results, or so many seconds.
COMMIT_RESULTS = 200
COMMIT_SECONDS = 0.5
#: The same when there are other workers, who hear of each other by it.
TEAM_COMMIT_SECONDS = 0.25
#: The same when threads are idle, and what was found could keep them busy.
STARVED_SECONDS = 0.05
#: How often a worker that waits for answers only looks for what the user wants; one that has nothing at all looks for work.
IDLE_SECONDS = 1.0
HUNGRY_SECONDS = 0.1
#: Queues that a worker holds at most when hosts are spared: most of them rest.
_HELD_QUEUES = 256
#: After the first interrupt, requests on their way get this long to end.
FINISH_SECONDS = 10.0
#: Times that a robots.txt which cannot be read is asked for, and the rest between, in seconds.
_ROBOTS_TRIES = 3
_ROBOTS_REST = 60.0


class Ticker(Protocol):
    """Told after each commit, from the thread that runs the worker."""

    def tick(self, in_flight: Sequence[str]) -> None:
        """`in_flight`: the URLs that are being fetched."""


class CrawlWorker:
    """Works on a crawl until it ends.

    Args:
        equipment: what it works with: archive, fetcher, WARC file.
        crawl_id: which crawl.
        is_in_team: others are coming, if they are not there yet.
        is_lead: the worker that counts the time and looks at refused URLs again.
        stop: how the user ends it.
        ticker: told of progress.
        clock: the time, UTC.
        monotonic: seconds that never go backwards.
    """

    def __init__(
        self,
        equipment: Equipment,
        crawl_id: int,
        *,
        is_lead: bool = True,
        is_in_team: bool = False,
        stop: StopSignal | None = None,
        ticker: Ticker | None = None,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.equipment = equipment
        self.holdings = equipment.holdings
        self.crawl_id = crawl_id
        self.is_lead = is_lead
        self.is_in_team = is_in_team
        self.stop = stop or StopSignal()
        self.ticker = ticker
        self.clock = clock
        self.monotonic = monotonic
        self.control = CrawlControl(self.holdings.engine, clock)
        self.info = self.control.info(crawl_id)
        self.worker_id = self.control.register(crawl_id)
        self.frontier = Frontier(self.holdings.engine, crawl_id, self.worker_id, lanes=self._lanes())
        equipment.on_begin = self.frontier.begin_file
        self.scheduler = Scheduler()
        self.judge = self._new_judge(None)
        self.robots = RobotsCache(self.frontier, equipment.agent)
        self.visitor = Visitor(self.info, equipment=equipment, judge=self.judge, cancelled=self.stop.abort.is_set, clock=clock)
        self.batch = Batch()
        self.kept: list[Kept | None] = []
        self.results: SimpleQueue[Future[Visit]] = SimpleQueue()
        self.in_flight: dict[Future[Visit], tuple[Held, Entry]] = {}
        self.began: dict[Future[Visit], tuple[str, int]] = {}
        self.judged_by: dict[Future[Visit], Judge] = {}
        self.ends: dict[str, int] = {}
        self.last: Committed | None = None
        self.documents_left: int | None = None
        self.pages_left: int | None = None
        self.last_commit = self.monotonic()
        self.finish_by: float | None = None
        self.is_told_to_end = False
        self.halted = ""  # why nothing more is begun for now; "" while it is
        self.is_torn = False  # a commit failed: what is in the WARC file is not all in the database
        self.touched: dict[int, Held] = {}

    # -- the loop ----------------------------------------------------------------------------------------------------

    def run(self) -> str:
        """Work until the crawl ends; the state it is in then: "finished", "stopped" or "paused"."""
        try:
            with ThreadPoolExecutor(self.equipment.connections, thread_name_prefix="fetch") as pool:
                try:
                    self.commit()
                    while not self.is_over():
                        self.dispatch(pool)
                        self.collect()
                        if self.commit_is_due():
                            self.commit()
                except BaseException:
                    self.stop.finish.set()
                    self.stop.abort.set()
                    raise
                finally:
                    self.gather()
            self.scheduler.release_all()
            self.commit(claim=False)
            state = self.state_at_end()
        except BaseException:
            self.give_up()
            raise
        self.close()
        return state

    @property
    def is_ending(self) -> bool:
        """Whether nothing new is to be begun, because somebody said so or the crawl has ended."""
        return self.is_told_to_end or self.stop.finish.is_set()

    def is_over(self) -> bool:
        """Whether nothing is left to do, and nothing on its way."""
        last = self.last
        assert last is not None
        if self.in_flight or self.batch:
            return False
        if self.is_ending or last.control.state == "finished" or last.control.wanted == "stop":
            return True
        if self.limit_reached() and not last.others_busy:
            return True
        if last.control.wanted == "pause" or last.control.reconsidered is not None:
            return False
        return not len(self.scheduler) and last.next_ready is None and not last.others_busy

    def state_at_end(self) -> str:
        """Note how the crawl stands, for the one that ends it."""
        last = self.last
        assert last is not None
        if last.control.state == "finished":
            return "finished"
        if self.is_ending or last.control.wanted == "stop":
            if not last.others_busy:
                self.control.set_state(self.crawl_id, "stopped", "it was stopped")
            return "stopped"
        self.control.set_state(self.crawl_id, "finished", self.limit_reached() or self.control.left(self.crawl_id))
        return "finished"

    def give_up(self) -> None:
        """After an error: keep what is done; where that is impossible too, the next run reads it from the WARC file."""
        try:
            if not self.is_torn:
                self.scheduler.release_all()
                self.commit(claim=False)
                self.close()
                return
        except MunimentError:
            _LOG.exception("what crawl %d has done could not be committed", self.crawl_id)
        with suppress(MunimentError):
            self.control.abandon(self.worker_id)

    def close(self) -> None:
        """Finish the WARC file; queues and row go back."""
        names = self.equipment.writer.close()
        self.frontier.finish_files(names)
        self.control.dismiss(self.worker_id)

    # -- what is begun -----------------------------------------------------------------------------------------------

    def dispatch(self, pool: ThreadPoolExecutor) -> None:
        """Begin every URL whose time has come, as far as threads are free."""
        self.heed_stop()
        if not self.may_begin():
            return
        now = self.clock().timestamp()
        while len(self.in_flight) < self.equipment.connections and self.documents_left != 0:
            held = self.scheduler.next(now)
            if held is not None:
                self.begin(pool, held, held.entries.popleft(), now)
            elif not self.refill():
                return

    def may_begin(self) -> bool:
        """Whether another URL may be begun at all."""
        return not (self.halted or self.is_ending or self.documents_left == 0 or self.limit_reached())

    def begin(self, pool: ThreadPoolExecutor, held: Held, entry: Entry, now: float) -> None:
        """Begin one URL, or what comes before it, or refuse it."""
        held.in_hand.add(entry.url_id)
        if self.info.plan_version > 1 and (refused := self.judge.again(entry)) is not None:
            self.refuse(held, entry, refused)
            return
        if entry.is_page and self.pages_left == 0:
            self.park(held, entry)
            return
        mode, rules = self.info.plan.robots, None
        if mode is not RobotsMode.IGNORE:
            origin = origin_of(entry.url)
            rules = self.robots.get(origin, now)
            if rules is None:
                if self.robots.is_being_fetched(origin):
                    self.put_back(held, entry, now + 0.05)
                    return
                self.robots.begin(origin)
                if self.documents_left is not None:
                    self.documents_left -= 1
                self.submit(pool, held, entry, lambda: self.visitor.robots(entry, origin))
                return
            refused = rules.decide(entry.url, is_requisite=path_of_hops(entry.hops).is_requisite, mode=mode)
            if refused is not None:
                self.heed_robots(held, entry, origin, refused, now)
                return
        self.seek_sitemaps(entry, rules)
        if self.documents_left is not None:
            self.documents_left -= 1
        if self.pages_left is not None and entry.is_page:
            self.pages_left -= 1
        room = self.room()
        self.submit(pool, held, entry, lambda: self.visitor.visit(entry, max_bytes=room))

    def submit(self, pool: ThreadPoolExecutor, held: Held, entry: Entry, task: Callable[[], Visit]) -> None:
        begun = self.equipment.writer.position()  # no record of it lies before this
        future = pool.submit(task)
        self.in_flight[future] = (held, entry)
        self.began[future] = begun
        self.judged_by[future] = self.judge
        future.add_done_callback(self.results.put)

    def refuse(self, held: Held, entry: Entry, decision: Decision) -> None:
        """A URL is not fetched after all."""
        self.batch.finished.append(Finished(entry, decision.state, decision, attempted=False))
        self.scheduler.rest(held, keep=True, now=0)

    def put_back(self, held: Held, entry: Entry, until: float, why: str = "") -> None:
        """A URL waits, at the head of its queue."""
        held.in_hand.discard(entry.url_id)
        held.entries.appendleft(entry)
        held.pace = replace(held.pace, next_at=max(held.pace.next_at, until), waits_for=why or held.pace.waits_for)
        self.touched[held.queue_id] = held
        self.scheduler.rest(held, keep=not why, now=self.clock().timestamp())

    def park(self, held: Held, entry: Entry) -> None:
        """No page may be begun for now: what pages need comes first, then the queue waits until more is allowed."""
        held.in_hand.discard(entry.url_id)
        held.entries.clear()  # what was found since they were read may come before them
        held.busy = False
        needed = self.frontier.requisites(held.queue_id, without=held.in_hand, count=self.entries_at_once())
        if needed:
            self.scheduler.refilled(held, needed)
            return
        limit = self.info.plan.limits.pages
        if self.last is not None and limit and self.last.totals.pages >= limit:
            held.retired, held.retired_reason = "pages", f"the limit of {limit:,} pages was reached"
        else:
            held.asleep = held.is_tried = True

    def heed_robots(self, held: Held, entry: Entry, origin: str, refused: Decision, now: float) -> None:
        """A robots.txt that forbids is final; one that cannot be read is asked for again a few times."""
        if refused.verdict is Verdict.ROBOTS_UNREACHABLE and self.robots.tries(origin) < _ROBOTS_TRIES:
            self.robots.expire(origin)
            self.put_back(held, entry, now + _ROBOTS_REST, f"robots.txt cannot be read: {refused.detail}")
            return
        self.refuse(held, entry, refused)

    def refill(self) -> bool:
        """Read on in queues of which nothing is left in memory; those that are empty leave. False when nothing came."""
        is_more = False
        for held in self.scheduler:
            if not held.asleep or held.busy or held.leaving or held.retired or held.is_tried:
                continue
            entries = (
                [] if held.entries else self.frontier.refill(held.queue_id, without=held.in_hand, count=self.entries_at_once())
            )
            if entries or held.entries:
                self.scheduler.refilled(held, entries)
                is_more = True
            elif held.in_hand or (not self.info.plan.pace.polite and (self.batch or self.in_flight) and self.claims()):
                held.is_tried = True  # what was just found, or is, may be in it after the next commit
            else:
                held.leaving = True  # others want its place; should something be found for it, it comes back
        return is_more

    # -- what comes back ---------------------------------------------------------------------------------------------

    def collect(self) -> None:
        """Take in results; wait for one when there is nothing else to do."""
        try:
            self.take(self.results.get(timeout=self.patience()))
            while True:
                self.take(self.results.get_nowait())
        except Empty:
            pass

    def patience(self) -> float:
        """Seconds until something else than a result may have to be done."""
        now = self.clock().timestamp()
        until_commit = self.commit_seconds() - (self.monotonic() - self.last_commit)
        wait = until_commit if self.batch else self.idle_seconds()
        next_time = self.scheduler.next_time()
        if self.commit_is_due():
            return 0.0
        if next_time is not None and len(self.in_flight) < self.equipment.connections and self.may_begin():
            wait = min(wait, next_time - now)
        return max(0.0, min(wait, IDLE_SECONDS))

    def commit_seconds(self) -> float:
        """How long results may wait: not long where another worker waits for queues that leave."""
        last = self.last
        if last is None or not (last.others or self.is_in_team):
            return COMMIT_SECONDS
        is_awaited = last.starving and any(held.leaving and not held.busy for held in self.scheduler)
        return STARVED_SECONDS if is_awaited else TEAM_COMMIT_SECONDS

    def idle_seconds(self) -> float:
        """How long a worker that has nothing to do lets pass before it looks again."""
        last = self.last
        if last is None or len(self.scheduler) or self.halted:
            return COMMIT_SECONDS
        if last.others_busy:
            return HUNGRY_SECONDS
        if last.next_ready is None:
            return COMMIT_SECONDS
        return min(max(last.next_ready - self.clock().timestamp(), HUNGRY_SECONDS), IDLE_SECONDS)

    def take(self, future: Future[Visit]) -> None:
        """Take in what came of one URL."""
        held, entry = self.in_flight.pop(future)
        del self.began[future]
        is_outdated = self.judged_by.pop(future, self.judge) is not self.judge
        visit = future.result()
        if is_outdated:
            self.batch.found += self.let_in(visit.found, entry.decision)
        now = self.clock().timestamp()
        self.note(visit)
        if visit.robots is not None:
            self.take_robots(held, entry, visit, now)
        if visit.outcome is not None:
            rules = self.robots.get(origin_of(entry.url), now) if self.info.plan.robots is not RobotsMode.IGNORE else None
            wait = rules.wait if rules is not None else None
            name = rules.wait_name if rules is not None else ""
            held.pace = held.pace.after(visit.outcome, self.info.plan.pace, now, robots_wait=wait, robots_name=name)
        held.documents += sum(item.state is UrlState.CAPTURED for item in (visit.finished, *visit.extra) if item is not None)
        held.bytes += visit.received
        self.retire_when_done(held)
        self.touched[held.queue_id] = held
        self.scheduler.rest(held, keep=False, now=now)
        if visit.logged_out:
            self.pause(f"the login has ended: {visit.logged_out}")

    def note(self, visit: Visit) -> None:
        """What is to be committed of a visit."""
        batch = self.batch
        if visit.finished is not None:
            batch.finished.append(visit.finished)
        batch.extra += visit.extra
        batch.found += visit.found
        batch.captures += visit.captures
        batch.again += visit.again
        self.kept += visit.kept
        if visit.page is not None:
            batch.pages.append(visit.page)
        if visit.robots is not None:
            batch.robots.append(visit.robots)
        if visit.redirect is not None:
            batch.redirects.append((visit.entry.seed_id, visit.redirect))
        for name, end in visit.ends.items():
            self.ends[name] = max(self.ends.get(name, 0), end)

    def take_robots(self, held: Held, entry: Entry, visit: Visit, now: float) -> None:
        """A robots.txt came: the URL it was needed for is the next one."""
        assert visit.robots is not None
        self.robots.put(visit.robots)
        held.in_hand.discard(entry.url_id)
        held.entries.appendleft(entry)

    def seek_sitemaps(self, entry: Entry, rules: RobotsRules | None) -> None:
        """A seed, or where it leads, is begun: the sitemaps of its host belong to it."""
        if not entry.hops.strip(Hop.REDIRECT):
            usual = f"{origin_of(entry.url)}/sitemap.xml"
            self.batch.found += self.judge.sitemaps(entry, (rules.sitemaps if rules is not None else ()) or (usual,))

    def retire_when_done(self, held: Held) -> None:
        """End a queue whose host is dead, or has given all it may."""
        limits = self.info.plan.limits
        if held.pace.dead:
            held.retired, held.retired_reason = "dead", held.pace.dead
        elif limits.host_documents and held.documents >= limits.host_documents:
            held.retired, held.retired_reason = "limit", f"the limit of {limits.host_documents:,} documents a host was reached"
        elif limits.host_bytes and held.bytes >= limits.host_bytes:
            held.retired, held.retired_reason = "limit", f"the limit of {limits.host_bytes:,} bytes a host was reached"

    def gather(self) -> None:
        """At the end, or after an error: take in what threads had already written, so that nothing is lost."""
        for future in list(self.in_flight):
            held, _ = self.in_flight.pop(future)
            del self.began[future]
            self.judged_by.pop(future, None)
            held.busy = False
            if future.exception() is None:
                self.note(future.result())

    # -- what is kept ------------------------------------------------------------------------------------------------

    def commit_is_due(self) -> bool:
        """Whether it is time to commit."""
        silent = self.monotonic() - self.last_commit
        if not self.batch and not self.touched:
            is_leaving = not self.in_flight and any(held.leaving for held in self.scheduler)
            return is_leaving or silent >= (IDLE_SECONDS if self.in_flight else self.idle_seconds())
        if len(self.batch.finished) >= COMMIT_RESULTS or silent >= self.commit_seconds():
            return True
        has_nothing = self.scheduler.next_time() is None or self.documents_left == 0
        if not has_nothing or len(self.in_flight) >= self.equipment.connections:
            return False
        if not self.in_flight:
            return True
        is_starved = bool(self.batch.found) and any(held.is_tried for held in self.scheduler)
        return (is_starved or self.documents_left == 0) and silent >= STARVED_SECONDS

    def commit(self, *, claim: bool = True) -> None:
        """Bytes on the disk first, then everything that says so, in one transaction."""
        self.is_torn = True
        batch, self.batch = self.batch, Batch()
        kept, self.kept = self.kept, []
        leaving = self.settle_queues(batch)
        if batch.captures or batch.extra:
            self.equipment.writer.sync()
        batch.files = self.safe_ends()
        is_running = not self.halted and not self.is_ending
        now, silent = self.clock().timestamp(), self.monotonic() - self.last_commit
        pages = sum(entry.is_page for _, entry in self.in_flight.values())
        self.last = last = self.frontier.commit(
            batch,
            now=now,
            limits=self.info.plan.limits,
            claim=self.claims() if claim and is_running and not self.limit_reached() else 0,
            entries=self.entries_at_once(),
            in_hand=(len(self.in_flight), pages),
            wanted=COMMIT_RESULTS,
            idle=is_running and not self.in_flight and not len(self.scheduler),
            seconds=silent if self.is_lead and is_running else 0.0,
            within=lambda connection: self.equipment.keep(connection, batch.captures, kept),
        )
        self.is_torn = False
        self.last_commit = self.monotonic()
        self.forget_files()
        self.after_commit(last, batch, leaving)

    def after_commit(self, last: Committed, batch: Batch, leaving: list[Held]) -> None:
        """Go by what came back."""
        for held in leaving:
            self.scheduler.drop(held)
        for item in batch.finished:
            self.scheduler.forget(item.entry.queue_id, item.entry.url_id)
        for held in self.scheduler:
            held.is_tried = False
        self.documents_left, self.pages_left = last.documents_left, last.pages_left
        for claimed in last.claimed:
            self.scheduler.take(claimed, pace_from_json(claimed.pace))
        is_some_ready = last.next_ready is not None and last.next_ready <= self.clock().timestamp()
        self.scheduler.are_others_waiting = is_some_ready
        if last.starving and not is_some_ready and len(self.scheduler) > 1:
            self.scheduler.give_away()
        if batch.redirects and self.equipment.login is not None:
            seeds = {number: seed.url for number, seed in self.control.seeds(self.crawl_id)}
            for seed_id, url in batch.redirects:
                if registered_domain(host_of(url)) == registered_domain(host_of(seeds[seed_id])):
                    self.equipment.login.show_to(url)
        if last.control.plan_version != self.info.plan_version:
            self.change_plan()
            self.batch.found += self.let_in(batch.found, None)
        self.heed_control(last)
        if self.is_lead and last.control.reconsidered is not None and not self.halted:
            self.frontier.reconsider(self.judge.reconsider, self.clock().timestamp())
        self.guard_disk()
        if self.ticker is not None:
            self.ticker.tick([entry.url for _, entry in self.in_flight.values()])

    def settle_queues(self, batch: Batch) -> list[Held]:
        """Note how the queues go on; those that leave."""
        leaving = [held for held in self.scheduler if (held.leaving or held.retired) and not held.busy]
        for held in {held.queue_id: held for held in (*self.touched.values(), *leaving)}.values():
            pace = held.pace
            batch.queues[held.queue_id] = QueueUpdate(
                held.queue_id, pace.to_json(), pace.next_at, pace.waits_for, False, held.retired, held.retired_reason
            )
        for held in leaving:
            batch.queues[held.queue_id] = replace(batch.queues[held.queue_id], release=True)
        self.touched.clear()
        return leaving

    def safe_ends(self) -> dict[str, tuple[int, bool]]:
        """How far each WARC file holds nothing but what is committed with this batch."""
        ends = {}
        for name, end in self.ends.items():
            for file, offset in self.began.values():
                if file < name:  # its records may be anywhere in this file
                    end = 0
                elif file == name:
                    end = min(end, offset)
            ends[name] = (end, False)
        return ends

    def forget_files(self) -> None:
        """WARC files that are full, and wholly committed, need no more thought."""
        if len(self.ends) > 1:
            oldest = min([self.equipment.writer.position()[0], *(file for file, _ in self.began.values())])
            self.ends = {name: end for name, end in self.ends.items() if name >= oldest}

    # -- limits and orders -------------------------------------------------------------------------------------------

    def _lanes(self) -> int:
        pace, limits = self.info.plan.pace, self.info.plan.limits
        return 1 if pace.polite or limits.host_documents or limits.host_bytes else max(1, pace.host_connections)

    def _new_judge(self, old: Judge | None) -> Judge:
        return Judge(
            self.info.plan,
            self.control.seeds(self.crawl_id),
            self.control.redirects(self.crawl_id),
            agent=self.equipment.agent,
            year=self.clock().year,
            variants=old.variants if old is not None else None,
        )

    def entries_at_once(self) -> int:
        """Entries of a queue that are read at once."""
        return 4 if self.info.plan.pace.polite else 32

    def claims(self) -> int:
        """Queues that this worker may hold beside those it has."""
        if self.last is not None and self.last.starving and len(self.scheduler):
            return 0  # what is ready is for those that have nothing
        most = _HELD_QUEUES if self.info.plan.pace.polite else 2 * self.equipment.connections
        return max(0, most - len(self.scheduler))

    def room(self) -> int | None:
        """Bytes that may still be received; None without a limit."""
        limit = self.info.plan.limits.bytes
        return max(1, limit - self.received()) if limit else None

    def received(self) -> int:
        """Bytes that the crawl has received, as far as this worker knows."""
        waiting = sum(item.length for item in (*self.batch.finished, *self.batch.extra))
        return waiting + (self.last.totals.bytes if self.last is not None else 0)

    def limit_reached(self) -> str:
        """Which limit of the whole crawl is reached, in words; "" while none is."""
        last, limits = self.last, self.info.plan.limits
        if last is None:
            return ""
        if last.limit_reached:
            return f"the limit of {limits.documents:,} documents was reached"
        if limits.bytes and self.received() >= limits.bytes:
            return f"the limit of {limits.bytes:,} bytes was reached"
        seconds = last.totals.seconds + (self.monotonic() - self.last_commit)
        if limits.seconds and seconds >= limits.seconds:
            return f"the time limit of {limits.seconds:g} s was reached"
        return ""

    def heed_stop(self) -> None:
        """After the first interrupt, requests on their way may end; after some seconds they are cut."""
        if self.is_ending:
            self.scheduler.release_all()
            if self.finish_by is None:
                self.finish_by = self.monotonic() + FINISH_SECONDS
            elif self.monotonic() >= self.finish_by:
                self.stop.abort.set()

    def heed_control(self, last: Committed) -> None:
        """Do what the user wants, told from anywhere."""
        if last.control.wanted == "stop" or last.control.state == "finished":
            self.is_told_to_end = True
        elif last.control.wanted == "pause" and not self.halted:
            self.halt("it was paused")
        elif last.control.wanted == "run" and self.halted:
            self.halted = ""
            self.equipment.log_in(self.info.plan)
            self.control.set_state(self.crawl_id, "running")
        if self.limit_reached():
            self.scheduler.release_all()

    def halt(self, why: str) -> None:
        """Begin nothing more until the user says so."""
        self.halted = why
        self.scheduler.release_all()
        self.control.set_state(self.crawl_id, "paused", why)

    def pause(self, why: str) -> None:
        """Pause the crawl, all its workers, and say why."""
        if not self.halted:
            self.control.want(self.crawl_id, "pause")
            self.halt(why)

    def change_plan(self) -> None:
        """Go by the plan as it is now."""
        old = self.info
        self.info = self.control.info(self.crawl_id)
        self.judge = self.visitor.judge = self._new_judge(self.judge)
        self.frontier.lanes = self._lanes()
        if self.info.plan.pace != old.plan.pace or self.info.plan.limits != old.plan.limits:
            self.scheduler.release_all()

    def let_in(self, found: Sequence[Found], via: Decision | None) -> list[Found]:
        """What was refused by the plan that counted before, and is taken by the one that does now."""
        taken = []
        for item in found:
            if not item.decision.taken:
                decision = self.judge.reconsider(item.url, item.hops, item.seed_id, item.decision.verdict, via)
                if decision is not None:
                    taken.append(replace(item, decision=decision))
        return taken

    def guard_disk(self) -> None:
        """Pause before the disk is full."""
        least = self.info.plan.limits.free_bytes
        if least and not self.halted and shutil.disk_usage(self.equipment.folder).free < least:
            self.pause(f"less than {least / 1e6:,.0f} MB are free on the disk")
