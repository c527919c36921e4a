"""Jobs, schedules and test crawls, in the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Annotated, Any, BinaryIO, ClassVar

from archiver import deletionlook, testcrawls
from archiver.accounts import Role
from archiver.collections.options import options_from_json, options_to_json
from archiver.collections.seedvalues import Schedule
from archiver.deletion import deletion_of
from archiver.errors import AccessRefused, MunimentError, NotFound
from archiver.export.forms import ExportForm
from archiver.export.orders import ordered
from archiver.export.selection import Selection
from archiver.incoming import Upload
from archiver.jobs import Job, JobState
from archiver.purging import Copies
from archiver.schedules import Scheduled, ScheduleRegistry
from archiver.testdiff import Change, difference
from archiver.timestamps import parse_iso
from archiver.urls import parse_url, refuse_password
from replay.workbench.api.access_views import DeletionBody, deletion_rule, deletion_selection
from replay.workbench.api.crawl_views import (
    CrawlBody,
    CrawlView,
    PlanChangeBody,
    PlanView,
    changed_plan,
    plan_view,
    planned,
    reports,
    view_of,
)
from replay.workbench.api.operations import (
    Created,
    Download,
    Page,
    PageQuery,
    first_of,
    number_of,
    operation,
    part_of,
)
from replay.workbench.api.schema import Bounds, FieldProblem, Invalid, field_problem, to_json
from replay.workbench.job_pages import discard_export, exported_file, retry_as
from replay.workbench.places import context, incoming_files, job_registry
from replay.workbench.session import current_account

_TAG, _SCHEDULES, _TESTS = "Jobs", "Schedules", "Test crawls"


@dataclass(frozen=True)
class JobView:
    """Work that runs for a while. `done` of `total` is how far it is, `total` null when nobody knows; `wanted` is "cancel" when
    somebody wants it to end. `arguments` and `result` are those of its kind."""

    number: int
    kind: str
    collection: str | None
    state: JobState
    wanted: str
    arguments: Mapping[str, object]
    result: Mapping[str, object]
    message: str
    done: int
    total: int | None
    created_at: datetime
    created_by: str
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class JobQuery(PageQuery):
    """Which jobs are wanted."""

    state: Annotated[tuple[JobState, ...], Bounds("In one of these states.", longest=10)] = ()
    kind: Annotated[tuple[str, ...], Bounds("Of one of these kinds, such as crawl.", longest=20)] = ()
    collection: Annotated[str, Bounds(longest=64)] = ""


@dataclass(frozen=True)
class CapturesBody:
    """Pages that are to be captured with all they need, one after the other."""

    collection: Annotated[str, Bounds(longest=64)]
    urls: Annotated[tuple[str, ...], Bounds(longest=10_000)]


@dataclass(frozen=True)
class ExportBody:
    """What is to be exported; what is left out does not narrow it down."""

    collection: Annotated[str, Bounds(longest=64)]
    form: ExportForm = ExportForm.WACZ
    crawl: Annotated[int | None, Bounds("What that crawl has written.", least=1)] = None
    url_prefix: Annotated[str, Bounds("What URLs begin with.", longest=8000)] = ""
    since: Annotated[str, Bounds("Captured at that time or later.", longest=40)] = ""
    until: Annotated[str, Bounds("Captured at that time or earlier.", longest=40)] = ""
    page: Annotated[str, Bounds("One page, with what it needs.", longest=8000)] = ""
    at: Annotated[str, Bounds("When: with page.", longest=40)] = ""
    public_only: Annotated[bool, Bounds("Only what all readers may see.")] = False


@dataclass(frozen=True)
class UploadQuery:
    """How a file is called."""

    name: Annotated[str, Bounds("Name of the file.", longest=1000)]


@dataclass(frozen=True)
class UploadView:
    """A file that came in and waits, for a week, to be taken in; `token` names it."""

    token: str
    name: str
    bytes: int
    at: datetime


@dataclass(frozen=True)
class ImportBody:
    """What is to be taken into a collection: files that were sent, and, for administrators, what the server's machine sees."""

    collection: Annotated[str, Bounds(longest=64)]
    uploads: Annotated[tuple[str, ...], Bounds("Tokens of files that were sent.", longest=1000)] = ()
    sources: Annotated[tuple[str, ...], Bounds("Files, folders and URLs; needs the role administrator.", longest=1000)] = ()
    in_place: Annotated[bool, Bounds("Those of sources stay where they are, and are read there.")] = False
    warcs: Annotated[str, Bounds("What names of files in CDX files are relative to.", longest=4000)] = ""


@dataclass(frozen=True)
class VerificationBody:
    """What is to be verified: files against their digests and the rules, the index and the database against files."""

    collection: Annotated[str | None, Bounds("null for the whole archive.", longest=64)] = None
    quick: Annotated[bool, Bounds("Sizes and digests only.")] = False
    older_than: Annotated[int | None, Bounds("Only what was not verified for so many days.", least=0, most=36_500)] = None


@dataclass(frozen=True)
class TextsBody:
    """Texts for the search are to be read."""

    again: Annotated[bool, Bounds("All of them anew.")] = False


@dataclass(frozen=True)
class PurgeJobBody:
    """A deletion that is to be purged. There is no way back."""

    deletion: Annotated[int, Bounds(least=1)]
    copies: Copies | None = None
    with_digest: bool = False


def _moment(text: str | None) -> datetime | None:
    return parse_iso(text) if text else None


def _job(item: Job) -> JobView:
    return JobView(
        item.number, item.kind, item.collection, item.state, item.wanted, item.arguments, item.result, item.message,
        item.done, item.total, parse_iso(item.created_at), item.created_by, _moment(item.started_at),
        _moment(item.finished_at),
    )  # fmt: skip


def _put(kind: str, arguments: dict[str, Any], collection: str | None) -> Created[JobView]:
    number = job_registry().put(kind, arguments, collection, current_account().name)
    return Created(_job(job_registry().get(number)), f"/jobs/{number}")


@operation("GET", "/jobs", Role.VIEWER, _TAG)
def list_jobs(query: JobQuery) -> Page[JobView]:
    """List the jobs, newest first."""
    found = job_registry().list(
        states=query.state, kinds=query.kind, collection=query.collection or None, before=number_of(query),
        limit=query.limit + 1,
    )  # fmt: skip
    return first_of([_job(item) for item in found], query, lambda item: item.number)


@operation("GET", "/jobs/<int:number>", Role.VIEWER, _TAG)
def get_job(number: int) -> JobView:
    """Look at a job."""
    return _job(job_registry().get(number))


@operation("POST", "/jobs/<int:number>/cancel", Role.ARCHIVIST, _TAG, status=202)
def cancel_job(number: int) -> JobView:
    """Have a job end: at once when nobody works on it; asked twice, abruptly."""
    return _job(job_registry().cancel(number, current_account().name))


@operation("POST", "/jobs/<int:number>/retry", Role.ARCHIVIST, _TAG, status=202)
def retry_job(number: int) -> JobView:
    """Have a failed or cancelled job done again; it goes on with what it has kept. That of a purge needs an administrator."""
    return _job(retry_as(current_account(), number))


@operation("GET", "/jobs/<int:number>/file", Role.ARCHIVIST, _TAG, gives_file=tuple(form.media_type for form in ExportForm))
def get_exported_file(number: int) -> Download:
    """Fetch the file that an export made, or a part of it."""
    return Download(exported_file(number))


@operation("DELETE", "/jobs/<int:number>/file", Role.ARCHIVIST, _TAG)
def remove_exported_file(number: int) -> None:
    """Take away the file that an export made."""
    discard_export(number)


@operation("POST", "/jobs/captures", Role.ARCHIVIST, _TAG)
def ask_for_captures(body: CapturesBody) -> Created[JobView]:
    """Have pages captured, with all they need."""
    urls = []
    problems: list[FieldProblem] = []
    for place, text in enumerate(body.urls):
        try:
            urls.append(refuse_password(parse_url(text, assume_http=True)))
        except MunimentError as error:
            problems.append(FieldProblem(f"#/urls/{place}", str(error)))
    if problems:
        raise Invalid(problems)
    if not urls:
        raise field_problem("urls", "There must be one at least.")
    return _put("capture", {"urls": urls}, body.collection)


@operation("POST", "/jobs/exports", Role.ARCHIVIST, _TAG)
def ask_for_export(body: ExportBody) -> Created[JobView]:
    """Have something exported; `result` of the job tells name, size and SHA-256 of the file, which /jobs/NUMBER/file gives."""
    selection = Selection(body.collection, body.crawl, body.url_prefix, body.since, body.until, body.page, body.at)
    return _put("export", ordered(selection, body.form, public_only=body.public_only), body.collection)


def _upload(item: Upload) -> UploadView:
    return UploadView(item.token, item.name, item.bytes, item.at)


@operation("POST", "/uploads", Role.ARCHIVIST, _TAG)
def send_file(query: UploadQuery, file: BinaryIO) -> Created[UploadView]:
    """Send a file that is to be taken in: WARC, ARC, WACZ, HAR, or the description of a collection."""
    made = incoming_files().receive(query.name, file)
    return Created(_upload(made), f"/uploads/{made.token}")


@operation("GET", "/uploads", Role.ARCHIVIST, _TAG)
def list_files_sent(query: PageQuery) -> Page[UploadView]:
    """List the files that wait to be taken in, newest first."""
    return part_of(map(_upload, incoming_files().all()), query)


@operation("GET", "/uploads/<token>", Role.ARCHIVIST, _TAG)
def get_file_sent(token: str) -> UploadView:
    """Look at a file that waits."""
    return _upload(incoming_files().get(token))


@operation("DELETE", "/uploads/<token>", Role.ARCHIVIST, _TAG)
def discard_file_sent(token: str) -> None:
    """Take a file away that waits."""
    incoming_files().give_up(incoming_files().get(token).token)


@operation("POST", "/jobs/imports", Role.ARCHIVIST, _TAG)
def ask_for_import(body: ImportBody) -> Created[JobView]:
    """Have files taken into a collection."""
    slug = context().holdings.collections.get(body.collection).slug
    if body.sources and not current_account().role.includes(Role.ADMINISTRATOR):
        raise AccessRefused("What the server's machine sees is taken in by administrators.", "Send the files themselves.")
    if not (body.uploads or body.sources):
        raise field_problem("uploads", "There must be one at least, or one of sources.")
    incoming = incoming_files()
    for token in body.uploads:
        incoming.get(token)
    arguments = {
        "uploads": list(body.uploads), "sources": list(body.sources), "in_place": body.in_place, "warcs": body.warcs,
    }  # fmt: skip
    return _put("import", arguments, slug)


@operation("POST", "/jobs/verifications", Role.ARCHIVIST, _TAG)
def ask_for_verification(body: VerificationBody) -> Created[JobView]:
    """Have the archive verified."""
    return _put("verify", {"quick": body.quick, "older_than": body.older_than}, body.collection)


@operation("POST", "/jobs/texts", Role.ARCHIVIST, _TAG)
def ask_for_texts(body: TextsBody) -> Created[JobView]:
    """Have texts read for the search."""
    return _put("texts", {"again": body.again}, None)


@operation("POST", "/jobs/purges", Role.ADMINISTRATOR, _TAG)
def ask_for_purge(body: PurgeJobBody) -> Created[JobView]:
    """Have a deletion purged, when nothing is being captured. There is no way back."""
    deletion_of(context().holdings, body.deletion)
    arguments = {"deletion": body.deletion, "copies": to_json(body.copies), "with_digest": body.with_digest}
    return _put("purge", arguments, None)


@operation("POST", "/jobs/deletion-counts", Role.ARCHIVIST, _TAG)
def ask_for_deletion_count(body: DeletionBody) -> Created[JobView]:
    """Have it counted how much a deletion would be about, however large; nothing is done. `result` of the job says it."""
    rule = deletion_rule(body)
    selection = replace(deletion_selection(body), until=f"{rule.until:014d}" if rule.until else body.until)
    number = deletionlook.begin(
        job_registry(),
        selection,
        reason=body.reason,
        message=body.message,
        is_said=body.is_said,
        names_end=bool(body.until),
        by=current_account().name,
    )
    return Created(_job(job_registry().get(number)), f"/jobs/{number}")


# -- schedules -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScheduleView:
    """How often seeds of a collection are crawled; `plan` is what its crawls are asked, `message` why it began nothing last."""

    volatile: ClassVar[frozenset[str]] = frozenset({"next_at", "last_crawl", "message", "seeds"})

    collection: str
    schedule: Schedule
    is_active: bool
    is_paused: bool
    plan: PlanView
    next_at: datetime | None
    anchor: datetime
    last_crawl: int | None
    message: str
    seeds: int


@dataclass(frozen=True)
class ScheduleBody:
    """What is to be changed of a schedule; what is left out stays."""

    is_active: bool | None = None
    anchor: Annotated[datetime | None, Bounds("From when it counts.")] = None
    plan: Annotated[PlanChangeBody | None, Bounds("What its crawls are asked; counts more than the collection's options.")] = (
        None
    )


@dataclass(frozen=True)
class ScheduleQuery(PageQuery):
    """Which schedules are wanted."""

    collection: Annotated[str, Bounds(longest=64)] = ""


@dataclass(frozen=True)
class BegunView:
    """Crawls that were begun."""

    crawls: tuple[int, ...]


def _schedule(item: Scheduled) -> ScheduleView:
    plain = {field.name: getattr(item, field.name) for field in fields(ScheduleView) if field.name != "plan"}
    return ScheduleView(**plain, plan=plan_view(options_from_json(item.plan)))


def _named(text: str) -> Schedule:
    try:
        return Schedule(text)
    except ValueError:
        raise NotFound("There is no such schedule.", f"There are: {', '.join(Schedule)}.") from None


@operation("GET", "/schedules", Role.VIEWER, _SCHEDULES)
def list_schedules(query: ScheduleQuery) -> Page[ScheduleView]:
    """List the schedules that seeds have, by when they are due."""
    return part_of(map(_schedule, ScheduleRegistry(context().holdings).all(query.collection or None)), query)


@operation("GET", "/collections/<slug>/schedules/<name>", Role.VIEWER, _SCHEDULES)
def get_schedule(slug: str, name: str) -> ScheduleView:
    """Look at a schedule of a collection."""
    return _schedule(ScheduleRegistry(context().holdings).get(slug, _named(name)))


@operation("PATCH", "/collections/<slug>/schedules/<name>", Role.ARCHIVIST, _SCHEDULES)
def change_schedule(slug: str, name: str, body: ScheduleBody) -> ScheduleView:
    """Switch a schedule on or off, say when it counts from, or with what options it crawls."""
    registry, which = ScheduleRegistry(context().holdings), _named(name)
    plan = None
    if body.plan is not None:
        plan = options_to_json(changed_plan(options_from_json(registry.get(slug, which).plan), body.plan, "#/plan"))
    changed = registry.set(slug, which, by=current_account().name, is_active=body.is_active, anchor=body.anchor, plan=plan)
    return _schedule(changed)


@operation("POST", "/collections/<slug>/schedules/<name>/run", Role.ARCHIVIST, _SCHEDULES, status=202)
def run_schedule(slug: str, name: str) -> BegunView:
    """Begin a schedule now, whenever it is due."""
    registry = ScheduleRegistry(context().holdings)
    return BegunView(tuple(registry.run(slug, _named(name), by=current_account().name)))


# -- test crawls -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TestCrawlView:
    """A test crawl, kept apart in a collection of its own until it is saved or discarded.

    `state`: "unsaved", "saving", "saved", "discarding" or "discarded".
    """

    __test__ = False  # no test of pytest's

    crawl: int
    collection: str
    apart: str
    state: str
    expires_at: datetime | None
    requested_by: str


def _test(item: testcrawls.TestCrawl) -> TestCrawlView:
    return TestCrawlView(item.crawl, item.collection, item.apart, item.state, _moment(item.expires_at), item.requested_by)


@operation("GET", "/test-crawls", Role.VIEWER, _TESTS)
def list_test_crawls(query: ScheduleQuery) -> Page[TestCrawlView]:
    """List the test crawls."""
    return part_of(map(_test, testcrawls.find_tests(context().holdings, query.collection or None)), query)


@operation("GET", "/test-crawls/<int:number>", Role.VIEWER, _TESTS)
def get_test_crawl(number: int) -> TestCrawlView:
    """Look at a test crawl, by the number of the crawl."""
    return _test(testcrawls.get_test(context().holdings, number))


@dataclass(frozen=True)
class DocumentsChangeView:
    """Documents of one host or media type in both crawls."""

    key: str
    before: int
    after: int


@dataclass(frozen=True)
class TestDifferenceView:
    """A test crawl beside the last crawl of its collection, which is null when there was none.

    `hosts` and `types` differ, the greatest differences first, and are named up to fifty each; `left_out` counts the others.
    `new_hosts`: hosts of which nothing came before; `lost_types`: media types of which nothing came this time; `stored`: bytes
    that saving would add to the collection.
    """

    __test__ = False  # no test of pytest's

    before: CrawlView | None
    after: CrawlView
    hosts: tuple[DocumentsChangeView, ...]
    types: tuple[DocumentsChangeView, ...]
    new_hosts: int
    lost_types: int
    stored: int
    left_out: int


def _change(item: Change) -> DocumentsChangeView:
    return DocumentsChangeView(item.key, item.before, item.after)


@operation("GET", "/test-crawls/<int:number>/difference", Role.VIEWER, _TESTS)
def get_test_difference(number: int) -> TestDifferenceView:
    """Say what a test crawl would bring: itself beside the last crawl of its collection."""
    holdings = context().holdings
    found = difference(holdings, testcrawls.get_test(holdings, number))
    return TestDifferenceView(
        view_of(found.before) if found.before else None, view_of(reports().find(number, None)),
        tuple(map(_change, found.hosts)), tuple(map(_change, found.types)), found.new_hosts, found.lost_types, found.stored,
        found.left_out,
    )  # fmt: skip


@operation("POST", "/test-crawls", Role.ARCHIVIST, _TESTS)
def begin_test_crawl(body: CrawlBody) -> Created[TestCrawlView]:
    """Begin a test crawl; a worker does it."""
    holdings = context().holdings
    crawl, _ = testcrawls.begin_test(holdings, body.collection, planned(body), by=current_account().name)
    return Created(_test(testcrawls.get_test(holdings, crawl)), f"/test-crawls/{crawl}")


@operation("POST", "/test-crawls/<int:number>/save", Role.ARCHIVIST, _TESTS, status=202)
def save_test_crawl(number: int) -> JobView:
    """Have a worker put a test crawl into its collection."""
    return _job(job_registry().get(testcrawls.ask_to_save(context().holdings, number, by=current_account().name)))


@operation("POST", "/test-crawls/<int:number>/discard", Role.ARCHIVIST, _TESTS, status=202)
def discard_test_crawl(number: int) -> JobView:
    """Have a worker discard a test crawl, WARC files and all."""
    return _job(job_registry().get(testcrawls.ask_to_discard(context().holdings, number, by=current_account().name)))
