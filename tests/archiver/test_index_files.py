"""Indexes in files: what is refused and why, what is damaged or lies, how little is read, how keys are written."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.errors import StorageFailed, UsageError
from archiver.index.bytesource import LocalBytes, RemoteBytes, View
from archiver.index.cdxj import FileKind, open_index, survey
from archiver.index.cdxline import Layout, layout_of_header, row_of_line
from archiver.index.keyforms import HostForm, KeyRules, rules_of, spellings
from archiver.index.lines import MAX_LINE_BYTES, SortedLines
from archiver.index.ordered import OrderedIndex
from archiver.index.protocol import Row
from archiver.index.query import KeyRange, Place
from archiver.index.sorting import sorted_rows
from archiver.index.warcnames import namer
from archiver.index.zipnum import ZipNumLines
from archiver.store.places import Places
from archiver.urls import urlkey
from tests.archiver.index_stores import SLUG, captured, cdx11, lines_of, write_cluster
from tests.servers.indexes import FileServer, cdxj

EVERYTHING = [KeyRange("", None)]
LINE = b'org,example)/ 20160810204623 {"url": "http://example.org/", "filename": "a.warc.gz", "offset": "12"}'


def index_of(path: Path, text: bytes, **options: object) -> OrderedIndex:
    path.write_bytes(text)
    return open_index(SLUG, FileKind.CDXJ, str(path), **options)  # type: ignore[arg-type]


# -- lines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("is_last_ended", [True, False])
def test_lines_are_found_from_any_place_in_both_directions(tmp_path: Path, end: bytes, is_last_ended: bool) -> None:
    random_ = random.Random(8)
    words = sorted({bytes(random_.choices(b"abc,) 0", k=random_.choice([1, 5, 60, 9000]))) for _ in range(300)})
    words = [word for word in words if word.strip()]
    (tmp_path / "words").write_bytes(end.join(words) + (end if is_last_ended else b""))
    lines = SortedLines(LocalBytes(str(tmp_path / "words")))
    for place in [b"", b"\xff", *random_.sample(words, 25), *(word + b"0" for word in random_.sample(words, 10))]:
        assert list(lines.forward(place)) == [word for word in words if word >= place]
        assert list(lines.backward(place)) == [word for word in words if word < place][::-1]


def test_a_look_up_reads_little_of_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        for number in range(200_000):
            file.write(b"%08d some more of a line that an index may have\n" % number)

    class Counted:
        name = "counted"

        def __init__(self) -> None:
            self.read = 0

        def view(self) -> View:
            return CountedView(LocalBytes(str(path)).view(), self)

    class CountedView:
        def __init__(self, view: View, counted: Counted) -> None:
            self.size, self._view, self._counted = view.size, view, counted

        def read(self, offset: int, length: int) -> bytes:
            self._counted.read += length
            return self._view.read(offset, length)

    source = Counted()
    assert next(SortedLines(source).forward(b"00123456")).startswith(b"00123456 ")
    assert next(SortedLines(source).backward(b"00123456")).startswith(b"00123455 ")
    assert source.read < 600_000 < path.stat().st_size // 10


def test_a_file_without_lines_is_told(tmp_path: Path) -> None:
    (tmp_path / "zeros").write_bytes(b"\0" * (4 * MAX_LINE_BYTES))
    lines = SortedLines(LocalBytes(str(tmp_path / "zeros")))
    for stream in (lines.forward(b"x"), lines.backward(b"x")):
        with pytest.raises(StorageFailed, match="no lines"):
            list(stream)


def test_a_file_that_is_replaced_is_read_anew_and_a_lost_one_is_told(tmp_path: Path) -> None:
    index = index_of(tmp_path / "i", LINE + b"\n")
    assert [item.offset for item in index.scan([SLUG], EVERYTHING)] == [12]
    stream = index.scan([SLUG], EVERYTHING)
    (tmp_path / "new").write_bytes(LINE.replace(b'"12"', b'"13"') + b"\n")
    (tmp_path / "new").rename(tmp_path / "i")
    assert next(stream).offset == 13  # nothing had been read yet
    (tmp_path / "i").unlink()
    with pytest.raises(StorageFailed, match="cannot be read"):
        list(index.scan([SLUG], EVERYTHING))


def test_an_index_on_a_web_server_is_read_by_parts_that_are_kept(tmp_path: Path) -> None:
    with (tmp_path / "long.cdxj").open("wb") as file:
        for number in range(60_000):
            file.write(LINE.replace(b"org,example)/", b"org,example)/%06d" % number) + b"\n")
    with FileServer(tmp_path) as server:
        index = open_index(SLUG, FileKind.CDXJ, server.url("/long.cdxj"))
        server.read.clear()
        assert index.newest([SLUG], "org,example)/034567") is not None
        asked = len(server.read)
        assert sum(size for _, size in server.read) < 1_500_000 < (tmp_path / "long.cdxj").stat().st_size / 4
        assert index.newest([SLUG], "org,example)/034567") is not None
        assert len(server.read) == asked
        missing = RemoteBytes(server.url("/none"), Places())
        with pytest.raises(StorageFailed, match="not there"):
            missing.view()


# -- what a line says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"", b" CDX N b a m s k r M S V g", b"!meta {}", b"org,example)/", b"org,example)/ 2016", b"\xff\xfe\0\0",
        b"org,example)/ 20160810204623 {", b"org,example)/ 20160810204623 []", b"org,example)/ 20160810204623 {}",
        LINE.replace(b"20160810204623", b"2016081020462x"), LINE.replace(b'"12"', b'"-1"'), LINE.replace(b'"12"', b"1e9"),
        LINE.replace(b'"12"', b'"' + b"9" * 30 + b'"'), LINE.replace(b'"a.warc.gz"', b"null"), LINE.replace(b'"12"', b"true"),
        LINE.replace(b'"12"', b'"\xd9\xa1\xd9\xa2"'), b"org,example)/ 20160810204623 " + b'{"a":' * 5000, b"a b c d e f g h i",
        LINE.replace(b'"http://example.org/"', b'["x"]'), b"\t".join([b"x"] * 11),
    ],
)  # fmt: skip
def test_lines_that_say_of_no_capture_are_passed_over(line: bytes, tmp_path: Path) -> None:
    assert row_of_line(line) is None
    index = index_of(tmp_path / "i", b"\n".join(sorted([line, LINE])) + b"\n")
    assert [item.offset for item in index.scan([SLUG], EVERYTHING)] == [12]


def test_numbers_and_words_as_different_programs_write_them() -> None:
    said = {
        "url": "http://example.org/\0x", "filename": "a.warc.gz", "offset": 12, "length": 5, "status": 200,
        "digest": "3i42h3s6nnfq2msvx7xzkyaysCX5QBYJ", "mime": "TEXT/HTML; charset=utf-8", "languages": "eng",
    }  # fmt: skip
    row = row_of_line(f"org,example)/ 20160810204623 {json.dumps(said)}".encode())
    assert row is not None
    assert row[2:9] == (
        "http://example.org/%00x", "text/html", 200, "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ", 5, 12, "a.warc.gz",
    )  # fmt: skip
    odd = row_of_line(
        f"org,example)/ 20160810204623 {json.dumps({**said, 'status': '-', 'length': '-', 'digest': '-'})}".encode()
    )
    assert odd is not None and odd[4:7] == (None, "", 0)
    unknown = row_of_line(f"org,example)/ 20160810204623 {json.dumps({**said, 'mime': 'unk'})}".encode())
    assert unknown is not None and unknown[3] == ""
    revisit = row_of_line(f"org,example)/ 20160810204623 {json.dumps({**said, 'mime': 'warc/revisit'})}".encode())
    assert revisit is not None and revisit[3] == "" and revisit[9] == 1


def test_cdx_files_with_all_their_columns() -> None:
    eleven = cdx11(captured()[0])
    full = row_of_line(eleven.encode())
    assert full is not None
    ten = eleven.split(" ")
    del ten[8]
    short = row_of_line(" ".join(ten).encode())
    assert short == (*full[:6], 0, *full[7:])
    nine = list(ten)
    del nine[7]
    assert row_of_line(" ".join(nine).encode()) == short
    header = layout_of_header(b" CDX b N a g V\r\n".strip(b"\r\n"))
    assert header is not None
    turned = row_of_line(b"20160810204623 org,example)/ http://example.org/ w.warc.gz 7", layout=header)
    assert turned is not None and (turned[0], turned[7], turned[8]) == ("org,example)/", 7, "w.warc.gz")
    assert Layout.of("N b a m") is None
    assert layout_of_header(b"com,example)/ 2016") is None


# -- what is attached ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "lists no captures"),
        (b" CDX N b a m s k r M S V g\n", "lists no captures"),
        (gzip.compress(LINE + b"\n"), "gunzip"),
        (b"b" + LINE + b"\n" + b"a" + LINE + b"\n", "LC_ALL=C sort"),
        (b"<html><body>\n<p>not an index</p>\n", "no index of captures"),
        (b"\0" * (MAX_LINE_BYTES * 3), "no lines"),
        (b"com,example)/ 2016\tcdx-00000.gz\t0\t10\t1\n", "cannot be read"),
    ],
)
def test_what_cannot_be_read_in_place_is_refused_with_what_to_do(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "i").write_bytes(text)
    with pytest.raises((UsageError, StorageFailed)) as refused:
        survey(str(tmp_path / "i"))
    assert said in str(refused.value)


def test_disorder_in_the_middle_of_a_file_is_found(tmp_path: Path) -> None:
    lines = lines_of(captured()).splitlines()
    lines[300], lines[301] = lines[301], lines[300]
    (tmp_path / "i").write_bytes(b"\n".join(lines))
    with pytest.raises(UsageError, match="bytewise order"):
        survey(str(tmp_path / "i"))


def test_capital_letters_sorted_by_a_language_are_disorder(tmp_path: Path) -> None:
    (tmp_path / "i").write_bytes(b"com,a)/x" + LINE[13:] + b"\ncom,a)/Y" + LINE[13:] + b"\n")
    with pytest.raises(UsageError, match="LC_ALL=C"):
        survey(str(tmp_path / "i"))


# -- ZipNum ----------------------------------------------------------------------------------------------------------


def cluster_with(folder: Path, change: object = None) -> ZipNumLines:
    path = write_cluster(folder, captured())
    if callable(change):
        change(path)
    return ZipNumLines(str(path))


def test_a_look_up_in_a_cluster_unpacks_few_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = cluster_with(tmp_path)
    unpacked: list[object] = []
    unpack = ZipNumLines._unpacked
    monkeypatch.setattr(ZipNumLines, "_unpacked", lambda self, block, data: unpacked.append(block) or unpack(self, block, data))
    index = OrderedIndex(SLUG, lines, row_of_line)
    assert index.newest([SLUG], urlkey("http://a.example/api")) is None
    assert next(index.closest([SLUG], urlkey("http://a.example/busy"), "2017"))
    assert len(unpacked) <= 4
    before = len(unpacked)
    assert next(index.closest([SLUG], urlkey("http://a.example/busy"), "2017"))
    assert len(unpacked) == before  # they are kept


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"\t0\t", b"\t7\t", "cannot be unpacked"),
        (b"\t0\t", b"\t99999999\t", "not whole"),
        (b"cdx-00000.gz", b"cdx-00009.gz", "cannot be read"),
        (b"\tcdx-00000.gz\t", b" ", "says of no block"),
        (b"\t0\t", b"\t0x0\t", "says of no block"),
    ],
)
def test_a_cluster_that_lies_is_told(tmp_path: Path, old: bytes, new: bytes, said: str) -> None:
    lines = cluster_with(tmp_path, lambda path: path.write_bytes(path.read_bytes().replace(old, new)))
    with pytest.raises(StorageFailed, match=said):
        list(lines.forward(b""))


def test_a_block_that_grows_without_end_is_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * (70 * 1024 * 1024), 9)
    (tmp_path / "cdx-00000.gz").write_bytes(bomb)
    (tmp_path / "cluster.idx").write_text(f"a 2016\tcdx-00000.gz\t0\t{len(bomb)}\t1\n")
    with pytest.raises(StorageFailed, match="larger than a block"):
        list(ZipNumLines(str(tmp_path / "cluster.idx")).forward(b""))
    (tmp_path / "cluster.idx").write_text(f"a 2016\tcdx-00000.gz\t0\t{10**12}\t1\n")
    with pytest.raises(StorageFailed, match="larger than a block"):
        list(ZipNumLines(str(tmp_path / "cluster.idx")).forward(b""))


def test_shards_lie_where_the_file_of_locations_says_and_names_lead_nowhere_else(tmp_path: Path) -> None:
    path = write_cluster(tmp_path, captured())
    everything = list(ZipNumLines(str(path)).forward(b""))
    (tmp_path / "far").mkdir()
    names = sorted(item.name for item in tmp_path.glob("cdx-*.gz"))
    for name in names:
        (tmp_path / name).rename(tmp_path / "far" / name)
    with pytest.raises(StorageFailed):
        list(ZipNumLines(str(path)).forward(b""))
    locations = tmp_path / "cluster.loc"
    locations.write_text("".join(f"{name}\tgone/{name}\tfar/{name}\n" for name in names) + "\n\nodd line\n")
    assert list(ZipNumLines(str(path), locations=str(locations)).forward(b"")) == everything
    path.write_bytes(path.read_bytes().replace(b"cdx-", b"far/cdx-"))
    with pytest.raises(StorageFailed):  # only the name counts
        list(ZipNumLines(str(path)).forward(b""))


def test_lines_of_one_place_that_go_over_the_end_of_a_block(tmp_path: Path) -> None:
    same = [cdxj(item) for item in captured()[:1] for _ in range(100)]
    text = [line.replace('"offset": "0"', f'"offset": "{number:03d}"') for number, line in enumerate(same)]
    place = text[0].rpartition(" {")[0].encode()
    blocks = [gzip.compress("\n".join(text[start : start + 30]).encode()) for start in range(0, 100, 30)]
    (tmp_path / "cdx-00000.gz").write_bytes(b"".join(blocks))
    starts = [sum(map(len, blocks[:number])) for number in range(len(blocks))]
    (tmp_path / "c.idx").write_bytes(
        b"".join(b"%s\tcdx-00000\t%d\t%d\t1\n" % (place, at, len(block)) for at, block in zip(starts, blocks, strict=True))
    )
    assert len(list(ZipNumLines(str(tmp_path / "c.idx")).forward(place))) == 100
    assert len(list(ZipNumLines(str(tmp_path / "c.idx")).backward(place + b"!"))) == 100


# -- names of WARC files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("warcs", "name", "place"),
    [
        ("/data", "a.warc.gz", "/data/a.warc.gz"),
        ("/data/", "x/a.warc.gz", "/data/x/a.warc.gz"),
        ("/data", "/data/x/a.warc.gz", "/data/x/a.warc.gz"),
        ("/data", "/etc/passwd", "/data/passwd"),
        ("/data", "../../etc/passwd", "/data/passwd"),
        ("/data", "..\\..\\x", "/data/x"),
        ("https://w.example/c/", "crawl/a.warc.gz", "https://w.example/c/crawl/a.warc.gz"),
        ("https://w.example/c/", "http://169.254.169.254/x", "https://w.example/c/x"),
        ("s3://bucket", "s3://bucket/y/a.warc.gz", "s3://bucket/y/a.warc.gz"),
        ("s3://bucket", "replay+http://x/2016id_/y", "s3://bucket/y"),
        ("", "a.warc.gz", "a.warc.gz"),
        ("", "/etc/passwd", "passwd"),
        ("", "s3://b/a.warc.gz", "a.warc.gz"),
        ("/data", "..", "/data/unnamed"),
    ],
)
def test_names_in_an_index_lead_to_no_other_place(warcs: str, name: str, place: str) -> None:
    assert namer(warcs)(name) == place


def test_names_in_a_path_index(tmp_path: Path) -> None:
    (tmp_path / "paths.txt").write_text("a.warc.gz\tsub/a.warc.gz\nb.warc.gz\ts3://bucket/b.warc.gz\tother\nc.warc.gz\t/d/c\n")
    place = namer(str(tmp_path / "paths.txt"))
    assert place("a.warc.gz") == f"{tmp_path}/sub/a.warc.gz"
    assert place("b.warc.gz") == "s3://bucket/b.warc.gz"
    assert place("c.warc.gz") == "/d/c"
    assert place("x.warc.gz") == "x.warc.gz"
    assert place("/etc/a.warc") == "a.warc"


# -- keys of others --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "theirs", "form"),
    [
        ("http://www.example.org/a", "org,example)/a", HostForm.SAME),
        ("http://example.org/a", "org,example,)/a", HostForm.COMMA),
        ("http://example.org:8080/a", "org,example,:8080)/a", HostForm.COMMA),
        ("http://www.example.org/a?b", "org,example,www)/a?b", HostForm.WWW),
        ("http://www.example.org/", "org,example,www,)/", HostForm.WWW_COMMA),
        ("http://example.org/a", "example.org/a", HostForm.PLAIN),
        ("http://www.example.org:81/a", "www.example.org:81/a", HostForm.PLAIN),
        ("https://example.org/a", "https://(org,example,)/a", HostForm.SCHEME),
        ("http://[::1]/a", "[::1]/a", HostForm.PLAIN),
    ],
)
def test_forms_of_keys(url: str, theirs: str, form: HostForm) -> None:
    assert theirs in spellings(urlkey(url), form)
    rules = rules_of([(theirs, 2016, url, "", 200, "", 0, 0, "", 0, None, None)])
    assert rules == KeyRules((form,), rekeyed=form is not HostForm.SAME)


def test_an_index_with_few_other_keys_keeps_its_order_and_finds_those_too(tmp_path: Path) -> None:
    items = captured()
    text = b"".join(sorted(
        f"{cdxj(item, item.urlkey.replace(')', ',)') if number == 7 else '')}\n".encode() for number, item in enumerate(items)
    ))  # fmt: skip
    (tmp_path / "i").write_bytes(text)
    found = survey(str(tmp_path / "i")).rules
    assert found.hosts == (HostForm.SAME, HostForm.COMMA) and not found.rekeyed
    index = index_of(tmp_path / "i", text, rules=found)
    assert items[7].offset in {item.offset for item in index.versions([SLUG], items[7].urlkey)}


def test_keys_that_follow_no_rule_are_counted() -> None:
    rows: list[Row] = [(f"k{n}", 2016, "http://example.org/", "", 200, "", 0, 0, "", 0, None, None) for n in range(3)]
    assert rules_of(rows).unlike == 1.0
    assert rules_of([("org,example)/", *rows[0][1:]), *rows]).unlike == 0.75
    assert rules_of([]) == KeyRules()


@pytest.mark.parametrize("backward", [False, True])
def test_rows_are_sorted_with_few_of_them_in_memory(backward: bool) -> None:
    random_ = random.Random(6)
    rows: list[Row] = [
        (random_.choice("abcd"), random_.randint(0, 9), str(n), "", random_.choice([None, 1]), "", 0, n, "", 0, None, None)
        for n in range(500)
    ]

    def given() -> Iterator[Row]:
        yield from rows

    for at_once in (7, 100, 500, 1000):
        found = list(sorted_rows(given(), backward=backward, at_once=at_once))
        assert [row[:2] for row in found] == sorted((row[:2] for row in rows), reverse=backward)
        assert {row[7] for row in found} == set(range(500))


def test_a_stream_of_an_index_with_other_keys_goes_on_from_a_place(tmp_path: Path) -> None:
    items = captured()
    rules = KeyRules((HostForm.COMMA,), rekeyed=True)
    index = index_of(tmp_path / "i", lines_of(items, lambda item: cdxj(item, item.urlkey.replace(")", ",)"))), rules=rules)
    places = sorted((item.urlkey, item.timestamp) for item in items)
    middle = places[len(places) // 2]
    found = [(item.urlkey, item.timestamp) for item in index.scan([SLUG], EVERYTHING, after=Place(*middle))]
    assert found == [place for place in places if place >= middle]
