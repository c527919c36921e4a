"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, sync_playwright

from archiver.holdings import Holdings, open_holdings
from archiver.settings import load_settings
from tests.servers.postgresql import PostgreSQL, running
from tests.servers.weed import ObjectServer, object_server

OpenHoldings = Callable[..., Holdings]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What starts browsers; a process can have one."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def object_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """A server of object storage, with a bucket "archive"."""
    with object_server(tmp_path_factory.mktemp("weed")) as server:
        server.call("create_bucket", Bucket="archive")
        yield server


@pytest.fixture
def s3(object_storage: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> ObjectServer:
    """The server of object storage, named by the environment with keys that may do everything."""
    for name, value in object_storage.environment.items():
        monkeypatch.setenv(name, value)
    return object_storage


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL server."""
    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's own shell reaches a test."""
    for name in list(os.environ):
        if name.startswith(("MUNIMENT_", "AWS_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def holdings_with(tmp_path: Path) -> Iterator[OpenHoldings]:
    """Opens the archive in `tmp_path` with settings of one's choice."""
    opened: list[Holdings] = []

    def make(**overrides: object) -> Holdings:
        values: dict[str, object] = {"archive": tmp_path / "warcs", "allow_private": True, **overrides}
        holdings = open_holdings(load_settings(values, environ={}))
        opened.append(holdings)
        return holdings

    yield make
    for holdings in opened:
        holdings.close()
