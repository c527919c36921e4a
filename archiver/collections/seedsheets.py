"""Seeds as text and tables, out and in: what a list of them would add and change is known before it is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import (
    RefusedSeed,
    Seed,
    SeedDraft,
    checked,
    limits_from_json,
    limits_to_json,
    rules_from_json,
    rules_to_json,
)
from archiver.collections.spreadsheets import Table, decoded, read_table
from archiver.errors import MunimentError, UsageError
from archiver.plaintext import one_line
from archiver.urls import urlkey

COLUMNS = ("url", "title", "scope", "schedule", "group", "active", "public", "notes", "limits", "rules")
#: Fields of `SeedDraft` that columns have another name for.
FIELDS = {"active": "is_active", "public": "is_public"}
#: What columns are called elsewhere, among them in lists of Archive-It.
_ALIASES = {
    "seed": "url", "seed url": "url", "uri": "url", "frequency": "schedule", "type": "scope", "seed type": "scope",
    "seed group": "group", "seed_type": "scope", "publicly_visible": "public", "note": "notes", "name": "title",
    "seed_groups": "group", "groups": "group", "status": "active", "access": "public",
}  # fmt: skip
#: What Archive-It's lists have besides, which is about its own database, or is told by the archive itself; passed over.
_PASSED_OVER = frozenset(
    (
        *("id", "seed id", "collection", "collection id", "canonical_url", "crawl_definition", "valid", "metadata"),
        *("http_response_code", "last_checked_http_response_code", "login_username", "login_password"),
        *("created", "created_by", "created_date", "last updated", "last_updated_by", "last_updated_date"),
    )
)
_SCOPES = {
    "standard": "prefix",
    "normal": "prefix",
    "one page": "page",
    "one page+": "page+1",
    "one_page": "page",
    "one_page_plus": "page+1",
}
_SCHEDULES = {
    "one_time": "once", "one-time": "once", "one time": "once", "twice_daily": "twice-daily", "twice daily": "twice-daily",
    "bi-monthly": "bimonthly", "semi-annual": "semiannual", "none": "",
}  # fmt: skip
_YES = ("yes", "true", "1", "active", "public")
_NO = ("no", "false", "0", "inactive", "private")
_COMMENT = re.compile(r"(?:\A|[ \t]+)#(?:[ \t].*|\Z)|\A#.*")
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """A seed in a list.

    Attributes:
        row: where it stands, from 1.
        draft: as it is written.
        said: which fields of it the list says at all.
    """

    row: int
    draft: SeedDraft
    said: frozenset[str]


@dataclass(frozen=True, slots=True)
class SeedChanges:
    """What a list would do.

    Attributes:
        new: seeds to be added.
        changed: seeds that are there, and what would be said of them.
        same: seeds that are there as the list says them.
        refused: what is not taken, and why.
    """

    new: tuple[SeedDraft, ...]
    changed: tuple[tuple[Seed, SeedDraft], ...]
    same: int
    refused: tuple[RefusedSeed, ...]


# -- out -------------------------------------------------------------------------------------------------------------


def table_of(seeds: Iterable[Seed]) -> Table:
    """A table of seeds, a row each."""
    return [
        list(COLUMNS),
        *([cell(seed.draft, name) for name in COLUMNS] for seed in seeds),
    ]


def cell(draft: SeedDraft, name: str) -> str:
    """What a table says of a seed in one of its columns."""
    if name == "limits":
        return limits_to_json(draft.limits)
    if name == "rules":
        return rules_to_json(draft.rules)
    value: str | bool = getattr(draft, FIELDS.get(name, name))
    return ("yes" if value else "no") if isinstance(value, bool) else value


# -- in --------------------------------------------------------------------------------------------------------------


def read_list(data: bytes) -> tuple[list[Listed], list[RefusedSeed]]:
    """The seeds of a file: a table whose first row names a column "url", or one URL a line.

    Raises:
        UsageError: it is neither.
    """
    if not data.startswith(b"PK\x03\x04"):
        text = decoded(data)
        first = [re.sub(r'["\s]+', " ", name).strip().lower() for name in re.split(r"[,;\t]", text.partition("\n")[0])]
        if "url" not in first and not any(_ALIASES.get(name) == "url" for name in first):
            return read_lines(text)
    return read_rows(read_table(data))


def read_lines(text: str) -> tuple[list[Listed], list[RefusedSeed]]:
    """Seeds one a line, as `muniment crawl --seeds` has them: a URL, with "scope=…" behind it where it needs one."""
    found: list[Listed] = []
    refused: list[RefusedSeed] = []
    for row, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        written = _COMMENT.sub("", line.strip()).strip()
        if not written:
            continue
        url, *options = written.split()
        scope, said = "", {"url"}
        wrong = ""
        for option in options:
            word, equals, value = option.partition("=")
            if word.lower() != "scope" or not equals:
                wrong = f"“{one_line(option)[:80]}” means nothing there. Write one address a line; only scope=… may follow."
            scope, said = value, said | {"scope"}
        if wrong:
            refused.append(RefusedSeed(one_line(written)[:_SHOWN], wrong, False, row))
        else:
            found.append(Listed(row, SeedDraft(url, scope=scope), frozenset(said)))
    return found, refused


def read_rows(table: Table) -> tuple[list[Listed], list[RefusedSeed]]:
    """Seeds of a table, whose first row names the columns; columns that are not known are refused.

    Raises:
        UsageError: no column is called "url", or a column is not known.
    """
    names = [one_line(name).lower() for name in table[0]]
    names = ["" if name in _PASSED_OVER else _ALIASES.get(name, name) for name in names]
    if "url" not in names:
        raise UsageError("The first row of that table does not name a column “url”.", "Export one to see how it looks.")
    if unknown := [name for name in names if name and name not in (*COLUMNS, "deleted")]:
        raise UsageError(
            f"Seeds have no “{', '.join(unknown)[:100]}”.", f"Known columns are: {', '.join(COLUMNS)}. Take others out."
        )
    found: list[Listed] = []
    refused: list[RefusedSeed] = []
    for row, values in enumerate(table[1:], 2):
        cells = {name: value for name, value in zip(names, values, strict=False) if name}
        try:
            if cells.pop("deleted", "").lower() in _YES:
                raise UsageError("It was deleted where the list comes from.", "Take “deleted” out of the list to add it.")
            found.append(Listed(row, _draft(cells), frozenset(FIELDS.get(name, name) for name in cells)))
        except MunimentError as error:
            refused.append(RefusedSeed(one_line(cells.get("url", ""))[:_SHOWN], str(error), False, row))
    return found, refused


def _draft(cells: dict[str, str]) -> SeedDraft:
    scope, schedule = cells.get("scope", "").lower(), cells.get("schedule", "").lower()
    if scope in ("standard+", "standard_plus"):
        raise UsageError("There is no scope like “Standard+”.", "Use prefix, and links outside (extra hops) in the collection.")
    return SeedDraft(
        cells["url"] if cells.get("url") else "",
        title=cells.get("title", ""),
        scope=_SCOPES.get(scope, scope),
        schedule=_SCHEDULES.get(schedule, schedule),
        group=cells.get("group", ""),
        is_active=_yes(cells, "active"),
        is_public=_yes(cells, "public"),
        notes=cells.get("notes", ""),
        limits=limits_from_json(cells.get("limits", "")),
        rules=rules_from_json(cells.get("rules", "")),
    )


def _yes(cells: dict[str, str], name: str) -> bool:
    word = cells.get(name, "").lower()
    if word not in (*_YES, *_NO, ""):
        raise UsageError(f"“{one_line(word)[:40]}” in the column “{name}” is neither yes nor no.", "Write yes or no.")
    return word not in _NO


def changes_of(
    registry: SeedRegistry, slug: str, listed: Sequence[Listed], *, refused: Sequence[RefusedSeed] = (), update: bool = False
) -> SeedChanges:
    """What a list would do to a collection; nothing is done.

    Args:
        registry: the seeds of the archive.
        slug: of the collection.
        listed: from one of the readers above.
        refused: by it.
        update: seeds that are there are changed to what the list says; otherwise they are refused as duplicates.
    """
    known = {seed.url: seed for seed in registry.list(slug)}
    keys = {seed.urlkey: seed.url for seed in known.values()}
    new: dict[str, SeedDraft] = {}
    changed: dict[str, tuple[Seed, SeedDraft]] = {}
    same = 0
    told = list(refused)
    for item in listed:
        try:
            good = checked(item.draft)
        except MunimentError as error:
            told.append(RefusedSeed(one_line(item.draft.url)[:_SHOWN], str(error), False, item.row))
            continue
        before = known.get(good.url)
        if good.url in new or good.url in changed or (before is not None and not update):
            reason = "It is a seed of this collection already." if before is not None else "It is in this list twice."
            told.append(RefusedSeed(good.url, reason, True, item.row))
        elif before is None and (twin := keys.get(urlkey(good.url))) is not None:
            told.append(RefusedSeed(good.url, f"It is {twin} in another spelling.", True, item.row))
        elif before is None:
            new[good.url] = good
            keys[urlkey(good.url)] = good.url
        else:
            after = checked(replace(before.draft, **{name: getattr(good, name) for name in item.said}))
            if after == before.draft:
                same += 1
            else:
                changed[good.url] = (before, after)
    told.sort(key=lambda item: item.row)
    return SeedChanges(tuple(new.values()), tuple(changed.values()), same, tuple(told))


def make(
    registry: SeedRegistry, slug: str, changes: SeedChanges, *, actor: str | None = None, adjust: dict[str, Any] | None = None
) -> tuple[int, int]:
    """Do what was found; how many seeds were added and changed.

    Args:
        registry: the seeds of the archive.
        slug: of the collection.
        changes: as found.
        actor: who does it.
        adjust: what is said of all new seeds whose list does not say it, such as their group: fields of `SeedDraft`.

    Raises:
        MunimentError: as adding and changing seeds does.
    """
    report = registry.add(slug, [filled(draft, adjust or {}) for draft in changes.new], actor=actor)
    for seed, draft in changes.changed:
        registry.change(seed.number, draft, actor=actor)
    return len(report.added), len(changes.changed)


def filled(draft: SeedDraft, adjust: Mapping[str, Any]) -> SeedDraft:
    """A seed of which something is said that its list does not say: what it has as any seed."""
    missing = {name: value for name, value in adjust.items() if getattr(draft, name) == getattr(_PLAIN, name)}
    return replace(draft, **missing)


_PLAIN = SeedDraft("")
