"""A crawl's plan as the fields of a form, both ways. What is wrong is told field by field; nothing is read or written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from archiver.amounts import parse_duration, parse_size
from archiver.crawl.plan import CrawlPlan, DedupMode, Login, Pace, RobotsMode, Rule, RuleAction, RuleMatch, ScopeKind, Traps
from archiver.crawl.planning import AUTO_DELAY, PlanOptions, changed_plan
from archiver.crawl.rules import Rules
from archiver.errors import UsageError
from archiver.settings import Settings

#: Rules of one form, at most.
MOST_RULES = 500

_COUNTS = ("extra_hops", "limit_pages", "limit_documents", "depth", "limit_host_documents", "retries")
_SIZES = ("limit_bytes", "limit_host_bytes", "limit_resource_bytes", "keep_free")
_YES = ("sitemaps", "guesses", "robots_meta", "insecure", "allow_private")
_TRAP_NUMBERS = ("segment_repeats", "query_repeats", "path_segments", "url_length", "query_variants", "calendar_years")
_TRAP_YES = ("session_ids", "same_as_parent")
_LOGIN = ("cookies", "credentials", "headers")
_UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_T = TypeVar("_T")


@dataclass(slots=True)
class ReadPlan:
    """What a form came to.

    Attributes:
        plan: as far as it could be read; where a field is wrong, it has what it had before.
        problems: what is wrong, by the name of the field.
    """

    plan: CrawlPlan
    problems: dict[str, str] = field(default_factory=dict)


def form_of(plan: CrawlPlan) -> dict[str, str]:
    """The fields of a form that says what a plan says; "1" for what is checked, rules apart."""
    limits, pace = plan.limits, plan.pace
    counts = (
        plan.extra_hops, limits.pages, limits.documents, limits.depth, limits.host_documents, pace.retries,
    )  # fmt: skip
    sizes = (limits.bytes, limits.host_bytes, limits.resource_bytes, limits.free_bytes)
    values = {name: str(number or "") for name, number in zip(_COUNTS, counts, strict=True)}
    values["retries"] = str(pace.retries)
    values |= {name: size_text(number) for name, number in zip(_SIZES, sizes, strict=True)}
    values |= {name: "1" if getattr(plan, name) else "" for name in _YES}
    values |= {f"trap_{name}": str(getattr(plan.traps, name) or "") for name in _TRAP_NUMBERS}
    values |= {f"trap_{name}": "1" if getattr(plan.traps, name) else "" for name in _TRAP_YES}
    values |= {name: getattr(plan.login, name) for name in _LOGIN}
    return values | {
        "scope": plan.scope.value,
        "limit_time": duration_text(limits.seconds),
        "delay": "auto" if _is_auto(pace) else number_text(pace.max_seconds),
        **_pace_fields(pace),
        "transclusion_hops": str(plan.transclusion_hops),
        "robots": plan.robots.value,
        "dedup": plan.dedup.value,
        "login_hosts": "\n".join(plan.login.hosts),
        "user_agent": plan.user_agent,
        "contact": "",
    }


def read_form(values: Mapping[str, str], base: CrawlPlan, settings: Settings, more_rules: Sequence[Rule] = ()) -> ReadPlan:
    """A plan out of the fields of a form.

    Args:
        values: by the names that `form_of` gives them, and `rule_…_0`, `rule_…_1` … for rules.
        base: what is not in forms, such as the seeds; and the login, which is only taken from `login_of`.
        settings: of the archive.
        more_rules: that crawls of the plan have behind those of the form, such as a collection's.
    """
    read = ReadPlan(base)
    options = PlanOptions(
        scope=_one_of(read, values, "scope", ScopeKind),
        robots=_one_of(read, values, "robots", RobotsMode),
        dedup=_one_of(read, values, "dedup", DedupMode),
        delay=_field(read, values, "delay", _delay, AUTO_DELAY, "Write seconds, or auto."),
        limit_time=_field(read, values, "limit_time", _seconds, 0.0, "Write it like 90 (seconds), 30m or 2h."),
        **{name: _field(read, values, name, _count, 3 if name == "retries" else 0, _WHOLE) for name in _COUNTS},  # type: ignore[arg-type]
        **{name: _field(read, values, name, parse_size, 0, "Write it like 500, 10MB or 2GB.") for name in _SIZES},  # type: ignore[arg-type]
        **{name: values.get(name) == "1" for name in _YES},  # type: ignore[arg-type]
    )
    numbers = {name: _field(read, values, f"trap_{name}", _count, 0, _WHOLE) or 0 for name in _TRAP_NUMBERS}
    traps = Traps(**numbers, **{name: values.get(f"trap_{name}") == "1" for name in _TRAP_YES})  # type: ignore[arg-type]
    plan = changed_plan(base, options, settings)
    hops = _field(read, values, "transclusion_hops", _count, CrawlPlan(()).transclusion_hops, "Write a whole number.")
    if "transclusion_hops" in values and hops is not None:
        plan = replace(plan, transclusion_hops=hops)
    read.plan = replace(plan, pace=_pace(read, values, plan.pace), traps=traps, rules=_rules(read, values))
    for name in ("user_agent", "contact"):
        text = values.get(name, "").strip()
        try:
            if text and (name == "contact" or text != base.user_agent):
                given = PlanOptions(user_agent=text) if name == "user_agent" else PlanOptions(contact=text)
                read.plan = changed_plan(read.plan, given, settings)
            elif name == "user_agent":
                read.plan = replace(read.plan, user_agent=text)
        except UsageError as error:
            read.problems[name] = str(error).replace("--user-agent", "This").replace("--contact", "This")
    if read.plan.scope is ScopeKind.CUSTOM and not any(
        rule.action is RuleAction.ACCEPT and rule.enabled for rule in (*read.plan.rules, *more_rules)
    ):
        read.problems.setdefault("scope", "This scope takes only what accept rules name: add one below.")
    return read


def login_of(values: Mapping[str, str], files: Mapping[str, str]) -> Login:
    """The login that a form asks for.

    Args:
        values: of the form.
        files: names of login files that may be chosen, and where they are.

    Raises:
        UsageError: a file is not one of them.
    """
    paths = {}
    for name in _LOGIN:
        chosen = values.get(name, "")
        if chosen and chosen not in files:
            raise UsageError("There is no such login file.", "Choose one of the list.")
        paths[name] = files.get(chosen, "")
    return Login(**paths, hosts=tuple(values.get("login_hosts", "").lower().replace(",", " ").split()))


def rules_in(values: Mapping[str, str]) -> list[Rule]:
    """The rules of a form, in their order; rows without a pattern are none.

    Raises:
        UsageError: a row says what no rule can.
    """
    rules = []
    for number in range(MOST_RULES):
        pattern = values.get(f"rule_pattern_{number}")
        if pattern is None or not pattern.strip():
            continue
        try:
            action = RuleAction(values.get(f"rule_action_{number}", "block"))
            match = RuleMatch(values.get(f"rule_match_{number}", "text"))
        except ValueError as error:
            raise UsageError("A rule accepts or blocks, by text, regular expression or SURT prefix.") from error
        is_on = values.get(f"rule_on_{number}") == "1"
        rules.append(Rule(action, match, pattern.strip(), is_on, values.get(f"rule_note_{number}", "").strip()[:300]))
    return rules


def size_text(size: int) -> str:
    """Bytes as `parse_size` reads them back; "" for 0."""
    for unit, factor in _UNITS:
        text = f"{size / factor:.3f}".rstrip("0").rstrip(".") + f" {unit}"
        if size >= factor and parse_size(text) == size:
            return text
    return str(size or "")


def duration_text(seconds: float) -> str:
    """Seconds as `parse_duration` reads them back; "" for 0."""
    for unit, factor in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % factor == 0:
            return f"{seconds / factor:.0f}{unit}"
    return number_text(seconds) if seconds else ""


def number_text(number: float) -> str:
    """A number as it is read back exactly, without a fraction that is none."""
    return str(int(number)) if number == int(number) else repr(number)


_WHOLE = "Write a whole number, or nothing for no limit."


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 13):
        raise ValueError("not a whole number")
    return int(text)


def _delay(text: str) -> float:
    return AUTO_DELAY if text.lower() == "auto" else _seconds(text)


def _seconds(text: str) -> float:
    """A time, also one that `number_text` wrote with more digits than people do."""
    try:
        return _plain(text, 2**53)
    except ValueError:
        return parse_duration(text)


def _times(text: str) -> float:
    return _plain(text, 2**53)


def _plain(text: str, most: int) -> float:
    number = float(text) if text.isascii() and "_" not in text else math.nan
    if not (math.isfinite(number) and 0 <= number < most):
        raise ValueError("not a number")
    return number


def _is_auto(pace: Pace) -> bool:
    """The wait goes by how fast the host is; else it is always the same."""
    return bool(pace.factor) or pace.min_seconds != pace.max_seconds


def _pace_fields(pace: Pace) -> dict[str, str]:
    """The fields of a form that say how the wait is reckoned where it goes by the host; what is usual where it does not."""
    auto = pace if _is_auto(pace) else Pace()
    return {
        "pace_factor": number_text(auto.factor),
        "pace_min": number_text(auto.min_seconds),
        "pace_max": number_text(auto.max_seconds),
        "crawl_delay": number_text(pace.crawl_delay_seconds),
        "host_connections": str(pace.host_connections),
    }


def _pace(read: ReadPlan, values: Mapping[str, str], pace: Pace) -> Pace:
    """The pace with what a form says of it in detail; what it has no field for stays."""
    usual, advice = Pace(), "Write it like 90 (seconds), 30m or 2h."
    factor = _field(read, values, "pace_factor", _times, usual.factor, "Write a number, such as 5.")
    least = _field(read, values, "pace_min", _seconds, usual.min_seconds, advice)
    longest = _field(read, values, "pace_max", _seconds, usual.max_seconds, advice)
    asked = _field(read, values, "crawl_delay", _seconds, usual.crawl_delay_seconds, advice)
    together = _field(read, values, "host_connections", _count, usual.host_connections, "Write a whole number.")
    given = {"crawl_delay": ("crawl_delay_seconds", asked), "host_connections": ("host_connections", together)}
    if values.get("delay", "").strip().lower() in ("", "auto"):
        given |= {"pace_factor": ("factor", factor), "pace_min": ("min_seconds", least), "pace_max": ("max_seconds", longest)}
        if least is not None and longest is not None and least > longest:
            read.problems.setdefault("pace_max", "The longest wait is shorter than the least one.")
    return replace(pace, **{name: value for field_, (name, value) in given.items() if field_ in values and value is not None})  # type: ignore[arg-type]


def _field(
    read: ReadPlan, values: Mapping[str, str], name: str, parse: Callable[[str], _T], empty: _T, advice: str
) -> _T | None:
    """The value of a field; None, and a problem, when it is none."""
    text = values.get(name, "").strip()
    try:
        return parse(text) if text else empty
    except ValueError:
        read.problems[name] = f"“{text[:40]}” does not do. {advice}"
        return None


def _one_of(
    read: ReadPlan, values: Mapping[str, str], name: str, kind: type[ScopeKind] | type[RobotsMode] | type[DedupMode]
) -> str | None:
    text = values.get(name, "")
    if not text:
        return None
    try:
        return kind(text).value
    except ValueError:
        read.problems[name] = "Choose one of the list."
        return None


def _rules(read: ReadPlan, values: Mapping[str, str]) -> tuple[Rule, ...]:
    try:
        rules = tuple(rules_in(values))
        for rule in rules:
            Rules((rule,))
    except UsageError as error:
        read.problems["rules"] = str(error)
        return read.plan.rules
    return rules
