"""BeautifulSoup is the judge: the scanners find every link that it finds, in real pages and in broken ones."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from tests.archiver.link_judge import broken_page, differences, judged

ROOT = Path(__file__).parent.parent.parent
#: Where pages are, if they are: of this project, of the packages it needs, of Python, of Debian's packages.
SOURCES = (
    *(ROOT / folder for folder in ("sample", "tests", "replay")),
    Path(sysconfig.get_path("purelib")),
    Path(sysconfig.get_path("stdlib")),
    Path("/usr/share/doc/python3.11/html"),
    Path("/usr/share/doc"),
)
#: Characters read of one source, as html5lib reads less than a megabyte a second.
BUDGET = 600_000


def chosen(source: Path) -> tuple[list[Path], int]:
    """Pages of a source that are tried, spread over all of it, and how many it has."""
    pages = sorted(path for path in source.rglob("*.htm*") if path.is_file() and ".venv" not in path.parts[len(source.parts) :])
    taken: list[Path] = []
    room = BUDGET
    step = max(1, sum(path.stat().st_size for path in pages) // BUDGET)
    for path in pages[::step]:
        if path.stat().st_size <= room:
            taken.append(path)
            room -= path.stat().st_size
    return taken, len(pages)


CHOSEN = {source: chosen(source) for source in SOURCES if source.is_dir()}


@pytest.mark.parametrize(
    "source",
    [pytest.param(source, id=f"{source.name}: {len(taken)} of {count} pages") for source, (taken, count) in CHOSEN.items()],
)
def test_real_pages(source: Path) -> None:
    taken, count = CHOSEN[source]
    assert taken or not count
    for path in taken:
        missing, invented = differences(path.read_bytes().decode("utf-8", "replace"))
        assert (missing, invented) == (set(), set()), path


def test_the_project_itself_has_pages_to_try() -> None:
    assert sum(len(taken) for taken, _ in CHOSEN.values()) >= 10


@pytest.mark.parametrize("start", range(0, 600, 100))
def test_broken_pages(start: int) -> None:
    links = 0
    for number in range(start, start + 100):
        page = broken_page(number)
        missing, invented = differences(page)
        assert (missing, invented) == (set(), set()), f"page {number}: {page}"
        links += len(judged(page, "lxml")[1])
    assert links > 300


def test_where_parsers_differ_browsers_are_right() -> None:
    page = "<svg><title><a href=in-title.html></title></svg><title><a href=no.html></title>"
    page += "<a href=1.html<b>x</a><a href='2.html'title=x>"
    lxml, browsers = judged(page, "lxml")[1], judged(page, "html5lib")[1]
    assert lxml != browsers
    assert differences(page) == (set(), set())
