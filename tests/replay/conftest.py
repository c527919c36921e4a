"""A reader over records written for the purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from archiver.holdings import Holdings
from archiver.model import Visibility
from archiver.warc.importer import import_file
from replay.app import create_reader

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
