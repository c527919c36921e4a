"""How crawls are shown: states and plots in words and numbers, pages of lists, CSV. No view is here."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from flask import Response, current_app

from archiver.cells import safe_cell
from archiver.collections.rates import Rates
from archiver.collections.reports import CrawlSummary, Sums
from archiver.collections.steering import CrawlDesk, is_beginning
from archiver.crawl.launch import Launch, launch
from archiver.crawl.plan import Limits
from replay.workbench.places import context

#: Rows of one page of a list.
PAGE = 100

_PLOT = (900, 120)
#: With fewer bars a plot of what is over says nothing.
_LEAST_BARS = 4
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class State:
    """Where a crawl stands, for people: `kind` names its colour, `text` says it, `more` why."""

    kind: str
    text: str
    more: str = ""


def desk() -> CrawlDesk:
    """Where crawls are asked for. What begins their processes may be set by who made the application."""
    place = context()
    queue: Launch | None = current_app.extensions.get("muniment.launch")
    begin = queue or partial(launch, place.settings)
    return CrawlDesk(place.holdings, place.clock, begin, is_queued=queue is not None)


def state_of(crawl: CrawlSummary, workers: int) -> State:
    """Where a crawl stands; `workers`: processes that work on it."""
    if is_beginning(crawl) and not workers:
        return State("waiting", "starting", "it begins as soon as a process is free")
    if crawl.state == "running":
        if crawl.wanted in ("pause", "stop"):
            words = {"pause": "pausing", "stop": "stopping"}[crawl.wanted]
            return State("waiting", words, "what is being received is finished first")
        if not workers:
            return State("failed", "left alone", "its process is gone: Resume goes on where it was")
        return State("running", "running")
    return State({"finished": "done", "paused": "waiting"}.get(crawl.state, crawl.state), crawl.state, crawl.ended)


def moment(iso: str | None) -> datetime | None:
    """A time as the tables keep it."""
    return datetime.fromisoformat(iso.replace("Z", "+00:00")).astimezone(UTC) if iso else None


def limit_bars(sums: Sums, seconds: float, pages: int, limits: Limits) -> list[tuple[str, float]]:
    """The limits of a crawl in words, and how much of each is used, in percent."""
    used = (
        ("documents", sums.documents, limits.documents), ("pages", pages, limits.pages),
        ("data", sums.bytes, limits.bytes), ("time", seconds, limits.seconds),
    )  # fmt: skip
    return [(name, min(100.0, 100 * now / most)) for name, now, most in used if most]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a plot, in the units of its picture; `title` says what it stands for."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars with what stands at their edges."""

    bars: tuple[Bar, ...]
    first: str
    last: str
    most: str
    width: int = _PLOT[0]
    height: int = _PLOT[1]


def plot_of(rates: Rates, *, is_live: bool) -> Plot | None:
    """What a crawl did over its time as bars; None when it has done nothing, or was over at once.

    A live one has room for what comes.
    """
    if not rates.most or not (is_live or len(rates.buckets) >= _LEAST_BARS):
        return None
    width, height = _PLOT
    count = len(rates.buckets)
    places = max(count, 30) if is_live else count
    each = width / places
    bars = []
    for place, bucket in enumerate(rates.buckets):
        tall = height * bucket.documents / rates.most
        when = datetime.fromtimestamp(bucket.at, UTC)
        title = f"{when:%Y-%m-%d %H:%M:%S}: {bucket.documents:,} documents in {_span(rates.seconds)}"
        bars.append(Bar(round(place * each, 2), round(height - tall, 2), round(max(each - 1, 0.6), 2), round(tall, 2), title))
    first = datetime.fromtimestamp(rates.buckets[0].at, UTC)
    last = first + timedelta(seconds=places * rates.seconds)
    form = "%H:%M:%S" if first.date() == last.date() else "%Y-%m-%d %H:%M"
    return Plot(
        tuple(bars), first.strftime(form), last.strftime(form), f"{rates.most:,} documents in {_span(rates.seconds)} at most"
    )


def _span(seconds: int) -> str:
    for factor, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % factor == 0:
            return f"a {word}".replace("a hour", "an hour") if seconds == factor else f"{seconds // factor} {word}s"
    return f"{seconds} seconds"


def first_of(rows: Iterable[_T], limit: int = PAGE) -> tuple[list[_T], bool]:
    """The first rows, and whether there are more. `rows` should give one more than `limit`."""
    shown: list[_T] = []
    for row in rows:
        if len(shown) == limit:
            return shown, True
        shown.append(row)
    return shown, False


def number_of(text: str | None) -> int:
    """A number of an address; 0 for what is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Rows as a CSV file to be kept, written as they are read."""

    def lines() -> Iterator[str]:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([safe_cell(value) for value in row])
            if buffer.tell() > 30_000:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue()

    answer = Response(lines(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
