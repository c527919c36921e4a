"""The settings, in the API."""

from __future__ import annotations

from dataclasses import dataclass, fields, make_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from archiver.accounts import Role
from archiver.settings import NAMES, Change, change_of, default_of, help_of
from archiver.timestamps import parse_iso
from replay.workbench.api.operations import operation
from replay.workbench.api.schema import Bounds, FieldProblem, Invalid
from replay.workbench.places import context
from replay.workbench.session import current_account
from replay.workbench.settinglist import SettingLine, kept_of, problem_with, setting_lines

_TAG = "Settings"


@dataclass(frozen=True)
class SettingView:
    """A setting. `value` is a text, number or truth, null for a secret, of which `is_set` says whether there is one; passwords
    in addresses are left out. `source`: "environment", "command line", "file", "database" (it was changed here) or "default".
    `fixed_by` says what keeps it from being changed here, "" when nothing does. `change`: "at once"; "restart", so that with
    `is_pending` it counts with the next start, and is `running` until then; or "start", for what is said at the start alone."""

    name: str
    value: object
    is_set: bool
    source: str
    fixed_by: str
    change: Change
    is_pending: bool
    running: object
    choices: tuple[str, ...]
    changed_by: str
    changed_at: datetime | None
    help: str


if TYPE_CHECKING:
    SettingValuesBody = Any
else:
    SettingValuesBody = make_dataclass(
        "SettingValuesBody",
        [
            (name, Annotated[type(default_of(name)) | None, Bounds(help_of(name)[0].upper() + help_of(name)[1:] + ".")], None)
            for name in NAMES
            if change_of(name) is not Change.START
        ],
        frozen=True,
    )
    SettingValuesBody.__doc__ = "Settings and what they are to be; what is left out stays."


@dataclass(frozen=True)
class SettingsChangeBody:
    """What is to be changed, all or none: `values` are kept, and of those in `reset` nothing is, so that the file's or the
    default counts again."""

    values: SettingValuesBody | None = None
    reset: Annotated[tuple[str, ...], Bounds("Names of settings.", longest=100)] = ()


@operation("GET", "/settings", Role.ADMINISTRATOR, _TAG)
def list_settings() -> tuple[SettingView, ...]:
    """List the settings of the running server: what they are, where from, and when a change counts."""
    return tuple(map(_view, setting_lines(context().holdings).values()))


@operation("PATCH", "/settings", Role.ADMINISTRATOR, _TAG)
def change_settings(body: SettingsChangeBody) -> tuple[SettingView, ...]:
    """Change settings; it counts within a second, in all servers of the archive. What the environment or the command line of
    this server says stays (409). Each change is in the audit log."""
    given = {item.name: getattr(body.values, item.name) for item in fields(body.values)} if body.values is not None else {}
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    problems = [
        FieldProblem(f"#/values/{name}", said) for name, value in changes.items() if (said := problem_with(name, value))
    ]
    for number, name in enumerate(body.reset):
        if name not in NAMES:
            problems.append(FieldProblem(f"#/reset/{number}", "There is no such setting."))
        elif name in changes:
            problems.append(FieldProblem(f"#/reset/{number}", "It is among the values, too."))
    if problems:
        raise Invalid(problems)
    kept_of(context().holdings).change({**changes, **dict.fromkeys(body.reset)}, actor=current_account().name)
    return list_settings()


def _view(line: SettingLine) -> SettingView:
    return SettingView(
        line.name, _plain(line.value), line.is_set, line.source, line.fixed_by, line.change, line.is_pending, _plain(line.now),
        () if line.is_switch else line.choices, line.changed_by, parse_iso(line.changed_at) if line.changed_at else None,
        line.help,
    )  # fmt: skip


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float) else str(value)
