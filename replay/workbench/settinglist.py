"""The settings as the workbench and its API show them: value, where it comes from, when a change counts, what fixes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jinja2.filters import do_filesizeformat

from archiver.amounts import human_duration
from archiver.errors import MunimentError, UsageError
from archiver.holdings import Holdings
from archiver.keptsettings import KeptSettings, fixed_by, variable_of
from archiver.settings import (
    DATABASE,
    FIXED_BY,
    NAMES,
    SECRETS,
    Change,
    Settings,
    change_of,
    choices_of,
    default_of,
    help_of,
    source_of,
    typed,
)

#: What a page shows under one heading: name, what it is about, settings in their order.
GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Names", "How this archive calls itself.", ("instance_name", "instance_url", "operator")),
    (
        "Readers",
        "What readers are shown, and what is noted of it.",
        (
            "max_drift_days", "error_drift_days", "record_missing", "other_archives", "other_archives_asked",
            "rewrite_cache_bytes",
        ),
    ),
    (
        "Captures and crawls",
        "What those begin with that say nothing else. Running crawls go on as they are.",
        (
            "collection", "user_agent", "allow_private", "verify_tls", "connections", "connect_timeout", "read_timeout",
            "max_resource_bytes", "max_resource_seconds", "max_page_seconds", "max_page_bytes", "max_page_resources",
            "warc_max_bytes", "chunked", "dedup", "dedup_min_bytes", "test_days",
        ),
    ),
    (
        "Mail",
        "The server that sends notices.",
        ("mail_host", "mail_port", "mail_security", "mail_user", "mail_password", "mail_from"),
    ),
    (
        "Proxies before the servers",
        "Who is believed to say who a reader is, and by what names the workbench is reached.",
        ("trusted_proxies", "forwarded_header", "groups_header", "workbench_names"),
    ),
    ("Work in the background", "What the server does beside showing pages.", ("jobs", "watch_seconds")),
    (
        "Said at the start",
        "Where things are, and on which ports: read before the database is, each by its own process.",
        (
            "archive", "database", "store", "s3_endpoint", "host", "port", "workers", "workbench_port", "proxy_port",
            "proxy_collection", "proxy_time",
        ),
    ),
)  # fmt: skip

_PASSWORD = re.compile(r"(?<=://)([^/@\s]*)@")
#: Settings of several lines.
_LINES = frozenset({"other_archives"})


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting.

    Attributes:
        name: as files and variables have it.
        value: in force in this process; with the next start, where `is_pending`. None for a secret.
        is_set: a secret has a value.
        source: "environment", "command line", "file", "database" or "default".
        help: what it is for.
        change: when a change counts.
        fixed_by: what keeps it from being changed here, for people; "" when nothing does.
        is_pending: the value counts with the next start; until then it is `now`.
        now: the value until then.
        fallback: what it is again when nothing is kept of it; None for a secret.
        fallback_source: where that comes from.
        changed_by, changed_at: who put it into the database, and when (ISO, UTC); "" for nobody.
    """

    name: str
    value: object
    is_set: bool
    source: str
    help: str
    change: Change
    fixed_by: str
    is_pending: bool
    now: object
    fallback: object
    fallback_source: str
    changed_by: str
    changed_at: str

    @property
    def is_kept(self) -> bool:
        """It was changed in the workbench."""
        return self.source == DATABASE

    @property
    def is_secret(self) -> bool:
        """It is never shown."""
        return self.name in SECRETS

    @property
    def is_lines(self) -> bool:
        """It is a text of several lines."""
        return self.name in _LINES

    @property
    def is_number(self) -> bool:
        """It is a number."""
        return isinstance(default_of(self.name), int | float) and not self.is_switch

    @property
    def is_switch(self) -> bool:
        """It is yes or no."""
        return isinstance(default_of(self.name), bool)

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it takes."""
        return ("yes", "no") if self.is_switch else choices_of(self.name)

    @property
    def typed(self) -> str:
        """As it stands in a form."""
        return as_typed(self.value)

    @property
    def label(self) -> str:
        """Its name for people."""
        words = self.name.replace("_", " ").replace("tls", "TLS").replace("warc", "WARC").replace("url", "URL")
        return words[0].upper() + words[1:]

    def told(self, value: object) -> str:
        """A value in words, where they say more than its digits; else as it is typed."""
        text = as_typed(value)
        if isinstance(value, int) and self.name.endswith("_bytes") and value >= 1000:
            return f"{text} ({do_filesizeformat(value)})"
        if isinstance(value, float) and self.name.endswith("_seconds") and value >= 120:
            return f"{text} ({human_duration(value)})"
        return text


def as_typed(value: object) -> str:
    """A value as people type it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) and value < 1e6 else "" if value is None else str(value)


def problem_with(name: str, value: object) -> str:
    """Why a setting cannot have a value; "" when it can."""
    try:
        typed(name, value, DATABASE)
    except MunimentError as error:
        return str(error).replace(f" ({DATABASE})", "")
    return ""


def kept_of(holdings: Holdings) -> KeptSettings:
    """What keeps the settings of a server.

    Raises:
        UsageError: this archive was opened with settings that nobody changes.
    """
    if not isinstance(holdings.kept, KeptSettings):
        raise UsageError("These settings are those of one crawl.", "Change them where the server runs.")
    return holdings.kept


def setting_lines(holdings: Holdings) -> dict[str, SettingLine]:
    """All settings by name."""
    kept = kept_of(holdings)
    now, given, stored = kept.current(), kept.given, kept.kept()
    found = {}
    for name in NAMES:
        change, keeps = change_of(name), stored.get(name) if not kept.is_fixed(name) else None
        value, running = getattr(now, name), getattr(kept.at_start, name)
        is_pending = change is Change.RESTART and value != running
        found[name] = SettingLine(
            name, _shown(name, value), bool(value), source_of(now, name), help_of(name), change, _fixed(kept, given, name),
            is_pending, _shown(name, running if is_pending else value), _shown(name, getattr(given, name)),
            source_of(given, name), keeps.changed_by if keeps else "", keeps.changed_at if keeps else "",
        )  # fmt: skip
    return found


def _shown(name: str, value: object) -> object:
    """What may be shown of a value: no secret, no password of an address."""
    if name in SECRETS:
        return None
    return _PASSWORD.sub("…@", str(value)) if name in ("archive", "database", "store", "s3_endpoint") else value


def _fixed(kept: KeptSettings, given: Settings, name: str) -> str:
    if not kept.is_fixed(name):
        return ""
    if source_of(given, name) in FIXED_BY:
        return fixed_by(given, name)
    return f"where the server is started: in muniment.toml, or as {variable_of(name)}"


def changes_of(form: Mapping[str, str], lines: Mapping[str, SettingLine], names: tuple[str, ...]) -> dict[str, object]:
    """What a form would change: what was typed over, and what is to be as before again (None).

    What somebody else has changed since the form was shown stays, unless it was typed over here, too.
    """
    changes: dict[str, object] = {}
    for name in names:
        line = lines[name]
        if line.fixed_by or name not in form:
            continue
        if form.get(f"reset-{name}") and line.is_kept:
            changes[name] = None
            continue
        text = form[name].replace("\r\n", "\n").strip()
        if text != form.get(f"was-{name}", "").replace("\r\n", "\n").strip():
            changes[name] = text
    return changes
