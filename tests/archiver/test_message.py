"""HTTP heads and bodies as servers really send them."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable
from io import BufferedReader, BytesIO
from typing import BinaryIO, cast

import brotli
import pytest
import zstandard

from archiver.errors import BodyLimitExceeded
from archiver.message import ChunkedDecoder, ContentDecoder, Head, iter_body, parse_head, read_head

DATA = b"The quick brown fox. " * 500


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def head_of(text: str) -> Head:
    return parse_head(text.encode("latin-1"))


def decoded(data: bytes, *codings: str, step: int = 0, limit: int | None = None) -> tuple[bytes, bool]:
    decoder = ContentDecoder(codings, limit)
    step = step or len(data) or 1
    out = b"".join(decoder.feed(data[start : start + step]) for start in range(0, len(data), step))
    out += decoder.flush()
    return out, decoder.damaged


@pytest.mark.parametrize(
    "opened", [BytesIO, lambda raw: cast(BinaryIO, BufferedReader(BytesIO(raw)))], ids=["memory", "stream"]
)
def test_a_head_is_read_with_its_oddities(opened: Callable[[bytes], BinaryIO]) -> None:
    raw = (
        b"HTTP/1.1 200  Fine \xe9\r\nX-Twice: 1\r\nx-twice:2\nFolded: a\r\n  b\r\n\tc\r\nno colon here\r\n"
        b"Latin: \xe9\r\nUtf: \xc3\xa9\r\nEmpty:\r\nCONTENT-type: Text/HTML ; charset='utf-8'\r\n\r\nbody"
    )
    stream = opened(raw)
    head = read_head(stream)
    assert stream.read() == b"body"
    assert head.raw + b"body" == raw
    assert (head.version, head.status, head.reason) == ("HTTP/1.1", 200, "Fine é")
    assert head.get_all("X-TWICE") == ["1", "2"]
    assert head.get("folded") == "a b c"
    assert (head.get("latin"), head.get("utf"), head.get("empty"), head.get("none")) == ("é", "é", "", None)
    assert (head.media_type, head.charset) == ("text/html", "utf-8")


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"\n", b"garbage", b"\0\xff" * 50, b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 20\r\nA: b", b":\r\n:::\r\n\r\n"]
)
def test_garbage_is_a_head_without_meaning(raw: bytes) -> None:
    head = read_head(BytesIO(raw))
    assert head.raw == raw
    assert head.status is None
    assert head.media_type == ""
    assert head.charset is None
    assert not head.is_chunked


def test_an_endless_head_ends_at_its_limit() -> None:
    head = read_head(BytesIO(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100_000), limit=1000)
    assert len(head.raw) == 1000
    assert head.status == 200


@pytest.mark.parametrize(
    ("values", "name", "charset", "is_clean"),
    [
        (["text/html"], "text/html", None, True),
        (["Text/HTML;Charset=UTF-8"], "text/html", "UTF-8", True),
        (['text/html; charset="utf-8"; x=y;'], "text/html", "utf-8", True),
        (["text/html charset=utf-8"], "text/html", None, False),
        (["text/html (a comment); charset=koi8-r"], "text/html", "koi8-r", False),
        (["text/html, text/plain; charset=x"], "text/plain", "x", False),
        (["text/html; charset=utf-8, text/html"], "text/html", "utf-8", False),
        (["text/html; charset=utf-8", "text/css"], "text/css", None, False),
        (["text/css", "junk", "*/*"], "text/css", None, False),
        (['text/html; x="a,b/c"'], "text/html", None, True),
        (["text/html; charset = utf-8"], "text/html", "utf-8", False),
        (["text/html;;"], "text/html", None, False),
        (["*/*"], "", None, False),
        ([], "", None, False),
        (['"' * 10_000 + "\\" * 10_000], "", None, False),
    ],
)
def test_a_content_type_is_read_as_browsers_read_it(values: list[str], name: str, charset: str | None, is_clean: bool) -> None:
    fields = "".join(f"Content-Type: {value}\r\n" for value in values)
    head = head_of(f"HTTP/1.1 200 OK\r\n{fields}\r\n")
    assert (head.media_type, head.charset, head.content_type.is_clean) == (name, charset, is_clean)


@pytest.mark.parametrize("value", ["text", "text/", "/html", "a b/c", "", ";charset=x"])
def test_what_is_no_media_type_is_none(value: str) -> None:
    assert head_of(f"HTTP/1.1 200 OK\r\nContent-Type: {value}\r\n\r\n").media_type == ""


CHUNKED = b"5;ext=1\r\nhello\r\n0A\r\n0123456789\r\n 3 \r\nabc\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n"


@pytest.mark.parametrize("step", [1, 2, 5, 1000])
def test_chunks_are_joined_and_their_sizes_and_trailers_kept(step: int) -> None:
    decoder = ChunkedDecoder()
    out = b"".join(decoder.feed(CHUNKED[start : start + step]) for start in range(0, len(CHUNKED), step))
    out += decoder.flush()
    assert out == b"hello0123456789abc"
    assert decoder.sizes == [5, 10, 3]
    assert b"Trailer: x" in decoder.trailers


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"5\r\nhello\r\n", b"hello"),
        (b"5\r\nhel", b"hel"),
        (b"5\nhello\n0\n\n", b"hello"),
        (b"not chunked at all", b"not chunked at all"),
        (b"5\r\nhello\r\nzz\r\nrest", b"hello"),
        (b"ffffffffffffffff\r\nabc", b"abc"),
        (b"", b""),
    ],
)
@pytest.mark.parametrize("step", [1, 100])
def test_broken_chunks_lose_nothing_that_came(data: bytes, kept: bytes, step: int) -> None:
    decoder = ChunkedDecoder()
    out = b"".join(decoder.feed(data[start : start + step]) for start in range(0, len(data), step)) + decoder.flush()
    assert out.startswith(kept)


@pytest.mark.parametrize("coding", CODERS)
@pytest.mark.parametrize("step", [1, 7, 0])
def test_codings_are_undone_however_they_arrive(coding: str, step: int) -> None:
    assert decoded(CODERS[coding](DATA), coding, step=step) == (DATA, False)


def test_deflate_without_its_wrapper_is_understood() -> None:
    assert decoded(raw_deflate(DATA), "deflate", step=3) == (DATA, False)


def test_several_codings_are_undone_from_the_last() -> None:
    assert decoded(brotli.compress(gzip.compress(DATA)), "gzip", "br") == (DATA, False)


def test_two_gzip_members_are_one_body() -> None:
    assert decoded(gzip.compress(b"one ") + gzip.compress(b"two"), "gzip", step=4)[0] == b"one two"


def test_two_zstandard_frames_are_one_body() -> None:
    frames = CODERS["zstd"](b"one ") + CODERS["zstd"](b"two")
    assert decoded(frames, "zstd", step=3) == decoded(frames, "zstd") == (b"one two", False)


@pytest.mark.parametrize("coding", CODERS)
def test_what_is_not_what_it_says_comes_through(coding: str) -> None:
    assert decoded(b"<p>plain text after all", coding)[0] == b"<p>plain text after all"


def test_unknown_codings_come_through() -> None:
    assert decoded(DATA, "identity", "compress", "aes128gcm") == (DATA, False)


@pytest.mark.parametrize("coding", CODERS)
def test_a_cut_body_gives_what_came_and_says_so(coding: str) -> None:
    random_ = random.Random(1)
    plain = random_.randbytes(200_000)
    coded = CODERS[coding](plain)
    out, damaged = decoded(coded[: len(coded) // 2], coding, step=1000)
    assert damaged
    assert plain.startswith(out[:1000])
    assert len(out) > 10_000


@pytest.mark.parametrize("coding", CODERS)
def test_a_bomb_is_stopped_at_the_limit(coding: str) -> None:
    bomb = CODERS[coding](b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(BodyLimitExceeded):
        decoded(bomb, coding, limit=1_000_000)


def test_a_thousand_codings_are_not_all_tried() -> None:
    decoder = ContentDecoder(["gzip"] * 100_000)
    assert decoder.feed(b"x" * 100) + decoder.flush()


def test_bodies_are_read_through_all_their_layers() -> None:
    coded = gzip.compress(DATA)
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(coded), coded)
    head = head_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Encoding: GZIP\r\n\r\n")
    assert b"".join(iter_body(BytesIO(body), head, chunk=9)) == DATA
    assert b"".join(iter_body(BytesIO(body), head, content=False)) == coded
    assert b"".join(iter_body(BytesIO(body), head, transfer=False, content=False)) == body
    with pytest.raises(BodyLimitExceeded):
        list(iter_body(BytesIO(body), head, limit=100))


def test_random_bytes_never_break_a_decoder() -> None:
    random_ = random.Random(2)
    for _ in range(300):
        data = random_.randbytes(random_.randint(0, 300))
        if random_.random() < 0.5:
            coding = random_.choice(list(CODERS))
            data = CODERS[coding](data)[: random_.randint(0, 200)] + random_.randbytes(10)
        else:
            coding = random_.choice(list(CODERS))
        decoded(data, coding, "gzip", step=random_.choice([1, 5, 0]), limit=10_000_000)
        chunks = ChunkedDecoder()
        chunks.feed(data)
        chunks.flush()


def test_what_follows_a_chunked_body_is_not_kept() -> None:
    decoder = ChunkedDecoder()
    assert decoder.feed(b"1\r\na\r\n0\r\n\r\nrest") == b"a"
    for _ in range(100):
        assert decoder.feed(bytes(1000)) == b""
    assert decoder.excess == b"rest"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_what_unfolds_to_a_thousand_times_its_size_comes_a_little_at_a_time(coding: str) -> None:
    body = bytes(40_000_000)
    packed = {
        "gzip": lambda: gzip.compress(body, 9),
        "deflate": lambda: zlib.compress(body, 9),
        "br": lambda: brotli.compress(body, quality=5),
        "zstd": lambda: zstandard.ZstdCompressor(write_content_size=False).compress(body),
    }[coding]()
    sizes = [len(piece) for piece in ContentDecoder([coding]).pieces(packed)]
    assert sum(sizes) == len(body)
    assert max(sizes) <= 10_000_000
