"""Fixtures for all tests."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from playwright.sync_api import Playwright, sync_playwright
from werkzeug.routing import Rule

from archiver.holdings import Holdings, open_holdings
from archiver.index import database
from archiver.index.database import FILE_NAME, open_database
from archiver.settings import load_settings
from tests.servers.postgresql import PostgreSQL, running
from tests.servers.weed import ObjectServer, object_server

OpenHoldings = Callable[..., Holdings]

# Dozens of processes are started: what each imports is compiled once, whatever the shell says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Where tests run in the background, Ctrl+C would be nothing to all that they start, and some press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: How connections to SQLite begin.
SET_PRAGMAS = database._set_pragmas


def _set_hasty_pragmas(connection: Any, record: object) -> None:
    SET_PRAGMAS(connection, record)
    connection.execute("PRAGMA synchronous=OFF").close()


database._set_pragmas = _set_hasty_pragmas  # no archive of this process has to outlive the machine; those of others do


class CompiledTemplates(BytecodeCache):
    """Templates of all applications that a process makes, compiled once: hundreds of tests make their own."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


Flask.jinja_options = {"bytecode_cache": CompiledTemplates()}

_compile_builder = Rule._compile_builder
_builders: dict[tuple[object, ...], Any] = {}


def _compile_builder_once(rule: Rule, append_unknown: bool = True) -> Any:
    """What makes addresses of a rule: the same for every application, of which hundreds are made, with hundreds of rules."""
    key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
    if key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]


Rule._compile_builder = _compile_builder_once  # type: ignore[method-assign]


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


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database of an archive that has just begun: its tables take longer to make than most tests."""
    folder = tmp_path_factory.mktemp("database")
    open_database("", folder).dispose()
    return (folder / FILE_NAME).read_bytes()


@pytest.fixture
def holdings_with(tmp_path: Path, empty_database: bytes) -> Iterator[OpenHoldings]:
    """Opens the archive in `tmp_path` with settings of one's choice."""
    opened: list[Holdings] = []

    def make(**overrides: object) -> Holdings:
        values: dict[str, object] = {"archive": tmp_path / "warcs", "allow_private": True, **overrides}
        settings = load_settings(values, environ={})
        if not settings.database and not settings.archive.exists():
            settings.archive.mkdir(parents=True)
            (settings.archive / FILE_NAME).write_bytes(empty_database)
        holdings = open_holdings(settings)
        opened.append(holdings)
        return holdings

    yield make
    for holdings in opened:
        holdings.close()
