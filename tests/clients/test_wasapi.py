"""py-wasapi-client, pointed at the workbench by its own options, fetches the very bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import make_server

from archiver.accounts import Role
from archiver.fixity import measure
from archiver.holdings import Holdings
from archiver.index.files import Part
from archiver.timestamps import to_timestamp
from archiver.warc.importer import import_file
from replay.workbench.app import create_workbench
from tests.conftest import OpenHoldings
from tests.replay.test_wasapi import MOMENT, page
from tests.workbench import PASSWORD, QUICK, accounts_of


@dataclass
class Served:
    """A running workbench.

    Attributes:
        base: where its list of files is.
        token: of a program that may look.
        files: bytes by name.
        folder: for what is fetched.
    """

    base: str
    token: str
    files: dict[str, bytes]
    folder: Path

    def run(self, *options: str, **environment: str) -> str:
        """Run the client; what it says."""
        known = {name: value for name, value in os.environ.items() if not name.startswith("WASAPI_")}
        done = subprocess.run(
            [sys.executable, "-m", "wasapi_client", "-b", self.base, "-d", str(self.folder), *options],
            env={**known, **environment, "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    def fetched(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.glob("*.warc.gz")}


def kept(holdings: Holdings, folder: Path) -> dict[str, bytes]:
    """Three files of two collections."""
    files = {}
    for number, slug in enumerate(("unesco", "unesco", "other")):
        path = folder / f"{slug}-{number}.warc.gz"
        path.write_bytes(page(f"http://{number}.example/", os.urandom(300_000)))
        import_file(path, collection=slug, store=holdings.store, index=holdings.index)
        with holdings.store.open(path.name) as stream:
            moment = to_timestamp(MOMENT)
            holdings.files.note(path.name, measure(stream), (Part(slug, 1, moment, moment),))
        files[path.name] = path.read_bytes()
    return files


@pytest.fixture
def served(holdings_with: OpenHoldings, tmp_path: Path) -> Iterator[Served]:
    server = make_server("127.0.0.1", 0, lambda environ, start: app.wsgi_app(environ, start), threaded=True)
    holdings = holdings_with(workbench_port=server.server_port)
    for slug in ("unesco", "other"):
        holdings.collections.create(slug, title=slug)
    app = create_workbench(holdings.settings, holdings, hasher=QUICK)
    accounts = accounts_of(holdings)
    accounts.create("ada", PASSWORD, Role.ADMINISTRATOR)
    token = accounts.make_token("ada", "harvest", Role.VIEWER)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    folder = tmp_path / "fetched"
    folder.mkdir()
    yield Served(f"http://127.0.0.1:{server.server_port}/wasapi/v1/webdata", token, kept(holdings, tmp_path), folder)
    server.shutdown()
    thread.join(5)
    server.server_close()


def test_with_a_token_all_files_come_as_they_are(served: Served) -> None:
    said = served.run("-t", served.token, "-p", "2")
    assert "Successful downloads: 3" in said and "Failed downloads: 0" in said, said
    assert served.fetched() == served.files
    manifest = (served.folder / "manifest-sha256.txt").read_text("utf-8")
    assert len(manifest.splitlines()) == 3


def test_with_name_and_password_those_of_one_collection_come(served: Served) -> None:
    login = {"WASAPI_USER": "ada", "WASAPI_PASS": PASSWORD}
    said = served.run("--collection", "other", "--crawl-time-after", "2016-08", "--crawl-time-before", "2016-09", **login)
    assert "Successful downloads: 1" in said, said
    assert served.fetched() == {"other-2.warc.gz": served.files["other-2.warc.gz"]}


def test_a_profile_counts_measures_and_names_files(served: Served) -> None:
    (served.folder / ".wasapi-client").write_text(f"[us]\nusername = ada\npassword = {PASSWORD}\n", "utf-8")
    assert "3" in served.run("--profile", "us", "-c")
    assert f"{sum(map(len, served.files.values())) / 1024:.2f}KB"[:3] in served.run("--profile", "us", "-s")
    addresses = served.run("--profile", "us", "-r", "--filename", "unesco-0.warc.gz").split()
    assert len(addresses) == 1 and addresses[0].endswith("/unesco-0.warc.gz")


def test_who_is_not_known_gets_nothing(served: Served) -> None:
    assert "Verify user/password" in served.run("-t", "nonsense")
    assert "Verify user/password" in served.run(WASAPI_USER="ada", WASAPI_PASS="wrong")
    assert served.fetched() == {}
