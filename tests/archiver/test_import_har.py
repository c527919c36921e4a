"""HAR files become records that say what they were made of; what a HAR does not have is said."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archiver.holdings import Holdings
from archiver.urls import urlkey
from archiver.warc.reader import StoredRecord, iter_records, read_record
from tests.archiver.importing import Import, body_of

OpenHoldings = Callable[..., Holdings]

WHEN = "2020-01-02T04:04:05.250+01:00"


def entry(url: str, text: str | None = "<p>hello", **changes: Any) -> dict[str, Any]:
    """An entry as Chrome writes it."""
    content: dict[str, Any] = {"size": len(text or ""), "mimeType": "text/html"}
    if text is not None:
        content["text"] = text
    content.update(changes.pop("content", {}))
    response = {
        "status": 200,
        "statusText": "OK",
        "httpVersion": "http/2.0",
        "headers": [
            {"name": ":status", "value": "200"},
            {"name": "content-type", "value": "text/html; charset=utf-8"},
            {"name": "content-encoding", "value": "br"},
            {"name": "content-length", "value": "9999"},
        ],
        "content": content,
        "redirectURL": "",
        "bodySize": -1,
        **changes.pop("response", {}),
    }
    request = {
        "method": "GET",
        "url": url,
        "httpVersion": "http/2.0",
        "headers": [
            {"name": ":authority", "value": "example.org"},
            {"name": "accept", "value": "*/*"},
            {"name": "cookie", "value": "session=very-secret"},
        ],
        **changes.pop("request", {}),
    }
    return {
        "startedDateTime": WHEN,
        "time": 12.5,
        "request": request,
        "response": response,
        "pageref": "page_1",
        "serverIPAddress": "[2001:db8::1]",
        **changes,
    }


def har(path: Path, *entries: dict[str, Any], version: str = "1.2", **log: Any) -> Path:
    about = {"version": version, "creator": {"name": "WebInspector", "version": "537.36"}}
    pages = [{"startedDateTime": WHEN, "id": "page_1", "title": "A page"}]
    path.write_text(json.dumps({"log": {**about, "pages": pages, "entries": list(entries), **log}}), "utf-8")
    return path


def record_of(holdings: Holdings, url: str) -> StoredRecord:
    capture = holdings.index.newest(["default"], urlkey(url))
    assert capture is not None
    return read_record(holdings.store, capture.file, capture.offset)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_har_becomes_captures_and_a_page_once(tmp_path: Path, holdings_with: OpenHoldings, version: str) -> None:
    path = har(tmp_path / "x.har", entry("https://example.org/a?b=ä", "<p>é"), version=version)
    holdings = holdings_with()
    for _ in range(2):
        assert Import(holdings, path).captures == 1
    assert len(list(holdings.store.names())) == 1
    assert body_of(holdings, "https://example.org/a?b=ä") == "<p>é".encode()
    (found,) = holdings.crawls.pages("default")
    assert (found.title, found.timestamp) == ("A page", "20200102030405")
    capture = holdings.index.newest(["default"], urlkey("https://example.org/a?b=ä"))
    assert capture is not None and (capture.status, capture.mime) == (200, "text/html")


def test_the_records_say_that_they_were_rebuilt_and_hold_no_secret(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    done = Import(holdings, har(tmp_path / "x.har", entry("https://example.org/")))
    assert "not the bytes that crossed the network" in done.notes
    (name,) = holdings.store.names()
    with holdings.store.open(name) as stream:
        blocks = {
            item.record_type: b"".join(item.block()).decode() for item in iter_records(stream) if isinstance(item, StoredRecord)
        }
    assert "Rebuilt from the HAR 1.2 file x.har written by WebInspector 537.36" in blocks["warcinfo"]
    assert "rebuiltFrom: HAR" in blocks["metadata"]
    assert "named X-Orig-content-encoding, because the body in the HAR is without it" in blocks["metadata"]
    assert "request cookie" in blocks["metadata"]
    assert "very-secret" not in "".join(blocks.values())
    assert blocks["response"].startswith("HTTP/1.1 200 OK\r\n")
    assert "X-Orig-content-encoding: br" in blocks["response"] and "Content-Length: 8" in blocks["response"]
    assert blocks["request"].startswith("GET / HTTP/1.1\r\nHost: example.org\r\n")
    record = record_of(holdings, "https://example.org/")
    assert (record.get("WARC-IP-Address"), record.get("WARC-Protocol")) == ("2001:db8::1", "h2")
    record.close()


@pytest.mark.parametrize(
    ("content", "kind", "body"),
    [
        ({"text": base64.b64encode(b"\x89PNG\0").decode(), "encoding": "base64"}, "image/png", b"\x89PNG\0"),
        ({"text": "ä€"}, "text/plain; charset=windows-1252", b"\xe4\x80"),
        ({"text": "日"}, "text/plain; charset=iso-8859-1", "日".encode()),
        ({"text": '<meta charset="windows-1252"><p>ä'}, "text/html", b'<meta charset="windows-1252"><p>\xe4'),
        (
            {"text": '<?xml version="1.0" encoding="utf-8"?><a>ä</a>'},
            "application/xml",
            '<?xml version="1.0" encoding="utf-8"?><a>ä</a>'.encode(),
        ),
    ],
)
def test_bodies_are_written_in_the_encoding_that_readers_will_take_them_for(
    tmp_path: Path, holdings_with: OpenHoldings, content: dict[str, Any], kind: str, body: bytes
) -> None:
    response = {"headers": [{"name": "Content-Type", "value": kind}]}
    holdings = holdings_with()
    Import(holdings, har(tmp_path / "x.har", entry("http://example.org/", None, content=content, response=response)))
    assert body_of(holdings, "http://example.org/") == body


def test_a_body_that_is_still_compressed_keeps_its_coding(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    packed = gzip.compress(b"hello")
    content = {"text": base64.b64encode(packed).decode(), "encoding": "base64"}
    response = {"headers": [{"name": "Content-Encoding", "value": "gzip"}]}
    holdings = holdings_with()
    Import(holdings, har(tmp_path / "x.har", entry("http://example.org/", None, content=content, response=response)))
    record = record_of(holdings, "http://example.org/")
    assert b"".join(record.payload(content=True)) == b"hello"
    record.close()


def test_what_a_har_does_not_have_is_said(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = har(
        tmp_path / "x.har",
        entry("http://example.org/lost", None, content={"size": 500}),
        entry("http://example.org/blocked", None, response={"status": 0}),
        entry("data:text/html,x"),
        entry("http://example.org/dateless", startedDateTime="now"),
        entry("http://example.org/gone", None, response={"status": 204}),
        {"request": None, "response": 5},
        entry("http://example.org/bad", None, content={"text": "!", "encoding": "base64", "size": 1}),
    )
    holdings = holdings_with()
    done = Import(holdings, path)
    assert {(item.url, item.reason) for item in done.told if item.record_type in ("entry", "body")} == {
        ("http://example.org/lost", "the HAR has no body for this response: its head alone is kept"),
        ("http://example.org/bad", "the HAR has no body for this response: its head alone is kept"),
        ("http://example.org/blocked", "the request got no answer"),
        ("data:text/html,x", "the entry names no http or https address"),
        ("http://example.org/dateless", "the entry has no date"),
        ("", "the entry has no request"),
    }
    lost = record_of(holdings, "http://example.org/lost")
    assert lost.get("WARC-Truncated") == "unspecified"
    lost.close()
    gone = record_of(holdings, "http://example.org/gone")
    assert gone.get("WARC-Truncated") == ""
    gone.close()


def test_redirects_and_posts(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    post = {
        "method": "POST",
        "postData": {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "q", "value": "a b"}]},
    }
    post["headers"] = [{"name": "Content-Type", "value": "application/x-www-form-urlencoded"}]
    path = har(
        tmp_path / "x.har",
        entry("http://example.org/old", None, response={"status": 302, "redirectURL": "/new"}),
        entry("http://example.org/search", "<p>found", request=post),
    )
    holdings = holdings_with()
    assert Import(holdings, path).captures == 2
    record = record_of(holdings, "http://example.org/old")
    assert record.http is not None and record.http.get("Location") == "/new"
    record.close()
    assert [key for key in holdings.index.keys(["default"], urlkey("http://example.org/search"), limit=5)] == [
        urlkey("http://example.org/search?__wb_method=POST&q=a%20b")
    ]


def test_a_har_that_was_cut_short_gives_what_it_has(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = har(tmp_path / "x.har", entry("http://example.org/1"), entry("http://example.org/2"))
    text = path.read_text()
    path.write_text(text[: text.index("http://example.org/2") + 30])
    holdings = holdings_with()
    done = Import(holdings, path)
    assert done.captures == 1
    assert any("ends in the middle" in reason for reason in done.reasons)


@pytest.mark.parametrize(
    "text",
    [
        '{"log": {}}',
        '{"log": {"entries": {}}}',
        '{"log": {"entries": [1, null, [], "x", {"request": {"url": 5}, "response": {"status": "200"}}]}}',
        '{"log": {"entries": [' + "[" * 5000 + "]}}",
        '{"log": {"pages": [{"id": 5}], "creator": 7, "entries": [{}]}}',
        '{"log": {"entries": [{"request": {"method": "G E T", "url": "http://x.example/", "headers": 5}, '
        '"response": {"status": 200, "headers": [5, {"name": "a\\nb", "value": "c"}], "content": 5}, '
        f'"startedDateTime": "{WHEN}"}}]}}}}',
    ],
)
def test_garbage_in_a_har_is_no_crash(tmp_path: Path, holdings_with: OpenHoldings, text: str) -> None:
    (tmp_path / "x.har").write_text(text)
    holdings = holdings_with()
    assert Import(holdings, tmp_path / "x.har").captures == 0


def test_header_fields_cannot_smuggle_others(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    headers = [
        {"name": "X-A", "value": "1\r\nSet-Cookie: evil=1\r\n\r\n<p>body"},
        {"name": "X-B: x\r\nX-C", "value": "1"},
        {"name": "Link", "value": "one\ntwo"},
    ]
    holdings = holdings_with()
    Import(
        holdings,
        har(tmp_path / "x.har", entry("http://example.org/", "<p>", response={"headers": headers, "statusText": "OK\r\nX: y"})),
    )
    record = record_of(holdings, "http://example.org/")
    assert record.http is not None
    assert record.http.status == 200
    assert record.http.get("Set-Cookie") is None and record.http.get("X-C") is None and record.http.get("X") is None
    assert record.http.get_all("Link") == ["one", "two"]
    record.close()


def test_compressed_and_marked_files(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = har(tmp_path / "x.har", entry("http://example.org/"))
    data = path.read_bytes()
    holdings = holdings_with()
    (tmp_path / "y.har.gz").write_bytes(gzip.compress(data))
    assert Import(holdings, tmp_path / "y.har.gz").captures == 1
    (tmp_path / "z.txt").write_bytes(b"\xef\xbb\xbf\n" + data)
    assert Import(holdings, tmp_path / "z.txt").captures == 1


def test_a_large_har_is_read_in_little_memory(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    import tracemalloc

    holdings = holdings_with()
    body = "x" * 200_000
    path = har(tmp_path / "x.har", *(entry(f"http://example.org/{number}", body) for number in range(60)))
    tracemalloc.start()
    assert Import(holdings, path).captures == 60
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 12_000_000
    assert peak < 5_000_000


def test_an_entry_that_is_too_large_for_memory_is_named(
    tmp_path: Path, holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.imports.har.MOST_ENTRY_BYTES", 1_000_000)
    path = har(tmp_path / "x.har", *(entry(f"http://example.org/{size}", "x" * size) for size in (10, 500_000, 3_000_000, 20)))
    done = Import(holdings_with(), path)
    assert done.captures == 2
    assert any("more than 1,000,000 bytes" in reason for reason in done.reasons)


def test_a_har_that_is_nested_without_end_takes_no_memory(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = har(tmp_path / "x.har", entry("http://example.org/", "x"))
    text = path.read_text().rstrip()
    assert text.endswith("]}}")
    path.write_text(f"{text[:-3]}, {'[' * 3000}{']' * 3000}]}}}}")  # names of places would be 20 MB long, all together
    tracemalloc.start()
    done = Import(holdings_with(), path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert done.captures == 1 and most < 20_000_000
    assert any("nested deeper" in reason for reason in done.reasons)
