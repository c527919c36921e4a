"""The published table of the corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from tests.corpus.cases import Case
from tests.corpus.check import Verdict, summary

_INTRODUCTION = """# The conformance corpus

{count} small sites, each with something that is hard to replay, and with what its page shows when it is replayed as it was.
They are in `tests/corpus/cases/`, one file each; every answer is sent by a real server, captured over a socket as any capture
is, and replayed in Chromium. A case passes when the page shows what is expected and no request went anywhere but to the replay
server. Where a living site can give the result, the expectation is checked against the site itself in the same Chromium
(`python -m tests.corpus --live`); the others are marked “archive only”.

    make corpus                                          # this table: ours, and peers from PyPI and npm
    python -m tests.corpus --write FOLDER                # corpus.warc.gz and expected.json, for any other program
    python -m tests.corpus --base http://…/coll/ --modifier mp_      # another replay server that has the WARC file

Peers run as they are when they are installed, without settings of ours: pywb's `wayback` with its own index of the WARC file,
and the service worker of ReplayWeb.page, which loads the same file. A cross says what was shown instead; “left” means that a
request went past the replay server. A case is all or nothing, and these were written where replay was known to be hard: the
counts say how a program does with just these.
"""


def render(cases: Sequence[Case], verdicts: Mapping[str, Mapping[str, Verdict]]) -> str:
    """The page, as Markdown.

    Args:
        cases: by chapter.
        verdicts: of each program, by the name of the case.
    """
    lines = [_INTRODUCTION.format(count=len(cases))]
    lines += ["| | " + " | ".join(verdicts) + " |", "|---" * (len(verdicts) + 1) + "|"]
    lines.append("| **passed** | " + " | ".join(f"**{summary(found)}**" for found in verdicts.values()) + " |")
    for chapter, group in groupby(cases, key=lambda case: case.chapter):
        lines += ["", f"## {chapter}", "", "| case | " + " | ".join(verdicts) + " |", "|---" * (len(verdicts) + 1) + "|"]
        for case in group:
            title = f"{case.title}<br>`{case.name}`" + ("" if case.live else ", archive only")
            cells = [_cell(found[case.name]) for found in verdicts.values()]
            if case.known:
                cells[0] += f"<br>{case.known}"
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(verdict: Verdict) -> str:
    if verdict.passed:
        return "✓"
    said = "nothing" if verdict.shown in (None, "") else f"“{_plain(verdict.shown or '')}”"
    left = f"; left: {len(verdict.outside)}" if verdict.outside else ""
    return f"✗ {said}{left}"


def _plain(text: str) -> str:
    """Text that says nothing to Markdown, and not too much of it."""
    short = text if len(text) <= 60 else f"{text[:59]}…"
    for char in "\\|`<>*_[]&":
        short = short.replace(char, f"&#{ord(char)};")
    return short
