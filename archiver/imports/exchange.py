"""Descriptions of collections that an export has put beside its files."""

from __future__ import annotations

import json
from pathlib import Path

from archiver.collections.exchange import ExchangeReport, from_json
from archiver.collections.exchangeformat import FILE_NAME
from archiver.errors import UsageError
from archiver.imports.context import Context, Source
from archiver.imports.recognise import Kind
from archiver.imports.report import Taken, refused

_MOST_BYTES = 256 * 1024 * 1024


def take_exchange_alone(source: Source, context: Context) -> Taken:
    """Take a description of a collection in that was given by itself."""
    with context.open(source.name) as stream:
        raw = stream.read(_MOST_BYTES)
    report = Taken(source.title, Kind.DESCRIPTION)
    if not take_description(raw, report, context):
        return refused(source.title, Kind.DESCRIPTION, report.notes[-1], context.tell)
    return report


def take_exchange(path: Path, report: Taken, context: Context) -> bool:
    """Take a description of a collection in, when that is what the file is."""
    if path.name != FILE_NAME or path.stat().st_size > _MOST_BYTES:
        return False
    return take_description(path.read_bytes(), report, context)


def take_description(raw: bytes, report: Taken, context: Context) -> bool:
    """Add what a description says to the collection; False, with the reason noted, when it cannot be read.

    Who may see a collection that is in use already is not for a file to say that comes from wherever.
    """
    try:
        data = json.loads(raw)
        rules = _without_access(data, context) if not context.is_new else 0
        found = from_json(context.holdings, data, context.slug)
    except (UsageError, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, UsageError) else "It is no JSON."
        report.notes.append(f"The description of a collection ({FILE_NAME}) was not taken in. {reason}")
        return False
    report.notes.append(f"What its description of a collection says was added: {_counted(found)}.")
    if rules:
        report.notes.append(f"Its {rules:,} access rules were left out, because the collection held something before.")
    return True


def _without_access(data: object, context: Context) -> int:
    """Take out of a description who may see the collection; how many rules."""
    if not isinstance(data, dict) or not isinstance(data.get("collection"), dict):
        return 0  # said by whoever reads it
    data["collection"]["visibility"] = context.holdings.collections.get(context.slug).visibility.value
    rules = data.get("access_rules")
    if not isinstance(rules, list):
        return 0
    data["access_rules"] = []
    return len(rules)


def _counted(found: ExchangeReport) -> str:
    counts = (("crawl", found.crawls), ("seed", found.seeds), ("description", found.elements), ("access rule", found.rules))
    said = [f"{count:,} {name}{'s' if count != 1 else ''}" for name, count in counts if count]
    return ", ".join(said) or "nothing that was not there"
