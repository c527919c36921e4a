"""Saves one page and makes sure that readers can see it: nothing else counts as success."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from archiver.crawl.login import is_logout
from archiver.engine import Observer, PageCapturer, PageWish, StopSignal
from archiver.errors import MunimentError
from archiver.fetch.login import Login
from archiver.fetch.secrets import Credential
from archiver.holdings import Holdings
from archiver.model import Capture, Failure, PageResult, ResourceOutcome
from archiver.saveorders import MOST_OUTLINKS, SaveOrder, SaveRefused, SaveSecrets, code_of
from archiver.timestamps import parse_timestamp, to_timestamp
from archiver.urls import host_of, origin_of, urlkey

#: Says where a page leads that readers are really shown: of collection, URL and timestamp. Raises MunimentError when they
#: are not.
Prove = Callable[[str, str, str], Sequence[str]]

_BOOKS = (".pdf", ".epub")


@dataclass(frozen=True, slots=True)
class Saved:
    """A page that can be seen.

    Attributes:
        url: where it was found in the end.
        timestamp: 14 digits.
        status: HTTP status; None for captures without one.
        is_new: it was captured now.
        is_first: no capture of it was held before; None where nobody asked.
        outlinks: where it leads, the first of them.
        available: of each of these, when it was captured last, "" for never; None where nobody asked.
        messages: for people.
    """

    url: str
    timestamp: str
    status: int | None
    is_new: bool
    is_first: bool | None
    outlinks: tuple[str, ...]
    available: dict[str, str] | None
    messages: tuple[str, ...]


def recent(holdings: Holdings, order: SaveOrder, now: datetime) -> Capture | None:
    """A capture that does as well as a new one: no older than the order says, and no error."""
    if not order.within:
        return None
    since = to_timestamp(now - timedelta(seconds=min(order.within, 3_000_000_000)))
    found = holdings.index.versions((order.collection,), urlkey(order.url), since=since)
    good = [item for item in found if item.url == order.url and _is_good(item, order)]
    return good[-1] if good else None


def _is_good(item: Capture, order: SaveOrder) -> bool:
    status = item.status or 200
    return item.truncated is None and (order.keeps_errors or status < 400) and not 300 <= status < 400


def save(
    holdings: Holdings,
    order: SaveOrder,
    secrets: SaveSecrets,
    prove: Prove,
    *,
    software: str,
    clock: Callable[[], datetime],
    observer: Observer,
    stop: StopSignal,
) -> Saved:
    """Save a page, or find a capture that does as well.

    Args:
        holdings: the opened archive.
        order: what to do.
        secrets: shown to the page's host alone.
        prove: makes sure that it can be seen.
        software: name and version for the warcinfo record.
        clock: the time, UTC.
        observer: told of every URL.
        stop: ends it early.

    Raises:
        SaveRefused: the page was not captured, or cannot be seen; why.
        UnknownCollection: there is no such collection.
        StorageFailed: the disk or database failed.
    """
    before = None if secrets.are_any else recent(holdings, order, clock())
    if before is not None:
        links = _proven(prove, order.collection, before.url, before.timestamp)
        minutes = int((clock() - parse_timestamp(before.timestamp)).total_seconds() // 60)
        said = f"The same snapshot had been made {minutes} minute{'' if minutes == 1 else 's'} ago."
        told = False if order.tells_first else None
        return _saved(holdings, order, before.url, before.timestamp, before.status, links, is_new=False, told=told, said=said)
    is_first = next(iter(holdings.index.versions((order.collection,), urlkey(order.url), limit=1)), None) is None
    wish = PageWish(
        {"User-Agent": order.user_agent} if order.user_agent else {},
        login_for(order.url, secrets),
        keeps_errors=order.keeps_errors,
        with_parts=not order.document_only,
    )
    with PageCapturer(holdings, order.collection, software=software, clock=clock) as capturer:
        result = capturer.capture(order.url, observer=observer, stop=stop, wish=wish)
    page = page_of(result)
    check(result, page, order)
    assert result.timestamp is not None and page is not None
    links = _proven(prove, order.collection, result.final_url, result.timestamp)
    told = is_first if order.tells_first else None
    return _saved(holdings, order, result.final_url, result.timestamp, page.status, links, is_new=True, told=told)


def login_for(url: str, secrets: SaveSecrets) -> Login | None:
    """What the host of a page is shown, and nobody else; over plain http only where the page is there."""
    if not secrets.are_any:
        return None
    netloc = urlsplit(url).netloc.lower()
    credentials = [Credential(netloc, secrets.user, secrets.password)] if secrets.user else []
    headers = {"Cookie": secrets.cookie} if secrets.cookie else {}
    return Login({host_of(url): url.startswith("http:")}, credentials=credentials, headers=headers, are_named=True)


def page_of(result: PageResult) -> ResourceOutcome | None:
    """What became of the page itself, after redirects."""
    return next((item for item in reversed(result.outcomes) if item.candidate.url == result.final_url), None)


def check(result: PageResult, page: ResourceOutcome | None, order: SaveOrder) -> None:
    """Make sure that the page was captured whole.

    Raises:
        SaveRefused: it was not.
    """
    if result.interrupted:
        raise SaveRefused("job-failed", "The capture was stopped; what came is kept.")
    failure: Failure | None = page.failure if page is not None else None
    status = page.status if page is not None else None
    if page is not None and result.timestamp is not None and page.capture is not None:
        if status is not None and status >= 400 and order.keeps_errors:
            return
        if failure is None:
            return
    reason = failure.reason if failure is not None else "the page was not captured"
    code = code_of(failure.kind if failure is not None else None, status)
    is_error = status is not None and status >= 400
    advice = "To keep it all the same, save it even if the server answers with an error (capture_all=1)." if is_error else ""
    raise SaveRefused(code, f"{result.final_url}: {reason}.", advice, status=502)


def _proven(prove: Prove, collection: str, url: str, timestamp: str) -> Sequence[str]:
    try:
        return prove(collection, url, timestamp)
    except SaveRefused:
        raise
    except MunimentError as error:
        raise SaveRefused(
            "capture-location-error", f"It was captured, but cannot be shown: {error.message}", error.advice, status=500
        ) from error


def _saved(
    holdings: Holdings,
    order: SaveOrder,
    url: str,
    timestamp: str,
    status: int | None,
    links: Sequence[str],
    *,
    is_new: bool,
    told: bool | None,
    said: str = "",
) -> Saved:
    outlinks = tuple(best_first(url, links, lambda link: not _last(holdings, order.collection, link))[:MOST_OUTLINKS])
    available = {link: _last(holdings, order.collection, link) for link in outlinks} if order.tells_outlinks else None
    messages = (*((said,) if said else ()), *order.messages)
    return Saved(url, timestamp, status, is_new, told, outlinks, available, messages)


def _last(holdings: Holdings, collection: str, url: str) -> str:
    newest = holdings.index.newest((collection,), urlkey(url))
    return newest.timestamp if newest is not None else ""


def best_first(page: str, links: Iterable[str], is_new: Callable[[str], bool]) -> list[str]:
    """Links in the order in which they are worth saving: books, then those never captured, then those of the same site.

    Links that would log the reader out are left.
    """
    origin, here = origin_of(page), page.partition("#")[0]
    found = [link for link in dict.fromkeys(links) if link != here and is_logout(link) is None]

    def worth(link: str) -> tuple[bool, bool, bool]:
        is_book = urlsplit(link).path.lower().endswith(_BOOKS)
        return not is_book, not is_new(link), origin_of(link) != origin

    return sorted(found, key=worth)
