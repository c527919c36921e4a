"""The nets on the server's side: what hit the wall is counted, strays are sent home, no page installs a worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from replay.strays import meant
from replay.wall import WallReports, hits
from tests.servers.warcs import response_record

Reader = Callable[..., FlaskClient]

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"
HERE = f"http://reader.example/unesco/{STAMP}/http://e.org/dir/page?secret=1"
OLD = {"csp-report": {"document-uri": HERE, "violated-directive": "img-src 'self'", "blocked-uri": "http://out.example/x?y=1"}}
NEW = [
    {"type": "csp-violation", "body": {"documentURL": HERE, "effectiveDirective": "script-src-elem", "blockedURL": "inline"}},
    {"type": "deprecation", "body": {}},
    {"type": "csp-violation", "body": {"documentURL": "http://x/", "effectiveDirective": "connect-src", "blockedURL": "wss://h:9/a"}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (OLD, [("img-src", "http://out.example", "http://e.org/dir/page")]),
        (NEW, [("script-src-elem", "inline", "http://e.org/dir/page"), ("connect-src", "wss://h:9", "")]),
        ({}, []),
        ([], []),
        (None, []),
        ("x", []),
        ([1, None, {"type": "csp-violation"}, {"type": "csp-violation", "body": 3}], []),
        ({"csp-report": {"violated-directive": 5}}, []),
        ({"csp-report": {"violated-directive": "<script>"}}, []),
        ({"csp-report": {"violated-directive": "img-src", "blocked-uri": "http://[bad"}}, [("img-src", "other", "")]),
        ({"csp-report": {"violated-directive": "img-src", "blocked-uri": "http://a:99999999/"}}, [("img-src", "other", "")]),
        ({"csp-report": {"violated-directive": "img-src", "blocked-uri": "data:text/html,x"}}, [("img-src", "data", "")]),
    ],
)
def test_reports_of_either_form_say_what_was_stopped(message: object, found: list[tuple[str, str, str]]) -> None:
    assert [(hit["directive"], hit["blocked"], hit["page"]) for hit in hits(message)] == found


def test_a_flood_in_one_message_is_cut() -> None:
    assert len(list(hits(NEW[:1] * 10_000))) == 20


def test_what_hit_the_wall_is_counted(reader: Reader) -> None:
    client = reader(response_record("http://e.org/", MOMENT, b"<p>x"))
    for _ in range(3):
        assert client.post("/-/reports", data=json.dumps(OLD), content_type="application/csp-report").status_code == 204
    client.post("/-/reports", data=json.dumps(NEW), content_type="application/reports+json")
    for garbage in (b"", b"{", b"[" * 50_000, b"\xff" * 100, b"x" * 1_000_000, json.dumps(OLD).encode() + b" " * 100_000):
        assert client.post("/-/reports", data=garbage).status_code == 204
    shown: Any = client.get("/-/reports").json
    assert shown["total"] == 5
    assert shown["hits"][0] == {
        "directive": "img-src",
        "blocked": "http://out.example",
        "page": "http://e.org/dir/page",
        "count": 3,
    }
    assert "secret" not in json.dumps(shown)
    page = client.get(f"/unesco/{STAMP}/http://e.org/")
    assert "report-uri /-/reports" in page.headers["Content-Security-Policy"]
    assert page.headers["Reporting-Endpoints"] == 'wall="/-/reports"'


def test_the_count_is_bounded_and_survives_what_is_torn(tmp_path: Path) -> None:
    reports = WallReports(tmp_path, lambda: MOMENT)
    for _ in range(2000):
        reports.count(hits(NEW[:1] * 20))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2.1 * 1024 * 1024
    (tmp_path / "wall.jsonl").write_bytes(b'{"day": "2016\xff\n[]\n3\n{}\n')
    assert reports.summary()["total"]


@pytest.mark.parametrize("how", [{"Service-Worker": "script"}, {"Sec-Fetch-Dest": "serviceworker"}])
@pytest.mark.parametrize("modifier", ["", "js_", "sw_", "id_"])
def test_no_archived_page_installs_a_service_worker(reader: Reader, how: dict[str, str], modifier: str) -> None:
    script = response_record("http://e.org/sw.js", MOMENT, b"self", headers="Content-Type: text/javascript\r\n")
    answer = reader(script).get(f"/unesco/{STAMP}{modifier}/http://e.org/sw.js", headers=how)
    assert answer.status_code == 403
    assert "Service-Worker-Allowed" not in answer.headers


PAGE = f"http://localhost/unesco/{STAMP}/http://e.org/dir/page?a=1"


@pytest.mark.parametrize(
    ("path", "destination", "home"),
    [
        ("/style.css", "style", f"/unesco/{STAMP}cs_/http://e.org/style.css"),
        ("/a/b.js?x=1&y=%20", "script", f"/unesco/{STAMP}js_/http://e.org/a/b.js?x=1&y=%20"),
        ("/api", "empty", f"/unesco/{STAMP}da_/http://e.org/api"),
        ("/uploads/2016/08/a.jpg", "image", f"/unesco/{STAMP}im_/http://e.org/uploads/2016/08/a.jpg"),
        ("/next", "document", f"/unesco/{STAMP}/http://e.org/next"),
        ("/next/", "iframe", f"/unesco/{STAMP}if_/http://e.org/next/"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_strays_are_sent_home(reader: Reader, method: str, path: str, destination: str, home: str) -> None:
    client = reader(response_record("http://e.org/", MOMENT, b"<p>x"))
    answer = client.open(path, method=method, headers={"Referer": PAGE, "Sec-Fetch-Dest": destination})
    assert (answer.status_code, answer.headers.get("Location")) == (307, home)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "referrer",
    [
        "", "http://elsewhere.example/unesco/2016/http://e.org/", "http://localhost/", "http://localhost/unesco/",
        "http://localhost/unesco/*/http://e.org/", "http://localhost/-/health", "http://[bad", "javascript:x",
        "http://localhost/unesco/2016/mailto:x",
    ],
)  # fmt: skip
def test_others_are_lost_as_before(reader: Reader, referrer: str) -> None:
    client = reader(response_record("http://e.org/", MOMENT, b"<p>x"))
    assert client.get("/style.css", headers={"Referer": referrer}).status_code == 404
    assert meant("/x", referrer, "localhost", "") is None


def test_nothing_goes_round_in_circles(reader: Reader) -> None:
    client = reader(response_record("http://e.org/", MOMENT, b"<p>x"))
    loop = f"http://localhost/nowhere/{STAMP}/http://e.org/x"
    answer = client.get("/x", headers={"Referer": loop})
    for _ in range(5):
        if answer.status_code != 307:
            break
        answer = client.get(answer.headers["Location"], headers={"Referer": loop})
    assert answer.status_code == 404
