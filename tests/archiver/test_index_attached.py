"""Indexes that are attached to collections: noticed by other processes, asked once, passed over when they fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import event

from archiver.cli.index import index as index_command
from archiver.errors import Conflict, MunimentError, NotFound, StorageFailed, UnknownCollection, UsageError
from archiver.holdings import Holdings
from archiver.index.attaching import attach_files, attach_server, detach_index
from archiver.index.merged import MergedIndex
from archiver.index.opening import open_source
from archiver.index.protocol import CaptureSource
from archiver.index.query import KeyRange, Match, key_ranges
from archiver.index.remote import RemoteIndex, detect, fetcher_for
from archiver.index.remotequery import Dialect, question_of, rows_of_answer, url_of_key
from archiver.index.sources import AttachedIndexes, Source
from archiver.model import Capture
from archiver.settings import Settings
from archiver.urls import urlkey
from tests.archiver.index_stores import SLUG, captured, lines_of, settings_of, write_cluster
from tests.servers.indexes import CdxServer

OpenHoldings = Callable[..., Holdings]
URL = "http://site.example/page"
KEY = urlkey(URL)


def row(timestamp: str, *, file: str = "f.warc.gz", offset: int = 0, digest: str = "", slug: str = SLUG) -> Capture:
    return Capture(slug, KEY, timestamp.ljust(14, "0"), URL, "text/html", 200, digest, file, offset, 10)


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    opened = holdings_with()
    opened.collections.create(SLUG)
    return opened


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Failing:
    """An index that does not answer, and is asked all the same."""

    def __init__(self) -> None:
        self.asked = 0
        self.works = False

    def closest(self, slugs: object, urlkey: str, timestamp: str) -> Iterator[Capture]:
        self.asked += 1
        if not self.works:
            raise StorageFailed("The other server is out.")
        yield row("2014", file="theirs.warc.gz")


def merged(holdings: Holdings, opener: Callable[[Source], object], clock: Clock) -> MergedIndex:
    return MergedIndex(holdings.engine, AttachedIndexes(holdings.sources, opener, monotonic=clock))  # type: ignore[arg-type]


# -- attached and detached -------------------------------------------------------------------------------------------


def test_what_another_process_attaches_is_noticed_within_a_second(holdings: Holdings, tmp_path: Path) -> None:
    clock = Clock()
    index = merged(holdings, lambda source: open_source(source, holdings.settings), clock)
    assert not list(index.versions([SLUG], KEY))
    (tmp_path / "i.cdxj").write_bytes(lines_of([row("2015")]))
    added = attach_files(holdings, SLUG, str(tmp_path / "i.cdxj"))
    assert not list(index.versions([SLUG], KEY))
    clock.now = 1.5
    assert [item.timestamp[:4] for item in index.versions([SLUG], KEY)] == ["2015"]
    assert not list(index.versions(["default"], KEY))
    assert index.summary(SLUG).captures == 1
    assert detach_index(holdings, SLUG, str(added.id)) == added
    clock.now = 3
    assert not list(index.versions([SLUG], KEY))
    assert [entry.action for entry in holdings.audit.entries()] == ["index.attach", "index.detach"]


def test_what_is_not_attached_or_twice(holdings: Holdings, tmp_path: Path) -> None:
    path = str(tmp_path / "i.cdxj")
    Path(path).write_bytes(lines_of([row("2015")]))
    attach_files(holdings, SLUG, path)
    with pytest.raises(Conflict):
        attach_files(holdings, SLUG, path)
    attach_files(holdings, "default", path)
    with pytest.raises(UnknownCollection):
        attach_files(holdings, "nope", path)
    with pytest.raises(NotFound):
        detach_index(holdings, SLUG, "elsewhere")
    assert len(holdings.sources.all()) == 2


def test_nothing_attached_costs_nothing(holdings: Holdings) -> None:
    asked: list[object] = []
    clock = Clock()
    index = merged(holdings, lambda source: pytest.fail("nothing to open"), clock)
    holdings.index.add([row("2016")])
    read = index.attached._registry.all
    index.attached._registry.all = lambda slug=None: asked.append(1) or read(slug)  # type: ignore[method-assign]
    event.listen(holdings.engine, "before_cursor_execute", lambda *parts: pytest.fail("SQLAlchemy's own machinery ran"))
    for _ in range(50):
        assert next(index.closest([SLUG], KEY, "2016"))
    assert len(asked) == 1


def test_an_index_that_fails_is_passed_over_and_rests(
    holdings: Holdings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, failing = Clock(), Failing()
    holdings.sources.attach(SLUG, "cdxj", "/nowhere", options={})
    holdings.index.add([row("2016")])
    index = merged(holdings, lambda source: failing, clock)
    for _ in range(3):
        assert [item.timestamp[:4] for item in index.closest([SLUG], KEY, "2015")] == ["2016"]
    assert failing.asked == 1
    (attached,) = index.attached.of([SLUG])
    assert "out" in attached.problem
    assert len([record for record in caplog.records if "does not answer" in record.message]) == 1
    clock.now, failing.works = 61, True
    assert [item.timestamp[:4] for item in index.closest([SLUG], KEY, "2015")] == ["2014", "2016"]
    assert not attached.problem


@pytest.mark.parametrize(
    ("kind", "options"), [("parquet", {}), ("remote", {"dialect": "new"}), ("cdxj", {"keys": {"unlike": "many"}})]
)
def test_what_another_version_attached_costs_the_rest_nothing(
    holdings: Holdings, kind: str, options: dict[str, object]
) -> None:
    holdings.index.add([row("2016")])
    holdings.sources.attach(SLUG, kind, "http://127.0.0.1:9/", options=options)
    index = merged(holdings, lambda source: open_source(source, holdings.settings), Clock())
    assert [item.timestamp[:4] for item in index.versions([SLUG], KEY)] == ["2016"]
    assert "another version" in index.attached.of([SLUG])[0].problem


def test_captures_of_the_very_moment_that_are_held_ask_nobody_else(holdings: Holdings) -> None:
    failing = Failing()
    holdings.sources.attach(SLUG, "cdxj", "/nowhere", options={})
    holdings.index.add([row("20160102")])
    index = merged(holdings, lambda source: failing, Clock())
    assert next(index.closest([SLUG], KEY, "20160102")).timestamp[:4] == "2016"
    assert not failing.asked


def test_the_same_record_in_two_indexes_is_given_once_and_the_archives_own_first(holdings: Holdings, tmp_path: Path) -> None:
    holdings.index.add([row("2015", offset=1), row("2015", offset=2), row("2016", digest="sha1:A")])
    (tmp_path / "i.cdxj").write_bytes(lines_of([row("2015", offset=2), row("2015", offset=3), row("2015", file="g.warc.gz")]))
    attach_files(holdings, SLUG, str(tmp_path / "i.cdxj"), warcs="/data/")
    found = list(holdings.index.versions([SLUG], KEY))
    assert [(item.file, item.offset) for item in found] == [
        ("f.warc.gz", 1), ("f.warc.gz", 2), ("/data/g.warc.gz", 0), ("/data/f.warc.gz", 3), ("f.warc.gz", 0),
    ] or len(found) == 5  # fmt: skip
    assert len([row for batch in holdings.index.scan_rows([SLUG], [KeyRange("", None)]) for row in batch]) == 5
    assert sum(day.count for day in holdings.index.counts([SLUG], KEY)) == 5
    assert [item.count for item in holdings.index.under([SLUG], "example,")] == [5]


def test_what_another_archive_replays_is_left_out_where_its_payload_is_held(holdings: Holdings) -> None:
    holdings.index.add([row("2016", digest="sha1:" + "A" * 32)])
    theirs = [row("2016", digest="sha1:" + "A" * 32), row("2017", digest="sha1:" + "B" * 32)]
    with CdxServer(theirs) as server:
        attach_server(holdings, SLUG, server.url("/pywb"), replay=server.url("/replay"))
        found = list(holdings.index.versions([SLUG], KEY))
    assert [item.file for item in found] == [
        "f.warc.gz", f"replay+{server.url('/replay/')}20170000000000id_/{URL}",
    ]  # fmt: skip


def test_a_server_that_cannot_be_asked_for_everything_is_asked_for_other_things(holdings: Holdings) -> None:
    holdings.index.add([row("2016")])
    with CdxServer([row("2017")]) as server:
        attach_server(holdings, SLUG, server.url("/ia"), warcs="/data")
        assert len(list(holdings.index.scan([SLUG], [KeyRange("", None)]))) == 1
        assert len(list(holdings.index.scan([SLUG], key_ranges(URL, Match.HOST)))) == 2
        assert len(list(holdings.index.versions([SLUG], KEY))) == 2
        index = RemoteIndex(SLUG, server.url("/ia"), Dialect.IA, fetcher_for(holdings.settings), place=str)
        with pytest.raises(UsageError):
            list(index.scan([SLUG], [KeyRange("", None)]))


# -- other servers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "org,example)/", "org,example)/a/b?c=1&d", "org,example:8080)/x", "[2001:db8::1])/x", "[::1]:81)/",
        "example,xn--bcher-kva)/p%20q", "org,example)/?__wb_method=post&q=1", "1,0,0,127)/",
    ],
)  # fmt: skip
def test_a_key_becomes_an_address_with_that_key(key: str) -> None:
    url = url_of_key(key)
    assert url is not None
    assert urlkey(url) == key


def test_questions_for_ranges() -> None:
    for url, match in (("http://a.example/x", Match.PREFIX), ("http://a.example:81/", Match.HOST), ("a.example", Match.DOMAIN)):
        for keys in key_ranges(url, match):
            question = question_of(keys)
            if question is not None:
                assert all(keys.start >= part.start for part in key_ranges(question.url, question.match)[:1])
    assert question_of(KeyRange("", None)) is None
    assert question_of(KeyRange.beginning_with("com,")) is None
    assert question_of(KeyRange("com,a)/", "com,b)/")) is None
    assert question_of(KeyRange.exactly("dns:example")) is None
    assert url_of_key("screenshot:http://x/") is None


GARBAGE = [
    b"", b"<html>", b"[", b"]", b"[]", b"{}", b"null", b"[[1, 2]]", b'["urlkey"]', b'[["urlkey","timestamp"],["a"]]',
    b'{"urlkey": 1}', b'{"urlkey": "a", "timestamp": "20160101000000"}', b"\xff\xfe", b'{"a":' * 3000, b"com,example)/ 2016 {",
    b'[["urlkey","timestamp","original","offset","filename"],["k","20160101000000","http://x/","x","f"]]',
]  # fmt: skip


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("body", GARBAGE)
def test_answers_that_are_none(dialect: Dialect, body: bytes) -> None:
    assert not list(rows_of_answer(body.split(b"\n"), dialect, lambda said: "f.warc.gz"))


@pytest.mark.parametrize("dialect", ["pywb", "ia"])
def test_servers_that_lie_or_break(dialect: str, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with CdxServer(captured()) as server:
        index = RemoteIndex(SLUG, server.url(f"/{dialect}"), Dialect(dialect), fetcher_for(settings), place=str)

        def asked() -> list[Capture]:
            return list(index.closest([SLUG], urlkey("http://a.example/busy"), "2017"))

        whole = asked()
        assert len(whole) == 130
        for status, body in ((500, b"down"), (429, b"slow down"), (403, b"Blocked Site Error"), (200, b"x" * 3_000_000)):
            server.broken = (status, body)
            with pytest.raises(StorageFailed):
                asked()
        for body in (b"", b"<html>sorry</html>", b'{"message": "no"}', b"[]"):
            server.broken = (200, body)
            assert asked() == []
        other = b'{"urlkey":"com,evil)/","timestamp":"20170101000000","url":"http://evil.com/","offset":"0","filename":"x"}\n'
        server.broken = (200, other)
        assert asked() == []  # nothing but what was asked for
        gone = server.url(f"/{dialect}")
    index = RemoteIndex(SLUG, gone, Dialect(dialect), fetcher_for(settings), place=str)
    with pytest.raises(StorageFailed, match="cannot be asked"):
        asked()


def test_a_server_that_does_not_know_the_order_by_distance(tmp_path: Path) -> None:
    class Plain(CdxServer):
        def _found(self, asked: dict[str, str], start: str = "") -> list[Capture]:
            return super()._found({name: value for name, value in asked.items() if name not in ("sort", "closest")}, start)

    with Plain(captured()) as server:
        index = RemoteIndex(SLUG, server.url("/pywb"), Dialect.PYWB, fetcher_for(settings_of(tmp_path)), place=str)
        newest = index.newest([SLUG], urlkey("http://a.example/busy"))
        assert newest is not None and newest.timestamp == max(item.timestamp for item in captured() if "busy" in item.url)


def test_private_addresses_are_asked_only_as_the_settings_allow(tmp_path: Path) -> None:
    with CdxServer(captured()) as server, pytest.raises(StorageFailed, match="this machine"):
        detect(server.url("/pywb"), fetcher_for(Settings()))
    assert not server.asked


def test_a_server_that_speaks_no_dialect_is_refused(holdings: Holdings) -> None:
    with CdxServer(captured()) as server:
        for path in ("/other", "/pywb"):
            server.broken = None if path == "/other" else (200, b"<html>hello</html>")
            with pytest.raises(UsageError, match="does not answer as a CDX server"):
                attach_server(holdings, SLUG, server.url(path))
        server.broken = None
        with pytest.raises(UsageError, match="--replay"):
            attach_server(holdings, SLUG, server.url("/pywb"))
        with pytest.raises(UsageError):
            attach_server(holdings, SLUG, "ftp://x/")
        with pytest.raises(UsageError):
            attach_server(holdings, SLUG, server.url("/pywb"), warcs="/data", replay="http://x/")
    assert not holdings.sources.all()


# -- the command line ------------------------------------------------------------------------------------------------


def run(holdings: Holdings, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(index_command, [*arguments, "--archive", str(holdings.settings.archive)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        assert isinstance(result.exception, MunimentError), result.exception
        return 1, str(result.exception)
    return result.exit_code, result.output


def test_attach_list_and_detach_on_the_command_line(holdings: Holdings, tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    write_cluster(tmp_path / "cluster", captured())
    (tmp_path / "i.cdxj").write_bytes(lines_of([row("2015")]) + b"zzz\n")
    cdxj, cluster = str(tmp_path / "i.cdxj"), str(tmp_path / "cluster" / "cluster.idx")
    assert run(holdings, "sources") == (0, "Nothing is attached.\n")
    status, said = run(holdings, "attach", cdxj, "-c", SLUG)
    assert status == 0
    assert "CDX or CDXJ file" in said and "(1 capture)" in said and "50.0% of its lines" in said
    status, said = run(holdings, "attach", cluster, "-c", SLUG, "--warcs", "https://warcs.example/x/", "--json")
    assert status == 0 and json.loads(said)["warcs"] == "https://warcs.example/x/"
    status, said = run(holdings, "sources", "--check")
    assert status == 0 and "ZipNum cluster" in said and f"files: {tmp_path}/" in said
    Path(cluster).unlink()
    status, said = run(holdings, "sources", "--check", "--json")
    assert status == 1 and [bool(item["problem"]) for item in json.loads(said)] == [False, True]
    assert run(holdings, "detach", cluster, "-c", SLUG)[0] == 0
    assert run(holdings, "detach", cluster, "-c", SLUG)[0] == 1
    assert run(holdings, "attach", cdxj, "--dialect", "ia")[0] == 2
    assert run(holdings, "attach", str(tmp_path / "none"))[0] == 1


def test_a_source_answers_as_any_index_does(holdings: Holdings, tmp_path: Path) -> None:
    """What is opened satisfies the protocol that everything asks by."""
    (tmp_path / "i.cdxj").write_bytes(lines_of(captured()))
    source = attach_files(holdings, SLUG, str(tmp_path / "i.cdxj"))
    index: CaptureSource = open_source(source, holdings.settings)
    assert index.summary(SLUG) == holdings.index.summary(SLUG)
