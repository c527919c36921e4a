"""The table of rules in docs/verify.md is the one that the program has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archiver.cli.main import run
from archiver.warc.rules import RULES

PAGE = Path(__file__).parent.parent / "docs" / "verify.md"
MARK = "<!-- rules: tests/test_verify_docs.py -->\n"


def table() -> str:
    """The rules as the page has them."""
    lines = ["| rule | | what is wrong | what can be done |", "|---|---|---|---|"]
    lines += [f"| `{rule.id}` | {rule.severity.value} | {rule.sentence} | {rule.hint} |" for rule in RULES.values()]
    return "\n".join(lines) + "\n"


def test_the_page_has_the_rules_that_the_program_has() -> None:
    assert PAGE.read_text("utf-8").partition(MARK)[2].strip() == table().strip()


def test_rules_are_listed_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--rules"]) == 0
    text = capsys.readouterr().out
    assert all(rule.id in text and rule.hint in text for rule in RULES.values())
    assert run(["verify", "--rules", "--json"]) == 0
    assert [rule["id"] for rule in json.loads(capsys.readouterr().out)] == list(RULES)


def test_rules_say_what_is_wrong_in_a_sentence_and_what_can_be_done() -> None:
    for rule in RULES.values():
        assert rule.sentence.endswith((".", "…"))
        assert rule.hint.endswith(".")
