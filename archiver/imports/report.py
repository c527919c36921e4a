"""What becomes of what is taken in: one value a file, and one a thing that was not indexed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from archiver.imports.recognise import Kind
from archiver.warc.importer import ImportReport, Unindexed

#: What has files in it that are told of one by one.
_OF_FILES = (Kind.FOLDER, Kind.WACZ, Kind.MULTI_WACZ)
#: Files that a sentence names.
_NAMED = 3

#: Of a file that is damaged from its beginning.
NOTHING_READ = "Nothing of it can be read: it is damaged or was cut off on its way. Get a whole copy and import that."

#: Told each thing that got no row, as it is met.
Tell = Callable[[Unindexed], None]


@dataclass
class Taken:
    """What became of one file, package or list.

    Attributes:
        source: path, URL, or package and name inside.
        kind: what it was found to be.
        stored_as: its name in the store; "" when it is not one file there.
        records: number of records by type; of lists, their entries or lines.
        captures: rows added to the index, or there already.
        not_indexed: reason → how many.
        damaged: places that could not be read.
        notes: what else there is to say, one sentence each.
        refused: why nothing of it was taken in; "" when something was.
        is_rest: an import that was cut short went on; the numbers are of what came after that.
    """

    source: str
    kind: Kind
    stored_as: str = ""
    records: Counter[str] = field(default_factory=Counter)
    captures: int = 0
    not_indexed: Counter[str] = field(default_factory=Counter)
    damaged: int = 0
    notes: list[str] = field(default_factory=list)
    refused: str = ""
    is_rest: bool = False

    @property
    def is_taken(self) -> bool:
        """It is a file, not a package or folder of files, and something of it was taken in, or is there already."""
        return not self.refused and self.kind not in _OF_FILES

    def skip(self, tell: Tell, offset: int, record_type: str, url: str, reason: str) -> None:
        """Note something that is not indexed."""
        self.not_indexed[reason] += 1
        tell(Unindexed(self.stored_as or self.source, offset, record_type, url, reason))

    def damage(self, tell: Tell, offset: int, reason: str) -> None:
        """Note a place that cannot be read."""
        self.damaged += 1
        tell(Unindexed(self.stored_as or self.source, offset, "", "", reason))


def captures_of(done: Iterable[Taken]) -> int:
    """Captures of all of them: those of a package or a folder are those of the files in it, which are told of too."""
    return sum(item.captures for item in done if item.kind not in _OF_FILES)


def taken(source: str, kind: Kind, report: ImportReport, notes: list[str] | None = None) -> Taken:
    """A WARC file's own report as one of these."""
    said = list(notes or [])
    if report.went_on_at:
        said.append(f"It went on at byte {report.went_on_at:,}, where an earlier import was cut short; this tells of the rest.")
    return Taken(
        source=source,
        kind=kind,
        stored_as=report.file,
        records=Counter(report.records),
        captures=report.indexed,
        not_indexed=Counter(report.skipped),
        damaged=len(report.bad) + report.unnamed_bad,
        notes=said,
        is_rest=bool(report.went_on_at),
    )


def why_nothing(done: Sequence[Taken]) -> str:
    """Why an import took nothing in, for people; "" when it took something in.

    Args:
        done: all that it has come by.
    """
    if any(item.is_taken or item.captures for item in done):
        return ""
    left = [item for item in done if item.refused]
    if not left:
        names = ", ".join(item.source for item in done if item.kind in _OF_FILES) or "what was given"
        return f"There is no web archive in {names}."
    said = "; ".join(f"{item.source}: {item.refused}" for item in left[:_NAMED])
    return said if len(left) <= _NAMED else f"{said} … and {len(left) - _NAMED:,} more."


def refused(source: str, kind: Kind, reason: str, tell: Tell) -> Taken:
    """A file of which nothing is taken in; that is told too."""
    tell(Unindexed(source, 0, "file", "", reason))
    return Taken(source, kind, refused=reason)
