"""Pages in any encoding: not a byte changes that need not, the browser is told what it is, and the banner is readable in it."""

from __future__ import annotations

import codecs
import html
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from webencodings.labels import LABELS

from archiver.markup.charset import Charset, codec_of, declared_charset, label_of, sniff_charset
from tests.servers.warcs import response_record

Reader = Callable[..., FlaskClient]

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
ADDRESS = "/unesco/20160810204623/http://e.org/"
JAPANESE = "表示ソ能 日本語のページです。文字化けしないこと。"
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю."
CHINESE = "中文网页应当正确显示，编码由检测器决定。功能許蓋"
LATIN = "Où l’été à Genève « déçu » – naïve façade"
LONG = f"<!doctype html><html><head><title>x</title><style>{'a{color:red}' * 200}</style></head><body class=y>"

#: codec, text, label
UNDECLARED = [
    ("shift_jis", JAPANESE, "shift_jis"),
    ("euc_jp", JAPANESE, "euc-jp"),
    ("iso2022_jp", JAPANESE, "iso-2022-jp"),
    ("gb18030", CHINESE, "gb18030"),
    ("windows-1251", RUSSIAN, "windows-1251"),
    ("windows-1252", LATIN, "windows-1252"),
    ("utf-8", JAPANESE + RUSSIAN, "utf-8"),
    ("utf-16-le", JAPANESE, "utf-16le"),
    ("utf-16-be", JAPANESE, "utf-16be"),
]
NAMES = [label for _, _, label in UNDECLARED]


def page(text: str, start: str = LONG) -> str:
    return f"{start}<p title='{text}'>{text * 12}</p><!-- {text} --><script>var a = '{text}';</script></body></html>"


def common(one: bytes, other: bytes) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def is_kept(original: bytes, shown: bytes) -> bool:
    """Every byte of a page is there, in one piece before, between and after what replay puts into head and body."""
    first, last = common(original, shown), common(original[::-1], shown[::-1])
    return first + last >= len(original) or original[first : len(original) - last] in shown[first : len(shown) - last]


@pytest.mark.parametrize(("codec", "text", "label"), UNDECLARED, ids=NAMES)
@pytest.mark.parametrize("start", [LONG, "<html><body>"], ids=["late", "early"])
def test_a_page_that_names_no_encoding(reader: Reader, codec: str, text: str, label: str, start: str) -> None:
    original = page(text, start).encode(codec)
    answer = reader(response_record("http://e.org/", MOMENT, original, headers="Content-Type: text/html\r\n")).get(ADDRESS)
    assert answer.headers["Content-Type"] == f"text/html; charset={label}"
    shown = html.unescape(answer.data.decode(codec))
    assert "20:46:23 Aug 10, 2016" in shown
    assert text * 12 in shown
    assert is_kept(original, answer.data)


def ways_to_say(codec: str) -> list[str]:
    """Only Unicode has byte order marks, and in a meta element UTF-16 means UTF-8."""
    return ["http", *(["bom"] if codec.startswith("utf") else []), *(["meta"] if not codec.startswith("utf-16") else [])]


@pytest.mark.parametrize(
    ("codec", "text", "label", "how"),
    [(codec, text, label, how) for codec, text, label in UNDECLARED for how in ways_to_say(codec)],
)
def test_what_a_page_says_is_believed(reader: Reader, codec: str, text: str, label: str, how: str) -> None:
    start = LONG.replace("<title>", f"<meta charset={label}><title>") if how == "meta" else LONG
    mark = "\ufeff" if how == "bom" else ""
    original = f"{mark}{page(text, start)}".encode(codec)
    type_ = f"text/html; charset={label}" if how == "http" else "text/html"
    answer = reader(response_record("http://e.org/", MOMENT, original, headers=f"Content-Type: {type_}\r\n")).get(ADDRESS)
    expected = "text/html" if how == "bom" else f"text/html; charset={label}"
    assert answer.headers["Content-Type"] == expected
    assert is_kept(original, answer.data)
    assert "20:46:23 Aug 10, 2016" in html.unescape(answer.data.decode(codec))


def test_the_order_of_what_says_it() -> None:
    meta = b"<meta charset=koi8-r>"
    russian = RUSSIAN.encode("windows-1251") * 3
    assert sniff_charset(codecs.BOM_UTF8 + meta + russian, "gb18030").name == "utf-8"
    assert sniff_charset(meta + russian, "gb18030").name == "gb18030"
    assert sniff_charset(meta + russian, None).name == "koi8-r"
    assert sniff_charset(russian, None).name == "cp1251"
    assert declared_charset(russian) is None


def test_plain_ascii_says_nothing(reader: Reader) -> None:
    answer = reader(response_record("http://e.org/", MOMENT, b"<p>x", headers="Content-Type: text/html\r\n")).get(ADDRESS)
    assert answer.headers["Content-Type"] == "text/html"


def test_a_page_whose_letters_come_late_is_still_looked_at(reader: Reader) -> None:
    original = (LONG + "<br>" * 8000 + RUSSIAN * 5 + "<a href='?q=я'>").encode("windows-1251")
    answer = reader(response_record("http://e.org/", MOMENT, original, headers="Content-Type: text/html\r\n")).get(ADDRESS)
    assert answer.headers["Content-Type"] == "text/html; charset=windows-1251"
    assert b"http://e.org/?q=%FF'" in answer.data


@pytest.mark.parametrize("label", sorted(LABELS))
def test_each_encoding_has_a_name_that_browsers_know(label: str) -> None:
    codec = codec_of(label)
    if codec is not None:
        assert codec_of(label_of(Charset(codec, True))) == codec
