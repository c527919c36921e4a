"""Header fields of archived responses: an allow-list, each line of it a case."""

from __future__ import annotations

import pytest

from archiver.message import parse_head
from replay.rewrite.context import RewriteContext
from replay.rewrite.headers import MAX_RENAMED_BYTES, ORIGINAL, rewrite_headers

CONTEXT = RewriteContext("/c/", "20160810204623", "http://site.example/dir/page", "")
AT = "/c/20160810204623"
SITE = "http://site.example"


def sent(*lines: bytes | str, **options: object) -> list[tuple[str, str]]:
    raw = b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in ("HTTP/1.1 200 OK", *lines, ""))
    return rewrite_headers(CONTEXT, parse_head(raw), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    [
        "Content-Type: text/html; charset=utf-8",
        "Content-Language: fr",
        'Content-Disposition: attachment; filename="a.pdf"',
        "Allow: GET, HEAD",
    ],
)
def test_what_describes_the_page_is_sent_as_it_was(line: str) -> None:
    name, _, value = line.partition(": ")
    assert sent(line) == [(name, value)]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("Location: /new?a=1#f", f"{AT}/{SITE}/new?a=1#f"),
        ("Location: other", f"{AT}/{SITE}/dir/other"),
        ("Location: //other.example", f"{AT}/http://other.example/"),
        ("Content-Location: x.fr", f"{AT}/{SITE}/dir/x.fr"),
        ("Refresh: 3; url=/next", f"3; url={AT}/{SITE}/next"),
        ("Refresh: 5", "5"),
        ("Link: <a.css>; rel=preload; as=style", f'<{AT}cs_/{SITE}/dir/a.css>; rel="preload"; as="style"'),
        ("Link: <n>; rel=next, <m>; rel=preconnect", f'<{AT}/{SITE}/dir/n>; rel="next"'),
        ("Link: <s.css>; rel=stylesheet; integrity=x; crossorigin; nonce=y", f'<{AT}cs_/{SITE}/dir/s.css>; rel="stylesheet"'),
    ],
)
def test_urls_lead_into_the_archive(line: str, value: str) -> None:
    assert sent(line) == [(line.partition(":")[0], value)]


@pytest.mark.parametrize(
    "line",
    [
        "Set-Cookie: a=b",
        "Strict-Transport-Security: max-age=1",
        "Content-Security-Policy: default-src 'none'",
        "Content-Security-Policy-Report-Only: default-src 'none'; report-uri http://out.example/",
        "X-Frame-Options: DENY",
        "X-XSS-Protection: 1; report=http://out.example/",
        "Public-Key-Pins: x",
        "Expect-CT: report-uri=http://out.example/",
        "Report-To: {}",
        "Reporting-Endpoints: a=http://out.example/",
        "NEL: {}",
        "Alt-Svc: h3=:443",
        "Clear-Site-Data: *",
        "Access-Control-Allow-Origin: http://out.example",
        "Cross-Origin-Resource-Policy: same-site",
        "Permissions-Policy: camera=()",
        "Service-Worker-Allowed: /",
        "SourceMap: http://out.example/x.map",
        "Origin-Agent-Cluster: ?1",
        "Speculation-Rules: \"/rules.json\"",
        "Cache-Control: no-store",
        "Expires: 0",
        "Pragma: no-cache",
        "ETag: \"x\"",
        "Last-Modified: Wed, 10 Aug 2016 20:46:23 GMT",
        "Age: 5",
        "Vary: Cookie",
        "Date: Wed, 10 Aug 2016 20:46:23 GMT",
        "Server: x",
        "Content-Length: 5",
        "Content-Encoding: gzip",
        "Content-MD5: x",
        "Digest: sha-256=x",
        "Accept-Ranges: bytes",
        "WWW-Authenticate: Basic",
        "Memento-Datetime: Wed, 10 Aug 2016 20:46:23 GMT",
        "X-Anything: at all",
        "P3P: policyref=x",
        "Upgrade-Insecure-Requests: 1",
        "Via: 1.1 x",
        "Warning: 199 x",
        "Status: 200",
        "Retry-After: 5",
        "Tk: N",
        "Proxy-Authenticate: Basic",
        "Referrer-Policy: unsafe-url",
        "Access-Control-Allow-Credentials: true",
        "Access-Control-Expose-Headers: *",
        "Cross-Origin-Opener-Policy: same-origin",
        "Cross-Origin-Embedder-Policy: require-corp",
        "Document-Policy: x",
        "Feature-Policy: x",
        "Accept-CH: DPR",
        "Critical-CH: DPR",
        "X-Content-Type-Options: nosniff",
        "X-SourceMap: http://out.example/x.map",
        "X-DNS-Prefetch-Control: on",
        "Timing-Allow-Origin: *",
        "Supports-Loading-Mode: fenced-frame",
        "Set-Login: logged-in",
        "Activate-Storage-Access: load",
        "Integrity-Policy: blocked-destinations=(script)",
        "No-Vary-Search: params",
        "Use-As-Dictionary: match=*",
        "Attribution-Reporting-Register-Source: x",
        "Location: javascript:alert(1)",
        "Location: ",
        "Refresh: 0; url=javascript:x",
    ],
)  # fmt: skip
def test_everything_else_keeps_its_value_under_another_name(line: str) -> None:
    name, _, value = line.partition(": ")
    assert sent(line) == [(f"{ORIGINAL}{name}", value)]


@pytest.mark.parametrize(
    "lines",
    [
        ("Connection: keep-alive", "Keep-Alive: 5"),
        ("Transfer-Encoding: chunked",),
        ("Trailer: x",),
        ("Upgrade: h2c",),
        ("Proxy-Connection: close",),
        ("Connection: X-Only-Here", "X-Only-Here: 1"),
    ],
)
def test_what_belongs_to_the_connection_is_gone(lines: tuple[str, ...]) -> None:
    assert sent(*lines) == []


def test_links_of_another_archive_are_not_ours() -> None:
    line = '<http://x.example/>; rel="original", <http://x.example/tm>; rel=timemap, <y>; rel="first memento"'
    assert [name for name, _ in sent(f"Link: {line}")] == [f"{ORIGINAL}Link"]


def test_of_two_that_may_stand_once_the_second_is_renamed() -> None:
    assert sent("Content-Disposition: inline", "content-disposition: attachment") == [
        ("Content-Disposition", "inline"), (f"{ORIGINAL}content-disposition", "attachment"),
    ]  # fmt: skip
    assert [name for name, _ in sent("Set-Cookie: a", "Set-Cookie: b")] == [f"{ORIGINAL}Set-Cookie"] * 2


@pytest.mark.parametrize(
    ("lines", "type_"),
    [
        (["Content-Type: text/html", "content-type: text/plain"], "text/plain"),
        (["Content-Type: image/png (a picture)"], "image/png"),
        (["Content-Type: text/css charset=x"], "text/css"),
        (["Content-Type: text/html; charset=a, text/html"], "text/html; charset=a"),
    ],
)
def test_a_loose_content_type_is_sent_clean(lines: list[str], type_: str) -> None:
    out = sent(*lines)
    assert out[0] == ("Content-Type", type_)
    assert [name.lower() for name, _ in out[1:]] == [f"{ORIGINAL}Content-Type".lower()] * len(lines)


def test_a_part_is_said_to_be_one_only_when_it_is_sent_as_one() -> None:
    line = "Content-Range: bytes 0-4/10"
    assert sent(line, is_whole=False) == [("Content-Range", "bytes 0-4/10")]
    assert sent(line) == [(f"{ORIGINAL}Content-Range", "bytes 0-4/10")]


def test_a_type_that_was_decided_takes_the_place_of_the_archived_one() -> None:
    assert sent("Content-Type: text/html", content_type="text/html; charset=koi8-r") == [
        ("Content-Type", "text/html; charset=koi8-r"), (f"{ORIGINAL}Content-Type", "text/html"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        b"X-A: a\x00b\x7f\x1bc",
        b"Content-Type: text/html\x0b;x",
        b"Location: /a\x00b\tc",
        b"Link: <a\x01b>; rel=next",
        b"X: \xff\xe9",
    ],
)
def test_no_value_can_end_its_field(line: bytes) -> None:
    for name, value in sent(line):
        assert not any((ord(letter) < 32 and letter != "\t") or letter == "\x7f" for letter in name + value)
        value.encode("latin-1")  # as WSGI wants it


@pytest.mark.parametrize("line", [b"Bad Name: x", b": x", b"\xff: x", b"a(b): x", b"no colon"])
def test_fields_that_http_forbids_are_left_out(line: bytes) -> None:
    assert sent(line) == []


def test_a_thousand_fields_do_not_break_the_browser() -> None:
    out = sent(*(f"X-{number}: {'v' * 500}" for number in range(1000)), "Content-Type: text/html")
    assert sum(len(name) + len(value) for name, value in out) < MAX_RENAMED_BYTES + 100
    assert out[-1] == ("Content-Type", "text/html")
