"""Rules of access: the same answer from every place that tells what is held, to each reader the one that is meant for him."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest
from flask.testing import FlaskClient

from archiver.collections.access import ALL_KEYS, Action, Viewer
from archiver.collections.accessrules import AccessRules
from archiver.collections.descriptions import DescriptionRegistry, Statement
from archiver.collections.explain import explain
from archiver.collections.seeds import SeedRegistry
from archiver.crawl.plan import ScopeKind
from archiver.export.permitted import for_readers
from archiver.holdings import Holdings, open_holdings, utc_now
from archiver.index.merged import MergedIndex
from archiver.model import Capture, PageResult, Visibility
from archiver.settings import load_settings
from archiver.urls import urlkey
from archiver.warc.importer import import_file
from archiver.warc.records import digest
from replay.app import create_reader
from replay.counting import Counts
from replay.proxy.authority import open_authority
from replay.proxy.choice import Choice
from replay.proxy.server import ProxyServer
from replay.proxy.service import Service
from tests.replay.access_table import (
    ANYBODY,
    CASES,
    HOME,
    INSIDE,
    NOW,
    OTHER,
    PAGE,
    PLACES,
    SETTINGS,
    STAFF,
    URLS,
    Case,
    allow,
    block,
    describe,
    exclude,
    in_force,
    only,
    records,
    stamp,
)
from tests.servers.postgresql import PostgreSQL
from tests.servers.proxied import Proxy
from tests.servers.warcs import response_record, revisit_record


def archive_of(records_: list[bytes], home: Path, database: str = "") -> Holdings:
    values: dict[str, object] = {"archive": home / "warcs", "database": database, **SETTINGS}
    holdings = open_holdings(load_settings(values, environ={}), clock=lambda: NOW)
    holdings.collections.create("unesco", title="UNESCO")
    path = home / "records.warc.gz"
    path.write_bytes(b"".join(records_))
    assert not import_file(path, collection="unesco", store=holdings.store, index=holdings.index).bad
    return holdings


@pytest.fixture(scope="module")
def holdings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holdings]:
    with archive_of(records(), tmp_path_factory.mktemp("access")) as held:
        describe(held)
        yield held


@pytest.fixture(scope="module")
def client(holdings: Holdings) -> FlaskClient:
    return patient_reader(holdings)


def patient_reader(holdings: Holdings) -> FlaskClient:
    """Waits for what is counted, however slow the machine is."""
    app = create_reader(holdings.settings, holdings)
    app.extensions["muniment.counts"] = Counts(monotonic, wait=60)
    return app.test_client()


@pytest.fixture
def ruled(holdings: Holdings, client: FlaskClient) -> Iterator[FlaskClient]:
    yield client
    for rule in holdings.access.all():
        holdings.access.remove(rule.number)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_place_gives_the_same_answer(ruled: FlaskClient, holdings: Holdings, case: Case) -> None:
    with in_force(holdings, case):
        given = {name: place.ask(ruled, case.headers) for name, place in PLACES.items()}
    assert given == {name: place.says(case) for name, place in PLACES.items()}


def test_the_proxy_gives_the_same_answer(ruled: FlaskClient, holdings: Holdings) -> None:
    authority = open_authority(holdings.settings.archive, utc_now)
    with ProxyServer("127.0.0.1", 0, Service(holdings, authority, Choice("unesco"))) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        proxy = Proxy(holdings, server.server_address[1], str(holdings.settings.archive / "proxy" / "ca.pem"))
        for case in CASES:
            fields = {**case.headers, "accept": "text/html"}
            with in_force(holdings, case):
                answers = {url: proxy.get(url, **fields) for url in URLS}
            for url, answer in answers.items():
                years = sorted(year for held, year in case.seen if held == url)
                expected = 200 if years else 451 if any(held == url for held, _ in case.told) else 404
                assert answer.status_code == expected, (case.name, url)
                assert not years or str(years[-1]) in answer.text, (case.name, url)
                if expected == 451:
                    assert 'rel="blocked-by"' in answer.headers["Link"]
                    assert "At the request of the author." in answer.text
        home = "http://muniment.proxy/"
        assert '<option value="unesco">' in proxy.get(home).text
        with in_force(holdings, Case("", (exclude(is_everything=True),), frozenset(), ANYBODY)):
            assert '<option value="unesco">' not in proxy.get(home).text
        server.shutdown()


def test_postgresql_gives_the_same_answer(tmp_path: Path, postgresql: PostgreSQL) -> None:
    with archive_of(records(), tmp_path, postgresql.new_archive()) as holdings:
        describe(holdings)
        client = patient_reader(holdings)
        names = ("a host, with hosts below it and other ports", "an embargo", "one URL is said to be kept back",
                 "a private domain, but for public seeds in it")  # fmt: skip
        for case in (case for case in CASES if case.name in names):
            with in_force(holdings, case):
                for name, place in PLACES.items():
                    assert place.ask(client, case.headers) == place.says(case), (name, case.name)
        assert not holdings.audit.verify().problems


def test_what_is_given_out_for_all_to_see_is_what_all_may_see(ruled: FlaskClient, holdings: Holdings) -> None:
    for case in CASES:
        with in_force(holdings, case):
            permitted = for_readers(holdings, "unesco")
            captures = filter(permitted, holdings.index.scan(("unesco",), [ALL_KEYS]))
            given = {(item.url, int(item.timestamp[:4])) for item in captures}
        if case.headers is ANYBODY:  # what is closed to some is not given out to be seen by all
            assert given == case.seen - (only(PAGE) if "closed to" in case.name else frozenset()), case.name


def test_a_private_seed_is_nowhere_and_only_its_captures_are_opened_by_a_rule(ruled: FlaskClient, holdings: Holdings) -> None:
    said = DescriptionRegistry(holdings.engine)
    said.replace("unesco", "seed", PAGE, [Statement("title", "The secret page"), Statement("subject", "Zanzibar")])
    other = AccessRules(holdings.engine, lambda: NOW, holdings.audit, ticks=(seconds := iter(range(99))).__next__)
    assert not other.current().rules
    addresses = ("/unesco/", "/unesco/?q=Zanzibar&in=descriptions", "/all/?q=secret&in=descriptions", "/unesco/?feed=atom",
                 "/unesco/?q=http://e.org/&in=addresses", f"/unesco/*/{PAGE}", "/unesco/*/http://e.org/*")  # fmt: skip
    with in_force(holdings, Case("", (), frozenset(), ANYBODY, private=((PAGE, "page"),))):
        assert [rule.seed for rule in other.current().rules] == [PAGE]  # another process knows of it a second later
        seeds = SeedRegistry(holdings.engine, lambda: NOW)  # on a machine whose clock is not ahead
        hidden = seeds.find("unesco", PAGE)
        assert hidden is not None
        before = other.current()
        seeds.change(hidden.number, replace(hidden.draft, scope=ScopeKind.HOST))
        assert other.current() is not before
        seeds.change(hidden.number, hidden.draft)
        for address in addresses:
            text = ruled.get(address, headers=ANYBODY).get_data(as_text=True)
            assert "The secret page" not in text and f"/{PAGE}" not in text.replace(address, ""), address
            assert "Zanzibar" not in text or "q=" in address, address
            assert (
                "Zanzibar" not in text.replace("q=Zanzibar", "").replace('"Zanzibar"', "").replace(">Zanzibar", "")
                or "q=" in address
            )
        assert ruled.get(f"/unesco/*/{PAGE}", headers=ANYBODY).status_code == 404
        told = explain(holdings, "unesco", PAGE, "", Viewer())
        assert told.action is Action.EXCLUDE and "A seed that is not public decides" in "\n".join(told.lines())
        (rule,) = holdings.access.add([allow(url=PAGE, collection="unesco", groups=["staff"])])
        assert ruled.get(f"/unesco/{stamp(2016)}id_/{PAGE}", headers=STAFF).status_code == 200
        assert ruled.get(f"/unesco/{stamp(2016)}id_/{PAGE}", headers=ANYBODY).status_code == 404
        assert "The secret page" not in ruled.get("/unesco/", headers=STAFF).get_data(as_text=True)
        assert holdings.access.all() == [rule]  # what seeds stand for is no rule that somebody keeps
        holdings.access.remove(rule.number)
    assert next(seconds) and not other.current().rules
    assert "The secret page" in ruled.get("/unesco/", headers=ANYBODY).get_data(as_text=True)
    said.replace("unesco", "seed", PAGE, [])


# -- what is said ----------------------------------------------------------------------------------------------------


def test_451_says_why_and_by_whom_in_the_readers_language(ruled: FlaskClient, holdings: Holdings) -> None:
    holdings.access.add([block(url=PAGE, since="2016", until="2016")])
    answer = ruled.get(f"/unesco/{stamp(2016)}/{PAGE}", headers={**ANYBODY, "Accept-Language": "fr"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 451
    assert answer.headers["Link"] == '<http://localhost/>; rel="blocked-by"'
    assert "private" in answer.headers["Cache-Control"]
    assert "ne peut pas être affichée" in text
    assert "At the request of the author." in text
    holdings.access.add([block(url=HOME)])
    gate = ruled.get(f"/unesco/timegate/{HOME}", headers=ANYBODY)
    assert (gate.status_code, gate.get_data(as_text=True)) == (451, "At the request of the author.\n")
    assert 'rel="blocked-by"' in gate.headers["Link"]
    picture = ruled.get(f"/unesco/{stamp(2016)}im_/{PAGE}", headers=ANYBODY)
    assert (picture.status_code, picture.content_type) == (451, "image/gif")
    nearest = ruled.get(f"/unesco/2016/{PAGE}", headers=ANYBODY)
    assert (nearest.status_code, nearest.headers["Location"]) == (302, f"/unesco/{stamp(2020)}/{PAGE}")


def test_what_is_excluded_looks_like_what_was_never_held(ruled: FlaskClient, holdings: Holdings) -> None:
    holdings.access.add([exclude(host="e.org")])
    never, hidden = "http://nowhere.invalid/page", PAGE
    for path in ("/unesco/{}", "/unesco/2016/{}", "/unesco/*/{}", "/unesco/*/{}*", "/unesco/2016im_/{}"):
        answers = [ruled.get(path.format(url), headers=ANYBODY) for url in (never, hidden)]
        host = re.compile(r"http(?::|%3A)(?:/|%2F){2}(?:nowhere.invalid|e.org)\b")
        texts = [host.sub("HOST", answer.get_data(as_text=True)) for answer in answers]
        assert texts[0] == texts[1]
        assert answers[0].status_code == answers[1].status_code == 404
        fields = [{pair for pair in answer.headers if pair[0] != "Content-Length"} for answer in answers]
        assert fields[0] == fields[1]


def test_what_is_hidden_whole_is_not_even_read_so_that_time_tells_nothing(
    ruled: FlaskClient, holdings: Holdings, monkeypatch: pytest.MonkeyPatch
) -> None:
    holdings.access.add([exclude(url=PAGE)])
    read: list[str] = []

    def note(name: str) -> None:
        look = getattr(MergedIndex, name)

        def noted(self: MergedIndex, slugs: Sequence[str], key: str, *args: Any, **more: Any) -> Iterator[Capture]:
            read.append(key)
            return look(self, slugs, key, *args, **more)  # type: ignore[no-any-return]

        monkeypatch.setattr(MergedIndex, name, noted)

    note("closest")
    note("versions")
    for path in ("/unesco/{}", "/unesco/*/{}", "/unesco/timemap/link/{}"):
        assert ruled.get(path.format(PAGE), headers=ANYBODY).status_code == 404
    assert urlkey(PAGE) not in read
    assert ruled.get(f"/unesco/{HOME}", headers=ANYBODY).status_code == 302 and urlkey(HOME) in read


def test_a_kept_answer_is_not_for_everybody(ruled: FlaskClient, holdings: Holdings) -> None:
    """Rewritten pages are kept by their capture; who may not see it is not given one, with or without its tag."""
    address = f"/unesco/{stamp(2016)}/{PAGE}"
    before = ruled.get(address, headers=ANYBODY)
    assert (before.status_code, before.headers["Cache-Control"]) == (200, "no-cache")
    holdings.access.add([exclude(url=PAGE), allow(url=PAGE, groups=["staff"])])
    seen = ruled.get(address, headers=STAFF)
    assert (seen.status_code, seen.headers["Cache-Control"]) == (200, "private, no-cache")
    tag = {"If-None-Match": seen.headers["ETag"]}
    assert ruled.get(address, headers={**STAFF, **tag}).status_code == 304
    for method in (ruled.get, ruled.head):
        assert method(address, headers={**ANYBODY, **tag}).status_code == 404
        assert method(f"/unesco/{stamp(2016)}id_/{PAGE}", headers={**ANYBODY, **tag}).status_code == 404


def test_a_rule_of_another_process_counts_a_second_later(holdings: Holdings, ruled: FlaskClient) -> None:
    ticks = [0.0]
    other = open_holdings(holdings.settings, clock=lambda: NOW)
    ours = type(holdings.access)(holdings.engine, lambda: NOW, holdings.audit, ticks=lambda: ticks[0])
    assert not ours.current().rules
    (rule,) = other.access.add([exclude(url=PAGE)])
    assert not ours.current().rules
    ticks[0] = 1.1
    assert [item.number for item in ours.current().rules] == [rule.number]
    before = ours.current()
    other.audit.note("", "import", "something else")
    ticks[0] = 2.2
    assert ours.current() is before, "nothing about access has changed"
    other.access.change(replace(rule, action=Action.BLOCK))
    ticks[0] = 3.3
    assert [item.action for item in ours.current().rules] == [Action.BLOCK]
    other.access.remove(rule.number)
    ticks[0] = 4.4
    assert not ours.current().rules
    other.close()


def test_all_collections_at_once_lack_what_is_hidden_as_a_whole(ruled: FlaskClient, holdings: Holdings) -> None:
    holdings.access.add(
        [
            exclude(is_everything=True, collection="unesco"),
            allow(is_everything=True, addresses=["192.0.2.0/24"], collection="unesco"),
        ]
    )
    assert ruled.get(f"/all/{stamp(2016)}id_/{HOME}", headers=ANYBODY).status_code == 404
    assert ruled.get(f"/all/{stamp(2016)}id_/{HOME}", headers=INSIDE).status_code == 200
    assert ruled.get(f"/all/*/{HOME}", headers=ANYBODY).status_code == 404
    assert ruled.get(f"/all/*/{HOME}*", headers=ANYBODY).status_code == 404
    assert ruled.get(f"/cdx/search/cdx?url={HOME}", headers=ANYBODY).data == b""
    assert ruled.get(f"/all/cdx?url={HOME}*", headers=ANYBODY).data == b""
    assert ruled.get(f"/cdx/search/cdx?url={HOME}", headers=INSIDE).data.count(b"\n") == 3


# -- payloads that are kept once -------------------------------------------------------------------------------------

LATER = datetime(2018, 6, 1, 12, tzinfo=UTC)
BODY = b"<title>once</title>" + b"the very same bytes " * 30


@pytest.mark.parametrize("named", [True, False])
def test_a_revisit_is_shown_with_a_hidden_payload_only_if_digests_prove_that_it_is_its_own(tmp_path: Path, named: bool) -> None:
    first = datetime(2016, 6, 1, 12, tzinfo=UTC)
    repeated = revisit_record(OTHER, LATER, PAGE, first, digest=digest([BODY]) if named else "")
    with archive_of([response_record(PAGE, first, BODY), repeated], tmp_path) as holdings:
        client = create_reader(holdings.settings, holdings).test_client()
        address = f"/unesco/20180601120000id_/{OTHER}"
        assert client.get(address, headers=ANYBODY).data == BODY
        (hidden,) = holdings.access.add([exclude(url=PAGE)])
        answer = client.get(address, headers=ANYBODY)
        assert (answer.status_code, answer.data == BODY) == ((200, True) if named else (404, False))
        assert PAGE not in client.get(f"/unesco/20180601120000/{OTHER}", headers=ANYBODY).get_data(as_text=True)
        holdings.access.remove(hidden.number)
        holdings.access.add([exclude(url=OTHER)])
        assert client.get(address, headers=ANYBODY).status_code == 404, "the revisit itself"
        assert client.get(f"/unesco/20160601120000id_/{PAGE}", headers=ANYBODY).data == BODY


def test_the_list_of_pages_lacks_what_is_hidden(tmp_path: Path) -> None:
    with archive_of(records(), tmp_path) as holdings:
        crawl = holdings.crawls.start("unesco", [HOME])
        for url, title in ((HOME, "Home title"), (PAGE, "Page title")):
            result = PageResult("unesco", url, url, stamp(2016), title, NOW, timedelta(seconds=1), ())
            holdings.crawls.record_page(result, crawl)
        client = create_reader(holdings.settings, holdings).test_client()
        holdings.access.add([exclude(url=PAGE, until="2017")])
        text = client.get("/unesco/", headers=ANYBODY).get_data(as_text=True)
        assert "Home title" in text
        assert "Page title" not in text


def test_a_private_collection_is_opened_by_no_rule(tmp_path: Path) -> None:
    with archive_of(records(), tmp_path) as holdings:
        client = create_reader(holdings.settings, holdings).test_client()
        holdings.access.add([allow(is_everything=True, groups=["staff"])])
        holdings.collections.update("unesco", visibility=Visibility.PRIVATE, actor="keeper")
        for path in ("", f"{stamp(2016)}id_/{HOME}", f"*/{HOME}", f"cdx?url={HOME}"):
            answer = client.get(f"/unesco/{path}", headers=STAFF)
            assert answer.status_code == 404
            # nothing tells it apart from one that there is not, and it is never suggested
            other = client.get(f"/unesc0/{path}", headers=STAFF)
            assert answer.data.replace(b"unesco", b"unesc0") == other.data and b"unesco" not in other.data
        (entry,) = (item for item in holdings.audit.entries() if item.action == "collection.set")
        assert (entry.actor, entry.subject) == ("keeper", "collection unesco")
