"""Opens the database of an archive and brings its tables up to date; the only module with engine-specific SQL."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, cast

from sqlalchemy import (
    CompoundSelect,
    Connection,
    CursorResult,
    Engine,
    Select,
    Table,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from archiver.errors import StorageFailed, UsageError
from archiver.index.crawltables import crawl_urls
from archiver.index.holdingstables import audit_log
from archiver.index.texttables import page_texts
from archiver.index.worktables import accounts

#: The newest migration; a test compares it with the folder of migrations.
HEAD = "0004"

#: Name of the SQLite file in the archive home.
FILE_NAME = "muniment.db"

#: Seconds that a process waits for another one's write to the SQLite file.
BUSY_SECONDS = 30

#: As Alembic makes it.
_VERSION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)

#: As SQLite numbers it: the disk is waited for when the log goes into the database's file, and not with each commit.
_NORMAL = 1

_HELP = "Look at the archive folder's permissions and free space."


def open_database(url: str, home: Path) -> Engine:
    """An engine for the database, its tables up to date.

    Args:
        url: SQLAlchemy URL; "" for SQLite in `home`.
        home: the archive folder; made when needed.

    Raises:
        UsageError: the URL names no database that can be used here.
        StorageFailed: it cannot be opened, or was written by a newer version.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"The archive folder cannot be made: {error.strerror}.", "Choose another.") from error
    engine = _engine(url, home)
    try:
        with _failures_told(engine):
            if _version(engine) != HEAD:
                with alone(home, "migrate"):
                    if not _begin(engine):
                        _migrate(engine)
    except StorageFailed:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for SELECTs.

    Raises:
        StorageFailed: the database cannot be read.
    """
    with _failures_told(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, *, durable: bool = True) -> Iterator[Connection]:
    """A transaction; nobody else writes between its first statement and its end. On the disk once it has ended.

    Args:
        engine: of the database.
        durable: False when the transaction may be forgotten should the machine fail before the next durable one, whoever makes
            that: nothing waits for the disk then. What others see, and what a killed process leaves, is the same.

    Raises:
        StorageFailed: the database cannot be written; nothing of the transaction is kept.
    """
    with _failures_told(engine), engine.connect() as connection, _durability(connection, durable), connection.begin():
        _write_lock(connection)
        if not durable and connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL synchronous_commit = off"))
        yield connection


@contextmanager
def _durability(connection: Connection, durable: bool) -> Iterator[None]:
    """Whether SQLite waits for the disk at the end of the transaction within."""
    if durable or connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection  # SQLAlchemy would begin the transaction for it
    (before,) = driver.execute("PRAGMA synchronous").fetchone()
    driver.execute(f"PRAGMA synchronous={min(before, _NORMAL)}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA synchronous={before}")


def number_of_new(made: CursorResult[Any]) -> int:
    """The number that an insert of one row has given it."""
    return int(made.inserted_primary_key[0])  # type: ignore[index]


@contextmanager
def erasing(engine: Engine) -> Iterator[Connection]:
    """The same for what must not be found in the database's file afterwards: SQLite overwrites what is deleted.

    PostgreSQL does so by itself, when it vacuums.

    Raises:
        StorageFailed: the database cannot be written; nothing of the transaction is kept.
    """
    with writing(engine) as connection:
        if engine.dialect.name != "sqlite":
            yield connection
            return
        before = connection.exec_driver_sql("PRAGMA secure_delete").scalar_one()
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
        try:
            yield connection
        finally:
            connection.exec_driver_sql(f"PRAGMA secure_delete={_SECURE_DELETE[before]}")


#: What SQLite calls the values that it tells as numbers.
_SECURE_DELETE = ("OFF", "ON", "FAST")


def forget_log(engine: Engine) -> None:
    """Empty SQLite's log of changes, which has pages as they were, unless somebody reads it now."""
    if engine.dialect.name == "sqlite":
        with _failures_told(engine), engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def lock_table(connection: Connection, table: Table) -> None:
    """Let nobody else write to a table until the end of this transaction; SQLite's `writing` does so for all tables."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table.name} IN EXCLUSIVE MODE"))


class Prepared:
    """A SELECT that is compiled once and then runs without SQLAlchemy's own work: for look-ups of a few rows.

    Args:
        engine: where it runs.
        statement: takes named parameters; its columns are text and whole numbers only.
        has_own: a connection of its own, where the database is SQLite: to get one takes longer there than to find a row. One
            thread at a time looks something up then; to be closed.
    """

    def __init__(self, engine: Engine, statement: Select[Any] | CompoundSelect[Any], *, has_own: bool = False) -> None:
        self._engine = engine
        self._has_own = has_own and engine.dialect.name == "sqlite"
        self._own: Any = None
        self._lock = Lock()
        self._statement = statement
        self._compiled: tuple[str, dict[str, Any]] | None = None  # when it is wanted first: most commands want few
        # Without a transaction round it: PostgreSQL would be asked three times instead of once.
        self._alone = engine.dialect.name == "postgresql"

    def rows(self, **parameters: object) -> Sequence[Any]:
        """All rows at once.

        Raises:
            StorageFailed: the database cannot be read.
        """
        sql, constants = self._compiled or self._compile()
        with _failures_told(self._engine):
            if self._has_own:
                with self._lock:
                    self._own = self._own or self._connected()
                    return cast(Sequence[Any], self._own.execute(sql, constants | parameters).fetchall())
            connection = self._engine.raw_connection()
            driver: Any = connection.driver_connection if self._alone else None
            try:
                if driver is not None:
                    driver.autocommit = True
                cursor = connection.cursor()
                cursor.execute(sql, constants | parameters)
                return cursor.fetchall()
            finally:
                if driver is not None and not driver.closed:
                    driver.autocommit = False
                connection.close()

    def _connected(self) -> Any:
        """A connection that is no longer the engine's, with all that it sets up."""
        connection = self._engine.raw_connection()
        driver = connection.driver_connection
        connection.detach()
        return driver

    def close(self) -> None:
        """Close the connection of its own; a later look-up opens another."""
        with self._lock:
            own, self._own = self._own, None
            if own is not None:
                own.close()

    def _compile(self) -> tuple[str, dict[str, Any]]:
        compiled = self._statement.compile(self._engine)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._compiled = str(compiled), constants
        return self._compiled


def insert_new(engine: Engine, table: Table) -> Any:
    """An INSERT that passes over rows that are already there."""
    return _insert(engine, table).on_conflict_do_nothing()


def insert_or_replace(
    engine: Engine, table: Table, *, keep: Sequence[str] = (), when: Callable[[Any], Any] | None = None
) -> Any:
    """An INSERT that puts new rows in the place of those with the same primary key.

    Args:
        engine: where it runs.
        table: where the rows go.
        keep: columns that stay as they are in rows that are there.
        when: a condition, given the new row, without which a row that is there stays.
    """
    statement = _insert(engine, table)
    key = table.primary_key.columns
    changed = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in {*key.keys(), *keep}
    }
    where = when(statement.excluded) if when is not None else None
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed, where=where)


def _insert(engine: Engine, table: Table) -> Any:
    # Only the dialect in use: PostgreSQL's takes long to import.
    if engine.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return postgresql_insert(table)
    from sqlalchemy.dialects.sqlite import insert as sqlite_insert

    return sqlite_insert(table)


@contextmanager
def alone(home: Path, task: str, *, wait: bool = True) -> Iterator[bool]:
    """One process at a time does this task in an archive; False when another one is at it and `wait` is not set.

    Raises:
        StorageFailed: the archive folder cannot be written.
    """
    try:
        handle = (home / f".{task}.lock").open("w")
    except OSError as error:
        raise StorageFailed(f"The archive folder cannot be written: {error.strerror}.", _HELP) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _engine(url: str, home: Path) -> Engine:
    try:
        target = make_url(url) if url else URL.create("sqlite", database=str(home / FILE_NAME))
        if target.drivername in ("postgresql", "postgres"):
            target = target.set(drivername="postgresql+psycopg")
        if target.get_backend_name() not in ("sqlite", "postgresql"):
            raise UsageError("The database must be SQLite or PostgreSQL.", "Write postgresql://user@host/name.")
        if target.get_backend_name() != "sqlite":
            engine = create_engine(target)
            event.listen(engine, "connect", _write_no_nul)
            return engine
        if target.database in (None, "", ":memory:"):
            raise UsageError("A database in memory would not outlive the command.", "Name a file: sqlite:///path.")
        engine = create_engine(target, paramstyle="named", connect_args={"timeout": BUSY_SECONDS})
    except (ArgumentError, ValueError) as error:
        raise UsageError("The database URL cannot be read.", "Write postgresql://user@host/name.") from error
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise UsageError("That database needs a driver that is not installed.", "Install psycopg.") from error
    event.listen(engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",  # committed means on the disk
        "foreign_keys=ON",
        # Of each connection, and each thread has one: with more, memory grows, and look-ups are no faster for it (measured).
        "cache_size=-2048",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_no_nul(connection: Any, _record: object) -> None:
    """PostgreSQL's text has no NUL, and what servers say may: it becomes U+FFFD, as browsers have it."""
    from psycopg.types.string import StrDumper

    class WithoutNul(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    connection.adapters.register_dumper(str, WithoutNul)


def _write_lock(connection: Connection) -> None:
    """Take SQLite's write lock at once: a transaction that began by reading could not wait for it later."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _failures_told(engine: Engine) -> Iterator[None]:
    """Turn what a database can suffer into one sentence. Broken constraints and bugs pass through."""
    driver: Any = engine.dialect.loaded_dbapi
    try:
        yield
    except NoConnectionFree as error:
        raise StorageFailed("Too many look-ups in the database at once.", "Try again.") from error
    except (DBAPIError, driver.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, driver.OperationalError) and type(cause) is not driver.DatabaseError:
            raise
        reason = str(cause).strip().partition("\n")[0].rstrip(".")
        raise StorageFailed(f"The database cannot be used: {reason}.", _HELP) from error


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        try:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        except (OperationalError, ProgrammingError) as error:
            if "alembic_version" not in str(error.orig):
                raise
            return None


def _begin(engine: Engine) -> bool:
    """Make the newest tables in a database that has none, as all migrations together would; False when it has some.

    Alembic takes longer to import than everything else here: a first capture need not wait for it.
    """
    with writing(engine, durable=False) as connection:  # all tables or none: a half-made database could not be mended
        if inspect(connection).get_table_names():
            return False
        # All modules with tables are imported, so that all tables are in the one metadata.
        assert crawl_urls.metadata is audit_log.metadata is page_texts.metadata is accounts.metadata
        accounts.metadata.create_all(connection)
        connection.execute(text(_VERSION_TABLE))
        connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})
    return True


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations").replace("%", "%%"))
    with engine.begin() as connection:
        _write_lock(connection)  # all steps or none: a half-made database could not be mended
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StorageFailed(
                "This archive was written by a newer version of Muniment.", "Install that version or a newer one."
            ) from error
