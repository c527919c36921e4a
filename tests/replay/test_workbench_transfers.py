"""Import and export: files that are sent and taken in, collections that are given out; by form and by API."""

from __future__ import annotations

import json
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from archiver.accounts import Role
from archiver.engine import StopSignal
from archiver.export.forms import ExportForm
from archiver.holdings import Holdings, utc_now
from archiver.incoming import Incoming
from archiver.jobs import Job, JobRegistry, JobState
from archiver.keeping import work_off
from archiver.urls import urlkey
from replay.workbench.app import create_workbench
from tests.apichecks import ApiClient
from tests.conftest import OpenHoldings
from tests.servers.warcs import response_record
from tests.workbench import HOME, PORT, QUICK, form_token, logged_in

URL = "http://site.example/"
WARC = response_record(URL, utc_now(), b"<title>Here</title>" + b"x" * 700_000)


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with(workbench_port=PORT)


@pytest.fixture
def app(holdings: Holdings) -> Flask:
    return create_workbench(holdings.settings, holdings, hasher=QUICK)


@pytest.fixture
def client(app: Flask, holdings: Holdings) -> FlaskClient:
    return logged_in(app, holdings, Role.ARCHIVIST)


def send(client: FlaskClient, path: str, **form: Any) -> TestResponse:
    data = {"csrf_token": form_token(client), "collection": "default", **form}
    return client.post(path, data=data, base_url=HOME, headers={"Origin": HOME})


def done(holdings: Holdings, number: int = 1) -> Job:
    work_off(holdings, StopSignal())
    return JobRegistry(holdings.engine, utc_now).get(number)


def waiting(holdings: Holdings) -> Incoming:
    return Incoming(holdings.settings.archive, utc_now, str)


def held(holdings: Holdings, url: str = URL) -> int:
    return len(list(holdings.index.versions(("default",), urlkey(url))))


def test_files_are_sent_and_taken_in(holdings: Holdings, client: FlaskClient) -> None:
    files = [(BytesIO(WARC), "../one.warc.gz"), (BytesIO(b"nothing that is known"), "two.bin")]
    answer = send(client, "/transfers/import", file=files)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs/1")
    assert sorted(item.name for item in waiting(holdings).all()) == ["one.warc.gz", "two.bin"]
    job = done(holdings)
    assert job.state is JobState.DONE and job.result["captures"] == 1
    told = {item["file"]: item for item in job.result["files"]}
    assert told["one.warc.gz"]["captures"] == 1 and "no web archive" in told["two.bin"]["refused"]
    assert held(holdings) == 1
    assert [item.name for item in waiting(holdings).all()] == job.result["left_out"] == ["two.bin"]
    entry = next(holdings.audit.entries(newest_first=True))
    assert entry.action == "import" and entry.actor == "archivist" and "one.warc.gz" in str(entry.detail)
    page = client.get("/transfers", base_url=HOME).get_data(as_text=True)
    assert "/jobs/1" in page and ">import" in page


def test_an_import_of_which_nothing_can_be_read_fails_and_leaves_nothing_in_the_store(
    holdings: Holdings, client: FlaskClient
) -> None:
    cut = WARC[:300]
    files = [(BytesIO(cut), "cut.warc.gz"), (BytesIO(b'{"log": {'), "cut.har"), (BytesIO(b"PK\x03\x04" + cut), "cut.wacz")]
    for number, (stream, name) in enumerate(files, start=1):
        send(client, "/transfers/import", file=(stream, name))
        job = done(holdings, number)
        assert job.state is JobState.FAILED and job.message.startswith(f"Nothing was taken in. {name}: "), job.message
        assert "whole copy" in job.message or "damaged" in job.message, job.message
        assert "can be discarded" in job.message and job.result["captures"] == 0
    assert list(holdings.store.names()) == []
    page = client.get("/jobs/1", base_url=HOME).get_data(as_text=True)
    assert "failed" in page and "Nothing of it can be read" in page
    page = client.get("/transfers", base_url=HOME).get_data(as_text=True)
    assert all(f"Discard {name}" in page for _, name in files)


def test_what_names_other_files_is_not_taken_from_somebody_far_away(
    holdings: Holdings, client: FlaskClient, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.warc.gz"
    secret.write_bytes(WARC)
    lines = (
        f'example,site)/ 20200101000000 {{"url": "{URL}", "filename": "{secret}", "offset": "0", "length": "{len(WARC)}"}}\n'
    )
    package = {"profile": "multi-wacz-package", "resources": [{"name": "a", "path": str(secret)}]}
    files = [(BytesIO(lines.encode()), "index.cdxj"), (BytesIO(json.dumps(package).encode()), "many.json")]
    send(client, "/transfers/import", file=files)
    job = done(holdings)
    assert [bool(item["refused"]) for item in job.result["files"]] == [True, True]
    assert held(holdings) == 0


def test_what_cannot_be_taken_in_is_said_and_not_kept(holdings: Holdings, client: FlaskClient) -> None:
    for form, said in (
        ({}, "No file was chosen"),
        ({"file": (BytesIO(b""), "empty.warc")}, "nothing in this file"),
        ({"file": (BytesIO(WARC), "a.warc"), "collection": "nowhere"}, "nowhere"),
        ({"waiting": "0" * 32}, "not there any more"),
    ):
        answer = send(client, "/transfers/import", **form)
        assert answer.status_code == 400 and said in answer.get_data(as_text=True), form
    assert send(client, "/transfers/import", sources="/etc").status_code == 403
    assert waiting(holdings).all() == []
    assert JobRegistry(holdings.engine, utc_now).list() == []


def test_files_of_the_machine_are_for_administrators(app: Flask, holdings: Holdings, tmp_path: Path) -> None:
    path = tmp_path / "there.warc.gz"
    path.write_bytes(WARC)
    admin = logged_in(app, holdings)
    assert "From this machine" in admin.get("/transfers", base_url=HOME).get_data(as_text=True)
    answer = send(admin, "/transfers/import", sources=f"\n {path} \n/nowhere/at-all")
    assert answer.status_code == 400 and "/nowhere/at-all" in answer.get_data(as_text=True)
    assert send(admin, "/transfers/import", sources="/" + "long" * 2000).status_code == 400
    assert send(admin, "/transfers/import", sources=str(path), in_place="1").status_code == 303
    assert done(holdings).result["captures"] == 1
    assert next(iter(holdings.index.versions(("default",), urlkey(URL)))).file == str(path)


def test_nobody_fills_the_disk_who_may_not_send_files(
    app: Flask, holdings: Holdings, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = logged_in(app, holdings, Role.VIEWER)
    kind = "multipart/form-data; boundary=b"
    refused = viewer.post(
        "/transfers/import", data=b"x" * 5_000_000, content_type=kind, base_url=HOME, headers={"Origin": HOME}
    )
    assert refused.status_code == 413
    stranger = app.test_client().post("/transfers/import", data={"file": (BytesIO(b"x" * 100), "a")}, base_url=HOME)
    assert stranger.status_code in (302, 303, 400, 403)
    monkeypatch.setattr("archiver.incoming.Incoming.room", lambda self: 1000)
    answer = send(client, "/transfers/import", file=(BytesIO(b"x" * 2000), "a.warc"))
    assert answer.status_code == 503 and "no room on the disk" in answer.get_data(as_text=True)
    assert waiting(holdings).all() == []


def test_a_file_that_was_left_can_be_taken_in_or_discarded(holdings: Holdings, client: FlaskClient) -> None:
    incoming = Incoming(holdings.settings.archive, utc_now, iter(["a" * 32, "b" * 32]).__next__)
    kept, gone = (incoming.receive(name, BytesIO(WARC)) for name in ("kept.warc.gz", "<gone>.warc.gz"))
    page = client.get("/transfers", base_url=HOME).get_data(as_text=True)
    assert "kept.warc.gz" in page and "<gone>" not in page
    send(client, f"/transfers/waiting/{gone.token}/discard")
    assert send(client, "/transfers/import", waiting=kept.token).status_code == 303
    page = client.get("/transfers", base_url=HOME).get_data(as_text=True)
    assert "Sent, not imported" not in page and "kept.warc.gz" not in page  # a job has it
    assert send(client, f"/transfers/waiting/{kept.token}/discard").status_code == 409
    assert done(holdings).result["captures"] == 1 and incoming.all() == []


def test_a_part_of_a_collection_is_given_out(app: Flask, holdings: Holdings, client: FlaskClient) -> None:
    other = response_record("http://other.example/", utc_now(), b"x")
    send(client, "/transfers/import", file=(BytesIO(WARC + other), "a.warc.gz"))
    done(holdings)
    answer = send(
        client, "/transfers/export", form="cdxj", url_prefix="http://other.example/", since="2016-08", until="2999-01-31"
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs/2")
    assert done(holdings, 2).result["captures"] == 1
    file = client.get("/jobs/2/file", base_url=HOME)
    assert b"other.example" in file.data and b"site.example" not in file.data
    file.close()
    api = ApiClient(app, holdings, Role.ARCHIVIST)
    told = api("GET", "/jobs/2").get_json()["result"]
    whole = api("GET", "/jobs/2/file")
    assert whole.mimetype == "text/x-cdxj" and whole.data == file.data and sha256(whole.data).hexdigest() == told["sha256"]
    assert whole.headers["Content-Disposition"] == "attachment; filename*=UTF-8''default.cdxj"
    part = api("GET", "/jobs/2/file", Range="bytes=3-9")
    assert (part.status_code, part.data) == (206, whole.data[3:10])
    assert part.headers["Content-Range"] == f"bytes 3-9/{told['bytes']}"
    assert api("GET", "/jobs/2/file", Range="bytes=99999-").status_code == 416
    assert api("GET", "/jobs/2/file", If_None_Match=whole.headers["ETag"]).status_code == 304
    keys = {"Authorization": f"Bearer {api.secret}", "Range": "bytes=0-1"}
    head = app.test_client().head("/api/v1/jobs/2/file", base_url=HOME, headers=keys)
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", str(told["bytes"]))
    assert head.mimetype == whole.mimetype and head.headers["ETag"] == whole.headers["ETag"]
    assert ApiClient(app, holdings, Role.VIEWER)("GET", "/jobs/2/file").status_code == 403
    assert api("GET", "/jobs/1/file").status_code == api("GET", "/jobs/9/file").status_code == 404
    assert "Exports" in client.get("/storage", base_url=HOME).get_data(as_text=True)
    assert "Remove the file" in client.get("/jobs/2", base_url=HOME).get_data(as_text=True)
    assert send(client, "/jobs/2/file/remove").status_code == 303
    assert client.get("/jobs/2/file", base_url=HOME).status_code == 404
    assert "Remove the file" not in client.get("/jobs/2", base_url=HOME).get_data(as_text=True)
    assert send(client, "/jobs/2/file/remove").status_code == 404
    holdings.collections.create("other")
    whole = {"form": "wacz", "url_prefix": ""}
    asked = [send(client, "/transfers/export", collection=slug, **whole) for slug in ("default", "other", "default")]
    assert [answer.headers["Location"] for answer in asked] == ["/jobs/3", "/jobs/4", "/jobs/3"]  # of each collection its own
    page = client.get("/transfers", base_url=HOME).get_data(as_text=True)
    for form in ExportForm:
        assert f'<option value="{form.value}"' in page
    for form, said in (
        ({"form": "exe"}, "no form of an export"),
        ({"form": "json", "since": "2020"}, "as a whole"),
        ({"form": "warc", "crawl": "x"}, "by its number"),
        ({"form": "warc", "at": "2020"}, "that of a page"),
        ({"form": "warc", "since": "tomorrow"}, "tomorrow"),
        ({"form": "warc", "collection": "nowhere"}, "nowhere"),
    ):
        answer = send(client, "/transfers/export", **form)
        assert answer.status_code == 400 and said in answer.get_data(as_text=True), form


def test_what_a_package_holds_is_counted_once(holdings: Holdings, client: FlaskClient) -> None:
    package = BytesIO()
    with ZipFile(package, "w") as zipped:
        zipped.writestr("archive/one.warc.gz", WARC)
    send(client, "/transfers/import", file=[(BytesIO(package.getvalue()), "kept.wacz")])
    job = done(holdings)
    assert len(job.result["files"]) == 2 and job.result["captures"] == held(holdings) == 1
    assert '"captures": 1' in next(entry.detail for entry in holdings.audit.entries() if entry.action == "import")


def test_programs_send_files_too(app: Flask, holdings: Holdings) -> None:
    api = ApiClient(app, holdings, Role.ARCHIVIST)
    kind = "application/octet-stream"
    sent = api.raw("POST", "/uploads?name=big.warc.gz", WARC * 12, kind)
    assert sent.status_code == 201 and sent.get_json()["bytes"] == len(WARC) * 12
    token = sent.get_json()["token"]
    assert api("GET", "/uploads").get_json()["items"] == [sent.get_json()] == [api("GET", f"/uploads/{token}").get_json()]
    assert api.raw("POST", "/uploads?name=x", b"", kind).status_code == 400
    assert api.raw("POST", "/uploads?name=x", WARC).status_code == 415
    assert api.raw("POST", "/uploads", WARC, kind).status_code == 422
    other = api.raw("POST", "/uploads?name=x", b"x", kind).get_json()["token"]
    assert api("DELETE", f"/uploads/{other}").status_code == 204
    assert api("DELETE", f"/uploads/{other}").status_code == 404
    assert api("POST", "/jobs/imports", {"collection": "default"}).status_code == 422
    assert api("POST", "/jobs/imports", {"collection": "default", "uploads": [other]}).status_code == 404
    assert api("POST", "/jobs/imports", {"collection": "default", "sources": ["/etc"]}).status_code == 403
    made = api("POST", "/jobs/imports", {"collection": "default", "uploads": [token]})
    assert made.status_code == 201
    assert done(holdings).result["captures"] == 12
    answer = app.test_client().post(
        "/transfers/import", data={"file": (BytesIO(WARC), "a.warc.gz"), "collection": "default"}, base_url=HOME,
        headers={"Authorization": f"Bearer {api.secret}", "Accept": "application/json"},
    )  # fmt: skip
    assert (answer.status_code, answer.get_json()) == (202, {"job": 2})
