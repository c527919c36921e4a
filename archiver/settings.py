"""Every setting in one table: name, type, default, help, when a change counts.

Defaults < file < what was changed in the workbench (see `archiver.keptsettings`) < environment < command line.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from archiver.elsewhere.archives import parse_archives
from archiver.errors import UnknownSetting, UsageError

#: Environment variables that name settings start with this.
ENVIRONMENT_PREFIX = "MUNIMENT_"

#: The settings file, in the archive home.
FILE_NAME = "muniment.toml"

#: Tells server processes where the settings in their environment come from: names and sources. Not a setting itself.
_SOURCES = "_MUNIMENT_SOURCES"
#: Sources of values that what is kept in the database does not replace. A plan is that of a crawl.
ENVIRONMENT, COMMAND_LINE, PLAN = "environment", "command line", "plan"
FILE, DATABASE, DEFAULT = "file", "database", "default"
FIXED_BY = frozenset({ENVIRONMENT, COMMAND_LINE, PLAN})

_MB = 1024 * 1024


class Change(StrEnum):
    """When a change counts: within a second; with the next start; or it is said where the server is started, alone."""

    AT_ONCE = "at once"
    RESTART = "restart"
    START = "start"


def _setting(default: Any, help: str, change: Change = Change.AT_ONCE) -> Any:
    return field(default=default, metadata={"help": help, "change": change})


@dataclass(frozen=True)
class Settings:
    """The settings of one run. `sources` says where each value came from; a default has no entry."""

    archive: Path = _setting(Path("warcs"), "folder that holds the archive", change=Change.START)
    database: str = _setting("", "database URL; empty for SQLite in the archive folder", change=Change.START)
    store: str = _setting(
        "",
        "where WARC files are kept: a folder, or object storage such as s3://bucket/prefix; empty for the archive folder",
        change=Change.START,
    )
    s3_endpoint: str = _setting(
        "", "URL of the service that s3:// means; empty for AWS_ENDPOINT_URL, or Amazon's", change=Change.START
    )
    collection: str = _setting("default", "collection that commands work on")
    instance_name: str = _setting("Muniment", "name of this archive, as the banner says it")
    instance_url: str = _setting("", "home page of this archive; empty for the reader's own")
    operator: str = _setting("", "who runs the captures, for warcinfo records")
    user_agent: str = _setting(
        "Mozilla/5.0 (compatible; Muniment/0.1; web archiving)", "how captures introduce themselves to servers"
    )
    allow_private: bool = _setting(False, "let captures reach loopback and private addresses")
    verify_tls: bool = _setting(True, "refuse servers with invalid certificates")
    connections: int = _setting(
        16,
        "requests at a time within one page capture, and, once it is set, in each process of a crawl (which has 64 otherwise)",
    )
    connect_timeout: float = _setting(20.0, "seconds to wait for a connection")
    read_timeout: float = _setting(30.0, "seconds of silence after which a response is cut")
    max_resource_bytes: int = _setting(2048 * _MB, "response size in bytes at which a resource is cut; 0 for no limit")
    max_resource_seconds: float = _setting(600.0, "seconds after which a resource is cut; 0 for no limit")
    max_page_seconds: float = _setting(1800.0, "seconds after which a page capture ends; 0 for no limit")
    max_page_bytes: int = _setting(20_480 * _MB, "bytes received after which a page capture ends; 0 for no limit")
    max_page_resources: int = _setting(5000, "URLs of one page capture; 0 for no limit")
    warc_max_bytes: int = _setting(1_000_000_000, "size in bytes at which a WARC file is finished")
    chunked: str = _setting("portable", "how chunked responses are stored: portable or exact")
    dedup: str = _setting(
        "collection", "what is held already is recorded as a revisit: looked for in the collection or the whole archive, or off"
    )
    dedup_min_bytes: int = _setting(256, "bytes of a response's body below which it is never recorded as a revisit")
    host: str = _setting("127.0.0.1", "address the reader and the proxy listen on", change=Change.START)
    port: int = _setting(8080, "port of the reader", change=Change.START)
    workbench_port: int = _setting(8081, "port of the workbench, always on loopback", change=Change.START)
    workbench_names: str = _setting(
        "", "host names, with ports and separated by commas, by which the workbench is reached through a proxy of one's own"
    )
    workers: int = _setting(1, "processes of the reader", change=Change.START)
    watch_seconds: float = _setting(
        5.0, "seconds between two looks of the server into watched folders; 0 to look into none", change=Change.RESTART
    )
    jobs: int = _setting(
        2, "jobs that the server does at a time; 0 leaves them, and schedules, to muniment work", change=Change.RESTART
    )
    mail_host: str = _setting("", "mail server that sends notices; empty for none")
    mail_port: int = _setting(587, "port of the mail server")
    mail_from: str = _setting("", "address that notices come from")
    mail_user: str = _setting("", "name at the mail server; empty for none")
    mail_password: str = _setting("", "password at the mail server; better in the environment than in a file")
    mail_security: str = _setting("starttls", "how the mail server is spoken to: starttls, tls or none")
    test_days: int = _setting(14, "days after which a test crawl that nobody saved is discarded")
    proxy_port: int = _setting(0, "port of the replay proxy; 0 for no proxy", change=Change.START)
    proxy_collection: str = _setting(
        "all", "collection that the proxy shows to clients that name none; empty to ask each", change=Change.START
    )
    proxy_time: str = _setting(
        "", "time, 1 to 14 digits, that the proxy shows to clients that name none; empty for the newest", change=Change.START
    )
    max_drift_days: int = _setting(0, "days that a capture may be away from the time asked for; 0 for no limit")
    error_drift_days: int = _setting(30, "days away from a server's error that a capture without one is shown in its place")
    trusted_proxies: str = _setting(
        "", "addresses or networks of proxies before the servers that are believed who their client is, such as 127.0.0.1"
    )
    forwarded_header: str = _setting(
        "X-Forwarded-For", "header in which trusted proxies name their client: X-Forwarded-For or Forwarded"
    )
    groups_header: str = _setting("", "header in which trusted proxies name the groups of a reader; empty for none")
    record_missing: bool = _setting(False, "note which parts of archived pages readers' browsers asked for in vain")
    other_archives: str = _setting(
        "", "other archives that may be asked for what is missing here, one a line: name, TimeGate, TimeMap; empty for none"
    )
    other_archives_asked: str = _setting(
        "by_readers", "when other archives are asked: by_readers who follow a link to that end, or for each page missing"
    )
    rewrite_cache_bytes: int = _setting(
        1024 * _MB, "room on disk for rewritten pages, in bytes; 0 keeps none", change=Change.RESTART
    )
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


NAMES: tuple[str, ...] = tuple(item.name for item in fields(Settings) if item.name != "sources")
_DEFAULTS = {item.name: item.default for item in fields(Settings) if item.name != "sources"}
_CHOICES = {
    "chunked": ("portable", "exact"),
    "other_archives_asked": ("by_readers", "missing"),
    "dedup": ("collection", "archive", "off"),
    "forwarded_header": ("X-Forwarded-For", "Forwarded"),
    "mail_security": ("starttls", "tls", "none"),
}
#: Texts that have to say something.
_NEEDED = frozenset({"collection", "instance_name", "user_agent"})
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
#: What numbers may be at most: more of them no calendar, clock or machine can count.
_MOST = {
    "max_drift_days": 100_000, "error_drift_days": 100_000, "test_days": 36_500, "connections": 256, "workers": 256, "jobs": 64,
    "connect_timeout": 86_400, "read_timeout": 86_400, "watch_seconds": 86_400, "max_resource_seconds": 31_622_400,
    "max_page_seconds": 31_622_400,
}  # fmt: skip
_MOST_OF_ALL = 2**53
#: Letters that texts may have which are typed into a form, where it is not the usual number.
_LONGEST = {"instance_name": 200, "other_archives": 10_000}
_PORTS = frozenset({"port", "workbench_port", "proxy_port", "mail_port"})


_METADATA = {item.name: item.metadata for item in fields(Settings) if item.name != "sources"}
#: Settings that are never shown, only replaced.
SECRETS = frozenset({"mail_password"})


def help_of(name: str) -> str:
    """What a setting is for."""
    return str(_METADATA[name]["help"])


def change_of(name: str) -> Change:
    """When a change of a setting counts."""
    found: Change = _METADATA[name]["change"]
    return found


def default_of(name: str) -> object:
    """What a setting is that nobody has set; of its type are all its values."""
    return _DEFAULTS[name]


def choices_of(name: str) -> tuple[str, ...]:
    """The words that a setting takes; empty where it takes others."""
    return _CHOICES.get(name, ())


def source_of(settings: Settings, name: str) -> str:
    """Where the value of a setting comes from."""
    return settings.sources.get(name, DEFAULT)


def as_environment(settings: Settings) -> dict[str, str]:
    """Settings as environment variables, for processes that are begun: they read them again with their sources."""
    values = {f"{ENVIRONMENT_PREFIX}{name.upper()}": str(getattr(settings, name)) for name in NAMES}
    return {**values, _SOURCES: ";".join(f"{name}={source_of(settings, name)}" for name in NAMES)}


def load_settings(overrides: Mapping[str, object] | None = None, *, environ: Mapping[str, str]) -> Settings:
    """The settings of this run.

    Args:
        overrides: from the command line; None values do not count.
        environ: the environment.

    Raises:
        UnknownSetting: the file, the environment or the command line names a setting that does not exist.
        UsageError: a value is not of the setting's type, or the file cannot be read.
    """
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    from_environment = {
        key.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for key, value in environ.items()
        if key.startswith(ENVIRONMENT_PREFIX)
    }
    home = Path(str(given.get("archive") or from_environment.get("archive") or _DEFAULTS["archive"]))
    for source, layer in (
        (FILE, _read_file(home / FILE_NAME)),
        (ENVIRONMENT, from_environment),
        (COMMAND_LINE, given),
    ):
        for name, value in layer.items():
            values[name] = typed(name, value, source)
            sources[name] = source
    for word in environ.get(_SOURCES, "").split(";"):
        name, _, source = word.partition("=")
        if sources.get(name) == ENVIRONMENT:  # where the process that began this one has it from
            sources[name] = source
    return Settings(**values, sources=sources)  # type: ignore[arg-type]


def _read_file(path: Path) -> dict[str, object]:
    try:
        text = path.read_text("utf-8")
        import tomllib  # takes a while, and few have the file

        return tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:  # also of broken UTF-8 and TOML
        raise UsageError(f"The settings file {path} cannot be read: {error}.", "Mend or remove it.") from error


def typed(name: str, value: object, source: str) -> object:
    """A value of a setting as it is kept.

    Raises:
        UnknownSetting: there is no setting of that name.
        UsageError: the setting cannot have that value.
    """
    if name not in _DEFAULTS:
        near = difflib.get_close_matches(name, NAMES, 1)
        raise UnknownSetting(
            f"There is no setting “{name}” ({source}).", f"Did you mean “{near[0]}”?" if near else "See the README."
        )
    default = _DEFAULTS[name]
    try:
        made = _convert(value, default)
    except ValueError as error:
        wanted = {bool: "yes or no", int: "a whole number", float: "a number"}.get(type(default), "text")
        raise UsageError(f"The setting “{name}” must be {wanted}, not “{value}” ({source}).") from error
    if isinstance(made, int | float) and not isinstance(made, bool) and made < 0:
        raise UsageError(f"The setting “{name}” must not be negative ({source}).")
    if name in _PORTS and isinstance(made, int) and made > 65535:
        raise UsageError(f"The setting “{name}” must be a port from 0 to 65535, not {made} ({source}).")
    if name in ("connections", "workers") and made == 0:
        raise UsageError(f"The setting “{name}” must be at least 1 ({source}).")
    if isinstance(made, int | float) and made > (most := _MOST.get(name, _MOST_OF_ALL)):
        raise UsageError(f"The setting “{name}” must be {most:,} at most ({source}).")
    if isinstance(made, str):
        _check_text(name, made, source)
    return made


def _check_text(name: str, text: str, source: str) -> None:
    if name in _CHOICES and text not in _CHOICES[name]:
        raise UsageError(f"The setting “{name}” must be one of {', '.join(_CHOICES[name])}, not “{text}” ({source}).")
    if source == DATABASE and len(text) > (longest := _LONGEST.get(name, 2000)):
        raise UsageError(f"The setting “{name}” must be {longest:,} letters at most ({source}).")
    if name == "other_archives":
        parse_archives(text)
    elif source == DATABASE and not text.replace("\n", " " if name == "trusted_proxies" else "\n").isprintable():
        raise UsageError(f"The setting “{name}” must be one line without control characters ({source}).")
    if name == "trusted_proxies":
        _check_networks(text, source)
    if name in _NEEDED and not text.strip():
        raise UsageError(f"The setting “{name}” must not be empty ({source}).")
    if name == "user_agent" and any(ord(letter) > 255 for letter in text):
        raise UsageError(f"The setting “{name}” must be of ASCII or Latin-1 letters: it is sent in a header ({source}).")
    if name == "groups_header" and not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]*", text):
        raise UsageError(f"The setting “{name}” must be the name of a header, such as X-Groups, not “{text}” ({source}).")
    if name == "instance_url" and text and not re.match(r"https?://[^\s/?#]+", text):
        raise UsageError(f"The setting “{name}” must be a web address, such as https://archive.example.org/ ({source}).")
    if name == "mail_from" and text and not re.search(r"[^\s@<]@[^\s@>]", text):
        raise UsageError(f"The setting “{name}” must be an e-mail address ({source}).")


def _check_networks(text: str, source: str) -> None:
    for item in re.split(r"[,\s]+", text):
        try:
            ipaddress.ip_network(item or "127.0.0.1", strict=False)
        except ValueError as error:
            raise UsageError(
                f"The setting “trusted_proxies” names “{item}”, which is no IP address or network ({source}).",
                "Write such as 127.0.0.1 10.0.0.0/8.",
            ) from error


def _convert(value: object, default: object) -> object:
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError(word)
        return word in _TRUE
    if isinstance(default, int):
        return int(str(value))
    if isinstance(default, float):
        number = float(str(value))
        if not number < float("inf"):
            raise ValueError(value)
        return number
    if isinstance(default, Path):
        return Path(str(value))
    return str(value)
