"""`muniment seeds` and `muniment metadata`, as somebody types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from archiver.cli.metadata import metadata
from archiver.cli.seeds import seeds
from archiver.collections.spreadsheets import read_table
from archiver.errors import NotFound, UsageError
from tests.conftest import OpenHoldings

Run = Callable[..., Result]


@pytest.fixture
def call(holdings_with: OpenHoldings, tmp_path: Path) -> Run:
    holdings_with()

    def run(command: click.Command, *arguments: str, status: int = 0, given: str | None = None) -> Result:
        words = [arguments[0], *arguments[1:], "--archive", str(tmp_path / "warcs")]
        answer = CliRunner().invoke(command, words, input=given)
        if answer.exception and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        assert answer.exit_code == status, answer.output
        return answer

    return run


def test_seeds_are_added_listed_changed_and_removed(call: Run) -> None:
    added = call(seeds, "add", "a.example", "not a url", "--schedule", "daily", "--group", "G", "--not-public", status=1)
    assert "Added http://a.example/" in added.output and "is not a web address" in added.output
    found = json.loads(call(seeds, "list", "--json").output)
    assert [(seed["url"], seed["schedule"], seed["group"], seed["public"]) for seed in found] == [
        ("http://a.example/", "daily", "G", False)
    ]
    assert "never captured" in call(seeds, "list").output
    call(seeds, "set", "a.example", "--schedule", "none", "--group", "", "--inactive", "--scope", "host")
    seed = json.loads(call(seeds, "list", "--json").output)[0]
    assert (seed["schedule"], seed["group"], seed["active"], seed["scope"]) == (None, None, False, "host")
    for wrong, error in ((["a.example"], UsageError), (["b.example", "--inactive"], NotFound)):
        with pytest.raises(error):
            call(seeds, "set", *wrong)
    assert "1 seed removed" in call(seeds, "remove", "a.example").output
    assert "no such seeds" in call(seeds, "list").output


def test_lists_go_in_and_out(call: Run, tmp_path: Path) -> None:
    listed = "https://a.example/ scope=host\nhttps://b.example/\nnot a url\n"
    dry = call(seeds, "import", "-", "--dry-run", given=listed, status=1)
    assert "2 seeds would be added" in dry.output and "Line 3" in dry.output
    assert "2 seeds added" in call(seeds, "import", "-", given=listed, status=1).output
    assert "2 as they were" in call(seeds, "import", "-", "--update", given=listed, status=1).output
    for name in ("x.csv", "x.ods", "x.xlsx"):
        call(seeds, "export", str(tmp_path / name))
        assert len(read_table((tmp_path / name).read_bytes())) == 3
    assert "https://a.example/" in call(seeds, "export").output


def test_descriptions_are_shown_and_set(call: Run, tmp_path: Path) -> None:
    call(seeds, "add", "https://a.example/")
    assert "Nothing is said" in call(metadata, "show").output
    call(metadata, "set", "creator=Ada", "creator=Ben", "Box=7=8")
    call(metadata, "set", "creator=Cy", "--add", "--private")
    call(metadata, "set", "title=A", "--seed", "https://a.example/")
    said = json.loads(call(metadata, "show", "--json").output)
    assert [(item["field"], item["value"], item["private"]) for item in said] == [
        ("creator", "Ada", False), ("creator", "Ben", False), ("Box", "7=8", False), ("creator", "Cy", True),
    ]  # fmt: skip
    call(metadata, "set", "creator=")
    assert "Ada" not in call(metadata, "show").output
    for wrong in (
        ["set", "nothing"],
        ["show", "--seed", "b.example"],
        ["show", "--seed", "a.example", "--document", "x.example"],
    ):
        with pytest.raises(UsageError):
            call(metadata, *wrong)
    file = tmp_path / "m.ods"
    call(metadata, "export", str(file), "--public")
    assert "0 changed, 2 as they were" in call(metadata, "import", str(file), "--replace").output
    table = "url,title\nhttps://a.example/,New\nhttps://b.example/,x\n"
    told = call(metadata, "import", "-", "--replace", "--dry-run", given=table, status=1)
    assert "1 would change" in told.output and "Row 3" in told.output
    call(metadata, "import", "-", "--replace", given=table, status=1)
    assert "New" in call(metadata, "show", "--seed", "https://a.example/").output
