"""What `/-/health` says of the parts that the reader depends on, and what readers see when one is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from archiver.errors import StorageFailed
from archiver.holdings import Holdings
from archiver.store.objects import ObjectStore
from archiver.store.s3 import S3Bucket
from replay.app import create_reader
from replay.health import Health
from tests.servers.warcs import response_record
from tests.servers.weed import ObjectServer

NOW = datetime(2026, 2, 3, tzinfo=UTC)
Reader = Callable[..., FlaskClient]


def test_all_is_well(reader: Reader) -> None:
    answer = reader().get("/-/health")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ok", "database": "ok", "storage": "ok"}


def test_a_database_that_is_away(reader: Reader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    client = reader()
    holdings: Holdings = client.application.extensions["muniment.holdings"]

    def away() -> None:
        raise StorageFailed("The database cannot be used: no route to db.example.", "Look.")

    monkeypatch.setattr(holdings.collections, "all", away)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/-/health")
    assert answer.status_code == 503
    assert answer.get_json() == {"status": "failing", "database": "unreachable", "storage": "ok"}
    assert "db.example" in caplog.text


@pytest.mark.parametrize("bucket", ["archive", "no-such-bucket"])
def test_object_storage_that_is_away(
    holdings_with: Callable[..., Holdings], s3: ObjectServer, monkeypatch: pytest.MonkeyPatch, bucket: str
) -> None:
    holdings = holdings_with(store=f"s3://{bucket}/health")
    client = create_reader(holdings.settings, holdings).test_client()
    is_there = bucket == "archive"
    assert client.get("/-/health").status_code == (200 if is_there else 503)
    if is_there:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        client = create_reader(holdings.settings, holdings).test_client()
    answer = client.get("/-/health")
    assert answer.status_code == 503
    assert answer.get_json() == {"status": "failing", "database": "ok", "storage": "unreachable"}
    assert bucket not in answer.get_data(as_text=True)


def test_it_is_asked_now_and_then_only(reader: Reader) -> None:
    holdings: Holdings = reader().application.extensions["muniment.holdings"]
    asked: list[int] = []
    now = [0.0]
    holdings.store.check = lambda: asked.append(1)  # type: ignore[method-assign]
    health = Health(holdings, clock=lambda: now[0])
    for moment in (0.0, 1.0, 4.9, 5.1, 6.0, 20.0):
        now[0] = moment
        assert set(health.parts().values()) == {"ok"}
    assert len(asked) == 3


def test_readers_are_told_that_storage_is_away_and_nothing_of_it(
    reader: Reader, s3: ObjectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = reader(*(response_record(f"http://e.example/{number}", NOW, b"<p>here") for number in range(2)))
    holdings: Holdings = client.application.extensions["muniment.holdings"]
    remote = S3Bucket("archive", "away")
    (name,) = holdings.store.names()
    with holdings.store.open(name) as file:
        remote.put(name, file)
    object.__setattr__(holdings, "store", ObjectStore(remote, tmp_path / "spool"))
    address = "/unesco/20260203000000id_/http://e.example/"
    assert client.get(f"{address}0").data == b"<p>here"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    answer = client.get(f"{address}1")
    assert answer.status_code == 503
    text = answer.get_data(as_text=True)
    assert "cannot reach" in text
    assert not any(word in text for word in ("127.0.0.1", "s3_endpoint", "away/", "bucket"))
