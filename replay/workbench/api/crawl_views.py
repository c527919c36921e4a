"""Crawls, in the API: planned, begun, steered."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar

from archiver.accounts import Role
from archiver.collections.reports import CrawlReports, CrawlSummary, Sums
from archiver.collections.steering import LOGIN_FOLDER, MOST_PATCHED, Notes, login_files
from archiver.crawl.plan import CrawlPlan, DedupMode, Limits, Login, Pace, RobotsMode, Rule, RuleAction, ScopeKind, Seed, Traps
from archiver.crawl.rules import Rules
from archiver.crawl.scope import Scope
from archiver.errors import Conflict, MunimentError
from archiver.timestamps import parse_iso
from archiver.urls import parse_url, refuse_password
from replay.workbench.api.operations import Created, Page, PageQuery, first_of, number_of, operation
from replay.workbench.api.schema import Bounds, FieldProblem, Invalid, field_problem
from replay.workbench.crawls.shown import desk
from replay.workbench.places import context
from replay.workbench.session import current_account

_TAG = "Crawls"
MOST_SEEDS = 10_000


@dataclass(frozen=True)
class CrawlView:
    """A crawl. `state`: "running", "paused", "stopped" or "finished"; `wanted`: what was asked of it last."""

    number: int
    collection: str
    seeds: tuple[str, ...]
    seed_count: int
    state: str
    wanted: str
    ended: str
    started_at: datetime
    finished_at: datetime | None
    seconds: float
    sums: Sums


@dataclass(frozen=True)
class PlanView:
    """What a crawl was asked to do, but for its seeds and where its secrets are."""

    scope: ScopeKind
    rules: tuple[Rule, ...]
    extra_hops: int
    transclusion_hops: int
    sitemaps: bool
    robots: RobotsMode
    robots_meta: bool
    dedup: DedupMode
    limits: Limits
    pace: Pace
    traps: Traps
    guesses: bool
    user_agent: str
    logs_in: bool


@dataclass(frozen=True)
class CrawlOverviewView:
    """A crawl at a glance. `classes`: captured documents by class of status; `rate`: documents a second."""

    volatile: ClassVar[frozenset[str]] = frozenset({"crawl", "pages", "hosts", "workers", "rate", "classes"})

    crawl: CrawlView
    plan: PlanView
    pages: int
    hosts: int
    workers: int
    rate: float
    classes: dict[str, int]


@dataclass(frozen=True)
class SeedBody:
    """Where a crawl begins; `scope` is that of the plan where it is left out."""

    url: Annotated[str, Bounds("http:// is assumed where it is missing.", longest=8000)]
    scope: ScopeKind | None = None


@dataclass(frozen=True)
class LoginBody:
    """What a crawl logs in with: names of files in the folder `logins` of the archive, which only its keeper fills."""

    cookies: Annotated[str, Bounds("A Netscape cookies file.", longest=255)] = ""
    credentials: Annotated[str, Bounds("A file of names and passwords.", longest=255)] = ""
    headers: Annotated[str, Bounds("A file of header lines.", longest=255)] = ""
    hosts: Annotated[tuple[str, ...], Bounds("That may be shown them; empty for the hosts of the seeds.", longest=100)] = ()


@dataclass(frozen=True)
class PlanChangeBody:
    """What a crawl is asked to do; what is left out is as usual, or stays as it is."""

    scope: ScopeKind | None = None
    rules: Annotated[tuple[Rule, ...] | None, Bounds("All of them, in the order in which they are asked.", longest=1000)] = None
    extra_hops: Annotated[int | None, Bounds(least=0, most=100)] = None
    transclusion_hops: Annotated[int | None, Bounds(least=0, most=100)] = None
    sitemaps: bool | None = None
    robots: RobotsMode | None = None
    robots_meta: bool | None = None
    dedup: DedupMode | None = None
    limits: Annotated[Limits | None, Bounds("0 is no limit.")] = None
    pace: Pace | None = None
    traps: Traps | None = None
    guesses: bool | None = None
    user_agent: Annotated[str | None, Bounds("Printable ASCII; empty for the archive's own.", longest=500)] = None
    login: Annotated[LoginBody | None, Bounds("Empty for no login.")] = None


@dataclass(frozen=True)
class CrawlBody:
    """A new crawl. Crawls that reach private addresses or accept invalid certificates are begun on the command line alone."""

    collection: Annotated[str, Bounds(longest=64)]
    seeds: Annotated[tuple[SeedBody, ...], Bounds(longest=MOST_SEEDS)]
    plan: PlanChangeBody = PlanChangeBody()


@dataclass(frozen=True)
class CrawlListQuery(PageQuery):
    """Which crawls are wanted."""

    collection: Annotated[str, Bounds(longest=64)] = ""


@dataclass(frozen=True)
class SeedScopeView:
    """What a seed's scope comes to: in words, and as SURT prefixes."""

    seed: str
    scope: ScopeKind
    takes: str
    surts: tuple[str, ...]


@dataclass(frozen=True)
class QueuedView:
    """How many URLs were queued once more."""

    queued: int


def reports() -> CrawlReports:
    """The reports of this archive's crawls."""
    return CrawlReports(context().holdings.engine)


def view_of(item: CrawlSummary) -> CrawlView:
    """A crawl as the API shows it, with its first hundred seeds."""
    return CrawlView(
        item.number, item.collection, item.seeds[:100], len(item.seeds), item.state, item.wanted, item.ended,
        parse_iso(item.started_at), parse_iso(item.finished_at) if item.finished_at else None, item.seconds, item.sums,
    )  # fmt: skip


def plan_view(plan: CrawlPlan) -> PlanView:
    """What a plan asks for, as the API shows it."""
    kept = {item.name: getattr(plan, item.name) for item in fields(PlanView) if item.name != "logs_in"}
    return PlanView(**kept, logs_in=plan.login.used)


# -- plans -----------------------------------------------------------------------------------------------------------


def changed_plan(plan: CrawlPlan, body: PlanChangeBody, place: str) -> CrawlPlan:
    """A plan with what was given in place of what it says.

    Raises:
        Invalid: a value makes no sense.
    """
    given: dict[str, Any] = {item.name: value for item in fields(body) if (value := getattr(body, item.name)) is not None}
    for name in ("limits", "pace", "traps"):
        for item in fields(given[name]) if name in given else ():
            if getattr(given[name], item.name) < 0:
                raise field_problem(item.name, "It must not be negative.", place=f"{place}/{name}/")
    if body.login is not None:
        given["login"] = _login(body.login, f"{place}/login/")
    agent = given.get("user_agent", "")
    if agent and not (agent.isascii() and agent.isprintable()):
        raise field_problem("user_agent", "It must be printable ASCII on one line.", place=f"{place}/")
    changed = replace(plan, **given)
    try:
        Rules(changed.rules)
    except MunimentError as error:
        raise field_problem("rules", str(error), place=f"{place}/") from error
    if changed.scope is ScopeKind.CUSTOM and not any(rule.action is RuleAction.ACCEPT for rule in changed.rules):
        raise field_problem("scope", "“custom” takes only what accept rules name, and there is none.", place=f"{place}/")
    return changed


def _login(body: LoginBody, place: str) -> Login:
    """Where the files are that a login names.

    Raises:
        Invalid: there is no such file in the folder of logins.
    """
    known = login_files(context().settings.archive)
    paths = {}
    for name in ("cookies", "credentials", "headers"):
        wanted = getattr(body, name)
        if wanted and wanted not in known:
            raise field_problem(
                name, f"There is no file of that name in the folder “{LOGIN_FOLDER}” of the archive.", place=place
            )
        paths[name] = known.get(wanted, "")
    return Login(**paths, hosts=tuple(host.lower() for host in body.hosts))


def planned(body: CrawlBody) -> CrawlPlan:
    """The plan of a new crawl; seeds that are there twice count once.

    Raises:
        Invalid: a seed or a value makes no sense.
    """
    problems: list[FieldProblem] = []
    seeds: dict[str, Seed] = {}
    for number, item in enumerate(body.seeds):
        try:
            seed = Seed(refuse_password(parse_url(item.url, assume_http=True)), item.scope)
            seeds.setdefault(seed.url, seed)
        except MunimentError as error:
            problems.append(FieldProblem(f"#/seeds/{number}/url", str(error)))
    if problems:
        raise Invalid(problems)
    if not seeds:
        raise field_problem("seeds", "There must be one at least.")
    usual = CrawlPlan(seeds=tuple(seeds.values()), dedup=DedupMode(context().settings.dedup))
    return changed_plan(usual, body.plan, "#/plan")


# -- operations ------------------------------------------------------------------------------------------------------


@operation("GET", "/crawls", Role.VIEWER, _TAG)
def list_crawls(query: CrawlListQuery) -> Page[CrawlView]:
    """List the crawls, newest first."""
    if query.collection:
        context().holdings.collections.get(query.collection)
    start = number_of(query)
    found = reports().crawls(query.collection or None, limit=start + query.limit + 1)[start:]
    return first_of([view_of(item) for item in found], query, lambda _: start + query.limit)


@operation("POST", "/crawls/preview", Role.VIEWER, _TAG)
def preview_crawl(body: CrawlBody) -> tuple[SeedScopeView, ...]:
    """Say what each seed's scope would come to; nothing is fetched."""
    plan = planned(body)
    found = Scope(plan, list(enumerate(plan.seeds, 1))).describe()
    return tuple(SeedScopeView(item.seed, item.kind, item.words, tuple(item.surts)) for item in found)


@operation("POST", "/crawls", Role.ARCHIVIST, _TAG)
def create_crawl(body: CrawlBody) -> Created[CrawlView]:
    """Begin a crawl."""
    number = desk().begin(body.collection, planned(body), actor=current_account().name)
    return Created(view_of(reports().find(number, None)), f"/crawls/{number}")


@operation("GET", "/crawls/<int:number>", Role.VIEWER, _TAG)
def get_crawl(number: int) -> CrawlOverviewView:
    """Look at a crawl at a glance."""
    return _overview(number)


def _overview(number: int) -> CrawlOverviewView:
    found = reports().overview(number, context().clock().timestamp())
    return CrawlOverviewView(
        view_of(found.crawl), plan_view(found.plan), found.pages, found.hosts, found.workers, found.rate, found.classes
    )


@operation("PATCH", "/crawls/<int:number>", Role.ARCHIVIST, _TAG)
def change_crawl(number: int, body: PlanChangeBody) -> CrawlOverviewView:
    """Change scope, rules, limits and pace, also while it runs. What is queued or was refused is looked at again."""
    plan = changed_plan(reports().overview(number, 0).plan, body, "#")
    desk().change(number, plan, actor=current_account().name)
    return _overview(number)


@operation("POST", "/crawls/<int:number>/pause", Role.ARCHIVIST, _TAG, status=202)
def pause_crawl(number: int) -> CrawlView:
    """Have a crawl pause once what is being received is finished."""
    return _ask(number, "pause")


@operation("POST", "/crawls/<int:number>/stop", Role.ARCHIVIST, _TAG, status=202)
def stop_crawl(number: int) -> CrawlView:
    """Have a crawl stop; what came is kept, and it can go on later."""
    return _ask(number, "stop")


@operation("POST", "/crawls/<int:number>/resume", Role.ARCHIVIST, _TAG, status=202)
def resume_crawl(number: int) -> CrawlView:
    """Have a crawl go on where it was."""
    found = reports().find(number, None)
    if found.state == "finished":
        raise Conflict(f"Crawl {number} is finished.", "Retry what failed, or begin another.")
    desk().resume(number, actor=current_account().name)
    return view_of(reports().find(number, None))


@operation("POST", "/crawls/<int:number>/retry", Role.ARCHIVIST, _TAG, status=202)
def retry_crawl(number: int) -> QueuedView:
    """Queue every URL once more that failed, was cut, or was answered with a server's error, and go on."""
    reports().find(number, None)
    return QueuedView(desk().retry(number, actor=current_account().name))


def _ask(number: int, wanted: str) -> CrawlView:
    """Tell the workers of a crawl something; one that nobody works on takes the state at once."""
    desk().ask(number, wanted, actor=current_account().name)
    return view_of(reports().find(number, None))


# -- what people do beside --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PatchBody:
    """URLs that are to be captured, each as a page of its own with what it needs."""

    collection: Annotated[str, Bounds(longest=64)]
    urls: Annotated[tuple[str, ...], Bounds(longest=MOST_PATCHED)]
    ignore_robots: Annotated[bool, Bounds("Whatever robots.txt says.")] = False


@dataclass(frozen=True)
class CrawlNotesView:
    """What is known of a crawl beyond what it does. `kind`: "" for a usual one, or such as "patch"."""

    kind: str
    requested_by: str
    notes: str


@dataclass(frozen=True)
class CrawlNotesBody:
    """Notes on a crawl."""

    notes: Annotated[str, Bounds("Plain text; replaces what was there.", longest=20_000)]


@operation("POST", "/crawls/patch", Role.ARCHIVIST, _TAG)
def patch(body: PatchBody) -> Created[CrawlView]:
    """Capture URLs at once, such as those that a report lists as failed."""
    number = desk().patch(body.collection, body.urls, actor=current_account().name, ignore_robots=body.ignore_robots)
    return Created(view_of(reports().find(number, None)), f"/crawls/{number}")


@operation("GET", "/crawls/<int:number>/notes", Role.VIEWER, _TAG)
def get_crawl_notes(number: int) -> CrawlNotesView:
    """Say what is noted of a crawl."""
    reports().find(number, None)
    found = desk().notes([number]).get(number, Notes())
    return CrawlNotesView(found.kind, found.requested_by, found.notes)


@operation("PUT", "/crawls/<int:number>/notes", Role.ARCHIVIST, _TAG)
def set_crawl_notes(number: int, body: CrawlNotesBody) -> CrawlNotesView:
    """Replace the notes on a crawl."""
    desk().write_note(number, body.notes, actor=current_account().name)
    found = desk().notes([number]).get(number, Notes())
    return CrawlNotesView(found.kind, found.requested_by, found.notes)
