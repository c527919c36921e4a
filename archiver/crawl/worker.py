"""One process's share of a crawl, readable top to bottom.

CrawlWorker.run      until everything is fetched, a limit is reached or somebody stops it
  dispatch           URLs whose time has come are begun
    Crew             fetch → write → find links → decide
  collect            what came of them is taken in, hosts rest
  commit             WARC bytes on the disk, then one transaction; what the user wants comes back with it
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from archiver.crawl.control import CrawlControl
from archiver.crawl.crew import Crew
from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import Batch, Committed, Entry, Finished, Totals
from archiver.crawl.equipment import Equipment
from archiver.crawl.follow import prepare
from archiver.crawl.frontier import Frontier
from archiver.crawl.hops import path_of_hops
from archiver.crawl.judge import Judge
from archiver.crawl.keeper import Keeper
from archiver.crawl.limits import Allowance, crawl_limit, lanes, room
from archiver.crawl.orders import Orders
from archiver.crawl.outbox import Outbox
from archiver.crawl.plan import RobotsMode
from archiver.crawl.robots import RobotsRules
from archiver.crawl.robotscache import RobotsCache
from archiver.crawl.scheduler import Held
from archiver.crawl.scope import registered_domain
from archiver.crawl.timing import COMMIT_RESULTS, Standing
from archiver.crawl.visit import Visitor
from archiver.crawl.visited import Visit
from archiver.engine import StopSignal
from archiver.errors import MunimentError
from archiver.model import Hop
from archiver.urls import host_of, origin_of

_LOG = logging.getLogger(__name__)

#: Times that a robots.txt which cannot be read is asked for, and the rest between, in seconds.
_ROBOTS_TRIES = 3
_ROBOTS_REST = 60.0
#: Seconds until a queue looks again whether the robots.txt that another one fetches is there.
_ROBOTS_GLANCE = 0.05


class Ticker(Protocol):
    """Told after each commit, from the thread that runs the worker."""

    def tick(self, in_flight: Sequence[str]) -> None:
        """`in_flight`: the URLs that are being fetched."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What is on its way.

    Attributes:
        held, entry: for which queue and URL.
        judge: decides about what it brings; an outdated one, when the plan has changed meanwhile.
        begun: (WARC file, offset) before which no record of it lies.
    """

    held: Held
    entry: Entry
    judge: Judge
    begun: tuple[str, int]


class CrawlWorker:
    """Works on a crawl until it ends.

    Args:
        equipment: what it works with: archive, fetcher, WARC file.
        crawl_id: which crawl.
        team: workers that are begun together, this one counted.
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
        team: int = 1,
        stop: StopSignal | None = None,
        ticker: Ticker | None = None,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.equipment = equipment
        self.holdings = equipment.holdings
        self.crawl_id = crawl_id
        self.is_lead = is_lead
        self.is_in_team = team > 1
        self.stop = stop or StopSignal()
        self.ticker = ticker
        self.clock = clock
        self.monotonic = monotonic
        self.control = CrawlControl(self.holdings.engine, clock)
        self.info = self.control.info(crawl_id)
        self.worker_id = self.control.register(crawl_id)
        self.frontier = Frontier(self.holdings.engine, crawl_id, self.worker_id, lanes=lanes(self.info.plan), team=team)
        equipment.on_begin = self.frontier.begin_file
        self.keeper = Keeper(self.frontier.queues, self.info.plan)
        self.scheduler = self.keeper.scheduler
        self.judge = self._new_judge(None)
        self.robots = RobotsCache(self.frontier, equipment.agent)
        self.visitor = Visitor(self.info, equipment=equipment, judge=self.judge, cancelled=self.stop.abort.is_set, clock=clock)
        self.outbox = Outbox()
        self.orders = Orders(
            self.control, crawl_id, equipment=equipment, scheduler=self.scheduler, stop=self.stop, monotonic=monotonic
        )
        self.crew: Crew[Request]  # from the beginning of `run` on
        self.in_flight: dict[Request, None] = {}  # in the order in which they were begun
        self.last: Committed | None = None
        self.left = Allowance()
        self.last_commit = self.monotonic()
        self.is_torn = False  # a commit failed: what is in the WARC file is not all in the database

    # -- the loop ----------------------------------------------------------------------------------------------------

    def run(self) -> str:
        """Work until the crawl ends; the state it is in then: "finished", "stopped" or "paused"."""
        try:
            with self.open_crew() as self.crew:
                try:
                    self.commit()
                    self.dispatch()
                    prepare()
                    while not self.is_over():
                        self.dispatch()
                        self.collect()
                        if self.is_commit_due():
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

    def open_crew(self) -> Crew[Request]:
        """Who does the visits."""
        return Crew(self.visitor, self.equipment.fetcher, self.equipment.connections)

    def is_over(self) -> bool:
        """Whether nothing is left to do, and nothing on its way."""
        last = self.last
        assert last is not None
        if self.in_flight or self.outbox.batch:
            return False
        if self.orders.is_ending or last.control.state == "finished" or last.control.wanted == "stop":
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
        if self.orders.is_ending or last.control.wanted == "stop":
            if not last.others_busy:
                self.control.set_state(self.crawl_id, "stopped", self.orders.halted or "it was stopped")
            return "stopped"
        limit = self.limit_reached() if last.next_ready is not None else ""  # a limit ends nothing where nothing waits
        self.control.set_state(self.crawl_id, "finished", limit or self.control.left(self.crawl_id))
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

    def dispatch(self) -> None:
        """Begin every URL whose time has come, as far as there may be more requests on their way."""
        self.orders.heed_stop()
        if not self.may_begin():
            return
        now = self.clock().timestamp()
        while len(self.in_flight) < self.equipment.connections and not self.left.is_used_up:
            held = self.scheduler.next(now)
            if held is not None:
                self.begin(held, held.entries.popleft(), now)
            elif not self.read_on():
                return

    def may_begin(self) -> bool:
        """Whether another URL may be begun at all."""
        return self.orders.is_running and not self.left.is_used_up and not self.limit_reached()

    def begin(self, held: Held, entry: Entry, now: float) -> None:
        """Begin one URL, or what comes before it, or refuse it."""
        held.in_hand.add(entry.url_id)
        if self.info.plan_version > 1 and (refused := self.judge.again(entry)) is not None:
            self.refuse(held, entry, refused)
            return
        if entry.is_page and self.left.pages == 0:
            self.keeper.park(held, entry, pages=self.totals.pages)
            return
        mode, rules = self.info.plan.robots, None
        if mode is not RobotsMode.IGNORE:
            origin = origin_of(entry.url)
            rules = self.robots.get(origin, now)
            if rules is None:
                if self.robots.is_being_fetched(origin):
                    self.keeper.put_back(held, entry, now + _ROBOTS_GLANCE, now=now)
                    return
                self.robots.begin(origin)
                self.left.spend()
                self.crew.robots(self.requested(held, entry), entry, origin)
                return
            refused = rules.decide(entry.url, is_requisite=path_of_hops(entry.hops).is_requisite, mode=mode)
            if refused is not None:
                self.heed_robots(held, entry, origin, refused, now)
                return
        self.seek_sitemaps(entry, rules)
        self.left.spend(is_page=entry.is_page)
        max_bytes = room(self.info.plan.limits, self.received())
        self.crew.visit(self.requested(held, entry), entry, max_bytes=max_bytes)

    def read_on(self) -> bool:
        """Read on in queues of which nothing is left in memory; False when nothing came."""
        is_more_coming = bool(self.outbox.batch or self.in_flight)
        return self.keeper.read_on(may_get_more=is_more_coming and self.claims() > 0)

    def claims(self) -> int:
        """Queues that this worker may hold beside those it has."""
        return self.keeper.claims(self.equipment.connections, starving=self.last.starving if self.last is not None else 0)

    def requested(self, held: Held, entry: Entry) -> Request:
        """A URL is on its way from now on."""
        request = Request(held, entry, self.judge, self.equipment.writer.position())
        self.in_flight[request] = None
        return request

    def refuse(self, held: Held, entry: Entry, decision: Decision) -> None:
        """A URL is not fetched after all."""
        self.outbox.batch.finished.append(Finished(entry, decision.state, decision, attempted=False))
        self.scheduler.rest(held, keep=True, now=0)

    def heed_robots(self, held: Held, entry: Entry, origin: str, refused: Decision, now: float) -> None:
        """A robots.txt that forbids is final; one that cannot be read is asked for again a few times.

        Where there is no connection at all, the host's own waits count, and at their end it is given up.
        """
        if refused.verdict is Verdict.ROBOTS_UNREACHABLE and self.robots.is_silent(origin):
            self.robots.expire(origin)
            self.keeper.put_back(held, entry, held.pace.next_at, now=now, why=held.pace.waits_for)
            return
        if refused.verdict is Verdict.ROBOTS_UNREACHABLE and self.robots.tries(origin) < _ROBOTS_TRIES:
            self.robots.expire(origin)
            why = f"robots.txt cannot be read: {refused.detail}"
            self.keeper.put_back(held, entry, now + _ROBOTS_REST, now=now, why=why)
            return
        self.refuse(held, entry, refused)

    # -- what comes back ---------------------------------------------------------------------------------------------

    def collect(self) -> None:
        """Take in results; wait for one when there is nothing else to do."""
        for request, visit in self.crew.wait(self.patience()):
            self.take(request, visit)

    def patience(self) -> float:
        """Seconds until something else than a result may have to be done."""
        return self.standing().patience(may_begin=self.may_begin())

    def take(self, request: Request, visit: Visit) -> None:
        """Take in what came of one URL."""
        del self.in_flight[request]
        held, entry = request.held, request.entry
        if request.judge is not self.judge:
            self.outbox.batch.found += self.judge.let_in(visit.found, entry.decision)
        now = self.clock().timestamp()
        self.outbox.note(visit)
        if visit.robots is not None:  # the URL it was needed for is the next one
            self.robots.put(visit.robots)
            self.keeper.take_back(held, entry)
        if visit.outcome is not None:
            rules = self.robots.get(origin_of(entry.url), now) if self.info.plan.robots is not RobotsMode.IGNORE else None
            wait = rules.wait if rules is not None else None
            name = rules.wait_name if rules is not None else ""
            held.pace = held.pace.after(visit.outcome, self.info.plan.pace, now, robots_wait=wait, robots_name=name)
        held.documents += sum(item.state is UrlState.CAPTURED for item in (visit.finished, *visit.extra) if item is not None)
        held.bytes += visit.received
        self.keeper.retire_when_done(held)
        self.keeper.touched[held.queue_id] = held
        self.scheduler.rest(held, keep=False, now=now)
        if visit.logged_out:
            self.orders.pause(f"the login has ended: {visit.logged_out}")

    def seek_sitemaps(self, entry: Entry, rules: RobotsRules | None) -> None:
        """A seed, or where it leads, is begun: the sitemaps of its host belong to it."""
        if not entry.hops.strip(Hop.REDIRECT):
            usual = f"{origin_of(entry.url)}/sitemap.xml"
            self.outbox.batch.found += self.judge.sitemaps(entry, (rules.sitemaps if rules is not None else ()) or (usual,))

    def gather(self) -> None:
        """At the end, or after an error: take in what threads had already written, so that nothing is lost."""
        for _, visit in self.crew.gather():
            self.outbox.note(visit)
        for request in self.in_flight:
            request.held.busy = False
        self.in_flight.clear()

    # -- what is kept ------------------------------------------------------------------------------------------------

    def standing(self) -> Standing:
        """What decides when to commit, and how long to wait."""
        return Standing(
            now=self.clock().timestamp(),
            silent=self.monotonic() - self.last_commit,
            last=self.last,
            batch=self.outbox.batch,
            is_touched=bool(self.keeper.touched),
            queues=self.scheduler,
            on_way=len(self.in_flight),
            connections=self.equipment.connections,
            is_used_up=self.left.is_used_up,
            is_halted=bool(self.orders.halted),
            is_in_team=self.is_in_team,
        )

    def is_commit_due(self) -> bool:
        """Whether it is time to commit, or another worker has nothing to do, or this one has not and would get something."""
        standing = self.standing()
        if standing.commit_is_due():
            return True
        if standing.is_hungry:
            return self.may_begin() and self.frontier.has_news(standing.now)
        return standing.may_share and self.keeper.give_away(standing.now)

    def commit(self, *, claim: bool = True) -> None:
        """Bytes on the disk first, then everything that says so, in one transaction."""
        self.is_torn = True
        batch, kept = self.outbox.hand_over()
        leaving = self.keeper.settle(batch)
        if batch.captures or batch.extra:
            self.equipment.writer.sync()
        batch.files = self.outbox.safe_ends([request.begun for request in self.in_flight])
        is_running = self.orders.is_running
        now, silent = self.clock().timestamp(), self.monotonic() - self.last_commit
        pages = sum(request.entry.is_page for request in self.in_flight)
        self.last = last = self.frontier.commit(
            batch,
            now=now,
            limits=self.info.plan.limits,
            claim=self.keeper.room(self.equipment.connections) if claim and is_running and not self.limit_reached() else 0,
            held=len(self.scheduler) - len(leaving),
            entries=self.keeper.entries_at_once(),
            in_hand=(len(self.in_flight), pages),
            wanted=COMMIT_RESULTS,
            idle=is_running and not self.in_flight and len(self.scheduler) == len(leaving),
            seconds=silent if self.is_lead and is_running else 0.0,
            within=lambda connection: self.equipment.keep(connection, batch.captures, kept),
        )
        self.is_torn = False
        self.last_commit = self.monotonic()
        self.outbox.forget_files([self.equipment.writer.position()[0], *(request.begun[0] for request in self.in_flight)])
        self.after_commit(last, batch, leaving)

    def after_commit(self, last: Committed, batch: Batch, leaving: list[Held]) -> None:
        """Go by what came back."""
        self.keeper.go_on(last, batch.finished, leaving, now=self.clock().timestamp())
        self.left = Allowance(last.documents_left, last.pages_left)
        self.show_login(batch.redirects)
        if last.control.plan_version != self.info.plan_version:
            self.change_plan()
            self.outbox.batch.found += self.judge.let_in(batch.found, None)
        self.orders.heed(last.control, self.info.plan)
        if self.limit_reached():
            self.scheduler.release_all()
        if self.is_lead and last.control.reconsidered is not None and not self.orders.halted:
            self.frontier.reconsider(self.judge.reconsider, self.clock().timestamp())
        self.orders.guard_disk(self.info.plan.limits.free_bytes)
        if self.ticker is not None:
            self.ticker.tick([request.entry.url for request in self.in_flight])

    def show_login(self, redirects: Sequence[tuple[int, str]]) -> None:
        """Where seeds lead within their own sites, a login is shown too; (seed, URL)."""
        if redirects and self.equipment.login is not None:
            seeds = {number: seed.url for number, seed in self.control.seeds(self.crawl_id)}
            for seed_id, url in redirects:
                if registered_domain(host_of(url)) == registered_domain(host_of(seeds[seed_id])):
                    self.equipment.login.show_to(url)

    # -- limits and plan -------------------------------------------------------------------------------------------

    def _new_judge(self, old: Judge | None) -> Judge:
        return Judge(
            self.info.plan,
            self.control.seeds(self.crawl_id),
            self.control.redirects(self.crawl_id),
            agent=self.equipment.agent,
            year=self.clock().year,
            variants=old.variants if old is not None else None,
        )

    @property
    def totals(self) -> Totals:
        """The crawl's sums, as the last commit brought them."""
        return self.last.totals if self.last is not None else Totals()

    def received(self) -> int:
        """Bytes that the crawl has received, as far as this worker knows."""
        return self.totals.bytes + self.outbox.received

    def limit_reached(self) -> str:
        """Which limit of the whole crawl is reached, in words; "" while none is."""
        if self.last is None:
            return ""
        seconds = self.totals.seconds + (self.monotonic() - self.last_commit)
        limits, is_documents = self.info.plan.limits, self.last.limit_reached
        return crawl_limit(limits, is_documents=is_documents, received=self.received(), seconds=seconds)

    def change_plan(self) -> None:
        """Go by the plan as it is now."""
        old = self.info
        self.info = self.control.info(self.crawl_id)
        self.judge = self.visitor.judge = self._new_judge(self.judge)
        self.frontier.lanes = lanes(self.info.plan)
        self.keeper.plan = self.info.plan
        if self.info.plan.pace != old.plan.pace or self.info.plan.limits != old.plan.limits:
            self.scheduler.release_all()
