"""From what people ask for, on the command line or in forms, to a crawl's plan. Pure: nothing is read or written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from archiver.crawl.plan import (
    CrawlPlan,
    DedupMode,
    Limits,
    Login,
    Pace,
    RobotsMode,
    Rule,
    RuleAction,
    RuleMatch,
    ScopeKind,
    Seed,
    Traps,
)
from archiver.crawl.rules import Rules
from archiver.errors import UsageError
from archiver.plaintext import one_line
from archiver.settings import PLAN, Settings
from archiver.urls import parse_url, refuse_password

#: The value of `--delay` that stands for "auto".
AUTO_DELAY = -1.0

_OFF = Traps(0, 0, 0, 0, 0, 0, False, False)
_WORDS = {"on": True, "yes": True, "off": False, "no": False}


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What was given on the command line, named as the options are; None and () stand for what was not given."""

    scope: str | None = None
    accept: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    accept_regex: tuple[str, ...] = ()
    block_regex: tuple[str, ...] = ()
    accept_surt: tuple[str, ...] = ()
    block_surt: tuple[str, ...] = ()
    rule_off: tuple[int, ...] = ()
    rule_on: tuple[int, ...] = ()
    extra_hops: int | None = None
    sitemaps: bool | None = None
    guesses: bool | None = None
    limit_pages: int | None = None
    limit_documents: int | None = None
    limit_bytes: int | None = None
    limit_time: float | None = None
    depth: int | None = None
    limit_host_documents: int | None = None
    limit_host_bytes: int | None = None
    limit_resource_bytes: int | None = None
    keep_free: int | None = None
    delay: float | None = None
    retries: int | None = None
    robots: str | None = None
    robots_meta: bool | None = None
    dedup: str | None = None
    traps: bool | None = None
    trap: tuple[str, ...] = ()
    cookies: str | None = None
    credentials: str | None = None
    headers: str | None = None
    login_host: tuple[str, ...] = ()
    user_agent: str | None = None
    contact: str | None = None
    allow_private: bool | None = None
    insecure: bool | None = None

    @property
    def given(self) -> bool:
        """Anything at all was given."""
        return self != PlanOptions()


def new_plan(seeds: Iterable[Seed], options: PlanOptions, settings: Settings) -> CrawlPlan:
    """The plan of a new crawl; seeds that are there twice count once.

    Raises:
        UsageError: there is no seed, or a value makes no sense.
        InvalidURL: a seed has a password in it.
    """
    unique: dict[str, Seed] = {}
    for seed in seeds:
        unique.setdefault(refuse_password(seed.url), seed)
    if not unique:
        raise UsageError(
            "There is no seed.", "Name an address.", command="Name an address, or a file of them with --seeds-file."
        )
    usual = CrawlPlan(seeds=tuple(unique.values()), dedup=DedupMode(settings.dedup))
    plan = changed_plan(usual, options, settings)
    if plan.scope is ScopeKind.CUSTOM and not any(rule.action is RuleAction.ACCEPT for rule in plan.rules):
        raise UsageError(
            "The scope “custom” takes only what accept rules name, and there is none.",
            "Say what it takes.",
            command="Add --accept TEXT.",
        )
    return plan


def seeds_of(texts: Sequence[str]) -> list[Seed]:
    """Seeds as they were typed.

    Raises:
        InvalidURL: one is no web address.
    """
    return [Seed(parse_url(text, assume_http=True)) for text in texts]


def changed_plan(plan: CrawlPlan, options: PlanOptions, settings: Settings) -> CrawlPlan:
    """The plan with what was given in place of what it says; rules are added to those it has.

    Raises:
        UsageError: a value makes no sense.
    """
    simple = {
        "scope": ScopeKind(options.scope) if options.scope else None,
        "extra_hops": options.extra_hops,
        "sitemaps": options.sitemaps,
        "guesses": options.guesses,
        "robots": RobotsMode(options.robots) if options.robots else None,
        "robots_meta": options.robots_meta,
        "dedup": DedupMode(options.dedup) if options.dedup else None,
        "user_agent": _user_agent(plan, options, settings),
        "allow_private": options.allow_private,
        "insecure": options.insecure,
    }
    return replace(
        plan,
        rules=_switched(plan.rules, options) + _rules(options),
        limits=_limits(plan.limits, options),
        pace=_pace(plan.pace, options),
        traps=_traps(plan.traps, options),
        login=_login(plan.login, options),
        **_given(simple),
    )


def settings_of(settings: Settings, plan: CrawlPlan) -> Settings:
    """The settings that a crawl runs with: its plan counts more, so that a resumed crawl does as the first run did."""
    return replace(
        settings,
        user_agent=plan.user_agent or settings.user_agent,
        allow_private=settings.allow_private or plan.allow_private,
        verify_tls=settings.verify_tls and not plan.insecure,
        sources={**settings.sources, **dict.fromkeys(("user_agent", "allow_private", "verify_tls"), PLAN)},
    )


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _limits(limits: Limits, options: PlanOptions) -> Limits:
    return replace(
        limits,
        **_given({
            "pages": options.limit_pages,
            "documents": options.limit_documents,
            "bytes": options.limit_bytes,
            "seconds": options.limit_time,
            "depth": options.depth,
            "host_documents": options.limit_host_documents,
            "host_bytes": options.limit_host_bytes,
            "resource_bytes": options.limit_resource_bytes,
            "free_bytes": options.keep_free,
        }),
    )  # fmt: skip


def _pace(pace: Pace, options: PlanOptions) -> Pace:
    if options.retries is not None:
        pace = replace(pace, retries=options.retries)
    if options.delay is None:
        return pace
    if options.delay == AUTO_DELAY:
        usual = Pace()
        return replace(pace, factor=usual.factor, min_seconds=usual.min_seconds, max_seconds=usual.max_seconds)
    return replace(pace, factor=0.0, min_seconds=options.delay, max_seconds=options.delay)


# -- rules -----------------------------------------------------------------------------------------------------------


def _rules(options: PlanOptions) -> tuple[Rule, ...]:
    rules = tuple(
        Rule(action, match, pattern)
        for action in (RuleAction.BLOCK, RuleAction.ACCEPT)
        for match, suffix in ((RuleMatch.TEXT, ""), (RuleMatch.REGEX, "_regex"), (RuleMatch.SURT, "_surt"))
        for pattern in getattr(options, action.value + suffix)
    )
    Rules(rules)  # says what is wrong with one
    return rules


def _switched(rules: tuple[Rule, ...], options: PlanOptions) -> tuple[Rule, ...]:
    """Rules with some switched off or on, by their numbers as they are shown, from 1."""
    changed = list(rules)
    for numbers, enabled in ((options.rule_off, False), (options.rule_on, True)):
        for number in numbers:
            if not 1 <= number <= len(changed):
                raise UsageError(
                    f"There is no rule {number}.",
                    f"There are rules 1 to {len(changed)}." if changed else "The crawl has no rules.",
                )
            changed[number - 1] = replace(changed[number - 1], enabled=enabled)
    return tuple(changed)


# -- traps, login, who we are ----------------------------------------------------------------------------------------


def _traps(traps: Traps, options: PlanOptions) -> Traps:
    if options.traps is not None:
        traps = Traps() if options.traps else _OFF
    known = {item.name: type(getattr(_OFF, item.name)) for item in fields(Traps)}
    for text in options.trap:
        name, _, value = text.partition("=")
        name, value = name.strip().replace("-", "_"), value.strip().lower()
        if name not in known:
            near = difflib.get_close_matches(name, known, 1) or sorted(known)
            raise UsageError(
                f"There is no trap guard “{one_line(text.partition('=')[0])[:40]}”.",
                f"There are: {', '.join(near)}.".replace("_", "-"),
            )
        if known[name] is bool:
            if value not in _WORDS:
                raise UsageError(f"--trap {name}={value}: the value must be on or off.".replace("_", "-"))
            traps = replace(traps, **{name: _WORDS[value]})
        elif value == "off" or (value.isascii() and value.isdigit() and len(value) < 10):
            number: Any = 0 if value == "off" else int(value)
            traps = replace(traps, **{name: number})
        else:
            raise UsageError(f"--trap {name}={value}: the value must be a whole number or off.".replace("_", "-"))
    return traps


def _login(login: Login, options: PlanOptions) -> Login:
    hosts = tuple(host.lower() for host in options.login_host) or None
    given = {"cookies": options.cookies, "credentials": options.credentials, "headers": options.headers, "hosts": hosts}
    return replace(login, **_given(given))


def _user_agent(plan: CrawlPlan, options: PlanOptions, settings: Settings) -> str | None:
    """How the crawl introduces itself; None for no change."""
    if options.user_agent is None and options.contact is None:
        return None
    agent = _header_text("--user-agent", options.user_agent or plan.user_agent or settings.user_agent)
    if options.contact is None:
        return agent
    contact = _header_text("--contact", options.contact)
    if not re.match(r"(?:https?://|mailto:)\S+$|[^\s@]+@[^\s@]+$", contact) or set("()") & set(contact):
        raise UsageError(
            f"“{contact[:80]}” is no contact that a server's operator could use.", "Give a web or an e-mail address."
        )
    return f"{agent[:-1]}; +{contact})" if agent.endswith(")") else f"{agent} (+{contact})"


def _header_text(option: str, text: str) -> str:
    """What may stand in a header line."""
    if not text.strip() or not text.isascii() or not text.isprintable():
        raise UsageError(f"{option} must be printable ASCII text on one line.")
    return text.strip()
