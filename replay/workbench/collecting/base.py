"""What the pages of collections share: the blueprint, the registries of this request, and what forms and files give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, Response, abort, make_response, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.collections.descriptions import DescriptionRegistry
from archiver.collections.images import ImageRegistry
from archiver.collections.seedgroups import SeedGroups
from archiver.collections.seeds import SeedRegistry
from archiver.collections.spreadsheets import SheetKind, Table, write_table
from archiver.crawl.plan import CrawlPlan, Limits, Rule, RuleAction, RuleMatch
from archiver.errors import UsageError
from archiver.plaintext import one_line
from replay.workbench.places import context
from replay.workbench.session import current_account

blueprint = Blueprint("collections", __name__)

#: Limits in forms: name, label, what one is of the plan's, how it is shown.
LIMITS: tuple[tuple[str, str, float], ...] = (
    ("documents", "Documents", 1),
    ("pages", "Pages", 1),
    ("bytes", "Data, in MB", 1_000_000),
    ("seconds", "Time, in hours", 3600),
    ("depth", "Links from the seed", 1),
)
SCOPES = (
    ("page", "One page"),
    ("page+1", "One page and those it links to"),
    ("prefix", "Directory: everything under the seed's path"),
    ("host", "Host: everything on the seed's host"),
    ("domain", "Domain: the host and all below its domain"),
    ("any", "Any link, up to the depth"),
    ("custom", "Only what rules accept"),
)
SCHEDULES = (
    ("once", "once"),
    ("twice-daily", "twice daily"),
    ("daily", "daily"),
    ("weekly", "weekly"),
    ("monthly", "monthly"),
    ("bimonthly", "every two months"),
    ("quarterly", "quarterly"),
    ("semiannual", "every half year"),
    ("annual", "annually"),
)
#: Bytes that a form with a file may have.
UPLOAD = 12_000_000


def seeds() -> SeedRegistry:
    """The seeds of the archive."""
    place = context()
    return SeedRegistry(place.holdings.engine, place.clock, place.holdings.audit)


def groups() -> SeedGroups:
    """The groups of seeds of the archive."""
    holdings = context().holdings
    return SeedGroups(holdings.engine, holdings.audit)


def descriptions() -> DescriptionRegistry:
    """The descriptions of the archive."""
    holdings = context().holdings
    return DescriptionRegistry(holdings.engine, holdings.audit)


def images() -> ImageRegistry:
    """The pictures of the archive."""
    place = context()
    return ImageRegistry(place.holdings.engine, place.clock, place.holdings.audit)


def actor() -> str:
    """Who does it, for the audit log."""
    return current_account().name


def uploaded(name: str) -> bytes:
    """The bytes of an uploaded file; none when nothing was chosen."""
    found = request.files.get(name)
    return found.read() if found is not None and found.filename else b""


def page_number() -> int:
    """Which page of a list is asked for, from 1."""
    asked = request.args.get("page", "1")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 8 else 1


def sheet(table: Table, name: str, kind: str) -> BaseResponse:
    """A table as a download."""
    if kind not in list(SheetKind):
        abort(404)
    which = SheetKind(kind)
    answer: Response = make_response(write_table(table, which, name))
    answer.headers["Content-Type"] = which.mime
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return answer


# -- what forms say --------------------------------------------------------------------------------------------------


def limits_in(form: Mapping[str, str]) -> dict[str, float]:
    """The limits of a form, in the units of plans.

    Raises:
        UsageError: one is no number.
    """
    found: dict[str, float] = {}
    for name, label, unit in LIMITS:
        written = form.get(f"limit_{name}", "").strip().replace(",", ".")
        if not written:
            continue
        try:
            value = float(written)
        except ValueError as error:
            raise UsageError(
                f"“{one_line(written)[:40]}” is no number ({label}).", "Write digits, or nothing for no limit."
            ) from error
        if not 0 <= value < 1e12:
            raise UsageError(f"“{one_line(written)[:40]}” cannot be a limit ({label}).", "Write a number from 0 on.")
        if value:
            found[name] = value * unit if name == "seconds" else max(1, int(value * unit))
    return found


def limits_shown(limits: Mapping[str, float]) -> dict[str, str]:
    """The same the other way: what the fields of the form hold."""
    return {f"limit_{name}": f"{limits[name] / unit:.10g}" for name, _, unit in LIMITS if limits.get(name)}


def rules_in(text: str, before: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules of a form, one a line: "block text /print/", "off accept regex …". Notes of rules that stay are kept.

    Raises:
        UsageError: a line is none.
    """
    notes = {(rule.action, rule.match, rule.pattern): rule.note for rule in before}
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        words = line.strip().split(None, 3 if line.strip().lower().startswith("off ") else 2)
        enabled = words[0].lower() != "off"
        words = words if enabled else words[1:]
        try:
            action, match, pattern = RuleAction(words[0].lower()), RuleMatch(words[1].lower()), words[2]
        except (ValueError, IndexError) as error:
            raise UsageError(f"Rule {number} cannot be read.", "Write it like: block text /print/") from error
        found.append(Rule(action, match, pattern, enabled, notes.get((action, match, pattern), "")))
    return tuple(found)


def rules_shown(rules: tuple[Rule, ...]) -> str:
    """The same the other way."""
    return "\n".join(f"{'' if rule.enabled else 'off '}{rule.action} {rule.match} {rule.pattern}" for rule in rules)


def limited(plan: CrawlPlan, limits: Mapping[str, float]) -> CrawlPlan:
    """A plan with the limits of a form; those that the form does not show stay as they are."""
    cleared = {name: getattr(Limits(), name) for name, _, _ in LIMITS}
    return replace(plan, limits=replace(plan.limits, **(cleared | dict(limits))))
