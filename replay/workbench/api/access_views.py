"""Rules of access, and deletions, in the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from archiver import deletion, deletionlook, purging
from archiver.accounts import Role
from archiver.collections.access import Action, Matching, Rule, Viewer
from archiver.collections.accesswords import changed_rule, in_words, make_rule
from archiver.collections.explain import explain
from archiver.errors import Conflict
from archiver.model import Visibility
from archiver.timestamps import parse_iso
from archiver.urls import parse_url
from replay.workbench.api.operations import Created, Page, PageQuery, first_of, number_of, operation, part_of
from replay.workbench.api.schema import Bounds
from replay.workbench.places import context
from replay.workbench.session import current_account

_TAG, _DELETIONS = "Access", "Deletion"
#: Where a job is asked for that counts a large deletion.
_COUNTS = "/api/v1/jobs/deletion-counts"
Url = Annotated[str, Bounds("A URL.", longest=8000)]
Date = Annotated[str, Bounds("1 to 14 digits, or a date.", longest=40, example="2016-08-10")]
Span = Annotated[str, Bounds("A span of time.", longest=60, example="6months")]
Text = Annotated[str, Bounds(longest=4000)]
Prefix = Annotated[str, Bounds("All that begins so.", longest=8000)]
Host = Annotated[str, Bounds("A host, and all below it.", longest=300)]
Everything = Annotated[bool, Bounds("All that is held.")]
Names = Annotated[tuple[str, ...], Bounds(longest=1000)]


@dataclass(frozen=True)
class AccessRuleView:
    """A rule of access; `in_words` says all of it on one line, empty fields say nothing."""

    number: int
    action: Action
    match: Matching
    url: str
    urlkey: str
    collection: str | None
    since: str
    until: str
    embargo_seconds: int
    files: int
    addresses: tuple[str, ...]
    groups: tuple[str, ...]
    starts: datetime | None
    ends: datetime | None
    message: str
    reason: str
    deletion: str
    created_at: datetime
    created_by: str
    in_words: str


@dataclass(frozen=True)
class AccessRuleBody:
    """A new rule: about a URL (with a star at its end all that begins so), a prefix, a host, or everything."""

    action: Action
    url: Url = ""
    prefix: Prefix = ""
    host: Host = ""
    is_everything: Everything = False
    collection: Annotated[str | None, Bounds("Counts in this collection alone; null for all.", longest=64)] = None
    since: Date = ""
    until: Date = ""
    embargo: Span = ""
    addresses: Annotated[tuple[str, ...], Bounds("For readers from these IP addresses or networks.", longest=1000)] = ()
    groups: Annotated[tuple[str, ...], Bounds("For readers of these groups.", longest=1000)] = ()
    starts: Date = ""
    ends: Date = ""
    message: Annotated[str, Bounds("What readers are told of what is blocked.", longest=4000)] = ""
    reason: Annotated[str, Bounds("A note for the keepers of the archive.", longest=4000)] = ""


@dataclass(frozen=True)
class AccessRuleChangeBody:
    """What is to be changed of a rule: what is left out stays, an empty text takes the old one away."""

    action: Action | None = None
    since: Date | None = None
    until: Date | None = None
    embargo: Span | None = None
    addresses: Names | None = None
    groups: Names | None = None
    starts: Date | None = None
    ends: Date | None = None
    message: Text | None = None
    reason: Text | None = None


@dataclass(frozen=True)
class AccessRuleQuery(PageQuery):
    """Which rules are wanted."""

    collection: Annotated[str, Bounds("Those that count in this collection.", longest=64)] = ""


@dataclass(frozen=True)
class ExplainQuery:
    """Whose sight of what is to be explained."""

    collection: Annotated[str, Bounds(longest=64)]
    url: Url
    at: Date = ""
    address: Annotated[str, Bounds("IP address of the reader.", longest=100)] = ""
    groups: Annotated[tuple[str, ...], Bounds("Of the reader.", longest=100)] = ()


@dataclass(frozen=True)
class ExplanationView:
    """Why a reader may or may not see a URL; `others` are rules for it that do not decide."""

    url: str
    timestamp: str | None
    action: Action
    visibility: Visibility
    rule: AccessRuleView | None
    others: tuple[int, ...]
    lines: tuple[str, ...]


def _view(rule: Rule) -> AccessRuleView:
    return AccessRuleView(
        rule.number, rule.action, rule.matching, rule.url, rule.urlkey, rule.collection,
        f"{rule.since:014d}" if rule.since else "", f"{rule.until:014d}" if rule.until else "", rule.embargo,
        len(rule.files), tuple(map(str, rule.addresses)), tuple(sorted(rule.groups)), rule.starts_at, rule.ends_at,
        rule.message, rule.reason, rule.deletion, parse_iso(rule.created_at), rule.created_by, in_words(rule),
    )  # fmt: skip


@operation("GET", "/access/rules", Role.VIEWER, _TAG)
def list_rules(query: AccessRuleQuery) -> Page[AccessRuleView]:
    """List the rules of access."""
    holdings = context().holdings
    if query.collection:
        holdings.collections.get(query.collection)
    found = (rule for rule in holdings.access.all() if not query.collection or rule.collection in (None, query.collection))
    return part_of(map(_view, found), query)


@operation("POST", "/access/rules", Role.ARCHIVIST, _TAG)
def add_rule(body: AccessRuleBody) -> Created[AccessRuleView]:
    """Add a rule; it takes effect within a second."""
    rule = make_rule(
        body.action, url=body.url, prefix=body.prefix, host=body.host, is_everything=body.is_everything,
        collection=body.collection, since=body.since, until=body.until, embargo=body.embargo, addresses=body.addresses,
        groups=body.groups, starts=body.starts, ends=body.ends, message=body.message, reason=body.reason,
    )  # fmt: skip
    (made,) = context().holdings.access.add([rule], actor=current_account().name)
    return Created(_view(made), f"/access/rules/{made.number}")


@operation("GET", "/access/rules/<int:number>", Role.VIEWER, _TAG)
def get_rule(number: int) -> AccessRuleView:
    """Look at a rule."""
    return _view(context().holdings.access.get(number))


@operation("PATCH", "/access/rules/<int:number>", Role.ARCHIVIST, _TAG)
def change_rule(number: int, body: AccessRuleChangeBody) -> AccessRuleView:
    """Change a rule; what it is about stays."""
    rule = changed_rule(
        _free(number), body.action, since=body.since, until=body.until, embargo=body.embargo, addresses=body.addresses,
        groups=body.groups, starts=body.starts, ends=body.ends, message=body.message, reason=body.reason,
    )  # fmt: skip
    return _view(context().holdings.access.change(rule, actor=current_account().name))


@operation("DELETE", "/access/rules/<int:number>", Role.ARCHIVIST, _TAG)
def remove_rule(number: int) -> None:
    """Take a rule away."""
    context().holdings.access.remove(_free(number).number, actor=current_account().name)


def _free(number: int) -> Rule:
    """A rule that is no part of a deletion."""
    rule = context().holdings.access.get(number)
    if rule.deletion:
        raise Conflict(f"Rule {number} is part of a deletion.", "Restore that, where it has not been purged.")
    return rule


@operation("GET", "/access/explain", Role.VIEWER, _TAG)
def explain_access(query: ExplainQuery) -> ExplanationView:
    """Say what becomes of a URL for a reader, and which rule decides."""
    viewer = Viewer(query.address, frozenset(query.groups))
    found = explain(context().holdings, query.collection, query.url, query.at, viewer)
    return ExplanationView(
        found.url, found.capture.timestamp if found.capture else None, found.action, found.visibility,
        _view(found.rule) if found.rule else None, tuple(rule.number for rule in found.others), tuple(found.lines()),
    )  # fmt: skip


# -- deletion --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeletionBody:
    """What is to be deleted: one of url, prefix, host, crawl, record ("FILE:OFFSET") and is_everything."""

    collection: Annotated[str, Bounds(longest=64)]
    reason: Annotated[str, Bounds("Why; the audit log and the tombstones keep it.", longest=4000)]
    url: Url = ""
    prefix: Prefix = ""
    host: Host = ""
    crawl: Annotated[int | None, Bounds("All that a crawl has written.", least=1)] = None
    record: Annotated[str, Bounds("One record.", longest=1000)] = ""
    is_everything: Annotated[bool, Bounds("The whole collection.")] = False
    since: Date = ""
    until: Annotated[str, Bounds("Captured at that time or earlier; now, when it is left out.", longest=40)] = ""
    is_said: Annotated[bool, Bounds("Readers are told that something was here: 451, and 410 once it is purged.")] = False
    message: Annotated[str, Bounds("What they are told.", longest=4000)] = ""


@dataclass(frozen=True)
class DependentView:
    """A capture that stays and has its payload in a record that goes."""

    collection: str
    timestamp: str
    url: str


@dataclass(frozen=True)
class ExtentView:
    """How much a deletion is about; `dependents` names the first hundred."""

    captures: int
    urls: int
    bytes: int
    files: tuple[str, ...]
    not_ours: int
    shared: int
    dependent_captures: int
    dependents: tuple[DependentView, ...]


@dataclass(frozen=True)
class DeletionView:
    """A deletion; `state` is "suppressed" or "purged"."""

    number: int
    state: str
    in_words: str
    collection: str | None
    reason: str
    is_said: bool
    created_by: str
    created_at: datetime
    purged_records: int


@dataclass(frozen=True)
class PurgeBody:
    """How to purge. `copies`: what becomes of revisits that stay and need a payload that goes; without it they refuse."""

    copies: purging.Copies | None = None
    with_digest: Annotated[bool, Bounds("Tombstones keep the digest of what was there.")] = False


@dataclass(frozen=True)
class PurgeView:
    """What was purged. `files`: old name to new name; `left`: file to why it was left as it is; `exports`, `derived`: how many
    jobs' exports and results of WASAPI's jobs were taken away, as it may have been in them."""

    number: int
    records: int
    captures: int
    bytes: int
    files: dict[str, str]
    kept_whole: int
    shared: int
    left: dict[str, str]
    exports: int
    derived: int


def deletion_selection(body: DeletionBody) -> deletion.Selection:
    return deletion.Selection(
        body.collection, body.url, body.prefix, body.host, body.crawl, body.record, body.is_everything, body.since, body.until
    )


def deletion_rule(body: DeletionBody) -> Rule:
    selection = deletion_selection(body)
    return deletion.rule_for(context().holdings, selection, reason=body.reason, message=body.message, is_said=body.is_said)


def _deletion(rule: Rule) -> DeletionView:
    stones = deletion.stone_count(context().holdings, rule)
    return DeletionView(
        rule.number, rule.deletion, in_words(rule), rule.collection, rule.reason, rule.action is Action.BLOCK,
        rule.created_by, parse_iso(rule.created_at), stones,
    )  # fmt: skip


@operation("GET", "/deletions", Role.VIEWER, _DELETIONS)
def list_deletions(query: PageQuery) -> Page[DeletionView]:
    """List the deletions."""
    found = part_of((rule for rule in context().holdings.access.all() if rule.deletion), query)
    return Page(tuple(map(_deletion, found.items)), found.following)


@operation("POST", "/deletions/preview", Role.ARCHIVIST, _DELETIONS)
def preview_deletion(body: DeletionBody) -> ExtentView:
    """Say how much a deletion would be about; nothing is done. What takes longer than a second is refused: a job counts it."""
    found = deletionlook.look(context().holdings, deletion_rule(body))
    if found is None:
        raise Conflict("There is much to look at: it takes longer than a request.", f"Send the same to {_COUNTS}.")
    named = tuple(DependentView(item.collection, item.timestamp, item.url) for item in found.dependents[:100])
    return ExtentView(
        found.captures, found.urls, found.bytes, found.files, found.not_ours, found.shared, len(found.dependents), named
    )


@operation("POST", "/deletions", Role.ARCHIVIST, _DELETIONS)
def suppress(body: DeletionBody) -> Created[DeletionView]:
    """Put captures out of sight at once; they can come back until they are purged. One that is about nothing is refused."""
    holdings, rule = context().holdings, deletion_rule(body)
    if deletionlook.is_of_something(holdings, rule) is False:
        deletion.refuse_nothing(deletion.NOTHING, deletion_selection(body))
    made = deletion.suppress(holdings, rule, actor=current_account().name)
    return Created(_deletion(made), f"/deletions/{made.number}")


@operation("GET", "/deletions/<int:number>", Role.VIEWER, _DELETIONS)
def get_deletion(number: int) -> DeletionView:
    """Look at a deletion."""
    return _deletion(deletion.deletion_of(context().holdings, number))


@operation("POST", "/deletions/<int:number>/restore", Role.ARCHIVIST, _DELETIONS, status=204)
def restore_deletion(number: int) -> None:
    """Let what was suppressed be seen again."""
    deletion.restore(context().holdings, number, actor=current_account().name)


@operation("POST", "/deletions/<int:number>/purge", Role.ADMINISTRATOR, _DELETIONS)
def purge_deletion(number: int, body: PurgeBody) -> PurgeView:
    """Take what was suppressed out of the WARC files, for good. There is no way back."""
    report = purging.purge(
        context().holdings, number, copies=body.copies, with_digest=body.with_digest, actor=current_account().name
    )
    return PurgeView(
        report.number, report.records, report.captures, report.bytes, report.files, report.kept_whole, report.shared,
        report.left, report.exports, report.derived,
    )  # fmt: skip


@dataclass(frozen=True)
class TombstoneView:
    """What is left of a record that was purged: that it was there, when it went and why; never what it said.

    `timestamp`: 14 digits, zeros where nobody knows; `file`: that it was in, by its name then; `digest`: of its block, "" but
    where the purge was told to keep it; `record_type` and `record_id` are "" where its file had none; `length`: bytes of its
    block.
    """

    number: int
    collection: str | None
    url: str
    timestamp: str
    record_type: str
    record_id: str
    digest: str
    length: int
    file: str
    purged_at: datetime
    reason: str


@dataclass(frozen=True)
class TombstoneQuery(PageQuery):
    """Which tombstones are wanted; what is left out does not count."""

    deletion: Annotated[int | None, Bounds("Left by that deletion.", least=1)] = None
    collection: Annotated[str, Bounds("Of that collection, also of one that was removed.", longest=64)] = ""
    url: Annotated[str, Bounds("Of that URL.", longest=8000)] = ""


@operation("GET", "/tombstones", Role.ARCHIVIST, _DELETIONS)
def list_tombstones(query: TombstoneQuery) -> Page[TombstoneView]:
    """List what is left of what was purged, in the order in which it was."""
    holdings = context().holdings
    if query.collection and not holdings.collections.was_removed(query.collection):
        holdings.collections.get(query.collection)
    rule = deletion.deletion_of(holdings, query.deletion) if query.deletion is not None else None
    url = parse_url(query.url, assume_http=True) if query.url else ""
    found = deletion.stones(
        holdings, rule=rule, collection=query.collection, url=url, after=number_of(query), limit=query.limit + 1
    )
    return first_of([_stone(item) for item in found], query, lambda item: item.number)


def _stone(item: deletion.Stone) -> TombstoneView:
    return TombstoneView(
        item.number, item.collection, item.url, item.timestamp, item.record_type, item.record_id, item.digest, item.length,
        item.file, parse_iso(item.purged_at), item.reason,
    )  # fmt: skip
