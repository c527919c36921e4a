"""One archive, rules of access, and every place that tells readers what is held: all have to give the same answer.

A further place is one more `Place`: how it is asked, and what it has to say when just these captures may be seen.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flask.testing import FlaskClient

from archiver.collections.access import Action, Rule
from archiver.collections.accesswords import make_rule
from archiver.collections.descriptions import DescriptionRegistry, Statement
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.holdings import Holdings
from archiver.search.build import read_texts
from tests.servers.warcs import response_record

#: A capture: its URL and the year in which it was made, on the 1st of June at noon.
Seen = frozenset[tuple[str, int]]

HOME, PAGE, FOLDER, QUERY = "http://e.org/", "http://e.org/page", "http://e.org/docs/a", "http://e.org/q?b=2&a=1"
BELOW, PORT, OTHER, LONGER = "http://deep.sub.e.org/x", "http://e.org:8080/p", "http://other.net/", "http://e.orgs.net/"
BY_NAME = {"home": HOME, "page": PAGE, "folder": FOLDER, "query": QUERY, "below": BELOW, "other": OTHER}
URLS = (HOME, PAGE, FOLDER, QUERY, BELOW, PORT, OTHER, LONGER)
YEARS = (2012, 2016, 2020)
EVERYTHING: Seen = frozenset((url, year) for url in URLS for year in YEARS)
NOW = datetime(2020, 9, 1, tzinfo=UTC)

#: Proxies at this address are believed, and say what groups a reader is in.
TRUSTED = "127.0.0.1"
SETTINGS = {"trusted_proxies": TRUSTED, "groups_header": "X-Groups"}
ANYBODY: dict[str, str] = {"X-Forwarded-For": "198.51.100.9"}
INSIDE: dict[str, str] = {"X-Forwarded-For": "192.0.2.7"}
STAFF: dict[str, str] = {"X-Forwarded-For": "198.51.100.9", "X-Groups": "staff, other"}
LIAR: dict[str, str] = {"X-Forwarded-For": "192.0.2.7, 198.51.100.9"}


def stamp(year: int) -> str:
    return f"{year}0601120000"


def records() -> list[bytes]:
    body = b"<!doctype html><title>%d</title><p>%s"
    return [
        response_record(url, datetime(year, 6, 1, 12, tzinfo=UTC), body % (year, url.encode()))
        for url in URLS
        for year in YEARS
    ]


def describe(holdings: Holdings) -> None:
    """Make each URL a seed of the collection, say something of it as a document, and read the texts."""
    SeedRegistry(holdings.engine, lambda: NOW).add("unesco", [SeedDraft(url) for url in URLS])
    for url in URLS:
        DescriptionRegistry(holdings.engine).replace("unesco", "document", url, [Statement("description", "Of interest.")])
    assert read_texts(holdings).is_complete


@dataclass(frozen=True)
class Case:
    """Rules, who asks, and what may be seen then; `told`: captures of which is said that they are kept from the reader;
    `private`: seeds that are not public then, and their scopes."""

    name: str
    rules: tuple[Rule, ...]
    seen: Seen
    headers: dict[str, str]
    told: Seen = frozenset()
    private: tuple[tuple[str, str], ...] = ()


@contextmanager
def in_force(holdings: Holdings, case: Case) -> Iterator[None]:
    """For a while the rules of a case count, and its seeds are not public."""
    registry = SeedRegistry(holdings.engine, lambda: NOW)
    before = [seed for url, _ in case.private if (seed := registry.find("unesco", url)) is not None]
    for seed, (_, scope) in zip(before, case.private, strict=True):
        registry.change(seed.number, replace(seed.draft, scope=scope, is_public=False))
    made = holdings.access.add(case.rules)
    try:
        yield
    finally:
        for seed in before:
            registry.change(seed.number, seed.draft)
        for rule in made:
            holdings.access.remove(rule.number)
        holdings.access.add(())  # the rules are read again


def only(*urls: str, years: Iterable[int] = YEARS) -> Seen:
    return frozenset((url, year) for url in urls for year in years)


def exclude(**said: Any) -> Rule:
    return make_rule(Action.EXCLUDE, **said)


def block(**said: Any) -> Rule:
    return make_rule(Action.BLOCK, message="At the request of the author.", **said)


def opened() -> Rule:
    """Everything, for those inside."""
    return allow(is_everything=True, **INSIDERS)


def allow(**said: Any) -> Rule:
    return make_rule(Action.ALLOW, **said)


def case(name: str, *rules: Rule, hides: Seen = frozenset(), told: Seen = frozenset(), by: dict[str, str] = ANYBODY) -> Case:
    return Case(name, rules, EVERYTHING - hides - told, by, told)


def private(name: str, *rules: Rule, hides: Seen, **scopes: str) -> Case:
    """Seeds that are not public: what of it is hidden."""
    return Case(name, rules, EVERYTHING - hides, ANYBODY, private=tuple((BY_NAME[name], kind) for name, kind in scopes.items()))


ON_HOST = only(HOME, PAGE, FOLDER, QUERY, PORT, BELOW)
INSIDERS = {"addresses": ["192.0.2.0/24"], "groups": ["staff"]}
CASES = [
    case("no rule"),
    case("one URL", exclude(url=PAGE), hides=only(PAGE)),
    case("one URL, spelled otherwise", exclude(url="https://www.E.org/q?a=1&b=2#x"), hides=only(QUERY)),
    case("a host, with hosts below it and other ports", exclude(host="e.org"), hides=ON_HOST),
    case("a host by its star", exclude(url="*.e.org"), hides=ON_HOST),
    case("a prefix", exclude(prefix="http://e.org/docs/"), hides=only(FOLDER)),
    case("a host's own pages", exclude(prefix="e.org"), hides=only(HOME, PAGE, FOLDER, QUERY)),
    case("everything", exclude(is_everything=True), hides=EVERYTHING),
    case("everything is said to be kept back", block(is_everything=True), told=EVERYTHING),
    case("one URL is said to be kept back", block(url=PAGE), told=only(PAGE)),
    case("a time", exclude(host="e.org", since="2015", until="2016"), hides=only(*URLS[:6], years=[2016])),
    case("a time is said to be kept back", block(url=HOME, until="2016-06-01"), told=only(HOME, years=[2012, 2016])),
    case("an embargo", exclude(is_everything=True, embargo="1year"), hides=only(*URLS, years=[2020])),
    case("an embargo that is over", exclude(is_everything=True, embargo="1month")),
    case("the longer beginning wins", exclude(host="e.org"), allow(prefix="http://e.org/docs/"), hides=ON_HOST - only(FOLDER)),
    case("one URL wins over its beginning", allow(url=PAGE), block(prefix="http://e.org/page"), told=frozenset()),
    case("of equals the stricter wins", allow(url=PAGE), block(url=PAGE), exclude(url=PAGE), hides=only(PAGE)),
    case("the collection wins over all", exclude(url=PAGE), allow(url=PAGE, collection="unesco")),
    case("another collection's rule", exclude(is_everything=True, collection="default")),
    case("opened to a network, from outside", exclude(is_everything=True), opened(), hides=EVERYTHING),
    case("opened to a network, from inside", exclude(is_everything=True), opened(), by=INSIDE),
    case("opened to a group", block(host="e.org"), allow(host="e.org", **INSIDERS), by=STAFF),
    case("opened to a network, by a lie", exclude(host="e.org"), allow(host="e.org", **INSIDERS), hides=ON_HOST, by=LIAR),
    case("closed to a network", exclude(url=PAGE, **INSIDERS), hides=only(PAGE), by=INSIDE),
    case("closed to a network, from outside", exclude(url=PAGE, **INSIDERS)),
    case("not yet in force", exclude(is_everything=True, starts="2020-09-02")),
    case("no longer in force", exclude(is_everything=True, ends="2020-08-31")),
    private("a private folder in what a public seed takes", hides=only(FOLDER), folder="prefix"),
    private(
        "a private domain, but for public seeds in it", hides=only(HOME, PAGE, QUERY, BELOW),
        home="domain", page="page", query="page", below="page+1",
    ),
    private("a private seed and a rule that opens what is around it", allow(host="other.net"), hides=only(OTHER), other="host"),
    case("in force", exclude(url=HOME, starts="2020-08-31", ends="2020-09-02"), hides=only(HOME)),
]  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Something that tells what is held.

    Attributes:
        ask: what it says to a reader who sends these headers.
        says: what it has to say when these captures may be seen.
    """

    ask: Callable[[FlaskClient, dict[str, str]], object]
    says: Callable[[Case], object]


def _replayed(client: FlaskClient, headers: dict[str, str]) -> object:
    found = {}
    for url in URLS:
        for year in YEARS:
            answer = client.get(f"/unesco/{stamp(year)}id_/{url}", headers=headers)
            found[url, year] = answer.status_code
    return found


def _replay_says(case: Case) -> object:
    """Of what is not permitted, the nearest permitted capture is shown, if there is one, unless that very one is blocked."""

    def status(url: str, year: int) -> int:
        if (url, year) in case.seen:
            return 200
        if (url, year) in case.told:
            return 451
        return 302 if any((url, other) in case.seen for other in YEARS) else 404

    return {(url, year): status(url, year) for url in URLS for year in YEARS}


def _newest(client: FlaskClient, headers: dict[str, str]) -> object:
    answers = {url: client.get(f"/unesco/{url}", headers=headers) for url in URLS}
    return {url: (answer.headers.get("Location") or "").partition("/http")[0] for url, answer in answers.items()}


def _newest_says(case: Case) -> object:
    last = {url: max((year for held, year in case.seen if held == url), default=0) for url in URLS}
    return {url: f"/unesco/{stamp(year)}" if year else "" for url, year in last.items()}


def _listed(client: FlaskClient, headers: dict[str, str]) -> object:
    """What the list of each URL has, and the calendar of one year."""
    found = set()
    for url in URLS:
        shown = re.escape(url.replace("&", "&amp;"))
        text = client.get(f"/unesco/20*/{url}", headers=headers).get_data(as_text=True)
        found |= {(url, int(year)) for year in re.findall(rf'href="/unesco/(\d{{4}})\d{{10}}/{shown}"', text)}
        text = client.get(f"/unesco/2016*/{url}", headers=headers).get_data(as_text=True)
        assert bool(re.search(r'href="/unesco/20160601\*/', text)) == ((url, 2016) in found)
    return found


def _bars(client: FlaskClient, headers: dict[str, str]) -> object:
    """Whether there is a calendar at all."""
    return {url: client.get(f"/unesco/*/{url}", headers=headers).status_code for url in URLS}


def _bars_say(case: Case) -> object:
    told = {url for url, _ in case.told}
    return {
        url: 200 if any(held == url for held, _ in case.seen) else 451 if url in told else 404 for url in URLS
    }  # fmt: skip


def _under(client: FlaskClient, headers: dict[str, str]) -> object:
    found = {}
    for host in ("e.org/", "deep.sub.e.org/", "e.org:8080/", "other.net/", "e.orgs.net/"):
        text = client.get(f"/unesco/*/http://{host}*", headers=headers).get_data(as_text=True)
        for row in re.findall(r"<tr>.*?</tr>", text, re.DOTALL):
            cells = re.findall(r">([^<>\n]+)<", row)
            if cells and cells[0].startswith("http"):
                found[cells[0].replace("&amp;", "&")] = next(int(cell) for cell in cells[1:] if cell.isdigit())
    return found


def _around(page: str) -> Callable[[FlaskClient, dict[str, str]], object]:
    """The captures that a page about one URL links to."""

    def ask(client: FlaskClient, headers: dict[str, str]) -> object:
        found = set()
        for url in URLS:
            text = client.get(f"/unesco/-/{page}", query_string={"url": url}, headers=headers).get_data(as_text=True)
            shown = re.escape(url.replace("&", "&amp;"))
            found |= {(url, int(year)) for year in re.findall(rf'/unesco/(\d{{4}})0601120000/{shown}[<"]', text)}
        return found

    return ask


def _compared(client: FlaskClient, headers: dict[str, str]) -> object:
    """The captures that a comparison of the oldest with the newest shows, and the texts in it."""
    found = set()
    for url in URLS:
        query = {"url": url, "a": stamp(2012), "b": stamp(2020)}
        text = client.get("/unesco/-/compare", query_string=query, headers=headers).get_data(as_text=True)
        shown = re.escape(url.replace("&", "&amp;"))
        years = {int(year) for year in re.findall(rf'href="/unesco/(\d{{4}})0601120000/{shown}"', text)}
        found |= {(url, year) for year in years}
        assert {int(year) for year in re.findall(r"\b(20\d\d)\b(?=</(?:ins|del)>)", text)} <= years
    return found


def _compared_says(case: Case) -> object:
    """Of each URL the nearest to both times that may be seen; one alone is not compared."""
    years = {url: sorted(year for held, year in case.seen if held == url) for url in URLS}
    return {(url, year) for url, seen in years.items() if len(seen) > 1 for year in (seen[0], seen[-1])}


def _sparkline(client: FlaskClient, headers: dict[str, str]) -> object:
    found = set()
    for url in URLS:
        answer = client.get("/unesco/-/sparkline", query_string={"url": url}, headers=headers).get_json()
        found |= {(url, int(year)) for year, months in answer.get("years", {}).items() if months[5]}
        for year in YEARS:
            query = {"url": url, "date": f"{year}0601"}
            day = client.get("/unesco/-/calendarcaptures", query_string=query, headers=headers).get_json()
            assert bool(day.get("items")) == ((url, year) in found)
    return found


HOSTS = ("e.org/", "deep.sub.e.org/", "e.org:8080/", "other.net/", "e.orgs.net/")


def _by_year(client: FlaskClient, headers: dict[str, str]) -> object:
    """Captures a year, over all hosts."""
    found: Counter[int] = Counter()
    for host in HOSTS:
        text = client.get(f"/unesco/-/summary?url=http://{host}", headers=headers).get_data(as_text=True)
        for year, count in re.findall(r'<th scope="row">(\d{4})</th><td class="num">(\d+)<', text):
            found[int(year)] += int(count)
    return +found


def _most_captured(client: FlaskClient, headers: dict[str, str]) -> object:
    """URLs with as many captures as they have, in another order than their own."""
    found = {}
    for host in HOSTS:
        query = {"url": f"http://{host}", "order": "captures"}
        text = client.get("/unesco/-/urls", query_string=query, headers=headers).get_data(as_text=True)
        for url, count in re.findall(r'<td class="url"><a href="/unesco/\*/([^"]+)".*?<td class="num">(\d+)<', text):
            found[url.replace("&amp;", "&")] = int(count)
    return found


def _feed_under(client: FlaskClient, headers: dict[str, str]) -> object:
    found = set()
    for host in HOSTS:
        query = {"url": f"http://{host}", "match": "prefix"}
        text = client.get("/unesco/-/feed", query_string=query, headers=headers).get_data(as_text=True)
        for year, url in re.findall(r"<id>http://localhost/unesco/(\d{4})0601120000/([^<]+)</id>", text):
            found.add((url.replace("&amp;", "&"), int(year)))
    return found


def _home(client: FlaskClient, headers: dict[str, str]) -> object:
    text = re.sub(r"<[^>]+>", " ", client.get("/unesco/", headers=headers).get_data(as_text=True))
    return {
        name: int(found.group(1)) if (found := re.search(rf"{name}:?\s+(\d+)", text)) else 0
        for name in ("Captures", "Addresses")
    }


def _results(address: str) -> Callable[[FlaskClient, dict[str, str]], object]:
    """How often a page of the portal says that each URL was captured."""

    def ask(client: FlaskClient, headers: dict[str, str]) -> object:
        text = html.unescape(client.get(address, headers=headers).get_data(as_text=True))
        found = {}
        for item in text.split('<li class="result-item">')[1:]:
            url = next(word for word in re.findall(r"https?://[^<>\"\s]+(?=</bdi>)", item) if word in URLS)
            count = re.search(r"Captured (?:(\d+) times|once)", item)
            if count:
                found[url] = int(count[1] or 1)
        return found

    return ask


def _found(address: str) -> Callable[[FlaskClient, dict[str, str]], object]:
    """What a search in the texts links to, and how many pages of each year it offers to narrow down to."""

    def ask(client: FlaskClient, headers: dict[str, str]) -> object:
        text = html.unescape(client.get(address, headers=headers).get_data(as_text=True))
        hits = text.partition('<ol class="hits"')[2].partition("</ol>")[0]
        found = {(url, int(year)) for year, url in re.findall(r'href="/unesco/(20\d\d)0601120000/([^"]+)"', hits)}
        years = re.findall(r"year%3A(20\d\d)\S*><bdi>\d+</bdi></a> <span class=\"soft\">(\d+)<", text)
        return found, {int(year): int(count) for year, count in years}

    return ask


def _found_says(case: Case) -> object:
    years = Counter(year for _, year in case.seen)
    return set(case.seen), dict(years) if len(years) > 1 else {}


def _counts(case: Case, urls: Iterable[str] = URLS) -> object:
    return dict(Counter(url for url, _ in case.seen if url in urls))


def _feed(client: FlaskClient, headers: dict[str, str]) -> object:
    text = html.unescape(client.get("/unesco/?feed=atom", headers=headers).get_data(as_text=True))
    return {url: int(year) for year, url in re.findall(r"<id>http://localhost/unesco/(20\d\d)0601120000/(.*)</id>", text)}


def _feed_says(case: Case) -> object:
    return {url: max(year for held, year in case.seen if held == url) for url, _ in case.seen}


def _cdx(address: str) -> Callable[[FlaskClient, dict[str, str]], object]:
    """What a CDX API lists, of two domains; `{}` in the address is where the URL goes."""

    def ask(client: FlaskClient, headers: dict[str, str]) -> object:
        found = set()
        for domain in ("e.org", "other.net", "e.orgs.net"):
            lines = client.get(address.format(domain), headers=headers).get_data(as_text=True).splitlines()
            for line in lines:
                moment = re.search(r"\b(20\d\d)0601120000\b", line)
                url = next((word for word in re.findall(r'https?://[^\s"]+', line) if word in URLS), None)
                if moment and url:
                    found.add((url, int(moment[1])))
        return found

    return ask


def _timemap(client: FlaskClient, headers: dict[str, str]) -> object:
    found = set()
    for url in URLS:
        text = client.get(f"/unesco/timemap/link/{url}", headers=headers).get_data(as_text=True)
        found |= {(url, int(year)) for year in re.findall(r"/unesco/(20\d\d)0601120000/", text)}
    return found


def _timegate(client: FlaskClient, headers: dict[str, str]) -> object:
    asked = {**headers, "Accept-Datetime": "Wed, 01 Jun 2016 12:00:00 GMT"}
    return {url: client.get(f"/unesco/timegate/{url}", headers=asked).status_code for url in URLS}


def _timegate_says(case: Case) -> object:
    told = {url for url, year in case.told}
    seen = {url for url, _ in case.seen}
    return {url: 302 if url in seen else 451 if url in told else 404 for url in URLS}


def _links(client: FlaskClient, headers: dict[str, str]) -> object:
    """The times that a memento names as its neighbours, first and last."""
    found = {}
    for url in URLS:
        for year in YEARS:
            answer = client.get(f"/unesco/{stamp(year)}id_/{url}", headers=headers)
            if answer.status_code == 200:
                links = answer.headers.get("Link", "")
                found[url, year] = {int(moment) for moment in re.findall(r"/unesco/(20\d\d)0601120000/", links)}
    return found


def _links_say(case: Case) -> object:
    def neighbours(url: str, year: int) -> set[int]:
        all_ = sorted(other for held, other in case.seen if held == url)
        place = all_.index(year)
        return {all_[0], all_[-1], year, *all_[max(0, place - 1) : place + 2]}

    return {(url, year): neighbours(url, year) for url, year in case.seen}


def _available(client: FlaskClient, headers: dict[str, str]) -> object:
    found = {}
    for url in URLS:
        query = {"url": url, "timestamp": "2016", "collection": "unesco"}
        answer = client.get("/wayback/available", query_string=query, headers=headers)
        closest = answer.get_json()["archived_snapshots"].get("closest")
        found[url] = int(closest["timestamp"][:4]) if closest else None
    return found


def _available_says(case: Case) -> object:
    def nearest(url: str) -> int | None:
        years = {year for held, year in case.seen if held == url}
        return next((year for year in (2016, 2020, 2012) if year in years), None)

    return {url: nearest(url) for url in URLS}


PLACES = {
    "TimeMap": Place(_timemap, lambda case: set(case.seen)),
    "TimeGate": Place(_timegate, _timegate_says),
    "links of mementos": Place(_links, _links_say),
    "availability": Place(_available, _available_says),
    "CDX as pywb has it": Place(_cdx("/unesco/cdx?url={}&matchType=domain"), lambda case: set(case.seen)),
    "CDX as the Internet Archive has it": Place(
        _cdx("/cdx/search/cdx?url={}&matchType=domain&collection=unesco"), lambda case: set(case.seen)
    ),
    "CDX from the newest on": Place(_cdx("/unesco/cdx?url={}&matchType=domain&sort=reverse"), lambda case: set(case.seen)),
    "replay": Place(_replayed, _replay_says),
    "newest": Place(_newest, _newest_says),
    "list and calendar": Place(_listed, lambda case: set(case.seen)),
    "calendar": Place(_bars, _bars_say),
    "under a prefix": Place(_under, lambda case: dict(Counter(url for url, _ in case.seen))),
    "list with filters": Place(_around("captures"), lambda case: set(case.seen)),
    "changes": Place(_around("changes"), lambda case: set(case.seen)),
    "feed of a URL": Place(_around("feed"), lambda case: set(case.seen)),
    "feed of a prefix": Place(_feed_under, lambda case: set(case.seen)),
    "comparison": Place(_compared, _compared_says),
    "sparkline and days": Place(_sparkline, lambda case: set(case.seen)),
    "types by year": Place(_by_year, lambda case: Counter(year for _, year in case.seen)),
    "the most captured under a prefix": Place(_most_captured, lambda case: dict(Counter(url for url, _ in case.seen))),
    "seeds of a collection": Place(_results("/unesco/"), _counts),
    "search in texts": Place(_found("/unesco/?q=http"), _found_says),
    "search in the texts of everything": Place(_found("/all/?q=http"), _found_says),
    "descriptions": Place(_results("/unesco/?q=interest&in=descriptions"), _counts),
    "descriptions of everything": Place(_results("/all/?q=interest&in=descriptions"), _counts),
    "addresses": Place(
        _results("/unesco/?q=http://e.org/&in=addresses"), lambda case: _counts(case, (HOME, PAGE, FOLDER, QUERY))
    ),
    "feed": Place(_feed, _feed_says),
    "numbers of a collection": Place(
        _home, lambda case: {"Captures": len(case.seen), "Addresses": len({url for url, _ in case.seen})}
    ),
}
