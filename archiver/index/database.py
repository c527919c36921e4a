"""Opens the database of an archive and brings its tables up to date; the only module with engine-specific SQL."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Insert, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, ProgrammingError

from archiver.errors import StorageFailed

#: The newest migration; a test compares it with the folder of migrations.
HEAD = "0001"

#: Name of the SQLite file in the archive home.
FILE_NAME = "muniment.db"


def open_database(url: str, home: Path) -> Engine:
    """An engine for the database, its tables up to date.

    Args:
        url: SQLAlchemy URL; "" for SQLite in `home`.
        home: the archive folder; made when needed.

    Raises:
        StorageFailed: it cannot be opened, or was written by a newer version.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"The archive folder cannot be made: {error.strerror}.", "Choose another.") from error
    engine = create_engine(url or f"sqlite:///{home / FILE_NAME}")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    try:
        version = _version(engine)
        if version != HEAD:
            with _lock(home):
                _migrate(engine)
    except OperationalError as error:
        engine.dispose()
        raise StorageFailed(f"The database cannot be opened: {error.orig}.") from error
    return engine


def insert_new(engine: Engine, table: Table) -> Insert:
    """An INSERT that passes over rows that are already there."""
    statement: Any = (postgresql if engine.dialect.name == "postgresql" else sqlite).insert(table)
    return statement.on_conflict_do_nothing()  # type: ignore[no-any-return]


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout=30000",
        "journal_mode=WAL",
        "synchronous=FULL",  # committed means on the disk
        "foreign_keys=ON",
        "cache_size=-32768",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        try:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        except (OperationalError, ProgrammingError) as error:
            if "alembic_version" not in str(error.orig):
                raise
            return None


def _migrate(engine: Engine) -> None:
    # Alembic takes longer to import than everything else here, and is needed once in the life of an archive.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StorageFailed(
                "This archive was written by a newer version of Muniment.", "Install that version or a newer one."
            ) from error


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    """One process at a time brings the tables up to date."""
    with (home / ".migrate.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
