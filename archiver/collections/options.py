"""What the crawls of a collection begin with: a plan without its seeds, and the plans that come of it with seeds. Pure.

`options` of a collection is the JSON of a `CrawlPlan` of which only what was said is there, such as
`{"scope": "host", "limits": {"documents": 5000}}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from archiver.collections.seedvalues import Seed, limits_to_json, rules_to_json
from archiver.crawl.plan import CrawlPlan, Login, plan_from_json
from archiver.crawl.plan import Seed as PlannedSeed
from archiver.crawl.rules import Rules
from archiver.errors import UsageError


def options_from_json(text: str) -> CrawlPlan:
    """A plan without seeds, from the options of a collection; what they do not say is as in any plan.

    Raises:
        UsageError: they cannot be read, or a rule cannot be.
    """
    try:
        values = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise UsageError("These options of crawls are no JSON.", "Look for a missing quote or comma.") from error
    if not isinstance(values, dict):
        raise UsageError("These options of crawls cannot be read.", 'Write them like {"scope": "host"}.')
    try:
        plan = plan_from_json(json.dumps(values | {"seeds": []}))
    except UsageError as error:
        raise UsageError("These options of crawls cannot be read.", "Were they made by a newer version?") from error
    _look(asdict(plan), asdict(CrawlPlan(())))
    Rules(plan.rules)
    return plan


def _look(said: dict[str, Any], usual: dict[str, Any]) -> None:
    """Everything is of the kind that it is in any plan: numbers are numbers, and not below 0."""
    for name, value in said.items():
        known = usual[name]
        if isinstance(known, dict):
            _look(value, known)
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(known, bool) or not isinstance(known, int | float):
            is_good = isinstance(value, type(known))
        else:
            is_good = (
                is_number and 0 <= value < 2**53 and (isinstance(known, float) or name == "seconds" or value == int(value))
            )
        if not is_good:
            raise UsageError(f"“{name}” in these options of crawls cannot be read.", "Look at its number or word.")


def options_to_json(plan: CrawlPlan) -> str:
    """What a plan says other than any plan does, without its seeds; "" for nothing."""
    usual, said = asdict(CrawlPlan(())), asdict(plan)
    found: dict[str, Any] = {}
    for name, value in said.items():
        if name == "seeds" or value == usual[name]:
            continue
        if isinstance(value, dict):
            found[name] = {key: item for key, item in value.items() if item != usual[name][key]}
        else:
            found[name] = value
    return json.dumps(found, ensure_ascii=False, sort_keys=True) if found else ""


def options_beside(plan: CrawlPlan, base: CrawlPlan, before: str, *, is_fixed: bool = False) -> str:
    """Options that come before others, as JSON, such as a schedule's before its collection's; "" for none.

    Args:
        plan: what crawls are to do, with the rules of these options alone, without seeds.
        base: what they would do by the other options.
        before: these options until now. What they said already they go on saying, also where the others say the same.
        is_fixed: say everything, so that nothing changes when the others do.

    Raises:
        UsageError: `before` cannot be read.
    """
    now, other, was = asdict(plan), asdict(base), asdict(options_from_json(before))
    said = json.loads(before) if before.strip() else {}
    found: dict[str, Any] = {"rules": now["rules"]} if plan.rules else {}
    for name, value in now.items():
        if name in ("seeds", "rules"):
            continue
        if not isinstance(value, dict):
            if is_fixed or value != other[name] or (name in said and value == was[name]):
                found[name] = value
            continue
        part = {
            key: item
            for key, item in value.items()
            if is_fixed or item != other[name][key] or (key in said.get(name, {}) and item == was[name][key])
        }
        if part:
            found[name] = part
    return json.dumps(found, ensure_ascii=False, sort_keys=True) if found else ""


def says_everything(text: str) -> bool:
    """Options say everything but rules, as `options_beside` writes them with `is_fixed`.

    Raises:
        UsageError: they cannot be read.
    """
    options_from_json(text)
    said = json.loads(text) if text.strip() else {}
    usual = asdict(CrawlPlan(()))
    return all(
        name in said and (not isinstance(value, dict) or value.keys() <= said[name].keys())
        for name, value in usual.items()
        if name not in ("seeds", "rules")
    )


def portable(plan: CrawlPlan) -> CrawlPlan:
    """A plan as it may go to another archive, or come from one: without files of this machine, and with no guard off."""
    return replace(plan, login=Login(), allow_private=False, insecure=False)


def plans_for(options: CrawlPlan, seeds: Iterable[Seed]) -> list[tuple[CrawlPlan, Sequence[Seed]]]:
    """The crawls that some seeds need, in their order: those with the same limits and rules of their own go together.

    A plan has one set of limits and rules for all its seeds, so seeds that ask for others need a crawl of their own.

    Args:
        options: of their collection.
        seeds: with the limits that take the place of the collection's, and the rules that come before them.
    """
    together: dict[tuple[str, str], list[Seed]] = {}
    for seed in seeds:
        together.setdefault((limits_to_json(seed.limits), rules_to_json(seed.rules)), []).append(seed)
    return [
        (
            replace(
                options,
                seeds=tuple(PlannedSeed(seed.url, seed.scope) for seed in some),
                limits=replace(options.limits, **some[0].limits),  # type: ignore[arg-type]
                rules=(*some[0].rules, *options.rules),
            ),
            tuple(some),
        )
        for some in together.values()
    ]
