"""The fields of a plan in forms of crawls and of schedules: what they are made of, how they are read, what may not be meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from archiver.accounts import Role
from archiver.collections.steering import LOGIN_FOLDER, login_files, warnings_of_login
from archiver.crawl.launch import MOST_WORKERS
from archiver.crawl.plan import CrawlPlan, DedupMode, Login, RobotsMode, Rule, ScopeKind
from archiver.crawl.planforms import form_of, login_of, read_form, rules_in
from archiver.errors import UsageError
from replay.workbench.places import context
from replay.workbench.session import may

#: Empty rows that a form has for more rules.
SPARE_RULES = 3

#: The choice of a login file that leaves what somebody set otherwise, whose path no form shows.
KEPT = "="
_LOGIN = ("cookies", "credentials", "headers")

#: What people read for each scope, and for each way with robots.txt.
SCOPES = (
    (ScopeKind.PREFIX, "Directory: everything in the seed's folder"),
    (ScopeKind.HOST, "Host: everything on the seed's host"),
    (ScopeKind.DOMAIN, "Domain: the seed's domain and all hosts below"),
    (ScopeKind.PAGE, "Page: the seed alone, with what it needs"),
    (ScopeKind.PAGE_PLUS, "Page and links: the seed and every page it links to"),
    (ScopeKind.ANY, "Any: every link, as deep as the depth below allows"),
    (ScopeKind.CUSTOM, "Custom: only what the accept rules below name"),
)
ROBOTS = (
    (RobotsMode.OBEY, "Obey it"),
    (RobotsMode.REQUISITES, "Obey it for pages, fetch what they need all the same"),
    (RobotsMode.IGNORE, "Ignore it"),
)
DEDUP = (
    (DedupMode.COLLECTION, "In this collection"),
    (DedupMode.ARCHIVE, "In the whole archive"),
    (DedupMode.OFF, "Nowhere: keep everything anew"),
)


def choices() -> dict[str, Any]:
    """What the template of the fields is given beside values, rules and problems."""
    logins = list(login_files(context().settings.archive))
    return {
        "spare": SPARE_RULES, "scopes": SCOPES, "robots": ROBOTS, "dedups": DEDUP, "logins": logins,
        "most_workers": MOST_WORKERS, "may_private": may(Role.ADMINISTRATOR), "kept_login": KEPT,
    }  # fmt: skip


def fields_of(plan: CrawlPlan, *, keeps_login: bool = False) -> dict[str, str]:
    """The fields that say what a plan says, with login files by their names.

    Args:
        plan: what is to be shown.
        keeps_login: files that cannot be chosen are shown as kept; else they are left out.
    """
    names = {path: name for name, path in login_files(context().settings.archive).items()}
    values = form_of(plan)
    return values | {name: names.get(values[name], KEPT if keeps_login and values[name] else "") for name in _LOGIN}


def read_plan(
    values: Mapping[str, str], base: CrawlPlan, more_rules: Sequence[Rule] = ()
) -> tuple[CrawlPlan | None, dict[str, str]]:
    """The plan that a form asks for, and what is wrong with it by the name of the field.

    Args:
        values: of the form.
        base: what is not in forms, or not this account's to change; and the login that `KEPT` stands for.
        more_rules: that crawls of the plan have behind those of the form.
    """
    if not may(Role.ADMINISTRATOR):
        values = {**values, "allow_private": "1" if base.allow_private else ""}
    read = read_form(values, base, context().settings, more_rules)
    kept = {name: getattr(base.login, name) for name in _LOGIN if values.get(name) == KEPT}
    try:
        login = login_of({**values, **dict.fromkeys(kept, "")}, login_files(context().settings.archive))
    except UsageError as error:
        return None, read.problems | {"cookies": str(error)}
    return replace(read.plan, login=replace(login, **kept)), read.problems


def kept_login(login: Login) -> dict[str, bool]:
    """Which parts of a login are files that no form can choose."""
    known = set(login_files(context().settings.archive).values())
    return {name: bool(getattr(login, name)) and getattr(login, name) not in known for name in _LOGIN}


def shown_rules(values: Mapping[str, str], plan: CrawlPlan | None) -> list[Rule]:
    """The rules of a form as they were typed."""
    try:
        return rules_in(values)
    except UsageError:
        return list(plan.rules) if plan else []


def cautions(plan: CrawlPlan) -> list[str]:
    """What of a plan may not be meant, whatever its seeds are.

    Raises:
        UsageError: a file of its login cannot be used.
    """
    warnings = [without_folder(text, plan.login) for text in warnings_of_login(plan)]
    limits = plan.limits
    if not (limits.documents or limits.bytes or limits.seconds or limits.pages):
        warnings.append("There is no limit of documents, data or time: it ends when everything in scope is fetched.")
    if plan.scope is ScopeKind.ANY and not limits.depth:
        warnings.append("“Any” without a depth follows every link of the web. Set a depth.")
    if plan.robots is RobotsMode.IGNORE:
        warnings.append("robots.txt is ignored: make sure that the owners of the sites agree.")
    if not plan.pace.polite:
        warnings.append("Politeness is off: do this to servers of your own alone.")
    if plan.allow_private:
        warnings.append("Private addresses may be reached: the crawl can see what is meant for this machine alone.")
    if plan.insecure:
        warnings.append("Servers with invalid certificates are accepted: who answers is not proven.")
    return warnings


def without_folder(text: str, login: Login | None = None) -> str:
    """A message that names login files, those of the archive and those of a login, without saying where they lie."""
    places = [(context().settings.archive / LOGIN_FOLDER).resolve()]
    if login is not None:
        places += [Path(path).parent for name in _LOGIN if (path := getattr(login, name))]
    for place in places:
        text = text.replace(f"{place}/", "")
    return text
