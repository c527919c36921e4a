"""A reader over records written for the purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from archiver.holdings import Holdings, utc_now
from archiver.model import Visibility
from archiver.warc.importer import import_file
from replay.app import create_reader
from replay.proxy.authority import open_authority
from replay.proxy.choice import Choice
from replay.proxy.connection import Limits
from replay.proxy.server import ProxyServer
from replay.proxy.service import Service
from tests.servers.proxied import Make, Proxy

ALL = Choice("all")
OpenHoldings = Callable[..., Holdings]

ORGANISATION = "United Nations Educational, Scientific and Cultural Organization (UNESCO)"


class ClosingClient(FlaskClient):
    """Reads and closes each answer, as a server does."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **options})


@pytest.fixture
def reader(holdings_with: OpenHoldings, tmp_path: Path) -> Callable[..., FlaskClient]:
    def make(
        *records: bytes, collection: str = "unesco", visibility: Visibility = Visibility.PUBLIC, **settings: object
    ) -> FlaskClient:
        holdings = holdings_with(instance_name="Archive-It", **settings)
        holdings.collections.create(collection, title="UNESCO", organisation=ORGANISATION, visibility=visibility)
        path = tmp_path / "records.warc.gz"
        path.write_bytes(b"".join(records))
        report = import_file(path, collection=collection, store=holdings.store, index=holdings.index)
        assert not report.bad
        app = create_reader(holdings.settings, holdings)
        app.test_client_class = ClosingClient
        return app.test_client()

    return make


@pytest.fixture
def proxy(holdings_with: Callable[..., Holdings], tmp_path: Path) -> Iterator[Make]:
    """Runs a proxy over records in the collection “unesco”."""
    with ExitStack() as stack:

        def make(*records: bytes, default: Choice | None = ALL, limits: Limits | None = None, host: str = "127.0.0.1") -> Proxy:
            holdings = holdings_with()
            holdings.collections.create("unesco", title="UNESCO")
            path = tmp_path / "records.warc.gz"
            path.write_bytes(b"".join(records))
            import_file(path, collection="unesco", store=holdings.store, index=holdings.index)
            authority = open_authority(holdings.settings.archive, utc_now)
            running = stack.enter_context(ProxyServer(host, 0, Service(holdings, authority, default), limits))
            Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(running.shutdown)
            return Proxy(holdings, running.server_address[1], str(holdings.settings.archive / "proxy" / "ca.pem"))

        yield make
