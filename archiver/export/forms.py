"""What an export can be: the one list of its forms, for jobs, pages and programs."""

from __future__ import annotations

from enum import StrEnum

from archiver.errors import UsageError


class ExportForm(StrEnum):
    """What an export is.

    Attributes:
        suffix: what the names of its files end in.
        media_type: as what its files are sent.
        words: what it is, for people.
    """

    suffix: str
    media_type: str
    words: str

    def __new__(cls, name: str, suffix: str, media_type: str, words: str) -> ExportForm:
        """One form."""
        made = str.__new__(cls, name)
        made._value_ = name
        made.suffix, made.media_type, made.words = suffix, media_type, words
        return made

    WACZ = "wacz", ".wacz", "application/wacz", "WACZ: one package that ReplayWeb.page and others open"
    WARC = "warc", ".warc.gz", "application/warc", "WARC: the records, as one file"
    CDXJ = "cdxj", ".cdxj", "text/x-cdxj", "CDXJ: the index alone"
    CDX = "cdx", ".cdx", "text/x-cdx", "CDX: the index alone, as older tools read it"
    JSON = "json", ".json", "application/json", "JSON: what describes the collection, its seeds and rules"


def export_form(name: object) -> ExportForm:
    """A form by its name.

    Raises:
        UsageError: there is none of that name.
    """
    found = next((form for form in ExportForm if form.value == name), None)
    if found is None:
        raise UsageError(f"“{name}” is no form of an export.", f"There are {', '.join(ExportForm)}.")
    return found


def refuse_part(form: ExportForm, *, is_part: bool) -> None:
    """Refuse what describes a collection where only a part of it is wanted.

    Raises:
        UsageError: that is so.
    """
    if form is ExportForm.JSON and is_part:
        raise UsageError("What is known of a collection goes out as a whole.", "Leave the restrictions out.")
