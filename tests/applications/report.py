"""docs/applications.md: the table of what was done last, and the pictures side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.applications.compare import side_by_side
from tests.applications.model import Application
from tests.applications.packages import BUILD, ROOT
from tests.applications.run import Outcome

DOCS = ROOT / "docs"
IMAGES = DOCS / "images" / "applications"

_INTRODUCTION = """# Real applications

Each application below comes from a package, fetched by name. It is opened live in Chromium from a server on this machine
while every request is noted; `muniment capture` takes its start page, and then each address that the browser asked for and
the capture of the page did not already hold; the live server is closed; `muniment serve` replays the archive without the
banner. The same steps (search, write, draw, run a query, turn a page …) are done live and in replay, and after each step
everything that can be read, the fields, the address of the page and a screenshot are compared, at 1280 × 800; the first page
at 390 × 844 as well.

*Found by capture* says how many of the addresses the capture of the start page alone held. *Pixels* is the largest share that
differs after any step; chance is not the same twice, so hand-drawn lines differ a little. *Failed* counts requests, and
*errors* messages of the console and uncaught exceptions, that came in replay and not live. *Left* counts requests that led out
of the archive or back to the closed site, and hits of the wall.

`make applications` makes this page.

"""
_HEAD = """| application | package | what it exercises | steps | found by capture | text | pixels | failed | errors | left |
|---|---|---|--:|--:|---|--:|--:|--:|--:|
"""


def load(name: str) -> Outcome | None:
    """What came of an application when it was run last."""
    try:
        return Outcome(**json.loads((BUILD / "runs" / name / "result.json").read_text()))
    except FileNotFoundError:
        return None


def write_table(applications: Sequence[Application]) -> Path:
    """The page, from what is kept of each application; those that were never run say so."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    rows, notes, pictures = [], [], []
    for application in applications:
        outcome = load(application.name)
        rows.append(_row(application, outcome))
        if outcome is None:
            continue
        notes += [f"- **{application.title}**: {line}" for line in outcome.problems]
        if outcome.problems and application.why:
            notes.append(f"  {application.why}")
        if _save_picture(application.name):
            steps = "; ".join(step.name for step in application.steps)
            pictures.append(
                f"### {application.title}\n\nAfter: {steps or 'opened'}.\n\n"
                f"![{application.title}, live and replayed](images/applications/{application.name}.webp)\n"
            )
    parts = [_INTRODUCTION, _HEAD, "".join(rows)]
    if notes:
        parts.append("\n## What differs\n\n" + "\n".join(notes) + "\n")
    parts.append("\n## Live left, replay right\n\n" + "\n".join(pictures))
    page = DOCS / "applications.md"
    page.write_text("".join(parts))
    return page


def _row(application: Application, outcome: Outcome | None) -> str:
    made = "" if application.is_whole else " (page of our own around the library)"
    title = f"{application.title}{made}"
    package = ", ".join(f"{package.name}" for package in application.packages)
    if outcome is None:
        return f"| {title} | {package} | {application.exercises} | not run | | | | | | |\n"
    first = application.packages[0]
    package = f"{first.name} {outcome.version} ({ {'npm': 'npm', 'debian': 'Debian', 'pypi': 'PyPI'}[first.registry] })"
    if outcome.trouble:
        return f"| {title} | {package} | {application.exercises} | stopped: {outcome.trouble} | | | | | | |\n"
    cells = (
        title, package, application.exercises, str(outcome.steps), f"{outcome.found} of {outcome.asked}",
        f"{len(outcome.text)} differ" if outcome.text else "same", f"{outcome.pixels:.2%}",
        str(len(outcome.failed)), str(len(outcome.errors)), str(len(outcome.outside) + outcome.reports),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def _save_picture(name: str) -> bool:
    """The last step that both have, live and replayed, as one picture."""
    home = BUILD / "runs" / name
    for number in range(len(list(home.glob("desktop-*-replay.png"))) - 1, -1, -1):
        pair = [home / f"desktop-{number}-{where}.png" for where in ("live", "replay")]
        if all(path.exists() for path in pair):
            (IMAGES / f"{name}.webp").write_bytes(side_by_side(*(path.read_bytes() for path in pair)))
            return True
    return False
