"""What the documentation points to is there."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from archiver.cli.main import muniment
from archiver.crawl.decision import Decision, UrlState, Verdict, explain
from archiver.crawl.plan import Traps

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z][a-z-]*)", page.read_text("utf-8"), re.MULTILINE))
    assert named <= targets


#: A command as pages write it, with all that stands behind it on its line or between its backquotes.
COMMAND = re.compile(r"(?:^ {4}(?:\$ )?|`)(muniment(?: [^`\n]*)?)", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def words_of(written: str) -> list[str]:
    """The words of a command, without the comment behind it."""
    return written.partition(" # ")[0].partition("  ")[0].split()


def options_of(words: list[str]) -> tuple[str, set[str]]:
    """The command that words name, and the options that its help has."""
    command: click.Command = muniment
    path: list[str] = []
    for word in words[1:]:
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if found is None:
            break
        command, path = found, [*path, word]
    answer = CliRunner().invoke(muniment, [*path, "--help"])
    assert answer.exit_code == 0, answer.output
    return " ".join(path), set(OPTION.findall(answer.output)) | {"--archive"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_have_the_options_that_are_shown(page: Path) -> None:
    unknown = []
    for written in COMMAND.findall(page.read_text("utf-8")):
        name, known = options_of(words_of(written))
        unknown += [f"muniment {name}: {option}" for option in OPTION.findall(written) if option not in known]
    assert unknown == []


def test_every_option_of_the_crawl_page_is_one_of_a_crawl_command() -> None:
    told = set(OPTION.findall((ROOT / "docs" / "crawl.md").read_text("utf-8")))
    crawl = muniment.get_command(click.Context(muniment), "crawl")
    assert isinstance(crawl, click.Group)
    known = {option for name in crawl.commands for option in options_of(["muniment", "crawl", name])[1]}
    assert told - known == set()
    # and what there is, is told, but for what every command has; of a switch one of its two names is enough
    told |= {option.replace("--no-", "--") for option in told} | {option.replace("--", "--no-", 1) for option in told}
    assert known - told - {"--help", "--archive", "--collection"} == set()


def test_the_crawl_page_has_every_reason_in_the_words_of_the_program() -> None:
    text = (ROOT / "docs" / "crawl.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `([a-z-]+)` \| (?:taken|out of scope|blocked|trapped) \| (.*) \|$", text, re.MULTILINE))
    assert told == {verdict.value: explain(Decision(UrlState.QUEUED, verdict)) for verdict in Verdict}


def test_the_crawl_page_has_the_guards_as_they_are() -> None:
    text = (ROOT / "docs" / "crawl.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `([a-z-]+)` \| ([0-9]+|on|off) \|", text, re.MULTILINE))
    words = {True: "on", False: "off"}
    values = asdict(Traps())
    assert told == {
        name.replace("_", "-"): words[value] if isinstance(value, bool) else str(value) for name, value in values.items()
    }
