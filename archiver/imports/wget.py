"""The output of wget (`--warc-file`): each WARC file is a crawl, its seeds the URLs on wget's command line."""

from __future__ import annotations

import shlex
from pathlib import Path

from archiver.collections.imported import ImportedCrawl
from archiver.errors import DamagedRecord, InvalidURL
from archiver.imports.context import Context
from archiver.imports.report import Taken
from archiver.urls import is_http, parse_url
from archiver.warc.reader import StoredRecord, iter_records

_MOST_INFO = 256 * 1024


def wget_crawl(path: Path, report: Taken, context: Context) -> int | None:
    """The number of the crawl that a WARC file by wget is of; None for files by others."""
    with path.open("rb") as stream:
        first = next(iter_records(stream), None)
        if not isinstance(first, StoredRecord) or first.record_type != "warcinfo" or first.content_length > _MOST_INFO:
            return None
        try:
            fields = _fields(b"".join(first.payload()))
        except DamagedRecord:
            return None
    if not fields.get("software", "").startswith("Wget"):
        return None
    seeds = seeds_of(fields.get("wget-arguments", ""))
    about = {"format": "wget", "source": path.name, "software": fields["software"], "robots": fields.get("robots", "")}
    crawl = ImportedCrawl(f"wget {first.record_id}", seeds, first.date, first.date, about)
    number = context.crawls.note(context.slug, crawl)
    report.notes.append(f"A crawl by {fields['software'].partition(' ')[0]} ({path.name}) that began with {_named(seeds)}.")
    return number


def seeds_of(arguments: str) -> list[str]:
    """The URLs among the arguments of wget, without passwords; nothing else of them is kept, for they may hold secrets."""
    try:
        words = shlex.split(arguments)
    except ValueError:
        words = arguments.replace('"', " ").split()
    found: dict[str, None] = {}
    for word in words:
        try:
            url = parse_url(word)
        except InvalidURL:
            continue
        scheme, _, rest = url.partition("://")
        authority, slash, path = rest.partition("/")
        if is_http(url):
            found[f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"] = None
    return list(found)


def _fields(block: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _named(seeds: list[str]) -> str:
    if not seeds:
        return "no URL on its command line"
    return seeds[0] if len(seeds) == 1 else f"{seeds[0]} and {len(seeds) - 1:,} more URLs"
