"""Rules of access as people write them: addresses, hosts, dates, spans of time, networks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from archiver.collections.access import Action, Matching, Network, Rule
from archiver.errors import InvalidTimestamp, UsageError
from archiver.index.query import Match, split_wildcard
from archiver.plaintext import one_line, plain
from archiver.timestamps import digits_of, parse_iso, parse_timestamp
from archiver.urls import parse_url, urlkey, urlkey_prefix

_DAY = 86400
#: Seconds; a year is 365.25 days, a month a twelfth of it.
_UNITS = {
    "s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": _DAY, "day": _DAY, "w": 7 * _DAY,
    "week": 7 * _DAY, "month": 2_629_800, "m": 2_629_800, "y": 31_557_600, "year": 31_557_600,
}  # fmt: skip
_SPAN = re.compile(r"(\d{1,12})\s*([a-z]+)\s*,?\s*")
#: A thousand years.
_LONGEST_SPAN = 31_557_600_000
_LONGEST_TEXT = 4000


def make_rule(
    action: Action,
    *,
    url: str = "",
    prefix: str = "",
    host: str = "",
    is_everything: bool = False,
    collection: str | None = None,
    since: str = "",
    until: str = "",
    embargo: str = "",
    addresses: Iterable[str] = (),
    groups: Iterable[str] = (),
    starts: str = "",
    ends: str = "",
    message: str = "",
    reason: str = "",
) -> Rule:
    """A rule out of what a person wrote.

    Args:
        action: what it does.
        url: one URL; with a star at its end all that begins so, with "*." before it a host with those below it.
        prefix: all URLs that begin so.
        host: a host, with all hosts below it and all ports.
        is_everything: the rule is about everything; else one of the three before is needed.
        collection: slug; None for all.
        since: of captures, 1 to 14 digits or a date.
        until: the same, included.
        embargo: such as "6months": the rule is for captures younger than that.
        addresses: IP addresses or networks of readers.
        groups: of readers.
        starts: when the rule comes into force.
        ends: when it ceases to be.
        message: for readers of what is blocked.
        reason: for the keepers of the archive.

    Raises:
        UsageError: something of it cannot be understood; says what.
    """
    matching, key, written = _target(url.strip(), prefix.strip(), host.strip(), is_everything=is_everything)
    rule = Rule(
        action=action,
        matching=matching,
        urlkey=key,
        url=written,
        collection=collection,
        since=int(digits_of(since)) if since else 0,
        until=int(digits_of(until, latest=True)) if until else 0,
        embargo=seconds_of(embargo) if embargo else 0,
        addresses=tuple(dict.fromkeys(map(network_of, addresses))),
        groups=frozenset(one_line(name) for name in groups if one_line(name)),
        starts_at=moment_of(starts) if starts else None,
        ends_at=moment_of(ends) if ends else None,
        message=_text(message),
        reason=_text(reason),
    )
    if rule.since and rule.until and rule.since > rule.until:
        raise UsageError(
            "The rule is for captures of no time: its end is before its beginning.",
            "Swap them.",
            command="Swap --from and --to.",
        )
    if rule.starts_at and rule.ends_at and rule.starts_at >= rule.ends_at:
        raise UsageError(
            "The rule would never be in force: it ends before it starts.", "Swap them.", command="Swap --starts and --ends."
        )
    return rule


def _target(url: str, prefix: str, host: str, *, is_everything: bool) -> tuple[Matching, str, str]:
    """What a rule is about: how its key is compared, the key, and what was written."""
    if sum(map(bool, (url, prefix, host, is_everything))) != 1:
        raise UsageError(
            "A rule is about one thing.",
            "Name one URL, beginning of URLs or host, or choose everything.",
            command="Give a URL, or --prefix, or --host, or --everything.",
        )
    if is_everything:
        return Matching.PREFIX, "", ""
    bare, match = split_wildcard(url)
    if match is Match.DOMAIN:
        host, url = bare, ""
    elif match is Match.PREFIX:
        prefix, url = bare, ""
    if host:
        address = parse_url(host, assume_http=True)
        return Matching.HOST, _host_key(urlkey(address)), host
    if prefix:
        _ = parse_url(prefix, assume_http=True)  # says what is wrong with it
        address = prefix if "://" in prefix else f"http://{prefix}"
        return Matching.PREFIX, urlkey_prefix(address), prefix
    address = parse_url(url, assume_http=True)
    return Matching.EXACT, urlkey(address), address


def _host_key(key: str) -> str:
    """The part of a key that names the host alone."""
    host = key.partition(")")[0]
    return host if host.endswith("]") else host.partition(":")[0]


def moment_of(text: str) -> datetime:
    """A date, with or without a time, UTC.

    Raises:
        InvalidTimestamp: it is none.
    """
    text = text.strip()
    try:
        return parse_timestamp(text) if text.isdigit() else parse_iso(text)
    except InvalidTimestamp as error:
        raise InvalidTimestamp(error.message, "Write it like 2026-11-30 or 20261130.") from error


def seconds_of(text: str) -> int:
    """A span of time such as "6months", "90 days", "1y 6m"; "m" is months.

    Raises:
        UsageError: it is none.
    """
    total, place, text = 0, 0, text.strip().lower()
    while place < len(text) and (found := _SPAN.match(text, place)):
        unit = _UNITS.get(found.group(2)) or _UNITS.get(found.group(2).removesuffix("s"))
        if unit is None:
            break
        total += int(found.group(1)) * unit
        place = found.end()
    if place < len(text) or not 0 < total < _LONGEST_SPAN:
        raise UsageError(f"“{one_line(text)[:40]}” is no span of time.", "Write it like 6months, 90days or 1year.")
    return total


def network_of(text: str) -> Network:
    """An IP address or network.

    Raises:
        UsageError: it is none.
    """
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise UsageError(f"“{one_line(text)[:60]}” is no IP address or network.", "Write it like 192.0.2.0/24.") from error


def _text(text: str) -> str:
    return plain(text).strip()[:_LONGEST_TEXT]


def changed_rule(
    rule: Rule,
    action: str | None = None,
    *,
    since: str | None = None,
    until: str | None = None,
    embargo: str | None = None,
    addresses: Iterable[str] | None = None,
    groups: Iterable[str] | None = None,
    starts: str | None = None,
    ends: str | None = None,
    message: str | None = None,
    reason: str | None = None,
) -> Rule:
    """A rule of which some things are changed: None stays as it is, an empty text takes away; see `make_rule`.

    Raises:
        UsageError: something of it cannot be understood.
    """
    said = make_rule(
        Action(action) if action else rule.action,
        is_everything=True,
        since=since or "",
        until=until or "",
        embargo=embargo or "",
        addresses=addresses or (),
        groups=groups or (),
        starts=starts or "",
        ends=ends or "",
        message=message or "",
        reason=reason or "",
    )
    return replace(
        rule,
        action=said.action,
        since=rule.since if since is None else said.since,
        until=rule.until if until is None else said.until,
        embargo=rule.embargo if embargo is None else said.embargo,
        addresses=rule.addresses if addresses is None else said.addresses,
        groups=rule.groups if groups is None else said.groups,
        starts_at=rule.starts_at if starts is None else said.starts_at,
        ends_at=rule.ends_at if ends is None else said.ends_at,
        message=rule.message if message is None else said.message,
        reason=rule.reason if reason is None else said.reason,
    )


def since_text(rule: Rule) -> str:
    """From when on captures are meant, UTC, as people write it and `make_rule` reads it back exactly; "" for always."""
    return time_text(f"{rule.since:014d}", "000000") if rule.since else ""


def until_text(rule: Rule) -> str:
    """Until when captures are meant; see `since_text`."""
    return time_text(f"{rule.until:014d}", "235959") if rule.until else ""


def time_text(digits: str, edge: str = "") -> str:
    """14 digits as people write a time: its day, where `edge` is the time of day; its minute, where that ends the same."""
    day, time = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}", digits[8:]
    if time == edge:
        return day
    minute = f"{day} {time[:2]}:{time[2:4]}"
    return minute if time[4:] == edge[4:] and edge else f"{minute}:{time[4:]}"


def in_words(rule: Rule) -> str:
    """What a rule is about and for whom, on one line."""
    target = rule.urlkey if rule.seed and rule.matching is not Matching.EXACT else rule.url or rule.urlkey
    parts = {
        Matching.PREFIX: f"all that begins with {target}" if rule.urlkey else "everything",
        Matching.EXACT: target,
        Matching.HOST: f"the host {target} and all below it",
        Matching.RECORD: f"captures of {target}",
    }[rule.matching]
    said = [parts]
    if rule.since:
        said.append(f"captured from {since_text(rule)}")
    if rule.until:
        said.append(f"captured to {until_text(rule)}")
    if rule.embargo:
        said.append(f"younger than {rule.embargo / _DAY:,.0f} days")
    if rule.files:
        said.append(f"in {len(rule.files):,} WARC file{'' if len(rule.files) == 1 else 's'}")
    if not rule.is_for_everybody:
        said.append("for readers in " + ", ".join([*map(str, rule.addresses), *sorted(rule.groups)]))
    if rule.starts_at:
        said.append(f"from {rule.starts_at:%Y-%m-%d %H:%M} on")
    if rule.ends_at:
        said.append(f"until {rule.ends_at:%Y-%m-%d %H:%M}")
    if rule.spared:
        said.append("but for what belongs to public seeds")
    if rule.deletion:
        said.append(rule.deletion)
    if rule.reason:
        said.append(f"({rule.reason})")
    return one_line(", ".join(said))
