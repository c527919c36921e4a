"""Does a worker's visits: what takes its time in threads, everything else in the worker's own.

    question ─┬─ a connection is open ── Flights: sent at once, watched ──┬── Visitor.take: records, links, decisions
              └─ none, or a login ────── a thread fetches ────────────────┘    (a thread where it may take long)

Python's threads work one at a time, and handing over costs more than a small page. So threads connect, log in and deal
with what may take long: large answers, whose compression and digests let others work, long documents, and what is read from
the archive because it has not changed. The many small answers stay in one thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Generic, Self, TypeVar

from archiver.crawl.entries import Entry
from archiver.crawl.visit import NOT_MODIFIED, Question, Visitor
from archiver.crawl.visited import Visit
from archiver.errors import MunimentError
from archiver.fetch.flights import Flights
from archiver.fetch.http import HttpFetcher
from archiver.model import Exchange

Token = TypeVar("Token", bound=Hashable)

#: Responses of so many bytes are dealt with by a thread.
_LARGE = 1_000_000

#: Answers that are dealt with before the worker looks after its queues again, and what they may name in all.
_AT_ONCE, _FOUND_AT_ONCE = 8, 2000

#: What a thread hands back: a visit that is done, a fetched answer, or None where the URL is to be fetched once more.
_Result = Visit | Exchange | None


class Crew(Generic[Token]):
    """Visits under way; for one thread. Use it as a context manager: at its end nothing is under way.

    Args:
        visitor: knows how.
        fetcher: whose connections are used.
        connections: visits that may be under way.
    """

    def __init__(self, visitor: Visitor, fetcher: HttpFetcher, connections: int) -> None:
        self._visitor = visitor
        self._fetcher = fetcher
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="fetch")
        self._flights: Flights[Token] = Flights(fetcher)
        self._questions: dict[Token, Question] = {}
        self._futures: dict[Token, Future[_Result]] = {}
        self._results: SimpleQueue[Token] = SimpleQueue()
        self._landed: deque[tuple[Token, Exchange]] = deque()
        self._ended: list[tuple[Token, Visit]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown()
        self._flights.close()
        for _, exchange in self._landed:
            exchange.close()

    def visit(self, token: Token, entry: Entry, *, max_bytes: int | None) -> None:
        """Begin to visit a URL.

        Args:
            token: what `wait` calls it.
            entry: the URL.
            max_bytes: response size at which it is cut, beside the settings.
        """
        try:
            question = self._visitor.question(entry, max_bytes=max_bytes)
        except MunimentError:
            raise
        except Exception:
            self._receive(token, self._visitor.stumbled(Visit(entry)))
            return
        self._ask(token, question)

    def robots(self, token: Token, entry: Entry, origin: str) -> None:
        """Begin to fetch the robots.txt of an origin, for the sake of a URL."""
        self._submit(token, partial(self._visitor.robots, entry, origin))

    def wait(self, timeout: float) -> list[tuple[Token, Visit]]:
        """Let visits come to their end, for so many seconds at most; those that have ended."""
        for token, exchange in self._flights.wait(0.0 if self._landed else timeout):
            self._receive(token, exchange)
        with suppress(Empty):
            while True:
                token = self._results.get_nowait()
                self._receive(token, self._futures.pop(token).result())
        found = 0
        while self._landed and len(self._ended) < _AT_ONCE and found < _FOUND_AT_ONCE:
            token, exchange = self._landed.popleft()
            result = self._visitor.take(self._questions[token], exchange)
            if isinstance(result, Exchange):
                self._submit(token, partial(self._visitor.read, self._questions[token], result))
                continue
            found += len(result.found) if result is not None else 0
            self._receive(token, result)
        ended, self._ended = self._ended, []
        return ended

    def gather(self) -> list[tuple[Token, Visit]]:
        """After an error: let threads end, and give out what is written, so that nothing is lost."""
        for token, future in self._futures.items():
            result = future.result() if future.exception() is None else None
            if isinstance(result, Visit):
                self._questions.pop(token, None)
                self._ended.append((token, result))
            elif result is not None:
                result.close()
        self._futures.clear()
        for token, question in self._questions.items():
            if question.visit.ends:  # not done with, but some of it is written
                question.visit.finished = None
                self._ended.append((token, question.visit))
        self._questions.clear()
        ended, self._ended = self._ended, []
        return ended

    def _ask(self, token: Token, question: Question) -> None:
        self._questions[token] = question
        is_sent = question.login is None and self._flights.begin(
            token,
            question.entry.url,
            headers=question.fields,
            max_bytes=question.max_bytes,
            cancelled=self._visitor.cancelled,
        )
        if not is_sent:
            self._submit(token, partial(self._visitor.fetch, question))

    def _receive(self, token: Token, result: _Result) -> None:
        """See to the next step of a visit, after what came of the last."""
        if isinstance(result, Visit):
            self._questions.pop(token, None)
            self._ended.append((token, result))
        elif result is None:
            self._submit(token, partial(self._visitor.fetch, self._questions[token], fresh=True))
        elif result.response_length >= _LARGE or self._is_read_elsewhere(token, result):
            self._submit(token, partial(self._visitor.take, self._questions[token], result, is_aside=True))
        else:
            self._landed.append((token, result))

    def _is_read_elsewhere(self, token: Token, exchange: Exchange) -> bool:
        """What is not modified is read as the archive has it, which may be large, or far away."""
        return exchange.status == NOT_MODIFIED and self._questions[token].condition is not None

    def _submit(self, token: Token, task: Callable[[], _Result]) -> None:
        future = self._futures[token] = self._pool.submit(task)
        future.add_done_callback(lambda _: self._ring(token))

    def _ring(self, token: Token) -> None:
        self._results.put(token)
        self._flights.wake()
