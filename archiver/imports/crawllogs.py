"""The folder of a Heritrix job as it is: each of its launches becomes a crawl, with its seeds and what its files say of it.

Heritrix 3 keeps in a job's folder crawler-beans.cxml and seeds.txt, and below one folder a launch, with warcs/ and
logs/crawl.log (heritrix3: Crawl Log, docs/operating.rst). Of the configuration only what describes the crawl is taken: it may
hold passwords.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lxml import etree

from archiver.collections.imported import ImportedCrawl
from archiver.errors import InvalidTimestamp
from archiver.plaintext import one_line
from archiver.timestamps import parse_iso

CRAWL_LOG = "crawl.log"
_SEEDS, _BEANS = "seeds.txt", "crawler-beans.cxml"

_MOST_BEANS = 8 * 1024 * 1024
_MOST_LINE = 64 * 1024
_MOST_SEEDS = 100_000
#: What of the configuration describes the crawl.
_METADATA = re.compile(
    r"metadata\.(jobName|description|operator|operatorFrom|operatorContactUrl|organization|audience|userAgentTemplate)"
)


@dataclass(frozen=True, slots=True)
class Launch:
    """One run of a crawler.

    Attributes:
        folder: of its files.
        crawl: what is known of it.
        sentence: that, for people.
    """

    folder: Path
    crawl: ImportedCrawl
    sentence: str


@dataclass
class LogSummary:
    """A crawl.log in numbers: its lines, those without an answer, lines by class of status, first and last date."""

    urls: int = 0
    failed: int = 0
    unreadable: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None


def crawls_below(root: Path) -> Iterator[Launch]:
    """The runs of Heritrix whose files lie in a folder or below."""
    folders = dict.fromkeys(path.parent for path in _found(root))
    launches = [folder.parent if folder.name == "logs" else folder for folder in folders]
    if not launches and (root / _BEANS).is_file():
        launches = [root]  # a job of which only configuration and WARC files were kept
    for folder in launches:
        yield _launch(folder, root)


def _found(root: Path) -> list[Path]:
    """The logs, each once, although "latest" is a link to the newest run."""
    real = {path.resolve(): path for path in sorted(root.rglob(CRAWL_LOG), reverse=True) if path.is_file()}
    return sorted(path for path in real if path.is_relative_to(root))


def _launch(folder: Path, root: Path) -> Launch:
    log = next((place for place in (folder / "logs" / CRAWL_LOG, folder / CRAWL_LOG) if place.is_file()), None)
    summary = summary_of(log) if log is not None else LogSummary()
    seeds_file, beans = _upwards(folder, root, _SEEDS), _upwards(folder, root, _BEANS)
    seeds = seeds_of(seeds_file) if seeds_file is not None else []
    about: dict[str, Any] = {"format": "Heritrix", "source": folder.name, **(described(beans) if beans is not None else {})}
    if log is not None:
        about["log"] = {"urls": summary.urls, "failed": summary.failed, "statuses": dict(sorted(summary.statuses.items()))}
    job = about.get("jobName") or (beans or folder).parent.name
    identity = f"heritrix {job} {folder.name} {summary.first.isoformat() if summary.first else ''}".strip()
    name = one_line(str(job))
    sentence = f"A crawl by Heritrix ({name}, {folder.name}) with {len(seeds):,} seeds"
    if log is not None:
        sentence += f": its log has {summary.urls:,} URLs, {summary.failed:,} of them without an answer"
    if summary.unreadable:
        sentence += f", and {summary.unreadable:,} lines that cannot be read"
    return Launch(folder, ImportedCrawl(identity, seeds, summary.first, summary.last, about), f"{sentence}.")


def _upwards(folder: Path, root: Path, name: str) -> Path | None:
    """A file of that name in a folder or in those above it, up to `root`."""
    for place in (folder, *folder.parents):
        if (place / name).is_file():
            return place / name
        if place == root:
            break
    return None


def seeds_of(path: Path) -> list[str]:
    """The seeds in a seeds.txt: one URL a line; remarks and directives ("#", "+", "-") are none."""
    found: dict[str, None] = {}
    for line in _lines(path):
        words = line.split()
        if words and not words[0].startswith(("#", "+", "-")) and len(found) < _MOST_SEEDS:
            found[one_line(words[0])] = None
    return list(found)


def summary_of(path: Path) -> LogSummary:
    """Read a crawl.log: date, status, size, URL and more in each line; statuses below 1 mean that there was no answer."""
    found = LogSummary()
    for line in _lines(path):
        words = line.split(None, 4)
        if not words:
            continue
        try:
            moment, status = parse_iso(words[0]), int(words[1])
        except (InvalidTimestamp, ValueError, IndexError):
            found.unreadable += 1
            continue
        found.urls += 1
        found.failed += status < 1
        found.statuses[f"{status // 100}xx" if status > 99 else "other" if status > 0 else "none"] += 1
        found.first = moment if found.first is None else min(found.first, moment)
        found.last = moment if found.last is None else max(found.last, moment)
    return found


def described(path: Path) -> dict[str, str]:
    """What a crawler-beans.cxml says of the crawl; empty when it cannot be read."""
    if path.stat().st_size > _MOST_BEANS:
        return {}
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True)
    try:
        root = etree.fromstring(path.read_bytes(), parser)
    except (etree.XMLSyntaxError, ValueError, OSError):
        return {}
    if root is None:
        return {}
    found: dict[str, str] = {}
    for node in root.iter("{*}property"):
        name, value = node.get("name") or "", node.get("value")
        if value and _METADATA.fullmatch(f"metadata.{name}") and "metadata" in (node.getparent().get("id") or ""):
            found[name] = one_line(value)
    for node in root.iter("{*}value"):
        for line in (node.text or "").splitlines():
            key, _, value = line.strip().partition("=")
            if match := _METADATA.fullmatch(key.strip()):
                found[match.group(1)] = one_line(value)
    return {name: value for name, value in found.items() if value and not value.startswith("ENTER_")}


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as stream:
        while line := stream.readline(_MOST_LINE):
            yield line.decode("utf-8", "replace")
