"""Asks other archives what they hold, all at once and not for long, and remembers what they said and who did not answer."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import BinaryIO

from archiver.elsewhere.answers import Memento, Onward, of_timegate, of_timemap
from archiver.elsewhere.archives import OtherArchive
from archiver.errors import BodyLimitExceeded
from archiver.fetch.guard import AddressGuard
from archiver.fetch.http import FetchLimits, HttpFetcher
from archiver.holdings import utc_now
from archiver.message import Head, iter_body, read_head
from archiver.settings import Settings
from archiver.timestamps import to_http_date

logger = logging.getLogger(__name__)

#: Seconds that one archive may take, however long anybody waits for it.
LONGEST = 8.0
#: Bytes of an answer that leads to a capture, and of a TimeMap.
_SHORT, _LONG = 64 * 1024, 2 * 1024 * 1024
_MOST_HOPS = 5
#: TimeMaps of one archive that are read for one URL, and captures that are taken from them.
_MOST_PAGES = 5
MOST_MEMENTOS = 10_000
#: Questions at a time, and those that wait; what is beyond is not asked.
_THREADS, _QUEUE = 8, 32
#: Questions a minute, of all readers of this process.
_A_MINUTE = 120
#: Seconds for which answers are remembered: where something was found, and where nothing was.
_FOUND_FOR, _NOTHING_FOR = 3600.0, 900.0
_MOST_REMEMBERED = 2000
#: Failures in a row after which an archive is not asked for a while: so long first, then twice as long, up to the longest.
_FAILURES = 3
_FIRST_REST, _LONGEST_REST = 60.0, 3600.0
_NOTHING = frozenset({400, 403, 404, 410, 451})
_BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Heard:
    """What one archive said.

    Attributes:
        archive: which.
        mementos: captures; empty when it has none, or said nothing.
        silence: why it said nothing: "late", "failed", "resting" (it failed lately and is left alone) or "busy" (we are);
            "" when it answered.
        is_cut: it has more than was read.
    """

    archive: OtherArchive
    mementos: tuple[Memento, ...] = ()
    silence: str = ""
    is_cut: bool = False


@dataclass
class _Health:
    """How an archive has behaved; `until`: it is not asked before that."""

    failures: int = 0
    until: float = 0.0
    rest: float = field(default=_FIRST_REST)


class _Failed(Exception):
    """No answer that says anything; `rest`: seconds for which the archive wants to be left alone."""

    def __init__(self, reason: str, rest: float = 0.0) -> None:
        super().__init__(reason)
        self.rest = rest


def fetcher_for(settings: Settings) -> HttpFetcher:
    """What other archives are asked with: private addresses only as the settings allow."""
    return HttpFetcher(
        user_agent=settings.user_agent,
        guard=AddressGuard(allow_private=settings.allow_private),
        limits=FetchLimits(max_bytes=_LONG, max_seconds=LONGEST, connect_timeout=4.0, read_timeout=5.0),
        pool_size=2,
        verify_tls=settings.verify_tls,
    )


class OtherArchives:
    """The archives of a setting, and what they have said lately.

    Args:
        archives: in the order in which they are shown.
        fetcher: asks; follows no redirects itself.
        clock: the time, UTC.
        monotonic: seconds that never go backwards.
    """

    def __init__(
        self,
        archives: Sequence[OtherArchive],
        fetcher: HttpFetcher,
        *,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.archives = tuple(archives)
        self._fetcher = fetcher
        self._clock = clock
        self._monotonic = monotonic
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="elsewhere")
        self._running: dict[tuple[str, ...], Future[Heard]] = {}
        self._known: OrderedDict[tuple[str, ...], tuple[float, Heard]] = OrderedDict()
        self._health = {archive.name: _Health() for archive in self.archives}
        self._asked: list[float] = []

    def close(self) -> None:
        """Ask nobody any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._fetcher.close()

    def nearest(self, url: str, moment: datetime | None, seconds: float) -> list[Heard]:
        """The capture of a URL nearest to a moment in each archive; what comes too late is remembered for the next time.

        Args:
            url: archived.
            moment: UTC; None for the newest.
            seconds: to wait for all of them together.
        """
        when = to_http_date(moment) if moment is not None else ""
        return self._all("timegate", url, when, seconds, self.archives)

    def all_of(self, url: str, seconds: float) -> list[Heard]:
        """All captures of a URL in each archive whose TimeMaps are known."""
        return self._all("timemap", url, "", seconds, [archive for archive in self.archives if archive.timemap])

    def _all(self, kind: str, url: str, when: str, seconds: float, archives: Sequence[OtherArchive]) -> list[Heard]:
        questions = [self._ask(archive, kind, url, when) for archive in archives]
        running = [item for item in questions if isinstance(item, Future)]
        wait(running, seconds)
        heard = []
        for archive, item in zip(archives, questions, strict=True):
            if isinstance(item, Heard):
                heard.append(item)
            else:
                is_there = item.done() and not item.cancelled()
                heard.append(item.result() if is_there else Heard(archive, silence="late"))
        return heard

    def _ask(self, archive: OtherArchive, kind: str, url: str, when: str) -> Heard | Future[Heard]:
        key = (kind, archive.name, url, when)
        now = self._monotonic()
        with self._lock:
            known = self._known.get(key)
            if known is not None and known[0] > now:
                return known[1]
            if key in self._running:
                return self._running[key]
            if self._health[archive.name].until > now:
                return Heard(archive, silence="resting")
            self._asked = [moment for moment in self._asked if moment > now - 60]
            if len(self._running) >= _QUEUE or len(self._asked) >= _A_MINUTE:
                return Heard(archive, silence="busy")
            self._asked.append(now)
            future: Future[Heard] = Future()
            self._running[key] = future
        try:
            self._threads.submit(self._answer, future, key, archive, url, when)
        except RuntimeError:  # the process ends
            self._settle(future, key, Heard(archive, silence="busy"))
        return future

    def _answer(self, future: Future[Heard], key: tuple[str, ...], archive: OtherArchive, url: str, when: str) -> None:
        end = self._monotonic() + LONGEST
        try:
            heard = self._timegate(archive, url, when, end) if key[0] == "timegate" else self._timemap(archive, url, end)
        except _Failed as error:
            logger.info("%s was asked and did not answer: %s", archive.name, error)
            self._note_failure(archive, error.rest)
            heard = Heard(archive, silence="failed")
        except Exception:  # the edge of a thread: whoever waits must get an answer
            logger.exception("%s could not be asked", archive.name)
            self._note_failure(archive, 0.0)
            heard = Heard(archive, silence="failed")
        else:
            with self._lock:
                self._health[archive.name] = _Health()
        self._settle(future, key, heard)

    def _settle(self, future: Future[Heard], key: tuple[str, ...], heard: Heard) -> None:
        with self._lock:
            self._running.pop(key, None)
            if not heard.silence:
                kept = _FOUND_FOR if heard.mementos else _NOTHING_FOR
                self._known[key] = (self._monotonic() + kept, heard)
                self._known.move_to_end(key)
                while len(self._known) > _MOST_REMEMBERED:
                    self._known.popitem(last=False)
        future.set_result(heard)

    def _note_failure(self, archive: OtherArchive, rest: float) -> None:
        with self._lock:
            health = self._health[archive.name]
            health.failures += 1
            if health.failures < _FAILURES and not rest:
                return
            health.until = self._monotonic() + min(max(health.rest, rest), _LONGEST_REST)
            health.rest = min(health.rest * 2, _LONGEST_REST)

    # -- one archive -------------------------------------------------------------------------------------------------

    def _timegate(self, archive: OtherArchive, url: str, when: str, end: float) -> Heard:
        headers = {"Accept-Datetime": when} if when else {}
        address = archive.timegate_of(url)
        seen: set[str] = set()
        while address not in seen and len(seen) < _MOST_HOPS:
            seen.add(address)
            head, _ = self._fetched(address, headers, end, _SHORT, wants_body=False)
            said = of_timegate(address, head, self._clock())
            if isinstance(said, Memento):
                return Heard(archive, (said,))
            if isinstance(said, Onward):
                address = said.url
                continue
            if head.status in _NOTHING:
                return Heard(archive)
            raise _Failed(f"status {head.status} says nothing of a capture")
        raise _Failed("its redirects lead nowhere")

    def _timemap(self, archive: OtherArchive, url: str, end: float) -> Heard:
        waiting, seen = [archive.timemap_of(url)], set[str]()
        found: dict[str, Memento] = {}
        is_cut = False
        while waiting and len(seen) < _MOST_PAGES:
            address = waiting.pop()  # the newest page comes last
            seen.add(address)
            head, text = self._fetched(address, {"Accept": "application/link-format"}, end, _LONG, wants_body=True)
            location = of_timegate(address, head, self._clock())
            if isinstance(location, Onward):
                waiting += [location.url] if location.url not in seen else []
                continue
            if head.status in _NOTHING:
                continue
            if head.status != 200 or text is None:
                raise _Failed(f"status {head.status} is no TimeMap")
            said = of_timemap(address, text[0], self._clock(), MOST_MEMENTOS)
            if not said.mementos and not said.further and "<" not in text[0]:
                raise _Failed("what it sent is no TimeMap")
            found |= {item.url: item for item in said.mementos}
            is_cut = is_cut or text[1]
            if not said.mementos:  # a list of TimeMaps
                waiting += [other for other in said.further if other not in seen and other not in waiting]
        listed = sorted(found.values(), key=lambda item: (item.moment, item.url))
        is_cut = is_cut or bool(waiting) or len(listed) > MOST_MEMENTOS
        return Heard(archive, tuple(listed[-MOST_MEMENTOS:]), is_cut=is_cut)

    def _fetched(
        self, address: str, headers: dict[str, str], end: float, most: int, *, wants_body: bool
    ) -> tuple[Head, tuple[str, bool] | None]:
        """The head of an answer, and its text where that is wanted, with whether there is more of it."""
        exchange = self._fetcher.fetch(address, headers=headers, deadline=end, max_bytes=most)
        try:
            response = exchange.response
            if response is None or exchange.status is None:
                raise _Failed(exchange.failure.reason if exchange.failure is not None else "no answer")
            response.seek(0)
            head = read_head(response)
            if head.status in _BUSY:
                after = head.get("Retry-After") or ""
                raise _Failed(
                    "it is busy", float(after) if after.isascii() and after.isdigit() and len(after) < 6 else _FIRST_REST
                )
            if head.status is not None and head.status >= 500 and not head.get("Memento-Datetime"):
                raise _Failed(f"status {head.status}")
            if not wants_body or head.status != 200:
                return head, None
            return head, self._text(response, head, is_cut=exchange.truncated is not None)
        finally:
            exchange.close()

    @staticmethod
    def _text(stream: BinaryIO, head: Head, *, is_cut: bool) -> tuple[str, bool]:
        pieces: list[bytes] = []
        try:
            for piece in iter_body(stream, head, limit=_LONG):
                pieces.append(piece)
        except BodyLimitExceeded:
            is_cut = True
        return b"".join(pieces).decode("utf-8", "replace"), is_cut
