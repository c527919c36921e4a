"""What jobs can do, kind by kind. Every function may be cut short anywhere, and run again goes on where it was.

Each imports what it works with only when it runs: a worker that captures need not know how to verify.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from archiver.errors import Conflict, Interrupted, UsageError
from archiver.jobrunner import Kind, Later, Work

if TYPE_CHECKING:
    from archiver.export.forms import ExportForm
    from archiver.export.run import Exporter, ExportReport
    from archiver.imports.report import Taken
    from archiver.model import Candidate, PageResult, ResourceOutcome

#: Things of one sort that a result names.
_NAMED = 50
_PURGED_MEANWHILE = (
    "Something was purged while this was exported, and may be in it: it was thrown away.",
    "Export anew: what is purged is left out.",
)


def crawl(work: Work) -> Mapping[str, Any]:
    """`crawl`: number, `processes`. See `archiver.crawljobs`."""
    from archiver import crawljobs

    return crawljobs.crawl(work)


def capture(work: Work) -> Mapping[str, Any]:
    """`urls`: pages to be captured with all they need; the result has a line for each."""
    from archiver.engine import PageCapturer

    urls = [str(url) for url in work.job.arguments["urls"]]
    pages: list[dict[str, Any]] = list(work.job.result.get("pages", ()))
    with PageCapturer(work.holdings, _collection(work), software=work.software, clock=work.clock) as capturer:
        for place in range(len(pages), len(urls)):
            work.go_on()
            observer = _Counting(work, place, len(urls))
            result = capturer.capture(urls[place], observer=observer, stop=work.stop)
            if result.interrupted:
                raise Interrupted(f"{place} of {len(urls)} pages were captured.")
            pages.append(_page(result))
            work.keep({"pages": pages})
    return {"pages": pages, "captured": sum(page["timestamp"] is not None for page in pages)}


class _Counting:
    """Counts what a page needs, between the pages that are done and those that follow."""

    def __init__(self, work: Work, place: int, pages: int) -> None:
        self._work = work
        self._place = place
        self._pages = pages
        self._finished = 0

    def started(self, candidate: Candidate, known: int) -> None:
        """A URL is being fetched."""
        self._show(known, candidate.url)

    def finished(self, outcome: ResourceOutcome, known: int) -> None:
        """A URL is done."""
        self._finished += 1
        self._show(known, None)

    def _show(self, known: int, url: str | None) -> None:
        share = self._finished / known if known else 0
        self._work.show(int((self._place + share) * 1000), self._pages * 1000, url)


def _page(result: PageResult) -> dict[str, Any]:
    missing = [outcome for outcome in result.outcomes if outcome.failure is not None]
    return {
        "url": result.seed,
        "final_url": result.final_url,
        "timestamp": result.timestamp,
        "title": result.title,
        "resources": sum(outcome.capture is not None for outcome in result.outcomes),
        "bytes": sum(outcome.length for outcome in result.outcomes),
        "missing": [
            {"url": outcome.candidate.url, "reason": outcome.failure.reason} for outcome in missing[:_NAMED] if outcome.failure
        ],
        "missing_count": len(missing),
    }


def take_in(work: Work) -> Mapping[str, Any]:
    """`sources`: files, folders, URLs on the server's side; `uploads`: tokens of files sent; `in_place`; `warcs`: for CDX."""
    from archiver.imports.context import Context, Source
    from archiver.imports.intake import take_in as take
    from archiver.imports.report import captures_of, why_nothing
    from archiver.incoming import Incoming

    arguments = work.job.arguments
    incoming = Incoming(work.holdings.settings.archive, work.clock, lambda: uuid4().hex)
    sources: list[str | Source] = [str(source) for source in arguments.get("sources", ())]
    for token in map(str, arguments.get("uploads", ())):
        path = incoming.path(token)
        sources.append(Source(str(path), shown=path.name, in_place=False, is_sent=True))
    slug = _collection(work)
    told: list[dict[str, Any]] = []

    def show(name: str, position: int, size: int) -> None:
        work.go_on()
        work.show(position, size or None, name.rpartition("/")[2])

    context = Context(
        work.holdings, slug, work.clock, bool(arguments.get("in_place")), str(arguments.get("warcs", "")), lambda _: None, show
    )
    done: list[Taken] = []
    for taken in take(sources, context):
        work.go_on()
        done.append(taken)
        if len(told) < _NAMED or taken.refused:
            told.append(
                {
                    "file": taken.source,
                    "kind": taken.kind.value,
                    "captures": taken.captures,
                    "damaged": taken.damaged,
                    "not_indexed": dict(taken.not_indexed),
                    "refused": taken.refused,
                }
            )
    named, captures = [item if isinstance(item, str) else item.title for item in sources], captures_of(done)
    work.holdings.audit.note(work.job.created_by, "import", f"collection {slug}", {"sources": named, "captures": captures})
    refused = {taken.source for taken in done if taken.refused}
    aside = []
    for token in map(str, arguments.get("uploads", ())):
        # What could not be read lies beside the archive for a while, so that somebody can look at it.
        if (name := incoming.path(token).name) in refused:
            aside.append(name)
        else:
            incoming.discard(token)
    result = {"captures": captures, "files": told} | ({"left_out": aside} if aside else {})
    if (why := why_nothing(done)) != "":
        work.keep(result)
        kept = "What was sent waits for a week on the page Import and export, where it can be discarded."
        raise UsageError(f"Nothing was taken in. {why}", f"It is not in the archive. {kept}" if aside else "")
    return result


def export(work: Work) -> Mapping[str, Any]:
    """`form`: see `archiver.export.forms`; `crawl`, `url_prefix`, `since`, `until`, `page`, `at`, `public_only`.

    The file is where `archiver.exportfiles` says.
    """
    from archiver.export.forms import ExportForm, export_form
    from archiver.export.output import whole_file
    from archiver.export.run import description_of
    from archiver.exportfiles import ExportFiles

    arguments, slug, holdings = work.job.arguments, _collection(work), work.holdings
    form = export_form(arguments.get("form", ExportForm.WACZ))
    folder = ExportFiles(holdings.settings.archive).place(work.job.number)
    folder.mkdir(parents=True, exist_ok=True)  # before the rules are read: a purge that they do not know of takes it away
    output = folder / f"{slug}{form.suffix}"
    report: ExportReport | None = None
    with _undisturbed_by_purges(folder):
        if form is ExportForm.JSON:
            with whole_file(output, replace=True) as stream:
                stream.write(description_of(holdings, slug))
        else:
            report = _written(_exporter(work, slug, folder), output, form)
        result: dict[str, Any] = {"file": f"{work.job.number}/{output.name}", "bytes": output.stat().st_size}
        result["sha256"] = _sha256(output)
    holdings.audit.note(work.job.created_by, "export", f"collection {slug}", {"form": form, "job": work.job.number})
    if report is not None:
        result |= {"captures": report.captures, "left_out": report.left_out, "missing": report.lacks}
    return result


@contextmanager
def _undisturbed_by_purges(folder: Path) -> Iterator[None]:
    """While the folder is there: a purge of the collection takes it away.

    Raises:
        Conflict: it did.
    """
    try:
        yield
    except Interrupted:
        raise
    except Exception as error:  # whatever its absence led to
        if folder.is_dir():
            raise
        raise Conflict(*_PURGED_MEANWHILE) from error
    if not folder.is_dir():
        raise Conflict(*_PURGED_MEANWHILE)


def _exporter(work: Work, slug: str, folder: Path) -> Exporter:
    from archiver.export.permitted import for_readers, not_deleted
    from archiver.export.run import Exporter, Wish
    from archiver.export.selection import Selection, checked_selection

    arguments, holdings = work.job.arguments, work.holdings
    words = {name: str(arguments.get(name) or "") for name in ("url_prefix", "since", "until", "page", "at")}
    selection = Selection(slug, arguments.get("crawl"), *words.values())
    public = bool(arguments.get("public_only"))
    wish = Wish(
        checked_selection(selection),
        permitted=for_readers(holdings, slug) if public else not_deleted(holdings, slug),
        public=public,
        max_bytes=0,
        describe=selection.is_whole and not public,
        workings=folder,
    )
    return Exporter(holdings, wish, clock=work.clock, new_id=lambda: f"<urn:uuid:{uuid4()}>", progress=_telling(work))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _telling(work: Work) -> Callable[[str, int, int], None]:
    def show(step: str, done: int, total: int) -> None:
        work.go_on()
        work.show(done, total or None, "copying" if step == "bytes" else "listing")

    return show


def _written(exporter: Exporter, output: Path, form: ExportForm) -> ExportReport:
    from archiver.export.forms import ExportForm
    from archiver.export.output import SingleBundle, whole_file

    with whole_file(output, replace=True) as stream:
        if form is ExportForm.WACZ:
            return exporter.wacz(stream)
        if form is ExportForm.WARC:
            return exporter.warcs(SingleBundle(stream), name=output.name)
        return exporter.index(stream, as_cdx=form is ExportForm.CDX)


def verify(work: Work) -> Mapping[str, Any]:
    """`quick`, `older_than` (days): files against their digests and the rules, the index and the database against files."""
    from archiver.verifyarchive import ArchiveVerifier
    from archiver.warc.rules import RULES

    days = work.job.arguments.get("older_than")
    age = None if days is None else timedelta(days=float(days))
    if work.job.result.get("begun"):  # cut short before: what was verified since then is passed over
        since = work.clock().timestamp() - float(work.job.result["begun"])
        age = timedelta(seconds=since) if age is None else min(age, timedelta(seconds=since))
    else:
        work.keep({"begun": work.clock().timestamp()})
    verifier = ArchiveVerifier(
        work.holdings, collection=work.job.collection, workers=1, quick=bool(work.job.arguments.get("quick")), older_than=age
    )
    read = 0

    def progress(count: int) -> None:
        nonlocal read
        read += count
        work.go_on()
        work.show(read, verifier.total or None)

    files, rules, worst = 0, Counter[str](), list[dict[str, Any]]()
    with closing(verifier.run(work.clock, progress)) as reports:  # type: ignore[type-var]
        for report in reports:
            work.go_on()
            files += bool(report.size)
            rules.update(report.log.counts)
            for finding in report.log.listed:
                if finding.severity.value == "error" and len(worst) < _NAMED:
                    worst.append({"file": report.file, "rule": finding.rule, "detail": finding.detail or finding.subject})
    by_severity = Counter[str]()
    for rule, count in rules.items():
        by_severity[RULES[rule].severity.value] += count
    if by_severity["error"]:
        _tell_of_errors(work, by_severity["error"], worst)
    return {"files": files, "skipped": verifier.skipped, **_plural(by_severity), "rules": dict(rules), "worst": worst}


def _tell_of_errors(work: Work, errors: int, worst: list[dict[str, Any]]) -> None:
    from archiver.notices import NoticeRegistry

    facts = {"job": work.job.number, "errors": errors, "first": worst[0] if worst else None}
    text = "A verification found an error." if errors == 1 else f"A verification found {errors:,} errors."
    NoticeRegistry(work.holdings).tell("verify.failed", work.job.collection, text, facts)


def _plural(counts: Counter[str]) -> dict[str, int]:
    return {f"{name}s": counts[name] for name in ("error", "warning", "note")}


def texts(work: Work) -> Mapping[str, Any]:
    """`again`: read the texts of everything anew. Texts for the search."""
    from archiver.search.build import read_again, read_texts

    if work.job.arguments.get("again") and not work.job.result.get("forgotten"):
        read_again(work.holdings)
        work.keep({"forgotten": True})
    report = read_texts(
        work.holdings,
        may_go_on=lambda: not work.stop.finish.is_set(),
        progress=lambda file, position: work.show(position, None, file),
    )
    work.go_on()
    if not report.is_complete:
        raise Later("Another process reads texts now.")
    return {"files": report.files, "documents": report.documents, "unreadable": report.unreadable}


def purge(work: Work) -> Mapping[str, Any]:
    """`deletion`: number, `copies`: keep or purge, `with_digest`: take what was suppressed away for good."""
    from archiver import purging

    work.go_on()
    if any(work.holdings.store.unfinished()):
        raise Later("Something is being captured now, and may refer to what goes: it waits for that.")
    arguments = work.job.arguments
    copies = purging.Copies(arguments["copies"]) if arguments.get("copies") else None

    def at_file(done: int, total: int) -> None:
        work.go_on()
        work.show(done, total, f"{done:,} of {total:,} files were written anew")

    report = purging.purge(
        work.holdings,
        int(arguments["deletion"]),
        copies=copies,
        with_digest=bool(arguments.get("with_digest")),
        actor=work.job.created_by,
        step=work.go_on,
        at_file=at_file,
    )
    return {
        "records": report.records,
        "captures": report.captures,
        "bytes": report.bytes,
        "files": report.files,
        "kept_whole": report.kept_whole,
        "exports": report.exports,
        "derived": report.derived,
        "left": report.left,
    }


def count_deletion(work: Work) -> Mapping[str, Any]:
    """How much a deletion is about. See `archiver.deletionlook`."""
    from archiver import deletionlook

    return deletionlook.count(work)


def notice(work: Work) -> Mapping[str, Any]:
    """`notice`: number, `body`: what is told. See `archiver.notices`."""
    from archiver.notices import deliver

    return deliver(work)


def save_test(work: Work) -> Mapping[str, Any]:
    """`crawl`: number of a test crawl that goes into its collection."""
    from archiver import testcrawls

    return {"captures": testcrawls.save(work.holdings, int(work.job.arguments["crawl"]), _between(work))}


def discard_test(work: Work) -> Mapping[str, Any]:
    """`crawl`: number of a test crawl that goes, WARC files and all."""
    from archiver import testcrawls

    return {"captures": testcrawls.discard(work.holdings, int(work.job.arguments["crawl"]), _between(work))}


def _between(work: Work) -> Callable[[int], None]:
    """Told a count between two transactions."""

    def show(count: int) -> None:
        work.show(count)
        work.go_on()

    return show


def _collection(work: Work) -> str:
    """Slug of the collection that a job is about.

    Raises:
        UnknownCollection: it is gone.
        UsageError: the job names none.
    """
    if work.job.collection is None:
        raise UsageError("This job names no collection.", "Begin it anew, in a collection.")
    return work.holdings.collections.get(work.job.collection).slug


#: Every kind of job, by name.
KINDS: dict[str, Kind] = {
    "crawl": crawl,
    "capture": capture,
    "import": take_in,
    "export": export,
    "verify": verify,
    "texts": texts,
    "purge": purge,
    "count-deletion": count_deletion,
    "save-test": save_test,
    "discard-test": discard_test,
    "notice": notice,
}
