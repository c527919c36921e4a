"""Every setting in one table: name, type, default, help. Defaults < file < environment < command line."""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from archiver.elsewhere.archives import parse_archives
from archiver.errors import UnknownSetting, UsageError

#: Environment variables that name settings start with this.
ENVIRONMENT_PREFIX = "MUNIMENT_"

#: The settings file, in the archive home.
FILE_NAME = "muniment.toml"

_MB = 1024 * 1024


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Settings:
    """The settings of one run. `sources` says where each value came from: default, file, environment or command line."""

    archive: Path = _setting(Path("warcs"), "folder that holds the archive")
    database: str = _setting("", "database URL; empty for SQLite in the archive folder")
    store: str = _setting(
        "", "where WARC files are kept: a folder, or object storage such as s3://bucket/prefix; empty for the archive folder"
    )
    s3_endpoint: str = _setting("", "URL of the service that s3:// means; empty for AWS_ENDPOINT_URL, or Amazon's")
    collection: str = _setting("default", "collection that commands work on")
    instance_name: str = _setting("Muniment", "name of this archive, as the banner says it")
    instance_url: str = _setting("", "home page of this archive; empty for the reader's own")
    operator: str = _setting("", "who runs the captures, for warcinfo records")
    user_agent: str = _setting(
        "Mozilla/5.0 (compatible; Muniment/0.1; web archiving)", "how captures introduce themselves to servers"
    )
    allow_private: bool = _setting(False, "let captures reach loopback and private addresses")
    verify_tls: bool = _setting(True, "refuse servers with invalid certificates")
    connections: int = _setting(16, "requests at a time within one page capture")
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
    host: str = _setting("127.0.0.1", "address the reader and the proxy listen on")
    port: int = _setting(8080, "port of the reader")
    workbench_port: int = _setting(8081, "port of the workbench, always on loopback")
    workbench_names: str = _setting(
        "", "host names, with ports and separated by commas, by which the workbench is reached through a proxy of one's own"
    )
    workers: int = _setting(1, "processes of the reader")
    watch_seconds: float = _setting(5.0, "seconds between two looks of the server into watched folders; 0 to look into none")
    jobs: int = _setting(2, "jobs that the server does at a time; 0 leaves them, and schedules, to muniment work")
    mail_host: str = _setting("", "mail server that sends notices; empty for none")
    mail_port: int = _setting(587, "port of the mail server")
    mail_from: str = _setting("", "address that notices come from")
    mail_user: str = _setting("", "name at the mail server; empty for none")
    mail_password: str = _setting("", "password at the mail server; better in the environment than in a file")
    mail_security: str = _setting("starttls", "how the mail server is spoken to: starttls, tls or none")
    test_days: int = _setting(14, "days after which a test crawl that nobody saved is discarded")
    proxy_port: int = _setting(0, "port of the replay proxy; 0 for no proxy")
    proxy_collection: str = _setting("all", "collection that the proxy shows to clients that name none; empty to ask each")
    proxy_time: str = _setting("", "time, 1 to 14 digits, that the proxy shows to clients that name none; empty for the newest")
    max_drift_days: int = _setting(0, "days that a capture may be away from the time asked for; 0 for no limit")
    error_drift_days: int = _setting(30, "days away from a server's error that a capture without one is shown in its place")
    trusted_proxies: str = _setting(
        "", "addresses or networks of proxies before the reader that are believed who their client is, such as 127.0.0.1"
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
    rewrite_cache_bytes: int = _setting(1024 * _MB, "room on disk for rewritten pages, in bytes; 0 keeps none")
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
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_PORTS = frozenset({"port", "workbench_port", "proxy_port", "mail_port"})


def help_of(name: str) -> str:
    """What a setting is for."""
    return str(next(item for item in fields(Settings) if item.name == name).metadata["help"])


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
        ("file", _read_file(home / FILE_NAME)),
        ("environment", from_environment),
        ("command line", given),
    ):
        for name, value in layer.items():
            values[name] = _typed(name, value, source)
            sources[name] = source
    return Settings(**values, sources=sources)  # type: ignore[arg-type]


def _read_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The settings file {path} cannot be read: {error}.", "Mend or remove it.") from error


def _typed(name: str, value: object, source: str) -> object:
    if name not in _DEFAULTS:
        near = difflib.get_close_matches(name, NAMES, 1)
        raise UnknownSetting(
            f"There is no setting “{name}” ({source}).", f"Did you mean “{near[0]}”?" if near else "See the README."
        )
    default = _DEFAULTS[name]
    try:
        typed = _convert(value, default)
    except ValueError as error:
        wanted = {bool: "yes or no", int: "a whole number", float: "a number"}.get(type(default), "text")
        raise UsageError(f"The setting “{name}” must be {wanted}, not “{value}” ({source}).") from error
    if isinstance(typed, int | float) and not isinstance(typed, bool) and typed < 0:
        raise UsageError(f"The setting “{name}” must not be negative ({source}).")
    if name in _PORTS and isinstance(typed, int) and typed > 65535:
        raise UsageError(f"The setting “{name}” must be a port from 0 to 65535, not {typed} ({source}).")
    if name in ("connections", "workers") and typed == 0:
        raise UsageError(f"The setting “{name}” must be at least 1 ({source}).")
    if name == "trusted_proxies":
        _check_networks(str(typed), source)
    if name == "other_archives":
        parse_archives(str(typed))
    if name in _CHOICES and typed not in _CHOICES[name]:
        raise UsageError(f"The setting “{name}” must be one of {', '.join(_CHOICES[name])}, not “{value}” ({source}).")
    return typed


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
