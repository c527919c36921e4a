"""What was written reaches object storage, whatever happens on the way, and nothing that is there is overwritten."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Event
from typing import BinaryIO
from uuid import uuid4

import pytest
from click.testing import CliRunner

from archiver.deletion import Selection, rule_for, suppress
from archiver.engine import PageCapturer
from archiver.errors import Conflict, StorageFailed
from archiver.holdings import Holdings, open_holdings
from archiver.purging import purge
from archiver.settings import load_settings
from archiver.store import sums
from archiver.store.anyfs import FsspecFolder
from archiver.store.folder import FolderStore
from archiver.store.objects import ObjectStore
from archiver.store.s3 import S3Bucket
from archiver.store.uploads import Outcome, Uploader, back_off, send
from archiver.urls import urlkey
from archiver.warc.importer import import_file
from archiver.warc.reader import read_record
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, RouteServer
from tests.servers.warcs import response_record
from tests.servers.weed import READER, ObjectServer

NAME = "a-1.warc.gz"
DATA = Random(2).randbytes(100_000)


@pytest.fixture
def prefix() -> str:
    return f"uploads/{uuid4()}"


def held(s3: ObjectServer, prefix: str) -> dict[str, int]:
    return {key.removeprefix(f"{prefix}/"): size for key, size in s3.objects("archive").items() if key.startswith(prefix)}


def written(store: ObjectStore | FolderStore, data: bytes = DATA, name: str = NAME) -> None:
    with store.create(name) as file:
        file.write(data)
        store.finish(name)


class Flaky(FsspecFolder):
    """Storage that fails as often as it is told, and can be held up."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__(f"memory://{uuid4()}")
        self.failures = failures
        self.tries: list[str] = []
        self.may_go_on = Event()
        self.may_go_on.set()

    def put(self, key: str, source: BinaryIO) -> None:
        self.tries.append(key)
        self.may_go_on.wait(20)
        if self.failures:
            self.failures -= 1
            raise StorageFailed("The object storage cannot be reached.")
        super().put(key, source)


# -- what arrives ----------------------------------------------------------------------------------------------------


def test_a_large_file_is_sent_in_parts_and_says_its_digest(
    s3: ObjectServer, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "PART", 5 * 1024 * 1024)
    data = Random(1).randbytes(12 * 1024 * 1024)
    left = s3.call("create_multipart_upload", Bucket="archive", Key=f"{prefix}/{NAME}")  # by a killed process
    store = ObjectStore(S3Bucket("archive", prefix), tmp_path / "spool")
    written(store, data)
    store.close()
    found = s3.call("head_object", Bucket="archive", Key=f"{prefix}/{NAME}")
    assert found["ETag"].endswith('-3"')
    assert found["Metadata"]["sha256"] == hashlib.sha256(data).hexdigest()
    uploads = s3.call("list_multipart_uploads", Bucket="archive", Prefix=prefix).get("Uploads", [])
    assert left["UploadId"] not in [upload["UploadId"] for upload in uploads]
    with store.open(NAME, 6_000_000) as file:
        assert file.read() == data[6_000_000:]
    path = tmp_path / "same"
    path.write_bytes(data)
    assert store.is_same(NAME, path)


def test_what_is_there_under_that_name_is_never_overwritten(s3: ObjectServer, prefix: str, tmp_path: Path) -> None:
    spool, remote = FolderStore(tmp_path / "spool"), S3Bucket("archive", prefix)
    s3.call("put_object", Bucket="archive", Key=f"{prefix}/{NAME}", Body=b"something else")
    written(spool)
    with pytest.raises(Conflict, match="neither is touched"):
        send(spool, remote, NAME)
    assert held(s3, prefix) == {NAME: 14}
    assert spool.size(NAME) == len(DATA)
    store = ObjectStore(remote, tmp_path / "spool")
    written(store, name="b.warc.gz")
    store.close()
    assert held(s3, prefix) == {NAME: 14, "b.warc.gz": len(DATA)}, "others are not held up"
    assert dict(store.waiting()).keys() == {NAME}
    written(FolderStore(tmp_path / "spool"), name="c.warc.gz")
    with pytest.raises(Conflict):
        store.send_waiting()
    assert set(held(s3, prefix)) == {NAME, "b.warc.gz", "c.warc.gz"}


def test_what_another_program_sent_is_compared_by_its_bytes(s3: ObjectServer, prefix: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(DATA)
    upload = s3.call("create_multipart_upload", Bucket="archive", Key=f"{prefix}/{NAME}")["UploadId"]
    named = {"Bucket": "archive", "Key": f"{prefix}/{NAME}", "UploadId": upload}
    tag = s3.call("upload_part", **named, PartNumber=1, Body=DATA)["ETag"]
    s3.call("complete_multipart_upload", **named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    remote = S3Bucket("archive", prefix)
    assert "-1" in remote.stat(NAME).version
    with path.open("rb") as file:
        assert remote.holds(NAME, file)
    path.write_bytes(DATA[:-1] + b"?")
    with path.open("rb") as file:
        assert not remote.holds(NAME, file)


def test_two_processes_send_a_file_once(tmp_path: Path) -> None:
    remote = Flaky()
    spool = FolderStore(tmp_path)
    written(spool)
    with spool.open(NAME):
        pass
    remote.may_go_on.clear()
    one, other = Uploader(spool, remote), Uploader(FolderStore(tmp_path), remote)
    one.add(NAME)
    while not remote.tries:
        pass
    assert send(FolderStore(tmp_path), remote, NAME) is Outcome.BUSY
    remote.may_go_on.set()
    one.close()
    other.close()
    assert remote.tries == [NAME]
    assert send(spool, remote, NAME) is Outcome.GONE


def test_capture_does_not_wait_for_what_is_being_sent(tmp_path: Path) -> None:
    remote = Flaky()
    remote.may_go_on.clear()
    store = ObjectStore(remote, tmp_path)
    for number in range(3):
        written(store, b"x", f"{number}.warc.gz")
        with store.open(f"{number}.warc.gz") as file:
            assert file.read() == b"x"
    assert len(remote.tries) <= 1
    remote.may_go_on.set()
    store.close()
    assert sorted(remote.tries) == list(remote.keys()) == ["0.warc.gz", "1.warc.gz", "2.warc.gz"]


def test_failed_tries_are_further_and_further_apart(tmp_path: Path) -> None:
    assert [back_off(number) for number in (0, 1, 2, 3, 50)] == [0, 2, 4, 8, 300]
    now = [0.0]
    remote = Flaky(failures=3)
    spool = FolderStore(tmp_path)
    written(spool)
    uploader = Uploader(spool, remote, clock=lambda: now[0])
    now[0] = 10  # what others left is looked at
    waits = []
    while remote.failures:
        wait = uploader.work()
        assert wait is not None
        waits.append(wait)
        now[0] += wait - 0.1
        uploader.work()  # too early
        now[0] += 60  # and what others left is looked at every minute only
    assert len(remote.tries) == 3
    assert uploader.reason(NAME) == "The object storage cannot be reached."
    uploader.work()
    assert list(remote.keys()) == [NAME]
    assert uploader.reason(NAME) == ""
    assert not spool.exists(NAME)


@pytest.mark.parametrize("is_own", [True, False])
def test_a_file_that_fails_again_and_again_holds_no_other_up(tmp_path: Path, is_own: bool) -> None:
    class Picky(Flaky):
        def put(self, key: str, source: BinaryIO) -> None:
            self.failures = int(key.startswith("a"))
            super().put(key, source)

    now = [0.0]
    remote, spool = Picky(), FolderStore(tmp_path)
    uploader = Uploader(spool, remote, clock=lambda: now[0])
    for name in ("a.warc.gz", "b.warc.gz", "c.warc.gz"):
        written(spool, name=name)
        if is_own:
            uploader._own.append(name)
    for _ in range(10):
        now[0] += 400
        uploader.work()
    assert list(remote.keys()) == ["b.warc.gz", "c.warc.gz"]


def test_what_cannot_be_sent_stays_and_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    remote = Flaky(failures=100)
    store = ObjectStore(remote, tmp_path)
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            written(store, name=f"{number}.warc.gz")
        store.close()
    said = [record.getMessage() for record in caplog.records]
    assert [message for message in said if "cannot be reached" in message] == said[:1]
    assert said[1:] == [f"3 WARC files are not in object storage yet; kept in {tmp_path}, and sent by the next start."]
    assert [name for name, _ in store.waiting()] == ["0.warc.gz", "1.warc.gz", "2.warc.gz"]
    remote.failures = 0
    for only_reads in (True, False):
        again = ObjectStore(remote, tmp_path)
        again.begin()
        if not only_reads:
            written(again, name="3.warc.gz")
        again.close()
        assert len(list(remote.keys())) == (0 if only_reads else 4)


# -- what goes wrong -------------------------------------------------------------------------------------------------


WRONG = {
    "no bucket": ({}, "no-such-bucket", "does not exist. Create it"),
    "unknown key": ({"AWS_ACCESS_KEY_ID": "unknown-key"}, "archive", "does not accept the keys"),
    "wrong secret": ({"AWS_SECRET_ACCESS_KEY": "wrong-secret"}, "archive", "does not accept the keys"),
    "may only read": ({"AWS_ACCESS_KEY_ID": READER}, "archive", "refuses this to the keys given"),
    "not there": ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "archive", "cannot be reached"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_one_sentence_and_names_nothing(
    s3: ObjectServer, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    changed, bucket, said = WRONG[what]
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    remote = S3Bucket(bucket, prefix)
    spool = FolderStore(tmp_path)
    written(spool)
    with pytest.raises(StorageFailed) as failed:
        send(spool, remote, NAME)
    text = str(failed.value)
    assert said in text
    for secret in (prefix, "no-such-bucket", "unknown-key", "secret", READER, "127.0.0.1"):
        assert secret not in text
    assert spool.size(NAME) == len(DATA)


# -- killed ----------------------------------------------------------------------------------------------------------

CHILD = """
import os, signal, sys
from archiver.deletion import Selection, rule_for, suppress
from archiver.engine import PageCapturer
from archiver.deletion import Selection, rule_for, suppress
from archiver.engine import PageCapturer
from archiver.holdings import Holdings, open_holdings
from archiver.purging import purge
from archiver.settings import load_settings
from archiver.store import sums
from archiver.store.s3 import S3Bucket
from archiver.warc.writer import WarcWriter

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

moment, url = sys.argv[1:]
sums.PART = 5 * 1024 * 1024
if moment == "writing":
    finish = WarcWriter._finish
    WarcWriter._finish = lambda self: die() if self._tail and self._tail.position > 1000 else finish(self)
elif moment == "sending":
    call = S3Bucket._call
    S3Bucket._call = lambda self, what, **given: die() if what.startswith("complete") else call(self, what, **given)
elif moment == "arrived":
    put = S3Bucket.put
    S3Bucket.put = lambda self, key, source: die(put(self, key, source))
with open_holdings(load_settings(environ=os.environ)) as holdings:
    with PageCapturer(holdings, "default", software="test/1") as capturer:
        capturer.capture(url)
"""


@pytest.mark.parametrize("moment", ["writing", "sending", "arrived"])
def test_nothing_is_lost_by_a_kill(
    s3: ObjectServer, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setattr(sums, "PART", 5 * 1024 * 1024)
    home, big = tmp_path / "home", Random(3).randbytes(11 * 1024 * 1024)
    environ = {
        "MUNIMENT_ARCHIVE": str(home),
        "MUNIMENT_STORE": f"s3://archive/{prefix}",
        "MUNIMENT_S3_ENDPOINT": s3.endpoint,
        "MUNIMENT_ALLOW_PRIVATE": "1",
    }
    routes = {"/": Answer(b"<img src=big.png>"), "/big.png": Answer(big, "image/png"), "/next": Answer(b"next")}
    with RouteServer(routes) as server:
        killed = subprocess.run(
            [sys.executable, "-c", CHILD, moment, server.url("/")],
            env={**os.environ, **environ},
            timeout=60,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        spool = home / "spool"
        (left,) = spool.iterdir()
        assert (left.suffix == ".open") == (moment == "writing")
        assert bool(held(s3, prefix)) == (moment == "arrived")
        with open_holdings(load_settings(environ=environ)) as holdings:
            assert len(holdings.repaired) == (moment == "writing")
            check_records(holdings, server.url("/big.png"), big)
            with PageCapturer(holdings, "default", software="test/1") as capturer:
                capturer.capture(server.url("/next"))
        assert list(spool.iterdir()) == []
        assert left.name.removesuffix(".open") in held(s3, prefix)
        assert len(held(s3, prefix)) == 2
        assert not s3.call("list_multipart_uploads", Bucket="archive", Prefix=prefix).get("Uploads")
        with open_holdings(
            load_settings(
                {"archive": tmp_path / "other", "database": f"sqlite:///{home}/muniment.db"},
                environ={name: value for name, value in environ.items() if name != "MUNIMENT_ARCHIVE"},
            )
        ) as holdings:
            check_records(holdings, server.url("/big.png"), big)
            check_records(holdings, server.url("/next"), b"next")


def check_records(holdings: Holdings, url: str, body: bytes) -> None:
    capture = holdings.index.newest(("default",), urlkey(url))
    assert capture is not None
    record = read_record(holdings.store, capture.file, capture.offset, capture.length)
    assert b"".join(record.payload()) == body
    record.close()


# -- by hand ---------------------------------------------------------------------------------------------------------


def storage_command(home: Path, *arguments: str) -> tuple[int, str]:
    from archiver.cli.storage import storage

    result = CliRunner().invoke(storage, [*arguments, "--archive", str(home)], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value), result.output


def test_what_waits_is_shown_and_can_be_sent(
    s3: ObjectServer, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_STORE", f"s3://archive/{prefix}")
    written(FolderStore(tmp_path / "spool"))
    status, said = storage_command(tmp_path, "status")
    assert status == 0
    assert said == f"WARC files are kept in s3://archive/{prefix}\n  1 file\n  not sent yet: {NAME}, 100.0 kB\n"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unknown")
    status, said = storage_command(tmp_path, "status", "--json")
    assert status == 1
    found = json.loads(said)
    assert "does not accept the keys" in found["trouble"]
    assert found["waiting"] == [{"file": NAME, "bytes": len(DATA)}]
    with pytest.raises(StorageFailed):
        storage_command(tmp_path, "send")
    monkeypatch.undo()
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MUNIMENT_STORE", f"s3://archive/{prefix}")
    assert storage_command(tmp_path, "send") == (0, "1 file sent.\n")
    assert storage_command(tmp_path, "send") == (0, "0 files sent.\n")
    assert held(s3, prefix) == {NAME: len(DATA)}
    assert storage_command(tmp_path, "status")[1].endswith("\n  1 file\n")
    monkeypatch.delenv("MUNIMENT_STORE")
    assert storage_command(tmp_path, "send") == (0, "0 files sent.\n")
    assert storage_command(tmp_path, "status")[1] == f"WARC files are kept in {tmp_path}/archive\n  0 files\n"


def test_what_is_purged_is_gone_from_object_storage(
    s3: ObjectServer, prefix: str, tmp_path: Path, holdings_with: OpenHoldings
) -> None:
    holdings = holdings_with(store=f"s3://archive/{prefix}")
    path = tmp_path / "a.warc.gz"
    secret, plain = b"what nobody may read", b"what everybody may read"
    moment = datetime(2016, 6, 1, tzinfo=UTC)
    path.write_bytes(response_record("http://e.org/a", moment, secret) + response_record("http://e.org/b", moment, plain))
    import_file(path, collection="default", store=holdings.store, index=holdings.index)
    holdings.store.arrive("a.warc.gz")
    rule = rule_for(holdings, Selection("default", url="http://e.org/a"), reason="asked")
    report = purge(holdings, suppress(holdings, rule, actor="keeper").number, actor="keeper")
    (new,) = report.files.values()
    assert list(held(s3, prefix)) == [new]
    data = gzip.decompress(s3.call("get_object", Bucket="archive", Key=f"{prefix}/{new}")["Body"].read())
    assert plain in data and secret not in data
    check_records(holdings, "http://e.org/b", plain)
    assert list((holdings.settings.archive / "spool").iterdir()) == []
