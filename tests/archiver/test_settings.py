"""Settings from a file, the environment and the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.errors import UnknownSetting, UsageError
from archiver.settings import NAMES, help_of, load_settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_nearer_source_wins_and_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "muniment.toml").write_text('port = 1\nhost = "a"\noperator = "file"\nverify_tls = false\n')
    environ = {"MUNIMENT_PORT": "2", "MUNIMENT_HOST": "b", "PORT": "9", "MUNIMENT_ARCHIVE": "/not/this"}
    settings = load_settings({"port": 3, "host": None, "archive": tmp_path}, environ=environ)
    assert (settings.port, settings.host, settings.operator, settings.verify_tls) == (3, "b", "file", False)
    assert settings.connections == 16
    assert settings.sources["port"] == "command line"
    assert settings.sources["host"] == "environment"
    assert settings.sources["operator"] == "file"
    assert "connections" not in settings.sources


def test_the_environment_can_name_the_archive_whose_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "muniment.toml").write_text('instance_name = "Ours"')
    settings = load_settings(environ={"MUNIMENT_ARCHIVE": str(tmp_path)})
    assert (settings.archive, settings.instance_name) == (tmp_path, "Ours")


@pytest.mark.parametrize(
    ("word", "value"), [("yes", True), ("ON", True), ("1", True), ("no", False), (" False ", False), ("0", False)]
)
def test_yes_and_no_in_every_spelling(word: str, value: bool) -> None:
    assert load_settings({"allow_private": word}, environ={}).allow_private is value


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("port", "http", "whole number"),
        ("port", "70000", "65535"),
        ("port", "1.5", "whole number"),
        ("read_timeout", "soon", "a number"),
        ("read_timeout", "nan", "a number"),
        ("read_timeout", "inf", "a number"),
        ("max_page_seconds", "-1", "negative"),
        ("connections", "0", "at least 1"),
        ("allow_private", "perhaps", "yes or no"),
        ("chunked", "both", "portable, exact"),
    ],
)
def test_a_wrong_value_is_told_with_its_name_and_source(name: str, value: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(environ={f"MUNIMENT_{name.upper()}": value})
    assert f"“{name}”" in caught.value.message
    assert says in caught.value.message
    assert "environment" in caught.value.message


@pytest.mark.parametrize("source", ["file", "environment", "command line"])
def test_an_unknown_name_is_told_with_the_nearest(tmp_path: Path, source: str) -> None:
    if source == "file":
        (tmp_path / "muniment.toml").write_text("conections = 4")
    environ = {"MUNIMENT_CONECTIONS": "4"} if source == "environment" else {}
    given: dict[str, object] = {"archive": tmp_path} | ({"conections": 4} if source == "command line" else {})
    with pytest.raises(UnknownSetting) as caught:
        load_settings(given, environ=environ)
    assert source in caught.value.message
    assert "connections" in caught.value.advice


@pytest.mark.parametrize("text", [b"port = ", b"\xff\xfe", b"port = 1\nport = 2", b"[port]\nx = 1"])
def test_a_broken_file_is_told_not_passed_over(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "muniment.toml").write_bytes(text)
    with pytest.raises(UsageError):
        load_settings({"archive": tmp_path}, environ={})


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_explained(name: str) -> None:
    assert help_of(name)
    assert f"| `{name}` |" in DOCUMENT.read_text("utf-8")
    assert help_of(name) in DOCUMENT.read_text("utf-8")
