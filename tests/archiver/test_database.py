"""The database of an archive: made, brought up to date, shared, and told plainly when it cannot be used."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from archiver.errors import StorageFailed, UsageError
from archiver.holdings import open_holdings
from archiver.index.database import FILE_NAME, HEAD, open_database, reading, writing
from archiver.settings import load_settings
from tests.conftest import SET_PRAGMAS
from tests.servers.lifelines import child

MIGRATIONS = Path(__file__).parents[2] / "archiver" / "migrations"


def migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def migrate(path: Path, revision: str) -> None:
    """What older versions did: every table by its migration."""
    engine = create_engine(f"sqlite:///{path}")
    config = migrations()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def schema(path: Path) -> list[tuple[str, str]]:
    """Every table and index, however its statement is spaced."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
    connection.close()
    return [(name, re.sub(r"\s+", "", sql).lower()) for name, sql in rows]


def test_the_newest_migration_is_the_one_that_new_archives_begin_with() -> None:
    assert ScriptDirectory.from_config(migrations()).get_current_head() == HEAD


def test_a_new_archive_has_the_tables_that_all_migrations_make(tmp_path: Path) -> None:
    open_database("", tmp_path / "new").dispose()
    migrate(tmp_path / "old.db", "head")
    assert schema(tmp_path / "new" / FILE_NAME) == schema(tmp_path / "old.db")


def test_an_archive_without_the_newest_tables_gets_them(tmp_path: Path) -> None:
    migrate(tmp_path / FILE_NAME, "base")
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)")
    connection.commit()
    connection.close()
    engine = open_database("", tmp_path)
    with reading(engine) as open_connection:
        assert open_connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        assert open_connection.execute(text("SELECT count(*) FROM captures")).scalar() == 0
    engine.dispose()


def test_an_archive_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    open_database("", tmp_path).dispose()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(StorageFailed, match="newer version"):
        open_database("", tmp_path)


@pytest.mark.parametrize("damage", ["garbage", "folder", "empty folder name"])
def test_a_database_that_is_none_is_said_in_a_sentence(tmp_path: Path, damage: str) -> None:
    if damage == "garbage":
        (tmp_path / FILE_NAME).write_bytes(b"this is no database at all" * 100)
    elif damage == "folder":
        (tmp_path / FILE_NAME).mkdir()
    else:
        (tmp_path / "file").write_text("x")
    with pytest.raises(StorageFailed) as caught:
        open_database("", tmp_path / "file" / "below" if damage == "empty folder name" else tmp_path)
    assert caught.value.message.endswith(".")
    assert caught.value.advice


@pytest.mark.parametrize("url", ["nonsense", "mysql://x@localhost/y", "sqlite://", "sqlite:///:memory:", "://"])
def test_a_database_url_that_cannot_be_used_is_a_usage_error(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError):
        open_database(url, tmp_path)


def test_what_is_committed_is_on_the_disk_and_readers_do_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.index.database._set_pragmas", SET_PRAGMAS)
    engine = open_database("", tmp_path)
    with reading(engine) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    with writing(engine) as one, reading(engine) as other:
        one.execute(text("INSERT INTO organisations (slug, name, url) VALUES ('a', 'A', '')"))
        assert other.execute(text("SELECT count(*) FROM organisations")).scalar() == 0
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM organisations")).scalar() == 1
    with writing(engine, durable=False) as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1  # NORMAL
    with writing(engine) as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    engine.dispose()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    engine = open_database("", tmp_path)
    with pytest.raises(RuntimeError), writing(engine) as connection:
        connection.execute(text("INSERT INTO organisations (slug, name, url) VALUES ('a', 'A', '')"))
        raise RuntimeError
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM organisations")).scalar() == 0
    engine.dispose()


def test_many_processes_may_begin_an_archive_at_once(tmp_path: Path) -> None:
    command_line = [str(Path(sys.executable).with_name("muniment")), "--archive", str(tmp_path / "new"), "collection", "list"]
    with ExitStack() as stack:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        running = [stack.enter_context(child(command_line, **options)) for _ in range(6)]
        for process in running:
            output, _ = process.communicate(timeout=60)
            assert process.returncode == 0, output
            assert b"default" in output


def test_an_archive_below_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageFailed):
        open_holdings(load_settings({"archive": tmp_path / "file"}, environ={}))
