"""Full-text search: what is read out of documents, how words are told apart, what questions find, in both databases."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from archiver.collections.access import Action, Matching, Rule
from archiver.deletion import SUPPRESSED, suppress
from archiver.extract.text import MAX_CHARACTERS, text_of
from archiver.holdings import Holdings, open_holdings
from archiver.index.database import reading, writing
from archiver.index.texttables import page_texts
from archiver.purging import purge
from archiver.search.build import read_again, read_texts, read_texts_of
from archiver.search.snippet import snippet_of
from archiver.search.store import Answer, TextStore, TextVersion
from archiver.search.words import read_question, words_of
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.conftest import OpenHoldings
from tests.servers.postgresql import PostgreSQL
from tests.servers.warcs import revisit_record

PAGES = {
    "http://a.example/": "<title>Nuclear tests</title><nav>Home</nav><p>The <b>Sahara</b> was used for tests &amp; trials.",
    "http://a.example/fr": "<html lang=fr><title>Essais nucléaires</title><p>Les essais au Sahara, de l’été 1961.",
    "http://www.b.example/ja": "<meta charset=utf-8><title>東京の天気</title><p>今日は東京都で雨が降ります。データベース。",
    "http://b.example/zh": "<meta charset=utf-8><title>联合国</title><p>联合国教育、科学及文化组织的档案馆。",
    "http://b.example/ar": "<meta charset=utf-8><title>اليونسكو</title><p>مُنَظَّمَةُ الأُمَم المتّحدة للتربية",
    "http://d.example/body": "<title>Birds</title><p>birds, penguin birds",
    "http://d.example/title": "<title>Penguin</title><p>birds of the south",
    "http://c.example/long-name_of%20page": "<title></title><p>nothing",
}


@dataclass(frozen=True)
class Record:
    """A page as it was captured."""

    url: str
    page: str
    date: str


def write_warc(path: Path, records: list[Record]) -> Path:
    with path.open("wb") as stream:
        for record in records:
            page = record.page.encode()
            block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page
            digest = base64.b32encode(hashlib.sha1(page).digest()).decode()
            head = (
                f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{uuid4()}>\r\nWARC-Date: {record.date}\r\n"
                f"WARC-Target-URI: {record.url}\r\nWARC-Payload-Digest: sha1:{digest}\r\n"
                f"Content-Type: application/http;msgtype=response\r\nContent-Length: {len(block)}\r\n\r\n"
            )
            stream.write(gzip.compress(head.encode() + block + b"\r\n\r\n"))
    return path


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def archive(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL
) -> Iterator[Holdings]:
    """An archive with `PAGES` in the collection "one", in each engine; some captured twice, "two" has one of them."""
    folder: Path = tmp_path_factory.mktemp("search")
    database = postgresql.new_archive() if request.param == "postgresql" else ""
    settings = load_settings({"archive": folder / "warcs", "database": database}, environ={})
    with open_holdings(settings) as holdings:
        for slug in ("one", "two"):
            holdings.collections.create(slug)
        first = [Record(url, page, "2015-01-01T00:00:00Z") for url, page in PAGES.items()]
        again = [Record("http://a.example/", PAGES["http://a.example/"], "2016-06-01T00:00:00Z")]
        changed = [Record("http://a.example/", "<title>Nuclear tests</title><p>The Sahara, again.", "2017-01-01T00:00:00Z")]
        for slug, name, records in (("one", "1", first), ("one", "2", again + changed), ("two", "3", first[1:2])):
            path = write_warc(folder / f"{name}.warc.gz", records)
            import_file(path, collection=slug, store=holdings.store, index=holdings.index)
        assert read_texts(holdings).is_complete
        yield holdings


def ask(holdings: Holdings, question: str, slugs: tuple[str, ...] = ("one",)) -> Answer:
    return TextStore(holdings.engine).search(slugs, read_question(question))


def urls(holdings: Holdings, question: str, slugs: tuple[str, ...] = ("one",)) -> list[str]:
    return [page.best.url for page in ask(holdings, question, slugs).pages]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("sahara", {"http://a.example/", "http://a.example/fr"}),
        ("SAHARA tests", {"http://a.example/"}),
        ("sahara -tests", {"http://a.example/fr"}),
        ("trials OR ete", {"http://a.example/", "http://a.example/fr"}),
        ('"tests trials"', {"http://a.example/"}),
        ('"trials tests"', set()),
        ("nucleaire*", {"http://a.example/fr"}),
        ("nucleaires", {"http://a.example/fr"}),
        ("nuclear", {"http://a.example/"}),
        ("title:essais", {"http://a.example/fr"}),
        ("title:trials", set()),
        ("url:fr", {"http://a.example/fr"}),
        ("sahara site:a.example", {"http://a.example/", "http://a.example/fr"}),
        ("sahara site:b.example", set()),
        ("東京 site:b.example", {"http://www.b.example/ja"}),
        ("東京", {"http://www.b.example/ja"}),
        ("東", {"http://www.b.example/ja"}),
        ("雨", {"http://www.b.example/ja"}),
        ("京都", {"http://www.b.example/ja"}),  # overlapping pairs: 東京都 has it
        ("都京", set()),
        ("ﾃﾞｰﾀﾍﾞｰｽ", {"http://www.b.example/ja"}),  # half width
        ("联合国教育", {"http://b.example/zh"}),
        ("科学 档案馆", {"http://b.example/zh"}),
        ("منظمة", {"http://b.example/ar"}),
        ("الامم المتحده", {"http://b.example/ar"}),
        ("name page", {"http://c.example/long-name_of%20page"}),
        ("sahara type:html", {"http://a.example/", "http://a.example/fr"}),
        ("sahara type:pdf", set()),
        ("sahara type:%", set()),
        ("sahara year:2016", {"http://a.example/"}),
        ("sahara year:2014", set()),
        ("home", {"http://a.example/"}),
    ],
)  # fmt: skip
def test_a_question_finds(archive: Holdings, question: str, expected: set[str]) -> None:
    assert set(urls(archive, question)) == expected


def test_titles_count_most(archive: Holdings) -> None:
    assert urls(archive, "penguin") == ["http://d.example/title", "http://d.example/body"]


def test_versions_of_a_page_are_one_result(archive: Holdings) -> None:
    (page,) = ask(archive, "sahara nuclear").pages
    spans = sorted((version.first, version.last, version.captures) for version in page.versions)
    assert spans == [("20150101000000", "20160601000000", 2), ("20170101000000", "20170101000000", 1)]
    assert page.best.title == "Nuclear tests"


def test_only_the_collections_asked_for_are_seen(archive: Holdings) -> None:
    assert urls(archive, "sahara", ("two",)) == ["http://a.example/fr"]
    answer = ask(archive, "sahara", ("one", "two"))
    assert answer.by_collection == {"one": 2, "two": 1}
    assert answer.hosts == {"a.example": 3}
    assert answer.years == {"2015": 3, "2016": 1, "2017": 1}
    assert urls(archive, "sahara", ("unknown",)) == []


def test_what_a_reader_may_not_see_is_in_no_number(archive: Holdings) -> None:
    def permits(version: TextVersion) -> TextVersion | None:
        return None if version.url.endswith("fr") else version

    answer = TextStore(archive.engine).search(("one",), read_question("sahara"), permits=permits)
    assert [page.best.url for page in answer.pages] == ["http://a.example/"]
    assert answer.hosts == {"a.example": 1}


@pytest.mark.parametrize(
    "question",
    [
        *('"', "'", "* ( ) : AND NOT NEAR", "a\0b", "x'); DROP TABLE page_texts; --", '"" -""', "😀", "\\", "-", "title:"),
        *("a:b & c | !d <-> e", "site:' OR 1=1 year:20\u0661\u0662", "\ud800"),
    ],
)
def test_no_question_breaks_anything(archive: Holdings, question: str) -> None:
    ask(archive, question)
    ask(archive, f"sahara {question}")


def test_reading_again_finds_the_same(archive: Holdings) -> None:
    def rows() -> list[tuple[object, ...]]:
        columns = [column for column in page_texts.c if column.name != "id"]
        with reading(archive.engine) as connection:
            return sorted(tuple(row) for row in connection.execute(select(*columns)))

    before = rows()
    assert read_texts(archive).documents == 0  # nothing is new
    read_again(archive)
    assert ask(archive, "sahara").pages == ()
    assert read_texts(archive).is_complete
    assert rows() == before
    assert len(urls(archive, "sahara")) == 2


def test_it_goes_on_where_it_stopped(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    records = [Record(f"http://a.example/{number}", f"<p>word{number} common", "2015-01-01T00:00:00Z") for number in range(240)]
    path = write_warc(tmp_path / "many.warc.gz", records)
    import_file(path, collection="default", store=holdings.store, index=holdings.index)
    runs = 0
    while not read_texts(holdings, may_go_on=lambda: False).is_complete:
        runs += 1
    assert runs == 4
    with reading(holdings.engine) as connection:
        assert connection.execute(select(func.count(), func.sum(page_texts.c.captures))).one() == (240, 240)
    assert urls(holdings, "word239", ("default",)) == ["http://a.example/239"]


def test_texts_can_be_taken_away(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    records = [
        Record(f"http://a.example/{number}", f"<p>word{number} common 東京", "2015-01-01T00:00:00Z") for number in range(3)
    ]
    import_file(write_warc(tmp_path / "few.warc.gz", records), collection="default", store=holdings.store, index=holdings.index)
    read_texts(holdings)
    store = TextStore(holdings.engine)
    number = holdings.collections.number("default")
    with writing(holdings.engine) as connection:
        assert store.forget_within(connection, number, "example,a)/1") == 1
    assert sorted(urls(holdings, "common", ("default",))) == ["http://a.example/0", "http://a.example/2"]
    assert urls(holdings, "word1", ("default",)) == []
    with reading(holdings.engine) as connection:  # the words are gone too, not only the row
        left = connection.execute(text("SELECT count(*) FROM page_words WHERE page_words MATCH 'word1'")).scalar()
    assert left == 0


def test_what_was_captured_first_elsewhere_is_found_too(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings, page = holdings_with(), "<title>Fog</title><p>A gale from the west"
    holdings.collections.create("two")
    first, then = datetime(2015, 1, 1, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC)
    url, digest = "http://a.example/", f"sha1:{base64.b32encode(hashlib.sha1(page.encode()).digest()).decode()}"
    again = [revisit_record(there, then, url, first, digest=digest) for there in (url, "http://a.example/copy")]
    (tmp_path / "2.warc.gz").write_bytes(b"".join(again))
    for slug, path in (
        ("default", write_warc(tmp_path / "1.warc.gz", [Record(url, page, "2015-01-01T00:00:00Z")])),
        ("two", tmp_path / "2.warc.gz"),
    ):
        import_file(path, collection=slug, store=holdings.store, index=holdings.index)
    assert read_texts(holdings).repeated == 2
    assert sorted(urls(holdings, "gale", ("two",))) == [url, "http://a.example/copy"]
    assert ask(holdings, "gale", ("two",)).pages[0].best.first == "20160101000000"
    read_texts_of(holdings, "two", "example,a)/copy")
    assert sorted(urls(holdings, "gale", ("two",))) == [url, "http://a.example/copy"]


# -- documents -------------------------------------------------------------------------------------------------------


def test_text_is_what_a_reader_sees() -> None:
    page = (
        b"<html><head><title> A\n title </title><style>p{}</style><script>var x = 'no'</script></head>"
        b"<body><!-- no --><h1>Head</h1><p>One&nbsp;two<br>three<p hidden>x</p><img alt='A cat'><noscript>no script</noscript>"
    )
    found = text_of(page, "text/html")
    assert found is not None and found.title == "A title"
    assert "Head\nOne two\nthree" in found.text and "A cat" in found.text
    assert "var x" not in found.text and "{" not in found.text


@pytest.mark.parametrize("charset", ["shift_jis", "gb18030", "windows-1251", "utf-16", "koi8-r"])
def test_text_is_read_in_its_encoding(charset: str) -> None:
    sentence = {"shift_jis": "日本語の文章です", "gb18030": "这是中文的句子"}.get(charset, "Это русское предложение")
    found = text_of(f"<p>{sentence}</p>".encode(charset), "text/html", charset)
    assert found is not None and found.text == sentence


@pytest.mark.parametrize(
    "body",
    [b"", b"\0" * 5000, b"\xff\xfe\xfd", b"<" * 100_000, b"<p>" * 50_000, b"<!--", b"<script>", b"<title>" + b"x" * 100_000,
     bytes(range(256)) * 40, b"<svg><![CDATA[" * 2000, b"&#xD800;&#0;&#x110000;", b"<table>" * 3000],
)  # fmt: skip
def test_broken_documents_have_a_text_that_can_be_kept(body: bytes) -> None:
    for mime in ("text/html", "text/plain"):
        found = text_of(body, mime)
        assert found is not None
        found.text.encode(), found.title.encode()
        assert "\0" not in found.text + found.title and len(found.title) <= 500


def test_long_documents_are_cut_and_say_so() -> None:
    found = text_of(b"<p>" + b"word " * MAX_CHARACTERS, "text/html")
    assert found is not None and found.is_cut and len(found.text) == MAX_CHARACTERS
    assert text_of(b"x", "image/png") is None


def test_words_are_of_bounded_length_and_number() -> None:
    assert max(map(len, words_of("x" * 10_000))) <= 64
    assert len(words_of("ab " * 500_000, limit=1000)) == 1000
    random_ = random.Random(3)
    for _ in range(200):
        noise = "".join(chr(random_.randrange(0x11_0000)) for _ in range(200))
        assert all(word and " " not in word for word in words_of(noise))


# -- snippets --------------------------------------------------------------------------------------------------------


def marked(document: str, question: str) -> str:
    return "".join(f"[{part.text}]" if part.is_match else part.text for part in snippet_of(document, read_question(question)))


def test_a_snippet_shows_the_words() -> None:
    long = "filler words here. " * 50
    assert "[Crème] brûlée" in marked(f"{long}Crème brûlée with sugar. {long}", "creme")
    assert marked("one two three", "two") == "one [two] three"
    assert marked("one two", "absent") == "one two"
    assert "[testing]" in marked("we are testing it", "test*")
    shown = marked(long + "alpha beta " + long + " alpha alone " + long, "alpha beta")
    assert "[alpha] [beta]" in shown and len(shown) < 400 and shown.startswith("… ")
    assert marked("今日は東京都で雨", "東京") == "今日は[東京]都で雨"
    assert marked("", "x") == ""


def test_snippets_of_noise_are_parts_of_it() -> None:
    random_ = random.Random(4)
    for _ in range(100):
        noise = "".join(random_.choice("ab東京 \n.éЖ") for _ in range(600))
        parts = snippet_of(noise, read_question("a b* 東京 é"))
        joined = "".join(part.text for part in parts).removeprefix("… ").removesuffix(" …")
        assert "".join(joined.split()) in "".join(noise.split())


def test_a_command_reads_texts(tmp_path: Path) -> None:
    home = tmp_path / "warcs"

    def muniment(*arguments: str) -> str:
        code = "import sys; from archiver.cli.main import main; sys.argv = ['muniment', *sys.argv[1:]]; main()"
        command = [sys.executable, "-c", code, "--archive", str(home), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    muniment(
        "import", str(write_warc(tmp_path / "one.warc.gz", [Record("http://a.example/", "<p>walrus", "2015-01-01T00:00:00Z")]))
    )
    done = json.loads(muniment("index", "texts", "--json"))
    assert done == {"files": 1, "documents": 1, "repeated": 0, "unreadable": 0, "complete": True}
    assert muniment("index", "texts", "--again") == "1 document read in 1 file.\n"
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        assert urls(holdings, "walrus", ("default",)) == ["http://a.example/"]


def test_words_that_were_purged_are_not_in_the_files_of_the_database(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    """Who has the disk and no program finds nothing either."""
    holdings = holdings_with()
    pages = {f"http://a.example/{number}": f"<title>t{number}</title><p>common word{number}" for number in range(30)}
    pages["http://a.example/secret"] = "<title>Quetzalcoatl</title><p>common Zoroastrianism"
    records = [Record(url, page, "2012-01-01T00:00:00Z") for url, page in pages.items()]
    import_file(write_warc(tmp_path / "few.warc.gz", records), collection="default", store=holdings.store, index=holdings.index)
    read_texts(holdings)

    def on_disk(word: bytes) -> bool:
        home = Path(holdings.settings.archive)
        return any(word in path.read_bytes().lower() for path in home.glob("muniment.db*"))

    assert on_disk(b"quetzalcoatl") and on_disk(b"zoroastrianism")
    of_one = Rule(Action.EXCLUDE, Matching.EXACT, "example,a)/secret", deletion=SUPPRESSED)
    purge(holdings, suppress(holdings, of_one, actor="test").number, actor="test")
    assert not on_disk(b"quetzalcoatl") and not on_disk(b"zoroastrianism")
    assert on_disk(b"word29")
    assert urls(holdings, "common", ("default",)) and not urls(holdings, "zoroastrianism", ("default",))


def test_after_a_purge_what_stays_is_found_and_nothing_else(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    records = [
        Record("http://a.example/", f"<p>{word} common", f"201{year}-01-01T00:00:00Z")
        for year, word in enumerate(("zero", "one", "one", "three"))
    ]
    import_file(write_warc(tmp_path / "few.warc.gz", records), collection="default", store=holdings.store, index=holdings.index)
    read_texts(holdings)
    of_2012 = Rule(Action.EXCLUDE, Matching.EXACT, "example,a)/", since=20120101000000, until=20121231000000)
    rule = suppress(holdings, replace(of_2012, deletion=SUPPRESSED), actor="test")
    purge(holdings, rule.number, actor="test")
    found = {(item.first[:4], item.captures) for page in ask(holdings, "common", ("default",)).pages for item in page.versions}
    assert found == {("2010", 1), ("2011", 1), ("2013", 1)}
    assert read_texts(holdings).documents == 0
